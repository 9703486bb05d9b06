//! The guest's side of the world `policy-override`, generated. Nothing else
//! stands here.

#![allow(
    dead_code,
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::restriction,
    reason = "generated code"
)]

wit_bindgen::generate!({
    path: "../../../wit",
    world: "policy-override",
    pub_export_macro: true,
});
