//! What was seen of a source, and what it means.

use serde::{Deserialize, Serialize};

use crate::decision::State;
use crate::document::Location;
use crate::login::StoreKind;
use crate::tool::Tier;

/// What the host saw of one source, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Whether it was fetched, not only looked at.
    pub fetched: bool,
    /// What came of it.
    pub outcome: Outcome,
    /// Words about the outcome: an exit status, a position, a file. The host
    /// must put no value in it that could be secret.
    pub detail: Option<String>,
    /// Where the credential was found: a variable, a file.
    pub location: Option<String>,
    /// Who can write the settings file that it was found in.
    pub tier: Option<Tier>,
    /// Where it would be sent.
    pub destination: Destination,
    /// Where the URL of the endpoint was found: a variable, a file.
    pub endpoint_location: Option<String>,
    /// Who can write the settings file that the URL was found in.
    pub endpoint_tier: Option<Tier>,
    /// What else would send it elsewhere, in order of precedence.
    pub redirections: Vec<Redirection>,
    /// Seconds until it expires, negative when it has expired.
    pub expires_in: Option<i64>,
    /// Whether it can be refreshed when it has expired.
    pub refreshable: bool,
    /// The account that it belongs to.
    pub account: Option<String>,
    /// The organization that it belongs to.
    pub organization: Option<String>,
    /// The store that it is in.
    pub stored_in: Option<StoreKind>,
    /// What the helper's TTL variable says.
    pub lifetime: Lifetime,
}

/// The outcome of a look or a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Nothing is there.
    Absent,
    /// Something is there, and it is empty or white space alone.
    Blank,
    /// A flag is there, and it says anything but yes: `1`, `true`, `yes`, `on`.
    Off,
    /// It is there.
    Present,
    /// It would run this very program again.
    Recursion,
    /// It is there and cannot be used.
    #[serde(alias = "trouble")]
    Failed(FailureKind),
}

/// Why a credential that is present cannot be fetched or used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// A file or store exists and cannot be read.
    Unreadable,
    /// A file is read and does not parse, or an entry has another shape.
    Invalid,
    /// A file could be written by a user who must not be able to.
    Untrusted,
    /// A value has a character that no header may carry.
    BadCharacter,
    /// A program could not be started.
    NotStarted,
    /// A program ended with a failure.
    ExitStatus,
    /// A program did not end in time.
    TimedOut,
    /// A program printed nothing.
    NoOutput,
    /// A program printed more than one token.
    MoreThanOneToken,
    /// A program printed what is not printable ASCII.
    NotPrintable,
    /// A program printed more than a token can be long.
    TooLong,
    /// It has expired and cannot be renewed.
    Expired,
    /// A store is locked.
    Locked,
    /// There is no such store here, or it does not answer.
    NoStore,
    /// The issuer does not answer, or not with what it should.
    Unreachable,
    /// The issuer refused.
    Rejected,
    /// This build cannot do it.
    Unsupported,
    /// It disappeared between the look and the fetch.
    Vanished,
    /// A provider's own search found no credentials.
    NoCredentials,
    /// A program or a server answered with what is not in its format.
    MalformedAnswer,
    /// This program runs it already, around this very process.
    Nested,
}

/// Where a credential would be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Destination {
    /// The source's default.
    Default,
    /// What the endpoint's variable says: scheme, host and port, no more.
    Origin(String),
    /// The endpoint's variable holds what is not a URL of an origin.
    Malformed,
}

/// A variable or a setting that would send the credential of a cloud
/// provider, or what it is fetched with, somewhere else than the provider's
/// own clients do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirection {
    /// The variable, or the setting as "`KEY` of ... in `FILE`".
    pub name: String,
    /// Where: scheme, host and port. None where it does not hold a URL.
    pub origin: Option<String>,
    /// Whether requests that carry the credential are sent there.
    pub carries: bool,
}

/// What a variable says of how long a helper's token is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lifetime {
    /// Nothing.
    Unset,
    /// So many milliseconds; 0 is not at all.
    Milliseconds(u64),
    /// What is not a whole number.
    Malformed,
}

/// What an observation means under the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The state to remember.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// The rule behind it.
    pub rule: Location,
    /// How long a helper's token may be cached, 0 for not at all.
    pub ttl_ms: u64,
}

/// Why a source is in its state, or stands where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Nobody has looked.
    NotLooked,
    /// It is there.
    Present,
    /// It was fetched.
    #[serde(alias = "got")]
    Fetched,
    /// Nothing is there.
    Absent,
    /// It is empty or white space.
    Blank,
    /// Its flag does not say yes.
    Off,
    /// It is this very program.
    Recursion,
    /// It belongs to an organization that is not permitted.
    WrongOrganization,
    /// It says of no organization, and one is required.
    NoOrganization,
    /// It is kept where the policy does not let it be kept.
    StoreNotAllowed,
    /// It has expired and can be refreshed.
    #[serde(alias = "renewable")]
    Refreshable,
    /// It would be sent where the policy forbids.
    EndpointNotAllowed,
    /// The variable of its endpoint is not a URL.
    EndpointMalformed,
    /// It is present and cannot be fetched.
    #[serde(alias = "trouble")]
    Failed,
    /// It is being run already, around this very program.
    Nested,
    /// The policy does not count it in sessions of this kind.
    NotOnSurface,
    /// A restriction dropped it.
    Dropped,
    /// A restriction does not count it in sessions of this kind.
    RestrictedSurface,
    /// The policy forces other ways of logging in.
    ForcedLogin,
    /// The user declined it.
    Declined,
    /// It needs a consent.
    ConsentRequired,
}

/// An observation with this outcome of a look and nothing else: the source's
/// default destination, no expiry, no owner, no location. A kind of source
/// adds what it saw with `..observation(outcome)`.
#[must_use]
pub fn observation(outcome: Outcome) -> Observation {
    Observation {
        fetched: false,
        outcome,
        detail: None,
        location: None,
        tier: None,
        destination: Destination::Default,
        endpoint_location: None,
        endpoint_tier: None,
        redirections: Vec::new(),
        expires_in: None,
        refreshable: false,
        account: None,
        organization: None,
        stored_in: None,
        lifetime: Lifetime::Unset,
    }
}
