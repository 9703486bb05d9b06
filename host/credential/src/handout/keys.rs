//! An AWS access key, for a program that signs with it itself.

use crate::credential::Credential;
use crate::material::Material;
use crate::secret::Secret;

/// An AWS access key, exposed.
#[derive(Clone, Copy)]
pub struct AwsKey<'c> {
    /// Its id.
    pub id: &'c str,
    /// The secret access key.
    pub secret: &'c str,
    /// The session token of a temporary one.
    pub session_token: Option<&'c str>,
    /// The region that requests are signed for, where one is known.
    pub region: Option<&'c str>,
}

impl Credential {
    /// The AWS access key, where the credential is one.
    #[must_use]
    pub fn aws_key(&self) -> Option<AwsKey<'_>> {
        aws_key_of(self.material.as_ref()?)
    }
}

/// The AWS access key, for the provider's own crates: the first of a chain of
/// roles.
pub fn aws_key_of(material: &Material) -> Option<AwsKey<'_>> {
    match material {
        Material::Keys(keys) => Some(AwsKey {
            id: &keys.id,
            secret: keys.secret.expose(),
            session_token: keys.session.as_ref().map(Secret::expose),
            region: keys.region.as_deref(),
        }),
        _ => None,
    }
}

/// Prints no value.
impl std::fmt::Debug for AwsKey<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("AwsKey(REDACTED)")
    }
}
