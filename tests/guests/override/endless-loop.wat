;; A choice that never comes.
(func (export "keyrule:policy/chooser@0.2.0#choose")
  (param $settings i32) (param $told i32) (param $surface i32) (param $interactive i32) (param $list i32) (param $count i32)
  (result i32)
  (loop $again (br $again))
  (unreachable))
