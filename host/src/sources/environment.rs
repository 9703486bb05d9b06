//! A credential in an environment variable. What goes in is the variable's
//! name; what comes out is whether it holds one that a header can carry. The
//! value is taken as it is: nothing is trimmed.

use crate::ambient::Ambient;
use crate::secret::Secret;
use crate::sources::{Facts, Got, Look, observation};
use keyrule_contract as wit;

/// Looks whether the variable is set, and to what kind of value.
pub(crate) fn look(variable: &str, ambient: &Ambient) -> Look {
    let (observation, subject) = read(variable, ambient);
    Look {
        observation,
        subject,
        endpoint: None,
        facts: Facts::default(),
    }
}

/// Takes the variable's value.
pub(crate) async fn get(variable: &str, ambient: &Ambient) -> Got {
    let (observation, secret) = read(variable, ambient);
    let observation = wit::Observation {
        fetched: true,
        ..observation
    };
    Got::one(observation, secret)
}

/// The value comes back only where it is usable.
fn read(variable: &str, ambient: &Ambient) -> (wit::Observation, Option<Secret>) {
    let Some(value) = ambient.variable(variable) else {
        return (observation(wit::Outcome::Absent), None);
    };
    let found = |outcome, detail| wit::Observation {
        detail,
        location: Some(variable.to_owned()),
        ..observation(outcome)
    };
    let bad = wit::Outcome::Failed(wit::FailureKind::BadCharacter);
    let text = match std::str::from_utf8(value.as_encoded_bytes()) {
        Ok(text) => text,
        Err(error) => {
            let valid = value.as_encoded_bytes().get(..error.valid_up_to());
            let before = String::from_utf8_lossy(valid.unwrap_or_default());
            let place = before.chars().count() + 1;
            let detail = format!("`{variable}` is not UTF-8 from character {place} on");
            return (found(bad, Some(detail)), None);
        }
    };
    let secret = Secret::new(text);
    if secret.is_blank() {
        return (found(wit::Outcome::Blank, None), None);
    }
    if let Some((place, what)) = secret.bad_character() {
        let detail = format!("`{variable}` holds {what} at character {place}");
        return (found(bad, Some(detail)), None);
    }
    (found(wit::Outcome::Present, None), Some(secret))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handout;
    use keyrule_system::runtime::block_on;

    fn expected(outcome: wit::Outcome, detail: Option<&str>) -> wit::Observation {
        wit::Observation {
            detail: detail.map(str::to_owned),
            location: Some("KEY".to_owned()),
            ..observation(outcome)
        }
    }

    fn trouble() -> wit::Outcome {
        wit::Outcome::Failed(wit::FailureKind::BadCharacter)
    }

    #[test]
    fn an_unset_variable_is_absent() {
        let seen = look("KEY", &Ambient::empty());
        assert_eq!(seen.observation, observation(wit::Outcome::Absent));
        assert!(seen.subject.is_none());
    }

    #[test]
    fn an_empty_or_white_variable_is_blank() {
        for value in ["", " ", "\t\n \r"] {
            let seen = look("KEY", &Ambient::empty().with_variable("KEY", value));
            assert_eq!(seen.observation, expected(wit::Outcome::Blank, None));
            assert!(seen.subject.is_none());
        }
    }

    #[test]
    fn a_value_is_present_untrimmed_and_the_subject_of_consent() {
        let ambient = Ambient::empty().with_variable("KEY", " s3cr3t-canary ");
        let seen = look("KEY", &ambient);
        assert_eq!(seen.observation, expected(wit::Outcome::Present, None));
        assert!(!format!("{seen:?}").contains("canary"));
        assert_eq!(
            seen.subject.as_ref().map(handout::to_keep),
            Some(b" s3cr3t-canary ".as_slice())
        );

        let got = block_on(get("KEY", &ambient));
        assert_eq!(
            got.observation,
            wit::Observation {
                fetched: true,
                ..expected(wit::Outcome::Present, None)
            }
        );
        assert_eq!(
            got.secret().map(handout::to_keep),
            Some(b" s3cr3t-canary ".as_slice())
        );
    }

    #[test]
    fn a_character_that_no_header_carries_is_named_by_its_place() {
        for (value, detail) in [
            ("s3cr3t\n", "`KEY` holds a line feed at character 7"),
            ("s3\r\ncr3t", "`KEY` holds a carriage return at character 3"),
            (
                "s3cr\u{e9}\u{2026}t",
                "`KEY` holds a character above U+00FF at character 6",
            ),
        ] {
            let ambient = Ambient::empty().with_variable("KEY", value);
            let seen = look("KEY", &ambient);
            assert_eq!(seen.observation, expected(trouble(), Some(detail)));
            assert!(seen.subject.is_none());
            assert!(block_on(get("KEY", &ambient)).secret().is_none());
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_not_utf_8_is_trouble_at_its_place() {
        use std::os::unix::ffi::OsStrExt;

        let value = std::ffi::OsStr::from_bytes(b"\xc3\xa9s3cr3t\xff");
        let ambient = Ambient::empty().with_variable("KEY", value);
        assert_eq!(
            look("KEY", &ambient).observation,
            expected(trouble(), Some("`KEY` is not UTF-8 from character 8 on"))
        );
    }
}
