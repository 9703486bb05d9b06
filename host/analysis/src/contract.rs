//! What changes of a source that two policies both use: how it is sent, where
//! it goes, what a program gets of it. The decision can be the same and the
//! credential still end up somewhere else.

use super::diff::Class;
use keyrule_contract as wit;

/// Something that is another in the new policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contract {
    /// What it means: a credential that goes where it did not go before, or
    /// policies that were not allowed before, are a widening.
    pub class: Class,
    /// The source's place in the new policy; none for the policy as a whole.
    pub source: Option<u32>,
    /// What of it, in a word or two: `endpoint`, `headers`.
    pub part: &'static str,
    /// What it was.
    pub old: String,
    /// What it is.
    pub new: String,
    /// Where the new policy says so, as far as that is one place.
    pub at: Option<wit::Location>,
}

/// One of the two policies.
#[derive(Debug, Clone, Copy)]
pub struct Side<'p> {
    /// The policy, described.
    pub info: &'p wit::PolicyInfo,
    /// Its sources.
    pub sources: &'p [wit::Source],
    /// How long the token of each is kept, in milliseconds.
    pub ttls: &'p [u64],
}

/// Compares the contracts of the policies, and of the sources that both have.
pub fn contracts(old: Side<'_>, new: Side<'_>, counterparts: &[wit::Counterpart]) -> Vec<Contract> {
    let mut found = of_policies(old.info, new.info);
    for counterpart in counterparts {
        let (Some(before), Some(after), Some(source)) = (
            part_of(old, counterpart.old),
            part_of(new, counterpart.new),
            counterpart.new,
        ) else {
            continue;
        };
        for (class, part, old, new) in parts(before, after) {
            if old != new {
                found.push(Contract {
                    class,
                    source: Some(source),
                    part,
                    old,
                    new,
                    at: Some(after.0.location.clone()),
                });
            }
        }
    }
    found
}

/// A source, and how long its token is kept.
type Kept<'s> = (&'s wit::Source, u64);

fn part_of(side: Side<'_>, place: Option<u32>) -> Option<Kept<'_>> {
    let place = usize::try_from(place?).ok()?;
    let ttl = side.ttls.get(place).copied().unwrap_or_default();
    Some((side.sources.get(place)?, ttl))
}

/// What a policy says besides its sources.
fn of_policies(old: &wit::PolicyInfo, new: &wit::PolicyInfo) -> Vec<Contract> {
    let others = |info: &wit::PolicyInfo| {
        match info.allow_unmanaged {
            Some(true) => "allowed",
            Some(false) | None => "refused",
        }
        .to_owned()
    };
    let list = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        if names.is_empty() {
            "nothing".to_owned()
        } else {
            super::outcome::all_of(&names)
        }
    };
    let opened = old.allow_unmanaged != Some(true) && new.allow_unmanaged == Some(true);
    let others_class = if opened {
        Class::Widening
    } else {
        Class::Narrowing
    };
    let storage = |info: &wit::PolicyInfo| {
        let word = |kind: Option<wit::StoreKind>| match kind {
            Some(wit::StoreKind::Keyring) => "the keyring",
            Some(wit::StoreKind::File) => "a file",
            None => "what is usual",
        };
        match info.storage.fallback {
            Some(_) => format!(
                "{}, else {}",
                word(info.storage.store),
                word(info.storage.fallback)
            ),
            None => word(info.storage.store).to_owned(),
        }
    };
    let quoted = |name: &str| format!("`{name}`");
    let rows = [
        (
            Class::Switched,
            "name",
            quoted(&old.name),
            quoted(&new.name),
        ),
        (
            others_class,
            "policies that nobody manages",
            others(old),
            others(new),
        ),
        (
            Class::Switched,
            "what `exec` clears",
            list(&old.cleared_variables),
            list(&new.cleared_variables),
        ),
        (
            Class::Switched,
            "where keys and logins are kept",
            storage(old),
            storage(new),
        ),
    ];
    rows.into_iter()
        .filter(|(_, _, old, new)| old != new)
        .map(|(class, part, old, new)| Contract {
            class,
            source: None,
            part,
            old,
            new,
            at: None,
        })
        .collect()
}

