//! Whole commands, driven in this process: arguments and a world go in, an
//! exit code and what was written come out.

use std::ffi::OsString;
use std::io::{self, Write};

use super::*;

mod parsed;
mod receipts;

/// What a command left behind.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    code: i32,
    output: String,
    words: String,
}

/// Runs a command where nothing is a terminal.
fn drive(arguments: &[&str], ambient: Ambient) -> Left {
    let mut output = Vec::new();
    let (code, words) = drive_into(&mut output, arguments, ambient);
    Left {
        code,
        output: String::from_utf8(output).unwrap(),
        words,
    }
}

fn drive_into(output: &mut dyn Write, arguments: &[&str], ambient: Ambient) -> (i32, String) {
    let mut words = Vec::new();
    let arguments = std::iter::once("keyrule").chain(arguments.iter().copied());
    let code = run(
        arguments.map(OsString::from),
        ambient,
        &mut Streams {
            input_is_terminal: false,
            output,
            output_is_terminal: false,
            words: &mut words,
            words_is_terminal: false,
            width: None,
        },
    );
    (code, String::from_utf8(words).unwrap())
}

/// A stream that takes nothing.
struct Refusing(io::ErrorKind);

impl Write for Refusing {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(self.0.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn help_is_data_and_a_mistake_is_words() {
    let help = drive(&["--help"], Ambient::empty());
    assert_eq!((help.code, help.words), (0, String::new()));
    assert!(help.output.contains("keyrule doctor"));

    let mistake = drive(&["staus"], Ambient::empty());
    assert_eq!((mistake.code, mistake.output), (2, String::new()));
    assert!(
        mistake
            .words
            .contains("a similar subcommand exists: 'status'")
    );
}

#[test]
fn help_in_colour_says_the_same() {
    let plain = drive(&["--help"], Ambient::empty());
    let forced = Ambient::empty().with_variable("CLICOLOR_FORCE", "1");
    let painted = drive(&["--help"], forced);
    assert!(painted.output.contains("\x1b[1;36mstatus\x1b[0m"));
    assert!(!plain.output.contains('\x1b'));
}

#[test]
fn the_version_is_that_of_the_crate() {
    let version = concat!("keyrule ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(drive(&["--version"], Ambient::empty()).output, version);
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = drive(&["completions", shell], Ambient::empty());
        assert_eq!((script.code, script.words), (0, String::new()));
        assert!(script.output.contains("explain"), "{shell}");
    }
}

#[test]
fn a_reader_that_has_left_ends_a_command_quietly() {
    let mut gone = Refusing(io::ErrorKind::BrokenPipe);
    assert_eq!(
        drive_into(&mut gone, &["completions", "bash"], Ambient::empty()),
        (1, String::new())
    );
}

#[test]
fn a_full_disk_ends_a_command_with_an_error() {
    let mut full = Refusing(io::ErrorKind::StorageFull);
    assert_eq!(
        drive_into(&mut full, &["completions", "bash"], Ambient::empty()),
        (
            1,
            "error[output]: the output could not be written\ncaused by: no storage space\n".into()
        )
    );
}

/// A home with a helper named in the tool's settings, and nothing else. The
/// folder of managed policies is this machine's own, which here is empty.
#[cfg(unix)]
fn home(settings: &str) -> (tempfile::TempDir, Ambient) {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".claude")).unwrap();
    std::fs::write(home.path().join(".claude/settings.json"), settings).unwrap();
    // No token is kept, so that nothing outlives a test.
    let mut ambient = Ambient::empty()
        .with_variable("PATH", "/usr/bin:/bin")
        .with_variable("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", "0");
    ambient.home = Some(home.path().to_path_buf());
    ambient.current = Some(home.path().to_path_buf());
    (home, ambient)
}

#[cfg(unix)]
#[test]
fn token_prints_the_bare_token_and_a_newline() {
    let (_home, ambient) = home("{}");
    let ambient = ambient.with_variable("ANTHROPIC_API_KEY", "canary-key");
    assert_eq!(
        drive(&["token"], ambient),
        Left {
            code: 0,
            output: "canary-key\n".into(),
            words: String::new(),
        }
    );
}

#[cfg(unix)]
#[test]
fn headers_are_lines_or_one_object() {
    let (_home, ambient) = home("{}");
    let ambient = ambient.with_variable("ANTHROPIC_AUTH_TOKEN", "canary-token");
    let lines = drive(&["headers"], ambient.clone());
    assert_eq!(lines.output, "Authorization: Bearer canary-token\n");
    let object: serde_json::Value =
        serde_json::from_str(&drive(&["headers", "--json"], ambient).output).unwrap();
    assert_eq!(
        object,
        serde_json::json!({"Authorization": "Bearer canary-token"})
    );
}

