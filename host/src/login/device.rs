//! The device authorization grant (RFC 8628): a login that is finished in a
//! browser on another machine. What goes in is an issuer; what comes out is a
//! short code for the user, and tokens once they have typed it.

use std::time::Duration;

use crate::engine::bindings as wit;
use crate::http::Http;

use super::{Endpoints, Error, Tokens};

/// One login in progress.
#[derive(Debug)]
pub(crate) struct Device {
    /// What the user types, or compares.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: Option<String>,
    /// How long they have for it.
    pub expires_in: Duration,
}

impl Device {
    /// Asks for the codes.
    pub(crate) async fn begin(
        _issuer: &wit::Issuer,
        _endpoints: &Endpoints,
        _http: &Http,
    ) -> Result<Self, Error> {
        Err(Error::NotOffered("device login yet"))
    }

    /// Waits until the user has finished. It can be dropped at any time.
    pub(crate) async fn finish(self, _http: &Http) -> Result<Tokens, Error> {
        Err(Error::NotOffered("device login yet"))
    }
}
