//! The comparison where an override chooses in one of the policies or in both.
//! A table is then no chain, so every case is decided by itself, as a
//! resolution of its own, and those that change in the same way are merged.

use super::{Change, Class, Letter, Side, by_outcome, joined};
use crate::outcome::{Outcome, sessions};
use crate::tree;
use keyrule_contract as wit;
use keyrule_engine::{Error, Judge};

/// More cases than this are not gone through: each is a fresh instance.
pub const MOST: u128 = 1_000_000;

/// One of the two policies.
pub struct Policy<'p> {
    /// What decides.
    pub judge: &'p mut dyn Judge,
    /// What the engine permits.
    pub table: &'p wit::Table,
}

impl std::fmt::Debug for Policy<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Policy").finish_non_exhaustive()
    }
}

/// How many cases there are.
pub fn cases(old: &wit::Table, new: &wit::Table, counterparts: &[wit::Counterpart]) -> u128 {
    sessions()
        .map(|session| {
            let sides = (Side::of(session, old), Side::of(session, new));
            let kinds = counterparts
                .iter()
                .map(|of| facts(of, (old, new), &sides).len() as u128);
            kinds.fold(1, u128::saturating_mul)
        })
        .fold(0, u128::saturating_add)
}

/// Compares two policies case by case.
pub fn diff(
    old: &mut Policy<'_>,
    new: &mut Policy<'_>,
    counterparts: &[wit::Counterpart],
) -> Result<Vec<Change>, Error> {
    joined(|session| in_session(session, old, new, counterparts))
}

/// What is known of a counterpart, for each policy that has it, and which
/// letters that is.
#[derive(Debug, Clone)]
struct Known {
    old: Option<wit::Fact>,
    new: Option<wit::Fact>,
    letters: Vec<Letter>,
}

fn facts(
    counterpart: &wit::Counterpart,
    tables: (&wit::Table, &wit::Table),
    sides: &(Side<'_>, Side<'_>),
) -> Vec<Known> {
    let asks = sides.0.asks(counterpart.old) || sides.1.asks(counterpart.new);
    let consents = [
        wit::Consent::Undecided,
        wit::Consent::Approved,
        wit::Consent::Declined,
    ];
    let state = |table: &wit::Table, source: Option<u32>, condition: Option<u32>| {
        let conditions = table.conditions.get(usize::try_from(source?).ok()?)?;
        let condition = conditions.get(usize::try_from(condition?).ok()?)?;
        Some(condition.state)
    };
    let mut all: Vec<Known> = Vec::new();
    for (place, condition) in counterpart.conditions.iter().enumerate() {
        let old = state(tables.0, counterpart.old, condition.old);
        let new = state(tables.1, counterpart.new, condition.new);
        for consent in consents.into_iter().take(if asks { 3 } else { 1 }) {
            let fact = |state: Option<wit::State>| {
                state.map(|state| wit::Fact {
                    state,
                    // Of what is not there nobody has said anything.
                    consent: match state {
                        wit::State::Unavailable | wit::State::Failed => wit::Consent::Undecided,
                        _ => consent,
                    },
                })
            };
            let (old, new) = (fact(old), fact(new));
            match all
                .iter_mut()
                .find(|known| known.old == old && known.new == new)
            {
                Some(known) => known.letters.push((place, consent)),
                None => all.push(Known {
                    old,
                    new,
                    letters: vec![(place, consent)],
                }),
            }
        }
    }
    all
}

/// What comes of one case.
type Ends = (Outcome, Outcome, Option<Class>);

