//! Tests with real parts: other users, mounts, terminals, signals, processes
//! that die. What goes in is the program as it was built; what comes out is
//! one line a test. They need root, because only root can be somebody else,
//! and mount namespaces, so that no file of this machine is touched; what
//! cannot run here is ignored with its reason. `tests/run` builds the program
//! and runs them; by hand it is
//!
//! ```text
//! cargo build -p keyrule-cli && cargo test -p keyrule-tests --test real
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

#[path = "real/aws.rs"]
mod aws;
#[path = "real/azure.rs"]
mod azure;
#[path = "real/broken_files.rs"]
mod broken_files;
#[path = "real/canaries.rs"]
mod canaries;
#[path = "real/disk.rs"]
mod disk;
#[path = "real/doctor.rs"]
mod doctor;
#[path = "real/editor.rs"]
mod editor;
#[path = "real/exec.rs"]
mod exec;
#[path = "real/fake.rs"]
mod fake;
#[path = "real/formats.rs"]
mod formats;
#[path = "real/gcp.rs"]
mod gcp;
#[path = "real/helpers.rs"]
mod helpers;
#[path = "real/keyring.rs"]
mod keyring;
#[path = "real/login.rs"]
mod login;
#[path = "real/logout.rs"]
mod logout;
#[path = "real/machine.rs"]
mod machine;
#[path = "real/managed.rs"]
mod managed;
#[path = "real/network.rs"]
mod network;
#[path = "real/other_users.rs"]
mod other_users;
#[path = "real/overrides.rs"]
mod overrides;
#[path = "real/page.rs"]
mod page;
#[path = "real/program.rs"]
mod program;
#[path = "real/provider.rs"]
mod provider;
#[path = "real/receipts.rs"]
mod receipts;
#[path = "real/renewal.rs"]
mod renewal;
#[path = "real/stores.rs"]
mod stores;
#[path = "real/streams.rs"]
mod streams;
#[path = "real/terminal.rs"]
mod terminal;
#[path = "real/tls.rs"]
mod tls;
#[path = "real/tmux.rs"]
mod tmux;
#[path = "real/trust.rs"]
mod trust;
#[path = "real/web.rs"]
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
