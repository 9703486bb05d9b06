//! Searches for the credentials of cloud providers, with the providers' own
//! crates and the HTTP client of `keyrule-oauth`. Each provider is a feature.

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
