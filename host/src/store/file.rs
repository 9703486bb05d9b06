//! The store that is a file: `.credentials.keyrule.json` in the tool's
//! folder, beside the tool's own `.credentials.json`. What goes in and comes
//! out are entries by name. The tool's file is not made by us, even where
//! there is none yet: a tool that writes it later knows nothing of our
//! entries or our lock. Entries of ours that stand in it are read, and change
//! there only as long as nothing else does; once our own file is there, it
//! holds everything of ours, and only it is read and written.

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::ambient::Ambient;
use crate::engine::bindings as wit;
use crate::sources::paths;
use crate::store::atomic::{self, atomic_create, atomic_write};
use crate::store::contents::{self, Fault};
use crate::store::wire::{self, Document, Kept, Ours};
use crate::store::{Entry, Error, Shelf, Store, StoredLogin};

/// The file that another program may have a part in.
const SHARED: &str = ".credentials.json";

/// Our own file.
const OWN: &str = ".credentials.keyrule.json";

/// The largest file that is read.
const LIMIT: u64 = 4 * 1024 * 1024;

/// The store that is a file.
#[derive(Debug, Clone)]
pub(crate) struct FileStore {
    folder: PathBuf,
}

impl FileStore {
    /// The store in the tool's folder; for a tool without one, in our own.
    pub(crate) fn of(tool: &wit::Tool, ambient: &Ambient) -> Result<Self, Error> {
        let folder = if tool.folder.is_some() {
            let path = format!("{{folder}}/{SHARED}");
            let everywhere = wit::Paths {
                linux: path.clone(),
                macos: path.clone(),
                windows: path,
            };
            let path = paths::expand(&everywhere, tool, ambient)?;
            path.parent().map(Path::to_path_buf)
        } else {
            ambient.state_folder()
        };
        Ok(Self {
            folder: folder.ok_or(paths::PathError::NoHome)?,
        })
    }

    /// The file that another program may have a part in.
    pub(crate) fn shared(&self) -> PathBuf {
        self.folder.join(SHARED)
    }

    /// The file that is ours alone.
    pub(crate) fn own(&self) -> PathBuf {
        self.folder.join(OWN)
    }

    fn read(&self) -> Result<Read, Error> {
        let path = self.own();
        if let Some((document, bytes)) = read(&path)? {
            if document.others {
                return Err(Error::Invalid {
                    path,
                    why: "holds entries of another program".to_owned(),
                });
            }
            let ours = document.ours.unwrap_or_default();
            return Ok(Read {
                ours,
                path,
                bytes: Some(bytes),
            });
        }
        let path = self.shared();
        let Some((document, bytes)) = read(&path)? else {
            return Ok(Read {
                ours: Ours::default(),
                path: self.own(),
                bytes: None,
            });
        };
        let ours = document.ours.unwrap_or_default();
        if document.others {
            // To be read here, and written elsewhere.
            return Ok(Read {
                ours,
                path: self.own(),
                bytes: None,
            });
        }
        Ok(Read {
            ours,
            path,
            bytes: Some(bytes),
        })
    }

    /// Changes what is kept; `change` returns whether there is anything to
    /// write.
    fn change(&self, change: impl FnOnce(&mut Ours) -> bool) -> Result<bool, Error> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source: io::Error| match source.kind() {
                io::ErrorKind::TimedOut | io::ErrorKind::ResourceBusy => Error::Locked { path },
                _ => Error::NotWritable { path, source },
            }
        };
        atomic::private_folder(&self.folder).map_err(failed(&self.folder))?;
        let lock = self.folder.join(".credentials.keyrule.lock");
        let _lock = atomic::lock(&lock).map_err(failed(&lock))?;
        let Read {
            mut ours,
            path,
            bytes,
        } = self.read()?;
        if !change(&mut ours) {
            return Ok(false);
        }
        let text = wire::text(&ours).map_err(failed(&path))?;
        let Some(before) = bytes else {
            // Another program may have made the file in the meantime.
            return match atomic_create(&path, &text).map_err(failed(&path))? {
                true => Ok(true),
                false => Err(Error::Locked { path }),
            };
        };
        // Another program knows nothing of our lock, and may have written its
        // own entries into the shared file in the meantime.
        let still = || {
            contents::read(&path, LIMIT)
                .is_ok_and(|now| now.is_some_and(|now| now.bytes == before.bytes))
        };
        atomic_write(&path, &text, still).map_err(failed(&path))?;
        Ok(true)
    }
}

