//! Origins (scheme, host, port; RFC 6454) and the patterns that allow them.

/// What an origin may look like: `https://host`, `https://host:8443`,
/// `https://*.example.com`, `http://127.0.0.1:*`, `https://*:*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pattern {
    scheme: Scheme,
    host: Host,
    port: Port,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Http,
    Https,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Host {
    /// `*`: every host.
    Any,
    /// `*.example.com`: every host below it, not the name itself.
    Below(String),
    /// Exactly this one, in lower case; an IPv6 address in brackets.
    Exactly(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Port {
    Any,
    Exactly(u16),
}

/// Why a text is not an origin or a pattern of one, and what to write.
pub(crate) type Fault = &'static str;

impl Pattern {
    pub(crate) fn parse(text: &str) -> Result<Self, Fault> {
        let (scheme, host, port) = split(text)?;
        let host = match host {
            "*" => Host::Any,
            other => match other.strip_prefix("*.") {
                Some(below) if below.starts_with('[') => {
                    return Err("nothing is below an address");
                }
                Some(below) => Host::Below(checked_host(below)?),
                None => Host::Exactly(checked_host(other)?),
            },
        };
        let port = match port {
            Some("*") => Port::Any,
            other => Port::Exactly(checked_port(scheme, other)?),
        };
        // Without TLS anybody on the way reads the credential.
        let loopback = matches!(&host, Host::Exactly(name) if is_loopback(name));
        if scheme == Scheme::Http && !loopback {
            return Err("plain `http` is for loopback hosts alone: write `https`");
        }
        Ok(Self { scheme, host, port })
    }

    /// The one origin that matches, where only one does.
    pub(crate) fn single(&self) -> Option<String> {
        let (Host::Exactly(host), Port::Exactly(port)) = (&self.host, self.port) else {
            return None;
        };
        Some(written(self.scheme, host, port))
    }

    /// Whether hosts match that are not named.
    pub(crate) fn is_for_any_host(&self) -> bool {
        self.host == Host::Any
    }

    /// Whether everything that the other matches, this one matches.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let host = match (&self.host, &other.host) {
            (Host::Any, _) => true,
            (Host::Below(parent), Host::Below(name) | Host::Exactly(name)) => {
                let below = name
                    .strip_suffix(parent.as_str())
                    .is_some_and(|rest| rest.ends_with('.') && rest.len() > 1);
                below || self.host == other.host
            }
            (Host::Below(_) | Host::Exactly(_), Host::Any) | (Host::Exactly(_), Host::Below(_)) => {
                false
            }
            (Host::Exactly(name), Host::Exactly(other)) => name == other,
        };
        let port = self.port == Port::Any || self.port == other.port;
        self.scheme == other.scheme && host && port
    }

    /// Whether an origin, in normal form, matches.
    pub(crate) fn matches(&self, origin: &str) -> bool {
        let Ok((scheme, host, port)) = split(origin) else {
            return false;
        };
        let Ok(port) = checked_port(scheme, port) else {
            return false;
        };
        let host = host.to_ascii_lowercase();
        let host_matches = match &self.host {
            Host::Any => true,
            Host::Below(parent) => host
                .strip_suffix(parent.as_str())
                .and_then(|rest| rest.strip_suffix('.'))
                .is_some_and(|label| !label.is_empty()),
            Host::Exactly(name) => host == *name,
        };
        let port_matches = match self.port {
            Port::Any => true,
            Port::Exactly(wanted) => port == wanted,
        };
        scheme == self.scheme && host_matches && port_matches
    }
}

