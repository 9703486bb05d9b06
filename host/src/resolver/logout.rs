//! Logging out. What goes in is a source and an account; what comes out is
//! what was ended, what was removed, and which part of it failed. The issuer
//! is told first (RFC 7009), and what is kept here is removed even where that
//! failed: somebody who logs out must not stay logged in because a network is
//! down. Whether the policy permits the login does not matter.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::consent::{ConsentBook, Forget};
use crate::error::Error;
use crate::http::Http;
use crate::login::failure::Why;
use crate::login::revoke::{Revoked, revoke};
use crate::login::{self, LoginError};
use crate::resolve::chain;
use crate::sources::helper;
use crate::sources::in_store::off_the_runtime;
use crate::store::{self, Entry, Facts, LoginFacts, Owner, Shelf, Slot, Store, StoredLogin};
use keyrule_contract as wit;
use keyrule_system::fs::atomic;

use super::attended::attended;
use super::login::left;
use super::target::{Account, Kind, Target, command, logout_of};
use super::{Resolver, blocking};

/// How long somebody else's renewal is waited for: longer than its request
/// can take.
const PATIENCE: Duration = Duration::from_secs(45);

/// What became of one login.
#[derive(Debug, Clone, Default)]
pub struct LoggedOut {
    /// The source, or the login's name where no source has it.
    pub source: String,
    /// Whose login it was, where that is known.
    pub account: Option<String>,
    /// The issuer has ended it.
    pub ended: bool,
    /// Nothing of it is kept here any more.
    pub removed: bool,
    /// It is kept still, because the keyring that has it is locked, or is not
    /// there.
    pub awaits_keyring: bool,
    /// The names of the keys obtained through it, which were removed with it.
    pub keys: Vec<String>,
    /// Which parts failed, in words.
    pub failed: Vec<String>,
    /// What should be known besides.
    pub notes: Vec<String>,
}

/// What became of everything.
#[derive(Debug, Clone, Default)]
pub struct LoggedOutOfAll {
    /// Each login.
    pub logins: Vec<LoggedOut>,
    /// The names of the other keys that were removed.
    pub keys: Vec<String>,
    /// How many consents were forgotten, of all policies.
    pub consents: usize,
    /// How many cached tokens of helpers were forgotten.
    pub helper_tokens: usize,
    /// A key is kept still, because the keyring that has it is locked, or is
    /// not there.
    pub awaits_keyring: bool,
    /// Which other parts failed, in words.
    pub failed: Vec<String>,
}

impl LoggedOutOfAll {
    /// Whether there was nothing at all.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.logins.is_empty()
            && self.keys.is_empty()
            && self.failed.is_empty()
            && self.consents == 0
            && self.helper_tokens == 0
    }
}

impl Resolver {
    /// Logs out of a source; without one, out of the one that is logged in.
    /// Without an account it is the selected one. Other accounts stay as they
    /// are.
    ///
    /// # Errors
    ///
    /// [`Error::Login`]: nothing is logged in there, or several logins can be
    /// meant. What fails on the way is no error: it is in the answer, because
    /// the rest was done.
    pub async fn logout(
        &mut self,
        source: Option<&str>,
        account: Option<&str>,
    ) -> Result<LoggedOut, Error> {
        let store = store::of(&self.info, &self.ambient).map_err(login_error)?;
        let target = match source {
            Some(id) => self.named(id).map_err(|error| self.leaving(error))?,
            None => match self.logged_in(store.as_ref()) {
                Err(error) => return Err(self.provider_in_use()?.unwrap_or(error)),
                Ok(target) => target,
            },
        };
        if let Kind::Key(_) = target.kind {
            return self.drop_key(&target, &store, account).await;
        }
        let kept = target.accounts(store.as_ref()).map_err(login_error)?;
        let one = self.meant(&target, kept, account)?;
        Ok(self.end(&target.id, &target.name, one, &store).await)
    }

    /// [`Self::logout`], for callers that are not asynchronous.
    ///
    /// # Errors
    ///
    /// Those of [`Self::logout`], and where the system gives no thread.
    pub fn logout_blocking(
        &mut self,
        source: Option<&str>,
        account: Option<&str>,
    ) -> Result<LoggedOut, Error> {
        blocking(|| self.logout(source, account))
    }

