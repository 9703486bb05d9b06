//! Which document is the policy: what each origin stands for, and that a
//! document which cannot be read is never left out.

#![expect(
    clippy::unwrap_used,
    reason = "a test stops where something is missing"
)]

use keyrule_policy::Policy;
use keyrule_policy::bindings::exports::keyrule::policy::engine::{
    Document, DocumentOrigin, Handover,
};

fn policy(origin: DocumentOrigin, variable: &str) -> Document {
    document(
        origin,
        &format!(
            "name = \"p\"\n[[source]]\nid = \"key\"\nkind = \"environment\"\nvariable = \"{variable}\"\nsurfaces = [\"terminal\"]\n"
        ),
    )
}

fn document(origin: DocumentOrigin, text: &str) -> Document {
    Document {
        origin,
        path: format!("{origin:?}.toml"),
        text: text.to_owned(),
    }
}

/// The paths of the documents that are used, the policy first.
fn used(documents: &[Document]) -> Vec<String> {
    let policy = Policy::load("p", documents.to_vec()).unwrap();
    policy.info().documents
}

#[test]
fn the_embedders_policy_replaces_the_builtin_one_and_yields_to_the_users() {
    let builtin = policy(DocumentOrigin::Builtin, "BUILTIN");
    let embedder = policy(DocumentOrigin::Embedder, "EMBEDDER");
    let user = policy(DocumentOrigin::User, "USER");
    let both = [builtin.clone(), embedder.clone()];
    assert_eq!(used(&both), ["DocumentOrigin::Embedder.toml"]);
    assert_eq!(
        used(&[builtin, embedder, user]),
        ["DocumentOrigin::User.toml"]
    );
}

#[test]
fn a_managed_restriction_narrows_the_embedders_policy() {
    let embedder = policy(DocumentOrigin::Embedder, "EMBEDDER");
    let drop = document(DocumentOrigin::ManagedRestriction, "drop = [\"key\"]\n");
    assert_eq!(
        used(&[embedder, drop]),
        [
            "DocumentOrigin::Embedder.toml",
            "DocumentOrigin::ManagedRestriction.toml"
        ]
    );
}

#[test]
fn a_restriction_of_the_users_narrows_every_policy() {
    let drop = document(DocumentOrigin::UserRestriction, "drop = [\"key\"]\n");
    for origin in [
        DocumentOrigin::Builtin,
        DocumentOrigin::Embedder,
        DocumentOrigin::Managed,
        DocumentOrigin::User,
    ] {
        assert_eq!(used(&[policy(origin, "KEY"), drop.clone()]).len(), 2);
    }
}

#[test]
fn a_document_that_cannot_be_read_is_refused() {
    for origin in [
        DocumentOrigin::ToolFile,
        DocumentOrigin::ManagedToolFile,
        DocumentOrigin::Choice,
    ] {
        let builtin = policy(DocumentOrigin::Builtin, "BUILTIN");
        let diagnostics = Policy::load("p", vec![builtin, document(origin, "")]).unwrap_err();
        assert_eq!(diagnostics.len(), 1);
        assert_eq!(diagnostics[0].code, "unsupported-document");
        assert_eq!(diagnostics[0].location.path, format!("{origin:?}.toml"));
    }
}

#[test]
fn without_a_tool_file_nothing_is_predicted_and_nothing_is_to_be_done() {
    let builtin = policy(DocumentOrigin::Builtin, "BUILTIN");
    let policy = Policy::load("p", vec![builtin]).unwrap();
    assert_eq!(policy.predict(&[]), []);
    let handover = Handover {
        steps: Vec::new(),
        obstacles: Vec::new(),
    };
    assert_eq!(policy.handover(0, &[]), handover);
}
