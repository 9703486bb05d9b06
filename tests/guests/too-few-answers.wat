;; No verdict for any case, and an explanation without a line.
(func (export "keyrule:policy/engine@0.2.0#[method]policy.decide-batch") (param i32 i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 32) (i32.const 1024))
  (i32.store (i32.const 36) (i32.const 0))
  (i32.const 32))
(func (export "keyrule:policy/engine@0.2.0#[method]policy.explain") (param i32 i32 i32 i32 i32) (result i32)
  (i32.const 1024))
