//! What went wrong, as it is said: `error[code]: message`, one `caused by:`
//! for each error below it, every source where it matters, then `hint:` with
//! the next thing to type. What goes in are errors; what comes out is text or
//! JSON, and an exit code.

use std::error::Error as _;
use std::io;
use std::path::Path;

use serde::Serialize;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{FilterExt as _, filter_fn};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::diagnostics;
use crate::exit;
use keyrule::error::{Error, refusal};
use keyrule::policy::{self, Texts};
use keyrule::resolver::Explained;
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;
use keyrule_system::text::mask;

use super::args::{Global, When};
use super::document::word;
use super::explained::{at_home, command_of};
use super::output::{Look, Streams, clean, columns, has_colour, pad, wrap};

/// A command that ends with an error.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// The exit code.
    pub exit: i32,
    /// Whether nobody is there to read it: the reader of a pipe has left.
    pub silent: bool,
    /// What is said.
    pub said: Box<Said>,
}

/// What is said of an error.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Said {
    /// A stable name for the kind of error.
    pub code: &'static str,
    /// What happened: lower case, one line.
    pub message: String,
    /// The errors below it, the nearest first.
    #[serde(rename = "caused-by", skip_serializing_if = "Vec::is_empty")]
    pub causes: Vec<String>,
    /// Every source with its reason, where that explains it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceLine>,
    /// What is wrong in the policy's documents.
    #[serde(skip_serializing_if = "Diagnostics::is_empty")]
    pub diagnostics: Diagnostics,
    /// The next thing to type or to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

/// What is wrong in documents, and the documents, so that the lines can be
/// shown.
#[derive(Debug, Clone, Default)]
pub(crate) struct Diagnostics {
    found: Vec<wit::Diagnostic>,
    texts: Texts,
}

impl Diagnostics {
    fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Whether an error is in this document.
    pub(crate) fn reject(&self, path: &str) -> bool {
        let mut found = self.found.iter();
        found.any(|one| one.severity == wit::Severity::Error && one.location.path == path)
    }

    fn text(&self, look: Look) -> String {
        diagnostics::render(&self.found, &self.texts, look.style())
    }
}

/// A list of `{"severity", "code", "message", "path", "line", "column",
/// "help"}`, masked as the text is.
impl Serialize for Diagnostics {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.found.iter().map(|found| {
            serde_json::json!({
                "severity": word(&found.severity),
                "code": found.code,
                "message": mask(&found.message),
                "path": found.location.path,
                "line": found.location.line,
                "column": found.location.column,
                "help": mask(&found.help),
            })
        }))
    }
}

/// The JSON document of a failure.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'f> {
    version: u32,
    error: &'f Said,
    exit_code: i32,
}

/// One source and why it does not serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct SourceLine {
    /// Its name in the policy.
    pub id: String,
    /// Why, in words.
    pub why: String,
}

impl Failure {
    pub(crate) fn new(code: &'static str, exit: i32, message: impl Into<String>) -> Self {
        Self {
            exit,
            silent: false,
            said: Box::new(Said {
                code,
                message: message.into(),
                causes: Vec::new(),
                sources: Vec::new(),
                diagnostics: Diagnostics::default(),
                hint: None,
            }),
        }
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.said.hint = Some(hint.into());
        self
    }

    /// Says what is wrong in documents besides.
    pub(crate) fn diagnosed(mut self, found: Vec<wit::Diagnostic>, texts: Texts) -> Self {
        self.said.diagnostics = Diagnostics { found, texts };
        self
    }

    /// The same for a policy by name: what a store or an issuer says does not
    /// know which policy asks.
    pub(crate) fn of_policy(mut self, policy: &str) -> Self {
        const ASKED: [&str; 6] = [
            "doctor",
            "doctor --online",
            "explain",
            "key list",
            "login --device",
            "policy show",
        ];
        if let Some(hint) = &mut self.said.hint {
            for words in ASKED {
                let command = command_of(policy, words);
                *hint = hint.replace(&format!("`keyrule {words}`"), &format!("`{command}`"));
            }
        }
        self
    }

    /// Stdout took not all of what it was given. A reader that has left, as
    /// `head` does, is told nothing; everybody else is.
    pub(crate) fn unwritten(error: &io::Error) -> Self {
        let mut failure = Self::new("output", 1, "the output could not be written");
        failure.said.causes.push(os_words(error));
        failure.silent = error.kind() == io::ErrorKind::BrokenPipe;
        failure
    }

