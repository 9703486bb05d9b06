//! The store's file where the machine is against it: on a full disk, mounted
//! where it is, somebody else's, a folder, a loop of links; and its writers
//! killed. What goes in is a file; what comes out is that nothing is lost.

use std::fs;
use std::os::unix::fs::symlink;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fake::{Fake, json};
use crate::keyring::{KILLS, machine};
use crate::machine::{Ended, Machine};

crate::tests![
    writers_that_are_killed_leave_the_old_key_or_the_new_one,
    writers_of_a_mounted_file_that_are_killed_leave_the_old_key_or_the_new_one,
    a_mounted_file_is_written_where_it_is,
    a_mounted_file_that_cannot_be_written_is_known_before,
    a_full_disk_is_known_before_anything_is_changed,
    what_cannot_be_read_is_an_error_that_names_it,
    what_cannot_be_written_is_an_error_and_loses_nothing,
    a_link_is_followed_and_stays,
    a_damaged_file_is_moved_aside_when_something_is_stored,
    many_writers_at_once_lose_nothing,
    a_copy_that_another_user_has_planted_is_not_taken,
    a_full_store_takes_nothing_more_and_stays_whole,
    a_login_that_a_full_store_could_not_keep_asks_the_issuer_nothing,
    tokens_of_490_kb_are_refused_and_nothing_is_forgotten,
];

const FOLDER: &str = "home/.local/state/keyrule";
const RECORD: &str = "home/.local/state/keyrule/.credentials.keyrule.json";

const WORDS: &str = r#"
k() { keyrule --policy sample "$@"; }
add() { printf %s "$1" | k key add "${2-work}"; }
cd "$HOME/.local/state/keyrule" 2>/dev/null
"#;

fn shell(machine: &Machine, script: &str) -> Ended {
    machine.shell(&format!("{WORDS}{script}")).end()
}

/// A machine with one key stored.
fn with_key() -> Machine {
    let machine = machine("");
    let ended = shell(&machine, "add s3cr3t-old 2>/dev/null; k token");
    ended.gives("s3cr3t-old\n");
    machine
}

