//! What an override costs once it is loaded: a resolution, fresh instance
//! included, and loading from the cache. `cargo bench -p keyrule-engine --features overrides --bench chooser`
//! measures every component in the folder that `KEYRULE_BENCH_OVERRIDES` names;
//! `tests/run --all` leaves those of the examples in `target/overrides`.

#![allow(
    missing_docs,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a benchmark stops where something is wrong, and is told where to look"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::PathBuf;

use criterion::{Criterion, criterion_group, criterion_main};
use keyrule_contract as wit;
use keyrule_engine::chooser::{self, Candidate};
use keyrule_system::environment::Ambient;
use sha2::{Digest as _, Sha256};

const SESSION: wit::Session = wit::Session {
    surface: wit::Surface::Terminal,
    interactive: false,
};

fn override_component(bytes: &[u8]) -> wit::OverrideComponent {
    let mut sha256 = String::new();
    for byte in Sha256::digest(bytes) {
        write!(sha256, "{byte:02x}").unwrap();
    }
    wit::OverrideComponent {
        path: "bench.wasm".to_owned(),
        sha256,
        settings: vec![wit::Pair {
            name: "prefer".to_owned(),
            text: "s3".to_owned(),
        }],
        location: wit::Location {
            path: "bench.toml".to_owned(),
            line: 1,
            column: 1,
            offset: 0,
            length: 0,
        },
    }
}

fn candidates() -> Vec<Candidate> {
    (0..7)
        .map(|index| Candidate {
            id: format!("s{index}"),
            state: wit::State::Ready,
            consent: wit::Consent::Undecided,
        })
        .collect()
}

fn choosing(criterion: &mut Criterion) {
    let Some(folder) = std::env::var_os("KEYRULE_BENCH_OVERRIDES").map(PathBuf::from) else {
        eprintln!("skipped: `KEYRULE_BENCH_OVERRIDES` names no folder of components");
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "wasm"))
        .collect();
    files.sort();
    for file in files {
        let bytes = std::fs::read(&file).unwrap();
        let component = override_component(&bytes);
        let loaded = chooser::hand_in(&component, &bytes, &Ambient::of_process()).unwrap();
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let candidates = candidates();
        criterion.bench_function(&format!("choose once, {name}"), |bencher| {
            bencher.iter(|| {
                loaded
                    .fresh()
                    .choose(black_box(SESSION), &candidates)
                    .unwrap()
            });
        });
        let mut chooser = loaded.fresh();
        chooser.choose(SESSION, &candidates).unwrap();
        criterion.bench_function(&format!("choose again, {name}"), |bencher| {
            bencher.iter(|| chooser.choose(black_box(SESSION), &candidates).unwrap());
        });
        criterion.bench_function(&format!("load from the cache, {name}"), |bencher| {
            bencher.iter(|| chooser::hand_in(&component, &bytes, &Ambient::of_process()).unwrap());
        });
    }
}

criterion_group!(benches, choosing);
criterion_main!(benches);
