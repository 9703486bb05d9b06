//! Renewing a login: exactly once for one expiry, however many threads and
//! processes want it, and so that nothing is lost whenever one of them dies.
//! What goes in is a login of a store that is due; what comes out is one that
//! is fresh, whoever renewed it, or why there is none. Before anything is
//! asked the login is locked and read again, and the store has made room;
//! what the issuer answers is kept before anybody sees it. Whether a login
//! that could not be renewed still serves is not decided here.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::oneshot;

use crate::login::{Error, Tokens, claims};
use keyrule_contract as wit;
use keyrule_credential::handout::{Fingerprint, fingerprint};
use keyrule_credential::secret::Secret;
use keyrule_store::{
    self as store, Entry, Facts, Known, LoginFacts, Prepared, Select, Shelf, Slot, Store,
    StoredLogin,
};
use keyrule_system::fs::atomic;

/// The longest time before its end that a login is renewed in.
const LEEWAY: Duration = Duration::from_secs(5 * 60);

/// How far two clocks may be apart, as those of machines that share a home.
const SKEW: Duration = Duration::from_secs(60);

/// How the issuer is asked. In tests nobody is.
pub trait Exchange: Send + 'static {
    /// Does what can be done before the refresh token is shown: nothing that
    /// fails here costs anything.
    fn prepare(&mut self) -> impl Future<Output = Result<(), Error>>;

    /// Shows the refresh token, which can use it up.
    fn refresh(&mut self, refresh_token: &Secret) -> impl Future<Output = Result<Tokens, Error>>;
}

/// What is to be renewed.
#[derive(Debug)]
pub struct Errand<E> {
    /// Where it is kept.
    pub store: Arc<dyn Store>,
    /// Whose login of which name; the account is always said, so that nobody
    /// who selects another one in the meantime mixes them up.
    pub slot: Slot,
    /// Whose token it is.
    pub issuer: wit::Issuer,
    /// How the issuer is asked.
    pub exchange: E,
    /// The access token that was rejected, where one was: it serves no more,
    /// whenever it ends.
    pub rejected: Option<Fingerprint>,
    /// How long somebody else is waited for who renews the same login.
    pub patience: Duration,
}

/// A login that is fresh.
#[derive(Debug)]
pub struct Renewed {
    /// What is kept now.
    pub login: StoredLogin,
    /// Where, if this has changed it.
    pub kept_in: Option<wit::StoreKind>,
    /// What the user should know.
    pub notes: Vec<String>,
}

