use super::*;
use crate::full::{Alphabet, Chain};
use keyrule_engine::{Engine, Policy};

fn source(id: &str, more: &str) -> String {
    format!(
        "[[source]]\nid = \"{id}\"\nkind = \"environment\"\nvariable = \"{}\"\nsurfaces = [\"terminal\", \"web\"]\n{more}\n",
        id.to_uppercase().replace('-', "_")
    )
}

const ENDPOINT: &str = "headers = { A = \"{secret}\" }\n\
    endpoint = { default = \"https://a.example\", variable = \"URL\", allow = [\"https://*.a.example\"] }";
const WIDER: &str = "headers = { A = \"{secret}\" }\n\
    endpoint = { default = \"https://a.example\", variable = \"URL\", allow = [\"https://*:*\"] }";

/// Policies that differ in order, consent, endpoint, failure, surface and
/// what they have at all.
fn policies() -> Vec<String> {
    let always = "consent = \"always\"";
    let asks = "consent = \"interactive\"";
    let next = "on-failure = \"next\"";
    [
        [source("a", ""), source("b", asks), source("c", "")].concat(),
        [source("b", ""), source("a", ""), source("c", next)].concat(),
        [source("a", ENDPOINT), source("d", always)].concat(),
        [source("a", WIDER), source("b", always), source("d", "")].concat(),
        source("d", next).replace("\"terminal\", ", ""),
        format!("{}[session]\nsurfaces = [\"web\"]\n", source("a", asks)),
    ]
    .into_iter()
    .map(|sources| {
        // Tables of the top level go before lists of tables.
        match sources.split_once("[session]") {
            Some((sources, session)) => {
                format!("name = \"p\"\n[session]{session}\n{sources}")
            }
            None => format!("name = \"p\"\n{sources}"),
        }
    })
    .collect()
}

fn documents(text: &str) -> Vec<wit::Document> {
    vec![wit::Document {
        origin: wit::DocumentOrigin::Managed,
        path: "p.toml".to_owned(),
        text: text.to_owned(),
    }]
}

fn table(text: &str) -> wit::Table {
    let engine = Engine::builtin().unwrap();
    let mut policy = Policy::load(&engine, "p", &documents(text)).unwrap();
    policy.table().unwrap()
}

fn align(old: &str, new: &str) -> Vec<wit::Counterpart> {
    let engine = Engine::builtin().unwrap();
    Policy::align(&engine, ("p", "p"), &documents(old), &documents(new)).unwrap()
}

/// What a policy decides in one case, found by going through its sources one
/// after the other, without `diff`.
fn decided(
    table: &wit::Table,
    session: wit::Session,
    counterparts: &[wit::Counterpart],
    case: &[Letter],
    of: impl Fn(&wit::Counterpart) -> Option<u32>,
    condition: impl Fn(&wit::JointCondition) -> Option<u32>,
) -> Outcome {
    let ending = table
        .endings
        .iter()
        .find(|ending| ending.session == session)
        .unwrap();
    let mut places: Vec<(u32, usize)> = counterparts
        .iter()
        .enumerate()
        .filter_map(|(place, counterpart)| Some((of(counterpart)?, place)))
        .collect();
    places.sort_unstable();
    for (source, place) in places {
        let (letter, consent) = case[place];
        let condition = condition(&counterparts[place].conditions[letter]).unwrap();
        let rows = table.rows.iter().filter(|row| {
            row.session == session && row.source == source && row.condition == condition
        });
        let rows: Vec<_> = rows.collect();
        let row = rows
            .iter()
            .find(|row| row.consent == consent)
            .or_else(|| rows.first());
        let place = u32::try_from(place).unwrap();
        if let Some(outcome) = row.and_then(|row| Outcome::of_effect(row.effect, place)) {
            return outcome;
        }
    }
    Outcome::Refuse(super::super::outcome::refusal(ending.reason), None)
}

/// Every combination of what can be the case with each counterpart. Consents
/// are told apart where either policy asks.
fn cases(
    counterparts: &[wit::Counterpart],
    asks: impl Fn(&wit::Counterpart) -> bool,
) -> Vec<Vec<Letter>> {
    let consents = [
        wit::Consent::Undecided,
        wit::Consent::Approved,
        wit::Consent::Declined,
    ];
    let mut cases: Vec<Vec<Letter>> = vec![Vec::new()];
    for counterpart in counterparts {
        let count = if asks(counterpart) { 3 } else { 1 };
        let letters: Vec<Letter> = (0..counterpart.conditions.len())
            .flat_map(|condition| {
                consents
                    .into_iter()
                    .take(count)
                    .map(move |consent| (condition, consent))
            })
            .collect();
        cases = cases
            .iter()
            .flat_map(|case| {
                letters.iter().map(move |letter| {
                    let mut case = case.clone();
                    case.push(*letter);
                    case
                })
            })
            .collect();
    }
    cases
}

