//! A decision as a record: what was decided, by which documents, after what
//! was seen. What goes in is a decision with its reasons; what comes out is
//! one line of JSON that holds no secret, no value of any variable and nobody's
//! name, and that `policy replay` can put to another policy. Words are those
//! of `wit/policy.wit`; `policies/receipt.schema.json` is the published form.
//!
//! Left out on purpose, because they can hold a name or a value: the account,
//! where something was found, and the words about an outcome. Paths below the
//! home folder begin with `~`.
//!
//! Version 2 has other words than version 1 and says what redirects a source.
//! Version 1 is read as well: its words are aliases.

mod make;
mod read;

use serde::{Deserialize, Serialize};

use keyrule_contract as wit;
use keyrule_engine::word;

pub use make::Background;
pub use make::{action, reads};
pub use read::ParseError;

/// The version of the form; another one has another meaning.
pub const VERSION: u32 = 2;

/// The oldest version that is read.
pub const OLDEST: u32 = 1;

/// The longest line of a receipt, its line feed included, that is read and
/// written, in bytes.
pub const LONGEST: u64 = 1 << 20;

/// A decision as a record.
//
// What may be null has to be there all the same, as the schema says: serde
// would take what is missing for null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Receipt {
    /// [`VERSION`], or an earlier one where it was read.
    pub version: u32,
    /// When it was written: RFC 3339, UTC, whole seconds.
    pub time: String,
    /// The version of this library.
    pub keyrule: String,
    /// The command that asked, such as `token`; none where a program did.
    #[serde(deserialize_with = "Option::deserialize")]
    pub command: Option<String>,
    /// The policy's name.
    pub policy: String,
    /// The documents that made it, the policy first.
    pub documents: Vec<Document>,
    /// The SHA-256 of the component that decided.
    pub engine: String,
    /// The SHA-256 of the override, where the policy names one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub r#override: Option<String>,
    /// The session.
    pub session: Session,
    /// Where the policy keeps keys and logins.
    pub storage: Storage,
    /// The tool's own folder, where the policy names one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub folder: Option<Folder>,
    /// Every source, in the order of the policy.
    pub sources: Vec<Source>,
    /// The decision.
    pub verdict: Verdict,
    /// The rule that decided, as `path:line`.
    #[serde(deserialize_with = "Option::deserialize")]
    pub rule: Option<String>,
    /// The kind of fix, where something would help: `set-variable`.
    #[serde(deserialize_with = "read::fix")]
    pub fix: Option<String>,
    /// How many looks the decision took.
    pub looks: u32,
    /// How many fetches.
    #[serde(alias = "gets")]
    pub fetches: u32,
}

/// A document that made the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Document {
    /// Where it comes from.
    #[serde(with = "word", alias = "place")]
    pub origin: wit::DocumentOrigin,
    /// Its path, or `builtin:NAME.toml`.
    pub path: String,
    /// The SHA-256 of its text.
    pub sha256: String,
}

/// In which circumstances a credential was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Session {
    /// The kind of session.
    #[serde(with = "word")]
    pub surface: wit::Surface,
    /// Whether somebody was there to answer.
    pub interactive: bool,
}

/// Where a policy keeps keys and logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Storage {
    /// The one store; none for what is usual on the system.
    #[serde(with = "word::option")]
    pub store: Option<wit::StoreKind>,
    /// What takes its place where it cannot be used.
    #[serde(with = "word::option")]
    pub fallback: Option<wit::StoreKind>,
}

/// The tool's own folder, `{folder}` in what sources read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Folder {
    /// The variable that moves it.
    #[serde(deserialize_with = "Option::deserialize")]
    pub variable: Option<String>,
    /// Where it is otherwise.
    pub default: String,
}

