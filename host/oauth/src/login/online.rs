//! Whether an access token is valid, as its issuer says. What goes in is the
//! token; what comes out is yes, no, or that the issuer offers no way to ask,
//! and how far this machine's clock is off. Nothing is renewed and nothing is
//! kept. The token goes out in a header or a form, never in a URL.

use std::time::SystemTime;

use oauth2::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE};
use oauth2::http::{HeaderValue, Request};
use oauth2::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;
use zeroize::Zeroizing;

use super::{Endpoints, Error};
use crate::http::{self, Http};
use keyrule_contract as wit;
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;

/// What the issuer says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checked {
    /// Of the token.
    pub validity: Validity,
    /// How many seconds the issuer's clock is ahead of this machine's, where
    /// it says what time it has. The time on the way is in it, and a second
    /// is the finest step that is told.
    pub clock_ahead: Option<i64>,
}

/// Whether a token is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Validity {
    /// The issuer took it.
    Valid,
    /// The issuer did not: it has ended or was revoked.
    Invalid,
    /// The issuer has no endpoint that tells, or tells it others only.
    CannotBeTold,
}

/// Asks userinfo (OpenID Connect Core, section 5.3), else introspection
/// (RFC 7662). An error is about the way there or about the answer, and says
/// nothing of the token.
pub async fn check(
    endpoints: &Endpoints,
    issuer: &wit::Issuer,
    http: &Http,
    access_token: &Secret,
) -> Result<Checked, Error> {
    let mut clock_ahead = None;
    if let Some(place) = &endpoints.userinfo {
        let response = http.send(userinfo(place, access_token)?).await?;
        clock_ahead = ahead(&response, SystemTime::now());
        let validity = by_userinfo(place, response)?;
        if validity != Validity::CannotBeTold {
            return Ok(Checked {
                validity,
                clock_ahead,
            });
        }
    }
    let Some(place) = &endpoints.introspection else {
        return Ok(Checked {
            validity: Validity::CannotBeTold,
            clock_ahead,
        });
    };
    let response = http
        .send(introspection(place, issuer, access_token)?)
        .await?;
    Ok(Checked {
        clock_ahead: ahead(&response, SystemTime::now()).or(clock_ahead),
        validity: by_introspection(place, response)?,
    })
}

fn userinfo(place: &str, access_token: &Secret) -> Result<HttpRequest, Error> {
    let mut bearer = HeaderValue::from_str(&Zeroizing::new(handout::bearer(access_token)))
        .map_err(|_| wrong(place, "cannot be sent the token: no header can carry it"))?;
    // Keeps it out of what prints headers.
    bearer.set_sensitive(true);
    Request::get(place)
        .header(ACCEPT, "application/json")
        .header(AUTHORIZATION, bearer)
        .body(Vec::new())
        .map_err(|_| wrong(place, "has a URL that cannot be asked"))
}

/// The status decides. A token without the scope `openid` is refused with 403
/// (RFC 6750, section 3.1) and may be good for all else.
fn by_userinfo(place: &str, response: HttpResponse) -> Result<Validity, Error> {
    match response.status().as_u16() {
        200 => {}
        401 => return Ok(Validity::Invalid),
        status @ (400 | 402..=499) if status != 429 => return Ok(Validity::CannotBeTold),
        status => return Err(wrong(place, &format!("answers with HTTP {status}"))),
    }
    let kind = response.headers().get(CONTENT_TYPE);
    let is_signed = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/jwt"));
    if is_signed {
        return Ok(Validity::Valid);
    }
    #[derive(Deserialize)]
    struct Claims {
        error: Option<IgnoredAny>,
    }
    match json::<Claims>(place, response)?.error {
        Some(_) => Err(wrong(place, "answers with HTTP 200 and an error in it")),
        None => Ok(Validity::Valid),
    }
}

/// The client says who it is, as it does to the token endpoint; it has no
/// secret. Many issuers tell only others, which is no fault of the token.
fn introspection(
    place: &str,
    issuer: &wit::Issuer,
    access_token: &Secret,
) -> Result<HttpRequest, Error> {
    let form = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("token", handout::to_send(access_token))
        .append_pair("token_type_hint", "access_token")
        .append_pair("client_id", &issuer.client_id)
        .finish();
    Request::post(place)
        .header(ACCEPT, "application/json")
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .body(form.into_bytes())
        .map_err(|_| wrong(place, "has a URL that cannot be asked"))
}

fn by_introspection(place: &str, response: HttpResponse) -> Result<Validity, Error> {
    #[derive(Deserialize)]
    struct Introspection {
        active: Option<bool>,
    }
    match response.status().as_u16() {
        200 => match json::<Introspection>(place, response)?.active {
            Some(true) => Ok(Validity::Valid),
            Some(false) => Ok(Validity::Invalid),
            None => Err(wrong(place, "does not say whether the token is active")),
        },
        status @ 400..=499 if status != 429 => Ok(Validity::CannotBeTold),
        status => Err(wrong(place, &format!("answers with HTTP {status}"))),
    }
}

/// Reads an answer, and wipes it: it is about a person.
fn json<T: serde::de::DeserializeOwned>(place: &str, response: HttpResponse) -> Result<T, Error> {
    let body = Zeroizing::new(response.into_body());
    serde_json::from_slice(&body).map_err(|error| {
        let why = keyrule_credential::json::place(&error);
        wrong(place, &format!("answers with what {why}"))
    })
}

