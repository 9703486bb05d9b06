//! What can be wrong with a file, whatever is in it.

use std::fmt;
use std::path::PathBuf;

use crate::text::{printable, shown};

/// What is wrong with a file, so that it cannot be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileError {
    /// It exists and the system does not let us read it: the system's words.
    Unreadable(String),
    /// It is a folder that cannot be listed: the system's words.
    Unlistable(String),
    /// It is not a file (or, for a folder of restrictions, not a folder).
    NotAFile(&'static str),
    /// It is larger than a policy can be.
    TooLarge,
    /// It has a NUL in it, at this offset.
    Binary(usize),
    /// It is not UTF-8 in this line.
    NotText(usize),
    /// It is empty, or white space alone.
    Empty,
    /// It does not apply, because its name is almost that of a file or folder
    /// that would.
    Misnamed {
        /// The name that applies.
        right: String,
        /// That name is there, too.
        taken: bool,
    },
    /// It changed every time that it was read.
    Changing,
    /// Somebody could have written it who must not be able to.
    Untrusted {
        /// The file or folder that is to blame.
        culprit: PathBuf,
        /// Who could.
        why: String,
        /// What would mend it.
        mend: Option<String>,
    },
}

impl fmt::Display for FileError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(words) => write!(formatter, "cannot be read: {words}"),
            Self::Unlistable(words) => write!(formatter, "cannot be listed: {words}"),
            Self::NotAFile(what) => write!(formatter, "is {what}"),
            Self::TooLarge => formatter.write_str("is larger than 1 MiB"),
            Self::Binary(offset) => write!(formatter, "is binary: byte {offset} is a NUL"),
            Self::NotText(line) => write!(formatter, "is not UTF-8 text: see line {line}"),
            Self::Empty => formatter.write_str("is empty"),
            Self::Misnamed { right, .. } => write!(
                formatter,
                "does not apply: its name must be `{}`",
                printable(right)
            ),
            Self::Changing => formatter.write_str("kept changing while it was read"),
            Self::Untrusted { culprit, why, .. } => {
                write!(formatter, "is not trusted: `{}` {why}", shown(culprit))
            }
        }
    }
}

/// The system's words for a failure, in the form that messages have.
#[must_use]
pub fn words(error: &std::io::Error) -> String {
    let text = error.to_string();
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_lowercase().chain(characters).collect(),
        None => text,
    }
}
