//! What can be wrong with an override: with its file, with what is in it, and
//! with what it answers. In every case nothing is decided. Nothing that the
//! component wrote is quoted, except the name of an import.

use std::path::PathBuf;

use keyrule_contract as wit;
use keyrule_contract::ErrorKind;
use keyrule_system::text::printable;

/// Why an override gave no choice.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the override `{}` {problem}", printable(.path))]
pub struct Error {
    /// The file, as the policy names it.
    pub path: String,
    /// The document and line that name it.
    pub named_at: String,
    /// What is wrong.
    pub problem: Problem,
}

impl Error {
    /// What is wrong with the override that this names.
    pub fn new(component: &wit::OverrideComponent, problem: Problem) -> Self {
        Self {
            path: component.path.clone(),
            named_at: format!(
                "{}:{}",
                printable(&component.location.path),
                component.location.line
            ),
            problem,
        }
    }

    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.problem.code()
    }

    /// What kind of end it is: it cannot be taken, or it does or answers what
    /// it must not.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.problem.kind()
    }

    /// The next thing to type or change.
    #[must_use]
    pub fn hint(&self) -> String {
        let named = &self.named_at;
        let path = printable(&self.path);
        match &self.problem {
            Problem::Missing | Problem::NotAFile(_) => {
                format!("put the component there, or change `path` in {named}")
            }
            Problem::NotHandedIn => "hand it in with `Builder::override_component`".to_owned(),
            Problem::Unreadable(_) => {
                format!("make it readable for yourself, see `ls -l {path}`, or change {named}")
            }
            Problem::NoHome | Problem::NoFolder => {
                format!("write an absolute `path` in {named}")
            }
            Problem::Digest { is } => format!(
                "find out who changed it; where the change is meant, write `sha256 = \"{is}\"` \
                 in {named}"
            ),
            Problem::CoreModule => format!(
                "make a component of it: `keyrule engine build {path}`, and name that in {named}"
            ),
            Problem::TooLarge
            | Problem::NotWasm
            | Problem::NotComponent
            | Problem::Imports { .. }
            | Problem::WrongWorld => {
                format!("see what it is with `keyrule engine inspect {path}`, or change {named}")
            }
            Problem::CacheUntrusted { mend, .. } => mend.clone(),
            Problem::NotBuiltIn => format!(
                "use a keyrule that was built with the feature `overrides`, or remove \
                 `[override]` from {named}"
            ),
            Problem::NotStarted => "see `ulimit -v`".to_owned(),
            Problem::OutOfFuel { .. }
            | Problem::OutOfMemory { .. }
            | Problem::OutOfTables { .. }
            | Problem::OutOfStack { .. }
            | Problem::Trapped { .. }
            | Problem::Misbehaved { .. }
            | Problem::OutOfRange { .. }
            | Problem::ChoseFailed { .. } => {
                format!("its author has to mend it; until then remove `[override]` from {named}")
            }
        }
    }
}

