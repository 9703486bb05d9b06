//! What every receipt must be: a line that the published schema takes, that
//! comes back as it went, and that holds no secret.

use std::sync::OnceLock;

use keyrule::Receipt;
use keyrule::resolver::Explained;

/// The published schema.
///
/// # Panics
///
/// Where it is no schema.
pub fn schema() -> &'static jsonschema::Validator {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let text = include_str!("../../policies/receipt.schema.json");
        let schema = serde_json::from_str(text).expect("JSON");
        jsonschema::validator_for(&schema).expect("a schema")
    })
}

/// Checks the receipt of a decision, and returns its line.
///
/// # Panics
///
/// Where it is not as it must be.
pub fn check(explained: &Explained) -> String {
    let receipt = explained.receipt();
    let line = receipt.line().expect("JSON");
    assert!(!line.contains("s3cr3t"), "a secret is recorded: {line}");
    assert_eq!(line.matches('\n').count(), 1, "{line}");
    let document = serde_json::from_str(&line).expect("JSON");
    let wrong: Vec<_> = schema()
        .iter_errors(&document)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}: {line}");
    let back = Receipt::parse(line.trim_end());
    assert_eq!(back.as_ref(), Ok(&receipt), "{line}");
    line
}
