//! The exports of the component, which hand over to the code beside it.

use crate::bindings::exports::keyrule::policy::chooser::{Candidate, Guest, Session, Setting};

struct Component;

impl Guest for Component {
    fn choose(settings: Vec<Setting>, session: Session, candidates: Vec<Candidate>) -> Option<u32> {
        crate::choose(&settings, session, &candidates)
    }
}

/// The exports are symbols with fixed names, which Rust calls unsafe.
#[expect(
    unsafe_code,
    unreachable_pub,
    reason = "a component exports its functions under fixed names"
)]
mod export {
    use super::Component;

    crate::bindings::export!(Component with_types_in crate::bindings);
}
