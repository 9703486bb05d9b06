//! Which source somebody means who logs in or out. What goes in is a name, or
//! none; what comes out is the one source, with its issuer. That a source
//! counts in this session the engine says.

use crate::error::Error;
use crate::login::LoginError;
use crate::login::failure::Why;
use crate::store::{self, Facts, LoginFacts, Shelf, Slot, Store};
use keyrule_contract as wit;

use super::{Explained, Resolver};

/// A source that somebody logs in to.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Its place in the policy.
    pub index: usize,
    /// Its name in the policy.
    pub id: String,
    /// Its name, for people.
    pub label: String,
    /// The name in the store.
    pub name: String,
    /// Who the login is made with.
    pub issuer: wit::Issuer,
    /// The claim that says of the organisation.
    pub organization_claim: Option<String>,
    /// What a login ends in.
    pub kind: Kind,
}

/// What a login ends in.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// A login that is kept.
    Login,
    /// A key that the issuer gives.
    Key(wit::KeyRequest),
}

/// An account that is kept.
pub(super) struct Account {
    pub account: String,
    pub selected: bool,
    pub facts: LoginFacts,
    pub kept_in: wit::StoreKind,
}

impl Target {
    /// The source, if it is one that somebody logs in to.
    fn of(index: usize, source: &wit::Source) -> Option<Self> {
        let target =
            |label: &str, name: String, issuer: &wit::Issuer, claim: &Option<String>, kind| Self {
                index,
                id: source.id.clone(),
                label: label.to_owned(),
                name,
                issuer: issuer.clone(),
                organization_claim: claim.clone(),
                kind,
            };
        match &source.kind {
            wit::Kind::Login(login) => Some(target(
                &login.name,
                Slot::name_of(login),
                &login.issuer,
                &login.organization_claim,
                Kind::Login,
            )),
            wit::Kind::StoredKey(key) => {
                let issuer = key.issuer.as_ref()?;
                let request = issuer.key.clone()?;
                let claim = &key.organization_claim;
                Some(target(
                    &key.name,
                    key.name.clone(),
                    issuer,
                    claim,
                    Kind::Key(request),
                ))
            }
            wit::Kind::Environment(_)
            | wit::Kind::Helper(_)
            | wit::Kind::ToolOwned(_)
            | wit::Kind::Supplied
            | wit::Kind::Cloud(_) => None,
        }
    }

    /// The accounts that are kept of it.
    pub(super) fn accounts(&self, store: &dyn Store) -> Result<Vec<Account>, store::Error> {
        let listed = store.list()?.into_iter();
        Ok(listed
            .filter(|one| one.slot.shelf == Shelf::Logins && one.slot.name == self.name)
            .filter_map(|one| match one.known.facts {
                Facts::Login(facts) => Some(Account {
                    kept_in: one.known.kept_in,
                    account: one.slot.account.unwrap_or_default(),
                    selected: one.selected,
                    facts,
                }),
                Facts::Key(_) => None,
            })
            .collect())
    }
}

impl Resolver {
    /// The source that somebody means who logs in; it counts in this session.
    pub(super) fn target(&mut self, id: Option<&str>) -> Result<Target, Error> {
        let explained = self.explain()?;
        let target = match id {
            Some(id) => self.named(id)?,
            None => self.only(&explained)?,
        };
        let number = u32::try_from(target.index).unwrap_or(u32::MAX);
        match explained.line(number) {
            Some(line) if line.status == wit::SourceStatus::NotApplicable => Err(Why::NotCounted {
                id: target.id,
                words: line.text.clone(),
                at: line.rule.clone(),
            }
            .into()),
            _ => Ok(target),
        }
    }

    /// Every source that somebody logs in to.
    pub(super) fn targets(&self) -> impl Iterator<Item = Target> {
        let sources = self.sources.iter().enumerate();
        sources.filter_map(|(index, source)| Target::of(index, source))
    }

