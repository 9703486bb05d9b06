//! The sources, one file per kind, each with `look` (is it there: no prompt,
//! no process, no keyring, no network) and `get` (the credential itself).
//! What goes in is a source's contract and the world around it; what comes
//! out is an observation without the value and, from a get, the secret beside
//! it. Kinds do not know each other, and none of them judges what it sees.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use crate::ambient::Ambient;
use crate::credential::Passed;
use crate::handout::Fingerprint;
use crate::material::Material;
use crate::secret::Secret;
use keyrule_contract as wit;

pub(crate) use keyrule_contract::observation;
pub(crate) use keyrule_credential::obtained::{Facts, Failure, Kept, seconds_until};
pub(crate) use keyrule_credential::{endpoint, protocol as answer};
pub use supplied::Supplied;

/// What a look brought.
pub struct Look {
    /// What was seen, without the value.
    pub observation: wit::Observation,
    /// What a consent to this source would be about: a variable's value, a
    /// helper's command line, a stored key's name. None where nothing is there.
    pub subject: Option<Secret>,
    /// The whole URL that the endpoint's variable holds, path and all, where
    /// the observation's destination was taken from it.
    pub endpoint: Option<String>,
    /// What else is known of it.
    pub facts: Facts,
}

/// Prints no URL: a path or a query can hold a secret.
impl fmt::Debug for Look {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Look")
            .field("observation", &self.observation)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// What a get brought.
#[derive(Debug)]
pub struct Got {
    /// What was seen, without the value.
    pub observation: wit::Observation,
    /// What can be handed out, if it was got. A `tool-login` never has any.
    pub material: Option<Material>,
    /// What else is known of it now.
    pub facts: Facts,
    /// What the user should know besides.
    pub notes: Vec<String>,
}

impl Got {
    /// What a get brought, where there is one secret or none.
    pub(crate) fn one(observation: wit::Observation, secret: Option<Secret>) -> Self {
        Self {
            observation,
            material: secret.map(Material::Token),
            facts: Facts::default(),
            notes: Vec::new(),
        }
    }

    /// The one secret, for tests.
    #[cfg(test)]
    pub(crate) fn secret(&self) -> Option<&Secret> {
        self.material.as_ref()?.secret()
    }
}

/// What a get has to know besides the source's contract.
#[derive(Debug, Clone, Copy)]
pub struct GetOptions {
    /// How long a helper's token may be kept; zero is not at all.
    pub ttl: Duration,
    /// The last credential of this source was rejected: nothing cached serves.
    pub rejected: bool,
    /// What was handed out last, where that is known: a login that holds
    /// another token by now was renewed by somebody else already.
    pub handed_out: Option<Fingerprint>,
}

/// What every source can be looked at in.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Variables and folders.
    pub ambient: &'a Ambient,
    /// The policy, described.
    pub info: &'a wit::PolicyInfo,
    /// What the embedder handed in, by the id of the source.
    pub supplied: &'a BTreeMap<String, Supplied>,
    /// Who hears that a helper is slow.
    pub notices: &'a dyn Notices,
}

/// Sees whether the source is there: no prompt, no process, no keyring, no
/// network.
pub fn look(source: &wit::Source, context: Context<'_>) -> Look {
    let Context { ambient, info, .. } = context;
    let tool = &info.tool;
    let owned = context.notices.owns_signals();
    let began = Instant::now();
    let mut look = match &source.kind {
        wit::Kind::Environment(variable) => environment::look(variable, ambient),
        wit::Kind::Helper(helper) => helper::look(source, helper, info, ambient, owned),
        wit::Kind::ToolOwned(login) => tool_login::look(login, tool, ambient),
        wit::Kind::Supplied => supplied::look(&source.id, context.supplied),
        wit::Kind::StoredKey(_) | wit::Kind::Login(_) => in_store::look(source, info, ambient),
        wit::Kind::Cloud(cloud) => cloud::look(source, cloud, info, ambient, owned),
    };
    look.endpoint = aim(&mut look.observation, source, &world(source, info, ambient));
    tracing::debug!(
        source = source.id,
        outcome = ?look.observation.outcome,
        elapsed = ?began.elapsed(),
        "looked"
    );
    look
}

/// Gets the credential. The secret comes beside an observation that says that
/// it was got; without one, the observation says why.
pub async fn get(source: &wit::Source, context: Context<'_>, options: GetOptions) -> Got {
    get_seen(source, context, options, None).await
}

