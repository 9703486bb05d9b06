//! The one HTTP client: whatever leaves over the network leaves here. What
//! goes in is a request; what comes out is a response of a bounded size, or
//! why there is none. It is made only by what needs the network, and knows
//! neither issuers nor credentials.

use std::sync::Arc;
use std::time::Duration;

use oauth2::{HttpRequest, HttpResponse};
use reqwest::header::{AUTHORIZATION, LOCATION};
use reqwest::{Method, Request, Response};
use url::Url;
use zeroize::Zeroizing;

use keyrule_system::environment::Ambient;
pub use metadata::is_metadata;
use proxy::Proxies;

mod failure;
mod metadata;
mod names;
mod proxy;
mod tls;

#[cfg(any(test, feature = "samples"))]
pub mod fake;
#[cfg(test)]
mod tests;

/// No issuer has so much to say.
const MAX_BODY: usize = 1024 * 1024;

/// How often metadata may have moved.
const MAX_REDIRECTS: usize = 3;

const CONNECT: Duration = Duration::from_secs(10);

/// How long a metadata service may take to accept a connection: it is on this
/// machine, or it is not there.
const CONNECT_METADATA: Duration = Duration::from_secs(1);

/// The client. It keeps no connection, so that it can be used from one
/// runtime after the other, and a request is never written to a connection
/// that the other side is about to close: nobody could say whether it had
/// taken the refresh token.
#[derive(Clone)]
pub struct Http {
    client: reqwest::Client,
    proxies: Arc<Proxies>,
    limit: Duration,
    /// Whether there is any certificate authority to believe.
    rootless: bool,
    /// Who may be asked.
    reach: Reach,
}

/// Who a client may ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Everybody over TLS, and this machine without.
    Secure,
    /// The metadata services and this machine, both without TLS.
    Metadata,
    /// Those, and what has an address of the link alone.
    Link,
}

/// Why there is no response. Nothing in it is a token, a path, a query, a
/// header or a body.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The client cannot be made: a file or a variable is not as it must be.
    #[error("{0}")]
    Setup(String),
    /// The request would have gone over plain HTTP to another machine.
    #[error("`{origin}` would be asked without TLS, which only this machine itself may be")]
    Insecure {
        /// Scheme, host and port.
        origin: String,
    },
    /// Nobody answers, or not in time: it may still come right.
    #[error("`{origin}` {why}")]
    Unreachable {
        /// Scheme, host and port.
        origin: String,
        /// Why, as a predicate.
        why: String,
    },
    /// Somebody answers with what is not taken: a redirect that is not
    /// followed, too much, or what is not HTTP. Asking again changes nothing.
    #[error("`{origin}` {why}")]
    NotTaken {
        /// Scheme, host and port.
        origin: String,
        /// Why, as a predicate.
        why: String,
    },
    /// Somebody answers, and there is no believing who it is, or they do not
    /// believe us.
    #[error("`{origin}` {why}")]
    Untrusted {
        /// Scheme, host and port.
        origin: String,
        /// Why, as a predicate.
        why: String,
        /// The next thing to do.
        hint: &'static str,
    },
}

impl Error {
    /// The next thing to do, where there is one.
    pub const fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Untrusted { hint, .. } => Some(hint),
            Self::Setup(_)
            | Self::Insecure { .. }
            | Self::Unreachable { .. }
            | Self::NotTaken { .. } => None,
        }
    }
}

impl Http {
    /// The client, as the variables of this world want it: `HTTPS_PROXY`,
    /// `ALL_PROXY`, `NO_PROXY`, `KEYRULE_CA_FILE`,
    /// `KEYRULE_CLIENT_CERTIFICATE`, `KEYRULE_CLIENT_KEY`,
    /// `KEYRULE_HTTP_TIMEOUT`. This reads the certificates of the system and
    /// opens no socket.
    pub fn of(ambient: &Ambient) -> Result<Self, Error> {
        let proxies = Proxies::of(ambient)?;
        let tls = tls::of(ambient)?;
        Self::with(Reach::Secure, limit(ambient)?, proxies, tls)
    }

