//! The words of `wit/policy.wit` in JSON, from and to the cases of enums. Words
//! that an earlier version wrote are read as well.

use keyrule_contract as wit;
use serde::de::value::{Error, StrDeserializer};
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error as _, IntoDeserializer as _};
use serde::{Serialize, Serializer};

/// The word of an enum's case.
pub fn word(case: &impl Serialize) -> String {
    match serde_json::to_value(case) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The case of a word, if it is one of the enum's, or was in an earlier
/// version.
pub(crate) fn case<T: DeserializeOwned>(word: &str) -> Option<T> {
    let word: StrDeserializer<'_, Error> = word.into_deserializer();
    T::deserialize(word).ok()
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
            wit::Reason::Fetched,
            wit::Reason::EndpointNotAllowed,
            wit::Reason::NotOnSurface,
        ] {
            assert_eq!(case(&word(&reason)), Some(reason));
        }
        assert_eq!(case("got"), Some(wit::Reason::Fetched));
        for other in ["", "-", "Got", "GOT", "got-", "not looked", "noted"] {
            assert_eq!(case::<wit::Reason>(other), None, "{other}");
        }
    }
}
