//! A disk that is full. What could not be written is said, and what was there
//! before is there afterwards.

use crate::machine::{Ended, Machine};

crate::tests![
    an_answer_that_cannot_be_written_fails_and_loses_nothing,
    output_that_cannot_be_written_is_said,
];

/// The user's state folder on a disk of 64 KiB, filled to the last byte after
/// one answer was written, and then whatever is asked.
fn on_a_full_disk(machine: &Machine, line: &str) -> Ended {
    let mount = format!(
        "mkdir -p \"$ROOT/home/state\"; \
         mount -t tmpfs -o size=64k,mode=0700,uid={user},gid={user} tmpfs \"$ROOT/home/state\"",
        user = machine.user
    );
    machine
        .shell(&format!(
            "keyrule consent decline api-key >/dev/null || exit 99\n\
             cd \"$XDG_STATE_HOME\"\n\
             cp keyrule/consents.json \"$HOME/before\"\n\
             cat /dev/zero >fill 2>/dev/null\n\
             {line}"
        ))
        .after(&mount)
        .variable("XDG_STATE_HOME", machine.path("home/state"))
        .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .end()
}

fn an_answer_that_cannot_be_written_fails_and_loses_nothing() {
    let machine = Machine::new();
    let ended = on_a_full_disk(&machine, "keyrule consent approve api-key");
    let hint = "make room on the disk of `~/state/keyrule/consents.json`";
    ended.fails(1, "consent-not-writable", hint);
    let machine = Machine::new();
    let ended = on_a_full_disk(
        &machine,
        "keyrule consent approve api-key 2>/dev/null; echo $?\n\
         cmp keyrule/consents.json \"$HOME/before\" && ls -A keyrule",
    );
    ended.gives("1\nconsent.key\nconsent.lock\nconsents.json\n");
    // The old answer still holds.
    let machine = Machine::new();
    let ended = on_a_full_disk(
        &machine,
        "keyrule consent approve api-key 2>/dev/null; keyrule consent list --json",
    );
    assert!(ended.stdout.contains(r#""declined""#), "{ended:?}");
}

fn output_that_cannot_be_written_is_said() {
    let machine = Machine::new();
    for command in ["token", "headers", "status", "explain", "doctor"] {
        let ended = machine
            .shell(&format!("keyrule {command} >/dev/full"))
            .variable("ANTHROPIC_API_KEY", "s3cr3t-key")
            .end();
        ended.fails(1, "output", "none");
        assert_eq!(
            ended.stderr,
            "error[output]: the output could not be written\n\
             caused by: no space left on device\n"
        );
    }
}
