//! The one door through which a secret leaves. What goes in is a credential
//! (or, for our own stores, a secret); what comes out is exactly what the
//! credential's source says: headers, variables, the bare token. No other
//! module calls `expose`.

use std::fmt;

use sha2::{Digest, Sha256};

use crate::credential::Credential;
use crate::material::Material;
use crate::secret::Secret;

mod form;

pub use self::keys::AwsKey;
pub use self::keys::aws_key_of;
pub use form::{material_from_bytes, material_to_bytes};

mod keys;
mod sign;

pub use self::sign::{Request, SignError};

impl Credential {
    /// The bare token, or none where the tool alone holds it, or where it is
    /// no token: headers of a helper, or a key that signs.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.material.as_ref()?.secret().map(Secret::expose)
    }

    /// The headers to send, with their values. A key that signs has none of
    /// its own: they depend on the request.
    #[must_use]
    pub fn headers(&self) -> Vec<(String, String)> {
        match &self.material {
            Some(Material::Carried(_, headers)) => self.fill(headers),
            Some(Material::Headers(headers)) => headers
                .iter()
                .map(|(name, value)| (name.clone(), value.expose().to_owned()))
                .collect(),
            Some(Material::Keys(_) | Material::Nothing) => Vec::new(),
            Some(Material::Token(_)) | None => self.fill(&self.headers),
        }
    }

    /// The variables that a child is to see: the source's `export`, and the
    /// endpoint's variable, so that the child sends the secret where its
    /// source says and not where its own default would.
    #[must_use]
    pub fn exports(&self) -> Vec<(String, String)> {
        let mut variables = self.fill(&self.export);
        if let (Some(name), Some(endpoint)) = (&self.endpoint_variable, &self.endpoint)
            && !variables.iter().any(|(set, _)| set == name)
        {
            variables.push((name.clone(), endpoint.clone()));
        }
        for (name, value) in &self.passed.sets {
            if !variables.iter().any(|(set, _)| set == name) {
                variables.push((name.clone(), value.clone()));
            }
        }
        variables
    }

    fn fill(&self, templates: &[keyrule_contract::Pair]) -> Vec<(String, String)> {
        templates
            .iter()
            .map(|pair| (pair.name.clone(), self.fill_one(&pair.text)))
            .collect()
    }

    /// In one pass, so that what was filled in is not searched again: an
    /// endpoint with `{secret}` in it would put the secret into a URL.
    fn fill_one(&self, template: &str) -> String {
        let mut text = String::new();
        let mut rest = template;
        while let Some(open) = rest.find('{') {
            let (before, word) = rest.split_at(open);
            text.push_str(before);
            let keys = match &self.material {
                Some(Material::Keys(keys)) => Some(keys),
                _ => None,
            };
            let session = keys.and_then(|keys| keys.session.as_ref());
            let known = [
                ("{secret}", self.token()),
                ("{endpoint}", self.endpoint.as_deref()),
                ("{access-key-id}", keys.map(|keys| keys.id.as_str())),
                ("{secret-access-key}", keys.map(|keys| keys.secret.expose())),
                ("{session-token}", session.map(Secret::expose)),
            ];
            let words = self
                .words
                .iter()
                .map(|(name, value)| (*name, Some(value.as_str())));
            match known
                .into_iter()
                .chain(words)
                .find_map(|(name, value)| Some((value, word.strip_prefix(name)?)))
            {
                Some((value, after)) => {
                    text.push_str(value.unwrap_or_default());
                    rest = after;
                }
                None => {
                    text.push('{');
                    rest = word.get(1..).unwrap_or_default();
                }
            }
        }
        text.push_str(rest);
        text
    }
}

/// The bytes of a secret, for a store, a cache or a keyed hash of ours.
pub fn to_keep(secret: &Secret) -> &[u8] {
    secret.expose().as_bytes()
}

/// A secret as a field of a request to the issuer that gave it, and to nobody
/// else: a refresh token, a code.
pub fn to_send(secret: &Secret) -> &str {
    secret.expose()
}

/// The header that carries an access token to its issuer.
pub fn bearer(secret: &Secret) -> String {
    format!("Bearer {}", secret.expose())
}

/// Tells a secret from another one without keeping either: which token was
/// handed out last, and whether a store still holds that one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

/// The fingerprint of a secret: its SHA-256, which stays in this process.
pub fn fingerprint(secret: &Secret) -> Fingerprint {
    Fingerprint(Sha256::digest(secret.expose()).into())
}

/// The fingerprint of what was handed out, where there is something.
pub fn fingerprint_of(material: &Material) -> Option<Fingerprint> {
    match material {
        Material::Token(secret) | Material::Carried(secret, _) => Some(fingerprint(secret)),
        Material::Keys(keys) => Some(fingerprint(&keys.secret)),
        Material::Headers(_) => Some(Fingerprint(
            Sha256::digest(&*material_to_bytes(material)).into(),
        )),
        Material::Nothing => None,
    }
}

/// Whether two secrets are the same text.
pub fn same(left: &Secret, right: &Secret) -> bool {
    left.expose() == right.expose()
}

/// Prints nothing of it: a short secret could be found by trying.
impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fingerprint(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_contract::Pair;

    #[test]
    fn what_was_filled_in_is_not_searched_again() {
        let pair = |name: &str, text: &str| Pair {
            name: name.to_owned(),
            text: text.to_owned(),
        };
        let credential = Credential {
            source: "sample".to_owned(),
            material: Some(Material::Token(Secret::new("k{endpoint}"))),
            words: Vec::new(),
            passed: Default::default(),
            headers: vec![pair("A", "Bearer {secret} {other} {")],
            export: vec![pair("URL", "{endpoint}")],
            endpoint: Some("https://a.example/{secret}".to_owned()),
            endpoint_variable: None,
            expires_at: None,
        };
        assert_eq!(
            credential.headers(),
            [("A".to_owned(), "Bearer k{endpoint} {other} {".to_owned())]
        );
        assert_eq!(
            credential.exports(),
            [("URL".to_owned(), "https://a.example/{secret}".to_owned())]
        );
    }
}
