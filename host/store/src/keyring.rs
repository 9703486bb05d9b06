//! The keyring of the system: the Keychain on macOS, the Credential Manager on
//! Windows, the Secret Service elsewhere. What goes in and comes out are texts
//! by name. What a keyring says of a failure can hold what it keeps, so only
//! its kind is taken. Those of macOS and Windows are compiled through the same
//! crate and were not run here.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, LazyLock};

#[cfg(feature = "keyring")]
use keyring::v1::Entry;
use zeroize::Zeroizing;

use crate::Error;
use crate::vault::{Fault, LIMIT, Vault};
use keyrule_contract as wit;

/// The name that all our items share.
const SERVICE: &str = "keyrule";

static ABANDONED: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// The keyring of the system. Nothing is opened before it is asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyring;

#[cfg(feature = "keyring")]
impl Vault for Keyring {
    fn load(&self, item: &str) -> Result<Option<Zeroizing<String>>, Fault> {
        match entry(item)?.get_secret() {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => Ok(Some(Zeroizing::new(text))),
                Err(error) => {
                    drop(Zeroizing::new(error.into_bytes()));
                    Err(Fault::NotText)
                }
            },
            Err(keyring::v1::Error::NoEntry) => Ok(None),
            Err(error) => Err(fault(error)),
        }
    }

    fn save(&self, item: &str, text: &str) -> Result<(), Fault> {
        // As bytes: as a password, Windows would take two for each.
        entry(item)?.set_secret(text.as_bytes()).map_err(fault)
    }

    fn delete(&self, item: &str) -> Result<(), Fault> {
        match entry(item)?.delete_credential() {
            Ok(()) | Err(keyring::v1::Error::NoEntry) => Ok(()),
            Err(error) => Err(fault(error)),
        }
    }

    fn abandoned(&self) -> Arc<AtomicUsize> {
        Arc::clone(&ABANDONED)
    }
}

/// In a build without it, no keyring does anything.
#[cfg(not(feature = "keyring"))]
impl Vault for Keyring {
    fn load(&self, _: &str) -> Result<Option<Zeroizing<String>>, Fault> {
        Err(Fault::NotBuiltIn)
    }

    fn save(&self, _: &str, _: &str) -> Result<(), Fault> {
        Err(Fault::NotBuiltIn)
    }

    fn delete(&self, _: &str) -> Result<(), Fault> {
        Err(Fault::NotBuiltIn)
    }

    fn abandoned(&self) -> Arc<AtomicUsize> {
        Arc::clone(&ABANDONED)
    }
}

#[cfg(feature = "keyring")]
fn entry(item: &str) -> Result<Entry, Fault> {
    Entry::new(SERVICE, item).map_err(fault)
}

/// The kind of a failure; what it holds is wiped where it can be a secret.
#[cfg(feature = "keyring")]
fn fault(error: keyring::v1::Error) -> Fault {
    match error {
        keyring::v1::Error::BadEncoding(bytes) | keyring::v1::Error::BadDataFormat(bytes, _) => {
            drop(Zeroizing::new(bytes));
            Fault::NotText
        }
        // The Secret Service has one kind for two states; its words, which
        // are fixed, tell them apart.
        keyring::v1::Error::NoStorageAccess(cause) if cause.to_string().contains("result not") => {
            Fault::NoCollection
        }
        keyring::v1::Error::NoStorageAccess(_) => Fault::Locked,
        keyring::v1::Error::NoDefaultStore => Fault::Missing,
        keyring::v1::Error::TooLong(_, limit) => Fault::TooLong(limit),
        keyring::v1::Error::Ambiguous(_) => Fault::Ambiguous,
        _ => Fault::Other,
    }
}

/// What to do where the keyring stays as it is.
const ELSE: &str = "or let the policy say `[storage] store = \"file\"`";

