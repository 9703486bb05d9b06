//! The policy engine as the host sees it: a component that is loaded once per
//! process, limited in steps, memory and stack, and believed only as far as
//! its answers were checked. What goes in are policy texts, observations and
//! facts; what comes out are checked answers, or an [`Error`] that says what
//! the component did. Nothing here knows a secret or judges a source.
//!
//! `config` is shared with the build script; `image` is what it compiled;
//! `load` makes an [`Engine`] and a [`Policy`]; `limits` says how much a
//! component may use; `verdict` checks what it answers. [`chooser`] runs the
//! component that a policy may name to choose among the engine's candidates.
//!
//! The component is there by the feature `component`. By the feature `native`
//! the same code is compiled in instead, without the runtime of WebAssembly
//! and without its limits: for embedders to whom size counts for more than
//! the wall between a policy and its host.

#[cfg(not(any(feature = "component", feature = "native")))]
compile_error!("choose how the engine is built in: by the feature `component`, or by `native`");

#[cfg(feature = "component")]
mod bindings;
pub mod chooser;
#[cfg(feature = "component")]
mod config;
mod convert;
mod error;
#[cfg(feature = "component")]
mod image;
#[cfg(feature = "component")]
mod limits;
#[cfg(feature = "component")]
mod load;
#[cfg(feature = "native")]
pub mod native;
mod verdict;
pub mod word;

use keyrule_contract as wit;

pub use error::{Error, LoadError, Misbehaviour};
#[cfg(feature = "component")]
pub use load::{Engine, Policy};
#[cfg(all(feature = "native", not(feature = "component")))]
pub use native::{Engine, Policy};
pub use verdict::{Step, Steps};
pub use word::refusal_code;

/// The SHA-256 of the component that this library was built with.
pub const DIGEST: &str = env!("KEYRULE_ENGINE_SHA256");

/// What judges sources under one policy. [`Policy`] is the one that ships;
/// tests put the same code beside it, compiled natively.
pub trait Judge: std::fmt::Debug + Send {
    /// Begins a resolution: what an override has chosen before is forgotten.
    ///
    /// # Errors
    ///
    /// Where an override cannot be started.
    fn begin(&mut self) -> Result<(), Error> {
        Ok(())
    }

    /// Describes the policy.
    ///
    /// # Errors
    ///
    /// When the component does not answer properly, here and below.
    fn info(&mut self) -> Result<wit::PolicyInfo, Error>;

    /// The sources, in the order in which they are tried.
    ///
    /// # Errors
    ///
    /// As for `about`.
    fn sources(&mut self) -> Result<Vec<wit::Source>, Error>;

    /// Judges what was seen of a source.
    ///
    /// # Errors
    ///
    /// As for `about`.
    fn observe(&mut self, source: u32, seen: &wit::Observation) -> Result<wit::Finding, Error>;

    /// Names the next step, which [`Steps`] has yet to check.
    ///
    /// # Errors
    ///
    /// As for `about`.
    fn decide(&mut self, session: wit::Session, facts: &[wit::Fact])
    -> Result<wit::Verdict, Error>;

    /// `decide` for other facts than the resolution's own: an override is
    /// asked anew, and what it chose for the resolution stays as it is.
    ///
    /// # Errors
    ///
    /// As for `about`.
    fn decide_anew(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
    ) -> Result<wit::Verdict, Error> {
        self.decide(session, facts)
    }

    /// The sources that an override is asked about in such a session.
    ///
    /// # Errors
    ///
    /// As for `about`.
    fn candidates(&mut self, session: wit::Session) -> Result<Vec<wit::Candidate>, Error>;

    /// `decide`, once an override has chosen.
    ///
    /// # Errors
    ///
    /// As for `about`.
    fn decide_chosen(
        &mut self,
        session: wit::Session,
        facts: &[wit::Fact],
        chosen: Option<u32>,
    ) -> Result<wit::Verdict, Error>;

    /// Explains the decision that follows from the evidence.
    ///
    /// # Errors
    ///
    /// As for `about`.
    fn explain(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
    ) -> Result<wit::Explanation, Error>;

    /// `explain`, once an override has chosen.
    ///
    /// # Errors
    ///
    /// As for `about`.
    fn explain_chosen(
        &mut self,
        session: wit::Session,
        evidence: &[wit::Evidence],
        chosen: Option<u32>,
    ) -> Result<wit::Explanation, Error>;
}

/// Loads a policy by the engine that this library was built with.
///
/// # Errors
///
/// Everything that is wrong with the documents, or with the component.
pub fn load_builtin(name: &str, documents: &[wit::Document]) -> Result<Box<dyn Judge>, LoadError> {
    Ok(Box::new(Policy::load(
        &Engine::builtin()?,
        name,
        documents,
    )?))
}
