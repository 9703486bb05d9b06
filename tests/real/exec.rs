//! `exec`: the program gets exactly what the policy leaves it, and is the same
//! process.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::Stdio;

use crate::machine::{Ended, Machine};

crate::tests![
    the_program_gets_exactly_this_environment,
    nothing_that_selects_or_redirects_reaches_the_program,
    the_exit_code_is_the_programs,
    a_signal_that_ends_the_program_ends_us,
    streams_pass_through,
    it_becomes_the_program,
    a_broken_pipe_ends_the_program_as_from_a_shell,
    failures_before_the_program_runs_have_their_codes,
    a_path_with_spaces_and_words_with_dashes_arrive_as_they_are,
];

fn environment(ended: &Ended) -> BTreeMap<String, String> {
    assert_eq!((ended.exit, ended.stderr.as_str()), (Some(0), ""));
    let mut variables = BTreeMap::new();
    for variable in ended.stdout.split_terminator('\0') {
        let (name, value) = variable.split_once('=').unwrap();
        variables.insert(name.to_owned(), value.to_owned());
    }
    variables
}

fn the_program_gets_exactly_this_environment() {
    let machine = Machine::with_helper("echo s3cr3t-helper");
    let run = || {
        let mut run = machine.keyrule(&["exec", "--", "/usr/bin/env", "-0"]);
        for name in [
            "ANTHROPIC_BASE_URL",
            "ANTHROPIC_BEDROCK_BASE_URL",
            "ANTHROPIC_VERTEX_BASE_URL",
            "ANTHROPIC_FOUNDRY_BASE_URL",
        ] {
            run = run.variable(name, "https://gw.example");
        }
        for name in [
            "AWS_BEARER_TOKEN_BEDROCK",
            "ANTHROPIC_FOUNDRY_AUTH_TOKEN",
            "ANTHROPIC_FOUNDRY_API_KEY",
            "CLAUDE_CODE_OAUTH_TOKEN",
        ] {
            run = run.variable(name, "s3cr3t-other");
        }
        for name in ["BEDROCK", "VERTEX", "FOUNDRY"] {
            run = run.variable(&format!("CLAUDE_CODE_USE_{name}"), "0");
        }
        run.variable("AWS_ACCESS_KEY_ID", "stays")
            .variable("LINES_OF", "a\nb")
            .variable("EMPTY", "")
    };
    let rest = |winner: &[(&str, &str)]| {
        let path = format!("{}:/usr/bin:/bin", crate::program::folder().display());
        let mut all = BTreeMap::from(
            [
                ("PATH", path.as_str()),
                ("HOME", "/home"),
                ("LANG", "C.UTF-8"),
                ("AWS_ACCESS_KEY_ID", "stays"),
                ("LINES_OF", "a\nb"),
                ("EMPTY", ""),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned())),
        );
        for (name, value) in winner {
            all.insert((*name).to_owned(), (*value).to_owned());
        }
        all
    };
    let given = |name, value| {
        rest(&[
            (name, value),
            ("ANTHROPIC_BASE_URL", "https://gw.example"),
            ("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "1"),
        ])
    };
    let ended = run()
        .variable("ANTHROPIC_AUTH_TOKEN", "s3cr3t-token")
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end();
    assert_eq!(
        environment(&ended),
        given("ANTHROPIC_AUTH_TOKEN", "s3cr3t-token")
    );
    let ended = run().variable("ANTHROPIC_API_KEY", "s3cr3t-key").end();
    assert_eq!(
        environment(&ended),
        given("ANTHROPIC_API_KEY", "s3cr3t-key")
    );
    let ended = run().end();
    assert_eq!(
        environment(&ended),
        given("ANTHROPIC_API_KEY", "s3cr3t-helper")
    );
    // The tool's own login takes nothing with it, nor an address.
    let login = r#"{"claudeAiOauth": {"accessToken": "s3cr3t-login"}}"#;
    machine.users("home/.claude/.credentials.json", login);
    machine.users("home/.claude/settings.json", "{}");
    let ended = run().end();
    assert_eq!(environment(&ended), rest(&[]));
}

