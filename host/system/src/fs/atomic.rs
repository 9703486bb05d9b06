//! Small files of ours, written so that nobody ever sees half of one, and one
//! writer at a time. What goes in is a path and all its bytes; what comes out
//! is that file, on the disk, readable by its owner alone from its first byte
//! on. What the bytes mean is not known here.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

/// How long a writer waits for another one.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many links of links are followed, as many as Linux does.
const LINKS: usize = 40;

/// How the name of a file begins that is not yet what it will become.
const PREFIX: &str = ".keyrule-";

/// How it ends.
const SUFFIX: &str = ".tmp";

/// Replaces the file, or makes it. Where the path is a symbolic link, the
/// file that it leads to is replaced and the link stays.
///
/// `still` is asked at the last moment; where it says no, nothing is written
/// and the error is of the kind `ResourceBusy`.
pub fn atomic_write(path: &Path, bytes: &[u8], still: impl FnOnce() -> bool) -> io::Result<()> {
    let mut reserved = Reserved::new(path, 0)?;
    reserved.fill(bytes)?;
    reserved.replace(still).map_err(|failed| failed.error)
}

/// Makes the file with all its bytes at once, or returns false and changes
/// nothing where one is there already: of two that try, one succeeds.
pub fn atomic_create(path: &Path, bytes: &[u8]) -> io::Result<bool> {
    let mut reserved = Reserved::new(path, 0)?;
    reserved.fill(bytes)?;
    reserved.create()
}

/// A file beside the one that it will become, because a rename does not leave
/// a file system. Dropping it removes it.
#[derive(Debug)]
pub struct Reserved {
    temporary: NamedTempFile,
    target: PathBuf,
}

/// What a rename left over.
#[derive(Debug)]
pub struct NotReplaced {
    /// Why.
    pub error: io::Error,
    /// The file that was to be renamed, with its text.
    pub reserved: Option<Reserved>,
}

impl Reserved {
    /// Takes so many bytes of the disk. Where it is full, that is known now.
    pub fn new(path: &Path, room: usize) -> io::Result<Self> {
        let target = resolved(path)?;
        // `tempfile` makes it with a random name, 0600.
        let mut temporary = tempfile::Builder::new()
            .prefix(PREFIX)
            .suffix(SUFFIX)
            .tempfile_in(folder_of(&target))?;
        // Whoever sweeps leaves alone what is locked.
        let _ = temporary.as_file().try_lock();
        if room > 0 {
            let block = [0; 4096];
            let mut left = room;
            while let Some(part) = block.get(..left.min(block.len()))
                && !part.is_empty()
            {
                temporary.write_all(part)?;
                left -= part.len();
            }
            temporary.as_file().sync_all()?;
        }
        Ok(Self { temporary, target })
    }

    /// The file that it will become.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Gives it its text, which is on the disk afterwards.
    pub fn fill(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.temporary.as_file_mut();
        file.rewind()?;
        file.write_all(bytes)?;
        let length = u64::try_from(bytes.len()).map_err(io::Error::other)?;
        file.set_len(length)?;
        file.sync_all()
    }

    /// Takes the place of what is there.
    pub fn replace(self, still: impl FnOnce() -> bool) -> Result<(), NotReplaced> {
        let Self { temporary, target } = self;
        if !still() {
            return Err(NotReplaced {
                error: io::ErrorKind::ResourceBusy.into(),
                reserved: None,
            });
        }
        // On Windows a lock keeps readers out.
        let _ = temporary.as_file().unlock();
        match temporary.persist(&target) {
            Ok(_) => sync_folder_of(&target).map_err(|error| NotReplaced {
                error,
                reserved: None,
            }),
            Err(failed) => Err(NotReplaced {
                error: failed.error,
                reserved: Some(Self {
                    temporary: failed.file,
                    target,
                }),
            }),
        }
    }

