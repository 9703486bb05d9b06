//! Logging in, by library and command line alike. What goes in is a source of
//! the policy and somebody who shows where to go; what comes out is a login
//! that is kept, or why there is none. Whether it is permitted the engine
//! says: the source must count in this session, and what came back is judged
//! like anything else that was seen of it. What is not permitted is revoked
//! and never kept.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use crate::error::Error;
use crate::handout;
use crate::http::Http;
use crate::login::code::Attempt;
use crate::login::device::Device;
use crate::login::failure::Why;
use crate::login::revoke::{Revoked, revoke};
use crate::login::{self, Endpoints, Input, LoginError, LoginUi, Tokens, Visit, Way, claims, key};
use crate::sources::in_store::off_the_runtime;
use crate::sources::{observation, seconds_until};
use crate::store::{self, Entry, LoginFacts, Owner, Select, Slot, StoredKey, StoredLogin};
use keyrule_contract as wit;

use super::target::{Kind, Target};
use super::{Resolver, blocking};

/// How to log in.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoginOptions {
    /// With a code on another device, and not in a browser that comes back
    /// to this machine.
    pub device: bool,
    /// Whose login is wanted, for the issuer to know.
    pub account: Option<String>,
    /// How long the user has for it.
    pub patience: Duration,
}

impl Default for LoginOptions {
    fn default() -> Self {
        Self {
            device: false,
            account: None,
            patience: Duration::from_secs(600),
        }
    }
}

/// A login that is kept, and now in use.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoggedIn {
    /// The source.
    pub source: String,
    /// Whose it is, where the issuer says so.
    pub account: Option<String>,
    /// The organisation that it belongs to, where the issuer says so.
    pub organization: Option<String>,
    /// When it ends, or has to be renewed.
    pub expires_at: Option<SystemTime>,
    /// Whether it is renewed by itself.
    pub renewable: bool,
    /// Whether it has ended in a key, which is kept in place of the login.
    pub is_key: bool,
    /// Where it is kept, in words.
    pub place: String,
    /// What should be known besides.
    pub notes: Vec<String>,
}

impl Resolver {
    /// Logs in to a source; without one, to the one source that can be logged
    /// in to and counts in this session. The login is kept beside those of
    /// other accounts, and is then the one in use.
    ///
    /// # Errors
    ///
    /// [`Error::Login`]: the source does not count, the issuer gives nothing,
    /// the policy does not permit whose login it is, the user left. Nothing is
    /// kept then.
    pub async fn login(
        &mut self,
        source: Option<&str>,
        options: &LoginOptions,
        ui: &dyn LoginUi,
    ) -> Result<LoggedIn, Error> {
        let target = self.target(source)?;
        let store = store::of(&self.info, &self.ambient).map_err(Why::Store)?;
        // A store that cannot keep it is known before anybody goes anywhere.
        let (theirs, slot) = (Arc::clone(&store), target.slot(&Owner::default()));
        off_the_runtime(move || theirs.is_there(&slot))
            .await
            .map_err(Why::Store)?;
        let policy = self.info.name.clone();
        let failed = |error| self::failed(&target, &policy, error);
        let http = Http::of(&self.ambient).map_err(|error| failed(error.into()))?;
        let endpoints = login::endpoints(&target.issuer, &http).await;
        let endpoints = endpoints.map_err(failed)?;
        let visit = Visiting {
            target: &target,
            endpoints: &endpoints,
            http: &http,
            options,
            until: Instant::now() + options.patience,
        };
        let tokens = match visit.tokens(ui).await {
            Ok(tokens) => tokens,
            Err(Stopped::Cancelled) => return Err(Why::Cancelled.into()),
            Err(Stopped::Failed(error)) => return Err(failed(error).into()),
        };
        let login = claims::stored(&target.issuer, tokens.clone(), None, SystemTime::now());
        if let Some((words, at)) = self.objection(&target, &login.facts)? {
            let left = end(&target.issuer, &endpoints, &http, &login).await;
            return Err(Why::NotPermitted { words, at, left }.into());
        }
        let owner = login.facts.owner.clone();
        let (entry, is_key) = match &target.kind {
            Kind::Login => (Entry::Login(login.clone()), false),
            Kind::Key(request) => {
                let secret = key::key(request, &http, &tokens).await;
                // The login has served its purpose, whether or not it brought
                // a key: nobody could end it later.
                let left = end(&target.issuer, &endpoints, &http, &login).await;
                for what in left {
                    tracing::debug!(what, "left at the issuer");
                }
                let secret = secret.map_err(failed)?;
                let owner = Some(owner.clone());
                (Entry::Key(StoredKey { secret, owner }), true)
            }
        };
        let saved = match keep(&store, target.slot(&owner), entry).await {
            Ok(saved) => saved,
            Err(error) => {
                if !is_key {
                    end(&target.issuer, &endpoints, &http, &login).await;
                }
                return Err(Why::Store(error).into());
            }
        };
        Ok(LoggedIn {
            source: target.id,
            account: owner.account.clone(),
            organization: owner.organization(target.organization_claim.as_deref()),
            expires_at: login.facts.expires_at.filter(|_| !is_key),
            renewable: login.facts.renewable && !is_key,
            is_key,
            place: store.whereabouts_of(saved.kept_in).map_err(Why::Store)?,
            notes: saved.notes,
        })
    }

