//! Documents as JSON, for the schema, and back as TOML, for the parser.

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

/// A text as the schema sees it, as `policy check` does it too. None where it
/// is not TOML.
pub(crate) fn parse(text: &str) -> Option<Value> {
    DeTable::parse(text)
        .ok()
        .map(|table| of_table(table.get_ref()))
}

fn of_table(table: &DeTable<'_>) -> Value {
    let entries = table.iter();
    let entries =
        entries.map(|(key, value)| (key.get_ref().to_string(), of_value(value.get_ref())));
    Value::Object(entries.collect::<Map<_, _>>())
}

fn of_value(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::from(u64::MAX), Value::from),
        DeValue::Float(_) => Value::from(0.5),
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Datetime(_) => Value::Null,
        DeValue::Array(items) => items.iter().map(|item| of_value(item.get_ref())).collect(),
        DeValue::Table(table) => of_table(table),
    }
}

/// The same as TOML: a line for each key, tables inline.
pub(crate) fn write(document: &Value) -> String {
    let Some(table) = document.as_object() else {
        return String::new();
    };
    let lines = table
        .iter()
        .map(|(key, value)| format!("{} = {}\n", quoted(key), inline(value)));
    lines.collect()
}

fn inline(value: &Value) -> String {
    match value {
        // Nothing else in TOML is no JSON.
        Value::Null => "1979-05-27".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(inline).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(table) => {
            let entries: Vec<String> = table
                .iter()
                .map(|(key, value)| format!("{} = {}", quoted(key), inline(value)))
                .collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

/// A string of JSON is one of TOML, but for one character.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}
