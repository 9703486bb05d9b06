//! The engine's core, natively: the same judge without the component, so that
//! the two can be compared. Where a test asks the core itself, values cross by
//! their serde form, which is the same on both sides because both come from
//! one contract.

pub use keyrule_engine::native::load;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// From the contract's types to the generated ones, or back.
///
/// # Panics
///
/// Where the two are not of the same contract.
pub fn convert<T: DeserializeOwned>(value: &impl Serialize) -> T {
    let text = serde_json::to_string(value).expect("generated types serialize");
    serde_json::from_str(&text).expect("both are of one contract")
}
