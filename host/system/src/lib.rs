//! The machine that Keyrule runs on: the environment, files read and written
//! within bounds, trust in managed files, processes, signals. It knows no policy
//! and no credential.

pub mod environment;
pub mod fs;
pub mod process;
pub mod runtime;
pub mod signals;
pub mod text;
pub mod trust;
