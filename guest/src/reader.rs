//! Reads typed values out of a TOML document and gathers every error in it.
//! Messages quote keys and words of the language, never values of the
//! document: a value could be a misplaced secret.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::text::{At, Lines};
use crate::wit::Severity;

/// Something that is wrong, or odd, with a document.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub severity: Severity,
    pub code: &'static str,
    pub message: String,
    pub at: At,
    pub help: String,
}

/// A value and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Placed<T> {
    pub value: T,
    pub at: At,
}

/// A table, and what to call it in messages.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table<'t> {
    pub entries: &'t DeTable<'t>,
    pub what: &'t str,
    pub at: At,
}

/// Reads one document.
#[derive(Debug)]
pub(crate) struct Reader<'t> {
    lines: Lines<'t>,
    pub problems: Vec<Problem>,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(document: u16, text: &'t str) -> Self {
        Self {
            lines: Lines::new(document, text),
            problems: Vec::new(),
        }
    }

    pub(crate) fn start(&self) -> At {
        self.lines.start()
    }

    /// Parses the text, or reports why it is not TOML.
    pub(crate) fn parse(&mut self, text: &'t str) -> Option<Spanned<DeTable<'t>>> {
        match DeTable::parse(text) {
            Ok(table) => Some(table),
            Err(error) => {
                let at = self.lines.at(&error.span().unwrap_or(0..0));
                // The parser's own words name tokens, not values; the first
                // line is the reason, further lines list what it expected.
                let reason = error.message().lines().next().unwrap_or("not TOML");
                self.error(
                    "toml-syntax",
                    format!("this is not valid TOML: {reason}"),
                    at,
                    "mend the syntax; see https://toml.io/en/v1.1.0",
                );
                None
            }
        }
    }

    pub(crate) fn at<T>(&self, spanned: &Spanned<T>) -> At {
        self.lines.at(&spanned.span())
    }

    pub(crate) fn error(
        &mut self,
        code: &'static str,
        message: impl Into<String>,
        at: At,
        help: impl Into<String>,
    ) {
        self.problems.push(Problem {
            severity: Severity::Error,
            code,
            message: message.into(),
            at,
            help: help.into(),
        });
    }

    pub(crate) fn failed(&self) -> bool {
        self.problems
            .iter()
            .any(|problem| problem.severity == Severity::Error)
    }

    /// Reports every key that the table must not have.
    pub(crate) fn known(&mut self, table: Table<'_>, keys: &[&str]) {
        for key in table.entries.keys() {
            let name = key.get_ref().as_ref();
            if keys.contains(&name) {
                continue;
            }
            let help = match nearest(name, keys) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("its keys are {}", listed(keys)),
            };
            let at = self.at(key);
            let shown = if plain(name) { name } else { "…" };
            self.error(
                "unknown-key",
                format!("unknown key `{shown}` in {}", table.what),
                at,
                help,
            );
        }
    }

    /// Where a key stands, if it is there.
    pub(crate) fn key_at(&self, table: Table<'_>, key: &str) -> Option<At> {
        let mut keys = table.entries.keys();
        let found = keys.find(|other| other.get_ref() == key)?;
        Some(self.at(found))
    }

    /// A key that must be there.
    pub(crate) fn require<T>(
        &mut self,
        table: Table<'_>,
        key: &str,
        found: Option<T>,
        help: &str,
    ) -> Option<T> {
        if found.is_none() && !table.entries.contains_key(key) {
            self.error(
                "missing-key",
                format!("{} has no `{key}`", table.what),
                table.at,
                help,
            );
        }
        found
    }

    pub(crate) fn table<'s>(
        &mut self,
        table: Table<'s>,
        key: &str,
        what: &'s str,
    ) -> Option<Table<'s>> {
        let value = table.entries.get(key)?;
        let at = self.at(value);
        match value.get_ref() {
            DeValue::Table(entries) => Some(Table { entries, what, at }),
            other => {
                self.wrong_type(key, other, "a table", at);
                None
            }
        }
    }

    /// A list of tables, `[[key]]`.
    pub(crate) fn tables<'s>(
        &mut self,
        table: Table<'s>,
        key: &str,
        what: &'s str,
    ) -> Vec<Table<'s>> {
        let Some(value) = table.entries.get(key) else {
            return Vec::new();
        };
        let at = self.at(value);
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value.get_ref(), "a list of tables", at);
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            let at = self.at(item);
            match item.get_ref() {
                DeValue::Table(entries) => tables.push(Table { entries, what, at }),
                other => self.wrong_type(key, other, "a table", at),
            }
        }
        tables
    }

    pub(crate) fn string(&mut self, table: Table<'_>, key: &str) -> Option<Placed<String>> {
        let value = table.entries.get(key)?;
        self.as_string(key, value)
    }

    /// A string, where there is one, and nothing said where there is none.
    pub(crate) fn text(&self, table: Table<'_>, key: &str) -> Option<String> {
        table
            .entries
            .get(key)?
            .get_ref()
            .as_str()
            .map(str::to_owned)
    }

    fn as_string(&mut self, key: &str, value: &Spanned<DeValue<'_>>) -> Option<Placed<String>> {
        let at = self.at(value);
        match value.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                self.error(
                    "empty-value",
                    format!("`{key}` is empty"),
                    at,
                    format!("give `{key}` a value, or remove it"),
                );
                None
            }
            DeValue::String(text) if text.chars().any(char::is_control) => {
                self.error(
                    "control-character",
                    format!("`{key}` holds a control character"),
                    at,
                    "remove it; line breaks and NULs stand nowhere in this language",
                );
                None
            }
            DeValue::String(text) => Some(Placed {
                value: text.clone().into_owned(),
                at,
            }),
            other => {
                self.wrong_type(key, other, "a string", at);
                None
            }
        }
    }

    /// A list of strings that is not empty.
    pub(crate) fn strings(
        &mut self,
        table: Table<'_>,
        key: &str,
    ) -> Option<Placed<Vec<Placed<String>>>> {
        let value = table.entries.get(key)?;
        let at = self.at(value);
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value.get_ref(), "a list of strings", at);
            return None;
        };
        if items.is_empty() {
            self.error(
                "empty-list",
                format!("`{key}` lists nothing"),
                at,
                format!("list at least one, or remove `{key}`"),
            );
            return None;
        }
        let mut strings: Vec<Placed<String>> = Vec::new();
        for item in items.iter() {
            let Some(string) = self.as_string(key, item) else {
                continue;
            };
            if strings.iter().any(|other| other.value == string.value) {
                self.error(
                    "listed-twice",
                    format!("`{key}` lists the same thing twice"),
                    string.at,
                    "remove one of them",
                );
            }
            strings.push(string);
        }
        Some(Placed { value: strings, at })
    }

    /// A list of strings that may repeat: the arguments of a command.
    pub(crate) fn strings_with_repeats(
        &mut self,
        table: Table<'_>,
        key: &str,
    ) -> Option<Vec<String>> {
        let value = table.entries.get(key)?;
        let at = self.at(value);
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value.get_ref(), "a list of strings", at);
            return None;
        };
        let mut strings = Vec::new();
        for item in items.iter() {
            let at = self.at(item);
            match item.get_ref() {
                // An argument may be empty; a NUL ends it early.
                DeValue::String(text) => {
                    if text.contains('\0') {
                        self.error(
                            "control-character",
                            format!("`{key}` holds a NUL"),
                            at,
                            "remove it",
                        );
                    }
                    strings.push(text.clone().into_owned());
                }
                other => self.wrong_type(key, other, "a list of strings", at),
            }
        }
        let help = "write for example `command = [\"/usr/local/bin/get-token\"]`";
        if items.is_empty() {
            self.error("empty-list", format!("`{key}` lists nothing"), at, help);
            return None;
        }
        let program = strings.first();
        if program.is_some_and(|program| program.trim().is_empty()) {
            let message = format!("`{key}` names no program");
            self.error("no-program", message, at, help);
            return None;
        }
        Some(strings)
    }

    pub(crate) fn boolean(&mut self, table: Table<'_>, key: &str) -> Option<Placed<bool>> {
        let value = table.entries.get(key)?;
        let at = self.at(value);
        match value.get_ref() {
            DeValue::Boolean(value) => Some(Placed { value: *value, at }),
            other => {
                self.wrong_type(key, other, "true or false", at);
                None
            }
        }
    }

    /// The number of a port.
    pub(crate) fn port(&mut self, table: Table<'_>, key: &str) -> Option<Placed<u16>> {
        let value = table.entries.get(key)?;
        let at = self.at(value);
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(key, value.get_ref(), "a number", at);
            return None;
        };
        let port = u16::from_str_radix(number.as_str(), number.radix());
        match port {
            Ok(port) if port != 0 => Some(Placed { value: port, at }),
            _ => {
                self.error(
                    "bad-port",
                    format!("`{key}` is no port"),
                    at,
                    "write a number from 1 to 65535, or leave it out for any port",
                );
                None
            }
        }
    }

    /// One of a closed set of words.
    pub(crate) fn word<T: Copy>(
        &mut self,
        table: Table<'_>,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<Placed<T>> {
        let string = self.string(table, key)?;
        self.as_word(key, &string, words)
    }

    pub(crate) fn as_word<T: Copy>(
        &mut self,
        key: &str,
        string: &Placed<String>,
        words: &[(&str, T)],
    ) -> Option<Placed<T>> {
        let found = words.iter().find(|(word, _)| *word == string.value);
        if let Some((_, value)) = found {
            return Some(Placed {
                value: *value,
                at: string.at,
            });
        }
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let help = match nearest(&string.value, &names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("it is one of {}", listed(&names)),
        };
        self.error(
            "unknown-word",
            format!("`{key}` is none of the words it can be"),
            string.at,
            help,
        );
        None
    }

    /// A length of time such as `90s`, `5m`, `2h`, `500ms` or `0`, in
    /// milliseconds.
    pub(crate) fn duration(&mut self, table: Table<'_>, key: &str) -> Option<Placed<u64>> {
        let string = self.string(table, key)?;
        if let Some(value) = milliseconds(&string.value) {
            return Some(Placed {
                value,
                at: string.at,
            });
        }
        self.error(
            "bad-duration",
            format!("`{key}` is not a length of time"),
            string.at,
            "write a whole number and a unit: `500ms`, `90s`, `5m`, `2h`; or `0`",
        );
        None
    }

    fn wrong_type(&mut self, key: &str, found: &DeValue<'_>, wanted: &str, at: At) {
        self.error(
            "wrong-type",
            format!(
                "`{key}` is a TOML {}, and must be {wanted}",
                found.type_str()
            ),
            at,
            format!("write {wanted}"),
        );
    }
}

