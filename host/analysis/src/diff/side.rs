//! One policy in one session, as a comparison sees it: what each source does,
//! and the ways in which the session can end.

use std::collections::BTreeMap;

use super::{Kind, Kinds};
use crate::outcome::{Outcome, refusal};
use keyrule_contract as wit;

/// One policy in one session.
#[derive(Debug)]
pub(super) struct Side<'t> {
    rows: BTreeMap<(u32, u32, u8), &'t wit::Row>,
    ending: Option<&'t wit::Ending>,
}

/// How a session ends where nothing is known about it: a policy that does not
/// list it does not serve it.
const NOT_SERVED: &wit::Ending = &wit::Ending {
    session: wit::Session {
        surface: wit::Surface::Terminal,
        interactive: false,
    },
    reason: wit::Refusal::SurfaceNotServed,
    rule: None,
};

impl<'t> Side<'t> {
    pub(super) fn of(session: wit::Session, table: &'t wit::Table) -> Self {
        let rows = table.rows.iter().filter(|row| row.session == session);
        Self {
            rows: rows
                .map(|row| ((row.source, row.condition, row.consent as u8), row))
                .collect(),
            ending: table.endings.iter().find(|of| of.session == session),
        }
    }

    /// How the session ends where every source is passed.
    pub(super) fn ending(&self) -> &'t wit::Ending {
        self.ending.unwrap_or(NOT_SERVED)
    }

    /// Whether it matters what was said about the source.
    pub(super) fn asks(&self, source: Option<u32>) -> bool {
        source.is_some_and(|source| {
            self.rows
                .contains_key(&(source, 0, wit::Consent::Approved as u8))
        })
    }

    /// What follows from a condition of a source; nothing where the policy
    /// does not have it.
    pub(super) fn effect(
        &self,
        source: Option<u32>,
        condition: Option<u32>,
        consent: wit::Consent,
    ) -> Option<wit::Effect> {
        Some(self.row(source, condition, consent)?.effect)
    }

    /// The rule behind that.
    pub(super) fn rule(
        &self,
        source: Option<u32>,
        condition: Option<u32>,
        consent: wit::Consent,
    ) -> Option<wit::Location> {
        Some(self.row(source, condition, consent)?.rule.clone())
    }

    fn row(
        &self,
        source: Option<u32>,
        condition: Option<u32>,
        consent: wit::Consent,
    ) -> Option<&'t wit::Row> {
        let (source, condition) = (source?, condition?);
        let find = |consent: wit::Consent| self.rows.get(&(source, condition, consent as u8));
        // Where a source never asks, nothing that was said changes anything.
        find(consent)
            .or_else(|| find(wit::Consent::Undecided))
            .copied()
    }

    /// The ways in which the session can end, for sources in this order.
    pub(super) fn paths(
        &self,
        order: &[usize],
        kinds: &[Kinds],
        effect: impl Fn(&Kind) -> Option<wit::Effect>,
    ) -> Vec<Path> {
        let mut sets: Vec<u64> = kinds.iter().map(|kinds| mask(kinds, |_| true)).collect();
        let mut paths = Vec::new();
        let passed = |kind: &Kind| effect(kind).is_none_or(|effect| effect == wit::Effect::Skip);
        if self.ending().reason == wit::Refusal::SurfaceNotServed {
            return vec![self.end(sets)];
        }
        for place in order {
            let Some(of) = kinds.get(*place) else {
                continue;
            };
            let mut effects: Vec<wit::Effect> = Vec::new();
            for found in of.iter().filter_map(&effect) {
                if found != wit::Effect::Skip && !effects.contains(&found) {
                    effects.push(found);
                }
            }
            let source = u32::try_from(*place).unwrap_or(u32::MAX);
            for found in effects {
                let mut sets = sets.clone();
                if let Some(set) = sets.get_mut(*place) {
                    *set = mask(of, |kind| effect(kind) == Some(found));
                }
                if let Some(outcome) = Outcome::of_effect(found, source) {
                    paths.push(Path { outcome, sets });
                }
            }
            if let Some(set) = sets.get_mut(*place) {
                *set = mask(of, passed);
                if *set == 0 {
                    return paths;
                }
            }
        }
        paths.push(self.end(sets));
        paths
    }

    fn end(&self, sets: Vec<u64>) -> Path {
        Path {
            outcome: Outcome::Refuse(refusal(self.ending().reason), None),
            sets,
        }
    }
}

/// One way in which a session can end: for each counterpart, the set of kinds
/// that lead there.
#[derive(Debug, Clone)]
pub(super) struct Path {
    pub outcome: Outcome,
    pub sets: Vec<u64>,
}

impl Path {
    /// The cases that lead to both ends, if there are any.
    pub(super) fn meets(&self, other: &Self) -> Option<Vec<u64>> {
        self.sets
            .iter()
            .zip(&other.sets)
            .map(|(left, right)| Some(left & right).filter(|both| *both != 0))
            .collect()
    }
}

/// The set of kinds of which something holds. There are fewer than 64: a
/// source has one of six effects in each policy, or is not in it.
pub(super) fn mask(kinds: &Kinds, holds: impl Fn(&Kind) -> bool) -> u64 {
    kinds
        .iter()
        .enumerate()
        .filter(|(_, kind)| holds(kind))
        .fold(0, |set, (bit, _)| set | (1 << bit))
}
