;; Nothing is wrong with this one: it shows that the others are refused for
;; what they do and not for how they were made. It refuses, without a source.
(func (export "keyrule:policy/engine@0.2.0#[method]policy.decide") (param i32 i32 i32 i32 i32) (result i32)
  (i32.store8 (i32.const 32) (i32.const 4))
  (i32.store8 (i32.const 36) (i32.const 1))
  (i32.const 32))
