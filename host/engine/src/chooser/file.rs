//! A component's file, read once: what is hashed is what is run. What goes in
//! is a path; what comes out are its bytes, of a bounded number, or what is
//! wrong with the file. Opening never waits, as it could for a named pipe.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use super::Problem;
use keyrule_system::fs::read::{self, Links};
use keyrule_system::fs::{FileError, words as words_of};

/// The largest component that is read, in bytes. One that brings a JavaScript
/// engine along has 12 MB.
pub(crate) const LIMIT: u64 = 64 << 20;

/// Reads a regular file.
pub fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let words = |error: std::io::Error| Problem::Unreadable(words_of(&error));
    let file = read::open(path, Links::Follow)
        .map_err(problem)?
        .ok_or(Problem::Missing)?;
    let length = file.metadata().map_err(words)?.len();
    if length > LIMIT {
        return Err(Problem::TooLarge);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    // It can have grown since.
    file.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(words)?;
    if bytes.len() as u64 > LIMIT {
        return Err(Problem::TooLarge);
    }
    Ok(bytes)
}

/// The SHA-256 in lower-case hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn problem(problem: FileError) -> Problem {
    match problem {
        FileError::NotAFile(what) => Problem::NotAFile(what),
        FileError::Unreadable(words) | FileError::Unlistable(words) => Problem::Unreadable(words),
        other => Problem::Unreadable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_that_of_the_bytes() {
        assert_eq!(
            digest(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn what_is_no_component_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wasm");
        assert_eq!(read(&path), Err(Problem::Missing));
        let not_a_file = Problem::NotAFile("a folder, not a file");
        assert_eq!(read(folder.path()), Err(not_a_file));
        std::fs::write(&path, "x").unwrap();
        assert_eq!(read(&path), Ok(b"x".to_vec()));
    }

    #[test]
    fn a_file_of_200_megabytes_is_refused_by_its_length() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.wasm");
        // Sparse: reading it would take long, and its blocks are not there.
        std::fs::File::create(&path)
            .unwrap()
            .set_len(200 << 20)
            .unwrap();
        assert_eq!(read(&path), Err(Problem::TooLarge));
    }
}
