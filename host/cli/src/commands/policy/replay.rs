//! `keyrule policy replay`: what another policy would have decided. What goes
//! in are receipts and a policy; what comes out is one line for each receipt,
//! grouped by what would change, and the counts. Receipts of a policy by
//! another name are replayed all the same: a policy may be renamed.
//!
//! Exit codes: 0 all the same, 1 something changes, 5 something cannot be
//! read. What is undetermined is warned of; with `--strict` it counts as a
//! change.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Printed;
use super::receipts::{self, Found};
use super::stack::{Loaded, Stack};
use crate::args::Replay;
use crate::document::word;
use crate::errors::Failure;
use crate::explained::{at_home, place};
use crate::output::{Look, clean};
use keyrule::Error;
use keyrule_analysis::replay::{Against, Answer, Lack, Outcome, Replayed, replay as decide};
use keyrule_system::environment::Ambient;

/// Replays receipts against a policy.
pub(crate) fn replay(
    asked: &Replay,
    name: &str,
    ambient: &Ambient,
    look: Look,
    json: bool,
) -> Result<Printed, Failure> {
    let found = receipts::read(&asked.receipts)?;
    let loaded = Stack::read(Some(&asked.against), &asked.with, name, ambient)?.load(ambient)?;
    let replayed = decided(&found, &loaded)?;
    let report = Report {
        policy: loaded.stack.name.as_str(),
        rows: found.iter().zip(&replayed).collect(),
    };
    Ok(Printed {
        data: if json {
            report.json()?
        } else {
            at_home(&report.text(look, ambient), ambient.home.as_deref())
        },
        words: report.warnings(),
        exit: report.exit(asked.strict),
    })
}

/// Lets the policy decide every receipt.
fn decided(found: &[Found], loaded: &Loaded) -> Result<Vec<Replayed>, Failure> {
    let mut judge = loaded.judge()?;
    let against = Against::new(&loaded.info, &loaded.sources);
    let decided = found
        .iter()
        .map(|found| decide(judge.as_mut(), &against, &found.receipt));
    Ok(decided.collect::<Result<_, _>>().map_err(Error::Engine)?)
}

struct Report<'r> {
    policy: &'r str,
    rows: Vec<(&'r Found, &'r Replayed)>,
}

/// The JSON document: counts, then one object for each receipt, in their order.
#[derive(Serialize)]
struct Document<'r> {
    version: u32,
    policy: &'r str,
    receipts: usize,
    same: usize,
    changed: usize,
    undetermined: usize,
    replayed: Vec<Row<'r>>,
}

#[derive(Serialize)]
struct Row<'r> {
    at: &'r str,
    time: &'r str,
    policy: &'r str,
    command: Option<&'r str>,
    surface: String,
    interactive: bool,
    answer: String,
    old: Ended<'r>,
    new: Option<Ended<'r>>,
    rule: Option<String>,
    assumed: &'r [String],
    needs: Option<Needs<'r>>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Ended<'r> {
    step: &'static str,
    source: Option<&'r str>,
    refusal: Option<String>,
    sent_to: Option<&'r str>,
}

#[derive(Serialize)]
struct Needs<'r> {
    source: &'r str,
    reads: &'r str,
    what: &'static str,
    variable: Option<&'r str>,
}

impl Report<'_> {
    fn count(&self, answer: Answer) -> usize {
        let rows = self.rows.iter();
        rows.filter(|(_, replayed)| replayed.answer() == answer)
            .count()
    }

    fn exit(&self, strict: bool) -> i32 {
        let unsaid = strict && self.count(Answer::Undetermined) > 0;
        i32::from(unsaid || self.count(Answer::Changed) > 0)
    }

    /// Groups in the order of how much they matter, then of their size.
    fn text(&self, look: Look, ambient: &Ambient) -> String {
        let mut groups: BTreeMap<(Answer, String), Vec<&Found>> = BTreeMap::new();
        for (found, replayed) in &self.rows {
            let title = clean(&title(replayed, ambient));
            let group = groups.entry((replayed.answer(), title)).or_default();
            group.push(found);
        }
        let mut text = String::new();
        for ((answer, title), group) in &groups {
            let label = match answer {
                Answer::Changed => look.red("changed:"),
                Answer::Undetermined => look.yellow("undetermined:"),
                Answer::Same => look.green("same:"),
            };
            text.push_str(&format!("{label} {title}\n"));
            for found in group {
                // No terminal obeys what is in a receipt.
                text.push_str(&format!("  {}\n", clean(&line(found))));
            }
        }
        let (all, changed) = (self.rows.len(), self.count(Answer::Changed));
        let receipts = if all == 1 { "receipt" } else { "receipts" };
        text.push_str(&format!(
            "\n{all} {receipts}: {} same, {changed} changed, {} undetermined\n",
            self.count(Answer::Same),
            self.count(Answer::Undetermined),
        ));
        text
    }

    fn warnings(&self) -> String {
        let mut words = String::new();
        let undetermined = self.count(Answer::Undetermined);
        if undetermined > 0 {
            words.push_str(&format!(
                "warning: {undetermined} of {} receipts do not say what the new policy needs\n",
                self.rows.len()
            ));
        }
        let policies = self.rows.iter().map(|(found, _)| &found.receipt.policy);
        let others: BTreeSet<_> = policies.filter(|other| *other != self.policy).collect();
        for other in others {
            words.push_str(&format!(
                "warning: receipts of the policy `{}` are replayed against `{}`\n",
                clean(other),
                self.policy
            ));
        }
        words
    }

    fn json(&self) -> Result<String, Failure> {
        let document = Document {
            version: 2,
            policy: self.policy,
            receipts: self.rows.len(),
            same: self.count(Answer::Same),
            changed: self.count(Answer::Changed),
            undetermined: self.count(Answer::Undetermined),
            replayed: self
                .rows
                .iter()
                .map(|(found, replayed)| row(found, replayed))
                .collect(),
        };
        serde_json::to_string_pretty(&document)
            .map(|json| json + "\n")
            .map_err(|error| Failure::unwritten(&error.into()))
    }
}

