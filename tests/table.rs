//! The component decides what the core decides natively: over every state of
//! every source of every shipped policy, in every session.

use std::fs;
use std::path::Path;

use keyrule_contract as wit;
use keyrule_engine::{Engine, Judge, Policy};
use keyrule_policy::bindings::exports::keyrule::policy::engine as native;
use keyrule_tests::native::convert;

const STATES: [wit::State; 7] = [
    wit::State::Unknown,
    wit::State::Unavailable,
    wit::State::Forbidden,
    wit::State::Ready,
    wit::State::Fetched,
    wit::State::Failed,
    wit::State::Fatal,
];
const CONSENTS: [wit::Consent; 3] = [
    wit::Consent::Undecided,
    wit::Consent::Approved,
    wit::Consent::Declined,
];
const SURFACES: [wit::Surface; 4] = [
    wit::Surface::Terminal,
    wit::Surface::Desktop,
    wit::Surface::Remote,
    wit::Surface::Web,
];

/// Every state of every source. A consent varies where it can matter, and in
/// common for all such sources.
fn facts(sources: &[wit::Source], consent: wit::Consent) -> Vec<wit::Fact> {
    let count = STATES
        .len()
        .pow(u32::try_from(sources.len()).expect("few sources"));
    let mut facts = Vec::with_capacity(count * sources.len());
    for case in 0..count {
        let mut rest = case;
        for source in sources {
            facts.push(wit::Fact {
                state: STATES[rest % STATES.len()],
                consent: if source.needs_consent {
                    consent
                } else {
                    wit::Consent::Undecided
                },
            });
            rest /= STATES.len();
        }
    }
    facts
}

#[test]
fn both_engines_decide_the_same_over_the_whole_table() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    let mut decided = 0_usize;
    for path in keyrule_tests::case::list(&folder) {
        let file = path.file_name().expect("a name").to_string_lossy();
        if !file.ends_with(".toml") || file.ends_with(".test.toml") {
            continue;
        }
        let name = path.file_stem().expect("a name").to_string_lossy();
        let document = wit::Document {
            origin: wit::DocumentOrigin::User,
            path: path.display().to_string(),
            text: fs::read_to_string(&path).expect("a policy"),
        };
        let engine = Engine::builtin().expect("the engine");
        let mut component =
            Policy::load(&engine, &name, std::slice::from_ref(&document)).expect("a policy");
        let core = keyrule_policy::Policy::load(&name, convert(&vec![document])).expect("a policy");
        let sources = component.sources().expect("sources");
        let asks = sources.iter().any(|source| source.needs_consent);
        for consent in CONSENTS.into_iter().take(if asks { 3 } else { 1 }) {
            let all = facts(&sources, consent);
            let all_native: Vec<native::Fact> = all.iter().map(same).collect();
            for surface in SURFACES {
                // Sources that ask count in terminal sessions alone, so only
                // those differ by who is there and what was said.
                let terminal = surface == wit::Surface::Terminal;
                if !terminal && consent != wit::Consent::Undecided {
                    continue;
                }
                for interactive in [false, true].into_iter().take(if terminal { 2 } else { 1 }) {
                    let session = wit::Session {
                        surface,
                        interactive,
                    };
                    let mut verdicts = Vec::new();
                    // In parts, so that no part is beyond the component's fuel.
                    for part in all.chunks(sources.len() * 20_000) {
                        verdicts.extend(component.decide_batch(session, part).expect("verdicts"));
                    }
                    let expected = core.decide_batch(convert(&session), &all_native);
                    assert_eq!(verdicts.len(), expected.len());
                    for (verdict, expected) in verdicts.iter().zip(&expected) {
                        assert!(
                            agree(verdict, expected),
                            "{name}: {verdict:?} and {expected:?}"
                        );
                    }
                    decided += verdicts.len();
                }
            }
        }
    }
    assert!(decided > 1_000_000, "only {decided} cases");
}

/// The same fact in the other crate's type.
fn same(fact: &wit::Fact) -> native::Fact {
    native::Fact {
        state: match fact.state {
            wit::State::Unknown => native::State::Unknown,
            wit::State::Unavailable => native::State::Unavailable,
            wit::State::Forbidden => native::State::Forbidden,
            wit::State::Ready => native::State::Ready,
            wit::State::Fetched => native::State::Fetched,
            wit::State::Failed => native::State::Failed,
            wit::State::Fatal => native::State::Fatal,
        },
        consent: match fact.consent {
            wit::Consent::Undecided => native::Consent::Undecided,
            wit::Consent::Approved => native::Consent::Approved,
            wit::Consent::Declined => native::Consent::Declined,
        },
    }
}

fn agree(left: &wit::Verdict, right: &native::Verdict) -> bool {
    match (left, right) {
        (wit::Verdict::Look(a), native::Verdict::Look(b))
        | (wit::Verdict::Ask(a), native::Verdict::Ask(b))
        | (wit::Verdict::Fetch(a), native::Verdict::Fetch(b))
        | (wit::Verdict::Use(a), native::Verdict::Use(b)) => a == b,
        (wit::Verdict::Refuse(a), native::Verdict::Refuse(b)) => {
            a.reason as u8 == b.reason as u8 && a.source == b.source
        }
        _ => false,
    }
}