fn in_session(
    session: wit::Session,
    old: &mut Policy<'_>,
    new: &mut Policy<'_>,
    counterparts: &[wit::Counterpart],
) -> Result<Vec<Change>, Error> {
    let sides = (Side::of(session, old.table), Side::of(session, new.table));
    let known: Vec<Vec<Known>> = counterparts
        .iter()
        .map(|of| facts(of, (old.table, new.table), &sides))
        .collect();
    let widths: Vec<usize> = known.iter().map(Vec::len).collect();
    let count: usize = widths.iter().product();
    let mut ends: Vec<Ends> = Vec::with_capacity(count);
    for number in 0..count {
        let case = letters(&known, number);
        let was = decide(
            old.judge,
            session,
            counterparts,
            |of| of.old,
            &case,
            |of| of.old,
        )?;
        let is = decide(
            new.judge,
            session,
            counterparts,
            |of| of.new,
            &case,
            |of| of.new,
        )?;
        let class = (was != is).then(|| class(was, is, counterparts, &case, &sides));
        ends.push((was, is, class));
    }
    let changes = tree::merge(&widths, &ends)
        .into_iter()
        .filter_map(|branch| {
            let (was, is, class) = branch.then;
            Some(Change {
                class: class?,
                sessions: vec![session],
                when: branch
                    .when
                    .into_iter()
                    .map(|(place, chosen)| {
                        let of = known.get(place).into_iter();
                        let mut letters: Vec<Letter> = of
                            .flat_map(|known| chosen.iter().filter_map(|at| known.get(*at)))
                            .flat_map(|known| known.letters.iter().copied())
                            .collect();
                        letters.sort_by_key(|(condition, consent)| (*condition, *consent as u8));
                        (place, letters)
                    })
                    .collect(),
                old: was,
                new: is,
                at: None,
            })
        });
    Ok(changes.collect())
}

/// What is known of each counterpart in a case, by its number.
fn letters(known: &[Vec<Known>], mut number: usize) -> Vec<&Known> {
    let mut case = Vec::with_capacity(known.len());
    for of in known.iter().rev() {
        let width = of.len().max(1);
        case.extend(of.get(number % width));
        number /= width;
    }
    case.reverse();
    case
}

/// Decides a case in one policy, and names the source by its counterpart.
fn decide(
    judge: &mut dyn Judge,
    session: wit::Session,
    counterparts: &[wit::Counterpart],
    place: impl Fn(&wit::Counterpart) -> Option<u32>,
    case: &[&Known],
    fact: impl Fn(&Known) -> Option<wit::Fact>,
) -> Result<Outcome, Error> {
    let mut facts: Vec<(u32, wit::Fact)> = counterparts
        .iter()
        .zip(case)
        .filter_map(|(counterpart, known)| Some((place(counterpart)?, fact(known)?)))
        .collect();
    facts.sort_by_key(|(source, _)| *source);
    let facts: Vec<wit::Fact> = facts.into_iter().map(|(_, fact)| fact).collect();
    judge.begin()?;
    let verdict = judge.decide(session, &facts)?;
    let named = |source: u32| {
        let at = counterparts
            .iter()
            .position(|counterpart| place(counterpart) == Some(source));
        at.and_then(|at| u32::try_from(at).ok()).unwrap_or(u32::MAX)
    };
    Ok(match Outcome::of_verdict(verdict) {
        Some(Outcome::Use(source)) => Outcome::Use(named(source)),
        Some(Outcome::Ask(source)) => Outcome::Ask(named(source)),
        Some(Outcome::Refuse(why, source)) => Outcome::Refuse(why, source.map(named)),
        // Facts are settled, and the override was asked.
        None => Outcome::Refuse("override-refused", None),
    })
}

/// What a change means, as `diff` has it, in one case.
fn class(
    was: Outcome,
    is: Outcome,
    counterparts: &[wit::Counterpart],
    case: &[&Known],
    sides: &(Side<'_>, Side<'_>),
) -> Class {
    if let Some(class) = by_outcome(was, is) {
        return class;
    }
    let allowed = |outcome: Outcome, in_old: bool| {
        let place = outcome.source().and_then(|at| usize::try_from(at).ok());
        let found = place.and_then(|at| {
            let (of, known) = (counterparts.get(at)?, case.get(at)?);
            let (condition, consent) = *known.letters.first()?;
            let condition = of.conditions.get(condition)?;
            if in_old {
                sides.0.effect(of.old, condition.old, consent)
            } else {
                sides.1.effect(of.new, condition.new, consent)
            }
        });
        matches!(found, Some(wit::Effect::Use | wit::Effect::Ask))
    };
    if !allowed(is, true) {
        Class::Widening
    } else if !allowed(was, false) {
        Class::Narrowing
    } else {
        Class::Switched
    }
}
