//! The text of an item in the keyring. What goes in is a key or a login with
//! its secrets; what comes out is a text, and the same again. Where it is kept
//! is not known here.

use std::io;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::parse::{Fault, Sound as _, check};
use super::{Counter, Key, Login, VERSION};
use keyrule_credential::json::place;

/// What an item of the keyring holds: one of the two.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Key>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login: Option<Login>,
}

impl Item {
    /// The item for this, as a text.
    pub(crate) fn text(key: Option<Key>, login: Option<Login>) -> io::Result<Zeroizing<String>> {
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
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
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
