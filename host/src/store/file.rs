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
use crate::store::{
    Entry, Error, Facts, Known, Listed, LoginFacts, Owner, Prepared, Saved, Select, Shelf, Slot,
    Store, StoredKey, StoredLogin,
};

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

/// The account under which a login is kept whose issuer names none.
const NOBODY: &str = "";

impl Store for FileStore {
    fn peek(&self, slot: &Slot) -> Result<Option<Known>, Error> {
        Ok(self.load(slot)?.map(|entry| known(&entry)))
    }

    fn load(&self, slot: &Slot) -> Result<Option<Entry>, Error> {
        let mut ours = self.read()?.ours;
        Ok(match slot.shelf {
            Shelf::Keys => ours
                .keys
                .remove(&slot.name)
                .map(|key| Entry::Key(key.into())),
            Shelf::Logins => ours.logins.remove(&slot.name).and_then(|mut login| {
                let account = slot.account.clone().or(login.selected)?;
                let login = login.accounts.remove(&account)?;
                Some(Entry::Login(login.into()))
            }),
        })
    }

    fn prepare(&self, slot: &Slot) -> Result<Box<dyn Prepared + '_>, Error> {
        Ok(Box::new(Room {
            store: self,
            slot: slot.clone(),
        }))
    }

    fn select(&self, name: &str, account: &str) -> Result<bool, Error> {
        let mut found = false;
        self.change(|ours| {
            let Some(login) = ours.logins.get_mut(name) else {
                return false;
            };
            found = login.accounts.contains_key(account);
            if found {
                login.selected = Some(account.to_owned());
            }
            found
        })?;
        Ok(found)
    }

    fn delete(&self, slot: &Slot) -> Result<bool, Error> {
        // Nothing is made where there is nothing to delete.
        if self.load(slot)?.is_none() {
            return Ok(false);
        }
        self.change(|ours| match slot.shelf {
            Shelf::Keys => ours.keys.remove(&slot.name).is_some(),
            Shelf::Logins => {
                let Some(login) = ours.logins.get_mut(&slot.name) else {
                    return false;
                };
                let Some(account) = slot.account.clone().or(login.selected.clone()) else {
                    return false;
                };
                if login.selected.as_ref() == Some(&account) {
                    login.selected = None;
                }
                let removed = login.accounts.remove(&account).is_some();
                if login.accounts.is_empty() {
                    ours.logins.remove(&slot.name);
                }
                removed
            }
        })
    }

    fn list(&self) -> Result<Vec<Listed>, Error> {
        let ours = self.read()?.ours;
        let mut listed = Vec::new();
        for (name, key) in ours.keys {
            listed.push(Listed {
                slot: Slot::key(&name),
                selected: true,
                known: known(&Entry::Key(key.into())),
            });
        }
        for (name, logins) in ours.logins {
            for (account, login) in logins.accounts {
                listed.push(Listed {
                    selected: logins.selected.as_ref() == Some(&account),
                    slot: Slot::account(&name, &account),
                    known: known(&Entry::Login(login.into())),
                });
            }
        }
        Ok(listed)
    }

    fn whereabouts(&self) -> Result<String, Error> {
        Ok(format!("`{}`", self.read()?.path.display()))
    }

    fn renewal_lock(&self, _slot: &Slot) -> Result<PathBuf, Error> {
        Ok(self.folder.join(".credentials.keyrule.renewal.lock"))
    }
}

struct Room<'s> {
    store: &'s FileStore,
    slot: Slot,
}

impl Prepared for Room<'_> {
    fn commit(self: Box<Self>, entry: &Entry, select: Select) -> Result<Saved, Error> {
        let Slot { name, account, .. } = self.slot;
        self.store.change(|ours| {
            match entry.clone() {
                Entry::Key(key) => {
                    ours.keys.insert(name, key.into());
                }
                Entry::Login(login) => {
                    let account = account.unwrap_or_else(|| NOBODY.to_owned());
                    let accounts = ours.logins.entry(name).or_default();
                    if select == Select::Yes {
                        accounts.selected = Some(account.clone());
                    }
                    accounts.accounts.insert(account, login.into());
                }
            }
            true
        })?;
        Ok(Saved {
            kept_in: wit::StoreKind::File,
            notes: Vec::new(),
        })
    }
}

