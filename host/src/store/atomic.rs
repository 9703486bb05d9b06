//! Small files of ours, written so that nobody ever sees half of one, and one
//! writer at a time. What goes in is a path and all its bytes; what comes out
//! is that file, on the disk, readable by its owner alone from its first byte
//! on. What the bytes mean is not known here.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many links of links are followed, as many as Linux does.
const LINKS: usize = 40;

/// Replaces the file, or makes it. Where the path is a symbolic link, the
/// file that it leads to is replaced and the link stays.
///
/// `still` is asked at the last moment; where it says no, nothing is written
/// and the error is of the kind `ResourceBusy`.
pub(crate) fn atomic_write(
    path: &Path,
    bytes: &[u8],
    still: impl FnOnce() -> bool,
) -> io::Result<()> {
    let path = resolved(path)?;
    let temporary = temporary_beside(&path, bytes)?;
    if !still() {
        return Err(io::ErrorKind::ResourceBusy.into());
    }
    temporary.persist(&path).map_err(|error| error.error)?;
    sync_folder_of(&path)
}

/// Makes the file with all its bytes at once, or returns false and changes
/// nothing where one is there already: of two that try, one succeeds.
pub(crate) fn atomic_create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let path = resolved(path)?;
    match temporary_beside(&path, bytes)?.persist_noclobber(&path) {
        Ok(_) => sync_folder_of(&path).map(|()| true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

/// Makes the folder and those above it, where they are missing, for its owner
/// alone.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// The right to write, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Waits for the right to write. The error is of the kind `TimedOut` where
/// somebody else has it for too long. The lock file stays behind: removing it
/// would let two processes lock two files of one name.
pub(crate) fn lock(path: &Path) -> io::Result<Lock> {
    lock_within(path, PATIENCE)
}

/// Takes the right to write, or returns none where somebody else has it: for
/// those who have something else to look at while they wait.
pub(crate) fn try_lock(path: &Path) -> io::Result<Option<Lock>> {
    match lock_within(path, Duration::ZERO) {
        Ok(lock) => Ok(Some(lock)),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(None),
        Err(error) => Err(error),
    }
}

fn lock_within(path: &Path, patience: Duration) -> io::Result<Lock> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    let start = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Lock { _file: file }),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if start.elapsed() >= patience => {
                return Err(io::ErrorKind::TimedOut.into());
            }
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// A file beside the one that it will become, because a rename does not leave
/// a file system. `tempfile` makes it with a random name, 0600, and removes
/// it when it is dropped.
fn temporary_beside(path: &Path, bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut temporary = tempfile::Builder::new()
        .prefix(".keyrule-")
        .suffix(".tmp")
        .tempfile_in(folder_of(path))?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

/// Where a path leads through symbolic links, whether or not the last one
/// leads to anything.
fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..LINKS {
        match std::fs::read_link(&path) {
            Ok(target) => path = folder_of(&path).join(target),
            // Not there, or not a link.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
                ) =>
            {
                return Ok(path);
            }
            Err(error) => return Err(error),
        }
    }
    Err(io::Error::other("too many symbolic links"))
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}

/// A rename is on the disk once its folder is.
#[cfg(unix)]
fn sync_folder_of(path: &Path) -> io::Result<()> {
    match File::open(folder_of(path))?.sync_all() {
        // Some file systems do not know how; then nothing better can be done.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        result => result,
    }
}

/// Windows has no such call for folders.
#[cfg(not(unix))]
fn sync_folder_of(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_write_replaces_all_and_leaves_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "a long old text").unwrap();
        atomic_write(&path, b"new", || true).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_write_that_is_called_off_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "old").unwrap();
        let error = atomic_write(&path, b"new", || false).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_written_file_is_its_owners_alone_whatever_it_was() {
        use std::os::unix::fs::PermissionsExt;

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        atomic_write(&path, b"new", || true).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&path), 0o600);
        let below = folder.path().join("a/b");
        private_folder(&below).unwrap();
        private_folder(&below).unwrap();
        assert_eq!(mode(&below), 0o700);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_and_what_it_leads_to_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink("elsewhere/target", &link).unwrap();
        // First it leads to nothing, then to a file.
        for text in ["first", "second"] {
            atomic_write(&link, text.as_bytes(), || true).unwrap();
            let target = std::fs::read_to_string(elsewhere.join("target")).unwrap();
            assert_eq!(target, text);
            assert!(link.is_symlink());
        }
        assert_eq!(names(&elsewhere), ["target"]);
        std::fs::remove_file(elsewhere.join("target")).unwrap();
        assert!(atomic_create(&link, b"third").unwrap());
        assert!(!atomic_create(&link, b"fourth").unwrap());
        assert_eq!(std::fs::read(elsewhere.join("target")).unwrap(), b"third");

        let circle = folder.path().join("circle");
        std::os::unix::fs::symlink("circle", &circle).unwrap();
        assert!(atomic_write(&circle, b"x", || true).is_err());
    }

    #[test]
    fn of_two_that_create_one_succeeds() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(atomic_create(&path, b"first").unwrap());
        assert!(!atomic_create(&path, b"second").unwrap());
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn a_lock_is_waited_for_and_not_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = lock(&path).unwrap();
        let error = lock_within(&path, Duration::from_millis(30)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| lock(&path).is_ok());
            std::thread::sleep(Duration::from_millis(30));
            drop(held);
            assert!(waiter.join().unwrap());
        });
    }
}
