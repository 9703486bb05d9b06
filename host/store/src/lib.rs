//! Stores keys and logins: in a file, or in the keyring of the system (feature
//! `keyring`). It does not choose which credential is used, and no store replaces
//! another unless the policy says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use keyrule_contract as wit;
use keyrule_credential::Secret;

mod entries;
mod error;
mod index;
mod item;
mod keyring;
mod local;
#[cfg(any(test, feature = "samples"))]
pub mod memory;
mod record;
mod recover;
mod vault;
mod wire;

pub use error::Error;

/// A place that keeps keys and logins. Calls can block: a keyring answers in
/// seconds, so they are kept off the threads of a shared runtime.
pub trait Store: fmt::Debug + Send + Sync {
    /// What is known of what is kept there, without opening a keyring: free.
    fn peek(&self, slot: &Slot) -> Result<Option<Known>, Error>;

    /// What is kept there, if anything is. This may open the keyring.
    fn load(&self, slot: &Slot) -> Result<Option<Entry>, Error>;

    /// Makes room for an entry, so that what follows can hardly fail: a
    /// refresh token that was used up and could not be written is lost.
    fn prepare(&self, slot: &Slot) -> Result<Box<dyn Prepared + '_>, Error>;

    /// Whether what would keep it is there at all, before anybody logs in for
    /// nothing. Writes nothing; a keyring that is locked may not show it.
    fn is_there(&self, slot: &Slot) -> Result<(), Error> {
        self.peek(slot).map(drop)
    }

    /// Keeps the entry in place of what was there. A login becomes the
    /// selected one of its name.
    fn save(&self, slot: &Slot, entry: &Entry) -> Result<Saved, Error> {
        self.prepare(slot)?.commit(entry, Select::Yes)
    }

    /// Selects an account of a login, and returns whether there is such a one.
    fn select(&self, name: &str, account: &str) -> Result<bool, Error>;

    /// Forgets what is kept there, and returns whether anything was. Where
    /// the selected account of a login is forgotten, no other takes its
    /// place: nobody said so.
    fn delete(&self, slot: &Slot) -> Result<bool, Error>;

    /// Everything that is kept, in order, without opening a keyring.
    fn list(&self) -> Result<Vec<Listed>, Error>;

    /// Where it keeps what is saved now, in words.
    fn whereabouts(&self) -> Result<String, Error>;

    /// Where it keeps what is kept in a store of this kind, in words.
    fn whereabouts_of(&self, kind: wit::StoreKind) -> Result<String, Error> {
        match kind {
            wit::StoreKind::Keyring => Ok("the keyring".to_owned()),
            wit::StoreKind::File => self.whereabouts(),
        }
    }

    /// What is odd about what is kept, one sentence each: damaged entries,
    /// and what could not be removed from the keyring.
    fn oddities(&self) -> Result<Vec<String>, Error> {
        Ok(Vec::new())
    }

    /// The file to lock while the login of this name and account is renewed,
    /// its folder made; one for each.
    fn renewal_lock(&self, slot: &Slot) -> Result<PathBuf, Error>;
}

/// Room for an entry, until it is dropped.
pub trait Prepared {
    /// Keeps the entry.
    fn commit(self: Box<Self>, entry: &Entry, select: Select) -> Result<Saved, Error>;
}

/// Whether a login that is kept becomes the selected one of its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// It does: somebody has logged in.
    Yes,
    /// It does not: it was only renewed.
    Keep,
}

/// What became of what was saved.
#[derive(Debug)]
pub struct Saved {
    /// Which store keeps it.
    pub kept_in: wit::StoreKind,
    /// What the user should know: a fallback was taken, something damaged was
    /// set aside.
    pub notes: Vec<String>,
}

/// Where a policy keeps keys and logins, on this system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreConfig {
    /// The folder of the file.
    pub folder: PathBuf,
    /// The one store; where there is none, what is usual on the system: the
    /// keyring on macOS, the file elsewhere.
    pub kind: Option<wit::StoreKind>,
    /// What takes its place where it cannot be used; without one nothing does.
    pub fallback: Option<wit::StoreKind>,
}

