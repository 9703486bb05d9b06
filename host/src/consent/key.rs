//! The key of the hashes in the consent book, and the hashes. What goes in is
//! what a consent is about, the secret included; what comes out is a hash
//! that says nothing of it. The key lies beside the book: it protects a book
//! that was copied alone, and no more.

use std::fmt;
use std::path::{Path, PathBuf};

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::Error;
use super::files::{Matter, trusted};
use crate::handout;
use keyrule_contract::Consent;
use keyrule_system::fs::atomic::atomic_create;
use keyrule_system::fs::contents::{self, Fault};

/// How long the key is, as long as the hash (RFC 2104, section 3).
const LENGTH: usize = 32;

/// The key, wiped when it is dropped.
pub(super) struct Key(Zeroizing<Vec<u8>>);

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Key(REDACTED)")
    }
}

impl Key {
    /// Reads the key, or none where there is no file.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Error> {
        let contents = contents::read(path, LENGTH as u64).map_err(|fault| {
            let (path, why) = (path.to_path_buf(), fault.to_string());
            match fault {
                Fault::TooBig { .. } => wrong_length(path),
                Fault::Unreadable(_) | Fault::NotAFile => Error::Unreadable { path, why },
            }
        })?;
        let Some(contents) = contents else {
            return Ok(None);
        };
        trusted(path, &contents.metadata)?;
        if contents.bytes.len() != LENGTH {
            return Err(wrong_length(path.to_path_buf()));
        }
        Ok(Some(Self(contents.bytes)))
    }

    /// Makes a new key. Where another process has made one first, that one
    /// is the key of both.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        let mut bytes = Zeroizing::new(vec![0; LENGTH]);
        getrandom::fill(&mut bytes).map_err(|_| Error::NoRandom)?;
        match atomic_create(path, &bytes) {
            Ok(true) => Ok(Self(bytes)),
            Ok(false) => Self::read(path)?.ok_or_else(|| Error::KeyMissing {
                path: path.to_path_buf(),
            }),
            Err(source) => Err(Error::NotWritable {
                path: path.to_path_buf(),
                source,
            }),
        }
    }

    /// Hashes what a consent is about, together with the answer, so that an
    /// edited answer is no answer.
    pub(super) fn hash(&self, matter: &Matter<'_>, answer: Consent) -> Result<String, Error> {
        let hash = self.mac(matter, answer)?.finalize().into_bytes();
        Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Returns whether this is the hash of that, in a time that does not
    /// depend on how much of it is right.
    pub(super) fn verifies(
        &self,
        matter: &Matter<'_>,
        answer: Consent,
        hash: &str,
    ) -> Result<bool, Error> {
        let Some(bytes) = unhex(hash) else {
            return Ok(false);
        };
        Ok(self.mac(matter, answer)?.verify_slice(&bytes).is_ok())
    }

    fn mac(&self, matter: &Matter<'_>, answer: Consent) -> Result<Hmac<Sha256>, Error> {
        // HMAC takes a key of any length, so this does not happen.
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).map_err(|_| wrong_length(PathBuf::new()))?;
        let answer: &[u8] = match answer {
            Consent::Undecided => b"undecided",
            Consent::Approved => b"approved",
            Consent::Declined => b"declined",
        };
        let (has_origin, origin) = match matter.origin {
            None => (b"default".as_slice(), ""),
            Some(origin) => (b"origin".as_slice(), origin),
        };
        for part in [
            b"keyrule consent 1",
            answer,
            matter.policy.as_bytes(),
            matter.source.as_bytes(),
            has_origin,
            origin.as_bytes(),
            handout::to_keep(matter.subject),
        ] {
            // With its length before it, no part can pass for another's end.
            mac.update(&(part.len() as u64).to_le_bytes());
            mac.update(part);
        }
        Ok(mac)
    }
}

fn wrong_length(path: PathBuf) -> Error {
    Error::Damaged {
        path,
        why: format!("is not a key of {LENGTH} bytes"),
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u32>> = text.chars().map(|digit| digit.to_digit(16)).collect();
    let digits = digits.filter(|digits| digits.len() == 2 * LENGTH)?;
    digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => u8::try_from(high * 16 + low).ok(),
            _ => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    fn key() -> Key {
        Key(Zeroizing::new(vec![7; LENGTH]))
    }

    #[test]
    fn a_hash_stands_for_all_its_parts_and_the_answer() {
        let (one, other) = (Secret::new("s3cr3t-one"), Secret::new("s3cr3t-other"));
        let matter = Matter {
            policy: "policy",
            source: "source",
            origin: Some("https://a.test"),
            subject: &one,
        };
        let key = key();
        let hash = key.hash(&matter, Consent::Approved).unwrap();
        assert_eq!(hash.len(), 64);
        let verifies = |matter: Matter<'_>, answer| key.verifies(&matter, answer, &hash).unwrap();
        assert!(verifies(matter, Consent::Approved));
        assert!(!verifies(matter, Consent::Declined));
        for changed in [
            Matter {
                policy: "policys",
                source: "ource",
                ..matter
            },
            Matter {
                origin: Some("https://b.test"),
                ..matter
            },
            Matter {
                origin: None,
                ..matter
            },
            Matter {
                subject: &other,
                ..matter
            },
        ] {
            assert!(!verifies(changed, Consent::Approved));
        }
        for broken in ["", "zz", &hash[1..], &format!("{hash}00")] {
            assert!(!key.verifies(&matter, Consent::Approved, broken).unwrap());
        }
    }

    #[test]
    fn another_key_makes_another_hash() {
        let subject = Secret::new("s3cr3t");
        let matter = Matter {
            policy: "policy",
            source: "source",
            origin: None,
            subject: &subject,
        };
        let other = Key(Zeroizing::new(vec![8; LENGTH]));
        assert_ne!(
            key().hash(&matter, Consent::Approved).unwrap(),
            other.hash(&matter, Consent::Approved).unwrap()
        );
    }

    #[test]
    fn all_that_create_at_once_have_the_same_key() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("consent.key");
            let keys: Vec<_> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..4)
                    .map(|_| scope.spawn(|| Key::create(&path).unwrap()))
                    .collect();
                threads
                    .into_iter()
                    .map(|thread| thread.join().unwrap().0)
                    .collect()
            });
            let kept = std::fs::read(&path).unwrap();
            assert_eq!(kept.len(), LENGTH);
            assert!(keys.iter().all(|key| **key == kept));
        }
    }
}