impl Store for FileStore {
    fn load(&self, shelf: Shelf, name: &str) -> Result<Option<Entry>, Error> {
        let mut ours = self.read()?.ours;
        Ok(match shelf {
            Shelf::Keys => ours.keys.remove(name).map(|key| Entry::Key(key.secret.0)),
            Shelf::Logins => ours
                .logins
                .remove(name)
                .map(|login| Entry::Login(login.into())),
        })
    }

    fn save(&self, name: &str, entry: &Entry) -> Result<(), Error> {
        self.change(|ours| {
            match entry.clone() {
                Entry::Key(secret) => {
                    let key = wire::Key {
                        secret: Kept(secret),
                    };
                    ours.keys.insert(name.to_owned(), key);
                }
                Entry::Login(login) => {
                    ours.logins.insert(name.to_owned(), login.into());
                }
            }
            true
        })?;
        Ok(())
    }

    fn delete(&self, shelf: Shelf, name: &str) -> Result<bool, Error> {
        // Nothing is made where there is nothing to delete.
        if self.load(shelf, name)?.is_none() {
            return Ok(false);
        }
        self.change(|ours| match shelf {
            Shelf::Keys => ours.keys.remove(name).is_some(),
            Shelf::Logins => ours.logins.remove(name).is_some(),
        })
    }

    fn whereabouts(&self) -> Result<String, Error> {
        Ok(format!("`{}`", self.read()?.path.display()))
    }

    fn names(&self) -> Result<Vec<(Shelf, String)>, Error> {
        let ours = self.read()?.ours;
        let keys = ours.keys.into_keys().map(|name| (Shelf::Keys, name));
        let logins = ours.logins.into_keys().map(|name| (Shelf::Logins, name));
        Ok(keys.chain(logins).collect())
    }
}

/// What is kept, where it is written, and what that file holds now.
struct Read {
    ours: Ours,
    path: PathBuf,
    bytes: Option<contents::Contents>,
}

fn read(path: &Path) -> Result<Option<(Document, contents::Contents)>, Error> {
    let contents = match contents::read(path, LIMIT) {
        Ok(Some(contents)) => contents,
        Ok(None) => return Ok(None),
        Err(fault) => {
            let (path, why) = (path.to_path_buf(), fault.to_string());
            return Err(match fault {
                Fault::TooBig { .. } => Error::Invalid { path, why },
                Fault::Unreadable(_) | Fault::NotAFile => Error::Unreadable { path, why },
            });
        }
    };
    let document = wire::parse(&contents.bytes).map_err(|why| Error::Invalid {
        path: path.to_path_buf(),
        why,
    })?;
    Ok(Some((document, contents)))
}

impl From<wire::Login> for StoredLogin {
    fn from(login: wire::Login) -> Self {
        Self {
            access_token: login.access_token.0,
            refresh_token: login.refresh_token.map(|token| token.0),
            // A time that the system cannot express is the end of all times.
            expires_at: login
                .expires_at
                .and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds))),
            account: login.account,
            organization: login.organization,
            claims: login.claims,
        }
    }
}

impl From<StoredLogin> for wire::Login {
    fn from(login: StoredLogin) -> Self {
        Self {
            access_token: Kept(login.access_token),
            refresh_token: login.refresh_token.map(Kept),
            expires_at: login.expires_at.map(seconds),
            account: login.account,
            organization: login.organization,
            claims: login.claims,
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::handout;
    use crate::secret::Secret;

    struct Place {
        folder: tempfile::TempDir,
        store: FileStore,
    }

    fn place() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore {
            folder: folder.path().join("tool"),
        };
        std::fs::create_dir(&store.folder).unwrap();
        Place { folder, store }
    }

    fn key(value: &str) -> Entry {
        Entry::Key(Secret::new(value))
    }

    fn value(entry: Option<Entry>) -> Option<String> {
        let secret = match entry? {
            Entry::Key(secret) => secret,
            Entry::Login(login) => login.access_token,
        };
        Some(String::from_utf8(handout::to_keep(&secret).to_vec()).unwrap())
    }

    fn files(store: &FileStore) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(&store.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != ".credentials.keyrule.lock")
            .collect();
        names.sort();
        names
    }

