//! Why the search found nothing, in our words. What goes in is an error of the
//! provider's crates, whose types are theirs, and how the last exchange over
//! the network went; what comes out names the profile, the file or the server.
//! Their own text is never taken: it can hold what a server or a file said.

use std::error::Error as StdError;

use aws_credential_types::provider::error::CredentialsError;

use super::client::{Answer, Exchange};
use super::profile::{self, Base, Found};
use super::variables;
use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_oauth::http;
use keyrule_system::environment::Ambient;

/// From here on, signatures are refused.
const SKEW: u64 = 5 * 60;

/// What the words are about.
pub(super) struct Asked<'a> {
    pub world: &'a Ambient,
    pub found: Option<&'a Found>,
    pub last: Option<Exchange>,
}

/// The failure.
pub(super) fn told(error: &CredentialsError, asked: Asked<'_>) -> Failure {
    let texts = texts(error);
    let says = |words: &str| texts.iter().any(|text| text.contains(words));
    let Asked { world, found, last } = asked;
    if let Some(found) = found
        && let Base::Login(command) = found.base
        && is_ended(&says, last.as_ref())
    {
        return ended(&found.name, command);
    }
    match error {
        CredentialsError::CredentialsNotLoaded(_) if found.is_none() => nothing(world, last),
        CredentialsError::ProviderTimedOut(_) => Failure::new(
            wit::FailureKind::TimedOut,
            "the search for credentials was not over in time",
        ),
        CredentialsError::InvalidConfiguration(_) => configured(&texts, world, found),
        _ => match (last, found) {
            (Some(last), _) => exchanged(last),
            (None, Some(found)) => Failure::new(
                wit::FailureKind::Invalid,
                format!("the profile `{}` cannot be used", found.name),
            )
            .in_place(profile::place(world)),
            (None, None) => without_exchange(world),
        },
    }
}

/// What went over the network, and did not bring credentials.
pub(super) fn exchanged(last: Exchange) -> Failure {
    let origin = last.origin;
    match last.outcome {
        Err(error) => {
            let trouble = match &error {
                http::Error::Setup(_) | http::Error::Insecure { .. } => wit::FailureKind::Invalid,
                http::Error::NotTaken { .. } => wit::FailureKind::MalformedAnswer,
                http::Error::Unreachable { .. } | http::Error::Untrusted { .. } => {
                    wit::FailureKind::Unreachable
                }
            };
            let words = match error.hint() {
                Some(hint) => format!("{error}: {hint}"),
                None => error.to_string(),
            };
            Failure::new(trouble, words)
        }
        Ok(answer) => {
            let code = match &answer.code {
                Some(code) => format!("`{code}`, status {}", answer.status),
                None => format!("status {}", answer.status),
            };
            match answer.status {
                429 | 500.. => Failure::new(
                    wit::FailureKind::Unreachable,
                    format!("`{origin}` cannot serve it now ({code})"),
                ),
                400.. => {
                    let skew = skew(&answer).map_or_else(String::new, |words| format!("; {words}"));
                    Failure::new(
                        wit::FailureKind::Rejected,
                        format!("`{origin}` refuses ({code}){skew}"),
                    )
                }
                _ => Failure::new(
                    wit::FailureKind::MalformedAnswer,
                    format!("`{origin}` answers with what are no credentials"),
                ),
            }
        }
    }
}

/// How far this machine's clock is off, where it is too far.
pub(super) fn skew(answer: &Answer) -> Option<String> {
    let ahead = answer.ahead?;
    let minutes = ahead.unsigned_abs() / 60;
    let side = if ahead > 0 { "behind" } else { "ahead of" };
    (ahead.unsigned_abs() >= SKEW)
        .then(|| format!("the clock of this machine is {minutes} minutes {side} the server's"))
}

fn is_ended(says: &dyn Fn(&str) -> bool, last: Option<&Exchange>) -> bool {
    let refused = last.is_some_and(
        |last| matches!(&last.outcome, Ok(answer) if matches!(answer.status, 400 | 401)),
    );
    // Fixed texts of the crates: a token that is not there, or no longer good.
    let gone = [
        "cached SSO token",
        "SSO token has expired",
        "sso/cache",
        "login/cache",
        "expired",
    ];
    refused || (last.is_none() && gone.iter().any(|words| says(words)))
}