/// What the tool was seen to follow, each with a value that would be followed:
/// none of it leads the tool to another credential than the key.
fn nothing_that_selects_or_redirects_reaches_the_program() {
    const STRAY: [&str; 37] = [
        "ANTHROPIC_AWS_API_KEY",
        "ANTHROPIC_AWS_BASE_URL",
        "ANTHROPIC_AWS_WORKSPACE_ID",
        "ANTHROPIC_BEDROCK_BASE_URL",
        "ANTHROPIC_BEDROCK_MANTLE_BASE_URL",
        "ANTHROPIC_CUSTOM_HEADERS",
        "ANTHROPIC_FEDERATION_RULE_ID",
        "ANTHROPIC_FOUNDRY_API_KEY",
        "ANTHROPIC_FOUNDRY_AUTH_TOKEN",
        "ANTHROPIC_FOUNDRY_BASE_URL",
        "ANTHROPIC_FOUNDRY_RESOURCE",
        "ANTHROPIC_IDENTITY_TOKEN",
        "ANTHROPIC_IDENTITY_TOKEN_FILE",
        "ANTHROPIC_ORGANIZATION_ID",
        "ANTHROPIC_PROFILE",
        "ANTHROPIC_SERVICE_ACCOUNT_ID",
        "ANTHROPIC_UNIX_SOCKET",
        "ANTHROPIC_VERTEX_BASE_URL",
        "AWS_BEARER_TOKEN_BEDROCK",
        "CLAUDE_CODE_API_BASE_URL",
        "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
        "CLAUDE_CODE_HOST_CREDS_FILE",
        "CLAUDE_CODE_OAUTH_REFRESH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR",
        "CLAUDE_CODE_SKIP_BEDROCK_AUTH",
        "CLAUDE_CODE_SKIP_FOUNDRY_AUTH",
        "CLAUDE_CODE_SKIP_VERTEX_AUTH",
        "CLAUDE_CODE_USE_ANTHROPIC_AWS",
        "CLAUDE_CODE_USE_GATEWAY",
        "CLAUDE_CODE_USE_MANTLE",
        // Off, or it would be the winner.
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_FOUNDRY",
        "CLAUDE_CODE_USE_VERTEX",
        // What the winner sets itself.
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_BASE_URL",
        "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST",
    ];
    let machine = Machine::new();
    let environment = |winner: &[(&str, &str)]| {
        let mut run = machine.keyrule(&["exec", "--", "/usr/bin/env", "-0"]);
        for name in STRAY {
            let value = match name {
                // These are the winner's.
                "ANTHROPIC_API_KEY" | "ANTHROPIC_BASE_URL" => continue,
                "CLAUDE_CODE_USE_BEDROCK"
                | "CLAUDE_CODE_USE_FOUNDRY"
                | "CLAUDE_CODE_USE_VERTEX" => "0",
                _ => "1",
            };
            run = run.variable(name, value);
        }
        for (name, value) in winner {
            run = run.variable(name, value);
        }
        environment(&run.end())
    };
    let left = |mut all: BTreeMap<String, String>| {
        all.retain(|name, _| STRAY.contains(&name.as_str()));
        all
    };
    let key = [
        ("ANTHROPIC_API_KEY", "s3cr3t-key"),
        ("ANTHROPIC_BASE_URL", "https://gw.example"),
    ];
    let own = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    };
    let told = [
        key[0],
        key[1],
        ("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", "1"),
    ];
    assert_eq!(left(environment(&key)), own(&told));
    // The tool finds its own login only where nothing at all is left.
    let login = r#"{"claudeAiOauth": {"accessToken": "s3cr3t-login"}}"#;
    machine.users("home/.claude/.credentials.json", login);
    assert_eq!(left(environment(&[])), own(&[]));
}

fn key(machine: &Machine, line: &str) -> Ended {
    machine
        .shell(line)
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end()
}

fn the_exit_code_is_the_programs() {
    let machine = Machine::new();
    for code in [0, 1, 5, 125, 200] {
        let line = format!("exec keyrule exec -- sh -c 'exit {code}'");
        let ended = key(&machine, &line);
        let seen = (ended.exit, ended.stdout.as_str(), ended.stderr.as_str());
        assert_eq!(seen, (Some(code), "", ""));
    }
}

