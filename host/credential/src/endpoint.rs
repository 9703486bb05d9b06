//! Where a source's credential would be sent. What goes in is the source's
//! contract and the variables; what comes out is an origin for the policy to
//! judge, and the whole URL for whoever is handed the credential. Whether the
//! origin is allowed is not decided here.
//!
//! The whole URL is passed on as it was typed, to programs with URL parsers
//! of their own, so a URL that two parsers can read in two ways is malformed:
//! otherwise the policy would judge one host and the tool would send to
//! another.

use std::fmt;
use std::net::Ipv6Addr;

use url::Url;

use keyrule_contract as wit;
use keyrule_system::environment::Ambient;

/// Where a credential would be sent.
pub struct Seen {
    /// What the policy judges.
    pub destination: wit::Destination,
    /// The whole URL as it was typed, where it came from the variable.
    pub url: Option<String>,
    /// Why it is malformed, where it is. Names the variable, never its value.
    pub detail: Option<String>,
}

/// Prints no URL: a path or a query can hold a secret.
impl fmt::Debug for Seen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Seen")
            .field("destination", &self.destination)
            .field("detail", &self.detail)
            .finish_non_exhaustive()
    }
}

/// Reads the variable of the source's endpoint, if it follows one. An unset
/// or blank variable says nothing.
pub fn seen(source: &wit::Source, ambient: &Ambient) -> Seen {
    let Some(variable) = source
        .endpoint
        .as_ref()
        .and_then(|endpoint| endpoint.variable.as_deref())
    else {
        return Seen::default_destination();
    };
    let Some(value) = ambient.variable(variable) else {
        return Seen::default_destination();
    };
    let Some(value) = value.to_str() else {
        return Seen::malformed(variable, "is not UTF-8");
    };
    if value.bytes().all(|byte| byte.is_ascii_whitespace()) {
        return Seen::default_destination();
    }
    match origin(value) {
        Ok(origin) => Seen {
            destination: wit::Destination::Origin(origin),
            url: Some(value.to_owned()),
            detail: None,
        },
        Err(fault) => Seen::malformed(variable, fault),
    }
}

/// The origin that a source of this destination is sent to: what a question
/// about it names, and what a consent to it is bound to. A source's default
/// is named too, so that a policy with another default asks again. None where
/// the source is sent nowhere in particular, or the variable is malformed.
pub fn origin_of(source: &wit::Source, destination: &wit::Destination) -> Option<String> {
    match destination {
        wit::Destination::Default => origin(&source.endpoint.as_ref()?.default).ok(),
        wit::Destination::Origin(origin) => Some(origin.clone()),
        wit::Destination::Malformed => None,
    }
}

impl Seen {
    const fn default_destination() -> Self {
        Self {
            destination: wit::Destination::Default,
            url: None,
            detail: None,
        }
    }

    fn malformed(variable: &str, fault: &str) -> Self {
        Self {
            destination: wit::Destination::Malformed,
            url: None,
            detail: Some(format!("`{variable}` {fault}")),
        }
    }
}

/// Reduces a URL to scheme, host and port (RFC 6454, section 6.2), or says
/// what is wrong with it without quoting any of it.
pub fn origin(text: &str) -> Result<String, &'static str> {
    if text.chars().any(char::is_control) {
        return Err("holds a control character");
    }
    if text.chars().any(char::is_whitespace) {
        return Err("holds white space");
    }
    // WHATWG parsers take a backslash for a slash, RFC 3986 parsers for a
    // character of the user name, so they would disagree about the host.
    if text.contains('\\') {
        return Err("holds a backslash");
    }
    let Some((scheme, rest)) = text.split_once("://") else {
        return Err("holds no scheme such as `https://`");
    };
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err("holds a scheme other than `https` and `http`");
    }
    let authority = rest
        .split_once(['/', '?', '#'])
        .map_or(rest, |(authority, _)| authority);
    if authority.contains('@') {
        return Err("holds a user name");
    }
    let typed = without_port(authority);
    if typed.is_empty() {
        return Err("holds no host");
    }
    if !typed.is_ascii() {
        return Err("holds a host that is not ASCII (write it in its `xn--` form)");
    }
    let url = Url::parse(text).map_err(|error| match error {
        url::ParseError::InvalidPort => "holds a port that is not a number up to 65535",
        _ => "holds a host that is not a host name or an address",
    })?;
    let Some(host) = url.host_str() else {
        return Err("holds no host");
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    let named = host.split('.').all(|label| !label.is_empty()) && host.bytes().all(plain);
    if !named && !host.starts_with('[') {
        return Err("holds a host with a character that no host name has");
    }
    if !same_host(typed, host) {
        return Err("holds a host in a form that programs read differently");
    }
    let scheme = url.scheme();
    Ok(url.port().map_or_else(
        || format!("{scheme}://{host}"),
        |port| format!("{scheme}://{host}:{port}"),
    ))
}

/// Drops the port from an authority without a user name.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// Whether the host as it was typed is the host as it was parsed. Numbers
/// such as `0x7f.1` and escapes such as `%61` become something else in some
/// parsers and not in others.
fn same_host(typed: &str, parsed: &str) -> bool {
    match (address(typed), address(parsed)) {
        (Some(typed), Some(parsed)) => typed == parsed,
        _ => typed.eq_ignore_ascii_case(parsed),
    }
}

