//! Small changes to a policy and its restrictions, one rule at a time: what a
//! slip of an administrator would do. Documents in, changes out, each with the
//! place in the text as it was written.

use serde_json::Value;

use super::write;
use crate::schema::{Spans, escape, location, parsed};
use keyrule_contract as wit;
use keyrule_system::text::mask;

const SURFACES: [&str; 4] = ["terminal", "desktop", "remote", "web"];
const CONSENTS: [&str; 3] = ["never", "interactive", "always"];

/// An origin that nobody has (RFC 6761, section 6.4).
const NOBODY: &str = "https://keyrule.invalid";

/// One change.
#[derive(Debug, Clone)]
pub(super) struct Change {
    /// The rule, as it was written.
    pub at: wit::Location,
    /// What is done to it.
    pub what: String,
    /// The place of the document in the list.
    document: usize,
    /// The new text; none where the document is dropped.
    text: Option<String>,
}

impl Change {
    /// The documents with this change.
    pub(super) fn apply(&self, documents: &[wit::Document]) -> Vec<wit::Document> {
        documents
            .iter()
            .enumerate()
            .filter_map(|(place, document)| {
                if place != self.document {
                    return Some(document.clone());
                }
                let text = self.text.clone()?;
                Some(wit::Document {
                    text,
                    ..document.clone()
                })
            })
            .collect()
    }
}

/// Every change to the documents that made a policy, its own first.
pub(super) fn all(documents: &[wit::Document], used: &[String]) -> Vec<Change> {
    let mut changes = Vec::new();
    for (order, path) in used.iter().enumerate() {
        let place = documents.iter().position(|document| document.path == *path);
        let Some((place, document)) = place.and_then(|at| Some((at, documents.get(at)?))) else {
            continue;
        };
        let Some((value, spans)) = parsed(&document.text) else {
            continue;
        };
        let mut list = List {
            document,
            place,
            value,
            spans,
            changes: &mut changes,
        };
        if order == 0 {
            list.policy();
        } else {
            list.restriction();
        }
    }
    changes
}

/// The changes of one document.
struct List<'l> {
    document: &'l wit::Document,
    place: usize,
    value: Value,
    spans: Spans,
    changes: &'l mut Vec<Change>,
}

