//! Answers in JSON. What goes in is everything that a program printed; what
//! comes out is an object, or where it is none. It is read strictly: a name
//! that stands twice means one thing to one reader and another thing to the
//! next. Texts are wiped when they are dropped.

use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

use super::malformed;
use crate::obtained::Failure;
use keyrule_contract as wit;

/// An object: its names in the order in which they stand.
pub(super) struct Object(Vec<(Zeroizing<String>, Value)>);

/// A value.
pub(super) enum Value {
    Null,
    /// A whole number that is not negative.
    Number(u64),
    Text(Zeroizing<String>),
    List(Vec<Self>),
    Object(Object),
    /// A truth value, or a number of another kind.
    Other,
}

/// Reads an object, and says where the answer is none; `form` is what it
/// should be.
pub(super) fn object(form: &str, output: &[u8]) -> Result<Object, Failure> {
    if output.iter().all(u8::is_ascii_whitespace) {
        return Err(Failure::bare(wit::FailureKind::NoOutput));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(output);
    let value = Value::deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| malformed(form, fault(&error)))?;
    match value {
        Value::Object(object) => Ok(object),
        other => Err(malformed(
            form,
            format_args!("it is {}, and an object is expected", other.kind()),
        )),
    }
}

/// Where and how it is not JSON. The parser's own words can quote the text,
/// so only the kind of its error is taken, and the place.
fn fault(error: &serde_json::Error) -> String {
    use serde_json::error::Category;
    let what = match error.classify() {
        // This is what the reader below says, and nobody else.
        Category::Data => "a name stands twice",
        Category::Eof => "it ends too early",
        Category::Syntax | Category::Io => {
            if error.to_string().starts_with("recursion limit") {
                "it is nested too deeply"
            } else {
                "it is not JSON"
            }
        }
    };
    format!("line {}, column {}: {what}", error.line(), error.column())
}

impl Object {
    /// Takes the value of this name out, where there is one that is not null.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let place = self
            .0
            .iter()
            .position(|(known, _)| known.as_str() == name)?;
        match self.0.swap_remove(place).1 {
            Value::Null => None,
            value => Some(value),
        }
    }

    /// Takes a text out.
    pub(super) fn text(
        &mut self,
        form: &str,
        name: &str,
    ) -> Result<Option<Zeroizing<String>>, Failure> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(other) => Err(unlike(form, name, &other, "a text")),
        }
    }

    /// Takes a text out that has to be there.
    pub(super) fn required(
        &mut self,
        form: &str,
        name: &str,
    ) -> Result<Zeroizing<String>, Failure> {
        self.text(form, name)?
            .ok_or_else(|| malformed(form, format_args!("`{name}` is missing")))
    }

    /// Names and values, in their order.
    pub(super) fn into_entries(self) -> Vec<(Zeroizing<String>, Value)> {
        self.0
    }
}

/// The failure to be what is expected.
pub(super) fn unlike(form: &str, name: &str, value: &Value, expected: &str) -> Failure {
    let kind = value.kind();
    malformed(
        form,
        format_args!("`{name}` is {kind}, and {expected} is expected"),
    )
}

impl Value {
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Number(_) => "a number",
            Self::Text(_) => "a text",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
            Self::Other => "a value of another kind",
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // `deserialize_any`, because the parser limits the depth of this alone.
        deserializer.deserialize_any(Any)
    }
}

struct Any;

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries: Vec<(Zeroizing<String>, Value)> = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            if entries.iter().any(|(known, _)| *known == name) {
                return Err(serde::de::Error::custom("a name stands twice"));
            }
            entries.push((name, map.next_value()?));
        }
        Ok(Value::Object(Object(entries)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = seq.next_element()? {
            values.push(value);
        }
        Ok(Value::List(values))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(Zeroizing::new(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

/// A name: it can be part of what must not be left in memory, too.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Zeroizing<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Name {
    type Value = Zeroizing<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a name")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Zeroizing::new(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(output: &[u8]) -> String {
        let failure = object("a form", output).err().unwrap();
        assert_eq!(failure.trouble, wit::FailureKind::MalformedAnswer);
        failure.detail.unwrap()
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_without_content() {
        for (output, said) in [
            ("{\"a\": \"s3cr3t", "line 1, column 13: it ends too early"),
            ("{\"a\":\n s3cr3t}", "line 2, column 2: it is not JSON"),
            ("{\"a\": 1} s3cr3t", "line 1, column 10: it is not JSON"),
            (
                "{\"s3cr3t\": 1, \"s3cr3t\": 2}",
                "line 1, column 22: a name stands twice",
            ),
            (
                "{\"a\": [{\"s3cr3t\": 1, \"s3cr3t\": 2}]}",
                "line 1, column 29: a name stands twice",
            ),
            ("\"s3cr3t\"", "it is a text, and an object is expected"),
            ("[\"s3cr3t\"]", "it is a list, and an object is expected"),
            ("null", "it is null, and an object is expected"),
        ] {
            assert_eq!(
                words(output.as_bytes()),
                format!("a form: {said}"),
                "{output}"
            );
        }
        let deep = format!("{{\"x\": {}{}}}", "[".repeat(9000), "]".repeat(9000));
        assert_eq!(
            words(deep.as_bytes()),
            "a form: line 1, column 133: it is nested too deeply"
        );
        assert_eq!(
            words(b"{\n\"key\": \"s3cr3t\xff\"}"),
            "a form: line 2, column 15: it is not JSON"
        );
    }

    #[test]
    fn white_space_alone_is_no_output() {
        for output in [&b""[..], b"\n", b" \t\r\n"] {
            let failure = object("a form", output).err().unwrap();
            assert_eq!(failure, Failure::bare(wit::FailureKind::NoOutput));
        }
    }

    #[test]
    fn null_counts_as_missing() {
        let mut read = object("a form", b"{\"a\": null, \"b\": \"x\", \"c\": 1}").unwrap();
        assert!(read.text("a form", "a").unwrap().is_none());
        assert_eq!(read.required("a form", "b").unwrap().as_str(), "x");
        let missing = read.required("a form", "b").unwrap_err();
        assert_eq!(missing.detail.as_deref(), Some("a form: `b` is missing"));
        let number = read.text("a form", "c").unwrap_err();
        assert_eq!(
            number.detail.as_deref(),
            Some("a form: `c` is a number, and a text is expected")
        );
    }
}
