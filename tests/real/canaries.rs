//! Secrets in every place at once, and none of them anywhere but where a
//! credential is what was asked for.

use std::fs;
use std::path::Path;

use crate::machine::{CANARY, Ended, Machine, Run, within};

crate::tests![
    no_command_tells_a_secret,
    a_credential_is_told_where_it_is_asked_for_and_no_other_is,
    no_failure_tells_a_secret,
    a_rejected_policy_is_shown_without_its_secrets,
    nothing_that_is_written_holds_a_secret,
    helpers_see_no_secret_of_other_sources,
];

/// Who wins, in the order of the policy, and what is left out for it to.
const WINNERS: [(&str, &[&str]); 6] = [
    ("auth-token", &[]),
    ("api-key", &["AUTH_TOKEN"]),
    ("helper", &["AUTH_TOKEN", "API_KEY"]),
    ("other-helper", &["AUTH_TOKEN", "API_KEY", "SETTING"]),
    ("kept", &["AUTH_TOKEN", "API_KEY", "SETTING", "HELPER"]),
    (
        "work",
        &["AUTH_TOKEN", "API_KEY", "SETTING", "HELPER", "KEPT"],
    ),
];

/// One source of every kind that can hold a secret, in a file that names none.
fn policy() -> String {
    let contract = |header: &str| {
        format!(
            "headers = {{ {header} = \"{{secret}}\" }}\n\
             export = {{ ANTHROPIC_API_KEY = \"{{secret}}\" }}\n\
             endpoint = {{ default = \"https://api.example.com\", variable = \"ANTHROPIC_BASE_URL\", \
             allow = [\"https://*:*\"] }}\nsurfaces = [\"terminal\"]\n"
        )
    };
    let sources = [
        (
            "auth-token",
            "kind = \"environment\"\nvariable = \"AUTH_TOKEN\"",
        ),
        (
            "api-key",
            "kind = \"environment\"\nvariable = \"API_KEY\"\nconsent = \"interactive\"\nkeep-as = \"kept\"",
        ),
        (
            "helper",
            "kind = \"helper\"\nsetting = \"apiKeyHelper\"\nfrom = [\"user-settings\"]",
        ),
        ("other-helper", "kind = \"helper\"\nvariable = \"HELPER\""),
        ("kept", "kind = \"stored-key\"\nkey = \"kept\""),
        (
            "work",
            "kind = \"login\"\nlogin = \"work\"\nissuer = \"test\"",
        ),
    ];
    let mut text = "name = \"all\"\n[tool]\nname = \"Tool\"\n\
                    folder = { variable = \"CLAUDE_CONFIG_DIR\", default = \"~/.claude\" }\n\
                    [[tool.settings]]\nname = \"user-settings\"\ntier = \"user\"\n\
                    path = \"{folder}/settings.json\"\n\
                    [[issuer]]\nid = \"test\"\nurl = \"https://login.example.com\"\n\
                    client-id = \"cli\"\norigins = [\"https://*:*\"]\n"
        .to_owned();
    for (id, kind) in sources {
        text.push_str(&format!("[[source]]\nid = \"{id}\"\n{kind}\n"));
        text.push_str(&contract("X-Api-Key"));
    }
    text
}

/// A machine with a secret in every place.
fn planted() -> Machine {
    let machine = Machine::new();
    machine.users("home/.config/keyrule/all.toml", policy());
    plant(&machine, true);
    machine
}

