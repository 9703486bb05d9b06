//! `keyrule policy matrix`: everything that a policy decides. What goes in is
//! a stack of documents; what comes out is its complete table, merged so that
//! a person can read it, or as data, or case by case.

mod chosen;
mod data;
mod html;
mod text;

use std::path::PathBuf;

use super::stack::{Loaded, Stack};
use crate::Context;
use crate::errors::Failure;
use keyrule::Error;
use keyrule_analysis::full::{self, Alphabet, Chain};
use keyrule_analysis::merged::{self, Merged};
use keyrule_analysis::outcome::{Outcome, consent, sessions, state, surface};
use keyrule_contract as wit;
use keyrule_engine as engine;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Matrix {
    /// The policy; none for the one in force.
    pub policy: Option<PathBuf>,
    /// Restrictions of it.
    pub with: Vec<PathBuf>,
    /// In which form.
    pub form: Form,
    /// Every case instead of merged lines.
    pub full: bool,
}

/// In which form a table is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For a person.
    Text,
    /// One JSON document.
    Json,
    /// Comma-separated values (RFC 4180).
    Csv,
    /// A page.
    Html,
}

/// A policy and everything that it decides.
#[derive(Debug)]
pub(crate) struct Decided {
    /// The policy.
    pub loaded: Loaded,
    /// Its complete table.
    pub table: wit::Table,
    /// The same, merged.
    pub merged: Merged,
}

/// Writes the table.
pub(crate) fn matrix(context: &mut Context<'_, '_>, asked: &Matrix) -> Result<i32, Failure> {
    let stack = Stack::read(
        asked.policy.as_deref(),
        &asked.with,
        &context.global.policy,
        &context.ambient,
    )?;
    let mut loaded = stack.load(&context.ambient)?;
    let table = loaded.policy.table().map_err(Error::Engine)?;
    if asked.full {
        return every_case(context, asked.form, &mut loaded, &table);
    }
    if loaded.override_.is_some() {
        return where_chosen(context, asked.form, &loaded, &table);
    }
    let merged = merged::merge(&table);
    let decided = Decided {
        loaded,
        table,
        merged,
    };
    let home = context.ambient.home.clone();
    let text = match asked.form {
        Form::Text => text::text(&decided, context.output.look, home.as_deref()),
        Form::Json => {
            return context
                .output
                .document(&data::document(&decided))
                .map(|()| 0);
        }
        Form::Csv => data::csv(&decided),
        Form::Html => html::page(&decided, home.as_deref()),
    };
    context.output.data(&text)?;
    Ok(0)
}

/// Writes the table of a policy whose override chooses.
fn where_chosen(
    context: &mut Context<'_, '_>,
    form: Form,
    loaded: &Loaded,
    table: &wit::Table,
) -> Result<i32, Failure> {
    let chosen = chosen::Chosen::of(loaded, table)?;
    match form {
        Form::Json => context.output.document(&chosen.document(loaded))?,
        Form::Text => {
            let home = context.ambient.home.clone();
            let text = chosen.text(loaded, context.output.look, home.as_deref());
            context.output.data(&text)?;
        }
        Form::Csv | Form::Html => {
            return Err(Failure::new(
                "usage",
                2,
                "where an override chooses, there is no row for a source alone",
            )
            .hint("use `--full --csv` for every case, or `--json` for the merged lines"));
        }
    }
    Ok(0)
}