fn known(entry: &Entry) -> Known {
    let (facts, secret) = match entry {
        Entry::Key(key) => (Facts::Key(key.owner.clone()), &key.secret),
        Entry::Login(login) => (Facts::Login(login.facts.clone()), &login.access_token),
    };
    Known {
        kept_in: wit::StoreKind::File,
        facts,
        secret: Some(secret.clone()),
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

impl From<wire::Key> for StoredKey {
    fn from(key: wire::Key) -> Self {
        Self {
            secret: key.secret.0,
            owner: key.owner.map(Into::into),
        }
    }
}

impl From<StoredKey> for wire::Key {
    fn from(key: StoredKey) -> Self {
        Self {
            secret: Kept(key.secret),
            owner: key.owner.map(Into::into),
        }
    }
}

impl From<wire::Owner> for Owner {
    fn from(owner: wire::Owner) -> Self {
        Self {
            issuer: owner.issuer,
            account: owner.account,
            organization: owner.organization,
            claims: owner.claims,
        }
    }
}

impl From<Owner> for wire::Owner {
    fn from(owner: Owner) -> Self {
        Self {
            issuer: owner.issuer,
            account: owner.account,
            organization: owner.organization,
            claims: owner.claims,
        }
    }
}

impl From<wire::Login> for StoredLogin {
    fn from(login: wire::Login) -> Self {
        let refresh_token = login.refresh_token.map(|token| token.0);
        Self {
            access_token: login.access_token.0,
            facts: LoginFacts {
                owner: login.owner.into(),
                client_id: login.client_id,
                obtained_at: login.obtained_at.and_then(time),
                expires_at: login.expires_at.and_then(time),
                renewable: refresh_token.is_some() && !login.ended,
                ended: login.ended,
            },
            refresh_token,
        }
    }
}

impl From<StoredLogin> for wire::Login {
    fn from(login: StoredLogin) -> Self {
        Self {
            access_token: Kept(login.access_token),
            refresh_token: login.refresh_token.map(Kept),
            obtained_at: login.facts.obtained_at.map(seconds),
            expires_at: login.facts.expires_at.map(seconds),
            ended: login.facts.ended,
            client_id: login.facts.client_id,
            owner: login.facts.owner.into(),
        }
    }
}

/// A time that the system cannot express is the end of all times.
fn time(seconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
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
        Entry::Key(StoredKey {
            secret: Secret::new(value),
            owner: None,
        })
    }

    fn value(entry: Option<Entry>) -> Option<String> {
        let secret = match entry? {
            Entry::Key(key) => key.secret,
            Entry::Login(login) => login.access_token,
        };
        Some(String::from_utf8(handout::to_keep(&secret).to_vec()).unwrap())
    }

    fn kept(store: &FileStore) -> Result<Vec<(Shelf, String)>, Error> {
        let listed = store.list()?.into_iter();
        Ok(listed.map(|one| (one.slot.shelf, one.slot.name)).collect())
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
        assert!(place.store.load(&Slot::key("a")).unwrap().is_none());
        assert_eq!(kept(&place.store).unwrap(), []);
        assert!(!place.store.delete(&Slot::key("a")).unwrap());
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
            facts: LoginFacts {
                owner: Owner {
                    issuer: "https://login.test".to_owned(),
                    account: Some("ada@example.test".to_owned()),
                    organization: Some("org".to_owned()),
                    claims: BTreeMap::from([("team".to_owned(), "blue".into())]),
                },
                client_id: "sample".to_owned(),
                obtained_at: Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
                expires_at: Some(UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
                renewable: true,
                ended: false,
            },
        };
        store.save(&Slot::key("a"), &key("s3cr3t-a")).unwrap();
        store.save(&Slot::key("b"), &key("s3cr3t-b")).unwrap();
        store
            .save(&Slot::login("a"), &Entry::Login(login.clone()))
            .unwrap();
        let names = [
            (Shelf::Keys, "a".to_owned()),
            (Shelf::Keys, "b".to_owned()),
            (Shelf::Logins, "a".to_owned()),
        ];
        assert_eq!(kept(&store).unwrap(), names);
        assert_eq!(
            value(store.load(&Slot::key("a")).unwrap()).as_deref(),
            Some("s3cr3t-a")
        );
        let Some(Entry::Login(read)) = store.load(&Slot::login("a")).unwrap() else {
            panic!("a login");
        };
        assert_eq!(read.facts.obtained_at, login.facts.obtained_at);
        assert_eq!(read.facts.expires_at, login.facts.expires_at);
        assert_eq!(read.facts.owner.account, login.facts.owner.account);
        assert_eq!(
            read.facts.owner.organization,
            login.facts.owner.organization
        );
        assert_eq!(read.facts.owner.claims, login.facts.owner.claims);
        assert_eq!(
            read.refresh_token.as_ref().map(handout::to_keep),
            Some(b"s3cr3t-refresh".as_slice())
        );
        assert!(!format!("{store:?} {read:?}").contains("s3cr3t"));
        assert!(!format!("{read:?}").contains("ada"));

        assert!(store.delete(&Slot::key("a")).unwrap());
        assert!(!store.delete(&Slot::key("a")).unwrap());
        assert_eq!(kept(&store).unwrap(), names[1..]);
        assert_eq!(files(&store), [OWN]);
    }

    #[test]
    fn a_file_with_entries_of_another_program_is_never_written() {
        let Place {
            store,
            folder: _folder,
        } = place();
        std::fs::write(store.shared(), OTHERS).unwrap();
        assert!(store.load(&Slot::key("a")).unwrap().is_none());
        store.save(&Slot::key("a"), &key("s3cr3t")).unwrap();
        assert_eq!(std::fs::read_to_string(store.shared()).unwrap(), OTHERS);
        assert_eq!(
            value(store.load(&Slot::key("a")).unwrap()).as_deref(),
            Some("s3cr3t")
        );
        assert!(store.delete(&Slot::key("a")).unwrap());
        assert_eq!(std::fs::read_to_string(store.shared()).unwrap(), OTHERS);
        assert_eq!(kept(&store).unwrap(), []);
    }

    #[test]
    fn what_was_kept_moves_along_when_another_program_joins_the_file() {
        let Place {
            store,
            folder: _folder,
        } = place();
        store.save(&Slot::key("a"), &key("s3cr3t-a")).unwrap();
        let ours = std::fs::read_to_string(store.own()).unwrap();
        std::fs::remove_file(store.own()).unwrap();
        let joined = ours.replacen('{', r#"{"other": {}, "#, 1);
        std::fs::write(store.shared(), &joined).unwrap();
        assert_eq!(
            value(store.load(&Slot::key("a")).unwrap()).as_deref(),
            Some("s3cr3t-a")
        );
        store.save(&Slot::key("b"), &key("s3cr3t-b")).unwrap();
        assert_eq!(std::fs::read_to_string(store.shared()).unwrap(), joined);
        // From now on the file beside it counts alone: the shared one still
        // names the deleted key.
        assert!(store.delete(&Slot::key("a")).unwrap());
        assert!(store.load(&Slot::key("a")).unwrap().is_none());
        assert_eq!(kept(&store).unwrap(), [(Shelf::Keys, "b".to_owned())]);
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
                let error = store.load(&Slot::key("a")).unwrap_err();
                assert_eq!(error.to_string(), expected);
                assert_eq!(error.trouble(), wit::Trouble::Invalid);
                let error = store.save(&Slot::key("a"), &key("x")).unwrap_err();
                assert_eq!(error.to_string(), expected);
                assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
                std::fs::remove_file(&path).unwrap();
            }
        }
        std::fs::write(store.own(), OTHERS).unwrap();
        let error = store.load(&Slot::key("a")).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`{}` holds entries of another program",
                store.own().display()
            )
        );
        std::fs::remove_file(store.own()).unwrap();
        std::fs::create_dir(store.own()).unwrap();
        let error = store.load(&Slot::key("a")).unwrap_err();
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
                        store
                            .save(&Slot::key(&format!("{writer}-{turn}")), &key("x"))
                            .unwrap();
                    }
                });
            }
        });
        assert_eq!(kept(&store).unwrap().len(), 20);
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
        store.save(&Slot::key("a"), &key("s3cr3t")).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode(&store.folder), 0o700);
        assert_eq!(mode(&store.own()), 0o600);
        std::fs::set_permissions(store.own(), std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(store.load(&Slot::key("a")).unwrap().is_some());
        store.save(&Slot::key("b"), &key("s3cr3t")).unwrap();
        assert_eq!(mode(&store.own()), 0o600);
        drop(folder);
    }
}
