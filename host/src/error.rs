//! Every way in which a resolution can end without a credential. Each has a
//! stable code, an exit code, and a hint: the next thing to type.

use crate::engine;
use crate::policy;

/// Why there is no credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The policy files are not readable, trusted or valid: nothing is
    /// decided. Fix the file that is named.
    #[error(transparent)]
    Policy(#[from] policy::Error),
    /// The engine did not answer, or answered what it must not: nothing is
    /// decided. This is a bug in the engine or an exhausted limit.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The policy refuses, or nothing is usable.
    #[error("{}", .0.explanation.summary)]
    Refused(Box<crate::resolver::Explained>),
    /// The user did not answer the prompt.
    #[error("the prompt was cancelled: nothing was handed out, and nothing was remembered")]
    Cancelled,
}