    /// The failure as people read it.
    pub(crate) fn text(&self, look: Look, home: Option<&Path>) -> String {
        if self.silent {
            return String::new();
        }
        let mut text = self.said.diagnostics.text(look);
        let say = |text: &mut String, label: &str, painted: String, words: &str| {
            let words = clean(&at_home(words, home));
            text.push_str(&format!("{painted} {}\n", look.lines(label, &words)));
        };
        let label = format!("error[{}]:", self.said.code);
        say(&mut text, &label, look.red(&label), &self.said.message);
        let width = self.said.sources.iter().map(|line| columns(&line.id)).max();
        for line in &self.said.sources {
            let id = pad(&clean(&line.id), width.unwrap_or(0));
            let indent = columns(&id) + 4;
            let why = clean(&at_home(&line.why, home));
            let why = wrap(&why, look.width.saturating_sub(indent).max(20));
            let why = why.join(&format!("\n{}", " ".repeat(indent)));
            text.push_str(&format!("  {}  {why}\n", look.bold(&id)));
        }
        for cause in &self.said.causes {
            let label = "caused by:";
            say(&mut text, label, look.red(label), cause);
        }
        if let Some(hint) = &self.said.hint {
            let label = "hint:";
            say(&mut text, label, look.cyan(label), hint);
        }
        text
    }

    /// The failure as one line of JSON: `{"error": {"code", "message",
    /// "caused-by"?, "sources"?: [{"id", "why"}], "hint"?}, "exit-code"}`.
    pub(crate) fn json(&self) -> String {
        if self.silent {
            return String::new();
        }
        let document = Document {
            version: 2,
            error: &self.said,
            exit_code: self.exit,
        };
        // What cannot be written as JSON is still told.
        serde_json::to_string(&document)
            .map_or_else(|_| self.said.message.clone(), |json| json + "\n")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Self::new(error.code(), exit::code(error.kind()), error.to_string());
        failure.said.hint = error.hint();
        match &error {
            // Where one source is the cause, the message says all of it.
            Error::Refused(explained)
                if refusal(explained) == Some(wit::Refusal::NothingUsable) =>
            {
                failure.said.sources = lines(explained);
            }
            Error::Policy(policy::Error::Invalid { diagnostics, texts }) => {
                failure.said.message = rejected(diagnostics);
                // Each diagnostic comes with its own help.
                failure.said.hint = None;
                failure.said.diagnostics = Diagnostics {
                    found: diagnostics.clone(),
                    texts: texts.clone(),
                };
            }
            _ => {}
        }
        let mut cause = error.source();
        while let Some(error) = cause {
            failure.said.causes.push(cause_words(error));
            cause = error.source();
        }
        failure
    }
}

/// An error below another one, in words.
pub(crate) fn cause_words(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref::<io::Error>() {
        Some(error) => os_words(error),
        None => error.to_string(),
    }
}

/// The system's words for a failure, in the form that messages have: lower
/// case, and without the number that no user asked for.
pub(crate) fn os_words(error: &io::Error) -> String {
    let words = error.to_string();
    let words = words
        .rfind(" (os error ")
        .and_then(|end| words.get(..end))
        .unwrap_or(&words);
    let mut characters = words.chars();
    characters
        .next()
        .map(|first| first.to_lowercase().chain(characters).collect())
        .unwrap_or_default()
}

/// What the diagnostics come to.
fn rejected(diagnostics: &[wit::Diagnostic]) -> String {
    let errors = diagnostics
        .iter()
        .filter(|found| found.severity == wit::Severity::Error)
        .count();
    let errors = match errors {
        1 => "1 error".to_owned(),
        _ => format!("{errors} errors"),
    };
    format!("the policy was rejected for {errors}, and nothing is decided")
}

fn lines(explained: &Explained) -> Vec<SourceLine> {
    explained
        .lines()
        .map(|(source, line)| SourceLine {
            id: source.id.clone(),
            why: line.text.clone(),
        })
        .collect()
}

/// Says what is wrong with the command line, or prints the help that was
/// asked for. The flags could not be read, so colour follows the rest.
pub(crate) fn usage(error: &clap::Error, ambient: &Ambient, streams: &mut Streams<'_>) -> i32 {
    let wanted = !error.use_stderr();
    let is_terminal = if wanted {
        streams.output_is_terminal
    } else {
        streams.words_is_terminal
    };
    let text = error.render();
    let text = if has_colour(When::Auto, is_terminal, ambient) {
        text.ansi().to_string()
    } else {
        text.to_string()
    };
    let stream = if wanted {
        &mut streams.output
    } else {
        &mut streams.words
    };
    let written = stream
        .write_all(text.as_bytes())
        .and_then(|()| stream.flush());
    match written {
        Err(_) if wanted => 1,
        _ => error.exit_code(),
    }
}

