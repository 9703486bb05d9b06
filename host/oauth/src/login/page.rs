//! The pages that a browser shows when it has come back. What goes in is what
//! has happened; what comes out is a whole HTTP response. No page has a
//! token, a code or a word of the request in it, and none loads anything.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1.05rem/1.5 system-ui,sans-serif;max-width:32rem;margin:18vh auto 0;padding:0 1.5rem;\
color:CanvasText;background:Canvas}\
h1{font-size:1.4rem;font-weight:600;margin:0 0 .5rem}\
p{margin:.4rem 0}";

/// What has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Page {
    /// The answer that was waited for.
    Answered,
    /// The issuer says no, or what it says does not count.
    Failed,
    /// There was an answer before this one.
    Finished,
    /// It does not belong to this login.
    NotOurs,
    /// Nothing is there.
    NotFound,
    /// It is no request by GET.
    NotGet,
    /// It was asked ahead of the user.
    Prefetched,
    /// It was asked under another name.
    Misdirected,
    /// It is no HTTP.
    Garbage,
    /// It is too long.
    TooLong,
}

impl Page {
    fn status(self) -> &'static str {
        match self {
            Self::Answered => "200 OK",
            Self::Failed | Self::NotOurs | Self::Garbage => "400 Bad Request",
            Self::Finished => "409 Conflict",
            Self::NotFound => "404 Not Found",
            Self::NotGet => "405 Method Not Allowed",
            Self::Prefetched => "503 Service Unavailable",
            Self::Misdirected => "421 Misdirected Request",
            Self::TooLong => "431 Request Header Fields Too Large",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Answered => "Back to the terminal",
            Self::Failed => "The login did not work",
            Self::Finished => "This login is already finished",
            Self::NotOurs => "This does not belong to the login that is going on",
            Self::NotFound | Self::NotGet | Self::Misdirected => "Nothing is here",
            Self::Prefetched => "Not yet",
            Self::Garbage | Self::TooLong => "This request cannot be read",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Answered => "The rest of the login is done there. You can close this window.",
            Self::Failed => "The terminal says why. You can close this window.",
            Self::Finished => "You can close this window.",
            Self::NotOurs => {
                "It may be from an older attempt. Open the address that the terminal shows. \
                 You can close this window."
            }
            Self::NotFound
            | Self::NotGet
            | Self::Misdirected
            | Self::Prefetched
            | Self::Garbage
            | Self::TooLong => "You can close this window.",
        }
    }

    /// The whole response; to a HEAD request, without its body.
    pub(super) fn response(self, with_body: bool) -> Vec<u8> {
        let title = self.title();
        let body = format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>{title}</title>\n<style>{STYLE}</style>\n\
             <h1>{title}</h1>\n<p>{}</p>\n",
            self.text()
        );
        let allow = match self {
            Self::NotGet => "Allow: GET\r\n",
            _ => "",
        };
        let head = format!(
            "HTTP/1.1 {}\r\n\
             Content-Type: text/html; charset=utf-8\r\n\
             Content-Length: {}\r\n\
             Cache-Control: no-store\r\n\
             Referrer-Policy: no-referrer\r\n\
             X-Content-Type-Options: nosniff\r\n\
             Content-Security-Policy: default-src 'none'; style-src 'sha256-{}'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n\
             {allow}Connection: close\r\n\r\n",
            self.status(),
            body.len(),
            STANDARD.encode(Sha256::digest(STYLE)),
        );
        let mut response = head.into_bytes();
        if with_body {
            response.extend_from_slice(body.as_bytes());
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_loads_nothing_and_is_kept_by_nobody() {
        let text = String::from_utf8(Page::Answered.response(true)).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        for line in [
            "Cache-Control: no-store",
            "Referrer-Policy: no-referrer",
            "Connection: close",
            &format!("Content-Length: {}", body.len()),
        ] {
            assert!(head.lines().any(|it| it == line), "{line}: {head}");
        }
        assert!(
            head.contains("default-src 'none'; style-src 'sha256-"),
            "{head}"
        );
        assert!(body.contains("You can close this window"), "{body}");
        for word in ["src=", "href=", "url(", "<script"] {
            assert!(!body.contains(word), "{word}: {body}");
        }
    }

    #[test]
    fn a_response_to_head_has_no_body() {
        let text = String::from_utf8(Page::NotGet.response(false)).unwrap();
        assert!(text.ends_with("\r\n\r\n"), "{text}");
        assert!(text.contains("\r\nAllow: GET\r\n"), "{text}");
    }
}
