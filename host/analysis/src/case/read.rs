//! A test file: TOML and the sources of a policy in, cases out. Everything
//! that is wrong with it is reported; a file with an error is rejected whole.
//!
//! The format has no version: keys and words of an earlier Keyrule are read as
//! aliases, so every file that was valid still is, and says the same.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::reader::{Placed, Reader, Table, listed, meant, shown};
use super::words::{
    ANSWERS, CONSENTS, FAILURES, FETCHES, IS, Is, REASONS, REFUSALS, STORES, SURFACES,
};
use super::{Case, Ending, Expect, Given};
use keyrule_contract as wit;
use keyrule_credential::endpoint;

/// The keys at the top of a test file.
const TOP: [&str; 2] = ["policy", "case"];

/// What can be said of a source besides what it is.
const GIVEN: [&str; 11] = [
    "is",
    "fetch",
    "failure-kind",
    "consent",
    "answer",
    "endpoint",
    "organization",
    "stored-in",
    "expires-in",
    "refreshable",
    "ttl",
];

const EXPECT: [&str; 10] = [
    "use", "ask", "refuse", "source", "reason", "looks", "asks", "fetches", "asked", "ttl",
];

/// The policy that a test file names, as it is written there.
pub fn policy(text: &str) -> Option<String> {
    let (table, _) = DeTable::parse_recoverable(text);
    let path = table.get_ref().get("policy")?.get_ref().as_str()?;
    Some(path.to_owned())
}

/// Whether a text is a test file: it has cases, and no sources.
pub fn is_test(text: &str) -> bool {
    let (table, _) = DeTable::parse_recoverable(text);
    let table = table.get_ref();
    table.contains_key("case") && !table.contains_key("source")
}

/// Reads the cases of a test file, or says everything that is wrong with it.
pub fn cases(
    path: &str,
    text: &str,
    sources: &[wit::Source],
) -> Result<Vec<Case>, Vec<wit::Diagnostic>> {
    let mut reader = Reader::new(path, text);
    let cases = File { sources }.read(text, &mut reader);
    if reader.problems.is_empty() {
        Ok(cases)
    } else {
        Err(reader.problems)
    }
}

/// What a file is read against.
struct File<'s> {
    sources: &'s [wit::Source],
}

