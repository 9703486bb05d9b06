//! The loop: ask the engine for the next step, carry out that one step,
//! report what was seen, until a credential is used or refused. What goes in
//! is a policy and the world around it; what comes out is a credential or a
//! refusal, with the evidence. It compares nothing and chooses nothing: which
//! source, whether to ask, when to stop, all of that the engine says.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::ambient::Ambient;
use crate::consent::{Answer, ConsentBook, Prompter, Question};
use crate::credential::Credential;
use crate::error::Error;
use crate::handout::Fingerprint;
use crate::material::Material;
use crate::secret::Secret;
use crate::sources::{self, Context, Facts, GetOptions, Notices, Supplied};
use keyrule_contract as wit;
use keyrule_engine::{Judge, Step, Steps};

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    /// To the first question, get or use, which is left undone: for showing.
    FirstStepThatCosts,
    /// To the credential.
    Credential {
        /// The last credential was rejected, so nothing cached serves.
        rejected: bool,
        /// What was handed out last, and of which source.
        handed_out: Option<(usize, Fingerprint)>,
    },
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The next step was left undone.
    Stopped,
    /// The engine lets this credential of this source be used.
    Used(usize, Box<Credential>),
    /// The engine refuses.
    Refused,
}

/// One resolution: what it works with, and what it has seen.
#[derive(Debug)]
pub(crate) struct Resolution<'r> {
    pub judge: &'r mut dyn Judge,
    pub sources: &'r [wit::Source],
    pub session: wit::Session,
    pub info: &'r wit::PolicyInfo,
    pub ambient: &'r Ambient,
    pub supplied: &'r BTreeMap<String, Supplied>,
    pub prompter: Option<&'r Arc<dyn Prompter>>,
    pub notices: &'r dyn Notices,
    pub seen: Seen,
}

/// What was seen and done, by source.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub facts: Vec<wit::Fact>,
    pub evidence: Vec<wit::Evidence>,
    /// What looks brought, which the evidence forgets after a get.
    pub looked: Vec<Option<wit::Observation>>,
    /// What gets brought.
    pub got: Vec<Option<wit::Observation>>,
    /// What else is known of them.
    pub known: Vec<Facts>,
    /// What only the host may know of a source.
    private: Vec<Private>,
    pub looks: u32,
    pub gets: u32,
    /// What went wrong beside the matter, for the user to know.
    pub notes: Vec<String>,
}

#[derive(Debug, Default)]
struct Private {
    subject: Option<Secret>,
    material: Option<Material>,
    facts: Facts,
    endpoint: Option<String>,
    ttl: Duration,
}

impl Seen {
    /// Nothing yet, of so many sources.
    pub(crate) fn nothing(sources: usize) -> Self {
        let unknown = wit::Fact {
            state: wit::State::Unknown,
            consent: wit::Consent::Undecided,
        };
        let evidence = || wit::Evidence {
            consent: wit::Consent::Undecided,
            observation: None,
        };
        Self {
            facts: vec![unknown; sources],
            evidence: (0..sources).map(|_| evidence()).collect(),
            looked: vec![None; sources],
            got: vec![None; sources],
            known: vec![Facts::default(); sources],
            private: (0..sources).map(|_| Private::default()).collect(),
            ..Self::default()
        }
    }
}

impl<'r> Resolution<'r> {
    /// The loop. It ends because no step may be taken twice.
    pub(crate) async fn run(&mut self, until: Until) -> Result<End, Error> {
        let mut steps = Steps::new(self.sources.len());
        loop {
            let verdict = self.judge.decide(self.session, &self.seen.facts)?;
            let step = steps.check(self.session, &self.seen.facts, verdict)?;
            tracing::debug!(?step, "next");
            match (step, until) {
                (Step::Refuse(_), _) => return Ok(End::Refused),
                (Step::Look(source), _) => self.look(source)?,
                (_, Until::FirstStepThatCosts) => return Ok(End::Stopped),
                (Step::Ask(source), _) => self.ask(source).await?,
                (
                    Step::Get(source),
                    Until::Credential {
                        rejected,
                        handed_out,
                    },
                ) => {
                    let handed_out = handed_out.filter(|(last, _)| *last == source);
                    let handed_out = handed_out.map(|(_, fingerprint)| fingerprint);
                    self.get(source, rejected, handed_out).await?;
                }
                (Step::Use(source), _) => {
                    return Ok(End::Used(source, Box::new(self.credential(source)?)));
                }
            }
        }
    }

    /// Looks at every source that the decision did not need, so that all can
    /// be described. Looks are free.
    pub(crate) fn look_at_the_rest(&mut self) -> Result<(), Error> {
        let decided = self.seen.looks;
        for index in 0..self.sources.len() {
            if matches!(self.seen.facts.get(index), Some(fact) if fact.state == wit::State::Unknown)
            {
                self.look(index)?;
            }
        }
        self.seen.looks = decided;
        Ok(())
    }

