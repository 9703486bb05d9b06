//! Logins that end while they are used, at a provider that takes a refresh
//! token once and ends everything when it sees one twice: by many processes
//! at a time, by processes that are killed, by a provider that fails. In the
//! long form, which `tests/figures` asks for by `KEYRULE_FIGURES=long`, the
//! same more often, and each says what came of it.

use std::fs;
use std::process::Child;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use keyrule::Resolver;
use keyrule::ambient::Ambient;
use keyrule_contract::DocumentOrigin;
use serde_json::Value;

use crate::machine::{Ended, Machine, skip, within};
use crate::provider::{Provider, STORE};

crate::tests![
    one_expiry_costs_one_refresh_however_many_want_the_login,
    a_renewal_that_is_killed_loses_no_login,
    a_login_that_is_not_due_opens_no_socket,
    a_rejected_token_is_renewed_once,
    many_threads_of_a_library_renew_once_for_one_expiry_and_one_rejection,
    a_provider_that_fails_costs_no_login,
    what_has_not_ended_serves_while_the_provider_fails,
    an_answer_that_never_comes_costs_one_login_and_says_so,
    an_interrupt_ends_us_when_the_answer_is_kept,
    an_interrupt_ends_us_at_once_while_somebody_else_renews,
    one_that_is_killed_while_it_renews_blocks_nobody,
    one_that_stands_still_is_not_waited_for_while_the_login_serves,
    a_full_disk_is_noticed_before_the_provider_is_asked,
];

/// What is counted with: few times in the short form, many in the long one.
fn times(short: usize, long: usize) -> usize {
    if is_long() { long } else { short }
}

fn is_long() -> bool {
    std::env::var_os("KEYRULE_FIGURES").is_some_and(|form| form == "long")
}

#[allow(clippy::print_stdout, reason = "a figure is printed")]
fn figure(words: &str) {
    if is_long() {
        println!("  {words}");
    }
}

/// A machine whose user is logged in, and has been for too long.
fn ended_login(provider: &Provider) -> Machine {
    let machine = Machine::new();
    provider.install(&machine);
    log_in(provider, &machine, -100);
    machine
}

fn log_in(provider: &Provider, machine: &Machine, ends_in: i64) {
    provider.insert(machine, "alice", ends_in);
    provider.forget_counts();
}

/// What the store has of the one login: access token, refresh token, and
/// whether it is known to have ended. A store that is not whole is a failure.
#[track_caller]
fn kept(machine: &Machine) -> (String, String, bool) {
    let text = machine.read(STORE);
    let store: Value = serde_json::from_str(&text).expect("the store is whole");
    let login = login(&store).expect("the login is kept");
    let token = |name: &str| login[name].as_str().expect("a token is kept").to_owned();
    let ended = login["ended"].as_bool().unwrap_or(false);
    (token("access_token"), token("refresh_token"), ended)
}

fn login(store: &Value) -> Option<&Value> {
    let logins = store.pointer("/keyrule/logins")?.as_object()?;
    let accounts = logins.values().next()?["accounts"].as_object()?;
    accounts.values().next()
}

/// Lets the access token end in so many seconds, as the store has it.
fn let_it_end(machine: &Machine, seconds: i64) {
    let mut store: Value = serde_json::from_str(&machine.read(STORE)).unwrap();
    let logins = store.pointer_mut("/keyrule/logins").unwrap();
    let logins = logins.as_object_mut().unwrap();
    let accounts = &mut logins.values_mut().next().unwrap()["accounts"];
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i64::try_from(now.as_secs()).unwrap();
    for login in accounts.as_object_mut().unwrap().values_mut() {
        login["obtained_at"] = (now + seconds - 3600).into();
        login["expires_at"] = (now + seconds).into();
    }
    machine.users(STORE, store.to_string());
}

const TOKEN: &[&str] = &["--policy", "test-login", "token"];

fn token(machine: &Machine) -> Ended {
    machine.keyrule(TOKEN).end()
}

/// It printed a token that the provider takes.
#[track_caller]
fn succeeds(provider: &Provider, ended: &Ended) {
    assert_eq!((ended.exit, ended.stderr.as_str()), (Some(0), ""));
    assert!(provider.accepts(ended.stdout.trim_end()), "{ended:?}");
}

const LOG_IN: &str = "log in: `keyrule --policy test-login login work`";

fn ended_of(machine: &Machine, child: Child) -> Ended {
    Ended::of(machine, child.wait_with_output().unwrap())
}

fn signal(child: &Child, name: &str) {
    let id = child.id().to_string();
    let sent = std::process::Command::new("kill")
        .args([name, &id])
        .status();
    assert!(sent.unwrap().success());
}

