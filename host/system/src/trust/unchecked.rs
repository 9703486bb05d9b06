//! Managed files on systems without owners and modes in the standard library,
//! which is Windows. What protects them there is the access list of the
//! folder of program files, which only administrators may write by default;
//! the standard library cannot read it, so it is *not* checked here, and an
//! administrator who has loosened it is not told. What can be checked is: the
//! path is a file (or folder), and no link or junction on the way to it.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;

use super::Trust;
use crate::fs::read::{self, Links};
use crate::fs::{FileError as Problem, words};

/// Opens a file, or returns `None` where nothing is.
pub(super) fn open(_trust: &Trust, path: &Path) -> Result<Option<File>, Problem> {
    no_links(path)?;
    read::open(path, Links::Refuse)
}

/// Lists a folder, or returns `None` where nothing is.
pub(super) fn list(_trust: &Trust, path: &Path) -> Result<Option<Vec<OsString>>, Problem> {
    no_links(path)?;
    let unlistable = |error: std::io::Error| Problem::Unlistable(words(&error));
    let entries = match std::fs::read_dir(path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unlistable(error)),
    };
    let names: Result<Vec<_>, _> = entries
        .map(|entry| entry.map(|entry| entry.file_name()))
        .collect();
    Ok(Some(names.map_err(unlistable)?))
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