    const OTHERS: &str = r#"{"other": {"token": "not-ours"}}"#;

    #[test]
    fn nothing_is_kept_at_first_and_nothing_is_made() {
        let place = place();
        std::fs::remove_dir(&place.store.folder).unwrap();
        assert!(place.store.load(Shelf::Keys, "a").unwrap().is_none());
        assert_eq!(place.store.names().unwrap(), []);
        assert!(!place.store.delete(Shelf::Keys, "a").unwrap());
        assert!(!place.store.folder.exists());
    }

    #[test]
    fn keys_and_logins_come_back_as_they_were_kept() {
        let Place {
            store,
            folder: _folder,
        } = place();
        let login = StoredLogin {
            access_token: Secret::new("s3cr3t-access"),
            refresh_token: Some(Secret::new("s3cr3t-refresh")),
            expires_at: Some(UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
            account: Some("ada@example.test".to_owned()),
            organization: Some("org".to_owned()),
            claims: BTreeMap::from([("team".to_owned(), "blue".into())]),
        };
        store.save("a", &key("s3cr3t-a")).unwrap();
        store.save("b", &key("s3cr3t-b")).unwrap();
        store.save("a", &Entry::Login(login.clone())).unwrap();
        let names = [
            (Shelf::Keys, "a".to_owned()),
            (Shelf::Keys, "b".to_owned()),
            (Shelf::Logins, "a".to_owned()),
        ];
        assert_eq!(store.names().unwrap(), names);
        assert_eq!(
            value(store.load(Shelf::Keys, "a").unwrap()).as_deref(),
            Some("s3cr3t-a")
        );
        let Some(Entry::Login(read)) = store.load(Shelf::Logins, "a").unwrap() else {
            panic!("a login");
        };
        assert_eq!(read.expires_at, login.expires_at);
        assert_eq!(read.account, login.account);
        assert_eq!(read.organization, login.organization);
        assert_eq!(read.claims, login.claims);
        assert_eq!(
            read.refresh_token.as_ref().map(handout::to_keep),
            Some(b"s3cr3t-refresh".as_slice())
        );
        assert!(!format!("{store:?} {read:?}").contains("s3cr3t"));
        assert!(!format!("{read:?}").contains("ada"));

        assert!(store.delete(Shelf::Keys, "a").unwrap());
        assert!(!store.delete(Shelf::Keys, "a").unwrap());
        assert_eq!(store.names().unwrap(), names[1..]);
        assert_eq!(files(&store), [OWN]);
    }

    #[test]
    fn a_file_with_entries_of_another_program_is_never_written() {
        let Place {
            store,
            folder: _folder,
        } = place();
        std::fs::write(store.shared(), OTHERS).unwrap();
        assert!(store.load(Shelf::Keys, "a").unwrap().is_none());
        store.save("a", &key("s3cr3t")).unwrap();
        assert_eq!(std::fs::read_to_string(store.shared()).unwrap(), OTHERS);
        assert_eq!(
            value(store.load(Shelf::Keys, "a").unwrap()).as_deref(),
            Some("s3cr3t")
        );
        assert!(store.delete(Shelf::Keys, "a").unwrap());
        assert_eq!(std::fs::read_to_string(store.shared()).unwrap(), OTHERS);
        assert_eq!(store.names().unwrap(), []);
    }

    #[test]
    fn what_was_kept_moves_along_when_another_program_joins_the_file() {
        let Place {
            store,
            folder: _folder,
        } = place();
        store.save("a", &key("s3cr3t-a")).unwrap();
        let ours = std::fs::read_to_string(store.own()).unwrap();
        std::fs::remove_file(store.own()).unwrap();
        let joined = ours.replacen('{', r#"{"other": {}, "#, 1);
        std::fs::write(store.shared(), &joined).unwrap();
        assert_eq!(
            value(store.load(Shelf::Keys, "a").unwrap()).as_deref(),
            Some("s3cr3t-a")
        );
        store.save("b", &key("s3cr3t-b")).unwrap();
        assert_eq!(std::fs::read_to_string(store.shared()).unwrap(), joined);
        // From now on the file beside it counts alone: the shared one still
        // names the deleted key.
        assert!(store.delete(Shelf::Keys, "a").unwrap());
        assert!(store.load(Shelf::Keys, "a").unwrap().is_none());
        assert_eq!(store.names().unwrap(), [(Shelf::Keys, "b".to_owned())]);
    }

    #[test]
    fn a_damaged_file_is_named_and_left_as_it_is() {
        let Place {
            store,
            folder: _folder,
        } = place();
        for (text, why) in [
            ("", "ends too early (line 1, column 0)"),
            ("{\"keyrule\": s3cr3t", "is not JSON (line 1, column 13)"),
            (
                r#"{"keyrule": {"version": 9, "keys": {}}}"#,
                "has an entry `keyrule` of version 9, and this program reads version 1",
            ),
        ] {
            for path in [store.shared(), store.own()] {
                std::fs::write(&path, text).unwrap();
                let expected = format!("`{}` {why}", path.display());
                let error = store.load(Shelf::Keys, "a").unwrap_err();
                assert_eq!(error.to_string(), expected);
                assert_eq!(error.trouble(), wit::Trouble::Invalid);
                let error = store.save("a", &key("x")).unwrap_err();
                assert_eq!(error.to_string(), expected);
                assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
                std::fs::remove_file(&path).unwrap();
            }
        }
        std::fs::write(store.own(), OTHERS).unwrap();
        let error = store.load(Shelf::Keys, "a").unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`{}` holds entries of another program",
                store.own().display()
            )
        );
        std::fs::remove_file(store.own()).unwrap();
        std::fs::create_dir(store.own()).unwrap();
        let error = store.load(Shelf::Keys, "a").unwrap_err();
        assert_eq!(error.trouble(), wit::Trouble::Unreadable);
    }