impl List<'_> {
    fn policy(&mut self) {
        let sources = self.count("/source");
        for index in 0..sources {
            let source = format!("/source/{index}");
            let id = self.text(&format!("{source}/id"));
            let id_at = format!("{source}/id");
            self.remove_as(&source, &id_at, format!("`{id}` is taken away"));
            if index + 1 < sources {
                let next = self.text(&format!("/source/{}/id", index + 1));
                let at = format!("/source/{}/id", index + 1);
                self.edit(&at, format!("`{id}` and `{next}` change places"), |value| {
                    if let Some(Value::Array(list)) = value.pointer_mut("/source") {
                        list.swap(index, index + 1);
                    }
                });
            }
            self.source(&source, &id);
        }
        if self.remove("/session", "`[session]` is taken away".to_owned()) {
            self.less("/session/surfaces", |surface| {
                format!("{surface} sessions are not served")
            });
        }
        if self.remove("/login", "`[login]` is taken away".to_owned()) {
            let says = self.value.get("login").map(keys).unwrap_or_default();
            for key in ["methods", "organizations"] {
                let pointer = format!("/login/{key}");
                if says.len() > 1 {
                    self.remove(&pointer, format!("`{key}` of `[login]` is taken away"));
                }
                self.less(&pointer, |one| {
                    format!("`{one}` is no longer among `{key}` of `[login]`")
                });
            }
        }
        if self.remove("/storage", "`[storage]` is taken away".to_owned()) {
            let fallback = "`fallback` of `[storage]` is taken away";
            self.remove("/storage/fallback", fallback.to_owned());
        }
    }

    /// What a source says of itself besides what it reads.
    fn source(&mut self, source: &str, id: &str) {
        let surfaces = format!("{source}/surfaces");
        self.less(&surfaces, |surface| {
            format!("`{id}` does not count in {surface} sessions")
        });
        let counted = self.texts(&surfaces);
        for surface in SURFACES {
            if !counted.iter().any(|counted| counted == surface) {
                let what = format!("`{id}` counts in {surface} sessions too");
                self.push(&surfaces, surface, what);
            }
        }
        self.other_consents(&format!("{source}/consent"), &format!(" of `{id}`"), true);
        let on_failure = format!("{source}/on-failure");
        let (to, what) = if self.text(&on_failure) == "next" {
            ("stop", "a failure of `{}` stops everything")
        } else {
            ("next", "a failure of `{}` is passed over")
        };
        let at = if self.value.pointer(&on_failure).is_some() {
            on_failure
        } else {
            format!("{source}/id")
        };
        let owner = source.to_owned();
        self.edit(&at, what.replace("{}", id), |value| {
            if let Some(Value::Object(entries)) = value.pointer_mut(&owner) {
                entries.insert("on-failure".to_owned(), to.into());
            }
        });
        for key in ["ttl", "ttl-max", "ttl-variable"] {
            self.remove(
                &format!("{source}/{key}"),
                format!("`{key}` of `{id}` is taken away"),
            );
        }
        self.endpoint(&format!("{source}/endpoint"), id);
    }

    fn endpoint(&mut self, endpoint: &str, id: &str) {
        let allow = format!("{endpoint}/allow");
        match self.texts(&allow).as_slice() {
            [] => {}
            [only] => {
                let what = format!("`{}` is no longer allowed for `{id}`", mask(only));
                self.edit(&format!("{allow}/0"), what, |value| {
                    if let Some(first) = value.pointer_mut(&format!("{allow}/0")) {
                        *first = NOBODY.into();
                    }
                });
            }
            _ => self.less(&allow, |origin| {
                format!("`{}` is no longer allowed for `{id}`", mask(origin))
            }),
        }
        let variable = format!("{endpoint}/variable");
        if self.value.pointer(&variable).is_some() {
            let what = format!("`{id}` may be sent to any origin");
            self.edit(&allow, what, |value| {
                if let Some(Value::Array(list)) = value.pointer_mut(&allow) {
                    let any = "https://*:*";
                    if !list.iter().any(|origin| origin == any) {
                        list.push(any.into());
                    }
                }
            });
            self.remove(
                &variable,
                format!("the endpoint of `{id}` follows no variable"),
            );
        }
    }

    fn restriction(&mut self) {
        self.changes.push(Change {
            at: location(&self.document.path, &self.document.text, 0..0),
            what: "the restriction is taken away".to_owned(),
            document: self.place,
            text: None,
        });
        let top: Vec<String> = keys(&self.value);
        if top.len() > 1 {
            for key in top.iter().filter(|key| *key != "source") {
                self.remove(
                    &format!("/{}", escape(key)),
                    format!("`{key}` is taken away"),
                );
            }
        }
        self.less("/drop", |id| format!("`{id}` is no longer among `drop`"));
        self.limits("", "");
        for id in self.value.get("source").map(keys).unwrap_or_default() {
            let source = format!("/source/{}", escape(&id));
            let of = format!(" for `{id}`");
            let limits = self.value.pointer(&source).map(keys).unwrap_or_default();
            if top.len() > 1
                || self
                    .value
                    .get("source")
                    .map(keys)
                    .map_or(0, |ids| ids.len())
                    > 1
                || limits.len() > 1
            {
                for key in limits {
                    self.remove(
                        &format!("{source}/{}", escape(&key)),
                        format!("`{key}`{of} is taken away"),
                    );
                }
            }
            self.limits(&source, &of);
        }
    }

    /// What can be taken from one source, or from all.
    fn limits(&mut self, of: &str, whose: &str) {
        for key in ["surfaces", "organizations", "endpoints"] {
            self.less(&format!("{of}/{key}"), |one| {
                let one = mask(one);
                let one = if key == "surfaces" {
                    one
                } else {
                    format!("`{one}`")
                };
                format!("{one} is no longer among `{key}`{whose}")
            });
        }
        // Without the key is another change already.
        self.other_consents(&format!("{of}/consent"), whose, false);
    }

    /// Another word for a consent; none at all is as weak as `never`.
    fn other_consents(&mut self, pointer: &str, whose: &str, with_none: bool) {
        let now = self.text(pointer);
        if now.is_empty() {
            return;
        }
        let others = CONSENTS.into_iter().skip(usize::from(!with_none));
        for word in others.filter(|word| *word != now) {
            let what = match word {
                "never" => format!("`consent`{whose} is taken away"),
                _ => format!("`consent`{whose} is `{word}`"),
            };
            self.edit(pointer, what, |value| {
                if let Some(consent) = value.pointer_mut(pointer) {
                    *consent = word.into();
                }
            });
        }
    }

    /// One item less of a list that has several.
    fn less(&mut self, pointer: &str, what: impl Fn(&str) -> String) {
        let items = self.texts(pointer);
        if items.len() < 2 {
            return;
        }
        for (index, item) in items.iter().enumerate() {
            self.remove(&format!("{pointer}/{index}"), what(item));
        }
    }

    fn push(&mut self, pointer: &str, item: &str, what: String) {
        self.edit(pointer, what, |value| {
            if let Some(Value::Array(list)) = value.pointer_mut(pointer) {
                list.push(item.into());
            }
        });
    }

    /// Takes away what is there; says whether it was.
    fn remove(&mut self, pointer: &str, what: String) -> bool {
        self.remove_as(pointer, pointer, what)
    }

    fn remove_as(&mut self, pointer: &str, at: &str, what: String) -> bool {
        let is_there = self.value.pointer(pointer).is_some();
        if is_there {
            self.edit(at, what, |value| remove(value, pointer));
        }
        is_there
    }

    fn edit(&mut self, at: &str, what: String, change: impl FnOnce(&mut Value)) {
        let mut value = self.value.clone();
        change(&mut value);
        let span = self.spans.of(at, None);
        self.changes.push(Change {
            at: location(&self.document.path, &self.document.text, span),
            what,
            document: self.place,
            text: Some(write::document(&value)),
        });
    }

    fn text(&self, pointer: &str) -> String {
        let value = self.value.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    }

    fn texts(&self, pointer: &str) -> Vec<String> {
        let items = self.value.pointer(pointer).and_then(Value::as_array);
        let texts = items.into_iter().flatten().filter_map(Value::as_str);
        texts.map(str::to_owned).collect()
    }

    fn count(&self, pointer: &str) -> usize {
        let items = self.value.pointer(pointer).and_then(Value::as_array);
        items.map_or(0, Vec::len)
    }
}

fn keys(value: &Value) -> Vec<String> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(key, _)| key.clone()).collect()
}

fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, key)) = pointer.rsplit_once('/') else {
        return;
    };
    match value.pointer_mut(parent) {
        Some(Value::Object(entries)) => drop(entries.remove(key)),
        Some(Value::Array(items)) => {
            if let Some(index) = key.parse().ok().filter(|index| *index < items.len()) {
                items.remove(index);
            }
        }
        _ => {}
    }
}
