//! What crosses into the engine: every argument of every call, in every case.
//! No memory of the component is exported to be searched; but what never goes
//! in cannot be in there. In the cases every secret begins with `s3cr3t-`,
//! whether it is in a variable, a file, a helper's output or an address. The
//! texts of policies alone go in as they are: they are what it reads.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use keyrule_contract as wit;
use keyrule_engine::{self as engine, Judge, LoadError};
use keyrule_tests::case::{self, list};
use serde::Serialize;

/// The calls of the case that is being run.
static CROSSED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn record(call: &str, argument: &impl Serialize) {
    let argument = serde_json::to_string(argument).expect("generated types serialize");
    let mut crossed = CROSSED.lock().unwrap_or_else(PoisonError::into_inner);
    crossed.push(format!("{call}: {argument}"));
}

/// The engine that ships, with somebody at the border.
#[derive(Debug)]
struct Recorder(Box<dyn Judge>);

fn load(name: &str, documents: &[wit::Document]) -> Result<Box<dyn Judge>, LoadError> {
    Ok(Box::new(Recorder(engine::load_builtin(name, documents)?)))
}

impl Judge for Recorder {
    fn info(&mut self) -> Result<wit::PolicyInfo, engine::Error> {
        self.0.info()
    }

    fn sources(&mut self) -> Result<Vec<wit::Source>, engine::Error> {
        self.0.sources()
    }

    fn observe(
        &mut self,
        source: u32,
        seen: &wit::Observation,
    ) -> Result<wit::Finding, engine::Error> {
        record("observe", seen);
        self.0.observe(source, seen)
    }

    fn decide(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
    ) -> Result<wit::Verdict, engine::Error> {
        record("decide", &(session, facts));
        self.0.decide(session, facts)
    }

    fn candidates(&mut self, session: wit::Session) -> Result<Vec<wit::Candidate>, engine::Error> {
        self.0.candidates(session)
    }

    fn decide_chosen(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
        chosen: Option<u32>,
    ) -> Result<wit::Verdict, engine::Error> {
        record("decide-chosen", &(session, facts));
        self.0.decide_chosen(session, facts, chosen)
    }

    fn explain(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
    ) -> Result<wit::Explanation, engine::Error> {
        record("explain", &(session, evidence));
        self.0.explain(session, evidence)
    }

    fn explain_chosen(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
        chosen: Option<u32>,
    ) -> Result<wit::Explanation, engine::Error> {
        record("explain-chosen", &(session, evidence));
        self.0.explain_chosen(session, evidence, chosen)
    }
}

#[test]
fn no_secret_of_any_case_goes_into_the_engine() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let mut secrets = 0;
    let mut calls = 0;
    for case in list(&folder) {
        CROSSED
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        case::run(&case, load);
        secrets += usize::from(holds_a_secret(&case));
        let crossed = CROSSED.lock().unwrap_or_else(PoisonError::into_inner);
        calls += crossed.len();
        for call in crossed.iter() {
            assert!(!call.contains("s3cr3t"), "{}: {call}", case.display());
        }
    }
    // Without calls and without secrets nothing would have been shown.
    assert!(calls > 500, "{calls} calls");
    assert!(secrets > 50, "{secrets} cases with a secret");
}

fn holds_a_secret(path: &Path) -> bool {
    if path.is_dir() {
        let entries = path.read_dir().expect("a folder can be listed");
        return entries
            .map(|entry| entry.expect("an entry can be read").path())
            .any(|entry| holds_a_secret(&entry));
    }
    let text = std::fs::read(path).expect("a file can be read");
    String::from_utf8_lossy(&text).contains("s3cr3t-")
}
