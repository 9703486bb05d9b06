//! What a user who is not root meets: files that cannot be read, a home that
//! cannot be written, folders of somebody else. As root these would pass
//! without testing anything.

use std::fs;

use crate::machine::Machine;

crate::tests![
    settings_that_cannot_be_read_stop,
    a_credentials_file_that_cannot_be_read_stops,
    a_policy_of_the_user_that_cannot_be_read_refuses,
    without_a_home_the_rest_is_decided,
    a_home_that_is_not_there_is_an_empty_one,
    a_read_only_home_keeps_no_consent,
    a_project_of_somebody_else_restricts_nobody,
    a_restriction_above_the_repository_is_not_read,
    a_state_folder_of_somebody_else_is_not_believed,
    consents_that_others_can_write_are_not_believed,
];

fn settings_that_cannot_be_read_stop() {
    let machine = Machine::with_helper("echo s3cr3t-helper");
    machine.keyrule(&["token"]).end().gives("s3cr3t-helper\n");
    machine.mode("home/.claude/settings.json", 0o000);
    let mend = "mend `~/.claude/settings.json`, then try again";
    let ended = machine.keyrule(&["token"]).end();
    ended.fails(1, "source-failed", mend);
    // Nor in a folder that cannot be entered.
    machine.mode("home/.claude/settings.json", 0o600);
    machine.mode("home/.claude", 0o000);
    let ended = machine.keyrule(&["token"]).end();
    ended.fails(1, "source-failed", mend);
    machine.mode("home/.claude", 0o700);
}

fn a_credentials_file_that_cannot_be_read_stops() {
    let machine = Machine::new();
    let file = "home/.claude/.credentials.json";
    machine.users(
        file,
        r#"{"claudeAiOauth": {"accessToken": "s3cr3t-login"}}"#,
    );
    machine.mode(file, 0o000);
    let ended = machine.keyrule(&["exec", "--", "/usr/bin/env"]).end();
    let mend = "mend `~/.claude/.credentials.json`, then try again";
    ended.fails(125, "source-failed", mend);
    let ended = machine.keyrule(&["token", "--surface", "desktop"]).end();
    ended.fails(1, "source-failed", mend);
}

fn a_policy_of_the_user_that_cannot_be_read_refuses() {
    let machine = Machine::new();
    let file = "home/.config/keyrule/claude-code.toml";
    machine.users(file, "name = \"claude-code\"");
    machine.mode(file, 0o000);
    let ended = machine
        .keyrule(&["token"])
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end();
    let hint = "make it readable for yourself, see `ls -l \
                ~/.config/keyrule/claude-code.toml`, or remove it";
    ended.fails(5, "policy-unreadable", hint);
}

fn without_a_home_the_rest_is_decided() {
    let machine = Machine::new();
    // The system knows no such user either.
    let run = || machine.keyrule(&["token"]).without("HOME");
    run()
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end()
        .gives("s3cr3t-key\n");
    // Settings that nobody can find could name a helper.
    let ended = run().end();
    ended.fails(1, "source-failed", ended.hint().unwrap_or_default());
    let said = "the home folder is not known";
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    let doctor = machine.keyrule(&["doctor"]).without("HOME").end();
    assert_eq!(doctor.exit, Some(1), "{}", doctor.stdout);
}

fn a_home_that_is_not_there_is_an_empty_one() {
    let machine = Machine::new();
    let ended = machine
        .keyrule(&["token"])
        .variable("HOME", "/nonexistent")
        .end();
    let hint = "set `ANTHROPIC_AUTH_TOKEN`, for example `export ANTHROPIC_AUTH_TOKEN=…`";
    ended.fails(4, "nothing-usable", hint);
}

fn a_read_only_home_keeps_no_consent() {
    let machine = Machine::new();
    machine.mode("home", 0o500);
    let ended = machine
        .keyrule(&["consent", "approve", "api-key"])
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end();
    let hint = "let yourself write `~/.local/state/keyrule` and the folder it is in";
    ended.fails(1, "consent-not-writable", hint);
    assert_eq!(fs::read_dir(machine.path("home")).unwrap().count(), 1);
    machine.mode("home", 0o700);
}

