//! Logins, against a store in memory and issuers that nobody asks.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;
use crate::handout;
use crate::store::memory::MemoryStore;
use crate::store::{Entry, Owner, StoredLogin};
use keyrule_contract::samples;
use keyrule_system::runtime::block_on;

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
    let slot = Slot::login(&Slot::name_of(&login(None)));
    store.save(&slot, &Entry::Login(stored)).unwrap();
    Arc::new(store)
}

fn expected() -> wit::Observation {
    wit::Observation {
        location: Some("stored login `work`".to_owned()),
        account: Some("ada".to_owned()),
        organization: Some("org".to_owned()),
        stored_in: Some(wit::StoreKind::File),
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
    let got = block_on(get(
        &login(None),
        Ok(&store),
        &Ambient::empty(),
        ORDINARY,
        &crate::sources::Silent,
    ));
    assert_eq!(
        got.observation,
        wit::Observation {
            fetched: true,
            ..expected()
        }
    );
    assert_eq!(
        got.secret().map(handout::to_keep),
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

/// An issuer that says yes, or no, or nothing.
struct Says(Option<login::Error>);

impl Exchange for Says {
    async fn prepare(&mut self) -> Result<(), login::Error> {
        Ok(())
    }

    async fn refresh(&mut self, _: &Secret) -> Result<Tokens, login::Error> {
        match self.0.take() {
            Some(error) => Err(error),
            None => Ok(Tokens {
                access_token: Secret::new("s3cr3t-second"),
                refresh_token: None,
                expires_in: Some(Duration::from_secs(3600)),
                claims: BTreeMap::new(),
            }),
        }
    }
}

/// An issuer that must not be asked.
struct Nobody;

impl Exchange for Nobody {
    async fn prepare(&mut self) -> Result<(), login::Error> {
        panic!("the issuer was asked")
    }

    async fn refresh(&mut self, _: &Secret) -> Result<Tokens, login::Error> {
        panic!("the issuer was asked")
    }
}

const ORDINARY: GetOptions = GetOptions {
    ttl: Duration::ZERO,
    rejected: false,
    handed_out: None,
};

fn got_from(store: &Arc<dyn Store>, exchange: impl Exchange, options: GetOptions) -> Got {
    block_on(see(&login(None), Ok(store), exchange, options, false))
}

fn token(got: &Got) -> Option<&str> {
    let secret = got.secret()?;
    std::str::from_utf8(handout::to_keep(secret)).ok()
}

/// One that lasts an hour and has so many seconds left.
fn with_left(seconds: i64) -> StoredLogin {
    let now = SystemTime::now();
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let expires_at = if seconds < 0 {
        now - distance
    } else {
        now + distance
    };
    StoredLogin {
        refresh_token: Some(Secret::new("s3cr3t-refresh")),
        facts: LoginFacts {
            obtained_at: Some(expires_at - Duration::from_secs(3600)),
            expires_at: Some(expires_at),
            renewable: true,
            ..stored().facts
        },
        ..stored()
    }
}

fn without_renewal(stored: StoredLogin) -> StoredLogin {
    StoredLogin {
        refresh_token: None,
        facts: LoginFacts {
            renewable: false,
            ..stored.facts
        },
        ..stored
    }
}

fn no(code: &str) -> Says {
    Says(Some(login::Error::Refused {
        code: code.to_owned(),
        words: "not now".to_owned(),
    }))
}

#[test]
fn a_login_that_is_not_due_is_handed_out_without_asking_anybody() {
    for stored in [
        with_left(3000),
        stored(),
        without_renewal(with_left(3000)),
        without_renewal(with_left(10)),
    ] {
        let got = got_from(&store(stored), Nobody, ORDINARY);
        assert_eq!(token(&got), Some("s3cr3t-access"));
        assert!(got.notes.is_empty());
    }
}

#[test]
fn a_login_that_is_due_is_renewed_before_it_is_handed_out() {
    for left in [-5, 10] {
        let got = got_from(&store(with_left(left)), Says(None), ORDINARY);
        assert_eq!(token(&got), Some("s3cr3t-second"));
        assert!(got.observation.expires_in.is_some_and(|left| left > 3500));
    }
}

#[test]
fn what_could_not_be_renewed_serves_until_it_ends_and_that_is_said() {
    let got = got_from(&store(with_left(100)), no("invalid_client"), ORDINARY);
    assert_eq!(token(&got), Some("s3cr3t-access"));
    assert_eq!(got.observation.outcome, wit::Outcome::Present);
    let note = got.notes.join("\n");
    assert!(
        note.starts_with("the login `work` could not be renewed, and is used for the "),
        "{note}"
    );
    assert!(note.ends_with("the issuer refused: not now"), "{note}");
}

#[test]
fn what_has_ended_and_was_not_renewed_is_not_handed_out() {
    for (stored, says, trouble, detail) in [
        (
            with_left(-5),
            no("invalid_client"),
            wit::FailureKind::Rejected,
            Some("the issuer refused: not now"),
        ),
        (
            with_left(-5),
            no("invalid_grant"),
            wit::FailureKind::Expired,
            Some("the issuer does not renew it any more"),
        ),
        (
            with_left(-5),
            Says(Some(login::Error::NotOffered("token endpoint"))),
            wit::FailureKind::Unreachable,
            Some("the issuer offers no token endpoint"),
        ),
        (
            without_renewal(with_left(-5)),
            Says(None),
            wit::FailureKind::Expired,
            None,
        ),
    ] {
        let got = got_from(&store(stored), says, ORDINARY);
        assert_eq!(got.observation.outcome, wit::Outcome::Failed(trouble));
        assert_eq!(got.observation.detail.as_deref(), detail);
        assert_eq!(token(&got), None);
    }
}

#[test]
fn a_rejected_login_is_renewed_unless_it_is_another_one_by_now() {
    let of = |handed_out: Option<&str>| GetOptions {
        rejected: true,
        handed_out: handed_out.map(|token| fingerprint(&Secret::new(token))),
        ..ORDINARY
    };
    for (last, expected) in [
        (None, "s3cr3t-second"),
        (Some("s3cr3t-access"), "s3cr3t-second"),
        (Some("s3cr3t-older"), "s3cr3t-access"),
    ] {
        let got = got_from(&store(with_left(3000)), Says(None), of(last));
        assert_eq!(token(&got), Some(expected));
    }
    // It is not handed out again, however long it would last.
    for stored in [with_left(3000), without_renewal(with_left(3000))] {
        let got = got_from(&store(stored), no("invalid_grant"), of(None));
        assert_eq!(
            got.observation.outcome,
            wit::Outcome::Failed(wit::FailureKind::Expired)
        );
        assert_eq!(token(&got), None);
    }
}

#[test]
fn a_login_that_serves_for_the_last_time_says_so() {
    let left = with_left(100);
    let stored = StoredLogin {
        facts: LoginFacts {
            ended: true,
            renewable: false,
            ..left.facts.clone()
        },
        ..left
    };
    let got = got_from(&store(stored), Nobody, ORDINARY);
    assert_eq!(token(&got), Some("s3cr3t-access"));
    let note = got.notes.join("\n");
    assert!(
        note.ends_with("its issuer does not renew it any more"),
        "{note}"
    );
}
