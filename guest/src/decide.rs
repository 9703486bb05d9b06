//! Names the next step from the session and two enums for each source. This is
//! the heart: [`effect`] says what follows from one source, and the first
//! source that is not skipped decides.

use crate::policy::Policy;
use crate::rule::{ConsentLevel, Rule};
use crate::wit::{Candidate, Consent, Effect, Fact, Refusal, Refused, Session, State, Verdict};

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
        if !self.serves(session) {
            return refuse(Refusal::SurfaceNotServed, None);
        }
        if self.merged.document.chooser.is_some() {
            return permit(self.rules(), session, facts);
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

    /// `decide` for every combination of what may be known, the last source's
    /// facts changing fastest.
    #[must_use]
    pub fn decide_every(&self, session: Session, lists: &[Vec<Fact>]) -> Vec<Verdict> {
        assert_eq!(lists.len(), self.rules().len(), "a list for each source");
        let count = lists.iter().map(Vec::len).product();
        let mut verdicts = Vec::with_capacity(count);
        let mut indexes = vec![0_usize; lists.len()];
        let first = lists.iter().map(|list| list.first().copied());
        let Some(mut case) = first.collect::<Option<Vec<Fact>>>() else {
            return verdicts;
        };
        loop {
            verdicts.push(self.decide(session, &case));
            let mut turn = lists.iter().zip(&mut indexes).zip(&mut case).rev();
            let turned = turn.any(|((list, index), fact)| {
                *index += 1;
                let next = list.get(*index);
                if next.is_none() {
                    *index = 0;
                }
                if let Some(now) = next.or(list.first()) {
                    *fact = *now;
                }
                next.is_some()
            });
            if !turned {
                return verdicts;
            }
        }
    }

    /// The sources that an override is asked about in such a session.
    #[must_use]
    pub fn candidates(&self, session: Session) -> Vec<Candidate> {
        if !self.serves(session) {
            return Vec::new();
        }
        (0..)
            .zip(self.rules().iter().zip(self.unrestricted()))
            .filter(|(_, (_, before))| before.counts(session.surface))
            .map(|(source, (rule, _))| Candidate {
                source,
                applies: rule.counts(session.surface),
            })
            .collect()
    }

    /// `decide`, once the override has chosen.
    ///
    /// # Panics
    ///
    /// As `decide`, and where the source is not a candidate.
    #[must_use]
    pub fn decide_chosen(&self, session: Session, facts: &[Fact], chosen: Option<u32>) -> Verdict {
        let permitted = self.decide(session, facts);
        if permitted != Verdict::Consult {
            return permitted;
        }
        let Some(index) = chosen else {
            return refuse(Refusal::OverrideRefused, None);
        };
        #[expect(
            clippy::indexing_slicing,
            reason = "a source that is no candidate traps, as the contract says"
        )]
        let (rule, fact, before) = (
            &self.rules()[index as usize],
            facts[index as usize],
            &self.unrestricted()[index as usize],
        );
        assert!(before.counts(session.surface), "no candidate");
        match effect(rule, session, fact) {
            Effect::Skip if rule.counts(session.surface) && fact.state == State::Failed => {
                Verdict::Consult
            }
            Effect::Skip => refuse(Refusal::OverrideRefused, Some(index)),
            effect => step(effect, index, fact),
        }
    }

    pub(crate) fn serves(&self, session: Session) -> bool {
        let served = self.merged.document.served.as_ref();
        served.is_none_or(|served| served.value.has(session.surface))
    }
}

/// S1: in the order of the file, the first usable source.
pub(crate) fn decide(rules: &[Rule], session: Session, facts: &[Fact]) -> Verdict {
    for (index, (rule, fact)) in (0..).zip(rules.iter().zip(facts)) {
        if fact.state == State::Unknown && rule.counts(session.surface) {
            return Verdict::Look(index);
        }
        let effect = effect(rule, session, *fact);
        if effect == Effect::Skip {
            continue;
        }
        // S8: two providers at once deserve a warning that names both, so the
        // other flags are looked at before the first provider is fetched.
        if effect == Effect::Use
            && rule.by_flag
            && let Some(other) = unseen_flag(rules, session, facts, index)
        {
            return Verdict::Look(other);
        }
        return step(effect, index, *fact);
    }
    refuse(Refusal::NothingUsable, None)
}

/// S18: an override chooses among what was looked at, where there is anything
/// to choose.
fn permit(rules: &[Rule], session: Session, facts: &[Fact]) -> Verdict {
    let mut indexed = (0..).zip(rules.iter().zip(facts));
    let unseen = indexed
        .find(|(_, (rule, fact))| rule.counts(session.surface) && fact.state == State::Unknown);
    if let Some((index, _)) = unseen {
        return Verdict::Look(index);
    }
    // S21: nor does an override skip a source that nothing may replace.
    let mut indexed = (0..).zip(rules.iter().zip(facts));
    let fatal = indexed
        .find(|(_, (rule, fact))| rule.counts(session.surface) && fact.state == State::Fatal);
    if let Some((index, _)) = fatal {
        return refuse(Refusal::SourceFailed, Some(index));
    }
    let mut effects = rules.iter().zip(facts);
    if effects.any(|(rule, fact)| effect(rule, session, *fact) != Effect::Skip) {
        return Verdict::Consult;
    }
    refuse(Refusal::NothingUsable, None)
}

/// What follows from one source that was looked at.
#[inline]
pub(crate) fn effect(rule: &Rule, session: Session, fact: Fact) -> Effect {
    if !rule.counts(session.surface) {
        return Effect::Skip;
    }
    match fact.state {
        State::Unknown | State::Unavailable => return Effect::Skip,
        State::Failed if rule.next_on_failure => return Effect::Skip,
        // S7: falling through would silently change who pays.
        State::Failed | State::Fatal => return Effect::Refuse(Refusal::SourceFailed),
        State::Ready | State::Fetched | State::Forbidden => {}
    }
    match (rule.consent, session.interactive, fact.consent) {
        (ConsentLevel::Never, _, _)
        | (ConsentLevel::Interactive, false, _)
        | (_, _, Consent::Approved) => {}
        (_, _, Consent::Declined) => return Effect::Skip,
        // S4 before S6: no question about what is not allowed anyway.
        _ if fact.state == State::Forbidden => {}
        (_, true, Consent::Undecided) => return Effect::Ask,
        (_, false, Consent::Undecided) => return Effect::Refuse(Refusal::ConsentRequired),
    }
    match fact.state {
        State::Forbidden => Effect::Refuse(Refusal::EndpointNotAllowed),
        _ => Effect::Use,
    }
}

fn step(effect: Effect, index: u32, fact: Fact) -> Verdict {
    match effect {
        Effect::Ask => Verdict::Ask(index),
        Effect::Use if fact.state == State::Fetched => Verdict::Use(index),
        Effect::Use => Verdict::Fetch(index),
        Effect::Refuse(reason) => refuse(reason, Some(index)),
        Effect::Skip => refuse(Refusal::NothingUsable, None),
    }
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
