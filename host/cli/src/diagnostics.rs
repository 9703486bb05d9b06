//! How what is wrong with a document is shown: with its line, the place in
//! the line, and what to do about it. What goes in are the engine's
//! diagnostics and the documents' texts; what comes out is text for a
//! terminal or for a log. Of a line only what does not look like a secret is
//! shown, and nothing that a terminal would obey.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceSpan, ThemeCharacters,
    ThemeStyles,
};

use keyrule::policy::Texts;
use keyrule_contract::{Diagnostic, Lint, Location, Severity};
use keyrule_system::text::{mask, printable, printable_lines};

/// How diagnostics look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `file:line:column: error[code]: message`, as compilers write it for
    /// editors and logs.
    Plain,
    /// Drawn, for a terminal.
    Drawn {
        /// With colours.
        colour: bool,
        /// With characters beyond ASCII.
        unicode: bool,
        /// The columns of the terminal.
        width: usize,
    },
}

/// How many diagnostics are shown; a file with more has one cause or none.
const MOST: usize = 20;

/// The longest line that is drawn or shown whole, in bytes.
const LONGEST: usize = 400;

/// Shows diagnostics, file by file and from the top of each.
pub(crate) fn render(diagnostics: &[Diagnostic], texts: &Texts, style: Style) -> String {
    let mut ordered: Vec<&Diagnostic> = diagnostics.iter().collect();
    ordered.sort_by_key(|diagnostic| (&diagnostic.location.path, diagnostic.location.offset));
    let shown = ordered.iter().take(MOST).map(|diagnostic| Shown {
        severity: diagnostic.severity,
        code: &diagnostic.code,
        message: &diagnostic.message,
        why: None,
        at: &diagnostic.location,
        help: &diagnostic.help,
    });
    let mut shown = render_all(shown, texts, style);
    if let Some(more) = ordered.len().checked_sub(MOST).filter(|more| *more > 0) {
        shown.push_str(&format!("and {more} more\n"));
    }
    shown
}

/// Shows concerns in their order, each with why it matters.
pub(crate) fn render_concerns(concerns: &[Lint], texts: &Texts, style: Style) -> String {
    let shown = concerns.iter().map(|concern| Shown {
        severity: Severity::Warning,
        code: &concern.code,
        message: &concern.message,
        why: Some(&concern.why),
        at: &concern.location,
        help: &concern.help,
    });
    render_all(shown, texts, style)
}

/// What is shown of one diagnostic or concern.
struct Shown<'d> {
    severity: Severity,
    code: &'d str,
    message: &'d str,
    why: Option<&'d str>,
    at: &'d Location,
    help: &'d str,
}

fn render_all<'d>(all: impl Iterator<Item = Shown<'d>>, texts: &Texts, style: Style) -> String {
    let mut shown = String::new();
    // A document is masked once, however much is wrong with it.
    let mut masked: BTreeMap<&str, Option<String>> = BTreeMap::new();
    for one in all {
        let text = texts.text(&one.at.path);
        let masked = masked
            .entry(&one.at.path)
            .or_insert_with(|| text.map(|text| printable_lines(&mask(text))));
        let report = Report::of(&one, text, masked.as_deref());
        // Writing to a string does not fail; drawing does where a span lies
        // outside of the text, and then the plain form still tells all.
        let drawn = match style {
            Style::Plain => None,
            Style::Drawn { .. } if report.is_long() => None,
            Style::Drawn {
                colour,
                unicode,
                width,
            } => report.drawn(colour, unicode, width),
        };
        shown.push_str(&drawn.unwrap_or_else(|| report.plain()));
    }
    shown
}

/// One diagnostic with everything masked that needs it.
#[derive(Debug)]
struct Report {
    severity: Severity,
    code: String,
    message: String,
    why: Option<Why>,
    help: Option<String>,
    path: String,
    line: u32,
    column: u32,
    /// The document, masked, where its text is known.
    source: Option<NamedSource<String>>,
    /// The place in the masked text, in bytes.
    span: (usize, usize),
}

impl Report {
    fn of(shown: &Shown<'_>, text: Option<&str>, masked: Option<&str>) -> Self {
        let path = printable(&shown.at.path);
        let span = text
            .zip(masked)
            .map_or((0, 0), |(text, masked)| place(shown.at, text, masked));
        Self {
            severity: shown.severity,
            code: printable(shown.code),
            message: mask(&printable(shown.message)),
            why: shown.why.map(|why| Why(mask(&printable(why)))),
            help: Some(mask(&printable(shown.help))).filter(|help| !help.is_empty()),
            source: masked.map(|masked| NamedSource::new(&path, masked.to_owned())),
            line: shown.at.line,
            column: shown.at.column,
            path,
            span,
        }
    }

