//! A store for tests, whose next call can be told to fail.

#![allow(
    clippy::unwrap_used,
    reason = "what tests run; one ends where this cannot go on"
)]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use crate::{Entry, Error, Facts, Known, Listed, Prepared, Saved, Select, Shelf, Slot, Store};
use keyrule_contract as wit;

/// A store that forgets everything when it is dropped.
#[derive(Debug)]
pub struct MemoryStore {
    entries: Mutex<BTreeMap<Slot, Entry>>,
    selected: Mutex<BTreeMap<String, Option<String>>>,
    next: Mutex<Option<Error>>,
    locks: tempfile::TempDir,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self {
            entries: Mutex::default(),
            selected: Mutex::default(),
            next: Mutex::default(),
            locks: tempfile::tempdir().unwrap(),
        }
    }
}

impl MemoryStore {
    /// Makes the next call fail, once.
    pub fn fail_next(&self, error: Error) {
        *self.next.lock().unwrap() = Some(error);
    }

    fn check(&self) -> Result<(), Error> {
        self.next.lock().unwrap().take().map_or(Ok(()), Err)
    }

    fn exact(&self, slot: &Slot) -> Slot {
        let account = slot
            .account
            .clone()
            .or_else(|| self.selected.lock().unwrap().get(&slot.name).cloned()?);
        match slot.shelf {
            Shelf::Keys => slot.clone(),
            Shelf::Logins => Slot {
                account,
                ..slot.clone()
            },
        }
    }
}

impl Store for MemoryStore {
    fn peek(&self, slot: &Slot) -> Result<Option<Known>, Error> {
        Ok(self.load(slot)?.map(|entry| known(&entry)))
    }

    fn load(&self, slot: &Slot) -> Result<Option<Entry>, Error> {
        self.check()?;
        Ok(self.entries.lock().unwrap().get(&self.exact(slot)).cloned())
    }

    fn prepare(&self, slot: &Slot) -> Result<Box<dyn Prepared + '_>, Error> {
        self.check()?;
        Ok(Box::new(Room {
            store: self,
            slot: slot.clone(),
        }))
    }

    fn select(&self, name: &str, account: &str) -> Result<bool, Error> {
        self.check()?;
        let there = self
            .entries
            .lock()
            .unwrap()
            .contains_key(&Slot::account(name, account));
        if there {
            let mut selected = self.selected.lock().unwrap();
            selected.insert(name.to_owned(), Some(account.to_owned()));
        }
        Ok(there)
    }

    fn delete(&self, slot: &Slot) -> Result<bool, Error> {
        self.check()?;
        Ok(self
            .entries
            .lock()
            .unwrap()
            .remove(&self.exact(slot))
            .is_some())
    }

    fn list(&self) -> Result<Vec<Listed>, Error> {
        self.check()?;
        let entries = self.entries.lock().unwrap();
        let listed = entries.iter().map(|(slot, entry)| Listed {
            selected: self.exact(&Slot {
                account: None,
                ..slot.clone()
            }) == *slot,
            slot: slot.clone(),
            known: known(entry),
        });
        Ok(listed.collect())
    }

    fn whereabouts(&self) -> Result<String, Error> {
        self.check()?;
        Ok("memory".to_owned())
    }

    fn renewal_lock(&self, slot: &Slot) -> Result<PathBuf, Error> {
        self.check()?;
        Ok(self.locks.path().join(slot.label()))
    }
}

struct Room<'s> {
    store: &'s MemoryStore,
    slot: Slot,
}

impl Prepared for Room<'_> {
    fn commit(self: Box<Self>, entry: &Entry, select: Select) -> Result<Saved, Error> {
        self.store.check()?;
        let slot = match self.slot.shelf {
            Shelf::Keys => self.slot,
            Shelf::Logins => Slot {
                account: Some(self.slot.account.unwrap_or_default()),
                ..self.slot
            },
        };
        if select == Select::Yes {
            let mut selected = self.store.selected.lock().unwrap();
            selected.insert(slot.name.clone(), slot.account.clone());
        }
        self.store
            .entries
            .lock()
            .unwrap()
            .insert(slot, entry.clone());
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
