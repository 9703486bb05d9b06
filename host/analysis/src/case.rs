//! A case of a test file: what is given, and what is expected to follow. What
//! goes in is a judge and a case; what comes out is everything that happened,
//! the same steps as in a resolution, in a world that the case describes.
//!
//! `read` makes cases of a file, `expect` compares.

use std::collections::BTreeMap;

use crate::walk::{End, Walked, World, walk};
use keyrule_contract as wit;
use keyrule_contract::observation;
use keyrule_engine::{Error, Judge};

pub mod expect;
pub mod read;
pub(crate) mod reader;
pub mod words;

use words::Is;

/// One case.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name, which no other case of its file has.
    pub name: String,
    /// Where it stands.
    pub at: wit::Location,
    /// In which session the credential is asked for.
    pub session: wit::Session,
    /// What is the case with sources, by id; all others are absent.
    pub given: BTreeMap<String, Given>,
    /// What is expected to follow.
    pub expect: Expect,
}

/// What is the case with one source.
#[derive(Debug, Clone)]
pub struct Given {
    /// What a look brings.
    pub is: Is,
    /// Whether a fetch fails where the look did not.
    pub fetch_fails: bool,
    /// In which way it fails.
    pub failure_kind: Option<wit::FailureKind>,
    /// What the user has said before.
    pub consent: wit::Consent,
    /// What the user says when asked; nobody answers where there is nothing.
    pub answer: Option<wit::Consent>,
    /// What the variable of its endpoint says.
    pub destination: wit::Destination,
    /// The organisation that it belongs to.
    pub organization: Option<String>,
    /// Which store holds it.
    pub stored_in: Option<wit::StoreKind>,
    /// Seconds until it ends.
    pub expires_in: Option<i64>,
    /// Whether it can be refreshed.
    pub refreshable: bool,
    /// What the variable of its lifetime says.
    pub lifetime: wit::Lifetime,
}

/// What is expected to follow.
#[derive(Debug, Clone)]
pub struct Expect {
    /// How it ends.
    pub end: Ending,
    /// Why sources stand where they stand, by id.
    pub reasons: BTreeMap<String, wit::Reason>,
    /// How many sources are looked at.
    pub looks: Option<usize>,
    /// How often the user is asked.
    pub asks: Option<usize>,
    /// How many sources are fetched.
    pub fetches: Option<usize>,
    /// The sources that the user is asked about, in that order.
    pub asked: Option<Vec<String>>,
    /// How long the token of the source that is used may be kept.
    pub ttl_ms: Option<u64>,
}

/// How a case ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// A source is used.
    Use(String),
    /// The user is asked about a source, and the case gives no answer.
    Ask(String),
    /// Nothing is handed out; the source that is the cause, where that is
    /// said.
    Refuse(wit::Refusal, Option<String>),
}

/// What happened.
#[derive(Debug)]
pub struct Ran {
    /// Every step.
    pub walked: Walked,
    /// The same, explained.
    pub explanation: wit::Explanation,
    /// How long the token of the source that is used may be kept.
    pub ttl_ms: Option<u64>,
}

impl Case {
    /// Resolves in the world of this case.
    pub fn run(&self, judge: &mut dyn Judge, sources: &[wit::Source]) -> Result<Ran, Error> {
        let mut world = Described {
            case: self,
            sources,
        };
        let walked = walk(judge, sources.len(), self.session, &mut world)?;
        let explanation = judge.explain(self.session, &walked.evidence)?;
        let seen = match walked.end {
            End::Used(source) => walked
                .evidence
                .get(source)
                .and_then(|evidence| Some((source, evidence.observation.as_ref()?))),
            End::Refused(_) | End::Unknown(_) => None,
        };
        let ttl_ms = match seen {
            Some((source, seen)) => {
                let place = u32::try_from(source).unwrap_or(u32::MAX);
                Some(judge.observe(place, seen)?.ttl_ms)
            }
            None => None,
        };
        Ok(Ran {
            walked,
            explanation,
            ttl_ms,
        })
    }

