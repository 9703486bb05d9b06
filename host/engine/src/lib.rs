//! Runs the policy engine, a WebAssembly component, under limits on steps, memory
//! and stack, and checks every answer before it is used. It knows no secret and
//! judges no source.
//!
//! `load` makes an [`Engine`] and a [`Policy`] from what the build script
//! compiled; `limits` bounds a component; `verdict` checks its answers; `convert`
//! translates between the generated types and those of `keyrule-contract`.
//! [`chooser`] runs the component that a policy may name to choose among the
//! engine's candidates.
//!
//! The feature `component`, which is the default, embeds the component. The
//! feature `native` compiles the same code in instead, without the WebAssembly
//! runtime and its limits, for embedders that prefer a small build to the wall
//! between a policy and its host.

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
