//! Why a store cannot do what it was asked. What comes out are words, a code
//! and a hint; what a keyring or a file holds is in none of them.

use std::io;
use std::path::PathBuf;

use keyrule_contract as wit;

/// Why a store cannot do what it was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no place for the store. Mend what the words name.
    #[error("there is no place to store anything in")]
    NoPlace {
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
        /// What an observation says of it.
        trouble: wit::FailureKind,
    },
    /// The file is there and cannot be read. Mend its mode.
    #[error("`{}` {why}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why, as a predicate.
        why: String,
    },
    /// The file is not what this program writes. It is left as it is: mend
    /// it, or move it away.
    #[error("`{}` {why}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Why, as a predicate, with line and column.
        why: String,
    },
    /// The file cannot be written.
    #[error("`{}` cannot be written", path.display())]
    NotWritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file would become too large to be read again. Remove something.
    #[error("`{}` has no room for more: it is read up to {limit} bytes", path.display())]
    Full {
        /// The file.
        path: PathBuf,
        /// How many bytes of it are read.
        limit: u64,
    },
    /// The keyring does not do what it was asked: it is locked, is not there,
    /// or does not answer.
    #[error("the keyring {why}")]
    Keyring {
        /// Why, as a predicate, with what to do.
        why: String,
        /// What an observation says of it.
        trouble: wit::FailureKind,
    },
    /// Somebody else is writing it for too long. Try again.
    #[error("`{}` is being written by another program", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    /// The file that it is about.
    pub fn path(&self) -> Option<&std::path::Path> {
        match self {
            Self::NoPlace { .. } | Self::Keyring { .. } => None,
            Self::Unreadable { path, .. }
            | Self::Invalid { path, .. }
            | Self::NotWritable { path, .. }
            | Self::Full { path, .. }
            | Self::Locked { path } => Some(path),
        }
    }

    /// A stable name for this kind of error, for scripts and for the README.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoPlace { .. } => "store-no-place",
            Self::Unreadable { .. } => "store-unreadable",
            Self::Invalid { .. } => "store-invalid",
            Self::NotWritable { .. } => "store-not-writable",
            Self::Full { .. } => "store-full",
            Self::Keyring { .. } => "keyring",
            Self::Locked { .. } => "store-locked",
        }
    }

    /// The next thing to type or to change.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoPlace { .. } => return None,
            Self::Keyring { .. } => "see what it says: `keyrule doctor`".to_owned(),
            Self::Unreadable { path, .. } => format!("let yourself read `{}`", path.display()),
            Self::Invalid { path, .. } => {
                format!("mend `{}`, or move it away", path.display())
            }
            Self::NotWritable { path, source } => {
                let path = path.display();
                match source.kind() {
                    io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                        format!("make room on the disk of `{path}`")
                    }
                    _ => format!("let yourself write `{path}` and the folder it is in"),
                }
            }
            Self::Full { .. } => {
                "remove logins and keys that you no longer need: `keyrule logout`, \
                                  `keyrule key remove`"
                    .to_owned()
            }
            Self::Locked { .. } => "try again when the other program has finished".to_owned(),
        })
    }

    /// What an observation says of it.
    pub fn trouble(&self) -> wit::FailureKind {
        match self {
            Self::NoPlace { trouble, .. } | Self::Keyring { trouble, .. } => *trouble,
            Self::Unreadable { .. } | Self::NotWritable { .. } | Self::Full { .. } => {
                wit::FailureKind::Unreadable
            }
            Self::Invalid { .. } => wit::FailureKind::Invalid,
            Self::Locked { .. } => wit::FailureKind::Locked,
        }
    }

    /// The same in words for an observation, causes included.
    pub fn detail(&self) -> String {
        match self {
            Self::NoPlace { source, .. } => format!("{self}: {source}"),
            Self::NotWritable { source, .. } => format!("{self}: {source}"),
            Self::Unreadable { .. }
            | Self::Invalid { .. }
            | Self::Full { .. }
            | Self::Keyring { .. }
            | Self::Locked { .. } => self.to_string(),
        }
    }
}
