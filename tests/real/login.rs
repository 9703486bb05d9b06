//! Somebody logs in, with a real provider: in a browser, with an address that
//! is pasted, with a code on another device; and leaves in the middle of it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use crate::machine::{CANARY, Ended, Machine, Run, skip, within};
use crate::provider::{Browser, Provider, STORE};
use crate::tmux::Terminal;

crate::tests![
    a_browser_logs_in_and_the_login_is_used,
    chromium_logs_in,
    an_address_that_is_pasted_logs_in,
    an_address_that_is_typed_logs_in_and_is_not_shown,
    a_line_on_stdin_logs_in_where_there_is_no_terminal,
    a_code_on_another_device_logs_in,
    one_key_changes_to_another_device,
    the_address_goes_to_the_terminals_clipboard,
    leaving_leaves_nothing_behind,
    a_signal_leaves_the_terminal_as_it_was,
    a_terminal_that_goes_away_ends_the_login,
    nobody_logs_in_without_somebody,
    an_organisation_that_is_not_permitted_is_refused_and_ended,
    a_source_that_the_policy_does_not_count_is_not_logged_in_to,
    accounts_stay_beside_each_other,
    a_login_ends_in_a_key,
    an_issuer_that_is_gone_is_named,
    a_login_is_offered_where_it_would_help,
    what_was_typed_ahead_declines_no_offer,
    no_login_is_offered_where_nobody_answers,
    nothing_that_is_said_or_run_holds_a_token,
];

/// A machine whose user has the provider's policy.
pub(crate) fn machine(provider: &Provider) -> Machine {
    let machine = Machine::new();
    provider.install(&machine);
    machine
}

/// Makes `~/bin/browser`, which goes wherever it is sent, as this account.
pub(crate) fn browser(machine: &Machine, account: &str) {
    let script = format!(
        "#!/bin/sh\nexec curl --disable --silent --location --noproxy '*' --max-time 30 \
         --cookie-jar ~/jar-{account} --cookie ~/jar-{account} --cookie account={account} \
         --output ~/page \"$1\"\n"
    );
    machine.users("home/bin/browser", script);
    machine.mode("home/bin/browser", 0o755);
}

/// Logs in by that browser, at no terminal.
pub(crate) fn log_in(machine: &Machine, account: &str) {
    browser(machine, account);
    let arguments = ["--policy", "test-login", "login"];
    let ended = with_browser(machine, machine.keyrule(&arguments)).end();
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    ended.keeps_secrets();
}

fn with_browser<'m>(machine: &'m Machine, run: Run<'m>) -> Run<'m> {
    run.variable("BROWSER", machine.path("home/bin/browser"))
}

/// A line of shell in a terminal, with a browser.
fn at_terminal(machine: &Machine, line: &str) -> Terminal {
    let line = format!("{line}\necho DONE $?; exec sleep 600");
    Terminal::open(with_browser(machine, machine.shell(&line)))
}

/// The same without one.
fn without_browser(machine: &Machine, line: &str) -> Terminal {
    Terminal::of_line(machine, line, |run| run)
}

const LOGIN: &str = "keyrule --policy test-login login";

/// The address that stands on the screen on lines of its own.
fn address(screen: &str) -> String {
    let mut lines = screen.lines();
    let found = lines.find(|line| line.starts_with("http://127.0.0.1:"));
    found.expect("an address").trim().to_owned()
}

/// What a browser ends at that cannot reach this machine.
fn ended_at(address: &str, account: &str) -> String {
    let port = port(address);
    let nowhere = format!("127.0.0.1:{port}:127.0.0.1:1");
    let page = Browser::of(account).run(&["--location", "--connect-to", &nowhere, address]);
    assert!(page.url.contains("code="), "{}", page.url);
    page.url
}

/// The port that the browser is sent back to.
fn port(address: &str) -> String {
    let (_, back) = address.split_once("redirect_uri=").expect("a redirect");
    let back = back.split('&').next().unwrap();
    let back = back.replace("%3A", ":").replace("%2F", "/");
    let (_, rest) = back.split_once("127.0.0.1:").expect("a loopback redirect");
    rest.split('/').next().unwrap().to_owned()
}

