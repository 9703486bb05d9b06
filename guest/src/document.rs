//! Reads the rules of a policy file. It reports every error; a file with an
//! error is rejected whole.

use crate::chooser::Chooser;
use crate::reader::{Placed, Problem, Reader, Table};
use crate::rule::{Rule, Surfaces};
use crate::wit::{SettingsFile, Severity, Storage, Tier, Tool};
use crate::{chooser, issuer, kind, login, source, variables};

/// A policy as it was written, before restrictions.
#[derive(Debug)]
pub(crate) struct Document {
    pub description: String,
    pub tool: Tool,
    pub storage: Storage,
    /// The surfaces that it serves at all.
    pub served: Option<Placed<Surfaces>>,
    pub clear: Vec<String>,
    pub hide: Vec<String>,
    /// Whether it allows policies that are not managed.
    pub others: Option<bool>,
    /// The component that chooses among the sources that apply.
    pub chooser: Option<Chooser>,
    pub rules: Vec<Rule>,
}

const TOP: [&str; 11] = [
    "name",
    "description",
    "others",
    "session",
    "login",
    "tool",
    "storage",
    "issuer",
    "exec",
    "override",
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
    let others = reader.word(top, "others", &OTHERS);
    let served = reader
        .table(top, "session", "`[session]`")
        .and_then(|session| {
            reader.known(session, &["surfaces"]);
            let surfaces = source::surfaces(reader, session, "surfaces");
            reader.require(
                session,
                "surfaces",
                surfaces,
                "list the sessions that it serves",
            )
        });
    let tool = tool(reader, top);
    let (mut clear, scrub) = exec(reader, top);
    let storage = issuer::storage(reader, top);
    let chooser = chooser::read(reader, top);
    let issuers = issuer::issuers(reader, top);
    let rules = source::rules(reader, top, &tool, storage, &issuers);
    let hide = variables::hidden(&rules, &clear);
    for rule in &rules {
        clear.extend(variables::cleared(rule));
    }
    if scrub {
        clear.extend(["AWS_*", "AZURE_*", "GOOGLE_*"].map(str::to_owned));
    }
    let mut document = Document {
        description,
        tool,
        storage: storage.value,
        served,
        chooser,
        others: others.map(|said| said.value),
        clear: variables::unique(clear),
        hide: variables::unique(hide),
        rules,
    };
    login::forced_login(reader, top, &mut document.rules);
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

fn tool(reader: &mut Reader<'_>, top: Table<'_>) -> Tool {
    let mut tool = Tool {
        name: None,
        folder: None,
        settings: Vec::new(),
        // Tool files say what a tool follows.
        sources: Vec::new(),
        items: Vec::new(),
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
            repository: tier.value == Tier::Project,
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

/// Whether anything among the problems rejects.
pub(crate) fn rejects(problems: &[Problem]) -> bool {
    problems
        .iter()
        .any(|problem| problem.severity == Severity::Error)
}
