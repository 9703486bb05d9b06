//! What carries the requests of Azure's crates: our one client. What goes in
//! is a request of theirs to the one origin that this search may ask; what
//! comes out is the response, and here, what was wrong with it. Their own
//! errors have whole answers in them, so that nothing is taken from those.

use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use azure_core::error::ErrorKind;
use azure_core::http::headers::Headers;
use azure_core::http::{AsyncRawResponse, Body, HttpClient, Request};
use oauth2::http;
use serde_json::Value;
use url::Url;

use super::super::network;
use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_oauth::http::{Http, origin};

/// How often the same is asked at most: the crate would go on for longer than
/// anybody waits.
const ATTEMPTS: usize = 4;

/// No token lives longer; the crates add this to a clock.
const LONGEST_LIFE: i64 = 366 * 24 * 60 * 60;

/// Codes of Entra ID that say that something has expired: the client secret,
/// the assertion.
const EXPIRED: [u64; 2] = [7_000_222, 700_024];

/// Our client, for one origin.
#[derive(Clone)]
pub(super) struct Carrier {
    http: Http,
    allowed: String,
    name: String,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Default)]
struct Seen {
    attempts: usize,
    status: Option<u16>,
    failure: Option<Failure>,
}

impl Carrier {
    /// One that asks this origin and no other.
    pub(super) fn to(
        url: &Url,
        name: &str,
        http: Result<Http, keyrule_oauth::http::Error>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            http: http.map_err(|error| network::failure(&error))?,
            allowed: origin(url),
            name: name.to_owned(),
            seen: Arc::default(),
        })
    }

    /// Who is asked, in words.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What was wrong with the last response, or why there was none.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.seen().failure.take()
    }

    /// The last status that was no success.
    pub(super) fn status(&self) -> Option<u16> {
        self.seen().status
    }

    /// The client itself.
    pub(super) const fn http(&self) -> &Http {
        &self.http
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the failure for who asks, and gives the crate an error that it
    /// neither retries nor prints anything in.
    fn fail(&self, failure: Failure) -> azure_core::Error {
        self.seen().failure = Some(failure);
        azure_core::Error::with_message(ErrorKind::Other, "no token")
    }

    fn refused(&self, status: u16, body: &[u8]) -> Failure {
        let codes = codes(body);
        let words = match codes.first() {
            Some(code) => format!("{} refuses (AADSTS{code})", self.name),
            None => format!("{} answers with the status {status}", self.name),
        };
        let expired = codes.iter().any(|code| EXPIRED.contains(code));
        let trouble = match network::trouble(status) {
            wit::FailureKind::Rejected if expired => wit::FailureKind::Expired,
            trouble => trouble,
        };
        Failure::new(trouble, words)
    }
}

#[async_trait]
impl HttpClient for Carrier {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        if origin(request.url()) != self.allowed {
            let words = "the variables of managed identities that the policy sets are not those of \
                         the environment";
            return Err(self.fail(Failure::new(wit::FailureKind::Invalid, words)));
        }
        let Some(request) = translated(request) else {
            let words = format!("{} cannot be asked so", self.name);
            return Err(self.fail(Failure::new(wit::FailureKind::Invalid, words)));
        };
        let response = match self.http.send(request).await {
            Ok(response) => response,
            Err(error) => return Err(self.fail(network::failure(&error))),
        };
        let status = response.status().as_u16();
        let body = response.into_body();
        if (200..300).contains(&status) {
            if lives_too_long(&body) {
                let words = format!("{} answers with a lifetime that none can have", self.name);
                return Err(self.fail(Failure::new(wit::FailureKind::MalformedAnswer, words)));
            }
            self.seen().failure = None;
            return Ok(response_of(status, body));
        }
        let failure = self.refused(status, &body);
        let last = {
            let mut seen = self.seen();
            seen.attempts += 1;
            seen.status = Some(status);
            seen.attempts >= ATTEMPTS
        };
        if last {
            return Err(self.fail(failure));
        }
        self.seen().failure = Some(failure);
        Ok(response_of(status, body))
    }
}

/// Prints no URL and no answer.
impl std::fmt::Debug for Carrier {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Carrier")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

fn response_of(status: u16, body: Vec<u8>) -> AsyncRawResponse {
    AsyncRawResponse::from_bytes(status.into(), Headers::new(), body)
}

fn translated(request: &Request) -> Option<oauth2::HttpRequest> {
    let Body::Bytes(body) = request.body() else {
        return None;
    };
    let mut built = http::Request::builder()
        .method(request.method().as_str())
        .uri(request.url().as_str());
    for (name, value) in request.headers().iter() {
        built = built.header(name.as_str(), value.as_str());
    }
    built.body(body.to_vec()).ok()
}

/// The numbers of Entra ID's errors. Its descriptions repeat what was sent.
fn codes(body: &[u8]) -> Vec<u64> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let codes = answer.get("error_codes").and_then(Value::as_array);
    let codes = codes.into_iter().flatten();
    codes.filter_map(Value::as_u64).collect()
}

fn lives_too_long(body: &[u8]) -> bool {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    match answer.get("expires_in") {
        Some(Value::Number(number)) => number
            .as_i64()
            .is_none_or(|seconds| !(0..=LONGEST_LIFE).contains(&seconds)),
        _ => false,
    }
}
