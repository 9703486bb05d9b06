//! Policies and restrictions of every shape, as texts. They are made of few
//! words, so that much of what one says meets what another says.

use std::fmt::Write as _;

use keyrule_policy::Policy;
use keyrule_policy::bindings::exports::keyrule::policy::engine::{Document, DocumentOrigin};
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

const SURFACES: &[&str] = &["terminal", "desktop", "remote", "web"];
const CONSENTS: &[&str] = &["never", "interactive", "always"];
const DURATIONS: &[&str] = &["0", "1ms", "30s", "5m", "1h"];
const DEFAULTS: &[&str] = &[
    "https://api.example.com/v1",
    "https://a.b.example.com",
    "https://api.example.com:8443",
    "http://127.0.0.1:8080/v1",
    "https://other.test",
];
/// Patterns that include each other, that meet, and names that the engine
/// itself could come up with.
const PATTERNS: &[&str] = &[
    "https://*:*",
    "https://*",
    "https://*:8443",
    "https://*.com",
    "https://*.example.com",
    "https://*.example.com:*",
    "https://*.b.example.com",
    "https://api.example.com",
    "https://api.example.com:*",
    "https://api.example.com:8443",
    "https://any.example.com",
    "https://any.invalid",
    "https://*.invalid",
    "https://other.test:8000",
    "http://127.0.0.1:*",
    "http://127.0.0.1:8080",
    "http://localhost",
    "http://[::1]:*",
];
/// Variables that endpoints follow.
pub(crate) const FOLLOWED: &[&str] = &["BASE_URL", "OTHER_URL"];
/// Organisations; one has the name that the engine gives to any other.
pub(crate) const ORGANIZATIONS: &[&str] = &["acme", "another", "beta"];
/// Claims that say which organisation a login belongs to.
pub(crate) const CLAIMS: &[&str] = &["org", "team"];

/// A policy, or a restriction, and how many sources it has.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub text: String,
}

/// What a source reads.
#[derive(Debug, Clone)]
struct Reads {
    keys: &'static str,
    is_login: bool,
    /// What follows a login's claim.
    claims: bool,
    is_helper: bool,
}

const fn reads(keys: &'static str) -> Reads {
    Reads {
        keys,
        is_login: false,
        claims: false,
        is_helper: false,
    }
}

fn kinds() -> impl Strategy<Value = Reads> {
    let helper = |keys| Reads {
        is_helper: true,
        ..reads(keys)
    };
    let login = |keys, claims| Reads {
        is_login: true,
        claims,
        ..reads(keys)
    };
    select(vec![
        reads("kind = \"environment\"\nvariable = \"TOKEN\""),
        reads("kind = \"environment\"\nvariable = \"API_KEY\""),
        reads("kind = \"supplied\""),
        reads("kind = \"cloud\"\nprovider = \"bedrock\"\nflag = \"USE_BEDROCK\""),
        reads("kind = \"cloud\"\nprovider = \"vertex\"\nflag = \"USE_VERTEX\""),
        reads("kind = \"cloud\"\nprovider = \"foundry\"\nselect = \"always\""),
        reads(
            "kind = \"cloud\"\nprovider = \"bedrock\"\nflag = \"USE_BEDROCK\"\ncredential-export = \"export\"\nfrom = [\"user\"]",
        ),
        helper("kind = \"helper\"\ncommand = [\"/usr/bin/get-token\"]"),
        helper("kind = \"helper\"\ncommand = [\"/usr/bin/get-token\"]\nformat = \"aws-process\""),
        helper("kind = \"helper\"\nvariable = \"HELPER\"\nttl-variable = \"TTL\""),
        helper("kind = \"helper\"\nsetting = \"helper\"\nfrom = [\"user\"]"),
        login(
            "kind = \"tool-login\"\npath = \"~/.tool/login.json\"\nentry = \"login\"",
            false,
        ),
        login("kind = \"stored-key\"\nkey = \"kept\"", false),
        login(
            "kind = \"stored-key\"\nkey = \"own\"\nissuer = \"idp\"",
            true,
        ),
        login("kind = \"login\"\nlogin = \"work\"\nissuer = \"idp\"", true),
        login("kind = \"login\"\nlogin = \"home\"\nissuer = \"idp\"", true),
    ])
}