fn address(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_contract::samples;

    fn look(value: &str) -> (wit::Destination, Option<String>, Option<String>) {
        let source = samples::source(wit::Kind::Supplied);
        let ambient = Ambient::empty().with_variable("BASE_URL", value);
        let Seen {
            destination,
            url,
            detail,
        } = seen(&source, &ambient);
        (destination, url, detail)
    }

    fn malformed(fault: &str) -> (wit::Destination, Option<String>, Option<String>) {
        (
            wit::Destination::Malformed,
            None,
            Some(format!("`BASE_URL` {fault}")),
        )
    }

    #[test]
    fn an_unset_or_blank_variable_says_nothing() {
        let source = samples::source(wit::Kind::Supplied);
        let unset = seen(&source, &Ambient::empty());
        assert_eq!(unset.destination, wit::Destination::Default);
        assert_eq!(unset.url, None);
        assert_eq!(look(""), (wit::Destination::Default, None, None));
        assert_eq!(look(" \t"), (wit::Destination::Default, None, None));
    }

    #[test]
    fn a_source_without_an_endpoint_has_its_default() {
        let mut source = samples::source(wit::Kind::Supplied);
        source.endpoint = None;
        let ambient = Ambient::empty().with_variable("BASE_URL", "https://elsewhere.test");
        assert_eq!(
            seen(&source, &ambient).destination,
            wit::Destination::Default
        );
    }

    #[test]
    fn a_url_is_reduced_to_its_origin_and_kept_as_typed() {
        for (typed, origin) in [
            ("https://gw.test", "https://gw.test"),
            ("https://gw.test/v1/x?y=z#f", "https://gw.test"),
            ("HTTPS://GW.Test:443/", "https://gw.test"),
            ("http://gw.test:80", "http://gw.test"),
            ("http://gw.test:443", "http://gw.test:443"),
            ("https://gw.test:8443/a", "https://gw.test:8443"),
            ("http://127.0.0.1:9999", "http://127.0.0.1:9999"),
            ("http://[::1]:8080/p", "http://[::1]:8080"),
            ("http://[0:0:0:0:0:0:0:1]/", "http://[::1]"),
            ("https://gw.test?to=a@b", "https://gw.test"),
        ] {
            assert_eq!(
                look(typed),
                (
                    wit::Destination::Origin(origin.to_owned()),
                    Some(typed.to_owned()),
                    None
                ),
                "{typed}"
            );
        }
    }

    #[test]
    fn what_is_no_url_of_an_origin_is_malformed() {
        for (typed, fault) in [
            ("gw.test", "holds no scheme such as `https://`"),
            ("https:gw.test", "holds no scheme such as `https://`"),
            (
                "ftp://gw.test",
                "holds a scheme other than `https` and `http`",
            ),
            (
                "file:///etc/passwd",
                "holds a scheme other than `https` and `http`",
            ),
            ("https:///gw.test", "holds no host"),
            ("https://", "holds no host"),
            ("https://:80", "holds no host"),
            ("https://user@gw.test", "holds a user name"),
            ("https://user:word@gw.test/", "holds a user name"),
            ("https://@gw.test/", "holds a user name"),
            (
                "https://gw.test:99999",
                "holds a port that is not a number up to 65535",
            ),
            (
                "https://gw.test:x",
                "holds a port that is not a number up to 65535",
            ),
            (
                "https://[::1",
                "holds a host that is not a host name or an address",
            ),
            ("https://gw.test\n", "holds a control character"),
            ("https://gw\t.test", "holds a control character"),
            (" https://gw.test", "holds white space"),
            ("https://gw.test/a b", "holds white space"),
        ] {
            assert_eq!(look(typed), malformed(fault), "{typed}");
        }
    }

    #[test]
    fn a_host_that_parsers_read_differently_is_malformed() {
        assert_eq!(
            look(r"https://gw.test\@elsewhere.test"),
            malformed("holds a backslash")
        );
        for typed in ["https://ex%61mple.test", "https://0x7f.1", "http://127.1"] {
            assert_eq!(
                look(typed),
                malformed("holds a host in a form that programs read differently"),
                "{typed}"
            );
        }
        assert_eq!(
            look("https://b\u{fc}cher.test"),
            malformed("holds a host that is not ASCII (write it in its `xn--` form)")
        );
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_utf_8_is_malformed() {
        use std::os::unix::ffi::OsStrExt;

        let source = samples::source(wit::Kind::Supplied);
        let value = std::ffi::OsStr::from_bytes(b"https://gw\xff.test");
        let ambient = Ambient::empty().with_variable("BASE_URL", value);
        let seen = seen(&source, &ambient);
        assert_eq!(seen.destination, wit::Destination::Malformed);
        assert_eq!(seen.detail.as_deref(), Some("`BASE_URL` is not UTF-8"));
    }

    #[test]
    fn a_default_is_named_by_its_origin_too() {
        let mut source = samples::source(wit::Kind::Supplied);
        let default = origin_of(&source, &wit::Destination::Default);
        assert_eq!(default.as_deref(), Some("https://api.test"));
        let moved = wit::Destination::Origin("https://gw.test".to_owned());
        assert_eq!(
            origin_of(&source, &moved).as_deref(),
            Some("https://gw.test")
        );
        assert_eq!(origin_of(&source, &wit::Destination::Malformed), None);
        source.endpoint = None;
        assert_eq!(origin_of(&source, &wit::Destination::Default), None);
    }

    #[test]
    fn debug_prints_no_url() {
        let source = samples::source(wit::Kind::Supplied);
        let ambient =
            Ambient::empty().with_variable("BASE_URL", "https://gw.test/s3cr3t-canary-path");
        let printed = format!("{:?}", seen(&source, &ambient));
        assert!(!printed.contains("s3cr3t"), "{printed}");
    }
}
