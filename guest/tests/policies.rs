//! The shipped policies load, and say what they should.

#![expect(
    clippy::panic,
    reason = "a helper of tests stops where something is missing"
)]

use keyrule_policy::Policy;
use keyrule_policy::bindings::exports::keyrule::policy::engine::{Document, DocumentOrigin};

fn load(name: &str, text: &str) -> Policy {
    let document = Document {
        origin: DocumentOrigin::Builtin,
        path: format!("{name}.toml"),
        text: text.to_owned(),
    };
    Policy::load(name, vec![document]).unwrap_or_else(|problems| panic!("{name}: {problems:#?}"))
}

#[test]
fn every_shipped_policy_loads() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../policies");
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder of policies") {
        let path = entry.expect("an entry").path();
        let file = path.file_name().expect("a name").to_string_lossy();
        if file.ends_with(".toml") && !file.ends_with(".test.toml") {
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let text = std::fs::read_to_string(&path).expect("a policy");
            assert!(!load(&name, &text).sources().is_empty(), "{name}");
            names.push(name);
        }
    }
    names.sort();
    assert_eq!(
        names,
        [
            "claude-code",
            "claude-code-legacy",
            "example-accounts",
            "example-cloud-only",
            "example-gateway",
            "example-web-sandbox"
        ]
    );
}

#[test]
fn exec_clears_credentials_selectors_and_endpoints() {
    let policy = load(
        "claude-code",
        include_str!("../../policies/claude-code.toml"),
    );
    let info = policy.info();
    for name in [
        "ANTHROPIC_API_KEY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "AWS_BEARER_TOKEN_BEDROCK",
        "CLAUDE_CODE_OAUTH_TOKEN",
        "CLAUDE_CODE_USE_VERTEX",
    ] {
        assert!(
            info.cleared_variables.iter().any(|clear| clear == name),
            "{name}"
        );
    }
    assert!(
        !info
            .hidden_variables
            .iter()
            .any(|name| name == "CLAUDE_CODE_USE_VERTEX")
    );
    assert!(
        info.hidden_variables
            .iter()
            .any(|name| name == "ANTHROPIC_API_KEY")
    );
}
