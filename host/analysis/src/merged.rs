//! The complete table of a policy, merged for people: the engine's rows in,
//! one line for all the cases of a source that come to the same in every
//! session, and one column for all the sessions that come to the same in
//! every line.

use std::collections::BTreeSet;

use super::full::Alphabet;
use super::outcome::{consent, either};
use keyrule_contract as wit;

/// A merged table.
#[derive(Debug, Clone)]
pub struct Merged {
    /// Groups of sessions.
    pub columns: Vec<Column>,
    /// Lines, source by source, in the order in which they are gone through.
    pub lines: Vec<Line>,
    /// How many cases there are: sessions, and for each everything that can be
    /// known of each source.
    pub cases: u128,
}

/// Sessions in which everything comes to the same.
#[derive(Debug, Clone)]
pub struct Column {
    /// The sessions.
    pub sessions: Vec<wit::Session>,
    /// What follows where every source is passed.
    pub ending: wit::Ending,
    /// Whether sessions of this kind are served at all.
    pub served: bool,
}

/// Cases of one source that come to the same.
#[derive(Debug, Clone)]
pub struct Line {
    /// The source.
    pub source: u32,
    /// What is the case, to follow the source's name.
    pub text: String,
    /// The same where a failure in a nested run goes without saying beside
    /// other failures.
    pub brief: String,
    /// Whether the source is there in at least one of these cases.
    pub is_there: bool,
    /// What follows, column by column; nothing where they are not served.
    pub cells: Vec<Option<Cell>>,
}

/// What follows in one column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// What.
    pub effect: wit::Effect,
    /// Why, for each case that differs.
    pub reasons: Vec<wit::Reason>,
    /// The lines of the rules that make it so.
    pub rules: Vec<(String, u32)>,
}

impl Cell {
    /// Whether the source does not count here at all.
    pub fn is_not_counted(&self) -> bool {
        self.effect == wit::Effect::Skip
            && self.reasons.iter().all(|reason| {
                matches!(
                    reason,
                    wit::Reason::NotOnSurface
                        | wit::Reason::Dropped
                        | wit::Reason::RestrictedSurface
                        | wit::Reason::ForcedLogin
                )
            })
    }
}

impl Line {
    /// Whether it says more than that what is not there is passed.
    pub fn says_something(&self) -> bool {
        let passes = |cell: &Option<Cell>| {
            cell.as_ref()
                .is_none_or(|cell| cell.effect == wit::Effect::Skip)
        };
        self.is_there || !self.cells.iter().all(passes)
    }
}

/// One case of one source: a condition and a consent.
type Case = (u32, wit::Consent);

/// Merges a table.
pub fn merge(table: &wit::Table) -> Merged {
    let columns = columns(table);
    let mut lines = Vec::new();
    for (source, conditions) in (0..).zip(&table.conditions) {
        let own: Vec<&wit::Row> = table
            .rows
            .iter()
            .filter(|row| row.source == source)
            .collect();
        let mut of_source: Vec<Case> = Vec::new();
        for row in &own {
            let case = (row.condition, row.consent);
            if !of_source.contains(&case) {
                of_source.push(case);
            }
        }
        lines.extend(lines_of(source, conditions, &own, &columns, &of_source));
    }
    Merged {
        columns,
        lines,
        cases: Alphabet::of(table).cases(),
    }
}

/// Groups the sessions that come to the same everywhere.
fn columns(table: &wit::Table) -> Vec<Column> {
    let effects = |session: wit::Session| -> Vec<wit::Effect> {
        let rows = table.rows.iter().filter(|row| row.session == session);
        rows.map(|row| row.effect).collect()
    };
    let mut columns: Vec<(Vec<wit::Effect>, Column)> = Vec::new();
    for ending in &table.endings {
        let own = effects(ending.session);
        let same = columns
            .iter_mut()
            .find(|(other, column)| *other == own && column.ending.reason == ending.reason);
        match same {
            Some((_, column)) => column.sessions.push(ending.session),
            None => columns.push((
                own,
                Column {
                    sessions: vec![ending.session],
                    served: ending.reason != wit::Refusal::SurfaceNotServed,
                    ending: ending.clone(),
                },
            )),
        }
    }
    columns.into_iter().map(|(_, column)| column).collect()
}

fn lines_of(
    source: u32,
    conditions: &[wit::Condition],
    rows: &[&wit::Row],
    columns: &[Column],
    cases: &[Case],
) -> Vec<Line> {
    let find = |session: wit::Session, (condition, consent): Case| {
        rows.iter().find(|row| {
            row.session == session && row.condition == condition && row.consent == consent
        })
    };
    // Cases with the same effects, in the order in which the first came.
    let mut groups: Vec<(Vec<Option<wit::Effect>>, Vec<Case>)> = Vec::new();
    for case in cases {
        let effects: Vec<Option<wit::Effect>> = columns
            .iter()
            .map(|column| Some(find(*column.sessions.first()?, *case)?.effect))
            .collect();
        match groups.iter_mut().find(|(other, _)| *other == effects) {
            Some((_, group)) => group.push(*case),
            None => groups.push((effects, vec![*case])),
        }
    }
    groups
        .into_iter()
        .map(|(_, group)| Line {
            source,
            text: text(conditions, &group, cases),
            brief: page_text(conditions, &group, cases),
            is_there: group.iter().any(|(condition, _)| {
                condition_of(conditions, *condition)
                    .is_some_and(|condition| condition.state != wit::State::Unavailable)
            }),
            cells: columns
                .iter()
                .map(|column| {
                    let of_column: Vec<&&wit::Row> = column
                        .sessions
                        .iter()
                        .flat_map(|session| group.iter().filter_map(|case| find(*session, *case)))
                        .collect();
                    cell(&of_column)
                })
                .collect(),
        })
        .collect()
}