    #[test]
    fn writers_at_the_same_time_lose_nothing() {
        let Place {
            store,
            folder: _folder,
        } = place();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let store = &store;
                scope.spawn(move || {
                    for turn in 0..5 {
                        store.save(&format!("{writer}-{turn}"), &key("x")).unwrap();
                    }
                });
            }
        });
        assert_eq!(store.names().unwrap().len(), 20);
        assert_eq!(files(&store), [OWN]);
    }

    #[test]
    fn the_store_lies_in_the_tools_folder_or_else_in_ours() {
        let home = tempfile::tempdir().unwrap();
        let mut ambient = Ambient::empty();
        let mut tool = crate::sources::samples::about().tool;
        let error = FileStore::of(&tool, &ambient).unwrap_err();
        assert_eq!(
            error.detail(),
            "there is no place to store anything in: a path begins with `~/`, and the home folder is not known"
        );
        ambient.home = Some(home.path().to_path_buf());
        let shared =
            |tool: &wit::Tool, ambient: &Ambient| FileStore::of(tool, ambient).unwrap().shared();
        assert_eq!(
            shared(&tool, &ambient),
            home.path().join(".sample/.credentials.json")
        );
        let moved = ambient
            .clone()
            .with_variable("SAMPLE_FOLDER", home.path().join("moved"));
        assert_eq!(
            shared(&tool, &moved),
            home.path().join("moved/.credentials.json")
        );
        tool.folder = None;
        assert_eq!(
            FileStore::of(&tool, &ambient).unwrap().folder,
            ambient.state_folder().unwrap()
        );
    }

    #[cfg(unix)]
    #[test]
    fn files_are_their_owners_alone_again_once_they_are_written() {
        use std::os::unix::fs::PermissionsExt;

        let Place { store, folder } = place();
        let store = FileStore {
            folder: store.folder.join("new"),
        };
        store.save("a", &key("s3cr3t")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&store.folder), 0o700);
        assert_eq!(mode(&store.own()), 0o600);
        std::fs::set_permissions(store.own(), std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(store.load(Shelf::Keys, "a").unwrap().is_some());
        store.save("b", &key("s3cr3t")).unwrap();
        assert_eq!(mode(&store.own()), 0o600);
        drop(folder);
    }
}