fn row<'r>(found: &'r Found, replayed: &'r Replayed) -> Row<'r> {
    let receipt = &found.receipt;
    Row {
        at: &found.at,
        time: &receipt.time,
        policy: &receipt.policy,
        command: receipt.command.as_deref(),
        surface: word(&receipt.session.surface),
        interactive: receipt.session.interactive,
        answer: match replayed.answer() {
            Answer::Changed => "changed",
            Answer::Undetermined => "undetermined",
            Answer::Same => "same",
        }
        .to_owned(),
        old: ended(&replayed.old),
        new: replayed.new.as_ref().ok().map(ended),
        rule: replayed.rule.as_ref().map(|at| place(at, None)),
        assumed: &replayed.assumed,
        needs: replayed.new.as_ref().err().map(|lacking| Needs {
            source: &lacking.source.id,
            reads: &lacking.source.reads,
            what: match &lacking.what {
                Lack::NotRead => "not-read",
                Lack::NotLooked => "not-looked",
                Lack::OtherStore => "other-store",
                Lack::OtherFolder => "other-folder",
                Lack::Endpoint(_) => "endpoint",
                Lack::Answer => "answer",
            },
            variable: match &lacking.what {
                Lack::Endpoint(variable) => Some(variable),
                _ => None,
            },
        }),
    }
}

fn ended(outcome: &Outcome) -> Ended<'_> {
    let (step, source, refusal, sent_to) = match outcome {
        Outcome::Used(source, sent) => ("use", Some(source), None, sent.as_deref()),
        Outcome::Asked(source) => ("ask", Some(source), None, None),
        Outcome::Refused(reason, source) => ("refuse", source.as_ref(), Some(word(reason)), None),
        Outcome::Unfinished => ("none", None, None, None),
    };
    Ended {
        step,
        source: source.map(|source| source.id.as_str()),
        refusal,
        sent_to,
    }
}

/// What came of a receipt, without the receipt.
fn title(replayed: &Replayed, ambient: &Ambient) -> String {
    let home = ambient.home.as_deref();
    let rule = match &replayed.rule {
        Some(at) => format!(" ({})", place(at, home)),
        None => String::new(),
    };
    let mut title = match (&replayed.new, replayed.answer()) {
        (Ok(new), Answer::Changed) => {
            let (old, new) = told_apart(&replayed.old, new);
            format!("{old} -> {new}{rule}")
        }
        (Ok(new), _) => format!("{}{rule}", words(new)),
        (Err(lacking), _) => {
            let (id, reads) = (&lacking.source.id, &lacking.source.reads);
            match &lacking.what {
                Lack::NotRead => {
                    format!("needs {id}, which the old policy did not read ({reads})")
                }
                Lack::NotLooked => {
                    format!("needs {id}, at which the old run did not look ({reads})")
                }
                Lack::OtherStore => {
                    format!("needs {id}, which the new policy keeps elsewhere ({reads})")
                }
                Lack::OtherFolder => format!(
                    "needs {id}, for which the new policy has another tool folder ({reads})"
                ),
                Lack::Endpoint(variable) => {
                    format!("needs where {id} would be sent: what `{variable}` says was not seen")
                }
                Lack::Answer => format!("needs an answer about {id} ({reads})"),
            }
        }
    };
    let assumed: Vec<_> = replayed.assumed.iter().map(String::as_str).collect();
    if replayed.new.is_ok() && !assumed.is_empty() {
        title.push_str(&format!(", if {} can be got", assumed.join(" and ")));
    }
    title
}

/// Two decisions in words that differ.
fn told_apart(old: &Outcome, new: &Outcome) -> (String, String) {
    if let (Outcome::Used(from, Some(there)), Outcome::Used(to, Some(here))) = (old, new)
        && from.reads == to.reads
    {
        let to = &to.id;
        return (format!("{} to {there}", from.id), format!("{to} to {here}"));
    }
    let (from, to) = (words(old), words(new));
    if from != to {
        return (from, to);
    }
    // One id for two things.
    let reads = |outcome: &Outcome| match outcome {
        Outcome::Used(source, _) | Outcome::Asked(source) | Outcome::Refused(_, Some(source)) => {
            format!(" [{}]", source.reads)
        }
        Outcome::Refused(_, None) | Outcome::Unfinished => String::new(),
    };
    (from + &reads(old), to + &reads(new))
}

fn words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Used(source, _) => source.id.clone(),
        Outcome::Asked(source) => format!("a question about {}", source.id),
        Outcome::Refused(reason, Some(source)) => {
            format!("refused: {} of {}", word(reason), source.id)
        }
        Outcome::Refused(reason, None) => format!("refused: {}", word(reason)),
        Outcome::Unfinished => "no decision".to_owned(),
    }
}

/// One receipt: where it stands, and who asked when.
fn line(found: &Found) -> String {
    let receipt = &found.receipt;
    let session = &receipt.session;
    format!(
        "{}  {}  {}, {}, {}",
        found.at,
        receipt.time,
        receipt.command.as_deref().unwrap_or("a program"),
        word(&session.surface),
        if session.interactive {
            "interactive"
        } else {
            "not interactive"
        }
    )
}
