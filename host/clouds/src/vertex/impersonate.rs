//! A service account's token for somebody who may be it. What goes in is
//! their token and where the file says that it is asked; what comes out is
//! the other one and its end. Our client asks: the crate's keeps the end to
//! itself, and panics where that has passed by our clock.

use std::time::{Duration, SystemTime};

use oauth2::http;
use serde_json::{Value, json};
use url::Url;

use super::super::network;
use super::Token;
use super::account::Asking;
use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;
use keyrule_oauth::http::origin;

/// How long the token is asked for, where the file does not say.
const LIFETIME: u64 = 3600;

/// What may be asked for.
const LIFETIMES: std::ops::RangeInclusive<u64> = 600..=43_200;

/// The token of the account.
pub(super) async fn token(
    asking: &Asking<'_>,
    file: &Value,
    target: &Url,
    with: &Secret,
    scope: &str,
) -> Result<Token, Failure> {
    let lifetime = file
        .pointer("/service_account_impersonation/token_lifetime_seconds")
        .and_then(Value::as_u64)
        .filter(|seconds| LIFETIMES.contains(seconds))
        .unwrap_or(LIFETIME);
    let delegates = file.get("delegates").filter(|list| list.is_array());
    let body = json!({
        "delegates": delegates.unwrap_or(&json!([])),
        "scope": [scope],
        "lifetime": format!("{lifetime}s"),
    });
    let request = http::Request::post(target.as_str())
        .header(http::header::CONTENT_TYPE, "application/json")
        .header(http::header::AUTHORIZATION, handout::bearer(with))
        .body(body.to_string().into_bytes());
    let asked = format!("`{}`", origin(target));
    let malformed = || {
        let words = format!("{asked} answers with what is no token");
        Failure::new(wit::FailureKind::MalformedAnswer, words)
    };
    let request = request.map_err(|_| malformed())?;
    let response = asking.http.send(request).await;
    let response = response.map_err(|error| network::failure(&error))?;
    let status = response.status();
    if !status.is_success() {
        let status = status.as_u16();
        let words = format!("{asked} refuses to impersonate (status {status})");
        return Err(Failure::new(network::trouble(status), words));
    }
    let answer = zeroize::Zeroizing::new(response.into_body());
    let answer: Value = serde_json::from_slice(&answer).map_err(|_| malformed())?;
    let text = |key: &str| answer.get(key).and_then(Value::as_str);
    let secret = text("accessToken").ok_or_else(malformed)?;
    let end = text("expireTime").and_then(end).ok_or_else(malformed)?;
    Ok(Token {
        secret: Secret::new(secret),
        expires_at: Some(end),
    })
}

fn end(text: &str) -> Option<SystemTime> {
    let end = chrono::DateTime::parse_from_rfc3339(text).ok()?;
    let seconds = u64::try_from(end.timestamp()).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// The account that a URL of impersonation names.
pub(super) fn email(url: &str) -> Option<&str> {
    let (_, rest) = url.rsplit_once("/serviceAccounts/")?;
    let (email, _) = rest.split_once(':')?;
    Some(email)
}

/// Whether it is the name of a service account.
pub(super) fn is_email(text: &str) -> bool {
    (3..=254).contains(&text.len())
        && text.contains('@')
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"@.-_+".contains(&byte))
}