fn plant(machine: &Machine, kept: bool) {
    machine.helper("echo s3cr3t-helper");
    let helper = machine.path("home/bin/helper");
    let settings = serde_json::json!({
        "apiKeyHelper": format!("{} --key s3cr3t-argument", helper.display()),
        "env": { "API_KEY": "s3cr3t-setting", "ANTHROPIC_BASE_URL": "https://u:s3cr3t-w@x.test" },
        "other": "s3cr3t-other-setting",
    });
    machine.users("home/.claude/settings.json", settings.to_string());
    let theirs =
        r#"{"claudeAiOauth": {"accessToken": "s3cr3t-theirs", "refreshToken": "s3cr3t-r"}}"#;
    machine.users("home/.claude/.credentials.json", theirs);
    let mut ours = serde_json::json!({ "keyrule": {
        "version": 1,
        "keys": { "kept": { "secret": "s3cr3t-kept" } },
        "logins": { "work @ https://login.example.com @ cli": {
            "selected": "somebody@example.com",
            "accounts": { "somebody@example.com": {
                "access_token": "s3cr3t-work",
                "refresh_token": "s3cr3t-refresh",
                "expires_at": 4_000_000_000_u64,
                "client_id": "cli",
                "owner": {
                    "issuer": "https://login.example.com",
                    "account": "somebody@example.com",
                    "organization": "an-organization",
                    "claims": { "session": "s3cr3t-claim" },
                },
            } },
        } },
    } });
    if !kept {
        ours["keyrule"]["keys"] = serde_json::json!({});
    }
    machine.users("home/.claude/.credentials.keyrule.json", ours.to_string());
}

/// A command with a secret in every variable but these.
fn run<'m>(machine: &'m Machine, line: &str, without: &[&str]) -> Run<'m> {
    if without.contains(&"KEPT") {
        plant(machine, false);
    }
    if without.contains(&"SETTING") {
        let settings = r#"{"other": "s3cr3t-other-setting"}"#;
        machine.users("home/.claude/settings.json", settings);
    }
    let words: Vec<_> = line.split(' ').collect();
    let mut run = machine.keyrule(&words);
    for (name, value) in [
        ("AUTH_TOKEN", "s3cr3t-auth-token"),
        ("API_KEY", "s3cr3t-api-key"),
        ("HELPER", "echo s3cr3t-other-helper"),
        ("ANTHROPIC_AUTH_TOKEN", "s3cr3t-a"),
        ("ANTHROPIC_API_KEY", "s3cr3t-b"),
        ("ANTHROPIC_BASE_URL", "https://gw.test/v1?key=s3cr3t-query"),
        ("AWS_BEARER_TOKEN_BEDROCK", "s3cr3t-c"),
        ("AWS_SECRET_ACCESS_KEY", "s3cr3t-d"),
        ("CLAUDE_CODE_OAUTH_TOKEN", "s3cr3t-e"),
        ("UNRELATED", "s3cr3t-f"),
        ("KEYRULE_LOG", "trace"),
    ] {
        if !without.contains(&name) {
            run = run.variable(name, value);
        }
    }
    run
}

const FLAGS: [&str; 4] = ["", " -v", " --json", " -v --json"];

#[track_caller]
fn tells_nothing(ended: &Ended, line: &str) {
    for text in [&ended.stdout, &ended.stderr] {
        assert!(!text.contains(CANARY), "{line}: {text}");
    }
}

fn no_command_tells_a_secret() {
    for (_, without) in WINNERS {
        let machine = planted();
        for command in [
            "status",
            "explain",
            "doctor",
            "doctor --run-helper",
            "policy show",
            "policy check",
            "consent list",
            "consent approve api-key",
            "consent list",
            "consent decline api-key",
            "consent forget api-key",
        ] {
            for flags in FLAGS {
                for policy in [" --policy all", ""] {
                    let line = format!("{command}{flags}{policy}");
                    let ended = run(&machine, &line, without).end();
                    tells_nothing(&ended, &line);
                    assert!(
                        !ended.stderr.contains("panicked"),
                        "{line}: {}",
                        ended.stderr
                    );
                }
            }
        }
    }
}

