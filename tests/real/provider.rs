//! A real OpenID provider on loopback, one for each test that wants it:
//! `tests/provider`, which runs on node. What goes in are its options; what
//! comes out are logins, and how often it was asked for what. It ends with
//! the test, whatever becomes of that.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::machine::{Machine, skip};

crate::tests![
    a_refresh_token_that_is_used_twice_costs_the_whole_grant,
    a_device_is_confirmed_or_refused,
    the_token_endpoint_fails_as_the_options_say,
    an_inserted_login_is_used,
    nobody_answers_once_the_provider_has_ended,
];

/// Where `Provider::insert` puts a login: the store of a policy whose tool
/// has no folder of its own.
pub(crate) const STORE: &str = "home/.local/state/keyrule/.credentials.keyrule.json";

/// The pair that RFC 7636 publishes, appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A running provider.
#[derive(Debug)]
pub(crate) struct Provider {
    child: Child,
    /// The provider ends when this is closed, even where we are killed.
    _stdin: ChildStdin,
    issuer: String,
}

/// What a browser came to.
#[derive(Debug)]
pub(crate) struct Page {
    /// The address of the last page.
    pub url: String,
    /// Its status, or 0 where nobody answers there.
    pub status: u16,
    /// All of it.
    pub text: String,
}

impl Provider {
    /// With access tokens of five minutes.
    pub(crate) fn start() -> Self {
        Self::with(&[])
    }

    /// With these options; `tests/provider/options.mjs` lists them.
    pub(crate) fn with(options: &[(&str, &str)]) -> Self {
        let folder = folder();
        if !folder.join("node_modules/oidc-provider").exists() {
            skip("`npm ci` was not run in `tests/provider`");
        }
        let spawned = Command::new("node")
            .arg(folder.join("server.mjs"))
            .arg("0")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("ENDS_WITH_STDIN", "yes")
            .envs(options.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let Ok(mut child) = spawned else {
            skip("`node` is missing");
        };
        let stdin = child.stdin.take().unwrap();
        let stdout = child.stdout.take().unwrap();
        let (sender, receiver) = mpsc::channel();
        std::thread::spawn(move || {
            let mut stdout = BufReader::new(stdout);
            let mut line = String::new();
            let _ = stdout.read_line(&mut line);
            let _ = sender.send(line);
            // So that it never waits for us.
            let _ = stdout.read_to_end(&mut Vec::new());
        });
        let line = receiver
            .recv_timeout(Duration::from_secs(30))
            .unwrap_or_default();
        let mut provider = Self {
            child,
            _stdin: stdin,
            issuer: String::new(),
        };
        let issuer = line.trim_end().strip_prefix("ISSUER ");
        provider.issuer = issuer.expect("the provider starts").to_owned();
        provider
    }

    /// Its identifier, which is its origin too.
    pub(crate) fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Ends it: from now on nobody answers there.
    pub(crate) fn stop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// A policy `test-login` with one login `work` of this provider's, which
    /// may be used in every session. The lines go into the issuer's table and
    /// after the source.
    pub(crate) fn policy(&self, in_issuer: &str, at_the_end: &str) -> String {
        let issuer = &self.issuer;
        format!(
            r#"name = "test-login"

[[issuer]]
id = "test"
url = "{issuer}"
client-id = "cli"
scopes = ["openid", "offline_access"]
parameters = {{ prompt = "consent" }}
{in_issuer}

[[source]]
id = "work"
kind = "login"
login = "work"
issuer = "test"
organization-claim = "org"
headers = {{ Authorization = "Bearer {{secret}}" }}
export = {{ TEST_TOKEN = "{{secret}}" }}
endpoint = {{ default = "{issuer}" }}
surfaces = ["terminal", "desktop", "remote", "web"]
{at_the_end}
"#
        )
    }

    /// Makes that policy the user's own.
    pub(crate) fn install(&self, machine: &Machine) {
        machine.users("home/.config/keyrule/test-login.toml", self.policy("", ""));
    }

    /// Changes options while it runs.
    pub(crate) fn options(&self, options: &[(&str, &str)]) {
        let pairs: Vec<_> = options
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let path = format!("/harness/options?{}", pairs.join("&"));
        let page = self.post(&path, &[]);
        assert_eq!(page.status, 200, "{}", page.text);
    }

    /// How often what was asked for, all of it.
    pub(crate) fn counts(&self) -> Value {
        let page = Browser::new().open(&format!("{}/harness/counts", self.issuer));
        serde_json::from_str(&page.text).expect("counts")
    }

    /// How often one thing happened: `/token/refresh_token/ok`,
    /// `/userinfo/ok`, `/token/refresh_token/invalid_grant`.
    pub(crate) fn count(&self, pointer: &str) -> u64 {
        let counts = self.counts();
        counts.pointer(pointer).and_then(Value::as_u64).unwrap_or(0)
    }

    /// All that happened to refresh tokens, as a line: `invalid_grant 1, ok 2`.
    pub(crate) fn refreshes(&self) -> String {
        let counts = self.counts();
        let results = counts["token"]["refresh_token"].as_object().unwrap();
        let lines: Vec<_> = results
            .iter()
            .map(|(result, count)| format!("{result} {count}"))
            .collect();
        lines.join(", ")
    }

    /// Counts from nothing again.
    pub(crate) fn forget_counts(&self) {
        assert_eq!(self.post("/harness/counts", &[]).status, 200);
    }

    /// Confirms the code that a device shows, as this account.
    pub(crate) fn confirm(&self, user_code: &str, account: &str) {
        let path = format!("/harness/device?user_code={user_code}&account={account}");
        let page = self.post(&path, &[]);
        assert_eq!(page.status, 200, "{}", page.text);
    }

    /// Refuses the code that a device shows.
    pub(crate) fn refuse(&self, user_code: &str) {
        let path = format!("/harness/device?user_code={user_code}&deny=yes");
        let page = self.post(&path, &[]);
        assert_eq!(page.status, 200, "{}", page.text);
    }

    /// Whether the provider takes this access token: what its own service
    /// says to it.
    pub(crate) fn accepts(&self, token: &str) -> bool {
        let header = format!("Authorization: Bearer {token}");
        let address = format!("{}/api", self.issuer);
        let page = Browser::new().run(&["--header", &header, &address]);
        page.status == 200
    }

    /// Sends a form to the provider.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let address = format!("{}{path}", self.issuer);
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut arguments = vec!["--request", "POST", &address];
        for field in &fields {
            arguments.extend(["--data-urlencode", field]);
        }
        Browser::new().run(&arguments)
    }

