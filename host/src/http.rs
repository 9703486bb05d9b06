//! The one HTTP client: whatever leaves over the network leaves here. What
//! goes in is a request; what comes out is a response of a bounded size, or
//! why there is none. It is made only by what needs the network, and knows
//! neither issuers nor credentials.

use oauth2::{HttpRequest, HttpResponse};

use crate::ambient::Ambient;

/// The client.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
}

/// Why there is no response. Nothing in it is a token, a query or a body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The client cannot be made: a file or a variable is not as it must be.
    #[error("{0}")]
    Setup(String),
    /// The request would have gone over plain HTTP to another machine.
    #[error("`{origin}` would be asked without TLS")]
    Insecure {
        /// Scheme, host and port.
        origin: String,
    },
    /// Nobody answers, or not in time, or not as HTTP.
    #[error("`{origin}` {why}")]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// Why, as a predicate.
        why: String,
    },
}

impl Http {
    /// The client, as the variables of this world want it.
    pub(crate) fn of(_ambient: &Ambient) -> Result<Self, Error> {
        Err(Error::Setup("not built yet".to_owned()))
    }

    /// Sends one request and reads the whole response.
    pub(crate) async fn send(&self, _request: HttpRequest) -> Result<HttpResponse, Error> {
        let _ = &self.client;
        Err(Error::Setup("not built yet".to_owned()))
    }
}
