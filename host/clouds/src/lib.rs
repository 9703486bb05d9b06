//! The cloud providers' own searches for credentials. What goes in is a
//! source's contract and the variables that it sees; what comes out is what
//! the provider's own crates would find, by the one HTTP client, or why there
//! is nothing. A provider is there where its feature is.

#[cfg(feature = "bedrock")]
pub mod bedrock;
#[cfg(feature = "foundry")]
mod foundry;
#[cfg(any(feature = "foundry", feature = "vertex"))]
mod network;
pub mod place;
pub mod provider;
#[cfg(feature = "vertex")]
mod vertex;
