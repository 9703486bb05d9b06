//! Where an issuer answers. What goes in is the policy's issuer; what comes
//! out are its endpoints, as the policy says them or as the issuer does
//! (RFC 8414; OpenID Connect Discovery 1.0). Nothing is kept for the next
//! process, and nothing of an answer is believed that is not about this
//! issuer, or that would send a credential out in the clear.

use oauth2::http::header::ACCEPT;
use serde::Deserialize;
use serde::de::IgnoredAny;
use url::Url;

use super::{Endpoints, Error};
use crate::http::{self, Http};
use keyrule_contract as wit;

/// Where the issuer answers: as the policy says, or as the issuer says itself.
pub async fn endpoints(issuer: &wit::Issuer, http: &Http) -> Result<Endpoints, Error> {
    match &issuer.endpoints {
        Some(named) => Ok(of_policy(issuer, named)),
        None => of_issuer(issuer, http).await,
    }
}

/// The policy's own, which the engine has checked.
fn of_policy(issuer: &wit::Issuer, named: &wit::IssuerEndpoints) -> Endpoints {
    let named = named.clone();
    Endpoints {
        issuer: issuer.url.clone(),
        authorization: named.authorization,
        device: named.device,
        token: named.token,
        revocation: named.revocation,
        introspection: named.introspection,
        userinfo: named.userinfo,
        names_itself: false,
    }
}

async fn of_issuer(issuer: &wit::Issuer, http: &Http) -> Result<Endpoints, Error> {
    let url = Url::parse(&issuer.url).ok();
    let url = url.filter(|url| url.query().is_none() && url.fragment().is_none());
    let Some(url) = url.filter(Url::has_host) else {
        return Err(Error::Http(http::Error::Setup(format!(
            "the `url` of the issuer `{}` is not one that metadata can be asked at",
            issuer.id
        ))));
    };
    let origin = http::origin(&url);
    let wrong = |why: String| Error::Answer {
        origin: origin.clone(),
        why,
    };
    let mut missing = 0;
    for place in [oauth(&url), openid(&url)] {
        let request = oauth2::http::Request::get(place.as_str())
            .header(ACCEPT, "application/json")
            .body(Vec::new());
        let request = request.map_err(|_| wrong("has a URL that cannot be asked".to_owned()))?;
        let response = http.send(request).await?;
        match response.status().as_u16() {
            200 => return read(issuer, &url, response.body()).map_err(wrong),
            status @ 400..=499 => missing = status,
            status => return Err(wrong(format!("answers with HTTP {status}"))),
        }
    }
    Err(wrong(format!(
        "has no metadata for the issuer `{}` (HTTP {missing}): see whether its `url` is right, or name its `endpoints` in the policy",
        issuer.id
    )))
}

/// Between host and path (RFC 8414, section 3.1).
fn oauth(issuer: &Url) -> Url {
    let mut url = issuer.clone();
    let path = issuer.path().trim_end_matches('/');
    url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
    url
}

/// After the path (OpenID Connect Discovery 1.0, section 4).
fn openid(issuer: &Url) -> Url {
    let mut url = issuer.clone();
    let path = issuer.path().trim_end_matches('/');
    url.set_path(&format!("{path}/.well-known/openid-configuration"));
    url
}

/// What counts here of what an issuer says of itself. A fault is said as a
/// predicate, without a word of the answer.
#[derive(Deserialize)]
struct Metadata {
    issuer: Option<String>,
    authorization_endpoint: Option<String>,
    device_authorization_endpoint: Option<String>,
    token_endpoint: Option<String>,
    revocation_endpoint: Option<String>,
    introspection_endpoint: Option<String>,
    userinfo_endpoint: Option<String>,
    code_challenge_methods_supported: Option<Vec<String>>,
    authorization_response_iss_parameter_supported: Option<bool>,
    error: Option<IgnoredAny>,
}

fn read(issuer: &wit::Issuer, url: &Url, body: &[u8]) -> Result<Endpoints, String> {
    if body.is_empty() {
        return Err("answers with nothing where its metadata should be".to_owned());
    }
    let said: Metadata = serde_json::from_slice(body).map_err(|error| {
        format!(
            "answers with metadata that {}",
            keyrule_credential::json::place(&error)
        )
    })?;
    if said.error.is_some() {
        return Err("answers with an error where its metadata should be".to_owned());
    }
    named_so(issuer, said.issuer.as_deref())?;
    let methods = said.code_challenge_methods_supported;
    if methods.is_some_and(|methods| methods.iter().all(|method| method != "S256")) {
        return Err("does not support PKCE with S256, without which nobody logs in".to_owned());
    }
    let place = |what: &str, place: Option<String>| match place {
        Some(place) => secure(url, what, place).map(Some),
        None => Ok(None),
    };
    let token = place("token", said.token_endpoint)?;
    Ok(Endpoints {
        issuer: issuer.url.clone(),
        authorization: place("authorization", said.authorization_endpoint)?,
        device: place("device authorization", said.device_authorization_endpoint)?,
        token: token.ok_or_else(|| "names no token endpoint".to_owned())?,
        revocation: place("revocation", said.revocation_endpoint)?,
        introspection: place("introspection", said.introspection_endpoint)?,
        userinfo: place("userinfo", said.userinfo_endpoint)?,
        names_itself: said
            .authorization_response_iss_parameter_supported
            .unwrap_or(false),
    })
}

