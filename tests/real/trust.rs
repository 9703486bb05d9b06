//! Managed files: whose are believed, and what happens where they are not
//! (S13, S14). Every one is met as another user than root, under an `/etc`
//! of the test's own.

use std::os::unix::fs::symlink;
use std::process::Command;

use crate::machine::{Ended, Machine, Run, skip};

crate::tests![
    a_file_of_root_decides,
    a_file_that_others_could_have_written_refuses,
    a_link_to_a_file_of_the_user_refuses,
    a_managed_file_that_says_nothing_refuses,
    a_pipe_and_a_folder_in_place_of_a_file_refuse,
    a_restriction_takes_away_from_the_builtin,
    an_empty_folder_of_restrictions_is_absent,
    a_folder_of_restrictions_that_cannot_be_listed_refuses,
    a_name_without_a_managed_file_is_refused,
    others_may_be_allowed,
    a_file_of_nobody_is_believed_on_a_read_only_mount_alone,
    root_of_a_namespace_believes_no_file_of_nobody,
    no_variable_moves_the_folder,
    settings_of_the_administrator_are_believed_likewise,
];

const POLICY: &str = r#"
name = "claude-code"
[[source]]
id = "managed"
kind = "environment"
variable = "MANAGED_KEY"
headers = { X-Api-Key = "{secret}" }
endpoint = { default = "https://api.example.com" }
surfaces = ["terminal"]
"#;

const FILE: &str = "etc/keyrule/claude-code.toml";

fn managed() -> Machine {
    let machine = Machine::new();
    machine.managed(FILE, POLICY);
    machine
}

/// Asks for a token where the managed policy gives one, and without it the
/// built-in one another.
fn token(machine: &Machine) -> Run<'_> {
    machine
        .keyrule(&["token"])
        .variable("MANAGED_KEY", "s3cr3t-managed")
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
}

fn a_file_of_root_decides() {
    token(&managed()).end().gives("s3cr3t-managed\n");
    // Without it the built-in policy would.
    token(&Machine::new()).end().gives("s3cr3t-key\n");
}

fn a_file_that_others_could_have_written_refuses() {
    for (path, mode, mend) in [
        (FILE, 0o664, "chmod g-w /etc/keyrule/claude-code.toml"),
        (FILE, 0o646, "chmod go-w /etc/keyrule/claude-code.toml"),
        (FILE, 0o666, "chmod go-w /etc/keyrule/claude-code.toml"),
        ("etc/keyrule", 0o775, "chmod g-w /etc/keyrule"),
        ("etc/keyrule", 0o757, "chmod go-w /etc/keyrule"),
        ("etc/keyrule", 0o1777, "chmod go-w /etc/keyrule"),
        ("etc", 0o775, "chmod g-w /etc"),
        ("etc", 0o777, "chmod go-w /etc"),
    ] {
        let machine = managed();
        machine.mode(path, mode);
        untrusted(&token(&machine).end(), mend);
    }
    for path in [FILE, "etc/keyrule", "etc"] {
        let machine = managed();
        machine.owner(path, machine.user);
        untrusted(&token(&machine).end(), &format!("chown root /{path}"));
    }
}

#[track_caller]
fn untrusted(ended: &Ended, mend: &str) {
    let hint = format!("an administrator has to check what it says, and then type `sudo {mend}`");
    ended.fails(5, "policy-untrusted", &hint);
}

fn a_link_to_a_file_of_the_user_refuses() {
    let machine = Machine::new();
    machine.users("home/policy.toml", POLICY);
    machine.folder("etc/keyrule", 0, 0o755);
    symlink("/etc/own/policy.toml", machine.path(FILE)).unwrap();
    let bind = r#"mkdir /etc/own; mount --bind "$ROOT/home" /etc/own"#;
    untrusted(&token(&machine).after(bind).end(), "chown root /etc/own");
}