impl File<'_> {
    fn read<'t>(&self, text: &'t str, reader: &mut Reader<'t>) -> Vec<Case> {
        const HELP: &str = "write a `[[case]]` with `name`, `given` and `expect`";
        if text.trim().is_empty() {
            reader.error("no-case", "the test file is empty", 0..0, HELP);
            return Vec::new();
        }
        let Some(parsed) = reader.parse() else {
            return Vec::new();
        };
        let top = Table {
            entries: parsed.get_ref(),
            what: "the test file",
            at: 0..0,
        };
        reader.known(&top, &TOP);
        reader.string(&top, "policy");
        let tables = reader.tables(&top, "case", "a `[[case]]`");
        if tables.is_empty() && reader.problems.is_empty() {
            reader.error("no-case", "the test file has no case", 0..0, HELP);
        }
        let mut names: BTreeMap<String, u32> = BTreeMap::new();
        let mut cases = Vec::new();
        for table in &tables {
            let name = reader.string(table, "name");
            let name = reader.require(
                table,
                "name",
                name,
                "say in a few words what it shows: `name = \"a declined key is passed over\"`",
            );
            if let Some(name) = &name {
                let line = reader.location(name.at.clone()).line;
                match names.get(&name.value) {
                    Some(first) => reader.error(
                        "duplicate-name",
                        format!("the case in line {first} has the same name"),
                        name.at.clone(),
                        "rename one of them",
                    ),
                    None => drop(names.insert(name.value.clone(), line)),
                }
            }
            cases.extend(self.case(reader, table, name));
        }
        cases
    }

    fn case(
        &self,
        reader: &mut Reader<'_>,
        table: &Table<'_>,
        name: Option<Placed<String>>,
    ) -> Option<Case> {
        reader.known(
            table,
            &["name", "surface", "interactive", "given", "expect"],
        );
        let surface = reader.word(table, "surface", &SURFACES);
        let interactive = reader.boolean(table, "interactive");
        let session = wit::Session {
            surface: surface.map_or(wit::Surface::Terminal, |surface| surface.value),
            interactive: interactive.unwrap_or_default(),
        };
        let mut given = BTreeMap::new();
        if let Some(table) = reader.table(table, "given", "`given`") {
            for (key, value) in table.entries {
                let id = key.get_ref().as_ref();
                let source = self.source(reader, id, key.span());
                let found = match value.get_ref() {
                    DeValue::Table(entries) => {
                        let table = Table {
                            entries,
                            what: "what is given of a source",
                            at: value.span(),
                        };
                        Some(self.given(reader, &table, source))
                    }
                    DeValue::String(_) => reader.as_string(id, value).and_then(|word| {
                        let is = reader.as_word(id, word, &IS)?;
                        possible(reader, source, is.value, is.at);
                        Some(plain(is.value))
                    }),
                    other => {
                        reader.wrong_type(id, other, "a word or a table", value.span());
                        None
                    }
                };
                if let Some(found) = found {
                    given.insert(id.to_owned(), found);
                }
            }
        }
        let expect = reader.table(table, "expect", "`expect`");
        let expect = reader.require(
            table,
            "expect",
            expect,
            "say what follows: `expect = { use = \"…\" }`, `{ ask = \"…\" }` or `{ refuse = \"…\" }`",
        )?;
        let expect = self.expect(reader, &expect, session)?;
        let name = name?;
        Some(Case {
            name: name.value,
            at: reader.location(name.at),
            session,
            given,
            expect,
        })
    }

    /// The source of an id; one that is not there is reported.
    fn source(&self, reader: &mut Reader<'_>, id: &str, at: Range<usize>) -> Option<&wit::Source> {
        let found = self.sources.iter().find(|source| source.id == id);
        if found.is_none() {
            let ids: Vec<&str> = self
                .sources
                .iter()
                .map(|source| source.id.as_str())
                .collect();
            reader.error(
                "unknown-source",
                format!("the policy has no source `{}`", shown(id)),
                at,
                meant(id, &ids, "it has"),
            );
        }
        found
    }

    /// A key that names a source.
    fn named(&self, reader: &mut Reader<'_>, table: &Table<'_>, key: &str) -> Option<String> {
        let id = reader.string(table, key)?;
        self.source(reader, &id.value, id.at.clone())?;
        Some(id.value)
    }

    fn given(
        &self,
        reader: &mut Reader<'_>,
        table: &Table<'_>,
        source: Option<&wit::Source>,
    ) -> Given {
        reader.known(table, &GIVEN);
        let word = reader.word(table, "is", &IS);
        if let Some(is) = &word {
            possible(reader, source, is.value, is.at.clone());
        }
        let mut given = plain(word.map_or(Is::Ready, |is| is.value));
        if let Some(fetch) = reader.word(table, "fetch", &FETCHES) {
            given.fetch_fails = fetch.value;
        }
        if let Some(kind) = reader.word(table, "failure-kind", &FAILURES) {
            given.failure_kind = Some(kind.value);
            if !given.fetch_fails && given.is != Is::Failed {
                reader.error(
                    "nothing-fails",
                    "`failure-kind` says how something fails, and nothing does",
                    kind.at,
                    "add `is = \"failed\"` or `fetch = \"failed\"`, or remove `failure-kind`",
                );
            }
        }
        if let Some(consent) = reader.word(table, "consent", &CONSENTS) {
            given.consent = consent.value;
        }
        given.answer = reader
            .word(table, "answer", &ANSWERS)
            .map(|answer| answer.value);
        if let Some(url) = reader.string(table, "endpoint") {
            match endpoint::origin(&url.value) {
                _ if url.value == "malformed" => given.destination = wit::Destination::Malformed,
                Ok(origin) => given.destination = wit::Destination::Origin(origin),
                Err(fault) => reader.error(
                    "bad-origin",
                    format!("`endpoint` {fault}"),
                    url.at,
                    "write what its variable holds, such as `https://gateway.example.com`, or `malformed`",
                ),
            }
        }
        given.organization = reader
            .string(table, "organization")
            .map(|organization| organization.value);
        given.stored_in = reader
            .word(table, "stored-in", &STORES)
            .map(|store| store.value);
        given.expires_in = reader
            .number(table, "expires-in")
            .map(|seconds| seconds.value);
        given.refreshable = reader.boolean(table, "refreshable").unwrap_or_default();
        given.lifetime = lifetime(reader, table);
        if let Some(source) = source {
            for (key, why) in unseen(source) {
                if let Some((key, value)) = table.find(key) {
                    reader.error(
                        "nothing-to-see",
                        format!("`{key}` cannot be seen of `{}`: {why}", source.id),
                        value.span(),
                        format!("remove `{key}`"),
                    );
                }
            }
        }
        // What is not there can be nothing else.
        if !matches!(given.is, Is::Ready) {
            let besides = ["is", "failure-kind"];
            let mut keys = GIVEN.iter().filter(|key| !besides.contains(*key));
            if let Some((key, value)) = keys.find_map(|key| table.find(key)) {
                let at = value.span();
                reader.error(
                    "nothing-to-see",
                    format!("`{key}` is about a source that is there, and this one is not"),
                    at,
                    format!("remove `{key}`, or write `is = \"ready\"`"),
                );
            }
        }
        given
    }

    fn expect(
        &self,
        reader: &mut Reader<'_>,
        table: &Table<'_>,
        session: wit::Session,
    ) -> Option<Expect> {
        reader.known(table, &EXPECT);
        let used = self.named(reader, table, "use");
        let asked_about = self.named(reader, table, "ask");
        let refused = reader.word(table, "refuse", &REFUSALS);
        let source = self.named(reader, table, "source");
        let ends: Vec<&str> = ["use", "ask", "refuse"]
            .into_iter()
            .filter(|key| table.entries.contains_key(*key))
            .collect();
        match ends.as_slice() {
            [] => reader.error(
                "missing-key",
                "`expect` does not say how it ends",
                table.at.clone(),
                "add one of `use`, `ask` and `refuse`",
            ),
            [_] => {}
            _ => reader.error(
                "contradiction",
                format!("a case ends in one way, and here are {}", listed(&ends)),
                table.at.clone(),
                "keep one of them",
            ),
        }
        if table.entries.contains_key("ask") && !session.interactive {
            reader.error(
                "contradiction",
                "nobody is asked in a session in which nobody is there",
                table.at.clone(),
                "add `interactive = true`, or expect `refuse = \"consent-required\"`",
            );
        }
        if table.entries.contains_key("source") && !table.entries.contains_key("refuse") {
            reader.error(
                "contradiction",
                "`source` is the cause of a refusal, and none is expected",
                table.at.clone(),
                "remove `source`, or add `refuse`",
            );
        }
        if table.entries.contains_key("ttl") && !table.entries.contains_key("use") {
            reader.error(
                "contradiction",
                "`ttl` is about a token that is used, and none is expected to be",
                table.at.clone(),
                "remove `ttl`, or add `use`",
            );
        }
        let reasons = self.reasons(reader, table);
        let looks = reader.count(table, "looks");
        let asks = reader.count(table, "asks");
        let fetches = reader.count(table, "fetches");
        let asked = self.asked(reader, table);
        if let (Some(asks), Some(asked)) = (asks, &asked)
            && asks != asked.len()
        {
            reader.error(
                "contradiction",
                format!("`asks` is {asks}, and `asked` lists {}", asked.len()),
                table.at.clone(),
                "remove one of them",
            );
        }
        let ttl_ms = reader.duration(table, "ttl").map(|ttl| ttl.value);
        let end = match (used, asked_about, refused) {
            (Some(id), ..) => Ending::Use(id),
            (_, Some(id), _) => Ending::Ask(id),
            (.., Some(refused)) => Ending::Refuse(refused.value, source),
            (None, None, None) => return None,
        };
        Some(Expect {
            end,
            reasons,
            looks,
            asks,
            fetches,
            asked,
            ttl_ms,
        })
    }

    fn reasons(&self, reader: &mut Reader<'_>, table: &Table<'_>) -> BTreeMap<String, wit::Reason> {
        let mut reasons = BTreeMap::new();
        let Some(inner) = reader.table(table, "reason", "`reason`") else {
            return reasons;
        };
        for key in inner.entries.keys() {
            let id = key.get_ref().as_ref();
            self.source(reader, id, key.span());
            if let Some(reason) = reader.word(&inner, id, &REASONS) {
                reasons.insert(id.to_owned(), reason.value);
            }
        }
        reasons
    }

    fn asked(&self, reader: &mut Reader<'_>, table: &Table<'_>) -> Option<Vec<String>> {
        let ids = reader.strings(table, "asked")?;
        for id in &ids {
            self.source(reader, &id.value, id.at.clone());
        }
        Some(ids.into_iter().map(|id| id.value).collect())
    }
}

