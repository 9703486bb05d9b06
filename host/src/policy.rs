//! Policy files: where they lie, which of them may be believed, and how what
//! is wrong with them is said. What goes in is a policy's name and the world
//! around; what comes out is every document of that name for the engine, and
//! a report on every place that was looked at. Nothing here knows what a
//! policy says: which document is the policy and which a restriction is the
//! engine's conclusion.

pub mod builtin;
mod error;
pub mod find;
pub mod ignored;
mod name;
pub(crate) mod project;
mod snapshot;

use std::path::PathBuf;

pub use keyrule_system::fs::FileError as Problem;
pub use keyrule_system::fs::{read, words};
pub(crate) use keyrule_system::text as mask;
pub use keyrule_system::text::{shown, typed};
pub use keyrule_system::trust;

use keyrule_contract::DocumentOrigin;

pub use error::{Error, Texts};
pub use error::{code, state};
pub use find::{Found, find};
pub use name::Name;
pub(crate) use project::project_root;

/// A place where a policy file can be, and what is there.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// What the engine would take it for.
    pub place: DocumentOrigin,
    /// Where.
    pub path: PathBuf,
    /// What is there.
    pub state: FileState,
}

/// What is where a policy file can be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// It was read.
    Read,
    /// Nothing is there.
    Absent,
    /// It is there and empty.
    Empty,
    /// It cannot be read: why.
    Unreadable(String),
    /// Somebody could have written it who must not be able to: who and what.
    Untrusted(String),
    /// It lies where policies do, and does not apply.
    NotCounted {
        /// Why.
        why: String,
        /// It is the kind of file that nobody takes for a policy, such as a
        /// README.
        expected: bool,
    },
}

impl FileState {
    /// The word of JSON, and what more there is to say.
    pub fn word(&self) -> (&'static str, Option<&str>) {
        match self {
            Self::Read => ("read", None),
            Self::Absent => ("absent", None),
            Self::Empty => ("empty", None),
            Self::Unreadable(why) => ("unreadable", Some(why)),
            Self::Untrusted(why) => ("untrusted", Some(why)),
            Self::NotCounted { why, .. } => ("not-applicable", Some(why)),
        }
    }
}
