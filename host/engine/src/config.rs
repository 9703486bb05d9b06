//! How the engine's component is compiled and run: one configuration, shared
//! between the build script, which compiles ahead of time, and the process
//! that loads the result. Where the two differed, loading would fail.

use wasmtime::Config;

/// The stack that a component may use, in bytes.
pub(crate) const STACK: usize = 512 << 10;

/// The configuration, as far as both sides must agree, for a target that is
/// Windows or not.
pub(crate) fn config(windows: bool) -> Config {
    let mut config = Config::new();
    // Limits are counted, not timed: the same input exhausts them everywhere.
    config.consume_fuel(true);
    config.max_wasm_stack(STACK);
    // Address space is reserved for all that 32 bits can name, not memory:
    // then the processor checks bounds, and the code is a fifth smaller. The
    // memory itself is bounded in `limits`.
    config.memory_reservation(4 << 30);
    config.memory_reservation_for_growth(0);
    config.memory_guard_size(32 << 20);
    config.memory_may_move(false);
    // What a backtrace would need is not worth its size in the binary.
    config.generate_address_map(false);
    config.wasm_backtrace_max_frames(None);
    // Windows unwinds by it.
    config.native_unwind_info(windows);
    // A copy of a few pages costs less than a file to map them from.
    config.memory_init_cow(false);
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