    /// Explains what was seen, and gives it back.
    pub(crate) fn explain(self) -> Result<(Seen, wit::Explanation), Error> {
        let explanation = self.judge.explain(self.session, &self.seen.evidence)?;
        Ok((self.seen, explanation))
    }

    /// Whether getting the credential again can bring another one.
    pub(crate) fn can_bring_another(&self, index: usize) -> bool {
        self.sources
            .get(index)
            .is_some_and(|source| match source.kind {
                wit::Kind::Helper(_) | wit::Kind::Login(_) => true,
                wit::Kind::Cloud(_) => !self.seen.known.get(index).is_some_and(|known| known.fixed),
                // What the tool alone holds, the tool alone renews.
                wit::Kind::ToolOwned(_) => true,
                wit::Kind::Environment(_) | wit::Kind::Supplied | wit::Kind::StoredKey(_) => false,
            })
    }

    /// The source that would be next without this one, found by deciding
    /// again. Every source must have been looked at.
    pub(crate) fn next_in_line(&mut self, without: usize) -> Result<Option<String>, Error> {
        let mut facts = self.seen.facts.clone();
        if let Some(fact) = facts.get_mut(without) {
            fact.state = wit::State::Unavailable;
        }
        let next = match self.judge.decide_anew(self.session, &facts)? {
            wit::Verdict::Ask(next) | wit::Verdict::Fetch(next) | wit::Verdict::Use(next) => next,
            wit::Verdict::Look(_) | wit::Verdict::Refuse(_) | wit::Verdict::Consult => {
                return Ok(None);
            }
        };
        let next = usize::try_from(next)
            .ok()
            .and_then(|next| self.sources.get(next));
        Ok(next.map(|source| source.id.clone()))
    }

    fn look(&mut self, index: usize) -> Result<(), Error> {
        let source = self.source(index)?;
        let look = sources::look(source, self.context());
        self.seen.looks += 1;
        let consent = match (&look.subject, source.needs_consent) {
            (Some(subject), true) => self.recall(source, &look.observation, subject)?,
            _ => wit::Consent::Undecided,
        };
        let place = self.private(index)?;
        place.subject = look.subject;
        place.endpoint = look.endpoint;
        if let Some(evidence) = self.seen.evidence.get_mut(index) {
            evidence.consent = consent;
        }
        if let Some(known) = self.seen.known.get_mut(index) {
            *known = look.facts;
        }
        if let Some(looked) = self.seen.looked.get_mut(index) {
            *looked = Some(look.observation.clone());
        }
        self.judge(index, look.observation)
    }

    async fn ask(&mut self, index: usize) -> Result<(), Error> {
        let source = self.source(index)?;
        let (Some(prompter), Some(evidence)) = (self.prompter, self.seen.evidence.get(index))
        else {
            return Err(Error::Cancelled);
        };
        let origin = evidence
            .observation
            .as_ref()
            .and_then(|seen| origin(source, seen));
        let question = Question {
            source: source.id.clone(),
            description: source.description.clone(),
            found_in: evidence
                .observation
                .as_ref()
                .and_then(|seen| seen.location.clone()),
            origin: origin.clone(),
            keep: source.keep_as.is_some(),
        };
        let prompter = Arc::clone(prompter);
        let answer = tokio::task::spawn_blocking(move || prompter.ask(&question))
            .await
            .map_err(|_| Error::Cancelled)?;
        let consent = match answer {
            Answer::Use | Answer::UseAndKeep => wit::Consent::Approved,
            Answer::Decline => wit::Consent::Declined,
            Answer::Cancel => return Err(Error::Cancelled),
        };
        let Some(subject) = self.private(index)?.subject.clone() else {
            return Err(Error::Cancelled);
        };
        self.remember(source, origin.as_deref(), &subject, answer);
        if let Some(fact) = self.seen.facts.get_mut(index) {
            fact.consent = consent;
        }
        if let Some(evidence) = self.seen.evidence.get_mut(index) {
            evidence.consent = consent;
        }
        Ok(())
    }

    async fn get(
        &mut self,
        index: usize,
        rejected: bool,
        handed_out: Option<Fingerprint>,
    ) -> Result<(), Error> {
        let source = self.source(index)?;
        let private = self.private(index)?;
        let subject = private.subject.clone();
        let options = GetOptions {
            ttl: private.ttl,
            rejected,
            handed_out,
        };
        let got = sources::get_seen(source, self.context(), options, subject.as_ref()).await;
        self.seen.gets += 1;
        self.seen.notes.extend(got.notes);
        if let (Some(_), Some(known)) = (&got.material, self.seen.known.get_mut(index)) {
            *known = got.facts.clone();
        }
        let private = self.private(index)?;
        private.material = got.material;
        private.facts = got.facts;
        if let Some(place) = self.seen.got.get_mut(index) {
            *place = Some(got.observation.clone());
        }
        self.judge(index, got.observation)
    }

