//! Answers of an issuer in JSON: tokens, codes, keys, claims. What goes in is
//! a response; what comes out is the record that was asked for, or why there
//! is none. Whatever the issuer wrote stays here: a message has a status, or
//! a code of letters, and no other text of it.

use oauth2::http::HeaderValue;
use oauth2::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use zeroize::Zeroizing;

use crate::http;
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;

use super::Error;
use super::carrier::Carrier;

/// The longest code that is shown.
const LONGEST_CODE: usize = 40;

/// Sends a form by POST, and reads the answer.
pub(super) async fn post<T: DeserializeOwned>(
    url: &str,
    fields: &[(&str, &str)],
    carrier: &impl Carrier,
) -> Result<T, Error> {
    let response = carrier.carry(form(url, fields)?).await?;
    read(url, response)
}

/// A form, on its way by POST.
pub(super) fn form(url: &str, fields: &[(&str, &str)]) -> Result<HttpRequest, Error> {
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    oauth2::http::Request::post(url)
        .header("accept", "application/json")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.into_bytes())
        .map_err(|_| no_address(url))
}

/// The header that carries an access token.
pub(super) fn bearer(url: &str, token: &Secret) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::from_str(&handout::bearer(token))
        .map_err(|_| wrong(url, "gave a token that no header can carry"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// Reads an answer in JSON. An error counts with every status, because some
/// issuers send it with 200; but where the server itself fails, it says
/// nothing of the grant.
pub(super) fn read<T: DeserializeOwned>(url: &str, response: HttpResponse) -> Result<T, Error> {
    let status = response.status();
    let body = Zeroizing::new(response.into_body());
    if status.is_server_error() {
        return Err(wrong(
            url,
            &format!("answers with HTTP {}", status.as_u16()),
        ));
    }
    if let Some(code) = code(&body) {
        return Err(refused(url, &code));
    }
    if status.is_redirection() {
        let why = format!(
            "sends elsewhere (HTTP {}), which is not followed",
            status.as_u16()
        );
        return Err(wrong(url, &why));
    }
    if !status.is_success() {
        return Err(wrong(
            url,
            &format!("answers with HTTP {}", status.as_u16()),
        ));
    }
    object(&body).map_err(|category| {
        let why = match category {
            Category::Data => "answers with JSON in which something is missing or wrong",
            _ => "does not answer with JSON",
        };
        wrong(url, why)
    })
}

/// Reads a record, which serde would also take from a list. What serde says
/// can quote the answer, so only the kind of its error is kept.
fn object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Category> {
    let begins = body.iter().find(|byte| !byte.is_ascii_whitespace());
    match serde_json::from_slice(body) {
        Ok(_) if begins != Some(&b'{') => Err(Category::Data),
        result => result.map_err(|error| error.classify()),
    }
}

/// The code of an answer that is an error.
pub(super) fn code(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Failure {
        error: String,
    }
    let failure: Failure = object(body).ok()?;
    Some(failure.error)
}

/// An address that the policy or the issuer names, and nobody can ask.
pub(super) fn no_address(url: &str) -> Error {
    wrong(url, "is no address that can be asked")
}

/// The same address, answering wrongly in this way.
pub(super) fn wrong(url: &str, why: &str) -> Error {
    Error::Answer {
        origin: origin(url),
        why: why.to_owned(),
    }
}

/// The issuer's no. A code that is none is not shown.
pub(super) fn refused(url: &str, code: &str) -> Error {
    let shown = (1..=LONGEST_CODE).contains(&code.len())
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    if !shown {
        return wrong(url, "refuses with something that is no code of OAuth");
    }
    Error::Refused {
        code: code.to_owned(),
        words: match meaning(code) {
            Some(meaning) => format!("{meaning} (`{code}`)"),
            None => format!("it says `{code}`"),
        },
    }
}

/// What a code says (RFC 6749, sections 4.1.2.1 and 5.2; RFC 7009, section
/// 2.2.1; RFC 8628, section 3.5; OpenID Connect Core, section 3.1.2.6).
fn meaning(code: &str) -> Option<&'static str> {
    Some(match code {
        "access_denied" => "the login was declined",
        "invalid_grant" => "the code or the login is used up, revoked, or has ended",
        "invalid_client" => "it does not know the policy's `client-id`",
        "unauthorized_client" => "the policy's `client-id` may not do this",
        "unsupported_grant_type" => "it does not know this way to log in",
        "unsupported_response_type" => "it does not know this way to log in",
        "unsupported_token_type" => "it does not revoke tokens of this kind",
        "invalid_scope" => "it does not give one of the policy's `scopes`",
        "invalid_request" => "it takes the request for a wrong one",
        "invalid_token" => "the access token is not valid",
        "server_error" => "it has failed itself",
        "temporarily_unavailable" => "it is not available at the moment",
        "slow_down" => "it is asked too often",
        "authorization_pending" => "the login is not finished yet",
        "expired_token" => "the code has ended before anybody used it",
        "login_required" | "interaction_required" | "consent_required" => {
            "it would have to ask the user, and may not"
        }
        _ => return None,
    })
}

/// Scheme, host and port: all of an address that is ever shown.
pub(super) fn origin(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(url) if url.has_host() => http::origin(&url),
        Ok(_) | Err(_) => "the issuer".to_owned(),
    }
}