pub(crate) fn token(machine: &Machine) -> String {
    let ended = machine.keyrule(&["--policy", "test-login", "token"]).end();
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    ended.stdout.trim_end().to_owned()
}

fn status(machine: &Machine) -> String {
    machine
        .keyrule(&["--policy", "test-login", "status"])
        .end()
        .stdout
}

fn nothing_is_kept(machine: &Machine) {
    assert_eq!(machine.read(STORE), "");
}

fn a_browser_logs_in_and_the_login_is_used() {
    let provider = Provider::start();
    let machine = machine(&provider);
    assert!(status(&machine).contains("not logged in"));
    browser(&machine, "alice");
    let terminal = at_terminal(&machine, LOGIN);
    let screen = terminal.wait_for("DONE 0");
    assert!(
        screen.contains("logged in to `work` as `alice@acme.example`, organisation `acme`"),
        "{screen}"
    );
    assert!(!screen.contains("waiting for"), "{screen}");
    assert!(!screen.contains(CANARY), "{screen}");
    assert!(status(&machine).contains("alice@acme.example"));
    let store = machine.path(STORE).metadata().unwrap();
    assert_eq!(store.permissions().mode() & 0o777, 0o600);
    assert!(provider.accepts(&token(&machine)));
    assert_eq!(provider.count("/token/authorization_code/ok"), 1);
}

fn chromium_logs_in() {
    // Debian's wrapper reads `/etc`, which is another one here.
    if !Path::new("/usr/lib/chromium/chromium").exists() {
        skip("Debian's `chromium` is not installed");
    }
    let provider = Provider::start();
    let machine = machine(&provider);
    machine.users(
        "home/bin/browser",
        "#!/bin/sh\nexec timeout 60 /usr/lib/chromium/chromium --headless --no-sandbox --disable-gpu --disable-quic \
         --no-first-run --disable-background-networking --disable-component-update \
         --disable-sync --user-data-dir=\"$HOME/chromium\" --dump-dom \"$1\" >~/dom\n",
    );
    machine.mode("home/bin/browser", 0o755);
    let terminal = at_terminal(&machine, LOGIN);
    let screen = terminal.wait_for("DONE");
    assert!(screen.contains("logged in to `work`"), "{screen}");
    assert!(provider.accepts(&token(&machine)));
    // What the user sees in the browser is our own page, at its own address.
    assert!(within(60, || machine.read("home/dom").contains("</html>")));
    let page = machine.read("home/dom");
    assert!(page.contains("Back to the terminal"), "{page}");
    assert!(within(60, || machine.processes().len() == 1));
}

fn an_address_that_is_pasted_logs_in() {
    let provider = Provider::start();
    let machine = machine(&provider);
    let terminal = without_browser(&machine, LOGIN);
    let screen = terminal.wait_for("waiting for the browser, 9:5");
    assert!(screen.contains("No browser is opened here"), "{screen}");
    let url = ended_at(&address(&screen), "alice");
    // What is not the answer to this login is said, and nothing is over.
    terminal.paste(&url.replace("state=", "state=x"));
    terminal.wait_for("does not belong to this login");
    terminal.paste(&url);
    let screen = terminal.wait_for("DONE 0");
    assert!(screen.contains("alice@acme.example"), "{screen}");
    let code = url.split("code=").nth(1).unwrap();
    let code = code.split('&').next().unwrap();
    assert!(!screen.contains(code), "{screen}");
    assert!(provider.accepts(&token(&machine)));
}

fn an_address_that_is_typed_logs_in_and_is_not_shown() {
    let provider = Provider::start();
    let machine = machine(&provider);
    let terminal = without_browser(&machine, &format!("{LOGIN} --no-browser"));
    let screen = terminal.wait_for("waiting for the browser");
    let url = ended_at(&address(&screen), "alice");
    terminal.press("p");
    terminal.wait_for("paste the address");
    terminal.type_in(&url);
    let typed = terminal.wait_for(&format!("({} characters)", url.chars().count()));
    let code = url.split("code=").nth(1).unwrap();
    assert!(!typed.contains(&code[..20]), "{typed}");
    terminal.press("Enter");
    terminal.wait_for("DONE 0");
    assert!(provider.accepts(&token(&machine)));
}

