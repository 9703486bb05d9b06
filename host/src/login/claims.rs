//! Whose a login is: what the issuer says of the user becomes an owner. What
//! goes in are tokens with their claims; what comes out is what a store
//! keeps.

use std::time::SystemTime;

use crate::engine::bindings as wit;
use crate::store::{LoginFacts, Owner, StoredLogin};

use super::Tokens;

/// What a store keeps of these tokens. Where the answer has no refresh token
/// or says nothing of the user, what was there before stays.
pub(crate) fn stored(
    issuer: &wit::Issuer,
    tokens: Tokens,
    before: Option<&StoredLogin>,
    now: SystemTime,
) -> StoredLogin {
    let refresh_token = tokens
        .refresh_token
        .or_else(|| before.and_then(|login| login.refresh_token.clone()));
    let owner = match before {
        Some(login) if tokens.claims.is_empty() => login.facts.owner.clone(),
        _ => Owner {
            issuer: issuer.url.clone(),
            ..Owner::default()
        },
    };
    StoredLogin {
        access_token: tokens.access_token,
        facts: LoginFacts {
            owner,
            client_id: issuer.client_id.clone(),
            obtained_at: Some(now),
            expires_at: tokens
                .expires_in
                .and_then(|lifetime| now.checked_add(lifetime)),
            renewable: refresh_token.is_some(),
            ended: false,
        },
        refresh_token,
    }
}