fn cell(rows: &[&&wit::Row]) -> Option<Cell> {
    let mut reasons = Vec::new();
    for row in rows {
        if !reasons.contains(&row.reason) {
            reasons.push(row.reason);
        }
    }
    let rules: BTreeSet<(String, u32)> = rows
        .iter()
        .map(|row| (row.rule.path.clone(), row.rule.line))
        .collect();
    Some(Cell {
        effect: rows.first()?.effect,
        reasons,
        rules: rules.into_iter().collect(),
    })
}

fn condition_of(conditions: &[wit::Condition], place: u32) -> Option<&wit::Condition> {
    conditions.get(usize::try_from(place).ok()?)
}

/// Cases in words, without those of a nested run where others fail alike.
fn page_text(conditions: &[wit::Condition], group: &[Case], all: &[Case]) -> String {
    let has = |(condition, _): &Case, reason: wit::Reason| {
        condition_of(conditions, *condition).is_some_and(|of| of.reason == reason)
    };
    if !group.iter().any(|case| has(case, wit::Reason::Failed)) {
        return text(conditions, group, all);
    }
    let others = |cases: &[Case]| -> Vec<Case> {
        let cases = cases.iter().copied();
        cases
            .filter(|case| !has(case, wit::Reason::Nested))
            .collect()
    };
    text(conditions, &others(group), &others(all))
}

/// Cases in words. A consent is named where another one would come to
/// something else.
fn text(conditions: &[wit::Condition], group: &[Case], all: &[Case]) -> String {
    let said = |place: u32| condition_of(conditions, place).map_or("", |of| of.text.as_str());
    phrases(group, all, said)
}

/// Cases in words, where `said` knows what their conditions are.
pub fn phrases<'t>(group: &[Case], all: &[Case], said: impl Fn(u32) -> &'t str) -> String {
    let consents = |cases: &[Case], condition: u32| -> Vec<wit::Consent> {
        let own = cases.iter().filter(|(other, _)| *other == condition);
        own.map(|(_, consent)| *consent).collect()
    };
    // Conditions with the same consents go together.
    let mut together: Vec<(Vec<wit::Consent>, bool, Vec<String>)> = Vec::new();
    for (condition, _) in group {
        let own = consents(group, *condition);
        let whole = own.len() == consents(all, *condition).len();
        let words = said(*condition).to_owned();
        match together
            .iter_mut()
            .find(|(other, of_all, _)| *other == own && *of_all == whole)
        {
            Some((_, _, texts)) if texts.contains(&words) => {}
            Some((_, _, texts)) => texts.push(words),
            None => together.push((own, whole, vec![words])),
        }
    }
    let phrases: Vec<String> = together
        .into_iter()
        .map(|(consents, whole, texts)| {
            let texts = either(&brief(&texts));
            if whole {
                return texts;
            }
            let consents: Vec<String> = consents
                .into_iter()
                .map(|one| consent(one).to_owned())
                .collect();
            format!("{texts}, {}", either(&consents))
        })
        .collect();
    if phrases.iter().any(|phrase| phrase.contains(", ")) {
        return phrases.join("; or ");
    }
    either(&phrases)
}

/// Texts without the words that one of them says for all: the first those
/// before, the last the one after.
fn brief(texts: &[String]) -> Vec<String> {
    let Some((first, rest)) = texts.split_first() else {
        return Vec::new();
    };
    let shared = |other: &String| {
        first
            .split(' ')
            .zip(other.split(' '))
            .take_while(|(left, right)| left == right)
            .count()
    };
    let words = rest.iter().map(shared).min().unwrap_or_default();
    let last = |text: &String| text.rsplit_once(' ').map(|(_, last)| last.to_owned());
    if words > 0
        && let Some(word) = last(first)
        && rest.iter().all(|text| last(text).as_ref() == Some(&word))
    {
        let without = |text: &String| text.strip_suffix(&format!(" {word}")).map(str::to_owned);
        let mut shorter: Vec<String> = texts.iter().filter_map(without).collect();
        shorter = brief(&shorter);
        if let Some(text) = shorter.last_mut() {
            text.push(' ');
            text.push_str(&word);
        }
        return shorter;
    }
    let mut brief = vec![first.clone()];
    for text in rest {
        let left: Vec<&str> = text.split(' ').skip(words).collect();
        brief.push(if left.is_empty() {
            text.clone()
        } else {
            left.join(" ")
        });
    }
    brief
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_all_have_in_common_is_said_once() {
        let texts = ["has a forbidden endpoint", "has a malformed endpoint"];
        assert_eq!(
            either(&brief(&texts.map(str::to_owned))),
            "has a forbidden or malformed endpoint"
        );
        let texts = ["is there", "cannot be got"].map(str::to_owned);
        assert_eq!(either(&brief(&texts)), "is there or cannot be got");
    }
}
