//! The name of a policy. What goes in is what somebody typed; what comes out
//! is a name that is safe as part of a file name on every system.

use std::fmt;
use std::str::FromStr;

use super::Error;

/// The longest name.
const LONGEST: usize = 64;

/// Names that Windows keeps for devices, whatever follows the first dot.
/// They are refused everywhere, so that a policy has one name on all systems.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// The name of a policy: `[a-z0-9][a-z0-9._-]*`, at most 64 characters,
/// without `..`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(String);

impl Name {
    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name of its file, `NAME.toml`.
    #[must_use]
    pub fn file(&self) -> String {
        format!("{}.toml", self.0)
    }

    /// The name of the folder of its managed restrictions, `NAME.d`.
    #[must_use]
    pub fn folder(&self) -> String {
        format!("{}.d", self.0)
    }
}

impl FromStr for Name {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let refuse = |why| {
            Err(Error::Name {
                name: shorten(text),
                why,
            })
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > LONGEST {
            return refuse("it is longer than 64 characters");
        }
        if !text.starts_with(|first: char| first.is_ascii_lowercase() || first.is_ascii_digit()) {
            return refuse("it must begin with a lower case letter or a digit");
        }
        if !text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
        }) {
            return refuse("it may have lower case letters, digits, `.`, `_` and `-` only");
        }
        if text.contains("..") {
            return refuse("it has `..` in it");
        }
        if is_device(text) {
            return refuse("Windows keeps it for a device");
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn is_device(text: &str) -> bool {
    let stem = text.split('.').next().unwrap_or_default();
    let numbered = |prefix| {
        stem.strip_prefix(prefix).is_some_and(|rest| {
            rest.len() == 1 && rest != "0" && rest.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    DEVICES.contains(&stem) || numbered("com") || numbered("lpt")
}

/// What was typed, short enough and plain enough to be repeated in a message.
fn shorten(text: &str) -> String {
    let plain = super::mask::printable(text);
    if plain.chars().count() <= LONGEST {
        plain
    } else {
        plain.chars().take(LONGEST).chain("...".chars()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_safe_as_file_names_are_taken() {
        for name in [
            "claude-code",
            "0",
            "a.b_c-d",
            "x.d",
            &"a".repeat(64),
            "com",
            "com10",
            "lpt0",
        ] {
            assert_eq!(name.parse::<Name>().unwrap().as_str(), name);
        }
    }

    #[test]
    fn names_that_could_reach_another_file_are_refused() {
        for name in [
            "",
            ".",
            "..",
            ".hidden",
            "-x",
            "a/b",
            r"a\b",
            "a..b",
            "../a",
            "/etc/passwd",
            "A",
            "a b",
            "a\n",
            "a\0",
            "é",
            "nul",
            "con.x",
            "com1",
            "lpt9.a",
            &"a".repeat(65),
        ] {
            assert_eq!(
                name.parse::<Name>().unwrap_err().code(),
                "policy-name",
                "{name:?}"
            );
        }
    }

    #[test]
    fn a_refused_name_is_repeated_without_control_characters() {
        let error = "a\u{1b}[31m\n".parse::<Name>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`a\u{fffd}[31m\u{fffd}` cannot be the name of a policy: it may have lower case letters, \
             digits, `.`, `_` and `-` only"
        );
    }
}
