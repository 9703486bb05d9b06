//! To be written.

use crate::ambient::Ambient;
use crate::consent::Prompter;
use crate::credential::Credential;
use crate::engine::bindings as wit;
use crate::error::Error;
use crate::policy::FileReport;

/// A decision and everything that it was made from, without secrets.
#[derive(Debug, Clone)]
pub struct Explained {
    /// The policy, described.
    pub about: wit::About,
    /// Its sources, in their order.
    pub sources: Vec<wit::Source>,
    /// The session that was asked about.
    pub session: wit::Session,
    /// What was seen of each source, in their order.
    pub evidence: Vec<wit::Evidence>,
    /// The decision with its reasons.
    pub explanation: wit::Explanation,
    /// Every policy file that was looked for, and its state.
    pub files: Vec<FileReport>,
    /// How many looks and gets were carried out for the decision.
    pub looks: u32,
    /// How many gets.
    pub gets: u32,
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
pub struct Resolver {}

/// Builds a [`Resolver`].
#[derive(Debug)]
pub struct Builder {}

#[allow(clippy::todo, reason = "being written")]
#[allow(missing_docs, reason = "being written")]
impl Resolver {
    pub fn new(policy: &str) -> Builder {
        todo!("{policy}")
    }
    pub fn hermetic(policy: &str) -> Builder {
        todo!("{policy}")
    }
    /// Looks at every source, carries nothing out, and explains.
    pub fn explain(&mut self) -> Result<Explained, Error> {
        todo!()
    }
    /// Carries out the steps to a credential. A refusal is `Error::Refused`.
    pub async fn resolve(&mut self) -> Result<Resolution, Error> {
        todo!()
    }
    pub fn resolve_blocking(&mut self) -> Result<Resolution, Error> {
        todo!()
    }
    /// The last credential was answered with HTTP 401: drops what is cached
    /// for its source, so that the next `resolve` gets it once more.
    pub fn invalidate(&mut self) {
        todo!()
    }
}

#[allow(clippy::todo, reason = "being written")]
#[allow(missing_docs, reason = "being written")]
impl Builder {
    pub fn surface(self, _surface: wit::Surface) -> Self {
        todo!()
    }
    pub fn interactive(self, _interactive: bool) -> Self {
        todo!()
    }
    pub fn ambient(self, _ambient: Ambient) -> Self {
        todo!()
    }
    pub fn prompter(self, _prompter: Box<dyn Prompter>) -> Self {
        todo!()
    }
    pub fn build(self) -> Result<Resolver, Error> {
        todo!()
    }
}