/// Origins that tell patterns apart: whatever any other origin matches, one of
/// these matches too, and nothing else.
///
/// Two hosts below the same names match the same; so do two that no pattern
/// names, and two ports that none names.
pub(crate) fn telling_apart(patterns: &[&Pattern]) -> Vec<String> {
    let named = |name: &str| {
        patterns
            .iter()
            .any(|pattern| matches!(&pattern.host, Host::Exactly(other) if other == name))
    };
    // A host below another one that is none of those named.
    let below = |parent: &str| {
        let mut label = "any".to_owned();
        while named(&format!("{label}.{parent}")) {
            label.push_str("-other");
        }
        format!("{label}.{parent}")
    };
    // A domain that no pattern speaks of (RFC 6761, section 6.4).
    let mut elsewhere = "invalid".to_owned();
    while patterns
        .iter()
        .any(|pattern| matches!(&pattern.host, Host::Below(parent) if *parent == elsewhere))
    {
        elsewhere.push_str("-other");
    }
    let mut hosts: Vec<String> = vec![below(&elsewhere)];
    let mut ports: Vec<u16> = Vec::new();
    for pattern in patterns {
        hosts.push(match &pattern.host {
            Host::Any => continue,
            Host::Below(parent) => below(parent),
            Host::Exactly(name) => name.clone(),
        });
    }
    for pattern in patterns {
        if let Port::Exactly(port) = pattern.port {
            ports.push(port);
        }
    }
    ports.extend([80, 443]);
    // One that no pattern names; a policy names few.
    ports.extend((8000..=u16::MAX).find(|port| !ports.contains(port)));
    let unique = |list: &mut Vec<u16>| {
        list.sort_unstable();
        list.dedup();
    };
    unique(&mut ports);
    hosts.sort();
    hosts.dedup();
    let mut all = Vec::new();
    let mut seen: Vec<Vec<bool>> = Vec::new();
    // Plain `https` first: it is what people would write.
    for scheme in [Scheme::Https, Scheme::Http] {
        for host in &hosts {
            for port in &ports {
                let origin = written(scheme, host, *port);
                let matched: Vec<bool> = patterns
                    .iter()
                    .map(|pattern| pattern.matches(&origin))
                    .collect();
                if !seen.contains(&matched) {
                    seen.push(matched);
                    all.push(origin);
                }
            }
        }
    }
    all
}

/// The origin of a URL that a policy writes down: `https://host/path` gives
/// `https://host`. Ports that the scheme implies are left out.
pub(crate) fn of_url(url: &str) -> Result<String, Fault> {
    let (head, rest) = url
        .split_once("://")
        .ok_or("write a whole URL, such as `https://api.example.com`")?;
    // RFC 3986 has none of these; the last is no white space to Unicode, and is
    // to the regular expressions of the schema.
    if rest.contains(|character: char| character.is_whitespace() || character == '\u{feff}') {
        return Err("a URL has no white space in it");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("a URL in a policy carries no user name and no password");
    }
    if authority.contains('*') {
        return Err("a default endpoint is one URL, not a pattern");
    }
    let pattern = Pattern::parse(&format!("{head}://{authority}"))?;
    let (Host::Exactly(host), Port::Exactly(port)) = (&pattern.host, pattern.port) else {
        return Err("a default endpoint is one URL, not a pattern");
    };
    Ok(written(pattern.scheme, host, port))
}

