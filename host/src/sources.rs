//! The sources, one file per kind, each with `look` (is it there: no prompt,
//! no process, no keyring, no network) and `get` (the credential itself).
//! What goes in is a source's contract and the world around it; what comes
//! out is an observation without the value and, from a get, the secret beside
//! it. Kinds do not know each other, and none of them judges what it sees.

use std::fmt;
use std::time::Duration;

use crate::engine::bindings as wit;
use crate::secret::Secret;

/// What a look brought.
pub(crate) struct Look {
    /// What was seen, without the value.
    pub observation: wit::Observation,
    /// What a consent to this source would be about: a variable's value, a
    /// helper's command line, a stored key's name. None where nothing is there.
    pub subject: Option<Secret>,
    /// The whole URL that the endpoint's variable holds, path and all, where
    /// the observation's destination was taken from it.
    pub endpoint: Option<String>,
}

/// Prints no URL: a path or a query can hold a secret.
impl fmt::Debug for Look {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Look")
            .field("observation", &self.observation)
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}

/// What a get brought.
#[derive(Debug)]
pub(crate) struct Got {
    /// What was seen, without the value.
    pub observation: wit::Observation,
    /// The secret, if it was got. A `tool-login` never has one.
    pub secret: Option<Secret>,
}

/// What a get has to know besides the source's contract.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GetOptions {
    /// How long a helper's token may be kept; zero is not at all.
    pub ttl: Duration,
    /// The last credential of this source was rejected: nothing cached serves.
    pub rejected: bool,
}

/// An observation with this outcome of a look, and nothing else seen: sent to
/// the source's default, no end, no owner, no place. A kind of source adds
/// what it saw with `..observation(outcome)`.
pub(crate) fn observation(outcome: wit::Outcome) -> wit::Observation {
    wit::Observation {
        got: false,
        outcome,
        detail: None,
        found_in: None,
        tier: None,
        destination: wit::Destination::Default,
        expires_in: None,
        renewable: false,
        account: None,
        organization: None,
        lifetime: wit::Lifetime::Unset,
    }
}

/// Hears that a helper is slow, so that somebody at a terminal can be told.
pub(crate) trait Notices: Send + Sync {
    /// Called every second once a helper has been waited for longer than ten.
    fn slow(&self, source: &str, elapsed: Duration);
    /// The wait that `slow` spoke of is over. Not called without a `slow`.
    fn done(&self);
    /// Whether this process is ours, so that a signal that would end it may
    /// be awaited, the helper killed, and the process then ended by that
    /// signal. A library answers no: the signals belong to its embedder.
    fn owns_signals(&self) -> bool {
        false
    }
}

pub(crate) mod cloud;
pub(crate) mod endpoint;
pub(crate) mod environment;
pub(crate) mod helper;
pub(crate) mod login;
pub(crate) mod paths;
#[cfg(test)]
pub(crate) mod samples;
pub(crate) mod stored_key;
pub(crate) mod supplied;
pub(crate) mod tool_login;

#[cfg(test)]
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(future)
}
