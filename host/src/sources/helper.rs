//! A program that prints a token. What goes in is the source's contract and
//! the world around it; what comes out of a look is whether a command line is
//! there, out of a get the token that its program printed, or one that was
//! kept from an earlier run. A look runs nothing; whether a helper may run is
//! not decided here.
//!
//! ```text
//! look:  settings, recursion ──► command
//! get:   look ──► cache ──► run ──► output ──► cache
//! ```

mod cache;
mod command;
mod flight;
mod json;
mod output;
mod program;
mod recursion;
mod run;
mod settings;
#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::time::Duration;

use self::cache::{Cache, Key};
use self::command::Command;
pub(crate) use self::program::Program;
use self::run::Failure;
use super::{GetOptions, Got, Look, Notices, endpoint, observation};
use crate::ambient::Ambient;
use crate::engine::bindings as wit;
use crate::handout;
use crate::secret::Secret;
use crate::sources::signals::Signals;

/// Whatever a policy says, a run ends in a day; no clock overflows.
const LONGEST_RUN: Duration = Duration::from_secs(24 * 60 * 60);

/// Looks for the helper's command line. It is found and not run.
pub(crate) fn look(
    source: &wit::Source,
    helper: &wit::Helper,
    about: &wit::About,
    ambient: &Ambient,
) -> Look {
    inspect(source, helper, about, ambient).0
}

/// Forgets every token of a helper that is kept for this user, and returns how
/// many there were. A helper that is running keeps its own.
pub(crate) fn forget(ambient: &Ambient) -> usize {
    cache::forget(ambient)
}

/// Gets the helper's token: one that is kept and still fresh, else what a run
/// of the helper prints. Where `subject` is the command line that a look saw,
/// no other one is run.
pub(crate) async fn get(
    source: &wit::Source,
    helper: &wit::Helper,
    about: &wit::About,
    ambient: &Ambient,
    options: GetOptions,
    notices: &dyn Notices,
    subject: Option<&Secret>,
) -> Got {
    let (look, command) = inspect(source, helper, about, ambient);
    let seen = wit::Observation {
        got: true,
        ..look.observation
    };
    let (outcome, detail, secret) = match (&seen.outcome, command) {
        (wit::Outcome::Present, Some(command)) if !command.is_about(subject) => (
            wit::Outcome::Trouble(wit::Trouble::Vanished),
            Some("another command line has taken its place".to_owned()),
            None,
        ),
        // The marker says which helpers are being run; the processes around us
        // are asked only where a helper has taken the marker away.
        (wit::Outcome::Present, _)
            if notices.owns_signals()
                && ambient.variable(recursion::MARKER).is_none()
                && recursion::is_inside_a_run() =>
        {
            (wit::Outcome::Recursion, None, None)
        }
        (wit::Outcome::Present, Some(command)) => {
            let cache = Cache::of(key(source, helper, about, ambient, &command), ambient);
            let limit = Duration::from_millis(helper.timeout_ms).min(LONGEST_RUN);
            let run = async || {
                let signals = Signals::listen(notices.owns_signals());
                let process = command.process(about, source, ambient).ok_or(Failure {
                    trouble: wit::Trouble::NotStarted,
                    detail: None,
                })?;
                let output = run::run(process, command.is_for_the_shell(), limit, signals).await?;
                output::token(&output)
            };
            let token = flight::token(&cache, options, limit, run);
            match flight::attended(token, &source.id, flight::PATIENCE, notices).await {
                Ok(token) => (wit::Outcome::Present, seen.detail.clone(), Some(token)),
                Err(failure) => (wit::Outcome::Trouble(failure.trouble), failure.detail, None),
            }
        }
        // A look had seen a command line, or nobody would get.
        (wit::Outcome::Absent | wit::Outcome::Blank, _) => (
            wit::Outcome::Trouble(wit::Trouble::Vanished),
            seen.detail.clone(),
            None,
        ),
        (other, _) => (*other, seen.detail.clone(), None),
    };
    Got {
        observation: wit::Observation {
            outcome,
            detail,
            ..seen
        },
        secret,
        notes: Vec::new(),
    }
}

