//! The store of this system: a record in a file, and for each thing its
//! secrets either there or in the keyring. What goes in and comes out are
//! entries by name. Which of the two it is comes from the policy; nothing
//! stands in for the keyring unless the policy says so.
//!
//! The keyring is written first and the record after it, so that a program
//! that is killed in between has lost nothing: what the keyring holds says of
//! itself whose it is and when it ends. Before something comes into the
//! keyring that the record does not know yet, and when something could not be
//! removed from there, the record names the item as one to be removed.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::index::{
    Taken, damaged, exact, is_damaged, is_in_keyring, is_there, set_aside, slots, take,
};
use crate::keyring::{self, Keyring};
use crate::record::{Held, Record};
use crate::vault::{self, Fault, Patience, Vault};
use crate::wire::{Item, Ours, Shape};
use crate::{
    Entry, Error, Known, Listed, Prepared, Shelf, Slot, Store, StoreConfig, entries, item, wire,
};
use keyrule_contract as wit;
use keyrule_system::fs::atomic;

mod save;

use save::Room;

/// The store of this system.
#[derive(Debug, Clone)]
pub(crate) struct LocalStore {
    record: Record,
    usual: wit::StoreKind,
    fallback: Option<wit::StoreKind>,
    vault: Arc<dyn Vault>,
    limit: Duration,
}

impl LocalStore {
    /// The store that is configured, or else the one that is usual here.
    pub(crate) fn of(config: StoreConfig) -> Self {
        let usual = if cfg!(target_os = "macos") {
            wit::StoreKind::Keyring
        } else {
            wit::StoreKind::File
        };
        Self {
            record: Record::new(config.folder),
            usual: config.kind.unwrap_or(usual),
            fallback: config.fallback,
            vault: Arc::new(Keyring),
            limit: vault::LIMIT,
        }
    }

    /// Whether what the policy names answers, in words.
    pub(crate) fn probe(&self) -> Result<String, Error> {
        let words = self.whereabouts()?;
        // All that is said to be there, because a locked keyring answers that
        // what is not there is not there; and because each can be gone.
        let (ours, _) = self.record.read()?;
        let patience = self.patience();
        let mut asked = false;
        for slot in slots(&ours).filter(|slot| is_in_keyring(&ours, slot)) {
            asked = true;
            let text = patience.load(&self.item(&slot)).map_err(keyring::error)?;
            let why = match text.as_ref().map(|text| Item::parse(text)) {
                Some(Ok(_)) => continue,
                Some(Err(_)) => "holds what is not ours",
                None => "holds nothing any more",
            };
            return Err(Error::Keyring {
                why: format!("{why} for {}: store it again", item::words(&slot)),
                trouble: wit::FailureKind::Vanished,
            });
        }
        if !asked && self.usual == wit::StoreKind::Keyring {
            patience.load("probe").map_err(keyring::error)?;
        }
        Ok(words)
    }

    /// Whether the policy lets a file keep secrets, first or in place of the
    /// keyring.
    fn lets_file(&self) -> bool {
        self.usual == wit::StoreKind::File || self.fallback == Some(wit::StoreKind::File)
    }

    fn patience(&self) -> Patience {
        Patience::new(&self.vault, self.limit)
    }

    fn item(&self, slot: &Slot) -> String {
        item::name(self.record.folder(), slot)
    }

    /// The keyring's text for this, which must be what this program writes.
    fn in_keyring(&self, slot: &Slot) -> Result<Option<Entry>, Error> {
        let name = self.item(slot);
        let Some(text) = self.patience().load(&name).map_err(keyring::error)? else {
            return Ok(None);
        };
        let item = Item::parse(&text).map_err(|fault| Error::Keyring {
            why: format!("keeps an item `{name}` that {}", fault.words()),
            trouble: wit::FailureKind::Invalid,
        })?;
        Ok(entries::whole_item(item))
    }

    /// Keeps the text in the keyring; what is in the way and is not ours goes
    /// to another name.
    fn to_keyring(
        &self,
        patience: &Patience,
        name: &str,
        text: &Zeroizing<String>,
    ) -> Result<Vec<String>, Fault> {
        let notes = self.clear(patience, name)?;
        patience.save(name, text)?;
        Ok(notes)
    }

