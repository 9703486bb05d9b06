//! Somebody logs out, with a real provider: what was a login is none any
//! more, there and here.

use serde_json::Value;

use crate::login::{browser, console, log_in, machine, token};
use crate::machine::Machine;
use crate::provider::{Provider, STORE};

crate::tests![
    a_login_is_really_ended_at_the_issuer,
    other_accounts_stay,
    an_issuer_that_does_not_answer_is_named_and_the_login_is_forgotten,
    a_key_goes_with_the_login_that_brought_it,
    everything_is_forgotten_at_once,
    nobody_is_logged_out_who_is_not_logged_in,
    a_login_of_another_issuer_is_not_this_policys_to_end,
];

fn logout(machine: &Machine, arguments: &[&str]) -> crate::machine::Ended {
    let arguments = [&["--policy", "test-login", "logout"], arguments].concat();
    let ended = machine.keyrule(&arguments).end();
    ended.keeps_secrets();
    ended
}

/// The refresh token that is kept of an account.
fn refresh_token(machine: &Machine, account: &str) -> String {
    let store: Value = serde_json::from_str(&machine.read(STORE)).unwrap();
    let logins = store["keyrule"]["logins"].as_object().unwrap();
    let (_, login) = logins.iter().next().unwrap();
    let login = &login["accounts"][account];
    login["refresh_token"].as_str().unwrap().to_owned()
}

fn refreshes(provider: &Provider, token: &str) -> bool {
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "cli"),
        ("refresh_token", token),
    ];
    provider.post("/token", &fields).status == 200
}

fn a_login_is_really_ended_at_the_issuer() {
    let provider = Provider::start();
    let machine = machine(&provider);
    log_in(&machine, "alice");
    let access = token(&machine);
    let refresh = refresh_token(&machine, "alice@acme.example");
    assert!(provider.accepts(&access));
    let ended = logout(&machine, &[]);
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    assert_eq!(
        ended.stderr,
        "logged out of `work` as `alice@acme.example`; the issuer has ended it\n"
    );
    assert!(!provider.accepts(&access));
    assert!(!refreshes(&provider, &refresh));
    assert_eq!(provider.count("/revocation/ok"), 2);
    assert!(!machine.read(STORE).contains(crate::machine::CANARY));
    let status = machine.keyrule(&["--policy", "test-login", "status"]).end();
    assert_eq!(status.exit, Some(4));
    assert!(status.stdout.contains("not logged in"), "{}", status.stdout);
    logout(&machine, &[]).fails(4, "not-logged-in", "none");
}

fn other_accounts_stay() {
    let provider = Provider::start();
    let machine = machine(&provider);
    log_in(&machine, "alice");
    let alice = token(&machine);
    log_in(&machine, "bob");
    let bob = token(&machine);
    let ended = logout(&machine, &["work", "--account", "alice@acme.example"]);
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    assert!(!provider.accepts(&alice));
    assert!(provider.accepts(&bob));
    assert_eq!(token(&machine), bob);
    logout(&machine, &["--account", "alice@acme.example"]).fails(
        4,
        "no-such-account",
        "logged in: `bob@other.example`",
    );
}

fn an_issuer_that_does_not_answer_is_named_and_the_login_is_forgotten() {
    let mut provider = Provider::start();
    let machine = machine(&provider);
    log_in(&machine, "alice");
    provider.stop();
    let ended = logout(&machine, &[]);
    assert_eq!(
        (ended.exit, ended.code()),
        (Some(1), Some("logout-incomplete"))
    );
    let issuer = provider.issuer();
    assert!(
        ended
            .stderr
            .contains(&format!("caused by: `{issuer}` was not told: ")),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("logged out of `work`"),
        "{}",
        ended.stderr
    );
    assert!(!machine.read(STORE).contains(crate::machine::CANARY));
}

fn a_key_goes_with_the_login_that_brought_it() {
    let provider = Provider::start();
    let machine = Machine::new();
    machine.users("home/.config/keyrule/test-login.toml", console(&provider));
    log_in(&machine, "alice");
    let ended = logout(&machine, &["work", "--json"]);
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    let done: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(done["keys"], serde_json::json!(["work"]));
    assert!(
        ended.stderr.contains("lasts until it is removed at"),
        "{}",
        ended.stderr
    );
    assert!(!machine.read(STORE).contains(crate::machine::CANARY));
    // A key that somebody has stored by hand is no login's.
    let add = "printf s3cr3t-mine | keyrule --policy test-login key add work";
    assert_eq!(machine.shell(add).end().exit, Some(0));
    logout(&machine, &["work"]).fails(
        4,
        "not-logged-in",
        "remove it: `keyrule --policy test-login key remove work`",
    );
    assert_eq!(token(&machine), "s3cr3t-mine");
}

fn everything_is_forgotten_at_once() {
    let provider = Provider::start();
    let machine = machine(&provider);
    machine.helper("echo s3cr3t-helper");
    log_in(&machine, "alice");
    log_in(&machine, "bob");
    let bob = token(&machine);
    let line = "printf s3cr3t-mine | keyrule --policy test-login key add mine 2>/dev/null; \
                keyrule token >/dev/null; \
                ANTHROPIC_API_KEY=s3cr3t-key keyrule consent approve api-key";
    assert_eq!(machine.shell(line).end().exit, Some(0));
    let ended = logout(&machine, &["--all"]);
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    for part in [
        "logged out of `work` as `alice@acme.example`",
        "logged out of `work` as `bob@other.example`",
        "forgot key `mine`, 1 consent, 1 cached helper token",
    ] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    assert!(!provider.accepts(&bob));
    assert!(!machine.read(STORE).contains(crate::machine::CANARY));
    logout(&machine, &["--all"]).fails(4, "not-logged-in", "none");
}

fn nobody_is_logged_out_who_is_not_logged_in() {
    let provider = Provider::start();
    let machine = machine(&provider);
    browser(&machine, "alice");
    logout(&machine, &[]).fails(4, "not-logged-in", "none");
    logout(&machine, &["work"]).fails(4, "not-logged-in", "none");
    logout(&machine, &["other"]).fails(2, "unknown-source", "it has `work` to log in to");
    let ended = machine.keyrule(&["logout", "login"]).end();
    assert_eq!((ended.exit, ended.code()), (Some(4), Some("tool-login")));
    assert_eq!(provider.counts()["discovery"], serde_json::json!({}));
}

fn a_login_of_another_issuer_is_not_this_policys_to_end() {
    let provider = Provider::start();
    let other = Provider::start();
    let machine = machine(&provider);
    log_in(&machine, "alice");
    other.install(&machine);
    logout(&machine, &[]).fails(4, "not-logged-in", "none");
    let ended = logout(&machine, &["--all"]);
    assert_eq!(
        (ended.exit, ended.code()),
        (Some(1), Some("logout-incomplete"))
    );
    assert_eq!(other.count("/revocation/ok"), 0);
    assert!(!machine.read(STORE).contains(crate::machine::CANARY));
}
