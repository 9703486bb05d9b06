//! What carries a request to an issuer: the one client, and in tests a script
//! of answers. What goes in is a request; what comes out is the response, or
//! why there is none.

use std::future::Future;

use oauth2::{HttpRequest, HttpResponse};

use crate::http::{Error, Http};

/// Carries a request.
pub(crate) trait Carrier: Sync {
    /// Sends one request and reads the whole response.
    fn carry(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<HttpResponse, Error>> + Send;
}

impl Carrier for Http {
    fn carry(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<HttpResponse, Error>> + Send {
        self.send(request)
    }
}

#[cfg(test)]
pub(super) mod fake {
    //! A fake issuer: it answers what it was told, in order.

    use std::collections::VecDeque;
    use std::sync::Mutex;

    use super::*;

    /// One answer.
    #[derive(Debug)]
    pub(in crate::login) enum Say {
        /// A status and a body.
        Answer(u16, String),
        /// Nothing, in time.
        Nothing,
        /// A redirect, which is not followed.
        Redirect,
    }

    /// A fake issuer, and what it was asked.
    #[derive(Debug, Default)]
    pub(in crate::login) struct FakeIssuer {
        script: Mutex<VecDeque<Say>>,
        asked: Mutex<Vec<Asked>>,
    }

    /// A request that arrived.
    #[derive(Debug, Clone)]
    pub(in crate::login) struct Asked {
        pub(in crate::login) at: tokio::time::Instant,
        pub(in crate::login) method: String,
        pub(in crate::login) url: String,
        pub(in crate::login) authorization: Option<String>,
        pub(in crate::login) body: String,
    }

    impl FakeIssuer {
        pub(in crate::login) fn saying(script: impl IntoIterator<Item = Say>) -> Self {
            Self {
                script: Mutex::new(script.into_iter().collect()),
                asked: Mutex::default(),
            }
        }

        /// One answer, with this status and this body.
        pub(in crate::login) fn once(status: u16, body: &str) -> Self {
            Self::saying([Say::Answer(status, body.to_owned())])
        }

        pub(in crate::login) fn asked(&self) -> Vec<Asked> {
            self.asked.lock().unwrap().clone()
        }
    }

    impl Carrier for FakeIssuer {
        async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
            self.asked.lock().unwrap().push(Asked {
                at: tokio::time::Instant::now(),
                method: request.method().to_string(),
                url: request.uri().to_string(),
                authorization: request
                    .headers()
                    .get("authorization")
                    .map(|value| value.to_str().unwrap().to_owned()),
                body: String::from_utf8(request.body().clone()).unwrap(),
            });
            let next = self.script.lock().unwrap().pop_front();
            match next.expect("the script has come to its end") {
                Say::Answer(status, body) => Ok(oauth2::http::Response::builder()
                    .status(status)
                    .body(body.into_bytes())
                    .unwrap()),
                Say::Redirect => Err(Error::NotTaken {
                    origin: "https://login.test".to_owned(),
                    why: "redirects".to_owned(),
                }),
                Say::Nothing => Err(Error::Unreachable {
                    origin: "https://login.test".to_owned(),
                    why: "does not answer in time".to_owned(),
                }),
            }
        }
    }
}