fn milliseconds(text: &str) -> Option<u64> {
    if text == "0" {
        return Some(0);
    }
    let digits = text.find(|character: char| !character.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return None,
    };
    let total = number.parse::<u64>().ok()?.checked_mul(unit)?;
    // Longer than a year is a slip, and would overflow clocks downstream.
    (total <= 366 * 24 * 3_600_000).then_some(total)
}

/// `a`, `b` and `c`, each in backticks.
pub(crate) fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => format!("`{one}`"),
        [rest @ .., last] => {
            let rest: Vec<String> = rest.iter().map(|word| format!("`{word}`")).collect();
            format!("{} and `{last}`", rest.join(", "))
        }
    }
}

/// Whether a key can be shown: keys of this language are short and plain.
/// Anything else could be a secret on the wrong side of an equals sign.
fn plain(name: &str) -> bool {
    name.len() <= 40
        && name
            .chars()
            .all(|character| character.is_ascii_alphabetic() || matches!(character, '-' | '_'))
}

/// The word that was probably meant: at most a third of it differs.
pub(crate) fn nearest<'w>(name: &str, words: &[&'w str]) -> Option<&'w str> {
    if name.len() > 40 {
        return None;
    }
    words
        .iter()
        .map(|word| (distance(name, word), *word))
        .filter(|(distance, word)| *distance * 3 <= word.len().max(3))
        .min()
        .map(|(_, word)| word)
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = index;
        let mut current = index + 1;
        for (to, cell) in right.iter().zip(row.iter_mut().skip(1)) {
            let substituted = diagonal + usize::from(from != *to);
            diagonal = *cell;
            current = substituted.min(*cell + 1).min(current + 1);
            *cell = current;
        }
        if let Some(first) = row.first_mut() {
            *first = index + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(milliseconds("5m"), Some(300_000));
        assert_eq!(milliseconds("500ms"), Some(500));
        assert_eq!(milliseconds("0"), Some(0));
        for wrong in [
            "5",
            "m",
            "-1s",
            "1.5h",
            "5 m",
            "99999999999999999h",
            "9000h",
            "",
            "5d",
        ] {
            assert_eq!(milliseconds(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_slip_of_the_pen_finds_its_word() {
        assert_eq!(
            nearest("surface", &["surfaces", "consent"]),
            Some("surfaces")
        );
        assert_eq!(
            nearest("consnet", &["surfaces", "consent"]),
            Some("consent")
        );
        assert_eq!(nearest("zzz", &["surfaces", "consent"]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
