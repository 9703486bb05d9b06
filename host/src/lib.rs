//! Keyrule decides which credential a tool may use, and hands over exactly
//! that one.
//!
//! A policy, written in TOML, says which sources of credentials count, in
//! which order, and in which kind of session. A [`Resolver`] holds one policy;
//! [`Resolver::explain`] says which credential would be used and why, and
//! [`Resolver::resolve`] hands it over. The decision is made inside a
//! WebAssembly component that sees no secret and can reach nothing; this
//! crate carries out its steps one by one.
//!
//! [`Resolver::new`] sees this machine: its policy files, its environment.
//! This one sees nothing but what it is told:
//!
//! ```
//! use keyrule::ambient::Ambient;
//! use keyrule::{DocumentOrigin, Resolver};
//!
//! let policy = r#"
//!     name = "sample"
//!
//!     [[source]]
//!     id = "api-key"
//!     kind = "environment"
//!     variable = "SAMPLE_KEY"
//!     surfaces = ["terminal"]
//!     headers = { X-Api-Key = "{secret}" }
//!     endpoint = { default = "https://api.example.com" }
//! "#;
//!
//! let mut resolver = Resolver::hermetic("sample")
//!     .document(DocumentOrigin::User, "sample.toml", policy)
//!     .ambient(Ambient::empty().with_variable("SAMPLE_KEY", "k-123"))
//!     .build()?;
//!
//! let credential = resolver.resolve_blocking()?.credential;
//! for (name, value) in credential.headers() {
//!     println!("{name}: {value}");
//! }
//! assert_eq!(credential.source, "api-key");
//! assert_eq!(
//!     credential.headers(),
//!     [("X-Api-Key".to_owned(), "k-123".to_owned())]
//! );
//! # Ok::<(), keyrule::Error>(())
//! ```
//!
//! The engine is built in by one of two features: `component`, the default, or
//! `native`, the same code without the WebAssembly runtime and its limits. What
//! needs more than the decision is a feature too: `login` for Keyrule's own
//! logins and keys, `keyring` to keep them in the system's keyring, `network`
//! for the HTTP client, `bedrock`, `vertex` and `foundry` for the cloud
//! providers, `overrides` for components that an administrator adds. A source
//! whose feature is off fails; it is never skipped. With `bedrock`,
//! [`Credential::sign`] signs requests.
//!
//! Start with [`Resolver`]. [`policy`] finds policy files, [`consent`] keeps
//! the user's answers, [`receipt`] records decisions. `host/docs/architecture.md`
//! says how the crates fit together.

pub use keyrule_system::environment as ambient;
pub mod consent;
#[doc(hidden)]
pub mod error;
mod explained;
#[cfg(feature = "login")]
#[doc(hidden)]
pub mod login;
pub mod policy;
pub mod receipt;
#[doc(hidden)]
pub mod resolve;
pub mod resolver;
#[doc(hidden)]
pub mod sources;
#[cfg(feature = "login")]
#[doc(hidden)]
pub mod store;

pub use error::Error;
pub use keyrule_contract::{
    Document, DocumentOrigin, Explanation, Fix, Reason, SourceStatus, Surface, Verdict,
};
pub use keyrule_credential::{AwsKey, Credential, Request, Secret, SignError};
pub(crate) use keyrule_credential::{credential, handout, material, secret};
#[cfg(feature = "login")]
pub(crate) use keyrule_oauth::http;
#[cfg(feature = "login")]
pub use login::{Input, LoginError, LoginUi, Visit, Way};
pub use receipt::Receipt;
pub use resolver::Resolver;
pub use sources::{Notices, Supplied};
