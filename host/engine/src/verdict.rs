//! What a component answers, checked before anybody acts on it. What goes in
//! are its answers, the facts they were given for and the steps already done;
//! what comes out is a [`Step`] that can be carried out, or an error. Whether
//! a step is wise is not asked here: that is what the policy decides.

use super::error::{Error, Misbehaviour};
use keyrule_contract::{
    Candidate, Consent, Explanation, Fact, Finding, Fix, Observation, Outcome, Refused, Session,
    SourceReport, State, Table, Verdict,
};

/// The one next step, checked: its source exists, the step is new, and what is
/// known of the source allows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// See whether the source is there.
    Look(usize),
    /// Ask the user whether the source may be used.
    Ask(usize),
    /// Get the credential from the source.
    Get(usize),
    /// Hand out the credential of the source.
    Use(usize),
    /// Hand out nothing.
    Refuse(Refused),
}

/// The steps of one resolution so far. Each happens at most once per source,
/// so a resolution ends after three steps for each source and one more.
#[derive(Debug, Clone)]
pub struct Steps {
    done: Vec<Done>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Done {
    look: bool,
    ask: bool,
    get: bool,
}

impl Steps {
    /// No steps yet, for a policy of so many sources.
    #[must_use]
    pub fn new(sources: usize) -> Self {
        Self {
            done: vec![Done::default(); sources],
        }
    }

    /// Checks a verdict that was given for these facts, and counts its step as
    /// done.
    ///
    /// # Errors
    ///
    /// [`Error::Misbehaved`], where the step cannot be carried out.
    pub fn check(
        &mut self,
        session: Session,
        facts: &[Fact],
        verdict: Verdict,
    ) -> Result<Step, Error> {
        self.step(session, facts, verdict)
            .map_err(|what| Error::Misbehaved {
                call: "decide",
                what,
            })
    }