/// Gets the credential only if it is still what a look saw, by its subject.
/// Between a look and a get somebody is asked for consent; what was put in
/// the place of what they said yes to has none.
pub(crate) async fn get_seen(
    source: &wit::Source,
    context: Context<'_>,
    options: GetOptions,
    subject: Option<&Secret>,
) -> Got {
    let Context { ambient, info, .. } = context;
    let tool = &info.tool;
    let began = Instant::now();
    let mut got = match &source.kind {
        wit::Kind::Environment(variable) => environment::get(variable, ambient).await,
        wit::Kind::Helper(helper) => {
            let notices = context.notices;
            helper::get(source, helper, info, ambient, options, notices, subject).await
        }
        wit::Kind::ToolOwned(login) => tool_login::get(login, tool, ambient).await,
        wit::Kind::Supplied => supplied::get(&source.id, context.supplied).await,
        wit::Kind::StoredKey(_) | wit::Kind::Login(_) => {
            let notices = context.notices;
            in_store::get(source, info, ambient, options, notices).await
        }
        wit::Kind::Cloud(cloud) => {
            let notices = context.notices;
            cloud::get(source, cloud, info, ambient, options, notices, subject).await
        }
    };
    aim(&mut got.observation, source, &world(source, info, ambient));
    tracing::debug!(
        source = source.id,
        outcome = ?got.observation.outcome,
        elapsed = ?began.elapsed(),
        "got"
    );
    got
}

/// Drops what is kept of the source for a while. Nothing is run, asked or
/// renewed: what a store keeps is not kept for a while.
pub fn drop_kept(source: &wit::Source, info: &wit::PolicyInfo, ambient: &Ambient) {
    match &source.kind {
        wit::Kind::Helper(helper) => helper::drop_kept(source, helper, info, ambient),
        wit::Kind::Cloud(cloud) => cloud::drop_kept(source, cloud, info, ambient),
        wit::Kind::Environment(_)
        | wit::Kind::Login(_)
        | wit::Kind::StoredKey(_)
        | wit::Kind::Supplied
        | wit::Kind::ToolOwned(_) => {}
    }
}

/// The variables as the source sees them: a cloud source can set some itself.
fn world<'a>(
    source: &wit::Source,
    info: &wit::PolicyInfo,
    ambient: &'a Ambient,
) -> Cow<'a, Ambient> {
    match &source.kind {
        wit::Kind::Cloud(cloud) => cloud::world(source, cloud, info, ambient),
        _ => Cow::Borrowed(ambient),
    }
}

/// What a program is passed of the variables of the source's provider, where
/// it has one: the program asks the provider itself.
pub(crate) fn passed(source: &wit::Source, ambient: &Ambient) -> Passed {
    match &source.kind {
        wit::Kind::Cloud(cloud) => cloud::passed(cloud, ambient),
        _ => Passed::default(),
    }
}

/// Adds where the credential would be sent, which is the same question for
/// every kind, and returns the whole URL.
fn aim(
    observation: &mut wit::Observation,
    source: &wit::Source,
    ambient: &Ambient,
) -> Option<String> {
    let seen = endpoint::seen(source, ambient);
    observation.destination = seen.destination;
    // What came of the source itself is said rather than this.
    if observation.detail.is_none() && observation.outcome == wit::Outcome::Present {
        observation.detail = seen.detail;
    }
    seen.url
}

impl Look {
    /// A look that found nothing that could be used.
    pub(crate) fn nothing(observation: wit::Observation) -> Self {
        Self {
            observation,
            subject: None,
            endpoint: None,
            facts: Facts::default(),
        }
    }
}

/// Hears that a helper or an issuer is slow, so that somebody at a terminal can be told.
pub trait Notices: Send + Sync + fmt::Debug {
    /// Called every second once a helper has been waited for longer than ten.
    fn slow(&self, source: &str, elapsed: Duration);
    /// Called every second once an issuer has been waited for longer than two,
    /// while somebody logs out.
    fn slow_issuer(&self, _issuer: &str, _elapsed: Duration) {}
    /// The wait that was spoken of is over. Not called without a word before.
    fn done(&self);
    /// Whether this process is ours, so that a signal that would end it may
    /// be awaited, the helper killed, and the process then ended by that
    /// signal. A library answers no: the signals belong to its embedder.
    fn owns_signals(&self) -> bool {
        false
    }
}

/// Tells nobody.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Silent;

