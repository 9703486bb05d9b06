//! Everything that a policy decides.

use serde::{Deserialize, Serialize};

use crate::decision::{Consent, Refusal, State};
use crate::document::Location;
use crate::observation::{Observation, Reason};
use crate::session::Session;

/// Everything that a policy decides. Sources are gone through in order; the
/// first one that is not skipped decides, whatever is the case with those
/// after it. So this is all there is: no combination is left out.
///
/// A policy with an override decides more: this is then what the engine
/// permits of each source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// For each source, everything that can be the case with it.
    pub conditions: Vec<Vec<Condition>>,
    /// Every session that is served, source, condition and consent. Consents
    /// are gone through only for sources that ask.
    pub rows: Vec<Row>,
    /// Every session; one that is not served has no rows.
    pub endings: Vec<Ending>,
}

/// What can be seen of a source, as far as it makes a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// One observation of this kind; every other one is judged as one of them.
    pub observation: Observation,
    /// How it is judged.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// The rule behind it.
    pub rule: Location,
    /// What is the case, to follow the source's name: `is there`.
    pub text: String,
}

/// One row of the complete table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// In which session.
    pub session: Session,
    /// Which source.
    pub source: u32,
    /// What is the case with it: an index into its list of conditions.
    pub condition: u32,
    /// What the user has said about it.
    pub consent: Consent,
    /// What follows.
    pub effect: Effect,
    /// Why.
    pub reason: Reason,
    /// The rule behind it.
    pub rule: Location,
}

/// What follows from one source, where every source before it was skipped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It is skipped.
    #[serde(alias = "pass")]
    Skip,
    /// The user is asked about it.
    Ask,
    /// It is fetched and used.
    Use,
    /// The resolution ends without a credential.
    Refuse(Refusal),
}

/// How a session ends in which every source is skipped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The session.
    pub session: Session,
    /// Why nothing is handed out.
    pub reason: Refusal,
    /// The rule behind it, if there is one.
    pub rule: Option<Location>,
}

/// A source that two policies have, or one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterpart {
    /// What it reads.
    pub reads: String,
    /// Its index in the old policy.
    pub old: Option<u32>,
    /// Its index in the new policy.
    pub new: Option<u32>,
    /// Everything that can be the case with it.
    pub conditions: Vec<JointCondition>,
}

/// What can be the case with a source that two policies may have.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JointCondition {
    /// What is the case, to follow the source's name.
    pub text: String,
    /// The condition of the old policy that this is, where it has the source.
    pub old: Option<u32>,
    /// That of the new policy.
    pub new: Option<u32>,
}
