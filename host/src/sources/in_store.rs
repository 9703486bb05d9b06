//! Sources that our own store keeps: keys and logins. What goes in is the
//! source's contract; what comes out is what the store of the policy says.

use std::sync::Arc;

use keyrule_contract as wit;

use super::{GetOptions, Got, Look, Notices, login, observation, stored_key};
use crate::ambient::Ambient;
use crate::secret::Secret;
use crate::sources::Facts;
use crate::store;

/// Sees what is kept, without opening a keyring.
pub(crate) fn look(source: &wit::Source, info: &wit::PolicyInfo, ambient: &Ambient) -> Look {
    let store = store::of(info, ambient);
    match &source.kind {
        wit::Kind::StoredKey(key) => stored_key::look(key, store.as_ref()),
        wit::Kind::Login(login) => login::look(login, store.as_ref()),
        _ => Look::nothing(observation(wit::Outcome::Absent)),
    }
}

/// Gets what is kept, renewed where it has to be.
pub(crate) async fn get(
    source: &wit::Source,
    info: &wit::PolicyInfo,
    ambient: &Ambient,
    options: GetOptions,
    notices: &dyn Notices,
) -> Got {
    let store = store::of(info, ambient);
    match &source.kind {
        wit::Kind::StoredKey(key) => stored_key::get(key, store.as_ref()).await,
        wit::Kind::Login(login) => {
            login::get(login, store.as_ref(), ambient, options, notices).await
        }
        _ => Got::one(observation(wit::Outcome::Absent), None),
    }
}

/// Keeps a key under this name, and returns what the user should know, or why
/// it is not kept.
pub(crate) fn keep(
    info: &wit::PolicyInfo,
    ambient: &Ambient,
    name: &str,
    key: &Secret,
) -> Result<Vec<String>, String> {
    let entry = store::Entry::Key(store::StoredKey {
        secret: key.clone(),
        owner: None,
    });
    let saved = store::of(info, ambient)
        .and_then(|store| store.save(&store::Slot::key(name), &entry))
        .map_err(|error| error.detail())?;
    Ok(saved.notes)
}

/// What was seen of a source whose store does not answer: that is not absence.
pub(crate) fn store_trouble(error: &store::Error) -> wit::Observation {
    wit::Observation {
        detail: Some(error.detail()),
        location: error.path().map(|path| path.display().to_string()),
        ..observation(wit::Outcome::Failed(error.trouble()))
    }
}

/// Does what can block, such as a keyring that asks somebody, off the threads
/// of the runtime.
pub(crate) async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, store::Error> + Send + 'static,
) -> Result<T, store::Error> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(store::Error::Keyring {
                why: "was not waited for: the program is ending".to_owned(),
                trouble: wit::FailureKind::TimedOut,
            }),
        },
    }
}

impl Look {
    /// A look at what a store keeps under this name. A consent would be about
    /// the name: the user put it there.
    pub(crate) fn stored(name: &str, seen: wit::Observation, secret: Option<&Secret>) -> Self {
        let observation = match secret {
            Some(secret) => carried(seen, secret),
            None => seen,
        };
        let there = observation.outcome == wit::Outcome::Present;
        Self {
            observation,
            subject: there.then(|| Secret::new(name)),
            endpoint: None,
            facts: Facts::default(),
        }
    }
}

/// What is known of what a store keeps there, without opening a keyring, or
/// the look that found none of it.
pub(crate) fn peeked(
    slot: &store::Slot,
    store: Result<&Arc<dyn store::Store>, &store::Error>,
) -> Result<store::Known, Box<Look>> {
    let seen = match store.map(|store| store.peek(slot)) {
        Ok(Ok(Some(known))) => return Ok(known),
        Ok(Ok(None)) => observation(wit::Outcome::Absent),
        Ok(Err(error)) => store_trouble(&error),
        Err(error) => store_trouble(error),
    };
    Err(Box::new(Look::nothing(seen)))
}

/// Sees whether a header can carry what was found in a store.
pub(crate) fn carried(seen: wit::Observation, secret: &Secret) -> wit::Observation {
    if secret.is_blank() {
        return wit::Observation {
            outcome: wit::Outcome::Blank,
            ..seen
        };
    }
    let Some((place, what)) = secret.bad_character() else {
        return seen;
    };
    let found_in = seen.location.as_deref().unwrap_or("what is stored");
    wit::Observation {
        outcome: wit::Outcome::Failed(wit::FailureKind::BadCharacter),
        detail: Some(format!("the {found_in} holds {what} at character {place}")),
        ..seen
    }
}
