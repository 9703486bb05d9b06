//! A document as TOML: a JSON value in, text out. The language has strings,
//! numbers, truths, lists and tables; what was read as one of these is written
//! as the same.

use serde_json::Value;

/// Writes a document, one key of its top a line.
pub(super) fn document(value: &Value) -> String {
    let Some(entries) = value.as_object() else {
        return String::new();
    };
    entries
        .iter()
        .map(|(key, value)| format!("{} = {}\n", string(key), inline(value)))
        .collect()
}

fn inline(value: &Value) -> String {
    match value {
        Value::Object(entries) => {
            let entries: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{} = {}", string(key), inline(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::String(text) => string(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

/// What JSON escapes is a basic string of TOML, but for one character more
/// that TOML wants escaped.
fn string(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007f")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::parsed;

    #[test]
    fn what_is_written_is_read_as_the_same() {
        for text in [
            include_str!("../../../../policies/claude-code.toml"),
            include_str!("../../../../policies/example-accounts.toml"),
            "a = [\"\\u007f\", \"\\\"\\\\\\n\\t\", true, 8400, { \"b c\" = 'x' }]\n",
        ] {
            let (value, _) = parsed(text).unwrap();
            let (again, _) = parsed(&document(&value)).unwrap();
            assert_eq!(value, again);
        }
    }
}
