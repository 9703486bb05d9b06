//! Every case of a policy, one by one: what can be known of each source in,
//! and for each combination what the engine decides. It is how the merged
//! table is checked, and the only table there is where an override chooses.

use super::outcome::{Outcome, sessions};
use keyrule_contract as wit;
use keyrule_engine::{self as engine, Judge};

/// More cases than this are not gone through.
pub const MOST: u128 = 10_000_000;

/// So many combinations are decided in one call of the engine.
const AT_ONCE: usize = 1 << 15;

/// What can be known of each source of a policy once it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alphabet(pub Vec<Vec<wit::Fact>>);

impl Alphabet {
    /// What the table says can be the case, as far as `decide` sees it.
    pub fn of(table: &wit::Table) -> Self {
        let of_source = |(source, conditions): (u32, &Vec<wit::Condition>)| {
            let mut facts: Vec<wit::Fact> = Vec::new();
            for row in table.rows.iter().filter(|row| row.source == source) {
                let condition = usize::try_from(row.condition).ok();
                let Some(condition) = condition.and_then(|place| conditions.get(place)) else {
                    continue;
                };
                let fact = wit::Fact {
                    state: condition.state,
                    // Of what is not there nobody has said anything.
                    consent: match condition.state {
                        wit::State::Unavailable | wit::State::Failed => wit::Consent::Undecided,
                        _ => row.consent,
                    },
                };
                if !facts.contains(&fact) {
                    facts.push(fact);
                }
            }
            facts
        };
        Self((0..).zip(&table.conditions).map(of_source).collect())
    }

    /// How many combinations there are in one session.
    pub(crate) fn combinations(&self) -> u128 {
        let lengths = self.0.iter().map(|facts| facts.len() as u128);
        lengths.fold(1, u128::saturating_mul)
    }

    /// How many cases there are in all sessions.
    pub fn cases(&self) -> u128 {
        self.combinations()
            .saturating_mul(sessions().count() as u128)
    }

    /// The alphabets of consecutive combinations that are decided in one call:
    /// the first sources held at one fact, the rest free.
    fn pieces(&self) -> Vec<Vec<Vec<wit::Fact>>> {
        let mut free = 1_usize;
        let mut held = self.0.len();
        while held > 0 {
            let next = self.0.get(held - 1).map_or(1, Vec::len);
            if free.saturating_mul(next) > AT_ONCE {
                break;
            }
            free *= next;
            held -= 1;
        }
        let (first, rest) = self.0.split_at(held);
        let mut pieces: Vec<Vec<Vec<wit::Fact>>> = vec![Vec::new()];
        for facts in first {
            pieces = pieces
                .into_iter()
                .flat_map(|piece| {
                    facts.iter().map(move |fact| {
                        let mut piece = piece.clone();
                        piece.push(vec![*fact]);
                        piece
                    })
                })
                .collect();
        }
        for piece in &mut pieces {
            piece.extend(rest.iter().cloned());
        }
        pieces
    }
}

/// Decides every case of a session, the last source's facts changing fastest,
/// and hands over what they come to in pieces.
pub fn decide<E: From<engine::Error>>(
    policy: &mut engine::Policy,
    session: wit::Session,
    alphabet: &Alphabet,
    mut take: impl FnMut(&[wit::Verdict]) -> Result<(), E>,
) -> Result<(), E> {
    for piece in alphabet.pieces() {
        take(&policy.decide_every(session, &piece)?)?;
    }
    Ok(())
}

/// The same where an override chooses: each case is a resolution of its own.
pub fn choose<E: From<engine::Error>>(
    judge: &mut dyn Judge,
    session: wit::Session,
    alphabet: &Alphabet,
    mut take: impl FnMut(&[wit::Verdict]) -> Result<(), E>,
) -> Result<(), E> {
    let mut case = Vec::with_capacity(alphabet.0.len());
    each(&alphabet.0, &mut case, &mut |case| {
        judge.begin()?;
        take(&[judge.decide(session, case)?])
    })
}

/// Calls back with every combination.
pub(crate) fn each<E>(
    lists: &[Vec<wit::Fact>],
    case: &mut Vec<wit::Fact>,
    call: &mut impl FnMut(&[wit::Fact]) -> Result<(), E>,
) -> Result<(), E> {
    let Some((first, rest)) = lists.split_first() else {
        return call(case);
    };
    for fact in first {
        case.push(*fact);
        each(rest, case, call)?;
        case.pop();
    }
    Ok(())
}

/// What the table says of one case: the first source that is not passed.
#[derive(Debug)]
pub struct Chain<'t> {
    /// Per source and fact, in the order of the alphabet.
    effects: Vec<Vec<wit::Effect>>,
    ending: &'t wit::Ending,
}

impl<'t> Chain<'t> {
    /// The chain of one session.
    pub fn of(table: &'t wit::Table, ending: &'t wit::Ending, alphabet: &Alphabet) -> Self {
        let effect = |source: u32, fact: &wit::Fact| {
            let conditions = usize::try_from(source)
                .ok()
                .and_then(|place| table.conditions.get(place));
            table
                .rows
                .iter()
                .find(|row| {
                    let condition = usize::try_from(row.condition).ok();
                    let condition = condition.and_then(|place| conditions?.get(place));
                    row.session == ending.session
                        && row.source == source
                        && row.consent == fact.consent
                        && condition.is_some_and(|condition| condition.state == fact.state)
                })
                .map_or(wit::Effect::Skip, |row| row.effect)
        };
        let effects = (0..)
            .zip(&alphabet.0)
            .map(|(source, facts)| facts.iter().map(|fact| effect(source, fact)).collect());
        Self {
            effects: effects.collect(),
            ending,
        }
    }

    /// What a case comes to, by its number in the order of `decide`.
    pub fn outcome(&self, mut number: u64) -> Outcome {
        let mut first = None;
        for (source, effects) in self.effects.iter().enumerate().rev() {
            let source = u32::try_from(source).unwrap_or(u32::MAX);
            let count = effects.len().max(1) as u64;
            let place = usize::try_from(number % count).unwrap_or_default();
            number /= count;
            let effect = effects.get(place).copied().unwrap_or(wit::Effect::Skip);
            first = Outcome::of_effect(effect, source).or(first);
        }
        first.unwrap_or(Outcome::Refuse(
            super::outcome::refusal(self.ending.reason),
            None,
        ))
    }
}
