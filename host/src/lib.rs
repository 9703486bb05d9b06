//! Keyrule decides which credential a tool may use, and hands over exactly
//! that one.

pub mod ambient;
pub mod consent;
mod credential;
pub mod engine;
mod error;
mod handout;
pub mod policy;
mod resolve;
pub mod resolver;
mod secret;
mod sources;
mod store;

#[doc(hidden)]
pub mod cli;

pub use credential::Credential;
pub use error::Error;
pub use resolver::Resolver;
pub use secret::Secret;
pub use sources::{Notices, Supplied};
