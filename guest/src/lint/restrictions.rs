//! Finds restrictions that take nothing away: each key alone, applied to the
//! policy as it is without any restriction.

use super::Found;
use super::keys::dead;
use crate::condition::possible;
use crate::policy::Policy;
use crate::restriction::{self, Limits, Restriction};
use crate::rule::{Allowed, Rule, SURFACES};
use crate::text::At;
use crate::wit::Kind;

const HELP: &str = "remove it, or narrow it until it takes something away";

pub(super) fn lint(policy: &Policy, found: &mut Found) {
    let rules = policy.unrestricted();
    let ids: Vec<&str> = rules.iter().map(|rule| rule.source.id.as_str()).collect();
    for index in policy.merged.used.iter().skip(1) {
        let (Some(document), Ok(place)) = (policy.documents.get(*index), u16::try_from(*index))
        else {
            continue;
        };
        let read = restriction::read(place, &document.text, &ids, &mut Vec::new());
        if let Some(read) = read {
            of(&read, rules, found);
        }
    }
}

fn of(read: &Restriction, rules: &[Rule], found: &mut Found) {
    for id in read.drop.iter().flat_map(|drop| &drop.value) {
        let counts = |rule: &Rule| SURFACES.iter().any(|(_, surface)| rule.counts(*surface));
        let dropped = rules.iter().find(|rule| rule.source.id == id.value);
        if dropped.is_some_and(|rule| !counts(rule)) {
            dead(
                found,
                id.at,
                "a source is dropped that counts nowhere anyway",
                HELP,
            );
        }
    }
    if let Some(organizations) = &read.organizations {
        let limit = |rule: &mut Rule| rule.organizations.push(organizations.clone());
        if !rules.iter().any(|rule| judges_otherwise(rule, limit)) {
            dead(
                found,
                organizations.at,
                "`organizations` takes nothing from any source",
                HELP,
            );
        }
    }
    limits(&read.all, rules, "any source", found);
    for (id, single) in &read.single {
        let one: Vec<Rule> = rules
            .iter()
            .filter(|rule| rule.source.id == id.value)
            .cloned()
            .collect();
        limits(single, &one, "this source", found);
    }
}

fn limits(limits: &Limits, rules: &[Rule], whom: &str, found: &mut Found) {
    let mut useless = |key: &str, at: At| {
        dead(
            found,
            at,
            &format!("`{key}` takes nothing from {whom}"),
            HELP,
        );
    };
    if let Some(surfaces) = &limits.surfaces {
        let takes = |rule: &Rule| rule.surfaces.intersect(surfaces.value) != rule.surfaces;
        if !rules.iter().any(takes) {
            useless("surfaces", surfaces.at);
        }
    }
    if let Some(consent) = &limits.consent
        && !rules.iter().any(|rule| consent.value > rule.consent)
    {
        useless("consent", consent.at);
    }
    if let Some(ttl) = &limits.ttl_ms
        && !rules.iter().any(|rule| shortens(rule, ttl.value))
    {
        useless("ttl", ttl.at);
    }
    if let Some(endpoints) = &limits.endpoints {
        let limit = |rule: &mut Rule| {
            rule.endpoint_limits.push(Allowed {
                list: endpoints.list.clone(),
                at: endpoints.at,
            });
        };
        if !rules.iter().any(|rule| judges_otherwise(rule, limit)) {
            useless("endpoints", endpoints.at);
        }
    }
}

/// Whether the limit makes a source's token live for less.
fn shortens(rule: &Rule, limit: u64) -> bool {
    let Kind::Helper(helper) = &rule.source.kind else {
        return false;
    };
    let most = rule.ttl_limits.iter().copied().min().unwrap_or(u64::MAX);
    let longest = if helper.ttl_variable.is_some() {
        most
    } else {
        rule.ttl_ms.min(most)
    };
    limit < longest
}

/// Whether anything that can be the case with a source is judged otherwise.
fn judges_otherwise(rule: &Rule, limit: impl Fn(&mut Rule)) -> bool {
    let mut limited = rule.clone();
    limit(&mut limited);
    possible(&[rule, &limited])
        .iter()
        .any(|condition| match condition.judged.as_slice() {
            [(state, _, _), (other, _, _)] => state != other,
            _ => false,
        })
}
