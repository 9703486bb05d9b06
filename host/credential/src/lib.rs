//! Secrets and credentials: how one is kept in memory, what it is handed out
//! as, and what programs say of it. What goes in is what a source has brought;
//! what comes out are exactly the headers, variables or signatures that its
//! source says. Nothing here prints a value.

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
