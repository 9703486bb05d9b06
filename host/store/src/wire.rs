//! The text of the record, and of an item in the keyring: their shapes, and
//! how they are written. What goes in are entries; what comes out is JSON.
//! `parse` reads it. Here alone a secret becomes text and a text a secret.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

use keyrule_credential::handout;
use keyrule_credential::secret::Secret;

mod item;
mod parse;

pub(super) use item::Item;
pub(super) use parse::{Fault, parse};

/// The one entry at the top of the file that is ours.
const OURS: &str = "keyrule";

/// The version of the text that this program reads and writes.
const VERSION: u32 = 1;

/// What a file holds.
#[derive(Debug)]
pub(super) struct Document<T = Ours> {
    /// Our entry.
    pub ours: Option<T>,
    /// Whether there are entries beside it.
    pub others: bool,
}

impl<T> Default for Document<T> {
    fn default() -> Self {
        Self {
            ours: None,
            others: false,
        }
    }
}

/// Our entry, with what is damaged in it kept as it is.
pub(super) type Ours = Text<Shape<Key>, Shape<Accounts<Shape<Login>>>>;

/// Our entry as a text of JSON.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[serde(bound(deserialize = "K: Deserialize<'de>, L: Deserialize<'de>"))]
pub(super) struct Text<K, L> {
    version: u32,
    #[serde(default = "BTreeMap::new")]
    pub keys: BTreeMap<String, K>,
    #[serde(default = "BTreeMap::new")]
    pub logins: BTreeMap<String, L>,
    /// Items of the keyring that nothing here stands for any more, or not
    /// yet: they are to be removed from it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_in_keyring: Vec<String>,
    /// Entries that were in the way of others, as they were found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub damaged: Vec<SetAside>,
}

impl<K, L> Default for Text<K, L> {
    fn default() -> Self {
        Self {
            version: VERSION,
            keys: BTreeMap::new(),
            logins: BTreeMap::new(),
            left_in_keyring: Vec::new(),
            damaged: Vec::new(),
        }
    }
}

/// An entry that has the shape that this program writes, or has not.
#[derive(Debug)]
pub(super) enum Shape<T> {
    Good(T),
    Damaged(Raw),
}

impl<T: Serialize> Serialize for Shape<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Good(entry) => entry.serialize(serializer),
            Self::Damaged(raw) => raw.serialize(serializer),
        }
    }
}

/// An entry that was set aside.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SetAside {
    /// Where it was, in words.
    pub was: String,
    /// What it was.
    pub entry: Raw,
}

/// Where the secrets of an entry are that are not in the file.
#[derive(Debug, Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Elsewhere {
    Keyring,
}

/// A key.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_in: Option<Elsewhere>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<Kept>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
}

/// The logins of one name.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
#[serde(bound(deserialize = "L: Deserialize<'de>"))]
pub(super) struct Accounts<L> {
    /// The one that is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected: Option<String>,
    #[serde(default = "BTreeMap::new")]
    pub accounts: BTreeMap<String, L>,
}

impl<L> Default for Accounts<L> {
    fn default() -> Self {
        Self {
            selected: None,
            accounts: BTreeMap::new(),
        }
    }
}

/// Whose a credential is.
#[derive(Clone, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Owner {
    pub issuer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<String>,
    #[serde(default)]
    pub claims: BTreeMap<String, serde_json::Value>,
}

impl fmt::Debug for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Owner").finish_non_exhaustive()
    }
}

/// A login.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Login {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_in: Option<Elsewhere>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<Kept>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Kept>,
    /// There is a refresh token, where it is not in the file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub renewable: bool,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obtained_at: Option<u64>,
    /// Seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<u64>,
    /// The issuer does not renew it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    pub client_id: String,
    pub owner: Owner,
}

impl fmt::Debug for Login {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Login").finish_non_exhaustive()
    }
}

/// Writes the text of a file that is ours alone.
pub(super) fn text(ours: &Ours) -> io::Result<Zeroizing<Vec<u8>>> {
    let document = BTreeMap::from([(OURS, ours)]);
    // Counted first: a buffer that grows leaves copies behind that nobody
    // wipes.
    let mut counter = Counter(0);
    serde_json::to_writer_pretty(&mut counter, &document)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(counter.0.saturating_add(1)));
    serde_json::to_writer_pretty(&mut *bytes, &document)?;
    bytes.push(b'\n');
    Ok(bytes)
}

struct Counter(usize);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 = self.0.saturating_add(bytes.len());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A secret in the file. This is the one place where one is read from text
/// and written to it; `Secret` itself does neither. The parser borrows a text
/// from the buffer, which is wiped, unless it holds an escape: then a copy
/// stays in the parser's own memory until that is used again. Tokens have no
/// character that needs one.
#[derive(Debug)]
pub(super) struct Kept(pub Secret);

impl<'de> Deserialize<'de> for Kept {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Kept;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_str<E>(self, text: &str) -> Result<Kept, E> {
                Ok(Kept(Secret::new(text)))
            }

            fn visit_string<E>(self, text: String) -> Result<Kept, E> {
                Ok(Kept(Secret::new(text)))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

impl Serialize for Kept {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = std::str::from_utf8(handout::to_keep(&self.0));
        serializer.serialize_str(text.map_err(serde::ser::Error::custom)?)
    }
}

/// JSON that means nothing to us. It can hold secrets, so it is wiped, and
/// never printed.
#[derive(Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Raw(serde_json::Value);

impl fmt::Debug for Raw {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Raw(…)")
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::String(text) => text.zeroize(),
        serde_json::Value::Array(values) => values.iter_mut().for_each(wipe),
        serde_json::Value::Object(entries) => entries.values_mut().for_each(wipe),
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests;