/// Starts the log, only where somebody asked for one. `KEYRULE_LOG` takes
/// what `tracing_subscriber::EnvFilter` takes, such as `keyrule=trace`; what
/// the crates of cloud providers say stays out whatever it is.
pub(crate) fn log(global: &Global, ambient: &Ambient) {
    let wanted = ambient
        .variable("KEYRULE_LOG")
        .filter(|value| !value.is_empty());
    let filter = match wanted {
        Some(filter) => filter.to_string_lossy().into_owned(),
        None if global.verbose => "keyrule=debug".to_owned(),
        None => return,
    };
    let filter = EnvFilter::new(filter).and(filter_fn(|metadata| is_ours(metadata.target())));
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .with_filter(filter);
    // A second call in one process, as tests make it, changes nothing.
    let _ = tracing_subscriber::registry().with(lines).try_init();
}

/// Whether the log of a crate can be shown: those of the cloud providers write
/// requests and answers into theirs, with the secrets in them.
fn is_ours(target: &str) -> bool {
    const PROVIDERS: [&str; 5] = ["aws_", "azure_", "gaxi", "google_cloud", "typespec"];
    !PROVIDERS.iter().any(|start| target.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    const PLAIN: Look = Look {
        terminal: false,
        colour: false,
        unicode: true,
        width: 80,
    };

    #[test]
    fn what_a_keyring_says_is_looked_at_under_its_policy() {
        let failure = || {
            Failure::from(keyrule_store::Error::Keyring {
                why: "is locked".to_owned(),
                trouble: wit::FailureKind::Locked,
            })
        };
        for (policy, hint) in [
            (
                "sample",
                "see what it says: `keyrule --policy sample doctor`",
            ),
            ("claude-code", "see what it says: `keyrule doctor`"),
        ] {
            let said = failure().of_policy(policy).said;
            assert_eq!(said.hint.as_deref(), Some(hint));
        }
    }

    fn refused() -> Failure {
        Error::Refused(Box::new(samples::nothing())).into()
    }

    #[test]
    fn a_refusal_names_every_source_and_one_fix() {
        insta::assert_snapshot!(refused().text(PLAIN, None), @"
        error[nothing-usable]: nothing is usable: none of the 4 sources that count in terminal sessions is there
          auth-token  `ANTHROPIC_AUTH_TOKEN` is not set
          api-key     `ANTHROPIC_API_KEY` is not set
          helper      `apiKeyHelper` is not set in any of the settings files that count
          login       not logged in
        hint: set `ANTHROPIC_AUTH_TOKEN`, for example `export ANTHROPIC_AUTH_TOKEN=…`
        ");
        assert_eq!(refused().exit, 4);
    }

    #[test]
    fn on_a_terminal_lines_break_between_words_and_a_path_below_home_is_short() {
        let look = Look {
            terminal: true,
            width: 60,
            ..PLAIN
        };
        let failure = Failure::new(
            "store-locked",
            1,
            "`/home/ada/.claude/.credentials.json` is being changed by another program",
        )
        .hint("see who has it open, for example with `fuser /home/ada/.claude/.credentials.json`");
        let home = Some(Path::new("/home/ada"));
        insta::assert_snapshot!(failure.text(look, home), @"
        error[store-locked]: `~/.claude/.credentials.json` is
          being changed by another program
        hint: see who has it open, for example with `fuser
          ~/.claude/.credentials.json`
        ");
        assert!(failure.text(PLAIN, None).lines().count() == 2);
    }

    #[test]
    fn a_failure_is_one_line_of_json() {
        let mut failure = refused();
        failure.said.sources.truncate(1);
        insta::assert_snapshot!(failure.json(), @r#"{"version":2,"error":{"code":"nothing-usable","message":"nothing is usable: none of the 4 sources that count in terminal sessions is there","sources":[{"id":"auth-token","why":"`ANTHROPIC_AUTH_TOKEN` is not set"}],"hint":"set `ANTHROPIC_AUTH_TOKEN`, for example `export ANTHROPIC_AUTH_TOKEN=…`"},"exit-code":4}"#);
    }

    #[test]
    fn a_reader_that_has_left_is_told_nothing() {
        let failure = Failure::unwritten(&io::ErrorKind::BrokenPipe.into());
        assert_eq!(
            (failure.text(PLAIN, None), failure.json()),
            (String::new(), String::new())
        );
        assert_eq!(failure.exit, 1);
    }

    #[test]
    fn the_system_is_quoted_without_its_numbers() {
        let error = io::Error::from_raw_os_error(2);
        assert!(
            !os_words(&error).contains("os error"),
            "{}",
            os_words(&error)
        );
    }

    #[test]
    fn a_full_disk_is_named_as_the_cause() {
        let failure = Failure::unwritten(&io::ErrorKind::StorageFull.into());
        insta::assert_snapshot!(failure.text(PLAIN, None), @"
        error[output]: the output could not be written
        caused by: no storage space
        ");
    }
}
