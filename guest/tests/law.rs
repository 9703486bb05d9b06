//! The law of restrictions (S12), over the complete table of a small policy:
//! they only remove, their order does not matter, and twice is once.

#![expect(
    clippy::expect_used,
    reason = "a helper of tests stops where something is missing"
)]

use keyrule_policy::Policy;
use keyrule_policy::bindings::exports::keyrule::policy::engine::{
    Consent, Document, Fact, Place, Session, State, Surface, Verdict,
};

const POLICY: &str = r#"
name = "p"

[[source]]
id = "token"
kind = "environment"
variable = "TOKEN"
surfaces = ["terminal", "remote"]
consent = "interactive"

[[source]]
id = "helper"
kind = "helper"
command = ["get-token"]
surfaces = ["terminal", "desktop"]
on-failure = "next"

[[source]]
id = "login"
kind = "tool-login"
path = "~/.tool/credentials.json"
entry = "login"
surfaces = ["terminal", "desktop", "remote", "web"]
"#;

const RESTRICTIONS: [&str; 6] = [
    r#"drop = ["token"]"#,
    r#"surfaces = ["terminal", "web"]"#,
    r#"consent = "always""#,
    "[source.helper]\nsurfaces = [\"desktop\"]\nconsent = \"interactive\"",
    r#"drop = ["login", "helper"]"#,
    r#"consent = "never""#,
];

const STATES: [State; 6] = [
    State::Unknown,
    State::Out,
    State::Barred,
    State::Ready,
    State::Held,
    State::Failed,
];
const CONSENTS: [Consent; 3] = [Consent::Undecided, Consent::Approved, Consent::Declined];
const SURFACES: [Surface; 4] = [
    Surface::Terminal,
    Surface::Desktop,
    Surface::Remote,
    Surface::Web,
];

fn load(restrictions: &[&str]) -> Policy {
    let mut documents = vec![Document {
        place: Place::Builtin,
        path: "p.toml".to_owned(),
        text: POLICY.to_owned(),
    }];
    for (index, text) in restrictions.iter().enumerate() {
        documents.push(Document {
            place: Place::ManagedRestriction,
            path: format!("p.d/{index}.toml"),
            text: (*text).to_owned(),
        });
    }
    Policy::load("p", documents).expect("these documents are valid")
}

fn every_case() -> Vec<[Fact; 3]> {
    let each: Vec<Fact> = STATES
        .iter()
        .flat_map(|state| {
            CONSENTS.iter().map(|consent| Fact {
                state: *state,
                consent: *consent,
            })
        })
        .collect();
    let mut cases = Vec::new();
    for a in &each {
        for b in &each {
            for c in &each {
                cases.push([*a, *b, *c]);
            }
        }
    }
    cases
}

fn sessions() -> impl Iterator<Item = Session> {
    SURFACES.into_iter().flat_map(|surface| {
        [false, true].map(|interactive| Session {
            surface,
            interactive,
        })
    })
}

fn table(policy: &Policy) -> Vec<Verdict> {
    let cases: Vec<Fact> = every_case().into_iter().flatten().collect();
    sessions()
        .flat_map(|session| policy.decide_batch(session, &cases))
        .collect()
}

#[test]
fn a_batch_decides_what_single_calls_decide() {
    let policy = load(&[]);
    let single: Vec<Verdict> = sessions()
        .flat_map(|session| {
            every_case()
                .into_iter()
                .map(|case| policy.decide(session, &case))
                .collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(table(&policy), single);
}

#[test]
fn order_and_repetition_of_restrictions_change_nothing() {
    for first in RESTRICTIONS {
        for second in RESTRICTIONS {
            let expected = table(&load(&[first, second]));
            assert_eq!(
                expected,
                table(&load(&[second, first])),
                "{first} / {second}"
            );
            assert_eq!(
                expected,
                table(&load(&[first, second, first])),
                "{first} / {second}"
            );
        }
    }
}

/// What wins under restrictions is a source that the policy lets count in
/// this session, and needs no weaker consent.
#[test]
fn restrictions_only_remove() {
    for first in RESTRICTIONS {
        for second in RESTRICTIONS {
            let restricted = load(&[first, second]);
            for session in sessions() {
                for case in every_case() {
                    let (Verdict::Get(index) | Verdict::Use(index)) =
                        restricted.decide(session, &case)
                    else {
                        continue;
                    };
                    // With everything else out, the unrestricted policy must
                    // come to the same step for the same source.
                    let mut alone = [Fact {
                        state: State::Out,
                        consent: Consent::Undecided,
                    }; 3];
                    alone[index as usize] = case[index as usize];
                    let unrestricted = load_once().decide(session, &alone);
                    assert!(
                        matches!(unrestricted, Verdict::Get(same) | Verdict::Use(same) if same == index),
                        "{first} / {second}: {session:?} {case:?} gives {index}, alone {unrestricted:?}"
                    );
                }
            }
        }
    }
}

fn load_once() -> &'static Policy {
    static POLICY: std::sync::OnceLock<Policy> = std::sync::OnceLock::new();
    POLICY.get_or_init(|| load(&[]))
}

#[test]
fn following_the_verdicts_ends() {
    let policy = load(&[]);
    for session in sessions() {
        for looked in every_case() {
            let mut facts = [Fact {
                state: State::Unknown,
                consent: Consent::Undecided,
            }; 3];
            let mut steps = 0;
            loop {
                steps += 1;
                assert!(steps <= 10, "{session:?} {looked:?} does not end");
                match policy.decide(session, &facts) {
                    Verdict::Look(index) => {
                        let seen = looked[index as usize].state;
                        let state = if seen == State::Unknown {
                            State::Out
                        } else {
                            seen
                        };
                        facts[index as usize].state = state;
                    }
                    Verdict::Ask(index) => {
                        let said = looked[index as usize].consent;
                        let consent = if said == Consent::Undecided {
                            Consent::Declined
                        } else {
                            said
                        };
                        facts[index as usize].consent = consent;
                    }
                    Verdict::Get(index) => facts[index as usize].state = State::Failed,
                    Verdict::Use(_) | Verdict::Refuse(_) | Verdict::Consult => break,
                }
            }
        }
    }
}
