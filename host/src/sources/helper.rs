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

#[cfg(test)]
#[cfg(unix)]
mod tests;

use std::time::{Duration, SystemTime};

use super::cache::{self, Cache, Key};
use super::command::Program;
use super::command::run::{self, Talk};
use super::command::{self, Command, nested};
use super::flight::{self, Terms};
use super::{Facts, Failure, GetOptions, Got, Kept, Look, Notices, endpoint, observation};
use super::{answer, seconds_until};
use crate::ambient::Ambient;
use crate::handout;
use crate::secret::Secret;
use keyrule_contract as wit;
use keyrule_system::signals::Signals;

/// Whatever a policy says, a run ends in a day; no clock overflows.
const LONGEST_RUN: Duration = Duration::from_secs(24 * 60 * 60);

/// Looks for the helper's command line. It is found and not run.
pub(crate) fn look(
    source: &wit::Source,
    helper: &wit::Helper,
    info: &wit::PolicyInfo,
    ambient: &Ambient,
    owned: bool,
) -> Look {
    inspect(source, helper, info, ambient, owned).0
}

/// Forgets every token of a helper that is kept for this user, and returns how
/// many there were. A helper that is running keeps its own.
#[cfg(feature = "login")]
pub(crate) fn forget(ambient: &Ambient) -> usize {
    cache::forget(ambient)
}

/// Drops what is kept of this one helper. Nothing is run.
pub(crate) fn drop_kept(
    source: &wit::Source,
    helper: &wit::Helper,
    info: &wit::PolicyInfo,
    ambient: &Ambient,
) {
    if let (_, Some(command)) = inspect(source, helper, info, ambient, false) {
        Cache::of(key(source, helper, info, ambient, &command), ambient).remove();
    }
}

/// Gets the helper's token: one that is kept and still fresh, else what a run
/// of the helper prints. Where `subject` is the command line that a look saw,
/// no other one is run.
pub(crate) async fn get(
    source: &wit::Source,
    helper: &wit::Helper,
    info: &wit::PolicyInfo,
    ambient: &Ambient,
    options: GetOptions,
    notices: &dyn Notices,
    subject: Option<&Secret>,
) -> Got {
    let (look, command) = inspect(source, helper, info, ambient, notices.owns_signals());
    let seen = wit::Observation {
        fetched: true,
        ..look.observation
    };
    let without = |outcome, detail| {
        let observation = wit::Observation {
            outcome,
            detail,
            ..seen.clone()
        };
        Got::one(observation, None)
    };
    match (&seen.outcome, command) {
        (wit::Outcome::Present, Some(command)) if !command.is_about(subject) => without(
            wit::Outcome::Failed(wit::FailureKind::Vanished),
            Some("another command line has taken its place".to_owned()),
        ),
        (wit::Outcome::Present, Some(command)) => {
            let kept = kept(source, helper, info, ambient, options, notices, &command);
            match flight::attended(kept, &source.id, flight::PATIENCE, notices).await {
                Ok(kept) => brought(&seen, kept),
                Err(failure) => without(wit::Outcome::Failed(failure.trouble), failure.detail),
            }
        }
        // A look had seen a command line, or nobody would get.
        (wit::Outcome::Absent | wit::Outcome::Blank, _) => without(
            wit::Outcome::Failed(wit::FailureKind::Vanished),
            seen.detail.clone(),
        ),
        (other, _) => without(*other, seen.detail.clone()),
    }
}

/// What is kept of the helper, or what a run of it brings.
async fn kept(
    source: &wit::Source,
    helper: &wit::Helper,
    info: &wit::PolicyInfo,
    ambient: &Ambient,
    options: GetOptions,
    notices: &dyn Notices,
    command: &Command,
) -> Result<Kept, Failure> {
    let limit = Duration::from_millis(helper.timeout_ms).min(LONGEST_RUN);
    let run = async || {
        let signals = Signals::listen(notices.owns_signals());
        let process = command.process(info, source, ambient);
        let mut process = process.ok_or(Failure::bare(wit::FailureKind::NotStarted))?;
        if helper.format == wit::Format::Git {
            // Git would ask at the terminal, where it is in the background:
            // it would be stopped, and waited for in vain.
            process.env("GIT_TERMINAL_PROMPT", "0");
        }
        let longest = answer::longest(helper.format);
        let endpoint = destination(source, ambient);
        let talk = match answer::question(helper.format, &endpoint)? {
            None => Talk::Listen(longest),
            Some(words) => Talk::Ask(words, longest),
        };
        let output = run::run(process, command.is_for_the_shell(), talk, limit, signals).await?;
        let signing = helper.signing.as_ref();
        answer::read(helper.format, signing, Some(&endpoint), &output, ambient)
    };
    if options.ttl.is_zero() {
        return run().await;
    }
    let cache = Cache::of(key(source, helper, info, ambient, command), ambient);
    let terms = Terms {
        rejected: options.rejected,
        is_fresh: |entry: &cache::Entry| entry.is_fresh(options.ttl),
        keep_for: |_: &Kept| options.ttl,
    };
    flight::one(&cache, terms, limit, run).await
}

