//! The managed folder while root changes it, and what is said of every state
//! that a managed file can be in (S14).

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;

use crate::machine::{Ended, Machine};

crate::tests![
    a_restriction_is_in_force_while_it_is_renamed,
    files_of_two_updates_are_never_mixed,
    a_misnamed_file_refuses,
    every_state_is_reported_as_itself,
    other_names_do_not_apply_and_are_named,
    misnamed_files_of_the_user_are_named_and_refuse_nothing,
];

const DROP: &str = "drop = [\"api-key\"]\n";
const RESTRICTION: &str = "etc/keyrule/claude-code.d/10.toml";

/// Runs the program again and again while root changes something.
fn while_changing(change: impl Fn() + Sync, runs: usize, mut run: impl FnMut()) {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                change();
            }
        });
        let _done = SetOnDrop(&done);
        for _ in 0..runs {
            run();
        }
    });
}

/// Ends the change, also where a run fails.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

fn token(machine: &Machine) -> Ended {
    let run = machine.keyrule(&["token"]);
    run.variable("ANTHROPIC_API_KEY", "s3cr3t-key").end()
}

fn a_restriction_is_in_force_while_it_is_renamed() {
    let machine = Machine::new();
    machine.managed(RESTRICTION, DROP);
    let ten = machine.path(RESTRICTION);
    let twenty = ten.with_file_name("20.toml");
    let (mut applied, mut changing) = (0, 0);
    for pause in [0, 2000] {
        let pause = || std::thread::sleep(Duration::from_micros(pause));
        let change = || {
            for (from, to) in [(&ten, &twenty), (&twenty, &ten)] {
                fs::rename(from, to).unwrap();
                pause();
            }
        };
        while_changing(change, 150, || {
            let ended = token(&machine);
            match (ended.exit, ended.code()) {
                (Some(4), Some("nothing-usable")) => applied += 1,
                (Some(5), Some("policy-folder-changing")) => changing += 1,
                _ => panic!("{ended:?}"),
            }
            assert_eq!(ended.stdout, "");
            ended.keeps_secrets();
        });
    }
    assert_eq!(applied + changing, 300);
    assert!(applied > 0, "always refused");
    let hint = "set `ANTHROPIC_AUTH_TOKEN`, for example `export ANTHROPIC_AUTH_TOKEN=…`";
    token(&machine).fails(4, "nothing-usable", hint);
}

