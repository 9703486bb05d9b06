//! Decisions with their reasons.

use serde::{Deserialize, Serialize};

use crate::decision::{State, Verdict};
use crate::document::Location;
use crate::observation::Reason;
use crate::session::Surface;

/// A decision with its reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// What `decide` answers to the same facts.
    pub verdict: Verdict,
    /// The same in words: lower case, one line.
    pub summary: String,
    /// The rule that decided.
    pub rule: Option<Location>,
    /// Every source, in the order of the policy.
    pub sources: Vec<SourceReport>,
    /// How restrictions changed the decision, if they did.
    pub restriction_effect: Option<RestrictionEffect>,
    /// The one thing to do, where the verdict is a refusal or a question.
    pub fix: Option<Advice>,
    /// What should be known besides.
    pub warnings: Vec<Warning>,
}

/// One source, explained.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceReport {
    /// Which source.
    pub source: u32,
    /// Its status.
    pub status: SourceStatus,
    /// Why.
    pub reason: Reason,
    /// Its state.
    pub state: State,
    /// The same in words.
    pub text: String,
    /// The rule behind it.
    pub rule: Location,
}

/// The status of a source in a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SourceStatus {
    /// It is used, or will be once the next step succeeds.
    #[serde(alias = "wins")]
    Selected,
    /// The next step is about it, and may change which source is selected.
    Next,
    /// It is available; a source before it is selected.
    #[serde(alias = "outranked")]
    Shadowed,
    /// It stops the resolution.
    #[serde(alias = "stops")]
    Blocking,
    /// It failed and was skipped.
    #[serde(alias = "passed-over")]
    Skipped,
    /// It does not apply in this session.
    #[serde(alias = "not-counted")]
    NotApplicable,
    /// It is absent, not permitted, or declined.
    #[serde(alias = "out")]
    Unavailable,
    /// It was not looked at.
    Unknown,
}

/// A fix and how to say it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Advice {
    /// What would help.
    pub action: Fix,
    /// The same as a sentence with the thing to type.
    pub text: String,
}

/// What would help, as something that a program can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// Run the helper by hand and repair it.
    RepairHelper(u32),
    /// Repair a file, by its path.
    RepairFile(String),
    /// Start or unlock the keyring.
    UnlockKeyring,
    /// Check why the issuer of the source does not respond.
    CheckNetwork(u32),
    /// Let the embedder supply a credential.
    Supply(u32),
    /// Set up or renew the credentials of the source's provider.
    ProviderLogin(u32),
    /// Another kind of session would be served.
    OtherSurface(Surface),
    /// Only the author of this rule can help.
    ChangePolicy(Location),
}

/// Something that is not wrong and should be known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Warning {
    /// A stable code, such as `shadowed`.
    pub code: String,
    /// What it is, in one line.
    pub message: String,
    /// The rule that it is about.
    pub rule: Option<Location>,
}

/// How restrictions changed a decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestrictionEffect {
    /// The verdict without them, after the same observations.
    pub without: Verdict,
    /// The rule that made the difference.
    pub rule: Location,
    /// The same in words.
    pub text: String,
}
