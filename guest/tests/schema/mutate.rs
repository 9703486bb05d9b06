//! Mistakes: a valid document in, one with something wrong in it out, or
//! something odd that is still valid.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// A mistake, and where it is made.
#[derive(Debug, Clone)]
pub(crate) struct Mistake {
    place: Index,
    other: Index,
    what: What,
}

#[derive(Debug, Clone)]
enum What {
    Remove,
    Replace(Value),
    /// A key that somebody mistyped or made up, with a value.
    Add(&'static str, Value),
    /// What stands elsewhere in the document.
    Copy,
    /// An entry of a list twice.
    Double,
    /// Part of a text.
    Cut,
    Insert(&'static str),
    UpperCase,
}

const KEYS: &[&str] = &[
    "surface",
    "id",
    "kind",
    "name",
    "variable",
    "flag",
    "select",
    "from",
    "setting",
    "command",
    "issuer",
    "ttl",
    "consent",
    "drop",
    "source",
    "login",
    "endpoint",
    "headers",
    "keep-as",
    "allow",
    "default",
    "organizations",
    "override",
    "settings",
    "key",
    "port",
    "format",
    "service",
    "region",
    "project",
    "resource",
    "bearer-token",
    "api-key",
    "skip-auth",
    "auth-refresh",
    "credential-export",
    "timeout",
    "export",
    "provider",
    "a b",
    "",
];

const TEXTS: &[&str] = &[
    "",
    " ",
    "terminal",
    "web",
    "always",
    "never",
    "interactive",
    "file",
    "keyring",
    "key",
    "helper",
    "login",
    "kept",
    "acme",
    "user",
    "sample",
    "0",
    "5m",
    "0s",
    "9000h",
    "soon",
    "https://api.example.com",
    "http://api.example.com",
    "https://*:*",
    "https://a.example.com/x?y",
    "https://user@a.example.com",
    "https://*",
    "~/x",
    "/x",
    "../x",
    "~/../x",
    "{secret}",
    "{endpoint}",
    "{token}",
    "{region}",
    "{session-token}",
    "https://{region}.example.com/{project}",
    "https://{resource}.example.com",
    "bedrock",
    "foundry",
    "headers",
    "bazel",
    "git",
    "aws-process",
    "{",
    "API_KEY",
    "1KEY",
    "environment",
    "supplied",
    "cloud",
    "flag",
    "a\tb",
    "\u{7f}",
    "\u{a0}",
    "é",
    "vertex",
    "stop",
    "next",
];

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => select(TEXTS).prop_map(Value::from),
        1 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        1 => select(&[0_i64, 1, -1, 80, 65535, 65536][..]).prop_map(Value::from),
        1 => Just(json!(0.5)),
        1 => Just(json!([])),
        1 => Just(json!({})),
        2 => proptest::collection::vec(select(TEXTS), 1..3).prop_map(|texts| json!(texts)),
        1 => (select(KEYS), select(TEXTS)).prop_map(|(key, text)| json!({ key: text })),
        1 => (select(KEYS), select(TEXTS)).prop_map(|(key, text)| json!([{ key: text }])),
    ]
}

pub(crate) fn mistake() -> impl Strategy<Value = Mistake> {
    let what = prop_oneof![
        3 => Just(What::Remove),
        4 => value().prop_map(What::Replace),
        3 => (select(KEYS), value()).prop_map(|(key, value)| What::Add(key, value)),
        2 => Just(What::Copy),
        2 => Just(What::Double),
        1 => Just(What::Cut),
        1 => select(TEXTS).prop_map(What::Insert),
        1 => Just(What::UpperCase),
    ];
    (any::<Index>(), any::<Index>(), what).prop_map(|(place, other, what)| Mistake {
        place,
        other,
        what,
    })
}

impl Mistake {
    /// Makes it.
    pub(crate) fn make(&self, document: &mut Value) {
        let mut places = Vec::new();
        list(document, "", &mut places);
        if places.is_empty() {
            places.push(String::new());
        }
        let place = self.place.get::<String>(&places);
        let other = document.pointer(self.other.get::<String>(&places)).cloned();
        if matches!(self.what, What::Remove) {
            return remove(document, place);
        }
        let Some(value) = document.pointer_mut(place) else {
            return;
        };
        match (&self.what, value) {
            (What::Add(key, new), Value::Object(table)) => {
                table.insert((*key).to_owned(), new.clone());
            }
            // The document itself stays a table.
            (_, Value::Object(_)) if place.is_empty() => {}
            (What::Replace(new), value) => *value = new.clone(),
            (What::Copy, value) => *value = other.unwrap_or_default(),
            (What::Double, Value::Array(items)) => {
                let first = items.first().cloned();
                items.extend(first);
            }
            (What::Cut, Value::String(text)) => {
                let half = text.chars().count() / 2;
                *text = text.chars().take(half).collect();
            }
            (What::Insert(more), Value::String(text)) => text.push_str(more),
            (What::UpperCase, Value::String(text)) => *text = text.to_uppercase(),
            _ => {}
        }
    }
}

/// Every position in a document, as JSON pointers (RFC 6901), itself first.
fn list(value: &Value, at: &str, places: &mut Vec<String>) {
    places.push(at.to_owned());
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                let key = key.replace('~', "~0").replace('/', "~1");
                list(value, &format!("{at}/{key}"), places);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                list(value, &format!("{at}/{index}"), places);
            }
        }
        _ => {}
    }
}

fn remove(document: &mut Value, place: &str) {
    let Some((parent, last)) = place.rsplit_once('/') else {
        return;
    };
    match document.pointer_mut(parent) {
        Some(Value::Object(table)) => {
            table.remove(&last.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            let index: usize = last.parse().unwrap_or_default();
            if index < items.len() {
                items.remove(index);
            }
        }
        _ => {}
    }
}
