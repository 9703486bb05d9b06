//! The merged table for a person: one line a case that makes a difference,
//! one column a group of sessions.

use std::path::Path;

use super::Decided;
use crate::explained::short;
use crate::output::{Look, clean, columns, pad, wrap};
use keyrule_analysis::merged::{Cell, Column, Line};
use keyrule_analysis::outcome::among;
use keyrule_contract as wit;

/// The narrowest that a column of sessions is written.
const NARROWEST: usize = 8;

/// Writes the table.
pub(super) fn text(decided: &Decided, look: Look, home: Option<&Path>) -> String {
    let info = &decided.loaded.info;
    let documents: Vec<String> = info
        .documents
        .iter()
        .map(|path| clean(&short(path, home)))
        .collect();
    let mut text = format!(
        "policy {} ({})\n",
        look.bold(&clean(&info.name)),
        documents.join(", restricted by ")
    );
    text.push_str(&format!(
        "every case, {}, in {} lines: from the top, the first that applies decides\n\n",
        thousands(decided.merged.cases),
        shown(decided).count() + 1
    ));
    text.push_str(&Layout::of(decided, look, home).write(decided, look));
    text
}

/// The lines that are shown: what is not there is passed, and that goes
/// without saying.
fn shown(decided: &Decided) -> impl Iterator<Item = &Line> {
    decided
        .merged
        .lines
        .iter()
        .filter(|line| line.says_something())
}

/// How wide everything is.
struct Layout {
    source: usize,
    text: usize,
    cells: Vec<usize>,
    /// The sessions of each column, broken into lines.
    heads: Vec<Vec<String>>,
    rules: Vec<String>,
}

impl Layout {
    fn of(decided: &Decided, look: Look, home: Option<&Path>) -> Self {
        let heads: Vec<Vec<String>> = decided
            .merged
            .columns
            .iter()
            .map(|column| {
                let names = among(&column.sessions).to_uppercase();
                wrap(&names, 13)
            })
            .collect();
        let cells: Vec<usize> = heads
            .iter()
            .map(|head| {
                let widest = head.iter().map(|line| columns(line)).max();
                widest.unwrap_or_default().max(NARROWEST)
            })
            .collect();
        let rules: Vec<String> = shown(decided)
            .map(|line| rule(decided, line, home))
            .collect();
        let ids = decided.loaded.sources.iter().map(|of| columns(&of.id));
        let source = ids.max().unwrap_or_default().max("SOURCE".len());
        let rule = rules.iter().map(|rule| columns(rule)).max();
        let rule = rule.unwrap_or_default().max("RULE".len());
        let taken = source + cells.iter().map(|cell| cell + 2).sum::<usize>() + rule + 4;
        Self {
            source,
            text: look.width.saturating_sub(taken).max(22),
            cells,
            heads,
            rules,
        }
    }

    fn write(&self, decided: &Decided, look: Look) -> String {
        let mut text = self.head(look);
        let mut before = None;
        for (line, rule) in shown(decided).zip(&self.rules) {
            let id = decided.loaded.id(line.source);
            let id = if before == Some(line.source) { "" } else { id };
            before = Some(line.source);
            let cells: Vec<(String, Paint)> = line
                .cells
                .iter()
                .zip(&decided.merged.columns)
                .map(|(cell, column)| word(cell.as_ref(), column, look))
                .collect();
            text.push_str(&self.line(look, id, &line.brief, &cells, rule));
        }
        let ends: Vec<(String, Paint)> = decided
            .merged
            .columns
            .iter()
            .map(|column| {
                let word = if column.served {
                    "refuse"
                } else {
                    "not served"
                };
                (word.to_owned(), Paint::Red)
            })
            .collect();
        text.push_str(&self.line(look, "", "none of these", &ends, ""));
        text
    }

    fn head(&self, look: Look) -> String {
        let tall = self.heads.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let mut text = String::new();
        for row in 0..tall {
            let last = row + 1 == tall;
            let (source, case, rule) = if last {
                ("SOURCE", "WHAT IS THE CASE", "RULE")
            } else {
                ("", "", "")
            };
            let mut line = format!("{}  {}", pad(source, self.source), pad(case, self.text));
            for (head, width) in self.heads.iter().zip(&self.cells) {
                let skipped = tall - head.len();
                let words = row.checked_sub(skipped).and_then(|row| head.get(row));
                line.push_str("  ");
                line.push_str(&pad(words.map_or("", String::as_str), *width));
            }
            line.push_str("  ");
            line.push_str(rule);
            text.push_str(&look.dim(line.trim_end()));
            text.push('\n');
        }
        text
    }

    fn line(
        &self,
        look: Look,
        id: &str,
        case: &str,
        cells: &[(String, Paint)],
        rule: &str,
    ) -> String {
        let words = wrap(case, self.text);
        let mut text = String::new();
        for (row, words) in words.iter().enumerate() {
            let mut line = if row == 0 {
                format!(
                    "{}  {}",
                    look.bold(id) + &" ".repeat(self.source.saturating_sub(columns(id))),
                    pad(words, self.text)
                )
            } else {
                format!("{}  {words}", " ".repeat(self.source))
            };
            if row == 0 {
                for ((word, paint), width) in cells.iter().zip(&self.cells) {
                    let blank = " ".repeat(width.saturating_sub(columns(word)));
                    line.push_str(&format!("  {}{blank}", paint.on(look, word)));
                }
                line.push_str("  ");
                line.push_str(&look.dim(rule));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// How a word of a cell looks.
#[derive(Debug, Clone, Copy)]
enum Paint {
    Green,
    Cyan,
    Red,
    Dim,
}

impl Paint {
    fn on(self, look: Look, word: &str) -> String {
        match self {
            Self::Green => look.green(word),
            Self::Cyan => look.cyan(word),
            Self::Red => look.red(word),
            Self::Dim => look.dim(word),
        }
    }
}

/// A cell in one word.
fn word(cell: Option<&Cell>, column: &Column, look: Look) -> (String, Paint) {
    let dash = if look.unicode { "–" } else { "-" };
    let (word, paint) = match cell {
        _ if !column.served => (dash, Paint::Dim),
        None => (dash, Paint::Dim),
        Some(cell) if cell.is_not_counted() => (dash, Paint::Dim),
        Some(cell) => match cell.effect {
            wit::Effect::Skip => ("next", Paint::Dim),
            wit::Effect::Ask => ("ask", Paint::Cyan),
            wit::Effect::Use => ("use", Paint::Green),
            wit::Effect::Refuse(_) => ("refuse", Paint::Red),
        },
    };
    (word.to_owned(), paint)
}

/// The rule behind a line: that of the first column in which it decides.
fn rule(decided: &Decided, line: &Line, home: Option<&Path>) -> String {
    let decides = |cell: &&Cell| cell.effect != wit::Effect::Skip;
    let cells = || line.cells.iter().flatten();
    let cell = cells().find(decides).or_else(|| cells().next());
    let Some((path, number)) = cell.and_then(|cell| cell.rules.first()) else {
        return String::new();
    };
    // One file needs no name in every line.
    if decided.loaded.info.documents.len() == 1 {
        return format!(":{number}");
    }
    let name = Path::new(path).file_name().map_or_else(
        || short(path, home),
        |name| name.to_string_lossy().into_owned(),
    );
    clean(&format!("{name}:{number}"))
}

/// `124,416`.
pub(super) fn thousands(number: u128) -> String {
    // Multiplied on without end, so it is no number any more.
    if number == u128::MAX {
        return "more than can be counted".to_owned();
    }
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
