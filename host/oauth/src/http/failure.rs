//! Why a request has no response, in words. What goes in is an error of
//! reqwest; what comes out names the origin and the cause. The error's own
//! text is never taken, because it has the whole URL.

use std::error::Error as StdError;
use std::io;

use rustls::{AlertDescription, CertificateError};

use super::{Error, names};

const AUTHORITY: &str = "where the network has a certificate authority of its own, set `KEYRULE_CA_FILE` to its PEM file";
const NO_AUTHORITY: &str =
    "install the package `ca-certificates`, or set `KEYRULE_CA_FILE` to a PEM file of authorities";
const CLOCK: &str =
    "see whether the clock of this machine is right; else the server's owner has to renew it";
const SERVER: &str =
    "see whether the URL in the policy is right; else the server's owner has to mend it";
const IDENTITY: &str = "set `KEYRULE_CLIENT_CERTIFICATE` and `KEYRULE_CLIENT_KEY` to PEM files that the server accepts";

/// The error, for whoever made the request. `proxy` is the origin of the
/// proxy between, if there is one; `rootless` says that no authority is known.
pub(super) fn told(
    origin: &str,
    proxy: Option<&str>,
    rootless: bool,
    error: &reqwest::Error,
) -> Error {
    if let Some(error) = find::<rustls::Error>(error)
        && let Some((why, hint)) = untrusted(error, rootless)
    {
        // With TLS to both, the error does not say whose certificate it is.
        let why = match proxy.filter(|proxy| proxy.starts_with("https:")) {
            Some(proxy) => format!("or the proxy `{proxy}` {why}"),
            None => why.to_owned(),
        };
        return Error::Untrusted {
            origin: origin.to_owned(),
            why,
            hint,
        };
    }
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_parse) {
        return super::not_taken(
            origin,
            "answers with what is not HTTP, or with too many headers",
        );
    }
    // What is connected to is the proxy.
    let why = match proxy {
        Some(proxy) if error.is_connect() && find::<rustls::Error>(error).is_none() => format!(
            "cannot be reached through the proxy `{proxy}`, which {}",
            through_proxy(error)
        ),
        _ => cause(error).to_owned(),
    };
    super::unreachable(origin, why)
}

/// Whether the same request can do better at once.
pub(super) fn is_passing(error: &reqwest::Error) -> bool {
    find::<rustls::Error>(error).is_none()
        && !error.is_timeout()
        && (find::<io::Error>(error).is_some()
            || find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message))
}

fn untrusted(error: &rustls::Error, rootless: bool) -> Option<(&'static str, &'static str)> {
    use CertificateError as Certificate;
    let seen = match error {
        rustls::Error::InvalidCertificate(fault) => match fault {
            Certificate::Expired | Certificate::ExpiredContext { .. } => {
                ("has a certificate that has expired", CLOCK)
            }
            Certificate::NotValidYet | Certificate::NotValidYetContext { .. } => {
                ("has a certificate that is not valid yet", CLOCK)
            }
            Certificate::NotValidForName | Certificate::NotValidForNameContext { .. } => {
                ("has a certificate for another name", SERVER)
            }
            Certificate::Revoked => ("has a certificate that was revoked", SERVER),
            Certificate::UnknownIssuer if rootless => (
                "has a certificate, and this system knows no certificate authority",
                NO_AUTHORITY,
            ),
            // The second: another authority of the same name is known, as
            // after a network has made itself a new one.
            Certificate::UnknownIssuer | Certificate::BadSignature => {
                ("has a certificate that is not trusted", AUTHORITY)
            }
            _ => ("has a certificate that is not valid", AUTHORITY),
        },
        rustls::Error::AlertReceived(alert) => match alert {
            AlertDescription::CertificateRequired => ("wants a client certificate", IDENTITY),
            AlertDescription::BadCertificate
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateRevoked
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied => ("refuses the client certificate", IDENTITY),
            _ => return None,
        },
        _ => return None,
    };
    Some(seen)
}

fn through_proxy(error: &reqwest::Error) -> &'static str {
    // Its type is not public, and its text is fixed.
    let words = chain(error).map(ToString::to_string);
    for words in words {
        match words.as_str() {
            "tunnel error: proxy authorization required" => {
                return "wants a user and a password: put them into its URL";
            }
            "tunnel error: unsuccessful" => return "refuses to connect to it",
            "tunnel error: proxy response headers too long"
            | "tunnel error: unexpected end of file" => return "does not answer as a proxy",
            _ => {}
        }
    }
    cause(error)
}

fn cause(error: &reqwest::Error) -> &'static str {
    if find::<names::Unknown>(error).is_some() {
        return "has a name that cannot be resolved";
    }
    if error.is_timeout() {
        return "does not accept a connection in time";
    }
    match find::<rustls::Error>(error) {
        Some(rustls::Error::InvalidMessage(_)) => return "does not speak TLS on this port",
        Some(rustls::Error::AlertReceived(AlertDescription::UnrecognisedName)) => {
            return "knows no machine of this name";
        }
        Some(
            rustls::Error::PeerIncompatible(_)
            | rustls::Error::AlertReceived(
                AlertDescription::HandshakeFailure
                | AlertDescription::ProtocolVersion
                | AlertDescription::InsufficientSecurity,
            ),
        ) => return "speaks no TLS that this program accepts",
        Some(_) => return "breaks off while TLS is being set up",
        None => {}
    }
    if find::<hyper::Error>(error).is_some_and(hyper::Error::is_incomplete_message) {
        return "closes the connection before it answers";
    }
    match find::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "refuses the connection: nobody listens there",
        Some(io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable) => {
            "cannot be reached from this network"
        }
        Some(io::ErrorKind::PermissionDenied) => "may not be connected to from this process",
        Some(io::ErrorKind::TimedOut) => "does not accept a connection in time",
        Some(
            io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::UnexpectedEof,
        ) => "closes the connection before it answers",
        _ => "cannot be connected to, or does not answer with HTTP",
    }
}

/// The first of this type among the error and its causes.
fn find<T: StdError + 'static>(error: &reqwest::Error) -> Option<&T> {
    chain(error).find_map(|cause| cause.downcast_ref())
}

/// The error and its causes. An I/O error says what caused its cause, and
/// leaves out the cause itself.
fn chain(error: &reqwest::Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |cause: &&(dyn StdError + 'static)| {
        let cause = *cause;
        match cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref)
        {
            Some(within) => Some(within as &(dyn StdError + 'static)),
            None => cause.source(),
        }
    })
}
