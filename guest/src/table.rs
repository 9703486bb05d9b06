//! Lists everything that a policy decides: one row for each session, source,
//! condition and consent. It is complete because sources are tried in order
//! and the first that is not skipped decides.

use crate::condition::{Judged, Possible, possible};
use crate::decide::effect;
use crate::policy::Policy;
use crate::rule::{ConsentLevel, Rule, SURFACES};
use crate::text::At;
use crate::wit::{
    Condition, Consent, Effect, Ending, Fact, Reason, Refusal, Row, Session, State, Table,
};

/// The answers that a user can have given.
const CONSENTS: [Consent; 3] = [Consent::Undecided, Consent::Approved, Consent::Declined];

impl Policy {
    /// Lists everything that the policy decides.
    #[must_use]
    pub fn table(&self) -> Table {
        let all: Vec<Vec<Possible>> = self.rules().iter().map(|rule| possible(&[rule])).collect();
        let mut table = Table {
            conditions: Vec::new(),
            rows: Vec::new(),
            endings: Vec::new(),
        };
        for session in sessions() {
            let served = self.merged.document.served.as_ref();
            if !self.serves(session) {
                table.endings.push(Ending {
                    session,
                    reason: Refusal::SurfaceNotServed,
                    rule: served.map(|served| self.location(served.at)),
                });
                continue;
            }
            table.endings.push(Ending {
                session,
                reason: Refusal::NothingUsable,
                rule: None,
            });
            for (index, (rule, conditions)) in (0..).zip(self.rules().iter().zip(&all)) {
                self.rows_of(session, index, rule, conditions, &mut table.rows);
            }
        }
        table.conditions = all
            .into_iter()
            .map(|conditions| self.conditions(conditions))
            .collect();
        table
    }

    fn rows_of(
        &self,
        session: Session,
        source: u32,
        rule: &Rule,
        conditions: &[Possible],
        rows: &mut Vec<Row>,
    ) {
        let asks = rule.consent > ConsentLevel::Never;
        for (condition, judged) in (0..).zip(conditions.iter().filter_map(|of| of.judged.first())) {
            for consent in CONSENTS.into_iter().take(if asks { 3 } else { 1 }) {
                let fact = Fact {
                    state: judged.0,
                    consent,
                };
                let effect = effect(rule, session, fact);
                let (reason, at) = why(rule, session, *judged, effect);
                rows.push(Row {
                    session,
                    source,
                    condition,
                    consent,
                    effect,
                    reason,
                    rule: self.location(at),
                });
            }
        }
    }

    fn conditions(&self, conditions: Vec<Possible>) -> Vec<Condition> {
        conditions
            .into_iter()
            .filter_map(|condition| {
                let text = condition.text();
                let (state, reason, at) = *condition.judged.first()?;
                Some(Condition {
                    observation: condition.seen.into_iter().next()?,
                    state,
                    reason,
                    rule: self.location(at),
                    text,
                })
            })
            .collect()
    }
}

/// Every session, in the order in which they are listed to people.
pub(crate) fn sessions() -> impl Iterator<Item = Session> {
    SURFACES.into_iter().flat_map(|(_, surface)| {
        [true, false].map(|interactive| Session {
            surface,
            interactive,
        })
    })
}

/// Why a source has this effect, and the rule behind it.
fn why(rule: &Rule, session: Session, judged: Judged, effect: Effect) -> (Reason, At) {
    if let Some(removed) = rule.why_not_counted(session.surface) {
        return removed;
    }
    let (state, reason, at) = judged;
    match (effect, state) {
        (Effect::Ask | Effect::Refuse(Refusal::ConsentRequired), _) => {
            (Reason::ConsentRequired, rule.consent_at)
        }
        (Effect::Skip, State::Ready | State::Fetched | State::Forbidden) => {
            (Reason::Declined, rule.consent_at)
        }
        (Effect::Use, _) => (Reason::Present, rule.at),
        (Effect::Skip | Effect::Refuse(_), _) => (reason, at),
    }
}