fn one_expiry_costs_one_refresh_however_many_want_the_login() {
    let provider = Provider::start();
    let machine = ended_login(&provider);
    let rounds = times(3, 50);
    let processes = 64;
    for round in 0..rounds {
        // In every other round nobody is done before all have started.
        let delay = if round % 2 == 0 { "0" } else { "1500" };
        provider.options(&[("DELAY_BEFORE", delay)]);
        provider.forget_counts();
        let_it_end(&machine, -100);
        let children: Vec<_> = (0..processes)
            .map(|_| machine.keyrule(TOKEN).start())
            .collect();
        let all: Vec<_> = children
            .into_iter()
            .map(|child| ended_of(&machine, child))
            .collect();
        assert_eq!(provider.refreshes(), "ok 1", "round {round}");
        succeeds(&provider, &all[0]);
        for ended in &all {
            ended.gives(&all[0].stdout);
        }
    }
    figure(&format!(
        "{processes} processes, one expiry, {rounds} times: one refresh and {processes} successes each time"
    ));
}

/// Numbers that look random; the first one says where they begin.
struct Random(u64);

impl Random {
    fn new() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self(u64::from(now.subsec_nanos()) | 1)
    }

    /// Below the limit (xorshift).
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// How many refresh tokens the provider has taken, once it rests.
fn taken(provider: &Provider) -> u64 {
    let mut before = provider.count("/token/refresh_token/ok");
    loop {
        std::thread::sleep(Duration::from_millis(20));
        let now = provider.count("/token/refresh_token/ok");
        if now == before {
            return now;
        }
        before = now;
    }
}

fn a_renewal_that_is_killed_loses_no_login() {
    // The moments in which it matters are made longer.
    let provider = Provider::with(&[("DELAY_BEFORE", "10")]);
    let machine = ended_login(&provider);
    let whole = Instant::now();
    succeeds(&provider, &token(&machine));
    let whole = u64::try_from(whole.elapsed().as_micros()).unwrap();
    let mut random = Random::new();
    let moments = times(50, 1000);
    let (mut before_it, mut lost, mut after_it) = (0, 0, 0);
    for moment in 0..moments {
        let_it_end(&machine, -100);
        provider.forget_counts();
        let old = kept(&machine);
        let mut child = machine.keyrule(TOKEN).start();
        std::thread::sleep(Duration::from_micros(random.below(whole)));
        child.kill().unwrap();
        child.wait().unwrap();
        let (taken, now) = (taken(&provider), kept(&machine));
        assert!(!now.2, "moment {moment}");
        match (taken, now == old) {
            (0, true) => {
                before_it += 1;
                succeeds(&provider, &token(&machine));
                assert_eq!(provider.refreshes(), "ok 1");
            }
            (1, false) => {
                after_it += 1;
                let next = token(&machine);
                succeeds(&provider, &next);
                assert_eq!(next.stdout.trim_end(), now.0);
                assert_eq!(provider.refreshes(), "ok 1");
            }
            (1, true) => {
                lost += 1;
                token(&machine).fails(1, "source-failed", LOG_IN);
                assert!(kept(&machine).2);
                log_in(&provider, &machine, -100);
            }
            (taken, same) => panic!("moment {moment}: {taken} taken, kept the same: {same}"),
        }
    }
    figure(&format!(
        "kill -9 at {moments} random moments: {before_it} before the provider was asked and \
         {after_it} after the answer was kept, the next succeeds each time; {lost} between the \
         two, where the provider had taken the token, and a login is asked for"
    ));
}

fn a_login_that_is_not_due_opens_no_socket() {
    if !fs::exists("/usr/bin/strace").unwrap() {
        skip("`/usr/bin/strace` is missing");
    }
    let provider = Provider::start();
    let machine = ended_login(&provider);
    log_in(&provider, &machine, 300);
    let trace = |output: &str| {
        let output = machine.path(&format!("home/{output}"));
        let strace = format!(
            "/usr/bin/strace -f -qq -e trace=network -o {}",
            output.display()
        );
        let words: Vec<_> = strace.split(' ').collect();
        let ended = machine.keyrule(TOKEN).under(&words).end();
        let calls = fs::read_to_string(output).unwrap();
        // A pair of sockets leads nowhere: signals arrive by it.
        let sockets = calls
            .lines()
            .filter(|call| call.contains("socket(") || call.contains("connect("))
            .count();
        (ended, sockets)
    };
    let (ended, sockets) = trace("valid");
    succeeds(&provider, &ended);
    assert_eq!(sockets, 0);
    // It would be seen if one were opened.
    let_it_end(&machine, -100);
    let (ended, sockets) = trace("ended");
    succeeds(&provider, &ended);
    assert!(sockets > 0);
}