fn a_credential_is_told_where_it_is_asked_for_and_no_other_is() {
    for (winner, without) in WINNERS {
        for flags in FLAGS {
            for command in ["token", "headers"] {
                let machine = planted();
                let line = format!("{command} --policy all{flags}");
                let mut ended = run(&machine, &line, without).end();
                assert_eq!(ended.exit, Some(0), "{line}: {winner}: {}", ended.stderr);
                let secret = format!("s3cr3t-{winner}");
                assert_eq!(ended.stdout.matches(&secret).count(), 1, "{line}");
                // The address is part of what was asked for.
                ended.stdout = ended
                    .stdout
                    .replace(&secret, "")
                    .replace("s3cr3t-query", "");
                tells_nothing(&ended, &line);
            }
            let machine = planted();
            let line = format!("exec --policy all{flags} -- /usr/bin/env");
            let mut ended = run(&machine, &line, without).end();
            assert_eq!(ended.exit, Some(0), "{line}: {winner}: {}", ended.stderr);
            let mut secrets: Vec<_> = ended
                .stdout
                .lines()
                .filter(|line| line.contains(CANARY))
                .filter_map(|line| line.split('=').next())
                .collect();
            secrets.sort_unstable();
            // What the policy does not declare is none of its business.
            let expected = [
                "ANTHROPIC_API_KEY",
                "ANTHROPIC_AUTH_TOKEN",
                "ANTHROPIC_BASE_URL",
                "AWS_BEARER_TOKEN_BEDROCK",
                "AWS_SECRET_ACCESS_KEY",
                "CLAUDE_CODE_OAUTH_TOKEN",
                "UNRELATED",
            ];
            assert_eq!(secrets, expected, "{line}");
            let key = format!("\nANTHROPIC_API_KEY=s3cr3t-{winner}\n");
            assert!(format!("\n{}", ended.stdout).contains(&key), "{line}");
            ended.stdout.clear();
            tells_nothing(&ended, &line);
        }
    }
}

