//! The library's face: a [`Resolver`] holds one policy, loaded, and answers
//! two questions about it: which credential would be used and why
//! ([`Resolver::explain`]), and the credential itself ([`Resolver::resolve`]).

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::ambient::Ambient;
use crate::consent::Prompter;
use crate::credential::Credential;
use crate::error::Error;
use crate::handout::{Fingerprint, fingerprint_of};
use crate::policy::{self, FileReport};
use crate::receipt::Background;
use crate::resolve::{End, Resolution as Run, Seen, Until};
use crate::sources::{Facts, Notices, Silent, Supplied};
use keyrule_contract as wit;
use keyrule_engine::{self as engine, Judge, LoadError, chooser};

#[cfg(feature = "login")]
mod attended;
#[cfg(feature = "login")]
mod login;
#[cfg(feature = "login")]
mod logout;
#[cfg(feature = "login")]
mod target;

#[cfg(feature = "login")]
#[doc(hidden)]
pub use target::command;

#[cfg(feature = "login")]
pub use login::{LoggedIn, LoginOptions};
#[cfg(feature = "login")]
pub use logout::{LoggedOut, LoggedOutOfAll};

/// A decision and everything that it was made from, without secrets.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The policy, described.
    pub info: wit::PolicyInfo,
    /// Its sources, in their order.
    pub sources: Vec<wit::Source>,
    /// The session that was asked about.
    pub session: wit::Session,
    /// What was seen of each source, in their order.
    pub evidence: Vec<wit::Evidence>,
    /// What else is known of each source: where a cloud provider is asked.
    #[doc(hidden)]
    pub known: Vec<Facts>,
    /// The decision with its reasons.
    pub explanation: wit::Explanation,
    /// Every policy file that was looked for, and its state.
    pub files: Vec<FileReport>,
    /// How many looks the decision took.
    pub looks: u32,
    /// How many gets.
    pub gets: u32,
    /// What went wrong beside the matter, for the user to know.
    pub notes: Vec<String>,
    /// What a receipt says besides.
    pub background: Background,
}

/// A credential, and why it is this one.
#[derive(Debug, Clone)]
pub struct Resolution {
    /// The credential.
    pub credential: Credential,
    /// Why.
    pub explained: Explained,
}

/// Resolves credentials under one policy.
#[derive(Debug)]
pub struct Resolver {
    judge: Box<dyn Judge>,
    info: wit::PolicyInfo,
    sources: Vec<wit::Source>,
    session: wit::Session,
    ambient: Ambient,
    supplied: BTreeMap<String, Supplied>,
    prompter: Option<Arc<dyn Prompter>>,
    notices: Arc<dyn Notices>,
    files: Vec<FileReport>,
    background: Background,
    rejected: bool,
    /// What was handed out last, and of which source, to know it again.
    handed_out: Option<(usize, Fingerprint)>,
}