impl Notices for Silent {
    fn slow(&self, _source: &str, _elapsed: Duration) {}
    fn done(&self) {}
}

mod cache;
pub(crate) mod cloud;
pub(crate) mod command;
pub(crate) mod environment;
mod flight;
pub mod helper;
#[cfg_attr(not(feature = "login"), path = "sources/without_store.rs")]
pub(crate) mod in_store;
#[cfg(feature = "login")]
pub(crate) mod login;
pub mod paths;
#[cfg(feature = "login")]
pub(crate) mod stored_key;
pub(crate) mod supplied;
pub(crate) mod tool_login;

#[cfg(all(test, feature = "login"))]
mod tests {
    use super::*;
    use crate::store::{self, Entry, Slot, StoredKey};
    use keyrule_contract::samples;
    use keyrule_system::runtime::block_on;

    struct World {
        ambient: Ambient,
        info: wit::PolicyInfo,
        supplied: BTreeMap<String, Supplied>,
    }

    impl World {
        fn at(home: &std::path::Path) -> Self {
            let mut ambient = Ambient::empty()
                .with_variable("KEY", "s3cr3t-key")
                .with_variable("BASE_URL", "https://gw.test:8443/v1");
            ambient.home = Some(home.to_path_buf());
            let supplied = Supplied::new(Secret::new("s3cr3t-supplied"));
            Self {
                ambient,
                info: samples::info(),
                supplied: BTreeMap::from([("sample".to_owned(), supplied)]),
            }
        }

        fn context(&self) -> Context<'_> {
            Context {
                ambient: &self.ambient,
                info: &self.info,
                supplied: &self.supplied,
                notices: &Silent,
            }
        }

        fn get(&self, source: &wit::Source) -> Got {
            let options = GetOptions {
                ttl: Duration::ZERO,
                rejected: false,
                handed_out: None,
            };
            block_on(get(source, self.context(), options))
        }
    }

    #[test]
    fn each_kind_is_looked_at_and_got_and_aimed_alike() {
        let home = tempfile::tempdir().unwrap();
        let world = World::at(home.path());
        let store = store::of(&world.info, &world.ambient).unwrap();
        let key = Entry::Key(StoredKey {
            secret: Secret::new("s3cr3t-stored"),
            owner: None,
        });
        store.save(&Slot::key("kept"), &key).unwrap();
        let login = samples::login("kept");
        let cloud = samples::cloud("nimbus", None);
        let unsupported = wit::Outcome::Failed(wit::FailureKind::Unsupported);
        for (kind, outcome, secret) in [
            (
                wit::Kind::Environment("KEY".to_owned()),
                wit::Outcome::Present,
                Some("s3cr3t-key"),
            ),
            (
                wit::Kind::Supplied,
                wit::Outcome::Present,
                Some("s3cr3t-supplied"),
            ),
            (
                wit::Kind::StoredKey(samples::stored_key("kept")),
                wit::Outcome::Present,
                Some("s3cr3t-stored"),
            ),
            (wit::Kind::Login(login), wit::Outcome::Absent, None),
            (wit::Kind::Cloud(cloud), unsupported, None),
        ] {
            let source = samples::source(kind);
            let seen = look(&source, world.context());
            assert_eq!(seen.observation.outcome, outcome);
            assert_eq!(
                seen.observation.destination,
                wit::Destination::Origin("https://gw.test:8443".to_owned())
            );
            assert_eq!(seen.endpoint.as_deref(), Some("https://gw.test:8443/v1"));
            assert!(!format!("{seen:?}").contains("v1"));
            let got = world.get(&source);
            assert!(got.observation.fetched);
            assert_eq!(got.observation.destination, seen.observation.destination);
            assert_eq!(
                got.secret().map(crate::handout::to_keep),
                secret.map(str::as_bytes)
            );
        }
    }

    #[test]
    fn what_is_wrong_with_the_endpoint_is_said() {
        let home = tempfile::tempdir().unwrap();
        let mut world = World::at(home.path());
        world.ambient = world.ambient.with_variable("BASE_URL", "gw.test");
        let source = samples::source(wit::Kind::Environment("KEY".to_owned()));
        let seen = look(&source, world.context());
        assert_eq!(seen.observation.destination, wit::Destination::Malformed);
        assert_eq!(
            seen.observation.detail.as_deref(),
            Some("`BASE_URL` holds no scheme such as `https://`")
        );
        assert_eq!(seen.endpoint, None);
    }
}