/// The error for the user, with what to do.
pub(super) fn error(fault: Fault) -> Error {
    let seconds = LIMIT.as_secs();
    let (trouble, why) = match fault {
        Fault::Locked => (
            wit::FailureKind::Locked,
            format!("is locked, and nobody answered a prompt: unlock it, {ELSE}"),
        ),
        Fault::Missing => (wit::FailureKind::NoStore, format!("{MISSING}, {ELSE}")),
        Fault::NoCollection => (
            wit::FailureKind::NoStore,
            format!("has no default collection to keep things in: make and unlock one, {ELSE}"),
        ),
        Fault::Silent => (
            wit::FailureKind::NoStore,
            format!(
                "does not answer within {seconds} s; it may wait for a prompt that nobody sees: \
                 unlock it, {ELSE}"
            ),
        ),
        Fault::StillSilent => (
            wit::FailureKind::NoStore,
            format!(
                "still does not answer an earlier call; it may wait for a prompt that nobody \
                 sees: unlock it, {ELSE}"
            ),
        ),
        Fault::TooLong(limit) => (
            wit::FailureKind::TooLong,
            format!(
                "keeps at most {limit} bytes, and this is longer: let the policy say `[storage] store = \"file\"`"
            ),
        ),
        Fault::NotText => (
            wit::FailureKind::Invalid,
            "keeps something there that is not what this program writes: store it again, or \
             remove it"
                .to_owned(),
        ),
        Fault::Newer => (
            wit::FailureKind::Invalid,
            "keeps something there that a newer version of this program has written: use that one"
                .to_owned(),
        ),
        Fault::NotBuiltIn => (
            wit::FailureKind::Unsupported,
            format!("is not in this build: build it with the feature `keyring`, {ELSE}"),
        ),
        Fault::Ambiguous => (
            wit::FailureKind::Invalid,
            format!(
                "keeps several items of service `{SERVICE}` under one name: remove all but one"
            ),
        ),
        Fault::Other => (
            wit::FailureKind::NoStore,
            format!("failed without a reason that can be shown: see that it works, {ELSE}"),
        ),
    };
    Error::Keyring { why, trouble }
}

#[cfg(any(target_os = "macos", windows))]
const MISSING: &str = "is not there: log in to the system with a session of your own";

#[cfg(not(any(target_os = "macos", windows)))]
const MISSING: &str = "is not there: no Secret Service answers on the session bus; start one, such \
                       as `gnome-keyring-daemon`";

#[cfg(all(test, feature = "keyring"))]
mod tests {
    use super::*;

    #[test]
    fn what_a_keyring_keeps_is_in_no_error() {
        let secret = || b"s3cr3t-bytes\xff".to_vec();
        let cause = || Box::new(std::io::Error::other("s3cr3t-cause"));
        for (given, expected) in [
            (keyring::v1::Error::BadEncoding(secret()), Fault::NotText),
            (
                keyring::v1::Error::BadDataFormat(secret(), cause()),
                Fault::NotText,
            ),
            (keyring::v1::Error::PlatformFailure(cause()), Fault::Other),
            (keyring::v1::Error::NoStorageAccess(cause()), Fault::Locked),
            (
                keyring::v1::Error::NoStorageAccess(Box::new(std::io::Error::other(
                    "SS error: result not returned from SS API",
                ))),
                Fault::NoCollection,
            ),
            (keyring::v1::Error::NoDefaultStore, Fault::Missing),
            (
                keyring::v1::Error::TooLong("secret".to_owned(), 2560),
                Fault::TooLong(2560),
            ),
            (
                keyring::v1::Error::BadStoreFormat("s3cr3t".to_owned()),
                Fault::Other,
            ),
        ] {
            let seen = fault(given);
            assert_eq!(seen, expected);
            let error = error(seen);
            let said = format!("{error} {error:?} {}", error.detail());
            assert!(!said.contains("s3cr3t"), "{said}");
            assert!(said.starts_with("the keyring "), "{said}");
        }
    }
}
