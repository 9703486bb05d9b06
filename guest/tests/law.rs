//! The law of restrictions (S12) and the completeness of the table, over
//! policies, restrictions and observations of every shape. `PROPTEST_CASES`
//! says over how many.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a helper of tests stops where something is missing"
)]

#[path = "law/generate.rs"]
mod generate;
#[path = "law/world.rs"]
mod world;

use keyrule_policy::Policy;
use keyrule_policy::bindings::exports::keyrule::policy::engine::{
    Consent, Counterpart, Effect, Fact, Reason, Refusal, Refused, Session, State, Surface, Table,
    Verdict,
};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use generate::{policy, restrictions};
use world::world;

const CONSENTS: [Consent; 3] = [Consent::Undecided, Consent::Approved, Consent::Declined];

fn sessions() -> impl Iterator<Item = Session> {
    let surfaces = [
        Surface::Terminal,
        Surface::Desktop,
        Surface::Remote,
        Surface::Web,
    ];
    surfaces.into_iter().flat_map(|surface| {
        [true, false].map(|interactive| Session {
            surface,
            interactive,
        })
    })
}

/// A policy with its table, whose rows can be looked up.
struct Decided {
    policy: Policy,
    table: Table,
    asks: Vec<bool>,
    /// Where the rows of each session and source begin; none where the session
    /// is not served.
    starts: Vec<Vec<Option<usize>>>,
}

impl Decided {
    fn of(policy: Policy) -> Self {
        let table = policy.table();
        let asks: Vec<bool> = policy
            .sources()
            .iter()
            .map(|source| source.needs_consent)
            .collect();
        let starts = sessions()
            .map(|session| {
                (0_u32..)
                    .zip(&asks)
                    .map(|(source, _)| {
                        table
                            .rows
                            .iter()
                            .position(|row| row.session == session && row.source == source)
                    })
                    .collect()
            })
            .collect();
        Self {
            policy,
            table,
            asks,
            starts,
        }
    }

    /// What follows, and why. None where the session is not served.
    fn effect(
        &self,
        session: usize,
        source: usize,
        condition: u32,
        consent: Consent,
    ) -> Option<(Effect, Reason)> {
        let start = self.starts[session][source]?;
        let place = if self.asks[source] {
            condition as usize * CONSENTS.len() + consent as usize
        } else {
            condition as usize
        };
        let row = &self.table.rows[start + place];
        assert_eq!((row.source as usize, row.condition), (source, condition));
        assert!(!self.asks[source] || row.consent == consent);
        Some((row.effect, row.reason))
    }

    fn judged(&self, source: usize, condition: u32) -> (State, Reason) {
        let condition = &self.table.conditions[source][condition as usize];
        (condition.state, condition.reason)
    }
}

/// Every index of two policies with the same sources, with the index of its
/// condition in either.
fn joint(counterparts: &[Counterpart]) -> impl Iterator<Item = (usize, u32, u32)> {
    counterparts
        .iter()
        .enumerate()
        .flat_map(|(source, counterpart)| {
            let place = u32::try_from(source).ok();
            assert_eq!((counterpart.old, counterpart.new), (place, place));
            counterpart.conditions.iter().map(move |condition| {
                let old = condition.old.expect("the old policy has it");
                let new = condition.new.expect("the new policy has it");
                (source, old, new)
            })
        })
}

fn strength(effect: Effect) -> u8 {
    match effect {
        Effect::Skip | Effect::Refuse(_) => 0,
        Effect::Ask => 1,
        Effect::Use => 2,
    }
}

/// What a look made of a source, whether it was fetched or can be refreshed.
fn looked(state: State, reason: Reason) -> (State, Reason) {
    match (state, reason) {
        (State::Ready | State::Fetched, _) => (State::Ready, Reason::Present),
        other => other,
    }
}

