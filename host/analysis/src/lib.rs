//! What can be said of a policy without any world: everything that it
//! decides, how two of them differ, and what follows from things that are
//! only supposed. What goes in are loaded policies; what comes out are plain
//! values for commands to show. Nothing here reads a source or knows a secret.

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