    /// The tokens of a new login of this account, as the provider gives them:
    /// by a code and PKCE, without the program.
    pub(crate) fn tokens(&self, account: &str) -> Value {
        let back = format!("{}/harness/code", self.issuer);
        let page = Browser::of(account).open(&format!(
            "{}/auth?client_id=cli&response_type=code&scope=openid%20offline_access\
             &prompt=consent&code_challenge={CHALLENGE}&code_challenge_method=S256\
             &login_hint={account}&redirect_uri={back}",
            self.issuer
        ));
        let (_, rest) = page.url.split_once("code=").expect("a code");
        let code = rest.split('&').next().unwrap();
        let fields = [
            ("grant_type", "authorization_code"),
            ("client_id", "cli"),
            ("code", code),
            ("code_verifier", VERIFIER),
            ("redirect_uri", &back),
        ];
        let page = self.post("/token", &fields);
        serde_json::from_str(&page.text).expect("tokens")
    }

    /// Puts a new login `work` of this account into the store, as
    /// `keyrule login` would, in place of everything that is there. Its access
    /// token ends in so many seconds as the store has it, which need not be
    /// when it ends at the provider.
    pub(crate) fn insert(&self, machine: &Machine, account: &str, ends_in: i64) {
        self.insert_as(&self.kept_as("work"), machine, account, ends_in);
    }

    /// The same, kept under this name.
    pub(crate) fn insert_as(&self, name: &str, machine: &Machine, account: &str, ends_in: i64) {
        let tokens = self.tokens(account);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let now = i64::try_from(now.as_secs()).unwrap();
        let (mail, organization) = match account {
            "bob" => ("bob@other.example".to_owned(), "other"),
            _ => (format!("{account}@acme.example"), "acme"),
        };
        let login = json!({
            "access_token": tokens["access_token"],
            "refresh_token": tokens["refresh_token"],
            "obtained_at": now,
            "expires_at": now + ends_in,
            "client_id": "cli",
            "owner": {
                "issuer": self.issuer,
                "account": mail,
                "claims": { "sub": account, "email": mail, "org": organization },
            },
        });
        let accounts = json!({ "selected": mail, "accounts": { (mail.as_str()): login } });
        let store = json!({ "keyrule": { "version": 1, "logins": { (name): accounts } } });
        machine.users(STORE, store.to_string());
        machine.mode("home/.local/state/keyrule", 0o700);
    }
}

impl Provider {
    /// The name that a login of this provider is kept under.
    pub(crate) fn kept_as(&self, login: &str) -> String {
        format!("{login} @ {} @ cli", self.issuer)
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A browser without a window: it follows redirects and keeps cookies, runs
/// no scripts, and is forgotten when it is dropped.
#[derive(Debug)]
pub(crate) struct Browser {
    folder: tempfile::TempDir,
    account: Option<String>,
}

impl Browser {
    /// Nobody is logged in; who does is what the request says, or the
    /// provider's options.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            account: None,
        }
    }

    /// Whoever asks, this account logs in.
    pub(crate) fn of(account: &str) -> Self {
        Self {
            account: Some(account.to_owned()),
            ..Self::new()
        }
    }

    /// Goes to an address, and wherever that leads.
    pub(crate) fn open(&self, address: &str) -> Page {
        self.run(&["--location", address])
    }

