//! Whole small files, read with care. What goes in is a path and how large
//! its file may be; what comes out is its bytes, wiped when they are dropped,
//! or nothing where nothing is there, or why it cannot be had. Never waits
//! for a pipe, never reads a device, and does not look into the bytes.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

/// A file's bytes and what the system says of it.
pub struct Contents {
    /// All of it.
    pub bytes: Zeroizing<Vec<u8>>,
    /// Of the very file that was read.
    pub metadata: Metadata,
}

/// Prints the length alone: the bytes can be secret.
impl std::fmt::Debug for Contents {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Contents")
            .field("length", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// Why what is there cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The system refuses.
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    /// It is a folder, a pipe, a device.
    #[error("is not a regular file")]
    NotAFile,
    /// It is larger than anything that belongs there.
    #[error("is larger than {limit} bytes")]
    TooBig {
        /// How large it may be.
        limit: u64,
    },
}

/// Reads a file of at most `limit` bytes, or none where nothing is there.
pub fn read(path: &Path, limit: u64) -> Result<Option<Contents>, Fault> {
    match open(path) {
        Ok(file) => read_opened(file, limit).map(Some),
        // Nothing can lie below what is not a folder.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(Fault::Unreadable(error)),
    }
}

/// Reads an opened file of at most `limit` bytes.
pub fn read_opened(file: File, limit: u64) -> Result<Contents, Fault> {
    let metadata = file.metadata().map_err(Fault::Unreadable)?;
    if !metadata.is_file() {
        return Err(Fault::NotAFile);
    }
    if metadata.len() > limit {
        return Err(Fault::TooBig { limit });
    }
    // Room for all of it at once: a buffer that grows leaves copies behind
    // that nobody wipes.
    let room = usize::try_from(metadata.len()).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room.saturating_add(64)));
    file.take(limit.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(Fault::Unreadable)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length > limit) {
        return Err(Fault::TooBig { limit });
    }
    Ok(Contents { bytes, metadata })
}

/// Opens without waiting: a pipe that nobody writes to would be waited for.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_up_to_the_limit() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(*read(&path, 5).unwrap().unwrap().bytes, b"12345".to_vec());
        let fault = read(&path, 4).unwrap_err();
        assert_eq!(fault.to_string(), "is larger than 4 bytes");
    }

    #[test]
    fn nothing_is_there_below_a_missing_folder_or_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(read(&path, 5).unwrap().is_none());
        std::fs::write(&path, "12345").unwrap();
        assert!(read(&path.join("below"), 5).unwrap().is_none());
    }

    #[test]
    fn a_folder_is_not_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let fault = read(folder.path(), 5).unwrap_err();
        assert_eq!(fault.to_string(), "is not a regular file");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_that_nobody_writes_to_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo")
            .arg(&path)
            .status()
            .unwrap();
        assert!(made.success());
        let fault = read(&path, 5).unwrap_err();
        assert_eq!(fault.to_string(), "is not a regular file");
    }

    #[test]
    fn a_device_without_end_is_not_read() {
        if cfg!(unix) {
            let fault = read(Path::new("/dev/zero"), 5).unwrap_err();
            assert_eq!(fault.to_string(), "is not a regular file");
        }
    }
}
