//! The one HTTP client, and OAuth logins with an issuer (feature `login`):
//! logging in, refreshing, revoking. Responses have a bounded size. It never
//! prompts.

pub mod http;
#[cfg(feature = "login")]
pub mod login;