/// A default endpoint with some text for each `{word}` in it: a region, a
/// project or a resource, of which each is text of `[a-z0-9-]+`.
pub(crate) fn filled(url: &str) -> String {
    let mut filled = String::new();
    let mut rest = url;
    while let Some((before, (_, after))) = rest
        .split_once('{')
        .and_then(|(before, tail)| Some((before, tail.split_once('}')?)))
    {
        filled.push_str(before);
        filled.push('x');
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// The origin of a default endpoint, with its braces where it has any: what
/// matches it matches whatever will replace them.
pub(crate) fn of_default(url: &str) -> Result<String, Fault> {
    let origin = of_url(&filled(url))?;
    if !url.contains('{') {
        return Ok(origin);
    }
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    Ok(format!("{scheme}://{authority}"))
}

/// An origin in normal form: a port that the scheme implies is left out.
fn written(scheme: Scheme, host: &str, port: u16) -> String {
    let (name, implied) = match scheme {
        Scheme::Http => ("http", 80),
        Scheme::Https => ("https", 443),
    };
    if port == implied {
        format!("{name}://{host}")
    } else {
        format!("{name}://{host}:{port}")
    }
}

fn split(text: &str) -> Result<(Scheme, &str, Option<&str>), Fault> {
    let (scheme, rest) = match text.split_once("://") {
        Some(("https", rest)) => (Scheme::Https, rest),
        Some(("http", rest)) => (Scheme::Http, rest),
        Some(_) => return Err("an origin begins with `https://`, or `http://` for loopback"),
        None => return Err("write an origin, such as `https://api.example.com`"),
    };
    if rest.contains(['/', '?', '#', '@']) {
        return Err("an origin is scheme, host and port, without a path");
    }
    // An IPv6 address has colons of its own, inside brackets.
    let colon = match rest.rfind(']') {
        Some(bracket) => rest
            .get(bracket..)
            .and_then(|tail| tail.find(':'))
            .map(|offset| bracket + offset),
        None => rest.rfind(':'),
    };
    match colon.and_then(|colon| Some((rest.get(..colon)?, rest.get(colon + 1..)?))) {
        Some((host, port)) => Ok((scheme, host, Some(port))),
        None => Ok((scheme, rest, None)),
    }
}

fn checked_host(host: &str) -> Result<String, Fault> {
    let fault = "that is not a host name or an address";
    let inside = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    let valid = match inside {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.split('.').all(|label| !label.is_empty())
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        }
    };
    if valid {
        Ok(host.to_ascii_lowercase())
    } else {
        Err(fault)
    }
}

fn checked_port(scheme: Scheme, port: Option<&str>) -> Result<u16, Fault> {
    match (port, scheme) {
        (None, Scheme::Http) => Ok(80),
        (None, Scheme::Https) => Ok(443),
        (Some(digits), _) => digits
            .parse()
            .ok()
            .filter(|port| *port != 0 && digits.bytes().all(|byte| byte.is_ascii_digit()))
            .ok_or("a port is a number from 1 to 65535, or `*`"),
    }
}

/// RFC 6761 (`localhost`), RFC 1122 section 3.2.1.3 and RFC 4291 section 2.5.3.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host == "[::1]"
        || host
            .parse::<std::net::Ipv4Addr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pattern: &str, origin: &str) -> bool {
        Pattern::parse(pattern).expect("a pattern").matches(origin)
    }

    #[test]
    fn a_port_that_is_not_written_is_the_schemes_own() {
        assert!(allows("https://a.example", "https://a.example"));
        assert!(allows("https://a.example", "https://a.example:443"));
        assert!(!allows("https://a.example", "https://a.example:8443"));
        assert!(allows("https://a.example:*", "https://a.example:8443"));
        assert!(allows("http://127.0.0.1:*", "http://127.0.0.1:80"));
    }

    #[test]
    fn a_star_stands_for_whole_labels() {
        assert!(allows("https://*.example.com", "https://a.b.example.com"));
        assert!(!allows("https://*.example.com", "https://example.com"));
        assert!(!allows("https://*.example.com", "https://evilexample.com"));
        assert!(!allows("https://*.example.com", "https://.example.com"));
        assert!(!allows(
            "https://api.example.com",
            "https://api.example.com.evil.net"
        ));
        assert!(allows("https://*:*", "https://anything.example:1234"));
        assert!(!allows("https://*:*", "http://127.0.0.1:1234"));
    }

    #[test]
    fn one_origin_is_none_that_patterns_name() {
        for texts in [
            &["https://*.invalid:*", "https://any.invalid"][..],
            &[
                "https://*.invalid:*",
                "https://*.invalid-other:*",
                "https://a.test",
            ],
        ] {
            let patterns: Vec<Pattern> = texts
                .iter()
                .map(|text| Pattern::parse(text).expect("a pattern"))
                .collect();
            let all = telling_apart(&patterns.iter().collect::<Vec<_>>());
            let matched = |origin: &String| patterns.iter().any(|pattern| pattern.matches(origin));
            assert!(!all.iter().all(matched), "{all:?}");
        }
    }

    #[test]
    fn ipv6_keeps_its_colons() {
        assert!(allows("http://[::1]:*", "http://[::1]:8080"));
        assert!(!allows("http://[::1]", "http://[::1]:8080"));
    }

    #[test]
    fn plain_http_is_for_loopback() {
        for wrong in [
            "http://*:*",
            "http://example.com",
            "http://10.0.0.1",
            "ftp://x",
            "https://",
            "https://a b",
            "https://x/path",
            "https://u@x",
            "https://x:0",
            "https://x:99999",
            "https://*.[::1]",
            "x",
        ] {
            assert!(Pattern::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_default_matches_what_matches_all_that_it_can_be() {
        let origin = of_default("https://runtime.{region}.a.example:8443/{project}");
        let origin = origin.expect("an endpoint");
        assert!(allows("https://*.a.example:*", &origin));
        assert!(allows("https://*.example:8443", &origin));
        assert!(allows("https://*:*", &origin));
        assert!(!allows("https://*.a.example", &origin));
        assert!(!allows("https://runtime.x.a.example:8443", &origin));
        assert!(!allows("https://*.x.a.example:8443", &origin));
        assert_eq!(
            of_default("https://A.example/{region}").as_deref(),
            Ok("https://A.example")
        );
        for wrong in ["{region}://a.example", "https://a.example:{region}"] {
            assert!(of_default(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_origin_of_a_url_has_no_path() {
        assert_eq!(
            of_url("https://A.example:443/v1"),
            Ok("https://a.example".into())
        );
        assert_eq!(
            of_url("http://127.0.0.1:8080"),
            Ok("http://127.0.0.1:8080".into())
        );
        assert!(of_url("https://user:pw@a.example").is_err());
        assert!(of_url("https://*.example").is_err());
        assert!(of_url("https://a.example/v1 ").is_err());
        assert!(of_url("https://a.example/v1\u{a0}x").is_err());
        assert!(of_url("https://a.example/@team/*").is_ok());
    }
}
