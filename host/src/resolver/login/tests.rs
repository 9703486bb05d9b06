//! Logins that never come to an issuer: its endpoints stand in the policy, so
//! that nothing is asked before somebody comes back.

use std::pin::Pin;
use std::sync::Mutex;

use super::*;
use crate::ambient::Ambient;
use crate::secret::Secret;

const POLICY: &str = r#"
name = "sample"
[[issuer]]
id = "test"
url = "http://127.0.0.1:9"
client-id = "cli"
scopes = ["openid"]
endpoints = { authorization = "http://127.0.0.1:9/auth", token = "http://127.0.0.1:9/token" }
[[source]]
id = "work"
kind = "login"
login = "stored"
issuer = "test"
headers = { Authorization = "Bearer {secret}" }
endpoint = { default = "http://127.0.0.1:9" }
surfaces = ["terminal"]
[[source]]
id = "key"
kind = "environment"
variable = "KEY"
headers = { Authorization = "Bearer {secret}" }
endpoint = { default = "https://a.test" }
surfaces = ["terminal"]
"#;

/// Does these things in turn, and writes down what happens.
#[derive(Debug, Default)]
struct Script {
    inputs: Mutex<Vec<Input>>,
    log: Mutex<Vec<String>>,
}

impl Script {
    fn of(inputs: Vec<Input>) -> Self {
        Self {
            inputs: Mutex::new(inputs),
            ..Self::default()
        }
    }

    fn log(&self, word: &str) {
        self.log.lock().unwrap().push(word.to_owned());
    }

    fn seen(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}

impl LoginUi for Script {
    fn show(&self, visit: &Visit) {
        assert!(!format!("{visit:?}").contains("state"));
        self.log(&format!("show {:?} {}", visit.way, visit.offers_device));
    }

    fn input(&self) -> Pin<Box<dyn Future<Output = Input> + Send + '_>> {
        Box::pin(async {
            let next = self.inputs.lock().unwrap().pop();
            match next {
                Some(input) => input,
                None => std::future::pending().await,
            }
        })
    }

    fn note(&self, _words: &str) {
        self.log("note");
    }

    fn done(&self) {
        self.log("done");
    }
}

fn code(home: &std::path::Path, source: Option<&str>, patience: u64, ui: &Script) -> &'static str {
    let mut ambient = Ambient::empty();
    ambient.home = Some(home.to_path_buf());
    let mut resolver = Resolver::hermetic("sample")
        .document(wit::DocumentOrigin::User, "sample.toml", POLICY)
        .ambient(ambient)
        .build()
        .unwrap();
    let options = LoginOptions {
        patience: Duration::from_millis(patience),
        ..LoginOptions::default()
    };
    let error = resolver.login_blocking(source, &options, ui).unwrap_err();
    // Nothing is left behind.
    assert_eq!(std::fs::read_dir(home).unwrap().count(), 0);
    error.code()
}

#[test]
fn who_does_not_come_back_is_not_waited_for_for_ever() {
    let home = tempfile::tempdir().unwrap();
    let ui = Script::default();
    assert_eq!(code(home.path(), None, 50, &ui), "login-timed-out");
    assert_eq!(ui.seen(), ["show Browser false", "done"]);
}

#[test]
fn a_wrong_paste_is_noted_and_leaving_ends_it() {
    let home = tempfile::tempdir().unwrap();
    // The last one comes first.
    let ui = Script::of(vec![
        Input::Cancel,
        Input::Device,
        Input::Pasted(Secret::new("s3cr3t-code#of-another-login")),
    ]);
    assert_eq!(code(home.path(), Some("work"), 60_000, &ui), "cancelled");
    assert_eq!(ui.seen(), ["show Browser false", "note", "done"]);
}

#[test]
fn a_source_goes_by_its_name_or_that_of_its_login() {
    let home = tempfile::tempdir().unwrap();
    for (source, expected) in [
        ("work", "cancelled"),
        ("stored", "cancelled"),
        ("key", "no-login"),
        ("other", "unknown-source"),
    ] {
        let ui = Script::of(vec![Input::Cancel]);
        assert_eq!(code(home.path(), Some(source), 60_000, &ui), expected);
    }
}
