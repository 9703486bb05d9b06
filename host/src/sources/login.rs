//! A login in our own store. What goes in is its name; what comes out is
//! whose it is, when it ends, and whether it can be renewed, and from a get
//! its access token, renewed where that was due. Where it could not be
//! renewed it still serves until it ends, unless it was rejected.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use crate::ambient::Ambient;
use crate::handout::fingerprint;
use crate::http::Http;
use crate::login::renew::{self, Due, Errand, Exchange, Failure, Renewed, Running};
use crate::login::{self, Endpoints, Tokens, token};
use crate::secret::Secret;
use crate::sources::in_store::{carried, off_the_runtime, peeked, store_trouble};
use crate::sources::{GetOptions, Got, Look, Notices, observation, seconds_until};
use crate::store::{Error, Facts, LoginFacts, Slot, Store};
use keyrule_contract as wit;
use keyrule_system::signals::Signals;

/// Looks whether a login is kept under the name, and what is known of it,
/// without opening a keyring. One that was made with another issuer is none.
pub(crate) fn look(login: &wit::Login, store: Result<&Arc<dyn Store>, &Error>) -> Look {
    let known = match peeked(&Slot::login(&Slot::name_of(login)), store) {
        Ok(known) => known,
        Err(look) => return *look,
    };
    let Facts::Login(facts) = &known.facts else {
        return Look::nothing(observation(wit::Outcome::Absent));
    };
    if !is_of(login, facts) {
        return Look::nothing(observation(wit::Outcome::Absent));
    }
    let seen = describe(login, known.kept_in, facts);
    Look::stored(&login.name, seen, known.secret.as_ref())
}

/// Takes the login's access token, and renews it first where it is due or was
/// rejected; this may open the keyring and ask the issuer. A login that is
/// not due costs a read of the store, and no more.
pub(crate) async fn get(
    login: &wit::Login,
    store: Result<&Arc<dyn Store>, &Error>,
    ambient: &Ambient,
    options: GetOptions,
    notices: &dyn Notices,
) -> Got {
    let ask = Ask {
        issuer: login.issuer.clone(),
        ambient: ambient.clone(),
        to: None,
    };
    let got = see(login, store, ask, options, notices.owns_signals()).await;
    Got {
        observation: wit::Observation {
            fetched: true,
            ..got.observation
        },
        ..got
    }
}

async fn see(
    login: &wit::Login,
    store: Result<&Arc<dyn Store>, &Error>,
    exchange: impl Exchange,
    options: GetOptions,
    ours: bool,
) -> Got {
    let seen = look(login, store).observation;
    let (wit::Outcome::Present, Ok(store)) = (&seen.outcome, store) else {
        return without(seen);
    };
    let (theirs, name) = (Arc::clone(store), Slot::name_of(login));
    let found = off_the_runtime(move || renew::selected(&*theirs, &name)).await;
    let (slot, kept_in, stored) = match found {
        Ok(Some((slot, kept_in, stored))) if is_of(login, &stored.facts) => (slot, kept_in, stored),
        Ok(_) => {
            let vanished = wit::Outcome::Failed(wit::FailureKind::Vanished);
            return without(wit::Observation {
                outcome: vanished,
                ..seen
            });
        }
        Err(error) => return without(store_trouble(&error)),
    };
    let token = fingerprint(&stored.access_token);
    let rejected = options.rejected && options.handed_out.is_none_or(|last| last == token);
    let due = renew::is_due(&stored.facts, SystemTime::now());
    let serves = due != Some(Due::Ended) && !rejected;
    let seen = describe(login, kept_in, &stored.facts);
    if serves && (due.is_none() || !stored.facts.renewable) {
        let notes = last_words(login, &stored.facts);
        return given(seen, stored.access_token, notes);
    }
    if !stored.facts.renewable {
        let detail = rejected.then(|| "it was rejected, and cannot be renewed".to_owned());
        return failed(seen, wit::FailureKind::Expired, detail);
    }
    let errand = Errand {
        store: Arc::clone(store),
        slot,
        issuer: login.issuer.clone(),
        exchange,
        rejected: rejected.then_some(token),
        patience: if serves { BRIEFLY } else { PATIENCE },
    };
    match renewed(errand, ours).await {
        Ok(renewed) => {
            let kept_in = renewed.kept_in.unwrap_or(kept_in);
            let seen = describe(login, kept_in, &renewed.login.facts);
            given(seen, renewed.login.access_token, renewed.notes)
        }
        Err(Failure::Store(error)) if !serves => without(store_trouble(&error)),
        Err(failure) if !serves || matches!(failure, Failure::Vanished) => {
            failed(seen, trouble(&failure), Some(failure.to_string()))
        }
        Err(failure) => {
            let ends = seen.expires_in.unwrap_or_default();
            let note = format!(
                "the login `{}` could not be renewed, and is used for the {ends} s that it has \
                 left: {failure}",
                login.name
            );
            given(seen, stored.access_token, vec![note])
        }
    }
}

