//! A comparison in words: one sentence for all the changes that end in the
//! same. It says what is the case with the source that decides now; that
//! whatever comes before it is passed goes without saying, and what was used
//! before was there.

use std::path::Path;

use super::{Compared, called};
use crate::explained::short;
use crate::output::{Look, clean, wrap};
use keyrule_analysis::diff::{Change, Class, Letter};
use keyrule_analysis::merged::phrases;
use keyrule_analysis::outcome::{Outcome, among, either};
use keyrule_contract as wit;

/// How to say it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words<'c> {
    pub compared: &'c Compared,
    pub look: Look,
    pub home: Option<&'c Path>,
}

/// What is said of a refusal because of one source; which, the data say.
const REFUSAL: &str = "a refusal";

/// What is said where no source is usable.
const NOTHING: &str = "nothing";

/// What a class means, for its heading.
const CLASSES: [(Class, &str); 3] = [
    (
        Class::Widening,
        "something is used that was not allowed before",
    ),
    (Class::Narrowing, "something is no longer used"),
    (
        Class::Switched,
        "another of those that both allow, or another refusal",
    ),
];

/// Changes that are said in one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sentence {
    sessions: Vec<wit::Session>,
    /// What is the case; in one of these ways.
    cases: Vec<String>,
    old: Vec<String>,
    new: String,
    rules: Vec<String>,
}

/// Joins neighbours of a list where `same` lets them be joined.
fn join(sentences: Vec<Sentence>, same: impl Fn(&Sentence, &Sentence) -> bool) -> Vec<Sentence> {
    let mut joined: Vec<Sentence> = Vec::new();
    for next in sentences {
        let Some(first) = joined.iter_mut().find(|first| same(first, &next)) else {
            joined.push(next);
            continue;
        };
        for (mine, more) in [
            (&mut first.cases, &next.cases),
            (&mut first.old, &next.old),
            (&mut first.rules, &next.rules),
        ] {
            for text in more {
                if !mine.contains(text) {
                    mine.push(text.clone());
                }
            }
        }
        for session in next.sessions {
            if !first.sessions.contains(&session) {
                first.sessions.push(session);
            }
        }
    }
    joined
}