/// Why a login was not renewed. What was kept is kept, as it was or, where
/// the issuer has said so, as one that has ended.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The issuer renews it no more. Log in again.
    #[error("the issuer does not renew it any more")]
    Ended,
    /// The issuer has renewed it as the login of somebody else, which nobody
    /// has asked for. Log in again.
    #[error("the issuer renewed it as the login of somebody else")]
    Another,
    /// It is gone: somebody has logged out, or in with another issuer.
    #[error("it was removed while it was being renewed")]
    Vanished,
    /// Somebody else holds the lock for too long.
    #[error("another process has been renewing it for {} s, and is not done", .0.as_secs())]
    Busy(Duration),
    /// The issuer was not asked, or has not answered as it must.
    #[error("{}", with_hint(.0))]
    Issuer(#[from] Error),
    /// The store does not do what it was asked.
    #[error("{}", .0.detail())]
    Store(#[from] store::Error),
    /// Nobody waits for it any more, so nobody was asked.
    #[error("it was given up before anybody was asked")]
    GivenUp,
    /// The system gives no thread to renew it in.
    #[error("this system has no thread left: {0}")]
    NoThread(std::io::Error),
}

/// What is told of a renewal is one line, so what to do stands in it.
fn with_hint(error: &Error) -> String {
    let Error::Http(error) = error else {
        return error.to_string();
    };
    match error.hint() {
        Some(hint) => format!("{error}: {hint}"),
        None => error.to_string(),
    }
}

/// How far a renewal has come.
#[derive(Debug, Clone, Default)]
struct Progress(Arc<AtomicU8>);

const WAITING: u8 = 0;
const ASKED: u8 = 1;
const GIVEN_UP: u8 = 2;

impl Progress {
    /// Gives it up, unless the issuer has been asked.
    fn give_up(&self) -> bool {
        self.reach(GIVEN_UP)
    }

    /// Says that the issuer is asked now, unless it was given up.
    fn ask(&self) -> bool {
        self.reach(ASKED)
    }

    fn is_given_up(&self) -> bool {
        self.0.load(Ordering::SeqCst) == GIVEN_UP
    }

    /// Whether it stands there afterwards: of two that differ one is first.
    fn reach(&self, stage: u8) -> bool {
        let (order, before) = (Ordering::SeqCst, WAITING);
        match self.0.compare_exchange(before, stage, order, order) {
            Ok(_) => true,
            Err(now) => now == stage,
        }
    }
}

/// A renewal that goes on, in a thread of its own: who stops waiting, by
/// dropping this, ends it only where the issuer has not been asked yet. An
/// answer is kept in every case.
#[derive(Debug)]
pub struct Running {
    progress: Progress,
    answer: oneshot::Receiver<Result<Renewed, Failure>>,
}

impl Running {
    /// Starts it.
    pub fn start(errand: Errand<impl Exchange>) -> Result<Self, Failure> {
        let progress = Progress::default();
        let (sender, answer) = oneshot::channel();
        let theirs = progress.clone();
        std::thread::Builder::new()
            .name("renewal".to_owned())
            .spawn(move || errand.run(&theirs, sender))
            .map_err(Failure::NoThread)?;
        Ok(Self { progress, answer })
    }

    /// Waits for what comes of it.
    pub async fn wait(&mut self) -> Result<Renewed, Failure> {
        // The thread is gone without an answer only where it has panicked.
        (&mut self.answer).await.unwrap_or(Err(Failure::GivenUp))
    }

    /// Gives it up, and returns whether it was; what has been asked for goes
    /// on.
    pub fn give_up(&self) -> bool {
        self.progress.give_up()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl<E: Exchange> Errand<E> {
    fn run(mut self, progress: &Progress, sender: oneshot::Sender<Result<Renewed, Failure>>) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(error) => {
                let _ = sender.send(Err(Failure::NoThread(error)));
                return;
            }
        };
        let done = runtime.block_on(self.renewed(progress));
        tracing::debug!(renewed = done.is_ok(), "renewal");
        let _ = sender.send(done);
        // A name that the system still looks up is not waited for.
        runtime.shutdown_background();
    }

    /// Everything, in its order. Calls of the store block this thread, which
    /// does nothing else.
    async fn renewed(&mut self, progress: &Progress) -> Result<Renewed, Failure> {
        let _lock = match self.lock(progress)? {
            Wait::Lock(lock) => lock,
            Wait::Fresh(login) => return Ok(adopted(*login)),
        };
        let mut before = self.load()?;
        // An issuer that knows our token no more has perhaps given another
        // one to somebody who does not know our lock: that one gets a try.
        for last in [false, true] {
            if self.is_fresh(&before) {
                return Ok(adopted(before));
            }
            let Some(refresh_token) = before
                .refresh_token
                .as_ref()
                .filter(|_| !before.facts.ended)
            else {
                return Err(Failure::Ended);
            };
            let store = Arc::clone(&self.store);
            let room = store.prepare(&self.slot)?;
            self.exchange.prepare().await?;
            if !progress.ask() {
                return Err(Failure::GivenUp);
            }
            let asked_at = SystemTime::now();
            match self.exchange.refresh(refresh_token).await {
                Ok(tokens) if claims::is_another(&self.issuer, &tokens, &before) => {
                    // OpenID Connect Core, section 12.2: it must not be. The
                    // token that was shown is used up.
                    drop(room);
                    self.mark_ended(before);
                    return Err(Failure::Another);
                }
                Ok(tokens) => {
                    let login = claims::stored(&self.issuer, tokens, Some(&before), asked_at);
                    return Ok(self.keep(room, login));
                }
                Err(Error::Refused { code, .. }) if code == "invalid_grant" => {}
                Err(error) => return Err(error.into()),
            }
            drop(room);
            let now = self.load()?;
            if last || same(&before, &now) {
                self.mark_ended(now);
                return Err(Failure::Ended);
            }
            before = now;
        }
        Err(Failure::Ended)
    }

    /// Waits for the right to renew, or for somebody else to have done it.
    fn lock(&self, progress: &Progress) -> Result<Wait, Failure> {
        let path = self.store.renewal_lock(&self.slot)?;
        let start = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            match atomic::try_lock(&path) {
                Ok(Some(lock)) => return Ok(Wait::Lock(lock)),
                Ok(None) if start.elapsed() >= self.patience => {
                    return Err(Failure::Busy(start.elapsed()));
                }
                Ok(None) => {}
                Err(source) => return Err(store::Error::NotWritable { path, source }.into()),
            }
            if progress.is_given_up() {
                return Err(Failure::GivenUp);
            }
            if self.looks_fresh()
                && let Ok(login) = self.load()
                && self.is_fresh(&login)
            {
                return Ok(Wait::Fresh(Box::new(login)));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    fn load(&self) -> Result<StoredLogin, Failure> {
        match self.store.load(&self.slot)? {
            Some(Entry::Login(login))
                if login.facts.owner.issuer == self.issuer.url
                    && login.facts.client_id == self.issuer.client_id =>
            {
                Ok(login)
            }
            Some(_) | None => Err(Failure::Vanished),
        }
    }

    /// Whether the store says, without opening a keyring, that somebody has
    /// renewed it. Where a token was rejected, only the tokens can tell.
    fn looks_fresh(&self) -> bool {
        let Ok(Some(Known {
            facts: Facts::Login(facts),
            secret,
            ..
        })) = self.store.peek(&self.slot)
        else {
            return false;
        };
        let is_another = match (self.rejected, secret) {
            (None, _) => true,
            (Some(rejected), Some(token)) => fingerprint(&token) != rejected,
            (Some(_), None) => false,
        };
        is_another && is_due(&facts, SystemTime::now()).is_none()
    }

    fn is_fresh(&self, login: &StoredLogin) -> bool {
        is_due(&login.facts, SystemTime::now()).is_none()
            && self.rejected != Some(fingerprint(&login.access_token))
    }

    /// Keeps what the issuer gave. Where even the second try fails it is
    /// handed out all the same, once: the issuer has used up what is kept.
    fn keep(&self, room: Box<dyn Prepared + '_>, login: StoredLogin) -> Renewed {
        let entry = Entry::Login(login.clone());
        let saved = room.commit(&entry, Select::Keep).or_else(|_| {
            let room = self.store.prepare(&self.slot)?;
            room.commit(&entry, Select::Keep)
        });
        match saved {
            Ok(saved) => Renewed {
                login,
                kept_in: Some(saved.kept_in),
                notes: saved.notes,
            },
            Err(error) => Renewed {
                login,
                kept_in: None,
                notes: vec![format!(
                    "the login `{}` was renewed and could not be kept, so it serves this once, \
                     and a new login will be needed: {}",
                    self.slot.label(),
                    error.detail()
                )],
            },
        }
    }

    /// Remembers that the issuer renews it no more. Where that cannot be kept,
    /// the issuer will say so again.
    fn mark_ended(&self, login: StoredLogin) {
        let ended = Entry::Login(StoredLogin {
            facts: LoginFacts {
                ended: true,
                renewable: false,
                // One that was rejected serves nobody any more.
                expires_at: match self.rejected {
                    Some(_) => Some(SystemTime::now()),
                    None => login.facts.expires_at,
                },
                ..login.facts
            },
            ..login
        });
        let kept = self
            .store
            .prepare(&self.slot)
            .and_then(|room| room.commit(&ended, Select::Keep));
        if let Err(error) = kept {
            tracing::debug!(%error, "that the login has ended was not kept");
        }
    }
}

/// How the wait for the lock ends.
enum Wait {
    /// It is ours.
    Lock(atomic::Lock),
    /// Somebody else has renewed the login.
    Fresh(Box<StoredLogin>),
}

fn adopted(login: StoredLogin) -> Renewed {
    Renewed {
        login,
        kept_in: None,
        notes: Vec::new(),
    }
}

/// Whether nobody has put other tokens in their place.
fn same(one: &StoredLogin, other: &StoredLogin) -> bool {
    let tokens = |login: &StoredLogin| {
        let renewal = login.refresh_token.as_ref().map(fingerprint);
        (fingerprint(&login.access_token), renewal)
    };
    tokens(one) == tokens(other)
}

/// Why a login should be renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It ends soon, and still serves. So does one that was got in what is
    /// the future now: a clock that was set back must not make it eternal.
    Soon,
    /// It has ended.
    Ended,
}

/// Whether a login should be renewed: within five minutes of its end, or the
/// last fifth of its time where that is shorter.
pub fn is_due(facts: &LoginFacts, now: SystemTime) -> Option<Due> {
    let Ok(left) = facts.expires_at?.duration_since(now) else {
        return Some(Due::Ended);
    };
    if left.is_zero() {
        return Some(Due::Ended);
    }
    let got_later = facts
        .obtained_at
        .is_some_and(|time| time.duration_since(now).is_ok_and(|ahead| ahead > SKEW));
    let leeway = lifetime(facts).map_or(LEEWAY, |whole| LEEWAY.min(whole / 5));
    (got_later || left <= leeway).then_some(Due::Soon)
}

/// When it ends, and never further away than its whole time.
pub fn ends_at(facts: &LoginFacts, now: SystemTime) -> Option<SystemTime> {
    let ends = facts.expires_at?;
    let longest = lifetime(facts).and_then(|whole| now.checked_add(whole));
    Some(longest.map_or(ends, |longest| ends.min(longest)))
}

/// How long it lasts from beginning to end.
fn lifetime(facts: &LoginFacts) -> Option<Duration> {
    facts.expires_at?.duration_since(facts.obtained_at?).ok()
}

/// The selected login of a name, with the account that it is pinned to, and
/// where that one is kept.
pub fn selected(
    store: &dyn Store,
    name: &str,
) -> Result<Option<(Slot, wit::StoreKind, StoredLogin)>, store::Error> {
    let of_name = |slot: &Slot| slot.shelf == Shelf::Logins && slot.name == name;
    let listed = store.list()?.into_iter();
    let Some(listed) = listed
        .into_iter()
        .find(|one| one.selected && of_name(&one.slot))
    else {
        return Ok(None);
    };
    Ok(match store.load(&listed.slot)? {
        Some(Entry::Login(login)) => Some((listed.slot, listed.known.kept_in, login)),
        Some(Entry::Key(_)) | None => None,
    })
}

#[cfg(test)]
mod tests;