/// The store that is configured so.
#[must_use]
pub fn of(config: StoreConfig) -> Arc<dyn Store> {
    Arc::new(local::LocalStore::of(config))
}

/// Whether the store that is configured so answers, and where it is in words.
/// This may open the keyring, and takes 5 s at most.
///
/// # Errors
///
/// Why it does not answer.
pub fn probe(config: StoreConfig) -> Result<String, Error> {
    local::LocalStore::of(config).probe()
}

/// Which kind of thing a name is the name of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shelf {
    /// Keys, as `stored-key` sources name them.
    Keys,
    /// Logins, as `login` sources name them.
    Logins,
}

/// What stands between the parts of a login's name in the store.
const BETWEEN: &str = " @ ";

/// Scheme, host and port; of what is no URL, all of it.
fn origin(url: &str) -> String {
    url::Url::parse(url).map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization())
}

/// Where in a store something is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// The kind of thing.
    pub shelf: Shelf,
    /// Its name in the policy.
    pub name: String,
    /// Whose login it is; without one, the selected one of its name.
    pub account: Option<String>,
}

impl Slot {
    /// The key of this name.
    pub fn key(name: &str) -> Self {
        Self {
            shelf: Shelf::Keys,
            name: name.to_owned(),
            account: None,
        }
    }

    /// The selected login of this name.
    pub fn login(name: &str) -> Self {
        Self {
            shelf: Shelf::Logins,
            name: name.to_owned(),
            account: None,
        }
    }

    /// The name that a login of the policy is kept under. It says with whom
    /// the login is made: policies that name the same login and another
    /// issuer, another client or another place where the issuer answers do
    /// not see each other's, do not replace them, and send no token of theirs
    /// anywhere.
    pub fn name_of(login: &wit::Login) -> String {
        let wit::Issuer {
            url,
            client_id,
            endpoints,
            ..
        } = &login.issuer;
        let mut name = format!("{}{BETWEEN}{url}{BETWEEN}{client_id}", login.name);
        let Some(endpoints) = endpoints else {
            return name;
        };
        let named = [
            Some(&endpoints.token),
            endpoints.revocation.as_ref(),
            endpoints.introspection.as_ref(),
            endpoints.userinfo.as_ref(),
        ];
        // Another path of the issuer's own origin is the same issuer.
        let own = origin(url);
        let others: BTreeSet<_> = named
            .into_iter()
            .flatten()
            .map(|place| origin(place))
            .filter(|place| *place != own)
            .collect();
        for place in others {
            name.push_str(BETWEEN);
            name.push_str(&place);
        }
        name
    }

    /// The name as the policy has it, for people.
    pub fn label(&self) -> &str {
        match self.shelf {
            Shelf::Keys => &self.name,
            Shelf::Logins => self.name.split(BETWEEN).next().unwrap_or_default(),
        }
    }

    /// This account's login of this name.
    pub fn account(name: &str, account: &str) -> Self {
        Self {
            account: Some(account.to_owned()),
            ..Self::login(name)
        }
    }
}

/// Something kept, as a list has it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Where; a login's account is always said.
    pub slot: Slot,
    /// Whether it is the selected login of its name; true for keys.
    pub selected: bool,
    /// What is known of it.
    pub known: Known,
}

/// What is known of an entry without opening a keyring.
#[derive(Debug, Clone)]
pub struct Known {
    /// Which store keeps it.
    pub kept_in: wit::StoreKind,
    /// What it is.
    pub facts: Facts,
    /// The key or access token itself, where the store is not a keyring.
    pub secret: Option<Secret>,
}

/// What an entry is, without its secrets.
#[derive(Debug, Clone)]
pub enum Facts {
    /// A key, and the login that brought it, where one did.
    Key(Option<Owner>),
    /// A login.
    Login(LoginFacts),
}

/// Something kept.
#[derive(Debug, Clone)]
pub enum Entry {
    /// A key.
    Key(StoredKey),
    /// A login.
    Login(StoredLogin),
}

