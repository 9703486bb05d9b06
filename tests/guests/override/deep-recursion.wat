;; A function that calls itself, and has something to do afterwards.
(func $deeper (param i64) (result i64)
  (i64.add (call $deeper (i64.add (local.get 0) (i64.const 1))) (local.get 0)))
(func (export "keyrule:policy/chooser@0.2.0#choose")
  (param $settings i32) (param $told i32) (param $surface i32) (param $interactive i32) (param $list i32) (param $count i32)
  (result i32)
  (drop (call $deeper (i64.const 0)))
  (unreachable))
