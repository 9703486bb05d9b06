//! `keyrule exec -- COMMAND`: runs a program with exactly one credential.
//! What goes in is this process's environment; what comes out is the same
//! without any variable that a source of the policy declares, and with those
//! that the winner sets. Where the winner is a cloud provider, the program is
//! passed the provider's own variables instead of credentials: it asks the
//! provider itself, and can renew what it gets. On Unix this process becomes the program, so that
//! signals, terminal and exit code are the program's own. It is hygiene, not
//! isolation: the program can read files, and never sees a refresh.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::Path;
use std::process::Command;
use std::time::SystemTime;

use keyrule::resolver::Resolution;
use keyrule_contract as wit;
use keyrule_credential::credential::Credential;
use keyrule_system::environment::{names, stands_for};

use crate::Context;
use crate::args::Exec;
use crate::commands::status::ends_in;
use crate::errors::{Failure, os_words};

/// A credential that ends sooner than this is worth a warning: the program
/// has it for as long as it runs.
const SOON: u64 = 15 * 60;

/// The exit code of a failure before the program ran, as `env` has it.
const FAILED: i32 = 125;
const NOT_EXECUTABLE: i32 = 126;
const NOT_FOUND: i32 = 127;

/// Runs the program and returns its exit code; on Unix it returns only where
/// the program could not be started.
pub(crate) fn run(context: &mut Context<'_, '_>, arguments: &Exec) -> Result<i32, Failure> {
    let resolution = context
        .record(&arguments.recorded, "exec")
        .and_then(|()| context.resolver())
        .and_then(|mut resolver| crate::commands::login::resolve(context, &mut resolver))
        .map_err(|failure| Failure {
            exit: FAILED,
            ..failure
        })?;
    context.output.warn_of(&resolution.explained);
    if let Some(warning) = ends_soon(&resolution.credential) {
        context.output.warn(&warning);
    }
    let Some((program, rest)) = arguments.command.split_first() else {
        return Err(Failure::new("usage", 2, "`exec` needs a program to run"));
    };
    let mut command = Command::new(program);
    command
        .args(rest)
        .env_clear()
        .envs(environment(context.ambient.variables(), &resolution));
    tracing::debug!(program = %program.to_string_lossy(), "exec");
    start(&mut command).map_err(|error| not_started(program, &error))
}

/// Becomes the program. The standard library restores the signal mask and
/// the default of SIGPIPE on the way, so that the program starts as from a
/// shell.
#[cfg(unix)]
fn start(command: &mut Command) -> Result<i32, io::Error> {
    Err(std::os::unix::process::CommandExt::exec(command))
}

/// Runs the program and waits: Windows cannot replace a process.
#[cfg(not(unix))]
fn start(command: &mut Command) -> Result<i32, io::Error> {
    Ok(command.status()?.code().unwrap_or(1))
}

fn not_started(program: &OsStr, error: &io::Error) -> Failure {
    let name = program.to_string_lossy();
    let mut failure = match error.kind() {
        io::ErrorKind::NotFound => Failure::new(
            "program-not-found",
            NOT_FOUND,
            format!("the program `{name}` was not found"),
        )
        .hint("check its name and `PATH`, or the interpreter that its first line names"),
        io::ErrorKind::PermissionDenied => Failure::new(
            "program-not-executable",
            NOT_EXECUTABLE,
            format!("the program `{name}` may not be executed"),
        )
        .hint(if Path::new(program).is_dir() {
            "a folder is no program".to_owned()
        } else {
            format!("try `chmod +x {name}`, if it is a program of yours")
        }),
        _ => Failure::new(
            "program-not-started",
            NOT_EXECUTABLE,
            format!("the program `{name}` could not be started"),
        ),
    };
    failure.said.causes.push(os_words(error));
    failure
}

/// What to say of a credential that ends soon.
fn ends_soon(credential: &Credential) -> Option<String> {
    let left = seconds_left(credential).filter(|left| *left < SOON)?;
    Some(format!(
        "the credential of `{}` ends {}, and the program never sees a new one",
        credential.source,
        ends_in(i64::try_from(left).unwrap_or(i64::MAX))
    ))
}

/// How many seconds a credential has left, where that is known.
pub(super) fn seconds_left(credential: &Credential) -> Option<u64> {
    let ends = credential.expires_at?;
    let left = ends.duration_since(SystemTime::now());
    Some(left.map_or(0, |left| left.as_secs()))
}

/// The program's environment: this one's, without what the policy clears and
/// without what any source sets, and with what the winner sets.
fn environment<'v>(
    variables: impl Iterator<Item = (&'v OsStr, &'v OsStr)>,
    resolution: &Resolution,
) -> BTreeMap<OsString, OsString> {
    let explained = &resolution.explained;
    let passed = &resolution.credential.passed;
    let mut environment: BTreeMap<OsString, OsString> = variables
        .filter(|(name, _)| {
            is_named(name, &passed.keeps)
                || !is_cleared(name, &explained.info.cleared_variables, &explained.sources)
                // What the policy names goes; `scrub` names no variable.
                || (is_listed(name, &passed.keeps) && !is_named(name, &explained.info.cleared_variables))
        })
        .filter(|(name, _)| !is_listed(name, &passed.drops))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    for (name, value) in resolution.credential.exports() {
        environment.insert(name.into(), value.into());
    }
    environment
}

