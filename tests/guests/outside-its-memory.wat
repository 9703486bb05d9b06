;; A list of sources that lies beyond the end of the memory.
(func (export "keyrule:policy/engine@0.2.0#[method]policy.sources") (param i32) (result i32)
  (i32.store (i32.const 16) (i32.const -1024))
  (i32.store (i32.const 20) (i32.const 2))
  (i32.const 16))