    /// Sets an item of the keyring aside that is not what this program
    /// writes.
    fn clear(&self, patience: &Patience, name: &str) -> Result<Vec<String>, Fault> {
        let Some(text) = patience.load(name)? else {
            return Ok(Vec::new());
        };
        let why = match Item::parse(&text) {
            Ok(_) => return Ok(Vec::new()),
            Err(wire::Fault::Version(_)) => return Err(Fault::Newer),
            Err(wire::Fault::Damaged(why)) => why,
        };
        for number in 1..=99 {
            let aside = item::aside(name, number);
            if patience.load(&aside)?.is_none() {
                patience.save(&aside, &text)?;
                return Ok(vec![format!(
                    "the item `{name}` of the keyring {why}; it was moved to `{aside}`"
                )]);
            }
        }
        Err(Fault::NotText)
    }

    /// Removes from the keyring what the record says is to be removed, as
    /// long as it answers.
    fn tidy(&self, patience: &Patience, held: &mut Held) -> Result<(), Fault> {
        while let Some(name) = held.ours.left_in_keyring.first().cloned() {
            patience.delete(&name)?;
            held.ours.left_in_keyring.retain(|other| *other != name);
        }
        Ok(())
    }

    fn words_of(&self, kind: wit::StoreKind) -> Result<String, Error> {
        Ok(match kind {
            wit::StoreKind::Keyring => "the keyring".to_owned(),
            wit::StoreKind::File => {
                let path = match self.record.read() {
                    Ok((_, path)) => path,
                    // It is moved aside when something is kept.
                    Err(Error::Invalid { path, .. }) if path == self.record.own() => path,
                    Err(error) => return Err(error),
                };
                format!("`{}`", path.display())
            }
        })
    }
}

impl Store for LocalStore {
    fn peek(&self, slot: &Slot) -> Result<Option<Known>, Error> {
        let (mut ours, path) = self.record.read()?;
        let slot = exact(&ours, slot);
        match take(&mut ours, &slot) {
            None => Ok(None),
            Some(Taken::Key(key)) => Ok(Some(entries::known_key(key))),
            Some(Taken::Login(login)) => Ok(Some(entries::known_login(login))),
            Some(Taken::Damaged(_)) => Err(damaged(path, &slot)),
        }
    }

    fn load(&self, slot: &Slot) -> Result<Option<Entry>, Error> {
        let (mut ours, path) = self.record.read()?;
        let slot = exact(&ours, slot);
        if is_in_keyring(&ours, &slot) {
            return self.in_keyring(&slot);
        }
        match take(&mut ours, &slot) {
            None => Ok(None),
            Some(Taken::Key(key)) => Ok(entries::whole_key(key)),
            Some(Taken::Login(login)) => Ok(entries::whole_login(login)),
            Some(Taken::Damaged(_)) => Err(damaged(path, &slot)),
        }
    }

