//! The policy engine: decides which source of credentials applies, and names
//! the next step.
//!
//! It takes texts (a policy and restrictions), and then, for each source, what
//! a host saw of it. It names one step at a time (look, ask, fetch, use,
//! refuse) and, on request, the reasons. The crate does no I/O, knows no clock
//! and sees no secret. It compiles natively, for tests and small hosts, and to
//! a component that imports nothing.
//!
//! In reading order: [`Policy`] ties the parts together; `document` and
//! `restriction` read files; `merge` makes one policy of them; `observe`
//! judges observations; `decide` names the step; `explain` gives the reasons.
//! `table` lists everything that is decided, `align` finds what two policies
//! have in common, `lint` finds likely mistakes, and `tool` predicts what the
//! tool itself does.

mod align;
pub mod bindings;
mod chooser;
mod cloud;
#[cfg(target_arch = "wasm32")]
mod component;
mod condition;
mod decide;
mod document;
mod explain;
mod fix;
mod helper;
mod issuer;
mod kind;
mod lint;
mod login;
mod looks;
mod merge;
mod observe;
mod origin;
mod policy;
mod reader;
mod reads;
mod restriction;
mod rule;
mod source;
mod table;
mod text;
mod tool;
mod variables;
mod words;

pub use policy::Policy;

pub(crate) use bindings::exports::keyrule::policy::engine as wit;
