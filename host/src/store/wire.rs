//! The text of the store's file, and how it is read without touching what
//! belongs to others. What goes in is JSON; what comes out is our part of it
//! and whether anybody else has a part. The values of other programs' entries
//! are skipped, byte by byte, and never become a value of ours.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::marker::PhantomData;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

use crate::handout;
use crate::secret::Secret;

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

/// What can be of the right shape and make no sense all the same.
trait Sound {
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

/// Why a text is not what this program writes; both say where, never what is
/// there.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It is of another version: left as it is.
    Version(String),
    /// It is damaged, or torn.
    Damaged(String),
}

impl Fault {
    pub(super) fn words(self) -> String {
        match self {
            Self::Version(why) | Self::Damaged(why) => why,
        }
    }
}

/// Reads a file's text. Where an entry of ours is damaged, the others are
/// read all the same.
pub(super) fn parse(bytes: &[u8]) -> Result<Document, Fault> {
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

fn check(version: Option<u64>) -> Result<(), Fault> {
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

/// What an item of the keyring holds: one of the two.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Item {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
}

impl Item {
    /// The item for this, as a text.
    pub(super) fn text(key: Option<Key>, login: Option<Login>) -> io::Result<Zeroizing<String>> {
        let item = Self {
            version: VERSION,
            key,
            login,
        };
        let mut counter = Counter(0);
        serde_json::to_writer(&mut counter, &item)?;
        let mut bytes = Vec::with_capacity(counter.0);
        serde_json::to_writer(&mut bytes, &item)?;
        // What `serde_json` writes is text.
        String::from_utf8(bytes)
            .map(Zeroizing::new)
            .map_err(io::Error::other)
    }

    /// Reads an item's text.
    pub(super) fn parse(text: &str) -> Result<Self, Fault> {
        #[derive(Deserialize)]
        struct Version {
            version: u64,
        }
        let damaged = |error: serde_json::Error| Fault::Damaged(place(&error));
        let Version { version } = serde_json::from_str(text).map_err(damaged)?;
        check(Some(version))?;
        let item: Self = serde_json::from_str(text).map_err(damaged)?;
        let whole = match (&item.key, &item.login) {
            (Some(key), None) => key.secret.is_some() && key.is_sound(),
            (None, Some(login)) => login.access_token.is_some() && login.is_sound(),
            (Some(_), Some(_)) | (None, None) => false,
        };
        match whole {
            true => Ok(item),
            false => Err(Fault::Damaged(
                "does not have the expected shape".to_owned(),
            )),
        }
    }
}

/// What serde_json says of a fault can quote the text, so only its place is
/// taken.
pub(crate) fn place(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "does not have the expected shape",
        serde_json::error::Category::Eof => "ends too early",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "is not JSON",
    };
    format!("{what} (line {}, column {})", error.line(), error.column())
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

/// Reads a key, and says only whether it is this one.
pub(crate) struct Named<'a>(pub &'a str);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Named<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_str<E>(self, text: &str) -> Result<bool, E> {
        Ok(text == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_of_others_are_seen_and_not_read() {
        let document = parse(br#"{"other": {"token": "s3cr3t-canary"}}"#).unwrap();
        assert!(document.ours.is_none());
        assert!(document.others);
        assert!(!format!("{document:?}").contains("canary"));
    }

    fn keep(ours: &mut Ours, name: &str, secret: &str) {
        let key = Key {
            kept_in: None,
            secret: Some(Kept(Secret::new(secret))),
            owner: None,
        };
        ours.keys.insert(name.to_owned(), Shape::Good(key));
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut ours = Ours::default();
        keep(&mut ours, "a", "s3cr3t \"quoted\" \u{e9}\n");
        let bytes = text(&ours).unwrap();
        let document = parse(&bytes).unwrap();
        assert!(!document.others);
        let read = document.ours.unwrap();
        let Some(Shape::Good(key)) = read.keys.get("a") else {
            panic!("a good key");
        };
        assert_eq!(
            key.secret
                .as_ref()
                .map(|secret| handout::to_keep(&secret.0)),
            Some("s3cr3t \"quoted\" \u{e9}\n".as_bytes())
        );
        assert!(!format!("{read:?}").contains("s3cr3t"));
    }

    #[test]
    fn faults_are_named_by_their_place_alone() {
        for (text, fault) in [
            ("", "ends too early (line 1, column 0)"),
            ("{\n  s3cr3t", "is not JSON (line 2, column 3)"),
            (
                "[\"s3cr3t\"]",
                "does not have the expected shape (line 1, column 0)",
            ),
            (
                r#"{"keyrule": "s3cr3t"}"#,
                "does not have the expected shape (line 1, column 20)",
            ),
            (
                r#"{"keyrule": {"version": 1, "s3cr3t": 1}}"#,
                "does not have the expected shape (line 1, column 35)",
            ),
            (
                r#"{"keyrule": {"version": 1}, "keyrule": {"version": 1}}"#,
                "does not have the expected shape (line 1, column 37)",
            ),
        ] {
            let expected = Fault::Damaged(fault.to_owned());
            assert_eq!(parse(text.as_bytes()).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn another_version_is_no_damage_whatever_its_shape() {
        for text in [
            r#"{"keyrule": {"version": 2}}"#,
            r#"{"keyrule": {"version": 2, "keys": [], "more": {}}}"#,
        ] {
            let fault = "has an entry `keyrule` of version 2, and this program reads version 1";
            let expected = Fault::Version(fault.to_owned());
            assert_eq!(parse(text.as_bytes()).unwrap_err(), expected, "{text}");
        }
    }

    #[test]
    fn a_damaged_entry_is_kept_as_it_is_and_the_others_are_read() {
        let text = r#"{"keyrule": {"version": 1,
            "keys": {
                "good": {"secret": "s3cr3t-good"},
                "field": {"secret": "s3cr3t-1", "more": 1},
                "type": {"secret": 5},
                "neither": {},
                "both": {"kept_in": "keyring", "secret": "s3cr3t-2"},
                "text": "s3cr3t-3"
            },
            "logins": {
                "all": "s3cr3t-4",
                "some": {"selected": "b", "accounts": {
                    "a": {"access_token": "s3cr3t-5"},
                    "b": {"access_token": "s3cr3t-6", "client_id": "c", "owner": {"issuer": "i"}}
                }}
            }
        }}"#;
        let ours = parse(text.as_bytes()).unwrap().ours.unwrap();
        let good: Vec<_> = ours
            .keys
            .iter()
            .filter(|(_, key)| matches!(key, Shape::Good(_)))
            .map(|(name, _)| name.as_str())
            .collect();
        assert_eq!(good, ["good"]);
        assert!(matches!(ours.logins["all"], Shape::Damaged(_)));
        let Shape::Good(some) = &ours.logins["some"] else {
            panic!("a login");
        };
        assert!(matches!(some.accounts["a"], Shape::Damaged(_)));
        assert!(matches!(some.accounts["b"], Shape::Good(_)));
        assert!(!format!("{ours:?}").contains("s3cr3t"));
        // What is written means the same.
        let value = |bytes: &[u8]| -> serde_json::Value {
            let mut value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            value["keyrule"]["logins"]["some"]["accounts"]["b"]["owner"]["claims"] =
                serde_json::json!({});
            value
        };
        let written = super::text(&ours).unwrap();
        assert_eq!(value(&written), value(text.as_bytes()));
    }

    #[test]
    fn an_item_holds_one_thing_with_its_secret() {
        let key = Key {
            kept_in: None,
            secret: Some(Kept(Secret::new("s3cr3t"))),
            owner: None,
        };
        let text = Item::text(Some(key), None).unwrap();
        assert_eq!(*text, r#"{"version":1,"key":{"secret":"s3cr3t"}}"#);
        assert!(Item::parse(&text).unwrap().key.is_some());
        for damaged in [
            "",
            "s3cr3t",
            r#"{"version":1}"#,
            r#"{"version":1,"key":{"kept_in":"keyring"}}"#,
            r#"{"version":1,"key":{"secret":"s3cr3t"},"more":1}"#,
        ] {
            let fault = Item::parse(damaged).unwrap_err();
            assert!(matches!(&fault, Fault::Damaged(why) if !why.contains("s3cr3t")));
        }
        let newer = Item::parse(r#"{"version":2,"keys":[]}"#).unwrap_err();
        assert!(matches!(newer, Fault::Version(_)));
    }
}