fn a_rejected_token_is_renewed_once() {
    let provider = Provider::start();
    let machine = ended_login(&provider);
    log_in(&provider, &machine, 300);
    let first = token(&machine);
    let rejected: Vec<&str> = TOKEN.iter().copied().chain(["--rejected"]).collect();
    let second = machine.keyrule(&rejected).end();
    succeeds(&provider, &second);
    assert_ne!(first.stdout, second.stdout);
    token(&machine).gives(&second.stdout);
    assert_eq!(provider.refreshes(), "ok 1");
}

fn many_threads_of_a_library_renew_once_for_one_expiry_and_one_rejection() {
    let provider = Provider::start();
    let mut machine = Machine::new();
    // The library runs in this process, and so as root.
    machine.user = 0;
    log_in(&provider, &machine, -100);
    let mut ambient = Ambient::empty();
    ambient.home = Some(machine.path("home"));
    let policy = provider.policy("", "");
    let resolvers = (0..16).map(|_| {
        let resolver = Resolver::hermetic("test-login")
            .document(DocumentOrigin::User, "user.toml", &policy)
            .ambient(ambient.clone());
        resolver.build().unwrap()
    });
    let mut resolvers: Vec<_> = resolvers.collect();
    for (refreshes, rejected) in [("ok 1", false), ("ok 1", false), ("ok 2", true)] {
        let tokens: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = resolvers
                .iter_mut()
                .map(|resolver| {
                    scope.spawn(move || {
                        if rejected {
                            resolver.invalidate();
                        }
                        let resolution = resolver.resolve_blocking().unwrap();
                        resolution.credential.token().unwrap().to_owned()
                    })
                })
                .collect();
            let tokens = threads.into_iter().map(|thread| thread.join().unwrap());
            tokens.collect()
        });
        assert_eq!(provider.refreshes(), refreshes);
        assert!(provider.accepts(&tokens[0]));
        assert!(tokens.iter().all(|token| *token == tokens[0]));
    }
}

fn a_provider_that_fails_costs_no_login() {
    let mut provider = Provider::start();
    let machine = ended_login(&provider);
    let before = kept(&machine);
    for status in ["400", "401", "403", "404", "429", "500", "503", "200"] {
        provider.options(&[("TOKEN_FAILS", status)]);
        let ended = token(&machine);
        assert_eq!(
            (ended.exit, ended.stdout.as_str()),
            (Some(1), ""),
            "{status}"
        );
        assert_eq!(ended.code(), Some("source-failed"), "{status}");
        assert_eq!(kept(&machine), before, "{status}");
    }
    provider.options(&[("TOKEN_FAILS", ""), ("DELAY_BEFORE", "3000")]);
    let ended = machine
        .keyrule(TOKEN)
        .variable("KEYRULE_HTTP_TIMEOUT", "1")
        .end();
    assert_eq!((ended.exit, ended.stdout.as_str()), (Some(1), ""));
    assert_eq!(kept(&machine), before);
    provider.options(&[("DELAY_BEFORE", "0")]);
    log_in(&provider, &machine, -100);
    succeeds(&provider, &token(&machine));
    let_it_end(&machine, -100);
    let before = kept(&machine);
    provider.stop();
    let ended = token(&machine);
    assert_eq!((ended.exit, ended.stdout.as_str()), (Some(1), ""));
    assert_eq!(kept(&machine), before);
}

fn what_has_not_ended_serves_while_the_provider_fails() {
    let provider = Provider::with(&[("TOKEN_FAILS", "")]);
    let machine = ended_login(&provider);
    let_it_end(&machine, 100);
    let (access, ..) = kept(&machine);
    provider.options(&[("TOKEN_FAILS", "503")]);
    let ended = token(&machine);
    assert_eq!(
        (ended.exit, ended.stdout.trim_end()),
        (Some(0), access.as_str())
    );
    let note = "warning: the login `work` could not be renewed, and is used for the ";
    assert!(ended.stderr.starts_with(note), "{}", ended.stderr);
    assert!(!ended.stderr.contains(&access), "{}", ended.stderr);
}

fn an_answer_that_never_comes_costs_one_login_and_says_so() {
    let provider = Provider::start();
    let machine = ended_login(&provider);
    provider.options(&[("TOKEN_HANGS_UP", "yes")]);
    let ended = token(&machine);
    assert_eq!((ended.exit, ended.stdout.as_str()), (Some(1), ""));
    provider.options(&[("TOKEN_HANGS_UP", "")]);
    token(&machine).fails(1, "source-failed", LOG_IN);
    // It is kept, and the provider is not asked again.
    assert!(kept(&machine).2);
    provider.forget_counts();
    token(&machine).fails(1, "source-failed", LOG_IN);
    assert_eq!(provider.refreshes(), "");
}

