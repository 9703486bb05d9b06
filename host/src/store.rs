//! Our own stores of keys and logins. What goes in is a name and a secret;
//! what comes out later is the same, or that nothing is there. A store does
//! not choose which credential is used, and no store stands in for another.
//! In this version the one store is a file.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use crate::ambient::Ambient;
use crate::engine::bindings as wit;
use crate::secret::Secret;
use crate::sources::paths::PathError;

pub(crate) mod atomic;
pub(crate) mod contents;
pub(crate) mod file;
#[cfg(test)]
pub(crate) mod memory;
mod wire;

pub(crate) use wire::{Named, place};

/// A place that keeps secrets by name.
pub(crate) trait Store: fmt::Debug {
    /// What is kept under the name, if anything is.
    fn load(&self, shelf: Shelf, name: &str) -> Result<Option<Entry>, Error>;

    /// Keeps the entry under the name, in place of what was there.
    fn save(&self, name: &str, entry: &Entry) -> Result<(), Error>;

    /// Forgets the name, and returns whether anything was kept under it.
    fn delete(&self, shelf: Shelf, name: &str) -> Result<bool, Error>;

    /// Where it keeps what is saved now, in words.
    fn whereabouts(&self) -> Result<String, Error>;

    /// Every name that something is kept under, in order.
    fn names(&self) -> Result<Vec<(Shelf, String)>, Error>;
}

/// The store of this tool, on this system.
pub(crate) fn of(tool: &wit::Tool, ambient: &Ambient) -> Result<impl Store + use<>, Error> {
    file::FileStore::of(tool, ambient)
}

/// Which kind of thing a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shelf {
    /// Keys, as `stored-key` sources name them.
    Keys,
    /// Logins, as `login` sources name them.
    Logins,
}

/// Something kept.
#[derive(Debug, Clone)]
pub(crate) enum Entry {
    /// A key.
    Key(Secret),
    /// A login.
    Login(StoredLogin),
}

/// A login that was made with an issuer. Its `Debug` shows no account: that
/// is nobody's business in a log.
#[derive(Clone)]
pub(crate) struct StoredLogin {
    /// What is sent.
    pub access_token: Secret,
    /// What renews it.
    pub refresh_token: Option<Secret>,
    /// When the access token ends.
    pub expires_at: Option<SystemTime>,
    /// Whose it is.
    pub account: Option<String>,
    /// Which organisation it belongs to.
    pub organization: Option<String>,
    /// What the issuer says of the user.
    pub claims: BTreeMap<String, serde_json::Value>,
}

impl fmt::Debug for StoredLogin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("StoredLogin")
            .field("access_token", &self.access_token)
            .field("refresh_token", &self.refresh_token)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Why a store cannot do what it was asked. Nothing was changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no place for the store. Mend what the words name.
    #[error("there is no place to store anything in")]
    NoPlace(#[from] PathError),
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
    /// Somebody else is writing it for too long. Try again.
    #[error("`{}` is being written by another program", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
}

impl Error {
    /// The file that it is about.
    pub(crate) fn path(&self) -> Option<&std::path::Path> {
        match self {
            Self::NoPlace(_) => None,
            Self::Unreadable { path, .. }
            | Self::Invalid { path, .. }
            | Self::NotWritable { path, .. }
            | Self::Locked { path } => Some(path),
        }
    }

    /// What an observation says of it.
    pub(crate) fn trouble(&self) -> wit::Trouble {
        match self {
            Self::NoPlace(error) => error.trouble(),
            Self::Unreadable { .. } | Self::NotWritable { .. } => wit::Trouble::Unreadable,
            Self::Invalid { .. } => wit::Trouble::Invalid,
            Self::Locked { .. } => wit::Trouble::Locked,
        }
    }

    /// The same in words for an observation, causes included.
    pub(crate) fn detail(&self) -> String {
        match self {
            Self::NoPlace(error) => format!("{self}: {error}"),
            Self::NotWritable { source, .. } => format!("{self}: {source}"),
            Self::Unreadable { .. } | Self::Invalid { .. } | Self::Locked { .. } => {
                self.to_string()
            }
        }
    }
}
