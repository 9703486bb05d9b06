//! Everything that a policy decides, and what its author may not mean.

use crate::decision::{Consent, Refusal, Session, State};
use crate::document::Location;
use crate::observation::{Observation, Reason};
use serde::{Deserialize, Serialize};

/// What can be seen of a source, as far as it makes a difference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// One observation of this kind; every other one is judged as one of them.
    pub seen: Observation,
    /// How it is judged.
    pub state: State,
    /// Why.
    pub reason: Reason,
    /// The line of the rule that makes it so.
    pub at: Location,
    /// What is the case, to follow the source's name: `is there`.
    pub text: String,
}

/// What follows from one source, where every source before it was passed.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// It is passed.
    Pass,
    /// The user is asked about it.
    Ask,
    /// It is got and used.
    Use,
    /// The resolution ends without a credential.
    Refuse(Refusal),
}

/// One row of the complete table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// In which session.
    pub session: Session,
    /// Which source.
    pub source: u32,
    /// What is the case with it: a place in its list of conditions.
    pub condition: u32,
    /// What the user has said about it.
    pub consent: Consent,
    /// What follows.
    pub effect: Effect,
    /// Why.
    pub reason: Reason,
    /// The line of the rule that makes it so.
    pub at: Location,
}

/// How a session ends in which every source is passed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ending {
    /// The session.
    pub session: Session,
    /// Why nothing is handed out.
    pub reason: Refusal,
    /// The line of the rule that makes it so, where it is one.
    pub at: Option<Location>,
}

/// Everything that a policy decides. Sources are gone through in order; the
/// first one that is not passed decides, whatever is the case with those
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

/// A source that two policies have, or one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counterpart {
    /// What it reads.
    pub reads: String,
    /// Its place in the old policy.
    pub old: Option<u32>,
    /// Its place in the new policy.
    pub new: Option<u32>,
    /// Everything that can be the case with it.
    pub conditions: Vec<JointCondition>,
}

/// Something that a valid policy says and that its author may not mean.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    /// A stable code, such as `lock-out`.
    pub code: String,
    /// What it is: lower case, one line.
    pub message: String,
    /// Why it matters.
    pub why: String,
    /// The next thing to change.
    pub help: String,
    /// Where.
    pub at: Location,
}
