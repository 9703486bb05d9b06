//! The commands, a file each: what goes in are the arguments of one, what
//! comes out is its exit code.

pub(crate) mod completions;
pub(crate) mod consent;
pub(crate) mod doctor;
pub(crate) mod engine;
pub(crate) mod exec;
pub(crate) mod explain;
pub(crate) mod headers;
pub(crate) mod key;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod policy;
pub(crate) mod receipt;
pub(crate) mod status;
pub(crate) mod token;