fn settings() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/law.regressions",
        ))),
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(settings())]

    /// S12: a source that is used under restrictions is one that the policy
    /// itself lets count there, in the same case, under no weaker consent, for
    /// no other endpoint and for no longer.
    #[test]
    fn restrictions_only_remove(draft in policy(), list in restrictions(), worlds in worlds()) {
        let base = Decided::of(draft.load());
        let restricted = Decided::of(draft.restricted(&list));
        for (source, old, new) in joint(&Policy::align(&base.policy, &restricted.policy)) {
            let (without, with) = (base.judged(source, old), restricted.judged(source, new));
            prop_assert!(with.0 != State::Ready || without.0 == State::Ready, "{without:?} {with:?}");
            for session in 0..sessions().count() {
                for consent in CONSENTS {
                    let without = base.effect(session, source, old, consent);
                    let with = restricted.effect(session, source, new, consent);
                    prop_assert_eq!(without.is_some(), with.is_some());
                    let (Some((without, _)), Some((with, _))) = (without, with) else {
                        continue;
                    };
                    prop_assert!(strength(with) <= strength(without), "{without:?} {with:?}");
                }
            }
        }
        for world in worlds {
            for (index, source) in (0..).zip(base.policy.sources()) {
                let seen = world.seen(&source);
                let without = base.policy.observe(index, &seen).ttl_ms;
                prop_assert!(restricted.policy.observe(index, &seen).ttl_ms <= without);
            }
        }
    }

    /// S12: neither their order nor how often they are said makes a
    /// difference, except to the lines that are named as the reason.
    #[test]
    fn order_and_repetition_change_nothing(
        draft in policy(),
        (list, other) in restrictions().prop_flat_map(|list| {
            let mut twice = list.clone();
            twice.extend(list.iter().take(2).cloned());
            (Just(list), Just(twice).prop_shuffle())
        }),
        worlds in worlds(),
    ) {
        let one = Decided::of(draft.restricted(&list));
        let other = Decided::of(draft.restricted(&other));
        for (source, old, new) in joint(&Policy::align(&one.policy, &other.policy)) {
            prop_assert_eq!(one.judged(source, old), other.judged(source, new));
            for session in 0..sessions().count() {
                for consent in CONSENTS {
                    prop_assert_eq!(
                        one.effect(session, source, old, consent),
                        other.effect(session, source, new, consent)
                    );
                }
            }
        }
        let endings = |of: &Decided| -> Vec<_> {
            of.table.endings.iter().map(|ending| (ending.session, ending.reason)).collect()
        };
        prop_assert_eq!(endings(&one), endings(&other));
        prop_assert_eq!(&one.asks, &other.asks);
        for world in worlds {
            for (index, source) in (0..).zip(one.policy.sources()) {
                let seen = world.seen(&source);
                let judged = |of: &Decided| {
                    let found = of.policy.observe(index, &seen);
                    (found.state, found.reason, found.ttl_ms)
                };
                prop_assert_eq!(judged(&one), judged(&other));
            }
        }
    }

    /// The first row that is not passed is what `decide` answers, in every
    /// combination of conditions and consents.
    #[test]
    fn the_table_is_what_is_decided(
        draft in policy(),
        list in restrictions(),
        turn in any::<[usize; 6]>(),
    ) {
        let decided = Decided::of(draft.restricted(&list));
        let mut choices: Vec<Vec<(u32, Consent)>> = (decided.table.conditions.iter())
            .zip(&decided.asks)
            .zip(turn)
            .map(|((conditions, asks), turn)| {
                let mut all: Vec<_> = (0..)
                    .zip(conditions)
                    .flat_map(|(place, _)| CONSENTS.map(|consent| (place, consent)))
                    .filter(|(_, consent)| *asks || *consent == Consent::Undecided)
                    .collect();
                // Where there are too many, others are left out in each case.
                let middle = turn % all.len();
                all.rotate_left(middle);
                all
            })
            .collect();
        while choices.iter().map(Vec::len).product::<usize>() > 600 {
            let longest = choices.iter_mut().max_by_key(|list| list.len()).expect("a source");
            longest.pop();
        }
        let facts: Vec<Vec<Fact>> = choices
            .iter()
            .enumerate()
            .map(|(source, list)| {
                list.iter()
                    .map(|(condition, consent)| Fact {
                        state: decided.judged(source, *condition).0,
                        consent: *consent,
                    })
                    .collect()
            })
            .collect();
        for (place, session) in sessions().enumerate() {
            let verdicts = decided.policy.decide_every(session, &facts);
            let mut count = 0;
            for verdict in &verdicts {
                // The last source's changes fastest.
                let mut rest = count;
                let mut case: Vec<(u32, Consent)> = choices
                    .iter()
                    .rev()
                    .map(|list| {
                        let choice = list[rest % list.len()];
                        rest /= list.len();
                        choice
                    })
                    .collect();
                case.reverse();
                prop_assert_eq!(*verdict, by_table(&decided, place, &case));
                count += 1;
            }
            prop_assert_eq!(count, choices.iter().map(Vec::len).product::<usize>());
        }
    }

    /// Whatever a host sees is judged as one of the conditions in the table,
    /// and each condition's own observation is judged as the table says.
    #[test]
    fn the_conditions_are_complete(
        draft in policy(),
        list in restrictions(),
        worlds in worlds(),
    ) {
        let decided = Decided::of(draft.restricted(&list));
        let sources = decided.policy.sources();
        for (index, conditions) in (0..).zip(&decided.table.conditions) {
            for condition in conditions {
                let found = decided.policy.observe(index, &condition.observation);
                prop_assert_eq!(
                    (found.state, found.reason, &found.rule),
                    (condition.state, condition.reason, &condition.rule)
                );
            }
            for world in &worlds {
                let seen = world.seen(&sources[index as usize]);
                let found = decided.policy.observe(index, &seen);
                let judged = looked(found.state, found.reason);
                prop_assert!(
                    conditions.iter().any(|condition| {
                        (condition.state, condition.reason) == judged && condition.rule == found.rule
                    }),
                    "{judged:?} {seen:?}"
                );
            }
        }
    }

    /// What two policies make of the same world is one of the conditions that
    /// they have in common.
    #[test]
    fn joint_conditions_are_complete(
        old in policy(),
        new in policy(),
        list in restrictions(),
        worlds in worlds(),
    ) {
        let base = Decided::of(old.load());
        for other in [old.restricted(&list), new.restricted(&list)] {
            let other = Decided::of(other);
            let (of_base, of_other) = (base.policy.sources(), other.policy.sources());
            for counterpart in Policy::align(&base.policy, &other.policy) {
                for world in &worlds {
                    let judge = |decided: &Decided, sources: &[_], place: Option<u32>| {
                        let index = place?;
                        let seen = world.seen(&sources[index as usize]);
                        let found = decided.policy.observe(index, &seen);
                        Some(looked(found.state, found.reason))
                    };
                    let old = judge(&base, &of_base, counterpart.old);
                    let new = judge(&other, &of_other, counterpart.new);
                    let known = |decided: &Decided, source: Option<u32>, place: Option<u32>| {
                        Some(decided.judged(source? as usize, place?))
                    };
                    prop_assert!(
                        counterpart.conditions.iter().any(|condition| {
                            known(&base, counterpart.old, condition.old) == old
                                && known(&other, counterpart.new, condition.new) == new
                        }),
                        "{old:?} {new:?} of {counterpart:#?}"
                    );
                }
            }
        }
    }
}

fn worlds() -> impl Strategy<Value = Vec<world::World>> {
    proptest::collection::vec(world(), 24)
}

/// What the table says of one case.
fn by_table(decided: &Decided, session: usize, case: &[(u32, Consent)]) -> Verdict {
    let refuse = |reason, source| Verdict::Refuse(Refused { reason, source });
    for (source, (condition, consent)) in case.iter().enumerate() {
        let Some((effect, _)) = decided.effect(session, source, *condition, *consent) else {
            return refuse(Refusal::SurfaceNotServed, None);
        };
        let index = u32::try_from(source).expect("few sources");
        match effect {
            Effect::Skip => {}
            Effect::Ask => return Verdict::Ask(index),
            Effect::Use => return Verdict::Fetch(index),
            Effect::Refuse(reason) => return refuse(reason, Some(index)),
        }
    }
    refuse(decided.table.endings[session].reason, None)
}
