//! `--receipt FILE`: a decision as one line at the end of a file, before
//! anything is handed out. What goes in is a decision with its reasons; what
//! comes out is a whole line in the file, or an error and the file as it was.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keyrule::receipt::LONGEST;
use keyrule::resolver::Explained;
use keyrule_system::text::{shown, typed};

use crate::errors::{Failure, os_words};

/// How long others may hold the file's lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// A file that receipts are appended to.
#[derive(Debug)]
pub(crate) struct Receipts {
    path: PathBuf,
    file: File,
    /// What asks: `token`.
    command: &'static str,
}

impl Receipts {
    /// Opens the file before anything is looked at, so that nobody is asked
    /// and nothing is got for a decision that could not be recorded.
    pub(crate) fn open(path: &Path, command: &'static str) -> Result<Self, Failure> {
        let mut options = OpenOptions::new();
        // Only a file is read too: opening a pipe for both finds nobody
        // missing at its other end.
        let is_file = path.metadata().map_or(true, |found| found.is_file());
        options.append(true).read(is_file).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt as _;
            // A pipe that nobody reads is an error, and not waited for.
            let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
            options
                .mode(0o600)
                .custom_flags(i32::try_from(flags.bits()).unwrap_or_default());
        }
        let file = options.open(path).or_else(|error| {
            // What may be written and not read is a place for receipts too.
            match error.kind() {
                io::ErrorKind::PermissionDenied => options.read(false).open(path),
                _ => Err(error),
            }
        });
        Ok(Self {
            file: file.map_err(|error| not_written(path, &error))?,
            path: path.to_path_buf(),
            command,
        })
    }

    /// Appends the receipt of a decision.
    pub(crate) fn append(&mut self, explained: &Explained) -> Result<(), Failure> {
        let mut receipt = explained.receipt();
        receipt.command = Some(self.command.to_owned());
        let line = receipt
            .line()
            .map_err(|error| Failure::unwritten(&error.into()))?;
        if u64::try_from(line.len()).is_ok_and(|length| length > LONGEST) {
            return Err(too_long(&self.path));
        }
        append(&mut self.file, &line).map_err(|error| not_written(&self.path, &error))
    }
}

/// Appends a line by one write. Where not all of it could be written, as on a
/// full disk, nothing of it stays: else the next line would follow half a
/// receipt.
fn append(file: &mut File, line: &str) -> io::Result<()> {
    let regular = file.metadata()?.is_file();
    if !regular {
        return whole(file.write(line.as_bytes())?, line);
    }
    // Others append in the meantime, also where the system has no locks to
    // give; then a write is still one.
    let locked = lock(file)?;
    let length = file.metadata()?.len();
    let after_half_a_line = length > 0 && last(file, length).is_ok_and(|last| last != b'\n');
    let line = if after_half_a_line {
        format!("\n{line}")
    } else {
        line.to_owned()
    };
    let written = file.write(line.as_bytes());
    let written = written
        .and_then(|written| whole(written, &line))
        // Some systems only now say that there is no room.
        .and_then(|()| file.sync_data());
    if written.is_err() && locked {
        file.set_len(length)?;
    }
    if locked {
        file.unlock()?;
    }
    written
}

/// Takes the lock of the file, where the system gives any. Whoever may read
/// the file can hold it, so nobody is waited for without an end.
fn lock(file: &File) -> io::Result<bool> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(_)) => return Ok(false),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(2));
            }
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
        }
    }
}

fn whole(written: usize, line: &str) -> io::Result<()> {
    if written == line.len() {
        Ok(())
    } else {
        Err(io::ErrorKind::StorageFull.into())
    }
}

/// The last byte of a file. Appending does not care where was read.
fn last(file: &mut File, length: u64) -> io::Result<u8> {
    let mut last = [0];
    file.seek(SeekFrom::Start(length.saturating_sub(1)))?;
    file.read_exact(&mut last)?;
    let [last] = last;
    Ok(last)
}

fn unwritten(path: &Path) -> Failure {
    let message = format!(
        "the receipt could not be written to `{}`, and nothing was handed out",
        shown(path)
    );
    Failure::new("receipt-not-written", 1, message)
}

/// A receipt that `policy replay` would not read.
fn too_long(path: &Path) -> Failure {
    let mut failure = unwritten(path)
        .hint("leave out `--receipt`, or let the policy have fewer sources".to_owned());
    let why = format!("it is longer than {LONGEST} bytes");
    failure.said.causes.push(why);
    failure
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    let mut failure = unwritten(path).hint(match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            format!("make room on the disk of `{}`", shown(path))
        }
        io::ErrorKind::WouldBlock => format!(
            "another program holds a lock on `{}`: see who with `fuser {}`",
            shown(path),
            typed(path)
        ),
        _ => format!("name a file that you can write: `ls -ld {}`", typed(path)),
    });
    failure.said.causes.push(os_words(error));
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use keyrule::Receipt;

    fn appended(path: &Path) {
        let mut receipts = Receipts::open(path, "token").unwrap();
        receipts.append(&samples::key_before_helper()).unwrap();
    }

    #[test]
    fn each_decision_is_one_line_and_the_file_is_its_owners() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts");
        appended(&path);
        appended(&path);
        let text = std::fs::read_to_string(&path).unwrap();
        let receipts: Vec<_> = text
            .lines()
            .map(|line| Receipt::parse(line).unwrap())
            .collect();
        assert_eq!(receipts.len(), 2);
        assert_eq!(receipts[1].command.as_deref(), Some("token"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_receipt_that_could_not_be_read_again_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts");
        let mut receipts = Receipts::open(&path, "token").unwrap();
        let mut explained = samples::key_before_helper();
        explained.info.name = "p".repeat(1 << 20);
        let failure = receipts.append(&explained).unwrap_err();
        assert_eq!(failure.said.code, "receipt-not-written");
        assert_eq!(failure.said.causes, ["it is longer than 1048576 bytes"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn a_line_that_was_cut_off_does_not_spoil_the_next_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("receipts");
        std::fs::write(&path, "{\"version\":1,\"ti").unwrap();
        appended(&path);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(Receipt::parse(lines[1]).is_ok());
    }

    #[test]
    fn what_cannot_be_opened_is_named_with_its_cause() {
        let folder = tempfile::tempdir().unwrap();
        let failure = Receipts::open(folder.path(), "token").unwrap_err();
        assert_eq!(
            (failure.said.code, failure.exit),
            ("receipt-not-written", 1)
        );
        assert_eq!(failure.said.causes, ["is a directory"]);
    }
}
