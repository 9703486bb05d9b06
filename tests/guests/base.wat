;; What every guest here begins with, and what one answers that misbehaves
;; nowhere: a policy of two empty sources. A paragraph is left out where the
;; guest exports the same name itself; what neither exports traps.

(import "[export]keyrule:policy/engine@0.2.0" "[resource-new]policy"
  (func $new (param i32) (result i32)))

(memory (export "memory") 2)

;; Arguments go to the second page, one after the other.
(global $heap (mut i32) (i32.const 65536))
(func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
  (global.set $heap (i32.and (i32.add (global.get $heap) (i32.const 7)) (i32.const -8)))
  (global.get $heap)
  (global.set $heap (i32.add (global.get $heap) (local.get 3))))

;; The first byte says that it worked; the handle follows.
(func (export "keyrule:policy/engine@0.2.0#[static]policy.load")
  (param i32 i32 i32 i32) (result i32)
  (i32.store (i32.const 4) (call $new (i32.const 1)))
  (i32.const 0))

;; Two sources, all of whose bytes are zero.
(func (export "keyrule:policy/engine@0.2.0#[method]policy.sources") (param i32) (result i32)
  (i32.store (i32.const 16) (i32.const 1024))
  (i32.store (i32.const 20) (i32.const 2))
  (i32.const 16))

;; Whatever was seen, the source is ready.
(func (export "keyrule:policy/engine@0.2.0#[method]policy.observe") (param i32) (result i32)
  (i32.store8 (i32.const 512) (i32.const 3))
  (i32.const 512))