fn an_interrupt_ends_us_when_the_answer_is_kept() {
    for (name, number) in [("-INT", 2), ("-TERM", 15), ("-HUP", 1)] {
        let provider = Provider::start();
        let machine = ended_login(&provider);
        let old = kept(&machine);
        provider.options(&[("DELAY_AFTER", "1000")]);
        let child = machine.keyrule(TOKEN).start();
        assert!(within(20, || provider.refreshes() == "ok 1"));
        signal(&child, name);
        let ended = ended_of(&machine, child);
        assert_eq!((ended.signal, ended.stdout.as_str()), (Some(number), ""));
        let now = kept(&machine);
        assert_ne!(now, old);
        token(&machine).gives(&format!("{}\n", now.0));
        assert_eq!(provider.refreshes(), "ok 1");
    }
}

/// Starts a renewal that takes long, and waits until it is under way.
fn slow_renewal(provider: &Provider, machine: &Machine) -> Child {
    provider.options(&[("DELAY_BEFORE", "20000")]);
    let child = machine.keyrule(TOKEN).start();
    let lock = || {
        let names = fs::read_dir(machine.path("home/.local/state/keyrule")).unwrap();
        names
            .map(|name| name.unwrap().path())
            .filter(|path| path.to_string_lossy().contains("renewal"))
            .any(|path| fs::File::open(path).unwrap().try_lock().is_err())
    };
    assert!(within(20, lock));
    child
}

fn an_interrupt_ends_us_at_once_while_somebody_else_renews() {
    let provider = Provider::start();
    let machine = ended_login(&provider);
    let mut first = slow_renewal(&provider, &machine);
    let second = machine.keyrule(TOKEN).start();
    // Until it waits, and so listens.
    std::thread::sleep(Duration::from_secs(1));
    let start = Instant::now();
    signal(&second, "-INT");
    assert_eq!(ended_of(&machine, second).signal, Some(2));
    assert!(start.elapsed() < Duration::from_secs(10));
    first.kill().unwrap();
    first.wait().unwrap();
}

fn one_that_is_killed_while_it_renews_blocks_nobody() {
    let provider = Provider::start();
    let machine = ended_login(&provider);
    let mut first = slow_renewal(&provider, &machine);
    first.kill().unwrap();
    first.wait().unwrap();
    // What it sent is forgotten: the provider has it still, and waits.
    provider.options(&[("DELAY_BEFORE", "0")]);
    let start = Instant::now();
    succeeds(&provider, &token(&machine));
    assert!(start.elapsed() < Duration::from_secs(15));
}

fn one_that_stands_still_is_not_waited_for_while_the_login_serves() {
    let provider = Provider::start();
    let machine = ended_login(&provider);
    let_it_end(&machine, 200);
    let (access, ..) = kept(&machine);
    let mut first = slow_renewal(&provider, &machine);
    signal(&first, "-STOP");
    let ended = token(&machine);
    assert_eq!(
        (ended.exit, ended.stdout.trim_end()),
        (Some(0), access.as_str())
    );
    let why = "another process has been renewing it for 10 s, and is not done";
    let words = ended.stderr.replace("\n         ", " ");
    assert!(words.contains(why), "{words}");
    first.kill().unwrap();
    first.wait().unwrap();
}

fn a_full_disk_is_noticed_before_the_provider_is_asked() {
    let provider = Provider::start();
    let machine = ended_login(&provider);
    let mount = format!(
        "cp -r \"$ROOT/home/.local/state/keyrule\" \"$ROOT/before\"; \
         mount -t tmpfs -o size=1m,mode=0700,uid={user},gid={user} tmpfs \"$ROOT/home/.local\"; \
         mkdir -p \"$ROOT/home/.local/state\"; \
         cp -r \"$ROOT/before\" \"$ROOT/home/.local/state/keyrule\"; \
         chown -R {user}:{user} \"$ROOT/home/.local\"",
        user = machine.user
    );
    let line = "cp \"$STORE\" ~/before\n\
                cat /dev/zero >~/.local/fill 2>/dev/null\n\
                keyrule --policy test-login token; echo $?\n\
                rm ~/.local/fill\n\
                cmp \"$STORE\" ~/before && keyrule --policy test-login token";
    let ended = machine
        .shell(line)
        .after(&mount)
        .variable("STORE", machine.path(STORE))
        .end();
    assert_eq!(ended.exit, Some(0), "{ended:?}");
    let (code, token) = ended.stdout.split_once('\n').unwrap();
    assert_eq!(code, "1");
    assert!(provider.accepts(token.trim_end()));
    assert_eq!(provider.refreshes(), "ok 1");
    assert!(
        ended
            .stderr
            .contains("cannot be written: No space left on device"),
        "{ended:?}"
    );
}
