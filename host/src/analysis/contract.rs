//! What changes of a source that two policies both use: how it is sent, where
//! it goes, what a program gets of it. The decision can be the same and the
//! credential still end up somewhere else.

use crate::engine::bindings as wit;

/// Something that is another in the new policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Contract {
    /// The source's place in the new policy.
    pub source: u32,
    /// What of it, in one word: `endpoint`, `headers`.
    pub part: &'static str,
    /// What it was.
    pub old: String,
    /// What it is.
    pub new: String,
    /// Where the new policy declares the source.
    pub at: wit::Location,
}

/// Compares the contracts of sources that both policies have.
pub(crate) fn contracts(
    old: &[wit::Source],
    new: &[wit::Source],
    counterparts: &[wit::Counterpart],
) -> Vec<Contract> {
    let find = |sources: &[wit::Source], place: Option<u32>| {
        sources.get(usize::try_from(place?).ok()?).cloned()
    };
    let mut found = Vec::new();
    for counterpart in counterparts {
        let (Some(before), Some(after), Some(source)) = (
            find(old, counterpart.old),
            find(new, counterpart.new),
            counterpart.new,
        ) else {
            continue;
        };
        for (part, old, new) in parts(&before, &after) {
            if old != new {
                found.push(Contract {
                    source,
                    part,
                    old,
                    new,
                    at: after.at.clone(),
                });
            }
        }
    }
    found
}

fn parts(old: &wit::Source, new: &wit::Source) -> [(&'static str, String, String); 5] {
    [
        ("endpoint", endpoint(old), endpoint(new)),
        ("headers", pairs(&old.headers), pairs(&new.headers)),
        ("export", pairs(&old.export), pairs(&new.export)),
        ("kept as", kept(old), kept(new)),
        ("timeout", timeout(old), timeout(new)),
    ]
}

fn endpoint(source: &wit::Source) -> String {
    match &source.endpoint {
        None => "none".to_owned(),
        Some(endpoint) => match &endpoint.variable {
            Some(variable) => format!("`{}`, or what `{variable}` says", endpoint.default),
            None => format!("`{}`", endpoint.default),
        },
    }
}

fn pairs(pairs: &[wit::Pair]) -> String {
    let mut pairs: Vec<String> = pairs
        .iter()
        .map(|pair| format!("`{}: {}`", pair.name, pair.text))
        .collect();
    pairs.sort();
    if pairs.is_empty() {
        return "none".to_owned();
    }
    super::outcome::all_of(&pairs)
}

fn kept(source: &wit::Source) -> String {
    source
        .keep_as
        .as_ref()
        .map_or_else(|| "nothing".to_owned(), |name| format!("`{name}`"))
}

fn timeout(source: &wit::Source) -> String {
    match &source.kind {
        wit::Kind::Helper(helper) => format!("{} ms", helper.timeout_ms),
        _ => "none".to_owned(),
    }
}
