//! ID tokens and userinfo (OpenID Connect Core, sections 3.1.3.7 and 5.3):
//! what an issuer says of the user. What goes in is a token as the token
//! endpoint gave it; what comes out are its claims, or why they do not count.
//! It does not judge who may log in.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use zeroize::Zeroizing;

use keyrule_contract as wit;
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;

use super::answer;
use super::carrier::Carrier;
use super::{Endpoints, Error, Tokens, token};

/// How far the clock of this machine and the issuer's may be apart.
const LEEWAY: Duration = Duration::from_secs(5 * 60);

/// Claims that are about the token and not about the user.
const OF_THE_TOKEN: [&str; 15] = [
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "exp",
    "iat",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "s_hash",
    "sid",
];

/// Adds what the issuer says of the user to the tokens of a login: in the ID
/// token, and in userinfo, where many issuers say all but `sub`.
pub(super) async fn known(
    tokens: Tokens,
    id_token: Option<&Secret>,
    issuer: &wit::Issuer,
    endpoints: &Endpoints,
    nonce: Option<&str>,
    carrier: &impl Carrier,
) -> Result<Tokens, Error> {
    let mut claims = match id_token {
        Some(token) => claims(token, issuer, endpoints, nonce, SystemTime::now())?,
        None => BTreeMap::new(),
    };
    if let Some(url) = &endpoints.userinfo {
        let more = userinfo(url, &tokens.access_token, carrier).await?;
        // Section 5.3.2: else it can be about somebody else.
        if id_token.is_some() && !more.is_empty() && more.get("sub") != claims.get("sub") {
            return Err(answer::wrong(url, "says who another user is"));
        }
        claims.extend(more);
    }
    Ok(Tokens { claims, ..tokens })
}

/// The claims of an ID token that came from the token endpoint.
///
/// Its signature is not checked: it came over TLS from the issuer itself,
/// which may take the place of the signature (section 3.1.3.7, rule 6).
/// Everything else of that section is checked.
pub(super) fn claims(
    id_token: &Secret,
    issuer: &wit::Issuer,
    endpoints: &Endpoints,
    nonce: Option<&str>,
    now: SystemTime,
) -> Result<BTreeMap<String, Value>, Error> {
    let wrong = |why: &str| answer::wrong(&endpoints.token, &format!("gives an ID token {why}"));
    token::bounded(&endpoints.token, "an ID token", id_token)?;
    let parts: Vec<&str> = handout::to_send(id_token).split('.').collect();
    let [header, payload, _signature] = parts.as_slice() else {
        return Err(wrong("that is none"));
    };
    let header = decoded(header).ok_or_else(|| wrong("that is none"))?;
    let mut claims = decoded(payload).ok_or_else(|| wrong("that is none"))?;
    match header.get("alg").and_then(Value::as_str) {
        Some(algorithm) if !algorithm.eq_ignore_ascii_case("none") => {}
        _ => return Err(wrong("without a signature")),
    }
    if claims.get("iss").and_then(Value::as_str) != Some(&endpoints.issuer) {
        return Err(wrong("of another issuer"));
    }
    if !is_for(&claims, &issuer.client_id) {
        return Err(wrong("for another client"));
    }
    let ends = claims
        .get("exp")
        .and_then(Value::as_f64)
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .and_then(|since| since.checked_add(LEEWAY))
        .ok_or_else(|| wrong("without an end"))?;
    let now = now
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    if now >= ends {
        return Err(wrong(
            "that has ended; see whether the clock of this machine is right",
        ));
    }
    if nonce.is_some() && claims.get("nonce").and_then(Value::as_str) != nonce {
        return Err(wrong("for another login"));
    }
    claims.retain(|name, _| !OF_THE_TOKEN.contains(&name.as_str()));
    Ok(claims)
}

/// The audience has this client, and where it has more than one, the token
/// was made for this one.
fn is_for(claims: &BTreeMap<String, Value>, client_id: &str) -> bool {
    let (in_audience, others) = match claims.get("aud") {
        Some(Value::String(audience)) => (audience == client_id, false),
        Some(Value::Array(audience)) => (
            audience.iter().any(|one| one.as_str() == Some(client_id)),
            audience.len() > 1,
        ),
        _ => (false, false),
    };
    in_audience
        && match claims.get("azp") {
            Some(party) => party.as_str() == Some(client_id),
            None => !others,
        }
}

fn decoded(part: &str) -> Option<BTreeMap<String, Value>> {
    let text = Zeroizing::new(URL_SAFE_NO_PAD.decode(part).ok()?);
    serde_json::from_slice(&text).ok()
}

