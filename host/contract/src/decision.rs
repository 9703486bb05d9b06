//! What a decision depends on, and its outcome.

use serde::{Deserialize, Serialize};

use crate::observation::Observation;

/// What is known of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Not looked at yet.
    Unknown,
    /// Looked at, and absent or not permitted. Why belongs to the explanation
    /// and never changes a decision.
    #[serde(alias = "out")]
    Unavailable,
    /// Looked at, and would have to be sent where the policy forbids. Stops
    /// the resolution whatever `on-failure` says.
    #[serde(alias = "barred")]
    Forbidden,
    /// Looked at, and can be fetched.
    Ready,
    /// Fetched, and can be used.
    #[serde(alias = "held")]
    Fetched,
    /// Present, and could not be looked at or fetched.
    Failed,
    /// Present, and could not be fetched, and nothing may take its place.
    /// Stops the resolution whatever `on-failure` says.
    Fatal,
}

/// What the user has said about one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Consent {
    /// Nothing yet.
    Undecided,
    /// It may be used.
    Approved,
    /// It may not be used.
    Declined,
}

/// All that a decision depends on, for one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What is known of it.
    pub state: State,
    /// What the user has said about it.
    pub consent: Consent,
}

/// Why a resolution ends without a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// The policy does not serve sessions of this kind.
    SurfaceNotServed,
    /// No source that applies here is usable.
    NothingUsable,
    /// A source is present and could not be fetched, and the policy says stop.
    SourceFailed,
    /// A source would have to be sent where the policy forbids.
    EndpointNotAllowed,
    /// A source needs a consent, and the session is not interactive.
    ConsentRequired,
    /// The policy's override chose none, or one that is not usable.
    OverrideRefused,
}

/// A refusal and the source that caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// Why.
    pub reason: Refusal,
    /// Which source, where a single one is the cause.
    pub source: Option<u32>,
}

/// The one next step. Sources are named by their index in `sources`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// See whether the source is there: no prompt, no process, no network.
    Look(u32),
    /// Ask the user whether the source may be used.
    Ask(u32),
    /// Fetch the credential from the source.
    #[serde(alias = "get")]
    Fetch(u32),
    /// Hand out the credential of the source.
    Use(u32),
    /// Hand out nothing.
    Refuse(Refused),
    /// Ask the policy's override which of the `candidates` it is to be, and go
    /// on with `decide-chosen`.
    Consult,
}

/// A source that an override is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its index in the policy.
    pub source: u32,
    /// Whether it applies. What a restriction takes away does not; to the
    /// override it is unavailable, whatever is known of it.
    pub applies: bool,
}

/// What is known of one source, with all that was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the user has said about it.
    pub consent: Consent,
    /// The latest observation, if there is one.
    pub observation: Option<Observation>,
}