/// Whether a variable is one that the policy clears.
fn is_cleared(name: &OsStr, clears: &[String], sources: &[wit::Source]) -> bool {
    let mut exported = sources.iter().flat_map(|source| &source.export);
    is_listed(name, clears) || exported.any(|pair| names(&pair.name, name))
}

/// Whether a variable is in the list by its own name.
fn is_named(name: &OsStr, list: &[String]) -> bool {
    list.iter().any(|listed| names(listed, name))
}

/// Whether a variable is in the list, by its name or by how it begins.
fn is_listed(name: &OsStr, list: &[String]) -> bool {
    list.iter().any(|listed| stands_for(listed, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn after(variables: &[(&str, &str)], resolution: &Resolution) -> Vec<(String, String)> {
        let variables = variables
            .iter()
            .map(|(name, value)| (OsStr::new(*name), OsStr::new(*value)));
        environment(variables, resolution)
            .into_iter()
            .map(|(name, value)| (name.into_string().unwrap(), value.into_string().unwrap()))
            .collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_child_gets_the_winner_and_no_other_credential() {
        let mut resolution = samples::resolution("api-key", Some("canary-key"));
        resolution.explained.info.cleared_variables =
            vec!["ANTHROPIC_BASE_URL".into(), "AWS_*".into()];
        assert_eq!(
            after(
                &[
                    ("ANTHROPIC_API_KEY", "other"),
                    ("ANTHROPIC_AUTH_TOKEN", "other"),
                    ("ANTHROPIC_BASE_URL", "https://elsewhere.example"),
                    ("AWS_", "x"),
                    ("AWS_REGION", "x"),
                    ("AW", "kept"),
                    ("PATH", "/bin"),
                ],
                &resolution
            ),
            pairs(&[
                ("ANTHROPIC_API_KEY", "canary-key"),
                ("AW", "kept"),
                ("PATH", "/bin"),
            ])
        );
    }

    #[test]
    fn a_provider_keeps_its_variables_but_for_those_that_the_policy_names() {
        let mut resolution = samples::resolution("api-key", Some("canary-key"));
        resolution.explained.info.cleared_variables =
            ["AWS_*", "AWS_BEARER_TOKEN_BEDROCK", "USE_BEDROCK"]
                .map(str::to_owned)
                .to_vec();
        resolution.credential.passed = keyrule_credential::credential::Passed {
            keeps: ["AWS_*", "USE_BEDROCK"].map(str::to_owned).to_vec(),
            drops: vec!["AWS_DEFAULT_REGION".to_owned()],
            sets: vec![("AWS_REGION".to_owned(), "eu-central-1".to_owned())],
        };
        assert_eq!(
            after(
                &[
                    ("AWS_BEARER_TOKEN_BEDROCK", "other"),
                    ("AWS_DEFAULT_REGION", "other"),
                    ("AWS_PROFILE", "work"),
                    ("AWS_REGION", "other"),
                    ("USE_BEDROCK", "1"),
                ],
                &resolution
            ),
            pairs(&[
                ("ANTHROPIC_API_KEY", "canary-key"),
                ("AWS_PROFILE", "work"),
                ("AWS_REGION", "eu-central-1"),
                ("USE_BEDROCK", "1"),
            ])
        );
    }

    #[test]
    fn a_tool_login_leaves_no_credential_in_the_environment() {
        let resolution = samples::resolution("login", None);
        assert_eq!(
            after(
                &[("ANTHROPIC_API_KEY", "other"), ("HOME", "/root")],
                &resolution
            ),
            pairs(&[("HOME", "/root")])
        );
    }

    #[test]
    fn a_credential_that_ends_within_a_quarter_of_an_hour_is_warned_of() {
        let mut credential = samples::resolution("helper", Some("canary-key")).credential;
        let mut ends = |seconds| {
            credential.expires_at =
                SystemTime::now().checked_add(std::time::Duration::from_secs(seconds));
            ends_soon(&credential)
        };
        assert_eq!(ends(16 * 60), None);
        assert_eq!(
            ends(10 * 60 + 30).as_deref(),
            Some("the credential of `helper` ends in 10 min, and the program never sees a new one")
        );
    }

    #[test]
    fn failures_have_the_exit_codes_of_env() {
        let fail = |kind: io::ErrorKind| {
            let failure = not_started(OsStr::new("tool"), &kind.into());
            (failure.said.code, failure.exit)
        };
        assert_eq!(
            [
                fail(io::ErrorKind::NotFound),
                fail(io::ErrorKind::PermissionDenied),
                fail(io::ErrorKind::ArgumentListTooLong),
            ],
            [
                ("program-not-found", 127),
                ("program-not-executable", 126),
                ("program-not-started", 126),
            ]
        );
    }
}
