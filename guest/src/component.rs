//! Exports the core as the component of `wit/policy.wit`. It takes and returns
//! the generated types, and decides nothing.

use crate::Policy;
use crate::bindings::exports::keyrule::policy::engine::{
    self as wit, Candidate, Counterpart, Diagnostic, Document, Evidence, Explanation, Fact,
    Finding, Handover, ItemObservation, Lint, Observation, PolicyBorrow, PolicyInfo,
    PredictedHeader, Session, Source, Table, Verdict,
};

struct Component;

impl wit::Guest for Component {
    type Policy = Policy;
}

impl wit::GuestPolicy for Policy {
    fn load(name: String, documents: Vec<Document>) -> Result<wit::Policy, Vec<Diagnostic>> {
        Self::load(&name, documents).map(wit::Policy::new)
    }

    fn info(&self) -> PolicyInfo {
        self.info()
    }

    fn sources(&self) -> Vec<Source> {
        self.sources()
    }

    fn observe(&self, source: u32, observation: Observation) -> Finding {
        self.observe(source, &observation)
    }

    fn decide(&self, session: Session, facts: Vec<Fact>) -> Verdict {
        self.decide(session, &facts)
    }

    fn decide_batch(&self, session: Session, facts: Vec<Fact>) -> Vec<Verdict> {
        self.decide_batch(session, &facts)
    }

    fn decide_every(&self, session: Session, facts: Vec<Vec<Fact>>) -> Vec<Verdict> {
        self.decide_every(session, &facts)
    }

    fn candidates(&self, session: Session) -> Vec<Candidate> {
        self.candidates(session)
    }

    fn decide_chosen(&self, session: Session, facts: Vec<Fact>, chosen: Option<u32>) -> Verdict {
        self.decide_chosen(session, &facts, chosen)
    }

    fn explain(&self, session: Session, evidence: Vec<Evidence>) -> Explanation {
        self.explain(session, &evidence)
    }

    fn explain_chosen(
        &self,
        session: Session,
        evidence: Vec<Evidence>,
        chosen: Option<u32>,
    ) -> Explanation {
        self.explain_chosen(session, &evidence, chosen)
    }

    fn predict(&self, items: Vec<ItemObservation>) -> Vec<PredictedHeader> {
        self.predict(&items)
    }

    fn handover(&self, winner: u32, items: Vec<ItemObservation>) -> Handover {
        self.handover(winner, &items)
    }

    fn table(&self) -> Table {
        self.table()
    }

    fn lint(&self) -> Vec<Lint> {
        self.lint()
    }

    fn align(old: PolicyBorrow<'_>, new: PolicyBorrow<'_>) -> Vec<Counterpart> {
        Self::align(old.get(), new.get())
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
