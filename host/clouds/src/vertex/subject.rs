//! The token of another issuer that an external account is exchanged with.
//! What goes in is what the file says of where it comes from: a file, a URL, a
//! program; what comes out is that token, for the crate to exchange. All
//! three are read here and not by the crate, so that each has its limit.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use google_cloud_auth::credentials::subject_token::{Builder, SubjectToken, SubjectTokenProvider};
use google_cloud_auth::errors::CredentialsError;
use oauth2::http::Request;
use serde_json::Value;
use zeroize::Zeroizing;

use super::super::network;
use super::account::Asking;
use super::program;
use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;
use keyrule_oauth::http::{self, origin};
use keyrule_system::fs::contents;

/// The longest token, and what lies around it.
pub(super) const LONGEST: usize = 64 * 1024;

/// How long a metadata server may take.
const METADATA: Duration = Duration::from_secs(10);

/// A token, as the crate asks for one.
#[derive(Debug)]
pub(super) struct Subject(Secret);

impl SubjectTokenProvider for Subject {
    type Error = CredentialsError;

    async fn subject_token(&self) -> Result<SubjectToken, CredentialsError> {
        Ok(Builder::new(handout::to_send(&self.0)).build())
    }
}

/// The token, or none where the crate must find it itself: an AWS key signs.
pub(super) async fn of(asking: &Asking<'_>, json: &Value) -> Result<Option<Arc<Subject>>, Failure> {
    let found = asking.found;
    let source = json.get("credential_source").unwrap_or(&Value::Null);
    let text = |key: &str| source.get(key).and_then(Value::as_str);
    let token = if text("environment_id").is_some() {
        return Ok(None);
    } else if let Some(executable) = source.get("executable") {
        program::token(asking, json, executable).await?
    } else if let Some(url) = text("url") {
        let answer = fetch(asking, source, url).await?;
        field(asking, source, &answer)?
    } else if let Some(file) = text("file") {
        let path = found.path.parent().unwrap_or(Path::new("")).join(file);
        let content = read(&path)?;
        field(asking, source, &content)?
    } else if source.get("certificate").is_some() {
        return Err(found.invalid("uses an X.509 certificate, which is not supported"));
    } else {
        return Err(found.invalid("has no `credential_source` that can be asked"));
    };
    match token.is_blank() {
        true => Err(found.invalid("leads to a token that is empty")),
        false => Ok(Some(Arc::new(Subject(token)))),
    }
}

/// The token in what was read: all of it, or a field.
fn field(asking: &Asking<'_>, source: &Value, content: &[u8]) -> Result<Secret, Failure> {
    let at = |pointer: &str| source.pointer(pointer).and_then(Value::as_str);
    let token = match at("/format/type") {
        Some("json") => {
            let name = at("/format/subject_token_field_name").unwrap_or_default();
            let json: Value = serde_json::from_slice(content).unwrap_or_default();
            let token = json.get(name).and_then(Value::as_str);
            token.map(|token| Secret::new(token.trim_ascii()))
        }
        _ => std::str::from_utf8(content)
            .ok()
            .map(|token| Secret::new(token.trim_ascii())),
    };
    token.ok_or_else(|| {
        let words = "what `credential_source` leads to is not in its `format`";
        let failure = Failure::new(wit::FailureKind::MalformedAnswer, words);
        failure.in_place(asking.found.path.display().to_string())
    })
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let fault = |words: String| {
        let words = format!("the file that `credential_source` names {words}");
        Failure::new(wit::FailureKind::Unreadable, words).in_place(path.display().to_string())
    };
    match contents::read(path, LONGEST as u64) {
        Ok(Some(contents)) => Ok(contents.bytes),
        Ok(None) => Err(fault("is not there".to_owned())),
        Err(error) => Err(fault(error.to_string())),
    }
}

async fn fetch(
    asking: &Asking<'_>,
    source: &Value,
    url: &str,
) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let invalid = || {
        asking
            .found
            .invalid("has a `credential_source` that cannot be asked")
    };
    let url: url::Url = url.parse().map_err(|_| invalid())?;
    let mut request = Request::get(url.as_str());
    let headers = source.get("headers").and_then(Value::as_object);
    for (name, value) in headers.into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let request = request.body(Vec::new()).map_err(|_| invalid())?;
    // An Azure machine gets its token so.
    let response = match http::is_metadata(&url) {
        true => {
            let metadata = http::Http::for_metadata(asking.world, METADATA);
            let metadata = metadata.map_err(|error| network::failure(&error))?;
            metadata.send(request).await
        }
        false => asking.http.send(request).await,
    };
    let response = response.map_err(|error| network::failure(&error))?;
    let status = response.status().as_u16();
    if !response.status().is_success() {
        let words = format!("`{}` answers with the status {status}", origin(&url));
        return Err(Failure::new(network::trouble(status), words));
    }
    Ok(Zeroizing::new(response.into_body()))
}
