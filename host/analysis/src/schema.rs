//! A document against its JSON Schema, for `policy check` and for editors.
//! What goes in is a text; what comes out are diagnostics as the engine makes
//! them. It stays off the path of a resolution: the engine's own parser
//! rejects all that the schema rejects, with better words. No value of the
//! document gets into a message.

use std::collections::BTreeMap;
use std::ops::Range;

use jsonschema::error::ValidationErrorKind;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use keyrule::policy::builtin::{POLICY_SCHEMA, RESTRICTION_SCHEMA};
use keyrule_contract::{Diagnostic, Location, Severity};
use keyrule_system::text::mask;

/// What a document is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A whole policy.
    Policy,
    /// What is taken away from one.
    Restriction,
}

impl Form {
    /// What a text looks like: whatever has a name or a list of sources is
    /// meant to be a policy.
    pub fn of(text: &str) -> Self {
        // What does not parse is still a policy if it says so somewhere.
        let (table, _) = DeTable::parse_recoverable(text);
        let table = table.get_ref();
        let lists_sources = table
            .get("source")
            .is_some_and(|source| source.get_ref().is_array());
        if lists_sources || table.contains_key("name") {
            Self::Policy
        } else {
            Self::Restriction
        }
    }

    /// The text of its schema.
    pub(crate) fn schema(self) -> &'static str {
        match self {
            Self::Policy => POLICY_SCHEMA,
            Self::Restriction => RESTRICTION_SCHEMA,
        }
    }
}

/// The name that a policy gives itself, if its text can be read so far.
pub fn name(text: &str) -> Option<String> {
    let (table, _) = DeTable::parse_recoverable(text);
    let name = table.get_ref().get("name")?.get_ref().as_str()?;
    Some(name.to_owned())
}

/// Where a policy gives itself a name, else its beginning.
pub fn name_at(path: &str, text: &str) -> Location {
    let (table, _) = DeTable::parse_recoverable(text);
    let span = table.get_ref().get("name").map(|name| name.span());
    location(path, text, span.unwrap_or(0..0))
}

/// Checks a document. Nothing comes out where it is valid.
pub fn check(form: Form, path: &str, text: &str) -> Vec<Diagnostic> {
    against(form.schema(), path, text)
}

/// Checks a document against the text of a schema.
pub(crate) fn against(schema: &str, path: &str, text: &str) -> Vec<Diagnostic> {
    let table = match DeTable::parse(text) {
        Ok(table) => table,
        Err(error) => {
            let reason = error.message().lines().next().unwrap_or_default();
            return vec![Diagnostic {
                severity: Severity::Error,
                code: "toml-syntax".to_owned(),
                message: format!("this is not valid TOML: {}", mask(reason)),
                location: location(path, text, error.span().unwrap_or(0..0)),
                help: "mend the syntax; see https://toml.io/en/v1.1.0".to_owned(),
            }];
        }
    };
    let mut spans = Spans::default();
    let document = spans.table(table.get_ref(), "");
    let mut found: Vec<(Range<usize>, String, String)> = Vec::new();
    for complaint in complaints(schema, &document) {
        let span = spans.of(&complaint.pointer, complaint.key.as_deref());
        let entry = (span, complaint.message, complaint.help);
        if !found.contains(&entry) {
            found.push(entry);
        }
    }
    found.sort_by_key(|(span, ..)| span.start);
    found
        .into_iter()
        .map(|(span, message, help)| Diagnostic {
            severity: Severity::Error,
            code: "schema".to_owned(),
            message,
            location: location(path, text, span),
            help,
        })
        .collect()
}

/// Something that the schema rejects.
struct Complaint {
    /// The value's place in the document.
    pointer: String,
    /// A key in it that must not be there.
    key: Option<String>,
    message: String,
    help: String,
}

