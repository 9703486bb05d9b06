use std::ffi::OsString;

use clap::Parser as _;

use super::*;
use crate::args::Arguments;
use crate::output::{Output, Streams};
use keyrule_system::environment::Ambient;

/// A home with a policy of the user's that has one source, a stored key. The
/// folder of managed policies is this machine's own, which here is empty.
struct World {
    home: tempfile::TempDir,
    ambient: Ambient,
}

/// What a command left behind.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    code: i32,
    output: String,
    words: String,
}

const POLICY: &str = r#"
name = "sample"

[[source]]
id = "work-key"
kind = "stored-key"
key = "work"
surfaces = ["terminal"]
headers = { X-Api-Key = "{secret}" }
endpoint = { default = "https://api.test" }
"#;

fn world() -> World {
    let home = tempfile::tempdir().unwrap();
    let config = home.path().join(".config/keyrule");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("sample.toml"), POLICY).unwrap();
    let mut ambient = Ambient::empty()
        .with_variable("APPDATA", home.path().join(".config").as_os_str())
        .with_variable("LOCALAPPDATA", home.path().join("state").as_os_str());
    ambient.home = Some(home.path().to_path_buf());
    ambient.current = Some(home.path().to_path_buf());
    World { home, ambient }
}

impl World {
    /// Runs a command where nothing is a terminal.
    fn run(&self, arguments: &[&str]) -> Left {
        self.left(|streams| {
            let arguments = ["keyrule", "--policy", "sample"].iter().chain(arguments);
            crate::run(arguments.map(OsString::from), self.ambient.clone(), streams)
        })
    }

    /// Adds what `input` holds.
    fn add(&self, name: &str, input: &[u8]) -> Left {
        self.left(|streams| {
            let arguments = ["keyrule", "--policy", "sample", "key", "add", name];
            let global = Arguments::try_parse_from(arguments).unwrap().global;
            let output = Output::new(streams, &global, &self.ambient);
            let mut context = Context {
                ambient: self.ambient.clone(),
                global,
                output,
                receipts: None,
            };
            match add_from(&mut context, name, || read(input)) {
                Ok(code) => code,
                Err(failure) => context.output.fail(&failure),
            }
        })
    }

    fn left(&self, run: impl FnOnce(&mut Streams<'_>) -> i32) -> Left {
        let (mut output, mut words) = (Vec::new(), Vec::new());
        let code = run(&mut Streams {
            input_is_terminal: false,
            output: &mut output,
            output_is_terminal: false,
            words: &mut words,
            words_is_terminal: false,
            width: None,
        });
        let home = self.home.path().to_str().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(home, "~");
        Left {
            code,
            output: text(output),
            words: text(words),
        }
    }

    fn token(&self) -> String {
        self.run(&["token"]).output
    }
}

fn left(code: i32, output: &str, words: &str) -> Left {
    Left {
        code,
        output: output.to_owned(),
        words: words.to_owned(),
    }
}

#[cfg(unix)]
const FILE: &str = "`~/.local/state/keyrule/.credentials.keyrule.json`";

#[cfg(unix)]
#[test]
fn a_key_is_stored_used_replaced_and_removed() {
    let world = world();
    assert_eq!(
        world.add("work", b"s3cr3t-one\n"),
        left(
            0,
            "",
            &format!("stored key `work` in {FILE}, for `work-key`\n")
        )
    );
    assert_eq!(world.token(), "s3cr3t-one\n");
    assert_eq!(
        world.add("work", b"s3cr3t-two"),
        left(
            0,
            "",
            &format!("replaced key `work` in {FILE}, for `work-key`\n")
        )
    );
    assert_eq!(world.token(), "s3cr3t-two\n");
    assert_eq!(
        world.run(&["key", "remove", "work"]),
        left(
            0,
            "",
            &format!("removed key `work` from {FILE}, for `work-key`\n")
        )
    );
    assert_eq!(world.token(), "");
    assert_eq!(
        world.run(&["key", "remove", "work"]),
        left(
            4,
            "",
            &format!(
                "error[no-such-key]: no key `work` is stored in {FILE}\n\
                 hint: list them: `keyrule --policy sample key list`\n"
            )
        )
    );
}

#[cfg(unix)]
#[test]
fn a_key_that_no_source_uses_is_stored_with_a_warning() {
    let world = world();
    assert_eq!(
        world.add("wrok", b"s3cr3t"),
        left(
            0,
            "",
            &format!(
                "warning: no source of policy `sample` uses it: none has `key = \"wrok\"`\n\
                 stored key `wrok` in {FILE}\n"
            )
        )
    );
}

#[test]
fn a_list_has_names_and_sources_and_no_keys() {
    let world = world();
    let list = ["key", "list"];
    assert_eq!(world.run(&list), left(0, "no keys are stored\n", ""));
    world.add("work", b"s3cr3t-one");
    world.add("a", b"s3cr3t-two");
    assert_eq!(
        world.run(&list),
        left(
            0,
            "a     no source of policy `sample` uses it\nwork  for `work-key`\n",
            ""
        )
    );
    let json: serde_json::Value =
        serde_json::from_str(&world.run(&["key", "list", "--json"]).output).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"version": 2, "keys": [
            {"name": "a", "sources": [], "stored-in": "file"},
            {"name": "work", "sources": ["work-key"], "stored-in": "file"},
        ]})
    );
}

#[test]
fn what_no_header_can_carry_is_refused_and_not_shown() {
    let world = world();
    let long = vec![b'k'; Secret::LONGEST + 1];
    let longer = vec![b'k'; Secret::LONGEST * 4];
    for (input, message) in [
        (b"".as_slice(), "the key is blank"),
        (b" \t\n", "the key is blank"),
        (b"s3cr3t\n\n", "the key holds a line feed at character 7"),
        (b"s3\0", "the key holds a NUL at character 3"),
        (b"s3cr3t\xff", "the key is not text in UTF-8"),
        (&long, "the key is longer than 16384 bytes"),
        (&longer, "the key is longer than 16384 bytes"),
    ] {
        let left = world.add("work", input);
        let first = left.words.lines().next();
        assert_eq!(left.code, 1);
        assert_eq!(first, Some(format!("error[bad-key]: {message}").as_str()));
        assert!(!left.words.contains("s3cr3t"), "{}", left.words);
    }
    assert_eq!(world.run(&["key", "list"]).output, "no keys are stored\n");
}

#[test]
fn the_longest_key_may_end_with_a_newline() {
    for end in ["", "\n", "\r\n"] {
        let input = "k".repeat(Secret::LONGEST) + end;
        let key = read(input.as_bytes()).unwrap();
        assert!(check(&key).is_ok());
        assert_eq!(
            keyrule_credential::handout::to_keep(&key).len(),
            Secret::LONGEST
        );
    }
}

#[test]
fn a_name_that_no_policy_can_have_is_refused() {
    let world = world();
    for name in ["", " ", "a\u{1b}[2J"] {
        let left = world.add(name, b"s3cr3t");
        assert_eq!((left.code, left.output.as_str()), (2, ""));
    }
}

#[cfg(unix)]
#[test]
fn a_rejected_key_is_replaced_by_the_command_that_the_hint_names() {
    let world = world();
    world.add("work", b"s3cr3t");
    assert_eq!(
        world.run(&["token", "--rejected"]),
        left(
            1,
            "",
            "error[rejected]: `work-key` was rejected, and getting it again brings the same \
             credential\n\
             hint: put another key in its place with `keyrule key add --policy sample work`; \
             nothing else is usable\n"
        )
    );
}
