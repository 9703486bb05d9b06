//! Whether two policies decide the same whatever is the case: documents of
//! both in, an answer out. What decides are, in each session, the sources
//! that are not always passed, in their order; so these are compared, each
//! with all that can be the case with it.

use keyrule_contract as wit;
use keyrule_engine::{Engine, Error, Judge as _, LoadError, Policy};

const CONSENTS: [wit::Consent; 3] = [
    wit::Consent::Undecided,
    wit::Consent::Approved,
    wit::Consent::Declined,
];

pub(super) fn equal(
    engine: &Engine,
    name: &str,
    old: &[wit::Document],
    new: &[wit::Document],
) -> Result<bool, Error> {
    let counterparts = loaded(Policy::align(engine, (name, name), old, new))?;
    let (Some(counterparts), Some(mut old), Some(mut new)) = (
        counterparts,
        loaded(Policy::load(engine, name, old))?,
        loaded(Policy::load(engine, name, new))?,
    ) else {
        return Ok(false);
    };
    let tables = (old.table()?, new.table()?);
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for (ending, other) in tables.0.endings.iter().zip(&tables.1.endings) {
        let session = ending.session;
        let (one, two) = (chain(&tables.0, session), chain(&tables.1, session));
        if ending.reason != other.reason || one.len() != two.len() {
            return Ok(false);
        }
        for (one, two) in one.into_iter().zip(two) {
            let same = counterparts
                .iter()
                .find(|source| source.old == Some(one) && source.new == Some(two));
            if !same.is_some_and(|source| same_effects(source, &tables, session, (one, two))) {
                return Ok(false);
            }
            if !pairs.contains(&(one, two)) {
                pairs.push((one, two));
            }
        }
    }
    let sources = (old.sources()?, new.sources()?);
    for (one, two) in pairs {
        if lifetimes(&mut old, &sources.0, one)? != lifetimes(&mut new, &sources.1, two)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What the engine made of it; nothing where it rejects the documents.
fn loaded<T>(result: Result<T, LoadError>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(LoadError::Rejected(_)) => Ok(None),
        Err(LoadError::Engine(error)) => Err(error),
    }
}

/// The sources that can decide in a session, up to one that always does.
fn chain(table: &wit::Table, session: wit::Session) -> Vec<u32> {
    let mut chain: Vec<u32> = Vec::new();
    let mut rows = table
        .rows
        .iter()
        .filter(|row| row.session == session)
        .peekable();
    while let Some(first) = rows.peek().map(|row| row.source) {
        let (mut decides, mut passes) = (false, false);
        while let Some(row) = rows.next_if(|row| row.source == first) {
            let pass = row.effect == wit::Effect::Skip;
            decides |= !pass;
            passes |= pass;
        }
        if decides {
            chain.push(first);
        }
        if decides && !passes {
            break;
        }
    }
    chain
}

fn same_effects(
    source: &wit::Counterpart,
    tables: &(wit::Table, wit::Table),
    session: wit::Session,
    places: (u32, u32),
) -> bool {
    source.conditions.iter().all(|condition| {
        let (Some(old), Some(new)) = (condition.old, condition.new) else {
            return false;
        };
        CONSENTS.iter().all(|consent| {
            effect(&tables.0, session, places.0, old, *consent)
                == effect(&tables.1, session, places.1, new, *consent)
        })
    })
}

/// What follows; a source that never asks has one row for all consents.
fn effect(
    table: &wit::Table,
    session: wit::Session,
    source: u32,
    condition: u32,
    consent: wit::Consent,
) -> Option<wit::Effect> {
    let rows = table
        .rows
        .iter()
        .filter(|row| row.session == session && row.source == source && row.condition == condition);
    let mut first = None;
    for row in rows {
        if row.consent == consent {
            return Some(row.effect);
        }
        first = first.or(Some(row.effect));
    }
    first
}

/// How long a token is kept where its variable says nothing, and at the most.
fn lifetimes(
    policy: &mut Policy,
    sources: &[wit::Source],
    place: u32,
) -> Result<Option<(u64, u64)>, Error> {
    let source = usize::try_from(place).ok().and_then(|at| sources.get(at));
    let Some(wit::Kind::Helper(helper)) = source.map(|source| &source.kind) else {
        return Ok(None);
    };
    let longest = match helper.ttl_variable {
        Some(_) => wit::Lifetime::Milliseconds(u64::MAX),
        None => wit::Lifetime::Unset,
    };
    let mut kept = |lifetime| -> Result<u64, Error> {
        let seen = wit::Observation {
            outcome: wit::Outcome::Present,
            lifetime,
            ..crate::case::nothing()
        };
        Ok(policy.observe(place, &seen)?.ttl_ms)
    };
    Ok(Some((kept(wit::Lifetime::Unset)?, kept(longest)?)))
}