    /// Logs out of everything in the policy's store, and forgets its keys, and
    /// the consents and cached helper tokens of all policies.
    ///
    /// # Errors
    ///
    /// Where there is no place for a store. What fails on the way is in the
    /// answer.
    pub async fn logout_of_all(&mut self) -> Result<LoggedOutOfAll, Error> {
        let store = store::of(&self.info, &self.ambient).map_err(login_error)?;
        let mut done = LoggedOutOfAll::default();
        let listed = store.list().unwrap_or_else(|error| {
            done.failed.push(error.detail());
            Vec::new()
        });
        for one in &listed {
            if let (Shelf::Logins, Facts::Login(facts)) = (one.slot.shelf, &one.known.facts) {
                let name = &one.slot.name;
                let source = self.targets().find(|target| target.name == *name);
                let label = || one.slot.label().to_owned();
                let id = source.map_or_else(label, |source| source.id);
                let account = Account {
                    kept_in: one.known.kept_in,
                    account: one.slot.account.clone().unwrap_or_default(),
                    selected: one.selected,
                    facts: facts.clone(),
                };
                done.logins.push(self.end(&id, name, account, &store).await);
            }
        }
        let gone: Vec<_> = done.logins.iter().flat_map(|login| &login.keys).collect();
        let keys = listed.into_iter().map(|one| one.slot);
        let keys: Vec<_> = keys
            .filter(|slot| slot.shelf == Shelf::Keys && !gone.contains(&&slot.name))
            .collect();
        for slot in keys {
            let name = slot.name.clone();
            match delete(&store, slot).await {
                Ok(true) => done.keys.push(name),
                Ok(false) => {}
                Err(error) => {
                    let why = error.detail();
                    done.failed.push(format!("the key `{name}` stays: {why}"));
                    done.awaits_keyring |= awaits_keyring(&error);
                }
            }
        }
        match ConsentBook::open(&self.ambient).forget(Forget::All) {
            Ok(forgotten) => done.consents = forgotten.count,
            Err(error) => done.failed.push(format!("the consents stay: {error}")),
        }
        done.helper_tokens = helper::forget(&self.ambient);
        Ok(done)
    }

    /// [`Self::logout_of_all`], for callers that are not asynchronous.
    ///
    /// # Errors
    ///
    /// Those of [`Self::logout_of_all`], and where the system gives no thread.
    pub fn logout_of_all_blocking(&mut self) -> Result<LoggedOutOfAll, Error> {
        blocking(|| self.logout_of_all())
    }

    /// The one source that is logged in.
    fn logged_in(&self, store: &dyn Store) -> Result<Target, Error> {
        let listed = store.list().map_err(login_error)?;
        let is_kept = |target: &Target| {
            listed.iter().any(|one| {
                one.slot.name == target.name
                    && match (&target.kind, &one.known.facts) {
                        (Kind::Login, Facts::Login(_)) => true,
                        (Kind::Key(_), Facts::Key(owner)) => owner.is_some(),
                        (Kind::Login, Facts::Key(_)) | (Kind::Key(_), Facts::Login(_)) => false,
                    }
            })
        };
        let mut kept: Vec<_> = self.targets().filter(is_kept).collect();
        // Two sources can use one login.
        kept.dedup_by(|one, other| {
            one.name == other.name && matches!((&one.kind, &other.kind), (Kind::Login, Kind::Login))
        });
        match (kept.len(), kept.pop()) {
            (1, Some(target)) => Ok(target),
            (_, None) => Err(LoginError::from(self.nobody(None)).into()),
            (_, Some(last)) => Err(Why::WhichSource {
                ids: kept.into_iter().chain([last]).map(|one| one.id).collect(),
                command: command(&self.info.name, "logout"),
            }
            .into()),
        }
    }

