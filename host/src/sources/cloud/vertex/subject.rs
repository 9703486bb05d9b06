//! The token of another issuer that an external account is exchanged with.
//! What goes in is what the file says of where it comes from: a file, a URL, a
//! program; what comes out is that token, for the crate to exchange. All
//! three are read here, so that each has its limit, and a program runs only
//! where the user's own variable lets it.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use google_cloud_auth::credentials::subject_token::{Builder, SubjectToken, SubjectTokenProvider};
use google_cloud_auth::errors::CredentialsError;
use oauth2::http::Request;
use serde_json::Value;
use zeroize::Zeroizing;

use super::super::network;
use super::account::Asking;
use super::impersonate;
use crate::engine::bindings as wit;
use crate::handout;
use crate::http::{self, origin};
use crate::secret::Secret;
use crate::sources::Failure;
use crate::sources::command::run::{self, Talk};
use crate::sources::signals::Signals;
use crate::store::contents;

/// The longest token, and what lies around it.
const LONGEST: usize = 64 * 1024;

/// The variable that lets programs run, as Google's libraries have it.
const ALLOW: &str = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";

/// How long a metadata server may take.
const METADATA: Duration = Duration::from_secs(10);

/// How long a program may take, where the file does not say.
const TIMEOUT: u64 = 30_000;

/// What the file may say.
const TIMEOUTS: std::ops::RangeInclusive<u64> = 5_000..=120_000;

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
        run_program(asking, json, executable).await?
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
        let failure = Failure::new(wit::Trouble::MalformedAnswer, words);
        failure.in_place(asking.found.path.display().to_string())
    })
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let fault = |words: String| {
        let words = format!("the file that `credential_source` names {words}");
        Failure::new(wit::Trouble::Unreadable, words).in_place(path.display().to_string())
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
            .invalid("its `credential_source` cannot be asked")
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

/// What a program prints, or had printed into its file.
async fn run_program(
    asking: &Asking<'_>,
    json: &Value,
    executable: &Value,
) -> Result<Secret, Failure> {
    let found = asking.found;
    if asking
        .world
        .variable(ALLOW)
        .is_none_or(|allow| allow != "1")
    {
        let words = format!(
            "`{}` names a program to be run, and `{ALLOW}` is not `1`",
            found.path.display()
        );
        return Err(Failure::new(wit::Trouble::Invalid, words).in_place(ALLOW));
    }
    let folder = found.path.parent().unwrap_or(Path::new(""));
    let kept = executable.get("output_file").and_then(Value::as_str);
    let kept = kept.map(|file| folder.join(file));
    if let Some(path) = &kept
        && let Ok(Some(contents)) = contents::read(path, LONGEST as u64)
        && let Some(Said::Token(token)) = parse(&contents.bytes)
    {
        return Ok(token);
    }
    let mut process = process(asking, json, executable)?;
    if let Some(path) = &kept {
        process.env("GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE", path);
    }
    let limit = executable.get("timeout_millis").and_then(Value::as_u64);
    let limit = limit.unwrap_or(TIMEOUT);
    let limit = Duration::from_millis(limit.clamp(*TIMEOUTS.start(), *TIMEOUTS.end()));
    let talk = Talk::Listen(LONGEST);
    let placed = |failure: Failure| {
        let mut failure = failure.in_place(found.path.display().to_string());
        let words = failure.detail.take();
        failure.detail = words.map(|words| format!("the program that it names: {words}"));
        failure
    };
    let output = run::run(process, false, talk, limit, Signals::listen(false)).await;
    let output = output.map_err(placed)?;
    match parse(&output) {
        Some(Said::Token(token)) => Ok(token),
        Some(Said::No) => {
            let words = "it has no token";
            Err(placed(Failure::new(wit::Trouble::Rejected, words)))
        }
        Some(Said::Expired) => {
            let words = "its token has expired";
            Err(placed(Failure::new(wit::Trouble::Expired, words)))
        }
        None => {
            let words = "it prints what is not in the format of such programs";
            Err(placed(Failure::new(wit::Trouble::MalformedAnswer, words)))
        }
    }
}

/// The program, with what Google's libraries tell one in variables. It runs in
/// the folder of the file, so that a relative path never leads into a cloned
/// repository, and without the contract's own credentials.
fn process(
    asking: &Asking<'_>,
    json: &Value,
    executable: &Value,
) -> Result<tokio::process::Command, Failure> {
    let command = executable.get("command").and_then(Value::as_str);
    let mut words = command.unwrap_or_default().split_whitespace();
    let Some(program) = words.next() else {
        return Err(asking.found.invalid("its `executable` has no `command`"));
    };
    let folder = asking.found.path.parent();
    let folder = folder.filter(|folder| folder.is_absolute());
    let mut process = match folder {
        Some(folder) if program.contains('/') => tokio::process::Command::new(folder.join(program)),
        _ => tokio::process::Command::new(program),
    };
    process.args(words).env_clear();
    if let Some(folder) = folder {
        process.current_dir(folder);
    }
    let own = [&asking.cloud.bearer_token, &asking.cloud.api_key];
    for (name, value) in asking.world.variables() {
        if !own.into_iter().flatten().any(|own| name == own.as_str()) {
            process.env(name, value);
        }
    }
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    process
        .env("GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE", text("audience"))
        .env(
            "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE",
            text("subject_token_type"),
        )
        .env("GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE", "0");
    if let Some(email) = impersonate::email(text("service_account_impersonation_url")) {
        process.env("GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL", email);
    }
    Ok(process)
}

/// What a program has said.
enum Said {
    Token(Secret),
    No,
    Expired,
}

/// <https://google.aip.dev/auth/4117>
fn parse(output: &[u8]) -> Option<Said> {
    let answer: Value = serde_json::from_slice(output).ok()?;
    if answer.get("version")?.as_u64()? != 1 {
        return None;
    }
    if !answer.get("success")?.as_bool()? {
        return Some(Said::No);
    }
    if let Some(end) = answer.get("expiration_time") {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        if end.as_u64()? <= now.ok()?.as_secs() {
            return Some(Said::Expired);
        }
    }
    let field = match answer.get("token_type")?.as_str()? {
        "urn:ietf:params:oauth:token-type:saml2" => "saml_response",
        "urn:ietf:params:oauth:token-type:id_token" | "urn:ietf:params:oauth:token-type:jwt" => {
            "id_token"
        }
        _ => return None,
    };
    Some(Said::Token(Secret::new(answer.get(field)?.as_str()?)))
}
