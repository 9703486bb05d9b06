//! Policies, described.

use serde::{Deserialize, Serialize};

use crate::document::{Diagnostic, Location};
use crate::login::Storage;
use crate::source::{Pair, Source};
use crate::tool::Tool;

/// A policy, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyInfo {
    /// Its name.
    pub name: String,
    /// What it says of itself.
    pub description: String,
    /// The tool it is for.
    pub tool: Tool,
    /// Where keys and logins are kept.
    pub storage: Storage,
    /// Every variable that `exec` clears for the child; a name that ends in
    /// `*` stands for all that begin so.
    pub cleared_variables: Vec<String>,
    /// Every variable that a helper does not see.
    pub hidden_variables: Vec<String>,
    /// The component that chooses, where the policy names one.
    pub override_component: Option<OverrideComponent>,
    /// Whether policies of names that are not managed are allowed, where it
    /// says so.
    pub allow_unmanaged: Option<bool>,
    /// The documents that made it, the policy first, restrictions after it.
    pub documents: Vec<String>,
    /// What is odd about them.
    pub warnings: Vec<Diagnostic>,
}

/// A component that chooses among the sources that count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideComponent {
    /// Its file: an absolute path, or one that begins with `~/` or is relative
    /// to the folder of the policy that names it.
    pub path: String,
    /// The SHA-256 of the file, in lower-case hexadecimal digits.
    pub sha256: String,
    /// What it is told when it is made.
    pub settings: Vec<Pair>,
    /// Where the policy names it.
    pub location: Location,
}

/// A likely mistake in a valid policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lint {
    /// A stable code, such as `lock-out`.
    pub code: String,
    /// What it is: lower case, one line.
    pub message: String,
    /// Why it matters.
    pub why: String,
    /// The next thing to change.
    pub help: String,
    /// Where.
    pub location: Location,
}

impl PolicyInfo {
    /// The name of a source of this policy among all sources: the name of the
    /// policy and its own.
    #[must_use]
    pub fn name_of(&self, source: &Source) -> String {
        format!("{}/{}", self.name, source.id)
    }
}
