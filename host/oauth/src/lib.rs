//! The one HTTP client, and logins with an issuer. What goes in is a request,
//! or an issuer that a policy configures; what comes out is a response of a
//! bounded size, or tokens, or why there are none. Nothing here asks anybody
//! anything.

pub mod http;
#[cfg(feature = "login")]
pub mod login;
