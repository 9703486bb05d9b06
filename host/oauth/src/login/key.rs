//! A login that ends in a key: some issuers give a key to who has logged in.
//! What goes in are a login's tokens; what comes out is the key. It keeps
//! nothing.

use std::collections::BTreeMap;

use crate::http::Http;
use keyrule_contract as wit;
use keyrule_credential::secret::Secret;

use super::carrier::Carrier;
use super::{Error, Tokens, answer, token};

/// Asks for the key, with the login's token.
pub async fn key(request: &wit::KeyRequest, http: &Http, tokens: &Tokens) -> Result<Secret, Error> {
    given(request, http, tokens).await
}

async fn given(
    request: &wit::KeyRequest,
    carrier: &impl Carrier,
    tokens: &Tokens,
) -> Result<Secret, Error> {
    let url = &request.url;
    let post = oauth2::http::Request::post(url)
        .header("accept", "application/json")
        .header("authorization", answer::bearer(url, &tokens.access_token)?)
        .header("content-length", "0")
        .body(Vec::new())
        .map_err(|_| answer::no_address(url))?;
    let mut fields: BTreeMap<String, answer::Any> = answer::read(url, carrier.carry(post).await?)?;
    let Some(answer::Any::Text(answer::Hidden(key))) = fields.remove(&request.field) else {
        let why = format!("gives no key in the field `{}`", request.field);
        return Err(answer::wrong(url, &why));
    };
    token::bounded(url, "a key", &key)?;
    if !token::printable(&key) {
        return Err(answer::wrong(url, "gives a key that no header can carry"));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::super::carrier::fake::FakeIssuer;
    use super::*;
    use crate::http::fake::{self, Fake};
    use keyrule_credential::handout;
    use keyrule_system::runtime::block_on;

    fn asked(fake: &FakeIssuer) -> Result<Secret, Error> {
        let request = wit::KeyRequest {
            url: "https://console.test/keys".to_owned(),
            field: "key".to_owned(),
        };
        block_on(given(&request, fake, &tokens()))
    }

    fn tokens() -> Tokens {
        Tokens {
            access_token: Secret::new("s3cr3t-access"),
            refresh_token: None,
            expires_in: None,
            claims: BTreeMap::new(),
        }
    }

    #[test]
    fn the_key_is_the_field_that_the_policy_names() {
        let fake = FakeIssuer::once(201, r#"{"id":{"n":[1]},"key":"s3cr3t-key","error":null}"#);
        assert_eq!(handout::to_send(&asked(&fake).unwrap()), "s3cr3t-key");
        let request = &fake.asked()[0];
        assert_eq!(request.method, "POST");
        assert_eq!(request.url, "https://console.test/keys");
        assert_eq!(
            request.authorization.as_deref(),
            Some("Bearer s3cr3t-access")
        );
        assert_eq!(request.body, "");
    }

    #[test]
    fn a_key_of_more_than_16_kib_is_refused() {
        let given = |length| {
            let body = format!(r#"{{"key":"{}"}}"#, "s".repeat(length));
            asked(&FakeIssuer::once(200, &body))
        };
        assert!(given(16_384).is_ok());
        assert_eq!(
            given(16_385).unwrap_err().to_string(),
            "`https://console.test` gives a key of more than 16384 bytes"
        );
    }

    #[test]
    fn an_answer_without_a_key_is_told_without_its_text() {
        for (status, body, why) in [
            (
                200,
                r#"{"other":"s3cr3t"}"#,
                "`https://console.test` gives no key in the field `key`",
            ),
            (
                200,
                r#"{"key":{"s3cr3t":1}}"#,
                "`https://console.test` gives no key in the field `key`",
            ),
            (
                200,
                r#"{"key":"s3cr3t\n"}"#,
                "`https://console.test` gives a key that no header can carry",
            ),
            (
                200,
                r#"{"key":""}"#,
                "`https://console.test` gives a key that no header can carry",
            ),
            (
                200,
                "s3cr3t",
                "`https://console.test` does not answer with JSON",
            ),
            (
                403,
                r#"{"error":{"message":"s3cr3t"}}"#,
                "`https://console.test` answers with HTTP 403",
            ),
            (
                401,
                r#"{"error":"invalid_token"}"#,
                "the issuer refused: the access token is not valid (`invalid_token`)",
            ),
        ] {
            let error = asked(&FakeIssuer::once(status, body)).unwrap_err();
            assert_eq!(error.to_string(), why);
            assert!(!format!("{error:?}").contains("s3cr3t"));
        }
    }

    /// Over the real client, from a server that is a fake.
    #[test]
    fn the_token_goes_in_a_header_of_an_empty_request() {
        let json = "Content-Type: application/json\r\n";
        let server = Fake::saying(fake::answer("200 OK", json, r#"{"key":"s3cr3t-key"}"#));
        let request = wit::KeyRequest {
            url: format!("{}/keys", server.origin()),
            field: "key".to_owned(),
        };
        let http = Http::of(&keyrule_system::environment::Ambient::empty()).unwrap();
        let key = block_on(key(&request, &http, &tokens())).unwrap();
        assert_eq!(handout::to_send(&key), "s3cr3t-key");
        let text = server.requests()[0].to_ascii_lowercase();
        assert!(text.starts_with("post /keys http/1.1\r\n"), "{text}");
        assert_eq!(text.matches("content-length: 0\r\n").count(), 1, "{text}");
        assert_eq!(
            text.matches("authorization: bearer s3cr3t-access\r\n")
                .count(),
            1
        );
    }
}
