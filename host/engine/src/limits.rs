//! How much a component may use, in numbers that are the same everywhere:
//! steps, memory, tables, stack, and the size of its answers. What goes in is
//! a request for more, and what comes out is a yes or the end of the call.

use wasmtime::{ResourceLimiter, Store, Trap};

use super::config::STACK;
use super::error::{Error, Misbehaviour};

/// Steps for reading documents, and for making an instance.
pub(super) const LOAD_FUEL: u64 = 1_000_000_000;
/// Steps for every other call.
pub(super) const CALL_FUEL: u64 = 100_000_000;

/// Bytes of linear memory that a component may have.
const MEMORY: usize = 64 << 20;
/// Elements that all tables together may have.
const TABLES: usize = 10_000;
/// Bytes that one answer may have on our side. A component could otherwise
/// name the same megabyte a thousand times.
const ANSWER: usize = 16 << 20;
/// Handles that a component may make; it needs one.
const HANDLES: usize = 16;

/// How much one instance may have.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Bytes of linear memory.
    pub memory: usize,
    /// Elements that all tables together may have.
    pub elements: usize,
    /// Instances, tables and memories, of each.
    pub count: usize,
}

/// What the engine may have.
const ENGINE: Bounds = Bounds {
    memory: MEMORY,
    elements: TABLES,
    count: 16,
};

/// What a component has used so far, and how much it may.
#[derive(Debug)]
pub(super) struct Limits {
    memory: usize,
    tables: usize,
    bounds: Bounds,
}

/// Ends a call that wants too much. A component that was only told no could
/// go on as if nothing had happened.
#[derive(Debug, thiserror::Error)]
#[error("a limit is exhausted")]
pub(super) enum Exhausted {
    Memory,
    Tables,
}

impl Limits {
    /// An empty store under the limits of the engine.
    pub(super) fn store(engine: &wasmtime::Engine) -> Store<Self> {
        Self::store_within(engine, ENGINE)
    }

    /// An empty store under other ones.
    pub(super) fn store_within(engine: &wasmtime::Engine, bounds: Bounds) -> Store<Self> {
        let limits = Self {
            memory: 0,
            tables: 0,
            bounds,
        };
        let mut store = Store::new(engine, limits);
        store.limiter(|limits| limits);
        store.set_hostcall_fuel(ANSWER);
        store.set_max_component_handles(HANDLES);
        store
    }
}

/// Counts what is asked for, over all memories or tables together.
fn grow(total: &mut usize, more: usize, limit: usize, end: Exhausted) -> wasmtime::Result<bool> {
    *total = total.saturating_add(more);
    if *total > limit {
        return Err(end.into());
    }
    Ok(true)
}

impl ResourceLimiter for Limits {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        grow(
            &mut self.memory,
            desired.saturating_sub(current),
            self.bounds.memory,
            Exhausted::Memory,
        )
    }

    fn table_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        grow(
            &mut self.tables,
            desired.saturating_sub(current),
            self.bounds.elements,
            Exhausted::Tables,
        )
    }

    fn instances(&self) -> usize {
        self.bounds.count
    }

    fn tables(&self) -> usize {
        self.bounds.count
    }

    fn memories(&self) -> usize {
        self.bounds.count
    }
}

/// What went wrong in a call.
#[cold]
pub(super) fn of_call(call: &'static str, fuel: u64, error: &wasmtime::Error) -> Error {
    match error.downcast_ref() {
        Some(Exhausted::Memory) => {
            return Error::OutOfMemory {
                call,
                limit: MEMORY,
            };
        }
        Some(Exhausted::Tables) => {
            return Error::OutOfTables {
                call,
                limit: TABLES,
            };
        }
        None => {}
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Error::OutOfFuel { call, limit: fuel },
        Some(Trap::StackOverflow) => Error::OutOfStack { call, limit: STACK },
        Some(trap) => Error::Trapped {
            call,
            trap: trap.to_string(),
        },
        // The runtime could not read the answer, or the component did not
        // take what it was to be given.
        None => Error::Misbehaved {
            call,
            what: Misbehaviour::NotOfType,
        },
    }
}
