//! Reads a restriction: a file that can only remove. Its language has no word
//! that could add, so restrictions can be merged in any order, and twice.

use crate::kind;
use crate::origin::Pattern;
use crate::reader::{Placed, Problem, Reader, Table};
use crate::rule::{Allowed, CONSENT_LEVELS, ConsentLevel, Rule, Surfaces};
use crate::source::{patterns, surfaces};
use crate::text::At;
use crate::wit::Reason;

/// A restriction as it was written.
#[derive(Debug, Default)]
pub(crate) struct Restriction {
    pub drop: Option<Placed<Vec<Placed<String>>>>,
    pub all: Limits,
    pub organizations: Option<Allowed<String>>,
    /// Limits for single sources, by id.
    pub single: Vec<(Placed<String>, Limits)>,
}

/// What can be taken from a source.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    pub surfaces: Option<Placed<Surfaces>>,
    pub consent: Option<Placed<ConsentLevel>>,
    pub ttl_ms: Option<Placed<u64>>,
    pub endpoints: Option<Allowed<Pattern>>,
}

const LIMITS: [&str; 4] = ["surfaces", "consent", "ttl", "endpoints"];

/// Reads a restriction. `None` where anything is wrong.
pub(crate) fn read(
    document: u16,
    text: &str,
    ids: &[&str],
    problems: &mut Vec<Problem>,
) -> Option<Restriction> {
    let mut reader = Reader::new(document, text);
    let read = read_with(text, ids, &mut reader);
    let failed = reader.failed();
    problems.append(&mut reader.problems);
    read.filter(|_| !failed)
}

fn read_with<'t>(text: &'t str, ids: &[&str], reader: &mut Reader<'t>) -> Option<Restriction> {
    if text.trim().is_empty() {
        reader.error(
            "empty-policy",
            "the restriction is empty",
            reader.start(),
            "write what it takes away, or remove the file",
        );
        return None;
    }
    let parsed = reader.parse(text)?;
    let top = Table {
        entries: parsed.get_ref(),
        what: "the restriction",
        at: reader.start(),
    };
    let source = top.entries.get("source");
    if let Some(source) = source.filter(|source| source.get_ref().is_array()) {
        let at = reader.at(source);
        reader.error(
            "not-a-restriction",
            "this file adds a source, and here it can only take away",
            at,
            "another policy comes before it; keep what this file should take away (`drop`, `surfaces`, `consent`, …), or remove the file",
        );
        return None;
    }
    reader.known(
        top,
        &[
            "drop",
            "surfaces",
            "consent",
            "ttl",
            "organizations",
            "endpoints",
            "source",
        ],
    );
    let mut restriction = Restriction {
        drop: reader.strings(top, "drop"),
        all: limits(reader, top),
        organizations: reader.strings(top, "organizations").map(|list| Allowed {
            list: list.value.into_iter().map(|name| name.value).collect(),
            at: list.at,
        }),
        single: Vec::new(),
    };
    if let Some(drop) = &restriction.drop {
        let names: Vec<(String, At)> = drop
            .value
            .iter()
            .map(|id| (id.value.clone(), id.at))
            .collect();
        kind::refer(reader, "source", &names, ids);
    }
    if let Some(sources) = reader.table(top, "source", "`[source]`") {
        for key in sources.entries.keys() {
            let id = Placed {
                value: key.get_ref().to_string(),
                at: reader.at(key),
            };
            kind::refer(reader, "source", &[(id.value.clone(), id.at)], ids);
            if let Some(table) = reader.table(sources, &id.value, "a `[source.…]`") {
                reader.known(table, &LIMITS);
                let limits = limits(reader, table);
                restriction.single.push((id, limits));
            }
        }
    }
    Some(restriction)
}

fn limits(reader: &mut Reader<'_>, table: Table<'_>) -> Limits {
    Limits {
        surfaces: surfaces(reader, table, "surfaces"),
        consent: reader.word(table, "consent", &CONSENT_LEVELS),
        ttl_ms: reader.duration(table, "ttl"),
        endpoints: patterns(reader, table, "endpoints"),
    }
}

impl Restriction {
    /// Takes from the rules what this restriction takes.
    pub(crate) fn apply(&self, rules: &mut [Rule]) {
        for rule in rules {
            self.apply_to(rule);
        }
    }

    fn apply_to(&self, rule: &mut Rule) {
        let dropped = self
            .drop
            .iter()
            .flat_map(|drop| &drop.value)
            .find(|id| id.value == rule.source.id);
        if let Some(id) = dropped {
            rule.keep_surfaces(Surfaces::NONE, Reason::Dropped, id.at);
        }
        if let Some(organizations) = &self.organizations {
            rule.organizations.push(organizations.clone());
        }
        self.all.apply_to(rule);
        for (id, limits) in &self.single {
            if id.value == rule.source.id {
                limits.apply_to(rule);
            }
        }
    }
}

impl Limits {
    fn apply_to(&self, rule: &mut Rule) {
        if let Some(surfaces) = &self.surfaces {
            rule.keep_surfaces(surfaces.value, Reason::RestrictedSurface, surfaces.at);
        }
        if let Some(consent) = &self.consent
            && consent.value > rule.consent
        {
            rule.consent = consent.value;
            rule.consent_at = consent.at;
        }
        if let Some(ttl) = &self.ttl_ms {
            rule.ttl_limits.push(ttl.value);
        }
        if let Some(endpoints) = &self.endpoints {
            rule.endpoint_limits.push(endpoints.clone());
        }
    }
}
