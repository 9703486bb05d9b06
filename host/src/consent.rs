//! What the user says about sources: the question, the answer, and the book
//! in which answers are kept. What goes in is a source, where it would be
//! sent, and its value; what comes out is an answer. Whether one is needed is
//! the policy's matter. No answer is ever made up: a book that cannot be
//! believed is an error, and a question that nobody answers has no answer.

use std::io;
use std::path::PathBuf;

mod book;
mod files;
mod key;

pub use book::{ConsentBook, Forget, Forgotten, Remembered};

/// Asks the user whether a source may be used.
pub trait Prompter: Send + Sync + std::fmt::Debug {
    /// Asks. The question carries no secret.
    fn ask(&self, question: &Question) -> Answer;
}

/// What the user is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The source's id.
    pub source: String,
    /// What it is, for people.
    pub description: String,
    /// Where it was found.
    pub found_in: Option<String>,
    /// Where it would be sent: scheme, host and port.
    pub origin: Option<String>,
    /// Whether keeping it in our own store is offered.
    pub keep: bool,
}

/// What the user answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Use it, and remember that.
    Use,
    /// Use it, remember that, and keep it in our own store.
    UseAndKeep,
    /// Do not use it, and remember that.
    Decline,
    /// No answer: nothing is remembered, nothing handed out.
    Cancel,
}

/// Why consents can be neither recalled nor changed. Nothing was changed, and
/// nothing counts as approved.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no home to keep a book in. An answer serves this once.
    #[error("there is no folder to remember consents in")]
    NoPlace,
    /// The file cannot be read. Mend its mode.
    #[error("`{}` {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why, as a predicate.
        why: String,
    },
    /// The file is not what this program writes. It is left as it is.
    #[error("`{}` {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why, as a predicate, with line and column where there are any.
        why: String,
    },
    /// Somebody else could have written the file.
    #[error("`{}` {why}", path.display())]
    Untrusted {
        /// The file or folder.
        path: PathBuf,
        /// Why, as a predicate.
        why: String,
    },
    /// There are consents, and the key that they were hashed with is gone.
    #[error("`{}` is missing, and without it the consents cannot be read", path.display())]
    KeyMissing {
        /// The key's file.
        path: PathBuf,
    },
    /// The file cannot be written. An answer serves this once.
    #[error("`{}` cannot be written", path.display())]
    NotWritable {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The book would become too large to be read again. An answer serves
    /// this once.
    #[error("`{}` has no room for more: it is read up to {limit} bytes", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// How many bytes of it are read.
        limit: u64,
    },
    /// Somebody else is writing for too long. Try again.
    #[error("`{}` is being written by another program", path.display())]
    Locked {
        /// The lock's file.
        path: PathBuf,
    },
    /// The system has no random numbers for a key.
    #[error("the system gives no random numbers")]
    NoRandom,
}

impl Error {
    /// A stable name for this kind of error, for scripts and for the README.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NoPlace => "consent-no-place",
            Self::Unreadable { .. } => "consent-unreadable",
            Self::Damaged { .. } => "consent-damaged",
            Self::Untrusted { .. } => "consent-untrusted",
            Self::KeyMissing { .. } => "consent-key-missing",
            Self::NotWritable { .. } => "consent-not-writable",
            Self::Full { .. } => "consent-full",
            Self::Locked { .. } => "consent-locked",
            Self::NoRandom => "consent-no-random",
        }
    }

    /// The next thing to type or to change.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NoPlace => "set `HOME` to your home folder".to_owned(),
            Self::Unreadable { path, .. } => {
                format!(
                    "let yourself read `{}`, or start afresh with `keyrule consent forget --all`",
                    path.display()
                )
            }
            Self::Damaged { .. } | Self::KeyMissing { .. } => {
                "start afresh with `keyrule consent forget --all`; a damaged file is set aside, \
                 not deleted"
                    .to_owned()
            }
            Self::Untrusted { path, .. } => format!(
                "make `{}` yours and writable by you alone (`chown`, `chmod go-w`)",
                path.display()
            ),
            Self::NotWritable { path, source } if is_full(source) => {
                format!("make room on the disk of `{}`", path.display())
            }
            Self::NotWritable { path, .. } => {
                format!(
                    "let yourself write `{}` and the folder it is in",
                    path.display()
                )
            }
            Self::Full { .. } => {
                "forget answers that you no longer need: `keyrule consent forget`".to_owned()
            }
            Self::Locked { .. } => "try again when the other program has finished".to_owned(),
            Self::NoRandom => "try again on a system with a random number generator".to_owned(),
        }
    }
}

/// Whether there is no room for more, for everybody or for this user.
fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