/// Whether a case is in a group. Where no consent is asked for in a session,
/// none is told apart.
fn is_in(change: &Change, case: &[Letter], asks: impl Fn(usize) -> bool) -> bool {
    change.when.iter().all(|(place, letters)| {
        let (condition, consent) = case[*place];
        let consent = if asks(*place) {
            consent
        } else {
            wit::Consent::Undecided
        };
        letters.contains(&(condition, consent))
    })
}

/// Every case whose outcome changes is in exactly one group, with its two
/// outcomes; no other case is in any.
#[test]
fn the_groups_are_exactly_the_cases_that_change() {
    let policies = policies();
    let mut compared = 0_usize;
    let mut changed = 0_usize;
    for old in &policies {
        for new in &policies {
            let (before, after) = (table(old), table(new));
            let counterparts = align(old, new);
            let changes = diff(&before, &after, &counterparts).unwrap();
            let asks = |of: &wit::Counterpart, session| {
                Side::of(session, &before).asks(of.old) || Side::of(session, &after).asks(of.new)
            };
            let cases = cases(&counterparts, |of| {
                sessions().any(|session| asks(of, session))
            });
            for session in [0, 1, 7].map(|place| sessions().nth(place).unwrap()) {
                let asks: Vec<bool> = counterparts.iter().map(|of| asks(of, session)).collect();
                let changes: Vec<&Change> = changes
                    .iter()
                    .filter(|change| change.sessions.contains(&session))
                    .collect();
                for case in &cases {
                    compared += 1;
                    let was = decided(
                        &before,
                        session,
                        &counterparts,
                        case,
                        |of| of.old,
                        |of| of.old,
                    );
                    let is = decided(
                        &after,
                        session,
                        &counterparts,
                        case,
                        |of| of.new,
                        |of| of.new,
                    );
                    let groups: Vec<&&Change> = changes
                        .iter()
                        .filter(|change| is_in(change, case, |place| asks[place]))
                        .collect();
                    if was == is {
                        assert!(groups.is_empty(), "{case:?} {was:?} {groups:?}");
                    } else {
                        changed += 1;
                        assert_eq!(groups.len(), 1, "{case:?} {was:?} {is:?} {groups:?}");
                        assert_eq!((groups[0].old, groups[0].new), (was, is));
                    }
                }
            }
        }
    }
    assert!(compared > 50_000, "{compared}");
    assert!(changed > 5_000, "{changed}");
}

#[test]
fn a_policy_does_not_differ_from_itself() {
    for text in policies() {
        assert_eq!(
            diff(&table(&text), &table(&text), &align(&text, &text)),
            Ok(Vec::new())
        );
    }
}

#[test]
fn what_is_allowed_anew_is_a_widening_and_the_reverse_a_narrowing() {
    let policies = policies();
    let (strict, wide) = (&policies[2], &policies[3]);
    let classes = |old: &str, new: &str| {
        let mut classes: Vec<Class> = diff(&table(old), &table(new), &align(old, new))
            .unwrap()
            .into_iter()
            .filter(|change| {
                let a = |outcome: Outcome| outcome.source() == Some(0);
                a(change.old) && a(change.new)
            })
            .map(|change| change.class)
            .collect();
        classes.dedup();
        classes
    };
    // The endpoint of `a`: refused before, used now.
    assert_eq!(classes(strict, wide), [Class::Widening]);
    assert_eq!(classes(wide, strict), [Class::Narrowing]);
}

/// The table that a person reads is what the engine decides in every single
/// case.
#[test]
fn the_chain_is_what_every_case_comes_to() {
    for text in policies() {
        let engine = Engine::builtin().unwrap();
        let mut policy = Policy::load(&engine, "p", &documents(&text)).unwrap();
        let table = policy.table().unwrap();
        let alphabet = Alphabet::of(&table);
        for ending in &table.endings {
            let chain = Chain::of(&table, ending, &alphabet);
            let mut number = 0;
            crate::full::decide(&mut policy, ending.session, &alphabet, |verdicts| {
                for verdict in verdicts {
                    assert_eq!(
                        Outcome::of_verdict(*verdict),
                        Some(chain.outcome(number)),
                        "{text} {number}"
                    );
                    number += 1;
                }
                Ok::<(), keyrule_engine::Error>(())
            })
            .unwrap();
            assert_eq!(u128::from(number), alphabet.combinations());
        }
    }
}
