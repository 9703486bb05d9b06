//! The texts that are compiled in: the shipped policies, and the schemas
//! of the language and of receipts. Nothing goes in; nothing here reads a file.

use keyrule_contract::{Document, DocumentOrigin};

/// The shipped policies, by name.
const POLICIES: [(&str, &str); 2] = [
    (
        "claude-code",
        include_str!("../../../policies/claude-code.toml"),
    ),
    (
        "claude-code-legacy",
        include_str!("../../../policies/claude-code-legacy.toml"),
    ),
];

/// The JSON Schema of a policy.
pub const POLICY_SCHEMA: &str = include_str!("../../../policies/policy.schema.json");

/// The JSON Schema of a restriction.
pub const RESTRICTION_SCHEMA: &str = include_str!("../../../policies/restriction.schema.json");

/// The JSON Schema of a test file.
pub const TESTS_SCHEMA: &str = include_str!("../../../policies/tests.schema.json");

/// The JSON Schema of a receipt.
pub const RECEIPT_SCHEMA: &str = include_str!("../../../policies/receipt.schema.json");

/// The text of a shipped policy.
pub fn text(name: &str) -> Option<&'static str> {
    POLICIES
        .iter()
        .find(|(shipped, _)| *shipped == name)
        .map(|(_, text)| *text)
}

/// A shipped policy, for the engine.
pub fn document(name: &str) -> Option<Document> {
    text(name).map(|text| Document {
        origin: DocumentOrigin::Builtin,
        path: path(name),
        text: text.to_owned(),
    })
}

/// The names of the shipped policies.
pub fn names() -> impl Iterator<Item = &'static str> {
    POLICIES.iter().map(|(name, _)| *name)
}

/// What messages call the text of a shipped policy, in the place of a path.
pub(crate) fn path(name: &str) -> String {
    format!("builtin:{name}.toml")
}
