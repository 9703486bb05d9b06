//! What is said of test files: a summary where all is well, every case that is
//! not as expected with what led there, the rules that no case has seen, and
//! the changes that no case notices; as text or as one JSON document.

use std::path::Path;

use serde_json::{Value, json};

use super::{Group, Outcome};
use crate::errors::Failure;
use crate::explained::{at_home, short};
use crate::output::{Look, clean, columns, pad};
use keyrule_analysis::case::expect::names;
use keyrule_analysis::case::{Ending, words};
use keyrule_analysis::coverage::Rule;
use keyrule_analysis::mutate::Mutants;
use keyrule_contract as wit;

/// What was run, and how paths are shown.
pub(super) struct Report<'r> {
    pub groups: &'r [Group],
    pub home: Option<&'r Path>,
    /// Whether changes were asked for.
    pub mutate: bool,
}

impl Report<'_> {
    pub(super) fn text(&self, look: Look) -> String {
        let mut text = String::new();
        for group in self.groups {
            let failed = group
                .outcomes
                .iter()
                .filter(|of| !of.differences.is_empty());
            for outcome in failed {
                text.push_str(&self.failed(look, group, outcome));
            }
            if let Some(rules) = &group.rules {
                text.push_str(&self.coverage(look, rules));
            }
            if let Some(mutants) = &group.mutants {
                text.push_str(&self.mutants(look, mutants));
            } else if self.mutate {
                text.push_str("changes: none made, because a case is not as expected\n");
            }
        }
        text.push_str(&self.summary(look));
        text
    }

    /// One case that is not as expected.
    fn failed(&self, look: Look, group: &Group, outcome: &Outcome) -> String {
        let Outcome {
            case,
            ran,
            differences,
        } = outcome;
        let sources = &group.loaded.sources;
        let mut text = format!(
            "{} {}\n",
            look.red("failed:"),
            look.bold(&clean(&case.name))
        );
        let mut say = |label: &str, words: &str| {
            let words = clean(&at_home(words, self.home));
            text.push_str(&format!("  {} {words}\n", look.dim(&pad(label, 9))));
        };
        say("at", &self.place(&case.at));
        for difference in differences {
            say("expected", &difference.expected);
            say("came to", &difference.got);
        }
        say("because", &ran.explanation.summary);
        if let Some(at) = &ran.explanation.rule {
            say("rule", &self.place(at));
        }
        for (label, places) in [
            ("asked", &ran.walked.asks),
            ("fetched", &ran.walked.gets),
            ("looked at", &ran.walked.looks),
        ] {
            if !places.is_empty() {
                say(label, &names(places, sources).join(", "));
            }
        }
        let width = sources.iter().map(|source| columns(&source.id)).max();
        for (line, source) in ran.explanation.sources.iter().zip(sources) {
            let id = pad(&clean(&source.id), width.unwrap_or_default());
            let why = clean(&at_home(&line.text, self.home));
            text.push_str(&format!("    {} {id}  {why}\n", look.mark(line.status)));
        }
        text.push('\n');
        text
    }

    fn coverage(&self, look: Look, rules: &[Rule]) -> String {
        let seen = rules.iter().filter(|rule| rule.seen).count();
        let mut text = String::new();
        let unseen: Vec<(String, &str)> = rules
            .iter()
            .filter(|rule| !rule.seen)
            .map(|rule| (self.place(&rule.at), rule.does.as_str()))
            .collect();
        if !unseen.is_empty() {
            text.push_str(&format!(
                "{}\n",
                look.yellow("no case has seen these rules decide:")
            ));
            text.push_str(&listed(&unseen));
        }
        let percent = percent(seen, rules.len());
        text.push_str(&format!(
            "coverage: {seen} of {} rules ({percent} %)\n",
            rules.len()
        ));
        text
    }

    fn mutants(&self, look: Look, mutants: &Mutants) -> String {
        let Mutants {
            noticed,
            equivalent,
            invalid,
            survivors,
        } = mutants;
        let mut text = String::new();
        if !survivors.is_empty() {
            text.push_str(&format!("{}\n", look.red("no case notices when:")));
            let lines: Vec<(String, &str)> = survivors
                .iter()
                .map(|survivor| (self.place(&survivor.at), survivor.change.as_str()))
                .collect();
            text.push_str(&listed(&lines));
        }
        text.push_str(&format!(
            "changes: {noticed} noticed, {} not noticed, {equivalent} without effect, {invalid} not valid\n",
            survivors.len()
        ));
        text
    }

    fn summary(&self, look: Look) -> String {
        let total: usize = self.groups.iter().map(|group| group.outcomes.len()).sum();
        let failed: usize = self.groups.iter().map(Group::failed).sum();
        let left_out: usize = self.groups.iter().map(|group| group.left_out).sum();
        let mut text = look.green(&format!("{} passed", total - failed));
        if failed > 0 {
            text = format!(
                "{} passed, {}",
                total - failed,
                look.red(&format!("{failed} failed"))
            );
        }
        if left_out > 0 {
            text.push_str(&format!(", {left_out} left out"));
        }
        text.push('\n');
        text
    }

    /// `path:line`.
    fn place(&self, at: &wit::Location) -> String {
        format!("{}:{}", clean(&short(&at.path, self.home)), at.line)
    }

    pub(super) fn json(&self) -> Result<String, Failure> {
        let groups: Vec<Value> = self.groups.iter().map(group).collect();
        let total: usize = self.groups.iter().map(|group| group.outcomes.len()).sum();
        let failed: usize = self.groups.iter().map(Group::failed).sum();
        let left_out: usize = self.groups.iter().map(|group| group.left_out).sum();
        let document = json!({
            "version": 2,
            "passed": total - failed,
            "failed": failed,
            "left-out": left_out,
            "policies": groups,
        });
        let text = serde_json::to_string_pretty(&document)
            .map_err(|error| Failure::unwritten(&error.into()))?;
        Ok(text + "\n")
    }
}