fn complaints(schema: &str, document: &Value) -> Vec<Complaint> {
    let broken = |message: String| {
        vec![Complaint {
            pointer: String::new(),
            key: None,
            message,
            help: "this is a fault of Keyrule's own; please report it".to_owned(),
        }]
    };
    let schema: Value = match serde_json::from_str(schema) {
        Ok(schema) => schema,
        Err(error) => return broken(format!("the schema is not JSON: {error}")),
    };
    let validator = match jsonschema::draft202012::new(&schema) {
        Ok(validator) => validator,
        Err(error) => return broken(format!("the schema is not valid: {}", error.masked())),
    };
    let mut complaints = Vec::new();
    for error in validator.iter_errors(document) {
        let pointer = error.instance_path().as_str().to_owned();
        let help = describe(&schema, error.schema_path().as_str());
        let mut say = |key: Option<String>, message: String| {
            complaints.push(Complaint {
                pointer: pointer.clone(),
                key,
                message,
                help: help.clone(),
            });
        };
        let what = said(&pointer);
        match error.kind() {
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                for key in unexpected {
                    say(
                        Some(key.clone()),
                        format!("unknown key `{}` in {what}", shown(key)),
                    );
                }
            }
            ValidationErrorKind::Required { property } => {
                let property = property.as_str().unwrap_or_default();
                say(None, format!("{what} has no `{property}`"));
            }
            ValidationErrorKind::OneOfNotValid { .. }
            | ValidationErrorKind::OneOfMultipleValid { .. } => say(
                None,
                format!("{what} must have exactly one of `command`, `setting` and `variable`"),
            ),
            ValidationErrorKind::FalseSchema => {
                say(None, format!("{what} must not stand here"));
            }
            _ => {
                let message = mask(&error.masked().to_string());
                say(None, format!("{what} is not as it must be: {message}"));
            }
        }
    }
    complaints
}

/// The description of the nearest schema around a keyword.
fn describe(schema: &Value, keyword: &str) -> String {
    let mut pointer = keyword;
    while let Some(end) = pointer.rfind('/') {
        pointer = pointer.get(..end).unwrap_or_default();
        let description = schema
            .pointer(pointer)
            .and_then(|schema| schema.get("description"))
            .and_then(Value::as_str);
        if let Some(description) = description {
            return description.to_owned();
        }
    }
    "see `keyrule policy schema`".to_owned()
}

/// What messages call the value at a place: its key.
fn said(pointer: &str) -> String {
    let mut parts = pointer.rsplit('/').filter(|part| !part.is_empty());
    match parts.find(|part| part.parse::<usize>().is_err()) {
        Some(key) => format!("`{}`", shown(&unescape(key))),
        None => "the document".to_owned(),
    }
}

/// A key as it may be shown: it can be a secret on the wrong side of an equals
/// sign.
fn shown(key: &str) -> String {
    let plain = key.len() <= 40
        && key
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || byte == b'-' || byte == b'_');
    if plain { mask(key) } else { "…".to_owned() }
}

/// A document as JSON, and where everything stands in its text.
pub(crate) fn parsed(text: &str) -> Option<(Value, Spans)> {
    let table = DeTable::parse(text).ok()?;
    let mut spans = Spans::default();
    let document = spans.table(table.get_ref(), "");
    Some((document, spans))
}

/// Where everything stands in the text, by JSON pointers (RFC 6901).
#[derive(Debug, Default)]
pub(crate) struct Spans {
    keys: BTreeMap<String, Range<usize>>,
    values: BTreeMap<String, Range<usize>>,
}

impl Spans {
    fn table(&mut self, table: &DeTable<'_>, at: &str) -> Value {
        let entries = table.iter().map(|(key, value)| {
            let pointer = format!("{at}/{}", escape(key.get_ref()));
            self.keys.insert(pointer.clone(), key.span());
            let json = self.value(value, &pointer);
            (key.get_ref().to_string(), json)
        });
        Value::Object(entries.collect())
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, at: &str) -> Value {
        self.values.insert(at.to_owned(), value.span());
        match value.get_ref() {
            DeValue::String(text) => Value::String(text.to_string()),
            DeValue::Boolean(value) => Value::Bool(*value),
            // The language has no numbers: that it is one is all that counts.
            DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
                .map_or(Value::from(u64::MAX), Value::from),
            DeValue::Float(_) => Value::from(0.5),
            // JSON has no dates, and the language has none either.
            DeValue::Datetime(_) => Value::Null,
            DeValue::Array(items) => Value::Array(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.value(item, &format!("{at}/{index}")))
                    .collect(),
            ),
            DeValue::Table(table) => self.table(table, at),
        }
    }

    /// The place of a value, or of a key in it. A table that has no line of
    /// its own stands where its key does.
    pub(crate) fn of(&self, pointer: &str, key: Option<&str>) -> Range<usize> {
        let found = match key {
            Some(key) => self.keys.get(&format!("{pointer}/{}", escape(key))),
            None => self.values.get(pointer).or_else(|| self.keys.get(pointer)),
        };
        found.cloned().unwrap_or(0..0)
    }
}

