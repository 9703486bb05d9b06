//! The authorization code grant with PKCE (RFC 6749, section 4.1; RFC 7636;
//! RFC 8252; RFC 9207). What goes in is an issuer; what comes out is an
//! address for a browser, and tokens once it has come back. Nothing of it is
//! on disk: an attempt that is dropped has never been.

use crate::engine::bindings as wit;
use crate::http::Http;

use super::{Endpoints, Error, Tokens};

/// One login in progress.
#[derive(Debug)]
pub(crate) struct Attempt {
    url: String,
}

/// What the issuer sent back with the browser.
#[derive(Debug)]
pub(crate) struct Code {}

impl Attempt {
    /// Listens for the browser, and makes the address for it.
    pub(crate) async fn begin(
        _issuer: &wit::Issuer,
        _endpoints: &Endpoints,
        _account_hint: Option<&str>,
    ) -> Result<Self, Error> {
        Err(Error::NotOffered("login in a browser yet"))
    }

    /// What the browser opens.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Waits for the browser. It can be dropped and called again.
    pub(crate) async fn answered(&mut self) -> Result<Code, Error> {
        Err(Error::NotOffered("login in a browser yet"))
    }

    /// Reads what somebody copied: the address that the browser ended at, or
    /// `code#state`.
    pub(crate) fn pasted(&self, _text: &str) -> Result<Code, Error> {
        Err(Error::NotOffered("login in a browser yet"))
    }

    /// Gets the tokens for the code.
    pub(crate) async fn finish(self, _code: Code, _http: &Http) -> Result<Tokens, Error> {
        Err(Error::NotOffered("login in a browser yet"))
    }
}
