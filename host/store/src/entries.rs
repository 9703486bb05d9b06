//! Keys and logins on their way into a text and out of it. What goes in is
//! one form, what comes out is the other. Nothing is decided here.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::wire::{self, Elsewhere, Item, Kept};
use crate::{Entry, Facts, Known, LoginFacts, Owner, StoredKey, StoredLogin};
use keyrule_contract as wit;

/// The key, secrets included.
pub(super) fn key_here(key: StoredKey) -> wire::Key {
    wire::Key {
        kept_in: None,
        secret: Some(Kept(key.secret)),
        owner: key.owner.map(Into::into),
    }
}

/// The login, secrets included.
pub(super) fn login_here(login: StoredLogin) -> wire::Login {
    wire::Login {
        kept_in: None,
        access_token: Some(Kept(login.access_token)),
        refresh_token: login.refresh_token.map(Kept),
        renewable: false,
        obtained_at: login.facts.obtained_at.map(seconds),
        expires_at: login.facts.expires_at.map(seconds),
        ended: login.facts.ended,
        client_id: login.facts.client_id,
        owner: login.facts.owner.into(),
    }
}

/// The same without its secrets, which are in the keyring.
pub(super) fn key_elsewhere(key: wire::Key) -> wire::Key {
    wire::Key {
        kept_in: Some(Elsewhere::Keyring),
        secret: None,
        owner: key.owner,
    }
}

/// The same without its secrets, which are in the keyring.
pub(super) fn login_elsewhere(login: wire::Login) -> wire::Login {
    wire::Login {
        kept_in: Some(Elsewhere::Keyring),
        access_token: None,
        renewable: login.refresh_token.is_some(),
        refresh_token: None,
        ..login
    }
}

/// What a file says of a key.
pub(super) fn known_key(key: wire::Key) -> Known {
    Known {
        kept_in: kind(key.kept_in),
        facts: Facts::Key(key.owner.map(Into::into)),
        secret: key.secret.map(|secret| secret.0),
    }
}

/// What a file says of a login.
pub(super) fn known_login(login: wire::Login) -> Known {
    Known {
        kept_in: kind(login.kept_in),
        secret: login.access_token.as_ref().map(|token| token.0.clone()),
        facts: Facts::Login(facts(login)),
    }
}

/// The key, if its secret is here.
pub(super) fn whole_key(key: wire::Key) -> Option<Entry> {
    Some(Entry::Key(StoredKey {
        secret: key.secret?.0,
        owner: key.owner.map(Into::into),
    }))
}

/// The login, if its secrets are here.
pub(super) fn whole_login(mut login: wire::Login) -> Option<Entry> {
    Some(Entry::Login(StoredLogin {
        access_token: login.access_token.take()?.0,
        refresh_token: login.refresh_token.as_ref().map(|token| token.0.clone()),
        facts: facts(login),
    }))
}

/// What an item of the keyring holds, if it holds the secrets.
pub(super) fn whole_item(item: Item) -> Option<Entry> {
    match (item.key, item.login) {
        (Some(key), None) => whole_key(key),
        (None, Some(login)) => whole_login(login),
        (Some(_), Some(_)) | (None, None) => None,
    }
}

const fn kind(elsewhere: Option<Elsewhere>) -> wit::StoreKind {
    match elsewhere {
        Some(Elsewhere::Keyring) => wit::StoreKind::Keyring,
        None => wit::StoreKind::File,
    }
}

fn facts(login: wire::Login) -> LoginFacts {
    LoginFacts {
        renewable: (login.renewable || login.refresh_token.is_some()) && !login.ended,
        owner: login.owner.into(),
        client_id: login.client_id,
        obtained_at: login.obtained_at.and_then(time),
        expires_at: login.expires_at.and_then(time),
        ended: login.ended,
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

/// A time that the system cannot express is the end of all times.
fn time(seconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}