/// Goes through every case, and compares each with the merged table.
fn every_case(
    context: &mut Context<'_, '_>,
    form: Form,
    loaded: &mut Loaded,
    table: &wit::Table,
) -> Result<i32, Failure> {
    let alphabet = Alphabet::of(table);
    let cases = alphabet.cases();
    if cases > full::MOST {
        return Err(Failure::new(
            "too-many-cases",
            1,
            format!(
                "there are {cases} cases, and at most {} are listed one by one",
                full::MOST
            ),
        )
        .hint("leave out `--full`: the merged table covers every one of them"));
    }
    if form == Form::Html {
        return Err(Failure::new(
            "usage",
            2,
            "`--full` has no page, because nobody could read it",
        )
        .hint("write `--full --csv`, or leave out `--full`"));
    }
    let json = form == Form::Json;
    let mut header = String::new();
    if !json {
        header.push_str("surface,interactive");
        for source in &loaded.sources {
            header.push_str(&format!(",{}", data::field(&source.id)));
        }
        header.push_str(",outcome,source,refusal\r\n");
    }
    context.output.data(&header)?;
    let names: Vec<String> = loaded.sources.iter().map(|of| of.id.clone()).collect();
    let mut judge = match &loaded.override_ {
        Some(_) => Some(loaded.judge()?),
        None => None,
    };
    for session in sessions() {
        let ending = table
            .endings
            .iter()
            .find(|ending| ending.session == session)
            .ok_or(Error::Internal("a session has no ending"))?;
        let chain = Chain::of(table, ending, &alphabet);
        let mut number = 0_u64;
        let is_chain = judge.is_none();
        let mut take = |verdicts: &[wit::Verdict]| {
            let mut lines = String::new();
            for verdict in verdicts {
                let outcome = Outcome::of_verdict(*verdict)
                    .ok_or(Error::Internal("a case was not settled"))?;
                if is_chain && outcome != chain.outcome(number) {
                    return Err(Stop::Failed(
                        Error::Internal("the table and a decision differ").into(),
                    ));
                }
                let case = Case {
                    session,
                    facts: facts(&alphabet, number),
                    outcome,
                };
                lines.push_str(&if json {
                    case.json(&names)?
                } else {
                    case.csv(&names)
                });
                number += 1;
            }
            Ok(context.output.data(&lines)?)
        };
        match &mut judge {
            None => full::decide(&mut loaded.policy, session, &alphabet, &mut take)?,
            Some(judge) => full::choose(judge.as_mut(), session, &alphabet, &mut take)?,
        }
    }
    let agree = match judge {
        None => ", and each is as the merged table has it",
        Some(_) => "",
    };
    context
        .output
        .note(&format!("{} cases{agree}", text::thousands(cases)));
    Ok(0)
}

/// What ends the listing early.
enum Stop {
    Failed(Failure),
}

impl From<engine::Error> for Stop {
    fn from(error: engine::Error) -> Self {
        Self::Failed(Error::Engine(error).into())
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error.into())
    }
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<Stop> for Failure {
    fn from(Stop::Failed(failure): Stop) -> Self {
        failure
    }
}

/// The facts of a case, by its number.
fn facts(alphabet: &Alphabet, mut number: u64) -> Vec<wit::Fact> {
    let mut facts = Vec::with_capacity(alphabet.0.len());
    for list in alphabet.0.iter().rev() {
        let count = list.len().max(1) as u64;
        let place = usize::try_from(number % count).unwrap_or_default();
        facts.extend(list.get(place).copied());
        number /= count;
    }
    facts.reverse();
    facts
}

/// One case.
struct Case {
    session: wit::Session,
    facts: Vec<wit::Fact>,
    outcome: Outcome,
}

impl Case {
    fn csv(&self, names: &[String]) -> String {
        let mut line = format!(
            "{},{}",
            surface(self.session.surface),
            self.session.interactive
        );
        for fact in &self.facts {
            line.push(',');
            line.push_str(&word(*fact));
        }
        let source = self.outcome.source();
        let named = source.and_then(|place| names.get(usize::try_from(place).ok()?));
        line.push_str(&format!(
            ",{},{},{}\r\n",
            self.outcome.step(),
            named.map_or("", String::as_str),
            self.outcome.refusal().unwrap_or_default()
        ));
        line
    }

    fn json(&self, names: &[String]) -> Result<String, Failure> {
        let given: serde_json::Map<String, serde_json::Value> = names
            .iter()
            .zip(&self.facts)
            .map(|(name, fact)| (name.clone(), word(*fact).into()))
            .collect();
        let source = self.outcome.source();
        let document = serde_json::json!({
            "surface": surface(self.session.surface),
            "interactive": self.session.interactive,
            "given": given,
            "outcome": self.outcome.step(),
            "source": source.and_then(|place| names.get(usize::try_from(place).ok()?)),
            "refusal": self.outcome.refusal(),
        });
        Ok(format!("{document}\n"))
    }
}

/// A fact in one word: `ready`, `ready-approved`.
fn word(fact: wit::Fact) -> String {
    match fact.consent {
        wit::Consent::Undecided => state(fact.state).to_owned(),
        said => format!("{}-{}", state(fact.state), consent(said)),
    }
}