/// Places and words, one pair a line.
fn listed(lines: &[(String, &str)]) -> String {
    let width = lines.iter().map(|(at, _)| columns(at)).max().unwrap_or(0);
    lines
        .iter()
        .map(|(at, words)| format!("  {}  {}\n", pad(at, width), clean(words)))
        .collect()
}

/// Whole percents, and 100 only where nothing is missing.
fn percent(part: usize, whole: usize) -> usize {
    (part * 100).checked_div(whole).unwrap_or(100)
}

fn group(group: &Group) -> Value {
    let cases: Vec<Value> = group
        .outcomes
        .iter()
        .map(|outcome| case(outcome, &group.loaded.sources))
        .collect();
    let mut document = serde_json::Map::new();
    let mut add = |key: &str, value| document.insert(key.to_owned(), value);
    add("policy", group.loaded.info.name.as_str().into());
    add("documents", group.loaded.info.documents.clone().into());
    add("cases", cases.into());
    if let Some(rules) = &group.rules {
        let seen = rules.iter().filter(|rule| rule.seen).count();
        let unseen: Vec<Value> = rules
            .iter()
            .filter(|rule| !rule.seen)
            .map(|rule| json!({ "at": at(&rule.at), "does": rule.does }))
            .collect();
        let coverage = json!({ "rules": rules.len(), "seen": seen, "unseen": unseen });
        add("coverage", coverage);
    }
    if let Some(mutants) = &group.mutants {
        let survivors: Vec<Value> = mutants
            .survivors
            .iter()
            .map(|survivor| json!({ "at": at(&survivor.at), "change": survivor.change }))
            .collect();
        let changes = json!({
            "noticed": mutants.noticed,
            "equivalent": mutants.equivalent,
            "invalid": mutants.invalid,
            "not-noticed": survivors,
        });
        add("changes", changes);
    }
    document.into()
}

fn case(outcome: &Outcome, sources: &[wit::Source]) -> Value {
    let Outcome {
        case,
        ran,
        differences,
    } = outcome;
    let differences: Vec<Value> = differences
        .iter()
        .map(|difference| json!({ "expected": difference.expected, "came-to": difference.got }))
        .collect();
    let reasons: serde_json::Map<String, Value> = ran
        .explanation
        .sources
        .iter()
        .zip(sources)
        .map(|(line, source)| {
            let reason = words::word(&words::REASONS, &line.reason);
            (source.id.clone(), reason.into())
        })
        .collect();
    json!({
        "name": case.name,
        "at": at(&case.at),
        "passed": differences.is_empty(),
        "differences": differences,
        "end": end(&Ending::of(ran, sources)),
        "summary": ran.explanation.summary,
        "rule": ran.explanation.rule.as_ref().map(at),
        "looked-at": names(&ran.walked.looks, sources),
        "asked": names(&ran.walked.asks, sources),
        "fetched": names(&ran.walked.gets, sources),
        "reasons": reasons,
    })
}

fn end(end: &Ending) -> Value {
    match end {
        Ending::Use(id) => json!({ "use": id }),
        Ending::Ask(id) => json!({ "ask": id }),
        Ending::Refuse(reason, source) => json!({
            "refuse": words::word(&words::REFUSALS, reason),
            "source": source,
        }),
    }
}

fn at(at: &wit::Location) -> Value {
    json!({ "path": at.path, "line": at.line, "column": at.column })
}
