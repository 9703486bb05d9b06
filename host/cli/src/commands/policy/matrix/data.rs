//! The table as data: merged as one JSON document, or row by row as
//! comma-separated values, for a spreadsheet.

use serde_json::{Value, json};

use super::Decided;
use crate::document::word;
use keyrule_analysis::merged::{Cell, Line};
use keyrule_analysis::outcome::{Outcome, consent, refusal, state, surface};
use keyrule_contract as wit;
use keyrule_system::text::{mask, printable};

/// The whole table, merged.
pub(super) fn document(decided: &Decided) -> Value {
    let info = &decided.loaded.info;
    let sources: Vec<Value> = decided
        .loaded
        .sources
        .iter()
        .zip(&decided.table.conditions)
        .map(|(source, conditions)| {
            let conditions: Vec<Value> = conditions.iter().map(condition).collect();
            json!({
                "id": source.id,
                "description": mask(&source.description),
                "reads": mask(&source.reads),
                "rule": place(&source.location.path, source.location.line),
                "conditions": conditions,
            })
        })
        .collect();
    let columns: Vec<Value> = decided
        .merged
        .columns
        .iter()
        .map(|column| {
            let sessions: Vec<Value> = column.sessions.iter().map(session).collect();
            json!({
                "sessions": sessions,
                "served": column.served,
                "otherwise": refusal(column.ending.reason),
            })
        })
        .collect();
    let lines: Vec<Value> = decided
        .merged
        .lines
        .iter()
        .map(|line| of_line(decided, line))
        .collect();
    json!({
        "version": 2,
        "policy": info.name,
        "documents": info.documents,
        "cases": u64::try_from(decided.merged.cases).unwrap_or(u64::MAX),
        "columns": columns,
        "sources": sources,
        "lines": lines,
    })
}

fn of_line(decided: &Decided, line: &Line) -> Value {
    let cells: Vec<Value> = line
        .cells
        .iter()
        .map(|cell| cell.as_ref().map_or(Value::Null, of_cell))
        .collect();
    json!({
        "source": decided.loaded.id(line.source),
        "when": line.text,
        "cells": cells,
    })
}

fn of_cell(cell: &Cell) -> Value {
    let reasons: Vec<String> = cell.reasons.iter().map(word).collect();
    let rules: Vec<String> = cell
        .rules
        .iter()
        .map(|(path, line)| place(path, *line))
        .collect();
    json!({
        "effect": step(cell.effect),
        "refusal": why(cell.effect),
        "reasons": reasons,
        "rules": rules,
    })
}

fn condition(condition: &wit::Condition) -> Value {
    json!({
        "text": condition.text,
        "state": state(condition.state),
        "reason": word(&condition.reason),
        "rule": place(&condition.rule.path, condition.rule.line),
    })
}

fn session(session: &wit::Session) -> Value {
    json!({
        "surface": surface(session.surface),
        "interactive": session.interactive,
    })
}

/// The step, in one word.
pub(super) fn step(effect: wit::Effect) -> &'static str {
    Outcome::of_effect(effect, 0).map_or("skip", Outcome::step)
}

fn why(effect: wit::Effect) -> Option<&'static str> {
    Outcome::of_effect(effect, 0).and_then(Outcome::refusal)
}

/// `file:line`.
pub(super) fn place(path: &str, line: u32) -> String {
    format!("{path}:{line}")
}

/// One row for each session, source, condition and consent.
pub(super) fn csv(decided: &Decided) -> String {
    let mut text = String::from(
        "surface,interactive,source,condition,state,consent,effect,refusal,reason,file,line\r\n",
    );
    for row in &decided.table.rows {
        let condition = usize::try_from(row.source)
            .ok()
            .and_then(|place| decided.table.conditions.get(place))
            .zip(usize::try_from(row.condition).ok())
            .and_then(|(conditions, place)| conditions.get(place));
        let fields = [
            surface(row.session.surface).to_owned(),
            row.session.interactive.to_string(),
            decided.loaded.id(row.source).to_owned(),
            condition.map_or_else(String::new, |of| of.text.clone()),
            condition.map_or("", |of| state(of.state)).to_owned(),
            consent(row.consent).to_owned(),
            step(row.effect).to_owned(),
            why(row.effect).unwrap_or_default().to_owned(),
            word(&row.reason),
            row.rule.path.clone(),
            row.rule.line.to_string(),
        ];
        let fields: Vec<String> = fields.iter().map(|text| field(text)).collect();
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    for ending in &decided.table.endings {
        text.push_str(&format!(
            "{},{},,every source is passed,,,refuse,{},,{},{}\r\n",
            surface(ending.session.surface),
            ending.session.interactive,
            refusal(ending.reason),
            field(ending.rule.as_ref().map_or("", |at| at.path.as_str())),
            ending
                .rule
                .as_ref()
                .map_or_else(String::new, |at| at.line.to_string()),
        ));
    }
    text
}

/// A field of comma-separated values (RFC 4180). One that a spreadsheet would
/// take for a formula is made a text.
pub(super) fn field(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = printable(text);
    let text = if formula { format!("'{text}") } else { text };
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_never_two_and_never_a_formula() {
        assert_eq!(field("plain"), "plain");
        assert_eq!(field("a, \"b\""), "\"a, \"\"b\"\"\"");
        assert_eq!(field("=1+1"), "'=1+1");
    }
}