    /// Whether the line is too long to be shown whole.
    fn is_long(&self) -> bool {
        self.source.as_ref().is_some_and(|source| {
            let text = source.inner();
            let start = self.span.0.min(text.len());
            let before = text.get(..start).unwrap_or_default();
            let after = text.get(start..).unwrap_or_default();
            let from = before.rfind('\n').map_or(0, |at| at + 1);
            let to = after.find('\n').unwrap_or(after.len());
            start - from + to > LONGEST
        })
    }

    fn word(&self) -> &'static str {
        match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        }
    }

    fn plain(&self) -> String {
        let Self {
            path, line, column, ..
        } = self;
        let (word, code, message) = (self.word(), &self.code, &self.message);
        let mut text = format!("{path}:{line}:{column}: {word}[{code}]: {message}\n");
        let gutter = " ".repeat(line.to_string().len());
        if let Some((shown, marks)) = self.excerpt().filter(|_| !self.is_long()) {
            text.push_str(&format!(
                "{gutter} |\n{line} | {shown}\n{gutter} | {marks}\n"
            ));
        }
        if let Some(Why(why)) = &self.why {
            text.push_str(&format!("{gutter} = why: {why}\n"));
        }
        if let Some(help) = &self.help {
            text.push_str(&format!("{gutter} = help: {help}\n"));
        }
        text
    }

    /// The line and what marks the place in it.
    fn excerpt(&self) -> Option<(String, String)> {
        let source = self.source.as_ref()?.inner();
        let (start, length) = self.span;
        let before = source.get(..start)?;
        let line = source.get(before.rfind('\n').map_or(0, |at| at + 1)..)?;
        let line = line.lines().next().unwrap_or_default().trim_end();
        let indent = before.rsplit('\n').next().unwrap_or_default();
        let marked = source
            .get(start..start + length)?
            .lines()
            .next()
            .unwrap_or_default();
        // A tab stays one, so that the marks stand where they belong.
        let mut marks: String = indent
            .chars()
            .map(|character| if character == '\t' { '\t' } else { ' ' })
            .collect();
        let width = marked.trim_end().chars().count().max(1);
        marks.push_str(&"^".repeat(width));
        Some((line.to_owned(), marks))
    }

    fn drawn(&self, colour: bool, unicode: bool, width: usize) -> Option<String> {
        let theme = GraphicalTheme {
            characters: if unicode {
                ThemeCharacters::unicode()
            } else {
                ThemeCharacters::ascii()
            },
            styles: if colour {
                ThemeStyles::ansi()
            } else {
                ThemeStyles::none()
            },
        };
        let mut text = String::new();
        GraphicalReportHandler::new_themed(theme)
            .with_links(false)
            .with_width(width)
            .without_syntax_highlighting()
            .render_report(&mut text, self)
            .ok()?;
        // A file without text, or none: the place is said in words.
        if self.source.is_none() {
            let at = format!("  at {}:{}:{}", self.path, self.line, self.column);
            writeln!(text, "{at}").ok()?;
        }
        Some(text)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for Report {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.why.as_ref().map(|why| why as _)
    }
}

/// Why it matters; it is drawn below the message.
#[derive(Debug)]
struct Why(String);

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl std::error::Error for Why {}

impl miette::Diagnostic for Report {
    fn code(&self) -> Option<Box<dyn fmt::Display + '_>> {
        Some(Box::new(format!("{}[{}]", self.word(), self.code)))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
        })
    }

    fn help(&self) -> Option<Box<dyn fmt::Display + '_>> {
        let help = self.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        let source = self.source.as_ref()?;
        Some(source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.source.as_ref()?;
        let span = SourceSpan::from(self.span);
        Some(Box::new(std::iter::once(LabeledSpan::underline(span))))
    }
}

