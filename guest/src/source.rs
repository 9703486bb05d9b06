//! Reads the rule of a `[[source]]`, with the keys that every kind of source
//! has in common. `kind` reads the rest.

use crate::issuer::Issuers;
use crate::kind::{self, KindParts};
use crate::origin::{self, Pattern};
use crate::reader::{Placed, Reader, Table};
use crate::reads::reads;
use crate::rule::{Allowed, CONSENT_LEVELS, ConsentLevel, Rule, SURFACES, Surfaces};
use crate::text::At;
use crate::wit::{Endpoint, Kind, Location, Source, Storage, Tool};

pub(crate) fn rules(
    reader: &mut Reader<'_>,
    top: Table<'_>,
    tool: &Tool,
    storage: Placed<Storage>,
    issuers: &Issuers,
) -> Vec<Rule> {
    let tables = reader.tables(top, "source", "a `[[source]]`");
    let listed = top.entries.get("source");
    if listed.is_none_or(|listed| {
        listed
            .get_ref()
            .as_array()
            .is_some_and(|list| list.is_empty())
    }) {
        reader.error(
            "no-source",
            "the policy has no source, so nothing could ever be used",
            top.at,
            "add a `[[source]]`",
        );
    }
    let settings: Vec<&str> = tool
        .settings
        .iter()
        .map(|file| file.name.as_str())
        .collect();
    let mut rules: Vec<Rule> = Vec::new();
    let mut keeps: Vec<(usize, String, At)> = Vec::new();
    for table in tables {
        let Some((mut rule, keep, from)) = rule(reader, table, issuers) else {
            continue;
        };
        rule.storage = storage;
        rule.source.reads = reads(&rule.source.id, &rule.source.kind, tool);
        kind::refer(reader, "settings file", &from, &settings);
        if rules.iter().any(|other| other.source.id == rule.source.id) {
            reader.error(
                "duplicate-id",
                format!("two sources have the id `{}`", rule.source.id),
                rule.at,
                "rename one of them",
            );
        }
        if let Some((id, at)) = keep {
            keeps.push((rules.len(), id, at));
        }
        rules.push(rule);
    }
    for (index, id, at) in keeps {
        let key = rules.iter().find(|rule| rule.source.id == id);
        let Some(Kind::StoredKey(key)) = key.map(|rule| &rule.source.kind) else {
            let stored: Vec<&str> = rules
                .iter()
                .filter(|rule| matches!(rule.source.kind, Kind::StoredKey(_)))
                .map(|rule| rule.source.id.as_str())
                .collect();
            kind::refer(reader, "source of kind `stored-key`", &[(id, at)], &stored);
            continue;
        };
        let name = key.name.clone();
        if let Some(rule) = rules.get_mut(index) {
            rule.source.keep_as = Some(name);
        }
    }
    rules
}

/// What a rule refers to: the source its key is stored as, and settings files.
type References = (Option<Named>, Vec<Named>);

/// A name and its location.
type Named = (String, At);

fn rule(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    issuers: &Issuers,
) -> Option<(Rule, Option<Named>, Vec<Named>)> {
    let id = reader.string(table, "id");
    let id = reader.require(table, "id", id, "give it an id: `id = \"api-key\"`");
    if let Some(id) = &id {
        checked_id(reader, id);
    }
    let parts = kind::read(reader, table, issuers);
    let counted = surfaces(reader, table, "surfaces");
    let counted = reader.require(
        table,
        "surfaces",
        counted,
        "list the sessions it counts in: `surfaces = [\"terminal\"]`; there is no default",
    );
    let description = reader.string(table, "description");
    let consent = reader.word(table, "consent", &CONSENT_LEVELS);
    let on_failure = reader.word(table, "on-failure", &[("stop", false), ("next", true)]);
    let (export_words, endpoint_words, takes_headers) = match &parts {
        Some(parts) => (
            parts.export_words,
            parts.endpoint_words,
            parts.takes_headers,
        ),
        // Where the kind itself is wrong, any word of the language will do.
        None => (&kind::EXPORT_WORDS[..], &kind::ENDPOINT_WORDS[..], true),
    };
    let headers = if takes_headers {
        kind::pairs(reader, table, "headers", &["secret"])
    } else {
        Vec::new()
    };
    let exports = kind::pairs(reader, table, "export", export_words);
    let (endpoint, endpoints) = endpoint(reader, table, endpoint_words);
    let clear = kind::variables(reader, table, "clear");
    let (id, parts, counted) = (id?, parts?, counted?);
    check_endpoint_use(reader, table, endpoint.is_some(), &headers, &exports);
    let followed = followed(reader, table, endpoint.as_ref(), &parts, issuers);
    let (keep, from): References = (parts.keep_as, parts.from);
    let rule = Rule {
        source: Source {
            id: id.value,
            description: description.map_or(parts.description, |text| text.value),
            kind: parts.kind,
            reads: String::new(),
            headers,
            export: exports,
            endpoint,
            needs_consent: false,
            keep_as: None,
            location: Location {
                path: String::new(),
                line: 0,
                column: 0,
                offset: 0,
                length: 0,
            },
        },
        at: id.at,
        surfaces: counted.value,
        surfaces_at: counted.at,
        removed: [None; 4],
        consent: consent
            .as_ref()
            .map_or(ConsentLevel::Never, |level| level.value),
        consent_at: consent.map_or(id.at, |level| level.at),
        next_on_failure: on_failure.as_ref().is_some_and(|next| next.value),
        on_failure_at: on_failure.map_or(id.at, |next| next.at),
        endpoints,
        endpoint_limits: followed.into_iter().collect(),
        organizations: Vec::new(),
        ttl_ms: parts.ttl_ms,
        ttl_limits: parts.ttl_limit.into_iter().collect(),
        storage: Placed {
            value: Storage {
                store: None,
                fallback: None,
            },
            at: id.at,
        },
        clear,
        by_flag: parts.by_flag,
    };
    Some((rule, keep, from))
}

