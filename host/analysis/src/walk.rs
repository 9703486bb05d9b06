//! A resolution in a world that is only described: the same steps as in
//! `resolve`, checked in the same way, with what is known in the place of
//! looks, questions and gets. What comes out is how it ends, and every step
//! that led there.

use keyrule_contract as wit;
use keyrule_engine::{Error, Judge, Step, Steps};

/// What is known of a world. `None` means that nobody knows.
pub(crate) trait World {
    /// What a look at the source brings, and what the user has said before.
    fn look(&mut self, source: usize) -> Option<(wit::Observation, wit::Consent)>;

    /// What the user answers when asked about the source.
    fn answer(&mut self, source: usize) -> Option<wit::Consent>;

    /// What a get of the source brings.
    fn get(&mut self, source: usize) -> Option<wit::Observation>;
}

/// How a walk ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The credential of this source is used.
    Used(usize),
    /// Nothing is handed out.
    Refused(wit::Refused),
    /// The next step is one of which nobody knows what it brings.
    Unknown(Step),
}

/// A walk that has ended.
#[derive(Debug, Clone)]
pub struct Walked {
    /// How.
    pub end: End,
    /// The sources that were looked at, in that order.
    pub looks: Vec<usize>,
    /// The sources that the user was asked about.
    pub asks: Vec<usize>,
    /// The sources that were got.
    pub gets: Vec<usize>,
    /// What is known of each source at the end.
    pub facts: Vec<wit::Fact>,
    /// What was seen of each source.
    pub evidence: Vec<wit::Evidence>,
}

/// Takes the steps that the judge names, in a world of so many sources.
pub(crate) fn walk(
    judge: &mut dyn Judge,
    sources: usize,
    session: wit::Session,
    world: &mut dyn World,
) -> Result<Walked, Error> {
    judge.begin()?;
    let mut steps = Steps::new(sources);
    let mut walked = Walked::start(sources);
    loop {
        let verdict = judge.decide(session, &walked.facts)?;
        let step = steps.check(session, &walked.facts, verdict)?;
        let brought = match step {
            Step::Look(source) => {
                walked.looks.push(source);
                world
                    .look(source)
                    .map(|(seen, consent)| (source, Some(seen), Some(consent)))
            }
            Step::Ask(source) => {
                walked.asks.push(source);
                world
                    .answer(source)
                    .map(|consent| (source, None, Some(consent)))
            }
            Step::Get(source) => {
                walked.gets.push(source);
                world.get(source).map(|seen| (source, Some(seen), None))
            }
            Step::Use(source) => return Ok(walked.ended(End::Used(source))),
            Step::Refuse(refused) => return Ok(walked.ended(End::Refused(refused))),
        };
        let Some((source, seen, consent)) = brought else {
            return Ok(walked.ended(End::Unknown(step)));
        };
        walked.learn(judge, source, seen, consent)?;
    }
}

impl Walked {
    fn start(sources: usize) -> Self {
        let unknown = wit::Fact {
            state: wit::State::Unknown,
            consent: wit::Consent::Undecided,
        };
        let nothing = || wit::Evidence {
            consent: wit::Consent::Undecided,
            observation: None,
        };
        Self {
            end: End::Unknown(Step::Look(0)),
            looks: Vec::new(),
            asks: Vec::new(),
            gets: Vec::new(),
            facts: vec![unknown; sources],
            evidence: (0..sources).map(|_| nothing()).collect(),
        }
    }

    fn ended(mut self, end: End) -> Self {
        self.end = end;
        self
    }

    fn learn(
        &mut self,
        judge: &mut dyn Judge,
        source: usize,
        seen: Option<wit::Observation>,
        consent: Option<wit::Consent>,
    ) -> Result<(), Error> {
        let (Some(fact), Some(evidence)) =
            (self.facts.get_mut(source), self.evidence.get_mut(source))
        else {
            return Ok(());
        };
        if let Some(consent) = consent {
            fact.consent = consent;
            evidence.consent = consent;
        }
        if let Some(seen) = seen {
            let place = u32::try_from(source).unwrap_or(u32::MAX);
            fact.state = judge.observe(place, &seen)?.state;
            evidence.observation = Some(seen);
        }
        Ok(())
    }
}