impl Resolver {
    /// A resolver under the policy of this name, as this machine has it: the
    /// administrator's files are always read.
    #[expect(
        clippy::new_ret_no_self,
        reason = "what a caller writes first leads to a resolver in every case"
    )]
    pub fn new(policy: &str) -> Builder {
        Builder::new(policy, Some(Ambient::of_process()))
    }

    /// A resolver that reads no policy file and no environment: it knows the
    /// documents and the [`Ambient`] that it is given and nothing else. For
    /// tests, and for embedders that bring their own files. **An
    /// administrator's policy does not bind it**, as its name says.
    pub fn hermetic(policy: &str) -> Builder {
        Builder::new(policy, None)
    }

    /// The policy, described.
    #[must_use]
    pub fn info(&self) -> &wit::PolicyInfo {
        &self.info
    }

    /// The sources, in the order in which they are tried.
    #[must_use]
    pub fn sources(&self) -> &[wit::Source] {
        &self.sources
    }

    /// The world that this resolver sees.
    #[must_use]
    pub fn ambient(&self) -> &Ambient {
        &self.ambient
    }

    /// Says which credential would be used, and why, and carries nothing out:
    /// no prompt, no process, no keyring, no network. It runs the same loop
    /// as `resolve` and stops before the first step that costs something.
    ///
    /// # Errors
    ///
    /// Where the engine does not answer as it must, or the record of
    /// consents cannot be read. A refusal is no error here.
    pub fn explain(&mut self) -> Result<Explained, Error> {
        let mut run = self.start()?;
        now(run.run(Until::FirstStepThatCosts))??;
        run.look_at_the_rest()?;
        let (seen, explanation) = run.explain()?;
        Ok(self.explained(seen, explanation))
    }

    /// Carries out the steps to a credential.
    ///
    /// A login that has ended, or is about to, is renewed on the way: once,
    /// whoever else wants it. That goes on in a thread of its own where the
    /// future is dropped after the issuer was asked, because the answer is
    /// worth a login; let the process live until then.
    ///
    /// # Errors
    ///
    /// A refusal is [`Error::Refused`], with every source and its reason.
    pub async fn resolve(&mut self) -> Result<Resolution, Error> {
        let rejected = std::mem::take(&mut self.rejected);
        let handed_out = self.handed_out;
        // Whether a restriction has changed the winner is known only where
        // what it took away was looked at too.
        let restricted = self.info.documents.len() > 1;
        let mut run = self.start()?;
        let until = Until::Credential {
            rejected,
            handed_out,
        };
        let end = run.run(until).await?;
        if matches!(end, End::Refused) || rejected || restricted {
            run.look_at_the_rest()?;
        }
        let renewable = match &end {
            End::Used(index, _) => run.can_bring_another(*index),
            End::Stopped | End::Refused => false,
        };
        let next = match &end {
            End::Used(index, _) if rejected => run.next_in_line(*index)?,
            _ => None,
        };
        let (seen, explanation) = run.explain()?;
        let explained = self.explained(seen, explanation);
        match end {
            End::Used(_, credential) if rejected && !renewable => Err(Error::Rejected {
                source_id: credential.source,
                next,
                explained: Box::new(explained),
            }),
            End::Used(index, credential) => {
                let material = credential.material.as_ref();
                self.handed_out = material
                    .and_then(fingerprint_of)
                    .map(|fingerprint| (index, fingerprint));
                Ok(Resolution {
                    credential: *credential,
                    explained,
                })
            }
            End::Stopped | End::Refused => Err(Error::Refused(Box::new(explained))),
        }
    }

    /// [`Self::resolve`], for callers that are not asynchronous. It may also
    /// be called from within a runtime, whose thread it then blocks.
    ///
    /// # Errors
    ///
    /// Those of [`Self::resolve`], and where the system gives no thread.
    pub fn resolve_blocking(&mut self) -> Result<Resolution, Error> {
        blocking(|| self.resolve())
    }

    /// The last credential was answered with HTTP 401. The next `resolve`
    /// gets it once more, past anything cached; where its source can only
    /// bring the same again, that is [`Error::Rejected`].
    ///
    /// A login is renewed although it has not ended, unless its store holds
    /// another token by now than the one that this resolver handed out last:
    /// then somebody else has renewed it, and that one is taken. So many that
    /// are rejected together renew once.
    pub fn invalidate(&mut self) {
        self.rejected = true;
    }

    fn start(&mut self) -> Result<Run<'_>, Error> {
        self.judge.begin()?;
        Ok(Run {
            judge: self.judge.as_mut(),
            seen: Seen::nothing(self.sources.len()),
            sources: &self.sources,
            session: self.session,
            info: &self.info,
            ambient: &self.ambient,
            supplied: &self.supplied,
            prompter: self.prompter.as_ref(),
            notices: self.notices.as_ref(),
        })
    }

    fn explained(&self, seen: Seen, explanation: wit::Explanation) -> Explained {
        Explained {
            info: self.info.clone(),
            sources: self.sources.clone(),
            session: self.session,
            evidence: seen.evidence,
            known: seen.known,
            explanation,
            files: self.files.clone(),
            looks: seen.looks,
            gets: seen.gets,
            notes: seen.notes,
            background: self.background.with(seen.looked, seen.got),
        }
    }
}

/// The output of a future that waits for nothing: looks are free, so the
/// first poll is the last.
fn now<T>(future: impl Future<Output = T>) -> Result<T, Error> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(Error::Internal("a look had to wait")),
    }
}

