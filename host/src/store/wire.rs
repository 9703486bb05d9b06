//! The text of the store's file, and how it is read without touching what
//! belongs to others. What goes in is JSON; what comes out is our part of it
//! and whether anybody else has a part. The values of other programs' entries
//! are skipped, byte by byte, and never become a value of ours.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::handout;
use crate::secret::Secret;

/// The one entry at the top of the file that is ours.
const OURS: &str = "keyrule";

/// The version of the text that this program reads and writes.
const VERSION: u32 = 1;

/// What a file holds.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Our entry.
    pub ours: Option<Ours>,
    /// Whether there are entries beside it.
    pub others: bool,
}

/// Our entry.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ours {
    version: u32,
    #[serde(default)]
    pub keys: BTreeMap<String, Key>,
    #[serde(default)]
    pub logins: BTreeMap<String, Accounts>,
}

impl Default for Ours {
    fn default() -> Self {
        Self {
            version: VERSION,
            keys: BTreeMap::new(),
            logins: BTreeMap::new(),
        }
    }
}

/// A key.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Key {
    pub secret: Kept,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Owner>,
}

/// The logins of one name.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accounts {
    /// The one that is used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selected: Option<String>,
    #[serde(default)]
    pub accounts: BTreeMap<String, Login>,
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
    pub access_token: Kept,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Kept>,
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

/// Reads a file's text. The error says where, never what is there.
pub(super) fn parse(bytes: &[u8]) -> Result<Document, String> {
    let document: Document = serde_json::from_slice(bytes).map_err(|error| place(&error))?;
    match &document.ours {
        Some(ours) if ours.version != VERSION => Err(format!(
            "has an entry `{OURS}` of version {}, and this program reads version {VERSION}",
            ours.version
        )),
        _ => Ok(document),
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

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Document;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Document, A::Error> {
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

        deserializer.deserialize_map(Entries)
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

    #[test]
    fn what_is_written_is_read_again() {
        let mut ours = Ours::default();
        let kept = Kept(Secret::new("s3cr3t \"quoted\" \u{e9}\n"));
        ours.keys.insert(
            "a".to_owned(),
            Key {
                secret: kept,
                owner: None,
            },
        );
        let bytes = text(&ours).unwrap();
        let document = parse(&bytes).unwrap();
        assert!(!document.others);
        let read = document.ours.unwrap();
        assert_eq!(
            read.keys
                .get("a")
                .map(|key| handout::to_keep(&key.secret.0)),
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
            (
                r#"{"keyrule": {"version": 2}}"#,
                "has an entry `keyrule` of version 2, and this program reads version 1",
            ),
        ] {
            assert_eq!(parse(text.as_bytes()).unwrap_err(), fault, "{text}");
        }
    }
}
