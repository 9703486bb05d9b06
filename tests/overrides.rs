//! Overrides (S18): what is wrong with a file, what an override cannot do, and
//! what is kept of it between runs. What each kind of decision comes to is in
//! `cases/s18-*`; the components are those of `guests/override`.

use std::fs;
use std::path::{Path, PathBuf};

use keyrule::Error;
use keyrule::ambient::Ambient;
use keyrule::resolver::Resolver;
use keyrule_contract as wit;
use keyrule_engine as engine;
use keyrule_engine::chooser::{self, Candidate, Override};
use keyrule_tests::case::{component, sha256};

const SESSION: wit::Session = wit::Session {
    surface: wit::Surface::Terminal,
    interactive: false,
};

/// A home with a file in it.
struct Home {
    folder: tempfile::TempDir,
    ambient: Ambient,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut ambient = Ambient::empty();
        ambient.home = Some(folder.path().join("home"));
        fs::create_dir(folder.path().join("home")).unwrap();
        Self { folder, ambient }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join("home").join(below)
    }

    /// Loads the file as the override of a policy that means these bytes.
    fn load(&self, bytes: &[u8]) -> Result<Override, chooser::Error> {
        chooser::load(&named(bytes), "/etc/keyrule/p.toml", &self.ambient)
    }

    /// The same for a file that has these bytes.
    fn with(&self, bytes: &[u8]) -> Result<Override, chooser::Error> {
        fs::write(self.path("choose.wasm"), bytes).unwrap();
        self.load(bytes)
    }

    /// The compiled overrides that are kept.
    fn kept(&self) -> Vec<PathBuf> {
        keyrule_tests::case::list(&self.path(".cache/keyrule"))
    }
}

/// What a policy says of a component in the home.
fn named(bytes: &[u8]) -> wit::OverrideComponent {
    wit::OverrideComponent {
        path: "~/choose.wasm".to_owned(),
        sha256: sha256(bytes),
        settings: Vec::new(),
        location: wit::Location {
            path: "/etc/keyrule/p.toml".to_owned(),
            line: 4,
            column: 8,
            offset: 0,
            length: 0,
        },
    }
}

fn candidates(count: usize) -> Vec<Candidate> {
    (0..count)
        .map(|index| Candidate {
            id: format!("s{index}"),
            state: wit::State::Ready,
            consent: wit::Consent::Undecided,
        })
        .collect()
}

#[track_caller]
fn refused(loaded: Result<Override, chooser::Error>, code: &str, text: &str, hint: &str) {
    let error = loaded.unwrap_err();
    assert_eq!(
        (
            error.code(),
            error.to_string().as_str(),
            error.hint().as_str(),
            keyrule_cli::exit::code(error.kind())
        ),
        (code, text, hint, 5)
    );
}

#[test]
fn an_override_is_loaded_and_chooses() {
    let home = Home::new();
    let loaded = home.with(&component("last-usable")).unwrap();
    let mut candidates = candidates(3);
    let choose = |candidates: &[Candidate]| loaded.fresh().choose(SESSION, candidates);
    assert_eq!(choose(&candidates), Ok(Some(2)));
    candidates[2].state = wit::State::Failed;
    assert_eq!(choose(&candidates), Ok(Some(1)));
    assert_eq!(choose(&[]), Ok(None));
}

