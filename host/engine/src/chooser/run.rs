//! An override that is loaded, and what it is asked. What goes in are a
//! component's bytes and candidates; what comes out is the one that it chose,
//! in range, or what it did wrong. Every [`Chooser`] has an instance and a
//! memory of its own, so that nothing that an override learns in one
//! resolution is there in the next.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::Linker;
use wasmtime::{Store, Trap};

use super::super::limits::{Bounds, Exhausted, Limits};
use super::bindings::{self, PolicyOverride, PolicyOverridePre};
use super::compile::{self, STACK};
use super::{Candidate, Error, Problem, world};
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;

/// Steps for making an instance, and for each question.
/// An interpreter of JavaScript takes a few million for a few lines.
const FUEL: u64 = 1_000_000_000;

/// What one instance may use. A JavaScript engine has ten thousand functions
/// in its tables, and begins with some megabytes of memory.
const BOUNDS: Bounds = Bounds {
    memory: 128 << 20,
    elements: 100_000,
    count: 64,
};

/// An override, loaded. Cloning it is cheap.
#[derive(Clone)]
pub struct Override(Arc<Loaded>);

struct Loaded {
    component: wit::OverrideComponent,
    settings: Vec<bindings::Setting>,
    linked: PolicyOverridePre<Limits>,
}

impl fmt::Debug for Override {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Override")
            .field("path", &self.0.component.path)
            .finish_non_exhaustive()
    }
}

impl Override {
    /// Loads a component whose digest was compared.
    pub(super) fn new(
        component: &wit::OverrideComponent,
        bytes: &[u8],
        ambient: &Ambient,
    ) -> Result<Self, Problem> {
        let compiled = compile::load(bytes, ambient)?;
        let runtime = compiled.engine();
        if let Some((name, _)) = compiled.component_type().imports(runtime).next() {
            return Err(Problem::Imports {
                name: world::shortened(name),
            });
        }
        let linked = Linker::new(runtime)
            .instantiate_pre(&compiled)
            .map_err(|_| Problem::NotComponent)?;
        let settings = component.settings.iter();
        Ok(Self(Arc::new(Loaded {
            component: component.clone(),
            settings: settings
                .map(|setting| bindings::Setting {
                    name: setting.name.clone(),
                    text: setting.text.clone(),
                })
                .collect(),
            linked: PolicyOverridePre::new(linked).map_err(|_| Problem::WrongWorld)?,
        })))
    }

    /// A chooser that knows nothing of any other. Its instance is made by the
    /// first question.
    #[must_use]
    pub fn fresh(&self) -> Chooser {
        Chooser {
            override_: self.clone(),
            running: None,
        }
    }

    pub(super) fn error(&self, problem: Problem) -> Error {
        Error::new(&self.0.component, problem)
    }
}

/// What chooses in one resolution, or in one case of a table.
pub struct Chooser {
    override_: Override,
    running: Option<Running>,
}

/// An instance that answers.
struct Running {
    store: Store<Limits>,
    exports: PolicyOverride,
}

impl fmt::Debug for Chooser {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Chooser")
            .field("override_", &self.override_)
            .field("running", &self.running.is_some())
            .finish_non_exhaustive()
    }
}

impl Chooser {
    /// Chooses one of the candidates, by its place in the list, or none.
    ///
    /// # Errors
    ///
    /// Where the override does what it must not, or chooses what is not
    /// there.
    pub fn choose(
        &mut self,
        session: wit::Session,
        candidates: &[Candidate],
    ) -> Result<Option<u32>, Error> {
        self.ask(session, candidates)
            .map_err(|problem| self.override_.error(problem))
    }

    fn ask(
        &mut self,
        session: wit::Session,
        candidates: &[Candidate],
    ) -> Result<Option<u32>, Problem> {
        let running = match &mut self.running {
            Some(running) => running,
            None => self.running.insert(Running::start(&self.override_.0)?),
        };
        let chosen = running.choose(&self.override_.0.settings, session_of(session), candidates)?;
        let count = candidates.len();
        match chosen {
            Some(chosen) if usize::try_from(chosen).is_ok_and(|chosen| chosen < count) => {
                Ok(Some(chosen))
            }
            Some(chosen) => Err(Problem::OutOfRange { chosen, count }),
            None => Ok(None),
        }
    }
}

