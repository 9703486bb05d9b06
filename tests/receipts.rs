//! The published form of a receipt: what the schema rejects the reader
//! rejects, and the reader's further reasons are these few.

use keyrule::ambient::Ambient;
use keyrule::{Receipt, Resolver};
use keyrule_tests::receipt::{check, schema};
use serde_json::{Value, json};

fn receipt() -> Value {
    let ambient = Ambient::empty()
        .with_variable("ANTHROPIC_API_KEY", "s3cr3t-key")
        .with_variable("ANTHROPIC_BASE_URL", "https://gateway.example");
    let resolver = Resolver::hermetic("claude-code").ambient(ambient).build();
    let explained = resolver.expect("a resolver").explain();
    let line = check(&explained.expect("a decision"));
    serde_json::from_str(&line).expect("JSON")
}

/// Every place in a document, as JSON pointers.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                places(field, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{place}"), found);
            }
        }
        _ => {}
    }
}

fn parsed(document: &Value) -> Result<Receipt, keyrule::receipt::ParseError> {
    Receipt::parse(&document.to_string())
}

#[test]
fn what_the_reader_takes_the_schema_takes_and_the_other_way_round() {
    let whole = receipt();
    let mut all = Vec::new();
    places(&whole, "", &mut all);
    assert!(all.len() > 100, "{}", all.len());
    let mut told_apart = 0;
    for place in &all {
        let mut others = vec![
            json!(null),
            json!(true),
            json!(-1),
            json!(1.5),
            json!("s3cr3t"),
            json!([]),
            json!({}),
        ];
        if let Some(Value::Object(fields)) = whole.pointer(place) {
            for name in fields.keys() {
                let mut fewer = fields.clone();
                fewer.remove(name);
                others.push(Value::Object(fewer));
            }
            let mut more = fields.clone();
            more.insert("more".to_owned(), json!(1));
            others.push(Value::Object(more));
        }
        for other in others {
            let mut document = whole.clone();
            *document.pointer_mut(place).expect("a place") = other;
            let (valid, read) = (schema().is_valid(&document), parsed(&document));
            // Forms of texts are the schema's business alone; that parts fit
            // together the reader's.
            let text = document.pointer(place).is_some_and(Value::is_string);
            let agree = match &read {
                Ok(_) => valid || text,
                Err(keyrule::receipt::ParseError::Inconsistent(_)) => true,
                Err(_) => !valid,
            };
            assert!(
                agree,
                "{place}: the schema says {valid}, the reader {read:?}"
            );
            told_apart += usize::from(!valid);
        }
    }
    assert!(told_apart > 500, "{told_apart}");
}
