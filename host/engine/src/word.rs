//! The words of `wit/policy.wit` in JSON: an enum's case in, the word that the
//! contract spells it with out, and back. The generated names have capitals
//! where the contract has hyphens.

use keyrule_contract as wit;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, IntoDeserializer as _};
use serde::{Serialize, Serializer};

/// The word of an enum's case.
pub fn word(case: &impl Serialize) -> String {
    let Ok(serde_json::Value::String(name)) = serde_json::to_value(case) else {
        return String::new();
    };
    let mut word = String::new();
    for character in name.chars() {
        if character.is_ascii_uppercase() && !word.is_empty() {
            word.push('-');
        }
        word.push(character.to_ascii_lowercase());
    }
    word
}

/// The case of a word, if it is one of the enum's.
pub(crate) fn case<T: DeserializeOwned>(word: &str) -> Option<T> {
    if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let mut name = String::new();
    for part in word.split('-') {
        let (first, rest) = part.split_at_checked(1)?;
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    let name: StrDeserializer<'_, Error> = name.as_str().into_deserializer();
    T::deserialize(name).ok()
}

/// For fields that hold a case.
pub fn serialize<S: Serializer>(case: &impl Serialize, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&word(case))
}

/// For fields that hold a case.
pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    let word = String::deserialize(deserializer)?;
    // The word is not quoted: it can be anything.
    case(&word).ok_or_else(|| D::Error::custom("a word that is not known here"))
}

/// For fields that may hold a case.
pub mod option {
    use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _};
    use serde::{Serialize, Serializer};

    /// For fields that may hold a case.
    pub fn serialize<S: Serializer>(
        case: &Option<impl Serialize>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        case.as_ref().map(super::word).serialize(serializer)
    }

    /// For fields that may hold a case.
    pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<T>, D::Error> {
        let Some(word) = Option::<String>::deserialize(deserializer)? else {
            return Ok(None);
        };
        let case = super::case(&word);
        case.map(Some)
            .ok_or_else(|| D::Error::custom("a word that is not known here"))
    }
}

/// The stable name of a refusal, as in `wit/policy.wit`.
#[must_use]
pub fn refusal_code(reason: wit::Refusal) -> &'static str {
    match reason {
        wit::Refusal::SurfaceNotServed => "surface-not-served",
        wit::Refusal::NothingUsable => "nothing-usable",
        wit::Refusal::SourceFailed => "source-failed",
        wit::Refusal::EndpointNotAllowed => "endpoint-not-allowed",
        wit::Refusal::ConsentRequired => "consent-required",
        wit::Refusal::OverrideRefused => "override-refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_contract as wit;

    #[test]
    fn a_word_is_read_as_the_case_that_it_was_written_for() {
        for reason in [
            wit::Reason::NotLooked,
            wit::Reason::Got,
            wit::Reason::EndpointNotAllowed,
            wit::Reason::NotOnSurface,
        ] {
            assert_eq!(case(&word(&reason)), Some(reason));
        }
        for other in ["", "-", "Got", "GOT", "got-", "not looked", "noted"] {
            assert_eq!(case::<wit::Reason>(other), None, "{other}");
        }
    }
}
