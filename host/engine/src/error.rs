//! What a component can do wrong, in words of our own: nothing that the
//! component wrote is quoted, except the name of an import.

use super::chooser;
use keyrule_contract as wit;
use keyrule_contract::ErrorKind;

/// Why the engine gave no answer. Nothing is decided; it is a bug in the
/// component, or a limit that it exhausted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// These bytes are no component, or one that needs what is switched off.
    #[error("not a component that this engine can run")]
    NotComponent,
    /// It wants something from its host, which could be a way out.
    #[error("the component imports `{name}`; a policy engine imports nothing")]
    Imports {
        /// The first import.
        name: String,
    },
    /// It is a component of another kind or version.
    #[error("the component does not export `keyrule:policy/engine@0.2.0` as this host knows it")]
    WrongWorld,
    /// It would not come to an end.
    #[error("the engine ran out of fuel in `{call}`: {limit} steps are allowed")]
    OutOfFuel {
        /// The function that was called.
        call: &'static str,
        /// How many steps it had.
        limit: u64,
    },
    /// It wanted more memory than it may have.
    #[error("the engine ran out of memory in `{call}`: {limit} bytes are allowed")]
    OutOfMemory {
        /// The function that was called.
        call: &'static str,
        /// How much it may have.
        limit: usize,
    },
    /// It wanted more tables, or larger ones, than it may have.
    #[error("the engine ran out of tables in `{call}`: {limit} elements are allowed")]
    OutOfTables {
        /// The function that was called.
        call: &'static str,
        /// How many elements it may have.
        limit: usize,
    },
    /// It called itself too deeply.
    #[error("the engine ran out of stack in `{call}`: {limit} bytes are allowed")]
    OutOfStack {
        /// The function that was called.
        call: &'static str,
        /// How much it may have.
        limit: usize,
    },
    /// It stopped itself, or did what no program may.
    #[error("the engine trapped in `{call}`: {trap}")]
    Trapped {
        /// The function that was called.
        call: &'static str,
        /// The runtime's word for it.
        trap: String,
    },
    /// It answered, and the answer cannot be true.
    #[error("the engine misbehaved in `{call}`: {what}")]
    Misbehaved {
        /// The function that was called.
        call: &'static str,
        /// What was wrong with the answer.
        what: Misbehaviour,
    },
    /// The runtime could not be started on this machine.
    #[error(
        "the engine could not be started: the system gives it no memory, or no address space (it reserves 4 GiB; see `ulimit -v`)"
    )]
    NotStarted,
    /// The policy's override cannot be taken, or answered what it must not.
    #[error(transparent)]
    Override(#[from] Box<chooser::Error>),
}

impl From<chooser::Error> for Error {
    fn from(error: chooser::Error) -> Self {
        Self::Override(Box::new(error))
    }
}

impl Error {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotComponent => "engine-not-a-component",
            Self::Imports { .. } => "engine-imports",
            Self::WrongWorld => "engine-wrong-world",
            Self::OutOfFuel { .. } => "engine-out-of-fuel",
            Self::OutOfMemory { .. } => "engine-out-of-memory",
            Self::OutOfTables { .. } => "engine-out-of-tables",
            Self::OutOfStack { .. } => "engine-out-of-stack",
            Self::Trapped { .. } => "engine-trapped",
            Self::Misbehaved { .. } => "engine-misbehaved",
            Self::NotStarted => "engine-not-started",
            Self::Override(error) => error.code(),
        }
    }

    /// What kind of end it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Override(error) => error.kind(),
            _ => ErrorKind::Failed,
        }
    }

    /// The next thing to type or to change, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Override(error) => Some(error.hint()),
            _ => None,
        }
    }
}

/// What was wrong with an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// It cannot be read as what the contract says.
    #[error("its answer is not of the contract's types, or too long")]
    NotOfType,
    /// It names a source that the policy does not have.
    #[error("it names source {index} of {count}")]
    NoSuchSource {
        /// The source, from 0.
        index: u32,
        /// How many there are.
        count: usize,
    },
    /// It names a step that was already carried out.
    #[error("it repeats the {step} source {index}")]
    Repeated {
        /// The step.
        step: &'static str,
        /// The source, from 0.
        index: u32,
    },
    /// It names a step that what is known of the source does not allow.
    #[error("it wants to {step} source {index}, which {because}")]
    NotPossible {
        /// The step.
        step: &'static str,
        /// The source, from 0.
        index: u32,
        /// What stands against it.
        because: &'static str,
    },
    /// It concludes from an observation what the observation excludes.
    #[error("it takes source {index} for {state}, which was {seen}")]
    NotSeen {
        /// The source, from 0.
        index: u32,
        /// What it concludes.
        state: &'static str,
        /// What was seen.
        seen: &'static str,
    },
    /// It wants an override to choose, and the policy names none.
    #[error("it consults an override, and none was loaded")]
    NobodyToConsult,
    /// It has more or fewer answers than there were questions.
    #[error("it gives {given} answers where {asked} were asked for")]
    WrongLength {
        /// How many there are.
        given: usize,
        /// How many there must be.
        asked: usize,
    },
}

/// Why a policy could not be loaded.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// The documents are not a policy. Every reason is there, with its place.
    #[error("the policy was rejected")]
    Rejected(Vec<wit::Diagnostic>),
    /// The engine did not answer properly.
    #[error(transparent)]
    Engine(#[from] Error),
}
