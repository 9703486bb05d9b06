//! The one door through which a secret leaves. What goes in is a credential
//! (or, for our own stores, a secret); what comes out is exactly what the
//! credential's source says: headers, variables, the bare token. No other
//! module calls `expose`.

use crate::credential::Credential;
use crate::secret::Secret;

impl Credential {
    /// The bare token, or none where the tool alone holds it.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.secret.as_ref().map(Secret::expose)
    }

    /// The headers to send, with their values.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        self.fill(&self.headers)
    }

    /// The variables that a child is to see: the source's `export`, and the
    /// endpoint's variable where the endpoint was taken from it.
    #[must_use]
    pub fn exports(&self) -> Vec<(String, String)> {
        let mut variables = self.fill(&self.export);
        if let (Some(name), Some(endpoint)) = (&self.endpoint_variable, &self.endpoint)
            && !variables.iter().any(|(set, _)| set == name)
        {
            variables.push((name.clone(), endpoint.clone()));
        }
        variables
    }

    fn fill(&self, templates: &[crate::engine::bindings::Pair]) -> Vec<(String, String)> {
        templates
            .iter()
            .map(|pair| {
                let text = pair
                    .text
                    .replace("{endpoint}", self.endpoint.as_deref().unwrap_or_default())
                    .replace("{secret}", self.token().unwrap_or_default());
                (pair.name.clone(), text)
            })
            .collect()
    }
}

/// The bytes of a secret, for a store, a cache or a keyed hash of ours.
pub(crate) fn to_keep(secret: &Secret) -> &[u8] {
    secret.expose().as_bytes()
}
