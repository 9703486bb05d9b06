//! Lists everything that can be the case with a source, as observations that
//! represent all others: every rule judges any other observation as it judges
//! one of these. For two policies at once the observations distinguish what
//! either of them distinguishes.
//!
//! The other fields of an observation (accounts, details, times) change words
//! and never a state, except that what has expired is judged like a failure.

use std::collections::BTreeSet;

use crate::observe::{can_be_nested, judge};
use crate::origin::Pattern;
use crate::rule::Rule;
use crate::text::At;
use crate::wit::{
    Command, Destination, FailureKind, Kind, Lifetime, Observation, Outcome, Reason, Redirection,
    State, StoreKind,
};
use crate::words::{surely, variable_of_endpoint};

/// How one rule judges.
pub(crate) type Judged = (State, Reason, At);

/// Something that can be the case: an observation for each of the rules, how
/// each judges its own, and what it is in words.
#[derive(Debug, Clone)]
pub(crate) struct Possible {
    pub seen: Vec<Observation>,
    pub judged: Vec<Judged>,
    /// What is the case, without what the rules make of it.
    aspects: Vec<String>,
}

/// All that can be the case with a source that these rules read. What every
/// one of them judges in one way stands there once.
pub(crate) fn possible(rules: &[&Rule]) -> Vec<Possible> {
    let mut all: Vec<Possible> = Vec::new();
    for (seen, aspects) in observations(rules) {
        let judged: Vec<Judged> = rules
            .iter()
            .zip(&seen)
            .map(|(rule, seen)| judge(rule, seen))
            .collect();
        if !all.iter().any(|other| other.judged == judged) {
            all.push(Possible {
                seen,
                judged,
                aspects,
            });
        }
    }
    all
}

impl Possible {
    /// What is the case, to follow a source's name.
    pub(crate) fn text(&self) -> String {
        if let [(_, reason, _), rest @ ..] = self.judged.as_slice()
            && rest.iter().all(|(_, other, _)| other == reason)
            && let Some(text) = surely(*reason)
        {
            return text.to_owned();
        }
        if self.aspects.is_empty() {
            return "is there".to_owned();
        }
        format!("is there, {}", self.aspects.join(", "))
    }
}

/// An observation for each rule, and the aspects in which it differs from the
/// plainest one.
type Seen = (Vec<Observation>, Vec<String>);

fn observations(rules: &[&Rule]) -> Vec<Seen> {
    let Some(kind) = rules.first().map(|rule| &rule.source.kind) else {
        return Vec::new();
    };
    let mut all = Vec::new();
    let sent = destinations(rules);
    let moved = redirections(rules);
    let whose = organizations(rules);
    let endings: &[bool] = if rules.len() > 1 && can_end(kind) {
        &[false, true]
    } else {
        // One rule judges what has expired as it judges a failure.
        &[false]
    };
    for ended in endings {
        let ending = ended.then(|| "that has ended and cannot be renewed".to_owned());
        for (organizations, of) in &whose {
            for (stored_in, place) in stores(kind) {
                for (destinations, sent) in &sent {
                    for (redirections, moved) in &moved {
                        let each = destinations.iter().zip(organizations);
                        let seen = each.map(|(destination, organization)| Observation {
                            destination: destination.clone(),
                            redirections: redirections.clone(),
                            organization: organization.clone(),
                            stored_in,
                            expires_in: ended.then_some(0),
                            ..plain(Outcome::Present)
                        });
                        let aspects = [&ending, of, &place, sent, moved];
                        let aspects = aspects.into_iter().flatten().cloned();
                        all.push((seen.collect(), aspects.collect()));
                    }
                }
            }
        }
        if !ended {
            for outcome in others(kind) {
                let seen = rules.iter().map(|_| plain(outcome)).collect();
                all.push((seen, Vec::new()));
            }
        }
    }
    all
}

/// The plainest observation.
fn plain(outcome: Outcome) -> Observation {
    Observation {
        fetched: false,
        outcome,
        detail: None,
        location: None,
        tier: None,
        destination: Destination::Default,
        endpoint_location: None,
        endpoint_tier: None,
        redirections: Vec::new(),
        expires_in: None,
        refreshable: false,
        account: None,
        organization: None,
        stored_in: None,
        lifetime: Lifetime::Unset,
    }
}

