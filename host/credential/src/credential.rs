//! A credential: a secret together with its source's contract. Secret,
//! headers and destination always come from one source; nothing can put
//! together what a policy kept apart.

use std::fmt;
use std::time::SystemTime;

use crate::material::Material;
use keyrule_contract as wit;

/// What a resolution hands out: a secret, how it is sent, where it may go,
/// and until when.
#[derive(Clone)]
pub struct Credential {
    /// The source's name in the policy.
    pub source: String,
    /// None where the tool holds its login itself and nobody else may.
    #[doc(hidden)]
    pub material: Option<Material>,
    #[doc(hidden)]
    pub headers: Vec<wit::Pair>,
    #[doc(hidden)]
    pub export: Vec<wit::Pair>,
    /// What `{region}` and the like stand for in an `export`.
    #[doc(hidden)]
    pub words: Vec<(&'static str, String)>,
    /// Where the credential may be sent: scheme, host and port.
    pub endpoint: Option<String>,
    /// The variable that tells a program the endpoint.
    #[doc(hidden)]
    pub endpoint_variable: Option<String>,
    /// What a program is passed of the provider's own variables.
    #[doc(hidden)]
    pub passed: Passed,
    /// When it ends, where that is known.
    pub expires_at: Option<SystemTime>,
}

/// Variables of a cloud provider for a program that asks the provider itself.
#[derive(Debug, Clone, Default)]
pub struct Passed {
    /// Those that stay, whoever clears them; one that ends in `*` stands for
    /// all that begin so.
    pub keeps: Vec<String>,
    /// Those that go, because others that the policy sets take their place.
    pub drops: Vec<String>,
    /// Those that the policy sets.
    pub sets: Vec<(String, String)>,
}

impl Credential {
    /// Whether the tool alone holds this credential.
    #[must_use]
    pub fn is_tool_login(&self) -> bool {
        self.material.is_none()
    }

    /// Whether nothing is sent, because somebody on the way authenticates.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        matches!(self.material, Some(Material::Nothing))
    }

    /// Whether requests are signed with it, rather than carry it.
    #[must_use]
    pub fn signs(&self) -> bool {
        matches!(self.material, Some(Material::Keys(_)))
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Credential")
            .field("source", &self.source)
            .field("material", &self.material)
            .field("endpoint", &self.endpoint)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
