//! Why nobody was logged in, or out. What goes in is what the issuer, the
//! store or the engine said; what comes out is a message, a stable code, an
//! exit code and the next thing to type. No message carries a token.

use crate::http;
use crate::login;
use crate::store;
use keyrule_contract as wit;
use keyrule_contract::ErrorKind;

/// Why nobody was logged in, or out.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct LoginError(Box<Why>);

/// The same by cases.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Why {
    /// The policy has no such source. Name another one.
    #[error("policy `{policy}` has no source `{id}`")]
    UnknownSource {
        policy: String,
        id: String,
        known: Vec<String>,
    },
    /// The source holds nothing that anybody logs in to.
    #[error("nobody logs in to `{id}`, which is {description}")]
    NoLogin { id: String, description: String },
    /// The tool alone logs in there, and out.
    #[error("`{id}` is the login of {tool}, which alone can do that")]
    ToolLogin {
        id: String,
        tool: String,
        how: String,
    },
    /// A cloud provider's credentials are the provider's own matter.
    #[error(
        "`{id}` has the credentials of {provider}, which are the provider's own: logging in or \
         out here does not apply"
    )]
    Provider {
        id: String,
        provider: String,
        how: String,
    },
    /// No source of the policy can be logged in to in this session.
    #[error("nothing can be logged in to: {words}")]
    Nothing { words: String, hint: Option<String> },
    /// More than one source can be meant.
    #[error("{} can be meant", listed(ids))]
    WhichSource { ids: Vec<String>, command: String },
    /// The policy does not count the source in this session.
    #[error("`{id}` {words} ({})", place(at))]
    NotCounted {
        id: String,
        words: String,
        at: wit::Location,
    },
    /// The policy does not permit whose login it is. Nothing was kept.
    #[error("the login {words} ({}): nothing was kept", place(at))]
    NotPermitted {
        words: String,
        at: wit::Location,
        /// What could not be ended at the issuer.
        left: Vec<String>,
    },
    /// No such account is logged in.
    #[error("no account `{account}` is logged in to `{id}`")]
    NoAccount {
        id: String,
        account: String,
        kept: Vec<String>,
    },
    /// Several accounts are logged in, and none is selected.
    #[error("no account of `{id}` is selected")]
    WhichAccount {
        id: String,
        kept: Vec<String>,
        command: String,
    },
    /// Nothing is there to log out of.
    #[error("{words}")]
    NotLoggedIn { words: String, hint: Option<String> },
    /// The user has left.
    #[error("the login was cancelled: nothing was kept")]
    Cancelled,
    /// There are no tokens, or no key.
    #[error("nobody was logged in to `{id}`")]
    Issuer {
        id: String,
        command: String,
        source: login::Error,
    },
    /// What was got could not be kept, and was revoked; or what is kept could
    /// not be read.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<Why> for LoginError {
    fn from(why: Why) -> Self {
        Self(Box::new(why))
    }
}

impl From<Why> for crate::Error {
    fn from(why: Why) -> Self {
        LoginError::from(why).into()
    }
}

impl LoginError {
    /// The same by cases.
    pub(crate) fn why(&self) -> &Why {
        &self.0
    }