fn a_managed_file_that_says_nothing_refuses() {
    let mend = "an administrator has to mend or remove `/etc/keyrule/claude-code.toml`";
    for (text, code) in [
        (String::new(), "policy-empty"),
        (" \n\n".to_owned(), "policy-empty"),
        ("#".repeat(10_000_000), "policy-too-large"),
        ("name = \"claude-code\"\0".to_owned(), "policy-binary"),
    ] {
        let machine = managed();
        machine.managed(FILE, text);
        token(&machine).end().fails(5, code, mend);
    }
    let machine = managed();
    machine.managed(FILE, b"name = \"\xff\"");
    token(&machine).end().fails(5, "policy-not-utf8", mend);
    // One that root alone may read could have said no.
    let machine = managed();
    machine.mode(FILE, 0o600);
    token(&machine).end().fails(5, "policy-unreadable", mend);
    let machine = managed();
    let deep = format!("name = {}{}", "[".repeat(100_000), "]".repeat(100_000));
    machine.managed(FILE, deep);
    token(&machine).end().fails(5, "policy-invalid", "none");
}

fn a_pipe_and_a_folder_in_place_of_a_file_refuse() {
    let mend = "an administrator has to mend or remove `/etc/keyrule/claude-code.toml`";
    let machine = Machine::new();
    machine.folder(FILE, 0, 0o755);
    token(&machine).end().fails(5, "policy-not-a-file", mend);
    let machine = Machine::new();
    machine.folder("etc/keyrule", 0, 0o755);
    let pipe = Command::new("mkfifo").arg(machine.path(FILE)).status();
    assert!(pipe.unwrap().success());
    // It is not opened: that would wait for a writer.
    token(&machine).end().fails(5, "policy-not-a-file", mend);
}

fn a_restriction_takes_away_from_the_builtin() {
    let machine = Machine::new();
    machine.managed("etc/keyrule/claude-code.d/10.toml", "drop = [\"api-key\"]");
    let hint = "set `ANTHROPIC_AUTH_TOKEN`, for example `export ANTHROPIC_AUTH_TOKEN=…`";
    token(&machine).end().fails(4, "nothing-usable", hint);
    // Which file took it away is for everybody to see.
    let explain = machine.keyrule(&["explain"]);
    let explain = explain.variable("ANTHROPIC_API_KEY", "s3cr3t-key").end();
    let line = "restricted: without `/etc/keyrule/claude-code.d/10.toml`, line 1, `api-key`";
    assert!(explain.stdout.contains(line), "{}", explain.stdout);
    explain.keeps_secrets();
}

fn an_empty_folder_of_restrictions_is_absent() {
    let machine = Machine::new();
    machine.folder("etc/keyrule/claude-code.d", 0, 0o755);
    token(&machine).end().gives("s3cr3t-key\n");
}

fn a_folder_of_restrictions_that_cannot_be_listed_refuses() {
    let machine = Machine::new();
    machine.managed("etc/keyrule/claude-code.d/10.toml", "drop = [\"api-key\"]");
    machine.mode("etc/keyrule/claude-code.d", 0o700);
    let mend = "an administrator has to mend or remove `/etc/keyrule/claude-code.d`";
    token(&machine)
        .end()
        .fails(5, "policy-folder-unreadable", mend);
    // Nor is one that can be listed while its files cannot be read.
    machine.mode("etc/keyrule/claude-code.d", 0o755);
    machine.mode("etc/keyrule/claude-code.d/10.toml", 0o600);
    let mend = "an administrator has to mend or remove `/etc/keyrule/claude-code.d/10.toml`";
    token(&machine).end().fails(5, "policy-unreadable", mend);
}

fn a_name_without_a_managed_file_is_refused() {
    let machine = managed();
    let own = POLICY.replace("claude-code", "own");
    machine.users("home/.config/keyrule/own.toml", own);
    let ended = own_token(&machine);
    assert_eq!(
        (ended.exit, ended.code(), ended.stdout.as_str()),
        (Some(5), Some("policy-invalid"), ""),
        "{}",
        ended.stderr
    );
    ended.keeps_secrets();
    assert!(
        ended.stderr.contains("others = \"allow\""),
        "{}",
        ended.stderr
    );
}

