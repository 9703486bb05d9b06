//! Analyzes policies without a machine: complete tables, differences, test cases
//! with coverage and mutation, replays of receipts. It reads no source and knows
//! no secret.

pub mod case;
pub mod contract;
pub mod coverage;
pub mod diff;
pub mod full;
pub mod merged;
pub mod mutate;
pub mod outcome;
pub mod replay;
pub mod schema;
pub mod tree;
pub mod walk;
