//! Concerns as SARIF 2.1.0 (OASIS, Static Analysis Results Interchange
//! Format), which code hosts and editors collect. What goes in is a report;
//! what comes out is one log with one run. Paths below the current folder are
//! relative to it, as collectors want them.

use std::path::Path;

use serde_json::{Value, json};

use super::{Linted, Report};
use crate::errors::Failure;
use keyrule_contract as wit;
use keyrule_system::text::mask;

/// Where the schema of the format is.
const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Every code that `lint` has, and what it stands for.
pub(super) const CODES: [(&str, &str); 17] = [
    (
        "consent-lock-out",
        "Sessions without a terminal need a consent that nobody there can give",
    ),
    ("dead-rule", "A line changes nothing"),
    ("dead-source", "A source counts in no session"),
    (
        "forced-out",
        "A source stands beside a forced login that excludes it",
    ),
    ("lock-out", "Nothing can ever be used in a kind of session"),
    (
        "movable-override",
        "The override of a managed policy lies in the user's home",
    ),
    (
        "never-reached",
        "A source is never reached, because another always decides first",
    ),
    (
        "never-usable",
        "Nothing that can be the case makes a source usable",
    ),
    ("policy-empty", "A file of policies is empty"),
    (
        "policy-not-applicable",
        "A file lies where policies do and does not apply",
    ),
    ("policy-unreadable", "A file of policies cannot be read"),
    ("policy-untrusted", "A file of policies is not trusted"),
    (
        "redirectable-endpoint",
        "The environment decides to which host a credential is sent",
    ),
    (
        "redirectable-helper",
        "A lower place than the policy decides which program is run",
    ),
    (
        "relative-helper",
        "The program of a helper is looked for in PATH",
    ),
    (
        "secret-in-file",
        "What looks like a secret stands in a policy",
    ),
    // The last two belong together: what follows is for codes of later engines.
    ("unknown", "A concern that this program has no title for"),
];

/// The whole log.
pub(super) fn log(report: &Report, folder: Option<&Path>) -> Value {
    let rules: Vec<Value> = CODES
        .iter()
        .map(|(code, title)| {
            json!({
                "id": code,
                "shortDescription": { "text": title },
                "fullDescription": { "text": format!("{title}.") },
                "help": { "text": help(report, code, title) },
                "defaultConfiguration": { "level": "warning" },
            })
        })
        .collect();
    let results: Vec<Value> = report
        .policies
        .iter()
        .flat_map(|policy| {
            let result = |concern| result(policy, concern, folder);
            policy.concerns.iter().map(result)
        })
        .collect();
    let failures: Vec<Value> = report.failures.iter().map(notification).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "keyrule",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules,
            } },
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": failures.is_empty(),
                "exitCode": report.exit(),
                "toolExecutionNotifications": failures,
            }],
            "results": results,
        }],
    })
}

/// What to do about a code, as far as one concern of this report says it.
fn help(report: &Report, code: &str, title: &str) -> String {
    let mut concerns = report.policies.iter().flat_map(|policy| &policy.concerns);
    concerns.find(|concern| concern.code == code).map_or_else(
        || format!("{title}. `keyrule policy lint` says why it matters and what to change."),
        |concern| {
            format!(
                "{}. To mend it: {}.",
                mask(&concern.why),
                mask(&concern.help)
            )
        },
    )
}

fn result(policy: &Linted, concern: &wit::Lint, folder: Option<&Path>) -> Value {
    let known = CODES.iter().position(|(code, _)| *code == concern.code);
    let index = known.unwrap_or(CODES.len() - 1);
    let code = CODES.get(index).map_or("unknown", |(code, _)| code);
    let (message, why, help) = (
        mask(&concern.message),
        mask(&concern.why),
        mask(&concern.help),
    );
    json!({
        "ruleId": code,
        "ruleIndex": index,
        "level": "warning",
        "message": { "text": format!("{message}: {why}. To mend it: {help}.") },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&concern.location.path, folder) },
            "region": region(&concern.location, policy),
        } }],
    })
}

fn notification(failure: &Failure) -> Value {
    json!({
        "level": "error",
        "message": { "text": failure.said.message },
        "descriptor": { "id": failure.said.code },
    })
}

/// The marked part of one line; the rest of a table is no help.
fn region(at: &wit::Location, policy: &Linted) -> Value {
    let document = policy
        .documents
        .iter()
        .find(|document| document.path == at.path);
    let start = usize::try_from(at.offset).unwrap_or(usize::MAX);
    let length = usize::try_from(at.length).unwrap_or_default();
    let marked = document
        .and_then(|document| document.text.get(start..start.saturating_add(length)))
        .and_then(|marked| marked.lines().next())
        .unwrap_or_default();
    let end = u32::try_from(marked.chars().count()).unwrap_or_default();
    json!({
        "startLine": at.line,
        "startColumn": at.column,
        "endLine": at.line,
        "endColumn": at.column.saturating_add(end),
    })
}

/// A relative reference below the folder, else a URI (RFC 3986).
fn uri(path: &str, folder: Option<&Path>) -> String {
    if path.starts_with("builtin:") {
        return path.to_owned();
    }
    let path = Path::new(path);
    let below = match folder {
        Some(folder) if path.is_absolute() => path.strip_prefix(folder).ok(),
        _ => (!path.is_absolute()).then_some(path),
    };
    let escaped = |path: &Path| {
        let parts = path.to_string_lossy().replace('\\', "/");
        let mut escaped = String::with_capacity(parts.len());
        for byte in parts.bytes() {
            if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
                escaped.push(char::from(byte));
            } else {
                escaped.push_str(&format!("%{byte:02X}"));
            }
        }
        escaped
    };
    match below {
        Some(below) => escaped(below.strip_prefix(".").unwrap_or(below)),
        None => format!("file://{}", escaped(path)),
    }
}
