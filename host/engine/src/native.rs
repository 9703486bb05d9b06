//! The engine's core, compiled in: the same judge without the component. What
//! goes in and comes out are the contract's types; a question that would trap
//! in the component is an error here too.

use keyrule_contract as wit;

use crate::convert::{Convert as _, list};
use crate::{Error, Judge, LoadError, verdict};

/// What loads policies. There is nothing to start.
#[derive(Debug, Clone)]
pub struct Engine;

impl Engine {
    /// The engine that this library was built with.
    ///
    /// # Errors
    ///
    /// None: the other engine has some.
    pub fn builtin() -> Result<Self, Error> {
        Ok(Self)
    }
}

/// A loaded policy.
#[derive(Debug)]
pub struct Policy {
    policy: keyrule_policy::Policy,
    count: usize,
}

/// Loads natively what the builtin component would load.
///
/// # Errors
///
/// Everything that is wrong with the documents.
pub fn load(name: &str, documents: &[wit::Document]) -> Result<Box<dyn Judge>, LoadError> {
    Ok(Box::new(Policy::load(&Engine, name, documents)?))
}

impl Policy {
    /// Reads documents.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the documents.
    pub fn load(_: &Engine, name: &str, documents: &[wit::Document]) -> Result<Self, LoadError> {
        let policy = keyrule_policy::Policy::load(name, list(documents))
            .map_err(|diagnostics| LoadError::Rejected(diagnostics.convert()))?;
        let count = policy.sources().len();
        Ok(Self { policy, count })
    }

    /// Finds the sources that two policies have in common: the old policy's
    /// in their order, then those that only the new one has.
    ///
    /// # Errors
    ///
    /// As for [`load`](Self::load).
    pub fn align(
        engine: &Engine,
        name: (&str, &str),
        old: &[wit::Document],
        new: &[wit::Document],
    ) -> Result<Vec<wit::Counterpart>, LoadError> {
        let old = Self::load(engine, name.0, old)?;
        let new = Self::load(engine, name.1, new)?;
        Ok(keyrule_policy::Policy::align(&old.policy, &new.policy).convert())
    }

    /// How many sources there are.
    ///
    /// # Errors
    ///
    /// None.
    pub fn count(&mut self) -> Result<usize, Error> {
        Ok(self.count)
    }

    /// `decide` for many cases at once: the facts of one case after those of
    /// the other.
    ///
    /// # Errors
    ///
    /// Where the facts are not those of whole cases.
    pub fn decide_batch(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
    ) -> Result<Vec<wit::Verdict>, Error> {
        let whole = facts.len().checked_rem(self.count) == Some(0) || facts.is_empty();
        self.asked("decide-batch", whole)?;
        let facts: Vec<_> = list(facts);
        let verdicts: Vec<_> = self
            .policy
            .decide_batch(session.convert(), &facts)
            .convert();
        verdict::check_batch(&verdicts, self.count, facts.len())?;
        Ok(verdicts)
    }

    /// `decide` for every combination of what may be known: one fact out of
    /// the list for each source, the last source's changing fastest.
    ///
    /// # Errors
    ///
    /// Where there is another number of lists than of sources.
    pub fn decide_every(
        &mut self,
        session: wit::Session,
        facts: &[Vec<wit::Fact>],
    ) -> Result<Vec<wit::Verdict>, Error> {
        self.asked("decide-every", facts.len() == self.count)?;
        let given: Vec<Vec<_>> = list(facts);
        let verdicts: Vec<_> = self
            .policy
            .decide_every(session.convert(), &given)
            .convert();
        verdict::check_every(&verdicts, self.count, facts)?;
        Ok(verdicts)
    }

    /// Lists everything that the policy decides.
    ///
    /// # Errors
    ///
    /// None.
    pub fn table(&mut self) -> Result<wit::Table, Error> {
        let table = self.policy.table().convert();
        verdict::check_table(&table, self.count)?;
        Ok(table)
    }

    /// Lists what the author may not mean.
    ///
    /// # Errors
    ///
    /// None.
    pub fn lint(&mut self) -> Result<Vec<wit::Lint>, Error> {
        Ok(self.policy.lint().convert())
    }