/// The program that a get would start, found without running anything. None
/// where nothing would be run.
pub(crate) fn program(
    source: &wit::Source,
    helper: &wit::Helper,
    about: &wit::About,
    ambient: &Ambient,
) -> Option<Program> {
    match inspect(source, helper, about, ambient) {
        (look, Some(command)) if look.observation.outcome == wit::Outcome::Present => {
            Some(Program::of(&command, ambient))
        }
        _ => None,
    }
}

/// What a look sees, and the command line if it can be run.
fn inspect(
    source: &wit::Source,
    helper: &wit::Helper,
    about: &wit::About,
    ambient: &Ambient,
) -> (Look, Option<Command>) {
    let seen = |outcome, detail: Option<String>| wit::Observation {
        detail,
        lifetime: lifetime(helper, ambient),
        ..observation(outcome)
    };
    let (observation, command) = match command::locate(source, helper, about, ambient) {
        Ok(None) => (seen(wit::Outcome::Absent, None), None),
        Ok(Some(command)) => {
            let outcome = if command.is_blank() {
                wit::Outcome::Blank
            } else if recursion::is_marked(about, source, ambient)
                || command.is_this_program(ambient)
            {
                wit::Outcome::Recursion
            } else {
                wit::Outcome::Present
            };
            let observation = wit::Observation {
                found_in: Some(command.found_in.clone()),
                tier: command.tier,
                ..seen(outcome, None)
            };
            (observation, Some(command))
        }
        Err(fault) => {
            let observation = wit::Observation {
                found_in: fault.found_in,
                tier: fault.tier,
                ..seen(wit::Outcome::Trouble(fault.trouble), Some(fault.detail))
            };
            (observation, None)
        }
    };
    let look = Look {
        subject: command
            .as_ref()
            .filter(|command| !command.is_blank())
            .map(Command::subject),
        observation,
        endpoint: None,
    };
    (look, command)
}

/// What the variable says of how long a token is kept: whole milliseconds.
fn lifetime(helper: &wit::Helper, ambient: &Ambient) -> wit::Lifetime {
    let Some(value) = helper
        .ttl_variable
        .as_deref()
        .and_then(|variable| ambient.variable(variable))
    else {
        return wit::Lifetime::Unset;
    };
    value
        .to_str()
        .filter(|value| value.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|value| value.parse().ok())
        .map_or(wit::Lifetime::Malformed, wit::Lifetime::Milliseconds)
}

/// Everything that the token depends on. A change of any of it is another
/// token's place.
fn key(
    source: &wit::Source,
    helper: &wit::Helper,
    about: &wit::About,
    ambient: &Ambient,
    command: &Command,
) -> Key {
    let endpoint = endpoint::seen(source, ambient).url;
    let subject: Secret = command.subject();
    let default = source
        .endpoint
        .as_ref()
        .map(|endpoint| endpoint.default.as_str());
    #[cfg(unix)]
    let user = rustix::process::geteuid().as_raw().to_le_bytes();
    #[cfg(not(unix))]
    let user = [];
    let tier: &[u8] = match command.tier {
        None => b"none",
        Some(wit::Tier::Managed) => b"managed",
        Some(wit::Tier::User) => b"user",
        Some(wit::Tier::Project) => b"project",
    };
    let mut parts: Vec<&[u8]> = vec![
        b"keyrule-helper-1",
        about.name.as_bytes(),
        source.id.as_bytes(),
        handout::to_keep(&subject),
        command.found_in.as_bytes(),
        command.folder.as_os_str().as_encoded_bytes(),
        tier,
        endpoint
            .as_deref()
            .or(default)
            .unwrap_or_default()
            .as_bytes(),
        &user,
    ];
    for variable in &helper.vary {
        let value = ambient.variable(variable);
        parts.push(variable.as_bytes());
        parts.push(if value.is_some() { b"set" } else { b"unset" });
        parts.push(value.unwrap_or_default().as_encoded_bytes());
    }
    Key::of(parts)
}
