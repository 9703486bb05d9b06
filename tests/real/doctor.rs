//! What `doctor` finds on a real machine: modes that are wrong, a login that
//! the issuer does not take any more, an issuer that is gone, a clock that is
//! off. It says what to do, and changes nothing itself.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;

use serde_json::Value;

use crate::machine::{Ended, Machine, skip};
use crate::provider::{Provider, STORE};

crate::tests![
    doctor_asks_nobody_and_doctor_online_asks_and_renews_nothing,
    a_login_that_was_revoked_is_told_from_one_that_is_valid,
    an_issuer_that_is_gone_is_named_with_its_cause,
    an_issuer_that_says_it_is_another_one_is_named,
    a_clock_that_is_off_is_told,
    an_issuer_whose_clock_is_off_is_told_before_anybody_has_logged_in,
    modes_come_with_the_command_that_mends_them,
    a_store_of_somebody_else_is_named,
    what_was_left_behind_is_named,
    a_proxy_and_a_missing_file_of_authorities_are_named_without_their_values,
    a_login_is_shown_and_logged_out_is_said,
];

fn doctor(machine: &Machine, arguments: &[&str]) -> Ended {
    let mut line = vec!["--policy", "test-login", "doctor"];
    line.extend(arguments);
    let ended = machine.keyrule(&line).end();
    ended.keeps_secrets();
    ended
}

/// The findings about these, as `level: message`, and what there is to do.
fn found(ended: &Ended, about: &str) -> Vec<(String, Option<String>)> {
    let document: Value = serde_json::from_str(&ended.stdout).expect("one document");
    let checks = document["checks"].as_array().unwrap().iter();
    checks
        .filter(|check| check["about"] == about)
        .map(|check| {
            let level = check["level"].as_str().unwrap();
            let message = check["message"].as_str().unwrap();
            let hint = check["hint"].as_str().map(str::to_owned);
            (format!("{level}: {message}"), hint)
        })
        .collect()
}

fn messages(ended: &Ended, about: &str) -> Vec<String> {
    let found = found(ended, about).into_iter();
    found.map(|(message, _)| message).collect()
}

/// One of each, logged in as alice.
fn logged_in(ends_in: i64) -> (Provider, Machine) {
    let provider = Provider::start();
    let machine = Machine::new();
    provider.install(&machine);
    provider.insert(&machine, "alice", ends_in);
    (provider, machine)
}

fn doctor_asks_nobody_and_doctor_online_asks_and_renews_nothing() {
    let (provider, machine) = logged_in(300);
    provider.forget_counts();
    let before = machine.read(STORE);
    let ended = doctor(&machine, &["--json"]);
    assert_eq!(ended.exit, Some(0), "{}", ended.stdout);
    assert_eq!(messages(&ended, "online"), [""; 0]);
    assert_eq!(provider.count("/userinfo/ok"), 0);
    let logins = messages(&ended, "logins").join("\n");
    let alice = "ok: `work`: alice@acme.example, organisation acme, ends in ";
    assert!(logins.starts_with(alice), "{logins}");
    let kept = "selected, kept in `/home/.local/state/keyrule/.credentials.keyrule.json`";
    assert!(logins.ends_with(kept), "{logins}");

    let ended = doctor(&machine, &["--online", "--json"]);
    assert_eq!(ended.exit, Some(0), "{}", ended.stdout);
    let issuer = provider.issuer();
    assert_eq!(
        messages(&ended, "online"),
        [
            format!("ok: `{issuer}` answers, and its metadata is in order"),
            format!("ok: `work`: alice@acme.example: `{issuer}` says it is valid"),
            format!("ok: this clock and that of `{issuer}` agree"),
        ]
    );
    assert_eq!(provider.count("/userinfo/ok"), 1);
    assert_eq!(provider.refreshes(), "");
    // A token that has ended is not renewed to find something out either.
    provider.insert(&machine, "alice", -5);
    provider.forget_counts();
    let ended = doctor(&machine, &["--online", "--json"]);
    let online = messages(&ended, "online").join("\n");
    assert!(
        online.contains("whether it is renewed shows when it is used"),
        "{online}"
    );
    assert_eq!(provider.refreshes(), "");
    assert_eq!(provider.count("/userinfo/ok"), 0);
    assert_ne!(machine.read(STORE), before);
}