/// Byte for byte, so that one issuer cannot answer for another one (RFC 8414,
/// section 3.3).
fn named_so(issuer: &wit::Issuer, named: Option<&str>) -> Result<(), String> {
    let (id, url) = (&issuer.id, issuer.url.as_str());
    match named {
        Some(named) if named == url => Ok(()),
        Some(named) if named.strip_suffix('/') == Some(url) => Err(format!(
            "calls itself as the policy does, but with a slash at the end: add it to the `url` of the issuer `{id}`"
        )),
        Some(named) if url.strip_suffix('/') == Some(named) => Err(format!(
            "calls itself as the policy does, but without the slash at the end: take it off the `url` of the issuer `{id}`"
        )),
        Some(_) => Err(format!(
            "calls itself otherwise than the policy does: the `url` of the issuer `{id}` must be what it calls itself"
        )),
        None => Err("does not say which issuer it is".to_owned()),
    }
}

/// An issuer of another machine has no business on this one, so that plain
/// HTTP is only for an issuer that is here.
fn secure(issuer: &Url, what: &str, place: String) -> Result<String, String> {
    let url =
        Url::parse(&place).map_err(|_| format!("names a {what} endpoint that is not a URL"))?;
    if !http::is_secure(&url) || (url.scheme() == "http" && issuer.scheme() != "http") {
        return Err(format!(
            "names a {what} endpoint that would be asked without TLS"
        ));
    }
    if url.fragment().is_some() {
        return Err(format!("names a {what} endpoint with a fragment"));
    }
    Ok(place)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::http::fake::{self, Fake};
    use keyrule_contract::samples;
    use keyrule_system::environment::Ambient;
    use keyrule_system::runtime::block_on;

    fn issuer(url: &str) -> wit::Issuer {
        samples::issuer(url)
    }

    fn metadata(url: &str) -> Value {
        json!({
            "issuer": url,
            "authorization_endpoint": format!("{url}/authorize"),
            "token_endpoint": format!("{url}/token"),
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        })
    }

    fn ask(issuer: &wit::Issuer) -> Result<Endpoints, Error> {
        let http = Http::of(&Ambient::empty()).unwrap();
        block_on(endpoints(issuer, &http))
    }

    fn judged(url: &str, body: &Value) -> Result<Endpoints, String> {
        let (issuer, url) = (issuer(url), Url::parse(url).unwrap());
        read(&issuer, &url, body.to_string().as_bytes())
    }

    /// What is said where the metadata of a good issuer has this in it.
    fn wrong(key: &str, value: Value) -> String {
        let mut body = metadata("https://a.example");
        body[key] = value;
        judged("https://a.example", &body).unwrap_err()
    }

    #[test]
    fn what_the_policy_names_is_not_asked_for() {
        let mut issuer = issuer("https://nobody.invalid");
        issuer.endpoints = Some(wit::IssuerEndpoints {
            authorization: None,
            device: Some("https://a.example/device".to_owned()),
            token: "https://a.example/token".to_owned(),
            revocation: None,
            introspection: None,
            userinfo: None,
        });
        let found = ask(&issuer).unwrap();
        assert_eq!(
            (
                found.issuer.as_str(),
                found.token.as_str(),
                found.device.as_deref()
            ),
            (
                "https://nobody.invalid",
                "https://a.example/token",
                Some("https://a.example/device")
            )
        );
    }

    #[test]
    fn metadata_stands_between_host_and_path_or_after_the_path() {
        let places = |text: &str| {
            let url = Url::parse(text).unwrap();
            [oauth(&url), openid(&url)].map(String::from)
        };
        assert_eq!(
            places("https://a.example/one/two"),
            [
                "https://a.example/.well-known/oauth-authorization-server/one/two",
                "https://a.example/one/two/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            places("https://a.example:8443/"),
            [
                "https://a.example:8443/.well-known/oauth-authorization-server",
                "https://a.example:8443/.well-known/openid-configuration",
            ]
        );
    }

    #[test]
    fn openid_metadata_is_asked_where_there_is_no_other() {
        let fake = Fake::with(|request, stream| {
            let host = request
                .split("host: ")
                .nth(1)
                .unwrap()
                .lines()
                .next()
                .unwrap();
            let text = match request.starts_with("GET /realm/.well-known/openid-configuration ") {
                true => fake::json(&metadata(&format!("http://{host}/realm")).to_string()),
                false => fake::answer("404 Not Found", "", "<html>"),
            };
            std::io::Write::write_all(stream, text.as_bytes()).unwrap();
        });
        let url = format!("{}/realm", fake.origin());
        let found = ask(&issuer(&url)).unwrap();
        assert_eq!(
            (found.token, found.names_itself),
            (format!("{url}/token"), true)
        );
        assert_eq!(fake.requests().len(), 2);
    }

    #[test]
    fn an_issuer_without_metadata_is_told_with_what_to_do() {
        let fake = Fake::saying(fake::answer("403 Forbidden", "", "s3cr3t"));
        assert_eq!(
            ask(&issuer(&fake.origin())).unwrap_err().to_string(),
            format!(
                "`{}` has no metadata for the issuer `test` (HTTP 403): see whether its `url` is right, or name its `endpoints` in the policy",
                fake.origin()
            )
        );
    }

    #[test]
    fn an_issuer_that_fails_is_not_asked_elsewhere() {
        let fake = Fake::saying(fake::answer("502 Bad Gateway", "", "s3cr3t"));
        let error = ask(&issuer(&fake.origin())).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{}` answers with HTTP 502", fake.origin())
        );
        assert_eq!(fake.requests().len(), 1);
    }

    #[test]
    fn an_answer_that_is_no_metadata_is_told_without_its_text() {
        let cases = [
            ("", "answers with nothing where its metadata should be"),
            (
                "s3cr3t",
                "answers with metadata that is not JSON (line 1, column 1)",
            ),
            (
                "{\"issuer\":",
                "answers with metadata that ends too early (line 1, column 10)",
            ),
            (
                "[]",
                "answers with metadata that does not have the expected shape (line 1, column 2)",
            ),
            (
                "{\"issuer\": 5}",
                "answers with metadata that does not have the expected shape (line 1, column 12)",
            ),
            (
                "{\"error\": \"s3cr3t\"}",
                "answers with an error where its metadata should be",
            ),
            ("{}", "does not say which issuer it is"),
        ];
        for (body, said) in cases {
            let fake = Fake::saying(fake::json(body));
            let error = ask(&issuer(&fake.origin())).unwrap_err().to_string();
            assert_eq!(error, format!("`{}` {said}", fake.origin()));
        }
    }

    #[test]
    fn an_issuer_is_named_byte_for_byte() {
        let said = |policy: &str, itself: &str| judged(policy, &metadata(itself)).map(|_| ());
        assert_eq!(said("https://a.example", "https://a.example"), Ok(()));
        let cases = [
            (
                "https://a.example",
                "https://a.example/",
                "calls itself as the policy does, but with a slash at the end: add it to the `url` of the issuer `test`",
            ),
            (
                "https://a.example/",
                "https://a.example",
                "calls itself as the policy does, but without the slash at the end: take it off the `url` of the issuer `test`",
            ),
            (
                "https://a.example",
                "https://A.example",
                "calls itself otherwise than the policy does: the `url` of the issuer `test` must be what it calls itself",
            ),
        ];
        for (policy, itself, words) in cases {
            assert_eq!(said(policy, itself), Err(words.to_owned()));
        }
    }

    #[test]
    fn no_endpoint_is_asked_without_tls() {
        for place in [
            "http://b.example/t",
            "http://127.0.0.1/t",
            "https://user:s3cr3t@a.example/",
            "ftp://a.example/",
        ] {
            assert_eq!(
                wrong("userinfo_endpoint", json!(place)),
                "names a userinfo endpoint that would be asked without TLS",
                "{place}"
            );
        }
        assert_eq!(
            wrong("revocation_endpoint", json!("/revoke")),
            "names a revocation endpoint that is not a URL"
        );
        let local = judged("http://127.0.0.1:1", &metadata("http://127.0.0.1:1")).unwrap();
        assert_eq!(local.token, "http://127.0.0.1:1/token");
    }

    #[test]
    fn what_a_login_needs_must_be_there() {
        assert_eq!(
            wrong("token_endpoint", Value::Null),
            "names no token endpoint"
        );
        assert_eq!(
            wrong("code_challenge_methods_supported", json!(["plain"])),
            "does not support PKCE with S256, without which nobody logs in"
        );
    }
}
