//! The files of the consent book, and who may have written them. What goes in
//! and comes out is the book's text. Nothing here says what an answer means,
//! and nothing is believed that another user could have written.

use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Error;
use super::key::Key;
use crate::secret::Secret;
use keyrule_contract::Consent;
use keyrule_credential::json::place;
use keyrule_system::fs::atomic::{self, atomic_write};
use keyrule_system::fs::contents::{self, Fault};

/// The largest file that is read, and written.
pub(super) const LIMIT: u64 = 4 * 1024 * 1024;

/// The version of the text that this program reads and writes.
const VERSION: u32 = 1;

/// What a consent is about.
#[derive(Clone, Copy)]
pub(super) struct Matter<'a> {
    pub policy: &'a str,
    pub source: &'a str,
    pub origin: Option<&'a str>,
    pub subject: &'a Secret,
}

/// The files of a book.
pub(super) struct Files<'a> {
    folder: &'a Path,
}

impl<'a> Files<'a> {
    pub(super) const fn new(folder: &'a Path) -> Self {
        Self { folder }
    }

    /// Whether there can be any.
    pub(super) fn exist(&self) -> Result<bool, Error> {
        match self.folder.try_exists() {
            // Nothing can lie below what is not a folder.
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => Ok(false),
            result => result.map_err(|error| self.unreadable_folder(&error)),
        }
    }

    pub(super) fn book_path(&self) -> PathBuf {
        self.folder.join("consents.json")
    }

    pub(super) fn key_path(&self) -> PathBuf {
        self.folder.join("consent.key")
    }

    /// The book, or none where there is no file.
    pub(super) fn read(&self) -> Result<Option<Text>, Error> {
        let path = self.book_path();
        let contents = match contents::read(&path, LIMIT) {
            Ok(Some(contents)) => contents,
            Ok(None) => return Ok(None),
            Err(fault) => {
                let why = fault.to_string();
                return Err(match fault {
                    Fault::TooBig { .. } => Error::Damaged { path, why },
                    Fault::Unreadable(_) | Fault::NotAFile => Error::Unreadable { path, why },
                });
            }
        };
        trusted(&path, &contents.metadata)?;
        self.trust_folder()?;
        let text: Text =
            serde_json::from_slice(&contents.bytes).map_err(|error| Error::Damaged {
                path: path.clone(),
                why: place(&error),
            })?;
        if text.version != VERSION {
            let why = format!(
                "is of version {}, and this program reads version {VERSION}",
                text.version
            );
            return Err(Error::Damaged { path, why });
        }
        Ok(Some(text))
    }

    /// The key that the answers in the book were hashed with.
    pub(super) fn key(&self) -> Result<Key, Error> {
        let path = self.key_path();
        Key::read(&path)?.ok_or(Error::KeyMissing { path })
    }

    /// Whoever can write the folder can put an older book in place of a newer
    /// one.
    fn trust_folder(&self) -> Result<(), Error> {
        let metadata =
            std::fs::metadata(self.folder).map_err(|error| self.unreadable_folder(&error))?;
        trusted(self.folder, &metadata)
    }

    fn unreadable_folder(&self, error: &io::Error) -> Error {
        Error::Unreadable {
            path: self.folder.to_path_buf(),
            why: format!("cannot be read: {error}"),
        }
    }

    /// The right to write, until it is dropped.
    pub(super) fn lock(&self) -> Result<atomic::Lock, Error> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source: io::Error| match source.kind() {
                io::ErrorKind::TimedOut => Error::Locked { path },
                _ => Error::NotWritable { path, source },
            }
        };
        atomic::private_folder(self.folder).map_err(failed(self.folder))?;
        self.trust_folder()?;
        let path = self.folder.join("consent.lock");
        atomic::lock(&path).map_err(failed(&path))
    }

    /// Writes the whole book.
    pub(super) fn write(&self, text: &Text) -> Result<(), Error> {
        let path = self.book_path();
        let mut bytes = match serde_json::to_vec_pretty(text) {
            Ok(bytes) => bytes,
            Err(error) => {
                let source = error.into();
                return Err(Error::NotWritable { path, source });
            }
        };
        bytes.push(b'\n');
        if u64::try_from(bytes.len()).is_ok_and(|length| length > LIMIT) {
            return Err(Error::Full { path, limit: LIMIT });
        }
        atomic_write(&path, &bytes, || true).map_err(|source| Error::NotWritable { path, source })
    }
}

/// Refuses what somebody else could have written.
#[cfg(unix)]
pub(super) fn trusted(path: &Path, metadata: &Metadata) -> Result<(), Error> {
    use std::os::unix::fs::MetadataExt;

    let mode = metadata.mode() & 0o7777;
    let why = if metadata.uid() != rustix::process::geteuid().as_raw() {
        "belongs to another user".to_owned()
    } else if mode & 0o022 != 0 {
        format!("can be changed by other users (its mode is {mode:04o})")
    } else {
        return Ok(());
    };
    Err(Error::Untrusted {
        path: path.to_path_buf(),
        why,
    })
}

/// The folders of a user's profile are that user's by the system's default.
#[cfg(not(unix))]
pub(super) fn trusted(_path: &Path, _metadata: &Metadata) -> Result<(), Error> {
    Ok(())
}

/// Gives a file that cannot be believed a name under which nobody reads it.
pub(super) fn set_aside(path: &Path) -> Result<PathBuf, Error> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let unused = (1..)
        .map(|number| path.with_file_name(format!("{name}.set-aside-{number}")))
        .find(|path| path.symlink_metadata().is_err())
        .unwrap_or_default();
    std::fs::rename(path, &unused).map_err(|source| Error::NotWritable {
        path: path.to_path_buf(),
        source,
    })?;
    Ok(unused)
}

/// The file's text.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Text {
    version: u32,
    pub consents: Vec<Entry>,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            version: VERSION,
            consents: Vec::new(),
        }
    }
}

impl Text {
    /// The answers that may be about this; the hash knows.
    pub(super) fn about<'a>(&'a self, matter: &'a Matter<'_>) -> impl Iterator<Item = &'a Entry> {
        self.consents.iter().filter(|entry| entry.is_about(matter))
    }
}

/// One answer in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub policy: String,
    pub source: String,
    pub origin: Option<String>,
    pub answer: Kept,
    /// Seconds since 1970.
    pub when: u64,
    /// Of all of the above but the time, and of the value.
    pub hash: String,
}

impl Entry {
    pub(super) fn is_about(&self, matter: &Matter<'_>) -> bool {
        self.policy == matter.policy
            && self.source == matter.source
            && self.origin.as_deref() == matter.origin
    }
}

/// An answer that is kept.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kept {
    Approved,
    Declined,
}

impl Kept {
    pub(super) const fn consent(self) -> Consent {
        match self {
            Self::Approved => Consent::Approved,
            Self::Declined => Consent::Declined,
        }
    }
}