type Fails = (&'static str, &'static [&'static str], fn(&Machine));

fn no_failure_tells_a_secret() {
    let fails: [Fails; 12] = [
        ("helper exits with 3", WINNERS[2].1, |machine| {
            machine.users("home/bin/helper", "#!/bin/sh\necho s3cr3t-x; exit 3\n");
        }),
        ("helper prints two", WINNERS[2].1, |machine| {
            machine.users("home/bin/helper", "#!/bin/sh\necho s3cr3t-x s3cr3t-y\n");
        }),
        ("helper prints an escape", WINNERS[2].1, |machine| {
            machine.users("home/bin/helper", "#!/bin/sh\nprintf '\\033s3cr3t-x'\n");
        }),
        ("helper is no program", WINNERS[2].1, |machine| {
            machine.mode("home/bin/helper", 0o644);
        }),
        ("settings are no JSON", WINNERS[2].1, |machine| {
            machine.users("home/.claude/settings.json", "s3cr3t-x");
        }),
        ("setting is no text", WINNERS[2].1, |machine| {
            let settings = r#"{"apiKeyHelper": ["s3cr3t-x"]}"#;
            machine.users("home/.claude/settings.json", settings);
        }),
        ("store is no JSON", WINNERS[4].1, |machine| {
            machine.users("home/.claude/.credentials.keyrule.json", "{s3cr3t-x");
        }),
        ("store has another shape", WINNERS[4].1, |machine| {
            let text = r#"{"keyrule": {"version": 1, "keys": {"kept": "s3cr3t-x"}}}"#;
            machine.users("home/.claude/.credentials.keyrule.json", text);
        }),
        ("restriction drops all", &[], |machine| {
            let text = "drop = [\"auth-token\", \"api-key\", \"helper\", \"other-helper\", \
                        \"kept\", \"work\"]";
            machine.users("home/work/.keyrule/all.toml", text);
        }),
        ("consents are no JSON", WINNERS[1].1, |machine| {
            machine.users("home/.local/state/keyrule/consents.json", "s3cr3t-x");
        }),
        ("endpoint is not allowed", &[], |machine| {
            let text = policy().replace("https://*:*", "https://none.test");
            machine.users("home/.config/keyrule/all.toml", text);
        }),
        ("policy is none", &[], |machine| {
            let text = "sk-ant-api03-s3cr3tZq8XvT1mPq2Lr7";
            machine.users("home/.config/keyrule/all.toml", text);
        }),
    ];
    for (what, without, breaks) in fails {
        for command in [
            "token",
            "headers",
            "exec -- env",
            "status",
            "explain",
            "doctor",
        ] {
            for flags in ["", "-v ", "--json -v "] {
                let machine = planted();
                breaks(&machine);
                let line = format!("--policy all {flags}{command}");
                let ended = run(&machine, &line, without).end();
                tells_nothing(&ended, &format!("{what}: {line}"));
                let hands_out = matches!(command, "token" | "headers" | "exec -- env");
                if hands_out {
                    assert_ne!(ended.exit, Some(0), "{what}: {line}");
                    assert_eq!(ended.stdout, "", "{what}: {line}");
                }
            }
        }
    }
}

/// In the shapes that issuers give them, not in that of the tests.
fn a_rejected_policy_is_shown_without_its_secrets() {
    let secrets = [
        "sk-ant-api03-c4n4ry-Zq8XvT1mPq2Lr7",
        "ghp_c4n4ryZq8XvT1mPq2Lr7WsYb0KdEfGh",
        "AKIAC4N4RYc4n4ry7XQ2",
        "eyJhbGciOiJIUzI1NiJ9.eyJjNG40cnkiOjF9.c4n4ryZq8XvT1m",
        "c4n4ryZq8XvT1mPq2Lr7WsYb0KdEfGhJ",
    ];
    for secret in secrets {
        for text in [
            format!("name = \"all\"\nsecret = \"{secret}\"\n"),
            format!("name = \"all\"\nkey = {secret}\n"),
            format!("name = \"all\" # {secret}\n[[source]]\nid = 1 # {secret}\n"),
            format!("name = \"{secret}\"\n"),
            secret.to_owned(),
        ] {
            let machine = Machine::new();
            machine.users("home/.config/keyrule/all.toml", &text);
            for command in ["token", "status", "doctor", "policy check", "policy show"] {
                for flags in FLAGS {
                    let line = format!("{command} --policy all{flags}");
                    let ended = run(&machine, &line, &[]).end();
                    let told = format!("{}{}", ended.stdout, ended.stderr);
                    assert!(!told.contains("c4n4ry"), "{line}: {text}: {told}");
                }
            }
        }
    }
}

fn nothing_that_is_written_holds_a_secret() {
    let machine = planted();
    for line in [
        "consent approve api-key --policy all",
        "consent decline api-key",
        "token --policy all",
        "exec --policy all -- true",
        "doctor --run-helper --policy all",
    ] {
        run(&machine, line, &[]).end();
    }
    let state = machine.path("home/.local/state");
    assert!(state.join("keyrule/consents.json").exists());
    assert_eq!(holding_a_secret(&state), Vec::<String>::new());
}

fn holding_a_secret(path: &Path) -> Vec<String> {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        return entries
            .flat_map(|entry| holding_a_secret(&entry.unwrap().path()))
            .collect();
    }
    let text = fs::read(path).unwrap();
    let holds = String::from_utf8_lossy(&text).contains(CANARY);
    holds
        .then(|| path.display().to_string())
        .into_iter()
        .collect()
}

fn helpers_see_no_secret_of_other_sources() {
    let machine = planted();
    let script = "env >~/environment; touch ~/started; sleep 2; echo s3cr3t-helper";
    machine.helper(script);
    let child = run(&machine, "token --policy all", WINNERS[2].1)
        .variable("CLAUDE_CONFIG_DIR", machine.path("home/.claude"))
        .start();
    assert!(within(10, || machine.path("home/started").exists()));
    let lines: Vec<_> = machine
        .processes()
        .iter()
        .map(|process| fs::read_to_string(process.join("cmdline")).unwrap_or_default())
        .collect();
    assert!(lines.len() >= 2, "{lines:?}");
    for line in lines {
        assert!(!line.contains(CANARY), "{line}");
    }
    Ended::of(&machine, child.wait_with_output().unwrap());
    let environment = machine.read("home/environment");
    let mut left: Vec<_> = environment
        .lines()
        .filter(|line| line.contains(CANARY))
        .filter_map(|line| line.split('=').next())
        .collect();
    left.sort_unstable();
    // The policy's credential variables are gone; its helper may need the rest,
    // and a command line is none.
    assert_eq!(
        left,
        [
            "ANTHROPIC_AUTH_TOKEN",
            "ANTHROPIC_BASE_URL",
            "AWS_BEARER_TOKEN_BEDROCK",
            "AWS_SECRET_ACCESS_KEY",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "HELPER",
            "UNRELATED",
        ]
    );
}
