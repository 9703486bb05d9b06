//! The machine code of the built-in engine, as the build script compiled it:
//! where it lies in this program, and how it is made executable. What comes
//! out is a component, ready to be linked. This is the one place that
//! believes bytes to be machine code.

use std::sync::Arc;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
use std::sync::atomic::Ordering;

use wasmtime::component::Component;

use super::config;
use super::error::Error;

/// Pages of their own, so that the code in them can be run where it lies.
#[repr(C, align(4096))]
struct Pages<T: ?Sized>(T);

static COMPILED: &Pages<[u8]> = &Pages(*include_bytes!(concat!(env!("OUT_DIR"), "/policy.cwasm")));

/// Loads the built-in engine.
#[expect(
    unsafe_code,
    reason = "the bytes are those that the build script compiled and nobody could change since"
)]
pub(super) fn load() -> Result<(wasmtime::Engine, Component), Error> {
    let mut config = config::config(cfg!(windows));
    let in_place = in_place();
    let copied = in_place.is_none();
    config.with_custom_code_memory(in_place);
    let runtime = wasmtime::Engine::new(&config).map_err(|_| Error::NotStarted)?;
    let code = &COMPILED.0;
    let component = if copied {
        // SAFETY: the bytes are the output of `Engine::precompile_component`
        // and part of this program.
        unsafe { Component::deserialize(&runtime, code) }
    } else {
        // SAFETY: as above; and a static outlives every component.
        unsafe { Component::deserialize_raw(&runtime, code.into()) }
    };
    Ok((runtime, component.map_err(|_| Error::NotStarted)?))
}

/// How to run the code where it lies, on the systems where that was tried:
/// not a page of it is copied, and processes share them. Elsewhere wasmtime
/// copies the code to pages that it makes itself.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn in_place() -> Option<Arc<dyn wasmtime::CustomCodeMemory>> {
    // The system's pages may be larger than those that the static is aligned
    // to, though not on this architecture.
    let fits = rustix::param::page_size() == align_of::<Pages<u8>>();
    // An address belongs to one component at a time.
    let free = fits && !linux::LENT.swap(true, Ordering::AcqRel);
    free.then(|| Arc::new(linux::InPlace) as _)
}

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
fn in_place() -> Option<Arc<dyn wasmtime::CustomCodeMemory>> {
    None
}

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod linux {
    use std::sync::atomic::{AtomicBool, Ordering};

    use rustix::mm::{MprotectFlags, mprotect};

    /// Whether a component runs where its code lies.
    pub(super) static LENT: AtomicBool = AtomicBool::new(false);

    /// Makes pages of this program executable, and leaves them so.
    #[derive(Debug)]
    pub(super) struct InPlace;

    impl wasmtime::CustomCodeMemory for InPlace {
        fn required_alignment(&self) -> usize {
            align_of::<super::Pages<u8>>()
        }

        #[expect(unsafe_code, reason = "a system call that takes an address")]
        fn publish_executable(&self, code: *const u8, length: usize) -> wasmtime::Result<()> {
            // SAFETY: wasmtime names the text of the component, which it
            // checked to be whole pages of `COMPILED`. They were readable and
            // never writable, and stay so.
            let made = unsafe {
                mprotect(
                    code.cast_mut().cast(),
                    length,
                    MprotectFlags::READ | MprotectFlags::EXEC,
                )
            };
            made.map_err(wasmtime::Error::new)
        }

        /// The pages stay as they are, and may serve the next component.
        fn unpublish_executable(&self, _: *const u8, _: usize) -> wasmtime::Result<()> {
            LENT.store(false, Ordering::Release);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second finds the pages in use and copies them; both must load.
    #[test]
    fn two_engines_at_a_time_load_and_another_after_them() {
        let first = load().unwrap();
        let second = load().unwrap();
        drop((first, second));
        load().unwrap();
    }
}
