//! Reads typed values out of a TOML document and gathers everything that is
//! wrong with it, each with its place. Messages quote keys and words of the
//! language, never values of the document.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::words::RENAMED;
use crate::schema::location;
use keyrule_contract::{Diagnostic, Location, Severity};
use keyrule_system::text::mask;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Placed<T> {
    pub value: T,
    pub at: Range<usize>,
}

/// A table, what to call it in messages, and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Table<'t> {
    pub entries: &'t DeTable<'t>,
    pub what: &'static str,
    pub at: Range<usize>,
}

impl<'t> Table<'t> {
    /// A key's value, and the key as it is written: it can have the name of an
    /// earlier version.
    pub(crate) fn find<'k>(&self, key: &'k str) -> Option<(&'k str, &'t Spanned<DeValue<'t>>)> {
        let old = || {
            let old = earlier(key)?;
            Some((old, self.entries.get(old)?))
        };
        let found = self.entries.get(key).map(|value| (key, value));
        found.or_else(old)
    }
}

/// The name that an earlier version had for a key.
fn earlier(key: &str) -> Option<&'static str> {
    let mut renamed = RENAMED.iter();
    renamed.find(|(new, _)| *new == key).map(|(_, old)| *old)
}

/// What is wrong with one document.
#[derive(Debug)]
pub(crate) struct Reader<'t> {
    path: &'t str,
    text: &'t str,
    pub problems: Vec<Diagnostic>,
}

impl<'t> Reader<'t> {
    pub(crate) fn new(path: &'t str, text: &'t str) -> Self {
        Self {
            path,
            text,
            problems: Vec::new(),
        }
    }

    /// Parses the text, or reports why it is not TOML.
    pub(crate) fn parse(&mut self) -> Option<Spanned<DeTable<'t>>> {
        match DeTable::parse(self.text) {
            Ok(table) => Some(table),
            Err(error) => {
                let reason = error.message().lines().next().unwrap_or("not TOML");
                self.error(
                    "toml-syntax",
                    format!("this is not valid TOML: {}", mask(reason)),
                    error.span().unwrap_or(0..0),
                    "mend the syntax; see https://toml.io/en/v1.1.0",
                );
                None
            }
        }
    }

    pub(crate) fn location(&self, at: Range<usize>) -> Location {
        location(self.path, self.text, at)
    }

    pub(crate) fn error(
        &mut self,
        code: &str,
        message: impl Into<String>,
        at: Range<usize>,
        help: impl Into<String>,
    ) {
        self.problems.push(Diagnostic {
            severity: Severity::Error,
            code: code.to_owned(),
            message: message.into(),
            location: self.location(at),
            help: help.into(),
        });
    }

    /// Reports every key that the table must not have.
    pub(crate) fn known(&mut self, table: &Table<'_>, keys: &[&str]) {
        for key in table.entries.keys() {
            let name = key.get_ref().as_ref();
            let old = keys.iter().find(|new| earlier(new) == Some(name));
            if let Some(new) = old {
                if table.entries.contains_key(*new) {
                    self.error(
                        "contradiction",
                        format!("`{name}` is the earlier name of `{new}`, and both are here"),
                        key.span(),
                        format!("remove `{name}`"),
                    );
                }
            } else if !keys.contains(&name) {
                self.error(
                    "unknown-key",
                    format!("unknown key `{}` in {}", shown(name), table.what),
                    key.span(),
                    meant(name, keys, "its keys are"),
                );
            }
        }
    }

    /// A key that must be there.
    pub(crate) fn require<T>(
        &mut self,
        table: &Table<'_>,
        key: &str,
        found: Option<T>,
        help: &str,
    ) -> Option<T> {
        if found.is_none() && table.find(key).is_none() {
            self.error(
                "missing-key",
                format!("{} has no `{key}`", table.what),
                table.at.clone(),
                help,
            );
        }
        found
    }

    pub(crate) fn table<'s>(
        &mut self,
        table: &Table<'s>,
        key: &str,
        what: &'static str,
    ) -> Option<Table<'s>> {
        let (key, value) = table.find(key)?;
        let at = value.span();
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
        table: &Table<'s>,
        key: &str,
        what: &'static str,
    ) -> Vec<Table<'s>> {
        let Some((key, value)) = table.find(key) else {
            return Vec::new();
        };
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value.get_ref(), "a list of tables", value.span());
            return Vec::new();
        };
        let mut tables = Vec::new();
        for item in items.iter() {
            let at = item.span();
            match item.get_ref() {
                DeValue::Table(entries) => tables.push(Table { entries, what, at }),
                other => self.wrong_type(key, other, "a table", at),
            }
        }
        tables
    }

    pub(crate) fn string(&mut self, table: &Table<'_>, key: &str) -> Option<Placed<String>> {
        let (key, value) = table.find(key)?;
        self.as_string(key, value)
    }

    pub(crate) fn as_string(
        &mut self,
        key: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Option<Placed<String>> {
        let at = value.span();
        match value.get_ref() {
            DeValue::String(text)
                if text.trim().is_empty() || text.chars().any(char::is_control) =>
            {
                self.error(
                    "empty-value",
                    format!("`{}` is empty, or holds a control character", shown(key)),
                    at,
                    format!("give `{}` a value, or remove it", shown(key)),
                );
                None
            }
            DeValue::String(text) => Some(Placed {
                value: text.to_string(),
                at,
            }),
            other => {
                self.wrong_type(key, other, "a string", at);
                None
            }
        }
    }

    /// A list of strings, which may be empty.
    pub(crate) fn strings(&mut self, table: &Table<'_>, key: &str) -> Option<Vec<Placed<String>>> {
        let (key, value) = table.find(key)?;
        let DeValue::Array(items) = value.get_ref() else {
            self.wrong_type(key, value.get_ref(), "a list of strings", value.span());
            return None;
        };
        let strings = items.iter().map(|item| self.as_string(key, item));
        Some(strings.collect::<Vec<_>>().into_iter().flatten().collect())
    }

    pub(crate) fn boolean(&mut self, table: &Table<'_>, key: &str) -> Option<bool> {
        let (key, value) = table.find(key)?;
        match value.get_ref() {
            DeValue::Boolean(value) => Some(*value),
            other => {
                self.wrong_type(key, other, "true or false", value.span());
                None
            }
        }
    }

    /// A whole number.
    pub(crate) fn number(&mut self, table: &Table<'_>, key: &str) -> Option<Placed<i64>> {
        let (key, value) = table.find(key)?;
        let at = value.span();
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong_type(key, value.get_ref(), "a whole number", at);
            return None;
        };
        match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(value) => Some(Placed { value, at }),
            Err(_) => {
                self.error(
                    "bad-number",
                    format!("`{key}` is too large"),
                    at,
                    "write a smaller one",
                );
                None
            }
        }
    }

    /// How many times something happens.
    pub(crate) fn count(&mut self, table: &Table<'_>, key: &str) -> Option<usize> {
        let number = self.number(table, key)?;
        let count = usize::try_from(number.value)
            .ok()
            .filter(|count| *count <= 1_000_000);
        if count.is_none() {
            self.error(
                "bad-number",
                format!("`{key}` is no count"),
                number.at,
                "write how many times it happens, from 0",
            );
        }
        count
    }

    /// One of a closed set of words.
    pub(crate) fn word<T: Copy + PartialEq>(
        &mut self,
        table: &Table<'_>,
        key: &str,
        words: &[(&str, T)],
    ) -> Option<Placed<T>> {
        let string = self.string(table, key)?;
        self.as_word(key, string, words)
    }

    pub(crate) fn as_word<T: Copy + PartialEq>(
        &mut self,
        key: &str,
        string: Placed<String>,
        words: &[(&str, T)],
    ) -> Option<Placed<T>> {
        let at = string.at;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == string.value) {
            return Some(Placed { value: *value, at });
        }
        // An earlier version's words come last.
        let today = |(index, (_, value)): &(usize, &(&str, T))| {
            !words.iter().take(*index).any(|(_, other)| other == value)
        };
        let names = words.iter().enumerate().filter(today);
        let names: Vec<&str> = names.map(|(_, (word, _))| *word).collect();
        self.error(
            "unknown-word",
            format!("`{}` is none of the words it can be", shown(key)),
            at,
            meant(&string.value, &names, "it is one of"),
        );
        None
    }

    /// A length of time, in milliseconds.
    pub(crate) fn duration(&mut self, table: &Table<'_>, key: &str) -> Option<Placed<u64>> {
        let Placed { value, at } = self.string(table, key)?;
        match milliseconds(&value) {
            Some(value) => Some(Placed { value, at }),
            None => {
                self.error(
                    "bad-duration",
                    format!("`{key}` is not a length of time"),
                    at,
                    "write a whole number and a unit: `500ms`, `90s`, `5m`, `2h`; or `0`",
                );
                None
            }
        }
    }

    pub(crate) fn wrong_type(
        &mut self,
        key: &str,
        found: &DeValue<'_>,
        wanted: &str,
        at: Range<usize>,
    ) {
        self.error(
            "wrong-type",
            format!(
                "`{}` is a TOML {}, and must be {wanted}",
                shown(key),
                found.type_str()
            ),
            at,
            format!("write {wanted}"),
        );
    }
}

