//! The token endpoint (RFC 6749, section 5): the one place where its answers
//! are read. What goes in is a grant; what comes out are tokens, or why there
//! are none. It keeps nothing, and asks nobody anything.
//!
//! The `oauth2` crate makes what goes to a browser, and the types of
//! requests. Its own reading of answers is not used here: it wants a
//! `token_type`, takes an error with status 200 for garbage, and keeps the
//! answer's text in its errors.

use std::time::{Duration, SystemTime};

use oauth2::HttpResponse;
use serde::Deserialize;
use serde_json::Value;

use crate::http::Http;
use keyrule_contract as wit;
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;

use super::answer::{self, Hidden};
use super::carrier::Carrier;
use super::{Endpoints, Error, Tokens, id_token};

/// The longest lifetime that is believed; a longer one says nothing.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// Gets new tokens for a refresh token (RFC 6749, section 6). The answer can
/// have no refresh token: then the old one stays.
pub async fn by_refresh(
    issuer: &wit::Issuer,
    endpoints: &Endpoints,
    http: &Http,
    refresh_token: &Secret,
) -> Result<Tokens, Error> {
    refreshed(issuer, endpoints, http, refresh_token).await
}

async fn refreshed(
    issuer: &wit::Issuer,
    endpoints: &Endpoints,
    carrier: &impl Carrier,
    refresh_token: &Secret,
) -> Result<Tokens, Error> {
    let fields = [
        ("grant_type", "refresh_token"),
        ("refresh_token", handout::to_send(refresh_token)),
        ("client_id", &issuer.client_id),
    ];
    let wire: Wire = answer::post(&endpoints.token, &fields, carrier).await?;
    let id_token = wire.id_token.as_ref().map(|hidden| &hidden.0);
    // The old refresh token may be used up by now, so an ID token that is not
    // as it must be does not cost the new one: nothing is learned from it.
    let claims = id_token
        .and_then(|token| id_token::claims(token, issuer, endpoints, None, SystemTime::now()).ok())
        .unwrap_or_default();
    Ok(Tokens {
        claims,
        ..tokens(&endpoints.token, wire)?.0
    })
}

/// Reads an answer of the token endpoint: the tokens, still without claims,
/// and the ID token where there is one.
pub(super) fn read(url: &str, response: HttpResponse) -> Result<(Tokens, Option<Secret>), Error> {
    tokens(url, answer::read(url, response)?)
}

#[derive(Deserialize)]
struct Wire {
    access_token: Hidden,
    #[serde(default)]
    token_type: Option<String>,
    #[serde(default)]
    refresh_token: Option<Hidden>,
    #[serde(default)]
    id_token: Option<Hidden>,
    #[serde(default)]
    expires_in: Value,
}

fn tokens(url: &str, wire: Wire) -> Result<(Tokens, Option<Secret>), Error> {
    // A token of another type would have to be sent in another way (RFC 6749,
    // section 7.1). Where nothing is said, `Bearer` is meant.
    if let Some(kind) = &wire.token_type
        && !kind.eq_ignore_ascii_case("bearer")
    {
        return Err(answer::wrong(
            url,
            "gives a token that is not of type `Bearer`",
        ));
    }
    bounded(url, "an access token", &wire.access_token.0)?;
    if !printable(&wire.access_token.0) {
        return Err(answer::wrong(
            url,
            "gives an access token that no header can carry",
        ));
    }
    let refresh_token = wire
        .refresh_token
        .map(|hidden| hidden.0)
        .filter(|token| !token.is_blank());
    if let Some(token) = &refresh_token {
        bounded(url, "a refresh token", token)?;
        if !printable(token) {
            return Err(answer::wrong(
                url,
                "gives a refresh token that is not printable",
            ));
        }
    }
    let tokens = Tokens {
        access_token: wire.access_token.0,
        refresh_token,
        expires_in: lifetime(&wire.expires_in),
        claims: std::collections::BTreeMap::new(),
    };
    Ok((tokens, wire.id_token.map(|hidden| hidden.0)))
}

