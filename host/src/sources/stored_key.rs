//! A key in our own store. What goes in is its name; what comes out is
//! whether the store keeps one that a header can carry. What a consent would
//! be about is the name: the user put the key there.

use std::sync::Arc;

use crate::secret::Secret;
use crate::sources::in_store::{carried, off_the_runtime, peeked, store_trouble};
use crate::sources::{Got, Look, observation};
use crate::store::{Entry, Error, Facts, Known, Owner, Slot, Store};
use keyrule_contract as wit;

/// Looks whether a key is kept under the name, without opening a keyring.
pub(crate) fn look(key: &wit::StoredKey, store: Result<&Arc<dyn Store>, &Error>) -> Look {
    let known = match peeked(&Slot::key(&key.name), store) {
        Ok(known) => known,
        Err(look) => return *look,
    };
    let Facts::Key(owner) = &known.facts else {
        return Look::nothing(observation(wit::Outcome::Absent));
    };
    // What another issuer's login has brought is not what this source means.
    let theirs = owner.as_ref().zip(key.issuer.as_ref());
    if theirs.is_some_and(|(owner, issuer)| owner.issuer != issuer.url) {
        return Look::nothing(observation(wit::Outcome::Absent));
    }
    let seen = describe(key, &known, owner.as_ref());
    Look::stored(&key.name, seen, known.secret.as_ref())
}

/// Takes the key; this may open the keyring.
pub(crate) async fn get(key: &wit::StoredKey, store: Result<&Arc<dyn Store>, &Error>) -> Got {
    let (observation, secret) = see(key, store).await;
    let observation = wit::Observation {
        fetched: true,
        ..observation
    };
    Got::one(observation, secret)
}

async fn see(
    key: &wit::StoredKey,
    store: Result<&Arc<dyn Store>, &Error>,
) -> (wit::Observation, Option<Secret>) {
    let seen = look(key, store).observation;
    if seen.outcome != wit::Outcome::Present {
        return (seen, None);
    }
    let (Ok(store), slot) = (store, Slot::key(&key.name)) else {
        return (seen, None);
    };
    let store = Arc::clone(store);
    let secret = match off_the_runtime(move || store.load(&slot)).await {
        Ok(Some(Entry::Key(stored))) => stored.secret,
        Ok(Some(Entry::Login(_)) | None) => {
            let vanished = wit::Outcome::Failed(wit::FailureKind::Vanished);
            return (observation(vanished), None);
        }
        Err(error) => return (store_trouble(&error), None),
    };
    let seen = carried(seen, &secret);
    match seen.outcome {
        wit::Outcome::Present => (seen, Some(secret)),
        _ => (seen, None),
    }
}

fn describe(key: &wit::StoredKey, known: &Known, owner: Option<&Owner>) -> wit::Observation {
    wit::Observation {
        location: Some(format!("stored key `{}`", key.name)),
        stored_in: Some(known.kept_in),
        account: owner.and_then(|owner| owner.account.clone()),
        organization: owner.and_then(|owner| owner.organization(key.organization_claim.as_deref())),
        ..observation(wit::Outcome::Present)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handout;
    use crate::store::StoredKey;
    use crate::store::memory::MemoryStore;
    use keyrule_contract::samples::stored_key as named;
    use keyrule_system::runtime::block_on;

    fn expected(outcome: wit::Outcome) -> wit::Observation {
        wit::Observation {
            location: Some("stored key `work`".to_owned()),
            stored_in: Some(wit::StoreKind::File),
            ..observation(outcome)
        }
    }

    fn memory(value: &str) -> Arc<MemoryStore> {
        let store = MemoryStore::default();
        let key = Entry::Key(StoredKey {
            secret: Secret::new(value),
            owner: None,
        });
        store.save(&Slot::key("work"), &key).unwrap();
        Arc::new(store)
    }

    fn store(value: &str) -> Arc<dyn Store> {
        memory(value)
    }

    #[test]
    fn a_key_is_found_by_its_name() {
        let store = store("s3cr3t-canary");
        let absent = look(&named("other"), Ok(&store));
        assert_eq!(absent.observation, observation(wit::Outcome::Absent));
        let seen = look(&named("work"), Ok(&store));
        assert_eq!(seen.observation, expected(wit::Outcome::Present));
        assert_eq!(
            seen.subject.as_ref().map(handout::to_keep),
            Some(b"work".as_slice())
        );
        let got = block_on(get(&named("work"), Ok(&store)));
        assert!(got.observation.fetched);
        assert_eq!(
            got.secret().map(handout::to_keep),
            Some(b"s3cr3t-canary".as_slice())
        );
        assert!(!format!("{seen:?} {got:?} {store:?}").contains("canary"));
    }

    #[test]
    fn a_key_that_another_issuers_login_brought_is_none() {
        let store = MemoryStore::default();
        let key = Entry::Key(StoredKey {
            secret: Secret::new("s3cr3t-theirs"),
            owner: Some(Owner {
                issuer: "https://other.test".to_owned(),
                ..Owner::default()
            }),
        });
        store.save(&Slot::key("work"), &key).unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let of = |url: &str| wit::StoredKey {
            issuer: Some(keyrule_contract::samples::issuer(url)),
            ..named("work")
        };
        let seen = look(&of("https://login.test"), Ok(&store));
        assert_eq!(seen.observation, observation(wit::Outcome::Absent));
        let seen = look(&of("https://other.test"), Ok(&store));
        assert_eq!(seen.observation.outcome, wit::Outcome::Present);
    }

    #[test]
    fn a_key_that_no_header_carries_is_not_got() {
        let blank = look(&named("work"), Ok(&store(" ")));
        assert_eq!(blank.observation, expected(wit::Outcome::Blank));
        let got = block_on(get(&named("work"), Ok(&store("s3cr3t\r"))));
        assert_eq!(
            got.observation,
            wit::Observation {
                fetched: true,
                detail: Some(
                    "the stored key `work` holds a carriage return at character 7".to_owned()
                ),
                ..expected(wit::Outcome::Failed(wit::FailureKind::BadCharacter))
            }
        );
        assert!(got.secret().is_none());
    }

    #[test]
    fn a_store_that_fails_is_trouble_and_not_absence() {
        let store = memory("s3cr3t");
        store.fail_next(Error::Invalid {
            path: "file".into(),
            why: "is not JSON (line 1, column 2)".to_owned(),
        });
        let store: Arc<dyn Store> = store;
        let seen = look(&named("work"), Ok(&store));
        assert_eq!(
            seen.observation,
            wit::Observation {
                detail: Some("`file` is not JSON (line 1, column 2)".to_owned()),
                location: Some("file".to_owned()),
                ..observation(wit::Outcome::Failed(wit::FailureKind::Invalid))
            }
        );
        assert!(seen.subject.is_none());
    }
}
