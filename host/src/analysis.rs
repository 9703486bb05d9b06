//! What can be said of a policy without any world: everything that it
//! decides, how two of them differ, and what follows from things that are
//! only supposed. What goes in are loaded policies; what comes out are plain
//! values for commands to show. Nothing here reads a source or knows a secret.

pub(crate) mod case;
pub(crate) mod contract;
pub(crate) mod coverage;
pub(crate) mod diff;
pub(crate) mod full;
pub(crate) mod merged;
pub(crate) mod mutate;
pub(crate) mod outcome;
pub(crate) mod replay;
pub(crate) mod tree;
pub(crate) mod walk;
