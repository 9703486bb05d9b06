//! The committed component belongs to the sources that are here.

#[path = "../guest/examples/encode/sources.rs"]
mod sources;

use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn the_committed_component_was_made_from_these_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let recorded = std::fs::read_to_string(root.join(sources::LIST)).unwrap();
    let present = sources::list(root).unwrap();
    let moved: BTreeSet<&str> = recorded
        .lines()
        .collect::<BTreeSet<_>>()
        .symmetric_difference(&present.lines().collect())
        .filter_map(|line| line.split_once("  ").map(|(_, name)| name))
        .collect();
    assert_eq!(
        moved,
        BTreeSet::new(),
        "`{}` is older than these; run `guest/build` and commit what it writes",
        sources::COMPONENT
    );
}
