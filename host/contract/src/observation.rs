//! What was seen of a source, and what it means under the policy.

use crate::about::{StoreKind, Tier};
use crate::decision::{Consent, State};
use crate::document::Location;
use serde::{Deserialize, Serialize};

/// Why a credential that is there cannot be got or used.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// A file or store exists and cannot be read.
    Unreadable,
    /// A file is read and does not parse, or an entry has another shape.
    Invalid,
    /// A file could be written by somebody who must not be able to.
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
    /// What a look had seen was gone when it was to be got.
    Vanished,
    /// A provider's own search found no credentials.
    NoCredentials,
    /// A program or a server answered with what is not in its format.
    MalformedAnswer,
    /// A run of it by this very program is around this one, or is said to be.
    Nested,
}

/// What a look or a get brought.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Nothing is there.
    Absent,
    /// Something is there, and it is empty or white space alone.
    Blank,
    /// A flag is there, and it says no: `0`, `false`, `no`, `off`.
    Off,
    /// It is there.
    Present,
    /// It would run this very program again.
    Recursion,
    /// It is there and cannot be used.
    Trouble(Trouble),
}

/// Where a credential would be sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// The source's default.
    Default,
    /// What the endpoint's variable says: scheme, host and port, no more.
    Origin(String),
    /// The endpoint's variable holds what is not a URL of an origin.
    Malformed,
}

/// What a variable says of how long a helper's token is kept.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Lifetime {
    /// Nothing.
    Unset,
    /// So many milliseconds; 0 is not at all.
    Milliseconds(u64),
    /// What is not a whole number.
    Malformed,
}

/// What the host saw of one source, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// Whether it was got, not only looked at.
    pub got: bool,
    /// What came of it.
    pub outcome: Outcome,
    /// Words about the outcome: an exit status, a position, a file. The host
    /// must put no value in it that could be secret.
    pub detail: Option<String>,
    /// Where it was found: a variable, a file.
    pub found_in: Option<String>,
    /// Who can write the settings file that it was found in.
    pub tier: Option<Tier>,
    /// Where it would be sent.
    pub destination: Destination,
    /// What else would send it elsewhere: what goes first stands first.
    pub redirections: Vec<Redirection>,
    /// Seconds until it ends, negative when it has ended.
    pub expires_in: Option<i64>,
    /// Whether it can be renewed when it has ended.
    pub renewable: bool,
    /// The account that it belongs to.
    pub account: Option<String>,
    /// The organisation that it belongs to.
    pub organization: Option<String>,
    /// Which store keeps it.
    pub kept_in: Option<StoreKind>,
    /// What the helper's TTL variable says.
    pub lifetime: Lifetime,
}

/// Why a source is in its state, or stands where it stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Nobody has looked.
    NotLooked,
    /// It is there.
    Present,
    /// It was got.
    Got,
    /// Nothing is there.
    Absent,
    /// It is empty or white space.
    Blank,
    /// Its flag says no.
    Off,
    /// It is this very program.
    Recursion,
    /// It belongs to an organisation that is not permitted.
    WrongOrganization,
    /// It says of no organisation, and one is required.
    NoOrganization,
    /// It is kept where the policy does not let it be kept.
    StoreNotAllowed,
    /// It has expired and can be renewed.
    Renewable,
    /// It would be sent where the policy forbids.
    EndpointNotAllowed,
    /// The variable of its endpoint is not a URL.
    EndpointMalformed,
    /// It is there and cannot be got.
    Trouble,
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

/// What an observation means under the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The state to remember.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// The line of the rule that made it so.
    pub at: Location,
    /// How long a helper's token may be kept, 0 for not at all.
    pub ttl_ms: u64,
}

/// What is known of one source, with all that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the user has said about it.
    pub consent: Consent,
    /// The latest observation, if there is one.
    pub seen: Option<Observation>,
}

/// An observation with this outcome of a look, and nothing else seen: sent to
/// the source's default, no end, no owner, no place. A kind of source adds
/// what it saw with `..observation(outcome)`.
pub fn observation(outcome: Outcome) -> Observation {
    Observation {
        got: false,
        outcome,
        detail: None,
        found_in: None,
        tier: None,
        destination: Destination::Default,
        redirections: Vec::new(),
        expires_in: None,
        renewable: false,
        account: None,
        organization: None,
        kept_in: None,
        lifetime: Lifetime::Unset,
    }
}

/// A variable that would send the credential of a cloud provider, or what it
/// is got with, somewhere else than the provider's own clients do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirection {
    /// The variable.
    pub name: String,
    /// Where: scheme, host and port. None where it holds what can be no place.
    pub origin: Option<String>,
    /// Whether requests that carry the credential are sent there.
    pub carries: bool,
}