    fn prepare(&self, slot: &Slot) -> Result<Box<dyn Prepared + '_>, Error> {
        let reserved = self.record.room()?;
        let (ours, _) = self.record.read().or_else(|error| match error {
            // It is moved aside when something is kept.
            Error::Invalid { path, .. } => Ok((Ours::default(), path)),
            error => Err(error),
        })?;
        let slot = slot.clone();
        let there = exact(&ours, &slot);
        // A keyring that does not answer now will not do so in a moment.
        if !self.lets_file() {
            let answer = self.patience().load(&self.item(&there));
            match answer {
                Ok(_) | Err(Fault::NotText) => {}
                Err(fault) => return Err(keyring::error(fault)),
            }
        }
        Ok(Box::new(Room {
            store: self,
            slot,
            reserved,
        }))
    }

    fn is_there(&self, slot: &Slot) -> Result<(), Error> {
        self.peek(slot)?;
        self.record.has_room()?;
        if self.usual == wit::StoreKind::Keyring && !self.lets_file() {
            let item = self.item(slot);
            self.patience().load(&item).map_err(keyring::error)?;
        }
        Ok(())
    }

    fn select(&self, name: &str, account: &str) -> Result<bool, Error> {
        let has = |ours: &Ours| match ours.logins.get(name) {
            Some(Shape::Good(login)) => login.accounts.contains_key(account),
            Some(Shape::Damaged(_)) | None => false,
        };
        if !has(&self.record.read()?.0) {
            return Ok(false);
        }
        let mut held = self.record.hold(false)?;
        if !has(&held.ours) {
            return Ok(false);
        }
        if let Some(Shape::Good(login)) = held.ours.logins.get_mut(name) {
            login.selected = Some(account.to_owned());
        }
        held.write(None)?;
        Ok(true)
    }

    fn delete(&self, slot: &Slot) -> Result<bool, Error> {
        // Nothing is made where there is nothing to delete.
        let (ours, _) = self.record.read()?;
        if !is_there(&ours, &exact(&ours, slot)) {
            return Ok(false);
        }
        let mut held = self.record.hold(false)?;
        let slot = exact(&held.ours, slot);
        if !is_there(&held.ours, &slot) {
            return Ok(false);
        }
        let (name, patience) = (self.item(&slot), self.patience());
        if is_in_keyring(&held.ours, &slot) {
            self.clear(&patience, &name)
                .and_then(|_| patience.delete(&name))
                .map_err(keyring::error)?;
            // What cannot be removed now is removed another time.
            let _ = self.tidy(&patience, &mut held);
        } else if held.ours.left_in_keyring.contains(&name) && patience.delete(&name).is_ok() {
            held.ours.left_in_keyring.retain(|other| *other != name);
        }
        if let Some(Taken::Damaged(raw)) = take(&mut held.ours, &slot) {
            set_aside(&mut held.ours, &slot, raw);
        }
        if let Some(Shape::Good(login)) = held.ours.logins.get_mut(&slot.name)
            && slot.shelf == Shelf::Logins
        {
            if login.selected == slot.account {
                login.selected = None;
            }
            if login.accounts.is_empty() {
                held.ours.logins.remove(&slot.name);
            }
        }
        held.write(None)?;
        Ok(true)
    }

    fn list(&self) -> Result<Vec<Listed>, Error> {
        let (mut ours, _) = self.record.read()?;
        let slots: Vec<_> = slots(&ours).collect();
        let listed = slots.into_iter().filter_map(|slot| {
            let selected = exact(
                &ours,
                &Slot {
                    account: None,
                    ..slot.clone()
                },
            ) == slot;
            let known = match take(&mut ours, &slot)? {
                Taken::Key(key) => entries::known_key(key),
                Taken::Login(login) => entries::known_login(login),
                Taken::Damaged(_) => return None,
            };
            Some(Listed {
                slot,
                selected,
                known,
            })
        });
        Ok(listed.collect())
    }

    fn whereabouts(&self) -> Result<String, Error> {
        self.words_of(self.usual)
    }

    fn whereabouts_of(&self, kind: wit::StoreKind) -> Result<String, Error> {
        self.words_of(kind)
    }

    fn oddities(&self) -> Result<Vec<String>, Error> {
        let (ours, path) = self.record.read()?;
        let mut said: Vec<String> = slots(&ours)
            .filter(|slot| is_damaged(&ours, slot))
            .map(|slot| damaged(path.clone(), &slot).to_string())
            .collect();
        for aside in &ours.damaged {
            said.push(format!(
                "`{}` keeps a damaged entry that was set aside, `{}`",
                path.display(),
                aside.was
            ));
        }
        for name in &ours.left_in_keyring {
            said.push(format!(
                "the keyring may still hold `{name}`, which is removed when it next answers"
            ));
        }
        Ok(said)
    }

    fn renewal_lock(&self, slot: &Slot) -> Result<PathBuf, Error> {
        let (ours, _) = self.record.read()?;
        let folder = self.record.folder();
        atomic::private_folder(folder).map_err(|source| Error::NotWritable {
            path: folder.to_path_buf(),
            source,
        })?;
        Ok(item::lock(folder, &exact(&ours, slot)))
    }
}

#[cfg(test)]
mod tests;
