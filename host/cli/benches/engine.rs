//! What the engine costs: reading a policy, judging, deciding, and the way
//! from nothing to the first verdict; through the component, and natively for
//! comparison. `cargo bench -p keyrule-cli --bench engine` prints the figures.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "a benchmark stops where something is wrong"
)]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use keyrule_contract as wit;
use keyrule_engine::{Engine, Judge, Policy};
use keyrule_policy::bindings::exports::keyrule::policy::engine as native;

const CLAUDE_CODE: &str = include_str!("../../../policies/claude-code.toml");

/// Cases in a batch.
const BATCH: usize = 20_480;

const SESSION: wit::Session = wit::Session {
    surface: wit::Surface::Terminal,
    interactive: true,
};

const NATIVE_SESSION: native::Session = native::Session {
    surface: native::Surface::Terminal,
    interactive: true,
};

/// A policy of five sources.
fn five() -> String {
    let mut text = String::from("name = \"five\"\n");
    for index in 0..5 {
        text.push_str(&format!(
            "[[source]]\nid = \"s{index}\"\nkind = \"environment\"\nvariable = \"KEY_{index}\"\n\
             headers = {{ X-Api-Key = \"{{secret}}\" }}\n\
             endpoint = {{ default = \"https://api.example.com\" }}\nsurfaces = [\"terminal\"]\n\
             consent = \"interactive\"\n"
        ));
    }
    text
}

fn load(engine: &Engine, name: &str, text: &str) -> Policy {
    let document = wit::Document {
        origin: wit::DocumentOrigin::Builtin,
        path: format!("{name}.toml"),
        text: text.to_owned(),
    };
    Policy::load(engine, name, &[document]).unwrap()
}

fn load_natively(name: &str, text: &str) -> keyrule_policy::Policy {
    let document = native::Document {
        origin: native::DocumentOrigin::Builtin,
        path: format!("{name}.toml"),
        text: text.to_owned(),
    };
    keyrule_policy::Policy::load(name, vec![document]).unwrap()
}

/// The last source wins: every other one is out.
fn facts() -> [wit::Fact; 5] {
    let out = wit::Fact {
        state: wit::State::Unavailable,
        consent: wit::Consent::Undecided,
    };
    let held = wit::Fact {
        state: wit::State::Fetched,
        consent: wit::Consent::Approved,
    };
    [out, out, out, out, held]
}

fn native_facts() -> [native::Fact; 5] {
    let out = native::Fact {
        state: native::State::Unavailable,
        consent: native::Consent::Undecided,
    };
    let held = native::Fact {
        state: native::State::Fetched,
        consent: native::Consent::Approved,
    };
    [out, out, out, out, held]
}

fn seen() -> wit::Observation {
    wit::Observation {
        fetched: true,
        outcome: wit::Outcome::Present,
        detail: None,
        location: Some("ANTHROPIC_API_KEY".to_owned()),
        tier: None,
        destination: wit::Destination::Default,
        endpoint_location: None,
        endpoint_tier: None,
        redirections: Vec::new(),
        expires_in: None,
        refreshable: false,
        account: None,
        organization: None,
        stored_in: None,
        lifetime: wit::Lifetime::Unset,
    }
}

fn engine(criterion: &mut Criterion) {
    let engine = Engine::builtin().unwrap();
    let mut five_sources = load(&engine, "five", &five());
    let five_natively = load_natively("five", &five());
    let mut shipped = load(&engine, "claude-code", CLAUDE_CODE);
    let facts = facts();
    let native_facts = native_facts();
    assert_eq!(
        five_sources.decide(SESSION, &facts),
        Ok(wit::Verdict::Use(4))
    );

    criterion.bench_function("load claude-code", |bencher| {
        bencher.iter(|| load(&engine, "claude-code", black_box(CLAUDE_CODE)));
    });
    criterion.bench_function("load claude-code, natively", |bencher| {
        bencher.iter(|| load_natively("claude-code", black_box(CLAUDE_CODE)));
    });
    let seen = seen();
    criterion.bench_function("observe", |bencher| {
        bencher.iter(|| shipped.observe(4, black_box(&seen)).unwrap());
    });
    criterion.bench_function("decide, five sources", |bencher| {
        bencher.iter(|| five_sources.decide(SESSION, black_box(&facts)).unwrap());
    });
    criterion.bench_function("decide, five sources, natively", |bencher| {
        bencher.iter(|| five_natively.decide(NATIVE_SESSION, black_box(&native_facts)));
    });
    let batch = facts.repeat(BATCH);
    criterion.bench_function("decide, a batch of 20,480", |bencher| {
        bencher.iter(|| {
            five_sources
                .decide_batch(SESSION, black_box(&batch))
                .unwrap()
        });
    });
    let native_batch = native_facts.repeat(BATCH);
    criterion.bench_function("decide, a batch of 20,480, natively", |bencher| {
        bencher.iter(|| five_natively.decide_batch(NATIVE_SESSION, black_box(&native_batch)));
    });
}