    /// The source of this name; the name of its login serves as well.
    pub(super) fn named(&self, id: &str) -> Result<Target, LoginError> {
        let by_id = self.targets().find(|target| target.id == id);
        if let Some(target) = by_id {
            return Ok(target);
        }
        if let Some(source) = self.sources.iter().find(|source| source.id == id) {
            return Err(self.no_login(source));
        }
        let by_name = self.targets().find(|target| target.label == id);
        by_name.ok_or_else(|| {
            LoginError::from(Why::UnknownSource {
                policy: self.info.name.clone(),
                id: id.to_owned(),
                known: self.targets().map(|target| target.id).collect(),
            })
        })
    }

    /// The one that can be logged in to and counts.
    fn only(&self, explained: &Explained) -> Result<Target, LoginError> {
        let counts = |index: usize| {
            let number = u32::try_from(index).unwrap_or(u32::MAX);
            let line = explained.line(number);
            line.is_some_and(|line| line.status != wit::SourceStatus::NotApplicable)
        };
        let mut all: Vec<_> = self
            .targets()
            .filter(|target| counts(target.index))
            .collect();
        match (all.len(), all.pop()) {
            (1, Some(target)) => Ok(target),
            (0, _) | (_, None) => Err(self.nothing().into()),
            (_, Some(last)) => Err(Why::WhichSource {
                ids: all.into_iter().chain([last]).map(|one| one.id).collect(),
                command: command(&self.info.name, "login"),
            }
            .into()),
        }
    }

    fn nothing(&self) -> Why {
        let mut targets = self.targets();
        let words = if let Some(target) = targets.next() {
            format!("`{}` does not count in this session", target.id)
        } else {
            format!("policy `{}` names no issuer", self.info.name)
        };
        let tool = self.sources.iter().find_map(|source| match &source.kind {
            wit::Kind::ToolOwned(login) => login.login.clone(),
            _ => None,
        });
        Why::Nothing {
            words,
            hint: Some(match tool {
                Some(tool) => format!("the tool logs in by itself: run `{tool}`"),
                None => "see what would serve with `keyrule explain`".to_owned(),
            }),
        }
    }

    /// Why nobody logs in there.
    fn no_login(&self, source: &wit::Source) -> LoginError {
        let id = source.id.clone();
        match &source.kind {
            wit::Kind::ToolOwned(login) => Why::ToolLogin {
                id,
                tool: self.tool(),
                how: match &login.login {
                    Some(login) => format!("run `{login}`"),
                    None => "start the tool".to_owned(),
                },
            },
            wit::Kind::Cloud(cloud) => Why::Provider {
                id,
                provider: source.description.clone(),
                how: format!("log in with the provider's own: {}", login_of(cloud)),
            },
            _ => Why::NoLogin {
                id,
                description: source.description.clone(),
            },
        }
        .into()
    }

    /// What the tool is called.
    pub(super) fn tool(&self) -> String {
        let name = self.info.tool.name.clone();
        name.unwrap_or_else(|| "the tool".to_owned())
    }
}

/// How somebody logs in to a provider.
fn login_of(cloud: &wit::Cloud) -> &'static str {
    match cloud.provider.as_str() {
        "bedrock" => "`aws sso login`, or `aws configure`",
        "vertex" => "`gcloud auth application-default login`",
        "foundry" => "`az login`",
        _ => "see its documentation",
    }
}

/// How somebody logs out of a provider.
pub(super) fn logout_of(cloud: &wit::Cloud) -> &'static str {
    match cloud.provider.as_str() {
        "bedrock" => "`aws sso logout`, or remove the keys from `~/.aws/credentials`",
        "vertex" => "`gcloud auth application-default revoke`",
        "foundry" => "`az logout`",
        _ => "see its documentation",
    }
}

/// A command of ours, for this policy. `claude-code` is the name that
/// `keyrule` takes where none is given.
pub fn command(policy: &str, words: &str) -> String {
    match policy {
        "claude-code" => format!("keyrule {words}"),
        name => format!("keyrule --policy {name} {words}"),
    }
}
