//! A login in our own store. What goes in is its name; what comes out is
//! whose it is, when it ends, and whether it can be renewed. This build does
//! not renew a login: one that has ended is got in vain.

use std::time::SystemTime;

use crate::engine::bindings as wit;
use crate::secret::Secret;
use crate::sources::{Got, Look, observation, seconds_until, store_trouble};
use crate::store::{Entry, Error, Shelf, Store, StoredLogin};

/// Looks whether a login is kept under the name, and what is known of it.
pub(crate) fn look(login: &wit::Login, store: Result<&impl Store, &Error>) -> Look {
    let (observation, secret) = see(login, store);
    Look {
        observation,
        subject: secret.map(|_| Secret::new(login.name.as_str())),
        endpoint: None,
    }
}

/// Takes the login's access token.
pub(crate) async fn get(login: &wit::Login, store: Result<&impl Store, &Error>) -> Got {
    let (seen, secret) = see(login, store);
    let ended = seen.expires_in.is_some_and(|seconds| seconds <= 0);
    let seen = wit::Observation { got: true, ..seen };
    if secret.is_none() || !ended {
        return Got {
            observation: seen,
            secret,
        };
    }
    let (trouble, detail) = if seen.renewable {
        (
            wit::Trouble::Unsupported,
            Some("this build cannot renew a login yet".to_owned()),
        )
    } else {
        (wit::Trouble::Expired, None)
    };
    Got {
        observation: wit::Observation {
            outcome: wit::Outcome::Trouble(trouble),
            detail,
            ..seen
        },
        secret: None,
    }
}

fn see(
    login: &wit::Login,
    store: Result<&impl Store, &Error>,
) -> (wit::Observation, Option<Secret>) {
    let name = &login.name;
    let loaded = match store {
        Ok(store) => store.load(Shelf::Logins, name),
        Err(error) => return (store_trouble(error), None),
    };
    let stored = match loaded {
        Ok(Some(Entry::Login(stored))) => stored,
        Ok(Some(Entry::Key(_)) | None) => return (observation(wit::Outcome::Absent), None),
        Err(error) => return (store_trouble(&error), None),
    };
    let seen = |outcome| wit::Observation {
        found_in: Some(format!("stored login `{name}`")),
        expires_in: stored
            .expires_at
            .map(|time| seconds_until(time, SystemTime::now())),
        renewable: stored.refresh_token.is_some(),
        account: stored.account.clone(),
        organization: organization(login, &stored),
        ..observation(outcome)
    };
    let token = &stored.access_token;
    if token.is_blank() {
        return (seen(wit::Outcome::Blank), None);
    }
    if let Some((place, what)) = token.bad_character() {
        let seen = wit::Observation {
            detail: Some(format!(
                "the stored login `{name}` holds {what} at character {place}"
            )),
            ..seen(wit::Outcome::Trouble(wit::Trouble::BadCharacter))
        };
        return (seen, None);
    }
    let secret = token.clone();
    (seen(wit::Outcome::Present), Some(secret))
}

/// The claim that the policy names, and nothing in its place where it is
/// missing or no text; without such a claim, what was stored at login.
fn organization(login: &wit::Login, stored: &StoredLogin) -> Option<String> {
    match &login.organization_claim {
        Some(claim) => Some(stored.claims.get(claim)?.as_str()?.to_owned()),
        None => stored.organization.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::handout;
    use crate::sources::block_on;
    use crate::store::memory::MemoryStore;

    fn login(claim: Option<&str>) -> wit::Login {
        wit::Login {
            name: "work".to_owned(),
            organization_claim: claim.map(str::to_owned),
        }
    }

    fn stored() -> StoredLogin {
        StoredLogin {
            access_token: Secret::new("s3cr3t-access"),
            refresh_token: None,
            expires_at: None,
            account: Some("ada".to_owned()),
            organization: Some("org".to_owned()),
            claims: BTreeMap::from([
                ("org_id".to_owned(), "claimed".into()),
                ("count".to_owned(), 3.into()),
            ]),
        }
    }

    fn store(stored: StoredLogin) -> MemoryStore {
        let store = MemoryStore::default();
        store.save("work", &Entry::Login(stored)).unwrap();
        store
    }

    fn expected() -> wit::Observation {
        wit::Observation {
            found_in: Some("stored login `work`".to_owned()),
            account: Some("ada".to_owned()),
            organization: Some("org".to_owned()),
            ..observation(wit::Outcome::Present)
        }
    }

    #[test]
    fn a_login_is_found_by_its_name_with_what_is_known_of_it() {
        let nothing = look(&login(None), Ok(&MemoryStore::default()));
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
            expires_at: Some(SystemTime::now() - Duration::from_secs(5)),
            ..stored()
        };
        let renewable = StoredLogin {
            refresh_token: Some(Secret::new("s3cr3t-refresh")),
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
