;; The last candidate that is ready or fetched: what a candidate looks like is
;; twelve bytes, with its state in the ninth.
(func (export "keyrule:policy/chooser@0.2.0#choose")
  (param $settings i32) (param $told i32) (param $surface i32) (param $interactive i32) (param $list i32) (param $count i32)
  (result i32)
  (loop $again
    (if (i32.eqz (local.get $count)) (then
      (i32.store8 (i32.const 16) (i32.const 0))
      (return (i32.const 16))))
    (local.set $count (i32.sub (local.get $count) (i32.const 1)))
    (br_if $again (i32.ne (i32.const 2) (i32.and (i32.const 254)
      (i32.load8_u offset=8 (i32.add (local.get $list) (i32.mul (local.get $count) (i32.const 12))))))))
  (call $answer (local.get $count)))
