//! What the shipped policies for Claude Code do with every variable that the
//! tool was seen to follow: what names a credential, a provider or an
//! endpoint is cleared for a child of `exec`, and nothing else is.

#![expect(
    clippy::panic,
    reason = "a helper of tests stops where something is missing"
)]

use keyrule_policy::Policy;
use keyrule_policy::bindings::exports::keyrule::policy::engine::{Document, DocumentOrigin, Kind};

/// What the tool does with a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// It is a credential, or names one.
    Credential,
    /// It chooses how the tool finds its credential.
    Selector,
    /// It says where requests go.
    Endpoint,
    /// It matters under a selector that is on, and to other programs.
    Dependent,
    /// It names a folder: without it another one applies.
    Locator,
    /// It says how requests travel.
    Transport,
    /// It takes sources of the tool away, and adds none.
    Mode,
}

use Role::{Credential, Dependent, Endpoint, Locator, Mode, Selector, Transport};

const VARIABLES: [(&str, Role); 63] = [
    ("ANTHROPIC_API_KEY", Credential),
    ("ANTHROPIC_AUTH_TOKEN", Credential),
    ("ANTHROPIC_CUSTOM_HEADERS", Credential),
    ("CLAUDE_CODE_OAUTH_TOKEN", Credential),
    ("CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR", Credential),
    ("CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR", Credential),
    ("CLAUDE_CODE_OAUTH_REFRESH_TOKEN", Credential),
    ("CLAUDE_CODE_HOST_CREDS_FILE", Credential),
    ("ANTHROPIC_PROFILE", Credential),
    ("ANTHROPIC_FEDERATION_RULE_ID", Credential),
    ("ANTHROPIC_ORGANIZATION_ID", Credential),
    ("ANTHROPIC_SERVICE_ACCOUNT_ID", Credential),
    ("ANTHROPIC_IDENTITY_TOKEN", Credential),
    ("ANTHROPIC_IDENTITY_TOKEN_FILE", Credential),
    ("ANTHROPIC_AWS_API_KEY", Credential),
    ("ANTHROPIC_AWS_WORKSPACE_ID", Credential),
    ("AWS_BEARER_TOKEN_BEDROCK", Credential),
    ("ANTHROPIC_FOUNDRY_API_KEY", Credential),
    ("ANTHROPIC_FOUNDRY_AUTH_TOKEN", Credential),
    ("CLAUDE_CODE_USE_BEDROCK", Selector),
    ("CLAUDE_CODE_USE_VERTEX", Selector),
    ("CLAUDE_CODE_USE_FOUNDRY", Selector),
    ("CLAUDE_CODE_USE_ANTHROPIC_AWS", Selector),
    ("CLAUDE_CODE_USE_MANTLE", Selector),
    ("CLAUDE_CODE_USE_GATEWAY", Selector),
    ("CLAUDE_CODE_SKIP_BEDROCK_AUTH", Selector),
    ("CLAUDE_CODE_SKIP_VERTEX_AUTH", Selector),
    ("CLAUDE_CODE_SKIP_FOUNDRY_AUTH", Selector),
    // Where the tool's own login wins, it would keep the tool from it.
    ("CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST", Selector),
    ("ANTHROPIC_BASE_URL", Endpoint),
    ("CLAUDE_CODE_API_BASE_URL", Endpoint),
    ("ANTHROPIC_UNIX_SOCKET", Endpoint),
    ("ANTHROPIC_BEDROCK_BASE_URL", Endpoint),
    ("ANTHROPIC_BEDROCK_MANTLE_BASE_URL", Endpoint),
    ("ANTHROPIC_VERTEX_BASE_URL", Endpoint),
    ("ANTHROPIC_FOUNDRY_BASE_URL", Endpoint),
    ("ANTHROPIC_FOUNDRY_RESOURCE", Endpoint),
    ("ANTHROPIC_AWS_BASE_URL", Endpoint),
    ("CLAUDE_CODE_API_KEY_HELPER_TTL_MS", Dependent),
    ("AWS_PROFILE", Dependent),
    ("AWS_ACCESS_KEY_ID", Dependent),
    ("AWS_SECRET_ACCESS_KEY", Dependent),
    ("AWS_SESSION_TOKEN", Dependent),
    ("AWS_WEB_IDENTITY_TOKEN_FILE", Dependent),
    ("AWS_CONTAINER_CREDENTIALS_FULL_URI", Dependent),
    ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", Dependent),
    ("AWS_CONTAINER_AUTHORIZATION_TOKEN", Dependent),
    ("AWS_ENDPOINT_URL", Dependent),
    ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", Dependent),
    ("AWS_REGION", Dependent),
    ("GOOGLE_APPLICATION_CREDENTIALS", Dependent),
    ("CLOUDSDK_CONFIG", Dependent),
    ("CLOUDSDK_CORE_PROJECT", Dependent),
    ("CLOUD_ML_REGION", Dependent),
    ("ANTHROPIC_VERTEX_PROJECT_ID", Dependent),
    ("GCLOUD_PROJECT", Dependent),
    ("GOOGLE_CLOUD_PROJECT", Dependent),
    ("CLAUDE_CONFIG_DIR", Locator),
    ("ANTHROPIC_CONFIG_DIR", Locator),
    ("HTTPS_PROXY", Transport),
    ("HTTP_PROXY", Transport),
    ("NODE_EXTRA_CA_CERTS", Transport),
    ("CLAUDE_CODE_SIMPLE", Mode),
];

