//! What an author may not have meant: a valid policy in, concerns out.

use crate::policy::Policy;
use crate::wit::Concern;

impl Policy {
    /// Lists what the author may not mean.
    #[must_use]
    pub fn lint(&self) -> Vec<Concern> {
        Vec::new()
    }
}
