//! To be written.

/// To be written.
#[derive(Debug, thiserror::Error)]
pub enum Error {}
