//! The logins that our store keeps, as commands show them. What goes in is a
//! policy and where its store lies; what comes out are accounts, each with
//! its organisation and its end. The keyring is not opened, and nothing is
//! read where no source takes a login.

use std::time::SystemTime;

use crate::commands::status::ends_in;
use crate::explained::command;
use keyrule::resolver::Explained;
use keyrule::store;
use keyrule_contract as wit;
use keyrule_credential::obtained::seconds_until;
use keyrule_store::{Facts, Listed, Slot};
use keyrule_system::environment::Ambient;

/// Everything that our store keeps of logins.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    accounts: Vec<Account>,
    /// The file that says what is kept, in words.
    file: Option<String>,
}

/// An account of a login.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// The login's name in the store.
    pub login: String,
    /// Whose it is, as people know it; none where the issuer says nothing.
    pub name: Option<String>,
    /// Whether it is the one of its login that is used.
    pub selected: bool,
    /// When its access token ends, in seconds from now.
    pub expires_in: Option<i64>,
    /// Whether it can be renewed then.
    pub renewable: bool,
    /// The issuer does not renew it any more.
    pub ended: bool,
    /// Which store has its secrets.
    pub kept_in: wit::StoreKind,
    /// Who gave it.
    pub issuer: String,
    slot: Slot,
    owner: store::Owner,
}

impl Kept {
    /// What is kept for the sources of this policy. Where the store cannot be
    /// read, that is nothing: the sources themselves say why.
    pub(crate) fn of(explained: &Explained, ambient: &Ambient) -> Self {
        let is_ours = |source: &wit::Source| {
            matches!(source.kind, wit::Kind::Login(_) | wit::Kind::StoredKey(_))
        };
        if !explained.sources.iter().any(is_ours) {
            return Self::default();
        }
        let Ok(store) = store::of(&explained.info, ambient) else {
            return Self::default();
        };
        let listed = store.list().unwrap_or_default();
        let file = store.whereabouts_of(wit::StoreKind::File).ok();
        Self::from(listed, file, SystemTime::now())
    }

    /// The same of a list.
    pub(crate) fn from(listed: Vec<Listed>, file: Option<String>, now: SystemTime) -> Self {
        let accounts = listed
            .into_iter()
            .filter_map(|one| account(one, now))
            .collect();
        Self { accounts, file }
    }

    /// All of them, whether or not a source of this policy uses them.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &Account> {
        self.accounts.iter()
    }

    /// Those that this source can use: of its name, and of its issuer.
    pub(crate) fn of_source<'k>(
        &'k self,
        source: &'k wit::Source,
    ) -> impl Iterator<Item = &'k Account> {
        let login = login_of(source);
        self.accounts
            .iter()
            .filter(move |account| login.is_some_and(|login| account.is_of(login)))
    }

    /// Where such a credential is kept, in words.
    pub(crate) fn place(&self, kind: wit::StoreKind) -> String {
        match (kind, &self.file) {
            (wit::StoreKind::Keyring, _) => "in the keyring".to_owned(),
            (wit::StoreKind::File, Some(file)) => format!("in {file}"),
            (wit::StoreKind::File, None) => "in a file".to_owned(),
        }
    }
}

/// The login that a source is, if it is one.
pub(crate) fn login_of(source: &wit::Source) -> Option<&wit::Login> {
    match &source.kind {
        wit::Kind::Login(login) => Some(login),
        wit::Kind::Environment(_)
        | wit::Kind::Helper(_)
        | wit::Kind::ToolOwned(_)
        | wit::Kind::Supplied
        | wit::Kind::StoredKey(_)
        | wit::Kind::Cloud(_) => None,
    }
}

impl Account {
    /// Whether it was made with this login's issuer, for its client.
    fn is_of(&self, login: &wit::Login) -> bool {
        self.slot.name == Slot::name_of(login)
    }

    /// Its name, for people.
    pub(crate) fn called(&self) -> &str {
        self.name.as_deref().unwrap_or("an account without a name")
    }

    /// The organisation, by the claim that this source names.
    pub(crate) fn organization(&self, source: &wit::Source) -> Option<String> {
        let claim = login_of(source).and_then(|login| login.organization_claim.as_deref());
        self.owner.organization(claim)
    }

    /// Where the store has it.
    pub(crate) fn slot(&self) -> Slot {
        self.slot.clone()
    }

    /// All of it in one line.
    pub(crate) fn line(&self, explained: &Explained, source: &wit::Source) -> String {
        let mut line = self.called().to_owned();
        if let Some(organization) = self.organization(source) {
            line.push_str(&format!(", organisation {organization}"));
        }
        if let Some(end) = self.end(explained, &source.id) {
            let verb = match self.expires_in {
                _ if self.ended => "",
                Some(seconds) if seconds <= 0 => "ended ",
                Some(_) | None => "ends ",
            };
            line.push_str(&format!(", {verb}{end}"));
        }
        line
    }

    /// When it ends, and what then; nothing where it never does.
    pub(crate) fn end(&self, explained: &Explained, source: &str) -> Option<String> {
        if self.ended {
            let again = command(explained, &format!("login {source}"));
            return Some(format!("the issuer does not renew it any more: `{again}`"));
        }
        self.expires_in
            .map(|seconds| end(explained, source, seconds, self.renewable))
    }
}

/// When a login ends, and what then.
fn end(explained: &Explained, source: &str, seconds: i64, renewable: bool) -> String {
    let time = ends_in(seconds);
    match (seconds > 0, renewable) {
        (true, true) => format!("{time}, and is renewed by itself"),
        (true, false) => time,
        (false, true) => format!("{time}, and can be renewed"),
        (false, false) => {
            let again = command(explained, &format!("login {source}"));
            format!("{time}, and cannot be renewed: `{again}`")
        }
    }
}

fn account(one: Listed, now: SystemTime) -> Option<Account> {
    let Facts::Login(facts) = one.known.facts else {
        return None;
    };
    let name = one.slot.account.clone();
    Some(Account {
        login: one.slot.label().to_owned(),
        slot: one.slot,
        name: name
            .filter(|name| !name.is_empty())
            .or_else(|| facts.owner.account.clone()),
        selected: one.selected,
        expires_in: facts.expires_at.map(|time| seconds_until(time, now)),
        renewable: facts.renewable,
        ended: facts.ended,
        kept_in: one.known.kept_in,
        issuer: facts.owner.issuer.clone(),
        owner: facts.owner,
    })
}