pub(crate) fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

fn unescape(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

/// A range of bytes as a place in a document.
pub(crate) fn location(path: &str, text: &str, span: Range<usize>) -> Location {
    let before = text.get(..span.start).unwrap_or_default();
    let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let column = before.rsplit('\n').next().unwrap_or_default();
    Location {
        path: path.to_owned(),
        line: narrow(before.matches('\n').count() + 1),
        column: narrow(column.chars().count() + 1),
        offset: narrow(span.start),
        length: narrow(span.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: &str = "name = \"x\"\n[[source]]\nid = \"a\"\nkind = \"environment\"\nvariable = \"A\"\nsurfaces = [\"terminal\"]\n";

    fn checked(form: Form, text: &str) -> Vec<(u32, u32, String)> {
        check(form, "x.toml", text)
            .into_iter()
            .map(|found| (found.location.line, found.location.column, found.message))
            .collect()
    }

    fn policy(text: &str) -> Vec<(u32, u32, String)> {
        checked(Form::Policy, text)
    }

    #[test]
    fn the_schemas_are_valid_schemas() {
        for form in [Form::Policy, Form::Restriction] {
            let schema: Value = serde_json::from_str(form.schema()).unwrap();
            assert!(jsonschema::draft202012::meta::is_valid(&schema));
        }
    }

    #[test]
    fn every_property_is_described_and_every_table_is_closed() {
        fn walk(schema: &Value, at: &str) {
            if let Some(properties) = schema.get("properties").and_then(Value::as_object)
                && !at.ends_with("/if")
                && !at.ends_with("/then")
                && !at.ends_with("/else")
                && at != "/$defs/source"
            {
                assert_eq!(
                    schema.get("additionalProperties"),
                    Some(&Value::Bool(false)),
                    "{at}"
                );
                for (name, property) in properties {
                    let known =
                        property.get("description").is_some() || property.get("$ref").is_some();
                    assert!(known, "{at}/{name}");
                }
            }
            match schema {
                Value::Object(entries) => {
                    for (key, value) in entries {
                        walk(value, &format!("{at}/{key}"));
                    }
                }
                Value::Array(items) => items.iter().for_each(|item| walk(item, at)),
                _ => {}
            }
        }
        for form in [Form::Policy, Form::Restriction] {
            walk(&serde_json::from_str(form.schema()).unwrap(), "");
        }
    }

    #[test]
    fn the_shipped_policies_are_valid() {
        for text in [
            include_str!("../../../policies/claude-code.toml"),
            include_str!("../../../policies/claude-code-legacy.toml"),
            include_str!("../../../policies/example-accounts.toml"),
            include_str!("../../../policies/example-cloud-only.toml"),
            include_str!("../../../policies/example-gateway.toml"),
            include_str!("../../../policies/example-web-sandbox.toml"),
            POLICY,
        ] {
            assert_eq!(Form::of(text), Form::Policy);
            assert_eq!(policy(text), []);
        }
    }

    #[test]
    fn a_restriction_with_all_it_can_say_is_valid() {
        let text = "drop = [\"a\"]\nsurfaces = [\"web\"]\nconsent = \"always\"\nttl = \"1m\"\n\
                    organizations = [\"o\"]\nendpoints = [\"https://*.example.com:*\"]\n\
                    [source.b]\nsurfaces = [\"web\"]\nconsent = \"never\"\nttl = \"0\"\n\
                    endpoints = [\"http://[::1]:*\"]\n";
        assert_eq!(Form::of(text), Form::Restriction);
        assert_eq!(checked(Form::Restriction, text), []);
    }

    #[test]
    fn an_unknown_key_is_named_where_it_stands() {
        assert_eq!(
            policy(&format!("{POLICY}surface = []\n")),
            [(7, 1, "unknown key `surface` in `source`".to_owned())]
        );
        assert_eq!(
            policy(&format!("nmae = 1\n{POLICY}")),
            [(1, 1, "unknown key `nmae` in the document".to_owned())]
        );
    }

    #[test]
    fn a_key_of_another_kind_is_unknown() {
        assert_eq!(
            policy(&format!("{POLICY}timeout = \"1s\"\n")),
            [(7, 1, "unknown key `timeout` in `source`".to_owned())]
        );
    }

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(policy("[[source]]\n").len(), 4);
        assert_eq!(
            policy(&POLICY.replace("variable = \"A\"\n", "")),
            [(2, 1, "`source` has no `variable`".to_owned())]
        );
    }

    fn engine_takes(text: &str) -> bool {
        let document = keyrule_contract::Document {
            origin: keyrule_contract::DocumentOrigin::User,
            path: "x.toml".to_owned(),
            text: text.to_owned(),
        };
        let engine = keyrule_engine::Engine::builtin().unwrap();
        keyrule_engine::Policy::load(&engine, "x", &[document]).is_ok()
    }

    #[test]
    fn what_the_schema_rejects_the_engine_rejects() {
        assert!(engine_takes(POLICY));
        for (from, to) in [
            ("\"terminal\"", "\"terminals\""),
            ("[\"terminal\"]", "[]"),
            ("[\"terminal\"]", "[\"web\", \"web\"]"),
            ("[\"terminal\"]", "\"terminal\""),
            ("\"a\"", "\"A\""),
            ("\"x\"", "\"../x\""),
            ("\"x\"", "1979-05-27"),
            ("\"environment\"", "\"env\""),
            ("variable = \"A\"", "variable = \"A=B\""),
            ("variable = \"A\"", "variable = \"A\"\nconsent = \"yes\""),
            (
                "variable = \"A\"",
                "variable = \"A\"\nheaders = { \"a b\" = \"x\" }",
            ),
            (
                "variable = \"A\"",
                "variable = \"A\"\nheaders = { A = \"{other}\" }",
            ),
            (
                "variable = \"A\"",
                "variable = \"A\"\nexport = { A = \"{\" }",
            ),
            (
                "variable = \"A\"",
                "variable = \"A\"\nendpoint = { default = \"ftp://x\" }",
            ),
            (
                "variable = \"A\"",
                "variable = \"A\"\nendpoint = { default = \"https://x\", variable = \"B\" }",
            ),
            (
                "kind = \"environment\"\nvariable = \"A\"",
                "kind = \"helper\"",
            ),
            (
                "kind = \"environment\"",
                "kind = \"helper\"\ncommand = [\"x\"]",
            ),
            (
                "kind = \"environment\"\nvariable = \"A\"",
                "kind = \"helper\"\nsetting = \"k\"",
            ),
            (
                "kind = \"environment\"",
                "kind = \"helper\"\ntimeout = \"0s\"",
            ),
            ("kind = \"environment\"", "kind = \"helper\"\nttl = \"5\""),
            (
                "kind = \"environment\"\nvariable = \"A\"",
                "kind = \"tool-login\"\npath = \"a/b\"\nentry = \"e\"",
            ),
            (
                "kind = \"environment\"\nvariable = \"A\"",
                "kind = \"tool-login\"\npath = { linux = \"/a\" }\nentry = \"e\"",
            ),
            (
                "kind = \"environment\"\nvariable = \"A\"",
                "kind = \"cloud\"\nprovider = \"bedrock\"",
            ),
            (
                "kind = \"environment\"\nvariable = \"A\"",
                "kind = \"cloud\"\nprovider = \"bedrock\"\nselect = \"always\"\nflag = \"F\"",
            ),
            ("name = \"x\"", "name = \"x\"\nstorage = {}"),
            (
                "name = \"x\"",
                "name = \"x\"\nstorage = { store = \"cloud\" }",
            ),
            (
                "name = \"x\"",
                "name = \"x\"\nstorage = { fallback = \"file\" }",
            ),
            (
                "kind = \"environment\"\nvariable = \"A\"",
                "kind = \"login\"\nlogin = \"l\"",
            ),
            (
                "kind = \"environment\"\nvariable = \"A\"",
                "kind = \"stored-key\"\nkey = \"k\"\norganization-claim = \"org\"",
            ),
        ] {
            let text = POLICY.replace(from, to);
            assert_ne!(text, POLICY);
            assert_ne!(policy(&text), [], "{text}");
            assert!(!engine_takes(&text), "{text}");
        }
    }

    /// A login, and the issuer that it is made with.
    const LOGIN: &str = "name = \"x\"\n[[source]]\nid = \"a\"\nkind = \"login\"\nlogin = \"l\"\n\
        issuer = \"i\"\nsurfaces = [\"terminal\"]\n[[issuer]]\nid = \"i\"\nurl = \"https://login.test\"\n\
        client-id = \"cli\"\nscopes = [\"openid\"]\nparameters = { prompt = \"consent\" }\n\
        redirect = { host = \"[::1]\", port = 8400, path = \"/cb\" }\norigins = [\"https://gw.test\"]\n\
        endpoints = { token = \"https://login.test/token\" }\n\
        key = { url = \"https://login.test/keys\", field = \"key\" }\n";

    #[test]
    fn of_an_issuer_too_what_the_schema_rejects_the_engine_rejects() {
        assert_eq!(policy(LOGIN), []);
        assert!(engine_takes(LOGIN));
        for (from, to) in [
            ("id = \"i\"", "id = \"I\""),
            ("id = \"i\"\n", ""),
            ("url = \"https://login.test\"\n", ""),
            ("\"https://login.test\"", "\"login.test\""),
            ("\"https://login.test\"", "\"https://login.test?x\""),
            ("\"https://login.test\"", "\"https://u@login.test\""),
            ("\"https://login.test\"", "\"https://*.login.test\""),
            ("client-id = \"cli\"\n", ""),
            ("client-id = \"cli\"", "client-id = \"\""),
            ("client-id = \"cli\"", "client-secret = \"cli\""),
            ("[\"openid\"]", "[]"),
            ("[\"openid\"]", "\"openid\""),
            ("prompt =", "client_id ="),
            ("prompt =", "\"a b\" ="),
            ("\"consent\"", "\"{secret}\""),
            ("\"[::1]\"", "\"0.0.0.0\""),
            ("8400", "0"),
            ("8400", "65536"),
            ("8400", "\"8400\""),
            ("\"/cb\"", "\"cb\""),
            ("\"/cb\"", "\"/c b\""),
            ("\"https://gw.test\"", "\"gw.test\""),
            ("\"https://gw.test\"", "\"https://gw.test/x\""),
            ("token =", "tokens ="),
            ("\"https://login.test/token\"", "\"/token\""),
            (", field = \"key\"", ""),
        ] {
            let text = LOGIN.replace(from, to);
            assert_ne!(text, LOGIN);
            assert_ne!(policy(&text), [], "{text}");
            assert!(!engine_takes(&text), "{text}");
        }
    }

    #[test]
    fn no_message_has_a_value_or_a_key_that_could_be_a_secret() {
        for (from, to) in [
            ("\"terminal\"", "\"canary\""),
            ("\"a\"", "\"CANARY canary\""),
            ("\"environment\"", "\"canary\""),
            (
                "variable = \"A\"",
                "variable = \"sk-canary\"\nsk-canary-1 = 1",
            ),
            (
                "variable = \"A\"",
                "variable = \"A\"\nheaders = { \"sk-canary 1\" = \"canary{\" }",
            ),
            (
                "variable = \"A\"",
                "variable = \"A\"\nexport = { CANARY1 = \"canary{\" }",
            ),
            ("name = \"x\"", "name = canary"),
        ] {
            let text = POLICY.replace(from, to);
            let found = check(Form::Policy, "x.toml", &text);
            assert!(!found.is_empty(), "{text}");
            let said = format!("{found:?}").to_lowercase();
            assert!(!said.contains("canary"), "{said}");
        }
    }

    #[test]
    fn what_is_not_toml_is_said_with_its_place() {
        let found = check(Form::Policy, "x.toml", "name = \"x\"\na = = 1\n");
        let [found] = found.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(
            (found.code.as_str(), found.location.line),
            ("toml-syntax", 2)
        );
    }

    #[test]
    fn a_text_says_what_it_is() {
        assert_eq!(Form::of("name = \"x\"\n"), Form::Policy);
        assert_eq!(Form::of("[[source]]\n"), Form::Policy);
        assert_eq!(Form::of("[source.a]\nttl = \"0\"\n"), Form::Restriction);
        assert_eq!(Form::of("drop = [\"a\"]\n"), Form::Restriction);
        assert_eq!(name("name = \"x\"\n= broken").as_deref(), Some("x"));
    }
}
