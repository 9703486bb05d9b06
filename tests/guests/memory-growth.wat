;; One page more, for ever, whatever the answer is.
(func (export "keyrule:policy/engine@0.2.0#[static]policy.load") (param i32 i32 i32 i32) (result i32)
  (loop $again
    (drop (memory.grow (i32.const 1)))
    (br $again))
  (unreachable))
