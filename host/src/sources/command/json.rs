//! One text out of a JSON object. What goes in is the bytes of a settings
//! file and the name of a key at its top; what comes out is that key's text,
//! or where and how the file is not what it should be. Every other value is
//! read over and kept nowhere: settings files hold secrets of other programs.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use zeroize::Zeroizing;

/// What is at the key.
pub(in crate::sources) enum Value {
    /// The key is not there.
    Absent,
    /// A text.
    Text(Zeroizing<String>),
    /// Something that is not a text.
    Other,
}

/// Finds the key at the top of the object. Where it stands twice the last
/// one counts, as with JavaScript's `JSON.parse`. The error is words for a
/// message, with line and column and nothing of the content.
pub(in crate::sources) fn value_of(key: &str, bytes: &[u8]) -> Result<Value, String> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes
            .iter()
            .take(error.valid_up_to())
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1;
        format!("is not UTF-8 (line {line})")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_ascii().is_empty() {
        return Err("is empty, where a JSON object should be".to_owned());
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let mut found = Value::Absent;
    let top = Top {
        key,
        found: &mut found,
    };
    let is_object = top
        .deserialize(&mut deserializer)
        .and_then(|is_object| deserializer.end().map(|()| is_object))
        .map_err(|error| {
            // The words of the parser are about syntax alone; still only
            // this one thing is taken from them.
            let fault = if error.to_string().starts_with("recursion limit") {
                "is nested too deeply"
            } else {
                "is not valid JSON"
            };
            format!("{fault} (line {}, column {})", error.line(), error.column())
        })?;
    if is_object {
        Ok(found)
    } else {
        Err("holds no JSON object".to_owned())
    }
}

/// The whole document; answers whether it is an object.
struct Top<'a> {
    key: &'a str,
    found: &'a mut Value,
}

/// Any value; answers with its text if it is one and is wanted.
#[derive(Clone, Copy)]
struct Any {
    wanted: bool,
}

impl<'de> DeserializeSeed<'de> for Top<'_> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        // `deserialize_any`, because the parser limits the depth of this
        // alone and not of what it is told to ignore.
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let wanted = key == self.key;
            let value = map.next_value_seed(Any { wanted })?;
            if wanted {
                *self.found = value;
            }
        }
        Ok(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<bool, A::Error> {
        Any { wanted: false }.visit_seq(seq).map(|_| false)
    }

    fn visit_bool<E>(self, _: bool) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_i64<E>(self, _: i64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_u64<E>(self, _: u64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_f64<E>(self, _: f64) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_str<E>(self, _: &str) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E>(self) -> Result<bool, E> {
        Ok(false)
    }
}

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        while map.next_key::<serde::de::IgnoredAny>()?.is_some() {
            map.next_value_seed(Self { wanted: false })?;
        }
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        while seq.next_element_seed(Self { wanted: false })?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        if self.wanted {
            return Ok(Value::Text(Zeroizing::new(text.to_owned())));
        }
        Ok(Value::Other)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> String {
        match value_of("key", text.as_bytes()) {
            Ok(Value::Absent) => "absent".to_owned(),
            Ok(Value::Text(text)) => format!("text {}", *text),
            Ok(Value::Other) => "other".to_owned(),
            Err(words) => words,
        }
    }

    #[test]
    fn only_the_key_at_the_top_is_read() {
        assert_eq!(
            read(r#"{"env": {"key": "inner"}, "key": "a b"}"#),
            "text a b"
        );
        assert_eq!(read(r#"{"env": [{"key": "inner"}], "n": 1.5}"#), "absent");
        assert_eq!(read(r#"{"key": "first", "key": "last"}"#), "text last");
        assert_eq!(read(r#"{"key": "a\u00e9\n"}"#), "text a\u{e9}\n");
        assert_eq!(read("\u{feff}{\"key\": \"a\"}"), "text a");
        assert_eq!(read(r#"{"key": ["s3cr3t-canary"]}"#), "other");
        assert_eq!(read(r#"{"key": null}"#), "other");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place_and_without_content() {
        assert_eq!(
            read("{\n  \"key\": \"s3cr3t-canary\",\n}"),
            "is not valid JSON (line 3, column 1)"
        );
        assert_eq!(read("[\"s3cr3t-canary\"]"), "holds no JSON object");
        assert_eq!(read("\"s3cr3t-canary\""), "holds no JSON object");
        assert_eq!(read("null"), "holds no JSON object");
        assert_eq!(read(" \n"), "is empty, where a JSON object should be");
        assert_eq!(
            read(r#"{"key": "a"} s3cr3t-canary"#),
            "is not valid JSON (line 1, column 14)"
        );
        let deep = format!("{{\"x\": {}{}}}", "[".repeat(9000), "]".repeat(9000));
        assert_eq!(read(&deep), "is nested too deeply (line 1, column 133)");
        assert_eq!(
            value_of("key", b"{\n\"key\": \"\xff\"}").err().unwrap(),
            "is not UTF-8 (line 2)"
        );
    }
}
