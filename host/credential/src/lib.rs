//! Secrets and credentials: keeps a secret in memory without printing it, reads
//! what programs print, and hands a credential out as exactly the headers,
//! variables or signature that its source names.
//!
//! Only [`handout`] exposes a secret.

pub mod credential;
pub mod endpoint;
pub mod handout;
pub mod json;
pub mod label;
pub mod material;
pub mod obtained;
pub mod protocol;
pub mod secret;

pub use credential::Credential;
pub use handout::{AwsKey, Request, SignError};
pub use material::{Keys, Material};
pub use obtained::{Facts, Failure, Kept};
pub use secret::Secret;
