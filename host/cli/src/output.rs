//! Where output goes and how it looks. What goes in are texts; what comes out
//! are bytes on two streams, with colour, symbols and width as the terminal
//! can show them. Nothing is said by colour alone.

use std::fmt;
use std::io::{self, IsTerminal as _, Write};
use std::path::PathBuf;

use crate::diagnostics::Style;
use keyrule::resolver::Explained;
use keyrule_contract::SourceStatus;
use keyrule_system::environment::Ambient;
use keyrule_system::text::is_control;

use super::args::{Global, When};
use super::errors::Failure;
use super::explained::at_home;
use super::policy::Printed;

/// The three streams of a process, or a test's in their place.
pub struct Streams<'s> {
    /// Whether stdin is a terminal.
    pub input_is_terminal: bool,
    /// Where data go.
    pub output: &'s mut dyn Write,
    /// Whether they go to a terminal.
    pub output_is_terminal: bool,
    /// Where words go.
    pub words: &'s mut dyn Write,
    /// Whether they go to a terminal.
    pub words_is_terminal: bool,
    /// How many columns the terminal has, where there is one.
    pub width: Option<usize>,
}

impl fmt::Debug for Streams<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Streams")
            .field("input_is_terminal", &self.input_is_terminal)
            .field("output_is_terminal", &self.output_is_terminal)
            .field("words_is_terminal", &self.words_is_terminal)
            .field("width", &self.width)
            .finish_non_exhaustive()
    }
}

impl<'s> Streams<'s> {
    /// The streams of this process.
    pub fn of_process(output: &'s mut dyn Write, words: &'s mut dyn Write) -> Self {
        Self {
            input_is_terminal: io::stdin().is_terminal(),
            output,
            output_is_terminal: io::stdout().is_terminal(),
            words,
            words_is_terminal: io::stderr().is_terminal(),
            width: terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)),
        }
    }
}

/// The streams, and how to write on them.
#[derive(Debug)]
pub(crate) struct Output<'a, 's> {
    streams: &'a mut Streams<'s>,
    /// How data look.
    pub look: Look,
    /// How words look.
    pub words: Look,
    /// Whether JSON was asked for.
    pub json: bool,
    quiet: bool,
    /// The home folder, which paths show as `~`.
    home: Option<PathBuf>,
}

impl<'a, 's> Output<'a, 's> {
    pub(crate) fn new(streams: &'a mut Streams<'s>, global: &Global, ambient: &Ambient) -> Self {
        let look = |is_terminal| Look {
            terminal: is_terminal,
            colour: has_colour(global.color, is_terminal, ambient),
            unicode: has_unicode(ambient),
            width: streams
                .width
                .filter(|_| is_terminal)
                .unwrap_or(80)
                .clamp(60, 110),
        };
        Self {
            look: look(streams.output_is_terminal),
            words: look(streams.words_is_terminal),
            streams,
            json: global.json,
            quiet: global.quiet,
            home: ambient.home.clone(),
        }
    }

    /// Whether somebody sits at stdin and stderr.
    pub(crate) fn has_somebody(&self) -> bool {
        self.streams.input_is_terminal && self.streams.words_is_terminal
    }

    /// Whether stdin is a terminal.
    pub(crate) fn input_is_terminal(&self) -> bool {
        self.streams.input_is_terminal
    }

    /// Whether words go to a terminal.
    pub(crate) fn words_is_terminal(&self) -> bool {
        self.streams.words_is_terminal
    }

    /// Writes data on stdout, all of it or an error.
    pub(crate) fn data(&mut self, text: &str) -> Result<(), Failure> {
        let output = &mut self.streams.output;
        output
            .write_all(text.as_bytes())
            .and_then(|()| output.flush())
            .map_err(|error| Failure::unwritten(&error))
    }

    /// Writes a document as JSON on stdout.
    pub(crate) fn document(&mut self, document: &impl serde::Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string_pretty(document)
            .map_err(|error| Failure::unwritten(&error.into()))?;
        text.push('\n');
        self.data(&text)
    }

