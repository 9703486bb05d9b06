//! What stands in the place of our own store in a build that has none: a
//! source that it would keep fails, and is never taken for one that is absent.

use keyrule_contract as wit;

use super::{GetOptions, Got, Look, Notices, observation};
use crate::ambient::Ambient;
use crate::secret::Secret;

/// What is said of every such source.
const WITHOUT: &str = "this build keeps no keys and no logins: build it with the feature `login`";

/// It cannot be looked at.
pub(crate) fn look(_: &wit::Source, _: &wit::PolicyInfo, _: &Ambient) -> Look {
    Look::nothing(unsupported())
}

/// It cannot be got.
pub(crate) async fn get(
    _: &wit::Source,
    _: &wit::PolicyInfo,
    _: &Ambient,
    _: GetOptions,
    _: &dyn Notices,
) -> Got {
    let observation = wit::Observation {
        fetched: true,
        ..unsupported()
    };
    Got::one(observation, None)
}

/// Nothing is kept.
pub(crate) fn keep(
    _: &wit::PolicyInfo,
    _: &Ambient,
    _: &str,
    _: &Secret,
) -> Result<Vec<String>, String> {
    Err(WITHOUT.to_owned())
}

fn unsupported() -> wit::Observation {
    wit::Observation {
        detail: Some(WITHOUT.to_owned()),
        ..observation(wit::Outcome::Failed(wit::FailureKind::Unsupported))
    }
}

#[cfg(test)]
mod tests {
    use keyrule_contract::samples;

    use super::*;

    #[test]
    fn what_a_store_would_keep_fails_and_is_not_absent() {
        let info = samples::info();
        let ambient = Ambient::empty();
        for kind in [
            wit::Kind::Login(samples::login("kept")),
            wit::Kind::StoredKey(samples::stored_key("kept")),
        ] {
            let seen = look(&samples::source(kind), &info, &ambient).observation;
            assert_eq!(
                seen.outcome,
                wit::Outcome::Failed(wit::FailureKind::Unsupported)
            );
            assert_eq!(seen.detail.as_deref(), Some(WITHOUT));
        }
    }
}
