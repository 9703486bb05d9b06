//! Receipts of real processes: many at a time, on a disk that is full, and
//! what the program that is started sees of it.

use std::os::unix::fs::MetadataExt;

use keyrule::Receipt;

use crate::machine::{Ended, Machine};

crate::tests![
    many_processes_append_whole_lines,
    what_does_not_fit_on_the_disk_hands_out_nothing_and_leaves_the_file,
    a_file_of_somebody_else_hands_out_nothing,
    exec_records_before_it_becomes_the_program,
    no_receipt_holds_a_secret,
];

fn receipts(machine: &Machine, below: &str) -> Vec<Receipt> {
    let text = machine.read(below);
    assert!(!text.contains("s3cr3t"), "{text}");
    assert!(text.is_empty() || text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| Receipt::parse(line).unwrap())
        .collect()
}

fn many_processes_append_whole_lines() {
    let machine = Machine::new();
    let ended = machine
        .shell(
            "for n in $(seq 20); do keyrule token --receipt ~/r >/dev/null & done; wait; \
             keyrule policy replay ~/r --against builtin:claude-code | tail -1",
        )
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end();
    ended.gives("20 receipts: 20 same, 0 changed, 0 undetermined\n");
    assert_eq!(receipts(&machine, "home/r").len(), 20);
    let mode = machine.path("home/r").metadata().unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// A disk with room for some 100 KiB, filled up but for less than a receipt.
fn on_a_full_disk(machine: &Machine, line: &str) -> Ended {
    let mount = format!(
        "mkdir -p \"$ROOT/home/disk\"; \
         mount -t tmpfs -o size=64k,mode=0700,uid={user},gid={user} tmpfs \"$ROOT/home/disk\"",
        user = machine.user
    );
    machine
        .shell(&format!(
            "keyrule status --receipt ~/disk/r >/dev/null || exit 99\n\
             cp ~/disk/r ~/before\n\
             cat /dev/zero >~/disk/fill 2>/dev/null\n\
             {line}"
        ))
        .after(&mount)
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end()
}

fn what_does_not_fit_on_the_disk_hands_out_nothing_and_leaves_the_file() {
    for command in ["token", "headers", "status", "explain"] {
        let machine = Machine::new();
        let ended = on_a_full_disk(&machine, &format!("keyrule {command} --receipt ~/disk/r"));
        let hint = "make room on the disk of `~/disk/r`";
        ended.fails(1, "receipt-not-written", hint);
    }
    // The first part of a line that would have fitted does not stay: however
    // often it is tried, the file is what it was.
    let machine = Machine::new();
    let ended = on_a_full_disk(
        &machine,
        "for n in 1 2 3 4; do keyrule token --receipt ~/disk/r 2>/dev/null; done\n\
         keyrule exec --receipt ~/disk/r -- echo ran 2>/dev/null; echo $?\n\
         cmp ~/disk/r ~/before && echo whole",
    );
    ended.gives("125\nwhole\n");
}

fn a_file_of_somebody_else_hands_out_nothing() {
    let machine = Machine::new();
    machine.managed("home/theirs", "theirs\n");
    for line in ["token", "headers", "exec -- echo ran"] {
        let line = line.replacen(' ', " --receipt ../theirs ", 1);
        let line = if line.contains("--receipt") {
            line
        } else {
            format!("{line} --receipt ../theirs")
        };
        let words: Vec<_> = line.split(' ').collect();
        let ended = machine
            .keyrule(&words)
            .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
            .end();
        let exit = if line.starts_with("exec") { 125 } else { 1 };
        assert_eq!(
            (ended.exit, ended.code()),
            (Some(exit), Some("receipt-not-written"))
        );
        assert_eq!(ended.stdout, "");
        ended.keeps_secrets();
    }
    assert_eq!(machine.read("home/theirs"), "theirs\n");
}

fn exec_records_before_it_becomes_the_program() {
    let machine = Machine::new();
    // What was opened to write receipts is not the program's to write.
    let ended = machine
        .shell(
            "keyrule exec --receipt ~/r -- sh -c 'wc -l <~/r; ls -l /proc/self/fd | grep -c /r$'",
        )
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end();
    assert_eq!(
        (ended.stdout.as_str(), ended.stderr.as_str()),
        ("1\n0\n", "")
    );
    let receipts = receipts(&machine, "home/r");
    assert_eq!(receipts[0].command.as_deref(), Some("exec"));
}

fn no_receipt_holds_a_secret() {
    let machine = Machine::with_helper("echo s3cr3t-helper");
    let lines = "for command in status explain token headers 'exec -- true'; do\n\
                 set -- $command; one=$1; shift\n\
                 keyrule $one --receipt ~/r $@ >/dev/null 2>&1\n\
                 done";
    let secrets = [
        ("ANTHROPIC_AUTH_TOKEN", "s3cr3t-token"),
        ("ANTHROPIC_API_KEY", "s3cr3t-key"),
        (
            "ANTHROPIC_BASE_URL",
            "https://u:s3cr3t-password@gw.test/s3cr3t?k=s3cr3t",
        ),
        ("CLAUDE_CODE_USE_BEDROCK", "s3cr3t-flag"),
        ("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "s3cr3t-ttl"),
    ];
    for first in 0..=secrets.len() {
        let mut run = machine.shell(lines);
        for (name, value) in secrets.iter().skip(first) {
            run = run.variable(name, *value);
        }
        run.end();
    }
    assert_eq!(receipts(&machine, "home/r").len(), 30);
}
