//! Receipts from the command line and back: commands write them, `policy
//! replay` reads them.

use std::path::{Path, PathBuf};

use super::*;
use keyrule::Receipt;

/// A user with a policy of two variables, and a place for receipts.
struct User {
    folder: tempfile::TempDir,
}

const POLICY: &str = "name = \"sample\"\n\
    [[source]]\nid = \"first\"\nkind = \"environment\"\nvariable = \"FIRST\"\n\
    headers = { X-Api-Key = \"{secret}\" }\nendpoint = { default = \"https://api.example.com\" }\n\
    surfaces = [\"terminal\"]\n\
    [[source]]\nid = \"second\"\nkind = \"environment\"\nvariable = \"SECOND\"\n\
    headers = { X-Api-Key = \"{secret}\" }\nendpoint = { default = \"https://api.example.com\" }\n\
    surfaces = [\"terminal\"]\n";

impl User {
    fn new() -> Self {
        let user = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        user.write(".config/keyrule/sample.toml", POLICY);
        user.write("drop.toml", "drop = [\"first\"]\n");
        user
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().canonicalize().unwrap().join(below)
    }

    fn write(&self, below: &str, text: &str) {
        let path = self.path(below);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Runs a command; `@` stands for the user's folder.
    fn drive(&self, line: &str, variables: &[&str]) -> Left {
        let mut ambient = Ambient::empty();
        ambient.home = Some(self.path(""));
        ambient.current = Some(self.path(""));
        for variable in variables {
            ambient = ambient.with_variable(variable, format!("s3cr3t-{variable}"));
        }
        let top = format!("{}/", self.path("").display()).replace("//", "/");
        let line = line.replace('@', &top);
        let mut left = drive(&line.split(' ').collect::<Vec<_>>(), ambient);
        left.output = left.output.replace(&top, "@");
        left.words = left.words.replace(&top, "@");
        left
    }

    fn receipts(&self) -> Vec<Receipt> {
        let text = std::fs::read_to_string(self.path("r")).unwrap();
        assert!(!text.contains("s3cr3t"), "{text}");
        let name = self.path("").display().to_string();
        assert!(!text.contains(name.trim_end_matches('/')), "{text}");
        text.lines()
            .map(|line| Receipt::parse(line).unwrap())
            .collect()
    }
}

#[test]
fn every_command_that_decides_records_what_it_decided() {
    let user = User::new();
    for command in ["status", "explain", "token", "headers"] {
        let line = format!("{command} --policy sample --receipt @r");
        assert_eq!(user.drive(&line, &["FIRST"]).code, 0);
    }
    assert_eq!(
        user.drive("token --policy sample --receipt @r", &[]).code,
        4
    );
    let receipts = user.receipts();
    let commands: Vec<_> = receipts
        .iter()
        .map(|receipt| receipt.command.as_deref().unwrap())
        .collect();
    assert_eq!(commands, ["status", "explain", "token", "headers", "token"]);
    let receipt = receipts.last().unwrap();
    assert_eq!(receipt.fix.as_deref(), Some("set-variable"));
    assert_eq!(receipt.documents.len(), 1);
    let place = format!("~{0}.config/keyrule/sample.toml", std::path::MAIN_SEPARATOR);
    assert_eq!(receipt.documents[0].path, place);
}

#[test]
fn a_file_that_cannot_be_written_hands_out_nothing() {
    let user = User::new();
    for command in ["status", "explain", "token", "headers", "exec"] {
        for file in ["@", "@nowhere/r"] {
            let rest = if command == "exec" { " -- true" } else { "" };
            let line = format!("{command} --policy sample --receipt {file}{rest}");
            let left = user.drive(&line, &["FIRST"]);
            let code = if command == "exec" { 125 } else { 1 };
            assert_eq!((left.code, left.output.as_str()), (code, ""), "{line}");
            let said = left.words.starts_with("error[receipt-not-written]: ");
            assert!(said && !left.words.contains("s3cr3t"), "{}", left.words);
        }
    }
}

/// Receipts whose time is always the same.
fn recorded(user: &User) {
    for variables in [&["FIRST"][..], &["FIRST", "SECOND"], &["SECOND"], &[]] {
        user.drive("token --policy sample --receipt @r", variables);
    }
    user.drive("explain --policy sample --receipt @r", &["FIRST", "SECOND"]);
    let text: String = user
        .receipts()
        .into_iter()
        .map(|mut receipt| {
            "2026-01-02T03:04:05Z".clone_into(&mut receipt.time);
            receipt.line().unwrap()
        })
        .collect();
    user.write("r", &text);
}

#[test]
fn replay_says_what_would_change_and_what_nobody_knows() {
    let user = User::new();
    recorded(&user);
    let policy = "@.config/keyrule/sample.toml";
    let left = user.drive(
        &format!("policy replay @r --against {policy} --with @drop.toml"),
        &[],
    );
    assert_eq!(left.code, 1, "{left:?}");
    let warned = "warning: 2 of 5 receipts do not say what the new policy needs\n";
    assert_eq!(left.words, warned);
    insta::assert_snapshot!(left.output, @"
    changed: first -> second (~/.config/keyrule/sample.toml:10), if second can be got
      @r:5  2026-01-02T03:04:05Z  explain, terminal, not interactive
    undetermined: needs second, at which the old run did not look (environment SECOND)
      @r:1  2026-01-02T03:04:05Z  token, terminal, not interactive
      @r:2  2026-01-02T03:04:05Z  token, terminal, not interactive
    same: refused: nothing-usable
      @r:4  2026-01-02T03:04:05Z  token, terminal, not interactive
    same: second (~/.config/keyrule/sample.toml:10)
      @r:3  2026-01-02T03:04:05Z  token, terminal, not interactive

    5 receipts: 2 same, 1 changed, 2 undetermined
    ");
    let left = user.drive(&format!("policy replay @r --against {policy}"), &[]);
    assert_eq!((left.code, left.words.as_str()), (0, ""));
    let end = "\n5 receipts: 5 same, 0 changed, 0 undetermined\n";
    assert!(left.output.ends_with(end), "{}", left.output);
}

#[test]
fn what_is_undetermined_fails_only_where_that_is_asked_for() {
    let user = User::new();
    user.drive("token --policy sample --receipt @r", &["FIRST"]);
    let turned = POLICY.replace("FIRST", "OTHER");
    user.write("new.toml", &turned);
    let line = "policy replay @r --against @new.toml";
    let left = user.drive(line, &[]);
    let warned = "warning: 1 of 1 receipts do not say what the new policy needs\n";
    assert_eq!((left.code, left.words.as_str()), (0, warned));
    assert_eq!(user.drive(&format!("{line} --strict"), &[]).code, 1);
    let left = user.drive(&format!("{line} --json"), &[]);
    let document: serde_json::Value = serde_json::from_str(&left.output).unwrap();
    assert_eq!(document["undetermined"], 1);
    let needs = serde_json::json!({
        "source": "first", "reads": "environment OTHER", "what": "not-read", "variable": null,
    });
    assert_eq!(document["replayed"][0]["needs"], needs);
}

#[test]
fn one_bad_line_and_nothing_is_replayed() {
    let user = User::new();
    recorded(&user);
    let good = std::fs::read_to_string(user.path("r")).unwrap();
    let first = good.lines().next().unwrap();
    let long = "x".repeat(2 << 20);
    for (bad, said) in [
        (&first[..200], "@bad:6`: the receipt is cut off"),
        ("{\"version\":7}", "@bad:6`: the receipt is of version 7"),
        ("s3cr3t", "@bad:6`: this is not JSON"),
        (
            long.as_str(),
            "@bad:6`: the line is longer than any receipt",
        ),
    ] {
        user.write("bad", &format!("{good}{bad}\n{first}\n"));
        let left = user.drive("policy replay @bad --against builtin:claude-code", &[]);
        assert_eq!((left.code, left.output.as_str()), (5, ""));
        let start = format!("error[bad-receipt]: `{said}");
        assert!(left.words.starts_with(&start), "{}", left.words);
        assert!(!left.words.contains("s3cr3t"), "{}", left.words);
    }
    std::fs::write(user.path("bad"), b"\xff\xfe\x00").unwrap();
    let left = user.drive("policy replay @bad --against builtin:claude-code", &[]);
    assert!(left.words.contains("@bad:1`: this is not text"), "{left:?}");
    user.write("bad", "\n\n");
    let left = user.drive("policy replay @bad --against builtin:claude-code", &[]);
    assert!(left.words.starts_with("error[no-receipts]"), "{left:?}");
    let left = user.drive("policy replay @none --against builtin:claude-code", &[]);
    assert!(
        left.words.starts_with("error[receipts-unreadable]"),
        "{left:?}"
    );
    assert!(Path::new(&user.path("r")).exists());
}

#[test]
fn nothing_is_replayed_against_an_override_that_is_not_there() {
    let user = User::new();
    user.drive("token --policy sample --receipt @r", &["FIRST"]);
    let text = format!(
        "{POLICY}\n[override]\npath = \"chooser.wasm\"\nsha256 = \"{}\"\n",
        "0".repeat(64)
    );
    user.write("new.toml", &text);
    let left = user.drive("policy replay @r --against @new.toml", &[]);
    assert_eq!((left.code, left.output.as_str()), (5, ""));
    assert!(
        left.words.starts_with("error[override-missing]"),
        "{}",
        left.words
    );
}