fn a_login_that_was_revoked_is_told_from_one_that_is_valid() {
    let (provider, machine) = logged_in(300);
    let before = machine.read(STORE);
    let store: Value = serde_json::from_str(&before).unwrap();
    let login =
        &store["keyrule"]["logins"][provider.kept_as("work")]["accounts"]["alice@acme.example"];
    let token = login["refresh_token"].as_str().unwrap();
    let page = provider.post(
        "/token/revocation",
        &[("client_id", "cli"), ("token", token)],
    );
    assert_eq!(page.status, 200);
    let ended = doctor(&machine, &["--online", "--json"]);
    assert_eq!(ended.exit, Some(1));
    let issuer = provider.issuer();
    let online = found(&ended, "online");
    assert_eq!(
        online[1],
        (
            format!(
                "error: `work`: alice@acme.example: `{issuer}` does not take it: it was revoked \
                 there"
            ),
            Some(
                "renew it: `keyrule --policy test-login token --rejected`, or where that fails, \
                 `keyrule --policy test-login login work`"
                    .to_owned()
            )
        )
    );
    assert_eq!(machine.read(STORE), before);
}

fn an_issuer_that_is_gone_is_named_with_its_cause() {
    let (mut provider, machine) = logged_in(300);
    provider.stop();
    let ended = doctor(&machine, &["--online", "--json"]);
    assert_eq!(ended.exit, Some(1));
    let issuer = provider.issuer();
    assert_eq!(
        found(&ended, "online"),
        [(
            format!(
                "error: the issuer `test`: `{issuer}` refuses the connection: nobody listens there"
            ),
            Some(format!(
                "see whether this machine reaches it: `curl -sSI {issuer}`"
            ))
        )]
    );
}

fn an_issuer_that_says_it_is_another_one_is_named() {
    let provider = Provider::start();
    let machine = Machine::new();
    // The same server by another name is another issuer.
    let other = provider.issuer().replace("127.0.0.1", "localhost");
    let policy = provider.policy("", "").replace(provider.issuer(), &other);
    machine.users("home/.config/keyrule/test-login.toml", policy);
    let ended = doctor(&machine, &["--online", "--json"]);
    assert_eq!(ended.exit, Some(1));
    let (message, hint) = &found(&ended, "online")[0];
    assert!(message.starts_with(&format!("error: the issuer `test`: `{other}` ")));
    let see = "see whether `url` of the issuer `test` in \
               /home/.config/keyrule/test-login.toml is right";
    assert_eq!(hint.as_deref(), Some(see));
}

fn a_clock_that_is_off_is_told() {
    if !Path::new("/usr/bin/faketime").exists() {
        skip("`/usr/bin/faketime` is missing");
    }
    let (provider, machine) = logged_in(300);
    for (shift, said) in [("+10m", "10 min ahead of"), ("-10m", "10 min behind")] {
        let run = machine.keyrule(&["--policy", "test-login", "doctor", "--online", "--json"]);
        let ended = run.under(&["/usr/bin/faketime", "-f", shift]).end();
        let last = messages(&ended, "online").pop().unwrap();
        let issuer = provider.issuer();
        // A second may pass on the way.
        let nearly = said.replace("10 min", "9 min");
        assert!(
            [said, &nearly]
                .iter()
                .any(|said| last == format!("warning: this clock is {said} that of `{issuer}`")),
            "{last}"
        );
    }
}

/// A fake issuer, whose one answer says that it is the year 2031.
fn an_issuer_whose_clock_is_off_is_told_before_anybody_has_logged_in() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let _ = stream.write_all(
                b"HTTP/1.1 404 Not Found\r\nDate: Wed, 01 Jan 2031 00:00:00 GMT\r\n\
                  Content-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
    });
    let machine = Machine::new();
    let policy = format!(
        r#"name = "test-login"
[[issuer]]
id = "fake"
url = "{issuer}"
client-id = "cli"
endpoints = {{ token = "{issuer}/token" }}
[[source]]
id = "work"
kind = "login"
login = "work"
issuer = "fake"
headers = {{ Authorization = "Bearer {{secret}}" }}
endpoint = {{ default = "{issuer}" }}
surfaces = ["terminal"]
"#
    );
    machine.users("home/.config/keyrule/test-login.toml", policy);
    let ended = doctor(&machine, &["--online", "--json"]);
    let last = found(&ended, "online").pop().unwrap();
    assert!(last.0.starts_with("warning: this clock is "), "{}", last.0);
    assert!(
        last.0
            .ends_with(&format!(" days behind that of `{issuer}`")),
        "{}",
        last.0
    );
    assert_eq!(last.1.as_deref(), Some("set the clock of this machine"));
}

