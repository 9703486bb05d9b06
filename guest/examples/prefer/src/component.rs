//! The exports of the component, which hand over to the code beside it.

use crate::Prefer;
use crate::bindings::exports::keyrule::policy::chooser::{
    Candidate, Guest, GuestChooser, Session, Setting,
};

struct Component;

impl Guest for Component {
    type Chooser = Prefer;
}

impl GuestChooser for Prefer {
    fn new(settings: Vec<Setting>) -> Self {
        Self::new(settings)
    }

    fn choose(&self, session: Session, candidates: Vec<Candidate>) -> Option<u32> {
        self.choose(session, &candidates)
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
