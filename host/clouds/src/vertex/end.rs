//! When a token ends, which the crate knows and does not tell. What goes in
//! is the token; what comes out is its end, by the issuer that has just given
//! it and nobody else, or none where it does not say: then the token serves,
//! and is not kept.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use oauth2::http;
use serde_json::Value;
use url::Url;

use super::file::Found;
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;
use keyrule_oauth::http::{Http, origin};

/// How long the issuer may take to say it.
const LIMIT: Duration = Duration::from_secs(5);

/// Where Google itself says it.
const GOOGLE: &str = "https://oauth2.googleapis.com/tokeninfo";

/// The end of a user's token: beside `token` lies `tokeninfo`.
pub(super) async fn of_user(
    http: &Http,
    issuer: Option<&Url>,
    token: &Secret,
) -> Option<SystemTime> {
    let url = match issuer {
        None => GOOGLE.parse().ok()?,
        Some(issuer) => {
            let mut url = issuer.clone();
            let folder = url.path().strip_suffix("/token")?;
            let path = format!("{folder}/tokeninfo");
            url.set_path(&path);
            url
        }
    };
    let asked = SystemTime::now();
    let fields = [("access_token", handout::to_send(token))];
    let answer = ask(http, &url, &fields, None).await?;
    let left = match answer.get("expires_in")? {
        Value::String(text) => text.parse().ok()?,
        number => number.as_u64()?,
    };
    asked.checked_add(Duration::from_secs(left))
}

/// The end of an exchanged token, where the file names who says it at the
/// origin that exchanges.
pub(super) async fn of_external(
    http: &Http,
    found: &Found,
    json: &Value,
    token: &Secret,
) -> Option<SystemTime> {
    let url = found.url_at(json, "token_info_url").ok()??;
    let issuer = found.url_at(json, "token_url").ok()?;
    if issuer.is_some_and(|issuer| origin(&issuer) != origin(&url)) {
        return None;
    }
    let text = |key: &str| json.get(key).and_then(Value::as_str);
    let client = text("client_id").zip(text("client_secret"));
    let fields = [
        ("token", handout::to_send(token)),
        (
            "token_type_hint",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
    ];
    let answer = ask(http, &url, &fields, client).await?;
    UNIX_EPOCH.checked_add(Duration::from_secs(answer.get("exp")?.as_u64()?))
}

async fn ask(
    client: &Http,
    url: &Url,
    fields: &[(&str, &str)],
    basic: Option<(&str, &str)>,
) -> Option<Value> {
    use base64::Engine;
    let body = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields)
        .finish();
    let mut request = http::Request::post(url.as_str()).header(
        http::header::CONTENT_TYPE,
        "application/x-www-form-urlencoded",
    );
    if let Some((id, secret)) = basic {
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{secret}"));
        request = request.header(http::header::AUTHORIZATION, format!("Basic {pair}"));
    }
    let request = request.body(body.into_bytes()).ok()?;
    let response = tokio::time::timeout(LIMIT, client.send(request)).await;
    let response = response.ok()?.ok()?;
    let is_answer = response.status().is_success();
    is_answer.then(|| serde_json::from_slice(response.body()).ok())?
}