/// One of a list, or none.
fn maybe(list: &'static [&'static str]) -> impl Strategy<Value = Option<&'static str>> {
    proptest::option::of(select(list))
}

/// Some of a list, and at least one.
fn some(list: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    subsequence(list, 1..=most.min(list.len()))
}

fn endpoint() -> impl Strategy<Value = String> {
    let variable = (maybe(FOLLOWED), some(PATTERNS, 4));
    (select(DEFAULTS), variable).prop_map(|(default, (variable, allow))| match variable {
        Some(variable) => format!(
            "endpoint = {{ default = {default:?}, variable = {variable:?}, allow = {allow:?} }}\n"
        ),
        None => format!("endpoint = {{ default = {default:?} }}\n"),
    })
}

/// One source, without its id, and whether it is a login.
fn source() -> impl Strategy<Value = (String, bool)> {
    (
        kinds(),
        some(SURFACES, 4),
        maybe(CONSENTS),
        maybe(&["stop", "next"]),
        proptest::option::of(endpoint()),
        maybe(CLAIMS),
        maybe(DURATIONS),
        maybe(DURATIONS),
    )
        .prop_map(
            |(reads, surfaces, consent, failure, endpoint, claim, ttl, ttl_max)| {
                let mut text = format!("{}\nsurfaces = {surfaces:?}\n", reads.keys);
                let mut word = |key: &str, value: Option<&str>| {
                    if let Some(value) = value {
                        let _ = writeln!(text, "{key} = {value:?}");
                    }
                };
                word("consent", consent);
                word("on-failure", failure);
                word("organization-claim", claim.filter(|_| reads.claims));
                word("ttl", ttl.filter(|_| reads.is_helper));
                word("ttl-max", ttl_max.filter(|_| reads.is_helper));
                let mut endpoint = endpoint.unwrap_or_default();
                if reads.keys.contains("bedrock") {
                    endpoint = endpoint.replace("https://a.b.", "https://a.{region}.");
                }
                text.push_str(&endpoint);
                (text, reads.is_login)
            },
        )
}

/// A policy of one to six sources, whose ids are `a`, `b` and so on.
pub(crate) fn policy() -> impl Strategy<Value = Draft> {
    let storage = maybe(&[
        "store = \"file\"",
        "store = \"keyring\"",
        "store = \"keyring\"\nfallback = \"file\"",
    ]);
    let forced = (
        any::<[bool; 7]>(),
        proptest::option::of(some(ORGANIZATIONS, 2)),
    );
    (
        proptest::collection::vec(source(), 1..=6),
        proptest::option::weighted(0.2, some(SURFACES, 3)),
        proptest::option::weighted(0.3, forced),
        storage,
        some(PATTERNS, 3),
    )
        .prop_map(|(sources, served, forced, storage, origins)| {
            let mut text = "name = \"p\"\n".to_owned();
            if let Some(served) = served {
                let _ = writeln!(text, "\n[session]\nsurfaces = {served:?}");
            }
            if let Some(storage) = storage {
                let _ = writeln!(text, "\n[storage]\n{storage}");
            }
            if let Some((chosen, organizations)) = forced {
                let logins: Vec<String> = ('a'..)
                    .zip(&sources)
                    .zip(chosen)
                    .filter(|((_, (_, is_login)), chosen)| *is_login && *chosen)
                    .map(|((id, _), _)| id.to_string())
                    .collect();
                if !logins.is_empty() || organizations.is_some() {
                    text.push_str("\n[login]\n");
                }
                if !logins.is_empty() {
                    let _ = writeln!(text, "methods = {logins:?}");
                }
                if let Some(organizations) = organizations {
                    let _ = writeln!(text, "organizations = {organizations:?}");
                }
            }
            let _ = writeln!(
                text,
                "\n[[tool.settings]]\nname = \"user\"\ntier = \"user\"\npath = \"~/.tool/settings.json\"\n\n\
                 [[issuer]]\nid = \"idp\"\nurl = \"https://login.example.com\"\nclient-id = \"c\"\n\
                 origins = {origins:?}\nkey = {{ url = \"https://login.example.com/key\", field = \"key\" }}"
            );
            for (id, (source, _)) in ('a'..).zip(sources) {
                let _ = write!(text, "\n[[source]]\nid = \"{id}\"\n{source}");
            }
            Draft { text }
        })
}

