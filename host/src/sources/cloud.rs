//! A cloud provider's own credentials. What goes in is the provider and the
//! variable that selects it; what comes out is whether it is selected. A
//! provider that is selected in a build that does not know it fails, and is
//! never passed by as if it were not selected: that would change who pays.

use crate::ambient::Ambient;
use crate::engine::bindings as wit;
use crate::sources::{Got, Look, observation};

/// What a flag says, in any case, when it says no.
const NO: [&str; 4] = ["0", "false", "no", "off"];

/// Looks whether the provider is selected.
pub(crate) fn look(cloud: &wit::Cloud, ambient: &Ambient) -> Look {
    Look {
        observation: see(cloud, ambient),
        subject: None,
        endpoint: None,
    }
}

/// Looks once more: this build has no provider to get anything from.
pub(crate) async fn get(cloud: &wit::Cloud, ambient: &Ambient) -> Got {
    Got {
        observation: wit::Observation {
            got: true,
            ..see(cloud, ambient)
        },
        secret: None,
        notes: Vec::new(),
    }
}

fn see(cloud: &wit::Cloud, ambient: &Ambient) -> wit::Observation {
    let selected = |flag| wit::Observation {
        detail: Some(format!("this build has no {}", cloud.provider)),
        found_in: flag,
        ..observation(wit::Outcome::Trouble(wit::Trouble::Unsupported))
    };
    let Some(flag) = &cloud.flag else {
        return selected(None);
    };
    let Some(value) = ambient.variable(flag) else {
        return observation(wit::Outcome::Absent);
    };
    let seen = |outcome| wit::Observation {
        found_in: Some(flag.clone()),
        ..observation(outcome)
    };
    let value = value.as_encoded_bytes().trim_ascii();
    if value.is_empty() {
        seen(wit::Outcome::Blank)
    } else if NO
        .iter()
        .any(|no| value.eq_ignore_ascii_case(no.as_bytes()))
    {
        seen(wit::Outcome::Off)
    } else {
        selected(Some(flag.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::block_on;

    fn cloud(flag: Option<&str>) -> wit::Cloud {
        wit::Cloud {
            provider: "bedrock".to_owned(),
            flag: flag.map(str::to_owned),
            set: Vec::new(),
        }
    }

    fn see_flag(value: &str) -> wit::Observation {
        let ambient = Ambient::empty().with_variable("USE_IT", value);
        let seen = look(&cloud(Some("USE_IT")), &ambient);
        let got = block_on(get(&cloud(Some("USE_IT")), &ambient));
        assert!(seen.subject.is_none() && got.secret.is_none());
        assert!(got.observation.got);
        assert_eq!(got.observation.outcome, seen.observation.outcome);
        seen.observation
    }

    fn expected(outcome: wit::Outcome) -> wit::Observation {
        wit::Observation {
            found_in: Some("USE_IT".to_owned()),
            ..observation(outcome)
        }
    }

    #[test]
    fn a_flag_that_is_not_set_is_absent() {
        let seen = look(&cloud(Some("USE_IT")), &Ambient::empty());
        assert_eq!(seen.observation, observation(wit::Outcome::Absent));
    }

    #[test]
    fn a_blank_flag_is_blank_and_a_flag_that_says_no_is_off() {
        for value in ["", " \t"] {
            assert_eq!(see_flag(value), expected(wit::Outcome::Blank));
        }
        for value in ["0", "false", "No", " OFF\n", "FALSE"] {
            assert_eq!(see_flag(value), expected(wit::Outcome::Off));
        }
    }

    #[test]
    fn a_flag_that_says_anything_else_fails_in_a_build_without_the_provider() {
        let unsupported = wit::Observation {
            detail: Some("this build has no bedrock".to_owned()),
            ..expected(wit::Outcome::Trouble(wit::Trouble::Unsupported))
        };
        for value in ["1", "true", "00", "n", "disabled", "\u{e9}"] {
            assert_eq!(see_flag(value), unsupported);
        }
        let always = look(&cloud(None), &Ambient::empty());
        assert_eq!(
            always.observation,
            wit::Observation {
                found_in: None,
                ..unsupported
            }
        );
    }
}
