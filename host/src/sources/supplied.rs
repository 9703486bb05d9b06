//! A credential that the embedding program hands in, under the id of the
//! source that it is for. What goes in is what the embedder knows of it; what
//! comes out is the same as of any other source. Nothing is trusted because
//! an embedder brought it: it is blank, malformed or ended like any other.

use std::collections::BTreeMap;
use std::fmt;
use std::time::SystemTime;

use crate::secret::Secret;
use crate::sources::{Facts, Got, Look, observation, seconds_until};
use keyrule_contract as wit;

/// A credential that an embedder hands in.
#[derive(Clone)]
#[non_exhaustive]
pub struct Supplied {
    /// The secret.
    pub secret: Secret,
    /// When it ends, where that is known.
    pub expires_at: Option<SystemTime>,
    /// The account that it belongs to.
    pub account: Option<String>,
    /// The organisation that it belongs to.
    pub organization: Option<String>,
}

impl Supplied {
    /// A credential of which nothing else is known.
    #[must_use]
    pub const fn new(secret: Secret) -> Self {
        Self {
            secret,
            expires_at: None,
            account: None,
            organization: None,
        }
    }

    /// Says when it ends.
    #[must_use]
    pub const fn expires_at(mut self, time: SystemTime) -> Self {
        self.expires_at = Some(time);
        self
    }

    /// Says whose it is.
    #[must_use]
    pub fn account(mut self, account: impl Into<String>) -> Self {
        self.account = Some(account.into());
        self
    }

    /// Says which organisation it belongs to.
    #[must_use]
    pub fn organization(mut self, organization: impl Into<String>) -> Self {
        self.organization = Some(organization.into());
        self
    }
}

/// Prints neither the secret nor whose it is.
impl fmt::Debug for Supplied {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Supplied")
            .field("secret", &self.secret)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// Looks whether a credential was handed in for the source of this id.
pub(crate) fn look(id: &str, supplied: &BTreeMap<String, Supplied>) -> Look {
    let (observation, subject) = see(id, supplied);
    Look {
        observation,
        subject,
        endpoint: None,
        facts: Facts::default(),
    }
}

/// Takes what was handed in.
pub(crate) async fn get(id: &str, supplied: &BTreeMap<String, Supplied>) -> Got {
    let (observation, secret) = see(id, supplied);
    // What has ended is of no use, whoever asks.
    let ended = observation.expires_in.is_some_and(|seconds| seconds <= 0);
    let observation = wit::Observation {
        fetched: true,
        ..observation
    };
    if secret.is_some() && ended {
        let observation = wit::Observation {
            outcome: wit::Outcome::Failed(wit::FailureKind::Expired),
            ..observation
        };
        return Got::one(observation, None);
    }
    Got::one(observation, secret)
}

fn see(id: &str, supplied: &BTreeMap<String, Supplied>) -> (wit::Observation, Option<Secret>) {
    let Some(supplied) = supplied.get(id) else {
        return (observation(wit::Outcome::Absent), None);
    };
    let seen = |outcome| wit::Observation {
        expires_in: supplied
            .expires_at
            .map(|time| seconds_until(time, SystemTime::now())),
        account: supplied.account.clone(),
        organization: supplied.organization.clone(),
        ..observation(outcome)
    };
    if supplied.secret.is_blank() {
        return (seen(wit::Outcome::Blank), None);
    }
    if let Some((place, what)) = supplied.secret.bad_character() {
        let bad = wit::Outcome::Failed(wit::FailureKind::BadCharacter);
        let detail = format!("the supplied credential holds {what} at character {place}");
        let seen = wit::Observation {
            detail: Some(detail),
            ..seen(bad)
        };
        return (seen, None);
    }
    (seen(wit::Outcome::Present), Some(supplied.secret.clone()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::handout;
    use keyrule_system::runtime::block_on;

    fn map(supplied: Supplied) -> BTreeMap<String, Supplied> {
        BTreeMap::from([("here".to_owned(), supplied)])
    }

    #[test]
    fn a_credential_is_found_under_its_sources_id_alone() {
        let supplied = map(Supplied::new(Secret::new("s3cr3t-canary"))
            .account("ada")
            .organization("org"));
        let elsewhere = look("elsewhere", &supplied);
        assert_eq!(elsewhere.observation, observation(wit::Outcome::Absent));
        let expected = wit::Observation {
            account: Some("ada".to_owned()),
            organization: Some("org".to_owned()),
            ..observation(wit::Outcome::Present)
        };
        let here = look("here", &supplied);
        assert_eq!(here.observation, expected);
        assert!(here.subject.is_some());
        let got = block_on(get("here", &supplied));
        assert_eq!(
            got.observation,
            wit::Observation {
                fetched: true,
                ..expected
            }
        );
        assert_eq!(
            got.secret().map(handout::to_keep),
            Some(b"s3cr3t-canary".as_slice())
        );
        assert!(!format!("{supplied:?} {here:?} {got:?}").contains("canary"));
    }

    #[test]
    fn what_is_blank_or_malformed_is_not_handed_on() {
        let blank = look("here", &map(Supplied::new(Secret::new(" \n"))));
        assert_eq!(blank.observation, observation(wit::Outcome::Blank));
        let supplied = map(Supplied::new(Secret::new("s3cr3t\n")));
        let bad = block_on(get("here", &supplied));
        assert_eq!(
            bad.observation,
            wit::Observation {
                fetched: true,
                detail: Some("the supplied credential holds a line feed at character 7".to_owned()),
                ..observation(wit::Outcome::Failed(wit::FailureKind::BadCharacter))
            }
        );
        assert!(bad.secret().is_none());
    }

    #[test]
    fn what_has_ended_is_seen_and_not_got() {
        let ended = SystemTime::now() - Duration::from_secs(60);
        let supplied = map(Supplied::new(Secret::new("s3cr3t")).expires_at(ended));
        let seen = look("here", &supplied).observation;
        assert_eq!(seen.outcome, wit::Outcome::Present);
        assert!(seen.expires_in.is_some_and(|seconds| seconds <= -60));
        let got = block_on(get("here", &supplied));
        assert_eq!(
            got.observation.outcome,
            wit::Outcome::Failed(wit::FailureKind::Expired)
        );
        assert!(got.secret().is_none());
    }
}