/// A text that is a secret from the moment it is read.
#[derive(Debug)]
pub(super) struct Hidden(pub(super) Secret);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Secret::new(String::deserialize(deserializer)?)))
    }
}

/// Any value, of which only a text matters, and that is a secret.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Any {
    /// A text.
    Text(Hidden),
    /// Anything else.
    Other(serde::de::IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://login.test/token?s3cr3t=1";

    fn judged(status: u16, body: &str) -> Error {
        let response = oauth2::http::Response::builder()
            .status(status)
            .body(body.as_bytes().to_vec())
            .unwrap();
        #[derive(Debug, Deserialize)]
        #[expect(dead_code, reason = "only what is missing matters here")]
        struct Wanted {
            wanted: u8,
        }
        let error = read::<Wanted>(URL, response).unwrap_err();
        assert!(
            !format!("{error} {error:?}").contains("s3cr3t"),
            "{error:?}"
        );
        error
    }

    fn code(error: &Error) -> Option<&str> {
        match error {
            Error::Refused { code, .. } => Some(code),
            _ => None,
        }
    }

    #[test]
    fn a_refusal_has_its_code_with_every_status_but_those_of_a_failing_server() {
        let body = r#"{"error":"invalid_grant","error_description":"s3cr3t"}"#;
        for status in [200, 400, 401, 404, 429] {
            assert_eq!(
                code(&judged(status, body)),
                Some("invalid_grant"),
                "{status}"
            );
        }
        for status in [500, 502, 503] {
            assert_eq!(
                judged(status, body).to_string(),
                format!("`https://login.test` answers with HTTP {status}")
            );
        }
    }

    #[test]
    fn a_code_that_is_no_code_is_not_shown() {
        for error in ["s3cr3t-canary", "S3CR3T", "", "a b", &"a".repeat(41)] {
            let error = judged(400, &serde_json::json!({ "error": error }).to_string());
            assert_eq!(
                error.to_string(),
                "`https://login.test` refuses with something that is no code of OAuth"
            );
        }
        assert_eq!(
            judged(400, r#"{"error":"quota_of_theirs"}"#).to_string(),
            "the issuer refused: it says `quota_of_theirs`"
        );
        assert_eq!(
            judged(400, r#"{"error":"invalid_scope"}"#).to_string(),
            "the issuer refused: it does not give one of the policy's `scopes` (`invalid_scope`)"
        );
    }

    #[test]
    fn an_answer_that_is_none_is_told_without_its_text() {
        for (status, body, why) in [
            (200, "", "does not answer with JSON"),
            (200, "<html>s3cr3t</html>", "does not answer with JSON"),
            (
                200,
                r#"{"wanted":"s3cr3t"}"#,
                "answers with JSON in which something is missing or wrong",
            ),
            (
                200,
                "{}",
                "answers with JSON in which something is missing or wrong",
            ),
            (
                302,
                "s3cr3t",
                "sends elsewhere (HTTP 302), which is not followed",
            ),
            (404, "s3cr3t", "answers with HTTP 404"),
            (
                403,
                r#"{"error":{"message":"s3cr3t"}}"#,
                "answers with HTTP 403",
            ),
        ] {
            assert_eq!(
                judged(status, body).to_string(),
                format!("`https://login.test` {why}")
            );
        }
    }
}
