//! Machine code for overrides. What goes in are a component's bytes, whose
//! digest was compared, and the world around; what comes out is the component,
//! ready to be linked: from the cache, or compiled here and now. The one place
//! besides the engine's own image that believes bytes to be machine code.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::OnceLock;

use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use super::cache::Cache;
use super::{Problem, file, world};
use keyrule_system::environment::Ambient;

/// The stack that an override may use, in bytes: twice the engine's, because
/// an interpreter of another language runs in it.
pub(super) const STACK: usize = 1 << 20;

/// Loads a component whose digest was compared.
pub(super) fn load(bytes: &[u8], ambient: &Ambient) -> Result<Component, Problem> {
    let runtime = runtime()?;
    let cache = Cache::of_this_user(ambient)?;
    let name = format!("{}-{}.cwasm", file::digest(bytes), version(&runtime));
    if let Some(cache) = &cache
        && let Some(code) = cache.read(&name)?
        && let Some(component) = believe(&runtime, &code)
    {
        tracing::debug!("the override was compiled before");
        return Ok(component);
    }
    world::check(bytes)?;
    let component = Component::from_binary(&runtime, bytes).map_err(|error| {
        // It can quote the component, so it is for the log alone.
        tracing::debug!(
            error = format!("{error:#}"),
            "the override cannot be compiled"
        );
        Problem::NotComponent
    })?;
    if let Some(cache) = cache
        && let Ok(code) = component.serialize()
    {
        cache.write(&name, &code);
    }
    Ok(component)
}

/// Takes what another run compiled.
#[expect(
    unsafe_code,
    reason = "a second exception beside the engine's image: an override is compiled once and not \
              by each process, which for a JavaScript engine takes seconds. The bytes come from \
              `Cache`, which gives only what this user alone could have written and what has its \
              checksum; wasmtime refuses what another version or configuration compiled"
)]
fn believe(runtime: &Engine, code: &[u8]) -> Option<Component> {
    // SAFETY: the output of `Component::serialize`, unchanged, as the reason
    // above says.
    unsafe { Component::deserialize(runtime, code) }.ok()
}

/// One for the process, so that its address space is reserved once.
fn runtime() -> Result<Engine, Problem> {
    static RUNTIME: OnceLock<Option<Engine>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| Engine::new(&config()).ok())
        .clone()
        .ok_or(Problem::NotStarted)
}

/// What the engine's own component is run with, except where a component of
/// another compiler needs more, or can be started faster.
fn config() -> Config {
    let mut config = Config::new();
    config.consume_fuel(true);
    config.max_wasm_stack(STACK);
    // As for the engine: the processor checks bounds.
    config.memory_reservation(4 << 30);
    config.memory_reservation_for_growth(0);
    config.memory_guard_size(32 << 20);
    config.memory_may_move(false);
    config.generate_address_map(false);
    config.wasm_backtrace_max_frames(None);
    config.native_unwind_info(cfg!(windows));
    // A fresh instance shares the pages that it does not write with the ones
    // before: a JavaScript engine begins with megabytes of them.
    config.memory_init_cow(true);
    config.concurrency_support(false);
    // What gives other results on other processors is off, so that an override
    // chooses the same everywhere.
    config.wasm_relaxed_simd(false);
    config.cranelift_nan_canonicalization(true);
    // Code that was linked at run time, as that of JavaScript engines, computes
    // where its parts lie.
    config.wasm_extended_const(true);
    config.wasm_tail_call(false);
    config.wasm_memory64(false);
    config.wasm_multi_memory(false);
    config
}

/// What the machine code depends on besides the component: the compiler and
/// its settings, and this processor.
fn version(runtime: &Engine) -> String {
    let mut hasher = DefaultHasher::new();
    runtime.precompile_compatibility_hash().hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
