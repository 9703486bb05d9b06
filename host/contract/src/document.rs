//! Documents and positions in them.

use serde::{Deserialize, Serialize};

/// Where a document comes from. The engine, not the host, concludes from it
/// which document is the policy and which are restrictions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DocumentOrigin {
    /// The policy that the host was built with.
    Builtin,
    /// The policy that the embedding program ships. It replaces `builtin`.
    Embedder,
    /// What one tool can follow, as this version knows it.
    ToolFile,
    /// The administrator's policy for this name, `NAME.toml`.
    Managed,
    /// One of the administrator's restrictions for this name, `NAME.d/*.toml`.
    ManagedRestriction,
    /// The administrator's additions to a tool file.
    ManagedToolFile,
    /// A managed policy of another name. Of these only `others` is read.
    ManagedOther,
    /// The user's file for this name: a policy where nothing is managed,
    /// else a restriction.
    User,
    /// One of the user's restrictions for this name.
    UserRestriction,
    /// A project's restriction for this name.
    Project,
    /// What the user chose among what is permitted.
    Choice,
}

/// One policy or restriction file, already found and trusted by the host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Where it comes from.
    pub origin: DocumentOrigin,
    /// What to call it in messages, usually its path.
    pub path: String,
    /// Its whole text.
    pub text: String,
}

/// A position in a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Location {
    /// The document's path, as it was given.
    pub path: String,
    /// Line, from 1. In bytes-independent terms: the count of line feeds.
    pub line: u32,
    /// Column, from 1, in characters.
    pub column: u32,
    /// Byte offset of the first byte.
    pub offset: u32,
    /// Length in bytes.
    pub length: u32,
}

/// How grave a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// The documents were rejected.
    Error,
    /// The documents were accepted.
    Warning,
}

/// What is wrong with a document, where, and what to do about it. Never
/// quotes a value from the document, only keys and words of the language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnostic {
    /// How grave it is.
    pub severity: Severity,
    /// A stable code, such as `unknown-key`.
    pub code: String,
    /// What is wrong: lower case, one line.
    pub message: String,
    /// Where.
    pub location: Location,
    /// The next thing to type or change.
    pub help: String,
}
