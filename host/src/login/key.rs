//! A login that ends in a key: some issuers give a key to who has logged in.
//! What goes in are a login's tokens; what comes out is the key.

use crate::engine::bindings as wit;
use crate::http::Http;
use crate::secret::Secret;

use super::{Error, Tokens};

/// Asks for the key, with the login's token.
pub(crate) async fn key(
    _request: &wit::KeyRequest,
    _http: &Http,
    _tokens: &Tokens,
) -> Result<Secret, Error> {
    Err(Error::NotOffered("keys yet"))
}