/// The place in the masked text. Masking keeps the number of characters and
/// not that of bytes; what the engine says is not taken for granted.
fn place(at: &Location, text: &str, masked: &str) -> (usize, usize) {
    let characters = |offset: usize| {
        text.char_indices()
            .take_while(|(start, character)| start + character.len_utf8() <= offset)
            .count()
    };
    let byte = |index: usize| {
        masked
            .char_indices()
            .nth(index)
            .map_or(masked.len(), |(offset, _)| offset)
    };
    let from = usize::try_from(at.offset)
        .unwrap_or(usize::MAX)
        .min(text.len());
    let length = usize::try_from(at.length).unwrap_or(usize::MAX);
    let until = from.saturating_add(length).min(text.len());
    // What is marked is one line; the rest of a table is no help.
    let line = text
        .get(from..until)
        .and_then(|marked| marked.find('\n'))
        .map_or(until, |end| from + end);
    let (start, end) = (byte(characters(from)), byte(characters(line)));
    (start, end - start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_contract::{Document, DocumentOrigin};

    fn shown(text: &str, marked: &str, style: Style) -> String {
        let offset = text.find(marked).unwrap();
        let before = &text[..offset];
        let column = before.rsplit('\n').next().unwrap().chars().count() + 1;
        let diagnostic = Diagnostic {
            severity: Severity::Error,
            code: "unknown-key".to_owned(),
            message: "unknown key `surface` in a `[[source]]`".to_owned(),
            location: Location {
                path: "x.toml".to_owned(),
                line: u32::try_from(before.matches('\n').count()).unwrap() + 1,
                column: u32::try_from(column).unwrap(),
                offset: u32::try_from(offset).unwrap(),
                length: u32::try_from(marked.len()).unwrap(),
            },
            help: "did you mean `surfaces`?".to_owned(),
        };
        let documents = [Document {
            origin: DocumentOrigin::User,
            path: "x.toml".to_owned(),
            text: text.to_owned(),
        }];
        render(&[diagnostic], &Texts::of(&documents), style)
    }

    const DRAWN: Style = Style::Drawn {
        colour: false,
        unicode: true,
        width: 80,
    };

    #[test]
    fn a_log_gets_file_line_and_column_first() {
        assert_eq!(
            shown("name = \"x\"\n\tsurface = []\n", "surface", Style::Plain),
            "x.toml:2:2: error[unknown-key]: unknown key `surface` in a `[[source]]`\n  \
               |\n2 | \tsurface = []\n  | \t^^^^^^^\n  = help: did you mean `surfaces`?\n"
        );
    }

    #[test]
    fn a_terminal_gets_a_drawing() {
        assert_eq!(
            shown("name = \"x\"\nsurface = []\n", "surface", DRAWN),
            [
                "error[unknown-key]",
                "",
                "  × unknown key `surface` in a `[[source]]`",
                "   ╭─[x.toml:2:1]",
                " 1 │ name = \"x\"",
                " 2 │ surface = []",
                "   · ───────",
                "   ╰────",
                "  help: did you mean `surfaces`?",
                "",
            ]
            .join("\n")
        );
    }

    #[test]
    fn no_line_shows_a_secret() {
        let text = "a = \"sk-ant-canary-caf\u{e9}\"\nsurface = 1\nb = \"canary0123456789ab\"\n";
        for style in [Style::Plain, DRAWN] {
            for marked in ["surface", "a = ", "b = ", "\"sk-ant", "\"canary"] {
                let shown = shown(text, marked, style);
                assert!(!shown.contains("canary"), "{shown}");
            }
        }
        assert!(
            shown(text, "\"sk-ant-canary-caf\u{e9}\"", Style::Plain)
                .contains("1 | a = \"******************\"\n  |     ^^^^^^^^^^^^^^^^^^^^\n")
        );
    }

    #[test]
    fn no_line_shows_an_escape() {
        let text = "a = \"\u{1b}[31mx\"\nsurface = 1\n";
        for style in [Style::Plain, DRAWN] {
            let shown = shown(text, "a = ", style);
            assert!(!shown.contains('\u{1b}'), "{shown:?}");
        }
    }

    #[test]
    fn a_place_outside_of_the_text_is_said_and_not_drawn() {
        let diagnostic = |offset, length| Diagnostic {
            severity: Severity::Warning,
            code: "odd".to_owned(),
            message: "odd".to_owned(),
            location: Location {
                path: "x.toml".to_owned(),
                line: 9,
                column: 9,
                offset,
                length,
            },
            help: String::new(),
        };
        let documents = [Document {
            origin: DocumentOrigin::User,
            path: "x.toml".to_owned(),
            text: "\u{e9}\n".to_owned(),
        }];
        let texts = Texts::of(&documents);
        for (offset, length) in [(0, 0), (1, 1), (99, 0), (0, 99), (u32::MAX, u32::MAX)] {
            for style in [Style::Plain, DRAWN] {
                let shown = render(&[diagnostic(offset, length)], &texts, style);
                assert!(shown.contains("odd"), "{shown}");
                let nowhere = render(&[diagnostic(offset, length)], &Texts::default(), style);
                assert!(nowhere.contains("x.toml:9:9"), "{nowhere}");
            }
        }
    }
}
