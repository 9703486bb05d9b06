//! A decision with its reasons, and what would help.

use crate::decision::{State, Surface, Verdict};
use crate::document::Location;
use crate::observation::Reason;
use serde::{Deserialize, Serialize};

/// How a source stands in a decision.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Standing {
    /// It is used, or would be once the next step succeeds.
    Wins,
    /// The next step is about it, and may change who wins.
    Next,
    /// It would be usable; a source before it wins.
    Outranked,
    /// It stops the resolution.
    Stops,
    /// It failed and was passed over.
    PassedOver,
    /// It does not count in this session.
    NotCounted,
    /// It is not there, or not permitted, or declined.
    Out,
    /// It was not looked at.
    Unknown,
}

/// One source, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Which source.
    pub source: u32,
    /// How it stands.
    pub standing: Standing,
    /// Why.
    pub reason: Reason,
    /// Its state.
    pub state: State,
    /// The same in words.
    pub text: String,
    /// The line of the rule that made it so.
    pub at: Location,
}

/// What would help, as something that a program can do.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Fix {
    /// Set an environment variable.
    SetVariable(String),
    /// Remove an environment variable.
    UnsetVariable(String),
    /// Approve the source.
    Approve(u32),
    /// Log in to the source.
    Login(u32),
    /// Store a key for the source.
    StoreKey(u32),
    /// Make the tool itself log in, by this command.
    ToolLogin(String),
    /// Name a helper in a settings file.
    ConfigureHelper(u32),
    /// Run the helper by hand and mend it.
    MendHelper(u32),
    /// Mend a file, by its path.
    MendFile(String),
    /// Start or unlock the keyring.
    MendKeyring,
    /// See why the issuer of the source does not answer.
    MendNetwork(u32),
    /// Let the embedder supply a credential.
    Supply(u32),
    /// Set up or renew the credentials of the source's provider.
    ProviderLogin(u32),
    /// Another kind of session would be served.
    OtherSurface(Surface),
    /// Only the author of this rule can help.
    ChangePolicy(Location),
}

/// A fix and how to say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// What would help.
    pub action: Fix,
    /// The same as a sentence with the thing to type.
    pub text: String,
}

/// Something that is not wrong and should be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable code, such as `shadowed`.
    pub code: String,
    /// What it is, in one line.
    pub message: String,
    /// The rule that it is about.
    pub at: Option<Location>,
}

/// What restrictions have changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// The verdict without them, after the same observations.
    pub without: Verdict,
    /// The rule that made the difference.
    pub at: Location,
    /// The same in words.
    pub text: String,
}

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What `decide` answers to the same facts.
    pub verdict: Verdict,
    /// The same in words: lower case, one line.
    pub summary: String,
    /// The rule that decided.
    pub at: Option<Location>,
    /// Every source, in the order of the policy.
    pub sources: Vec<Line>,
    /// What restrictions have changed, if they have.
    pub changed: Option<Changed>,
    /// The one thing to do, where the verdict is a refusal or a question.
    pub fix: Option<Advice>,
    /// What should be known besides.
    pub warnings: Vec<Warning>,
}
