//! What a person who logs in sees, and why nobody was logged in. The login
//! itself is made by `keyrule-oauth`.

pub(crate) mod failure;
pub(crate) mod ui;

pub(crate) use keyrule_oauth::login::{
    Endpoints, Error, Tokens, claims, code, device, endpoints, key, renew, revoke, token,
};

pub use failure::LoginError;
pub use ui::{Input, LoginUi, Visit, Way};