/// Asks whose the access token is. An issuer that does not say so to this
/// token says nothing; one that fails makes the login fail, because a login
/// of nobody could not be told from the next.
async fn userinfo(
    url: &str,
    access_token: &Secret,
    carrier: &impl Carrier,
) -> Result<BTreeMap<String, Value>, Error> {
    let request = oauth2::http::Request::get(url)
        .header("accept", "application/json")
        .header("authorization", answer::bearer(url, access_token)?)
        .body(Vec::new())
        .map_err(|_| answer::no_address(url))?;
    let response = carrier.carry(request).await?;
    let status = response.status();
    let signed = response
        .headers()
        .get("content-type")
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/jwt"));
    if signed || (status.is_client_error() && status.as_u16() != 429) {
        return Ok(BTreeMap::new());
    }
    let mut claims: BTreeMap<String, Value> = answer::read(url, response)?;
    claims.retain(|name, _| !OF_THE_TOKEN.contains(&name.as_str()));
    Ok(claims)
}

#[cfg(test)]
pub(super) mod samples {
    use super::*;

    /// An ID token of `https://login.test` for `cli`, as it must be but for
    /// its signature.
    pub(in crate::login) fn token(nonce: Option<&str>, email: &str) -> String {
        let mut claims = serde_json::json!({
            "iss": "https://login.test", "aud": "cli", "exp": 32_503_680_000_u64, "iat": 1,
            "sub": "1", "email": email,
        });
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        encoded(&serde_json::json!({"alg": "RS256"}), &claims)
    }

    /// A token with this header and these claims.
    pub(in crate::login) fn encoded(header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        format!(
            "{}.{}.{}",
            part(header),
            part(claims),
            URL_SAFE_NO_PAD.encode("s3cr3t")
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::samples::endpoints;
    use super::*;
    use keyrule_contract::samples::issuer;

    fn judged(token: &str) -> Result<BTreeMap<String, Value>, String> {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let issuer = issuer("https://login.test");
        claims(&Secret::new(token), &issuer, &endpoints(), Some("n"), now).map_err(|error| {
            assert!(
                !format!("{error} {error:?}").contains("s3cr3t"),
                "{error:?}"
            );
            error
                .to_string()
                .replace("`https://login.test` gives an ID token ", "")
        })
    }

    fn good() -> Value {
        json!({
            "iss": "https://login.test", "aud": "cli", "exp": 1_000_001, "iat": 1, "nonce": "n",
            "sub": "1", "email": "a@b.test", "org": "o",
        })
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = good();
        claims[name] = value;
        claims
    }

    #[test]
    fn what_it_says_of_the_user_is_kept_and_what_it_says_of_itself_is_not() {
        let header = json!({"alg": "RS256"});
        for audience in [json!("cli"), json!(["cli"])] {
            let token = samples::encoded(&header, &with("aud", audience));
            let claims = judged(&token).unwrap();
            let names: Vec<_> = claims.keys().map(String::as_str).collect();
            assert_eq!(names, ["email", "org", "sub"]);
        }
        let mut several = with("aud", json!(["other", "cli"]));
        several["azp"] = "cli".into();
        assert!(judged(&samples::encoded(&header, &several)).is_ok());
    }

    #[test]
    fn a_clock_may_be_five_minutes_off() {
        let header = json!({"alg": "RS256"});
        let ended = |exp: u64| judged(&samples::encoded(&header, &with("exp", exp.into())));
        assert!(ended(1_000_000 - 299).is_ok());
        assert_eq!(
            ended(1_000_000 - 300).unwrap_err(),
            "that has ended; see whether the clock of this machine is right"
        );
    }

    #[test]
    fn one_that_is_not_for_this_login_is_not_believed() {
        let mut without_exp = good();
        without_exp.as_object_mut().unwrap().remove("exp");
        let mut other_party = with("aud", json!(["cli"]));
        other_party["azp"] = "other".into();
        for (claims, why) in [
            (
                with("iss", json!("https://login.test/")),
                "of another issuer",
            ),
            (
                with("iss", json!(["https://login.test"])),
                "of another issuer",
            ),
            (with("aud", json!("s3cr3t")), "for another client"),
            (with("aud", json!(["cli", "other"])), "for another client"),
            (with("aud", json!(["other"])), "for another client"),
            (with("aud", Value::Null), "for another client"),
            (other_party, "for another client"),
            (with("exp", json!("1000001")), "without an end"),
            (with("exp", json!(1e300)), "without an end"),
            (with("exp", json!(-1)), "without an end"),
            (without_exp, "without an end"),
            (with("nonce", json!("other")), "for another login"),
            (with("nonce", Value::Null), "for another login"),
        ] {
            let token = samples::encoded(&json!({"alg": "RS256"}), &claims);
            assert_eq!(judged(&token).unwrap_err(), why, "{claims}");
        }
    }

    #[test]
    fn one_without_a_signature_or_without_a_shape_is_not_believed() {
        for header in [
            json!({"alg": "none"}),
            json!({"alg": "NONE"}),
            json!({}),
            json!({"alg": 1}),
        ] {
            let token = samples::encoded(&header, &good());
            assert_eq!(judged(&token).unwrap_err(), "without a signature");
        }
        for token in [
            "",
            "s3cr3t",
            "s3cr3t.s3cr3t.s3cr3t",
            "a.b.c.d.e",
            "W10.W10.",
            "e30.s3cr3t",
        ] {
            assert_eq!(judged(token).unwrap_err(), "that is none", "{token}");
        }
    }
}
