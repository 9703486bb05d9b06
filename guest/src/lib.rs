//! The policy engine: which source of credentials counts, and what to do next.
//!
//! What goes in are texts (a policy and restrictions), and then, for each
//! source, what a host saw of it; what comes out is one step at a time (look,
//! ask, get, use, refuse) and, on request, the reasons. The crate does no I/O,
//! knows no clock and sees no secret. It compiles natively, for tests, and to
//! a component that imports nothing, which is how hosts run it.
//!
//! In reading order: [`Policy`] ties the parts together; `document` and
//! `restriction` read files; `merge` makes one policy of them; `observe`
//! judges what was seen; `decide` names the step; `explain` says why. `table`
//! lists everything that is decided, `align` finds what two policies have in
//! common, and `lint` what an author may not have meant.

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