/// By how many seconds the answer's `Date` is later than now.
pub fn ahead(response: &HttpResponse, now: SystemTime) -> Option<i64> {
    let date = response.headers().get(DATE)?.to_str().ok()?;
    let date = httpdate::parse_http_date(date).ok()?;
    let (seconds, sign) = match date.duration_since(now) {
        Ok(ahead) => (ahead.as_secs(), 1),
        Err(behind) => (behind.duration().as_secs(), -1),
    };
    i64::try_from(seconds).ok().map(|seconds| seconds * sign)
}

fn wrong(place: &str, why: &str) -> Error {
    Error::Answer {
        origin: Url::parse(place)
            .map_or_else(|_| "the issuer".to_owned(), |url| http::origin(&url)),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::http::fake::{self, Fake};
    use keyrule_contract::samples;
    use keyrule_system::environment::Ambient;
    use keyrule_system::runtime::block_on;

    fn issuer() -> wit::Issuer {
        samples::issuer("https://a.example")
    }

    fn asked(userinfo: Option<&Fake>, introspection: Option<&Fake>) -> Result<Checked, Error> {
        let place = |fake: Option<&Fake>| fake.map(|fake| format!("{}/place", fake.origin()));
        let endpoints = Endpoints {
            issuer: "https://a.example".to_owned(),
            authorization: None,
            device: None,
            token: "https://a.example/token".to_owned(),
            revocation: None,
            introspection: place(introspection),
            userinfo: place(userinfo),
            names_itself: false,
        };
        let http = Http::of(&Ambient::empty()).unwrap();
        let token = Secret::new("s3cr3t-token");
        block_on(check(&endpoints, &issuer(), &http, &token))
    }

    fn validity(userinfo: Option<&Fake>, introspection: Option<&Fake>) -> Validity {
        asked(userinfo, introspection).unwrap().validity
    }

    fn saying(status: &str, body: &str) -> Fake {
        Fake::saying(fake::answer(status, "", body))
    }

    #[test]
    fn userinfo_decides_and_sees_the_token_in_a_header() {
        let valid = saying("200 OK", r#"{"sub":"s3cr3t"}"#);
        assert_eq!(validity(Some(&valid), None), Validity::Valid);
        let request = &valid.requests()[0];
        assert!(request.starts_with("GET /place HTTP/1.1\r\n"), "{request}");
        assert!(
            request.contains("authorization: Bearer s3cr3t-token\r\n"),
            "{request}"
        );
        let ended = saying("401 Unauthorized", "");
        assert_eq!(validity(Some(&ended), Some(&valid)), Validity::Invalid);
        let signed = "Content-Type: application/jwt\r\n";
        let signed = Fake::saying(fake::answer("200 OK", signed, "a.b.c"));
        assert_eq!(validity(Some(&signed), None), Validity::Valid);
    }

    #[test]
    fn introspection_is_asked_where_userinfo_tells_nothing() {
        let without_scope = saying("403 Forbidden", r#"{"error":"insufficient_scope"}"#);
        for (body, told) in [
            (r#"{"active":true}"#, Validity::Valid),
            (r#"{"active":false}"#, Validity::Invalid),
        ] {
            let fake = saying("200 OK", body);
            assert_eq!(validity(Some(&without_scope), Some(&fake)), told);
            assert_eq!(validity(None, Some(&fake)), told);
            let request = &fake.requests()[0];
            assert!(
                request.ends_with(
                    "\r\n\r\ntoken=s3cr3t-token&token_type_hint=access_token&client_id=cli"
                ),
                "{request}"
            );
        }
    }

    #[test]
    fn what_nobody_tells_cannot_be_told() {
        let others = saying("401 Unauthorized", r#"{"error":"invalid_client"}"#);
        assert_eq!(validity(None, None), Validity::CannotBeTold);
        assert_eq!(validity(None, Some(&others)), Validity::CannotBeTold);
    }

    #[test]
    fn a_fault_of_the_issuer_says_nothing_of_the_token() {
        let garbage = saying("200 OK", "s3cr3t");
        let empty = saying("200 OK", "");
        let error = saying("200 OK", r#"{"error":"s3cr3t"}"#);
        let down = saying("503 Service Unavailable", "s3cr3t");
        let busy = saying("429 Too Many Requests", "s3cr3t");
        let silent = saying("200 OK", "{}");
        let cases = [
            (
                Some(&garbage),
                None,
                "answers with what is not JSON (line 1, column 1)",
            ),
            (
                Some(&empty),
                None,
                "answers with what ends too early (line 1, column 0)",
            ),
            (
                Some(&error),
                None,
                "answers with HTTP 200 and an error in it",
            ),
            (Some(&down), None, "answers with HTTP 503"),
            (Some(&busy), None, "answers with HTTP 429"),
            (None, Some(&down), "answers with HTTP 503"),
            (
                None,
                Some(&silent),
                "does not say whether the token is active",
            ),
        ];
        for (userinfo, introspection, said) in cases {
            let origin = userinfo.or(introspection).unwrap().origin();
            let error = asked(userinfo, introspection).unwrap_err();
            assert_eq!(error.to_string(), format!("`{origin}` {said}"));
        }
    }

    #[test]
    fn the_issuers_clock_is_compared_with_ours() {
        let mut response = HttpResponse::new(Vec::new());
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(ahead(&response, now), None);
        let date = HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT");
        response.headers_mut().insert(DATE, date);
        assert_eq!(ahead(&response, now), Some(0));
        assert_eq!(ahead(&response, now - Duration::from_secs(90)), Some(90));
        assert_eq!(ahead(&response, now + Duration::from_secs(90)), Some(-90));
        response
            .headers_mut()
            .insert(DATE, HeaderValue::from_static("s3cr3t"));
        assert_eq!(ahead(&response, now), None);
    }
}
