//! `keyrule policy diff OLD NEW`: what changes from one policy to another.
//! What goes in are two stacks of documents; what comes out are the groups of
//! cases whose outcome changes, in words or as JSON, and an exit code for CI.

mod words;

use std::path::PathBuf;

use serde_json::{Value, json};

use super::stack::{Loaded, Stack};
use crate::Context;
use crate::args::FailOn;
use crate::document::word;
use crate::errors::Failure;
use keyrule::Error;
use keyrule::policy::{self, Texts};
use keyrule_analysis::contract::{self, Contract, contracts};
use keyrule_analysis::diff::{Change, Class, TooMany, chosen, diff};
use keyrule_contract as wit;
use keyrule_engine::{Engine, Judge as _, LoadError, Policy};
use keyrule_system::text::mask;
use words::Words;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Diff {
    /// The policy before.
    pub old: PathBuf,
    /// The policy after.
    pub new: PathBuf,
    /// Restrictions of the first.
    pub old_with: Vec<PathBuf>,
    /// Restrictions of the second.
    pub new_with: Vec<PathBuf>,
    /// Which changes are a failure.
    pub fail_on: Option<FailOn>,
}

/// Two policies and how they differ.
#[derive(Debug)]
struct Compared {
    old: Loaded,
    new: Loaded,
    counterparts: Vec<wit::Counterpart>,
    changes: Vec<Change>,
    contracts: Vec<Contract>,
}

/// Compares. The exit code is 0, or 1 where a change is a failure.
pub(crate) fn compare(context: &mut Context<'_, '_>, asked: &Diff) -> Result<i32, Failure> {
    let read = |path: &PathBuf, with: &[PathBuf]| {
        Stack::read(
            Some(path.as_path()),
            with,
            &context.global.policy,
            &context.ambient,
        )
        .and_then(|stack| stack.load(&context.ambient))
    };
    let old = read(&asked.old, &asked.old_with);
    let new = read(&asked.new, &asked.new_with);
    let (old, new) = match (old, new) {
        (Ok(old), Ok(new)) => (old, new),
        // Everything that is wrong with both, not only with the first.
        (Err(old), Err(new)) => {
            context.output.fail(&old);
            return Err(new);
        }
        (Err(failure), Ok(_)) | (Ok(_), Err(failure)) => return Err(failure),
    };
    let compared = Compared::of(old, new)?;
    if context.output.json {
        context.output.document(&compared.document())?;
    } else {
        let words = Words {
            compared: &compared,
            look: context.output.look,
            home: context.ambient.home.as_deref(),
        };
        let text = words.text();
        context.output.data(&text)?;
    }
    Ok(i32::from(
        asked.fail_on.is_some_and(|what| compared.fails(what)),
    ))
}

impl Compared {
    fn of(mut old: Loaded, mut new: Loaded) -> Result<Self, Failure> {
        let engine = Engine::builtin().map_err(Error::Engine)?;
        let names = (old.stack.name.as_str(), new.stack.name.as_str());
        let aligned = Policy::align(&engine, names, &old.stack.documents, &new.stack.documents);
        let counterparts = aligned.map_err(|error| match error {
            LoadError::Engine(error) => Error::Engine(error),
            LoadError::Rejected(diagnostics) => Error::Policy(policy::Error::Invalid {
                diagnostics,
                texts: Texts::of(&new.stack.documents),
            }),
        })?;
        let tables = (
            old.policy.table().map_err(Error::Engine)?,
            new.policy.table().map_err(Error::Engine)?,
        );
        let changes = if old.override_.is_some() || new.override_.is_some() {
            case_by_case(&old, &new, &tables, &counterparts)?
        } else {
            diff(&tables.0, &tables.1, &counterparts).map_err(|TooMany| {
                Failure::new(
                    "too-many-cases",
                    1,
                    "the policies have too many sources to be compared with each other",
                )
                .hint("compare parts of them, or their tables: `keyrule policy matrix --csv`")
            })?
        };
        let ttls = (ttls(&mut old, &tables.0)?, ttls(&mut new, &tables.1)?);
        Ok(Self {
            changes,
            contracts: contracts(
                contract_of(&old, &ttls.0),
                contract_of(&new, &ttls.1),
                &counterparts,
            ),
            counterparts,
            old,
            new,
        })
    }

    fn fails(&self, what: FailOn) -> bool {
        let has = |class: Class| {
            self.changes.iter().any(|change| change.class == class)
                || self.contracts.iter().any(|of| of.class == class)
        };
        match what {
            FailOn::Widening => has(Class::Widening),
            FailOn::Switched => has(Class::Widening) || has(Class::Switched),
            FailOn::Any => !self.changes.is_empty() || !self.contracts.is_empty(),
        }
    }

