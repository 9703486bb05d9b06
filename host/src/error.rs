//! Every way in which a resolution can end without a credential. Each has a
//! stable code, an exit code, and a hint: the next thing to type.

use crate::consent;
#[cfg(feature = "login")]
use crate::login::LoginError;
use crate::policy;
use crate::resolver::Explained;
use keyrule_contract::{ErrorKind, Kind, Refusal, Verdict};
use keyrule_engine as engine;
pub(crate) use keyrule_engine::refusal_code;

/// Why there is no credential.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The policy files are not readable, trusted or valid: nothing is
    /// decided. Fix the file that is named.
    #[error(transparent)]
    Policy(#[from] policy::Error),
    /// The engine did not answer, or answered what it must not: nothing is
    /// decided. This is a bug in the engine or an exhausted limit; or the
    /// policy's override cannot be taken, or answers what it must not.
    #[error(transparent)]
    Engine(#[from] engine::Error),
    /// The policy refuses, or nothing is usable.
    #[error("{}", .0.explanation.summary)]
    Refused(Box<Explained>),
    /// The user did not answer the prompt.
    #[error("the prompt was cancelled: nothing was handed out, and nothing was remembered")]
    Cancelled,
    /// What the user has said about sources cannot be recalled, so nobody
    /// knows whether this one was declined. Mend the file that is named.
    #[error(transparent)]
    Consent(#[from] consent::Error),
    /// The credential was rejected, and its source can only bring the same
    /// one again. Change the source, or use the next one in line.
    #[error("`{source_id}` was rejected, and getting it again brings the same credential")]
    Rejected {
        /// The source of the rejected credential.
        source_id: String,
        /// The source that would be used without it.
        next: Option<String>,
        /// The decision.
        explained: Box<Explained>,
    },
    /// Nobody was logged in, or out.
    #[error(transparent)]
    #[cfg(feature = "login")]
    Login(#[from] LoginError),
    /// The system gives no thread or no file to wait with.
    #[error("the asynchronous runtime cannot be started")]
    Runtime(#[source] std::io::Error),
    /// A bug in this library: nothing is handed out.
    #[error("this is a bug: {0}")]
    Internal(&'static str),
}

impl Error {
    /// A stable name for this kind of error, for scripts and for the README.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Policy(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Consent(error) => error.code(),
            #[cfg(feature = "login")]
            Self::Login(error) => error.code(),
            Self::Rejected { .. } => "rejected",
            Self::Runtime(_) => "runtime",
            Self::Internal(_) => "internal",
            Self::Refused(explained) => refusal(explained).map_or("refused", refusal_code),
            Self::Cancelled => "cancelled",
        }
    }

    /// What kind of end it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Policy(error) => error.kind(),
            #[cfg(feature = "login")]
            Self::Login(error) => error.kind(),
            Self::Engine(error) => error.kind(),
            Self::Consent(_) | Self::Rejected { .. } | Self::Runtime(_) | Self::Internal(_) => {
                ErrorKind::Failed
            }
            Self::Refused(explained) => refusal(explained).map_or(ErrorKind::Failed, refusal_kind),
            Self::Cancelled => ErrorKind::Refused,
        }
    }

    /// The next thing to type or to change, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Policy(error) => error.hint(),
            Self::Consent(error) => Some(error.hint()),
            #[cfg(feature = "login")]
            Self::Login(error) => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::Cancelled | Self::Runtime(_) | Self::Internal(_) => None,
            Self::Rejected {
                source_id,
                next,
                explained,
            } => Some(replace(source_id, next.as_deref(), explained)),
            Self::Refused(explained) => explained
                .explanation
                .fix
                .as_ref()
                .map(|advice| advice.text.clone()),
        }
    }
}

/// How to replace a credential that its source can only bring again.
fn replace(id: &str, next: Option<&str>, explained: &Explained) -> String {
    let source = explained.sources.iter().find(|source| source.id == id);
    let (put, or) = match source.map(|source| &source.kind) {
        Some(Kind::Environment(variable)) => (
            format!("put another key into `{variable}`"),
            format!("`unset {variable}` to use"),
        ),
        // A key that is put there by hand belongs to nobody.
        Some(Kind::StoredKey(key)) if key.issuer.is_some() => {
            let policy = &explained.info.name;
            (
                format!("get another one with `keyrule login --policy {policy} {id}`"),
                format!("`keyrule logout --policy {policy} {id}` to use"),
            )
        }
        Some(Kind::StoredKey(key)) => {
            let name = &key.name;
            let policy = &explained.info.name;
            (
                format!(
                    "put another key in its place with `keyrule key add --policy {policy} {name}`"
                ),
                format!("`keyrule key remove --policy {policy} {name}` to use"),
            )
        }
        _ => (
            "change it where it comes from".to_owned(),
            "take it away to use".to_owned(),
        ),
    };
    match next {
        Some(next) => format!("{put}, or {or} `{next}`"),
        None => format!("{put}; nothing else is usable"),
    }
}

/// Why a decision is a refusal, if it is one.
pub fn refusal(explained: &Explained) -> Option<Refusal> {
    match &explained.explanation.verdict {
        Verdict::Refuse(refused) => Some(refused.reason),
        Verdict::Look(_)
        | Verdict::Ask(_)
        | Verdict::Fetch(_)
        | Verdict::Use(_)
        | Verdict::Consult => None,
    }
}

/// What kind of end a refusal is.
pub(crate) fn refusal_kind(reason: Refusal) -> ErrorKind {
    match reason {
        Refusal::SourceFailed => ErrorKind::Failed,
        Refusal::SurfaceNotServed
        | Refusal::EndpointNotAllowed
        | Refusal::ConsentRequired
        | Refusal::OverrideRefused => ErrorKind::Refused,
        Refusal::NothingUsable => ErrorKind::NothingUsable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_has_its_code_and_its_kind() {
        let all = [
            Refusal::SurfaceNotServed,
            Refusal::NothingUsable,
            Refusal::SourceFailed,
            Refusal::EndpointNotAllowed,
            Refusal::ConsentRequired,
            Refusal::OverrideRefused,
        ];
        assert_eq!(
            all.map(|reason| (refusal_code(reason), refusal_kind(reason))),
            [
                ("surface-not-served", ErrorKind::Refused),
                ("nothing-usable", ErrorKind::NothingUsable),
                ("source-failed", ErrorKind::Failed),
                ("endpoint-not-allowed", ErrorKind::Refused),
                ("consent-required", ErrorKind::Refused),
                ("override-refused", ErrorKind::Refused),
            ]
        );
    }
}
