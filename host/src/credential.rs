//! A credential: a secret together with its source's contract. Secret,
//! headers and destination always come from one source; nothing can put
//! together what a policy kept apart.

use std::fmt;
use std::time::SystemTime;

use crate::engine::bindings as wit;
use crate::secret::Secret;

/// What a resolution hands out: a secret, how it is sent, where it may go,
/// and until when.
#[derive(Clone)]
pub struct Credential {
    /// The source's name in the policy.
    pub source: String,
    /// None where the tool holds its login itself and nobody else may.
    pub(crate) secret: Option<Secret>,
    pub(crate) headers: Vec<wit::Pair>,
    pub(crate) export: Vec<wit::Pair>,
    /// Where the credential may be sent: scheme, host and port.
    pub endpoint: Option<String>,
    /// The variable that tells a program the endpoint.
    pub(crate) endpoint_variable: Option<String>,
    /// When it ends, where that is known.
    pub expires_at: Option<SystemTime>,
}

impl Credential {
    /// Whether the tool alone holds this credential.
    #[must_use]
    pub fn is_tool_login(&self) -> bool {
        self.secret.is_none()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credential")
            .field("source", &self.source)
            .field("secret", &self.secret)
            .field("endpoint", &self.endpoint)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