fn a_line_on_stdin_logs_in_where_there_is_no_terminal() {
    let provider = Provider::start();
    let machine = machine(&provider);
    let run = machine.keyrule(&["--policy", "test-login", "login", "--json"]);
    let mut command = run.command();
    let said = machine.path("home/said");
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&said).unwrap());
    let mut child = command.spawn().unwrap();
    assert!(within(30, || machine.read("home/said").contains("state=")));
    let url = ended_at(&address(&machine.read("home/said")), "alice");
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{url}").unwrap();
    let ended = Ended::of(&machine, child.wait_with_output().unwrap());
    assert_eq!(ended.exit, Some(0), "{}", machine.read("home/said"));
    let document: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(document["done"], "logged-in");
    assert_eq!(document["account"], "alice@acme.example");
    assert_eq!(document["organization"], "acme");
    ended.keeps_secrets();
    assert!(!machine.read("home/said").contains(CANARY));
    assert!(provider.accepts(&token(&machine)));
}

/// The code on the screen.
fn user_code(screen: &str) -> String {
    let mut lines = screen.lines();
    lines
        .find(|line| *line == "and enter this code:")
        .expect("a code");
    lines.next().unwrap().trim().to_owned()
}

fn a_code_on_another_device_logs_in() {
    let provider = Provider::start();
    let machine = machine(&provider);
    browser(&machine, "alice");
    let terminal = at_terminal(&machine, &format!("{LOGIN} --device"));
    let screen = terminal.wait_for("waiting for the other device");
    let code = user_code(&screen);
    assert!(screen.contains(&format!("user_code={code}")), "{screen}");
    provider.confirm(&code, "bob");
    let screen = terminal.wait_for("DONE 0");
    assert!(screen.contains("`bob@other.example`"), "{screen}");
    assert!(provider.accepts(&token(&machine)));
    // No browser was opened: that is what was asked for.
    assert!(!machine.path("home/page").exists());
    // Somebody says no there.
    let terminal = at_terminal(&machine, &format!("{LOGIN} --device"));
    let screen = terminal.wait_for("waiting for the other device");
    provider.refuse(&user_code(&screen));
    let screen = terminal.wait_for("DONE 1");
    assert!(screen.contains("error[issuer-refused]"), "{screen}");
    assert!(provider.accepts(&token(&machine)));
}

fn one_key_changes_to_another_device() {
    let provider = Provider::start();
    let machine = machine(&provider);
    let terminal = without_browser(&machine, LOGIN);
    let screen = terminal.wait_for("waiting for the browser");
    let port = port(&address(&screen));
    terminal.press("d");
    let screen = terminal.wait_for("waiting for the other device");
    assert!(!listens(&port));
    provider.confirm(&user_code(&screen), "alice");
    terminal.wait_for("DONE 0");
    assert!(provider.accepts(&token(&machine)));
}

fn listens(port: &str) -> bool {
    std::net::TcpStream::connect(format!("127.0.0.1:{port}")).is_ok()
}

fn the_address_goes_to_the_terminals_clipboard() {
    let provider = Provider::start();
    let machine = machine(&provider);
    let terminal = without_browser(&machine, LOGIN);
    let screen = terminal.wait_for("waiting for the browser");
    machine.users("home/bytes", "");
    terminal.record(&machine.path("home/bytes"));
    terminal.press("c");
    terminal.wait_for("sent the address to the clipboard");
    let copied = format!("\u{1b}]52;c;{}\u{7}", base64(address(&screen).as_bytes()));
    assert!(within(10, || machine.read("home/bytes").contains(&copied)));
    terminal.press("Escape");
    terminal.wait_for("DONE 3");
}

