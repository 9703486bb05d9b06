;; A choice that never comes.
(func (export "keyrule:policy/chooser@0.1.0#[method]chooser.choose")
  (param $self i32) (param $surface i32) (param $interactive i32) (param $list i32) (param $count i32)
  (result i32)
  (loop $again (br $again))
  (unreachable))
