//! The types of `wit/policy.wit`, generated. Nothing else stands here.

#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    unsafe_code,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "generated code"
)]

wit_bindgen::generate!({
    path: "../wit",
    world: "policy-engine",
    additional_derives: [PartialEq, Eq, serde::Serialize, serde::Deserialize],
    pub_export_macro: true,
});
