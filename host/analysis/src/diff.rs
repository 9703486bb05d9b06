//! How two policies differ: exactly the cases whose outcome changes. What goes
//! in are both tables and their sources side by side; what comes out are
//! groups of cases, each a conjunction over what can be the case with single
//! sources, with the outcome before and after.
//!
//! A table is a chain, so the cases in which a source decides are those in
//! which it has some effect and every source before it is passed. The cases
//! in which one source decides in the old policy and another in the new one
//! are therefore, source by source, the ones that both allow; where those of
//! some source are none, the group is empty. No case is sampled and none is
//! left out.

pub mod chosen;
mod side;

use side::{Path, Side};

use super::outcome::{Outcome, sessions};
use keyrule_contract as wit;

/// What a change means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// A source is used that the old policy did not let count there, a consent
    /// is no longer needed, or a refusal became a use.
    Widening,
    /// The reverse.
    Narrowing,
    /// Both use what the other allows too, or refuse for another reason.
    Switched,
}

/// An outcome, with its source named by its counterpart.
pub type Decided = Outcome;

/// What is the case with a counterpart: a condition and a consent.
pub type Letter = (usize, wit::Consent);

/// A group of cases whose outcome changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// What it means.
    pub class: Class,
    /// In which sessions.
    pub sessions: Vec<wit::Session>,
    /// For each counterpart that matters, what is the case with it.
    pub when: Vec<(usize, Vec<Letter>)>,
    /// The outcome by the old policy.
    pub old: Decided,
    /// The outcome by the new policy.
    pub new: Decided,
    /// The rule that decides in the new policy, else in the old one.
    pub at: Option<wit::Location>,
}

/// So many pairs of ends are compared in one session, each for every source:
/// some hundred sources in both policies.
const MOST: usize = 30_000_000;

/// The policies have too many sources to be compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

/// Compares two policies.
pub fn diff(
    old: &wit::Table,
    new: &wit::Table,
    counterparts: &[wit::Counterpart],
) -> Result<Vec<Change>, TooMany> {
    joined(|session| in_session(session, old, new, counterparts))
}

/// The changes of every session, those that are the same joined.
fn joined<E>(
    mut of_session: impl FnMut(wit::Session) -> Result<Vec<Change>, E>,
) -> Result<Vec<Change>, E> {
    let mut changes: Vec<Change> = Vec::new();
    for session in sessions() {
        for change in of_session(session)? {
            let same = changes.iter_mut().find(|other| {
                other.class == change.class
                    && other.old == change.old
                    && other.new == change.new
                    && other.when == change.when
            });
            match same {
                Some(other) => other.sessions.push(session),
                None => changes.push(change),
            }
        }
    }
    changes.sort_by_key(|change| change.class);
    Ok(changes)
}

/// What a change means, where the outcomes alone tell: from or to a refusal,
/// or the same source with another need of a consent.
fn by_outcome(old: Outcome, new: Outcome) -> Option<Class> {
    let rank = |outcome: Outcome| match outcome {
        Outcome::Refuse(..) => 0,
        Outcome::Ask(_) => 1,
        Outcome::Use(_) => 2,
    };
    match (rank(old), rank(new)) {
        (0, 0) => Some(Class::Switched),
        (0, _) => Some(Class::Widening),
        (_, 0) => Some(Class::Narrowing),
        (before, after) if old.source() == new.source() => Some(if after > before {
            Class::Widening
        } else {
            Class::Narrowing
        }),
        _ => None,
    }
}

/// All letters of a counterpart that have the same two effects.
#[derive(Debug, Clone)]
struct Kind {
    old: Option<wit::Effect>,
    new: Option<wit::Effect>,
    letters: Vec<Letter>,
}

/// One counterpart in one session.
type Kinds = Vec<Kind>;

fn in_session(
    session: wit::Session,
    old: &wit::Table,
    new: &wit::Table,
    counterparts: &[wit::Counterpart],
) -> Result<Vec<Change>, TooMany> {
    let (old, new) = (Side::of(session, old), Side::of(session, new));
    let kinds: Vec<Kinds> = counterparts
        .iter()
        .map(|counterpart| kinds(counterpart, &old, &new))
        .collect();
    let effect_old = |kind: &Kind| kind.old;
    let effect_new = |kind: &Kind| kind.new;
    let old_paths = old.paths(&order(counterparts, |of| of.old), &kinds, effect_old);
    let new_paths = new.paths(&order(counterparts, |of| of.new), &kinds, effect_new);
    let pairs = old_paths.len().saturating_mul(new_paths.len());
    if pairs.saturating_mul(counterparts.len()) > MOST {
        return Err(TooMany);
    }
    let mut changes = Vec::new();
    for from in &old_paths {
        for to in &new_paths {
            if from.outcome == to.outcome {
                continue;
            }
            let Some(group) = from.meets(to) else {
                continue;
            };
            for (class, group) in classes(from, to, group, &kinds) {
                changes.push(Change {
                    class,
                    sessions: vec![session],
                    when: when(&group, &kinds),
                    old: from.outcome,
                    new: to.outcome,
                    at: at(from, to, &group, &kinds, counterparts, &old, &new),
                });
            }
        }
    }
    Ok(changes)
}