    /// Takes another name beside its own, in place of what is there.
    pub fn become_other(self, path: &Path) -> io::Result<()> {
        let _ = self.temporary.as_file().unlock();
        self.temporary
            .persist(path)
            .map_err(|failed| failed.error)?;
        sync_folder_of(path)
    }

    /// Takes its place where nothing is there, else returns false.
    pub fn create(self) -> io::Result<bool> {
        let Self { temporary, target } = self;
        let _ = temporary.as_file().unlock();
        match temporary.persist_noclobber(&target) {
            Ok(_) => sync_folder_of(&target).map(|()| true),
            Err(failed) if failed.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(failed) => Err(failed.error),
        }
    }
}

/// Removes what writers that were killed left in a folder. What somebody
/// still writes is locked; and what was made this minute is left alone,
/// because its maker may not have locked it yet.
pub fn sweep(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for entry in entries.filter_map(Result::ok) {
        let name = entry.file_name();
        let is_ours = name
            .to_str()
            .is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        if is_ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            sweep_one(&entry.path());
        }
    }
}

fn sweep_one(path: &Path) {
    let Ok(file) = OpenOptions::new().read(true).write(true).open(path) else {
        return;
    };
    let age = file
        .metadata()
        .and_then(|metadata| metadata.modified())
        .map(|modified| modified.elapsed().unwrap_or_default());
    if age.is_ok_and(|age| age > Duration::from_secs(60)) && file.try_lock().is_ok() {
        let _ = std::fs::remove_file(path);
    }
}

/// Makes the folder and those above it, where they are missing, for its owner
/// alone.
pub fn private_folder(path: &Path) -> io::Result<()> {
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
pub struct Lock {
    _file: File,
}

/// Waits for the right to write. The error is of the kind `TimedOut` where
/// somebody else has it for too long. The lock file stays behind: removing it
/// would let two processes lock two files of one name.
pub fn lock(path: &Path) -> io::Result<Lock> {
    lock_within(path, PATIENCE)
}

/// Takes the right to write, or returns none where somebody else has it: for
/// those who have something else to look at while they wait.
pub fn try_lock(path: &Path) -> io::Result<Option<Lock>> {
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

/// Where a path leads through symbolic links, whether or not the last one
/// leads to anything.
pub fn resolved(path: &Path) -> io::Result<PathBuf> {
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

/// The folder of a path: where it names none, the current one.
pub fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or_else(|| Path::new("."))
}

/// A rename is on the disk once its folder is.
#[cfg(unix)]
pub fn sync_folder_of(path: &Path) -> io::Result<()> {
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
pub fn sync_folder_of(_path: &Path) -> io::Result<()> {
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

    #[test]
    fn room_is_taken_before_the_text_is_known() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut reserved = Reserved::new(&path, 10_000).unwrap();
        assert_eq!(
            reserved.temporary.as_file().metadata().unwrap().len(),
            10_000
        );
        assert!(!path.exists());
        reserved.fill(b"text").unwrap();
        assert!(reserved.replace(|| true).is_ok());
        assert_eq!(std::fs::read(&path).unwrap(), b"text");
        drop(Reserved::new(&path, 10).unwrap());
        assert_eq!(names(folder.path()), ["file"]);
    }

    #[test]
    fn what_killed_writers_left_is_swept_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let old = |name: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, "x").unwrap();
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            let hour_ago = std::time::SystemTime::now() - Duration::from_secs(3600);
            file.set_modified(hour_ago).unwrap();
            file
        };
        old(".keyrule-left.tmp");
        old("file");
        old(".keyrule-other");
        std::fs::write(folder.path().join(".keyrule-new.tmp"), "x").unwrap();
        let held = old(".keyrule-held.tmp");
        held.try_lock().unwrap();
        sweep(folder.path());
        assert_eq!(
            names(folder.path()),
            [
                ".keyrule-held.tmp",
                ".keyrule-new.tmp",
                ".keyrule-other",
                "file"
            ]
        );
    }
}