/// A key.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// The key itself.
    pub secret: Secret,
    /// The login that brought it, where one did.
    pub owner: Option<Owner>,
}

/// A login that was made with an issuer.
#[derive(Debug, Clone)]
pub struct StoredLogin {
    /// What is sent.
    pub access_token: Secret,
    /// What renews it.
    pub refresh_token: Option<Secret>,
    /// What else is known of it.
    pub facts: LoginFacts,
}

/// What is known of a login besides its tokens.
#[derive(Debug, Clone)]
pub struct LoginFacts {
    /// Whose it is, and who says so.
    pub owner: Owner,
    /// The client that it was made for.
    pub client_id: String,
    /// When the access token was got.
    pub obtained_at: Option<SystemTime>,
    /// When the access token ends.
    pub expires_at: Option<SystemTime>,
    /// Whether there is a refresh token.
    pub renewable: bool,
    /// The issuer has said that it cannot be renewed any more.
    pub ended: bool,
}

/// Whose a credential is. Its `Debug` shows no account: that is nobody's
/// business in a log.
#[derive(Clone, Default)]
pub struct Owner {
    /// The identifier of the issuer that says so.
    pub issuer: String,
    /// The account, as people know it: an address where there is one.
    pub account: Option<String>,
    /// The organisation that the issuer itself names.
    pub organization: Option<String>,
    /// What else the issuer says of the user.
    pub claims: BTreeMap<String, serde_json::Value>,
}

impl Owner {
    /// The organisation by the claim that the policy names, and nothing in
    /// its place where that is missing or no name that can be shown; without
    /// such a claim, what the issuer itself names.
    pub fn organization(&self, claim: Option<&str>) -> Option<String> {
        match claim {
            Some(claim) => name(self.claims.get(claim)?),
            None => self.organization.clone(),
        }
    }
}

/// The longest name that is taken for one.
pub const LONGEST_NAME: usize = 256;

/// A claim that is a name, and can be shown.
pub fn name(claim: &serde_json::Value) -> Option<String> {
    let text = claim.as_str()?.trim();
    let shown = (1..=LONGEST_NAME).contains(&text.len()) && !text.chars().any(char::is_control);
    shown.then(|| text.to_owned())
}

impl fmt::Debug for Owner {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Owner")
            .field("issuer", &self.issuer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_contract::samples;

    #[test]
    fn an_organisation_by_claim_is_a_name_that_can_be_shown() {
        let longest = "x".repeat(256);
        let too_long = "x".repeat(257);
        for (said, taken) in [
            ("acme", Some("acme")),
            (" acme ", Some("acme")),
            (&longest, Some(longest.as_str())),
            (&too_long, None),
            ("", None),
            (" ", None),
            ("ac\u{1b}[2Jme", None),
        ] {
            let owner = Owner {
                organization: Some("other".to_owned()),
                claims: BTreeMap::from([("org".to_owned(), said.into())]),
                ..Owner::default()
            };
            assert_eq!(owner.organization(Some("org")).as_deref(), taken);
        }
    }

    #[test]
    fn logins_of_one_name_and_of_other_issuers_lie_apart() {
        let login = |issuer| wit::Login {
            issuer,
            ..samples::login("work")
        };
        let here = samples::issuer("https://login.test");
        let client = wit::Issuer {
            client_id: "other".to_owned(),
            ..here.clone()
        };
        let place = wit::Issuer {
            endpoints: Some(wit::IssuerEndpoints {
                authorization: None,
                device: None,
                token: "https://evil.test/token".to_owned(),
                revocation: None,
                introspection: None,
                userinfo: None,
            }),
            ..here.clone()
        };
        let elsewhere = samples::issuer("https://other.test");
        let names = [here, client, place, elsewhere].map(|issuer| Slot::name_of(&login(issuer)));
        let apart: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(apart.len(), 4, "{names:?}");
        for name in &names {
            assert_eq!(Slot::login(name).label(), "work");
        }
    }
}