    /// A client for the metadata services of clouds (see
    /// [`is_metadata`]) and for what stands in for one on this machine: the
    /// only ones that may be asked over plain HTTP, and the only ones that
    /// this client asks. No proxy is between, a connection is waited for one
    /// second and an answer for no longer than `longest`, and no certificate
    /// is read.
    pub fn for_metadata(ambient: &Ambient, longest: Duration) -> Result<Self, Error> {
        let limit = limit(ambient)?.min(longest);
        Self::with(Reach::Metadata, limit, Proxies::none(), tls::none()?)
    }

    /// The same client, for an endpoint that hands out tokens to this machine
    /// and whose address it was given in a variable, as Azure's App Service
    /// does: it may have any address that no router passes on (RFC 3927), and
    /// any port.
    pub fn for_link(ambient: &Ambient, longest: Duration) -> Result<Self, Error> {
        let client = Self::for_metadata(ambient, longest)?;
        Ok(Self {
            reach: Reach::Link,
            ..client
        })
    }

    fn with(reach: Reach, limit: Duration, proxies: Proxies, tls: tls::Tls) -> Result<Self, Error> {
        let connect = match reach {
            Reach::Secure => CONNECT,
            Reach::Metadata | Reach::Link => CONNECT_METADATA,
        };
        let builder = reqwest::Client::builder()
            // First, so that reqwest reads no variable of the process.
            .no_proxy()
            .tls_backend_preconfigured(tls.config)
            .dns_resolver(names::Names)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .http1_only()
            .http1_max_headers(100)
            .connect_timeout(connect.min(limit))
            .pool_max_idle_per_host(0)
            .user_agent(concat!("keyrule/", env!("CARGO_PKG_VERSION")));
        let client = proxies
            .used_by(builder)
            .build()
            .map_err(|_| Error::Setup("the HTTP client cannot be made".to_owned()))?;
        Ok(Self {
            client,
            proxies: Arc::new(proxies),
            limit,
            rootless: tls.rootless,
            reach,
        })
    }

