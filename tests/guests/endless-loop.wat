;; A decision that never comes.
(func (export "keyrule:policy/engine@0.2.0#[method]policy.decide") (param i32 i32 i32 i32 i32) (result i32)
  (loop $again (br $again))
  (unreachable))
