//! What is decided: in which session, after which facts, and the next step.

use serde::{Deserialize, Serialize};

/// The kind of session that asks.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Surface {
    /// A command line, an editor extension, a CI job.
    Terminal,
    /// A desktop application.
    Desktop,
    /// A session on a machine that somebody else operates for the user.
    Remote,
    /// A session in a browser's sandbox.
    Web,
}

/// In which circumstances a credential is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// The kind of session.
    pub surface: Surface,
    /// Whether somebody is there to answer a question.
    pub interactive: bool,
}

/// What is known of one source.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Not looked at yet.
    Unknown,
    /// Looked at, and not there or not permitted. Why belongs to the
    /// explanation and never changes a decision.
    Out,
    /// Looked at, and would have to be sent where the policy forbids. Stops
    /// the resolution whatever `on-failure` says.
    Barred,
    /// Looked at, and would be got.
    Ready,
    /// Got, and can be used.
    Held,
    /// There, and could not be got.
    Failed,
    /// There, and could not be got, and nothing may take its place. Stops the
    /// resolution whatever `on-failure` says.
    Fatal,
}

/// What the user has said about one source.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// The policy does not serve sessions of this kind.
    SurfaceNotServed,
    /// No source that counts here is usable.
    NothingUsable,
    /// A source is there and could not be got, and its policy says stop.
    SourceFailed,
    /// A source would have to be sent where the policy forbids.
    EndpointNotAllowed,
    /// A source needs a consent that nobody is there to give.
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

/// The one next step. Sources are named by their place in `sources`.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// See whether the source is there: no prompt, no process, no network.
    Look(u32),
    /// Ask the user whether the source may be used.
    Ask(u32),
    /// Get the credential from the source.
    Get(u32),
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
    /// Its place in the policy.
    pub source: u32,
    /// Whether it counts. What a restriction takes away does not; to the
    /// override it is out, whatever is known of it.
    pub counts: bool,
}
