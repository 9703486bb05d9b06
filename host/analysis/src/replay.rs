//! A recorded decision put to another policy. What goes in are a receipt and
//! the other policy, loaded; what comes out is what that policy decides in the
//! world that the receipt describes, compared with what was decided then, or
//! what would have to be known to say. Nothing is looked at.
//!
//! What the receipt says of a source holds for every source that reads the
//! same. What was looked at and not got is taken to be gettable, which is
//! said. What the old run did not see is not guessed, unless whatever it were
//! would come to the same.

mod known;

use crate::walk::{End, Walked, walk};
use keyrule::receipt::{self, Receipt, reads};
use keyrule_contract as wit;
use keyrule_credential::endpoint::origin_of;
use keyrule_engine::{Error, Judge, Step};
use keyrule_system::text::mask;

use known::{Recorded, matching};

pub use known::Lack;

/// The policy that decides anew, described.
#[derive(Debug)]
pub struct Against<'n> {
    /// What it says of itself.
    pub info: &'n wit::PolicyInfo,
    /// Its sources, in their order.
    pub sources: &'n [wit::Source],
    /// What each source reads, as receipts say it.
    reads: Vec<String>,
}

/// What came of one receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// What was decided then.
    pub old: Outcome,
    /// What is decided now, or why nobody can say.
    pub new: Result<Outcome, Lacking>,
    /// The rule that decides now.
    pub rule: Option<wit::Location>,
    /// The sources that are taken to be gettable, by their ids.
    pub assumed: Vec<String>,
}

/// How a decision ends. Sources are those of the policy that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// This source is used, and sent there, where that is known.
    Used(Subject, Option<String>),
    /// The user is asked about this source.
    Asked(Subject),
    /// Nothing is handed out, because of this source, if it is one.
    Refused(wit::Refusal, Option<Subject>),
    /// The record ends before the decision.
    Unfinished,
}

/// A source, by its id and by what it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// Its id.
    pub id: String,
    /// What it reads, as receipts say it.
    pub reads: String,
}

/// What would have to be known of which source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lacking {
    /// The source.
    pub source: Subject,
    /// What is not known of it.
    pub what: Lack,
}

/// The answer for one receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// Another decision.
    Changed,
    /// Nobody can say.
    Undetermined,
    /// The same decision.
    Same,
}

impl<'n> Against<'n> {
    /// The policy that decides anew.
    #[must_use]
    pub fn new(info: &'n wit::PolicyInfo, sources: &'n [wit::Source]) -> Self {
        Self {
            info,
            sources,
            reads: sources.iter().map(reads).collect(),
        }
    }

    fn subject(&self, place: usize) -> Subject {
        let text = |text: Option<&String>| text.cloned().unwrap_or_default();
        Subject {
            id: text(self.sources.get(place).map(|source| &source.id)),
            reads: text(self.reads.get(place)),
        }
    }
}

/// Decides once more.
pub fn replay(
    judge: &mut dyn Judge,
    against: &Against<'_>,
    receipt: &Receipt,
) -> Result<Replayed, Error> {
    let session = wit::Session {
        surface: receipt.session.surface,
        interactive: receipt.session.interactive,
    };
    let old = Outcome::of(receipt);
    let mut world = Recorded::of(judge, against, receipt, session)?;
    let walked = walk(judge, against.sources.len(), session, &mut world)?;
    let new = match walked.end {
        End::Used(place) => Ok(Outcome::Used(
            against.subject(place),
            sent(against, &walked, place),
        )),
        End::Refused(refused) => {
            let place = refused.source.and_then(|place| usize::try_from(place).ok());
            let subject = place.map(|place| against.subject(place));
            Ok(Outcome::Refused(refused.reason, subject))
        }
        // The old run stopped at a question, and so does this one.
        End::Unknown(Step::Ask(place)) if matches!(old, Outcome::Asked(_)) => {
            Ok(Outcome::Asked(against.subject(place)))
        }
        End::Unknown(step) => {
            let place = match step {
                Step::Look(place) | Step::Ask(place) | Step::Get(place) | Step::Use(place) => place,
                Step::Refuse(_) => 0,
            };
            Err(Lacking {
                source: against.subject(place),
                what: world.lack(place),
            })
        }
    };
    let rule = match &new {
        Ok(_) => judge.explain(session, &walked.evidence)?.rule,
        Err(_) => None,
    };
    let assumed = world.assumed.iter();
    Ok(Replayed {
        old,
        new,
        rule,
        assumed: assumed.map(|place| against.subject(*place).id).collect(),
    })
}

/// Where the new policy sends what it uses.
fn sent(against: &Against<'_>, walked: &Walked, place: usize) -> Option<String> {
    let seen = walked.evidence.get(place)?.observation.as_ref()?;
    origin_of(against.sources.get(place)?, &seen.destination)
        .filter(|origin| mask(origin) == *origin)
}

impl Replayed {
    /// Whether the decision changes.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match &self.new {
            Err(_) => Answer::Undetermined,
            Ok(new) if self.old.is_same(new) => Answer::Same,
            Ok(_) => Answer::Changed,
        }
    }
}

impl Outcome {
    /// What a receipt says was decided.
    fn of(receipt: &Receipt) -> Self {
        let verdict = &receipt.verdict;
        let source = verdict.source.as_deref().and_then(|id| receipt.source(id));
        let subject = source.map(|source| Subject {
            id: source.id.clone(),
            reads: source.reads.clone(),
        });
        match (verdict.step, subject, verdict.refusal) {
            // `status` and `explain` stop before the get.
            (receipt::Step::Use | receipt::Step::Fetch, Some(subject), _) => {
                Self::Used(subject, source.and_then(sent_then))
            }
            (receipt::Step::Ask, Some(subject), _) => Self::Asked(subject),
            (receipt::Step::Refuse, subject, Some(reason)) => Self::Refused(reason, subject),
            _ => Self::Unfinished,
        }
    }

    /// Whether two decisions come to the same: by what is read, whatever it is
    /// called, and by where it is sent, where both are known.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Used(old, from), Self::Used(new, to)) => {
                old.reads == new.reads && (from == to || from.is_none() || to.is_none())
            }
            (Self::Asked(old), Self::Asked(new)) => old.reads == new.reads,
            (Self::Refused(old, from), Self::Refused(new, to)) => {
                let reads = |subject: &Option<Subject>| {
                    subject.as_ref().map(|subject| subject.reads.clone())
                };
                old == new && reads(from) == reads(to)
            }
            _ => false,
        }
    }
}

/// Where the old run sent what it used.
fn sent_then(source: &receipt::Source) -> Option<String> {
    let seen = source.fetch.as_ref().or(source.look.as_ref())?;
    match &seen.destination {
        receipt::Destination::Default => source.endpoint.as_ref()?.default.clone(),
        receipt::Destination::Origin(origin) => Some(origin.clone()),
        receipt::Destination::Malformed | receipt::Destination::Hidden => None,
    }
}

/// The recorded source that reads what a new one reads: where a policy reads
/// the same twice, the first meets the first.
fn counterpart<'r>(
    against: &'r Against<'_>,
    receipt: &'r Receipt,
    place: usize,
) -> Option<&'r receipt::Source> {
    let reads = against.reads.get(place)?;
    let before = against.reads.iter().take(place);
    let nth = before.filter(|other| *other == reads).count();
    matching(receipt, reads)
        .nth(nth)
        .or(matching(receipt, reads).last())
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod versions;
