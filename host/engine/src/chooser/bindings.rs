//! The host's side of the world `policy-override`, generated. Nothing else
//! stands here.

#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "generated code"
)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "policy-override",
});

pub use exports::keyrule::policy::chooser::*;
