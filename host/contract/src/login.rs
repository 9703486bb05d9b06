//! Logins, keys and the stores that keep them.

use serde::{Deserialize, Serialize};

use crate::source::Pair;

/// A login of ours, made with an issuer that the policy configures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Login {
    /// The name under which the login is stored.
    pub name: String,
    /// Who it is made with.
    pub issuer: Issuer,
    /// The claim that says which organization it belongs to.
    pub organization_claim: Option<String>,
}

/// A key in our own store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredKey {
    /// The name under which it is stored.
    pub name: String,
    /// The issuer that gives such a key to who logs in.
    pub issuer: Option<Issuer>,
    /// The claim of that login that says which organization it belongs to.
    pub organization_claim: Option<String>,
}

/// An OAuth 2 issuer that a user can log in with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issuer {
    /// Its name in the policy.
    pub id: String,
    /// Its identifier, which is a URL (RFC 8414, section 2). A login belongs
    /// to the identifier, not to the name.
    pub url: String,
    /// The name that the issuer has for the tool (RFC 6749, section 2.2).
    pub client_id: String,
    /// Where it answers; where there is nothing, it is asked (RFC 8414).
    pub endpoints: Option<IssuerEndpoints>,
    /// The scopes to ask for.
    pub scopes: Vec<String>,
    /// What else the authorization request says.
    pub parameters: Vec<Pair>,
    /// The host that the browser is sent back to: `127.0.0.1`, `[::1]` or
    /// `localhost` (RFC 8252, section 7.3).
    pub redirect_host: String,
    /// The port; any, where there is none.
    pub redirect_port: Option<u16>,
    /// The path, which begins with `/`.
    pub redirect_path: String,
    /// The key that a login with it ends in, if it ends in one.
    pub key: Option<KeyRequest>,
}

/// Where an issuer answers, where the policy says so itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuerEndpoints {
    /// Where a browser is sent (RFC 6749, section 3.1).
    pub authorization: Option<String>,
    /// Where a device asks for a code (RFC 8628, section 3.1).
    pub device: Option<String>,
    /// Where tokens come from (RFC 6749, section 3.2).
    pub token: String,
    /// Where tokens are revoked (RFC 7009).
    pub revocation: Option<String>,
    /// Where it is said whether a token is valid (RFC 7662).
    pub introspection: Option<String>,
    /// Where it is said whose a token is (OpenID Connect Core, section 5.3).
    pub userinfo: Option<String>,
}

/// A key that an issuer gives to who has logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRequest {
    /// Where it is asked for, with the login's token, by POST.
    pub url: String,
    /// The field of the JSON answer that holds it.
    pub field: String,
}

/// A place that keeps keys and logins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StoreKind {
    /// The keyring of the system.
    Keyring,
    /// A file that only its owner can read.
    File,
}

/// Where keys and logins are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Storage {
    /// The one store; where there is none, what is usual on the system: the
    /// keyring on macOS, the file elsewhere.
    pub store: Option<StoreKind>,
    /// What takes its place where it cannot be used; without one nothing does.
    pub fallback: Option<StoreKind>,
}