/// What is in the store's folder.
fn files(machine: &Machine) -> Vec<String> {
    let entries = fs::read_dir(machine.path(FOLDER)).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Mounts the store's file where it is, as a container's one file often is.
const MOUNT: &str = "touch \"$ROOT/home/mounted\"; \
                     mount --bind \"$ROOT/home/mounted\" \
                     \"$ROOT/home/.local/state/keyrule/.credentials.keyrule.json\"";

fn mounted() -> Machine {
    let machine = with_key();
    machine.users("home/mounted", machine.read(RECORD));
    machine
}

fn a_copy_that_another_user_has_planted_is_not_taken() {
    let machine = with_key();
    let planted = machine.read(RECORD).replace("s3cr3t-old", "s3cr3t-planted");
    machine.users(RECORD, "{");
    let copy = format!("{RECORD}.copy");
    machine.users(&copy, format!("replaces {}\n{planted}", "0".repeat(64)));
    machine.mode(&copy, 0o644);
    // One's own stands in for a file that is torn.
    shell(&machine, "k token").gives("s3cr3t-planted\n");
    machine.owner(&copy, 54_321);
    let ended = shell(&machine, "k token");
    assert_eq!((ended.exit, ended.stdout.as_str()), (Some(1), ""));
}

fn writers_that_are_killed_leave_the_old_key_or_the_new_one() {
    let machine = with_key();
    let ended = shell(&machine, &format!("TURNS=50\n{KILLS}"));
    assert_eq!(ended.stdout, "50 turns\n", "{}", machine.read("home/said"));
}

fn writers_of_a_mounted_file_that_are_killed_leave_the_old_key_or_the_new_one() {
    let machine = mounted();
    let ended = machine
        .shell(&format!(
            "{WORDS}\nTURNS=50\n{KILLS}\nadd s3cr3t-last 2>/dev/null\n\
             ls -A | grep -v '[.]tmp$'"
        ))
        .after(MOUNT)
        .end();
    assert_eq!(
        ended.stdout,
        "50 turns\n.credentials.keyrule.json\n.credentials.keyrule.lock\n",
        "{}",
        machine.read("home/said")
    );
    assert!(machine.read("home/mounted").contains("s3cr3t-last"));
}

fn a_mounted_file_is_written_where_it_is() {
    let machine = mounted();
    machine.mode("home/mounted", 0o644);
    let ended = machine
        .shell(&format!("{WORDS}\nadd s3cr3t-new 2>&1 && k token && ls -A"))
        .after(MOUNT)
        .end();
    ended.gives(
        "replaced key `work` in `~/.local/state/keyrule/.credentials.keyrule.json`, for `work-key`\n\
         s3cr3t-new\n.credentials.keyrule.json\n.credentials.keyrule.lock\n",
    );
    assert!(machine.read("home/mounted").contains("s3cr3t-new"));
    assert!(machine.read(RECORD).contains("s3cr3t-old"));
    let mode = fs::metadata(machine.path("home/mounted"))
        .unwrap()
        .permissions();
    assert_eq!(
        std::os::unix::fs::PermissionsExt::mode(&mode) & 0o7777,
        0o600
    );
}

fn a_mounted_file_that_cannot_be_written_is_known_before() {
    let machine = mounted();
    let before = machine.read("home/mounted");
    let ended = machine
        .shell(&format!("{WORDS}\nadd s3cr3t-new"))
        .after(&format!(
            "{MOUNT}; mount -o remount,ro,bind \
             \"$ROOT/home/.local/state/keyrule/.credentials.keyrule.json\""
        ))
        .end();
    let hint = "let yourself write `~/.local/state/keyrule/.credentials.keyrule.json` and the \
                folder it is in";
    ended.fails(1, "store-not-writable", hint);
    assert_eq!(machine.read("home/mounted"), before);
    let names = [".credentials.keyrule.json", ".credentials.keyrule.lock"];
    assert_eq!(files(&machine), names);
}

/// The store's folder on a disk of 1 MiB with one key in it, and then
/// filled but for so many bytes.
fn on_a_full_disk(machine: &Machine, free: u32, script: &str) -> Ended {
    let mount = format!(
        "mkdir -p \"$ROOT/{FOLDER}\"; chown -R {user}:{user} \"$ROOT/home/.local\"; \
         mount -t tmpfs -o size=1m,mode=0700,uid={user},gid={user} tmpfs \"$ROOT/{FOLDER}\"",
        user = machine.user
    );
    machine
        .shell(&format!(
            "{WORDS}\nadd s3cr3t-old 2>/dev/null; cp .credentials.keyrule.json \"$HOME/before\"\n\
             cat /dev/zero >fill 2>/dev/null; truncate -s -{free} fill\n{script}"
        ))
        .after(&mount)
        .end()
}

fn a_full_disk_is_known_before_anything_is_changed() {
    // 8 KiB would do for the key itself; the room for what may come is not
    // there.
    for free in [0, 8192] {
        let ended = on_a_full_disk(&machine(""), free, "add s3cr3t-new");
        let hint = "make room on the disk of `~/.local/state/keyrule/.credentials.keyrule.json`";
        ended.fails(1, "store-not-writable", hint);
        let ended = on_a_full_disk(
            &machine(""),
            free,
            "add s3cr3t-new 2>/dev/null; cmp .credentials.keyrule.json \"$HOME/before\" && \
             k token && rm fill && ls -A && add s3cr3t-new 2>/dev/null && k token",
        );
        ended.gives(
            "s3cr3t-old\n.credentials.keyrule.json\n.credentials.keyrule.lock\ns3cr3t-new\n",
        );
    }
}

type Break = (&'static str, fn(&Machine), &'static str, &'static str);

const UNREADABLE: [Break; 5] = [
    (
        "a folder",
        |machine| {
            fs::remove_file(machine.path(RECORD)).unwrap();
            machine.folder(RECORD, machine.user, 0o700);
        },
        "store-unreadable",
        "is not a regular file",
    ),
    (
        "a loop of links",
        |machine| {
            fs::remove_file(machine.path(RECORD)).unwrap();
            symlink(machine.path(RECORD), machine.path(RECORD)).unwrap();
        },
        "store-unreadable",
        "cannot be read",
    ),
    (
        "without the right to read it",
        |machine| machine.mode(RECORD, 0o000),
        "store-unreadable",
        "cannot be read",
    ),
    (
        "of another user who lets it be read",
        |machine| {
            machine.owner(RECORD, machine.user + 1);
            machine.mode(RECORD, 0o644);
        },
        "store-unreadable",
        "belongs to another user",
    ),
    (
        "of another version",
        |machine| machine.users(RECORD, r#"{"keyrule": {"version": 7}}"#),
        "store-invalid",
        "has an entry `keyrule` of version 7, and this program reads version 1",
    ),
];

fn what_cannot_be_read_is_an_error_that_names_it() {
    for (what, breaks, code, says) in UNREADABLE {
        let machine = with_key();
        breaks(&machine);
        let before = fs::read(machine.path(RECORD)).ok();
        for line in ["add s3cr3t-new", "k key list", "k key remove work"] {
            let ended = shell(&machine, line);
            assert_eq!(ended.exit, Some(1), "{what}, {line}: {}", ended.stderr);
            assert_eq!(ended.code(), Some(code), "{what}, {line}: {}", ended.stderr);
            let said = ended.stderr.replace('\n', " ");
            assert!(said.contains(says), "{what}, {line}: {said}");
            assert!(said.contains(".credentials.keyrule.json"), "{said}");
            ended.keeps_secrets();
        }
        let ended = shell(&machine, "k token");
        assert_eq!((ended.exit, ended.stdout.as_str()), (Some(1), ""), "{what}");
        assert_eq!(fs::read(machine.path(RECORD)).ok(), before, "{what}");
    }
}

fn what_cannot_be_written_is_an_error_and_loses_nothing() {
    type Case = (&'static str, fn(&Machine));
    let cases: [Case; 3] = [
        ("a folder that is read-only", |machine| {
            machine.mode(FOLDER, 0o500)
        }),
        ("a folder of somebody else", |machine| {
            machine.owner(FOLDER, 0);
            machine.mode(FOLDER, 0o755);
        }),
        ("a lock of somebody else", |machine| {
            let lock = format!("{FOLDER}/.credentials.keyrule.lock");
            machine.owner(&lock, 0);
        }),
    ];
    for (what, breaks) in cases {
        let machine = with_key();
        breaks(&machine);
        for line in ["add s3cr3t-new", "k key remove work"] {
            let ended = shell(&machine, line);
            assert_eq!(
                ended.code(),
                Some("store-not-writable"),
                "{what}: {}",
                ended.stderr
            );
            assert!(
                ended.stderr.contains("~/.local/state/keyrule/.credentials"),
                "{what}"
            );
            assert_eq!(ended.exit, Some(1), "{what}");
            ended.keeps_secrets();
        }
        // What is there can still be used.
        shell(&machine, "k token").gives("s3cr3t-old\n");
        machine.owner(FOLDER, machine.user);
        machine.mode(FOLDER, 0o700);
        let names = [".credentials.keyrule.json", ".credentials.keyrule.lock"];
        assert_eq!(files(&machine), names, "{what}");
    }
    // A disk that takes no writing at all.
    let machine = with_key();
    let ended = machine
        .shell(&format!("{WORDS}\nadd s3cr3t-new; k token"))
        .after(&format!(
            "mount --bind \"$ROOT/{FOLDER}\" \"$ROOT/{FOLDER}\"; \
             mount -o remount,ro,bind \"$ROOT/{FOLDER}\""
        ))
        .end();
    assert_eq!(ended.code(), Some("store-not-writable"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "s3cr3t-old\n");
}

fn a_link_is_followed_and_stays() {
    let machine = with_key();
    machine.users("home/elsewhere/store.json", machine.read(RECORD));
    fs::remove_file(machine.path(RECORD)).unwrap();
    symlink(
        machine.path("home/elsewhere/store.json"),
        machine.path(RECORD),
    )
    .unwrap();
    shell(&machine, "add s3cr3t-new 2>/dev/null; k token").gives("s3cr3t-new\n");
    assert!(machine.path(RECORD).is_symlink());
    assert!(
        machine
            .read("home/elsewhere/store.json")
            .contains("s3cr3t-new")
    );
}

fn a_damaged_file_is_moved_aside_when_something_is_stored() {
    let machine = with_key();
    let damage = "{\"keyrule\": {\"version\": 1, \"keys\": {\"work\": {\"secret\": \"s3cr3t-ol";
    machine.users(RECORD, damage);
    let ended = shell(&machine, "k token");
    assert_eq!((ended.exit, ended.stdout.as_str()), (Some(1), ""));
    let ended = shell(&machine, "add s3cr3t-new; k token");
    assert_eq!(ended.stdout, "s3cr3t-new\n", "{}", ended.stderr);
    let said = ended.stderr.replace('\n', " ");
    assert!(said.contains("was moved to"), "{said}");
    assert!(!said.contains("s3cr3t"), "{said}");
    let aside = format!("{FOLDER}/.credentials.keyrule.damaged-1.json");
    assert_eq!(machine.read(&aside), damage);
}

fn many_writers_at_once_lose_nothing() {
    let machine = with_key();
    let ended = shell(
        &machine,
        "for n in $(seq 24); do add s3cr3t-$n key-$n 2>>\"$HOME/said\" & done; wait\n\
         k key list | grep -c key-",
    );
    assert_eq!(ended.stdout, "24\n", "{}", machine.read("home/said"));
}

/// What helps where a store is full.
const REMOVE: &str =
    "remove logins and keys that you no longer need: `keyrule logout`, `keyrule key remove`";

/// Puts so many keys into the store that one login more could not be read.
fn fill(machine: &Machine) -> String {
    let mut store: serde_json::Value = serde_json::from_str(&machine.read(RECORD)).unwrap();
    for number in 0..250 {
        let key = serde_json::json!({ "secret": format!("s3cr3t-{}", "s".repeat(16_000)) });
        store["keyrule"]["keys"][format!("full-{number}")] = key;
    }
    let text = store.to_string();
    assert!((4_000_000..4 * 1024 * 1024).contains(&text.len()));
    machine.users(RECORD, &text);
    text
}

fn a_full_store_takes_nothing_more_and_stays_whole() {
    let machine = with_key();
    let full = fill(&machine);
    shell(&machine, "add s3cr3t-new other").fails(1, "store-full", REMOVE);
    assert!(machine.read(RECORD) == full, "the store was changed");
    shell(&machine, "k token").gives("s3cr3t-old\n");
    let ended = shell(
        &machine,
        "for n in $(seq 0 9); do k key remove full-$n || exit; done 2>/dev/null\n\
         add s3cr3t-new 2>/dev/null && k token",
    );
    ended.gives("s3cr3t-new\n");
}

/// An issuer whose tokens have the length that is said. Those of one letter
/// last an hour, all others a second.
fn issuer(length: &Arc<AtomicUsize>) -> Fake {
    let length = Arc::clone(length);
    Fake::start(move |_| {
        let length = length.load(Ordering::Relaxed);
        let token = "s".repeat(length);
        let tokens = serde_json::json!({
            "access_token": format!("s3cr3t-access-{token}"),
            "refresh_token": format!("s3cr3t-refresh-{token}"),
            "token_type": "Bearer",
            "expires_in": if length == 1 { 3600 } else { 1 },
        });
        json(200, &tokens.to_string())
    })
}

/// A machine whose user logs in there, in a browser that confirms everything.
fn with_issuer(fake: &Fake) -> Machine {
    let machine = machine("");
    let origin = fake.origin();
    let policy = format!(
        r#"name = "long"
[[issuer]]
id = "test"
url = "{origin}"
client-id = "cli"
scopes = ["all"]
endpoints = {{ authorization = "{origin}/authorize", token = "{origin}/token" }}
[[source]]
id = "work"
kind = "login"
login = "work"
issuer = "test"
headers = {{ Authorization = "Bearer {{secret}}" }}
endpoint = {{ default = "{origin}" }}
surfaces = ["terminal"]
"#
    );
    machine.users("home/.config/keyrule/long.toml", policy);
    let browser = r#"#!/bin/sh
value() { printf %s "$1" | sed "s/.*[?&]$2=\([^&]*\).*/\1/; s/%3A/:/g; s,%2F,/,g"; }
exec curl --disable --silent --noproxy '*' --output ~/page \
  "$(value "$1" redirect_uri)?code=c&state=$(value "$1" state)"
"#;
    machine.users("home/bin/browser", browser);
    machine.mode("home/bin/browser", 0o755);
    machine
}

fn log_in(machine: &Machine) -> Ended {
    machine
        .keyrule(&["--policy", "long", "login"])
        .variable("BROWSER", machine.path("home/bin/browser"))
        .end()
}

fn a_login_that_a_full_store_could_not_keep_asks_the_issuer_nothing() {
    let length = Arc::new(AtomicUsize::new(10));
    let fake = issuer(&length);
    let machine = with_issuer(&fake);
    let ended = log_in(&machine);
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    let full = fill(&machine);
    let before = fake.asked("/").len();
    log_in(&machine).fails(1, "store-full", REMOVE);
    // Nor is a refresh token shown, which that could use up.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let ended = machine.keyrule(&["--policy", "long", "token"]).end();
    assert_eq!(ended.code(), Some("source-failed"), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("has no room for more"),
        "{}",
        ended.stderr
    );
    assert_eq!(fake.asked("/").len(), before);
    assert!(machine.read(RECORD) == full, "the store was changed");
}

fn tokens_of_490_kb_are_refused_and_nothing_is_forgotten() {
    let length = Arc::new(AtomicUsize::new(16_000));
    let fake = issuer(&length);
    let machine = with_issuer(&fake);
    let ended = log_in(&machine);
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    let before = machine.read(RECORD);
    length.store(490_000, Ordering::Relaxed);
    let said = "gives an access token of more than 16384 bytes";
    for _ in 0..10 {
        let ended = log_in(&machine);
        assert_eq!(ended.code(), Some("issuer-answer"), "{}", ended.stderr);
        assert!(ended.stderr.contains(said), "{}", ended.stderr);
    }
    std::thread::sleep(std::time::Duration::from_secs(1));
    let ended = machine.keyrule(&["--policy", "long", "token"]).end();
    assert_eq!(ended.code(), Some("source-failed"), "{}", ended.stderr);
    assert!(ended.stderr.contains(said), "{}", ended.stderr);
    assert!(machine.read(RECORD) == before, "the store was changed");
    // The issuer mends it, and the login is still there.
    length.store(1, Ordering::Relaxed);
    let token = machine.keyrule(&["--policy", "long", "token"]).end();
    token.gives("s3cr3t-access-s\n");
}
