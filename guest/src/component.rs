//! The component: the same core behind the exports of `wit/policy.wit`. What
//! goes in and out are the generated types; nothing is decided here.

use crate::Policy;
use crate::bindings::exports::keyrule::policy::engine::{
    self as wit, About, Diagnostic, Document, Evidence, Explanation, Fact, Finding, Observation,
    Session, Source, Verdict,
};

struct Component;

impl wit::Guest for Component {
    type Policy = Policy;
}

impl wit::GuestPolicy for Policy {
    fn load(name: String, documents: Vec<Document>) -> Result<wit::Policy, Vec<Diagnostic>> {
        Self::load(&name, documents).map(wit::Policy::new)
    }

    fn about(&self) -> About {
        self.about()
    }

    fn sources(&self) -> Vec<Source> {
        self.sources()
    }

    fn observe(&self, source: u32, seen: Observation) -> Finding {
        self.observe(source, &seen)
    }

    fn decide(&self, session: Session, facts: Vec<Fact>) -> Verdict {
        self.decide(session, &facts)
    }

    fn decide_batch(&self, session: Session, facts: Vec<Fact>) -> Vec<Verdict> {
        self.decide_batch(session, &facts)
    }

    fn explain(&self, session: Session, evidence: Vec<Evidence>) -> Explanation {
        self.explain(session, &evidence)
    }
}

/// The exports are symbols with fixed names, which Rust calls unsafe.
#[expect(
    unsafe_code,
    unreachable_pub,
    reason = "the guest's one export, generated"
)]
mod exports {
    use super::Component;

    crate::bindings::export!(Component with_types_in crate::bindings);
}