fn ended(name: &str, command: &str) -> Failure {
    Failure::new(
        wit::FailureKind::Expired,
        format!(
            "the login of the profile `{name}` has expired, or was never made: run `{command} --profile {name}`"
        ),
    )
}

/// Nobody had anything.
fn nothing(world: &Ambient, last: Option<Exchange>) -> Failure {
    let disabled = variables::text(world, "AWS_EC2_METADATA_DISABLED")
        .is_some_and(|value| value.trim().eq_ignore_ascii_case("true"));
    let instance = match last.map(|last| last.outcome) {
        _ if disabled => "the instance's metadata is disabled by `AWS_EC2_METADATA_DISABLED`",
        Some(Ok(answer)) if answer.status == 404 => "the instance has no role",
        _ => "no instance's metadata answers",
    };
    Failure::new(
        wit::FailureKind::NoCredentials,
        format!(
            "no access key in variables, no profile with credentials, no web identity, no container's role, and {instance}"
        ),
    )
}

fn configured(texts: &[String], world: &Ambient, found: Option<&Found>) -> Failure {
    let words = texts.iter().find_map(|text| {
        text.strip_prefix("ProfileFile provider could not be built: ")
            .filter(|text| text.len() <= 300 && !text.chars().any(char::is_control))
    });
    match (words, found) {
        (Some(words), _) => {
            Failure::new(wit::FailureKind::Invalid, words).in_place(profile::place(world))
        }
        (None, None) => without_exchange(world),
        (None, Some(found)) => Failure::new(
            wit::FailureKind::Invalid,
            format!("the profile `{}` cannot be used", found.name),
        )
        .in_place(profile::place(world)),
    }
}

/// A link after the profile that asked nobody: its own variables are wrong.
fn without_exchange(world: &Ambient) -> Failure {
    let names = [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    ];
    let name = names
        .into_iter()
        .find(|name| variables::text(world, name).is_some());
    let words = match name {
        Some("AWS_WEB_IDENTITY_TOKEN_FILE") => {
            "web identity needs a file that can be read and a role in `AWS_ROLE_ARN`"
        }
        Some(_) => {
            "the container's role needs an `https` URL, or one of this machine or of its metadata, and a token that a header can carry"
        }
        None => "the provider's search ended without credentials",
    };
    let failure = Failure::new(wit::FailureKind::Invalid, words);
    match name {
        Some(name) => failure.in_place(name),
        None => failure,
    }
}

/// The error's text and those of its causes, to look for fixed words in.
fn texts(error: &CredentialsError) -> Vec<String> {
    let first: &(dyn StdError + 'static) = error;
    std::iter::successors(Some(first), |cause: &&(dyn StdError + 'static)| {
        let cause = *cause;
        cause.source()
    })
    .map(ToString::to_string)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, code: Option<&str>, ahead: Option<i64>) -> Failure {
        exchanged(Exchange {
            origin: "https://sts.example".to_owned(),
            outcome: Ok(Answer {
                status,
                code: code.map(str::to_owned),
                ahead,
            }),
        })
    }

    #[test]
    fn a_refusal_says_who_refuses_and_whether_the_clock_is_why() {
        let refused = answered(403, Some("SignatureDoesNotMatch"), Some(-3600));
        assert_eq!(refused.trouble, wit::FailureKind::Rejected);
        assert_eq!(
            refused.detail.as_deref(),
            Some(
                "`https://sts.example` refuses (`SignatureDoesNotMatch`, status 403); the clock of this machine is 60 minutes ahead of the server's"
            )
        );
        let refused = answered(400, None, Some(20));
        assert_eq!(
            refused.detail.as_deref(),
            Some("`https://sts.example` refuses (status 400)")
        );
        assert_eq!(
            answered(503, None, None).trouble,
            wit::FailureKind::Unreachable
        );
        assert_eq!(
            answered(200, None, None).trouble,
            wit::FailureKind::MalformedAnswer
        );
    }
}