    /// Writes a document with its version.
    pub(crate) fn versioned(&mut self, document: &impl serde::Serialize) -> Result<(), Failure> {
        self.document(&Versioned {
            version: 2,
            document,
        })
    }

    /// Writes words, then data, and returns the exit code that goes with them.
    pub(crate) fn print(&mut self, printed: &Printed) -> Result<i32, Failure> {
        self.say(&printed.words);
        self.data(&printed.data)?;
        Ok(printed.exit)
    }

    /// Writes a warning on stderr, unless nobody wants warnings.
    pub(crate) fn warn(&mut self, message: &str) {
        if !self.quiet {
            let label = "warning:";
            let message = clean(&at_home(message, self.home.as_deref()));
            let lines = self.words.lines(label, &message);
            self.say(&format!("{} {lines}\n", self.words.yellow(label)));
        }
    }

    /// Writes on stderr what was done, unless nobody wants to know.
    pub(crate) fn note(&mut self, message: &str) {
        if !self.quiet {
            self.say(&format!("{message}\n"));
        }
    }

    /// Writes what should be known besides a decision that was carried out.
    pub(crate) fn warn_of(&mut self, explained: &Explained) {
        if let Some(changed) = &explained.explanation.restriction_effect {
            self.warn(&format!("a restriction has changed this: {}", changed.text));
        }
        let warnings = explained.explanation.warnings.iter();
        for message in warnings
            .map(|warning| &warning.message)
            .chain(&explained.notes)
        {
            self.warn(message);
        }
    }

    /// Writes a failure on stderr and returns its exit code.
    pub(crate) fn fail(&mut self, failure: &Failure) -> i32 {
        let text = if self.json {
            failure.json()
        } else {
            failure.text(self.words, self.home.as_deref())
        };
        self.say(&text);
        failure.exit
    }

    /// Words that cannot be written have nowhere else to go.
    fn say(&mut self, text: &str) {
        let _ = self.streams.words.write_all(text.as_bytes());
        let _ = self.streams.words.flush();
    }
}

/// How text looks on one stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Look {
    /// Whether it goes to a terminal.
    pub terminal: bool,
    /// Whether it has colour.
    pub colour: bool,
    /// Whether it may have more than ASCII.
    pub unicode: bool,
    /// How many columns it may fill.
    pub width: usize,
}

impl Look {
    /// How what is wrong with a document is shown.
    pub(crate) fn style(self) -> Style {
        if self.terminal {
            Style::Drawn {
                colour: self.colour,
                unicode: self.unicode,
                width: self.width,
            }
        } else {
            Style::Plain
        }
    }

    /// Words that follow a label: on a terminal broken between words, below
    /// each other by two columns; elsewhere one line, for `grep`.
    pub(crate) fn lines(self, label: &str, words: &str) -> String {
        if !self.terminal {
            return words.to_owned();
        }
        // The label takes part in the first line as a word of its length.
        let place = "x".repeat(columns(label));
        let lines = wrap(&format!("{place} {words}"), self.width.saturating_sub(2));
        let lines = lines.join("\n  ");
        lines
            .get(place.len()..)
            .unwrap_or(words)
            .trim_start()
            .to_owned()
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.paint("2", text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint("1;32", text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint("1;33", text)
    }

    pub(crate) fn cyan(self, text: &str) -> String {
        self.paint("1;36", text)
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour && !text.is_empty() {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }

    /// The mark of a standing, one column wide.
    pub(crate) fn mark(self, standing: SourceStatus) -> String {
        let pick = |unicode, ascii| if self.unicode { unicode } else { ascii };
        match standing {
            SourceStatus::Selected => self.green(pick("✓", "*")),
            SourceStatus::Next => self.cyan(pick("→", ">")),
            SourceStatus::Shadowed => pick("○", "o").to_owned(),
            SourceStatus::Blocking => self.red(pick("✗", "x")),
            SourceStatus::Skipped => self.yellow("!"),
            SourceStatus::NotApplicable => self.dim(pick("–", "-")),
            SourceStatus::Unavailable => self.dim(pick("·", ".")),
            SourceStatus::Unknown => self.dim("?"),
        }
    }
}

/// A document of which the version is the first field.
#[derive(serde::Serialize)]
struct Versioned<'d, T> {
    version: u32,
    #[serde(flatten)]
    document: &'d T,
}

/// Text from elsewhere, fit for a terminal: what would move its cursor,
/// change its colours or turn the direction of text is shown, not done.
pub(crate) fn clean(text: &str) -> String {
    if !text.chars().any(is_control) {
        return text.to_owned();
    }
    text.chars()
        .flat_map(|character| {
            let (escaped, kept) = if is_control(character) {
                (Some(character.escape_default()), None)
            } else {
                (None, Some(character))
            };
            escaped.into_iter().flatten().chain(kept)
        })
        .collect()
}

/// Breaks text between words into lines of at most `width` columns. A word
/// that is longer gets a line of its own.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// How many columns a text fills; near enough for what we print.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Text filled up to a number of columns.
pub(crate) fn pad(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(columns(text))))
}

