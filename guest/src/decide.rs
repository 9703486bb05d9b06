//! The next step: the session and two enums for each source in, one verdict
//! out. This is the heart, and it is one loop.

use crate::policy::Policy;
use crate::rule::{ConsentLevel, Rule};
use crate::wit::{Consent, Fact, Refusal, Refused, Session, State, Verdict};

impl Policy {
    /// Names the next step. One fact for each source, in their order.
    ///
    /// # Panics
    ///
    /// Where there are more or fewer facts than sources: a bug of the caller,
    /// which the component turns into a trap.
    #[must_use]
    pub fn decide(&self, session: Session, facts: &[Fact]) -> Verdict {
        assert_eq!(facts.len(), self.rules().len(), "one fact for each source");
        if let Some(served) = &self.merged.document.served
            && !served.value.has(session.surface)
        {
            return refuse(Refusal::SurfaceNotServed, None);
        }
        decide(self.rules(), session, facts)
    }

    /// `decide` for many cases at once.
    #[must_use]
    pub fn decide_batch(&self, session: Session, facts: &[Fact]) -> Vec<Verdict> {
        let width = self.rules().len().max(1);
        assert_eq!(facts.len() % width, 0, "one fact for each source and case");
        facts
            .chunks_exact(width)
            .map(|case| self.decide(session, case))
            .collect()
    }
}

/// S1: in the order of the file, the first usable source.
pub(crate) fn decide(rules: &[Rule], session: Session, facts: &[Fact]) -> Verdict {
    for (index, (rule, fact)) in (0..).zip(rules.iter().zip(facts)) {
        if !rule.counts(session.surface) {
            continue;
        }
        match fact.state {
            State::Unknown => return Verdict::Look(index),
            State::Out => continue,
            State::Failed if rule.next_on_failure => continue,
            // S7: falling through would silently change who pays.
            State::Failed => return refuse(Refusal::SourceFailed, Some(index)),
            State::Ready | State::Held | State::Barred => {}
        }
        match (rule.consent, session.interactive, fact.consent) {
            (ConsentLevel::Never, _, _)
            | (ConsentLevel::Interactive, false, _)
            | (_, _, Consent::Approved) => {}
            (_, _, Consent::Declined) => continue,
            // S4 before S6: nobody is asked about what is not allowed anyway.
            _ if fact.state == State::Barred => {}
            (_, true, Consent::Undecided) => return Verdict::Ask(index),
            (_, false, Consent::Undecided) => {
                return refuse(Refusal::ConsentRequired, Some(index));
            }
        }
        if fact.state == State::Barred {
            return refuse(Refusal::EndpointNotAllowed, Some(index));
        }
        // S8: two providers at once deserve a warning that names both, so the
        // other flags are looked at before the first provider is got.
        if rule.by_flag
            && let Some(other) = unseen_flag(rules, session, facts, index)
        {
            return Verdict::Look(other);
        }
        return match fact.state {
            State::Held => Verdict::Use(index),
            _ => Verdict::Get(index),
        };
    }
    refuse(Refusal::NothingUsable, None)
}

fn unseen_flag(rules: &[Rule], session: Session, facts: &[Fact], winner: u32) -> Option<u32> {
    (0..)
        .zip(rules.iter().zip(facts))
        .find(|(index, (rule, fact))| {
            *index > winner
                && rule.by_flag
                && rule.counts(session.surface)
                && fact.state == State::Unknown
        })
        .map(|(index, _)| index)
}

fn refuse(reason: Refusal, source: Option<u32>) -> Verdict {
    Verdict::Refuse(Refused { reason, source })
}
