//! The record of what is kept: `.credentials.keyrule.json` in the tool's
//! folder, beside the tool's own `.credentials.json`. It is the store that is
//! a file, and the index of what is in the keyring, without the secrets that
//! are there. What goes in is a change; what comes out is the whole of it,
//! read or written.
//!
//! The tool's file is not made by us, even where there is none yet: a tool
//! that writes it later knows nothing of our entries or our lock. Entries of
//! ours that stand in it are read, and change there only as long as nothing
//! else does; once our own file is there, it holds everything of ours, and
//! only it is read and written.

use std::io;
use std::path::{Path, PathBuf};

use crate::Error;
use crate::recover::{self, Copy};
use crate::wire::{self, Document, Ours};
use keyrule_credential::Secret;
use keyrule_system::fs::atomic::{self, Reserved};
use keyrule_system::fs::contents::{self, Contents};

/// The file that another program may have a part in.
pub(super) const SHARED: &str = ".credentials.json";

/// Our own file.
pub(super) const OWN: &str = ".credentials.keyrule.json";

/// The largest file that is read, and written.
const LIMIT: u64 = 4 * 1024 * 1024;

/// How much more room is made than the text takes now, for one entry: two
/// tokens, as long as JSON's escapes can make them, and whose they are.
const MORE: usize = 4 * Secret::LONGEST + 256 * 1024;

/// The record in one folder.
#[derive(Debug, Clone)]
pub(super) struct Record {
    folder: PathBuf,
}

impl Record {
    /// The record in this folder.
    pub(super) const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where it lies.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file that another program may have a part in.
    pub(super) fn shared(&self) -> PathBuf {
        self.folder.join(SHARED)
    }

    /// The file that is ours alone.
    pub(super) fn own(&self) -> PathBuf {
        self.folder.join(OWN)
    }

    /// What is kept, and the file that would be written.
    pub(super) fn read(&self) -> Result<(Ours, PathBuf), Error> {
        let seen = self.see()?;
        Ok((seen.ours, seen.path))
    }

    /// Makes room for the record as it is and one entry more.
    pub(super) fn room(&self) -> Result<Reserved, Error> {
        let _lock = self.lock()?;
        let (path, length) = self.with_one_more()?;
        recover::check(&path)
            .and_then(|()| Reserved::new(&path, length))
            .map_err(|error| failed(&path, error))
    }

    /// Finds out, without writing anything, whether one entry more could
    /// still be read.
    pub(super) fn has_room(&self) -> Result<(), Error> {
        self.with_one_more().map(|_| ())
    }

    /// The file that would be written, and how long it is with one entry
    /// more.
    fn with_one_more(&self) -> Result<(PathBuf, usize), Error> {
        let (path, length) = match self.see() {
            Ok(seen) => {
                let text = wire::text(&seen.ours).map_err(|error| failed(&seen.path, error))?;
                (seen.path, text.len())
            }
            // It will be moved aside.
            Err(Fault::Damaged(path, _)) if path == self.own() => (path, 0),
            Err(fault) => return Err(fault.into()),
        };
        let length = length.saturating_add(MORE);
        bounded(&path, length)?;
        Ok((path, length))
    }

    /// The record, to be changed by nobody else until this is dropped. Where
    /// `mend` says so, a damaged file of ours is moved aside first, and a
    /// note tells where it is now.
    pub(super) fn hold(&self, mend: bool) -> Result<Held, Error> {
        let lock = self.lock()?;
        atomic::sweep(&self.folder);
        // Where the record is a link, its writers write beside what it leads to.
        if let Ok(target) = atomic::resolved(&self.own())
            && atomic::folder_of(&target) != self.folder
        {
            atomic::sweep(atomic::folder_of(&target));
        }
        let mut notes = Vec::new();
        let seen = match self.see() {
            Err(Fault::Damaged(path, why)) if mend && path == self.own() => {
                let aside = self.move_aside(&path)?;
                notes.push(format!(
                    "`{}` {why}; it was moved to `{}`, and a new one was begun",
                    path.display(),
                    aside.display()
                ));
                self.see()?
            }
            seen => seen?,
        };
        Ok(Held {
            ours: seen.ours,
            path: seen.path,
            contents: seen.contents,
            notes,
            _lock: lock,
        })
    }

