use std::path::PathBuf;

use super::place::Place;
use crate::ambient::Ambient;
use crate::engine::bindings as wit;
use crate::sources::{Facts, Failure, Kept};

/// Whose credentials the search would find, as far as variables say so.
pub(super) fn peek(_world: &Ambient) -> Facts {
    Facts::default()
}

/// The files that the search reads.
pub(super) fn files(_world: &Ambient) -> Vec<PathBuf> {
    Vec::new()
}

/// The provider's own search.
pub(super) async fn search(
    _cloud: &wit::Cloud,
    _world: &Ambient,
    _place: &Place,
) -> Result<Kept, Failure> {
    Err(Failure::bare(wit::Trouble::Unsupported))
}