    /// The same, where the credentials in use are a cloud provider's: somebody
    /// who logs out means those.
    fn provider_in_use(&mut self) -> Result<Option<Error>, Error> {
        let explained = self.explain()?;
        let source = explained
            .subject()
            .and_then(|index| explained.source(index));
        let cloud = source.filter(|source| matches!(source.kind, wit::Kind::Cloud(_)));
        Ok(cloud.map(|source| {
            let error = self.named(&source.id).err();
            let why = self.nobody(None);
            error.map_or_else(|| why.into(), |error| self.leaving(error).into())
        }))
    }

    /// The account that is meant, of those that are kept.
    fn meant(
        &self,
        target: &Target,
        mut kept: Vec<Account>,
        account: Option<&str>,
    ) -> Result<Account, LoginError> {
        let position = match account {
            Some(account) => kept.iter().position(|one| one.account == account),
            // Not the one that is left of several: nobody has named it.
            None => kept.iter().position(|one| one.selected),
        };
        if let Some(position) = position {
            return Ok(kept.swap_remove(position));
        }
        let kept: Vec<_> = kept.into_iter().map(|one| one.account).collect();
        let id = target.id.clone();
        Err(match account {
            Some(account) if !kept.is_empty() => Why::NoAccount {
                id,
                account: account.to_owned(),
                kept,
            },
            _ if kept.is_empty() => self.nobody(Some(&id)),
            _ => Why::WhichAccount {
                command: command(&self.info.name, &format!("logout {id} --account")),
                id,
                kept,
            },
        }
        .into())
    }

    fn nobody(&self, id: Option<&str>) -> Why {
        let mut kinds = self.sources.iter().map(|source| &source.kind);
        let has_tool = kinds.any(|kind| matches!(kind, keyrule_contract::Kind::ToolOwned(_)));
        Why::NotLoggedIn {
            words: match id {
                Some(id) => format!("nobody is logged in to `{id}`"),
                None => "nobody is logged in".to_owned(),
            },
            hint: (has_tool && id.is_none())
                .then(|| format!("the own login of {} is ended there", self.tool())),
        }
    }

    /// The same, said of leaving.
    fn leaving(&self, error: LoginError) -> LoginError {
        match error.why() {
            Why::ToolLogin { id, tool, .. } => Why::ToolLogin {
                id: id.clone(),
                tool: tool.clone(),
                how: format!("log out in {tool} itself"),
            }
            .into(),
            Why::Provider { id, provider, .. } => {
                let source = self.sources.iter().find(|source| source.id == *id);
                let how = match source.map(|source| &source.kind) {
                    Some(wit::Kind::Cloud(cloud)) => logout_of(cloud),
                    _ => "see its documentation",
                };
                Why::Provider {
                    id: id.clone(),
                    provider: provider.clone(),
                    how: format!("log out with the provider's own: {how}"),
                }
                .into()
            }
            _ => error,
        }
    }

    /// Removes a key that a login has brought. The login itself was ended as
    /// soon as it had brought it.
    async fn drop_key(
        &self,
        target: &Target,
        store: &Arc<dyn Store>,
        account: Option<&str>,
    ) -> Result<LoggedOut, Error> {
        let slot = Slot::key(&target.name);
        let known = store.peek(&slot).map_err(login_error)?;
        let owner = match known.map(|known| known.facts) {
            Some(Facts::Key(Some(owner))) => owner,
            Some(Facts::Key(None)) => {
                let name = &target.name;
                return Err(Why::NotLoggedIn {
                    words: format!("the key `{name}` was stored by hand, not by a login"),
                    hint: Some(format!(
                        "remove it: `{}`",
                        command(&self.info.name, &format!("key remove {name}"))
                    )),
                }
                .into());
            }
            Some(Facts::Login(_)) | None => {
                return Err(LoginError::from(self.nobody(Some(&target.id))).into());
            }
        };
        if let Some(account) = account
            && owner.account.as_deref() != Some(account)
        {
            return Err(Why::NoAccount {
                id: target.id.clone(),
                account: account.to_owned(),
                kept: owner.account.into_iter().collect(),
            }
            .into());
        }
        delete(store, slot).await.map_err(login_error)?;
        Ok(LoggedOut {
            source: target.id.clone(),
            account: owner.account,
            removed: true,
            keys: vec![target.name.clone()],
            notes: vec![format!(
                "the key `{}` is forgotten here, and lasts until it is removed at `{}`",
                target.name, target.issuer.url
            )],
            ..LoggedOut::default()
        })
    }

