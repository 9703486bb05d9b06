//! Saving: one entry into the keyring and the record, or into the record
//! alone. What goes in is the entry and the room that was made for it; what
//! comes out is which of the two keeps its secrets. The order of the steps is
//! what a killed writer depends on.

use super::LocalStore;
use crate::index::{
    Taken, exact, is_damaged, is_in_keyring, kind, leave, set_aside, take, with_account,
};
use crate::keyring;
use crate::record::Held;
use crate::vault::{Fault, Patience};
use crate::wire::{Item, Shape};
use crate::{Entry, Error, Prepared, Saved, Select, Shelf, Slot, entries, item, wire};
use keyrule_contract as wit;
use keyrule_system::fs::atomic::Reserved;

/// Room in the record, until it is dropped.
pub(super) struct Room<'s> {
    pub store: &'s LocalStore,
    pub slot: Slot,
    pub reserved: Reserved,
}

impl Prepared for Room<'_> {
    fn commit(self: Box<Self>, entry: &Entry, select: Select) -> Result<Saved, Error> {
        let Self {
            store,
            slot,
            reserved,
        } = *self;
        let mut held = store.record.hold(true)?;
        let slot = match (slot.shelf, select) {
            (Shelf::Keys, _) => slot,
            // Who was renewed is still the one that was selected.
            (Shelf::Logins, Select::Keep) => with_account(exact(&held.ours, &slot)),
            (Shelf::Logins, Select::Yes) => with_account(slot),
        };
        let entry = New {
            store,
            slot,
            select,
            entry: entry.clone(),
            reserved,
        };
        let kept_in = entry.keep(&mut held)?;
        Ok(Saved {
            kept_in,
            notes: held.notes,
        })
    }
}

/// An entry on its way into the store.
struct New<'s> {
    store: &'s LocalStore,
    slot: Slot,
    select: Select,
    entry: Entry,
    reserved: Reserved,
}

