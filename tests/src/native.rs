//! The engine's core, natively: the same judge without the component, so
//! that the two can be compared. Values cross by their serde form, which is
//! the same on both sides because both come from one WIT file.

use keyrule::engine::{self, Judge, LoadError};
use keyrule_contract as wit;
use keyrule_policy::Policy;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The core behind the host's trait.
#[derive(Debug)]
struct Native(Policy);

/// Loads natively what the builtin component would load.
pub fn load(name: &str, documents: &[wit::Document]) -> Result<Box<dyn Judge>, LoadError> {
    match Policy::load(name, convert(&documents)) {
        Ok(policy) => Ok(Box::new(Native(policy))),
        Err(diagnostics) => Err(LoadError::Rejected(convert(&diagnostics))),
    }
}

impl Judge for Native {
    fn info(&mut self) -> Result<wit::PolicyInfo, engine::Error> {
        Ok(convert(&self.0.info()))
    }

    fn sources(&mut self) -> Result<Vec<wit::Source>, engine::Error> {
        Ok(convert(&self.0.sources()))
    }

    fn observe(
        &mut self,
        source: u32,
        seen: &wit::Observation,
    ) -> Result<wit::Finding, engine::Error> {
        Ok(convert(&self.0.observe(source, &convert(seen))))
    }

    fn decide(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
    ) -> Result<wit::Verdict, engine::Error> {
        let facts: Vec<_> = convert(&facts);
        Ok(convert(&self.0.decide(convert(&session), &facts)))
    }

    fn candidates(&mut self, session: wit::Session) -> Result<Vec<wit::Candidate>, engine::Error> {
        Ok(convert(&self.0.candidates(convert(&session))))
    }

    fn decide_chosen(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
        chosen: Option<u32>,
    ) -> Result<wit::Verdict, engine::Error> {
        let facts: Vec<_> = convert(&facts);
        let verdict = self.0.decide_chosen(convert(&session), &facts, chosen);
        Ok(convert(&verdict))
    }

    fn explain(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
    ) -> Result<wit::Explanation, engine::Error> {
        let evidence: Vec<_> = convert(&evidence);
        Ok(convert(&self.0.explain(convert(&session), &evidence)))
    }

    fn explain_chosen(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
        chosen: Option<u32>,
    ) -> Result<wit::Explanation, engine::Error> {
        let evidence: Vec<_> = convert(&evidence);
        let explained = self.0.explain_chosen(convert(&session), &evidence, chosen);
        Ok(convert(&explained))
    }
}

/// From one crate's generated types to the other's.
///
/// # Panics
///
/// Where the two crates were not generated from the same file.
pub fn convert<T: DeserializeOwned>(value: &impl Serialize) -> T {
    let text = serde_json::to_string(value).expect("generated types serialize");
    serde_json::from_str(&text).expect("both crates are generated from one file")
}
