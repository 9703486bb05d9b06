//! Overrides as an administrator installs them, run by the program as another
//! user than root: those that the examples build, in Rust and in JavaScript,
//! and a cache that somebody else owns or can write.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use keyrule_tests::case::{component, sha256};

use crate::machine::{Machine, skip};

crate::tests![
    the_example_in_rust_chooses,
    the_example_in_javascript_chooses,
    a_changed_component_is_refused_and_nothing_is_decided,
    it_is_compiled_once_into_a_folder_of_the_users_own,
    a_cache_of_somebody_else_is_left_alone,
    a_cache_that_others_can_write_decides_nothing,
    what_runs_for_ever_ends,
];

/// With a managed policy of two variables, and a component beside it.
fn machine(bytes: &[u8], settings: &str) -> Machine {
    let machine = Machine::new();
    machine.managed("etc/keyrule/choose.wasm", bytes);
    let mut policy = format!(
        "name = \"p\"\n[override]\npath = \"choose.wasm\"\nsha256 = \"{}\"\n{settings}\n",
        sha256(bytes)
    );
    for id in ["a", "b", "c"] {
        policy.push_str(&format!(
            "[[source]]\nid = \"{id}\"\nkind = \"environment\"\nvariable = \"{id}_KEY\"\n\
             headers = {{ X-Api-Key = \"{{secret}}\" }}\nsurfaces = [\"terminal\"]\n\
             endpoint = {{ default = \"https://api.example.com\" }}\n"
        ));
    }
    machine.managed("etc/keyrule/p.toml", policy);
    machine
}

fn token(machine: &Machine) -> crate::machine::Ended {
    machine
        .keyrule(&["--policy", "p", "--quiet", "token"])
        .variable("a_KEY", "s3cr3t-a")
        .variable("b_KEY", "s3cr3t-b")
        .end()
}

/// What `tests/run` builds of an example.
fn example(name: &str) -> Vec<u8> {
    let test = std::env::current_exe().unwrap();
    let file = test
        .ancestors()
        .nth(3)
        .unwrap()
        .join("overrides")
        .join(name);
    match fs::read(&file) {
        Ok(bytes) => bytes,
        Err(_) => skip(&format!("`tests/run` could not build `{}`", file.display())),
    }
}

/// The example prefers `b` where nobody can answer, and takes what is there
/// where `b` is not.
fn prefers(bytes: &[u8]) {
    let preferring = machine(bytes, "settings = { prefer = \"b\" }");
    // The second time it is not compiled.
    for _ in 0..2 {
        token(&preferring).gives("s3cr3t-b\n");
    }
    let only = preferring
        .keyrule(&["--policy", "p", "token"])
        .variable("c_KEY", "s3cr3t-c");
    only.end().gives("s3cr3t-c\n");
    let explained = preferring
        .keyrule(&["--policy", "p", "explain", "--json"])
        .variable("a_KEY", "s3cr3t-a")
        .variable("b_KEY", "s3cr3t-b")
        .end();
    let explained: serde_json::Value = serde_json::from_str(&explained.stdout).unwrap();
    assert_eq!(explained["sources"][1]["status"], "selected", "{explained}");
}

fn the_example_in_rust_chooses() {
    let bytes = example("prefer.wasm");
    prefers(&bytes);
    token(&machine(&bytes, "")).gives("s3cr3t-a\n");
}

fn the_example_in_javascript_chooses() {
    prefers(&example("prefer-js.wasm"));
}

fn a_changed_component_is_refused_and_nothing_is_decided() {
    let machine = machine(&component("first"), "");
    token(&machine).gives("s3cr3t-a\n");
    let other = component("second");
    machine.managed("etc/keyrule/choose.wasm", &other);
    let ended = token(&machine);
    let hint = format!(
        "find out who changed it; where the change is meant, write `sha256 = \"{}\"` in \
         /etc/keyrule/p.toml:3",
        sha256(&other)
    );
    ended.fails(5, "override-digest", &hint);
}

fn kept(machine: &Machine) -> Vec<PathBuf> {
    let folder = machine.path("home/.cache/keyrule");
    let entries = fs::read_dir(folder).map(|entries| entries.map(|entry| entry.unwrap().path()));
    entries.into_iter().flatten().collect()
}

fn it_is_compiled_once_into_a_folder_of_the_users_own() {
    let machine = machine(&component("second"), "");
    token(&machine).gives("s3cr3t-b\n");
    let metadata = fs::metadata(machine.path("home/.cache/keyrule")).unwrap();
    assert_eq!(
        (metadata.uid(), metadata.mode() & 0o7777),
        (machine.user, 0o700)
    );
    let [file] = &kept(&machine)[..] else {
        panic!("{:?}", kept(&machine))
    };
    let made = fs::metadata(file).unwrap();
    assert_eq!((made.uid(), made.mode() & 0o7777), (machine.user, 0o600));
    token(&machine).gives("s3cr3t-b\n");
    assert_eq!(fs::metadata(file).unwrap().ino(), made.ino());
}

fn a_cache_of_somebody_else_is_left_alone() {
    // Root's own, and a home of somebody else, as under `sudo`: nothing is
    // read there and nothing is left behind.
    let machine = machine(&component("second"), "");
    machine.folder("home/.cache", machine.user, 0o700);
    machine.folder("home/.cache/keyrule", 0, 0o755);
    token(&machine).gives("s3cr3t-b\n");
    assert!(kept(&machine).is_empty(), "{:?}", kept(&machine));

    machine.folder("other", machine.user + 1, 0o755);
    let ended = machine
        .keyrule(&["--policy", "p", "token"])
        .variable("b_KEY", "s3cr3t-b")
        .variable("XDG_CACHE_HOME", machine.path("other"))
        .end();
    ended.gives("s3cr3t-b\n");
    assert_eq!(fs::read_dir(machine.path("other")).unwrap().count(), 0);
}

fn a_cache_that_others_can_write_decides_nothing() {
    let machine = machine(&component("second"), "");
    token(&machine).gives("s3cr3t-b\n");
    let below = "home/.cache/keyrule";
    let empty = |path: &str| {
        format!("empty it and type `chmod go-w {path}`, so that only you can write it")
    };
    machine.mode(below, 0o770);
    let code = "override-cache-untrusted";
    token(&machine).fails(5, code, &empty("~/.cache/keyrule"));
    machine.mode(below, 0o700);
    machine.mode("home/.cache", 0o777);
    token(&machine).fails(5, code, &empty("~/.cache"));
    machine.mode("home/.cache", 0o755);
    // A file that somebody else put there.
    let [file] = &kept(&machine)[..] else {
        panic!("{:?}", kept(&machine))
    };
    let name = file.file_name().unwrap().to_str().unwrap();
    machine.owner(&format!("{below}/{name}"), 0);
    machine.mode(&format!("{below}/{name}"), 0o644);
    let hint = format!("remove it: `rm -f ~/.cache/keyrule/{name}`");
    token(&machine).fails(5, code, &hint);
    fs::remove_file(file).unwrap();
    token(&machine).gives("s3cr3t-b\n");
}

fn what_runs_for_ever_ends() {
    let machine = machine(&component("endless-loop"), "");
    let hint = "its author has to mend it; until then remove `[override]` from \
                /etc/keyrule/p.toml:3";
    let ended = token(&machine);
    ended.fails(3, "override-out-of-fuel", hint);
    let exec = machine
        .keyrule(&["--policy", "p", "exec", "--", "/usr/bin/env"])
        .variable("a_KEY", "s3cr3t-a")
        .end();
    exec.fails(125, "override-out-of-fuel", hint);
}
