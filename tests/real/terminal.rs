//! Somebody at a terminal: the question, its answers, the notice of a slow
//! helper, colours and columns, Ctrl-C.

use std::fs;

use crate::machine::{Machine, Run, within};
use crate::tmux::Terminal;

crate::tests![
    an_approved_key_is_not_asked_about_again,
    a_declined_key_falls_to_the_next_source,
    an_open_question_remembers_nothing_and_leaves_the_terminal_as_it_was,
    a_substitution_asks,
    without_a_terminal_on_both_sides_nothing_is_asked,
    an_answer_that_cannot_be_kept_serves_once,
    a_key_that_cannot_be_kept_is_said_and_used,
    a_slow_helper_is_announced_with_its_seconds,
    an_interrupt_at_the_terminal_ends_the_helper,
    signals_of_the_terminal_reach_the_program,
    colours_are_for_terminals_alone,
    explain_fits_into_80_columns,
];

const QUESTION: &str = "? Use `api-key`";

fn key(run: Run<'_>) -> Run<'_> {
    run.variable("ANTHROPIC_API_KEY", "s3cr3t-key")
}

fn no_key(run: Run<'_>) -> Run<'_> {
    run
}

fn line(machine: &Machine, line: &str) -> Terminal {
    Terminal::of_line(machine, line, key)
}

/// How often something is on the screen.
fn times(screen: &str, text: &str) -> usize {
    screen.matches(text).count()
}

fn an_approved_key_is_not_asked_about_again() {
    let machine = Machine::new();
    let terminal = line(
        &machine,
        "keyrule token; keyrule token; keyrule consent list",
    );
    let question = terminal.wait_for("to leave it open");
    // It is longer than a line of this terminal.
    let question = question.replace('\n', "");
    assert!(question.contains(QUESTION), "{question}");
    assert!(question.contains("https://api.anthropic.com"), "{question}");
    assert!(!question.contains("s3cr3t"), "{question}");
    terminal.press("Up");
    terminal.press("Enter");
    let screen = terminal.wait_for("DONE 0");
    assert_eq!(times(&screen, "Use `"), 1, "{screen}");
    assert_eq!(times(&screen, "\ns3cr3t-key\n"), 1, "{screen}");
    assert_eq!(times(&screen, "s3cr3t-key\ns3cr3t-key\n"), 1, "{screen}");
    assert!(screen.contains("approved"), "{screen}");
    // What is kept is not the key.
    let state = "home/.local/state/keyrule";
    for entry in fs::read_dir(machine.path(state)).unwrap() {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("s3cr3t"));
    }
    // Sent elsewhere, it is asked about again.
    let elsewhere = line(&machine, "ANTHROPIC_BASE_URL=https://gw.test keyrule token");
    let question = elsewhere.wait_for("to leave it open").replace('\n', "");
    assert!(question.contains("https://gw.test"), "{question}");
}

fn a_declined_key_falls_to_the_next_source() {
    let machine = Machine::with_helper("echo s3cr3t-helper");
    let terminal = line(&machine, "keyrule token; keyrule token");
    terminal.wait_for("to leave it open");
    // What was typed ahead of the question declines.
    terminal.press("Enter");
    let screen = terminal.wait_for("DONE 0");
    assert_eq!(times(&screen, "Use `"), 1, "{screen}");
    assert_eq!(
        times(&screen, "s3cr3t-helper\ns3cr3t-helper\n"),
        1,
        "{screen}"
    );
    assert_eq!(times(&screen, "s3cr3t-key"), 0, "{screen}");
}

fn an_open_question_remembers_nothing_and_leaves_the_terminal_as_it_was() {
    for press in ["Escape", "C-c"] {
        let machine = Machine::with_helper("touch ~/ran; echo s3cr3t-helper");
        let terminal = line(
            &machine,
            "stty -a >~/before; keyrule token; echo exit $?; stty -a >~/after",
        );
        terminal.wait_for("to leave it open");
        terminal.press(press);
        let screen = terminal.wait_for("DONE");
        assert!(screen.contains("exit 3"), "{screen}");
        assert!(screen.contains("error[cancelled]"), "{screen}");
        assert!(!screen.contains("s3cr3t"), "{screen}");
        assert!(machine.read("home/before").contains(" icanon"));
        assert_eq!(machine.read("home/before"), machine.read("home/after"));
        assert!(
            !machine
                .path("home/.local/state/keyrule/consents.json")
                .exists()
        );
        assert!(!machine.path("home/ran").exists());
    }
}

fn a_substitution_asks() {
    let machine = Machine::new();
    let terminal = line(&machine, "x=$(keyrule token); echo \"got [$x]\"");
    terminal.wait_for("to leave it open");
    terminal.press("Up");
    terminal.press("Enter");
    let screen = terminal.wait_for("DONE");
    assert!(screen.contains("got [s3cr3t-key]"), "{screen}");
}

fn without_a_terminal_on_both_sides_nothing_is_asked() {
    let machine = Machine::new();
    let terminal = line(
        &machine,
        "keyrule token --non-interactive; keyrule token </dev/null; keyrule token 2>/dev/null; \
         true | keyrule token",
    );
    let screen = terminal.wait_for("DONE");
    let expected = "s3cr3t-key\n".repeat(4) + "DONE 0";
    assert_eq!(screen, expected);
}

fn an_answer_that_cannot_be_kept_serves_once() {
    let machine = Machine::new();
    machine.mode("home", 0o500);
    let terminal = line(&machine, "keyrule token; echo exit $?; keyrule token");
    terminal.wait_for("to leave it open");
    terminal.press("Up");
    terminal.press("Enter");
    let screen = terminal.wait_for("exit 0");
    let said = "warning: the answer holds for this once: ";
    assert_eq!(times(&screen, said), 1, "{screen}");
    assert_eq!(times(&screen, "\ns3cr3t-key\n"), 1, "{screen}");
    // Nothing was remembered: it asks again.
    terminal.wait_for("to leave it open");
    machine.mode("home", 0o700);
}

const KEEPS: &str = r#"
name = "keeps"
[tool]
folder = { variable = "CLAUDE_CONFIG_DIR", default = "~/.claude" }
[[source]]
id = "key"
kind = "environment"
variable = "ANTHROPIC_API_KEY"
keep-as = "kept"
consent = "interactive"
headers = { X-Api-Key = "{secret}" }
endpoint = { default = "https://api.example.com" }
surfaces = ["terminal"]
[[source]]
id = "kept"
kind = "stored-key"
key = "kept"
headers = { X-Api-Key = "{secret}" }
endpoint = { default = "https://api.example.com" }
surfaces = ["terminal"]
"#;

/// The credentials file lies on a disk that is full.
fn a_key_that_cannot_be_kept_is_said_and_used() {
    let machine = Machine::new();
    machine.users("home/.config/keyrule/keeps.toml", KEEPS);
    machine.folder("home/.claude", machine.user, 0o700);
    let run = machine
        .shell(
            "cat /dev/zero >~/.claude/fill 2>/dev/null\n\
             keyrule token --policy keeps; echo exit $?; ls -A ~/.claude; echo DONE; exec sleep 600",
        )
        .after(&format!(
            "mount -t tmpfs -o size=64k,mode=0700,uid={user},gid={user} tmpfs \
             \"$ROOT/home/.claude\"",
            user = machine.user
        ));
    let terminal = Terminal::open(key(run));
    terminal.wait_for("to leave it open");
    terminal.press("Up");
    terminal.press("Enter");
    let screen = terminal.wait_for("DONE");
    assert_eq!(
        times(&screen, "warning: the key was not kept: "),
        1,
        "{screen}"
    );
    assert_eq!(times(&screen, "\ns3cr3t-key\n"), 1, "{screen}");
    assert!(screen.contains("exit 0"), "{screen}");
}

fn a_slow_helper_is_announced_with_its_seconds() {
    let machine = Machine::with_helper("sleep 12; echo s3cr3t-helper");
    let terminal = Terminal::of_line(
        &machine,
        "keyrule token 2>~/said | cat; keyrule token",
        no_key,
    );
    // Stderr is a file: one line, once.
    let other = Machine::with_helper("sleep 12; echo s3cr3t-helper");
    let shown = Terminal::of_line(&other, "keyrule token", no_key);
    let screen = shown.wait_for("waiting for the helper of `helper`: 10 s");
    assert!(!screen.contains("s3cr3t"), "{screen}");
    shown.wait_for("waiting for the helper of `helper`: 11 s");
    // It goes when the token is there.
    let screen = shown.wait_for("DONE");
    assert_eq!(screen, "s3cr3t-helper\nDONE 0");
    terminal.wait_for("DONE 0");
    assert_eq!(
        machine.read("home/said"),
        "waiting for the helper of `helper`: 10 s\n"
    );
}

fn an_interrupt_at_the_terminal_ends_the_helper() {
    let machine = Machine::with_helper("touch ~/started; sleep 300 & sleep 300; touch ~/ended");
    let terminal = Terminal::of_line(&machine, "trap : INT; keyrule token; echo exit $?", |run| {
        run
    });
    let started = machine.path("home/started");
    assert!(within(10, || started.exists()));
    terminal.press("C-c");
    let screen = terminal.wait_for("DONE");
    assert!(screen.contains("exit 130"), "{screen}");
    // The shell that holds the terminal is all that is left.
    assert!(within(5, || machine.processes().len() == 1));
    assert!(!machine.path("home/ended").exists());
}

fn signals_of_the_terminal_reach_the_program() {
    let machine = Machine::new();
    let terminal = line(
        &machine,
        "trap : INT; keyrule --non-interactive exec -- sh -c 'trap \"echo got int; exit 7\" INT; \
         test -t 0 && test -t 1 && echo ready; while :; do sleep 0.05; done'; echo exit $?",
    );
    terminal.wait_for("ready");
    terminal.press("C-c");
    let screen = terminal.wait_for("DONE");
    assert!(screen.contains("got int\nexit 7"), "{screen}");
    let terminal = line(
        &machine,
        "trap : INT; keyrule --non-interactive exec -- sh -c 'echo ready; exec sleep 300'; \
         echo exit $?",
    );
    terminal.wait_for("ready");
    terminal.press("C-c");
    let screen = terminal.wait_for("DONE");
    assert!(screen.contains("exit 130"), "{screen}");
}

fn colours_are_for_terminals_alone() {
    let machine = Machine::new();
    let coloured = |words: &str| {
        let terminal = line(&machine, words);
        terminal.wait_for("DONE");
        terminal.coloured().contains('\u{1b}')
    };
    for command in ["status", "explain", "doctor", "--policy none status"] {
        assert!(coloured(&format!("keyrule {command}")), "{command}");
        for plain in [
            format!("NO_COLOR=1 keyrule {command}"),
            format!("TERM=dumb keyrule {command}"),
            format!("keyrule --color never {command}"),
            format!("keyrule {command} 2>&1 | cat"),
        ] {
            assert!(!coloured(&plain), "{plain}");
        }
    }
    // With every word that there is.
    let terminal = line(&machine, "keyrule -v status");
    let screen = terminal.wait_for("DONE");
    assert!(screen.ends_with("DONE 0"), "{screen}");
}

fn explain_fits_into_80_columns() {
    let machine = Machine::with_helper("echo s3cr3t-helper");
    machine.managed(
        "etc/keyrule/claude-code.d/10-site.toml",
        "drop = [\"api-key\"]",
    );
    for command in ["status", "explain", "policy show", "consent list", "doctor"] {
        let terminal = line(&machine, &format!("clear; keyrule {command}"));
        // Lines that were too long are one line here; a path is never broken.
        let screen = terminal.wait_for("DONE");
        for row in screen.lines() {
            let row = machine.plain(row);
            assert!(row.trim_end().chars().count() <= 80, "{command}: {row}");
        }
    }
}
