//! Credentials made by hand, for the tests of what they are printed as.

use crate::samples;
use keyrule::resolver::Resolution;
use keyrule_contract as wit;
use keyrule_credential::credential::Credential;
use keyrule_credential::material::{Keys, Material};
use keyrule_credential::secret::Secret;

pub(crate) fn token() -> Material {
    Material::Token(Secret::new("s3cr3t-token"))
}

pub(crate) fn key() -> Material {
    Material::Keys(Keys {
        id: "AKIDEXAMPLE".to_owned(),
        secret: Secret::new("s3cr3t-key"),
        session: Some(Secret::new("s3cr3t-session")),
        region: None,
        service: "bedrock".to_owned(),
    })
}

pub(crate) fn headers() -> Material {
    let header = |name: &str, value: &str| (name.to_owned(), Secret::new(value));
    Material::Headers(vec![
        header("Authorization", "Basic s3cr3t"),
        header("X-Many", "a"),
        header("X-Many", "b"),
    ])
}

/// A credential of the source `sample`, sent as a bearer token.
pub(crate) fn credential(material: Option<Material>) -> Credential {
    Credential {
        source: "sample".to_owned(),
        material,
        headers: vec![wit::Pair {
            name: "Authorization".to_owned(),
            text: "Bearer {secret}".to_owned(),
        }],
        export: Vec::new(),
        words: Vec::new(),
        endpoint: Some("https://api.test/v1".to_owned()),
        endpoint_variable: None,
        passed: Default::default(),
        expires_at: None,
    }
}

pub(crate) fn resolution(material: Option<Material>) -> Resolution {
    Resolution {
        credential: credential(material),
        explained: samples::nothing(),
    }
}

/// Lets the credential be somebody's.
pub(crate) fn belongs_to(resolution: &mut Resolution, account: &str) {
    let explained = &mut resolution.explained;
    let source = explained.sources.first_mut().unwrap();
    source.id = resolution.credential.source.clone();
    let evidence = explained.evidence.first_mut().unwrap();
    evidence.observation = Some(wit::Observation {
        account: Some(account.to_owned()),
        ..keyrule_contract::observation(wit::Outcome::Present)
    });
}
