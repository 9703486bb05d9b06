//! A judge whose policy names an override. What goes in is the engine's own
//! judge and the override; what comes out answers as the engine does, save
//! that the engine's question which source it is to be is put to the override,
//! and its answer handed back to the engine, which makes the step of it. So an
//! override can skip no consent and revive nothing that failed.

use super::super::{Error, Judge};
use super::{Candidate, Chooser, Override, Problem};
use keyrule_contract as wit;

/// The engine's judge with an override beside it.
#[derive(Debug)]
pub struct Overridden {
    judge: Box<dyn Judge>,
    override_: Override,
    /// The sources' names, in their order.
    ids: Vec<String>,
    /// What chooses in this resolution.
    chooser: Chooser,
    /// What it has chosen: a source by its place, or none of them.
    chosen: Option<Option<u32>>,
}

impl Overridden {
    /// Puts the override beside the judge of the policy that names it.
    ///
    /// # Errors
    ///
    /// Where the engine does not answer properly.
    pub fn new(mut judge: Box<dyn Judge>, override_: Override) -> Result<Self, Error> {
        let sources = judge.sources()?;
        Ok(Self {
            judge,
            ids: sources.into_iter().map(|source| source.id).collect(),
            chooser: override_.fresh(),
            override_,
            chosen: None,
        })
    }

    /// Asks the override, and remembers what it chose.
    fn consult(&mut self, session: wit::Session, facts: &[wit::Fact]) -> Result<(), Error> {
        let places = self.judge.candidates(session)?;
        let candidates: Vec<_> = places
            .iter()
            .map(|place| self.candidate(place, facts))
            .collect::<Option<_>>()
            .ok_or_else(|| self.override_.error(Problem::Misbehaved { call: "choose" }))?;
        let chosen = self.chooser.choose(session, &candidates)?;
        // In range, which the chooser has checked.
        self.chosen = Some(chosen.and_then(|chosen| {
            let chosen = usize::try_from(chosen).ok()?;
            places.get(chosen).map(|candidate| candidate.source)
        }));
        Ok(())
    }

    fn candidate(&self, candidate: &wit::Candidate, facts: &[wit::Fact]) -> Option<Candidate> {
        let place = usize::try_from(candidate.source).ok()?;
        let fact = facts.get(place)?;
        // What a restriction takes away nobody may look at, and it is out.
        let (state, consent) = if candidate.applies {
            (fact.state, fact.consent)
        } else {
            (wit::State::Unavailable, wit::Consent::Undecided)
        };
        Some(Candidate {
            id: self.ids.get(place)?.clone(),
            state,
            consent,
        })
    }

    /// It was asked with these very facts, so asking again would go on for
    /// ever: the source that it chose had failed before it was asked.
    fn chose_failed(&self) -> Error {
        let place = self.chosen.flatten();
        let id = place
            .and_then(|place| self.ids.get(usize::try_from(place).ok()?))
            .cloned()
            .unwrap_or_default();
        self.override_.error(Problem::ChoseFailed { id }).into()
    }
}

impl Judge for Overridden {
    fn begin(&mut self) -> Result<(), Error> {
        self.chooser = self.override_.fresh();
        self.chosen = None;
        self.judge.begin()
    }

    fn info(&mut self) -> Result<wit::PolicyInfo, Error> {
        self.judge.info()
    }

    fn sources(&mut self) -> Result<Vec<wit::Source>, Error> {
        self.judge.sources()
    }

    fn observe(&mut self, source: u32, seen: &wit::Observation) -> Result<wit::Finding, Error> {
        self.judge.observe(source, seen)
    }

    /// Asks the override once, and once more after a source that it chose
    /// has failed: at most as often as there are sources, and once.
    fn decide(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
    ) -> Result<wit::Verdict, Error> {
        let verdict = match self.chosen {
            Some(chosen) => self.judge.decide_chosen(session, facts, chosen)?,
            None => self.judge.decide(session, facts)?,
        };
        if verdict != wit::Verdict::Consult {
            return Ok(verdict);
        }
        self.consult(session, facts)?;
        let chosen = self.chosen.flatten();
        match self.judge.decide_chosen(session, facts, chosen)? {
            wit::Verdict::Consult => Err(self.chose_failed()),
            verdict => Ok(verdict),
        }
    }

    /// A chooser of its own answers, so that what was chosen stays chosen.
    fn decide_anew(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
    ) -> Result<wit::Verdict, Error> {
        let chosen = self.chosen.take();
        let chooser = std::mem::replace(&mut self.chooser, self.override_.fresh());
        let verdict = self.decide(session, facts);
        (self.chosen, self.chooser) = (chosen, chooser);
        verdict
    }

    fn candidates(&mut self, session: wit::Session) -> Result<Vec<wit::Candidate>, Error> {
        self.judge.candidates(session)
    }

    fn decide_chosen(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
        chosen: Option<u32>,
    ) -> Result<wit::Verdict, Error> {
        self.judge.decide_chosen(session, facts, chosen)
    }

    fn explain(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
    ) -> Result<wit::Explanation, Error> {
        match self.chosen {
            Some(chosen) => self.judge.explain_chosen(session, evidence, chosen),
            None => self.judge.explain(session, evidence),
        }
    }

    fn explain_chosen(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
        chosen: Option<u32>,
    ) -> Result<wit::Explanation, Error> {
        self.judge.explain_chosen(session, evidence, chosen)
    }
}
