//! The way about in the record: where an entry is, and what is the matter with
//! it. What goes in is the record in memory; what comes out is a look at it or
//! a part of it. Nothing is read or written here.

use std::path::PathBuf;

use crate::wire::{Elsewhere, Key, Login, Ours, Raw, SetAside, Shape};
use crate::{Error, Shelf, Slot, item};
use keyrule_contract as wit;

/// The account under which a login is kept whose issuer names none.
const NOBODY: &str = "";

/// Something that was taken out of the record.
pub(super) enum Taken {
    Key(Key),
    Login(Login),
    Damaged(Raw),
}

impl From<Shape<Key>> for Taken {
    fn from(shape: Shape<Key>) -> Self {
        match shape {
            Shape::Good(key) => Self::Key(key),
            Shape::Damaged(raw) => Self::Damaged(raw),
        }
    }
}

impl From<Shape<Login>> for Taken {
    fn from(shape: Shape<Login>) -> Self {
        match shape {
            Shape::Good(login) => Self::Login(login),
            Shape::Damaged(raw) => Self::Damaged(raw),
        }
    }
}

/// Everything there is, in order.
pub(super) fn slots(ours: &Ours) -> impl Iterator<Item = Slot> + '_ {
    let logins = ours.logins.iter().flat_map(|(name, login)| {
        let accounts: Vec<_> = match login {
            Shape::Good(login) => login.accounts.keys().map(String::as_str).collect(),
            // Nobody can tell whose they are.
            Shape::Damaged(_) => vec![NOBODY],
        };
        accounts
            .into_iter()
            .map(|account| Slot::account(name, account))
            .collect::<Vec<_>>()
    });
    ours.keys.keys().map(|name| Slot::key(name)).chain(logins)
}

/// The slot with the selected account, where it names none.
pub(super) fn exact(ours: &Ours, slot: &Slot) -> Slot {
    let selected = || match ours.logins.get(&slot.name)? {
        Shape::Good(login) => login.selected.clone(),
        Shape::Damaged(_) => None,
    };
    Slot {
        account: match slot.shelf {
            Shelf::Keys => None,
            Shelf::Logins => slot.account.clone().or_else(selected),
        },
        ..slot.clone()
    }
}

/// The slot of this account, or of the one without a name.
pub(super) fn with_account(slot: Slot) -> Slot {
    Slot {
        account: Some(slot.account.unwrap_or_else(|| NOBODY.to_owned())),
        ..slot
    }
}

/// Takes it out.
pub(super) fn take(ours: &mut Ours, slot: &Slot) -> Option<Taken> {
    match slot.shelf {
        Shelf::Keys => ours.keys.remove(&slot.name).map(Into::into),
        Shelf::Logins => {
            if let Shape::Good(login) = ours.logins.get_mut(&slot.name)? {
                let login = login.accounts.remove(slot.account.as_ref()?)?;
                return Some(login.into());
            }
            match ours.logins.remove(&slot.name)? {
                Shape::Damaged(raw) => Some(Taken::Damaged(raw)),
                Shape::Good(_) => None,
            }
        }
    }
}

/// Whether anything is there, damaged or not.
pub(super) fn is_there(ours: &Ours, slot: &Slot) -> bool {
    place(ours, slot).is_some()
}

/// Whether what is there is not what this program writes.
pub(super) fn is_damaged(ours: &Ours, slot: &Slot) -> bool {
    matches!(place(ours, slot), Some(Place::Unknown))
}

/// Whether its secrets are in the keyring.
pub(super) fn is_in_keyring(ours: &Ours, slot: &Slot) -> bool {
    kind(ours, slot) == Some(wit::StoreKind::Keyring)
}

/// Where its secrets are.
pub(super) fn kind(ours: &Ours, slot: &Slot) -> Option<wit::StoreKind> {
    match place(ours, slot)? {
        Place::Here => Some(wit::StoreKind::File),
        Place::Keyring => Some(wit::StoreKind::Keyring),
        Place::Unknown => None,
    }
}

/// Names an item of the keyring as one to be removed.
pub(super) fn leave(ours: &mut Ours, name: &str) {
    if !ours.left_in_keyring.iter().any(|other| other == name) {
        ours.left_in_keyring.push(name.to_owned());
    }
}

/// Keeps a damaged entry out of the way.
pub(super) fn set_aside(ours: &mut Ours, slot: &Slot, entry: Raw) {
    ours.damaged.push(SetAside {
        was: item::words(slot),
        entry,
    });
}

/// The error about a damaged entry.
pub(super) fn damaged(path: PathBuf, slot: &Slot) -> Error {
    Error::Invalid {
        path,
        why: format!(
            "holds an entry for `{}` that is not of the expected shape; store it anew, or remove it",
            item::words(slot)
        ),
    }
}

enum Place {
    Here,
    Keyring,
    Unknown,
}

fn place(ours: &Ours, slot: &Slot) -> Option<Place> {
    let kept = |elsewhere: Option<Elsewhere>| match elsewhere {
        Some(Elsewhere::Keyring) => Place::Keyring,
        None => Place::Here,
    };
    match slot.shelf {
        Shelf::Keys => Some(match ours.keys.get(&slot.name)? {
            Shape::Good(key) => kept(key.kept_in),
            Shape::Damaged(_) => Place::Unknown,
        }),
        Shelf::Logins => match ours.logins.get(&slot.name)? {
            Shape::Good(login) => Some(match login.accounts.get(slot.account.as_ref()?)? {
                Shape::Good(login) => kept(login.kept_in),
                Shape::Damaged(_) => Place::Unknown,
            }),
            Shape::Damaged(_) => Some(Place::Unknown),
        },
    }
}
