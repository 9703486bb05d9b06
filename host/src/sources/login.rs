//! A login in our own store. What goes in is its name; what comes out is
//! whose it is, when it ends, and whether it can be renewed. This build does
//! not renew a login: one that has ended is got in vain.

use std::sync::Arc;
use std::time::SystemTime;

use crate::engine::bindings as wit;
use crate::secret::Secret;
use crate::sources::{Got, Look, observation, off_the_runtime, seconds_until, store_trouble};
use crate::store::{Entry, Error, Facts, Known, LoginFacts, Slot, Store};

/// Looks whether a login is kept under the name, and what is known of it,
/// without opening a keyring. One that was made with another issuer is none.
pub(crate) fn look(login: &wit::Login, store: Result<&Arc<dyn Store>, &Error>) -> Look {
    let known = match store.map(|store| store.peek(&Slot::login(&login.name))) {
        Ok(Ok(Some(known))) => known,
        Ok(Ok(None)) => return nothing(observation(wit::Outcome::Absent)),
        Ok(Err(error)) => return nothing(store_trouble(&error)),
        Err(error) => return nothing(store_trouble(error)),
    };
    let Facts::Login(facts) = &known.facts else {
        return nothing(observation(wit::Outcome::Absent));
    };
    if facts.owner.issuer != login.issuer.url || facts.client_id != login.issuer.client_id {
        return nothing(observation(wit::Outcome::Absent));
    }
    let seen = describe(login, &known, facts);
    let seen = match &known.secret {
        Some(secret) => judged(login, seen, secret),
        None => seen,
    };
    let there = seen.outcome == wit::Outcome::Present;
    Look {
        observation: seen,
        subject: there.then(|| Secret::new(login.name.as_str())),
        endpoint: None,
    }
}

fn nothing(observation: wit::Observation) -> Look {
    Look {
        observation,
        subject: None,
        endpoint: None,
    }
}

/// Takes the login's access token; this may open the keyring.
pub(crate) async fn get(login: &wit::Login, store: Result<&Arc<dyn Store>, &Error>) -> Got {
    let seen = look(login, store).observation;
    let seen = wit::Observation { got: true, ..seen };
    let without = |observation| Got {
        observation,
        secret: None,
    };
    let (wit::Outcome::Present, Ok(store)) = (&seen.outcome, store) else {
        return without(seen);
    };
    let ended = seen.expires_in.is_some_and(|seconds| seconds <= 0);
    if ended {
        let (trouble, detail) = if seen.renewable {
            (
                wit::Trouble::Unsupported,
                Some("this build cannot renew a login yet".to_owned()),
            )
        } else {
            (wit::Trouble::Expired, None)
        };
        return without(wit::Observation {
            outcome: wit::Outcome::Trouble(trouble),
            detail,
            ..seen
        });
    }
    let (store, slot) = (Arc::clone(store), Slot::login(&login.name));
    let token = match off_the_runtime(move || store.load(&slot)).await {
        Ok(Some(Entry::Login(stored))) => stored.access_token,
        Ok(Some(Entry::Key(_)) | None) => {
            let vanished = wit::Outcome::Trouble(wit::Trouble::Vanished);
            return without(wit::Observation {
                outcome: vanished,
                ..seen
            });
        }
        Err(error) => {
            return without(wit::Observation {
                got: true,
                ..store_trouble(&error)
            });
        }
    };
    let seen = judged(login, seen, &token);
    match seen.outcome {
        wit::Outcome::Present => Got {
            observation: seen,
            secret: Some(token),
        },
        _ => without(seen),
    }
}

fn describe(login: &wit::Login, known: &Known, facts: &LoginFacts) -> wit::Observation {
    wit::Observation {
        found_in: Some(format!("stored login `{}`", login.name)),
        expires_in: facts
            .expires_at
            .map(|time| seconds_until(time, SystemTime::now())),
        renewable: facts.renewable,
        account: facts.owner.account.clone(),
        organization: facts
            .owner
            .organization(login.organization_claim.as_deref()),
        kept_in: Some(known.kept_in),
        ..observation(wit::Outcome::Present)
    }
}