    /// [`Self::login`], for callers that are not asynchronous.
    ///
    /// # Errors
    ///
    /// Those of [`Self::login`], and where the system gives no thread.
    pub fn login_blocking(
        &mut self,
        source: Option<&str>,
        options: &LoginOptions,
        ui: &dyn LoginUi,
    ) -> Result<LoggedIn, Error> {
        blocking(|| self.login(source, options, ui))
    }

    /// Selects an account of a source that is logged in already.
    ///
    /// # Errors
    ///
    /// [`Error::Login`]: no such account is logged in, or the store cannot be
    /// written.
    pub fn select_account(
        &mut self,
        source: Option<&str>,
        account: &str,
    ) -> Result<LoggedIn, Error> {
        let target = self.target(source)?;
        let store = store::of(&self.info, &self.ambient).map_err(Why::Store)?;
        let kept = target.accounts(store.as_ref()).map_err(Why::Store)?;
        let Some(one) = kept.iter().find(|one| one.account == account) else {
            return Err(Why::NoAccount {
                id: target.id,
                account: account.to_owned(),
                kept: kept.into_iter().map(|one| one.account).collect(),
            }
            .into());
        };
        let (facts, kept_in) = (one.facts.clone(), one.kept_in);
        if let Some((words, at)) = self.objection(&target, &facts)? {
            let left = Vec::new();
            return Err(Why::NotPermitted { words, at, left }.into());
        }
        store.select(&target.name, account).map_err(Why::Store)?;
        let owner = &facts.owner;
        Ok(LoggedIn {
            source: target.id.clone(),
            account: owner.account.clone(),
            organization: owner.organization(target.organization_claim.as_deref()),
            expires_at: facts.expires_at,
            renewable: facts.renewable,
            is_key: false,
            place: store.whereabouts_of(kept_in).map_err(Why::Store)?,
            notes: Vec::new(),
        })
    }

    /// What the policy has against a login that nobody has kept yet, by the
    /// engine's own judgement, and the line of the rule.
    fn objection(
        &mut self,
        target: &Target,
        facts: &LoginFacts,
    ) -> Result<Option<(String, wit::Location)>, Error> {
        let owner = &facts.owner;
        let claim = target.organization_claim.as_deref();
        let seen = wit::Observation {
            expires_in: match target.kind {
                Kind::Login => facts
                    .expires_at
                    .map(|time| seconds_until(time, SystemTime::now())),
                Kind::Key(_) => None,
            },
            refreshable: facts.renewable,
            account: owner.account.clone(),
            organization: owner.organization(claim),
            ..observation(wit::Outcome::Present)
        };
        let number = u32::try_from(target.index).unwrap_or(u32::MAX);
        let finding = self.judge.observe(number, &seen)?;
        match finding.state {
            // Where it may be sent is a matter of its use.
            wit::State::Ready | wit::State::Fetched | wit::State::Forbidden => return Ok(None),
            wit::State::Unknown
            | wit::State::Unavailable
            | wit::State::Failed
            | wit::State::Fatal => {}
        }
        let evidence = (0..self.sources.len()).map(|index| wit::Evidence {
            consent: wit::Consent::Undecided,
            observation: (index == target.index).then(|| seen.clone()),
        });
        let evidence: Vec<_> = evidence.collect();
        let explanation = self.judge.explain(self.session, &evidence)?;
        let line = explanation
            .sources
            .into_iter()
            .find(|line| line.source == number);
        let words = line.map_or_else(|| "is not permitted".to_owned(), |line| line.text);
        Ok(Some((words, finding.rule)))
    }
}

/// Ends a login that nobody keeps; what could not be ended comes back in
/// words.
async fn end(
    issuer: &wit::Issuer,
    endpoints: &Endpoints,
    http: &Http,
    login: &StoredLogin,
) -> Vec<String> {
    left(revoke(issuer, endpoints, http, login).await, &issuer.url)
}

/// What is left at the issuer, in words.
pub(super) fn left(revoked: Revoked, issuer: &str) -> Vec<String> {
    match revoked {
        Revoked::NotOffered => vec![format!(
            "`{issuer}` offers no way to end a login: its tokens last until they end by themselves"
        )],
        Revoked::Asked { refresh, access } => {
            let words = |what: &str, ended: Result<(), login::Error>| {
                let error = ended.err()?;
                Some(format!("the {what} token was not revoked: {error}"))
            };
            let refresh = refresh.and_then(|ended| words("refresh", ended));
            refresh.into_iter().chain(words("access", access)).collect()
        }
    }
}

