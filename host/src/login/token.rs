//! The token endpoint (RFC 6749, section 5): the one place where its answers
//! are read. What goes in is a grant; what comes out are tokens, or why there
//! are none. It keeps nothing, and asks nobody anything.

use crate::engine::bindings as wit;
use crate::http::Http;
use crate::secret::Secret;

use super::{Endpoints, Error, Tokens};

/// Gets new tokens for a refresh token (RFC 6749, section 6). The answer can
/// have no refresh token: then the old one stays.
pub(crate) async fn by_refresh(
    _issuer: &wit::Issuer,
    _endpoints: &Endpoints,
    _http: &Http,
    _refresh_token: &Secret,
) -> Result<Tokens, Error> {
    Err(Error::NotOffered("renewal yet"))
}