/// What is wrong with an override.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Nothing is there.
    #[error("is not there")]
    Missing,
    /// A hermetic resolver reads no file, and was handed no component.
    #[error("was not handed in, and a hermetic resolver reads no file")]
    NotHandedIn,
    /// The system does not let us read it: the system's words.
    #[error("cannot be read: {0}")]
    Unreadable(String),
    /// It is a folder, a pipe, a device.
    #[error("is {0}")]
    NotAFile(&'static str),
    /// It is larger than is read.
    #[error("is larger than 64 MiB")]
    TooLarge,
    /// Its path begins in the user's home, and there is none.
    #[error("lies in the home folder, which is not known")]
    NoHome,
    /// Its path is relative, and the policy lies in no folder.
    #[error("is named by a relative path, and the policy lies in no folder")]
    NoFolder,
    /// It is another file than the policy means.
    #[error("is not the one that the policy means: its SHA-256 is {is}")]
    Digest {
        /// Its digest.
        is: String,
    },
    /// It is not WebAssembly.
    #[error("is not WebAssembly")]
    NotWasm,
    /// It is a module, of which a component could be made.
    #[error("is a core module and not a component")]
    CoreModule,
    /// It is damaged, or needs what is switched off.
    #[error("is not a component that can be run here")]
    NotComponent,
    /// It wants something from its host, which could be a way out.
    #[error("imports `{name}`, and an override imports nothing")]
    Imports {
        /// The first import.
        name: String,
    },
    /// It is a component of another kind or version.
    #[error("does not export `keyrule:policy/chooser@0.2.0` as this host knows it")]
    WrongWorld,
    /// Somebody else could have put machine code there.
    #[error("was not loaded, because the cache of compiled code is not trusted: `{}` {why}", .culprit.display())]
    CacheUntrusted {
        /// The file or folder that is to blame.
        culprit: PathBuf,
        /// Who could.
        why: String,
        /// What would mend it.
        mend: String,
    },
    /// This build cannot compile components.
    #[error("cannot be run: this build is without the feature `overrides`")]
    NotBuiltIn,
    /// The runtime could not be started on this machine.
    #[error(
        "could not be started: the system gives it no memory, or no address space (it reserves 4 GiB)"
    )]
    NotStarted,
    /// It would not come to an end.
    #[error("ran out of fuel in `{call}`: {limit} steps are allowed")]
    OutOfFuel {
        /// The function that was called.
        call: &'static str,
        /// How many steps it had.
        limit: u64,
    },
    /// It wanted more memory than it may have.
    #[error("ran out of memory in `{call}`: {limit} bytes are allowed")]
    OutOfMemory {
        /// The function that was called.
        call: &'static str,
        /// How much it may have.
        limit: usize,
    },
    /// It wanted more tables, or larger ones, than it may have.
    #[error("ran out of tables in `{call}`: {limit} elements are allowed")]
    OutOfTables {
        /// The function that was called.
        call: &'static str,
        /// How many elements it may have.
        limit: usize,
    },
    /// It called itself too deeply.
    #[error("ran out of stack in `{call}`: {limit} bytes are allowed")]
    OutOfStack {
        /// The function that was called.
        call: &'static str,
        /// How much it may have.
        limit: usize,
    },
    /// It stopped itself, or did what no program may.
    #[error("trapped in `{call}`: {trap}")]
    Trapped {
        /// The function that was called.
        call: &'static str,
        /// The runtime's word for it.
        trap: String,
    },
    /// Its answer cannot be read as what the contract says.
    #[error("misbehaved in `{call}`: its answer is not of the contract's types")]
    Misbehaved {
        /// The function that was called.
        call: &'static str,
    },
    /// It chose what is not there.
    #[error("chose candidate {chosen} of {count}")]
    OutOfRange {
        /// The candidate, from 0.
        chosen: u32,
        /// How many there were.
        count: usize,
    },
    /// It chose a source that had failed before it was asked.
    #[error("chose `{id}`, which had failed before")]
    ChoseFailed {
        /// The source's name in the policy.
        id: String,
    },
}

impl Problem {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing | Self::NotHandedIn => "override-missing",
            Self::Unreadable(_) => "override-unreadable",
            Self::NotAFile(_) => "override-not-a-file",
            Self::TooLarge => "override-too-large",
            Self::NoHome | Self::NoFolder => "override-no-path",
            Self::Digest { .. } => "override-digest",
            Self::NotWasm | Self::CoreModule | Self::NotComponent => "override-not-a-component",
            Self::Imports { .. } => "override-imports",
            Self::WrongWorld => "override-wrong-world",
            Self::CacheUntrusted { .. } => "override-cache-untrusted",
            Self::NotBuiltIn => "override-not-built-in",
            Self::NotStarted => "override-not-started",
            Self::OutOfFuel { .. } => "override-out-of-fuel",
            Self::OutOfMemory { .. } => "override-out-of-memory",
            Self::OutOfTables { .. } => "override-out-of-tables",
            Self::OutOfStack { .. } => "override-out-of-stack",
            Self::Trapped { .. } => "override-trapped",
            Self::Misbehaved { .. } => "override-misbehaved",
            Self::OutOfRange { .. } => "override-out-of-range",
            Self::ChoseFailed { .. } => "override-chose-failed",
        }
    }

    /// What kind of end it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Missing
            | Self::NotHandedIn
            | Self::Unreadable(_)
            | Self::NotAFile(_)
            | Self::TooLarge
            | Self::NoHome
            | Self::NoFolder
            | Self::Digest { .. }
            | Self::NotWasm
            | Self::CoreModule
            | Self::NotComponent
            | Self::Imports { .. }
            | Self::WrongWorld
            | Self::CacheUntrusted { .. }
            | Self::NotBuiltIn
            | Self::NotStarted => ErrorKind::Policy,
            Self::OutOfFuel { .. }
            | Self::OutOfMemory { .. }
            | Self::OutOfTables { .. }
            | Self::OutOfStack { .. }
            | Self::Trapped { .. }
            | Self::Misbehaved { .. }
            | Self::OutOfRange { .. }
            | Self::ChoseFailed { .. } => ErrorKind::Refused,
        }
    }
}