/// Every shipped policy for this tool; `example-accounts` is for another.
const POLICIES: [(&str, &str); 5] = [
    (
        "claude-code",
        include_str!("../../policies/claude-code.toml"),
    ),
    (
        "claude-code-legacy",
        include_str!("../../policies/claude-code-legacy.toml"),
    ),
    (
        "example-cloud-only",
        include_str!("../../policies/example-cloud-only.toml"),
    ),
    (
        "example-gateway",
        include_str!("../../policies/example-gateway.toml"),
    ),
    (
        "example-web-sandbox",
        include_str!("../../policies/example-web-sandbox.toml"),
    ),
];

const MANAGED: &str = "CLAUDE_CODE_PROVIDER_MANAGED_BY_HOST";

fn load(name: &str, text: &str) -> Policy {
    let document = Document {
        origin: DocumentOrigin::Builtin,
        path: format!("{name}.toml"),
        text: text.to_owned(),
    };
    Policy::load(name, vec![document]).unwrap_or_else(|problems| panic!("{name}: {problems:#?}"))
}

fn clears(policy: &Policy, variable: &str) -> bool {
    policy
        .info()
        .cleared_variables
        .iter()
        .any(|name| name == variable)
}

#[test]
fn everything_that_names_a_credential_a_provider_or_an_endpoint_is_cleared() {
    for (name, text) in POLICIES {
        let policy = load(name, text);
        let missing: Vec<_> = VARIABLES
            .into_iter()
            .filter(|(_, role)| matches!(role, Credential | Selector | Endpoint))
            .filter(|(variable, _)| !clears(&policy, variable))
            .collect();
        assert!(missing.is_empty(), "`{name}` leaves {missing:?}");
    }
}

#[test]
fn everything_else_stays_for_what_the_child_runs() {
    for (name, text) in POLICIES {
        let policy = load(name, text);
        // This one keeps the selector on, and says its dependents itself.
        let own = |variable: &str| {
            name == "example-cloud-only"
                && (variable == "AWS_REGION" || variable.starts_with("AWS_ENDPOINT_URL"))
        };
        let gone: Vec<_> = VARIABLES
            .into_iter()
            .filter(|(_, role)| matches!(role, Dependent | Locator | Transport | Mode))
            .filter(|(variable, _)| clears(&policy, variable) != own(variable))
            .collect();
        assert!(gone.is_empty(), "`{name}`: {gone:?}");
    }
}

#[test]
fn the_tool_is_told_that_it_is_managed_where_it_is_given_a_credential() {
    for (name, text) in POLICIES {
        for source in load(name, text).sources() {
            let told = source.export.iter().any(|pair| pair.name == MANAGED);
            // The tool's own login would not be found, and how the clouds
            // take it was not seen.
            let is_given = !matches!(source.kind, Kind::ToolOwned(_) | Kind::Cloud(_));
            assert_eq!(told, is_given, "`{}` of `{name}`", source.id);
        }
    }
}
