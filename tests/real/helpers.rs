//! Helpers as they misbehave, run by the program itself: they hang, fork,
//! flood and print what is no token; they are waited for once by everybody,
//! and killed with whoever waits.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::machine::{Ended, Machine, within};

crate::tests![
    one_that_hangs_is_killed_with_all_that_it_started,
    one_that_leaves_a_daemon_with_its_output_is_not_waited_for,
    one_that_floods_is_killed,
    one_that_prints_no_token_fails_and_is_not_echoed,
    one_that_closes_its_output_is_waited_for,
    one_that_cannot_be_run_fails,
    an_interrupt_kills_the_helper_and_then_us,
    many_at_once_run_it_once,
    when_the_one_that_runs_it_is_killed_the_next_goes_on,
    one_that_is_keyrule_itself_ends,
    a_token_is_kept_in_memory_for_its_user_alone,
    with_a_time_of_nothing_nothing_is_kept,
    a_rejected_token_is_got_once_more,
];

/// A policy of one helper, with little time.
fn hasty(machine: &Machine) {
    let policy = format!(
        r#"
name = "hasty"
[[source]]
id = "helper"
kind = "helper"
command = ["{}"]
timeout = "1s"
headers = {{ X-Api-Key = "{{secret}}" }}
endpoint = {{ default = "https://api.example.com" }}
surfaces = ["terminal"]
"#,
        machine.path("home/bin/helper").display()
    );
    machine.users("home/.config/keyrule/hasty.toml", policy);
}

fn one_that_hangs_is_killed_with_all_that_it_started() {
    let machine = Machine::with_helper("exec 2>/dev/null; trap '' TERM; sleep 300 & sleep 300");
    hasty(&machine);
    let start = Instant::now();
    let ended = machine.keyrule(&["token", "--policy", "hasty"]).end();
    let hint = HINT.replace("keyrule doctor", "keyrule --policy hasty doctor");
    ended.fails(1, "source-failed", &hint);
    assert!(ended.stderr.contains("1 s"), "{}", ended.stderr);
    let took = start.elapsed();
    assert!((1..5).contains(&took.as_secs()), "{took:?}");
    assert!(within(5, || machine.processes().is_empty()));
}

const HINT: &str =
    "run the helper by hand to see what it says; `keyrule doctor` shows where it comes from";

fn one_that_leaves_a_daemon_with_its_output_is_not_waited_for() {
    let machine = Machine::with_helper("sleep 30 2>/dev/null & echo s3cr3t-helper");
    let start = Instant::now();
    machine.keyrule(&["token"]).end().gives("s3cr3t-helper\n");
    assert!(start.elapsed() < Duration::from_secs(10));
    end_processes(&machine);
}

fn end_processes(machine: &Machine) {
    machine.shell("kill -9 -1").end();
    assert!(within(5, || machine.processes().is_empty()));
}

fn one_that_floods_is_killed() {
    let machine = Machine::with_helper("yes s3cr3t-flood; sleep 300");
    let start = Instant::now();
    let ended = machine.keyrule(&["token"]).end();
    ended.fails(1, "source-failed", HINT);
    assert!(start.elapsed() < Duration::from_secs(10));
    assert!(within(5, || machine.processes().is_empty()));
}

fn one_that_prints_no_token_fails_and_is_not_echoed() {
    for script in [
        "true",
        "echo",
        "echo s3cr3t one two",
        "printf 's3cr3t\\nmore\\n'",
        "printf '\\033[31ms3cr3t'",
        "printf 's3cr3t\\0'",
        "printf 's3cr3t-\\303\\244'",
        "echo s3cr3t; exit 3",
        "echo s3cr3t; kill -9 $$",
        "head -c 16385 /dev/zero | tr '\\0' s",
    ] {
        let machine = Machine::with_helper(script);
        let ended = machine.keyrule(&["token", "-v"]).end();
        ended.fails(1, "source-failed", HINT);
        assert!(!ended.stderr.contains('\u{1b}'), "{}", ended.stderr);
    }
    let machine = Machine::with_helper("head -c 16384 /dev/zero | tr '\\0' s");
    let token = "s".repeat(16_384) + "\n";
    machine.keyrule(&["token"]).end().gives(&token);
}

fn one_that_closes_its_output_is_waited_for() {
    let machine = Machine::with_helper("echo s3cr3t-helper; exec >&-; sleep 1; touch ~/done");
    machine.keyrule(&["token"]).end().gives("s3cr3t-helper\n");
    assert!(machine.path("home/done").exists());
    let machine = Machine::with_helper("exec >&-; sleep 0.2");
    let ended = machine.keyrule(&["token"]).end();
    ended.fails(1, "source-failed", HINT);
}

fn one_that_cannot_be_run_fails() {
    let machine = Machine::with_helper("echo s3cr3t-helper");
    machine.mode("home/bin/helper", 0o644);
    let ended = machine.keyrule(&["token"]).end();
    ended.fails(1, "source-failed", HINT);
    let settings = r#"{"apiKeyHelper": "no-such-program --s3cr3t"}"#;
    machine.users("home/.claude/settings.json", settings);
    let ended = machine.keyrule(&["token"]).end();
    ended.fails(1, "source-failed", HINT);
    machine.helper("echo s3cr3t-helper");
    machine.users("home/bin/helper", "#!/no/such/interpreter\n");
    machine.mode("home/bin/helper", 0o755);
    let ended = machine.keyrule(&["token"]).end();
    ended.fails(1, "source-failed", HINT);
}

fn interrupt(child: &Child, signal: &str) {
    let sent = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
}