/// Sees whether a header can carry it.
fn judged(login: &wit::Login, seen: wit::Observation, token: &Secret) -> wit::Observation {
    if token.is_blank() {
        return wit::Observation {
            outcome: wit::Outcome::Blank,
            ..seen
        };
    }
    let Some((place, what)) = token.bad_character() else {
        return seen;
    };
    wit::Observation {
        outcome: wit::Outcome::Trouble(wit::Trouble::BadCharacter),
        detail: Some(format!(
            "the stored login `{}` holds {what} at character {place}",
            login.name
        )),
        ..seen
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::handout;
    use crate::sources::block_on;
    use crate::sources::samples;
    use crate::store::memory::MemoryStore;
    use crate::store::{Owner, StoredLogin};

    fn login(claim: Option<&str>) -> wit::Login {
        wit::Login {
            organization_claim: claim.map(str::to_owned),
            ..samples::login("work")
        }
    }

    fn stored() -> StoredLogin {
        StoredLogin {
            access_token: Secret::new("s3cr3t-access"),
            refresh_token: None,
            facts: LoginFacts {
                owner: Owner {
                    issuer: "https://login.test".to_owned(),
                    account: Some("ada".to_owned()),
                    organization: Some("org".to_owned()),
                    claims: BTreeMap::from([
                        ("org_id".to_owned(), "claimed".into()),
                        ("count".to_owned(), 3.into()),
                    ]),
                },
                client_id: "cli".to_owned(),
                obtained_at: None,
                expires_at: None,
                renewable: false,
                ended: false,
            },
        }
    }

    fn store(stored: StoredLogin) -> Arc<dyn Store> {
        let store = MemoryStore::default();
        let slot = Slot::login("work");
        store.save(&slot, &Entry::Login(stored)).unwrap();
        Arc::new(store)
    }

    fn expected() -> wit::Observation {
        wit::Observation {
            found_in: Some("stored login `work`".to_owned()),
            account: Some("ada".to_owned()),
            organization: Some("org".to_owned()),
            kept_in: Some(wit::StoreKind::File),
            ..observation(wit::Outcome::Present)
        }
    }

    #[test]
    fn a_login_is_found_by_its_name_with_what_is_known_of_it() {
        let nothing = look(
            &login(None),
            Ok(&(Arc::new(MemoryStore::default()) as Arc<dyn Store>)),
        );
        assert_eq!(nothing.observation, observation(wit::Outcome::Absent));
        let store = store(stored());
        let seen = look(&login(None), Ok(&store));
        assert_eq!(seen.observation, expected());
        assert!(seen.subject.is_some());
        let got = block_on(get(&login(None), Ok(&store)));
        assert_eq!(
            got.observation,
            wit::Observation {
                got: true,
                ..expected()
            }
        );
        assert_eq!(
            got.secret.as_ref().map(handout::to_keep),
            Some(b"s3cr3t-access".as_slice())
        );
    }

    #[test]
    fn the_policys_claim_says_of_the_organisation_and_nothing_in_its_place() {
        let store = store(stored());
        for (claim, organization) in [
            ("org_id", Some("claimed")),
            ("count", None),
            ("missing", None),
        ] {
            let seen = look(&login(Some(claim)), Ok(&store));
            assert_eq!(seen.observation.organization.as_deref(), organization);
        }
    }

    #[test]
    fn a_login_that_has_ended_is_seen_and_not_got() {
        let ended = StoredLogin {
            facts: LoginFacts {
                expires_at: Some(SystemTime::now() - Duration::from_secs(5)),
                ..stored().facts
            },
            ..stored()
        };
        let renewable = StoredLogin {
            refresh_token: Some(Secret::new("s3cr3t-refresh")),
            facts: LoginFacts {
                renewable: true,
                ..ended.facts.clone()
            },
            ..ended.clone()
        };
        for (stored, renewable, trouble, detail) in [
            (ended, false, wit::Trouble::Expired, None),
            (
                renewable,
                true,
                wit::Trouble::Unsupported,
                Some("this build cannot renew a login yet"),
            ),
        ] {
            let store = store(stored);
            let seen = look(&login(None), Ok(&store)).observation;
            assert_eq!(seen.outcome, wit::Outcome::Present);
            assert_eq!(seen.renewable, renewable);
            assert!(seen.expires_in.is_some_and(|seconds| seconds <= -5));
            let got = block_on(get(&login(None), Ok(&store)));
            assert_eq!(got.observation.outcome, wit::Outcome::Trouble(trouble));
            assert_eq!(got.observation.detail.as_deref(), detail);
            assert!(got.secret.is_none());
        }
    }
}