/// Keeps what was got. A login that is being renewed by somebody else is
/// waited for, so that the old one does not take the place of the new one.
async fn keep(
    store: &std::sync::Arc<dyn store::Store>,
    slot: Slot,
    entry: Entry,
) -> Result<store::Saved, store::Error> {
    let store = std::sync::Arc::clone(store);
    let _lock = match &entry {
        Entry::Login(_) => Some(super::logout::lock(&store, &slot).await?),
        Entry::Key(_) => None,
    };
    off_the_runtime(move || store.prepare(&slot)?.commit(&entry, Select::Yes)).await
}

/// A failure of the login, with what to type to try again.
fn failed(target: &Target, policy: &str, source: login::Error) -> LoginError {
    Why::Issuer {
        id: target.id.clone(),
        command: super::target::command(policy, &format!("login {}", target.id)),
        source,
    }
    .into()
}

/// Why there are no tokens.
enum Stopped {
    Cancelled,
    Failed(login::Error),
}

impl From<login::Error> for Stopped {
    fn from(error: login::Error) -> Self {
        Self::Failed(error)
    }
}

/// Somebody on the way to the issuer and back.
struct Visiting<'v> {
    target: &'v Target,
    endpoints: &'v Endpoints,
    http: &'v Http,
    options: &'v LoginOptions,
    until: Instant,
}

impl Visiting<'_> {
    async fn tokens(&self, ui: &dyn LoginUi) -> Result<Tokens, Stopped> {
        if !self.options.device
            && let Some(tokens) = self.by_browser(ui).await?
        {
            return Ok(tokens);
        }
        self.by_device(ui).await
    }

    /// None where the user wants the other way.
    async fn by_browser(&self, ui: &dyn LoginUi) -> Result<Option<Tokens>, Stopped> {
        let hint = self.options.account.as_deref();
        let mut attempt = Attempt::begin(&self.target.issuer, self.endpoints, hint).await?;
        let shown = Shown(ui);
        ui.show(&self.visit(
            Way::Browser {
                url: attempt.url().to_owned(),
            },
            self.until,
        ));
        let code = loop {
            let input = match first(attempt.answered(), ui, self.until).await {
                First::Done(code) => break code?,
                First::Input(input) => input,
                First::Late => return Err(login::Error::TimedOut(self.options.patience).into()),
            };
            match input {
                Input::Pasted(text) => match attempt.pasted(handout::to_send(&text)) {
                    Ok(code) => break code,
                    Err(error) => ui.note(&error.to_string()),
                },
                Input::Device if self.endpoints.device.is_some() => return Ok(None),
                Input::Device => {}
                Input::Cancel => return Err(Stopped::Cancelled),
            }
        };
        drop(shown);
        Ok(Some(attempt.finish(code, self.http).await?))
    }

    async fn by_device(&self, ui: &dyn LoginUi) -> Result<Tokens, Stopped> {
        let device = Device::begin(&self.target.issuer, self.endpoints, self.http).await?;
        let ends = Instant::now().checked_add(device.expires_in);
        let until = ends.map_or(self.until, |ends| ends.min(self.until));
        let _shown = Shown(ui);
        ui.show(&self.visit(
            Way::Device {
                url: device.verification_uri.clone(),
                complete: device.verification_uri_complete.clone(),
                code: device.user_code.clone(),
            },
            until,
        ));
        let mut finish = std::pin::pin!(device.finish(self.http));
        loop {
            match first(finish.as_mut(), ui, self.until).await {
                First::Done(tokens) => return Ok(tokens?),
                First::Input(Input::Cancel) => return Err(Stopped::Cancelled),
                First::Input(Input::Pasted(_) | Input::Device) => {}
                First::Late => return Err(login::Error::TimedOut(self.options.patience).into()),
            }
        }
    }

    fn visit(&self, way: Way, until: Instant) -> Visit {
        let offers_device = self.endpoints.device.is_some();
        Visit {
            source: self.target.id.clone(),
            issuer: self.endpoints.issuer.clone(),
            offers_device: offers_device && matches!(way, Way::Browser { .. }),
            way,
            until,
        }
    }
}

/// Whoever showed something is told when it is over, however that came about.
struct Shown<'u>(&'u dyn LoginUi);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        self.0.done();
    }
}

/// What came first.
enum First<T> {
    Done(T),
    Input(Input),
    Late,
}

async fn first<T>(work: impl Future<Output = T>, ui: &dyn LoginUi, until: Instant) -> First<T> {
    use std::future::poll_fn;
    use std::task::Poll;
    let mut work = std::pin::pin!(work);
    let mut input = ui.input();
    let mut late = std::pin::pin!(tokio::time::sleep_until(until.into()));
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(First::Done(done));
        }
        if let Poll::Ready(input) = input.as_mut().poll(context) {
            return Poll::Ready(First::Input(input));
        }
        late.as_mut().poll(context).map(|()| First::Late)
    })
    .await
}

impl Target {
    /// Where a login of this owner is kept.
    fn slot(&self, owner: &Owner) -> Slot {
        match (&self.kind, &owner.account) {
            (Kind::Key(_), _) => Slot::key(&self.name),
            (Kind::Login, Some(account)) => Slot::account(&self.name, account),
            (Kind::Login, None) => Slot::account(&self.name, ""),
        }
    }
}

#[cfg(test)]
mod tests;