const DROP: &str = "drop = [\"api-key\"]\n";

fn a_project_of_somebody_else_restricts_nobody() {
    let machine = Machine::new();
    machine.managed("project/.keyrule/claude-code.toml", DROP);
    let run = |arguments: &[&str]| {
        machine
            .keyrule(arguments)
            .within("project")
            .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
            .end()
    };
    run(&["token"]).gives("s3cr3t-key\n");
    // It is said, so that it does not vanish.
    let doctor = "`/project/.keyrule/claude-code.toml` cannot be trusted: `/project` belongs to \
                  somebody else";
    let show = "untrusted project /project/.keyrule/claude-code.toml: `/project` belongs to \
                somebody else";
    for (command, said) in [(&["doctor"][..], doctor), (&["policy", "show"], show)] {
        let ended = run(command);
        let words: Vec<_> = ended.stdout.split_whitespace().collect();
        assert!(words.join(" ").contains(said), "{}", ended.stdout);
        ended.keeps_secrets();
    }
    // In a folder of the user's own it does restrict.
    machine.users("home/work/.keyrule/claude-code.toml", DROP);
    let own = machine
        .keyrule(&["token"])
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end();
    let hint = "set `ANTHROPIC_AUTH_TOKEN`, for example `export ANTHROPIC_AUTH_TOKEN=…`";
    own.fails(4, "nothing-usable", hint);
    // And not with the file somebody else's in a folder of the user's own.
    machine.owner("home/work/.keyrule/claude-code.toml", 0);
    machine.mode("home/work/.keyrule/claude-code.toml", 0o644);
    machine
        .keyrule(&["token"])
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end()
        .gives("s3cr3t-key\n");
}

fn a_restriction_above_the_repository_is_not_read() {
    let machine = Machine::new();
    machine.users("home/work/.keyrule/claude-code.toml", DROP);
    machine.folder("home/work/repository/.git", machine.user, 0o755);
    machine.folder("home/work/repository/inner", machine.user, 0o755);
    machine.folder("home/work/plain/inner", machine.user, 0o755);
    let run = |folder: &str| {
        machine
            .keyrule(&["token"])
            .within(folder)
            .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
            .end()
    };
    run("home/work/repository/inner").gives("s3cr3t-key\n");
    let hint = "set `ANTHROPIC_AUTH_TOKEN`, for example `export ANTHROPIC_AUTH_TOKEN=…`";
    run("home/work/plain/inner").fails(4, "nothing-usable", hint);
}

fn with_consent() -> Machine {
    let machine = Machine::new();
    let ended = machine
        .keyrule(&["consent", "decline", "api-key"])
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end();
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    machine
}

fn a_state_folder_of_somebody_else_is_not_believed() {
    for (below, owner, mode) in [
        ("home/.local/state/keyrule", Some(0), 0o755),
        ("home/.local/state/keyrule", None, 0o777),
        ("home/.local/state/keyrule", None, 0o770),
    ] {
        let machine = with_consent();
        machine.owner(below, owner.unwrap_or(machine.user));
        machine.mode(below, mode);
        let ended = machine
            .keyrule(&["token"])
            .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
            .end();
        ended.fails(1, "consent-untrusted", &yours(below));
    }
}

fn yours(below: &str) -> String {
    let below = below.strip_prefix("home").unwrap();
    format!("make `~{below}` yours and writable by you alone (`chown`, `chmod go-w`)")
}

fn consents_that_others_can_write_are_not_believed() {
    for (owner, mode) in [(Some(0), 0o644), (None, 0o666), (None, 0o620)] {
        let machine = with_consent();
        let file = "home/.local/state/keyrule/consents.json";
        machine.owner(file, owner.unwrap_or(machine.user));
        machine.mode(file, mode);
        let ended = machine
            .keyrule(&["token"])
            .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
            .end();
        ended.fails(1, "consent-untrusted", &yours(file));
    }
}
