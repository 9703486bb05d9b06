//! What a receipt knows of the sources of another policy: a world that was
//! recorded. What goes in are a receipt and a policy; what comes out, for each
//! source, is what a look at it brought, or what nobody knows of it.

use super::{Against, counterpart};
use crate::walk::World;
use keyrule::receipt::{self, Receipt};
use keyrule_contract as wit;
use keyrule_engine::{Error, Judge};

/// What a receipt does not know of a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lack {
    /// The old policy does not read it.
    NotRead,
    /// The old run did not look at it.
    NotLooked,
    /// The new policy keeps keys and logins in other stores.
    OtherStore,
    /// The new policy has another folder for the tool.
    OtherFolder,
    /// Where it would be sent: this variable was not seen.
    Endpoint(String),
    /// What the user would say about it.
    Answer,
}

/// The world that a receipt describes, by the new policy's sources.
pub(super) struct Recorded {
    known: Vec<Result<Known, Lack>>,
    /// Sources that were taken to be gettable.
    pub assumed: Vec<usize>,
}

struct Known {
    look: wit::Observation,
    consent: wit::Consent,
    get: Option<wit::Observation>,
}

impl Recorded {
    pub(super) fn of(
        judge: &mut dyn Judge,
        against: &Against<'_>,
        receipt: &Receipt,
        session: wit::Session,
    ) -> Result<Self, Error> {
        let known = (0..against.sources.len()).map(|place| {
            let mut of = Of {
                judge: &mut *judge,
                against,
                receipt,
                session,
                place,
            };
            of.known()
        });
        Ok(Self {
            known: known.collect::<Result<_, _>>()?,
            assumed: Vec::new(),
        })
    }

    /// What is not known of a source that a walk ended at.
    pub(super) fn lack(&self, place: usize) -> Lack {
        match self.known.get(place) {
            Some(Err(lack)) => lack.clone(),
            // What was looked at and can be got is only ever asked about.
            _ => Lack::Answer,
        }
    }

    fn known(&self, place: usize) -> Option<&Known> {
        self.known.get(place)?.as_ref().ok()
    }
}

impl World for Recorded {
    fn look(&mut self, source: usize) -> Option<(wit::Observation, wit::Consent)> {
        let known = self.known(source)?;
        Some((known.look.clone(), known.consent))
    }

    /// What was said is known from the look on; the rest is not.
    fn answer(&mut self, _: usize) -> Option<wit::Consent> {
        None
    }

    fn get(&mut self, source: usize) -> Option<wit::Observation> {
        let known = self.known(source)?;
        if let Some(got) = &known.get {
            return Some(got.clone());
        }
        let got = wit::Observation {
            fetched: true,
            // What has ended is renewed by a get.
            expires_in: known.look.expires_in.filter(|seconds| *seconds > 0),
            ..known.look.clone()
        };
        self.assumed.push(source);
        Some(got)
    }
}

/// One source of the new policy, in the world of a receipt.
struct Of<'o> {
    judge: &'o mut dyn Judge,
    against: &'o Against<'o>,
    receipt: &'o Receipt,
    session: wit::Session,
    place: usize,
}

