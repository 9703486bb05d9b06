//! What the provider's crates send, over our own client. What goes in is a
//! request of theirs; what comes out is the response, and a note of how the
//! last exchange went, because their errors say it in types that are theirs
//! alone. The client is made when something is sent, not before: it reads the
//! certificates of the system.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use oauth2::http;
use url::Url;

use keyrule_oauth::http::{Error, Http};
use keyrule_system::environment::Ambient;

/// How long the metadata service may take to answer.
const METADATA: Duration = Duration::from_secs(2);

/// No code of an error is longer.
const LONGEST_CODE: usize = 64;

/// Our client, in the form that the provider's crates know.
#[derive(Debug, Clone)]
pub(super) struct Client {
    world: Arc<Ambient>,
    secure: Slot,
    metadata: Slot,
    last: Arc<Mutex<Option<Exchange>>>,
}

type Slot = Arc<Mutex<Option<Http>>>;

/// How one exchange went.
#[derive(Debug)]
pub(super) struct Exchange {
    /// Scheme, host and port.
    pub origin: String,
    /// The status, or why there is none.
    pub outcome: Result<Answer, Error>,
}

/// What is said of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// The status.
    pub status: u16,
    /// The code of the error, where there is one.
    pub code: Option<String>,
    /// The server's time less ours, in seconds.
    pub ahead: Option<i64>,
}

impl Client {
    /// A client for this world, which has sent nothing.
    pub(super) fn of(world: &Ambient) -> Self {
        Self {
            world: Arc::new(world.clone()),
            secure: Slot::default(),
            metadata: Slot::default(),
            last: Arc::default(),
        }
    }

    /// How the last exchange went.
    pub(super) fn last(&self) -> Option<Exchange> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.take()
    }

    /// The client for the URL, made now if it is the first.
    fn http(&self, url: &Url) -> Result<Http, Error> {
        let is_metadata = keyrule_oauth::http::is_metadata(url);
        let slot = match is_metadata {
            true => &self.metadata,
            false => &self.secure,
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(http) = &*slot {
            return Ok(http.clone());
        }
        let http = match is_metadata {
            true => Http::for_metadata(&self.world, METADATA)?,
            false => Http::of(&self.world)?,
        };
        *slot = Some(http.clone());
        Ok(http)
    }

    async fn send(self, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let user = |words: &'static str| ConnectorError::user(words.into());
        let url = Url::parse(request.uri()).map_err(|_| user("not a URL"))?;
        let request = request
            .try_into_http1x()
            .map_err(|_| user("not a request"))?;
        let (parts, body) = request.into_parts();
        let body = body.bytes().map(<[u8]>::to_vec);
        let body = body.ok_or_else(|| user("a body that is not in memory"))?;
        let request = http::Request::from_parts(parts, body);

        let answer = match self.http(&url) {
            Ok(http) => http.send(request).await,
            Err(error) => Err(error),
        };
        let (noted, answer) = match answer {
            Ok(answer) => (Ok(seen(&answer)), Ok(answer)),
            // Nothing is sent again because of it: what is sent again is
            // decided by our client, and a metadata service that does not
            // answer is not there.
            Err(error) => (Err(error), Err(user("no answer"))),
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = Some(Exchange {
            origin: keyrule_oauth::http::origin(&url),
            outcome: noted,
        });
        drop(last);
        let answer = answer?.map(SdkBody::from);
        answer.try_into().map_err(|_| user("not a response"))
    }
}

impl HttpConnector for Client {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.clone().send(request))
    }
}

impl HttpClient for Client {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

fn seen(answer: &http::Response<Vec<u8>>) -> Answer {
    let header = |name: &str| answer.headers().get(name)?.to_str().ok();
    let status = answer.status().as_u16();
    let code = (status >= 400).then(|| {
        let named = header("x-amzn-errortype");
        let body = std::str::from_utf8(answer.body()).unwrap_or_default();
        named.and_then(word).or_else(|| code_in(body))
    });
    let ahead = header("date")
        .and_then(|date| httpdate::parse_http_date(date).ok())
        .and_then(|theirs| seconds_between(theirs, SystemTime::now()));
    Answer {
        status,
        code: code.flatten(),
        ahead,
    }
}

/// The code of an error in a body: `<Code>` of STS, `__type` or `code` of the
/// others. Nothing else of the body is looked at.
fn code_in(body: &str) -> Option<String> {
    if let Some((_, rest)) = body.split_once("<Code>") {
        return word(rest.split_once('<')?.0);
    }
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    ["__type", "code", "error"]
        .iter()
        .find_map(|name| word(body.get(name)?.as_str()?))
}

/// The name of an error, without its namespace before and its link behind.
fn word(text: &str) -> Option<String> {
    let text = text.split(':').next()?.rsplit('#').next()?.trim();
    let is_word = !text.is_empty()
        && text.len() <= LONGEST_CODE
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
    is_word.then(|| text.to_owned())
}

fn seconds_between(theirs: SystemTime, ours: SystemTime) -> Option<i64> {
    let seconds = |gap: Duration| i64::try_from(gap.as_secs()).ok();
    match theirs.duration_since(ours) {
        Ok(gap) => seconds(gap),
        Err(error) => seconds(error.duration()).map(std::ops::Neg::neg),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_of_an_error_is_a_word_or_none() {
        let xml = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>s3cr3t</Message>";
        assert_eq!(code_in(xml).as_deref(), Some("AccessDenied"));
        let json = r#"{"__type":"com.amazonaws.sso#UnauthorizedException","message":"s3cr3t"}"#;
        assert_eq!(code_in(json).as_deref(), Some("UnauthorizedException"));
        assert_eq!(code_in("<Code>s3cr3t words</Code>"), None);
        assert_eq!(code_in("s3cr3t"), None);
        assert_eq!(
            word("UnauthorizedException:http://x/").as_deref(),
            Some("UnauthorizedException")
        );
    }
}
