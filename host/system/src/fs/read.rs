//! Reading one policy file, whatever it turns out to be. What goes in is a
//! path or an opened file; what comes out is its text, of a bounded size, or
//! what is wrong with it. Opening never waits (a named pipe) and never reads
//! more than a policy can be long.

use std::fs::{File, FileType, Metadata};
use std::io::{ErrorKind, Read};
use std::path::Path;

use super::FileError as Problem;
use super::error::words;

/// The largest file that is read, in bytes.
pub const LIMIT: usize = 1 << 20;

/// Whether the last part of a path may be a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// It may: people keep their settings in a repository of their own.
    Follow,
    /// It may not: in a cloned repository it could name any file of the user.
    Refuse,
}

/// Opens a file, or returns `None` where nothing is.
pub fn open(path: &Path, links: Links) -> Result<Option<File>, Problem> {
    let metadata = match look(path, links) {
        Ok(Some(metadata)) => metadata,
        Ok(None) => return Ok(None),
        Err(problem) => return Err(problem),
    };
    only_files(metadata.file_type())?;
    let file = match open_at_once(path, links) {
        Ok(file) => file,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(Problem::Unreadable(words(&error))),
    };
    // What was looked at and what was opened need not be the same.
    let metadata = file
        .metadata()
        .map_err(|error| Problem::Unreadable(words(&error)))?;
    only_files(metadata.file_type())?;
    Ok(Some(file))
}

/// Reads an opened file.
pub fn text(file: File) -> Result<String, Problem> {
    let unreadable = |error: std::io::Error| Problem::Unreadable(words(&error));
    let length = file.metadata().map_err(unreadable)?.len();
    if length > LIMIT as u64 {
        return Err(Problem::TooLarge);
    }
    let mut bytes = Vec::new();
    // It can have grown since, and the length of what lies in /proc is 0.
    file.take(LIMIT as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() > LIMIT {
        return Err(Problem::TooLarge);
    }
    if let Some(offset) = bytes.iter().position(|byte| *byte == 0) {
        return Err(Problem::Binary(offset));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().iter().take(valid);
        Problem::NotText(1 + before.filter(|byte| **byte == b'\n').count())
    })?;
    // A byte order mark is no content, and TOML allows it.
    if text.trim_start_matches('\u{feff}').trim().is_empty() {
        return Err(Problem::Empty);
    }
    Ok(text)
}

/// Whether an error says that nothing is there.
pub fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Refuses everything but a regular file, by its name.
pub fn only_files(kind: FileType) -> Result<(), Problem> {
    if kind.is_file() {
        return Ok(());
    }
    Err(Problem::NotAFile(described(kind)))
}

fn look(path: &Path, links: Links) -> Result<Option<Metadata>, Problem> {
    let itself = match std::fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(Problem::Unreadable(words(&error))),
    };
    if !itself.is_symlink() || links == Links::Refuse {
        return Ok(Some(itself));
    }
    match std::fs::metadata(path) {
        Ok(metadata) => Ok(Some(metadata)),
        // The link is there, and so somebody meant a file to be there.
        Err(error) if is_absence(&error) => {
            Err(Problem::Unreadable("it is a link to nothing".to_owned()))
        }
        Err(error) => Err(Problem::Unreadable(words(&error))),
    }
}

#[cfg(unix)]
fn open_at_once(path: &Path, links: Links) -> std::io::Result<File> {
    use rustix::fs::{Mode, OFlags};

    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if links == Links::Refuse {
        flags |= OFlags::NOFOLLOW;
    }
    Ok(File::from(rustix::fs::open(path, flags, Mode::empty())?))
}

#[cfg(not(unix))]
fn open_at_once(path: &Path, _links: Links) -> std::io::Result<File> {
    File::open(path)
}

fn described(kind: FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;

        if kind.is_fifo() {
            return "a named pipe, not a file";
        }
        if kind.is_socket() {
            return "a socket, not a file";
        }
        if kind.is_char_device() || kind.is_block_device() {
            return "a device, not a file";
        }
    }
    if kind.is_dir() {
        "a folder, not a file"
    } else if kind.is_symlink() {
        "a symbolic link, which is not followed here"
    } else {
        "not a file"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(content: &[u8]) -> Result<String, Problem> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        std::fs::write(&path, content).unwrap();
        text(open(&path, Links::Refuse).unwrap().unwrap())
    }

    #[test]
    fn a_text_is_read_whole() {
        assert_eq!(read(b"name = \"x\"\n"), Ok("name = \"x\"\n".to_owned()));
        assert_eq!(read(&vec![b'#'; LIMIT]).map(|text| text.len()), Ok(LIMIT));
    }

    #[test]
    fn what_is_no_policy_is_named() {
        assert_eq!(read(b""), Err(Problem::Empty));
        assert_eq!(read(b" \n\t\r\n"), Err(Problem::Empty));
        assert_eq!(read(b"\xef\xbb\xbf\n"), Err(Problem::Empty));
        assert_eq!(read(b"a\0b"), Err(Problem::Binary(1)));
        assert_eq!(read(b"a = 1\n\xff\xfe\n"), Err(Problem::NotText(2)));
        assert_eq!(read(&vec![b'#'; LIMIT + 1]), Err(Problem::TooLarge));
        assert_eq!(read(&vec![0; 10_000_000]), Err(Problem::TooLarge));
    }

    #[test]
    fn an_absent_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        assert!(open(&path, Links::Follow).unwrap().is_none());
        // A file where a folder would have to be.
        std::fs::write(&path, "x").unwrap();
        assert!(open(&path.join("y.toml"), Links::Follow).unwrap().is_none());
    }

    #[test]
    fn a_folder_is_not_a_file() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(
            open(folder.path(), Links::Follow).unwrap_err(),
            Problem::NotAFile("a folder, not a file")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_named_pipe_and_a_device_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("x.toml");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert_eq!(
            open(&pipe, Links::Follow).unwrap_err(),
            Problem::NotAFile("a named pipe, not a file")
        );
        assert_eq!(
            open(Path::new("/dev/zero"), Links::Follow).unwrap_err(),
            Problem::NotAFile("a device, not a file")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_followed_only_where_it_may_be() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(
            open(&link, Links::Follow).unwrap_err(),
            Problem::Unreadable("it is a link to nothing".to_owned())
        );
        std::fs::write(&file, "x").unwrap();
        let opened = open(&link, Links::Follow).unwrap().unwrap();
        assert_eq!(text(opened), Ok("x".to_owned()));
        assert_eq!(
            open(&link, Links::Refuse).unwrap_err(),
            Problem::NotAFile("a symbolic link, which is not followed here")
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_text_of_unknown_length_is_bounded_too() {
        // The length of files in /proc is 0; this one is long enough to show
        // that it is read nevertheless.
        let path = Path::new("/proc/self/status");
        if cfg!(target_os = "linux") {
            let opened = open(path, Links::Follow).unwrap().unwrap();
            assert!(text(opened).unwrap().contains("Name:"));
        }
    }
}
