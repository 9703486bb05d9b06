//! Where compiled overrides are kept: files that only this user can write,
//! because they are run as machine code. What goes in is the world around and
//! names; what comes out are bytes as they were written, nothing where there
//! are none or they are damaged, or an error where somebody else could have
//! written them. What the bytes mean is not known here.
//!
//! There is no cache, and an override is compiled in memory, where there is no
//! home, and where the folder is another user's, as under `sudo`. Nothing is
//! then read from it and nothing is left in it.

use std::path::PathBuf;

use sha2::{Digest as _, Sha256};

use super::Problem;
use keyrule_system::environment::Ambient;
use keyrule_system::fs::atomic;

/// How many bytes of checksum go before the code. They tell what a full disk
/// or a crash damaged; whom to believe, the modes tell.
const CHECKSUM: usize = 32;

/// The largest file that is read, and written: machine code is a few times as long as the
/// component.
const LIMIT: u64 = 1 << 30;

/// A folder that only this user can write.
#[derive(Debug)]
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// The cache of the effective user, if that is the folder's owner.
    pub(super) fn of_this_user(ambient: &Ambient) -> Result<Option<Self>, Problem> {
        let Some(folder) = ambient.cache_folder() else {
            return Ok(None);
        };
        let usable = trust::folder(&folder)?;
        Ok(usable.then_some(Self { folder }))
    }

    /// The bytes that were written under a name.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Problem> {
        let path = self.folder.join(name);
        let Some(mut bytes) = trust::read(&path, LIMIT)? else {
            return Ok(None);
        };
        let Some((checksum, code)) = bytes.split_at_checked(CHECKSUM) else {
            return Ok(None);
        };
        if checksum_of(name, code).as_slice() != checksum {
            tracing::debug!("the compiled override is damaged, and is compiled again");
            return Ok(None);
        }
        Ok(Some(bytes.split_off(CHECKSUM)))
    }

    /// Keeps bytes under a name, in place of any other. Where they cannot be
    /// kept, the next run compiles again.
    pub(super) fn write(&self, name: &str, code: &[u8]) {
        let mut bytes = Vec::with_capacity(CHECKSUM + code.len());
        bytes.extend_from_slice(&checksum_of(name, code));
        bytes.extend_from_slice(code);
        if bytes.len() as u64 > LIMIT {
            tracing::debug!("the compiled override is too large to be kept");
            return;
        }
        atomic::sweep(&self.folder);
        if let Err(error) = atomic::atomic_write(&self.folder.join(name), &bytes, || true) {
            tracing::debug!(%error, "the compiled override is not kept");
        }
    }
}

/// Over the name too, so that what was compiled of one override is not taken
/// for another. It finds damage; whoever can write the folder can make one.
fn checksum_of(name: &str, code: &[u8]) -> [u8; CHECKSUM] {
    let mut hash = Sha256::new();
    hash.update(name.as_bytes());
    hash.update([0]);
    hash.update(code);
    hash.finalize().into()
}

#[cfg(unix)]
mod trust {
    use std::fs::{File, Metadata};
    use std::io::{self, Read as _};
    use std::os::unix::fs::MetadataExt as _;
    use std::path::{Path, PathBuf};

    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;

    use super::super::Problem;
    use keyrule_system::fs::atomic;
    use keyrule_system::text::typed;