/// What can come of a look besides that it is there. A command that the
/// policy names, and a provider that it selects, are never absent.
fn others(kind: &Kind) -> Vec<Outcome> {
    let mut all = vec![Outcome::Failed(trouble(kind))];
    if can_be_nested(kind) {
        all.push(Outcome::Failed(FailureKind::Nested));
    }
    match kind {
        Kind::Environment(_) | Kind::Supplied => all.extend([Outcome::Absent, Outcome::Blank]),
        Kind::Helper(helper) => {
            if !matches!(helper.command, Command::Arguments(_)) {
                all.extend([Outcome::Absent, Outcome::Blank]);
            }
            all.push(Outcome::Recursion);
        }
        Kind::Cloud(cloud) => {
            if cloud.flag.is_some() {
                all.extend([Outcome::Absent, Outcome::Blank, Outcome::Off]);
            }
        }
        Kind::ToolOwned(_) | Kind::StoredKey(_) | Kind::Login(_) => all.push(Outcome::Absent),
    }
    all
}

/// Whether a look can find that such a credential has expired. Others expire
/// unseen: what is cached of a helper or a provider is not used after that.
fn can_end(kind: &Kind) -> bool {
    match kind {
        Kind::Login(_) | Kind::Supplied => true,
        Kind::Environment(_)
        | Kind::Helper(_)
        | Kind::ToolOwned(_)
        | Kind::StoredKey(_)
        | Kind::Cloud(_) => false,
    }
}

/// A failure that such a source can have.
fn trouble(kind: &Kind) -> FailureKind {
    match kind {
        Kind::Environment(_) | Kind::Supplied => FailureKind::BadCharacter,
        Kind::Helper(_) => FailureKind::ExitStatus,
        Kind::ToolOwned(_) => FailureKind::Invalid,
        Kind::StoredKey(_) => FailureKind::Unreadable,
        Kind::Login(_) => FailureKind::Expired,
        Kind::Cloud(_) => FailureKind::NoCredentials,
    }
}

/// Whose each rule's credential can be: each organization that is named, one
/// that is not, and none. Rules that go by the same claim see the same.
fn organizations(rules: &[&Rule]) -> Vec<(Vec<Option<String>>, Option<String>)> {
    let none = || vec![(None, None)];
    let several = rules
        .iter()
        .any(|rule| claim(rule) != rules.first().and_then(|rule| claim(rule)));
    each(rules, claim, |group| {
        let named: BTreeSet<&String> = group
            .iter()
            .flat_map(|rule| &rule.organizations)
            .flat_map(|organizations| &organizations.list)
            .collect();
        let Some(rule) = group.first().filter(|rule| says_whose(&rule.source.kind)) else {
            return none();
        };
        if named.is_empty() {
            return none();
        }
        let by = match claim(rule).filter(|_| several) {
            Some(claim) => format!(" by its claim `{claim}`"),
            None => String::new(),
        };
        let mut another = "another".to_owned();
        while named.contains(&another) {
            another.push('-');
        }
        let mut all: Vec<_> = named
            .into_iter()
            .map(|name| {
                let text = format!("of the organisation `{name}`{by}");
                (Some(name.clone()), Some(text))
            })
            .collect();
        all.push((Some(another), Some(format!("of another organisation{by}"))));
        all.push((None, Some(format!("of no known organisation{by}"))));
        all
    })
}

/// The claim that says whose a credential is, where the policy names one.
fn claim(rule: &Rule) -> Option<&str> {
    match &rule.source.kind {
        Kind::Login(login) => login.organization_claim.as_deref(),
        Kind::StoredKey(key) => key.organization_claim.as_deref(),
        Kind::Environment(_)
        | Kind::Helper(_)
        | Kind::ToolOwned(_)
        | Kind::Supplied
        | Kind::Cloud(_) => None,
    }
}

/// Whether it is known whose such a credential is.
fn says_whose(kind: &Kind) -> bool {
    match kind {
        Kind::Login(_) | Kind::Supplied => true,
        Kind::StoredKey(key) => key.issuer.is_some(),
        Kind::Environment(_) | Kind::Helper(_) | Kind::ToolOwned(_) | Kind::Cloud(_) => false,
    }
}