/// How long somebody else is waited for who renews the login.
const PATIENCE: Duration = Duration::from_secs(60);

/// The same where the login still serves.
const BRIEFLY: Duration = Duration::from_secs(10);

/// Renews it. A signal that would end this process, where it is ours, ends it
/// at once before the issuer is asked; after that only when the answer, which
/// is worth a login, has come and is kept.
async fn renewed(errand: Errand<impl Exchange>, ours: bool) -> Result<Renewed, Failure> {
    let mut signals = Signals::listen(ours);
    let mut running = Running::start(errand)?;
    let mut came = None;
    let done = {
        let mut waiting = pin!(running.wait());
        poll_fn(|context| {
            if came.is_none() {
                came = ready(pin!(signals.next()).poll(context));
            }
            match waiting.as_mut().poll(context) {
                Poll::Ready(done) => Poll::Ready(Some(done)),
                Poll::Pending if came.is_some() => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            }
        })
        .await
    };
    let done = match done {
        Some(done) => done,
        None if running.give_up() => Err(Failure::GivenUp),
        None => running.wait().await,
    };
    if let Some(signal) = came {
        signals.die_of(signal);
    }
    done
}

fn ready<T>(poll: Poll<T>) -> Option<T> {
    match poll {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Asks the issuer, over the network. The client is made when it is needed:
/// most of the time it is not.
struct Ask {
    issuer: wit::Issuer,
    ambient: Ambient,
    to: Option<(Http, Endpoints)>,
}

impl Exchange for Ask {
    async fn prepare(&mut self) -> Result<(), login::Error> {
        if self.to.is_none() {
            let http = Http::of(&self.ambient)?;
            let endpoints = login::endpoints(&self.issuer, &http).await?;
            self.to = Some((http, endpoints));
        }
        Ok(())
    }

    async fn refresh(&mut self, refresh_token: &Secret) -> Result<Tokens, login::Error> {
        let Some((http, endpoints)) = &self.to else {
            return Err(login::Error::NotOffered("answer before it was asked where"));
        };
        token::by_refresh(&self.issuer, endpoints, http, refresh_token).await
    }
}

fn is_of(login: &wit::Login, facts: &LoginFacts) -> bool {
    facts.owner.issuer == login.issuer.url && facts.client_id == login.issuer.client_id
}

fn without(observation: wit::Observation) -> Got {
    Got::one(observation, None)
}

fn failed(seen: wit::Observation, trouble: wit::FailureKind, detail: Option<String>) -> Got {
    without(wit::Observation {
        outcome: wit::Outcome::Failed(trouble),
        detail,
        ..seen
    })
}

fn given(seen: wit::Observation, token: Secret, notes: Vec<String>) -> Got {
    let observation = carried(seen, &token);
    let token = (observation.outcome == wit::Outcome::Present).then_some(token);
    Got {
        notes,
        ..Got::one(observation, token)
    }
}

/// What to say of a login that serves for the last time.
fn last_words(login: &wit::Login, facts: &LoginFacts) -> Vec<String> {
    let left = facts.expires_at.filter(|_| facts.ended);
    let left = left.map(|time| seconds_until(time, SystemTime::now()));
    left.map(|seconds| {
        format!(
            "the login `{}` ends in {seconds} s, and its issuer does not renew it any more",
            login.name
        )
    })
    .into_iter()
    .collect()
}

/// What an observation says of a login that was not renewed.
fn trouble(failure: &Failure) -> wit::FailureKind {
    match failure {
        Failure::Ended => wit::FailureKind::Expired,
        Failure::Another => wit::FailureKind::Rejected,
        Failure::Vanished => wit::FailureKind::Vanished,
        Failure::Busy(_) | Failure::GivenUp | Failure::NoThread(_) => wit::FailureKind::Unreachable,
        Failure::Issuer(login::Error::Refused { .. }) => wit::FailureKind::Rejected,
        Failure::Issuer(_) => wit::FailureKind::Unreachable,
        Failure::Store(error) => error.trouble(),
    }
}

fn describe(login: &wit::Login, kept_in: wit::StoreKind, facts: &LoginFacts) -> wit::Observation {
    let now = SystemTime::now();
    wit::Observation {
        location: Some(format!("stored login `{}`", login.name)),
        expires_in: renew::ends_at(facts, now).map(|time| seconds_until(time, now)),
        refreshable: facts.renewable,
        account: facts.owner.account.clone(),
        organization: facts
            .owner
            .organization(login.organization_claim.as_deref()),
        stored_in: Some(kept_in),
        ..observation(wit::Outcome::Present)
    }
}

#[cfg(test)]
mod tests;