    /// Whether the folder can be used; it is made where it is not there.
    pub(super) fn folder(path: &Path) -> Result<bool, Problem> {
        let user = rustix::process::geteuid().as_raw();
        let metadata = match std::fs::symlink_metadata(path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // In the home of somebody else nothing is made either.
                if nearest(path).is_none_or(|above| above.uid() != user)
                    || atomic::private_folder(path).is_err()
                {
                    return Ok(false);
                }
                match std::fs::symlink_metadata(path) {
                    Ok(metadata) => metadata,
                    Err(_) => return Ok(false),
                }
            }
            Err(_) => return Ok(false),
        };
        if metadata.uid() != user {
            return Ok(false);
        }
        if metadata.is_symlink() {
            return Err(link(path));
        }
        if !metadata.is_dir() {
            return Err(untrusted(
                path,
                "is not a folder".to_owned(),
                format!("remove it: `rm {}`", typed(path)),
            ));
        }
        written_by_others(path, &metadata)?;
        let real = std::fs::canonicalize(path).map_err(|_| gone(path))?;
        for above in path.ancestors().chain(real.ancestors()).skip(1) {
            judge_above(above, user)?;
        }
        Ok(true)
    }

    /// Reads a file that only this user could have written, or returns `None`
    /// where nothing is.
    pub(super) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Problem> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(link(path)),
            // What cannot be read is not run, and is replaced.
            Err(_) => return Ok(None),
        };
        let metadata = file.metadata().map_err(|_| gone(path))?;
        let user = rustix::process::geteuid().as_raw();
        if metadata.uid() != user {
            return Err(untrusted(
                path,
                format!("belongs to user {}", metadata.uid()),
                format!("remove it: `rm -f {}`", typed(path)),
            ));
        }
        written_by_others(path, &metadata)?;
        if !metadata.is_file() || metadata.len() > limit {
            return Ok(None);
        }
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
        let read = file.take(limit).read_to_end(&mut bytes);
        Ok(read.is_ok().then_some(bytes))
    }

    /// Whoever can write a folder above can put another in place of ours;
    /// where the folder is sticky, only who owns what is in it can.
    fn judge_above(path: &Path, user: u32) -> Result<(), Problem> {
        let Ok(metadata) = std::fs::metadata(path) else {
            return Ok(());
        };
        let owner = metadata.uid();
        if owner != user && owner != 0 {
            return Err(untrusted(
                path,
                format!("belongs to user {owner}"),
                format!(
                    "point `XDG_CACHE_HOME` to a folder of your own, or see `ls -ld {}`",
                    typed(path)
                ),
            ));
        }
        if metadata.mode() & 0o1000 != 0 {
            return Ok(());
        }
        written_by_others(path, &metadata)
    }

    fn written_by_others(path: &Path, metadata: &Metadata) -> Result<(), Problem> {
        let why = match metadata.mode() {
            mode if mode & 0o002 != 0 => "can be written by everybody",
            mode if mode & 0o020 != 0 => "can be written by its group",
            _ => return Ok(()),
        };
        let path_typed = typed(path);
        let mend = if metadata.is_dir() {
            format!("empty it and type `chmod go-w {path_typed}`, so that only you can write it")
        } else {
            format!("remove it: `rm {path_typed}`")
        };
        Err(untrusted(path, why.to_owned(), mend))
    }

    /// The nearest folder above that is there.
    fn nearest(path: &Path) -> Option<Metadata> {
        path.ancestors()
            .skip(1)
            .find_map(|above| std::fs::metadata(above).ok())
    }

    fn link(path: &Path) -> Problem {
        untrusted(
            path,
            "is a symbolic link".to_owned(),
            format!("remove it: `rm {}`", typed(path)),
        )
    }

    fn gone(path: &Path) -> Problem {
        untrusted(
            path,
            "changed while it was looked at".to_owned(),
            "try again".to_owned(),
        )
    }

    fn untrusted(culprit: &Path, why: String, mend: String) -> Problem {
        Problem::CacheUntrusted {
            culprit: PathBuf::from(culprit),
            why,
            mend,
        }
    }
}

/// On systems without owners and modes in the standard library, which is
/// Windows, the folder lies in the user's profile, whose access list lets
/// nobody else write. That list is not checked.
#[cfg(not(unix))]
mod trust {
    use std::io::Read as _;
    use std::path::Path;

    use super::super::Problem;
    use keyrule_system::fs::atomic;

    pub(super) fn folder(path: &Path) -> Result<bool, Problem> {
        refuse_link(path)?;
        Ok(atomic::private_folder(path).is_ok())
    }

    pub(super) fn read(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, Problem> {
        refuse_link(path)?;
        let Ok(file) = std::fs::File::open(path) else {
            return Ok(None);
        };
        let mut bytes = Vec::new();
        let read = file.take(limit).read_to_end(&mut bytes);
        Ok(read.is_ok().then_some(bytes))
    }

    fn refuse_link(path: &Path) -> Result<(), Problem> {
        if std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink()) {
            return Err(Problem::CacheUntrusted {
                culprit: path.to_path_buf(),
                why: "is a link".to_owned(),
                mend: "remove it".to_owned(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests;
