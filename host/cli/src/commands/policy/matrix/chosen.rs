//! The table of a policy whose override chooses: every case is a resolution of
//! its own, and cases that come to the same are merged. What goes in is the
//! policy with its override; what comes out are lines that together cover
//! every case once.

use std::path::Path;

use serde_json::{Value, json};

use super::{Stop, word as fact_word};
use crate::commands::policy::stack::Loaded;
use crate::document::word;
use crate::errors::Failure;
use crate::explained::short;
use crate::output::{Look, clean, wrap};
use keyrule::Error;
use keyrule_analysis::diff::chosen::MOST;
use keyrule_analysis::full::{self, Alphabet};
use keyrule_analysis::outcome::{Outcome, all_of, among, either, sessions};
use keyrule_analysis::tree;
use keyrule_contract as wit;

/// A table of lines.
#[derive(Debug)]
pub(super) struct Chosen {
    /// How many cases there are.
    pub cases: u128,
    /// For sessions that come to the same, the lines.
    pub groups: Vec<Group>,
}

/// Sessions in which every case comes to the same.
#[derive(Debug)]
pub(super) struct Group {
    pub sessions: Vec<wit::Session>,
    pub lines: Vec<Line>,
}

/// Cases, and what they come to.
#[derive(Debug)]
pub(super) struct Line {
    /// Sources by their ids, and what is known of them.
    pub when: Vec<(String, Vec<String>)>,
    pub then: Outcome,
}

impl Chosen {
    /// Goes through every case.
    pub(super) fn of(loaded: &Loaded, table: &wit::Table) -> Result<Self, Failure> {
        let alphabet = Alphabet::of(table);
        let cases = alphabet.cases();
        if cases > MOST {
            return Err(Failure::new(
                "too-many-cases",
                1,
                format!(
                    "an override chooses in {cases} cases, and at most {MOST} are gone through"
                ),
            )
            .hint("leave the override out of the file to see what it may choose from"));
        }
        let mut judge = loaded.judge()?;
        let widths: Vec<usize> = alphabet.0.iter().map(Vec::len).collect();
        let mut groups: Vec<(Vec<Outcome>, Group)> = Vec::new();
        for session in sessions() {
            let mut outcomes = Vec::new();
            full::choose(judge.as_mut(), session, &alphabet, |verdicts| {
                for verdict in verdicts {
                    let outcome = Outcome::of_verdict(*verdict);
                    outcomes.push(outcome.ok_or(Error::Internal("a case was not settled"))?);
                }
                Ok::<(), Stop>(())
            })?;
            match groups.iter_mut().find(|(other, _)| *other == outcomes) {
                Some((_, group)) => group.sessions.push(session),
                None => {
                    let lines = tree::merge(&widths, &outcomes)
                        .into_iter()
                        .map(|branch| line(loaded, &alphabet, branch))
                        .collect();
                    let sessions = vec![session];
                    groups.push((outcomes, Group { sessions, lines }));
                }
            }
        }
        Ok(Self {
            cases,
            groups: groups.into_iter().map(|(_, group)| group).collect(),
        })
    }

    /// The lines for a person.
    pub(super) fn text(&self, loaded: &Loaded, look: Look, home: Option<&Path>) -> String {
        let info = &loaded.info;
        let component = info.override_component.as_ref();
        let mut text = format!(
            "policy {}, whose override chooses (`{}`)\nevery case, {}; the lines of a session cover each once\n",
            look.bold(&clean(&info.name)),
            component.map_or_else(String::new, |of| clean(&short(&of.path, home))),
            super::text::thousands(self.cases),
        );
        for group in &self.groups {
            text.push_str(&format!("\n{}\n", look.bold(&among(&group.sessions))));
            for line in &group.lines {
                let said = format!("{}: {}", when(&line.when), then(loaded, line.then));
                let lines = wrap(&said, look.width.saturating_sub(4));
                text.push_str(&format!("  {}\n", lines.join("\n    ")));
            }
        }
        text
    }

    /// The lines as data.
    pub(super) fn document(&self, loaded: &Loaded) -> Value {
        let info = &loaded.info;
        let groups: Vec<Value> = self.groups.iter().map(|of| group(loaded, of)).collect();
        json!({
            "version": 2,
            "policy": info.name,
            "documents": info.documents,
            "override": info.override_component.as_ref().map(|of| &of.sha256),
            "cases": u64::try_from(self.cases).unwrap_or(u64::MAX),
            "groups": groups,
        })
    }
}

fn group(loaded: &Loaded, group: &Group) -> Value {
    let sessions: Vec<Value> = group
        .sessions
        .iter()
        .map(|session| json!({ "surface": word(&session.surface), "interactive": session.interactive }))
        .collect();
    let lines: Vec<Value> = group
        .lines
        .iter()
        .map(|line| {
            let when: serde_json::Map<String, Value> = line
                .when
                .iter()
                .map(|(id, facts)| (id.clone(), json!(facts)))
                .collect();
            json!({
                "when": when,
                "outcome": line.then.step(),
                "source": line.then.source().map(|source| loaded.id(source)),
                "refusal": line.then.refusal(),
            })
        })
        .collect();
    json!({ "sessions": sessions, "lines": lines })
}

fn line(loaded: &Loaded, alphabet: &Alphabet, branch: tree::Branch<Outcome>) -> Line {
    let named = |(place, facts): (usize, Vec<usize>)| {
        let source = u32::try_from(place).unwrap_or(u32::MAX);
        let list = alphabet.0.get(place);
        let words = facts
            .into_iter()
            .filter_map(|fact| list?.get(fact).map(|fact| fact_word(*fact)))
            .collect();
        (loaded.id(source).to_owned(), words)
    };
    Line {
        when: branch.when.into_iter().map(named).collect(),
        then: branch.then,
    }
}

fn when(conditions: &[(String, Vec<String>)]) -> String {
    if conditions.is_empty() {
        return "always".to_owned();
    }
    let parts: Vec<String> = conditions
        .iter()
        .map(|(id, facts)| format!("`{id}` {}", either(facts)))
        .collect();
    all_of(&parts)
}

fn then(loaded: &Loaded, outcome: Outcome) -> String {
    let id = outcome.source().map(|source| loaded.id(source));
    match (outcome.refusal(), id) {
        (None, Some(id)) => format!("{} `{id}`", outcome.step()),
        (Some(why), Some(id)) => format!("refuse ({why}: `{id}`)"),
        (Some(why), None) => format!("refuse ({why})"),
        (None, None) => outcome.step().to_owned(),
    }
}