    fn step(
        &mut self,
        session: Session,
        facts: &[Fact],
        verdict: Verdict,
    ) -> Result<Step, Misbehaviour> {
        let count = self.done.len();
        let index = match verdict {
            Verdict::Look(index)
            | Verdict::Ask(index)
            | Verdict::Fetch(index)
            | Verdict::Use(index) => index,
            Verdict::Refuse(refused) => {
                if let Some(index) = refused.source {
                    known(index, count)?;
                }
                return Ok(Step::Refuse(refused));
            }
            Verdict::Consult => return Err(Misbehaviour::NobodyToConsult),
        };
        let place = known(index, count)?;
        let no_such = Misbehaviour::NoSuchSource { index, count };
        let fact = facts.get(place).ok_or(no_such)?;
        let done = self.done.get_mut(place).ok_or(no_such)?;
        let repeated = |step| Misbehaviour::Repeated { step, index };
        let not_possible = |step, because| Misbehaviour::NotPossible {
            step,
            index,
            because,
        };

        match verdict {
            Verdict::Look(_) => {
                if std::mem::replace(&mut done.look, true) {
                    return Err(repeated("look at"));
                }
                if fact.state != State::Unknown {
                    return Err(not_possible("look at", "is not unknown"));
                }
                Ok(Step::Look(place))
            }
            Verdict::Ask(_) => {
                if std::mem::replace(&mut done.ask, true) {
                    return Err(repeated("question about"));
                }
                if !matches!(fact.state, State::Ready | State::Fetched) {
                    return Err(not_possible("ask about", "is neither ready nor fetched"));
                }
                if fact.consent != Consent::Undecided {
                    return Err(not_possible("ask about", "is already decided"));
                }
                if !session.interactive {
                    return Err(not_possible("ask about", "nobody is there to decide"));
                }
                Ok(Step::Ask(place))
            }
            Verdict::Fetch(_) => {
                if std::mem::replace(&mut done.get, true) {
                    return Err(repeated("get of"));
                }
                if !done.look {
                    return Err(not_possible("get", "was never looked at"));
                }
                if fact.state != State::Ready {
                    return Err(not_possible("get", "is not ready"));
                }
                Ok(Step::Get(place))
            }
            Verdict::Use(_) => {
                if !done.get {
                    return Err(not_possible("use", "was never got"));
                }
                if fact.state != State::Fetched {
                    return Err(not_possible("use", "is not fetched"));
                }
                Ok(Step::Use(place))
            }
            Verdict::Refuse(refused) => Ok(Step::Refuse(refused)),
            Verdict::Consult => Err(Misbehaviour::NobodyToConsult),
        }
    }
}

/// A finding must not claim what the observation excludes.
pub(super) fn check_finding(
    source: u32,
    seen: &Observation,
    finding: &Finding,
) -> Result<(), Error> {
    let state = match finding.state {
        State::Fetched => "fetched",
        State::Ready => "ready",
        State::Unknown => "unknown",
        State::Unavailable | State::Forbidden | State::Failed | State::Fatal => return Ok(()),
    };
    let seen = match (finding.state, seen.outcome) {
        (State::Unknown, _) => "looked at",
        (_, Outcome::Absent) => "absent",
        (_, Outcome::Blank) => "blank",
        (_, Outcome::Off) => "off",
        (_, Outcome::Recursion) => "this very program",
        (_, Outcome::Failed(_)) => "in trouble",
        (State::Fetched, Outcome::Present) if !seen.fetched => "only looked at",
        (_, Outcome::Present) => return Ok(()),
    };
    Err(Error::Misbehaved {
        call: "observe",
        what: Misbehaviour::NotSeen {
            index: source,
            state,
            seen,
        },
    })
}

/// One verdict for each case, about sources that exist.
pub(super) fn check_batch(verdicts: &[Verdict], count: usize, facts: usize) -> Result<(), Error> {
    let asked = facts.checked_div(count).unwrap_or_default();
    check_verdicts("decide-batch", verdicts, count, asked)
}

/// As many verdicts as combinations, about sources that exist.
pub(super) fn check_every(
    verdicts: &[Verdict],
    count: usize,
    lists: &[Vec<Fact>],
) -> Result<(), Error> {
    let asked = lists.iter().map(Vec::len).product();
    check_verdicts("decide-every", verdicts, count, asked)
}

fn check_verdicts(
    call: &'static str,
    verdicts: &[Verdict],
    count: usize,
    asked: usize,
) -> Result<(), Error> {
    let checked = if verdicts.len() == asked {
        verdicts
            .iter()
            .try_for_each(|verdict| exists(verdict, count))
    } else {
        Err(Misbehaviour::WrongLength {
            given: verdicts.len(),
            asked,
        })
    };
    checked.map_err(|what| Error::Misbehaved { call, what })
}

/// Candidates are sources that exist.
pub(super) fn check_candidates(candidates: &[Candidate], count: usize) -> Result<(), Error> {
    candidates
        .iter()
        .try_for_each(|candidate| known(candidate.source, count).map(drop))
        .map_err(|what| Error::Misbehaved {
            call: "candidates",
            what,
        })
}

/// Conditions for each source, and rows about sources and conditions that
/// exist.
pub(super) fn check_table(table: &Table, count: usize) -> Result<(), Error> {
    let lengths = table.conditions.len() == count;
    let checked = if lengths {
        table.rows.iter().try_for_each(|row| {
            let place = known(row.source, count)?;
            let conditions = table.conditions.get(place).map_or(0, Vec::len);
            known(row.condition, conditions).map(drop)
        })
    } else {
        Err(Misbehaviour::WrongLength {
            given: table.conditions.len(),
            asked: count,
        })
    };
    checked.map_err(|what| Error::Misbehaved {
        call: "table",
        what,
    })
}

/// One line for each source, in their order, and nothing about others.
pub(super) fn check_explanation(
    call: &'static str,
    explanation: &Explanation,
    count: usize,
) -> Result<(), Error> {
    check_lines(explanation, count).map_err(|what| Error::Misbehaved { call, what })
}

fn check_lines(explanation: &Explanation, count: usize) -> Result<(), Misbehaviour> {
    if explanation.sources.len() != count {
        return Err(Misbehaviour::WrongLength {
            given: explanation.sources.len(),
            asked: count,
        });
    }
    for (place, SourceReport { source, .. }) in explanation.sources.iter().enumerate() {
        if known(*source, count)? != place {
            return Err(Misbehaviour::Repeated {
                step: "line about",
                index: *source,
            });
        }
    }
    exists(&explanation.verdict, count)?;
    if let Some(changed) = &explanation.restriction_effect {
        exists(&changed.without, count)?;
    }
    if let Some(advice) = &explanation.fix {
        match advice.action {
            Fix::Approve(index)
            | Fix::Login(index)
            | Fix::StoreKey(index)
            | Fix::ConfigureHelper(index)
            | Fix::RepairHelper(index)
            | Fix::CheckNetwork(index)
            | Fix::ProviderLogin(index)
            | Fix::Supply(index) => {
                known(index, count)?;
            }
            Fix::SetVariable(_)
            | Fix::UnsetVariable(_)
            | Fix::ToolLogin(_)
            | Fix::RepairFile(_)
            | Fix::UnlockKeyring
            | Fix::OtherSurface(_)
            | Fix::ChangePolicy(_) => {}
        }
    }
    Ok(())
}

fn exists(verdict: &Verdict, count: usize) -> Result<(), Misbehaviour> {
    match verdict {
        Verdict::Look(index)
        | Verdict::Ask(index)
        | Verdict::Fetch(index)
        | Verdict::Use(index)
        | Verdict::Refuse(Refused {
            source: Some(index),
            ..
        }) => known(*index, count).map(drop),
        Verdict::Refuse(Refused { source: None, .. }) | Verdict::Consult => Ok(()),
    }
}

fn known(index: u32, count: usize) -> Result<usize, Misbehaviour> {
    usize::try_from(index)
        .ok()
        .filter(|place| *place < count)
        .ok_or(Misbehaviour::NoSuchSource { index, count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_contract::{Refusal, Surface};

    const SESSION: Session = Session {
        surface: Surface::Terminal,
        interactive: true,
    };
    const ALONE: Session = Session {
        surface: Surface::Terminal,
        interactive: false,
    };

    fn fact(state: State) -> Fact {
        Fact {
            state,
            consent: Consent::Undecided,
        }
    }

    fn error(steps: &mut Steps, session: Session, state: State, verdict: Verdict) -> String {
        steps
            .check(session, &[fact(state)], verdict)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_look_a_question_a_get_and_a_use_follow_each_other() {
        let mut steps = Steps::new(1);
        for (state, verdict, step) in [
            (State::Unknown, Verdict::Look(0), Step::Look(0)),
            (State::Ready, Verdict::Ask(0), Step::Ask(0)),
            (State::Ready, Verdict::Fetch(0), Step::Get(0)),
            (State::Fetched, Verdict::Use(0), Step::Use(0)),
        ] {
            assert_eq!(steps.check(SESSION, &[fact(state)], verdict), Ok(step));
        }
    }

    #[test]
    fn a_step_happens_once() {
        for (before, state, verdict, text) in [
            (
                State::Unknown,
                State::Unknown,
                Verdict::Look(0),
                "it repeats the look at source 0",
            ),
            (
                State::Ready,
                State::Ready,
                Verdict::Ask(0),
                "it repeats the question about source 0",
            ),
            (
                State::Ready,
                State::Ready,
                Verdict::Fetch(0),
                "it repeats the get of source 0",
            ),
        ] {
            let mut steps = Steps::new(1);
            if verdict != Verdict::Look(0) {
                steps
                    .check(SESSION, &[fact(State::Unknown)], Verdict::Look(0))
                    .unwrap();
            }
            steps.check(SESSION, &[fact(before)], verdict).unwrap();
            assert_eq!(
                error(&mut steps, SESSION, state, verdict),
                format!("the engine misbehaved in `decide`: {text}")
            );
        }
    }

    #[test]
    fn a_step_that_the_facts_exclude_is_not_carried_out() {
        let looked = || {
            let mut steps = Steps::new(1);
            steps
                .check(SESSION, &[fact(State::Unknown)], Verdict::Look(0))
                .unwrap();
            steps
        };
        for (mut steps, session, state, verdict, text) in [
            (
                Steps::new(1),
                SESSION,
                State::Unavailable,
                Verdict::Look(0),
                "it wants to look at source 0, which is not unknown",
            ),
            (
                looked(),
                SESSION,
                State::Unavailable,
                Verdict::Ask(0),
                "it wants to ask about source 0, which is neither ready nor fetched",
            ),
            (
                looked(),
                ALONE,
                State::Ready,
                Verdict::Ask(0),
                "it wants to ask about source 0, which nobody is there to decide",
            ),
            (
                Steps::new(1),
                SESSION,
                State::Ready,
                Verdict::Fetch(0),
                "it wants to get source 0, which was never looked at",
            ),
            (
                looked(),
                SESSION,
                State::Failed,
                Verdict::Fetch(0),
                "it wants to get source 0, which is not ready",
            ),
            (
                looked(),
                SESSION,
                State::Fetched,
                Verdict::Use(0),
                "it wants to use source 0, which was never got",
            ),
            (
                looked(),
                SESSION,
                State::Ready,
                Verdict::Use(1),
                "it names source 1 of 1",
            ),
            (
                looked(),
                SESSION,
                State::Ready,
                Verdict::Refuse(Refused {
                    reason: Refusal::SourceFailed,
                    source: Some(7),
                }),
                "it names source 7 of 1",
            ),
        ] {
            assert_eq!(
                error(&mut steps, session, state, verdict),
                format!("the engine misbehaved in `decide`: {text}")
            );
        }
    }
}
