//! What a case came to, as text: the golden files of `tests/cases`. A secret
//! appears as the name of its canary, and only where it was handed out. A
//! place in a policy appears as the name of its rule.

use std::fmt::Write;

use keyrule::resolver::Explained;
use keyrule::{Credential, Error};
use keyrule_contract as wit;

use crate::rule;

/// The documents of a case, and how places in them are written.
#[derive(Debug, Default)]
pub struct Documents {
    /// Path and text of each that the case itself holds.
    pub own: Vec<(String, String)>,
    /// Whether lines and columns are written of these, in place of names.
    pub lines: bool,
}

impl Documents {
    /// A place: in a shipped policy the name of the rule alone.
    fn place(&self, at: &wit::Location) -> String {
        let path = &at.path;
        if let Some(file) = path.strip_prefix("builtin:") {
            return named(&rule::shipped(file), at).unwrap_or_else(|| path.clone());
        }
        let own = self.own.iter().find(|(other, _)| other == path);
        match own.and_then(|(_, text)| named(text, at)) {
            Some(rule) if !self.lines => format!("{path}: {rule}"),
            _ => format!("{path}:{}:{}", at.line, at.column),
        }
    }
}

fn named(text: &str, at: &wit::Location) -> Option<String> {
    rule::name(text, usize::try_from(at.offset).ok()?)
}

/// An explanation, line by line.
pub fn explanation(explained: &Explained, documents: &Documents) -> String {
    let place = |at| documents.place(at);
    let mut text = String::new();
    let explanation = &explained.explanation;
    let id = |index: u32| {
        explained
            .sources
            .get(index as usize)
            .map_or("?", |source| source.id.as_str())
    };
    let verdict = match explanation.verdict {
        wit::Verdict::Look(index) => format!("look {}", id(index)),
        wit::Verdict::Ask(index) => format!("ask {}", id(index)),
        wit::Verdict::Fetch(index) => format!("get {}", id(index)),
        wit::Verdict::Use(index) => format!("use {}", id(index)),
        wit::Verdict::Refuse(refused) => match refused.source {
            Some(index) => format!("refuse {} {}", word(&refused.reason), id(index)),
            None => format!("refuse {}", word(&refused.reason)),
        },
        wit::Verdict::Consult => "consult".to_owned(),
    };
    line(&mut text, "verdict", &verdict);
    line(&mut text, "summary", &explanation.summary);
    if let Some(at) = &explanation.rule {
        line(&mut text, "rule", &place(at));
    }
    for source in &explanation.sources {
        let standing = word(&source.status);
        let name = id(source.source);
        let _ = writeln!(
            text,
            "  {name}: {standing}: {} [{}]",
            source.text,
            place(&source.rule)
        );
    }
    if let Some(changed) = &explanation.restriction_effect {
        line(
            &mut text,
            "changed",
            &format!("{} [{}]", changed.text, place(&changed.rule)),
        );
    }
    if let Some(fix) = &explanation.fix {
        line(&mut text, "fix", &fix.text);
    }
    for warning in &explanation.warnings {
        line(
            &mut text,
            "warning",
            &format!("{}: {}", warning.code, warning.message),
        );
    }
    for note in &explained.notes {
        line(&mut text, "note", note);
    }
    line(&mut text, "looks", &explained.looks.to_string());
    line(&mut text, "gets", &explained.gets.to_string());
    text
}

/// A credential: how it would be sent and where, the secret by its canary's
/// name.
pub fn credential(credential: &Credential, name_of: impl Fn(&str) -> String) -> String {
    let mut text = String::new();
    line(&mut text, "source", &credential.source);
    match (credential.token(), credential.aws_key()) {
        (Some(token), _) => line(&mut text, "secret", &name_of(token)),
        (None, Some(key)) => {
            line(&mut text, "access key", key.id);
            line(&mut text, "secret", &name_of(key.secret));
        }
        (None, None) if credential.is_nothing() => line(&mut text, "secret", "nothing is sent"),
        (None, None) => line(&mut text, "secret", "held by the tool alone"),
    }
    for (name, value) in credential.headers() {
        line(
            &mut text,
            "header",
            &format!("{name}: {}", reveal(&value, credential, &name_of)),
        );
    }
    for (name, value) in credential.exports() {
        line(
            &mut text,
            "export",
            &format!("{name}={}", reveal(&value, credential, &name_of)),
        );
    }
    if let Some(endpoint) = &credential.endpoint {
        line(&mut text, "endpoint", endpoint);
    }
    text
}

/// An error, without the explanation that a refusal carries.
pub fn error(error: &Error, documents: &Documents) -> String {
    let mut text = String::new();
    line(
        &mut text,
        "error",
        &format!(
            "{} (exit {}): {error}",
            error.code(),
            keyrule_cli::exit::code(error.kind())
        ),
    );
    if let Some(hint) = error.hint() {
        line(&mut text, "hint", &hint);
    }
    if let Error::Policy(keyrule::policy::Error::Invalid { diagnostics, .. }) = error {
        for diagnostic in diagnostics {
            let _ = writeln!(
                text,
                "  {}: {} [{}]\n    help: {}",
                diagnostic.code,
                diagnostic.message,
                documents.place(&diagnostic.location),
                diagnostic.help
            );
        }
    }
    text
}

fn reveal(value: &str, credential: &Credential, name_of: &impl Fn(&str) -> String) -> String {
    match credential.token() {
        Some(token) => value.replace(token, &format!("<{}>", name_of(token))),
        None => value.to_owned(),
    }
}

fn line(text: &mut String, key: &str, value: &str) {
    let _ = writeln!(text, "{key}: {value}");
}

/// The name that a case has in the contract: `Reason::NotLooked` is
/// `not-looked`.
pub fn word(case: &impl std::fmt::Debug) -> String {
    let text = format!("{case:?}");
    let mut name = String::new();
    for letter in text.rsplit("::").next().unwrap_or_default().chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}
