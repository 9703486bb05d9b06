//! What a get brings that can be handed out: one of a few forms of a secret.
//! What goes in comes from a source; what comes out leaves by
//! [`crate::handout`] alone. Nothing here prints a value.

use std::fmt;

use crate::secret::Secret;
use keyrule_contract as wit;

/// The secret itself, in the form that its source has it in.
#[derive(Clone)]
pub enum Material {
    /// One text, sent as the policy says.
    Token(Secret),
    /// One text, sent as its provider says: templates with `{secret}`.
    Carried(Secret, Vec<wit::Pair>),
    /// An AWS access key, which signs requests and is never sent.
    Keys(Keys),
    /// Headers that a helper says itself.
    Headers(Vec<(String, Secret)>),
    /// Nothing: somebody on the way authenticates, such as a gateway.
    Nothing,
}

/// An AWS access key and what its signatures name.
#[derive(Clone)]
pub struct Keys {
    /// The access key's id, which is a name and no secret.
    pub id: String,
    /// The secret access key.
    pub secret: Secret,
    /// The session token of a temporary one.
    pub session: Option<Secret>,
    /// The region and the service that signatures name.
    pub region: Option<String>,
    /// The service that signatures name.
    pub service: String,
}

/// Prints no value, not even an id.
impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys(REDACTED)")
    }
}

impl From<Secret> for Material {
    fn from(secret: Secret) -> Self {
        Self::Token(secret)
    }
}

impl Material {
    /// The one text, where it is one.
    pub const fn secret(&self) -> Option<&Secret> {
        match self {
            Self::Token(secret) | Self::Carried(secret, _) => Some(secret),
            Self::Keys(_) | Self::Headers(_) | Self::Nothing => None,
        }
    }
}

/// Prints the form and no value, not even an id.
impl fmt::Debug for Material {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Token(_) => "Token(REDACTED)",
            Self::Carried(..) => "Carried(REDACTED)",
            Self::Keys(_) => "Keys(REDACTED)",
            Self::Headers(_) => "Headers(REDACTED)",
            Self::Nothing => "Nothing",
        })
    }
}