    /// The name of a counterpart: the new policy's, where it has it.
    fn id(&self, place: usize) -> &str {
        let Some(counterpart) = self.counterparts.get(place) else {
            return "";
        };
        match (counterpart.new, counterpart.old) {
            (Some(source), _) => self.new.id(source),
            (None, Some(source)) => self.old.id(source),
            (None, None) => "",
        }
    }

    fn document(&self) -> Value {
        let changes: Vec<Value> = self.changes.iter().map(|of| self.change(of)).collect();
        let contracts: Vec<Value> = self
            .contracts
            .iter()
            .map(|contract| {
                json!({
                    "class": called(contract.class),
                    "source": contract.source.map(|source| self.new.id(source)),
                    "part": contract.part,
                    "old": contract.old,
                    "new": contract.new,
                    "rule": contract.at.as_ref().map(|at| format!("{}:{}", at.path, at.line)),
                })
            })
            .collect();
        json!({
            "version": 2,
            "old": side(&self.old),
            "new": side(&self.new),
            "sources": self.counterparts.iter().map(|of| self.counterpart(of)).collect::<Vec<_>>(),
            "changes": changes,
            "contracts": contracts,
        })
    }

    fn counterpart(&self, of: &wit::Counterpart) -> Value {
        json!({
            "reads": mask(&of.reads),
            "old": of.old.map(|source| self.old.id(source)),
            "new": of.new.map(|source| self.new.id(source)),
        })
    }

    fn change(&self, change: &Change) -> Value {
        let sessions: Vec<Value> = change
            .sessions
            .iter()
            .map(|session| {
                json!({
                    "surface": word(&session.surface),
                    "interactive": session.interactive,
                })
            })
            .collect();
        let when: Vec<Value> = change
            .when
            .iter()
            .filter_map(|(place, letters)| {
                let counterpart = self.counterparts.get(*place)?;
                let cases: Vec<Value> = letters
                    .iter()
                    .filter_map(|(condition, consent)| {
                        Some(json!({
                            "case": counterpart.conditions.get(*condition)?.text,
                            "consent": word(consent),
                        }))
                    })
                    .collect();
                Some(json!({ "source": self.id(*place), "cases": cases }))
            })
            .collect();
        json!({
            "class": called(change.class),
            "sessions": sessions,
            "when": when,
            "old": self.outcome(change.old),
            "new": self.outcome(change.new),
            "rule": change.at.as_ref().map(|at| format!("{}:{}", at.path, at.line)),
        })
    }

    fn outcome(&self, outcome: keyrule_analysis::diff::Decided) -> Value {
        let source = outcome
            .source()
            .and_then(|place| usize::try_from(place).ok());
        json!({
            "step": outcome.step(),
            "source": source.map(|place| self.id(place)),
            "refusal": outcome.refusal(),
        })
    }
}

/// Where an override chooses, every case is decided by itself.
fn case_by_case(
    old: &Loaded,
    new: &Loaded,
    tables: &(wit::Table, wit::Table),
    counterparts: &[wit::Counterpart],
) -> Result<Vec<Change>, Failure> {
    let cases = chosen::cases(&tables.0, &tables.1, counterparts);
    if cases > chosen::MOST {
        return Err(Failure::new(
            "too-many-cases",
            1,
            format!(
                "an override chooses in {cases} cases, and at most {} are gone through",
                chosen::MOST
            ),
        )
        .hint("compare the policies without their overrides"));
    }
    let (mut before, mut after) = (old.judge()?, new.judge()?);
    let mut before = chosen::Policy {
        judge: before.as_mut(),
        table: &tables.0,
    };
    let mut after = chosen::Policy {
        judge: after.as_mut(),
        table: &tables.1,
    };
    let changes = chosen::diff(&mut before, &mut after, counterparts);
    Ok(changes.map_err(Error::Engine)?)
}

fn contract_of<'p>(loaded: &'p Loaded, ttls: &'p [u64]) -> contract::Side<'p> {
    contract::Side {
        info: &loaded.info,
        sources: &loaded.sources,
        ttls,
    }
}

/// How long the token of each source is kept, where no variable says.
fn ttls(loaded: &mut Loaded, table: &wit::Table) -> Result<Vec<u64>, Failure> {
    let mut ttls = Vec::with_capacity(table.conditions.len());
    for (source, conditions) in (0..).zip(&table.conditions) {
        ttls.push(match conditions.first() {
            Some(condition) => {
                let found = loaded.policy.observe(source, &condition.observation);
                found.map_err(Error::Engine)?.ttl_ms
            }
            None => 0,
        });
    }
    Ok(ttls)
}

fn side(loaded: &Loaded) -> Value {
    json!({ "policy": loaded.info.name, "documents": loaded.info.documents })
}

/// The word for a class.
fn called(class: Class) -> &'static str {
    match class {
        Class::Widening => "widening",
        Class::Narrowing => "narrowing",
        Class::Switched => "switched",
    }
}
