;; The same look, over and over, and nothing learnt from it.
(func (export "keyrule:policy/engine@0.2.0#[method]policy.decide") (param i32 i32 i32 i32 i32) (result i32)
  (i32.store8 (i32.const 32) (i32.const 0))
  (i32.store (i32.const 36) (i32.const 1))
  (i32.const 32))
