//! How the engine's component is compiled and run: one configuration, shared
//! between the build script, which compiles ahead of time, and the process
//! that loads the result. Where the two differed, loading would fail.

use wasmtime::Config;

/// All the linear memory that a component may have, in bytes.
pub(crate) const MEMORY: usize = 64 << 20;

/// The stack that a component may use, in bytes.
pub(crate) const STACK: usize = 512 << 10;

/// The configuration, as far as both sides must agree.
pub(crate) fn config() -> Config {
    let mut config = Config::new();
    // Limits are counted, not timed: the same input exhausts them everywhere.
    config.consume_fuel(true);
    config.max_wasm_stack(STACK);
    // A component has as much address space as it may have memory; the
    // default of 4 GiB would not fit where `ulimit -v` is set.
    config.memory_reservation(MEMORY as u64);
    config.memory_reservation_for_growth(0);
    config.memory_guard_size(64 << 10);
    config.memory_may_move(false);
    // What a backtrace would need is not worth its size in the binary.
    config.generate_address_map(false);
    config.wasm_backtrace_max_frames(None);
    // Nothing runs concurrently, and no proposal is on that the compiler of
    // the guest does not use.
    config.concurrency_support(false);
    config.wasm_simd(false);
    config.wasm_relaxed_simd(false);
    config.wasm_tail_call(false);
    config.wasm_memory64(false);
    config.wasm_multi_memory(false);
    config
}