/// Refuses what is longer than any credential that is taken, before anything
/// is kept.
pub(super) fn bounded(url: &str, what: &str, token: &Secret) -> Result<(), Error> {
    if token.is_too_long() {
        let why = format!("gives {what} of more than {} bytes", Secret::LONGEST);
        return Err(answer::wrong(url, &why));
    }
    Ok(())
}

/// Printable ASCII, as the syntax of tokens is (RFC 6749, appendix A.12).
pub(super) fn printable(token: &Secret) -> bool {
    !token.is_blank()
        && handout::to_keep(token)
            .iter()
            .all(|byte| (b' '..=b'~').contains(byte))
}

/// A lifetime in seconds: a number, or a number in quotes as some issuers
/// write it. Anything else says nothing: a token without a known end is used
/// until it is rejected.
fn lifetime(value: &Value) -> Option<Duration> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.parse().ok()?,
        _ => return None,
    };
    Duration::try_from_secs_f64(seconds.trunc())
        .ok()
        .filter(|lifetime| *lifetime <= LONGEST)
}

#[cfg(test)]
mod tests {
    use super::super::carrier::fake::FakeIssuer;
    use super::super::samples::endpoints;
    use super::*;
    use crate::http::fake::{self, Fake};
    use keyrule_contract::samples;
    use keyrule_system::runtime::block_on;

    fn refresh(fake: &FakeIssuer) -> Result<Tokens, Error> {
        let issuer = samples::issuer("https://login.test");
        let old = Secret::new("s3cr3t-old+&=");
        block_on(refreshed(&issuer, &endpoints(), fake, &old))
    }

    #[test]
    fn a_refresh_token_goes_into_the_body_and_nowhere_else() {
        let fake = FakeIssuer::once(
            200,
            r#"{"access_token":"s3cr3t-new","token_type":"bearer","expires_in":60,"refresh_token":"s3cr3t-next"}"#,
        );
        let tokens = refresh(&fake).unwrap();
        assert_eq!(handout::to_send(&tokens.access_token), "s3cr3t-new");
        assert_eq!(
            tokens.refresh_token.as_ref().map(handout::to_send),
            Some("s3cr3t-next")
        );
        assert_eq!(tokens.expires_in, Some(Duration::from_secs(60)));
        let asked = fake.asked();
        assert_eq!(asked[0].method, "POST");
        assert_eq!(asked[0].url, "https://login.test/token");
        assert_eq!(asked[0].authorization, None);
        assert_eq!(
            asked[0].body,
            "grant_type=refresh_token&refresh_token=s3cr3t-old%2B%26%3D&client_id=cli"
        );
        assert!(!format!("{tokens:?}").contains("s3cr3t"));
    }

    #[test]
    fn what_an_answer_leaves_out_is_left_out() {
        for body in [
            r#"{"access_token":"s3cr3t"}"#,
            r#"{"access_token":"s3cr3t","expires_in":null,"refresh_token":null,"token_type":null}"#,
            r#"{"access_token":"s3cr3t","expires_in":-5,"refresh_token":""}"#,
            r#"{"access_token":"s3cr3t","expires_in":1e300,"id_token":"not one"}"#,
            r#"{"access_token":"s3cr3t","expires_in":{"s3cr3t":1}}"#,
        ] {
            let tokens = refresh(&FakeIssuer::once(200, body)).unwrap();
            assert_eq!(tokens.expires_in, None, "{body}");
            assert!(tokens.refresh_token.is_none(), "{body}");
            assert!(tokens.claims.is_empty(), "{body}");
        }
    }

    #[test]
    fn a_lifetime_can_stand_in_quotes() {
        for (text, seconds) in [("60", 60), ("\"60\"", 60), ("60.9", 60), ("0", 0)] {
            assert_eq!(
                lifetime(&serde_json::from_str(text).unwrap()),
                Some(Duration::from_secs(seconds)),
                "{text}"
            );
        }
    }

