//! A folder in memory that is this user's alone. What goes in is the world
//! around; what comes out is an open folder, or none where it is not on tmpfs
//! or ramfs, is a link, belongs to somebody else or lets somebody else in.
//! Everything is done relative to the open folder, so that nothing can be put
//! in its place afterwards.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Mode, OFlags, fstat, fstatfs, mkdirat, open, openat, renameat,
    unlinkat,
};
use rustix::process::geteuid;
use zeroize::Zeroizing;

use crate::ambient::Ambient;

/// The longest entry, read or written: longer than the longest answer, with
/// every character of it escaped.
const LONGEST: u64 = 256 * 1024;

/// An open folder.
pub(super) struct Folder(OwnedFd);

impl Folder {
    /// The first storage that there is; its folder is made where it is not.
    pub(super) fn of_this_user(ambient: &Ambient) -> Option<Self> {
        places(ambient).find_map(|(parent, name)| Self::open(&parent, &name))
    }

    /// Every storage in which something of this user's can be. One that was
    /// never used is made by that, and stays empty.
    #[cfg(feature = "login")]
    pub(super) fn all_of_this_user(ambient: &Ambient) -> impl Iterator<Item = Self> {
        places(ambient).filter_map(|(parent, name)| Self::open(&parent, &name))
    }

    fn open(parent: &Path, name: &str) -> Option<Self> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = open(parent, flags, Mode::empty()).ok()?;
        is_in_memory(&parent).then_some(())?;
        // It may be there already; what it is counts, not who made it.
        let _ = mkdirat(&parent, name, Mode::RWXU);
        let folder = openat(&parent, name, flags | OFlags::NOFOLLOW, Mode::empty()).ok()?;
        (is_private(&folder, FileType::Directory) && is_in_memory(&folder)).then_some(Self(folder))
    }

    pub(super) fn read(&self, name: &str) -> Option<Zeroizing<Vec<u8>>> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::empty()).ok()?;
        is_private(&file, FileType::RegularFile).then_some(())?;
        let file = File::from(file);
        let length = file.metadata().ok()?.len().min(LONGEST);
        // With the capacity reserved nothing is moved and left behind unwiped.
        let capacity = usize::try_from(length).ok()?.saturating_add(1);
        let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
        file.take(length).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    /// Writes the whole file under one name, then gives it the other. Only
    /// who holds the lock writes, so the first name is nobody else's.
    pub(super) fn write(&self, new: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        if u64::try_from(bytes.len()).is_ok_and(|length| length > LONGEST) {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.remove(new);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mut file = File::from(openat(&self.0, new, flags, Mode::RUSR | Mode::WUSR)?);
        let written = file
            .write_all(bytes)
            .and_then(|()| Ok(renameat(&self.0, new, &self.0, name)?));
        if written.is_err() {
            self.remove(new);
        }
        written
    }

    /// Removes a file, if it is there.
    pub(super) fn remove(&self, name: &str) {
        let _ = unlinkat(&self.0, name, AtFlags::empty());
    }

    /// Takes the lock of a file that stays, so that everybody who waits waits
    /// for the same one. The system gives it up for whoever dies.
    pub(super) fn try_lock(&self, name: &str) -> io::Result<Option<File>> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(&self.0, name, flags, Mode::RUSR | Mode::WUSR)?;
        let file = File::from(file);
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// The names of all files.
    pub(super) fn names(&self) -> Vec<String> {
        let Ok(entries) = Dir::read_from(&self.0) else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str().ok().map(str::to_owned))
            .collect()
    }
}

/// Where such a folder can be, the best first. The run-time folder of somebody
/// else, which a `sudo` can leave in the environment, is none of ours.
fn places(ambient: &Ambient) -> impl Iterator<Item = (PathBuf, String)> {
    let own = ambient
        .absolute("XDG_RUNTIME_DIR")
        .filter(|folder| {
            rustix::fs::statat(CWD, folder, AtFlags::empty())
                .is_ok_and(|stat| stat.st_uid == geteuid().as_raw() && stat.st_mode & 0o022 == 0)
        })
        .map(|folder| (folder, "keyrule".to_owned()));
    let shared = (
        PathBuf::from("/dev/shm"),
        format!("keyrule-{}", geteuid().as_raw()),
    );
    own.into_iter().chain([shared])
}

/// Returns whether it is what it should be, ours, and closed to all others.
fn is_private(file: &OwnedFd, kind: FileType) -> bool {
    fstat(file).is_ok_and(|stat| {
        FileType::from_raw_mode(stat.st_mode) == kind
            && stat.st_uid == geteuid().as_raw()
            && stat.st_mode & 0o077 == 0
    })
}

/// Returns whether it lies in memory: tmpfs or ramfs, by the numbers of
/// Linux's `magic.h`.
fn is_in_memory(folder: &OwnedFd) -> bool {
    fstatfs(folder).is_ok_and(|system| matches!(system.f_type as u32, 0x0102_1994 | 0x8584_58f6))
}

#[cfg(test)]
mod tests;
