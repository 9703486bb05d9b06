;; A look at the first source, and then the claim that it was got.
(func (export "keyrule:policy/engine@0.2.0#[method]policy.decide") (param i32 i32 i32 i32 i32) (result i32)
  (i32.store8 (i32.const 32) (i32.const 0))
  (i32.store (i32.const 36) (i32.const 0))
  (i32.const 32))
(func (export "keyrule:policy/engine@0.2.0#[method]policy.observe") (param i32) (result i32)
  (i32.store8 (i32.const 512) (i32.const 4))
  (i32.const 512))
