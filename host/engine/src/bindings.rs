//! The host's side of `wit/policy.wit`, generated. Nothing else stands here.

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
    world: "policy-engine",
});

pub use exports::keyrule::policy::engine::*;
