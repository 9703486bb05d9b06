//! The proxy between this machine and others. What goes in are the variables
//! that name one; what comes out is which requests go through it. Requests to
//! this machine never do, and neither does plain HTTP, which is for this
//! machine alone: so `http_proxy` has no meaning here.

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::{ClientBuilder, NoProxy, Proxy};
use url::Url;

use super::Error;
use keyrule_system::environment::Ambient;

/// The proxy, and what goes past it.
pub(super) struct Proxies {
    proxy: Option<Url>,
    past: String,
    /// The same rule that reqwest follows, in the same code, to say in errors
    /// whose fault it is.
    matcher: Matcher,
}

/// The first that is set counts.
const VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

impl Proxies {
    /// As the variables of this world want it.
    pub(super) fn of(ambient: &Ambient) -> Result<Self, Error> {
        let named = VARIABLES
            .into_iter()
            .find_map(|name| Some((name, super::set(ambient, name)?)));
        let proxy = match named {
            Some((name, value)) => Some(parse(name, value.to_str())?),
            None => None,
        };
        let past = ["NO_PROXY", "no_proxy"]
            .into_iter()
            .find_map(|name| super::set(ambient, name));
        let past = past.map(std::ffi::OsStr::to_string_lossy);
        let past = past_list(&past.unwrap_or_default());
        let mut matcher = Matcher::builder().no(past.as_str());
        if let Some(proxy) = &proxy {
            matcher = matcher.https(proxy.as_str());
        }
        Ok(Self {
            proxy,
            past,
            matcher: matcher.build(),
        })
    }

    /// No proxy, whatever variables say.
    pub(super) fn none() -> Self {
        Self {
            proxy: None,
            past: String::new(),
            matcher: Matcher::builder().build(),
        }
    }

    /// Lets the client go through the proxy.
    pub(super) fn used_by(&self, builder: ClientBuilder) -> ClientBuilder {
        let proxy = self.proxy.clone().and_then(|url| Proxy::https(url).ok());
        match proxy {
            Some(proxy) => builder.proxy(proxy.no_proxy(NoProxy::from_string(&self.past))),
            None => builder,
        }
    }

    /// The origin of the proxy that a request goes through, if it does.
    pub(super) fn between(&self, target: &Url) -> Option<String> {
        let target = target.as_str().parse().ok()?;
        self.matcher.intercept(&target)?;
        self.proxy.as_ref().map(super::origin)
    }
}

/// Never says what the variable holds: that can be a password.
fn parse(name: &str, value: Option<&str>) -> Result<Url, Error> {
    let fault = |fault: &str| Err(Error::Setup(format!("`{name}` {fault}")));
    let Some(value) = value.map(str::trim) else {
        return fault("is not UTF-8");
    };
    // As everywhere, `proxy.example:3128` is an HTTP proxy.
    let url = match value.contains("://") {
        true => Url::parse(value),
        false => Url::parse(&format!("http://{value}")),
    };
    match url {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => fault(
            "names a proxy of a kind that is not supported: give an `http://` or `https://` one in `HTTPS_PROXY`",
        ),
        Ok(url) if url.has_host() => Ok(url),
        _ => fault("is not the URL of a proxy, such as `http://proxy.example:3128`"),
    }
}

/// The list in the form that the matcher knows: entries between commas, a
/// domain for itself and all below it. Some programs want white space or
/// `*.example.com`.
fn past_list(text: &str) -> String {
    let mut list = LOOPBACK.to_owned();
    for entry in text.split(|character: char| character == ',' || character.is_whitespace()) {
        let entry = entry
            .strip_prefix('*')
            .filter(|rest| !rest.is_empty())
            .unwrap_or(entry);
        let entry = entry.trim_start_matches('[').trim_end_matches(']');
        if !entry.is_empty() {
            list.push(',');
            list.push_str(entry);
        }
    }
    list
}
