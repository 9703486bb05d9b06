//! The steps of a small policy, over every case: batches decide what single
//! calls decide, and following the verdicts ends.

#![expect(
    clippy::expect_used,
    reason = "a helper of tests stops where something is missing"
)]

use keyrule_policy::Policy;
use keyrule_policy::bindings::exports::keyrule::policy::engine::{
    Consent, Document, DocumentOrigin, Fact, Session, State, Surface, Verdict,
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

const STATES: [State; 7] = [
    State::Unknown,
    State::Unavailable,
    State::Forbidden,
    State::Ready,
    State::Fetched,
    State::Failed,
    State::Fatal,
];
const CONSENTS: [Consent; 3] = [Consent::Undecided, Consent::Approved, Consent::Declined];
const SURFACES: [Surface; 4] = [
    Surface::Terminal,
    Surface::Desktop,
    Surface::Remote,
    Surface::Web,
];

fn load() -> Policy {
    let document = Document {
        origin: DocumentOrigin::Builtin,
        path: "p.toml".to_owned(),
        text: POLICY.to_owned(),
    };
    Policy::load("p", vec![document]).expect("the document is valid")
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
    let policy = load();
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
fn following_the_verdicts_ends() {
    let policy = load();
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
                            State::Unavailable
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
                    Verdict::Fetch(index) => facts[index as usize].state = State::Failed,
                    Verdict::Use(_) | Verdict::Refuse(_) | Verdict::Consult => break,
                }
            }
        }
    }
}
