//! The digest of everything that each shipped policy decides: the same from
//! the core compiled natively and from the component in wasmtime, and the one
//! in `tests/digests.txt`. `UPDATE_EXPECT=1` rewrites that. The tests with
//! real parts compare Node and a browser with it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use keyrule_tests::digest::{self, shipped};

#[test]
fn every_shipped_policy_has_one_digest_natively_and_in_wasmtime() {
    let mut list = String::new();
    for policy in shipped() {
        assert_eq!(policy.native, policy.component, "{}", policy.file);
        let _ = writeln!(list, "{}  {}", policy.native, policy.file);
    }
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("digests.txt");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&golden, &list).expect("a golden file");
    }
    assert_eq!(list, fs::read_to_string(&golden).unwrap_or_default());
}

#[test]
fn the_text_says_each_decision_of_a_small_policy() {
    let sandbox = digest::one("example-web-sandbox");
    for line in [
        "keyrule decisions 1",
        r#"policy "example-web-sandbox""#,
        "every web alone refuse:nothing-usable refuse:endpoint-not-allowed:0 fetch:0 refuse:source-failed:0",
        "step web alone 0 unknown undecided look:0",
        "step web alone 0 fetched undecided use:0",
    ] {
        assert!(
            sandbox.text.lines().any(|other| other == line),
            "`{line}` is not in\n{}",
            sandbox.text
        );
    }
}

#[test]
fn another_word_gives_another_digest() {
    assert_eq!(
        digest::digest(""),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
    assert_ne!(digest::digest("fetch:0"), digest::digest("fetch:1"));
}
