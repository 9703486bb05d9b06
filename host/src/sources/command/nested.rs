//! Nested runs (S21) as failures: what Keyrule runs around us must not be run
//! again from inside, and no other source may take its place.

use keyrule_contract as wit;
use keyrule_system::process::recursion::{self, MARKER, Nested};

use crate::ambient::Ambient;
use crate::sources::Failure;

/// Returns why what has this name must not be run here.
pub(in crate::sources) fn failure(own: &str, ambient: &Ambient, owned: bool) -> Option<Failure> {
    let words = match recursion::nested(own, ambient, owned)? {
        Nested::Marked => {
            let words = format!("`{MARKER}` says that it is being run already");
            return Some(Failure::new(wit::FailureKind::Nested, words).in_place(MARKER));
        }
        Nested::Running => {
            "Keyrule is running it already, and is asked for it from inside".to_owned()
        }
        Nested::Unmarked => format!(
            "Keyrule is asked for it from inside of what it runs, where `{MARKER}` does not say what that is"
        ),
    };
    Some(Failure::new(wit::FailureKind::Nested, words))
}