/// A source of which nothing is said but this.
fn plain(is: Is) -> Given {
    Given {
        is,
        fetch_fails: false,
        failure_kind: None,
        consent: wit::Consent::Undecided,
        answer: None,
        destination: wit::Destination::Default,
        organization: None,
        stored_in: None,
        expires_in: None,
        refreshable: false,
        lifetime: wit::Lifetime::Unset,
    }
}

/// What the variable of a lifetime says.
fn lifetime(reader: &mut Reader<'_>, table: &Table<'_>) -> wit::Lifetime {
    let said = table.entries.get("ttl").map(toml::Spanned::get_ref);
    if said.and_then(DeValue::as_str) == Some("malformed") {
        return wit::Lifetime::Malformed;
    }
    reader
        .duration(table, "ttl")
        .map_or(wit::Lifetime::Unset, |ttl| {
            wit::Lifetime::Milliseconds(ttl.value)
        })
}

/// Reports what a source of its kind can never be.
fn possible(reader: &mut Reader<'_>, source: Option<&wit::Source>, is: Is, at: Range<usize>) {
    let Some(source) = source else { return };
    let flag = matches!(&source.kind, wit::Kind::Cloud(cloud) if cloud.flag.is_some());
    let fits = match is {
        Is::Ready | Is::Absent | Is::Failed => true,
        Is::Blank => match &source.kind {
            wit::Kind::Environment(_) | wit::Kind::Supplied => true,
            wit::Kind::Helper(helper) => !matches!(helper.command, wit::Command::Arguments(_)),
            wit::Kind::Cloud(_) => flag,
            wit::Kind::ToolOwned(_) | wit::Kind::StoredKey(_) | wit::Kind::Login(_) => false,
        },
        Is::Off => flag,
        Is::Recursion => matches!(source.kind, wit::Kind::Helper(_)),
    };
    if !fits {
        let words: Vec<&str> = IS.iter().map(|(word, _)| *word).collect();
        reader.error(
            "nothing-to-see",
            format!(
                "`{}` can never be `{}`: {}",
                source.id,
                super::words::word(&IS, &is),
                source.description
            ),
            at,
            format!("write another of {}", listed(&words)),
        );
    }
}

