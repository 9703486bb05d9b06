//! What helpers and providers brought, kept for a while. What goes in is
//! everything that it depends on, as one digest, and what was brought; what
//! comes out is the same as long as it is fresh, and a lock, so that one helper
//! runs at a time. Between processes it is kept only in memory-backed storage
//! of this user (which may be swapped), never on a disk; where there is none,
//! in this process only, and then every process gets its own.

mod entry;
#[cfg(target_os = "linux")]
mod folder;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sha2::{Digest, Sha256};

pub(in crate::sources) use entry::Entry;

use crate::ambient::Ambient;
use crate::sources::Kept;

/// Everything that a token depends on, as one digest.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::sources) struct Key(String);

impl Key {
    /// Digests the parts, and who this is; where one ends and the next begins
    /// counts.
    pub(in crate::sources) fn of<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        #[cfg(unix)]
        let user = rustix::process::geteuid().as_raw().to_le_bytes();
        #[cfg(not(unix))]
        let user = [];
        let mut digest = Sha256::new();
        digest.update(user);
        for part in parts {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        let digest = digest.finalize();
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// The place of one token.
pub(in crate::sources) struct Cache {
    key: Key,
    #[cfg(target_os = "linux")]
    folder: Option<folder::Folder>,
}

/// Held while the helper runs. It goes with its holder, however that ends.
pub(in crate::sources) struct Lock {
    in_process: Option<Key>,
    /// The lock of a file is given up when the file is closed.
    #[cfg(target_os = "linux")]
    _file: Option<std::fs::File>,
}

impl Cache {
    /// The place of the key's token in the best storage that there is.
    pub(in crate::sources) fn of(key: Key, ambient: &Ambient) -> Self {
        #[cfg(not(target_os = "linux"))]
        let _ = ambient;
        Self {
            key,
            #[cfg(target_os = "linux")]
            folder: folder::Folder::of_this_user(ambient),
        }
    }

    /// The place of the key's token in this process.
    #[cfg(test)]
    pub(in crate::sources) fn in_process(key: Key) -> Self {
        Self {
            key,
            #[cfg(target_os = "linux")]
            folder: None,
        }
    }

    /// What is kept, fresh or not.
    pub(in crate::sources) fn read(&self) -> Option<Entry> {
        #[cfg(target_os = "linux")]
        if let Some(folder) = &self.folder {
            return Entry::parse(&folder.read(&self.file("token"))?);
        }
        kept().get(&self.key).cloned()
    }

    /// Keeps what was just got. What cannot be kept is not; the next
    /// one to ask runs the helper again.
    pub(in crate::sources) fn write(&self, kept_now: &Kept, ttl: Duration) {
        let entry = Entry::now(kept_now.clone(), ttl);
        #[cfg(target_os = "linux")]
        if let Some(folder) = &self.folder {
            sweep(folder);
            let token = self.file("token");
            let written = folder.write(&self.file("new"), &token, &entry.to_bytes());
            if written.is_err() {
                // An older one in its place would be taken for it.
                folder.remove(&token);
            }
            return;
        }
        kept().insert(self.key.clone(), entry);
    }

    /// Drops what is kept.
    pub(in crate::sources) fn remove(&self) {
        #[cfg(target_os = "linux")]
        if let Some(folder) = &self.folder {
            folder.remove(&self.file("token"));
            return;
        }
        kept().remove(&self.key);
    }

    /// Takes the lock if nobody holds it.
    pub(in crate::sources) fn try_lock(&self) -> io::Result<Option<Lock>> {
        #[cfg(target_os = "linux")]
        if let Some(folder) = &self.folder {
            let file = folder.try_lock(&self.file("lock"))?;
            return Ok(file.map(|file| Lock {
                in_process: None,
                _file: Some(file),
            }));
        }
        let is_ours = running().insert(self.key.clone());
        Ok(is_ours.then(|| Lock {
            in_process: Some(self.key.clone()),
            #[cfg(target_os = "linux")]
            _file: None,
        }))
    }

    #[cfg(target_os = "linux")]
    fn file(&self, kind: &str) -> String {
        format!("{}.{kind}", self.key.0)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if let Some(key) = &self.in_process {
            running().remove(key);
        }
    }
}

/// Drops every token that is kept, wherever it is, and returns how many there
/// were.
#[cfg(feature = "login")]
pub(in crate::sources) fn forget(ambient: &Ambient) -> usize {
    let mut kept = kept();
    let count = kept.len();
    kept.clear();
    #[cfg(target_os = "linux")]
    let count = count
        + folder::Folder::all_of_this_user(ambient)
            .map(|folder| {
                let tokens = folder.names().into_iter();
                let tokens = tokens.filter(|name| name.ends_with(".token"));
                tokens.map(|name| folder.remove(&name)).count()
            })
            .sum::<usize>();
    #[cfg(not(target_os = "linux"))]
    let _ = ambient;
    count
}

/// Drops the tokens that have outlived what they were kept for, so that one
/// whose helper is never asked again does not stay until the next start.
#[cfg(target_os = "linux")]
fn sweep(folder: &folder::Folder) {
    for name in folder.names() {
        if name.ends_with(".token")
            && let Some(bytes) = folder.read(&name)
            && Entry::parse(&bytes).is_none_or(|entry| entry.has_outlived())
        {
            folder.remove(&name);
        }
    }
}

fn kept() -> MutexGuard<'static, BTreeMap<Key, Entry>> {
    static KEPT: LazyLock<Mutex<BTreeMap<Key, Entry>>> = LazyLock::new(Mutex::default);
    KEPT.lock().unwrap_or_else(PoisonError::into_inner)
}

fn running() -> MutexGuard<'static, BTreeSet<Key>> {
    static RUNNING: LazyLock<Mutex<BTreeSet<Key>>> = LazyLock::new(Mutex::default);
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
