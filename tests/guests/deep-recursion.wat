;; A function that calls itself, and has something to do afterwards.
(func $deeper (param i64) (result i64)
  (i64.add (call $deeper (i64.add (local.get 0) (i64.const 1))) (local.get 0)))
(func (export "keyrule:policy/engine@0.2.0#[method]policy.decide") (param i32 i32 i32 i32 i32) (result i32)
  (drop (call $deeper (i64.const 0)))
  (unreachable))