    /// Lets the engine say what an observation means, and remembers that.
    fn judge(&mut self, index: usize, observation: wit::Observation) -> Result<(), Error> {
        let number = u32::try_from(index).unwrap_or(u32::MAX);
        let finding = self.judge.observe(number, &observation)?;
        self.private(index)?.ttl = Duration::from_millis(finding.ttl_ms);
        let (Some(fact), Some(evidence)) = (
            self.seen.facts.get_mut(index),
            self.seen.evidence.get_mut(index),
        ) else {
            return Err(out_of_range());
        };
        *fact = wit::Fact {
            state: finding.state,
            consent: evidence.consent,
        };
        evidence.observation = Some(observation);
        Ok(())
    }

    /// Puts together what one source says, and nothing of any other.
    fn credential(&mut self, index: usize) -> Result<Credential, Error> {
        let source = self.source(index)?;
        let seen = self
            .seen
            .evidence
            .get(index)
            .and_then(|evidence| evidence.observation.as_ref());
        let expires_in = seen.and_then(|seen| seen.expires_in);
        let private = self.private(index)?;
        let endpoint = source.endpoint.as_ref();
        let material = private.material.take();
        let facts = std::mem::take(&mut private.facts);
        let followed = private.endpoint.take();
        let held_by_tool = matches!(source.kind, wit::Kind::ToolOwned(_));
        if material.is_some() == held_by_tool {
            return Err(Error::Internal("a source was got and brought no secret"));
        }
        let is_cloud = matches!(source.kind, wit::Kind::Cloud(_));
        let endpoint_variable = endpoint
            // A provider's own clients know where it is, region by region.
            .filter(|_| !is_cloud || followed.is_some())
            // Else the default is named too: the child's own may be another.
            .and_then(|endpoint| endpoint.variable.clone());
        let words = [
            ("{region}", facts.region),
            ("{project}", facts.project),
            ("{resource}", facts.resource),
        ];
        Ok(Credential {
            source: source.id.clone(),
            material,
            headers: source.headers.clone(),
            export: source.export.clone(),
            words: words
                .into_iter()
                .filter_map(|(word, text)| Some((word, text?)))
                .collect(),
            // Looked at together with the destination: there only where a
            // variable was followed.
            endpoint: followed
                .or(facts.endpoint)
                .or_else(|| endpoint.map(|endpoint| endpoint.default.clone())),
            endpoint_variable,
            passed: sources::passed(source, self.ambient),
            expires_at: facts.expires_at.or_else(|| {
                expires_in
                    .and_then(|seconds| u64::try_from(seconds).ok())
                    .and_then(|seconds| SystemTime::now().checked_add(Duration::from_secs(seconds)))
            }),
        })
    }

    fn recall(
        &self,
        source: &wit::Source,
        seen: &wit::Observation,
        subject: &Secret,
    ) -> Result<wit::Consent, Error> {
        let book = ConsentBook::open(self.ambient);
        let origin = origin(source, seen);
        Ok(book.recall(&self.info.name, &source.id, origin.as_deref(), subject)?)
    }

    /// What cannot be remembered is used this once, and the user is told.
    fn remember(
        &mut self,
        source: &wit::Source,
        origin: Option<&str>,
        subject: &Secret,
        answer: Answer,
    ) {
        let book = ConsentBook::open(self.ambient);
        if let Err(error) = book.remember(&self.info.name, &source.id, origin, subject, answer) {
            self.seen
                .notes
                .push(format!("the answer holds for this once: {}", chain(&error)));
        }
        let (Answer::UseAndKeep, Some(name)) = (answer, &source.keep_as) else {
            return;
        };
        if subject.is_too_long() {
            self.seen.notes.push(format!(
                "the key was not kept: it is longer than {} bytes",
                Secret::LONGEST
            ));
            return;
        }
        match sources::in_store::keep(self.info, self.ambient, name, subject) {
            Ok(notes) => self.seen.notes.extend(notes),
            Err(why) => self.seen.notes.push(format!("the key was not kept: {why}")),
        }
    }

    fn source(&self, index: usize) -> Result<&'r wit::Source, Error> {
        self.sources.get(index).ok_or_else(out_of_range)
    }

    fn private(&mut self, index: usize) -> Result<&mut Private, Error> {
        self.seen.private.get_mut(index).ok_or_else(out_of_range)
    }

    fn context(&self) -> Context<'_> {
        Context {
            ambient: self.ambient,
            info: self.info,
            supplied: self.supplied,
            notices: self.notices,
        }
    }
}

/// An error with everything below it, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |said, cause| format!("{said}: {cause}"))
}

fn out_of_range() -> Error {
    Error::Internal("a source that is not there was named")
}

/// Where a source's credential would be sent: scheme, host and port.
pub fn origin(source: &wit::Source, seen: &wit::Observation) -> Option<String> {
    let mut moved = seen.redirections.iter().filter(|one| one.carries);
    match (&seen.destination, moved.next()) {
        (wit::Destination::Default, Some(moved)) => moved.origin.clone(),
        _ => sources::endpoint::origin_of(source, &seen.destination),
    }
}