    /// Ends one login at its issuer, and removes it and its keys here.
    async fn end(
        &self,
        id: &str,
        name: &str,
        account: Account,
        store: &Arc<dyn Store>,
    ) -> LoggedOut {
        let slot = Slot::account(name, &account.account);
        let facts = account.facts;
        let mut done = LoggedOut {
            source: id.to_owned(),
            account: Some(account.account).filter(|account| !account.is_empty()),
            ..LoggedOut::default()
        };
        // Who renews it right now would put it back.
        let lock = lock(store, &slot).await;
        if let Err(error) = &lock {
            let note = format!(
                "a renewal at the same time was not excluded: {}",
                error.detail()
            );
            done.notes.push(note);
        }
        match load(store, slot.clone()).await {
            Ok(Some(login)) => self.tell(&facts, &login, &mut done).await,
            Ok(None) => done.failed.push(
                "the issuer was not told, because its tokens are not in the store any more"
                    .to_owned(),
            ),
            Err(error) => done.failed.push(format!(
                "the issuer was not told, because the tokens cannot be read: {}",
                error.detail()
            )),
        }
        match delete(store, slot).await {
            Ok(_) => done.removed = true,
            Err(error) => {
                let why = error.detail();
                done.failed.push(format!("it was not removed here: {why}"));
                done.awaits_keyring = awaits_keyring(&error);
            }
        }
        drop(lock);
        remove_keys(store, &facts.owner, &mut done).await;
        done
    }

    /// Tells the issuer, which is the one that gave the login and nobody else.
    async fn tell(&self, facts: &LoginFacts, login: &StoredLogin, done: &mut LoggedOut) {
        let url = &facts.owner.issuer;
        let mut issuers = self.targets().map(|target| target.issuer);
        let issuer =
            issuers.find(|issuer| issuer.url == *url && issuer.client_id == facts.client_id);
        let Some(issuer) = issuer else {
            done.failed.push(format!(
                "`{url}` was not told: the policy does not name that issuer"
            ));
            return;
        };
        let revoked = async {
            let http = Http::of(&self.ambient)?;
            let endpoints = login::endpoints(&issuer, &http).await?;
            Ok::<_, login::Error>(revoke(&issuer, &endpoints, &http, login).await)
        };
        match attended(revoked, url, self.notices.as_ref()).await {
            Ok(revoked @ Revoked::NotOffered) => done.notes.extend(left(revoked, url)),
            Ok(revoked @ Revoked::Asked { .. }) => {
                done.failed.extend(left(revoked, url));
                done.ended = done.failed.is_empty();
            }
            Err(error) => {
                let why = chain(&error);
                done.failed.push(format!("`{url}` was not told: {why}"));
            }
        }
    }
}

/// Removes the keys that this account's logins with this issuer have brought.
async fn remove_keys(store: &Arc<dyn Store>, owner: &Owner, done: &mut LoggedOut) {
    if owner.account.is_none() {
        return;
    }
    let listed = match store.list() {
        Ok(listed) => listed,
        Err(error) => {
            let why = error.detail();
            done.failed
                .push(format!("its keys were not looked for: {why}"));
            return;
        }
    };
    for one in listed {
        let Facts::Key(Some(of)) = &one.known.facts else {
            continue;
        };
        if of.issuer != owner.issuer || of.account != owner.account {
            continue;
        }
        let name = one.slot.name.clone();
        match delete(store, one.slot).await {
            Ok(_) => done.keys.push(name),
            Err(error) => {
                let why = error.detail();
                done.failed.push(format!("the key `{name}` stays: {why}"));
            }
        }
    }
}

