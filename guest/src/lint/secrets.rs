//! Finds what looks like a secret in the text of a document, comments included.

use super::{Found, Said};
use crate::looks::{named, secrets};
use crate::policy::Policy;
use crate::text::Lines;

/// Keys whose values are long and random, and public.
const PUBLIC: [&str; 2] = ["sha256", "client-id"];

pub(super) fn lint(policy: &Policy, found: &mut Found) {
    for index in &policy.merged.used {
        let (Some(document), Ok(place)) = (policy.documents.get(*index), u16::try_from(*index))
        else {
            continue;
        };
        let lines = Lines::new(place, &document.text);
        let mut start = 0;
        for line in document.text.split_inclusive('\n') {
            let key = line.split('=').next().unwrap_or_default().trim();
            let mut places = secrets(line);
            places.extend(named(line));
            if !PUBLIC.contains(&key)
                && let Some(first) = places.iter().min_by_key(|place| place.start)
            {
                let said = Said {
                    code: "secret-in-file",
                    message: "here stands what looks like a secret".to_owned(),
                    why: "everybody on the machine can read a policy, and it is copied to others; Keyrule itself never takes a secret from it",
                    help: "take it out, and have it revoked if it is one; name the variable, the helper or the stored key that brings it",
                };
                found.add(lines.at(&(start + first.start..start + first.end)), said);
            }
            start += line.len();
        }
    }
}