impl Running {
    fn start(of: &Loaded) -> Result<Self, Problem> {
        let failed = |error: wasmtime::Error| problem("instantiate", &error);
        let mut store = Limits::store_within(of.linked.engine(), BOUNDS);
        store.set_fuel(FUEL).map_err(failed)?;
        let exports = of.linked.instantiate(&mut store).map_err(|error| {
            match problem("instantiate", &error) {
                // The types of the exports are compared here.
                Problem::Misbehaved { .. } if is_of_the_system(&error) => Problem::NotStarted,
                Problem::Misbehaved { .. } => Problem::WrongWorld,
                other => other,
            }
        })?;
        Ok(Self { store, exports })
    }

    fn choose(
        &mut self,
        settings: &[bindings::Setting],
        session: bindings::Session,
        candidates: &[Candidate],
    ) -> Result<Option<u32>, Problem> {
        let failed = |error: wasmtime::Error| problem("choose", &error);
        let candidates: Vec<_> = candidates.iter().map(candidate_of).collect();
        self.store.set_fuel(FUEL).map_err(failed)?;
        self.exports
            .keyrule_policy_chooser()
            .call_choose(&mut self.store, settings, session, &candidates)
            .map_err(failed)
    }
}

/// What went wrong in a call.
#[cold]
fn problem(call: &'static str, error: &wasmtime::Error) -> Problem {
    match error.downcast_ref() {
        Some(Exhausted::Memory) => {
            return Problem::OutOfMemory {
                call,
                limit: BOUNDS.memory,
            };
        }
        Some(Exhausted::Tables) => {
            return Problem::OutOfTables {
                call,
                limit: BOUNDS.elements,
            };
        }
        None => {}
    }
    match error.downcast_ref::<Trap>() {
        Some(Trap::OutOfFuel) => Problem::OutOfFuel { call, limit: FUEL },
        Some(Trap::StackOverflow) => Problem::OutOfStack { call, limit: STACK },
        Some(trap) => Problem::Trapped {
            call,
            trap: trap.to_string(),
        },
        None => Problem::Misbehaved { call },
    }
}

/// Whether the system gave no memory, or no address space.
fn is_of_the_system(error: &wasmtime::Error) -> bool {
    error.chain().any(|cause| {
        #[cfg(unix)]
        if cause.is::<rustix::io::Errno>() {
            return true;
        }
        cause.is::<std::io::Error>()
    })
}

fn session_of(session: wit::Session) -> bindings::Session {
    bindings::Session {
        surface: match session.surface {
            wit::Surface::Terminal => bindings::Surface::Terminal,
            wit::Surface::Desktop => bindings::Surface::Desktop,
            wit::Surface::Remote => bindings::Surface::Remote,
            wit::Surface::Web => bindings::Surface::Web,
        },
        interactive: session.interactive,
    }
}

fn candidate_of(candidate: &Candidate) -> bindings::Candidate {
    bindings::Candidate {
        id: candidate.id.clone(),
        state: match candidate.state {
            // The engine has looked at every candidate before it asks.
            wit::State::Unknown | wit::State::Unavailable => bindings::State::Unavailable,
            wit::State::Forbidden => bindings::State::Forbidden,
            wit::State::Ready => bindings::State::Ready,
            wit::State::Fetched => bindings::State::Fetched,
            // With one that nothing may replace nobody is asked.
            wit::State::Failed | wit::State::Fatal => bindings::State::Failed,
        },
        consent: match candidate.consent {
            wit::Consent::Undecided => bindings::Consent::Undecided,
            wit::Consent::Approved => bindings::Consent::Approved,
            wit::Consent::Declined => bindings::Consent::Declined,
        },
    }
}
