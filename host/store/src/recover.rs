//! A file that cannot be renamed onto, because it is mounted where it is, as
//! a container's one file often is. It is written in place, and a copy on the
//! disk goes first. What goes in is the new text and what it replaces; what
//! comes out is that a reader finds the old text or the new one, whenever the
//! writer is killed. What the text means is not known here.
//!
//! | killed | the file | the copy | a reader takes |
//! |---|---|---|---|
//! | while the copy is written | old | none: it has another name yet | the file |
//! | after that | old | whole, and says what it replaces | the copy |
//! | while the file is written | torn | whole | the copy |
//! | before the copy is removed | new | whole, replaces something else | the file |

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use keyrule_system::fs::atomic::{self, Reserved};
use keyrule_system::fs::contents::{self, Contents};

/// How a copy begins; the digest of the replaced text and a line feed follow.
const REPLACES: &[u8] = b"replaces ";

/// How long a digest is, written as hexadecimal digits.
const DIGEST: usize = 64;

/// How much longer a copy is than its text.
const HEAD: u64 = (REPLACES.len() + DIGEST + 1) as u64;

/// The name of the file's copy, beside the path as it was given.
pub(super) fn copy_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".copy");
    PathBuf::from(name)
}

/// A whole copy.
pub(super) struct Copy {
    contents: Contents,
    text_at: usize,
}

impl Copy {
    /// The copy of this file, if a whole one is there, with a text of at most
    /// `limit` bytes. One that cannot be
    /// read counts as none: the file itself decides then.
    pub(super) fn read(path: &Path, limit: u64) -> Option<Self> {
        let contents = contents::read(&copy_of(path), limit.saturating_add(HEAD)).ok()??;
        let digest = contents.bytes.strip_prefix(REPLACES)?;
        let end = digest.iter().position(|byte| *byte == b'\n')?;
        (end == DIGEST).then_some(())?;
        let text_at = REPLACES.len().checked_add(end)?.checked_add(1)?;
        Some(Self { contents, text_at })
    }

    /// Whether it was to replace this text.
    pub(super) fn replaces(&self, text: &[u8]) -> bool {
        self.contents
            .bytes
            .strip_prefix(REPLACES)
            .is_some_and(|rest| rest.starts_with(digest(text).as_bytes()))
    }

    /// Its text.
    pub(super) fn text(&self) -> &[u8] {
        self.contents.bytes.get(self.text_at..).unwrap_or_default()
    }

    /// The file that it was read from: whose it is matters as much as for the
    /// file that it stands in for.
    pub(super) fn contents(&self) -> &Contents {
        &self.contents
    }
}

/// Whether an error of a rename says that it can never succeed there.
pub(super) fn cannot_be_renamed_onto(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ResourceBusy | io::ErrorKind::CrossesDevices
    )
}

/// Writes the file in place. `reserved` is what could not be renamed. Returns
/// what there is to say: from the copy on, the text is not lost, even where
/// the file cannot be written whole.
pub(super) fn rewrite(
    path: &Path,
    mut reserved: Reserved,
    before: &[u8],
    text: &[u8],
) -> io::Result<Option<String>> {
    // First whatever can fail.
    let mut file = opened(reserved.target())?;
    let mut copy = Zeroizing::new(Vec::with_capacity(text.len().saturating_add(128)));
    copy.extend_from_slice(REPLACES);
    copy.extend_from_slice(digest(before).as_bytes());
    copy.push(b'\n');
    copy.extend_from_slice(text);
    let place = copy_of(path);
    if atomic::folder_of(&place) != atomic::folder_of(reserved.target()) {
        // The path is a link to another folder.
        reserved = Reserved::new(&place, 0)?;
    }
    reserved.fill(&copy)?;
    reserved.become_other(&place)?;
    let written = file
        .set_len(0)
        .and_then(|()| file.write_all(text))
        .and_then(|()| file.sync_all());
    if let Err(error) = written {
        return Ok(Some(format!(
            "`{}` could not be written whole ({error}); what is new is in `{}`, and is read there",
            path.display(),
            place.display()
        )));
    }
    forget(path)?;
    Ok(None)
}

/// Removes the copy, once the file is whole.
pub(super) fn forget(path: &Path) -> io::Result<()> {
    let copy = copy_of(path);
    match std::fs::remove_file(&copy) {
        Ok(()) => atomic::sync_folder_of(&copy),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// Finds out, without changing anything, whether the file will have to be
/// written in place and cannot be.
#[cfg(target_os = "linux")]
pub(super) fn check(path: &Path) -> io::Result<()> {
    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags};

    let path = atomic::resolved(path)?;
    let is_mounted = rustix::fs::statx(CWD, &path, AtFlags::empty(), StatxFlags::BASIC_STATS)
        .is_ok_and(|seen| seen.stx_attributes.contains(StatxAttributes::MOUNT_ROOT));
    if is_mounted {
        OpenOptions::new().write(true).open(&path)?;
    }
    Ok(())
}

/// Only Linux says so beforehand.
#[cfg(not(target_os = "linux"))]
pub(super) fn check(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// Opens the file for writing, for its owner alone from now on.
fn opened(path: &Path) -> io::Result<std::fs::File> {
    let file = OpenOptions::new().write(true).open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(file)
}

fn digest(text: &[u8]) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
