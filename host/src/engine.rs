//! To be written.

pub mod bindings;

/// To be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {}