pub(crate) fn checked_id(reader: &mut Reader<'_>, id: &Placed<String>) {
    let valid = id.value.len() <= 64
        && id
            .value
            .starts_with(|first: char| first.is_ascii_lowercase())
        && id
            .value
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if !valid {
        reader.error(
            "bad-id",
            "an id has lower-case letters, digits and `-`, and begins with a letter",
            id.at,
            "write for example `id = \"api-key\"`",
        );
    }
}

/// Where it may be sent, and the origins that a variable may name.
fn endpoint(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    words: &[&str],
) -> (Option<Endpoint>, Option<Allowed<Pattern>>) {
    let Some(inner) = reader.table(table, "endpoint", "an `endpoint`") else {
        return (None, None);
    };
    reader.known(inner, &["default", "variable", "allow"]);
    let default = reader.string(inner, "default");
    let default = reader.require(
        inner,
        "default",
        default,
        "say where it goes: `default = \"https://api.example.com\"`",
    );
    let variable = kind::variable(reader, inner, "variable");
    let allow = patterns(reader, inner, "allow");
    if let (Some(_), None) = (&variable, &allow) {
        reader.require(
            inner,
            "allow",
            allow.as_ref(),
            "an endpoint that follows a variable lists the origins it may follow it to",
        );
    }
    if let Some(url) = &default {
        checked_default(reader, url, words);
    }
    let allow = allow.or_else(|| {
        Some(Allowed {
            list: Vec::new(),
            at: default.as_ref().map_or(inner.at, |url| url.at),
        })
    });
    (
        default.map(|url| Endpoint {
            default: url.value,
            variable,
        }),
        allow,
    )
}

fn checked_default(reader: &mut Reader<'_>, url: &Placed<String>, words: &[&str]) {
    if let Some(fault) = kind::template_fault(&url.value, words) {
        reader.error("bad-template", fault, url.at, kind::template_help(words));
    } else if let Err(fault) = origin::of_url(&origin::filled(&url.value)) {
        reader.error(
            "bad-origin",
            format!("`default` is no endpoint: {fault}"),
            url.at,
            "write for example `https://api.example.com`",
        );
    }
}

/// S4: a login follows a variable only to what its issuer lists; its default
/// is always allowed.
fn followed(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    endpoint: Option<&Endpoint>,
    parts: &KindParts,
    issuers: &Issuers,
) -> Option<Allowed<Pattern>> {
    let issuer = match &parts.kind {
        Kind::Login(login) => &login.issuer.id,
        _ => return None,
    };
    let endpoint = endpoint?;
    endpoint.variable.as_ref()?;
    let declared = issuers.named(issuer)?;
    let Some(origins) = &declared.origins else {
        reader.error(
            "issuer-origins",
            "a login follows a variable only to origins that its issuer lists, and it lists none",
            table.at,
            "add `origins = [\"https://…\"]` to the `[[issuer]]`, or remove `variable` from the endpoint",
        );
        return None;
    };
    let mut origins = origins.clone();
    if let Ok(default) = origin::of_url(&endpoint.default)
        && let Ok(default) = Pattern::parse(&default)
    {
        origins.list.push(default);
    }
    Some(origins)
}

/// Secret and destination come from one source together: what says
/// `{endpoint}` must have one.
fn check_endpoint_use(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    has_endpoint: bool,
    headers: &[crate::wit::Pair],
    exports: &[crate::wit::Pair],
) {
    let used = exports.iter().any(|pair| pair.text.contains("{endpoint}"));
    if used && !has_endpoint {
        reader.error(
            "no-endpoint",
            "`export` says `{endpoint}`, and the source has none",
            table.at,
            "add `endpoint = { default = \"https://api.example.com\" }`",
        );
    }
    if !has_endpoint && !headers.is_empty() {
        reader.error(
            "no-endpoint",
            "the source has headers and no endpoint that they may go to",
            table.at,
            "add `endpoint = { default = \"https://api.example.com\" }`",
        );
    }
}

/// A list of surfaces.
pub(crate) fn surfaces(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    key: &str,
) -> Option<Placed<Surfaces>> {
    let list = reader.strings(table, key)?;
    let mut all = Surfaces::NONE;
    for word in &list.value {
        if let Some(surface) = reader.as_word(key, word, &SURFACES) {
            all = all.with(surface.value);
        }
    }
    Some(Placed {
        value: all,
        at: list.at,
    })
}

/// A list of origins, as patterns.
pub(crate) fn patterns(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    key: &str,
) -> Option<Allowed<Pattern>> {
    let list = reader.strings(table, key)?;
    let mut patterns = Vec::new();
    for text in &list.value {
        match Pattern::parse(&text.value) {
            Ok(pattern) => patterns.push(pattern),
            Err(fault) => reader.error(
                "bad-origin",
                format!("`{key}` lists what is no origin: {fault}"),
                text.at,
                "write for example `https://api.example.com`, `https://*.example.com`, `http://127.0.0.1:*`",
            ),
        }
    }
    Some(Allowed {
        list: patterns,
        at: list.at,
    })
}
