//! What the rest of Keyrule knows of the machine it runs on. What goes in are
//! paths, variables and command lines; what comes out is what the system says
//! of them, read within bounds. Nothing here knows a policy or a credential.

pub mod environment;
pub mod fs;
pub mod process;
pub mod runtime;
pub mod signals;
pub mod text;
pub mod trust;
