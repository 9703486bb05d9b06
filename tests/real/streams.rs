//! Streams that are closed, full, or read by nobody: no panic, no credential
//! in a wrong place, and an exit code that says so.

use crate::machine::{Ended, Machine};

crate::tests![
    a_closed_stdout_hands_nothing_to_anybody,
    a_full_stdout_is_an_error,
    a_reader_that_leaves_is_told_nothing,
    without_stdin_nobody_is_asked,
    without_stderr_the_data_are_the_same,
    without_any_stream_nothing_breaks,
];

const DATA: [&str; 9] = [
    "token",
    "headers",
    "status",
    "explain",
    "doctor",
    "policy show",
    "policy schema",
    "completions bash",
    "--help",
];

fn run(machine: &Machine, line: &str) -> Ended {
    let ended = machine
        .shell(line)
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end();
    assert!(!ended.stderr.contains("panicked"), "{line}: {ended:?}");
    assert_eq!(ended.signal, None, "{line}");
    ended
}

/// The standard library puts `/dev/null` in the place of a closed stream
/// before the program begins, so it cannot be told from one that was meant.
fn a_closed_stdout_hands_nothing_to_anybody() {
    let machine = Machine::new();
    for command in DATA {
        let line = format!("keyrule {command} >&-");
        let ended = run(&machine, &line);
        assert_eq!(ended.stdout, "", "{line}");
        assert_eq!(ended.stderr, "", "{line}");
    }
}

fn a_full_stdout_is_an_error() {
    let machine = Machine::new();
    for command in DATA {
        let line = format!("keyrule {command} >/dev/full");
        let ended = run(&machine, &line);
        assert_eq!(ended.exit, Some(1), "{line}: {ended:?}");
        ended.keeps_secrets();
    }
}

fn a_reader_that_leaves_is_told_nothing() {
    let machine = Machine::new();
    for command in DATA {
        let line = format!("keyrule {command} | (exec <&-; sleep 0.2); echo ${{PIPESTATUS[0]}}");
        let ended = run(&machine, &line);
        assert_eq!(ended.stderr, "", "{line}");
        // The shells' word for an end by SIGPIPE, or our own.
        assert!(
            matches!(ended.stdout.as_str(), "0\n" | "1\n" | "141\n"),
            "{line}: {ended:?}"
        );
    }
    let ended = run(&machine, "keyrule token | head -n 0; echo ${PIPESTATUS[1]}");
    ended.gives("0\n");
}

fn without_stdin_nobody_is_asked() {
    let machine = Machine::with_helper("read x; echo s3cr3t-helper-$x");
    run(&machine, "keyrule token <&-").gives("s3cr3t-key\n");
    run(&machine, "unset ANTHROPIC_API_KEY; keyrule token <&-").gives("s3cr3t-helper-\n");
    run(&machine, "keyrule exec -- cat </dev/null").gives("");
}

fn without_stderr_the_data_are_the_same() {
    let machine = Machine::with_helper("echo word >&2; echo s3cr3t-helper");
    run(&machine, "keyrule token -v 2>&-").gives("s3cr3t-key\n");
    run(&machine, "unset ANTHROPIC_API_KEY; keyrule token 2>&-").gives("s3cr3t-helper\n");
    let ended = run(&machine, "keyrule token --policy none 2>&-");
    assert_eq!((ended.exit, ended.stdout.as_str()), (Some(5), ""));
    let ended = run(&machine, "keyrule token --policy none 2>/dev/full");
    assert_eq!((ended.exit, ended.stdout.as_str()), (Some(5), ""));
}

fn without_any_stream_nothing_breaks() {
    let machine = Machine::with_helper("echo s3cr3t-helper");
    for command in DATA {
        let line = format!("keyrule {command} <&- >&- 2>&-; echo $?");
        let ended = run(&machine, &line);
        assert!(
            matches!(ended.stdout.as_str(), "0\n" | "1\n"),
            "{line}: {ended:?}"
        );
    }
    // What the program opens has not taken the place of a stream.
    let line = "keyrule consent approve api-key <&- >&- 2>&-; keyrule consent list --json";
    let ended = run(&machine, line);
    assert!(ended.stdout.contains("approved"), "{ended:?}");
}
