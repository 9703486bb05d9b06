//! The types of the contract between the policy engine and its host, without
//! the engine: `wit/policy.wit` in plain Rust. The crate `keyrule-engine`
//! converts them from and to what WebAssembly tooling generates; everything
//! else uses these.
//!
//! Enums are written in JSON with the words of the contract. Words that an
//! earlier version wrote are read as aliases.

mod decision;
mod document;
mod explanation;
mod handover;
mod kind;
mod login;
mod observation;
mod policy;
#[cfg(feature = "samples")]
pub mod samples;
mod session;
mod source;
mod table;
mod tool;

pub use decision::{Candidate, Consent, Evidence, Fact, Refusal, Refused, State, Verdict};
pub use document::{Diagnostic, Document, DocumentOrigin, Location, Severity};
pub use explanation::{
    Advice, Explanation, Fix, RestrictionEffect, SourceReport, SourceStatus, Warning,
};
pub use handover::{Handover, HandoverStep, ItemObservation, PredictedHeader};
pub use kind::ErrorKind;
pub use login::{Issuer, IssuerEndpoints, KeyRequest, Login, Storage, StoreKind, StoredKey};
pub use observation::{
    Destination, FailureKind, Finding, Lifetime, Observation, Outcome, Reason, Redirection,
    observation,
};
pub use policy::{Lint, OverrideComponent, PolicyInfo};
pub use session::{Session, Surface};
pub use source::{
    Cloud, Command, Endpoint, Format, Helper, Kind, Pair, Setting, Signing, Source, ToolOwned,
};
pub use table::{Condition, Counterpart, Effect, Ending, JointCondition, Row, Table};
pub use tool::{
    FileEntry, Folder, ItemKind, Paths, Remedy, Role, SettingsFile, Tier, Tool, ToolItem,
    ToolSource,
};
