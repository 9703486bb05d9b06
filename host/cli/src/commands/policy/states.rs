//! What is at every place where a policy file can be, for `check` and `lint`:
//! all of it in JSON, and a warning for each file that is there and does not
//! apply, unless it already is an error.

use serde_json::{Value, json};

use crate::document::word;
use keyrule::policy::{self, FileReport, FileState};
use keyrule_contract as wit;
use keyrule_system::text::shown;

/// Every place as `policy show --json` has it.
pub(super) fn document(reports: &[FileReport]) -> Vec<Value> {
    let places = reports.iter().map(|report| {
        let (state, detail) = report.state.word();
        json!({
            "origin": word(&report.place),
            "path": report.path.to_string_lossy(),
            "state": state,
            "detail": detail,
        })
    });
    places.collect()
}

/// A warning for every file that is there and does not apply.
pub(super) fn warnings(reports: &[FileReport], errors: &[policy::Error]) -> Vec<wit::Diagnostic> {
    let is_error = |report: &&FileReport| {
        let mut errors = errors.iter();
        errors.any(|error| error.path() == Some(&report.path))
    };
    let reports = reports.iter().filter(|report| !is_error(report));
    reports.filter_map(warning).collect()
}

fn warning(report: &FileReport) -> Option<wit::Diagnostic> {
    let file = shown(&report.path);
    let (code, message, help) = match &report.state {
        FileState::Read | FileState::Absent | FileState::NotCounted { expected: true, .. } => {
            return None;
        }
        FileState::Empty => (
            "policy-empty",
            "this file is empty".to_owned(),
            format!("fix or remove `{file}`"),
        ),
        FileState::Unreadable(why) => (
            "policy-unreadable",
            format!("this file cannot be read: {why}"),
            format!("fix or remove `{file}`"),
        ),
        FileState::Untrusted(why) => (
            "policy-untrusted",
            format!("this file is not trusted: {why}"),
            format!("check who can write `{file}`"),
        ),
        FileState::NotCounted { why, .. } => (
            "policy-not-applicable",
            format!("this file does not apply: {why}"),
            format!("rename or remove `{file}`"),
        ),
    };
    Some(wit::Diagnostic {
        severity: wit::Severity::Warning,
        code: code.to_owned(),
        message,
        location: wit::Location {
            path: report.path.to_string_lossy().into_owned(),
            line: 1,
            column: 1,
            offset: 0,
            length: 0,
        },
        help,
    })
}

/// The same for `lint`.
pub(super) fn concern(warning: wit::Diagnostic) -> wit::Lint {
    wit::Lint {
        code: warning.code,
        message: warning.message,
        why: "its author may believe that it is active".to_owned(),
        location: warning.location,
        help: warning.help,
    }
}
