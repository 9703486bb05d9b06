;; Always the first candidate, whatever is known of it.
(func (export "keyrule:policy/chooser@0.2.0#choose")
  (param $settings i32) (param $told i32) (param $surface i32) (param $interactive i32) (param $list i32) (param $count i32)
  (result i32)
  (call $answer (i32.const 0)))