impl Words<'_> {
    /// The whole comparison.
    pub(super) fn text(&self) -> String {
        let compared = self.compared;
        let mut text = format!(
            "from {} to {}\n",
            self.names(&compared.old.info.documents),
            self.names(&compared.new.info.documents)
        );
        if compared.changes.is_empty() && compared.contracts.is_empty() {
            text.push_str("nothing changes: every case comes to the same\n");
            return text;
        }
        for (class, meaning) in CLASSES {
            let changes: Vec<&Change> = compared
                .changes
                .iter()
                .filter(|change| change.class == class)
                .collect();
            if changes.is_empty() {
                continue;
            }
            text.push_str(&format!("\n{}: {meaning}\n", self.paint(class)));
            for sentence in self.sentences(&changes) {
                text.push_str(&self.said(&sentence));
            }
        }
        self.contracts(&mut text);
        text
    }

    fn contracts(&self, text: &mut String) {
        let compared = self.compared;
        if compared.contracts.is_empty() {
            return;
        }
        text.push_str(&format!(
            "\n{}: what is not decided, and is another all the same\n",
            self.look.yellow("contract")
        ));
        for contract in &compared.contracts {
            let of = match contract.source {
                Some(source) => format!("`{}`", compared.new.id(source)),
                None => "the policy".to_owned(),
            };
            let mut said = format!(
                "{}: {of}, {}: {} becomes {}",
                called(contract.class),
                contract.part,
                contract.old,
                contract.new,
            );
            if let Some(at) = &contract.at {
                said.push_str(&format!(" ({})", self.place(at)));
            }
            text.push_str(&self.item(&said));
        }
    }

    /// Changes that end in the same go together: first what was there before,
    /// then the ways to a refusal, then the sessions.
    fn sentences(&self, changes: &[&Change]) -> Vec<Sentence> {
        let single = changes.iter().flat_map(|change| {
            let sentence = Sentence {
                sessions: Vec::new(),
                cases: self.case(change).into_iter().collect(),
                old: vec![self.outcome(change.old)],
                new: self.outcome(change.new),
                rules: change.at.iter().map(|at| self.place(at)).collect(),
            };
            change.sessions.iter().map(move |session| Sentence {
                sessions: vec![*session],
                ..sentence.clone()
            })
        });
        let by_case = join(single.collect(), |left, right| {
            left.sessions == right.sessions && left.cases == right.cases && left.new == right.new
        });
        let by_case = by_case.into_iter().map(|mut sentence| {
            sentence.old.sort_by_key(|old| match old.as_str() {
                REFUSAL => 1,
                NOTHING => 2,
                _ => 0,
            });
            sentence
        });
        let by_end = join(by_case.collect(), |left, right| {
            left.sessions == right.sessions
                && left.old == right.old
                && left.new == right.new
                && (left.new == REFUSAL || left.new == NOTHING)
        });
        join(by_end, |left, right| {
            left.cases == right.cases && left.old == right.old && left.new == right.new
        })
    }

    fn said(&self, sentence: &Sentence) -> String {
        let mut said = among(&sentence.sessions);
        if !sentence.cases.is_empty() {
            said.push_str(", ");
            said.push_str(&either(&sentence.cases));
        }
        said.push_str(": ");
        if sentence.old == [REFUSAL] && sentence.new == REFUSAL {
            said.push_str("a refusal comes for another reason");
        } else {
            said.push_str(&either(&sentence.old));
            said.push_str(" becomes ");
            said.push_str(&sentence.new);
        }
        if let [rule] = sentence.rules.as_slice() {
            said.push_str(&format!(" ({rule})"));
        }
        self.item(&said)
    }

    fn item(&self, said: &str) -> String {
        let said = clean(said);
        if !self.look.terminal {
            return format!("  {said}\n");
        }
        let lines = wrap(&said, self.look.width.saturating_sub(4));
        format!("  {}\n", lines.join("\n    "))
    }

    /// What is the case with the source that decides now. Where none does any
    /// more, with the one that did, as far as it was not simply there.
    fn case(&self, change: &Change) -> Option<String> {
        let decides = |outcome: Outcome| usize::try_from(outcome.source()?).ok();
        let place = decides(change.new).or_else(|| decides(change.old))?;
        let (_, letters) = change.when.iter().find(|(at, _)| *at == place)?;
        let said = self.letters(place, letters);
        // What was used or asked about was there, and had been approved or not.
        let there = ["is there", "is there, undecided", "is there, approved"];
        let plain = decides(change.new).is_none() && there.contains(&said.as_str());
        (!plain).then(|| format!("{} {said}", self.name(place)))
    }

    /// A source's name, and of which policy where both have another of that
    /// name.
    fn name(&self, place: usize) -> String {
        let compared = self.compared;
        let id = compared.id(place);
        let namesakes = (0..compared.counterparts.len())
            .filter(|other| compared.id(*other) == id)
            .count();
        match compared.counterparts.get(place) {
            Some(of) if namesakes > 1 && of.new.is_none() => format!("the old `{id}`"),
            Some(of) if namesakes > 1 && of.old.is_none() => format!("the new `{id}`"),
            _ => format!("`{id}`"),
        }
    }

    fn letters(&self, place: usize, letters: &[Letter]) -> String {
        let Some(counterpart) = self.compared.counterparts.get(place) else {
            return String::new();
        };
        let narrow = |(condition, consent): &Letter| {
            (u32::try_from(*condition).unwrap_or(u32::MAX), *consent)
        };
        let group: Vec<_> = letters.iter().map(narrow).collect();
        // A condition is whole where every consent to it is in the group.
        let all: Vec<_> = group
            .iter()
            .flat_map(|(condition, _)| {
                let consents: &[wit::Consent] = if letters
                    .iter()
                    .all(|(_, consent)| *consent == wit::Consent::Undecided)
                    && !self.asks(place)
                {
                    &[wit::Consent::Undecided]
                } else {
                    &[
                        wit::Consent::Undecided,
                        wit::Consent::Approved,
                        wit::Consent::Declined,
                    ]
                };
                consents.iter().map(|consent| (*condition, *consent))
            })
            .collect();
        let mut unique = Vec::new();
        for letter in all {
            if !unique.contains(&letter) {
                unique.push(letter);
            }
        }
        phrases(&group, &unique, |condition| {
            usize::try_from(condition)
                .ok()
                .and_then(|condition| counterpart.conditions.get(condition))
                .map_or("", |of| of.text.as_str())
        })
    }

    /// Whether either policy asks about the source.
    fn asks(&self, place: usize) -> bool {
        let compared = self.compared;
        let Some(counterpart) = compared.counterparts.get(place) else {
            return false;
        };
        let asks = |sources: &[wit::Source], source: Option<u32>| {
            source
                .and_then(|source| sources.get(usize::try_from(source).ok()?))
                .is_some_and(|source| source.needs_consent)
        };
        asks(&compared.old.sources, counterpart.old) || asks(&compared.new.sources, counterpart.new)
    }

    fn outcome(&self, outcome: Outcome) -> String {
        let place = outcome
            .source()
            .and_then(|place| usize::try_from(place).ok());
        let name = place.map_or_else(String::new, |place| self.name(place));
        match outcome {
            Outcome::Use(_) => name,
            Outcome::Ask(_) => format!("a question about {name}"),
            Outcome::Refuse("nothing-usable", _) => NOTHING.to_owned(),
            Outcome::Refuse("surface-not-served", _) => "not served".to_owned(),
            Outcome::Refuse(..) => REFUSAL.to_owned(),
        }
    }

    fn names(&self, documents: &[String]) -> String {
        let names: Vec<String> = documents
            .iter()
            .map(|path| clean(&short(path, self.home)))
            .collect();
        names.join(" with ")
    }

    fn place(&self, at: &wit::Location) -> String {
        let name = at.path.rsplit(['/', '\\']).next().unwrap_or(&at.path);
        format!("{name}:{}", at.line)
    }

    fn paint(&self, class: Class) -> String {
        let word = called(class);
        match class {
            Class::Widening => self.look.red(word),
            Class::Narrowing => self.look.green(word),
            Class::Switched => self.look.yellow(word),
        }
    }
}
