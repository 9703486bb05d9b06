//! Reading the text of the record. What goes in is JSON; what comes out is our
//! part of it and whether anybody else has a part. The values of other
//! programs' entries are skipped, byte by byte, and never become a value of
//! ours. No error quotes the text.

use keyrule_credential::json::{Named, place};
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use super::{Accounts, Document, Key, Login, OURS, Ours, Raw, Shape, Text, VERSION};

/// Why a text is not what this program writes; both say where, never what is
/// there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is of another version: left as it is.
    Version(String),
    /// It is damaged, or torn.
    Damaged(String),
}

impl Fault {
    pub(crate) fn words(self) -> String {
        match self {
            Self::Version(why) | Self::Damaged(why) => why,
        }
    }
}

/// Reads a file's text. Where an entry of ours is damaged, the others are
/// read all the same.
pub(crate) fn parse(bytes: &[u8]) -> Result<Document, Fault> {
    type Strict = Text<Key, Accounts<Login>>;
    let damaged = |error: serde_json::Error| Fault::Damaged(place(&error));
    // Nearly always everything is as it should be, and then no secret is
    // copied on the way.
    let first = match serde_json::from_slice::<Document<Strict>>(bytes) {
        Ok(Document { ours, others }) => {
            let version = ours.as_ref().map(|ours| u64::from(ours.version));
            check(version)?;
            if let Some(ours) = ours.map(sound).transpose().unwrap_or(None) {
                return Ok(Document {
                    ours: Some(ours),
                    others,
                });
            }
            if version.is_none() {
                return Ok(Document { ours: None, others });
            }
            None
        }
        Err(error) if error.is_data() => Some(error),
        Err(error) => return Err(damaged(error)),
    };
    let Document { ours, others } =
        serde_json::from_slice::<Document<Raw>>(bytes).map_err(damaged)?;
    let raw = ours.unwrap_or_default();
    check(raw.0.get("version").and_then(serde_json::Value::as_u64))?;
    let text = match Text::<Raw, Raw>::deserialize(&raw.0) {
        Ok(text) => text,
        // Of the two errors the first one knows the place.
        Err(error) => return Err(damaged(first.unwrap_or(error))),
    };
    Ok(Document {
        ours: Some(Text {
            version: text.version,
            keys: text
                .keys
                .into_iter()
                .map(|(name, raw)| (name, shape(raw)))
                .collect(),
            logins: text
                .logins
                .into_iter()
                .map(|(name, raw)| (name, accounts(raw)))
                .collect(),
            left_in_keyring: text.left_in_keyring,
            damaged: text.damaged,
        }),
        others,
    })
}

pub(super) fn check(version: Option<u64>) -> Result<(), Fault> {
    match version {
        Some(version) if version != u64::from(VERSION) => Err(Fault::Version(format!(
            "has an entry `{OURS}` of version {version}, and this program reads version {VERSION}",
        ))),
        _ => Ok(()),
    }
}

/// The same with every entry called good, if every one is.
fn sound(text: Text<Key, Accounts<Login>>) -> Result<Ours, ()> {
    let logins = || {
        text.logins
            .values()
            .flat_map(|login| login.accounts.values())
    };
    if !text.keys.values().all(Key::is_sound) || !logins().all(Login::is_sound) {
        return Err(());
    }
    let good = |accounts: Accounts<Login>| Accounts {
        selected: accounts.selected,
        accounts: accounts
            .accounts
            .into_iter()
            .map(|(account, login)| (account, Shape::Good(login)))
            .collect(),
    };
    Ok(Text {
        version: text.version,
        keys: text
            .keys
            .into_iter()
            .map(|(name, key)| (name, Shape::Good(key)))
            .collect(),
        logins: text
            .logins
            .into_iter()
            .map(|(name, login)| (name, Shape::Good(good(login))))
            .collect(),
        left_in_keyring: text.left_in_keyring,
        damaged: text.damaged,
    })
}

fn shape<T: for<'de> Deserialize<'de> + Sound>(raw: Raw) -> Shape<T> {
    match T::deserialize(&raw.0) {
        Ok(entry) if entry.is_sound() => Shape::Good(entry),
        _ => Shape::Damaged(raw),
    }
}

fn accounts(raw: Raw) -> Shape<Accounts<Shape<Login>>> {
    match Accounts::<Raw>::deserialize(&raw.0) {
        Ok(login) => Shape::Good(Accounts {
            selected: login.selected,
            accounts: login
                .accounts
                .into_iter()
                .map(|(account, raw)| (account, shape(raw)))
                .collect(),
        }),
        Err(_) => Shape::Damaged(raw),
    }
}

/// What can be of the right shape and make no sense all the same.
pub(super) trait Sound {
    fn is_sound(&self) -> bool;
}

impl Sound for Key {
    fn is_sound(&self) -> bool {
        self.kept_in.is_some() != self.secret.is_some()
    }
}

impl Sound for Login {
    fn is_sound(&self) -> bool {
        self.kept_in.is_some() != self.access_token.is_some()
            && !(self.kept_in.is_some() && self.refresh_token.is_some())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Document<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Document<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document<T>, A::Error> {
                let mut document = Document::default();
                while let Some(is_ours) = map.next_key_seed(Named(OURS))? {
                    if is_ours && document.ours.is_none() {
                        document.ours = Some(map.next_value()?);
                    } else if is_ours {
                        return Err(serde::de::Error::custom("twice"));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                        document.others = true;
                    }
                }
                Ok(document)
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}
