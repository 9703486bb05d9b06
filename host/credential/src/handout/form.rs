//! The form in which what was got lies in memory-backed storage, between
//! processes of one user.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::material::{Keys, Material};
use crate::secret::Secret;
use keyrule_contract as wit;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Form<'a> {
    #[serde(borrow)]
    Token(Cow<'a, str>),
    Carried(Cow<'a, str>, Vec<(Cow<'a, str>, Cow<'a, str>)>),
    Keys {
        id: Cow<'a, str>,
        secret: Cow<'a, str>,
        session: Option<Cow<'a, str>>,
        region: Option<Cow<'a, str>>,
        service: Cow<'a, str>,
    },
    Headers(Vec<(Cow<'a, str>, Cow<'a, str>)>),
    Nothing,
}

/// More than any answer of a helper or a provider has.
const ROOM: usize = 128 * 1024;

/// The bytes that `material_from_bytes` reads.
pub fn material_to_bytes(material: &Material) -> Zeroizing<Vec<u8>> {
    let form = match material {
        Material::Token(secret) => Form::Token(secret.expose().into()),
        Material::Carried(secret, headers) => Form::Carried(
            secret.expose().into(),
            headers
                .iter()
                .map(|pair| (pair.name.as_str().into(), pair.text.as_str().into()))
                .collect(),
        ),
        Material::Keys(keys) => Form::Keys {
            id: keys.id.as_str().into(),
            secret: keys.secret.expose().into(),
            session: keys.session.as_ref().map(|token| token.expose().into()),
            region: keys.region.as_deref().map(Into::into),
            service: keys.service.as_str().into(),
        },
        Material::Headers(headers) => Form::Headers(
            headers
                .iter()
                .map(|(name, value)| (name.as_str().into(), value.expose().into()))
                .collect(),
        ),
        Material::Nothing => Form::Nothing,
    };
    // With the capacity reserved nothing is moved and left behind unwiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM));
    // Texts into memory: neither can fail.
    let _ = serde_json::to_writer(&mut *bytes, &form);
    bytes
}

/// What the bytes of `material_to_bytes` hold; none where they are others.
pub fn material_from_bytes(bytes: &[u8]) -> Option<Material> {
    let secret = |text: Cow<'_, str>| Secret::new(text);
    Some(match serde_json::from_slice(bytes).ok()? {
        Form::Token(token) => Material::Token(secret(token)),
        Form::Carried(token, headers) => Material::Carried(
            secret(token),
            headers
                .into_iter()
                .map(|(name, text)| wit::Pair {
                    name: name.into_owned(),
                    text: text.into_owned(),
                })
                .collect(),
        ),
        Form::Keys {
            id,
            secret: key,
            session,
            region,
            service,
        } => Material::Keys(Keys {
            id: id.into_owned(),
            secret: secret(key),
            session: session.map(secret),
            region: region.map(Cow::into_owned),
            service: service.into_owned(),
        }),
        Form::Headers(headers) => Material::Headers(
            headers
                .into_iter()
                .map(|(name, value)| (name.into_owned(), secret(value)))
                .collect(),
        ),
        Form::Nothing => Material::Nothing,
    })
}
