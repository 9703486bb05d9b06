//! A real keyring: Debian's `gnome-keyring` on a session bus of the test's
//! own, unlocked, locked, silent, and not there. What goes in is a state of
//! the keyring; what comes out is what the program makes of it. Hanging is
//! the defect that these look for, so a command that takes 10 s has failed.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::machine::{Ended, Machine, skip};

crate::tests![
    a_key_in_the_keyring_is_used_by_the_next_process_and_removed,
    two_folders_do_not_share_an_item,
    a_key_that_moves_leaves_no_copy_behind,
    writers_that_are_killed_leave_the_old_key_or_the_new_one_in_the_keyring,
    a_keyring_that_cannot_be_used_is_an_error_that_says_what_to_do,
    a_file_stands_in_only_where_the_policy_says_so,
    a_key_in_a_keyring_that_was_locked_since_is_not_replaced_by_anything,
    a_bus_that_never_replies_is_not_waited_for,
    commands_that_only_look_never_open_the_keyring,
];

const RECORD: &str = "home/.local/state/keyrule/.credentials.keyrule.json";

/// A machine with a policy that has one source, a stored key.
pub(crate) fn machine(storage: &str) -> Machine {
    let machine = Machine::new();
    for (name, tool) in [
        ("sample", ""),
        (
            "other",
            "[tool]\nname = \"Other\"\nfolder = { default = \"~/.other\" }\n",
        ),
    ] {
        let file = format!("home/.config/keyrule/{name}.toml");
        machine.users(&file, policy(name, tool, storage));
    }
    machine.folder("home/rt", machine.user, 0o700);
    // A bus serves nobody whom the system does not know.
    let user = machine.user;
    let home = machine.path("home");
    let known = format!(
        "{}tester:x:{user}:{user}::{}:/bin/sh\n",
        machine.read("etc/passwd"),
        home.display()
    );
    machine.managed("etc/passwd", known);
    machine
}

/// The text of a policy with this part about the storage.
pub(crate) fn policy(name: &str, tool: &str, storage: &str) -> String {
    format!(
        "name = \"{name}\"\n\
         {tool}{storage}\n\
         [[source]]\n\
         id = \"work-key\"\n\
         kind = \"stored-key\"\n\
         key = \"work\"\n\
         surfaces = [\"terminal\"]\n\
         headers = {{ X-Api-Key = \"{{secret}}\" }}\n\
         endpoint = {{ default = \"https://api.test\" }}\n"
    )
}

const KEYRING: &str = "[storage]\nstore = \"keyring\"\n";
const EITHER: &str = "[storage]\nstore = \"keyring\"\nfallback = \"file\"\n";

/// What every script may say.
const WORDS: &str = r#"
k() { timeout --kill-after=1 10 keyrule --policy sample "$@"; }
add() { printf %s "$1" | k key add work; }
owned() {
  dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
    org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q true
}
unlock() {
  printf %s testpw | gnome-keyring-daemon --unlock --components=secrets --foreground \
    >/dev/null 2>&1 &
  for _ in $(seq 400); do owned && return; sleep .05; done
  echo 'the keyring does not start' >&2
  exit 90
}
lock() {
  dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
    org.freedesktop.Secret.Service.Lock \
    array:objpath:/org/freedesktop/secrets/collection/login >/dev/null || exit 91
}
items() {
  dbus-send --session --print-reply --dest=org.freedesktop.secrets /org/freedesktop/secrets \
    org.freedesktop.Secret.Service.SearchItems dict:string:string:service,keyrule |
    grep -c 'object path'
}
"#;

/// Runs the script as the user, on a session bus of its own.
fn session(machine: &Machine, options: &[&str], script: &str) -> Ended {
    for program in ["dbus-run-session", "gnome-keyring-daemon"] {
        if !Path::new("/usr/bin").join(program).exists() {
            skip(&format!("`/usr/bin/{program}` is missing"));
        }
    }
    let words: Vec<_> = ["/usr/bin/timeout", "120", "/usr/bin/dbus-run-session"]
        .iter()
        .chain(options)
        .chain(&["--"])
        .copied()
        .collect();
    machine
        .shell(&format!("{WORDS}{script}"))
        .under(&words)
        .variable("XDG_RUNTIME_DIR", machine.path("home/rt"))
        .end()
}

/// Runs the script where the keyring is unlocked.
fn unlocked(machine: &Machine, script: &str) -> Ended {
    session(machine, &[], &format!("unlock\n{script}"))
}