fn a_signal_that_ends_the_program_ends_us() {
    let machine = Machine::new();
    for (name, number) in [("TERM", 15), ("INT", 2), ("KILL", 9), ("PIPE", 13)] {
        let line = format!("exec keyrule exec -- sh -c 'kill -{name} $$'");
        let ended = key(&machine, &line);
        assert_eq!((ended.exit, ended.signal), (None, Some(number)), "{name}");
    }
}

fn streams_pass_through() {
    let machine = Machine::new();
    let mut child = machine
        .keyrule(&["exec", "--", "sh", "-c", "cat; echo word >&2"])
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .command()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let text = "in\0and out\n".repeat(20_000);
    let mut stdin = child.stdin.take().unwrap();
    let sent = text.clone();
    let writer = std::thread::spawn(move || stdin.write_all(sent.as_bytes()));
    let ended = Ended::of(&machine, child.wait_with_output().unwrap());
    writer.join().unwrap().unwrap();
    assert!(ended.stdout == text, "{} bytes", ended.stdout.len());
    assert_eq!(ended.stderr, "word\n");
}

fn it_becomes_the_program() {
    let machine = Machine::new();
    let ended = key(&machine, "echo $$; exec keyrule exec -- sh -c 'echo $$'");
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0], lines[1]);
}

fn a_broken_pipe_ends_the_program_as_from_a_shell() {
    let machine = Machine::new();
    // Nothing blocked, nothing ignored, nothing caught.
    let ended = key(
        &machine,
        "grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status; \
         keyrule exec -- grep -E 'Sig(Blk|Ign|Cgt)' /proc/self/status",
    );
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 6, "{ended:?}");
    assert_eq!(lines[..3], lines[3..]);
    let ended = key(
        &machine,
        "keyrule exec -- yes | head -n 1; echo ${PIPESTATUS[0]}",
    );
    ended.gives("y\n141\n");
}

fn failures_before_the_program_runs_have_their_codes() {
    let machine = Machine::new();
    key(&machine, "keyrule exec -- no-such-program").fails(
        127,
        "program-not-found",
        "check its name and `PATH`, or the interpreter that its first line names",
    );
    machine.users("home/work/script", "#!/no/such/interpreter\n");
    machine.mode("home/work/script", 0o755);
    key(&machine, "keyrule exec -- ./script").fails(
        127,
        "program-not-found",
        "check its name and `PATH`, or the interpreter that its first line names",
    );
    machine.mode("home/work/script", 0o644);
    key(&machine, "keyrule exec -- ./script").fails(
        126,
        "program-not-executable",
        "try `chmod +x ./script`, if it is a program of yours",
    );
    key(&machine, "keyrule exec -- /usr").fails(
        126,
        "program-not-executable",
        "a folder is no program",
    );
    // No credential: the program does not run.
    machine.shell("keyrule exec -- touch ran").end().fails(
        125,
        "nothing-usable",
        "set `ANTHROPIC_AUTH_TOKEN`, for example `export ANTHROPIC_AUTH_TOKEN=…`",
    );
    assert!(!machine.path("home/work/ran").exists());
    let usage = key(&machine, "keyrule exec");
    assert_eq!((usage.exit, usage.stdout.as_str()), (Some(2), ""));
}

fn a_path_with_spaces_and_words_with_dashes_arrive_as_they_are() {
    let machine = Machine::new();
    let script = "#!/bin/sh\nprintf '[%s]' \"$0\" \"$@\"\n";
    machine.users("home/work/a b/it's", script);
    machine.mode("home/work/a b/it's", 0o755);
    let ended = key(
        &machine,
        r#"keyrule exec -- "./a b/it's" --policy x -- -v '' 'c  d' $'\n'"#,
    );
    ended.gives("[./a b/it's][--policy][x][--][-v][][c  d][\n]");
    let ended = key(&machine, r#"keyrule exec "./a b/it's" --json -- -v"#);
    ended.gives("[./a b/it's][--json][--][-v]");
}
