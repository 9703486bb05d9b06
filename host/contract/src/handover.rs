//! What a tool does by itself, and how it is given exactly one credential.

use serde::{Deserialize, Serialize};

use crate::observation::Outcome;
use crate::tool::{Remedy, Tier};

/// What the host saw of one item of the tool, without its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemObservation {
    /// Which item, an index into `items` of the tool.
    pub item: u32,
    /// The outcome of the look.
    pub outcome: Outcome,
    /// Where it was found.
    pub location: Option<String>,
    /// Who can write the settings file that it was found in.
    pub tier: Option<Tier>,
}

/// A header that the tool sends when it runs by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PredictedHeader {
    /// Its name.
    pub header: String,
    /// The tool's source that fills it, an index into `sources` of the tool.
    pub source: u32,
}

/// One thing to do before the tool is started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandoverStep {
    /// The item that it is about.
    pub item: u32,
    /// What keeps the item from the tool.
    pub remedy: Remedy,
}

/// What must be done so that a tool finds exactly one credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handover {
    /// What to do, in the order of the items.
    pub steps: Vec<HandoverStep>,
    /// The items that nothing keeps from the tool. Where there are any, the
    /// tool must not be started.
    pub obstacles: Vec<u32>,
}