    /// Whether the source is there, so that leaving it out makes a difference.
    pub(crate) fn has(&self, id: &str) -> bool {
        let given = self.given.get(id);
        given.is_some_and(|given| matches!(given.is, Is::Ready | Is::Failed))
    }
}

/// The world of a case, as the sources of a policy see it.
struct Described<'c> {
    case: &'c Case,
    sources: &'c [wit::Source],
}

impl Described<'_> {
    fn of(&self, source: usize) -> Option<(&wit::Source, Option<&Given>)> {
        let source = self.sources.get(source)?;
        Some((source, self.case.given.get(&source.id)))
    }
}

impl World for Described<'_> {
    fn look(&mut self, source: usize) -> Option<(wit::Observation, wit::Consent)> {
        let (source, given) = self.of(source)?;
        let Some(given) = given else {
            return Some((nothing(), wit::Consent::Undecided));
        };
        // As the host does: nothing is recalled of a source that never asks,
        // or that holds nothing.
        let recalled = source.needs_consent && given.is == Is::Ready;
        let consent = if recalled {
            given.consent
        } else {
            wit::Consent::Undecided
        };
        Some((given.look(source), consent))
    }

    fn answer(&mut self, source: usize) -> Option<wit::Consent> {
        self.of(source)?.1?.answer
    }

    fn get(&mut self, source: usize) -> Option<wit::Observation> {
        let (source, given) = self.of(source)?;
        Some(given.map_or_else(nothing, |given| given.got(source)))
    }
}

impl Given {
    /// What a look at such a source brings. What no variable says, a source
    /// that follows none does not see.
    fn look(&self, source: &wit::Source) -> wit::Observation {
        let follows = source
            .endpoint
            .as_ref()
            .is_some_and(|endpoint| endpoint.variable.is_some());
        let has_lifetime = matches!(
            &source.kind,
            wit::Kind::Helper(helper) if helper.ttl_variable.is_some()
        );
        let outcome = match self.is {
            Is::Ready => wit::Outcome::Present,
            Is::Absent => wit::Outcome::Absent,
            Is::Blank => wit::Outcome::Blank,
            Is::Off => wit::Outcome::Off,
            Is::Recursion => wit::Outcome::Recursion,
            Is::Failed => wit::Outcome::Failed(self.failure(source)),
        };
        wit::Observation {
            outcome,
            destination: if follows {
                self.destination.clone()
            } else {
                wit::Destination::Default
            },
            expires_in: self.expires_in,
            refreshable: self.refreshable,
            organization: self.organization.clone(),
            stored_in: self.stored_in,
            lifetime: if has_lifetime {
                self.lifetime
            } else {
                wit::Lifetime::Unset
            },
            ..nothing()
        }
    }

    /// What a get brings: what has ended is renewed by it.
    fn got(&self, source: &wit::Source) -> wit::Observation {
        let seen = self.look(source);
        let ended = seen.expires_in.is_some_and(|seconds| seconds <= 0);
        wit::Observation {
            fetched: true,
            outcome: if self.fetch_fails {
                wit::Outcome::Failed(self.failure(source))
            } else {
                seen.outcome
            },
            expires_in: seen.expires_in.filter(|_| !ended || !seen.refreshable),
            ..seen
        }
    }

    /// In which way it fails: one that such a source can have.
    fn failure(&self, source: &wit::Source) -> wit::FailureKind {
        self.failure_kind.unwrap_or(match source.kind {
            wit::Kind::Environment(_) | wit::Kind::Supplied => wit::FailureKind::BadCharacter,
            wit::Kind::Helper(_) => wit::FailureKind::ExitStatus,
            wit::Kind::ToolOwned(_) => wit::FailureKind::Invalid,
            wit::Kind::StoredKey(_) => wit::FailureKind::Unreadable,
            wit::Kind::Login(_) => wit::FailureKind::Expired,
            wit::Kind::Cloud(_) => wit::FailureKind::Unsupported,
        })
    }
}

