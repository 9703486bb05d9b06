//! Tests with real parts: other users, mounts, terminals, signals, processes
//! that die. What goes in is the program as it was built; what comes out is
//! one line a test. They need root, because only root can be somebody else,
//! and mount namespaces, so that no file of this machine is touched; what
//! cannot run here is ignored with its reason. `tests/run --all` builds the
//! program and runs them; by hand it is
//!
//! ```text
//! cargo build --workspace --bin keyrule && cargo real
//! ```

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic; clippy knows only those of the usual harness"
)]

use std::process::ExitCode;

use libtest_mimic::{Arguments, Completion, Trial};

mod aws;
mod azure;
mod broken_files;
mod canaries;
mod disk;
mod doctor;
mod editor;
mod exec;
mod fake;
mod formats;
mod gcp;
mod helpers;
mod keyring;
mod login;
mod logout;
mod machine;
mod managed;
mod network;
mod other_users;
mod overrides;
mod page;
mod program;
mod provider;
mod receipts;
mod renewal;
mod stores;
mod streams;
mod terminal;
mod tls;
mod tmux;
mod trust;
mod web;

/// A test and its name, which states the fact.
pub(crate) type Test = (&'static str, fn());

/// Lists functions as tests, under their own names.
macro_rules! tests {
    ($($name:ident),* $(,)?) => {
        pub(crate) const TESTS: &[crate::Test] = &[$((stringify!($name), $name)),*];
    };
}
pub(crate) use tests;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let modules = [
        ("aws", aws::TESTS),
        ("azure", azure::TESTS),
        ("broken_files", broken_files::TESTS),
        ("canaries", canaries::TESTS),
        ("disk", disk::TESTS),
        ("doctor", doctor::TESTS),
        ("editor", editor::TESTS),
        ("exec", exec::TESTS),
        ("formats", formats::TESTS),
        ("gcp", gcp::TESTS),
        ("helpers", helpers::TESTS),
        ("keyring", keyring::TESTS),
        ("login", login::TESTS),
        ("logout", logout::TESTS),
        ("managed", managed::TESTS),
        ("network", network::TESTS),
        ("other_users", other_users::TESTS),
        ("overrides", overrides::TESTS),
        ("page", page::TESTS),
        ("provider", provider::TESTS),
        ("receipts", receipts::TESTS),
        ("renewal", renewal::TESTS),
        ("stores", stores::TESTS),
        ("streams", streams::TESTS),
        ("terminal", terminal::TESTS),
        ("trust", trust::TESTS),
        ("web", web::TESTS),
    ];
    let missing = machine::missing();
    let trials = modules
        .into_iter()
        .flat_map(|(module, tests)| tests.iter().map(move |test| (module, test)))
        .map(|(module, (name, run))| {
            let missing = missing.clone();
            Trial::ignorable_test(format!("{module}::{name}"), move || match missing {
                Some(reason) => Ok(Completion::ignored_with(reason)),
                None => machine::attempt(*run),
            })
        })
        .collect();
    if missing.is_none() {
        program::check();
    }
    let conclusion = libtest_mimic::run(&arguments, trials);
    program::remove();
    conclusion.exit_code()
}
