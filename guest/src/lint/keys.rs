//! Finds keys of the policy that change nothing. They are looked up in the text
//! again, because a rule has forgotten what made no difference.
//!
//! A settings file that no source names does not belong here: `doctor` reads it.

use super::{Found, Said};
use crate::policy::Policy;
use crate::reader::{Reader, Table};
use crate::rule::{ConsentLevel, Rule};
use crate::text::At;
use crate::wit::{Cloud, DocumentOrigin, Kind};

pub(super) fn lint(policy: &Policy, found: &mut Found) {
    let Some((index, origin, text)) = policy.policy_document() else {
        return;
    };
    let mut reader = Reader::new(index, text);
    let Some(parsed) = reader.parse(text) else {
        return;
    };
    let top = Table {
        entries: parsed.get_ref(),
        what: "the policy",
        at: reader.start(),
    };
    let rules = policy.unrestricted();
    if let Some(at) = at(&reader, top, "others")
        && matches!(origin, DocumentOrigin::User)
    {
        dead(
            found,
            at,
            "`others` is read in managed policies alone",
            "remove it, or install the file as a managed policy",
        );
    }
    if let Some(at) = at(&reader, top, "storage")
        && !rules.iter().any(|rule| is_stored(&rule.source.kind))
    {
        dead(
            found,
            at,
            "`[storage]` says where keys and logins are kept, and no source is one",
            "remove it",
        );
    }
    for table in reader.tables(top, "issuer", "an `[[issuer]]`") {
        issuer(&reader, table, rules, found);
    }
    let tables = reader.tables(top, "source", "a `[[source]]`");
    for (table, rule) in tables.into_iter().zip(rules) {
        source(&mut reader, table, rule, found);
    }
}

fn issuer(reader: &Reader<'_>, table: Table<'_>, rules: &[Rule], found: &mut Found) {
    let (Some(id), Some(location)) = (reader.text(table, "id"), at(reader, table, "id")) else {
        return;
    };
    let uses = |rule: &&Rule| match &rule.source.kind {
        Kind::Login(login) => login.issuer.id == id,
        Kind::StoredKey(key) => key.issuer.as_ref().is_some_and(|issuer| issuer.id == id),
        Kind::Environment(_)
        | Kind::Helper(_)
        | Kind::ToolOwned(_)
        | Kind::Supplied
        | Kind::Cloud(_) => false,
    };
    let mut used = rules.iter().filter(uses).peekable();
    if used.peek().is_none() {
        dead(
            found,
            location,
            "no source names this issuer",
            "remove it, or name it in a source: `issuer = \"…\"`",
        );
        return;
    }
    let follows = |rule: &Rule| {
        let endpoint = rule.source.endpoint.as_ref();
        matches!(rule.source.kind, Kind::Login(_))
            && endpoint.is_some_and(|endpoint| endpoint.variable.is_some())
    };
    if let Some(location) = at(reader, table, "origins")
        && !used.any(follows)
    {
        dead(
            found,
            location,
            "`origins` limits the variables that logins follow, and no login with this issuer follows one",
            "remove it",
        );
    }
}

fn source(reader: &mut Reader<'_>, table: Table<'_>, rule: &Rule, found: &mut Found) {
    if let Some(endpoint) = reader.table(table, "endpoint", "an `endpoint`")
        && let Some(location) = at(reader, endpoint, "allow")
    {
        allow(location, rule, found);
    }
    if let Some(location) = at(reader, table, "keep-as")
        && rule.consent == ConsentLevel::Never
    {
        dead(
            found,
            location,
            "`keep-as` is offered with the question, and nobody is asked about this source",
            "say `consent = \"interactive\"`, or remove it",
        );
    }
    if let Kind::Cloud(cloud) = &rule.source.kind {
        return unnamed(reader, table, rule, cloud, found);
    }
    let Kind::Helper(helper) = &rule.source.kind else {
        return;
    };
    // The policy's own limit; restrictions have their own.
    let most = reader.duration(table, "ttl-max").map(|most| most.value);
    if let (Some(most), Some(ttl)) = (most, reader.duration(table, "ttl"))
        && ttl.value > most
    {
        dead(
            found,
            ttl.at,
            "`ttl` is longer than `ttl-max`, which goes before it",
            "remove one of them, or make `ttl-max` the longer one",
        );
    }
    if let (Some(0), Some(_), Some(location)) = (
        most,
        &helper.ttl_variable,
        at(reader, table, "ttl-variable"),
    ) {
        dead(
            found,
            location,
            "`ttl-variable` can change nothing, because `ttl-max` is 0",
            "remove it, or allow some time with `ttl-max`",
        );
    }
}

/// What braces hold in an endpoint that follows no variable, and that nothing
/// names. A project and an AWS region can also come from files.
fn unnamed(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    rule: &Rule,
    cloud: &Cloud,
    found: &mut Found,
) {
    let Some(endpoint) = &rule.source.endpoint else {
        return;
    };
    let location = reader
        .table(table, "endpoint", "an `endpoint`")
        .and_then(|inner| at(reader, inner, "default"));
    let Some(location) = location.filter(|_| endpoint.variable.is_none()) else {
        return;
    };
    for (word, names) in [("region", &cloud.region), ("resource", &cloud.resource)] {
        if names.is_empty() && endpoint.default.contains(&format!("{{{word}}}")) {
            let said = Said {
                code: "never-usable",
                message: format!(
                    "`{}` is never usable, because its endpoint says `{{{word}}}` and no variable names one",
                    rule.source.id
                ),
                why: "whatever is there and whatever the user does, nobody knows where it would be sent",
                help: "name the variable, or write the text itself into the endpoint",
            };
            found.add(location, said);
        }
    }
}

fn allow(location: At, rule: &Rule, found: &mut Found) {
    let follows = rule
        .source
        .endpoint
        .as_ref()
        .is_some_and(|endpoint| endpoint.variable.is_some());
    if !follows {
        dead(
            found,
            location,
            "`allow` lists what a variable may name, and this endpoint follows none",
            "remove it: without a `variable` the default is the one endpoint there is",
        );
        return;
    }
    let list = rule
        .endpoints
        .as_ref()
        .map_or(&[][..], |listed| &listed.list);
    let covered = |index: usize| {
        let pattern = list.get(index)?;
        let mut others = list.iter().enumerate();
        others
            .any(|(other, wider)| {
                other != index && wider.covers(pattern) && (other < index || !pattern.covers(wider))
            })
            .then_some(index)
    };
    if let Some(index) = (0..list.len()).find_map(covered) {
        let message = format!(
            "pattern {} of `allow` is covered by another one in the list",
            index + 1
        );
        dead(
            found,
            location,
            &message,
            "remove it, or narrow the other one",
        );
    }
}

fn is_stored(kind: &Kind) -> bool {
    match kind {
        Kind::Login(_) | Kind::StoredKey(_) => true,
        Kind::Environment(_)
        | Kind::Helper(_)
        | Kind::ToolOwned(_)
        | Kind::Supplied
        | Kind::Cloud(_) => false,
    }
}

/// The location of a key's value, if the key is there.
fn at(reader: &Reader<'_>, table: Table<'_>, key: &str) -> Option<At> {
    table.entries.get(key).map(|value| reader.at(value))
}

pub(super) fn dead(found: &mut Found, at: At, message: &str, help: &str) {
    let said = Said {
        code: "dead-rule",
        message: message.to_owned(),
        why: "a line that changes nothing makes its reader believe that it does",
        help,
    };
    found.add(at, said);
}
