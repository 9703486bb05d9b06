//! The component decides what the core decides natively: over every state of
//! every source of every shipped policy, in every session.

use std::fs;
use std::path::Path;

use keyrule_contract as wit;
use keyrule_engine::{Engine, Judge, Policy};
use keyrule_tests::native;

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
        let mut core = native::Policy::load(&native::Engine, &name, &[document]).expect("a policy");
        let sources = component.sources().expect("sources");
        let asks = sources.iter().any(|source| source.needs_consent);
        for consent in CONSENTS.into_iter().take(if asks { 3 } else { 1 }) {
            let all = facts(&sources, consent);
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
                    let expected = core.decide_batch(session, &all).expect("verdicts");
                    assert_eq!(verdicts.len(), expected.len());
                    for (verdict, expected) in verdicts.iter().zip(&expected) {
                        assert_eq!(verdict, expected, "{name}");
                    }
                    decided += verdicts.len();
                }
            }
        }
    }
    assert!(decided > 1_000_000, "only {decided} cases");
}