/// Whether to use colour: what the flag says, else <https://no-color.org>,
/// else `CLICOLOR_FORCE`, else whether there is a terminal that can.
pub(crate) fn has_colour(when: When, is_terminal: bool, ambient: &Ambient) -> bool {
    let set = |name: &str| {
        ambient
            .variable(name)
            .is_some_and(|value| !value.is_empty())
    };
    match when {
        When::Always => true,
        When::Never => false,
        When::Auto if set("NO_COLOR") => false,
        When::Auto if set("CLICOLOR_FORCE") => {
            ambient
                .variable("CLICOLOR_FORCE")
                .is_some_and(|value| value != "0")
                || is_terminal
        }
        When::Auto => is_terminal && ambient.variable("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// Whether the locale's characters are Unicode. POSIX says which variable
/// counts: the first of these that is set and not empty.
fn has_unicode(ambient: &Ambient) -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        return true;
    }
    ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(|name| ambient.variable(name))
        .find(|value| !value.is_empty())
        .is_some_and(|value| {
            let value = value.to_string_lossy().to_ascii_lowercase();
            value.contains("utf-8") || value.contains("utf8")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_flag_then_variables_then_terminal() {
        let none = Ambient::empty();
        let no_color = Ambient::empty()
            .with_variable("NO_COLOR", "1")
            .with_variable("CLICOLOR_FORCE", "1");
        let forced = Ambient::empty().with_variable("CLICOLOR_FORCE", "1");
        let unforced = Ambient::empty().with_variable("CLICOLOR_FORCE", "0");
        let dumb = Ambient::empty().with_variable("TERM", "dumb");
        let seen: Vec<bool> = [
            has_colour(When::Always, false, &no_color),
            has_colour(When::Never, true, &forced),
            has_colour(When::Auto, true, &none),
            has_colour(When::Auto, false, &none),
            has_colour(When::Auto, true, &no_color),
            has_colour(When::Auto, false, &forced),
            has_colour(When::Auto, false, &unforced),
            has_colour(When::Auto, true, &unforced),
            has_colour(When::Auto, true, &dumb),
        ]
        .into();
        assert_eq!(
            seen,
            [true, false, true, false, false, true, false, true, false]
        );
    }

    #[test]
    fn the_first_locale_variable_that_is_set_counts() {
        let utf8 = Ambient::empty().with_variable("LANG", "de_DE.UTF-8");
        let c = utf8.clone().with_variable("LC_ALL", "C");
        let blank = utf8.clone().with_variable("LC_ALL", "");
        if cfg!(target_os = "linux") {
            assert!(has_unicode(&utf8));
            assert!(!has_unicode(&c));
            assert!(has_unicode(&blank));
            assert!(!has_unicode(&Ambient::empty()));
        }
    }

    #[test]
    fn an_escape_is_shown_and_not_done() {
        assert_eq!(clean("a\u{1b}[31mb\nc"), r"a\u{1b}[31mb\nc");
        assert_eq!(clean("plain – text"), "plain – text");
    }

    #[test]
    fn a_long_word_gets_a_line_of_its_own() {
        assert_eq!(
            wrap("is at /a/very/long/path and is not a file", 12),
            ["is at", "/a/very/long/path", "and is not a", "file"]
        );
    }
}