/// Sorts the letters of a counterpart by what follows from them.
fn kinds(counterpart: &wit::Counterpart, old: &Side<'_>, new: &Side<'_>) -> Kinds {
    let asks = old.asks(counterpart.old) || new.asks(counterpart.new);
    let consents: &[wit::Consent] = if asks {
        &[
            wit::Consent::Undecided,
            wit::Consent::Approved,
            wit::Consent::Declined,
        ]
    } else {
        &[wit::Consent::Undecided]
    };
    let mut kinds: Kinds = Vec::new();
    for (place, condition) in counterpart.conditions.iter().enumerate() {
        for consent in consents {
            let of_old = old.effect(counterpart.old, condition.old, *consent);
            let of_new = new.effect(counterpart.new, condition.new, *consent);
            let letter = (place, *consent);
            match kinds
                .iter_mut()
                .find(|kind| kind.old == of_old && kind.new == of_new)
            {
                Some(kind) => kind.letters.push(letter),
                None => kinds.push(Kind {
                    old: of_old,
                    new: of_new,
                    letters: vec![letter],
                }),
            }
        }
    }
    kinds
}

/// The counterparts that one policy has, in its order.
fn order(
    counterparts: &[wit::Counterpart],
    place: impl Fn(&wit::Counterpart) -> Option<u32>,
) -> Vec<usize> {
    let mut order: Vec<(u32, usize)> = counterparts
        .iter()
        .enumerate()
        .filter_map(|(index, of)| Some((place(of)?, index)))
        .collect();
    order.sort_unstable();
    order.into_iter().map(|(_, index)| index).collect()
}

/// Sets of kinds, one for each counterpart.
type Group = Vec<u64>;

/// What a group of cases means. It is split where only some of its cases are
/// of a class.
fn classes(from: &Path, to: &Path, group: Group, kinds: &[Kinds]) -> Vec<(Class, Group)> {
    if let Some(class) = by_outcome(from.outcome, to.outcome) {
        return vec![(class, group)];
    }
    // A source that the other policy does not let be used in the same case.
    let allowed =
        |effect: Option<wit::Effect>| matches!(effect, Some(wit::Effect::Use | wit::Effect::Ask));
    let mut found = Vec::new();
    let (before, rest) = split(group, to.outcome.source(), kinds, |kind| allowed(kind.old));
    found.extend(rest.map(|group| (Class::Widening, group)));
    if let Some(group) = before {
        let (after, rest) = split(group, from.outcome.source(), kinds, |kind| {
            allowed(kind.new)
        });
        found.extend(rest.map(|group| (Class::Narrowing, group)));
        found.extend(after.map(|group| (Class::Switched, group)));
    }
    found
}

/// Parts a group by what holds of one counterpart.
fn split(
    group: Group,
    counterpart: Option<u32>,
    kinds: &[Kinds],
    holds: impl Fn(&Kind) -> bool,
) -> (Option<Group>, Option<Group>) {
    let place = counterpart.and_then(|place| usize::try_from(place).ok());
    let Some((place, of)) = place.and_then(|place| Some((place, kinds.get(place)?))) else {
        return (None, Some(group));
    };
    let mask = side::mask(of, holds);
    let part = |mask: u64| {
        let mut part = group.clone();
        let slot = part.get_mut(place)?;
        *slot &= mask;
        (*slot != 0).then_some(part)
    };
    (part(mask), part(!mask))
}

/// What is the case with each counterpart that is not free.
fn when(group: &Group, kinds: &[Kinds]) -> Vec<(usize, Vec<Letter>)> {
    group
        .iter()
        .zip(kinds)
        .enumerate()
        .filter(|(_, (set, kinds))| **set != side::mask(kinds, |_| true))
        .map(|(place, (set, kinds))| {
            let mut letters: Vec<Letter> = kinds
                .iter()
                .enumerate()
                .filter(|(bit, _)| set & (1 << bit) != 0)
                .flat_map(|(_, kind)| kind.letters.iter().copied())
                .collect();
            letters.sort_by_key(|(condition, consent)| (*condition, *consent as u8));
            (place, letters)
        })
        .collect()
}

/// The rule behind the new outcome; where nothing decides there any more, the
/// one behind the old.
fn at(
    from: &Path,
    to: &Path,
    group: &Group,
    kinds: &[Kinds],
    counterparts: &[wit::Counterpart],
    old: &Side<'_>,
    new: &Side<'_>,
) -> Option<wit::Location> {
    let letter = |outcome: Outcome| -> Option<(&wit::Counterpart, Letter)> {
        let place = usize::try_from(outcome.source()?).ok()?;
        let (set, kinds) = (group.get(place)?, kinds.get(place)?);
        let (_, kind) = kinds
            .iter()
            .enumerate()
            .find(|(bit, _)| set & (1 << bit) != 0)?;
        Some((counterparts.get(place)?, *kind.letters.first()?))
    };
    let of_new = letter(to.outcome).and_then(|(of, (condition, consent))| {
        new.rule(of.new, of.conditions.get(condition)?.new, consent)
    });
    let of_old = || {
        letter(from.outcome).and_then(|(of, (condition, consent))| {
            // Where the source still stands, its new rule says why it is not
            // used any more.
            new.rule(of.new, of.conditions.get(condition)?.new, consent)
                .or_else(|| old.rule(of.old, of.conditions.get(condition)?.old, consent))
        })
    };
    of_new.or_else(|| new.ending().rule.clone()).or_else(of_old)
}

#[cfg(test)]
mod tests;
