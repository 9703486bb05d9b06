//! Predicts what the tool itself does with everything that it can follow, and
//! lists what must be done so that it finds exactly one credential. Both come
//! from the tool file alone: without one no item is known.

use crate::policy::Policy;
use crate::wit::{Handover, ItemObservation, PredictedHeader};

impl Policy {
    /// Says which of the tool's own sources fills each header when the tool
    /// runs by itself.
    ///
    /// # Panics
    ///
    /// Where an item is not one of the tool's: a bug of the caller, which the
    /// component turns into a trap.
    #[must_use]
    pub fn predict(&self, items: &[ItemObservation]) -> Vec<PredictedHeader> {
        self.assert_known(items);
        Vec::new()
    }

    /// Says what must be done so that the tool finds exactly the credential of
    /// the `winner`.
    ///
    /// # Panics
    ///
    /// As [`predict`](Self::predict), and where the source is not one of the
    /// policy's.
    #[must_use]
    pub fn handover(&self, winner: u32, items: &[ItemObservation]) -> Handover {
        assert!(index(winner) < self.rules().len(), "a source of the policy");
        self.assert_known(items);
        Handover {
            steps: Vec::new(),
            obstacles: Vec::new(),
        }
    }

    fn assert_known(&self, items: &[ItemObservation]) {
        let known = self.merged.document.tool.items.len();
        assert!(
            items.iter().all(|item| index(item.item) < known),
            "an item of the tool"
        );
    }
}

fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