fn a_key_in_the_keyring_is_used_by_the_next_process_and_removed() {
    let machine = machine(KEYRING);
    let ended = unlocked(
        &machine,
        "add s3cr3t-one 2>&1; k token; items; cat \"$HOME/.local/state/keyrule/\".*.json >&2\n\
         add s3cr3t-two 2>&1; k token; items; k key list\n\
         k key remove work 2>&1; items; k token >/dev/null 2>&1; echo $?",
    );
    assert_eq!(
        ended.stdout,
        "stored key `work` in the keyring, for `work-key`\n\
         s3cr3t-one\n1\n\
         replaced key `work` in the keyring, for `work-key`\n\
         s3cr3t-two\n1\n\
         work  in the keyring, for `work-key`\n\
         removed key `work` from the keyring, for `work-key`\n\
         0\n4\n",
        "{}",
        ended.stderr
    );
    assert!(!ended.stderr.contains("s3cr3t"), "{}", ended.stderr);
    assert!(ended.stderr.contains(r#""kept_in": "keyring""#));
}

fn two_folders_do_not_share_an_item() {
    let machine = machine(KEYRING);
    let ended = unlocked(
        &machine,
        "o() { timeout 10 keyrule --policy other \"$@\"; }\n\
         add s3cr3t-one 2>/dev/null\n\
         printf s3cr3t-other | o key add work 2>/dev/null\n\
         items; k token; o token\n\
         o key remove work 2>/dev/null; items; k token",
    );
    let expected = "2\ns3cr3t-one\ns3cr3t-other\n1\ns3cr3t-one\n";
    assert_eq!(ended.stdout, expected, "{}", ended.stderr);
}

fn a_key_that_moves_leaves_no_copy_behind() {
    let machine = machine(KEYRING);
    // Where the policy does not let it be, a key is out until it is stored
    // anew.
    let ended = unlocked(
        &machine,
        "add s3cr3t-one; k token; items\n\
         file=$HOME/.config/keyrule/sample.toml\n\
         sed -i 's/\"keyring\"/\"file\"/' $file; k token; echo $?\n\
         add s3cr3t-two; items; k token\n\
         sed -i 's/\"file\"/\"keyring\"/' $file; k token; echo $?\n\
         add s3cr3t-three; items; k token",
    );
    let expected = "s3cr3t-one\n1\n4\n0\ns3cr3t-two\n4\n1\ns3cr3t-three\n";
    assert_eq!(ended.stdout, expected, "{}", ended.stderr);
    assert!(!machine.read(RECORD).contains("s3cr3t"));
}

/// Kills writers at moments that are spread over all that they do. The key is
/// afterwards what it was, or what the killed one was to store.
pub(crate) const KILLS: &str = r#"
add s3cr3t-0 2>/dev/null || exit 92
from=$(date +%s%N); add s3cr3t-0 2>/dev/null; span=$((($(date +%s%N) - from) / 1000))
last=0 old=0 new=0
for turn in $(seq "$TURNS"); do
  printf "s3cr3t-$turn" >"$HOME/input"
  keyrule --policy sample key add work <"$HOME/input" >/dev/null 2>&1 & writer=$!
  sleep "$(printf '0.%06d' $((RANDOM * span / 32768)))"
  kill -9 $writer 2>/dev/null
  wait $writer; code=$?
  now=$(k token) || { echo "turn $turn: no key any more"; exit 93; }
  case $now in
    s3cr3t-$turn) last=$turn; new=$((new + 1)) ;;
    s3cr3t-$last) old=$((old + 1))
      ((code == 0)) && { echo "turn $turn: stored and lost"; exit 94; } ;;
    *) echo "turn $turn: another key"; exit 95 ;;
  esac
done 2>"$HOME/said"
echo "$((old + new)) turns"
"#;

fn writers_that_are_killed_leave_the_old_key_or_the_new_one_in_the_keyring() {
    let machine = machine(KEYRING);
    let ended = unlocked(
        &machine,
        &format!("TURNS=30\n{KILLS}\nadd s3cr3t-last 2>/dev/null; items; k token"),
    );
    let said = machine.read("home/said");
    assert_eq!(ended.stdout, "30 turns\n1\ns3cr3t-last\n", "{said}");
    assert!(!machine.read(RECORD).contains("s3cr3t"));
}

/// A state that a keyring can be in, how it comes about, and what the error
/// says.
struct State {
    name: &'static str,
    options: &'static [&'static str],
    before: &'static str,
    says: &'static str,
}

/// A prompter that never answers.
const PROMPTER: &str =
    "[D-BUS Service]\nName=org.gnome.keyring.SystemPrompter\nExec=/bin/sleep 12\n";

impl State {
    /// A machine in which it can come about.
    fn machine(&self, storage: &str) -> Machine {
        let machine = machine(storage);
        machine.users("home/work/bus.conf", BUS);
        if self.name.contains("never answers") {
            let services = "home/.local/share/dbus-1/services";
            let file = format!("{services}/org.gnome.keyring.SystemPrompter.service");
            machine.users(&file, PROMPTER);
        }
        machine
    }
}

const STATES: [State; 5] = [
    State {
        name: "locked, and no display for a prompt",
        options: &[],
        before: "unlock; lock",
        says: "the keyring is locked, and nobody answered a prompt: unlock it",
    },
    State {
        name: "locked, and a prompter that never answers",
        options: &[],
        before: "unlock; lock",
        says: "the keyring does not answer within 5 s; it may wait for a prompt that nobody sees",
    },
    State {
        name: "no bus",
        options: &[],
        before: "unset DBUS_SESSION_BUS_ADDRESS",
        says: "the keyring is not there: no Secret Service answers on the session bus",
    },
    State {
        name: "no service on the bus",
        options: &["--config-file=bus.conf"],
        before: "",
        says: "the keyring is not there: no Secret Service answers on the session bus",
    },
    State {
        name: "a service without a collection",
        options: &[],
        before: "",
        says: "the keyring has no default collection to keep things in",
    },
];

