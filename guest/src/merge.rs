//! Picks the policy among the documents, and merges the restrictions into it
//! (S11 to S13).

use crate::document::{self, Document};
use crate::reader::Problem;
use crate::restriction;
use crate::rule::Rule;
use crate::text::At;
use crate::wit::{Document as Text, DocumentOrigin, Severity};

/// A policy with its restrictions in it.
#[derive(Debug)]
pub(crate) struct Merged {
    pub document: Document,
    /// The rules before restrictions, where there were any restrictions.
    pub unrestricted: Option<Vec<Rule>>,
    /// Indexes of the documents in the list, the policy's first.
    pub used: Vec<usize>,
    pub warnings: Vec<Problem>,
}

/// Merges, or reports every error.
pub(crate) fn merge(name: &str, texts: &[Text]) -> Result<Merged, Vec<Problem>> {
    let chosen = choose(name, texts)?;
    let mut problems = Vec::new();
    let policy = texts
        .get(chosen.policy)
        .and_then(|text| document::read(name, narrow(chosen.policy), &text.text, &mut problems));
    let Some(mut document) = policy else {
        return Err(problems);
    };
    let ids: Vec<String> = document
        .rules
        .iter()
        .map(|rule| rule.source.id.clone())
        .collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let unrestricted = (!chosen.restrictions.is_empty()).then(|| document.rules.clone());
    let mut used = vec![chosen.policy];
    for index in chosen.restrictions {
        let Some(text) = texts.get(index) else {
            continue;
        };
        used.push(index);
        if let Some(read) = restriction::read(narrow(index), &text.text, &ids, &mut problems) {
            read.apply(&mut document.rules);
        }
    }
    if document::rejects(&problems) {
        return Err(problems);
    }
    Ok(Merged {
        document,
        unrestricted,
        used,
        warnings: problems,
    })
}

/// Indexes in the list of documents.
struct Chosen {
    policy: usize,
    restrictions: Vec<usize>,
}

/// S11: exactly one policy applies to a name, everything else restricts it.
fn choose(name: &str, texts: &[Text]) -> Result<Chosen, Vec<Problem>> {
    let all = |origin: DocumentOrigin| -> Vec<usize> {
        texts
            .iter()
            .enumerate()
            .filter(|(_, text)| text.origin == origin)
            .map(|(index, _)| index)
            .collect()
    };
    // What this version cannot read must not be left out in silence.
    for origin in [
        DocumentOrigin::ToolFile,
        DocumentOrigin::ManagedToolFile,
        DocumentOrigin::Choice,
    ] {
        if let Some(first) = all(origin).first() {
            return Err(vec![problem(
                "unsupported-document",
                "this engine does not read such a document".to_owned(),
                *first,
                "use an engine that reads tool files and choices".to_owned(),
            )]);
        }
    }
    let managed = all(DocumentOrigin::Managed);
    let managed_restrictions = all(DocumentOrigin::ManagedRestriction);
    let others = all(DocumentOrigin::ManagedOther);
    let user = all(DocumentOrigin::User);
    // The program that embeds the engine replaces what the engine's host ships.
    let mut shipped = all(DocumentOrigin::Embedder);
    shipped.extend(all(DocumentOrigin::Builtin));
    let mut restrictions = managed_restrictions.clone();
    let policy = if let Some(policy) = managed.first() {
        restrictions.extend(&user);
        *policy
    } else if let Some(first) = managed_restrictions.first() {
        restrictions.extend(&user);
        *shipped.first().ok_or_else(|| {
            vec![problem(
                "nothing-to-restrict",
                format!("there are managed restrictions for `{name}`, and no policy of that name"),
                *first,
                format!("install a managed `{name}.toml`, or remove the folder `{name}.d`"),
            )]
        })?
    } else {
        if let Some(first) = others.first() {
            others_permit(name, texts, &others, *first)?;
        }
        *user.first().or(shipped.first()).ok_or_else(|| {
            vec![problem(
                "no-such-policy",
                format!("there is no policy `{name}`"),
                0,
                "`keyrule policy show` lists where policies are looked for".to_owned(),
            )]
        })?
    };
    restrictions.extend(all(DocumentOrigin::UserRestriction));
    restrictions.extend(all(DocumentOrigin::Project));
    Ok(Chosen {
        policy,
        restrictions,
    })
}

/// S13: where anything is managed, a name that is not is refused, unless the
/// managed files say that others are allowed and none says the opposite.
fn others_permit(
    name: &str,
    texts: &[Text],
    others: &[usize],
    first: usize,
) -> Result<(), Vec<Problem>> {
    let said: Vec<bool> = others
        .iter()
        .filter_map(|index| {
            let text = texts.get(*index)?;
            document::others(narrow(*index), &text.text)
        })
        .collect();
    if !said.is_empty() && said.iter().all(|allowed| *allowed) {
        return Ok(());
    }
    Err(vec![problem(
        "name-not-managed",
        format!("policies are managed on this machine, and `{name}` is not among them"),
        first,
        format!(
            "ask the administrator for a managed `{name}.toml`, or for `others = \"allow\"` in a managed file"
        ),
    )])
}

fn problem(code: &'static str, message: String, document: usize, help: String) -> Problem {
    Problem {
        severity: Severity::Error,
        code,
        message,
        at: At {
            document: narrow(document),
            line: 1,
            column: 1,
            offset: 0,
            length: 0,
        },
        help,
    }
}

fn narrow(index: usize) -> u16 {
    u16::try_from(index).unwrap_or(u16::MAX)
}
