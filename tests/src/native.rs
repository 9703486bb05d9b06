//! The engine's core, natively: the same judge without the component, so that
//! the two can be compared.

pub use keyrule_engine::native::{Engine, Policy, load};
