;; One page more, for ever, whatever the answer is.
(func (export "keyrule:policy/chooser@0.2.0#choose")
  (param $settings i32) (param $told i32) (param $surface i32) (param $interactive i32) (param $list i32) (param $count i32)
  (result i32)
  (loop $again
    (drop (memory.grow (i32.const 1)))
    (br $again))
  (unreachable))