/// The whole URL that the credential is for.
fn destination(source: &wit::Source, ambient: &Ambient) -> String {
    let default = source.endpoint.as_ref();
    endpoint::seen(source, ambient)
        .url
        .or_else(|| default.map(|endpoint| endpoint.default.clone()))
        .unwrap_or_default()
}

/// What was brought, with what is known of it.
fn brought(seen: &wit::Observation, kept: Kept) -> Got {
    let now = SystemTime::now();
    let facts = Facts {
        expires_at: kept.expires_at,
        ..kept.facts
    };
    Got {
        observation: wit::Observation {
            outcome: wit::Outcome::Present,
            expires_in: kept.expires_at.map(|end| seconds_until(end, now)),
            account: facts.account.clone(),
            ..seen.clone()
        },
        material: Some(kept.material),
        facts,
        notes: Vec::new(),
    }
}

/// The program that a get would start, found without running anything. None
/// where nothing would be run.
pub fn program(
    source: &wit::Source,
    helper: &wit::Helper,
    info: &wit::PolicyInfo,
    ambient: &Ambient,
) -> Option<Program> {
    match inspect(source, helper, info, ambient, false) {
        (look, Some(command)) if look.observation.outcome == wit::Outcome::Present => {
            Some(Program::of(&command, ambient))
        }
        _ => None,
    }
}

/// What a look sees, and the command line if it can be run. The processes
/// around this one are asked only where they are ours to ask about (`owned`).
fn inspect(
    source: &wit::Source,
    helper: &wit::Helper,
    info: &wit::PolicyInfo,
    ambient: &Ambient,
    owned: bool,
) -> (Look, Option<Command>) {
    let seen = |outcome, detail: Option<String>| wit::Observation {
        detail,
        lifetime: lifetime(helper, ambient),
        ..observation(outcome)
    };
    let (observation, command) = match command::locate(source, &helper.command, info, ambient) {
        Ok(None) => (seen(wit::Outcome::Absent, None), None),
        Ok(Some(command)) => {
            let nested = || nested::failure(&info.name_of(source), ambient, owned);
            let (outcome, found_in, detail) = if command.is_blank() {
                (wit::Outcome::Blank, None, None)
            // S21: only what nobody runs yet is passed over as this program.
            } else if let Some(nested) = nested() {
                let outcome = wit::Outcome::Failed(nested.trouble);
                (outcome, nested.found_in, nested.detail)
            } else if command.is_this_program(ambient) {
                (wit::Outcome::Recursion, None, None)
            } else {
                (wit::Outcome::Present, None, None)
            };
            let observation = wit::Observation {
                location: found_in.or_else(|| Some(command.found_in.clone())),
                tier: command.tier,
                ..seen(outcome, detail)
            };
            (observation, Some(command))
        }
        Err(fault) => {
            let observation = wit::Observation {
                location: fault.found_in,
                tier: fault.tier,
                ..seen(wit::Outcome::Failed(fault.trouble), Some(fault.detail))
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
        facts: Facts::default(),
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
    info: &wit::PolicyInfo,
    ambient: &Ambient,
    command: &Command,
) -> Key {
    let subject: Secret = command.subject();
    let endpoint = destination(source, ambient);
    let tier: &[u8] = match command.tier {
        None => b"none",
        Some(wit::Tier::Managed) => b"managed",
        Some(wit::Tier::User) => b"user",
        Some(wit::Tier::Project) => b"project",
    };
    let mut parts: Vec<&[u8]> = vec![
        b"keyrule-helper-1",
        info.name.as_bytes(),
        source.id.as_bytes(),
        handout::to_keep(&subject),
        command.found_in.as_bytes(),
        command.folder.as_os_str().as_encoded_bytes(),
        tier,
        endpoint.as_bytes(),
        answer::name(helper.format).as_bytes(),
    ];
    if let Some(signing) = &helper.signing {
        parts.push(signing.service.as_bytes());
    }
    for variable in helper.signing.iter().flat_map(|signing| &signing.region) {
        parts.push(
            ambient
                .variable(variable)
                .unwrap_or_default()
                .as_encoded_bytes(),
        );
    }
    for variable in &helper.vary {
        let value = ambient.variable(variable);
        parts.push(variable.as_bytes());
        parts.push(if value.is_some() { b"set" } else { b"unset" });
        parts.push(value.unwrap_or_default().as_encoded_bytes());
    }
    Key::of(parts)
}