    /// A stable name for this kind of error, for scripts and for the README.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.why() {
            Why::UnknownSource { .. } => "unknown-source",
            Why::NoLogin { .. } => "no-login",
            Why::ToolLogin { .. } => "tool-login",
            Why::Provider { .. } => "provider-login",
            Why::Nothing { .. } => "nothing-to-log-in-to",
            Why::WhichSource { .. } => "which-source",
            Why::NotCounted { .. } => "login-not-counted",
            Why::NotPermitted { .. } => "login-not-permitted",
            Why::NoAccount { .. } => "no-such-account",
            Why::WhichAccount { .. } => "which-account",
            Why::NotLoggedIn { .. } => "not-logged-in",
            Why::Cancelled => "cancelled",
            Why::Store(error) => error.code(),
            Why::Issuer { source, .. } => match source {
                login::Error::Http(http::Error::Setup(_)) => "network-setup",
                login::Error::Http(http::Error::Insecure { .. }) => "issuer-insecure",
                login::Error::Http(http::Error::Unreachable { .. }) => "issuer-unreachable",
                login::Error::Http(http::Error::Untrusted { .. }) => "issuer-untrusted",
                login::Error::Http(http::Error::NotTaken { .. }) | login::Error::Answer { .. } => {
                    "issuer-answer"
                }
                login::Error::Refused { .. } => "issuer-refused",
                login::Error::NotOffered(_) => "issuer-offers-no",
                login::Error::Callback(_) => "login-answer",
                login::Error::TimedOut(_) => "login-timed-out",
                login::Error::Listen(_) => "login-no-port",
                login::Error::Store(error) => error.code(),
            },
        }
    }

    /// What kind of end it is.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self.why() {
            Why::UnknownSource { .. }
            | Why::NoLogin { .. }
            | Why::WhichSource { .. }
            | Why::WhichAccount { .. } => ErrorKind::Usage,
            Why::NotCounted { .. } | Why::NotPermitted { .. } | Why::Cancelled => {
                ErrorKind::Refused
            }
            Why::ToolLogin { .. }
            | Why::Provider { .. }
            | Why::Nothing { .. }
            | Why::NoAccount { .. }
            | Why::NotLoggedIn { .. } => ErrorKind::NothingUsable,
            Why::Issuer { .. } | Why::Store(_) => ErrorKind::Failed,
        }
    }

    /// The next thing to type or to change, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self.why() {
            Why::UnknownSource { known, .. } if known.is_empty() => {
                "this policy names none that somebody logs in to".to_owned()
            }
            Why::UnknownSource { known, .. } => {
                format!("it has {} to log in to", listed(known))
            }
            Why::NoLogin { .. } => "see the sources with `keyrule explain`".to_owned(),
            Why::ToolLogin { how, .. } | Why::Provider { how, .. } => how.clone(),
            Why::Nothing { hint, .. } | Why::NotLoggedIn { hint, .. } => return hint.clone(),
            Why::WhichSource { ids, command } => {
                format!("name one: `{command} {}`", ids.first()?)
            }
            Why::NotCounted { .. } => "see what counts with `keyrule explain`".to_owned(),
            Why::NotPermitted { left, .. } if left.is_empty() => {
                "log in with an account of an organisation that is permitted".to_owned()
            }
            Why::NotPermitted { left, .. } => format!(
                "end it at the issuer yourself, which could not be told: {}",
                left.join("; ")
            ),
            Why::NoAccount { kept, .. } if kept.is_empty() => "nobody is".to_owned(),
            Why::NoAccount { kept, .. } => format!("logged in: {}", listed(kept)),
            Why::WhichAccount { kept, command, .. } => {
                format!("name one: `{command} {}`", kept.first()?)
            }
            Why::Cancelled => return None,
            Why::Store(error) => return error.hint(),
            Why::Issuer {
                command, source, ..
            } => return issuer_hint(command, source),
        })
    }
}

fn issuer_hint(command: &str, error: &login::Error) -> Option<String> {
    Some(match error {
        login::Error::Http(http::Error::Unreachable { .. }) => {
            "try again when the network is there; `keyrule doctor --online` shows what the issuer \
             says"
                .to_owned()
        }
        login::Error::Http(http::Error::NotTaken { .. }) | login::Error::Answer { .. } => {
            "ask who runs the issuer, or whether the policy names it rightly: `keyrule policy \
             show`"
                .to_owned()
        }
        login::Error::Http(error) => error.hint()?.to_owned(),
        login::Error::Refused { code, .. } if code == "access_denied" => {
            format!("log in again and confirm it there: `{command}`")
        }
        login::Error::Refused { code, .. } if code == "expired_token" => {
            format!("log in again: `{command}`")
        }
        login::Error::Refused { .. } => {
            "compare the issuer in the policy with what it was registered with: `keyrule policy \
             show`"
                .to_owned()
        }
        login::Error::NotOffered(_) => format!("log in in another way: `{command} --help`"),
        login::Error::Callback(_) | login::Error::TimedOut(_) => {
            format!("log in again: `{command}`")
        }
        login::Error::Listen(_) => {
            "see whether another login is under way, or let the issuer's `redirect` in the policy \
             name another port"
                .to_owned()
        }
        login::Error::Store(error) => return error.hint(),
    })
}

fn listed(words: &[String]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, before)) if !before.is_empty() => {
            format!("{} and {last}", before.join(", "))
        }
        _ => words.concat(),
    }
}

fn place(at: &wit::Location) -> String {
    format!("`{}`, line {}", at.path, at.line)
}