/// Runs to its end what is asynchronous, for a caller that is not.
fn blocking<T: Send, F: Future<Output = Result<T, Error>>>(
    work: impl FnOnce() -> F + Send,
) -> Result<T, Error> {
    let inside = tokio::runtime::Handle::try_current().is_ok();
    let run = || {
        keyrule_system::runtime::here()
            .map_err(Error::Runtime)?
            .block_on(work())
    };
    if !inside {
        return run();
    }
    // A runtime cannot be entered twice on one thread.
    std::thread::scope(|scope| match scope.spawn(run).join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// How a policy is loaded: by the built-in component, unless a test says
/// otherwise.
type Load = fn(&str, &[wit::Document]) -> Result<Box<dyn Judge>, LoadError>;

/// Builds a [`Resolver`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    policy: String,
    /// None where the resolver is hermetic and was given none.
    ambient: Option<Ambient>,
    hermetic: bool,
    documents: Vec<wit::Document>,
    session: wit::Session,
    supplied: BTreeMap<String, Supplied>,
    prompter: Option<Arc<dyn Prompter>>,
    notices: Arc<dyn Notices>,
    override_component: Option<Vec<u8>>,
    load: Load,
}

impl Builder {
    fn new(policy: &str, ambient: Option<Ambient>) -> Self {
        Self {
            policy: policy.to_owned(),
            hermetic: ambient.is_none(),
            ambient,
            documents: Vec::new(),
            session: wit::Session {
                surface: wit::Surface::Terminal,
                interactive: false,
            },
            supplied: BTreeMap::new(),
            prompter: None,
            notices: Arc::new(Silent),
            override_component: None,
            load: engine::load_builtin,
        }
    }

    /// The kind of session; `terminal` unless said otherwise.
    pub fn surface(mut self, surface: wit::Surface) -> Self {
        self.session.surface = surface;
        self
    }

    /// Whether somebody is there to answer; nobody is unless said otherwise.
    pub fn interactive(mut self, interactive: bool) -> Self {
        self.session.interactive = interactive;
        self
    }

    /// Who asks the user. Without one, a question ends the resolution.
    pub fn prompter(mut self, prompter: Arc<dyn Prompter>) -> Self {
        self.prompter = Some(prompter);
        self
    }

    /// Who is told that a helper takes long.
    pub fn notices(mut self, notices: Arc<dyn Notices>) -> Self {
        self.notices = notices;
        self
    }

    /// Hands in a credential for the source of this id, of kind `supplied`.
    pub fn supply(mut self, source: &str, credential: Supplied) -> Self {
        self.supplied.insert(source.to_owned(), credential);
        self
    }

    /// The world to see instead of this process's own. Where managed policies
    /// lie is not part of what a non-hermetic resolver lets itself be told.
    pub fn ambient(mut self, ambient: Ambient) -> Self {
        self.ambient = Some(ambient);
        self
    }

    /// A document, for a hermetic resolver; a builtin policy of that name is
    /// there without being given.
    pub fn document(mut self, place: wit::DocumentOrigin, path: &str, text: &str) -> Self {
        self.documents.push(wit::Document {
            origin: place,
            path: path.to_owned(),
            text: text.to_owned(),
        });
        self
    }

    /// The component that the policy's `[override]` means, for a hermetic
    /// resolver, which reads no file. Its SHA-256 must be the policy's; where
    /// the policy names none, it is not looked at.
    pub fn override_component(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.override_component = Some(bytes.into());
        self
    }

    /// Loads by another engine: how the tests compare engines.
    #[doc(hidden)]
    pub fn load_by(mut self, load: Load) -> Self {
        self.load = load;
        self
    }

    /// Finds the policy's files, and loads them.
    ///
    /// # Errors
    ///
    /// Where a policy file is there and cannot be read, trusted or parsed, or
    /// names an override that cannot be taken.
    pub fn build(self) -> Result<Resolver, Error> {
        let mut ambient = self.ambient.unwrap_or_default();
        let (documents, files) = if self.hermetic {
            let mut documents = self.documents;
            documents.extend(policy::builtin::document(&self.policy));
            (documents, Vec::new())
        } else {
            ambient.pin();
            let found = policy::find(&self.policy, &ambient)?;
            (found.documents, found.reports)
        };
        let mut judge = (self.load)(&self.policy, &documents).map_err(|error| match error {
            LoadError::Rejected(diagnostics) => Error::Policy(policy::Error::Invalid {
                diagnostics,
                texts: policy::Texts::of(&documents),
            }),
            LoadError::Engine(error) => Error::Engine(error),
        })?;
        let info = judge.info()?;
        if let Some(component) = &info.override_component {
            let override_ = match self.override_component {
                Some(bytes) => chooser::hand_in(component, &bytes, &ambient),
                None if self.hermetic => Err(chooser::Error::new(
                    component,
                    chooser::Problem::NotHandedIn,
                )),
                None => chooser::load(component, &component.location.path, &ambient),
            };
            let override_ = override_.map_err(engine::Error::from)?;
            judge = Box::new(chooser::Overridden::new(judge, override_)?);
        }
        Ok(Resolver {
            info,
            sources: judge.sources()?,
            judge,
            session: self.session,
            background: Background::of(&documents, ambient.home.as_deref()),
            ambient,
            supplied: self.supplied,
            prompter: self.prompter,
            notices: self.notices,
            files,
            rejected: false,
            handed_out: None,
        })
    }
}
