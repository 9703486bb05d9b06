//! A policy, described: its tool, its storage, its documents.

use crate::document::{Diagnostic, Location};
use crate::source::{Pair, Source};
use serde::{Deserialize, Serialize};

/// A file path for each system. It may begin with `~/` (the user's home),
/// `{folder}/` (the tool's own folder) or `{project}/` (the project's root).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paths {
    /// On Linux and other Unix systems.
    pub linux: String,
    /// On macOS.
    pub macos: String,
    /// On Windows.
    pub windows: String,
}

/// Who can write a settings file.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tier {
    /// The administrator; the host checks that nobody else can.
    Managed,
    /// The user.
    User,
    /// Whoever wrote the project.
    Project,
}

/// A JSON settings file of the tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsFile {
    /// What the policy calls it.
    pub name: String,
    /// Who can write it.
    pub tier: Tier,
    /// The file.
    pub path: Paths,
    /// A folder of `*.json` files that go before it, the last name first.
    pub folder: Option<Paths>,
}

/// A folder that a variable can move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// The variable that moves it, which must then hold an absolute path.
    pub variable: Option<String>,
    /// Where it is otherwise.
    pub default: Paths,
}

/// The tool that the policy is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name, for messages.
    pub name: Option<String>,
    /// Its own folder, `{folder}` in paths.
    pub folder: Option<Folder>,
    /// Its settings files.
    pub settings: Vec<SettingsFile>,
}

/// A place that keeps keys and logins.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum StoreKind {
    /// The keyring of the system.
    Keyring,
    /// A file that only its owner can read.
    File,
}

/// Where keys and logins are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// The one store; where there is none, what is usual on the system: the
    /// keyring on macOS, the file elsewhere.
    pub store: Option<StoreKind>,
    /// What takes its place where it cannot be used; without one nothing does.
    pub fallback: Option<StoreKind>,
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
    pub at: Location,
}

/// A policy, described.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
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
    pub clears: Vec<String>,
    /// Every variable that a helper does not see.
    pub hides: Vec<String>,
    /// The component that chooses, where the policy names one.
    pub override_: Option<OverrideComponent>,
    /// What it says of policies of names that nobody manages: whether they
    /// are allowed.
    pub others: Option<bool>,
    /// The documents that made it, the policy first, restrictions after it.
    pub documents: Vec<String>,
    /// What is odd about them.
    pub warnings: Vec<Diagnostic>,
}

impl About {
    /// What a source of this policy is called among all sources: the name of
    /// the policy and its own.
    #[must_use]
    pub fn name_of(&self, source: &Source) -> String {
        format!("{}/{}", self.name, source.id)
    }
}
