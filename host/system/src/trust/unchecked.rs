//! Managed files on systems without owners and modes in the standard library,
//! which is Windows. What protects them there is the access list of the
//! folder of program files, which only administrators may write by default;
//! the standard library cannot read it, so it is *not* checked here, and an
//! administrator who has loosened it is not told. What can be checked is: the
//! path is a file (or folder), and no link or junction on the way to it.

use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{Entry, Trust};
use crate::fs::read::{self, Links};
use crate::fs::{FileError as Problem, words};

/// Opens a file, or returns `None` where nothing is.
pub(super) fn open(_trust: &Trust, path: &Path) -> Result<Option<File>, Problem> {
    no_links(path)?;
    read::open(path, Links::Refuse)
}

/// Lists a folder, or returns `None` where nothing is.
pub(super) fn list(trust: &Trust, path: &Path) -> Result<Option<Vec<OsString>>, Problem> {
    hold(trust, path)?.map(|held| held.names()).transpose()
}

/// Finds a folder to look at what lies in it, or returns `None` where nothing
/// is.
pub(super) fn hold<'t>(_trust: &'t Trust, path: &Path) -> Result<Option<Held<'t>>, Problem> {
    no_links(path)?;
    match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(Some(Held {
            at: path.to_path_buf(),
            trust: PhantomData,
        })),
        Ok(_) => Err(Problem::NotAFile("a file, not a folder")),
        Err(error) if read::is_absence(&error) => Ok(None),
        Err(error) => Err(Problem::Unreadable(words(&error))),
    }
}

/// A folder. The standard library opens nothing below an opened folder, so it
/// is known by its path.
#[derive(Debug)]
pub struct Held<'t> {
    at: PathBuf,
    trust: PhantomData<&'t Trust>,
}

impl Held<'_> {
    /// The names in it.
    pub fn names(&self) -> Result<Vec<OsString>, Problem> {
        let unlistable = |error: std::io::Error| Problem::Unlistable(words(&error));
        std::fs::read_dir(&self.at)
            .map_err(unlistable)?
            .map(|entry| entry.map(|entry| entry.file_name()).map_err(unlistable))
            .collect()
    }

    /// What is told of the folder itself.
    pub fn mark(&self) -> Result<Mark, Problem> {
        let metadata = std::fs::symlink_metadata(&self.at);
        let metadata = metadata.map_err(|error| Problem::Unreadable(words(&error)))?;
        Ok(Mark::of(&metadata))
    }

    /// What is told of a name in it: of the name itself, and of what it leads
    /// to. `None` where nothing is.
    pub fn look(&self, name: &OsStr) -> Option<Entry> {
        let path = self.at.join(name);
        let link = match std::fs::symlink_metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if read::is_absence(&error) => return None,
            Err(_) => return Some(Entry::default()),
        };
        let target = std::fs::metadata(&path).ok();
        Some(Entry {
            link: Some(Mark::of(&link)),
            target: target.as_ref().map(Mark::of),
        })
    }

    /// Opens a file in it, with what is told of the opened file.
    pub fn open(&self, name: &OsStr) -> Result<Option<(File, Mark)>, Problem> {
        let path = self.at.join(name);
        no_links(&path)?;
        let Some(file) = read::open(&path, Links::Refuse)? else {
            return Ok(None);
        };
        let metadata = file
            .metadata()
            .map_err(|error| Problem::Unreadable(words(&error)))?;
        let mark = Mark::of(&metadata);
        Ok(Some((file, mark)))
    }

    /// Finds a folder in it.
    pub fn hold(&self, name: &OsStr) -> Result<Option<Self>, Problem> {
        let path = self.at.join(name);
        no_links(&path)?;
        match std::fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => Ok(Some(Self {
                at: path,
                trust: PhantomData,
            })),
            Ok(_) => Err(Problem::NotAFile("a file, not a folder")),
            Err(error) if read::is_absence(&error) => Ok(None),
            Err(error) => Err(Problem::Unreadable(words(&error))),
        }
    }
}

/// What the standard library tells of a file or folder. It has no stable id,
/// so that a file is known by when it was made and changed, and its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    folder: bool,
    length: u64,
    modified: Option<SystemTime>,
    created: Option<SystemTime>,
}

impl Mark {
    fn of(metadata: &Metadata) -> Self {
        Self {
            folder: metadata.is_dir(),
            length: metadata.len(),
            modified: metadata.modified().ok(),
            created: metadata.created().ok(),
        }
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        self.folder
    }
}

fn no_links(path: &Path) -> Result<(), Problem> {
    for part in path.ancestors() {
        let linked = std::fs::symlink_metadata(part).is_ok_and(|part| part.is_symlink());
        if linked {
            return Err(Problem::Untrusted {
                culprit: part.to_path_buf(),
                why: "is a link".to_owned(),
                mend: None,
            });
        }
    }
    Ok(())
}
