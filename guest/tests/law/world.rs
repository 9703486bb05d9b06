//! What hosts can see: observations of every shape, made without the engine.

use std::collections::BTreeMap;

use keyrule_policy::bindings::exports::keyrule::policy::engine::{
    Command, Destination, FailureKind, Kind, Lifetime, Observation, Outcome, Redirection, Source,
    StoreKind,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::generate::{CLAIMS, FOLLOWED, ORGANIZATIONS};

/// All that is the case around a policy. Two policies in the same world see
/// the same of the same thing.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// What the variables of endpoints say.
    variables: BTreeMap<&'static str, Destination>,
    /// The organisation by each claim, and by none.
    claims: BTreeMap<Option<&'static str>, Option<String>>,
    outcome: usize,
    trouble: FailureKind,
    stored_in: StoreKind,
    expires_in: Option<i64>,
    refreshable: bool,
    lifetime: Lifetime,
    got: bool,
}

const SCHEMES: [(&str, u16); 2] = [("https", 443), ("http", 80)];
const HOSTS: &[&str] = &[
    "api.example.com",
    "a.b.example.com",
    "b.example.com",
    "x.y.example.com",
    "any.example.com",
    "any-other.example.com",
    "example.com",
    "evilexample.com",
    "com",
    "other.com",
    "other.test",
    "x.other.test",
    "any.invalid",
    "some.invalid",
    "invalid",
    "any.invalid-other",
    "127.0.0.1",
    "127.0.0.2",
    "localhost",
    "[::1]",
    "[::2]",
];
const PORTS: &[u16] = &[80, 443, 8000, 8001, 8080, 8443, 1, 65535];

/// An origin in normal form: a port that the scheme implies is left out.
fn origin() -> impl Strategy<Value = Destination> {
    (select(&SCHEMES[..]), select(HOSTS), select(PORTS)).prop_map(
        |((scheme, implied), host, port)| {
            Destination::Origin(if port == implied {
                format!("{scheme}://{host}")
            } else {
                format!("{scheme}://{host}:{port}")
            })
        },
    )
}

fn destination() -> impl Strategy<Value = Destination> {
    prop_oneof![
        1 => Just(Destination::Default),
        1 => Just(Destination::Malformed),
        6 => origin(),
    ]
}

fn organization() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        1 => Just(None),
        1 => Just(Some("nobody's".to_owned())),
        3 => select(ORGANIZATIONS).prop_map(|name| Some(name.to_owned())),
    ]
}

/// Any world.
pub(crate) fn world() -> impl Strategy<Value = World> {
    let claims = [organization(), organization(), organization()];
    (
        ([destination(), destination()], claims),
        (any::<usize>(), select(TROUBLES), any::<bool>()),
        prop_oneof![
            Just(None),
            select(&[-60_i64, 0, 1, 3600][..]).prop_map(Some)
        ],
        (any::<bool>(), any::<bool>()),
        prop_oneof![
            Just(Lifetime::Unset),
            Just(Lifetime::Malformed),
            select(&[0_u64, 1, 1_000, 60_000, 600_000][..]).prop_map(Lifetime::Milliseconds),
        ],
    )
        .prop_map(
            |(
                (variables, claims),
                (outcome, trouble, file),
                expires_in,
                (refreshable, got),
                lifetime,
            )| {
                let names = std::iter::once(None).chain(CLAIMS.iter().copied().map(Some));
                World {
                    variables: FOLLOWED.iter().copied().zip(variables).collect(),
                    claims: names.zip(claims).collect(),
                    outcome,
                    trouble,
                    stored_in: if file {
                        StoreKind::File
                    } else {
                        StoreKind::Keyring
                    },
                    expires_in,
                    refreshable,
                    lifetime,
                    got,
                }
            },
        )
}

const TROUBLES: &[FailureKind] = &[
    FailureKind::Unreadable,
    FailureKind::Invalid,
    FailureKind::Untrusted,
    FailureKind::BadCharacter,
    FailureKind::NotStarted,
    FailureKind::ExitStatus,
    FailureKind::TimedOut,
    FailureKind::NoOutput,
    FailureKind::MoreThanOneToken,
    FailureKind::NotPrintable,
    FailureKind::TooLong,
    FailureKind::Expired,
    FailureKind::Locked,
    FailureKind::NoStore,
    FailureKind::Unreachable,
    FailureKind::Rejected,
    FailureKind::Unsupported,
    FailureKind::Vanished,
    FailureKind::NoCredentials,
    FailureKind::MalformedAnswer,
    FailureKind::Nested,
];

impl World {
    /// What a host would see of a source. It sees whose a credential is, where
    /// it is kept and when it ends only of kinds of which that is known.
    pub(crate) fn seen(&self, source: &Source) -> Observation {
        let outcomes = outcomes(&source.kind, self.trouble);
        let variable = source
            .endpoint
            .as_ref()
            .and_then(|endpoint| endpoint.variable.as_deref());
        let (whose, stored, ends) = match &source.kind {
            Kind::Login(login) => (Some(login.organization_claim.as_deref()), true, true),
            Kind::StoredKey(key) => {
                let claim = key
                    .issuer
                    .as_ref()
                    .map(|_| key.organization_claim.as_deref());
                (claim, true, false)
            }
            Kind::Supplied => (Some(None), false, true),
            _ => (None, false, false),
        };
        Observation {
            fetched: self.got,
            endpoint_location: None,
            endpoint_tier: None,
            outcome: outcomes[self.outcome % outcomes.len()],
            detail: None,
            location: None,
            tier: None,
            destination: variable
                .and_then(|name| self.variables.get(name).cloned())
                .unwrap_or(Destination::Default),
            redirections: self.redirections(&source.kind),
            expires_in: self.expires_in.filter(|_| ends),
            refreshable: ends && self.refreshable,
            account: None,
            organization: whose.and_then(|claim| self.claims.get(&claim).cloned().flatten()),
            stored_in: stored.then_some(self.stored_in),
            lifetime: self.lifetime,
        }
    }
}

impl World {
    /// What else would send it elsewhere: what one of the variables says, for
    /// every source of a provider alike.
    fn redirections(&self, kind: &Kind) -> Vec<Redirection> {
        let named = |origin| {
            vec![Redirection {
                name: "AWS_ENDPOINT_URL".to_owned(),
                origin,
                carries: true,
            }]
        };
        match (kind, self.variables.values().next_back()) {
            (Kind::Cloud(_), Some(Destination::Origin(origin))) => named(Some(origin.clone())),
            (Kind::Cloud(_), Some(Destination::Malformed)) => named(None),
            _ => Vec::new(),
        }
    }
}

/// What can come of a look. Presence is more frequent, because most depends on
/// it.
fn outcomes(kind: &Kind, trouble: FailureKind) -> Vec<Outcome> {
    let mut all = vec![Outcome::Present; 5];
    all.push(Outcome::Failed(trouble));
    let more: &[Outcome] = match kind {
        Kind::Environment(_) | Kind::Supplied => &[Outcome::Absent, Outcome::Blank],
        Kind::Helper(helper) => match helper.command {
            Command::Arguments(_) => &[Outcome::Recursion],
            _ => &[Outcome::Absent, Outcome::Blank, Outcome::Recursion],
        },
        Kind::Cloud(cloud) if cloud.flag.is_none() => &[],
        Kind::Cloud(_) => &[Outcome::Absent, Outcome::Blank, Outcome::Off],
        Kind::ToolOwned(_) | Kind::StoredKey(_) | Kind::Login(_) => &[Outcome::Absent],
    };
    all.extend(more);
    all
}
