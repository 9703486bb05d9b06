//! The contract between a policy and whoever carries it out, as types of our
//! own. What `wit/policy.wit` says in its words stands here in those of Rust,
//! item for item; `keyrule-engine` converts the one into the other, so that
//! nothing else has to be built with the runtime that the engine needs.

mod about;
mod debug;
mod decision;
mod document;
mod explanation;
mod issuer;
mod kind;
mod observation;
#[cfg(feature = "samples")]
pub mod samples;
mod source;
mod table;

pub use about::{
    About, Folder, OverrideComponent, Paths, SettingsFile, Storage, StoreKind, Tier, Tool,
};
pub use decision::{Candidate, Consent, Fact, Refusal, Refused, Session, State, Surface, Verdict};
pub use document::{Diagnostic, Document, Location, Place, Severity};
pub use explanation::{Advice, Changed, Explanation, Fix, Line, Standing, Warning};
pub use issuer::{Issuer, IssuerEndpoints, KeyRequest};
pub use kind::ErrorKind;
pub use observation::{
    Destination, Evidence, Finding, Lifetime, Observation, Outcome, Reason, Trouble, observation,
};
pub use source::{
    Cloud, Command, Endpoint, Format, Helper, Kind, Login, Pair, Setting, Signing, Source,
    StoredKey, ToolLogin,
};
pub use table::{Concern, Condition, Counterpart, Effect, Ending, JointCondition, Row, Table};