/// As the engine reads it in policies.
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
    (total <= 366 * 24 * 3_600_000).then_some(total)
}

/// The word that was probably meant, else all there are.
pub(crate) fn meant(name: &str, words: &[&str], all: &str) -> String {
    let near = words
        .iter()
        .map(|word| (strsim::osa_distance(name, word), *word))
        .filter(|(distance, word)| name.len() <= 40 && distance * 3 <= word.len().max(3))
        .min();
    match near {
        Some((_, near)) => format!("did you mean `{near}`?"),
        None => format!("{all} {}", listed(words)),
    }
}

/// `a`, `b` and `c`, each in backticks.
pub(crate) fn listed(words: &[&str]) -> String {
    match words {
        [] => "none".to_owned(),
        [one] => format!("`{one}`"),
        [rest @ .., last] => {
            let rest: Vec<String> = rest.iter().map(|word| format!("`{word}`")).collect();
            format!("{} and `{last}`", rest.join(", "))
        }
    }
}

/// A key as it may be shown: it can be a secret on the wrong side of an equals
/// sign.
pub(crate) fn shown(name: &str) -> &str {
    let plain = name.len() <= 40
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if plain && mask(name) == name {
        name
    } else {
        "…"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_finds_its_word() {
        let words = ["use", "refuse", "reason"];
        assert_eq!(meant("ues", &words, "its keys are"), "did you mean `use`?");
        assert_eq!(
            meant("refse", &words, "its keys are"),
            "did you mean `refuse`?"
        );
        assert_eq!(
            meant("zzzzzz", &words, "its keys are"),
            "its keys are `use`, `refuse` and `reason`"
        );
    }

    #[test]
    fn a_key_that_could_be_a_secret_is_not_shown() {
        assert_eq!(shown("api-key"), "api-key");
        assert_eq!(shown("sk-ant-canary"), "…");
    }

    #[test]
    fn durations_are_those_of_policies() {
        assert_eq!(milliseconds("2m"), Some(120_000));
        assert_eq!(milliseconds("0"), Some(0));
        assert_eq!(milliseconds("5"), None);
        assert_eq!(milliseconds("9000h"), None);
    }
}
