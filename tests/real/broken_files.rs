//! The user's own files, broken in every way: policies and settings. Each is
//! one clear error; nothing is handed out, and nothing is taken for absent.

use std::fs;
use std::os::unix::fs::symlink;

use crate::machine::Machine;

crate::tests![
    a_policy_that_is_broken_refuses,
    settings_that_are_broken_stop,
    settings_that_are_broken_do_not_matter_to_what_goes_before,
];

type Breaks = (&'static str, fn(&Machine, &str));

const BREAKS: [Breaks; 9] = [
    ("empty", |machine, file| machine.users(file, "")),
    ("white space", |machine, file| machine.users(file, " \n")),
    ("10 MB", |machine, file| {
        machine.users(file, " ".repeat(10_000_000));
    }),
    ("binary", |machine, file| {
        machine.users(file, b"\x7fELF\0\0\0\x01s3cr3t");
    }),
    ("not UTF-8", |machine, file| {
        machine.users(file, b"{\"a\": \"s3cr3t\xff\"}");
    }),
    ("deep", |machine, file| {
        let (open, close) = ("[".repeat(100_000), "]".repeat(100_000));
        let text = if file.ends_with("json") {
            format!("{{\"a\": {open}{close}}}")
        } else {
            format!("a = {open}{close}")
        };
        machine.users(file, text);
    }),
    ("folder", |machine, file| {
        machine.users(&format!("{file}/x"), "");
    }),
    ("loop of links", |machine, file| {
        machine.users(file, "");
        fs::remove_file(machine.path(file)).unwrap();
        symlink(machine.path(file), machine.path(file)).unwrap();
    }),
    ("a secret", |machine, file| {
        machine.users(file, "s3cr3t-0123456789abcdef");
    }),
];

/// What each break comes to: exit code, the error's code and the hint.
fn table(file: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let come_to = |(what, breaks): &Breaks| {
        let machine = Machine::new();
        breaks(&machine, file);
        let mut run = machine.keyrule(&["token"]);
        for (name, value) in variables {
            run = run.variable(name, *value);
        }
        let ended = run.end();
        assert_eq!(ended.stdout, "", "{what}");
        ended.keeps_secrets();
        let code = ended.code().unwrap_or_default();
        let hint = ended.hint().unwrap_or_default();
        format!("{what}: {} {code}: {hint}", ended.exit.unwrap_or(-1))
    };
    BREAKS.iter().map(come_to).collect()
}

fn a_policy_that_is_broken_refuses() {
    let file = "home/.config/keyrule/claude-code.toml";
    assert_eq!(
        table(file, &[("ANTHROPIC_API_KEY", "s3cr3t-key")]),
        [
            "empty: 5 policy-empty: write the file, or remove it: `rm ~/.config/keyrule/claude-code.toml`",
            "white space: 5 policy-empty: write the file, or remove it: `rm ~/.config/keyrule/claude-code.toml`",
            "10 MB: 5 policy-too-large: mend or remove `~/.config/keyrule/claude-code.toml`",
            "binary: 5 policy-binary: mend or remove `~/.config/keyrule/claude-code.toml`",
            "not UTF-8: 5 policy-not-utf8: mend or remove `~/.config/keyrule/claude-code.toml`",
            "deep: 5 policy-invalid: ",
            "folder: 5 policy-not-a-file: mend or remove `~/.config/keyrule/claude-code.toml`",
            "loop of links: 5 policy-unreadable: make it readable for yourself, see `ls -l ~/.config/keyrule/claude-code.toml`, or remove it",
            "a secret: 5 policy-invalid: ",
        ]
    );
}

fn settings_that_are_broken_stop() {
    let mend = "1 source-failed: mend `~/.claude/settings.json`, then try again";
    let expected = BREAKS.map(|(what, _)| format!("{what}: {mend}"));
    assert_eq!(table("home/.claude/settings.json", &[]), expected);
}

fn settings_that_are_broken_do_not_matter_to_what_goes_before() {
    for (_, breaks) in BREAKS {
        let machine = Machine::new();
        breaks(&machine, "home/.claude/settings.json");
        machine
            .keyrule(&["token"])
            .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
            .end()
            .gives("s3cr3t-key\n");
    }
}