    #[test]
    fn a_token_that_cannot_be_sent_is_refused() {
        for (body, why) in [
            (
                r#"{"access_token":"s3cr3t\r\nX: 1"}"#,
                "gives an access token that no header can carry",
            ),
            (
                r#"{"access_token":"s3cr3té"}"#,
                "gives an access token that no header can carry",
            ),
            (
                r#"{"access_token":" "}"#,
                "gives an access token that no header can carry",
            ),
            (
                r#"{"access_token":"s3cr3t","refresh_token":"s3cr3t\n"}"#,
                "gives a refresh token that is not printable",
            ),
            (
                r#"{"access_token":"s3cr3t","token_type":"mac"}"#,
                "gives a token that is not of type `Bearer`",
            ),
            (
                r#"{"access_token":5}"#,
                "answers with JSON in which something is missing or wrong",
            ),
            (
                r#"["s3cr3t"]"#,
                "answers with JSON in which something is missing or wrong",
            ),
        ] {
            let error = refresh(&FakeIssuer::once(200, body)).unwrap_err();
            assert_eq!(error.to_string(), format!("`https://login.test` {why}"));
            assert!(!format!("{error:?}").contains("s3cr3t"));
        }
    }

    #[test]
    fn a_token_of_more_than_16_kib_is_refused() {
        let long = |length| "s".repeat(length);
        let tokens = |access: usize, renewal: usize| {
            let (access, renewal) = (long(access), long(renewal));
            let body = format!(r#"{{"access_token":"{access}","refresh_token":"{renewal}"}}"#);
            refresh(&FakeIssuer::once(200, &body))
        };
        assert!(tokens(16_384, 16_384).is_ok());
        for (access, renewal, what) in [
            (16_385, 1, "an access token"),
            (1, 16_385, "a refresh token"),
            (490_000, 490_000, "an access token"),
        ] {
            let error = tokens(access, renewal).unwrap_err();
            let said = format!("`https://login.test` gives {what} of more than 16384 bytes");
            assert_eq!(error.to_string(), said);
            assert!(!format!("{error:?}").contains("sss"));
        }
    }

    #[test]
    fn a_grant_that_is_used_up_can_be_told_from_other_refusals() {
        for code in ["invalid_grant", "invalid_client", "unauthorized_client"] {
            let body = format!(r#"{{"error":"{code}"}}"#);
            let error = refresh(&FakeIssuer::once(400, &body)).unwrap_err();
            assert!(matches!(error, Error::Refused { code: it, .. } if it == code));
        }
    }

    /// Over the real client, from a server that is a fake.
    #[test]
    fn a_server_that_does_not_behave_is_told_without_its_text() {
        let json = "Content-Type: application/json\r\n";
        let elsewhere = Fake::saying(fake::answer("200 OK", json, "{}"));
        let location = format!("Location: {}/token\r\n", elsewhere.origin());
        let error = r#"{"error":"invalid_grant","error_description":"s3cr3t"}"#;
        for (answer, why) in [
            (String::new(), "` "),
            ("s3cr3t".to_owned(), "` "),
            (
                fake::answer("200 OK", json, &"s3cr3t".repeat(2_000_000)),
                "` ",
            ),
            (
                fake::answer("307 Temporary Redirect", &location, "s3cr3t"),
                "` redirects",
            ),
            (
                fake::answer("200 OK", json, ""),
                "` does not answer with JSON",
            ),
            (
                fake::answer("502 Bad Gateway", "", error),
                "` answers with HTTP 502",
            ),
            (fake::answer("200 OK", json, error), "(`invalid_grant`)"),
        ] {
            let server = Fake::saying(answer);
            let endpoints = Endpoints {
                token: format!("{}/token?s3cr3t=1", server.origin()),
                ..endpoints()
            };
            let http = Http::of(&keyrule_system::environment::Ambient::empty()).unwrap();
            let issuer = samples::issuer("https://login.test");
            let old = Secret::new("s3cr3t-old");
            let error = block_on(by_refresh(&issuer, &endpoints, &http, &old)).unwrap_err();
            assert!(error.to_string().contains(why), "{error}");
            assert!(
                !format!("{error} {error:?}").contains("s3cr3t"),
                "{error:?}"
            );
        }
        assert!(elsewhere.requests().is_empty(), "the token went elsewhere");
    }
}