const BUS: &str = r#"<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"#;

/// What is in the home of the user and holds a secret.
const FOUND: &str = "grep -rl s3cr3t \"$HOME\" 2>/dev/null | grep -v /keyrings/";

fn a_keyring_that_cannot_be_used_is_an_error_that_says_what_to_do() {
    for state in STATES {
        let machine = state.machine(KEYRING);
        let script = format!(
            "{}\nadd s3cr3t-key; code=$?; {FOUND}; exit $code",
            state.before
        );
        let ended = session(&machine, state.options, &script);
        let hint = "see what it says: `keyrule --policy sample doctor`";
        assert!(
            ended.stderr.contains(state.says),
            "{}: {}",
            state.name,
            ended.stderr
        );
        let other = "or let the policy say `[storage] store = \"file\"`";
        let said = ended.stderr.replace('\n', " ");
        assert!(said.contains(other), "{}: {}", state.name, ended.stderr);
        ended.fails(1, "keyring", hint);
    }
}

fn a_file_stands_in_only_where_the_policy_says_so() {
    for state in STATES {
        let machine = state.machine(EITHER);
        let script = format!("{}\nadd s3cr3t-key && k token && {FOUND}", state.before);
        let ended = session(&machine, state.options, &script);
        assert_eq!(
            ended.stdout, "s3cr3t-key\n/home/.local/state/keyrule/.credentials.keyrule.json\n",
            "{}: {}",
            state.name, ended.stderr
        );
        assert!(
            ended.stderr.contains(state.says),
            "{}: {}",
            state.name,
            ended.stderr
        );
        assert!(ended.stderr.contains("stand in for it"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("s3cr3t"), "{}", ended.stderr);
    }
}

fn a_key_in_a_keyring_that_was_locked_since_is_not_replaced_by_anything() {
    for storage in [KEYRING, EITHER] {
        let machine = machine(storage);
        let ended = unlocked(&machine, "add s3cr3t-key 2>/dev/null; lock; k token");
        assert_eq!((ended.exit, ended.stdout.as_str()), (Some(1), ""));
        let said = "the keyring is locked, and nobody answered a prompt: unlock it";
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        let ended = unlocked(&machine, "k token");
        ended.gives("s3cr3t-key\n");
    }
}

/// A bus that takes every connection and never says a word; the number is
/// that of the connections.
fn silent_bus(machine: &Machine) -> (String, Arc<AtomicUsize>) {
    let path = machine.path("home/bus");
    let listener = UnixListener::bind(&path).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o777)).unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    std::thread::spawn(move || {
        let mut open = Vec::new();
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            open.push(stream);
        }
    });
    (format!("unix:path={}", path.display()), count)
}

fn a_bus_that_never_replies_is_not_waited_for() {
    for (storage, exit) in [(KEYRING, 1), (EITHER, 0)] {
        let machine = machine(storage);
        let (address, connections) = silent_bus(&machine);
        let ended = machine
            .shell(&format!("{WORDS}\nadd s3cr3t-key"))
            .variable("DBUS_SESSION_BUS_ADDRESS", address)
            .end();
        let said = "the keyring does not answer within 5 s";
        assert_eq!(ended.exit, Some(exit), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
        assert_eq!(connections.load(Ordering::SeqCst), 1);
        assert_eq!(machine.read(RECORD).contains("s3cr3t"), exit == 0);
    }
}

fn commands_that_only_look_never_open_the_keyring() {
    let machine = machine(KEYRING);
    let record = r#"{"keyrule": {"version": 1, "keys": {"work": {"kept_in": "keyring"}}}}"#;
    machine.users(RECORD, record);
    let (address, connections) = silent_bus(&machine);
    for arguments in [
        &["status"][..],
        &["status", "--json"],
        &["explain"],
        &["key", "list"],
        &["policy", "show"],
        &["consent", "list"],
    ] {
        let line: Vec<_> = ["--policy", "sample"]
            .iter()
            .chain(arguments)
            .copied()
            .collect();
        let ended = machine
            .keyrule(&line)
            .variable("DBUS_SESSION_BUS_ADDRESS", address.as_str())
            .end();
        assert_eq!(ended.exit, Some(0), "{arguments:?}: {}", ended.stderr);
    }
    assert_eq!(connections.load(Ordering::SeqCst), 0);
    // The same bus is found by what does open it.
    let ended = machine
        .keyrule(&["--policy", "sample", "token"])
        .variable("DBUS_SESSION_BUS_ADDRESS", address.as_str())
        .end();
    assert_eq!(
        (ended.exit, connections.load(Ordering::SeqCst)),
        (Some(1), 1)
    );
}
