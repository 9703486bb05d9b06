//! A policy file: TOML in, rules out. Everything that is wrong with it is
//! reported; a file with an error is rejected whole.

use crate::kind;
use crate::origin::{self, Pattern};
use crate::reader::{Placed, Problem, Reader, Table};
use crate::rule::{Allowed, CONSENT_LEVELS, ConsentLevel, Rule, SURFACES, Surfaces};
use crate::text::At;
use crate::wit::{Endpoint, Kind, Location, Reason, SettingsFile, Severity, Source, Tier, Tool};

/// A policy as it was written, before restrictions.
#[derive(Debug)]
pub(crate) struct Document {
    pub description: String,
    pub tool: Tool,
    /// The kinds of session that it serves at all.
    pub served: Option<Placed<Surfaces>>,
    pub clear: Vec<String>,
    pub hide: Vec<String>,
    pub rules: Vec<Rule>,
}

const TOP: [&str; 8] = [
    "name",
    "description",
    "others",
    "session",
    "login",
    "tool",
    "exec",
    "source",
];

/// Reads a policy. `None` where anything is wrong; `problems` says what.
pub(crate) fn read(
    name: &str,
    document: u16,
    text: &str,
    problems: &mut Vec<Problem>,
) -> Option<Document> {
    let mut reader = Reader::new(document, text);
    let read = read_with(name, text, &mut reader);
    let failed = reader.failed();
    problems.append(&mut reader.problems);
    read.filter(|_| !failed)
}

fn read_with<'t>(name: &str, text: &'t str, reader: &mut Reader<'t>) -> Option<Document> {
    if text.trim().is_empty() {
        reader.error(
            "empty-policy",
            "the policy is empty",
            reader.start(),
            "an empty policy allows nothing and is refused; write one, or remove the file",
        );
        return None;
    }
    let parsed = reader.parse(text)?;
    let top = Table {
        entries: parsed.get_ref(),
        what: "the policy",
        at: reader.start(),
    };
    reader.known(top, &TOP);
    let written = reader.string(top, "name");
    let written = reader.require(top, "name", written, &format!("add `name = \"{name}\"`"));
    if let Some(written) = written
        && written.value != name
    {
        reader.error(
            "wrong-name",
            format!("this is the place of the policy `{name}`, and the file names another"),
            written.at,
            format!("write `name = \"{name}\"`, or rename the file"),
        );
    }
    let description = reader
        .string(top, "description")
        .map_or_else(String::new, |text| text.value);
    reader.word(top, "others", &OTHERS);
    let served = reader
        .table(top, "session", "`[session]`")
        .and_then(|session| {
            reader.known(session, &["surfaces"]);
            let surfaces = surfaces(reader, session, "surfaces");
            reader.require(
                session,
                "surfaces",
                surfaces,
                "list the sessions that it serves",
            )
        });
    let tool = tool(reader, top);
    let (mut clear, scrub) = exec(reader, top);
    let rules = rules(reader, top, &tool);
    let hide = hidden(&rules, &clear);
    for rule in &rules {
        clear.extend(cleared(rule));
    }
    if scrub {
        clear.extend(["AWS_*", "AZURE_*", "GOOGLE_*"].map(str::to_owned));
    }
    let mut document = Document {
        description,
        tool,
        served,
        clear: unique(clear),
        hide: unique(hide),
        rules,
    };
    forced_login(reader, top, &mut document.rules);
    Some(document)
}

/// What `others` can say.
const OTHERS: [(&str, bool); 2] = [("allow", true), ("refuse", false)];

