//! Components that do what an engine must not. Each guest in `guests/` is a
//! few functions in text form, of which the build script makes a component. Each is refused with
//! its own words, and the built-in engine goes on as if nothing had happened.

use keyrule_contract::{
    Consent, Destination, Document, DocumentOrigin, Evidence, Fact, Lifetime, Observation, Outcome,
    Refusal, Refused, Session, State, Surface,
};
use keyrule_engine::{Engine, Error, Judge, LoadError, Policy, Step, Steps};

const SESSION: Session = Session {
    surface: Surface::Terminal,
    interactive: true,
};

/// A guest, as the build script compiled it.
macro_rules! guest {
    ($name:literal) => {
        precompiled(include_bytes!(concat!(
            env!("OUT_DIR"),
            "/",
            $name,
            ".cwasm"
        )))
    };
}

#[expect(
    unsafe_code,
    reason = "the tests load what their build script compiled"
)]
fn precompiled(bytes: &[u8]) -> Result<Engine, Error> {
    // SAFETY: the build script compiled these bytes, or they are not even of
    // the format and turned down for that.
    unsafe { Engine::from_precompiled(bytes) }
}

fn documents(text: &str) -> Vec<Document> {
    vec![Document {
        origin: DocumentOrigin::Builtin,
        path: "claude-code.toml".to_owned(),
        text: text.to_owned(),
    }]
}

fn seen(got: bool) -> Observation {
    Observation {
        fetched: got,
        outcome: Outcome::Present,
        detail: None,
        location: None,
        tier: None,
        destination: Destination::Default,
        endpoint_location: None,
        endpoint_tier: None,
        redirections: Vec::new(),
        expires_in: None,
        refreshable: false,
        account: None,
        organization: None,
        stored_in: None,
        lifetime: Lifetime::Unset,
    }
}

/// Resolves, in a world where every source is there and everybody approves.
/// Gives the place of the source that is used, or the refusal.
fn resolve(engine: &Engine) -> Result<Result<usize, Refused>, Error> {
    let text = include_str!("../policies/claude-code.toml");
    let mut policy =
        Policy::load(engine, "claude-code", &documents(text)).map_err(|error| match error {
            LoadError::Engine(error) => error,
            LoadError::Rejected(found) => panic!("{found:?}"),
        })?;
    let unknown = Fact {
        state: State::Unknown,
        consent: Consent::Undecided,
    };
    let mut facts = vec![unknown; policy.count()?];
    let mut steps = Steps::new(policy.count()?);
    loop {
        let verdict = policy.decide(SESSION, &facts)?;
        let (place, got) = match steps.check(SESSION, &facts, verdict)? {
            Step::Look(place) => (place, false),
            Step::Get(place) => (place, true),
            Step::Ask(place) => {
                facts[place].consent = Consent::Approved;
                continue;
            }
            Step::Use(place) => return Ok(Ok(place)),
            Step::Refuse(refused) => return Ok(Err(refused)),
        };
        let index = u32::try_from(place).unwrap();
        facts[place].state = policy.observe(index, &seen(got))?.state;
    }
}

/// The error of a guest, in a resolution; and that the built-in engine then
/// comes to its own end.
#[track_caller]
fn refused(guest: Result<Engine, Error>, code: &str, text: &str) {
    let error = guest.and_then(|engine| resolve(&engine)).unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (code, text));
    assert_eq!(resolve(&Engine::builtin().unwrap()), Ok(Ok(0)));
}

#[test]
fn a_guest_that_does_nothing_wrong_is_believed() {
    let engine = guest!("well-behaved").unwrap();
    assert_eq!(
        resolve(&engine),
        Ok(Err(Refused {
            reason: Refusal::NothingUsable,
            source: None
        }))
    );
}

#[test]
fn an_endless_loop_runs_out_of_fuel() {
    refused(
        guest!("endless-loop"),
        "engine-out-of-fuel",
        "the engine ran out of fuel in `decide`: 100000000 steps are allowed",
    );
}