fn modes_come_with_the_command_that_mends_them() {
    let machine = Machine::new();
    machine.users(
        "home/.claude/.credentials.keyrule.json",
        r#"{"keyrule": {"version": 1}}"#,
    );
    machine.mode("home/.claude/.credentials.keyrule.json", 0o644);
    machine.mode("home/.claude", 0o777);
    let said = || {
        let ended = machine.keyrule(&["doctor", "--json"]).end();
        let found = found(&ended, "files").into_iter();
        found
            .filter(|(message, _)| message.starts_with("warning"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        said(),
        [
            (
                "warning: other users can replace what lies in the tool's folder \
                 `/home/.claude`: its mode is 0777"
                    .to_owned(),
                Some("chmod go-w /home/.claude".to_owned())
            ),
            (
                "warning: the credentials file `/home/.claude/.credentials.keyrule.json` can be \
                 read by other users: its mode is 0644"
                    .to_owned(),
                Some("chmod 600 /home/.claude/.credentials.keyrule.json".to_owned())
            ),
        ]
    );
    // What is said mends it.
    for (_, hint) in said() {
        let line = hint.unwrap().replace(" /home/", " ~/");
        assert_eq!(machine.shell(&line).end().exit, Some(0));
    }
    assert_eq!(said(), []);
}

fn a_store_of_somebody_else_is_named() {
    let (_provider, machine) = logged_in(300);
    machine.owner(STORE, 0);
    machine.mode(STORE, 0o644);
    let ended = doctor(&machine, &["--json"]);
    assert_eq!(ended.exit, Some(1));
    let said = found(&ended, "files");
    let wrong = said
        .iter()
        .find(|(message, _)| message.ends_with("belongs to somebody else"));
    let (message, hint) = wrong.unwrap_or_else(|| panic!("{said:?}"));
    assert!(message.starts_with("error: "));
    assert_eq!(
        hint.as_deref(),
        Some(
            "mv /home/.local/state/keyrule/.credentials.keyrule.json \
             /home/.local/state/keyrule/.credentials.keyrule.theirs"
        )
    );
}

fn what_was_left_behind_is_named() {
    let (_provider, machine) = logged_in(300);
    let folder = "home/.local/state/keyrule";
    machine.users(&format!("{folder}/.keyrule-x.tmp"), "s3cr3t-torn");
    machine.users(
        &format!("{folder}/.credentials.keyrule.damaged-1.json"),
        "s3cr3t-damaged",
    );
    let touch = format!("touch -d '-1 hour' ~/{}/.keyrule-x.tmp", &folder[5..]);
    assert_eq!(machine.shell(&touch).end().exit, Some(0));
    let ended = doctor(&machine, &["--json"]);
    let hints: Vec<_> = found(&ended, "store")
        .into_iter()
        .filter_map(|(_, hint)| hint)
        .collect();
    assert_eq!(
        hints,
        [
            "take from it what you need, then \
             `rm /home/.local/state/keyrule/.credentials.keyrule.damaged-1.json`",
            "rm /home/.local/state/keyrule/.keyrule-x.tmp",
        ]
    );
}

fn a_proxy_and_a_missing_file_of_authorities_are_named_without_their_values() {
    let (_provider, machine) = logged_in(300);
    let run = machine
        .keyrule(&["--policy", "test-login", "doctor", "--json"])
        .variable("HTTPS_PROXY", "http://ada:s3cr3t-word@proxy.example:3128")
        .variable("KEYRULE_CA_FILE", machine.path("home/none.pem"));
    let ended = run.end();
    ended.keeps_secrets();
    assert_eq!(ended.exit, Some(1));
    assert_eq!(
        messages(&ended, "network"),
        [
            "ok: `HTTPS_PROXY` names a proxy",
            "ok: `KEYRULE_CA_FILE` names more certificate authorities",
            "error: `/home/none.pem`, which `KEYRULE_CA_FILE` names, is not there",
        ]
    );
}

fn a_login_is_shown_and_logged_out_is_said() {
    let (_provider, machine) = logged_in(-720);
    let ended = machine.keyrule(&["--policy", "test-login", "status"]).end();
    ended.keeps_secrets();
    let said = |line: &str| {
        let said = ended.stdout.lines().any(|other| other.trim() == line);
        assert!(said, "{}", ended.stdout);
    };
    said("account      alice@acme.example, organisation acme");
    said("ends         12 min ago, and can be renewed");
    said("kept         in `~/.local/state/keyrule/.credentials.keyrule.json`");
    machine.users(STORE, r#"{"keyrule": {"version": 1}}"#);
    let ended = machine.keyrule(&["--policy", "test-login", "status"]).end();
    assert_eq!(ended.exit, Some(4));
    let said = "login        `work` is not logged in: `keyrule --policy test-login login work`";
    assert!(ended.stdout.contains(said), "{}", ended.stdout);
}