impl Of<'_> {
    fn known(&mut self) -> Result<Result<Known, Lack>, Error> {
        let Some(source) = self.against.sources.get(self.place) else {
            return Ok(Err(Lack::NotRead));
        };
        let Some(old) = counterpart(self.against, self.receipt, self.place) else {
            return Ok(Err(Lack::NotRead));
        };
        if let Some(lack) = self.elsewhere(source) {
            return Ok(Err(lack));
        }
        let Some(looked) = &old.look else {
            return Ok(Err(Lack::NotLooked));
        };
        let mut look = observation(looked, false);
        match self.destination(source, old, looked) {
            Ok(destination) => look.destination = destination,
            // It is no matter where something would be sent that is not used
            // wherever that is.
            Err(variable) => {
                look.destination = wit::Destination::Malformed;
                if self.observe(&look)? == wit::State::Forbidden {
                    return Ok(Err(Lack::Endpoint(variable)));
                }
            }
        }
        if let Some(variable) = self.hidden_redirection(looked, &look)? {
            return Ok(Err(Lack::Endpoint(variable)));
        }
        let recalled = old.needs_consent || !source.needs_consent;
        if !recalled && self.depends_on_consent(&look)? {
            return Ok(Err(Lack::Answer));
        }
        let destination = &look.destination;
        let get = old.fetch.as_ref().map(|got| wit::Observation {
            destination: destination.clone(),
            ..observation(got, true)
        });
        Ok(Ok(Known {
            get,
            consent: if recalled {
                old.consent
            } else {
                wit::Consent::Undecided
            },
            look,
        }))
    }

    /// The variable whose target is not recorded and decides whether the
    /// source may be used.
    fn hidden_redirection(
        &mut self,
        looked: &receipt::Observation,
        look: &wit::Observation,
    ) -> Result<Option<String>, Error> {
        let recorded = looked.redirections.iter().flatten();
        let mut hidden = recorded
            .filter(|redirection| redirection.target == receipt::RedirectionTarget::Hidden)
            .map(|redirection| redirection.name.as_str())
            .peekable();
        let Some(first) = hidden.peek().map(|name| (*name).to_owned()) else {
            return Ok(None);
        };
        let hidden: Vec<&str> = hidden.collect();
        let redirections = look.redirections.iter();
        let without = wit::Observation {
            redirections: redirections
                .filter(|redirection| !hidden.contains(&redirection.name.as_str()))
                .cloned()
                .collect(),
            ..look.clone()
        };
        let depends = self.observe(look)? != self.observe(&without)?;
        Ok(depends.then_some(first))
    }

    /// Whether the new policy would look for the same thing elsewhere.
    fn elsewhere(&self, source: &wit::Source) -> Option<Lack> {
        let info = self.against.info;
        let kept = matches!(source.kind, wit::Kind::StoredKey(_) | wit::Kind::Login(_));
        if kept && receipt::Storage::from(info.storage) != self.receipt.storage {
            return Some(Lack::OtherStore);
        }
        let folder = info.tool.folder.as_ref().map(receipt::Folder::from);
        let other = source.reads.contains("{folder}") && folder != self.receipt.folder;
        other.then_some(Lack::OtherFolder)
    }

    /// Where the new policy would send it: what the variable says that it
    /// follows, as any source of the old policy saw it; else the variable.
    fn destination(
        &self,
        source: &wit::Source,
        old: &receipt::Source,
        looked: &receipt::Observation,
    ) -> Result<wit::Destination, String> {
        let variable = |endpoint: Option<&receipt::Endpoint>| endpoint?.variable.clone();
        let followed = source
            .endpoint
            .as_ref()
            .and_then(|endpoint| endpoint.variable.clone());
        let Some(followed) = followed else {
            return Ok(wit::Destination::Default);
        };
        let seen = if variable(old.endpoint.as_ref()).as_ref() == Some(&followed) {
            Some(looked)
        } else {
            let mut sources = self.receipt.sources.iter();
            sources
                .find(|other| {
                    let same = variable(other.endpoint.as_ref()).as_ref() == Some(&followed);
                    same && other.look.is_some()
                })
                .and_then(|other| other.look.as_ref())
        };
        match seen.map(|seen| &seen.destination) {
            Some(receipt::Destination::Default) => Ok(wit::Destination::Default),
            Some(receipt::Destination::Malformed) => Ok(wit::Destination::Malformed),
            Some(receipt::Destination::Origin(origin)) => {
                Ok(wit::Destination::Origin(origin.clone()))
            }
            Some(receipt::Destination::Hidden) | None => Err(followed),
        }
    }

    fn observe(&mut self, seen: &wit::Observation) -> Result<wit::State, Error> {
        let place = u32::try_from(self.place).unwrap_or(u32::MAX);
        Ok(self.judge.observe(place, seen)?.state)
    }

    /// Whether it makes a difference what the user has said: decided with no
    /// other source there. To an override it can always make one.
    fn depends_on_consent(&mut self, look: &wit::Observation) -> Result<bool, Error> {
        if self.against.info.override_component.is_some() {
            return Ok(true);
        }
        let state = self.observe(look)?;
        let out = wit::Fact {
            state: wit::State::Unavailable,
            consent: wit::Consent::Undecided,
        };
        let mut facts = vec![out; self.against.sources.len()];
        let mut verdicts = Vec::new();
        for consent in [
            wit::Consent::Undecided,
            wit::Consent::Approved,
            wit::Consent::Declined,
        ] {
            if let Some(fact) = facts.get_mut(self.place) {
                *fact = wit::Fact { state, consent };
            }
            verdicts.push(self.judge.decide(self.session, &facts)?);
        }
        verdicts.dedup();
        Ok(verdicts.len() > 1)
    }
}

/// The recorded sources that read this.
pub(super) fn matching<'r>(
    receipt: &'r Receipt,
    reads: &'r str,
) -> impl Iterator<Item = &'r receipt::Source> {
    let sources = receipt.sources.iter();
    sources.filter(move |source| source.reads == reads)
}

/// An observation as it was, but for what a receipt leaves out, on which no
/// decision depends.
fn observation(seen: &receipt::Observation, got: bool) -> wit::Observation {
    let outcome = match seen.outcome {
        receipt::Outcome::Absent => wit::Outcome::Absent,
        receipt::Outcome::Blank => wit::Outcome::Blank,
        receipt::Outcome::Off => wit::Outcome::Off,
        receipt::Outcome::Present => wit::Outcome::Present,
        receipt::Outcome::Recursion => wit::Outcome::Recursion,
        receipt::Outcome::Failed(kind) => wit::Outcome::Failed(kind),
    };
    wit::Observation {
        fetched: got,
        tier: seen.tier,
        redirections: seen
            .redirections
            .iter()
            .flatten()
            .map(|redirection| wit::Redirection {
                name: redirection.name.clone(),
                // What is hidden is judged like what is not a URL; see
                // `hidden_redirection`.
                origin: match &redirection.target {
                    receipt::RedirectionTarget::Origin(origin) => Some(origin.clone()),
                    receipt::RedirectionTarget::Malformed | receipt::RedirectionTarget::Hidden => {
                        None
                    }
                },
                carries: redirection.carries,
            })
            .collect(),
        expires_in: seen.expires_in,
        refreshable: seen.refreshable,
        organization: seen.organization.clone(),
        stored_in: seen.stored_in,
        ..keyrule_contract::observation(outcome)
    }
}