#[test]
fn memory_is_limited() {
    refused(
        guest!("memory-growth"),
        "engine-out-of-memory",
        "the engine ran out of memory in `load`: 67108864 bytes are allowed",
    );
}

#[test]
fn tables_are_limited() {
    refused(
        guest!("table-growth"),
        "engine-out-of-tables",
        "the engine ran out of tables in `load`: 10000 elements are allowed",
    );
}

#[test]
fn recursion_is_limited() {
    refused(
        guest!("deep-recursion"),
        "engine-out-of-stack",
        "the engine ran out of stack in `decide`: 524288 bytes are allowed",
    );
}

#[test]
fn an_import_is_refused_before_anything_runs() {
    refused(
        guest!("import"),
        "engine-imports",
        "the component imports `leak`; a policy engine imports nothing",
    );
}

#[test]
fn a_source_that_does_not_exist_is_not_looked_at() {
    refused(
        guest!("no-such-source"),
        "engine-misbehaved",
        "the engine misbehaved in `decide`: it names source 7 of 2",
    );
}

#[test]
fn a_step_is_carried_out_once() {
    refused(
        guest!("same-step-twice"),
        "engine-misbehaved",
        "the engine misbehaved in `decide`: it repeats the look at source 1",
    );
}

#[test]
fn a_trap_in_load_names_the_call() {
    refused(
        guest!("trap-in-load"),
        "engine-trapped",
        "the engine trapped in `load`: wasm trap: wasm `unreachable` instruction executed",
    );
}

#[test]
fn what_was_never_got_is_not_used() {
    refused(
        guest!("use-without-fetch"),
        "engine-misbehaved",
        "the engine misbehaved in `decide`: it wants to use source 0, which was never got",
    );
    refused(
        guest!("fetched-without-fetch"),
        "engine-misbehaved",
        "the engine misbehaved in `observe`: it takes source 0 for fetched, which was only looked at",
    );
}

#[test]
fn an_answer_is_of_the_contracts_types_and_length() {
    for (guest, call) in [
        (guest!("outside-its-memory"), "sources"),
        (guest!("same-bytes-many-times"), "sources"),
        (guest!("no-such-verdict"), "decide"),
    ] {
        refused(
            guest,
            "engine-misbehaved",
            &format!(
                "the engine misbehaved in `{call}`: \
                 its answer is not of the contract's types, or too long"
            ),
        );
    }
}

#[test]
fn every_question_has_its_answer() {
    let engine = guest!("too-few-answers").unwrap();
    let mut policy = Policy::load(&engine, "claude-code", &documents("")).unwrap();
    let facts = vec![
        Fact {
            state: State::Unknown,
            consent: Consent::Undecided,
        };
        6
    ];
    assert_eq!(
        policy
            .decide_batch(SESSION, &facts)
            .unwrap_err()
            .to_string(),
        "the engine misbehaved in `decide-batch`: it gives 0 answers where 3 were asked for"
    );
    let evidence = vec![
        Evidence {
            consent: Consent::Undecided,
            observation: None,
        };
        2
    ];
    assert_eq!(
        policy.explain(SESSION, &evidence).unwrap_err().to_string(),
        "the engine misbehaved in `explain`: it gives 0 answers where 2 were asked for"
    );
}

#[test]
fn another_version_or_other_types_are_another_world() {
    for guest in [guest!("next-version"), guest!("other-types")] {
        refused(
            guest,
            "engine-wrong-world",
            "the component does not export `keyrule:policy/engine@0.2.0` as this host knows it",
        );
    }
}

#[test]
fn what_is_no_component_is_refused() {
    let module = b"\0asm\x01\0\0\0";
    for bytes in [&[][..], &vec![0; 10 << 20], b"name = \"x\"", module] {
        assert_eq!(
            precompiled(bytes).unwrap_err().to_string(),
            "not a component that this engine can run"
        );
    }
    assert_eq!(resolve(&Engine::builtin().unwrap()), Ok(Ok(0)));
}