    /// The same with other arguments of curl's.
    pub(crate) fn run(&self, arguments: &[&str]) -> Page {
        let jar = self.folder.path().join("cookies");
        let body = self.folder.path().join("body");
        let mut command = Command::new("curl");
        command
            .args([
                "--disable",
                "--silent",
                "--noproxy",
                "*",
                "--max-time",
                "60",
            ])
            .args(["--write-out", "%{http_code} %{url_effective}"])
            .arg("--cookie-jar")
            .arg(&jar)
            .arg("--cookie")
            .arg(&jar)
            .arg("--output")
            .arg(&body);
        if let Some(account) = &self.account {
            command.args(["--cookie", &format!("account={account}")]);
        }
        let Ok(output) = command.args(arguments).output() else {
            skip("`curl` is missing");
        };
        let said = String::from_utf8_lossy(&output.stdout);
        let (status, url) = said.split_once(' ').unwrap_or(("0", ""));
        Page {
            url: url.to_owned(),
            status: status.parse().unwrap_or(0),
            text: std::fs::read_to_string(&body).unwrap_or_default(),
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("provider")
}

/// How a device asks.
fn device(provider: &Provider) -> Value {
    let scope = ("scope", "openid offline_access");
    let page = provider.post("/device/auth", &[("client_id", "cli"), scope]);
    serde_json::from_str(&page.text).expect("a device's code")
}

fn poll(provider: &Provider, code: &Value) -> Page {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let code = code["device_code"].as_str().unwrap();
    let fields = [
        ("client_id", "cli"),
        ("grant_type", grant),
        ("device_code", code),
    ];
    provider.post("/token", &fields)
}

fn refresh(provider: &Provider, tokens: &Value) -> Page {
    let token = tokens["refresh_token"].as_str().unwrap();
    let fields = [
        ("client_id", "cli"),
        ("grant_type", "refresh_token"),
        ("refresh_token", token),
    ];
    provider.post("/token", &fields)
}

fn a_refresh_token_that_is_used_twice_costs_the_whole_grant() {
    let provider = Provider::start();
    let tokens = provider.tokens("alice");
    let access = tokens["access_token"].as_str().unwrap();
    assert!(access.starts_with(crate::machine::CANARY));
    assert!(provider.accepts(access));
    let page = refresh(&provider, &tokens);
    let newer: Value = serde_json::from_str(&page.text).unwrap();
    assert!(provider.accepts(newer["access_token"].as_str().unwrap()));
    assert_eq!(refresh(&provider, &tokens).status, 400);
    assert!(!provider.accepts(newer["access_token"].as_str().unwrap()));
    assert_eq!(refresh(&provider, &newer).status, 400);
    assert_eq!(provider.refreshes(), "invalid_grant 2, ok 1");
    assert_eq!(provider.count("/token/authorization_code/ok"), 1);
    assert_eq!(provider.count("/api/401"), 1);
    provider.forget_counts();
    assert_eq!(provider.refreshes(), "");
}

fn a_device_is_confirmed_or_refused() {
    let provider = Provider::start();
    let code = device(&provider);
    assert!(
        poll(&provider, &code)
            .text
            .contains("authorization_pending")
    );
    provider.confirm(code["user_code"].as_str().unwrap(), "bob");
    assert_eq!(poll(&provider, &code).status, 200);
    let code = device(&provider);
    provider.refuse(code["user_code"].as_str().unwrap());
    assert!(poll(&provider, &code).text.contains("access_denied"));
}

fn the_token_endpoint_fails_as_the_options_say() {
    let provider = Provider::with(&[("TOKEN_FAILS", "503")]);
    provider.options(&[("TOKEN_FAILS", "")]);
    let tokens = provider.tokens("alice");
    provider.options(&[("TOKEN_FAILS", "503")]);
    assert_eq!(refresh(&provider, &tokens).status, 503);
    provider.options(&[("TOKEN_FAILS", ""), ("TOKEN_HANGS_UP", "yes")]);
    assert_eq!(refresh(&provider, &tokens).status, 0);
    provider.options(&[("TOKEN_HANGS_UP", "")]);
    // It was consumed all the same.
    assert_eq!(refresh(&provider, &tokens).status, 400);
}

fn an_inserted_login_is_used() {
    let provider = Provider::start();
    let machine = Machine::new();
    provider.install(&machine);
    provider.insert(&machine, "alice", 300);
    let ended = machine.keyrule(&["--policy", "test-login", "token"]).end();
    assert_eq!((ended.exit, ended.stderr.as_str()), (Some(0), ""));
    assert!(provider.accepts(ended.stdout.trim_end()));
}

fn nobody_answers_once_the_provider_has_ended() {
    let mut provider = Provider::start();
    let address = provider.issuer().to_owned();
    provider.stop();
    assert_eq!(Browser::new().open(&address).status, 0);
}