/// A policy of so many sources, with a restriction's worth of everything.
fn many(name: &str, sources: usize) -> String {
    let mut text = format!("name = \"{name}\"\n");
    let surfaces = ["desktop", "remote", "web"].into_iter().cycle();
    let consents = ["never", "interactive", "always"].into_iter().cycle();
    let failures = ["stop", "next"].into_iter().cycle();
    let rules = surfaces.zip(consents).zip(failures);
    for (index, ((surface, consent), failure)) in rules.take(sources).enumerate() {
        text.push_str(&format!(
            "[[source]]\nid = \"s{index}\"\nkind = \"environment\"\nvariable = \"KEY_{index}\"\n\
             headers = {{ X-Api-Key = \"{{secret}}\" }}\n\
             endpoint = {{ default = \"https://api.example.com\", variable = \"URL_{index}\", \
             allow = [\"https://*.example.com\", \"http://127.0.0.1:*\"] }}\n\
             surfaces = [\"terminal\", \"{surface}\"]\nconsent = \"{consent}\"\n\
             on-failure = \"{failure}\"\n",
        ));
    }
    text
}

/// Everything that a policy decides: 1,048,576 cases of ten sources, in pieces
/// that stay within a call's fuel; and the table of thirty, as `policy matrix`
/// writes it.
fn everything(criterion: &mut Criterion) {
    let engine = Engine::builtin().unwrap();
    let mut ten = load(&engine, "ten", &many("ten", 10));
    let states = [
        wit::State::Unavailable,
        wit::State::Failed,
        wit::State::Forbidden,
        wit::State::Ready,
    ];
    let facts: Vec<wit::Fact> = states
        .into_iter()
        .map(|state| wit::Fact {
            state,
            consent: wit::Consent::Approved,
        })
        .collect();
    criterion.bench_function("enumerate 1,048,576 cases of ten sources", |bencher| {
        bencher.iter(|| {
            let mut decided = 0;
            for first in &facts {
                for second in &facts {
                    for third in &facts {
                        let mut lists = vec![vec![*first], vec![*second], vec![*third]];
                        lists.resize(10, facts.clone());
                        decided += ten.decide_every(SESSION, &lists).unwrap().len();
                    }
                }
            }
            assert_eq!(decided, 1 << 20);
        });
    });

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thirty.toml");
    std::fs::write(&path, many("thirty", 30)).unwrap();
    criterion.bench_function("policy matrix, thirty sources", |bencher| {
        bencher.iter(|| {
            let (mut data, mut words) = (Vec::new(), Vec::new());
            let mut streams = keyrule_cli::Streams {
                input_is_terminal: false,
                output: &mut data,
                output_is_terminal: false,
                words: &mut words,
                words_is_terminal: false,
                width: None,
            };
            let arguments = ["keyrule", "policy", "matrix"].map(std::ffi::OsString::from);
            let arguments = arguments.into_iter().chain([path.clone().into_os_string()]);
            let ambient = keyrule_system::environment::Ambient::empty();
            assert_eq!(keyrule_cli::run(arguments, ambient, &mut streams), 0);
            assert!(data.len() > 1_000);
        });
    });
}

/// Before anything else has loaded the built-in engine, as in a new process.
fn cold(criterion: &mut Criterion) {
    criterion.bench_function("from nothing to the first verdict", |bencher| {
        bencher.iter(|| {
            let engine = Engine::load_builtin().unwrap();
            let mut policy = load(&engine, "claude-code", CLAUDE_CODE);
            let unknown = wit::Fact {
                state: wit::State::Unknown,
                consent: wit::Consent::Undecided,
            };
            let facts = vec![unknown; policy.count().unwrap()];
            policy.decide(SESSION, &facts).unwrap()
        });
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(50).without_plots();
    targets = cold, engine, everything
}
criterion_main!(benches);
