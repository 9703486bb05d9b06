;; A table that grows without an end.
(table $table 0 funcref)
(func (export "keyrule:policy/engine@0.2.0#[static]policy.load") (param i32 i32 i32 i32) (result i32)
  (loop $again
    (drop (table.grow $table (ref.null func) (i32.const 100)))
    (br $again))
  (unreachable))
