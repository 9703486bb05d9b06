//! A key in our own store. What goes in is its name; what comes out is
//! whether the store keeps one that a header can carry. What a consent would
//! be about is the name: the user put the key there.

use crate::engine::bindings as wit;
use crate::secret::Secret;
use crate::sources::{Got, Look, observation, store_trouble};
use crate::store::{Entry, Error, Shelf, Store};

/// Looks whether a key is kept under the name.
pub(crate) fn look(name: &str, store: Result<&impl Store, &Error>) -> Look {
    let (observation, secret) = see(name, store);
    Look {
        observation,
        subject: secret.map(|_| Secret::new(name)),
        endpoint: None,
    }
}

/// Takes the key.
pub(crate) async fn get(name: &str, store: Result<&impl Store, &Error>) -> Got {
    let (observation, secret) = see(name, store);
    Got {
        observation: wit::Observation {
            got: true,
            ..observation
        },
        secret,
    }
}

fn see(name: &str, store: Result<&impl Store, &Error>) -> (wit::Observation, Option<Secret>) {
    let loaded = match store {
        Ok(store) => store.load(Shelf::Keys, name),
        Err(error) => return (store_trouble(error), None),
    };
    let secret = match loaded {
        Ok(Some(Entry::Key(secret))) => secret,
        Ok(Some(Entry::Login(_)) | None) => return (observation(wit::Outcome::Absent), None),
        Err(error) => return (store_trouble(&error), None),
    };
    let seen = |outcome| wit::Observation {
        found_in: Some(format!("stored key `{name}`")),
        ..observation(outcome)
    };
    if secret.is_blank() {
        return (seen(wit::Outcome::Blank), None);
    }
    if let Some((place, what)) = secret.bad_character() {
        let seen = wit::Observation {
            detail: Some(format!(
                "the stored key `{name}` holds {what} at character {place}"
            )),
            ..seen(wit::Outcome::Trouble(wit::Trouble::BadCharacter))
        };
        return (seen, None);
    }
    (seen(wit::Outcome::Present), Some(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handout;
    use crate::sources::block_on;
    use crate::store::memory::MemoryStore;

    fn expected(outcome: wit::Outcome) -> wit::Observation {
        wit::Observation {
            found_in: Some("stored key `work`".to_owned()),
            ..observation(outcome)
        }
    }

    fn store(value: &str) -> MemoryStore {
        let store = MemoryStore::default();
        store.save("work", &Entry::Key(Secret::new(value))).unwrap();
        store
    }

    #[test]
    fn a_key_is_found_by_its_name() {
        let store = store("s3cr3t-canary");
        let absent = look("other", Ok(&store));
        assert_eq!(absent.observation, observation(wit::Outcome::Absent));
        let seen = look("work", Ok(&store));
        assert_eq!(seen.observation, expected(wit::Outcome::Present));
        assert_eq!(
            seen.subject.as_ref().map(handout::to_keep),
            Some(b"work".as_slice())
        );
        let got = block_on(get("work", Ok(&store)));
        assert!(got.observation.got);
        assert_eq!(
            got.secret.as_ref().map(handout::to_keep),
            Some(b"s3cr3t-canary".as_slice())
        );
        assert!(!format!("{seen:?} {got:?} {store:?}").contains("canary"));
    }

    #[test]
    fn a_key_that_no_header_carries_is_not_got() {
        let blank = look("work", Ok(&store(" ")));
        assert_eq!(blank.observation, expected(wit::Outcome::Blank));
        let got = block_on(get("work", Ok(&store("s3cr3t\r"))));
        assert_eq!(
            got.observation,
            wit::Observation {
                got: true,
                detail: Some(
                    "the stored key `work` holds a carriage return at character 7".to_owned()
                ),
                ..expected(wit::Outcome::Trouble(wit::Trouble::BadCharacter))
            }
        );
        assert!(got.secret.is_none());
    }

    #[test]
    fn a_store_that_fails_is_trouble_and_not_absence() {
        let store = store("s3cr3t");
        store.fail_next(Error::Invalid {
            path: "file".into(),
            why: "is not JSON (line 1, column 2)".to_owned(),
        });
        let seen = look("work", Ok(&store));
        assert_eq!(
            seen.observation,
            wit::Observation {
                detail: Some("`file` is not JSON (line 1, column 2)".to_owned()),
                found_in: Some("file".to_owned()),
                ..observation(wit::Outcome::Trouble(wit::Trouble::Invalid))
            }
        );
        assert!(seen.subject.is_none());
    }
}
