//! Every folder in `tests/cases` is a test of its name, on the core natively
//! and through the component: both must come to the same, and to what is
//! expected. `UPDATE_EXPECT=1` writes what they came to; review it like code.
//!
//! ```text
//! cargo test -p keyrule-tests --test cases -- s17
//! ```

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by a panic; clippy knows only those of the usual harness"
)]

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use keyrule_tests::case::{self, list};
use keyrule_tests::native;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let cases = list(&Path::new(env!("CARGO_MANIFEST_DIR")).join("cases"));
    assert!(cases.len() >= 179, "there are {} cases", cases.len());
    let trials = cases.into_iter().map(|folder| {
        let name = folder.file_name().expect("a name").to_string_lossy();
        Trial::test(name.into_owned(), move || check(&folder))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn check(folder: &Path) -> Result<(), Failed> {
    let component = case::run(folder, keyrule_engine::load_builtin);
    let native = case::run(folder, native::load);
    if component != native {
        let both = format!("--- native\n{native}\n--- component\n{component}");
        return Err(format!("the engines differ\n{both}").into());
    }
    let golden = folder.join("expect.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&golden, &component)?;
    }
    let expected = fs::read_to_string(&golden).unwrap_or_default();
    if component != expected {
        let both = format!("--- expected\n{expected}\n--- came to\n{component}");
        return Err(both.into());
    }
    Ok(())
}
