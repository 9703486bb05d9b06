//! The program that prints the token of another issuer. What goes in is what
//! the file says of it; what comes out is that token. It runs only where the
//! user's own variable lets it, and as our helpers do: in the folder of the
//! file, so that a relative path never leads into a cloned repository, without
//! the policy's credentials, and killed with all that it started when its time
//! is over. The crate would run it in the current folder, with everything, and
//! without what it has to be told.

use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::account::Asking;
use super::subject::LONGEST;
use super::{file, impersonate};
use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_credential::secret::Secret;
use keyrule_system::environment::Ambient;
use keyrule_system::fs::contents;
use keyrule_system::process::run::{self, Talk};
use keyrule_system::process::{Command, Line, recursion};
use keyrule_system::signals::Signals;

/// The variable that lets programs run, as Google's libraries have it.
const ALLOW: &str = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";

/// How long a program may take, where the file does not say.
const TIMEOUT: u64 = 30_000;

/// What the file may say.
const TIMEOUTS: std::ops::RangeInclusive<u64> = 5_000..=120_000;

/// What the program prints, or had printed into its file.
pub(super) async fn token(
    asking: &Asking<'_>,
    json: &Value,
    executable: &Value,
) -> Result<Secret, Failure> {
    let found = asking.found;
    let allowed = asking.world.variable(ALLOW);
    if allowed.is_none_or(|allowed| allowed != "1") {
        let path = found.path.display();
        let words = format!("`{path}` names a program to be run, and `{ALLOW}` is not `1`");
        return Err(Failure::new(wit::FailureKind::Invalid, words).in_place(ALLOW));
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
    let signals = Signals::listen(asking.asker.owns_signals);
    let output = run::run(process, false, Talk::Listen(LONGEST), limit, signals).await;
    let said = output
        .map_err(Failure::from)
        .and_then(|output| match parse(&output) {
            Some(Said::Token(token)) => Ok(token),
            Some(Said::No) => Err(Failure::new(wit::FailureKind::Rejected, "it has no token")),
            Some(Said::Expired) => Err(Failure::new(
                wit::FailureKind::Expired,
                "its token has expired",
            )),
            None => {
                let words = "it prints what is not in the format of such programs";
                Err(Failure::new(wit::FailureKind::MalformedAnswer, words))
            }
        });
    said.map_err(|failure| {
        let mut failure = failure.in_place(found.path.display().to_string());
        let words = failure.detail.take();
        failure.detail = words.map(|words| format!("the program that it names: {words}"));
        failure
    })
}

/// The program, with what Google's libraries tell one in variables.
fn process(
    asking: &Asking<'_>,
    json: &Value,
    executable: &Value,
) -> Result<tokio::process::Command, Failure> {
    let (found, world, asker) = (asking.found, asking.world, asking.asker);
    let folder = found.path.parent().unwrap_or(Path::new("/"));
    let command = executable.get("command").and_then(Value::as_str);
    let mut words = command.unwrap_or_default().split_whitespace();
    let program = words.next().map(|program| match program.contains('/') {
        true => folder.join(program).display().to_string(),
        false => program.to_owned(),
    });
    let command = Command {
        line: Line::Arguments(
            program
                .into_iter()
                .chain(words.map(str::to_owned))
                .collect(),
        ),
        found_in: found.path.display().to_string(),
        folder: folder.to_path_buf(),
    };
    let process = command.process(
        &asker.info.hidden_variables,
        &asker.info.name_of(&asker.source),
        world,
    );
    let Some(mut process) = process else {
        return Err(found.invalid("has an `executable` without a `command`"));
    };
    let around = recursion::mark(&asker.info.name_of(&asker.source), world);
    let text = |key: &str| json.get(key).and_then(Value::as_str).unwrap_or_default();
    process
        .env(recursion::MARKER, format!("{around} {}", mark(&found.path)))
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

/// Whether a Keyrule around this one is asking the program of the same file,
/// and has run this one to get the token.
pub(super) fn around(world: &Ambient) -> Option<Failure> {
    let own = mark(&file::path(world)?);
    recursion::is_marked(&own, world).then(runs_keyrule)
}

/// The words of that.
pub(super) fn runs_keyrule() -> Failure {
    let words = "the program that the credentials file names runs Keyrule, which is looking for \
                 these very credentials";
    Failure::new(wit::FailureKind::Nested, words)
}

/// What tells one file from another.
fn mark(path: &Path) -> String {
    let digest = Sha256::digest(path.as_os_str().as_encoded_bytes());
    let hex = digest.iter().take(8).map(|byte| format!("{byte:02x}"));
    format!("google-file/{}", hex.collect::<String>())
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