/// Where it can be stored.
fn stores(kind: &Kind) -> Vec<(Option<StoreKind>, Option<String>)> {
    match kind {
        Kind::Login(_) | Kind::StoredKey(_) => vec![
            (Some(StoreKind::File), Some("kept in a file".to_owned())),
            (
                Some(StoreKind::Keyring),
                Some("kept in the keyring".to_owned()),
            ),
        ],
        Kind::Environment(_)
        | Kind::Helper(_)
        | Kind::ToolOwned(_)
        | Kind::Supplied
        | Kind::Cloud(_) => vec![(None, None)],
    }
}

/// Where each rule's credential can be sent. Rules that follow the same
/// variable see the same; others see each their own.
fn destinations(rules: &[&Rule]) -> Vec<(Vec<Destination>, Option<String>)> {
    each(rules, variable_of_endpoint, |group| {
        let mut all = vec![(Destination::Default, None)];
        let Some(variable) = group.first().and_then(|rule| variable_of_endpoint(rule)) else {
            return all;
        };
        all.extend(origins(group).into_iter().map(|origin| {
            let text = format!("to be sent to `{origin}` by `{variable}`");
            (Destination::Origin(origin), Some(text))
        }));
        let text = format!("with a `{variable}` that is not a URL");
        all.push((Destination::Malformed, Some(text)));
        all
    })
}

/// What else can say where it is sent, which every rule sees alike: nothing, a
/// variable that names each origin, or one that names none.
fn redirections(rules: &[&Rule]) -> Vec<(Vec<Redirection>, Option<String>)> {
    let mut all = vec![(Vec::new(), None)];
    let is_cloud = |rule: &&Rule| matches!(rule.source.kind, Kind::Cloud(_));
    if !rules.iter().all(is_cloud) {
        return all;
    }
    let named = |origin| {
        vec![Redirection {
            name: "a variable of the provider".to_owned(),
            origin,
            carries: true,
        }]
    };
    all.extend(origins(rules).into_iter().map(|origin| {
        let text = format!("to be sent to `{origin}` by a variable of the provider");
        (named(Some(origin)), Some(text))
    }));
    let text = "with a variable of the provider that is not a URL".to_owned();
    all.push((named(None), Some(text)));
    all
}

/// Every combination of what the rules can see, where those with the same
/// `key` see the same.
fn each<'r, K: PartialEq, T: Clone>(
    rules: &[&'r Rule],
    key: impl Fn(&'r Rule) -> K,
    choices: impl Fn(&[&'r Rule]) -> Vec<(T, Option<String>)>,
) -> Vec<(Vec<T>, Option<String>)> {
    let mut all: Vec<(Vec<T>, Option<String>)> = vec![(Vec::new(), None)];
    for (index, rule) in rules.iter().enumerate() {
        let key_of_rule = key(rule);
        let first = rules.iter().position(|other| key(other) == key_of_rule);
        if let Some(first) = first.filter(|first| *first < index) {
            for (seen, _) in &mut all {
                seen.extend(seen.get(first).cloned());
            }
            continue;
        }
        let group: Vec<&Rule> = rules
            .iter()
            .filter(|other| key(other) == key_of_rule)
            .copied()
            .collect();
        let choices = choices(&group);
        all = all
            .into_iter()
            .flat_map(|(before, text)| {
                choices.iter().cloned().map(move |(choice, more)| {
                    let mut now = before.clone();
                    now.push(choice);
                    let said = match (&text, more) {
                        (Some(text), Some(more)) => Some(format!("{text}, {more}")),
                        (text, more) => text.clone().or(more),
                    };
                    (now, said)
                })
            })
            .collect();
    }
    all
}

/// Origins that tell the rules' patterns apart.
fn origins(rules: &[&Rule]) -> Vec<String> {
    let patterns: Vec<&Pattern> = rules
        .iter()
        .flat_map(|rule| rule.endpoints.iter().chain(&rule.endpoint_limits))
        .flat_map(|listed| &listed.list)
        .collect();
    crate::origin::telling_apart(&patterns)
}