/// What a restriction takes from one source, or from all.
fn limits() -> impl Strategy<Value = String> {
    let endpoints = proptest::option::weighted(0.4, some(PATTERNS, 4));
    let surfaces = proptest::option::weighted(0.4, some(SURFACES, 4));
    (surfaces, maybe(CONSENTS), maybe(DURATIONS), endpoints).prop_map(
        |(surfaces, consent, ttl, endpoints)| {
            let mut text = String::new();
            if let Some(surfaces) = surfaces {
                let _ = writeln!(text, "surfaces = {surfaces:?}");
            }
            if let Some(consent) = consent {
                let _ = writeln!(text, "consent = {consent:?}");
            }
            if let Some(ttl) = ttl {
                let _ = writeln!(text, "ttl = {ttl:?}");
            }
            if let Some(endpoints) = endpoints {
                let _ = writeln!(text, "endpoints = {endpoints:?}");
            }
            text
        },
    )
}

const IDS: &[&str] = &["a", "b", "c", "d", "e", "f"];

/// A restriction of a policy that has the sources `a` to `f`, or fewer:
/// [`Draft::fitting`] leaves out what it says of others.
fn restriction() -> impl Strategy<Value = Restriction> {
    (
        proptest::option::weighted(0.3, some(IDS, 2)),
        proptest::option::weighted(0.2, some(ORGANIZATIONS, 3)),
        limits(),
        proptest::collection::btree_map(select(IDS), limits(), 0..3),
        select(vec![
            DocumentOrigin::ManagedRestriction,
            DocumentOrigin::User,
            DocumentOrigin::Project,
        ]),
    )
        .prop_map(|(drop, organizations, all, single, origin)| Restriction {
            drop: drop.unwrap_or_default(),
            organizations,
            all,
            single: single.into_iter().collect(),
            origin,
        })
}

/// Up to four restrictions.
pub(crate) fn restrictions() -> impl Strategy<Value = Vec<Restriction>> {
    proptest::collection::vec(restriction(), 0..=4)
}

#[derive(Debug, Clone)]
pub(crate) struct Restriction {
    drop: Vec<&'static str>,
    organizations: Option<Vec<&'static str>>,
    all: String,
    single: Vec<(&'static str, String)>,
    origin: DocumentOrigin,
}

impl Restriction {
    /// Its text for a policy of so many sources.
    fn text(&self, sources: usize) -> String {
        let has = |id: &&'static str| IDS.iter().take(sources).any(|other| other == id);
        let mut text = "# A restriction.\n".to_owned();
        let drop: Vec<&str> = self.drop.iter().copied().filter(has).collect();
        if !drop.is_empty() {
            let _ = writeln!(text, "drop = {drop:?}");
        }
        if let Some(organizations) = &self.organizations {
            let _ = writeln!(text, "organizations = {organizations:?}");
        }
        text.push_str(&self.all);
        for (id, limits) in self.single.iter().filter(|(id, _)| has(id)) {
            let _ = write!(text, "\n[source.{id}]\n{limits}");
        }
        text
    }
}

impl Draft {
    /// The policy alone.
    pub(crate) fn load(&self) -> Policy {
        self.restricted(&[])
    }

    /// The policy with restrictions, in this order.
    pub(crate) fn restricted(&self, restrictions: &[Restriction]) -> Policy {
        let sources = self.text.matches("[[source]]").count();
        let mut documents = vec![Document {
            origin: DocumentOrigin::Managed,
            path: "p.toml".to_owned(),
            text: self.text.clone(),
        }];
        for (index, restriction) in restrictions.iter().enumerate() {
            documents.push(Document {
                origin: restriction.origin,
                path: format!("{index}.toml"),
                text: restriction.text(sources),
            });
        }
        let said = format!("{documents:#?}");
        match Policy::load("p", documents) {
            Ok(policy) => policy,
            Err(diagnostics) => panic!("{said}\n{diagnostics:#?}"),
        }
    }
}