/// What is never seen of a source, and why.
fn unseen(source: &wit::Source) -> Vec<(&'static str, &'static str)> {
    let mut all = Vec::new();
    let mut never = |seen: bool, key: &'static str, why: &'static str| {
        if !seen {
            all.push((key, why));
        }
    };
    let kind = &source.kind;
    let follows = source
        .endpoint
        .as_ref()
        .is_some_and(|endpoint| endpoint.variable.is_some());
    let ours = matches!(kind, wit::Kind::Login(_) | wit::Kind::StoredKey(_));
    let owned = match kind {
        wit::Kind::Login(_) | wit::Kind::Supplied => true,
        wit::Kind::StoredKey(key) => key.issuer.is_some(),
        _ => false,
    };
    let ends = matches!(kind, wit::Kind::Login(_) | wit::Kind::Supplied);
    let lifetime = matches!(kind, wit::Kind::Helper(helper) if helper.ttl_variable.is_some());
    never(follows, "endpoint", "its endpoint follows no variable");
    never(ours, "stored-in", "no store of Keyrule's keeps it");
    never(
        owned,
        "organization",
        "nobody knows whose such a credential is",
    );
    never(ends, "expires-in", "nobody knows when it ends");
    never(
        matches!(kind, wit::Kind::Login(_)),
        "refreshable",
        "only a login is refreshed",
    );
    never(
        lifetime,
        "ttl",
        "no variable says how long its token is kept",
    );
    all
}

#[cfg(test)]
mod tests;