#[test]
fn every_chooser_is_an_instance_of_its_own() {
    let home = Home::new();
    let loaded = home.with(&component("counting")).unwrap();
    let candidates = candidates(3);
    let mut one = loaded.fresh();
    let mut other = loaded.fresh();
    let asked = [
        one.choose(SESSION, &candidates),
        one.choose(SESSION, &candidates),
        other.choose(SESSION, &candidates),
        one.choose(SESSION, &candidates),
    ];
    assert_eq!(asked, [Ok(Some(0)), Ok(Some(1)), Ok(Some(0)), Ok(Some(2))]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    refused(
        Home::new().load(b""),
        "override-missing",
        "the override `~/choose.wasm` is not there",
        "put the component there, or change `path` in /etc/keyrule/p.toml:4",
    );
}

#[test]
fn another_digest_is_another_component() {
    let home = Home::new();
    fs::write(home.path("choose.wasm"), component("second")).unwrap();
    let digest = sha256(&component("second"));
    refused(
        home.load(&component("first")),
        "override-digest",
        &format!(
            "the override `~/choose.wasm` is not the one that the policy means: its SHA-256 is \
             {digest}"
        ),
        &format!(
            "find out who changed it; where the change is meant, write `sha256 = \"{digest}\"` \
             in /etc/keyrule/p.toml:4"
        ),
    );
    assert_eq!(home.kept(), [""; 0].map(PathBuf::from));
}

#[test]
fn what_is_no_component_is_refused() {
    let see = "see what it is with `keyrule engine inspect ~/choose.wasm`, or change \
               /etc/keyrule/p.toml:4";
    let not = "override-not-a-component";
    let home = Home::new();
    for bytes in [&b""[..], b"#!/bin/sh\n", &vec![0; 1 << 20]] {
        let text = "the override `~/choose.wasm` is not WebAssembly";
        refused(home.with(bytes), not, text, see);
    }
    refused(
        home.with(&component("first.module")),
        not,
        "the override `~/choose.wasm` is a core module and not a component",
        "make a component of it: `keyrule engine build ~/choose.wasm`, and name that in \
         /etc/keyrule/p.toml:4",
    );
    let mut cut = component("first");
    cut.truncate(cut.len() / 2);
    let text = "the override `~/choose.wasm` is not a component that can be run here";
    refused(home.with(&cut), not, text, see);
    refused(
        home.with(&component("import")),
        "override-imports",
        "the override `~/choose.wasm` imports `leak`, and an override imports nothing",
        see,
    );
    let engine = fs::read("../guest/prebuilt/policy.wasm").unwrap();
    for other in [component("next-version"), component("other-types"), engine] {
        refused(
            home.with(&other),
            "override-wrong-world",
            "the override `~/choose.wasm` does not export `keyrule:policy/chooser@0.2.0` as this \
             host knows it",
            see,
        );
    }
    assert!(home.kept().is_empty(), "{:?}", home.kept());
}

#[test]
fn two_hundred_megabytes_are_refused_unread() {
    let home = Home::new();
    let file = fs::File::create(home.path("choose.wasm")).unwrap();
    file.set_len(200 << 20).unwrap();
    refused(
        home.load(b""),
        "override-too-large",
        "the override `~/choose.wasm` is larger than 64 MiB",
        "see what it is with `keyrule engine inspect ~/choose.wasm`, or change \
         /etc/keyrule/p.toml:4",
    );
}

#[test]
fn a_folder_is_no_component() {
    let home = Home::new();
    fs::create_dir(home.path("choose.wasm")).unwrap();
    refused(
        home.load(b""),
        "override-not-a-file",
        "the override `~/choose.wasm` is a folder, not a file",
        "put the component there, or change `path` in /etc/keyrule/p.toml:4",
    );
}

#[test]
fn it_is_compiled_once_and_what_is_kept_is_used() {
    let home = Home::new();
    let bytes = component("first");
    home.with(&bytes).unwrap();
    let kept = home.kept();
    let [file] = &kept[..] else {
        panic!("{kept:?}")
    };
    let name = file.file_name().unwrap().to_string_lossy();
    assert!(name.starts_with(&sha256(&bytes)), "{name}");
    let compiled = fs::read(file).unwrap();

    // What is kept under its name is what runs: the file is not written again.
    let written = fs::metadata(file).unwrap().modified().unwrap();
    home.with(&bytes).unwrap();
    assert_eq!(fs::metadata(file).unwrap().modified().unwrap(), written);

    // What was compiled of another component is not taken for this one's.
    home.with(&component("second")).unwrap();
    let other = home.kept().into_iter().find(|other| other != file).unwrap();
    fs::copy(&other, file).unwrap();
    let chosen = home
        .with(&bytes)
        .unwrap()
        .fresh()
        .choose(SESSION, &candidates(2));
    assert_eq!(chosen, Ok(Some(0)));

    // What is damaged, or of another version, is compiled again and replaced.
    for damaged in [
        b"".to_vec(),
        compiled[..compiled.len() - 9].to_vec(),
        b"x".repeat(9999),
    ] {
        fs::write(file, damaged).unwrap();
        let chosen = home
            .with(&bytes)
            .unwrap()
            .fresh()
            .choose(SESSION, &candidates(2));
        assert_eq!(chosen, Ok(Some(0)));
        assert_eq!(fs::read(file).unwrap().len(), compiled.len());
    }
}

#[cfg(unix)]
#[test]
fn a_cache_that_somebody_else_can_write_is_an_error_and_decides_nothing() {
    use std::os::unix::fs::PermissionsExt as _;

    let home = Home::new();
    let bytes = component("first");
    home.with(&bytes).unwrap();
    let folder = home.path(".cache/keyrule");
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
    let shown = folder.display();
    refused(
        home.with(&bytes),
        "override-cache-untrusted",
        &format!(
            "the override `~/choose.wasm` was not loaded, because the cache of compiled code is \
             not trusted: `{shown}` can be written by everybody"
        ),
        &format!("empty it and type `chmod go-w {shown}`, so that only you can write it"),
    );
}

#[test]
fn without_a_home_it_is_compiled_in_memory() {
    let bytes = component("first");
    let loaded = chooser::hand_in(&named(&bytes), &bytes, &Ambient::empty()).unwrap();
    assert_eq!(loaded.fresh().choose(SESSION, &candidates(1)), Ok(Some(0)));
}

#[test]
fn what_it_may_not_do_ends_it_and_leaves_the_next_alone() {
    let home = Home::new();
    for (name, code, text) in [
        (
            "endless-loop",
            "override-out-of-fuel",
            "ran out of fuel in `choose`: 1000000000 steps are allowed",
        ),
        (
            "memory-growth",
            "override-out-of-memory",
            "ran out of memory in `choose`: 134217728 bytes are allowed",
        ),
        (
            "table-growth",
            "override-out-of-tables",
            "ran out of tables in `choose`: 100000 elements are allowed",
        ),
        (
            "deep-recursion",
            "override-out-of-stack",
            "ran out of stack in `choose`: 1048576 bytes are allowed",
        ),
        (
            "trap",
            "override-trapped",
            "trapped in `choose`: wasm trap: wasm `unreachable` instruction executed",
        ),
        (
            "trap-at-start",
            "override-trapped",
            "trapped in `instantiate`: wasm trap: wasm `unreachable` instruction executed",
        ),
        (
            "no-such-answer",
            "override-misbehaved",
            "misbehaved in `choose`: its answer is not of the contract's types",
        ),
        (
            "out-of-range",
            "override-out-of-range",
            "chose candidate 1000 of 2",
        ),
    ] {
        let loaded = home.with(&component(name)).unwrap();
        let error = loaded.fresh().choose(SESSION, &candidates(2)).unwrap_err();
        assert_eq!(
            (
                error.code(),
                error.to_string(),
                keyrule_cli::exit::code(error.kind())
            ),
            (code, format!("the override `~/choose.wasm` {text}"), 3),
            "{name}"
        );
        let first = home.with(&component("first")).unwrap();
        assert_eq!(first.fresh().choose(SESSION, &candidates(2)), Ok(Some(0)));
    }
}

/// A policy of two variables whose override is this component.
fn policy(name: &str) -> String {
    let mut text = format!(
        "name = \"p\"\n[override]\npath = \"choose.wasm\"\nsha256 = \"{}\"\n",
        sha256(&component(name))
    );
    for id in ["a", "b"] {
        text.push_str(&format!(
            "[[source]]\nid = \"{id}\"\nkind = \"environment\"\nvariable = \"{id}_KEY\"\n\
             headers = {{ X-Api-Key = \"{{secret}}\" }}\nsurfaces = [\"terminal\"]\n\
             endpoint = {{ default = \"https://api.example.com\" }}\n"
        ));
    }
    text
}

fn hermetic(name: &str) -> keyrule::resolver::Builder {
    let ambient = Ambient::empty()
        .with_variable("a_KEY", "k-a")
        .with_variable("b_KEY", "k-b");
    Resolver::hermetic("p").ambient(ambient).document(
        wit::DocumentOrigin::User,
        "p.toml",
        &policy(name),
    )
}

#[test]
fn a_hermetic_resolver_is_handed_its_override() {
    let error = hermetic("second").build().unwrap_err();
    assert_eq!(
        (error.code(), keyrule_cli::exit::code(error.kind())),
        ("override-missing", 5)
    );
    let wrong = hermetic("second").override_component(component("first"));
    assert_eq!(wrong.build().unwrap_err().code(), "override-digest");
    let right = hermetic("second").override_component(component("second"));
    let mut resolver = right.build().unwrap();
    assert_eq!(resolver.resolve_blocking().unwrap().credential.source, "b");
}

#[test]
fn each_resolution_begins_with_an_instance_of_its_own() {
    let builder = hermetic("counting").override_component(component("counting"));
    let mut resolver = builder.build().unwrap();
    for _ in 0..3 {
        assert_eq!(
            resolver.explain().unwrap().explanation.verdict,
            wit::Verdict::Fetch(0)
        );
        assert_eq!(resolver.resolve_blocking().unwrap().credential.source, "a");
    }
}

#[test]
fn an_answer_out_of_range_hands_out_nothing() {
    let builder = hermetic("out-of-range").override_component(component("out-of-range"));
    let error = builder.build().unwrap().resolve_blocking().unwrap_err();
    assert!(
        matches!(error, Error::Engine(engine::Error::Override(_))),
        "{error:?}"
    );
    assert_eq!(
        (error.code(), keyrule_cli::exit::code(error.kind())),
        ("override-out-of-range", 3)
    );
    assert_eq!(
        error.to_string(),
        "the override `choose.wasm` chose candidate 1000 of 2"
    );
}

#[test]
fn a_relative_path_begins_beside_the_policy() {
    let home = Home::new();
    let bytes = component("first");
    fs::create_dir(home.path("policies")).unwrap();
    fs::write(home.path("policies/choose.wasm"), &bytes).unwrap();
    let named = wit::OverrideComponent {
        path: "choose.wasm".to_owned(),
        ..named(&bytes)
    };
    let load = |policy: &Path| chooser::load(&named, &policy.to_string_lossy(), &home.ambient);
    load(&home.path("policies/p.toml")).unwrap();
    assert_eq!(
        load(&home.path("p.toml")).unwrap_err().code(),
        "override-missing"
    );
    assert_eq!(
        load(Path::new("builtin:p.toml")).unwrap_err().code(),
        "override-no-path"
    );
}