/// The right to change a login while nobody else renews it.
pub(super) async fn lock(
    store: &Arc<dyn Store>,
    slot: &Slot,
) -> Result<atomic::Lock, store::Error> {
    let (store, slot) = (Arc::clone(store), slot.clone());
    off_the_runtime(move || {
        let path = store.renewal_lock(&slot)?;
        let until = Instant::now() + PATIENCE;
        loop {
            match atomic::lock(&path) {
                Ok(lock) => return Ok(lock),
                Err(error) if error.kind() == std::io::ErrorKind::TimedOut => {
                    if Instant::now() >= until {
                        return Err(store::Error::Locked { path });
                    }
                }
                Err(source) => return Err(store::Error::NotWritable { path, source }),
            }
        }
    })
    .await
}

async fn load(store: &Arc<dyn Store>, slot: Slot) -> Result<Option<StoredLogin>, store::Error> {
    let store = Arc::clone(store);
    let entry = off_the_runtime(move || store.load(&slot)).await?;
    Ok(match entry {
        Some(Entry::Login(login)) => Some(login),
        Some(Entry::Key(_)) | None => None,
    })
}

async fn delete(store: &Arc<dyn Store>, slot: Slot) -> Result<bool, store::Error> {
    let store = Arc::clone(store);
    off_the_runtime(move || store.delete(&slot)).await
}

/// Whether it can be done once the keyring is unlocked, or started.
fn awaits_keyring(error: &store::Error) -> bool {
    matches!(
        error,
        store::Error::Keyring {
            trouble: wit::FailureKind::Locked | wit::FailureKind::NoStore,
            ..
        }
    )
}

fn login_error(error: store::Error) -> LoginError {
    Why::Store(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::Ambient;
    use crate::secret::Secret;
    use crate::store::StoredKey;
    use crate::store::memory::MemoryStore;
    use keyrule_system::runtime::block_on;

    const POLICY: &str = r#"
name = "sample"
[[issuer]]
id = "test"
url = "http://127.0.0.1:9"
client-id = "cli"
scopes = ["openid"]
endpoints = { authorization = "http://127.0.0.1:9/auth", token = "http://127.0.0.1:9/token" }
[[source]]
id = "work"
kind = "login"
login = "stored"
issuer = "test"
headers = { Authorization = "Bearer {secret}" }
endpoint = { default = "http://127.0.0.1:9" }
surfaces = ["terminal"]
"#;

    /// Leaves a login that is listed, with this in the store.
    fn left(store: MemoryStore) -> LoggedOut {
        let resolver = Resolver::hermetic("sample")
            .document(wit::DocumentOrigin::User, "sample.toml", POLICY)
            .ambient(Ambient::empty())
            .build()
            .unwrap();
        let account = Account {
            kept_in: wit::StoreKind::File,
            account: "ada".to_owned(),
            selected: true,
            facts: LoginFacts {
                owner: Owner {
                    issuer: "http://127.0.0.1:9".to_owned(),
                    ..Owner::default()
                },
                client_id: "cli".to_owned(),
                obtained_at: None,
                expires_at: None,
                renewable: true,
                ended: false,
            },
        };
        let store: Arc<dyn Store> = Arc::new(store);
        block_on(resolver.end("work", "stored", account, &store))
    }

    #[test]
    fn tokens_that_are_gone_are_said_to_be_left_at_the_issuer() {
        let holds_a_key = MemoryStore::default();
        let key = Entry::Key(StoredKey {
            secret: Secret::new("s3cr3t"),
            owner: None,
        });
        let slot = Slot::account("stored", "ada");
        holds_a_key.save(&slot, &key).unwrap();
        for store in [MemoryStore::default(), holds_a_key] {
            let done = left(store);
            assert_eq!(
                done.failed,
                ["the issuer was not told, because its tokens are not in the store any more"]
            );
            assert!(done.removed && !done.ended);
        }
    }

    #[test]
    fn a_keyring_that_is_locked_or_not_there_is_waited_for_and_no_other_trouble() {
        let error = |trouble| store::Error::Keyring {
            why: "says so".to_owned(),
            trouble,
        };
        assert!(awaits_keyring(&error(wit::FailureKind::Locked)));
        assert!(awaits_keyring(&error(wit::FailureKind::NoStore)));
        assert!(!awaits_keyring(&error(wit::FailureKind::Invalid)));
        let path = std::path::PathBuf::from("/x");
        assert!(!awaits_keyring(&store::Error::Locked { path }));
    }
}
