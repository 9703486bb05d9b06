//! Whether the cases of a policy would notice if it were another one. What go
//! in are its documents and cases; what comes out is how many small changes
//! the cases notice, and each that none does, with its place.
//!
//! `change` lists the changes, `equal` tells which of them change nothing.

use super::case::Case;
use keyrule_contract as wit;
use keyrule_engine::chooser::{Overridden, Override};
use keyrule_engine::{Engine, Error, Judge, LoadError, Policy};

mod change;
mod equal;
mod write;

use change::Change;

/// What became of all changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mutants {
    /// A case ends otherwise.
    pub noticed: usize,
    /// The policy decides the same, whatever is the case.
    pub equivalent: usize,
    /// The engine rejects them.
    pub invalid: usize,
    /// No case notices them.
    pub survivors: Vec<Survivor>,
}

/// A change that no case notices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivor {
    /// The rule that was changed.
    pub at: wit::Location,
    /// What was done to it.
    pub change: String,
}

/// Changes one rule at a time. Every case must be as expected without any
/// change. `used` are the paths of the documents that made the policy, its own
/// first; `chooser` is the override that the policy names.
pub fn mutants(
    name: &str,
    documents: &[wit::Document],
    used: &[String],
    chooser: Option<&Override>,
    cases: &[&Case],
) -> Result<Mutants, Error> {
    let engine = Engine::builtin()?;
    let mut mutants = Mutants::default();
    for change in change::all(documents, used) {
        let changed = change.apply(documents);
        let fate = judge(&engine, name, (documents, &changed), chooser, cases);
        match fate? {
            Fate::Noticed => mutants.noticed += 1,
            Fate::Equivalent => mutants.equivalent += 1,
            Fate::Invalid => mutants.invalid += 1,
            Fate::Survived => {
                let Change { at, what, .. } = change;
                mutants.survivors.push(Survivor { at, change: what });
            }
        }
    }
    Ok(mutants)
}

/// What became of one change.
enum Fate {
    Noticed,
    Equivalent,
    Invalid,
    Survived,
}

fn judge(
    engine: &Engine,
    name: &str,
    (documents, changed): (&[wit::Document], &[wit::Document]),
    chooser: Option<&Override>,
    cases: &[&Case],
) -> Result<Fate, Error> {
    let mut policy = match Policy::load(engine, name, changed) {
        Ok(policy) => policy,
        Err(LoadError::Rejected(_)) => return Ok(Fate::Invalid),
        Err(LoadError::Engine(error)) => return Err(error),
    };
    let sources = policy.sources()?;
    let chooses = policy.info()?.override_component.is_some();
    let mut judge: Box<dyn Judge> = match chooser {
        Some(chooser) if chooses => Box::new(Overridden::new(Box::new(policy), chooser.clone())?),
        _ => Box::new(policy),
    };
    for case in cases {
        let ran = case.run(judge.as_mut(), &sources)?;
        if !case.expect.differences(&ran, &sources).is_empty() {
            return Ok(Fate::Noticed);
        }
    }
    if equal::equal(engine, name, documents, changed)? {
        return Ok(Fate::Equivalent);
    }
    Ok(Fate::Survived)
}

#[cfg(test)]
mod tests {
    use super::super::case::samples::{POLICY, cases, documents};
    use super::*;

    fn run(documents: &[wit::Document], text: &str) -> Mutants {
        let used: Vec<String> = documents
            .iter()
            .map(|document| document.path.clone())
            .collect();
        let cases = cases(text);
        let cases: Vec<&Case> = cases.iter().collect();
        mutants("x", documents, &used, None, &cases).unwrap()
    }

    fn survivors(mutants: &Mutants) -> Vec<(u32, &str)> {
        let all = mutants.survivors.iter();
        all.map(|survivor| (survivor.at.line, survivor.change.as_str()))
            .collect()
    }

    const ONE: &str = "[[case]]\nname = \"1\"\ngiven = { key = \"ready\", helper = \"ready\" }\nexpect = { use = \"key\" }\n";

    #[test]
    fn what_no_case_notices_is_listed_with_the_line_of_the_policy() {
        let mutants = run(&documents(POLICY), ONE);
        let survived = survivors(&mutants);
        for survivor in [
            (7, "`consent` of `key` is taken away"),
            (7, "`consent` of `key` is `always`"),
            (6, "`key` counts in web sessions too"),
            (8, "`https://gw.test` is no longer allowed for `key`"),
            (8, "`key` may be sent to any origin"),
            (8, "the endpoint of `key` follows no variable"),
            (10, "`helper` is taken away"),
            (14, "`ttl-max` of `helper` is taken away"),
            (18, "`helper` and `login` change places"),
        ] {
            // `consent = "always"` refuses where nobody is there.
            if survivor.1.ends_with("`always`") {
                assert!(!survived.contains(&survivor));
            } else {
                assert!(
                    survived.contains(&survivor),
                    "{survivor:?} of {survived:#?}"
                );
            }
        }
        assert!(!survived.contains(&(3, "`key` is taken away")));
        assert!(mutants.noticed >= 3, "{mutants:?}");
    }

    #[test]
    fn what_changes_no_decision_is_no_survivor() {
        // A restriction that drops what the policy does not count anyway.
        let mut documents = documents(POLICY);
        documents.push(wit::Document {
            origin: wit::DocumentOrigin::ManagedRestriction,
            path: "r.toml".to_owned(),
            text: "[source.login]\nsurfaces = [\"terminal\", \"desktop\", \"remote\"]\n".to_owned(),
        });
        let mutants = run(&documents, ONE);
        let of_restriction = mutants
            .survivors
            .iter()
            .filter(|survivor| survivor.at.path == "r.toml")
            .map(|survivor| survivor.change.as_str());
        assert_eq!(
            of_restriction.collect::<Vec<_>>(),
            [
                "terminal is no longer among `surfaces` for `login`",
                "desktop is no longer among `surfaces` for `login`",
                "remote is no longer among `surfaces` for `login`",
            ]
        );
        assert!(mutants.equivalent >= 2, "{mutants:?}");
    }

    #[test]
    fn what_the_engine_rejects_is_counted_apart() {
        let policy = format!("login = {{ methods = [\"login\"] }}\n{POLICY}");
        let text = "[[case]]\nname = \"1\"\ngiven = { key = \"ready\", login = \"ready\" }\nexpect = { use = \"login\" }\n";
        let mutants = run(&documents(&policy), text);
        // The source that `methods` names is taken away.
        assert_eq!(mutants.invalid, 1, "{mutants:?}");
    }
}
