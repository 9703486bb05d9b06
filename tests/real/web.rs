//! The engine's component as an ES module, `guest/web`, in real hosts: Node
//! and Chromium. What goes in is what `guest/web/build` made; what comes out
//! is that all four hosts decide the same, and that the module's own tests
//! pass.

use std::path::{Path, PathBuf};
use std::process::Command;

use keyrule_tests::digest::shipped;

use crate::machine::skip;

crate::tests![
    four_hosts_decide_the_same,
    the_module_keeps_its_promises_in_node,
    the_module_keeps_its_promises_in_chromium,
];

/// Everything that each shipped policy decides, by the core compiled natively,
/// by the component in wasmtime, in Node and in Chromium.
fn four_hosts_decide_the_same() {
    let chromium = node_and_chromium(&["digests.mjs", "--chromium"]);
    let node = node(&["digests.mjs"]);
    let all = shipped();
    assert!(all.len() > 5, "{} policies", all.len());
    let lines = |of: fn(&keyrule_tests::digest::Shipped) -> &str| {
        let line = |policy| format!("{}  {}\n", of(policy), policy.file);
        all.iter().map(line).collect::<String>()
    };
    let native = lines(|policy| &policy.native);
    assert_eq!(lines(|policy| &policy.component), native, "in wasmtime");
    assert_eq!(node, native, "in Node");
    assert_eq!(chromium, native, "in Chromium");
}

fn the_module_keeps_its_promises_in_node() {
    node(&["--test", "test.mjs"]);
}

fn the_module_keeps_its_promises_in_chromium() {
    node_and_chromium(&["--test", "test-browser.mjs"]);
}

fn node_and_chromium(arguments: &[&str]) -> String {
    if !found("chromium") {
        skip("`chromium` is not installed");
    }
    node(arguments)
}

/// Runs Node in the module's folder, and gives what it printed.
fn node(arguments: &[&str]) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest/web");
    if !found("node") {
        skip("`node` is not installed");
    }
    if !folder.join("engine/core.js").exists() {
        skip("`guest/web/build` has not run");
    }
    let output = Command::new("timeout")
        .args(["120", "node"])
        .args(arguments)
        .current_dir(folder)
        // Colours are for people, and the file of an outer `node --test` is
        // not ours.
        .env("NO_COLOR", "1")
        .env_remove("NODE_TEST_CONTEXT")
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}\n{stdout}\n{stderr}");
    stdout
}

fn found(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let at = |folder: PathBuf| folder.join(program).exists();
    std::env::split_paths(&path).any(at)
}