    fn lock(&self) -> Result<atomic::Lock, Error> {
        atomic::private_folder(&self.folder).map_err(|error| failed(&self.folder, error))?;
        let lock = self.folder.join(".credentials.keyrule.lock");
        atomic::lock(&lock).map_err(|error| failed(&lock, error))
    }

    fn see(&self) -> Result<Seen, Fault> {
        let path = self.own();
        if let Some((document, contents)) = read(&path)? {
            if document.others {
                return Err(Fault::Final(Error::Invalid {
                    path,
                    why: "holds entries of another program".to_owned(),
                }));
            }
            return Ok(Seen {
                ours: document.ours.unwrap_or_default(),
                path,
                contents: Some(contents),
            });
        }
        let shared = self.shared();
        Ok(match read(&shared)? {
            Some((
                Document {
                    ours,
                    others: false,
                },
                contents,
            )) => Seen {
                ours: ours.unwrap_or_default(),
                path: shared,
                contents: Some(contents),
            },
            // To be read there, and written in our own file.
            Some((Document { ours, .. }, _)) => Seen {
                ours: ours.unwrap_or_default(),
                path,
                contents: None,
            },
            None => Seen {
                ours: Ours::default(),
                path,
                contents: None,
            },
        })
    }

    /// Moves a file out of the way, under the next name that nothing has.
    fn move_aside(&self, path: &Path) -> Result<PathBuf, Error> {
        for number in 1..=9_999 {
            let aside = self
                .folder
                .join(format!(".credentials.keyrule.damaged-{number}.json"));
            if aside.symlink_metadata().is_ok() {
                continue;
            }
            let moved = std::fs::rename(path, &aside)
                .and_then(|()| atomic::sync_folder_of(&aside))
                .or_else(|error| {
                    if !recover::cannot_be_renamed_onto(&error) {
                        return Err(error);
                    }
                    // It stays where it is mounted, so what it holds is kept
                    // elsewhere and the file is emptied.
                    let bytes = std::fs::read(path).map(zeroize::Zeroizing::new)?;
                    atomic::atomic_write(&aside, &bytes, || true)?;
                    let text = wire::text(&Ours::default())?;
                    let reserved = Reserved::new(path, 0)?;
                    recover::rewrite(path, reserved, &bytes, &text).map(|_| ())
                });
            return match moved {
                Ok(()) => Ok(aside),
                Err(error) => Err(failed(path, error)),
            };
        }
        Err(failed(
            path,
            io::Error::other("too many damaged files lie beside it"),
        ))
    }
}

/// The record and the right to change it.
#[derive(Debug)]
pub(super) struct Held {
    /// What is kept, to be changed.
    pub ours: Ours,
    /// What the user should know.
    pub notes: Vec<String>,
    path: PathBuf,
    contents: Option<Contents>,
    _lock: atomic::Lock,
}

impl Held {
    /// The file that is written.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes what is kept now, into the room where there is some.
    pub(super) fn write(&mut self, room: Option<Reserved>) -> Result<(), Error> {
        let path = self.path.clone();
        let text = wire::text(&self.ours).map_err(|error| failed(&path, error))?;
        bounded(&path, text.len())?;
        self.put(room, &text)
            .map_err(|error| failed(&path, error))?;
        self.contents = contents::read(&path, LIMIT).ok().flatten();
        Ok(())
    }

    /// Whether there was a file when this began, or is one since.
    pub(super) const fn exists(&self) -> bool {
        self.contents.is_some()
    }

    /// Removes the file again that this made.
    pub(super) fn remove(&mut self) -> Result<(), Error> {
        std::fs::remove_file(&self.path)
            .and_then(|()| atomic::sync_folder_of(&self.path))
            .map_err(|error| failed(&self.path, error))?;
        self.contents = None;
        Ok(())
    }