type Part = (Class, &'static str, String, String);

fn parts((old, old_ttl): Kept<'_>, (new, new_ttl): Kept<'_>) -> [Part; 8] {
    // A host that the credential did not go to before gets it now.
    let sent = Class::Widening;
    let same = Class::Switched;
    [
        (same, "id", format!("`{}`", old.id), format!("`{}`", new.id)),
        (sent, "endpoint", endpoint(old), endpoint(new)),
        (same, "headers", pairs(&old.headers), pairs(&new.headers)),
        (same, "export", pairs(&old.export), pairs(&new.export)),
        (same, "kept as", kept(old), kept(new)),
        (same, "reads", asked(old), asked(new)),
        (same, "timeout", timeout(old), timeout(new)),
        (
            same,
            "token kept for",
            lasts(old, old_ttl),
            lasts(new, new_ttl),
        ),
    ]
}

fn lasts(source: &wit::Source, ttl: u64) -> String {
    match source.kind {
        wit::Kind::Helper(_) => format!("{ttl} ms"),
        _ => "as long as it lasts".to_owned(),
    }
}

fn endpoint(source: &wit::Source) -> String {
    match &source.endpoint {
        None => "none".to_owned(),
        Some(endpoint) => match &endpoint.variable {
            Some(variable) => format!("`{}`, or what `{variable}` says", endpoint.default),
            None => format!("`{}`", endpoint.default),
        },
    }
}

fn pairs(pairs: &[wit::Pair]) -> String {
    let mut pairs: Vec<String> = pairs
        .iter()
        .map(|pair| format!("`{}: {}`", pair.name, pair.text))
        .collect();
    pairs.sort();
    if pairs.is_empty() {
        return "none".to_owned();
    }
    super::outcome::all_of(&pairs)
}

fn kept(source: &wit::Source) -> String {
    source
        .keep_as
        .as_ref()
        .map_or_else(|| "nothing".to_owned(), |name| format!("`{name}`"))
}

/// What a cloud provider's credentials come from besides its own search, and
/// where it is asked.
fn asked(source: &wit::Source) -> String {
    let wit::Kind::Cloud(cloud) = &source.kind else {
        return "what it reads".to_owned();
    };
    let setting = |setting: &Option<wit::Setting>| {
        let setting = setting.as_ref()?;
        Some(format!("{} in {}", setting.key, setting.from.join(", ")))
    };
    let first = |names: &[String]| (!names.is_empty()).then(|| names.join(", "));
    let service = cloud.service.as_ref();
    let all: Vec<String> = [
        ("skip-auth", cloud.skip_auth.clone()),
        ("bearer-token", cloud.bearer_token.clone()),
        ("api-key", cloud.api_key.clone()),
        ("region", first(&cloud.region)),
        ("project", first(&cloud.project)),
        ("resource", first(&cloud.resource)),
        ("service", service.cloned()),
        ("auth-refresh", setting(&cloud.auth_refresh)),
        ("credential-export", setting(&cloud.credential_export)),
    ]
    .into_iter()
    .filter_map(|(key, what)| Some(format!("{key} `{}`", what?)))
    .collect();
    let set: Vec<String> = cloud
        .set
        .iter()
        .map(|pair| format!("set `{}: {}`", pair.name, pair.text))
        .collect();
    match [all, set].concat().as_slice() {
        [] => "its own search alone".to_owned(),
        some => super::outcome::all_of(some),
    }
}

fn timeout(source: &wit::Source) -> String {
    match &source.kind {
        wit::Kind::Helper(helper) => format!("{} ms", helper.timeout_ms),
        wit::Kind::Cloud(cloud) => format!("{} ms", cloud.timeout_ms),
        _ => "none".to_owned(),
    }
}
