//! A store for tests, whose next call can be told to fail.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::store::{Entry, Error, Shelf, Store};

/// A store that forgets everything when it is dropped.
#[derive(Debug, Default)]
pub(crate) struct MemoryStore {
    entries: Mutex<BTreeMap<(Shelf, String), Entry>>,
    next: Mutex<Option<Error>>,
}

impl MemoryStore {
    /// Makes the next call fail, once.
    pub(crate) fn fail_next(&self, error: Error) {
        *self.next.lock().unwrap() = Some(error);
    }

    fn check(&self) -> Result<(), Error> {
        self.next.lock().unwrap().take().map_or(Ok(()), Err)
    }
}

impl Store for MemoryStore {
    fn load(&self, shelf: Shelf, name: &str) -> Result<Option<Entry>, Error> {
        self.check()?;
        let entries = self.entries.lock().unwrap();
        Ok(entries.get(&(shelf, name.to_owned())).cloned())
    }

    fn save(&self, name: &str, entry: &Entry) -> Result<(), Error> {
        self.check()?;
        let shelf = match entry {
            Entry::Key(_) => Shelf::Keys,
            Entry::Login(_) => Shelf::Logins,
        };
        let name = (shelf, name.to_owned());
        self.entries.lock().unwrap().insert(name, entry.clone());
        Ok(())
    }

    fn delete(&self, shelf: Shelf, name: &str) -> Result<bool, Error> {
        self.check()?;
        let mut entries = self.entries.lock().unwrap();
        Ok(entries.remove(&(shelf, name.to_owned())).is_some())
    }

    fn whereabouts(&self) -> Result<String, Error> {
        self.check()?;
        Ok("memory".to_owned())
    }

    fn names(&self) -> Result<Vec<(Shelf, String)>, Error> {
        self.check()?;
        Ok(self.entries.lock().unwrap().keys().cloned().collect())
    }
}