/// A source and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Source {
    /// Its name in the policy.
    pub id: String,
    /// What it reads: the same for sources of two policies that read the
    /// same. What looks like a secret is masked, and so are the arguments of
    /// a helper; a SHA-256 then tells one from another.
    pub reads: String,
    /// Where the policy declares it, as `path:line`.
    #[serde(alias = "at")]
    pub location: String,
    /// The rule that made its state, as `path:line`.
    pub rule: String,
    /// Where it is sent.
    #[serde(deserialize_with = "Option::deserialize")]
    pub endpoint: Option<Endpoint>,
    /// Its state.
    #[serde(with = "word")]
    pub state: wit::State,
    /// Why.
    #[serde(with = "word")]
    pub reason: wit::Reason,
    /// Whether a consent can matter, so that it was recalled.
    #[serde(alias = "asks")]
    pub needs_consent: bool,
    /// What the user has said about it.
    #[serde(with = "word")]
    pub consent: wit::Consent,
    /// What a look brought, where there was one.
    #[serde(deserialize_with = "Option::deserialize")]
    pub look: Option<Observation>,
    /// What a fetch brought, where there was one.
    #[serde(deserialize_with = "Option::deserialize", alias = "get")]
    pub fetch: Option<Observation>,
}

/// Where a policy lets a source be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Endpoint {
    /// The origin of the default; none where it looks like a secret.
    #[serde(deserialize_with = "Option::deserialize")]
    pub default: Option<String>,
    /// The variable that it follows.
    #[serde(deserialize_with = "Option::deserialize")]
    pub variable: Option<String>,
}

/// What was seen of a source, as far as it holds no value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Observation {
    /// What came of it.
    pub outcome: Outcome,
    /// Who can write the settings file that it was found in.
    #[serde(with = "word::option")]
    pub tier: Option<wit::Tier>,
    /// Where it would be sent.
    pub destination: Destination,
    /// Variables that would send it, or what it is fetched with, elsewhere;
    /// none where version 1 did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirections: Option<Vec<Redirection>>,
    /// Seconds until it expires, negative when it had expired.
    #[serde(deserialize_with = "Option::deserialize")]
    pub expires_in: Option<i64>,
    /// Whether it can be refreshed when it has expired.
    #[serde(alias = "renewable")]
    pub refreshable: bool,
    /// The organisation that it belongs to.
    #[serde(deserialize_with = "Option::deserialize")]
    pub organization: Option<String>,
    /// Which store holds it.
    #[serde(with = "word::option", alias = "kept-in")]
    pub stored_in: Option<wit::StoreKind>,
}

/// What a look or a fetch brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing is there.
    Absent,
    /// It is empty or white space.
    Blank,
    /// A flag says no.
    Off,
    /// It is there.
    Present,
    /// It would run this very program again.
    Recursion,
    /// It is there and cannot be used.
    #[serde(alias = "trouble")]
    Failed(#[serde(with = "word")] wit::FailureKind),
}

/// A variable that would send a credential elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Redirection {
    /// The variable.
    pub name: String,
    /// Where it points.
    pub target: RedirectionTarget,
    /// Whether requests that carry the credential are sent there.
    pub carries: bool,
}

/// Where a variable would send a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RedirectionTarget {
    /// It does not hold a URL.
    Malformed,
    /// What it holds looks like a secret.
    Hidden,
    /// Scheme, host and port.
    Origin(String),
}

/// Where a credential would be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// The source's default.
    Default,
    /// What its variable says is no URL of an origin.
    Malformed,
    /// What its variable says looks like a secret.
    Hidden,
    /// What its variable says: scheme, host and port.
    Origin(String),
}

/// The decision: the next step, or the refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Verdict {
    /// What is to be done.
    pub step: Step,
    /// The source that it is about, or that caused a refusal, by its id.
    #[serde(deserialize_with = "Option::deserialize")]
    pub source: Option<String>,
    /// Why nothing is handed out.
    #[serde(with = "word::option")]
    pub refusal: Option<wit::Refusal>,
}

/// What is to be done. A credential was fetched where it says `use`; `status`
/// and `explain` stop before that, and say `fetch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// See whether the source is there.
    Look,
    /// Ask the user about it.
    Ask,
    /// Fetch the credential from it.
    #[serde(alias = "get")]
    Fetch,
    /// Hand out its credential.
    Use,
    /// Hand out nothing.
    Refuse,
    /// Ask the policy's override.
    Consult,
}

impl Receipt {
    /// The receipt as one line, with its end.
    ///
    /// # Errors
    ///
    /// Where it cannot be written as JSON, which is a bug.
    pub fn line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self).map(|line| line + "\n")
    }

    /// The source of this id.
    #[must_use]
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == id)
    }
}
