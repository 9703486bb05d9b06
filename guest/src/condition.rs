//! Everything that can be the case with a source: rules in, observations out
//! that stand for all others, because every rule judges any other observation
//! as it judges one of these. For two policies at once the observations tell
//! apart what either of them tells apart.
//!
//! What an observation says besides (accounts, details, times) changes words
//! and never a state, except that what has ended is judged like trouble.

use std::collections::BTreeSet;

use crate::observe::judge;
use crate::origin::Pattern;
use crate::rule::Rule;
use crate::text::At;
use crate::wit::{
    Command, Destination, Kind, Lifetime, Observation, Outcome, Reason, State, StoreKind, Trouble,
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
    for (organization, of) in organizations(kind, rules) {
        for (kept_in, place) in stores(kind) {
            for (destinations, sent) in destinations(rules) {
                let seen = destinations
                    .into_iter()
                    .map(|destination| Observation {
                        destination,
                        organization: organization.clone(),
                        kept_in,
                        ..plain(Outcome::Present)
                    })
                    .collect();
                let aspects = [&of, &place, &sent].into_iter().flatten().cloned();
                all.push((seen, aspects.collect()));
            }
        }
    }
    for outcome in others(kind) {
        let seen = rules.iter().map(|_| plain(outcome)).collect();
        all.push((seen, Vec::new()));
    }
    all
}

/// The plainest observation.
fn plain(outcome: Outcome) -> Observation {
    Observation {
        got: false,
        outcome,
        detail: None,
        found_in: None,
        tier: None,
        destination: Destination::Default,
        expires_in: None,
        renewable: false,
        account: None,
        organization: None,
        kept_in: None,
        lifetime: Lifetime::Unset,
    }
}

/// What can come of a look besides that it is there.
fn others(kind: &Kind) -> Vec<Outcome> {
    let mut all = vec![Outcome::Trouble(trouble(kind)), Outcome::Absent];
    match kind {
        Kind::Environment(_) | Kind::Supplied => all.push(Outcome::Blank),
        Kind::Helper(helper) => {
            if !matches!(helper.command, Command::Arguments(_)) {
                all.push(Outcome::Blank);
            }
            all.push(Outcome::Recursion);
        }
        Kind::Cloud(cloud) if cloud.flag.is_some() => {
            all.extend([Outcome::Blank, Outcome::Off]);
        }
        Kind::Cloud(_) | Kind::ToolLogin(_) | Kind::StoredKey(_) | Kind::Login(_) => {}
    }
    all
}

/// A trouble that such a source can have.
fn trouble(kind: &Kind) -> Trouble {
    match kind {
        Kind::Environment(_) | Kind::Supplied => Trouble::BadCharacter,
        Kind::Helper(_) => Trouble::ExitStatus,
        Kind::ToolLogin(_) => Trouble::Invalid,
        Kind::StoredKey(_) => Trouble::Unreadable,
        Kind::Login(_) => Trouble::Expired,
        Kind::Cloud(_) => Trouble::Unsupported,
    }
}

/// Organisations that tell the rules' lists apart: each that is named, one
/// that is not, and none.
fn organizations(kind: &Kind, rules: &[&Rule]) -> Vec<(Option<String>, Option<String>)> {
    let named: BTreeSet<&String> = rules
        .iter()
        .flat_map(|rule| &rule.organizations)
        .flat_map(|organizations| &organizations.list)
        .collect();
    let none = (None, None);
    if named.is_empty() || !says_whose(kind) {
        return vec![none];
    }
    let mut another = "another".to_owned();
    while named.contains(&another) {
        another.push('-');
    }
    let mut all: Vec<_> = named
        .into_iter()
        .map(|name| {
            let text = format!("of the organisation `{name}`");
            (Some(name.clone()), Some(text))
        })
        .collect();
    all.push((Some(another), Some("of another organisation".to_owned())));
    all.push((None, Some("of no known organisation".to_owned())));
    all
}

/// Whether it is known whose such a credential is.
fn says_whose(kind: &Kind) -> bool {
    match kind {
        Kind::Login(_) | Kind::Supplied => true,
        Kind::StoredKey(key) => key.issuer.is_some(),
        Kind::Environment(_) | Kind::Helper(_) | Kind::ToolLogin(_) | Kind::Cloud(_) => false,
    }
}

/// Where it can be kept.
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
        | Kind::ToolLogin(_)
        | Kind::Supplied
        | Kind::Cloud(_) => vec![(None, None)],
    }
}

/// Where each rule's credential can be sent. Rules that follow the same
/// variable see the same; others see each their own.
fn destinations(rules: &[&Rule]) -> Vec<(Vec<Destination>, Option<String>)> {
    let origins = origins(rules);
    let of = |variable: Option<&str>| -> Vec<(Destination, Option<String>)> {
        let default = (Destination::Default, None);
        let Some(variable) = variable else {
            return vec![default];
        };
        let mut all = vec![default];
        all.extend(origins.iter().map(|origin| {
            let text = format!("to be sent to `{origin}` by `{variable}`");
            (Destination::Origin(origin.clone()), Some(text))
        }));
        let text = format!("with a `{variable}` that is not a URL");
        all.push((Destination::Malformed, Some(text)));
        all
    };
    let mut all: Vec<(Vec<Destination>, Option<String>)> = vec![(Vec::new(), None)];
    for (index, rule) in rules.iter().enumerate() {
        let variable = variable_of_endpoint(rule);
        let first = rules
            .iter()
            .take(index)
            .position(|other| variable.is_some() && variable_of_endpoint(other) == variable);
        let choices = of(variable);
        all = all
            .into_iter()
            .flat_map(|(before, text)| {
                let same = first.and_then(|first| before.get(first).cloned());
                let choices = match same {
                    Some(destination) => vec![(destination, None)],
                    None => choices.clone(),
                };
                choices.into_iter().map(move |(destination, more)| {
                    let mut now = before.clone();
                    now.push(destination);
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