/// As `base64` prints it.
fn base64(bytes: &[u8]) -> String {
    let mut child = std::process::Command::new("base64")
        .arg("--wrap=0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn leaving_leaves_nothing_behind() {
    let provider = Provider::start();
    for (device, press) in [("", "C-c"), ("", "Escape"), (" --device", "C-c")] {
        let machine = machine(&provider);
        let terminal = without_browser(
            &machine,
            &format!("stty -a >~/before; {LOGIN}{device}; echo exit $?; stty -a >~/after"),
        );
        let screen = terminal.wait_for("waiting for the");
        terminal.press(press);
        let left = terminal.wait_for("DONE");
        assert!(left.contains("exit 3"), "{left}");
        assert!(left.contains("error[cancelled]"), "{left}");
        assert!(machine.read("home/before").contains(" icanon"));
        assert_eq!(machine.read("home/before"), machine.read("home/after"));
        nothing_is_kept(&machine);
        assert!(!machine.path("home/.local").exists());
        // The shell that holds the terminal is all that is left.
        assert!(within(5, || machine.processes().len() == 1));
        if device.is_empty() {
            assert!(!listens(&port(&address(&screen))));
        }
    }
}

fn a_signal_leaves_the_terminal_as_it_was() {
    let provider = Provider::start();
    let machine = machine(&provider);
    let terminal = without_browser(
        &machine,
        &format!("stty -a >~/before; {LOGIN}; echo exit $?; stty -a >~/after"),
    );
    terminal.wait_for("waiting for the browser");
    let ended = machine
        .shell("kill -TERM $(pgrep -x keyrule -u $(id -u))")
        .end();
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    let screen = terminal.wait_for("DONE");
    assert!(screen.contains("exit 143"), "{screen}");
    assert_eq!(machine.read("home/before"), machine.read("home/after"));
    nothing_is_kept(&machine);
}

fn a_terminal_that_goes_away_ends_the_login() {
    let provider = Provider::start();
    let machine = machine(&provider);
    let terminal = without_browser(&machine, LOGIN);
    let screen = terminal.wait_for("waiting");
    let port = port(&address(&screen));
    drop(terminal);
    assert!(within(5, || machine.processes().is_empty()));
    assert!(!listens(&port));
    nothing_is_kept(&machine);
}

fn nobody_logs_in_without_somebody() {
    let provider = Provider::start();
    let machine = machine(&provider);
    let ended = machine
        .keyrule(&["--policy", "test-login", "--non-interactive", "login"])
        .end();
    ended.fails(
        2,
        "login-needs-somebody",
        "leave it out, and log in with `keyrule --policy test-login login --device` where there is no browser",
    );
    assert_eq!(provider.counts()["discovery"], serde_json::json!({}));
}

fn an_organisation_that_is_not_permitted_is_refused_and_ended() {
    let provider = Provider::start();
    let machine = Machine::new();
    let policy = provider.policy("", "\n[login]\norganizations = [\"acme\"]");
    machine.users("home/.config/keyrule/test-login.toml", policy);
    browser(&machine, "bob");
    let arguments = ["--policy", "test-login", "login"];
    let ended = with_browser(&machine, machine.keyrule(&arguments)).end();
    assert_eq!(ended.exit, Some(3), "{}", ended.stderr);
    assert_eq!(ended.code(), Some("login-not-permitted"));
    for part in [
        "organisation `other`",
        "test-login.toml`, line ",
        "nothing was kept",
    ] {
        assert!(ended.stderr.contains(part), "{}", ended.stderr);
    }
    nothing_is_kept(&machine);
    assert_eq!(provider.count("/revocation/ok"), 2);
    log_in(&machine, "alice");
    assert!(provider.accepts(&token(&machine)));
}

fn a_source_that_the_policy_does_not_count_is_not_logged_in_to() {
    let provider = Provider::start();
    let machine = Machine::new();
    let other = "[[source]]\nid = \"key\"\nkind = \"stored-key\"\nkey = \"key\"\n\
                 headers = { A = \"{secret}\" }\nendpoint = { default = \"https://a.example\" }\n\
                 surfaces = [\"terminal\"]\n\n[login]\nmethods = [\"key\"]";
    let policy = provider.policy("", other);
    machine.users("home/.config/keyrule/test-login.toml", policy);
    let ended = machine
        .keyrule(&["--policy", "test-login", "login", "work"])
        .end();
    assert_eq!(ended.exit, Some(3), "{}", ended.stderr);
    assert_eq!(ended.code(), Some("login-not-counted"));
    assert!(
        ended
            .stderr
            .contains("the policy forces other ways to log in"),
        "{}",
        ended.stderr
    );
    assert!(
        ended.stderr.contains("test-login.toml`, line "),
        "{}",
        ended.stderr
    );
    let ended = machine.keyrule(&["--policy", "test-login", "login"]).end();
    assert_eq!(
        (ended.exit, ended.code()),
        (Some(4), Some("nothing-to-log-in-to"))
    );
    let ended = machine.keyrule(&["login"]).end();
    assert_eq!(
        (ended.exit, ended.code()),
        (Some(4), Some("nothing-to-log-in-to"))
    );
    assert!(ended.hint().unwrap().contains("claude"), "{}", ended.stderr);
    let ended = machine.keyrule(&["login", "api-key"]).end();
    assert_eq!((ended.exit, ended.code()), (Some(2), Some("no-login")));
    let ended = machine.keyrule(&["login", "nothing"]).end();
    assert_eq!(
        (ended.exit, ended.code()),
        (Some(2), Some("unknown-source"))
    );
}

fn accounts_stay_beside_each_other() {
    let provider = Provider::start();
    let machine = machine(&provider);
    log_in(&machine, "alice");
    let alice = token(&machine);
    log_in(&machine, "bob");
    let bob = token(&machine);
    assert_ne!(alice, bob);
    assert!(provider.accepts(&alice) && provider.accepts(&bob));
    let arguments = ["--policy", "test-login", "login", "work", "--use"];
    let select = |account: &str| {
        let arguments = [&arguments[..], &[account]].concat();
        machine.keyrule(&arguments).end()
    };
    let ended = select("alice@acme.example");
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    assert!(
        ended
            .stderr
            .starts_with("`work` now uses `alice@acme.example`"),
        "{}",
        ended.stderr
    );
    assert_eq!(token(&machine), alice);
    select("carol").fails(
        4,
        "no-such-account",
        "logged in: `alice@acme.example` and `bob@other.example`",
    );
    assert_eq!(token(&machine), alice);
    // The issuer is told whose login is wanted.
    let ended = with_browser(
        &machine,
        machine.keyrule(&["--policy", "test-login", "login", "--account", "carol"]),
    );
    machine.users(
        "home/bin/browser",
        "#!/bin/sh\nexec curl --disable --silent --location --noproxy '*' --cookie-jar ~/jar \
         --cookie ~/jar --output ~/page \"$1\"\n",
    );
    machine.mode("home/bin/browser", 0o755);
    let ended = ended.end();
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    assert!(
        ended.stderr.contains("as `carol@acme.example`"),
        "{}",
        ended.stderr
    );
}

/// A policy whose login ends in a key.
pub(crate) fn console(provider: &Provider) -> String {
    let issuer = provider.issuer();
    let key = format!("key = {{ url = \"{issuer}/keys\", field = \"key\" }}");
    provider.policy(&key, "").replace(
        "kind = \"login\"\nlogin = \"work\"",
        "kind = \"stored-key\"\nkey = \"work\"",
    )
}

fn a_login_ends_in_a_key() {
    let provider = Provider::start();
    let machine = Machine::new();
    machine.users("home/.config/keyrule/test-login.toml", console(&provider));
    log_in(&machine, "alice");
    assert!(token(&machine).starts_with("s3cr3t-key-alice-"));
    assert_eq!(provider.count("/keys/ok"), 1);
    // Of the login itself nothing is left, here or there.
    assert_eq!(provider.count("/revocation/ok"), 2);
    assert!(!machine.read(STORE).contains("refresh_token"));
    assert!(status(&machine).contains("key"));
}

fn an_issuer_that_is_gone_is_named() {
    let mut provider = Provider::start();
    let machine = machine(&provider);
    provider.stop();
    let ended = machine.keyrule(&["--policy", "test-login", "login"]).end();
    assert_eq!(
        (ended.exit, ended.code()),
        (Some(1), Some("issuer-unreachable"))
    );
    assert!(ended.stderr.contains(provider.issuer()), "{}", ended.stderr);
}

fn a_login_is_offered_where_it_would_help() {
    let provider = Provider::start();
    for command in [
        "x=$(keyrule --policy test-login token); test -n \"$x\" && echo got one",
        "keyrule --policy test-login headers >~/out && echo got one",
        "keyrule --policy test-login exec -- sh -c 'test -n \"$TEST_TOKEN\" && echo got one'",
    ] {
        let machine = machine(&provider);
        browser(&machine, "alice");
        let terminal = at_terminal(&machine, command);
        let question = terminal.wait_for("Log in to `work` now?");
        assert!(question.contains("not logged in"), "{question}");
        terminal.press("Enter");
        let screen = terminal.wait_for("DONE 0");
        assert!(screen.contains("\ngot one\n"), "{screen}");
        assert!(!screen.contains(CANARY), "{screen}");
        assert!(provider.accepts(&token(&machine)));
    }
    let machine = machine(&provider);
    let terminal = at_terminal(&machine, "keyrule --policy test-login token");
    terminal.wait_for("Log in to `work` now?");
    terminal.type_in("n");
    terminal.press("Enter");
    let screen = terminal.wait_for("DONE 4");
    assert!(screen.contains("error[nothing-usable]"), "{screen}");
    nothing_is_kept(&machine);
}

fn what_was_typed_ahead_declines_no_offer() {
    let provider = Provider::start();
    let machine = machine(&provider);
    browser(&machine, "alice");
    let terminal = at_terminal(
        &machine,
        "echo ready; sleep 1; keyrule --policy test-login token >~/out",
    );
    terminal.wait_for("ready");
    terminal.type_in("n");
    terminal.press("Enter");
    terminal.wait_for("Log in to `work` now?");
    terminal.press("Enter");
    terminal.wait_for("DONE 0");
    assert!(provider.accepts(machine.read("home/out").trim_end()));
}

fn no_login_is_offered_where_nobody_answers() {
    let provider = Provider::start();
    let machine = machine(&provider);
    let terminal = at_terminal(
        &machine,
        "keyrule --policy test-login --non-interactive token; echo exit $?; \
         keyrule --policy test-login token </dev/null; echo exit $?; \
         keyrule --policy test-login token 2>~/said; echo exit $?",
    );
    let screen = terminal.wait_for("DONE");
    assert_eq!(screen.matches("exit 4").count(), 3, "{screen}");
    assert!(!screen.contains("now?"), "{screen}");
    assert_eq!(provider.counts()["discovery"], serde_json::json!({}));
}

fn nothing_that_is_said_or_run_holds_a_token() {
    let provider = Provider::with(&[("DELAY_BEFORE", "300")]);
    let machine = machine(&provider);
    browser(&machine, "alice");
    let mut lines = String::new();
    for arguments in [
        &["login"][..],
        &["login", "--json"],
        &["status"],
        &["login", "--use", "alice@acme.example"],
        &["logout", "--json"],
    ] {
        let arguments = [&["--policy", "test-login", "-v"], arguments].concat();
        let run = machine.keyrule(&arguments).variable("KEYRULE_LOG", "trace");
        let child = with_browser(&machine, run).start();
        lines.push_str(&command_lines(&machine));
        let ended = Ended::of(&machine, child.wait_with_output().unwrap());
        assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
        ended.keeps_secrets();
        assert!(!ended.stderr.contains("code="), "{}", ended.stderr);
    }
    assert!(lines.contains("keyrule"), "{lines}");
    assert!(!lines.contains(CANARY), "{lines}");
}

/// The arguments of all that the user runs, as long as a login takes.
fn command_lines(machine: &Machine) -> String {
    let mut lines = String::new();
    for _ in 0..40 {
        for process in machine.processes() {
            let line = fs::read(process.join("cmdline")).unwrap_or_default();
            lines.push_str(&String::from_utf8_lossy(&line).replace('\0', " "));
            lines.push('\n');
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    lines
}