/// What is seen of a source that is not there.
pub(crate) fn nothing() -> wit::Observation {
    observation(wit::Outcome::Absent)
}

#[cfg(test)]
pub(crate) mod samples {
    //! A policy of three sources, loaded, and cases for it.

    use super::*;
    use keyrule_engine::{Engine, Policy};

    pub(crate) const POLICY: &str = "name = \"x\"\n\
        [[source]]\nid = \"key\"\nkind = \"environment\"\nvariable = \"KEY\"\n\
        surfaces = [\"terminal\"]\nconsent = \"interactive\"\n\
        endpoint = { default = \"https://api.test\", variable = \"BASE\", allow = [\"https://gw.test\"] }\n\
        [[source]]\nid = \"helper\"\nkind = \"helper\"\nvariable = \"HELPER\"\nttl = \"5m\"\n\
        ttl-max = \"10m\"\nttl-variable = \"TTL\"\nsurfaces = [\"terminal\", \"remote\"]\n\
        [[source]]\nid = \"login\"\nkind = \"tool-login\"\npath = \"~/x.json\"\nentry = \"x\"\n\
        surfaces = [\"terminal\", \"desktop\", \"remote\"]\n";

    pub(crate) fn documents(policy: &str) -> Vec<wit::Document> {
        vec![wit::Document {
            origin: wit::DocumentOrigin::Managed,
            path: "x.toml".to_owned(),
            text: policy.to_owned(),
        }]
    }

    pub(crate) fn load(policy: &str) -> (Policy, Vec<wit::Source>) {
        let mut policy =
            Policy::load(&Engine::builtin().unwrap(), "x", &documents(policy)).unwrap();
        let sources = policy.sources().unwrap();
        (policy, sources)
    }

    /// The cases of a test file for that policy.
    pub(crate) fn cases(text: &str) -> Vec<Case> {
        let (_, sources) = load(POLICY);
        read::cases("x.test.toml", text, &sources).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::samples::{POLICY, cases, load};
    use super::*;

    fn ran(given: &str) -> Ran {
        let (mut policy, sources) = load(POLICY);
        let text = format!(
            "[[case]]\nname = \"a\"\ninteractive = true\ngiven = {{ {given} }}\n\
             expect = {{ use = \"key\" }}\n"
        );
        let case = cases(&text).remove(0);
        case.run(&mut policy, &sources).unwrap()
    }

    #[test]
    fn a_source_that_is_not_named_is_absent() {
        let ran = ran("login = \"ready\"");
        assert_eq!(ran.walked.end, End::Used(2));
        assert_eq!(ran.walked.looks, [0, 1, 2]);
        assert_eq!(ran.walked.gets, [2]);
    }

    #[test]
    fn an_answer_is_given_where_there_is_one() {
        let asked = ran("key = \"ready\"");
        assert_eq!(asked.walked.end, End::Unknown(keyrule_engine::Step::Ask(0)));
        assert_eq!(
            ran("key = { is = \"ready\", answer = \"use\" }").walked.end,
            End::Used(0)
        );
        assert_eq!(
            ran("key = { is = \"ready\", answer = \"decline\" }, login = \"ready\"")
                .walked
                .end,
            End::Used(2)
        );
    }

    #[test]
    fn a_get_can_fail_where_the_look_did_not() {
        let ran =
            ran("helper = { is = \"ready\", fetch = \"failed\", failure-kind = \"timed-out\" }");
        assert_eq!(ran.walked.gets, [1]);
        assert!(matches!(
            ran.walked.end,
            End::Refused(refused) if refused.reason == wit::Refusal::SourceFailed
        ));
        assert!(ran.explanation.summary.contains("did not end in time"));
    }

    #[test]
    fn a_token_is_kept_no_longer_than_the_policy_permits() {
        assert_eq!(ran("helper = \"ready\"").ttl_ms, Some(300_000));
        assert_eq!(
            ran("helper = { is = \"ready\", ttl = \"1h\" }").ttl_ms,
            Some(600_000)
        );
    }
}
