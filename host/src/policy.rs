//! To be written.

use std::path::PathBuf;

/// To be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {}

/// A place where a policy file can be, and what is there.
#[derive(Debug, Clone)]
pub struct FileReport {
    /// What the engine would take it for.
    pub place: crate::engine::bindings::Place,
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
}