fn an_interrupt_kills_the_helper_and_then_us() {
    for (name, number) in [("-INT", 2), ("-TERM", 15), ("-HUP", 1)] {
        let machine =
            Machine::with_helper("exec 2>/dev/null; touch ~/started; sleep 300 & sleep 300");
        let child = machine.keyrule(&["token"]).start();
        let started = machine.path("home/started");
        assert!(within(10, || started.exists()));
        interrupt(&child, name);
        let ended = Ended::of(&machine, child.wait_with_output().unwrap());
        assert_eq!(
            (ended.signal, ended.stdout.as_str(), ended.stderr.as_str()),
            (Some(number), "", "")
        );
        assert!(within(5, || machine.processes().is_empty()));
    }
}

fn runs(machine: &Machine) -> usize {
    machine.read("home/runs").lines().count()
}

fn many_at_once_run_it_once() {
    let machine = Machine::with_helper("echo run >>~/runs; sleep 1; echo s3cr3t-$(wc -l <~/runs)");
    let children: Vec<_> = (0..20)
        .map(|_| machine.keyrule(&["token"]).start())
        .collect();
    for child in children {
        let ended = Ended::of(&machine, child.wait_with_output().unwrap());
        ended.gives("s3cr3t-1\n");
    }
    assert_eq!(runs(&machine), 1);
}

fn when_the_one_that_runs_it_is_killed_the_next_goes_on() {
    let machine = Machine::with_helper(
        "echo run >>~/runs; [ -e ~/once ] || { touch ~/once; sleep 300; }; echo s3cr3t-helper",
    );
    let mut first = machine.keyrule(&["token"]).start();
    assert!(within(10, || runs(&machine) == 1));
    let second = machine.keyrule(&["token"]).start();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(runs(&machine), 1);
    interrupt(&first, "-KILL");
    // Not to the end of its output: the helper, which lives on, has that too.
    first.wait().unwrap();
    let ended = Ended::of(&machine, second.wait_with_output().unwrap());
    ended.gives("s3cr3t-helper\n");
    assert_eq!(runs(&machine), 2);
    end_processes(&machine);
}

fn one_that_is_keyrule_itself_ends() {
    let machine = Machine::new();
    for helper in [
        "keyrule token",
        "sh -c 'keyrule token'",
        "env -i PATH=\"$PATH\" HOME=\"$HOME\" keyrule token",
    ] {
        let settings = serde_json::json!({ "apiKeyHelper": helper }).to_string();
        machine.users("home/.claude/settings.json", settings);
        let start = Instant::now();
        let ended = machine.keyrule(&["token"]).end();
        assert_eq!(ended.stdout, "", "{helper}");
        assert!(
            matches!(ended.exit, Some(1 | 4)),
            "{helper}: {}",
            ended.stderr
        );
        assert!(start.elapsed() < Duration::from_secs(10), "{helper}");
        // With a key in front of it the loop is never entered.
        let key = machine.keyrule(&["token"]);
        let key = key.variable("ANTHROPIC_API_KEY", "s3cr3t-key").end();
        assert_eq!(key.stdout, "s3cr3t-key\n", "{helper}");
    }
    assert!(within(5, || machine.processes().is_empty()));
}

fn files(folder: &Path) -> Vec<(String, u32, u32)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let of = entry.metadata().unwrap();
            let name = entry.file_name().into_string().unwrap();
            let kind = name.rsplit('.').next().unwrap().to_owned();
            (kind, of.permissions().mode() & 0o7777, of.uid())
        })
        .collect();
    files.sort();
    files
}

fn a_token_is_kept_in_memory_for_its_user_alone() {
    let machine = Machine::with_helper("echo run >>~/runs; echo s3cr3t-helper");
    // A disk is no place for it, whatever the variable says.
    machine.folder("home/runtime", machine.user, 0o700);
    for _ in 0..2 {
        machine
            .keyrule(&["token"])
            .variable("XDG_RUNTIME_DIR", machine.path("home/runtime"))
            .end()
            .gives("s3cr3t-helper\n");
    }
    assert_eq!(runs(&machine), 1);
    assert_eq!(files(&machine.path("home/runtime")), []);
    let memory = machine.memory();
    let of = memory.metadata().unwrap();
    assert_eq!((of.mode() & 0o7777, of.uid()), (0o700, machine.user));
    let (lock, token) = ("lock".to_owned(), "token".to_owned());
    assert_eq!(
        files(&memory),
        [(lock, 0o600, machine.user), (token, 0o600, machine.user)]
    );
    // One that others can enter is not used.
    fs::set_permissions(&memory, fs::Permissions::from_mode(0o755)).unwrap();
    machine.keyrule(&["token"]).end().gives("s3cr3t-helper\n");
    assert_eq!(runs(&machine), 2);
}

fn with_a_time_of_nothing_nothing_is_kept() {
    let machine = Machine::with_helper("echo run >>~/runs; echo s3cr3t-helper");
    for _ in 0..2 {
        machine
            .keyrule(&["token"])
            .variable("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "0")
            .end()
            .gives("s3cr3t-helper\n");
    }
    assert_eq!(runs(&machine), 2);
    assert_eq!(files(&machine.memory()), []);
    let kept = Command::new("grep")
        .args(["-rl", "s3cr3t-helper"])
        .arg(machine.path("home/.local"))
        .stderr(Stdio::null())
        .output();
    assert_eq!(kept.unwrap().stdout, b"");
}

fn a_rejected_token_is_got_once_more() {
    let machine = Machine::with_helper("echo run >>~/runs; echo s3cr3t-$(wc -l <~/runs)");
    let ask = |arguments: &[&str]| machine.keyrule(arguments).end();
    ask(&["token"]).gives("s3cr3t-1\n");
    ask(&["token"]).gives("s3cr3t-1\n");
    ask(&["token", "--rejected"]).gives("s3cr3t-2\n");
    ask(&["token"]).gives("s3cr3t-2\n");
}
