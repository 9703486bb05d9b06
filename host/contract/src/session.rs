//! The circumstances of a decision.

use serde::{Deserialize, Serialize};

/// The kind of session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surface {
    /// A command line, an editor extension, a CI job.
    Terminal,
    /// A desktop application.
    Desktop,
    /// A session on a machine that another party operates for the user.
    Remote,
    /// A session in a browser's sandbox.
    Web,
}

/// In which circumstances a credential is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The kind of session.
    pub surface: Surface,
    /// Whether a user can answer a question.
    pub interactive: bool,
}