/// As Kubernetes updates what it mounts.
fn files_of_two_updates_are_never_mixed() {
    let machine = Machine::new();
    // In each update another file drops the key: only a mix permits it.
    for (update, files) in [
        ("..1", [("10.toml", "api-key"), ("20.toml", "auth-token")]),
        ("..2", [("10.toml", "auth-token"), ("20.toml", "api-key")]),
    ] {
        for (file, dropped) in files {
            let path = format!("etc/keyrule/claude-code.d/{update}/{file}");
            machine.managed(&path, format!("drop = [\"{dropped}\"]\n"));
        }
    }
    let folder = machine.path("etc/keyrule/claude-code.d");
    symlink("..1", folder.join("..data")).unwrap();
    for file in ["10.toml", "20.toml"] {
        symlink(format!("..data/{file}"), folder.join(file)).unwrap();
    }
    let change = || {
        for update in ["..2", "..1"] {
            symlink(update, folder.join("..data_tmp")).unwrap();
            fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    let mut decided = 0;
    while_changing(change, 60, || {
        let ended = token(&machine);
        match (ended.exit, ended.code()) {
            (Some(4), Some("nothing-usable")) => decided += 1,
            (Some(5), Some("policy-folder-changing")) => {}
            _ => panic!("{ended:?}"),
        }
    });
    assert!(decided > 0, "always refused");
}

fn a_misnamed_file_refuses() {
    for (file, right) in [
        ("claude-code.d/10.TOML", "10.toml"),
        ("claude-code.d/10.Toml", "10.toml"),
        ("claude-code.D", "claude-code.d"),
        ("CLAUDE-CODE.toml", "claude-code.toml"),
    ] {
        let machine = Machine::new();
        let path = PathBuf::from("/etc/keyrule").join(file);
        let below = match file {
            "claude-code.D" => "claude-code.D/10.toml",
            file => file,
        };
        machine.managed(&format!("etc/keyrule/{below}"), DROP);
        let hint = format!(
            "an administrator has to rename it: `sudo mv {} {}`",
            path.display(),
            path.with_file_name(right).display()
        );
        token(&machine).fails(5, "policy-misnamed", &hint);
    }
}

/// What the four commands say of one managed file: its state as `policy show`,
/// `check` and `lint` have it, or the code of their error, and whether
/// `doctor` names it as this.
struct Said {
    show: String,
    check: Vec<String>,
    lint: Vec<String>,
    doctor: Vec<(String, String)>,
}

impl Said {
    fn of(machine: &Machine, path: &str) -> Self {
        let json = |words: &[&str]| -> Value {
            let mut line = words.to_vec();
            line.push("--json");
            let ended = machine.keyrule(&line).end();
            serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("{ended:?}"))
        };
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let state = |places: &Value| {
            let places = list(places).into_iter();
            places
                .filter(|place| place["path"] == path)
                .map(|place| place["state"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let codes = |errors: &Value| {
            let errors = list(errors).into_iter();
            errors
                .map(|error| error["code"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        let show = json(&["policy", "show"]);
        let check = json(&["policy", "check"]);
        let lint = json(&["policy", "lint"]);
        let doctor = json(&["doctor"]);
        let with_codes = |mut states: Vec<String>, document: &Value| {
            states.extend(codes(&document["errors"]));
            states
        };
        Self {
            show: state(&show["files"]).join(" "),
            check: with_codes(state(&check["states"]), &check),
            lint: with_codes(state(&lint["policies"][0]["states"]), &lint),
            doctor: list(&doctor["checks"])
                .into_iter()
                .filter(|check| check["message"].as_str().unwrap().contains(path))
                .map(|check| {
                    let word = |key: &str| check[key].as_str().unwrap().to_owned();
                    (word("level"), word("message").replace(path, "FILE"))
                })
                .collect(),
        }
    }
}

fn every_state_is_reported_as_itself() {
    let file = "/etc/keyrule/claude-code.toml";
    let below = &file[1..];
    let absent = Machine::new();
    let empty = Machine::new();
    empty.managed(below, "");
    let invalid = Machine::new();
    invalid.managed(below, "name = 1\n");
    let unreadable = Machine::new();
    unreadable.managed(below, "name = \"claude-code\"\n");
    unreadable.mode(below, 0o600);
    let untrusted = Machine::new();
    untrusted.managed(below, "name = \"claude-code\"\n");
    untrusted.mode(below, 0o666);
    for (machine, state, code, doctor) in [
        (&absent, "absent", None, "managed `FILE` is not there"),
        (
            &empty,
            "empty",
            Some("policy-empty"),
            "the managed policy `FILE` is empty",
        ),
        (
            &invalid,
            "invalid",
            Some("policy-invalid"),
            "managed `FILE` is invalid",
        ),
        (
            &unreadable,
            "unreadable",
            Some("policy-unreadable"),
            "the managed policy `FILE` cannot be read: ",
        ),
        (
            &untrusted,
            "untrusted",
            Some("policy-untrusted"),
            "the managed policy `FILE` is not trusted: ",
        ),
    ] {
        let said = Said::of(machine, file);
        assert_eq!(said.show, state);
        let level = if code.is_some() { "error" } else { "ok" };
        assert!(
            said.doctor
                .iter()
                .any(|(is, message)| is == level && message.starts_with(doctor)),
            "{state}: {:?}",
            said.doctor
        );
        // An invalid file was read; what is wrong is a diagnostic of `check`.
        let known = if state == "invalid" { "read" } else { state };
        assert!(said.check.contains(&known.to_owned()), "{:?}", said.check);
        match code {
            None => assert_eq!(
                (said.check, said.lint),
                (vec![known.to_owned()], vec![known.to_owned()])
            ),
            Some(code) => {
                assert!(said.lint.contains(&code.to_owned()), "{:?}", said.lint);
                if code != "policy-invalid" {
                    assert!(said.check.contains(&code.to_owned()), "{:?}", said.check);
                }
            }
        }
    }
    // The fifth is a name that is almost right.
    let misnamed = Machine::new();
    misnamed.managed("etc/keyrule/CLAUDE-CODE.toml", "name = \"claude-code\"\n");
    let said = Said::of(&misnamed, "/etc/keyrule/CLAUDE-CODE.toml");
    assert_eq!(said.show, "not-applicable");
    assert_eq!(said.check, ["not-applicable", "policy-misnamed"]);
    assert_eq!(said.lint, ["policy-misnamed"]);
    let words = "the managed policy `FILE` does not apply: its name must be `claude-code.toml`";
    assert_eq!(said.doctor, [("error".to_owned(), words.to_owned())]);
}

fn other_names_do_not_apply_and_are_named() {
    let machine = Machine::new();
    machine.managed("etc/keyrule/claude-code.d/10.yaml", DROP);
    machine.managed("etc/keyrule/README.md", "text");
    machine.managed("etc/keyrule/claude-code.d/10.toml.bak", DROP);
    token(&machine).gives("s3cr3t-key\n");
    let words = "FILE` does not apply: its name does not end in `.toml`";
    for (path, place, level) in [
        (
            "/etc/keyrule/claude-code.d/10.yaml",
            "managed restriction",
            "warning",
        ),
        ("/etc/keyrule/README.md", "managed", "ok"),
    ] {
        let said = Said::of(&machine, path);
        assert_eq!(said.show, "not-applicable");
        assert_eq!(said.check, ["not-applicable"]);
        assert_eq!(said.lint, ["not-applicable"]);
        let doctor = (level.to_owned(), format!("{place} `{words}"));
        assert_eq!(said.doctor, [doctor]);
    }
    for (command, exit) in [("check", 0), ("lint", 1)] {
        let ended = machine.keyrule(&["policy", command]).end();
        assert_eq!(ended.exit, Some(exit), "{ended:?}");
        let all = format!("{}{}", ended.stdout, ended.stderr);
        assert!(all.contains("warning[policy-not-applicable]"), "{all}");
        assert!(all.contains("10.yaml"), "{all}");
        assert!(!all.contains("README") && !all.contains(".bak"), "{all}");
    }
}

fn misnamed_files_of_the_user_are_named_and_refuse_nothing() {
    let machine = Machine::new();
    machine.users("home/.config/keyrule/Claude-Code.toml", DROP);
    machine.users("home/work/.keyrule/claude-code.TOML", DROP);
    token(&machine).gives("s3cr3t-key\n");
    for below in [
        "home/.config/keyrule/Claude-Code.toml",
        "home/work/.keyrule/claude-code.TOML",
    ] {
        let said = Said::of(&machine, &format!("/{below}"));
        assert_eq!(said.show, "not-applicable");
        assert_eq!((said.check.len(), said.lint.len()), (0, 0));
    }
}