impl New<'_> {
    fn keep(self, held: &mut Held) -> Result<wit::StoreKind, Error> {
        let there = kind(&held.ours, &self.slot);
        let kind = match (self.select, there) {
            // What is renewed stays where it is: the old token is used up,
            // and a move would have a moment in which only that is known.
            (Select::Keep, Some(kind)) => kind,
            (Select::Keep, None) | (Select::Yes, _) => self.store.usual,
        };
        match kind {
            wit::StoreKind::File => {
                let patience = self.store.patience();
                self.keep_in_file(held, Some(&patience))
            }
            wit::StoreKind::Keyring => self.keep_in_keyring(held),
        }
    }

    /// With `patience` the keyring's copy is removed at once, where there is
    /// one.
    fn keep_in_file(
        self,
        held: &mut Held,
        patience: Option<&Patience>,
    ) -> Result<wit::StoreKind, Error> {
        let name = self.store.item(&self.slot);
        if is_in_keyring(&held.ours, &self.slot) {
            leave(&mut held.ours, &name);
        }
        self.put(held, false);
        held.write(Some(self.reserved))?;
        if held.ours.left_in_keyring.contains(&name) {
            let removed = patience.map_or(Err(Fault::Silent), |patience| patience.delete(&name));
            match removed {
                Ok(()) => {
                    held.ours.left_in_keyring.retain(|other| *other != name);
                    held.write(None)?;
                }
                Err(_) => held.notes.push(
                    "what was kept in the keyring before is still there, and is removed when the \
                     keyring next answers"
                        .to_owned(),
                ),
            }
        }
        Ok(wit::StoreKind::File)
    }

    fn keep_in_keyring(self, held: &mut Held) -> Result<wit::StoreKind, Error> {
        let patience = self.store.patience();
        match self.put_into_keyring(held, &patience) {
            Ok(notes) => held.notes.extend(notes),
            Err(Failed::Keyring(fault)) if self.store.lets_file() => {
                let path = held.path().display().to_string();
                held.notes.push(format!(
                    "{}; the policy lets `{path}` stand in for it, and it is kept there",
                    keyring::error(fault)
                ));
                return self.keep_in_file(held, None);
            }
            Err(Failed::Keyring(fault)) => return Err(keyring::error(fault)),
            Err(Failed::Record(error)) => return Err(error),
        }
        let name = self.store.item(&self.slot);
        held.ours.left_in_keyring.retain(|other| *other != name);
        self.put(held, true);
        held.write(Some(self.reserved))?;
        if !held.ours.left_in_keyring.is_empty() && self.store.tidy(&patience, held).is_ok() {
            held.write(None)?;
        }
        Ok(wit::StoreKind::Keyring)
    }

    /// Puts the secrets into the keyring. Where that fails, the record is as
    /// it was, unless the keyring can still do it later.
    fn put_into_keyring(
        &self,
        held: &mut Held,
        patience: &Patience,
    ) -> Result<Vec<String>, Failed> {
        let name = self.store.item(&self.slot);
        let text = match self.entry.clone() {
            Entry::Key(key) => Item::text(Some(entries::key_here(key)), None),
            Entry::Login(login) => Item::text(None, Some(entries::login_here(login))),
        };
        let text = text.map_err(|source| {
            Failed::Record(Error::NotWritable {
                path: held.path().to_path_buf(),
                source,
            })
        })?;
        let is_known =
            is_in_keyring(&held.ours, &self.slot) || held.ours.left_in_keyring.contains(&name);
        if is_known {
            let notes = self.store.to_keyring(patience, &name, &text);
            return notes.map_err(Failed::Keyring);
        }
        // Nothing is written as long as the keyring does not answer.
        let mut notes = self.store.clear(patience, &name).map_err(Failed::Keyring)?;
        let existed = held.exists();
        leave(&mut held.ours, &name);
        held.write(None).map_err(Failed::Record)?;
        match patience.save(&name, &text) {
            Ok(()) => Ok(notes),
            // It may still arrive there.
            Err(fault @ Fault::Silent) => Err(Failed::Keyring(fault)),
            Err(fault) => {
                held.ours.left_in_keyring.retain(|other| *other != name);
                match existed {
                    true => held.write(None),
                    false => held.remove(),
                }
                .map_err(Failed::Record)?;
                notes.clear();
                Err(Failed::Keyring(fault))
            }
        }
    }

    /// Puts the entry into the record, without its secrets where these are
    /// elsewhere.
    fn put(&self, held: &mut Held, elsewhere: bool) {
        let ours = &mut held.ours;
        if is_damaged(ours, &self.slot)
            && let Some(Taken::Damaged(raw)) = take(ours, &self.slot)
        {
            set_aside(ours, &self.slot, raw);
            held.notes.push(format!(
                "the entry for {} was damaged; it was set aside in `{}`",
                item::words(&self.slot),
                held.path().display()
            ));
        }
        let ours = &mut held.ours;
        let name = self.slot.name.clone();
        match self.entry.clone() {
            Entry::Key(key) => {
                let key = entries::key_here(key);
                let key = if elsewhere {
                    entries::key_elsewhere(key)
                } else {
                    key
                };
                ours.keys.insert(name, Shape::Good(key));
            }
            Entry::Login(login) => {
                let account = self.slot.account.clone().unwrap_or_default();
                let login = entries::login_here(login);
                let login = if elsewhere {
                    entries::login_elsewhere(login)
                } else {
                    login
                };
                let place = ours
                    .logins
                    .entry(name)
                    .or_insert_with(|| Shape::Good(wire::Accounts::default()));
                if let Shape::Good(accounts) = place {
                    // Where nothing was left of it, it was the selected one:
                    // only that one is renewed.
                    if self.select == Select::Yes || accounts.accounts.is_empty() {
                        accounts.selected = Some(account.clone());
                    }
                    accounts.accounts.insert(account, Shape::Good(login));
                }
            }
        }
    }
}

/// Which of the two failed.
enum Failed {
    Keyring(Fault),
    Record(Error),
}
