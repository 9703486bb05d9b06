//! What the tests share: the engine's core as a native judge, the reader of
//! case folders, the rendering of what a case came to with the names of its
//! rules, the digest of all that a policy decides.

pub mod case;
pub mod digest;
pub mod native;
pub mod receipt;
pub mod render;
pub mod rule;