/// Whether a managed policy of another name permits policies that are not
/// managed: what it says, or `None` where it says nothing. One that cannot be
/// read might have said no, so it does.
pub(crate) fn others(document: u16, text: &str) -> Option<bool> {
    let mut reader = Reader::new(document, text);
    let Some(parsed) = reader.parse(text) else {
        return Some(false);
    };
    let top = Table {
        entries: parsed.get_ref(),
        what: "the policy",
        at: reader.start(),
    };
    match reader.word(top, "others", &OTHERS) {
        Some(said) => Some(said.value),
        None if top.entries.contains_key("others") => Some(false),
        None => None,
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

fn tool(reader: &mut Reader<'_>, top: Table<'_>) -> Tool {
    let mut tool = Tool {
        name: None,
        folder: None,
        settings: Vec::new(),
    };
    let Some(table) = reader.table(top, "tool", "`[tool]`") else {
        return tool;
    };
    reader.known(table, &["name", "folder", "settings"]);
    tool.name = reader.string(table, "name").map(|name| name.value);
    tool.folder = kind::folder(reader, table);
    for settings in reader.tables(table, "settings", "a `[[tool.settings]]`") {
        reader.known(settings, &["name", "tier", "path", "folder"]);
        let name = reader.string(settings, "name");
        let name = reader.require(settings, "name", name, "name it, for `from` to refer to");
        let tiers = [
            ("managed", Tier::Managed),
            ("user", Tier::User),
            ("project", Tier::Project),
        ];
        let tier = reader.word(settings, "tier", &tiers);
        let tier = reader.require(
            settings,
            "tier",
            tier,
            "say who can write it: `tier = \"user\"`",
        );
        let path = kind::paths(reader, settings, "path");
        let path = reader.require(settings, "path", path, "say where it is");
        let folder = kind::paths(reader, settings, "folder");
        let (Some(name), Some(tier), Some(path)) = (name, tier, path) else {
            continue;
        };
        if tool.settings.iter().any(|other| other.name == name.value) {
            reader.error(
                "duplicate-name",
                "two settings files have the same name",
                name.at,
                "rename one of them",
            );
        }
        tool.settings.push(SettingsFile {
            name: name.value,
            tier: tier.value,
            path,
            folder,
        });
    }
    tool
}

fn exec(reader: &mut Reader<'_>, top: Table<'_>) -> (Vec<String>, bool) {
    let Some(table) = reader.table(top, "exec", "`[exec]`") else {
        return (Vec::new(), false);
    };
    reader.known(table, &["clear", "scrub"]);
    let scrub = reader.boolean(table, "scrub");
    (
        kind::variables(reader, table, "clear"),
        scrub.is_some_and(|scrub| scrub.value),
    )
}

fn rules(reader: &mut Reader<'_>, top: Table<'_>, tool: &Tool) -> Vec<Rule> {
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
        let Some((rule, keep, from)) = rule(reader, table) else {
            continue;
        };
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
        let Some(Kind::StoredKey(name)) = key.map(|rule| &rule.source.kind) else {
            let stored: Vec<&str> = rules
                .iter()
                .filter(|rule| matches!(rule.source.kind, Kind::StoredKey(_)))
                .map(|rule| rule.source.id.as_str())
                .collect();
            kind::refer(reader, "source of kind `stored-key`", &[(id, at)], &stored);
            continue;
        };
        let name = name.clone();
        if let Some(rule) = rules.get_mut(index) {
            rule.source.keep_as = Some(name);
        }
    }
    rules
}

/// What a rule refers to: the source its key is kept as, and settings files.
type References = (Option<Named>, Vec<Named>);

/// A name, and where it stands.
type Named = (String, At);

fn rule(reader: &mut Reader<'_>, table: Table<'_>) -> Option<(Rule, Option<Named>, Vec<Named>)> {
    let id = reader.string(table, "id");
    let id = reader.require(table, "id", id, "give it an id: `id = \"api-key\"`");
    if let Some(id) = &id {
        checked_id(reader, id);
    }
    let parts = kind::read(reader, table);
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
    let headers = kind::pairs(reader, table, "headers", &["secret"]);
    let exports = kind::pairs(reader, table, "export", &["secret", "endpoint"]);
    let (endpoint, endpoints) = endpoint(reader, table);
    let clear = kind::variables(reader, table, "clear");
    let (id, parts, counted) = (id?, parts?, counted?);
    check_endpoint_use(reader, table, endpoint.is_some(), &headers, &exports);
    let (keep, from): References = (parts.keep_as, parts.from);
    let rule = Rule {
        source: Source {
            id: id.value,
            description: description.map_or(parts.description, |text| text.value),
            kind: parts.kind,
            headers,
            export: exports,
            endpoint,
            asks: false,
            keep_as: None,
            at: Location {
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
        endpoint_limits: Vec::new(),
        organizations: Vec::new(),
        ttl_ms: parts.ttl_ms,
        ttl_limits: parts.ttl_limit.into_iter().collect(),
        clear,
        by_flag: parts.by_flag,
    };
    Some((rule, keep, from))
}

fn checked_id(reader: &mut Reader<'_>, id: &Placed<String>) {
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

fn endpoint(
    reader: &mut Reader<'_>,
    table: Table<'_>,
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
    if let Some(url) = &default
        && let Err(fault) = origin::of_url(&url.value)
    {
        reader.error(
            "bad-origin",
            format!("`default` is no endpoint: {fault}"),
            url.at,
            "write for example `https://api.example.com`",
        );
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

/// S17: where ways of logging in are forced, everything else is out.
fn forced_login(reader: &mut Reader<'_>, top: Table<'_>, rules: &mut [Rule]) {
    let Some(login) = reader.table(top, "login", "`[login]`") else {
        return;
    };
    reader.known(login, &["methods", "organizations"]);
    let methods = reader.strings(login, "methods");
    let organizations = reader.strings(login, "organizations");
    if methods.is_none() && organizations.is_none() {
        if !reader.failed() {
            reader.error(
                "empty-table",
                "`[login]` forces nothing",
                login.at,
                "add `methods` or `organizations`, or remove it",
            );
        }
        return;
    }
    let ids: Vec<&str> = rules
        .iter()
        .filter(|rule| is_login(&rule.source.kind))
        .map(|rule| rule.source.id.as_str())
        .collect();
    if let Some(methods) = &methods {
        let names: Vec<(String, At)> = methods
            .value
            .iter()
            .map(|method| (method.value.clone(), method.at))
            .collect();
        kind::refer(reader, "source that is a login", &names, &ids);
    }
    let at = methods.as_ref().map_or(login.at, |methods| methods.at);
    for rule in rules.iter_mut() {
        let permitted = match &methods {
            Some(methods) => methods
                .value
                .iter()
                .any(|method| method.value == rule.source.id),
            None => is_login(&rule.source.kind),
        };
        if !permitted {
            rule.keep_surfaces(Surfaces::NONE, Reason::ForcedLogin, at);
        } else if let Some(organizations) = &organizations {
            rule.organizations.push(Allowed {
                list: organizations
                    .value
                    .iter()
                    .map(|name| name.value.clone())
                    .collect(),
                at: organizations.at,
            });
        }
    }
}

/// What somebody logs in to get.
fn is_login(kind: &Kind) -> bool {
    match kind {
        Kind::Login(_) | Kind::ToolLogin(_) | Kind::StoredKey(_) => true,
        Kind::Environment(_) | Kind::Helper(_) | Kind::Supplied | Kind::Cloud(_) => false,
    }
}

/// The variables that `exec` clears for one source: credential, selector,
/// endpoint, and what it would set itself.
fn cleared(rule: &Rule) -> Vec<String> {
    let mut names: Vec<String> = rule.clear.clone();
    match &rule.source.kind {
        Kind::Environment(name) => names.push(name.clone()),
        Kind::Helper(helper) => {
            if let crate::wit::Command::Variable(name) = &helper.command {
                names.push(name.clone());
            }
        }
        Kind::Cloud(cloud) => {
            names.extend(cloud.flag.clone());
            names.extend(cloud.set.iter().map(|pair| pair.name.clone()));
        }
        Kind::ToolLogin(_) | Kind::Supplied | Kind::StoredKey(_) | Kind::Login(_) => {}
    }
    names.extend(rule.source.export.iter().map(|pair| pair.name.clone()));
    if let Some(variable) = rule
        .source
        .endpoint
        .as_ref()
        .and_then(|endpoint| endpoint.variable.clone())
    {
        names.push(variable);
    }
    names
}

/// The variables that a helper does not see: credentials, not endpoints and
/// not selectors.
fn hidden(rules: &[Rule], clear: &[String]) -> Vec<String> {
    let mut names = clear.to_vec();
    for rule in rules {
        names.extend(rule.clear.clone());
        if let Kind::Environment(name) = &rule.source.kind {
            names.push(name.clone());
        }
        names.extend(
            rule.source
                .export
                .iter()
                .filter(|pair| pair.text.contains("{secret}"))
                .map(|pair| pair.name.clone()),
        );
    }
    names
}

fn unique(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}

/// Whether anything among the problems rejects.
pub(crate) fn rejects(problems: &[Problem]) -> bool {
    problems
        .iter()
        .any(|problem| problem.severity == Severity::Error)
}