    /// Sends one request and reads the whole response, whatever its status.
    ///
    /// Only a GET without credentials follows a redirect, and only to the
    /// same origin; only a GET is sent again, once, where the connection
    /// broke. The body can hold tokens: it is wiped where this function lets
    /// go of it, but what is returned is the caller's to wipe, and what hyper
    /// and rustls had in their buffers is not.
    pub async fn send(&self, request: HttpRequest) -> Result<HttpResponse, Error> {
        let request = Request::try_from(request)
            .map_err(|_| Error::Setup("a URL that was to be asked is not one".to_owned()))?;
        let origin = origin(request.url());
        if !self.reach.includes(request.url()) {
            return Err(Error::Insecure { origin });
        }
        match tokio::time::timeout(self.limit, self.follow(&origin, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(unreachable(
                &origin,
                format!("has not answered within {} s", self.limit.as_secs()),
            )),
        }
    }

    async fn follow(&self, origin: &str, mut request: Request) -> Result<HttpResponse, Error> {
        for _ in 0..=MAX_REDIRECTS {
            let next = request.try_clone();
            let response = self.once(origin, request).await?;
            let (Some(target), Some(mut next)) = (redirect(&response), next) else {
                return self.read(origin, response).await;
            };
            let Some(target) = target else {
                return Err(not_taken(origin, "redirects to what is not a URL"));
            };
            if next.method() != Method::GET || next.headers().contains_key(AUTHORIZATION) {
                return Err(not_taken(
                    origin,
                    "redirects a request that carries a credential, which is not followed",
                ));
            }
            if target.origin() != next.url().origin() || has_user(&target) {
                let other = self::origin(&target);
                return Err(not_taken(
                    origin,
                    format!("redirects to `{other}`, and only the same origin is followed"),
                ));
            }
            *next.url_mut() = target;
            request = next;
        }
        Err(not_taken(
            origin,
            format!("redirects more than {MAX_REDIRECTS} times"),
        ))
    }

    /// Sends it, and where the connection broke, sends a GET once more: it
    /// changes nothing at the other side.
    async fn once(&self, origin: &str, request: Request) -> Result<Response, Error> {
        let proxy = self.proxies.between(request.url());
        let again = request
            .try_clone()
            .filter(|request| request.method() == Method::GET);
        let told =
            |error: &reqwest::Error| failure::told(origin, proxy.as_deref(), self.rootless, error);
        match (self.client.execute(request).await, again) {
            (Ok(response), _) => Ok(response),
            (Err(error), Some(request)) if failure::is_passing(&error) => {
                let response = self.client.execute(request).await;
                response.map_err(|error| told(&error))
            }
            (Err(error), _) => Err(told(&error)),
        }
    }

    async fn read(&self, origin: &str, mut response: Response) -> Result<HttpResponse, Error> {
        let too_much = || not_taken(origin, "answers with more than 1 MiB");
        let announced = response.content_length().unwrap_or_default();
        let announced = usize::try_from(announced).map_err(|_| too_much())?;
        if announced > MAX_BODY {
            return Err(too_much());
        }
        let mut body = Zeroizing::new(Vec::with_capacity(announced));
        loop {
            let chunk = response.chunk().await;
            let chunk = chunk.map_err(|error| match error.is_timeout() {
                true => unreachable(origin, "stops in the middle of its answer"),
                false => unreachable(
                    origin,
                    "closes the connection in the middle of its answer, or garbles it",
                ),
            })?;
            let Some(chunk) = chunk else { break };
            let length = body.len().saturating_add(chunk.len());
            if length > MAX_BODY {
                return Err(too_much());
            }
            if length > body.capacity() {
                // A vector that grows leaves its old bytes behind; this one
                // is wiped.
                let mut longer = Zeroizing::new(Vec::with_capacity(length.saturating_mul(2)));
                longer.extend_from_slice(&body);
                body = longer;
            }
            body.extend_from_slice(&chunk);
        }
        let mut answer = HttpResponse::new(std::mem::take(&mut *body));
        *answer.status_mut() = response.status();
        *answer.headers_mut() = std::mem::take(response.headers_mut());
        Ok(answer)
    }
}

impl Reach {
    fn includes(self, url: &Url) -> bool {
        match self {
            Self::Secure => is_secure(url),
            Self::Metadata => is_metadata(url) || (is_secure(url) && url.scheme() == "http"),
            Self::Link => Self::Metadata.includes(url) || metadata::is_link_local(url),
        }
    }
}

/// Prints nothing of proxies, whose URLs can hold a password.
impl std::fmt::Debug for Http {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Http")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Scheme, host and port, for words: no path, no query, no user.
pub fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// Whether a credential may go there: over TLS, or to this machine itself,
/// and not with a user in the URL, who would be sent along.
pub fn is_secure(url: &Url) -> bool {
    let way = match url.scheme() {
        "https" => url.has_host(),
        "http" => names::is_loopback(url),
        _ => false,
    };
    way && !has_user(url)
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Where it redirects to, if it does; none inside where that is not a URL.
fn redirect(response: &Response) -> Option<Option<Url>> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(LOCATION)?;
    let location = location.to_str().ok();
    Some(location.and_then(|location| response.url().join(location).ok()))
}

/// How long a request may take in all.
fn limit(ambient: &Ambient) -> Result<Duration, Error> {
    const NAME: &str = "KEYRULE_HTTP_TIMEOUT";
    let Some(value) = set(ambient, NAME) else {
        return Ok(Duration::from_secs(30));
    };
    let seconds = value
        .to_str()
        .and_then(|value| value.trim().parse::<u64>().ok());
    match seconds {
        Some(seconds @ 1..=3600) => Ok(Duration::from_secs(seconds)),
        _ => Err(Error::Setup(format!(
            "`{NAME}` is not a whole number of seconds from 1 to 3600"
        ))),
    }
}

/// A variable that is set to something: an empty one is how a shell unsets.
fn set<'a>(ambient: &'a Ambient, name: &str) -> Option<&'a std::ffi::OsStr> {
    let value = ambient.variable(name)?;
    let blank = value.as_encoded_bytes().iter().all(u8::is_ascii_whitespace);
    (!blank).then_some(value)
}

fn unreachable(origin: &str, why: impl Into<String>) -> Error {
    Error::Unreachable {
        origin: origin.to_owned(),
        why: why.into(),
    }
}

fn not_taken(origin: &str, why: impl Into<String>) -> Error {
    Error::NotTaken {
        origin: origin.to_owned(),
        why: why.into(),
    }
}
