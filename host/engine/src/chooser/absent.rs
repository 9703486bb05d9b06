//! What stands in the place of overrides in a build that cannot compile
//! components: types without a value, so that whoever takes one need not ask
//! what was built in.

use std::convert::Infallible;

use super::{Candidate, Error, Problem};
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;

/// An override; in this build there is none.
#[derive(Debug, Clone)]
pub struct Override(Infallible);

/// What chooses; in this build there is none.
#[derive(Debug)]
pub struct Chooser(Infallible);

impl Override {
    pub(super) fn new(_: &wit::OverrideComponent, _: &[u8], _: &Ambient) -> Result<Self, Problem> {
        Err(Problem::NotBuiltIn)
    }

    /// A chooser that knows nothing of any other.
    #[must_use]
    pub fn fresh(&self) -> Chooser {
        match self.0 {}
    }

    pub(super) fn error(&self, _: Problem) -> Error {
        match self.0 {}
    }
}

impl Chooser {
    /// Chooses one of the candidates, by its place in the list, or none.
    ///
    /// # Errors
    ///
    /// Where the override does what it must not.
    pub fn choose(&mut self, _: wit::Session, _: &[Candidate]) -> Result<Option<u32>, Error> {
        match self.0 {}
    }
}