    /// What the component would trap for.
    fn asked(&self, call: &'static str, is_right: bool) -> Result<(), Error> {
        if is_right {
            return Ok(());
        }
        Err(Error::Trapped {
            call,
            trap: format!("it was not asked about the policy's {} sources", self.count),
        })
    }

    fn is_source(&self, source: u32) -> bool {
        usize::try_from(source).is_ok_and(|source| source < self.count)
    }
}

impl Judge for Policy {
    fn info(&mut self) -> Result<wit::PolicyInfo, Error> {
        Ok(self.policy.info().convert())
    }

    fn sources(&mut self) -> Result<Vec<wit::Source>, Error> {
        Ok(self.policy.sources().convert())
    }

    fn observe(&mut self, source: u32, seen: &wit::Observation) -> Result<wit::Finding, Error> {
        self.asked("observe", self.is_source(source))?;
        let finding = self.policy.observe(source, &seen.clone().convert());
        let finding = finding.convert();
        verdict::check_finding(source, seen, &finding)?;
        Ok(finding)
    }

    fn decide(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
    ) -> Result<wit::Verdict, Error> {
        self.asked("decide", facts.len() == self.count)?;
        let facts: Vec<_> = list(facts);
        Ok(self.policy.decide(session.convert(), &facts).convert())
    }

    fn candidates(&mut self, session: wit::Session) -> Result<Vec<wit::Candidate>, Error> {
        let candidates: Vec<_> = self.policy.candidates(session.convert()).convert();
        verdict::check_candidates(&candidates, self.count)?;
        Ok(candidates)
    }

    fn decide_chosen(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
        chosen: Option<u32>,
    ) -> Result<wit::Verdict, Error> {
        let is_right = facts.len() == self.count && self.may_choose(session, chosen);
        self.asked("decide-chosen", is_right)?;
        let facts: Vec<_> = list(facts);
        let verdict = self.policy.decide_chosen(session.convert(), &facts, chosen);
        Ok(verdict.convert())
    }

    fn explain(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
    ) -> Result<wit::Explanation, Error> {
        self.asked("explain", evidence.len() == self.count)?;
        let evidence: Vec<_> = list(evidence);
        let explained = self.policy.explain(session.convert(), &evidence).convert();
        verdict::check_explanation("explain", &explained, self.count)?;
        Ok(explained)
    }

    fn explain_chosen(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
        chosen: Option<u32>,
    ) -> Result<wit::Explanation, Error> {
        let is_right = evidence.len() == self.count && self.may_choose(session, chosen);
        self.asked("explain-chosen", is_right)?;
        let evidence: Vec<_> = list(evidence);
        let explained = self
            .policy
            .explain_chosen(session.convert(), &evidence, chosen)
            .convert();
        verdict::check_explanation("explain-chosen", &explained, self.count)?;
        Ok(explained)
    }
}

impl Policy {
    /// Whether an override may have chosen it: it is one of the candidates.
    fn may_choose(&self, session: wit::Session, chosen: Option<u32>) -> bool {
        let candidates = self.policy.candidates(session.convert());
        chosen.is_none_or(|chosen| candidates.iter().any(|one| one.source == chosen))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_trap_is_an_error() {
        let document = wit::Document {
            origin: wit::DocumentOrigin::User,
            path: "x.toml".to_owned(),
            text: "name = \"x\"\n[[source]]\nid = \"a\"\nkind = \"environment\"\n\
                   variable = \"A\"\nsurfaces = [\"terminal\"]\n"
                .to_owned(),
        };
        let mut policy = Policy::load(&Engine, "x", &[document]).unwrap();
        let session = wit::Session {
            surface: wit::Surface::Terminal,
            interactive: false,
        };
        let seen = wit::observation(wit::Outcome::Absent);
        assert!(policy.decide(session, &[]).is_err());
        assert!(policy.decide_batch(session, &[]).is_ok());
        assert!(policy.decide_every(session, &[]).is_err());
        assert!(policy.explain(session, &[]).is_err());
        assert!(policy.observe(0, &seen).is_ok());
        assert_eq!(
            policy.observe(1, &seen).unwrap_err().to_string(),
            "the engine trapped in `observe`: it was not asked about the policy's 1 sources"
        );
    }
}