#[cfg(unix)]
#[test]
fn status_runs_no_helper_and_token_does() {
    let (home, ambient) = home(r#"{"apiKeyHelper": "touch ran; echo canary-token"}"#);
    let ran = home.path().join(".claude/ran");
    let status = drive(&["status", "--json"], ambient.clone());
    let document: serde_json::Value = serde_json::from_str(&status.output).unwrap();
    assert_eq!(status.code, 0);
    assert_eq!(
        document["verdict"],
        serde_json::json!({"step": "fetch", "source": "helper", "refusal": null})
    );
    assert_eq!(document["fetches"], 0);
    assert!(!ran.exists());
    assert_eq!(drive(&["token"], ambient).output, "canary-token\n");
    assert!(ran.exists());
}

#[cfg(unix)]
#[test]
fn a_token_that_nobody_takes_is_a_failure() {
    let (_home, ambient) = home("{}");
    let ambient = ambient.with_variable("ANTHROPIC_API_KEY", "canary-key");
    let mut gone = Refusing(io::ErrorKind::BrokenPipe);
    assert_eq!(
        drive_into(&mut gone, &["token"], ambient),
        (1, String::new())
    );
}

#[cfg(unix)]
#[test]
fn a_rejected_key_names_where_it_comes_from_and_what_is_next() {
    let (_home, ambient) = home(r#"{"apiKeyHelper": "echo canary-token"}"#);
    let ambient = ambient.with_variable("ANTHROPIC_API_KEY", "canary-key");
    let left = drive(&["token", "--rejected"], ambient);
    assert_eq!((left.code, left.output), (1, String::new()));
    insta::assert_snapshot!(left.words, @"
    error[rejected]: `api-key` was rejected, and getting it again brings the same credential
    hint: put another key into `ANTHROPIC_API_KEY`, or `unset ANTHROPIC_API_KEY` to use `helper`
    ");
}

#[cfg(unix)]
#[test]
fn a_login_that_the_tool_holds_is_used_and_not_printed() {
    let (home, ambient) = home("{}");
    let file = home.path().join(".claude/.credentials.json");
    std::fs::write(
        file,
        r#"{"claudeAiOauth": {"accessToken": "canary-login"}}"#,
    )
    .unwrap();
    assert_eq!(drive(&["status"], ambient.clone()).code, 0);
    for command in ["token", "headers"] {
        let left = drive(&[command], ambient.clone());
        assert_eq!((left.code, left.output.as_str()), (4, ""));
        assert!(
            left.words.starts_with("error[tool-login]: "),
            "{}",
            left.words
        );
        assert!(!left.words.contains("canary"));
    }
    let rejected = drive(&["token", "--rejected"], ambient);
    assert_eq!(rejected.code, 4);
}

#[cfg(unix)]
#[test]
fn showing_a_refusal_has_the_exit_code_of_the_refusal() {
    let (_home, ambient) = home("{}");
    let elsewhere = ambient
        .clone()
        .with_variable("ANTHROPIC_API_KEY", "canary-key")
        .with_variable("ANTHROPIC_BASE_URL", "http://elsewhere.example");
    let broken = ambient
        .clone()
        .with_variable("ANTHROPIC_API_KEY", "canary\nkey");
    for (ambient, code) in [(ambient, 4), (elsewhere, 3), (broken, 1)] {
        for command in ["status", "explain", "token", "headers"] {
            let left = drive(&[command], ambient.clone());
            assert_eq!(left.code, code, "{command}: {}{}", left.output, left.words);
            assert!(!(left.output + &left.words).contains("canary"));
        }
        // `exec` says by its own code that no child has run.
        assert_eq!(drive(&["exec", "--", "true"], ambient).code, 125);
    }
}

#[cfg(unix)]
#[test]
fn an_error_in_json_is_one_line_on_stderr() {
    let (_home, ambient) = home("{}");
    let left = drive(&["token", "--json", "--surface", "web"], ambient);
    assert_eq!((left.code, left.output.as_str()), (4, ""));
    let error: serde_json::Value = serde_json::from_str(&left.words).unwrap();
    assert_eq!(error["error"]["code"], "nothing-usable");
    assert_eq!(error["exit-code"], 4);
}

#[cfg(unix)]
#[test]
fn doctor_warns_of_env_blocks_and_open_files() {
    use std::os::unix::fs::PermissionsExt as _;

    let (home, ambient) = home(r#"{"env": {"ANTHROPIC_API_KEY": "canary-key"}}"#);
    let file = home.path().join(".claude/.credentials.json");
    std::fs::write(&file, "{}").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let ambient = ambient.with_variable("ANTHROPIC_AUTH_TOKEN", "canary-token");
    let left = drive(&["doctor", "--json"], ambient);
    let document: serde_json::Value = serde_json::from_str(&left.output).unwrap();
    let warnings: Vec<_> = document["checks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|check| check["level"] != "ok")
        .map(|check| check["about"].as_str().unwrap())
        .collect();
    assert_eq!((left.code, warnings), (0, vec!["files", "settings"]));
    assert!(!left.output.contains("canary"));
}

#[test]
fn what_a_test_finds_is_data_and_what_is_wrong_with_its_files_is_words() {
    let folder = tempfile::tempdir().unwrap();
    let tests = folder.path().join("cases.toml");
    let path = tests.to_str().unwrap();
    let case =
        "[[case]]\nname = \"a\"\ngiven = { login = \"ready\" }\nexpect = { use = \"login\" }\n";
    let test = |text: &str, more: &[&str]| {
        std::fs::write(&tests, text).unwrap();
        let mut arguments = vec!["policy", "test", "builtin:claude-code", "--tests", path];
        arguments.extend(more);
        drive(&arguments, Ambient::empty())
    };
    let passed = test(case, &[]);
    assert_eq!((passed.code, passed.output.as_str()), (0, "1 passed\n"));
    let not_noticed = test(case, &["--mutate"]);
    assert_eq!((not_noticed.code, not_noticed.words.as_str()), (1, ""));
    let failed = test(
        &case.replace("use = \"login\"", "use = \"helper\""),
        &["--json"],
    );
    let document: serde_json::Value = serde_json::from_str(&failed.output).unwrap();
    assert_eq!((failed.code, &document["failed"]), (1, &1.into()));
    let unknown = test(&case.replace("login =", "lgoin ="), &[]);
    assert_eq!((unknown.code, unknown.output.as_str()), (5, ""));
    assert!(
        unknown.words.contains(": error[unknown-source]: "),
        "{}",
        unknown.words
    );
    assert!(
        unknown.words.contains("did you mean `login`?"),
        "{}",
        unknown.words
    );
}
