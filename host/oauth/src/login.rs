//! Logging in, renewing and logging out, with an issuer that the policy
//! configures (RFC 6749, RFC 8252, RFC 8628, RFC 7009). What goes in is an
//! issuer; what comes out are tokens, or why there are none. Nothing here
//! asks anybody anything: what a person sees is in `cli`, and what is kept is
//! in `store`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::http;
use keyrule_credential::secret::Secret;
use keyrule_store as store;

mod answer;
mod callback;
mod carrier;
pub mod claims;
pub mod code;
pub mod device;
mod id_token;
pub mod key;
pub mod metadata;
pub mod online;
mod page;
mod redirect;
pub mod renew;
pub mod revoke;
pub mod token;

pub use metadata::endpoints;

/// Where an issuer answers.
#[derive(Debug, Clone)]
pub struct Endpoints {
    /// The identifier of the issuer.
    pub issuer: String,
    /// Where a browser is sent.
    pub authorization: Option<String>,
    /// Where a device asks for a code.
    pub device: Option<String>,
    /// Where tokens come from.
    pub token: String,
    /// Where tokens are revoked.
    pub revocation: Option<String>,
    /// Where it is said whether a token is valid.
    pub introspection: Option<String>,
    /// Where it is said whose a token is.
    pub userinfo: Option<String>,
    /// Whether the issuer says that its answers name it (RFC 9207).
    pub names_itself: bool,
}

/// What an issuer gave.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// What is sent.
    pub access_token: Secret,
    /// What renews it; where there is none after a renewal, the old one stays.
    pub refresh_token: Option<Secret>,
    /// How long the access token lasts.
    pub expires_in: Option<Duration>,
    /// What the issuer says of the user, from the ID token or else from
    /// userinfo.
    pub claims: BTreeMap<String, serde_json::Value>,
}

/// Why there are no tokens. No message carries a token, a code or an answer's
/// text.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The issuer could not be asked. What was kept stays.
    #[error(transparent)]
    Http(#[from] http::Error),
    /// The issuer answers, and not with what it must: garbage, another
    /// issuer, an error of the server. What was kept stays.
    #[error("`{origin}` {why}")]
    Answer {
        /// Scheme, host and port.
        origin: String,
        /// What is wrong with it, as a predicate.
        why: String,
    },
    /// The issuer says no, with a code of RFC 6749 or RFC 8628.
    #[error("the issuer refused: {words}")]
    Refused {
        /// The code, such as `invalid_grant`: letters and `_` alone.
        code: String,
        /// The same in our words.
        words: String,
    },
    /// The issuer does not offer this way to log in.
    #[error("the issuer offers no {0}")]
    NotOffered(&'static str),
    /// What the browser or the user brought is not the answer to this login.
    #[error("{0}")]
    Callback(String),
    /// Nobody finished the login in time.
    #[error("nobody finished the login within {}", words(*.0))]
    TimedOut(Duration),
    /// A listener for the browser cannot be had.
    #[error("nothing can listen for the browser: {0}")]
    Listen(std::io::Error),
    /// What the issuer gave cannot be kept, or what is kept cannot be read.
    #[error(transparent)]
    Store(#[from] store::Error),
}

fn words(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} seconds"),
        seconds => format!("{} minutes", seconds / 60),
    }
}

#[cfg(test)]
mod samples {
    use super::*;

    /// An issuer at `https://login.test` that offers everything.
    pub(super) fn endpoints() -> Endpoints {
        let at = |path: &str| format!("https://login.test/{path}");
        Endpoints {
            issuer: "https://login.test".to_owned(),
            authorization: Some(at("authorize")),
            device: Some(at("device")),
            token: at("token"),
            revocation: Some(at("revoke")),
            introspection: Some(at("introspect")),
            userinfo: Some(at("me")),
            names_itself: true,
        }
    }
}