    fn put(&mut self, room: Option<Reserved>, text: &[u8]) -> io::Result<()> {
        let path = &self.path;
        let target = atomic::resolved(path)?;
        let mut room = match room {
            Some(room) if room.target() == target => room,
            _ => Reserved::new(path, 0)?,
        };
        room.fill(text)?;
        let Some(before) = &self.contents else {
            // Another program may have made the file in the meantime.
            return match room.create()? {
                true => Ok(()),
                false => Err(io::ErrorKind::ResourceBusy.into()),
            };
        };
        // Another program knows nothing of our lock, and may have written its
        // own entries into the shared file in the meantime.
        let still = || {
            contents::read(path, LIMIT)
                .is_ok_and(|now| now.is_some_and(|now| now.bytes == before.bytes))
        };
        if !still() {
            return Err(io::ErrorKind::ResourceBusy.into());
        }
        let replaced = match room.replace(|| true) {
            // Somebody has cleaned the folder since the room was made.
            Err(failed) if failed.error.kind() == io::ErrorKind::NotFound => {
                let mut room = Reserved::new(path, 0)?;
                room.fill(text)?;
                room.replace(|| true)
            }
            replaced => replaced,
        };
        let Err(failed) = replaced else {
            return recover::forget(path);
        };
        match failed.reserved {
            Some(room) if recover::cannot_be_renamed_onto(&failed.error) => {
                let note = recover::rewrite(path, room, &before.bytes, text)?;
                self.notes.extend(note);
                Ok(())
            }
            _ => Err(failed.error),
        }
    }
}

/// What is kept, where it is written, and what that file holds now.
struct Seen {
    ours: Ours,
    path: PathBuf,
    contents: Option<Contents>,
}

/// Why a file cannot be taken for what it should be.
enum Fault {
    /// It is damaged as a whole.
    Damaged(PathBuf, String),
    /// Nothing of ours can mend it.
    Final(Error),
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Damaged(path, why) => Self::Invalid { path, why },
            Fault::Final(error) => error,
        }
    }
}

/// The file, or the copy of what it was about to hold when its writer was
/// killed.
fn read(path: &Path) -> Result<Option<(Document, Contents)>, Fault> {
    let mut torn = None;
    loop {
        let contents = match contents::read(path, LIMIT) {
            Ok(Some(contents)) => contents,
            Ok(None) => return Ok(None),
            Err(fault) => return Err(unread(path, &fault)),
        };
        owned(path, &contents)?;
        let parsed = wire::parse(&contents.bytes);
        let is_torn = matches!(parsed, Err(wire::Fault::Damaged(_)));
        let copy = Copy::read(path, LIMIT)
            .filter(|copy| owned(path, copy.contents()).is_ok())
            .filter(|copy| is_torn || copy.replaces(&contents.bytes))
            .and_then(|copy| wire::parse(copy.text()).ok());
        if let Some(document) = copy {
            return Ok(Some((document, contents)));
        }
        match parsed {
            Ok(document) => return Ok(Some((document, contents))),
            // Somebody may be writing it in place, and have removed the copy
            // since: then it is whole now.
            Err(wire::Fault::Damaged(_)) if torn.as_ref() != Some(&contents.bytes) => {
                torn = Some(contents.bytes);
            }
            Err(wire::Fault::Damaged(why)) => {
                return Err(Fault::Damaged(path.to_path_buf(), why));
            }
            Err(wire::Fault::Version(why)) => {
                return Err(Fault::Final(Error::Invalid {
                    path: path.to_path_buf(),
                    why,
                }));
            }
        }
    }
}

fn unread(path: &Path, fault: &contents::Fault) -> Fault {
    let (path, why) = (path.to_path_buf(), fault.to_string());
    match fault {
        contents::Fault::TooBig { .. } => Fault::Damaged(path, why),
        contents::Fault::Unreadable(_) | contents::Fault::NotAFile => {
            Fault::Final(Error::Unreadable { path, why })
        }
    }
}

/// Whoever owns the file says whose credentials are used.
#[cfg(unix)]
fn owned(path: &Path, contents: &Contents) -> Result<(), Fault> {
    use std::os::unix::fs::MetadataExt;

    let owner = contents.metadata.uid();
    if owner == 0 || owner == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    Err(Fault::Final(Error::Unreadable {
        path: path.to_path_buf(),
        why: "belongs to another user".to_owned(),
    }))
}

/// Windows keeps others out by the folder.
#[cfg(not(unix))]
fn owned(_path: &Path, _contents: &Contents) -> Result<(), Fault> {
    Ok(())
}

/// Refuses to write what would not be read again.
fn bounded(path: &Path, length: usize) -> Result<(), Error> {
    if u64::try_from(length).is_ok_and(|length| length <= LIMIT) {
        return Ok(());
    }
    Err(Error::Full {
        path: path.to_path_buf(),
        limit: LIMIT,
    })
}

fn failed(path: &Path, source: io::Error) -> Error {
    let path = path.to_path_buf();
    match source.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::ResourceBusy => Error::Locked { path },
        _ => Error::NotWritable { path, source },
    }
}

#[cfg(test)]
mod tests;