fn others_may_be_allowed() {
    let machine = Machine::new();
    machine.managed(FILE, format!("others = \"allow\"\n{POLICY}"));
    let own = POLICY.replace("claude-code", "own");
    machine.users("home/.config/keyrule/own.toml", own);
    own_token(&machine).gives("s3cr3t-managed\n");
}

fn own_token(machine: &Machine) -> Ended {
    machine
        .keyrule(&["token", "--policy", "own"])
        .variable("MANAGED_KEY", "s3cr3t-managed")
        .end()
}

/// What a rootless container shows: root outside has no id inside.
fn a_file_of_nobody_is_believed_on_a_read_only_mount_alone() {
    needs_user_namespaces();
    let machine = managed();
    let user = format!("--map-user={}", machine.user);
    let inside = || token(&machine).under(&["unshare", "--user", &user]);
    let read_only = "mount -o remount,ro,bind /; mount -o remount,ro,bind /etc";
    inside().after(read_only).end().gives("s3cr3t-managed\n");
    let writable = "mount -o remount,ro,bind /";
    for mounts in ["", writable] {
        let ended = inside().after(mounts).end();
        assert_eq!(
            (ended.exit, ended.code(), ended.stdout.as_str()),
            (Some(5), Some("policy-untrusted"), ""),
            "{}",
            ended.stderr
        );
        ended.keeps_secrets();
    }
}

fn root_of_a_namespace_believes_no_file_of_nobody() {
    needs_user_namespaces();
    let machine = managed();
    let read_only = "mount -o remount,ro,bind /; mount -o remount,ro,bind /etc";
    let ended = token(&machine)
        .after(read_only)
        .under(&["unshare", "--user", "--map-root-user", "--mount"])
        .end();
    let hint = "run it there as another user than root, with / and what is above it mounted \
                read-only";
    ended.fails(5, "policy-untrusted", hint);
}

fn needs_user_namespaces() {
    let possible = Machine::new()
        .shell("unshare --user --map-root-user --mount true")
        .end();
    if possible.exit != Some(0) {
        skip("users other than root have no namespaces here");
    }
}

fn no_variable_moves_the_folder() {
    let machine = managed();
    let weaker = POLICY.replace("MANAGED_KEY", "ANTHROPIC_API_KEY");
    for below in ["home/x/keyrule", "home/x/etc/keyrule", "home/x"] {
        machine.users(&format!("{below}/claude-code.toml"), &weaker);
    }
    let elsewhere = machine.path("home/x");
    for name in [
        "XDG_CONFIG_DIRS",
        "XDG_DATA_DIRS",
        "XDG_DATA_HOME",
        "XDG_STATE_HOME",
        "XDG_RUNTIME_DIR",
        "KEYRULE_CONFIG",
        "KEYRULE_MANAGED",
        "KEYRULE_HOME",
        "KEYRULE_ETC",
        "ETC",
        "HOME",
        "PREFIX",
        "ProgramFiles",
    ] {
        let ended = token(&machine).variable(name, &elsewhere).end();
        assert_eq!(ended.stdout, "s3cr3t-managed\n", "{name}: {}", ended.stderr);
    }
    // There a policy is one of the user's, which can only restrict.
    let ended = token(&machine)
        .variable("XDG_CONFIG_HOME", &elsewhere)
        .end();
    assert_eq!(
        (ended.exit, ended.code(), ended.stdout.as_str()),
        (Some(5), Some("policy-invalid"), "")
    );
}

fn settings_of_the_administrator_are_believed_likewise() {
    let machine = Machine::new();
    let settings = "etc/claude-code/managed-settings.json";
    machine.managed(settings, r#"{"apiKeyHelper": "echo s3cr3t-helper"}"#);
    let ask = || machine.keyrule(&["token"]);
    let mend = "mend `/etc/claude-code/managed-settings.json`, then try again";
    ask().end().gives("s3cr3t-helper\n");
    machine.mode(settings, 0o666);
    ask().end().fails(1, "source-failed", mend);
    machine.mode(settings, 0o644);
    machine.owner(settings, machine.user);
    ask().end().fails(1, "source-failed", mend);
    machine.owner(settings, 0);
    machine.mode(settings, 0o600);
    ask().end().fails(1, "source-failed", mend);
}
