//! Every stable code of an error stands in the README, with an anchor.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// The words in quotation marks that look like codes, in the functions and
/// calls that make one.
fn codes(text: &str) -> BTreeSet<String> {
    let mut codes = BTreeSet::new();
    for part in text.split("fn code").skip(1) {
        let body = part.split("\n    }\n").next().unwrap_or_default();
        codes.extend(quoted(body));
    }
    for part in text.split("Failure::new(").skip(1) {
        // The code is the first argument, where it is written out.
        let argument = part.split(',').next().unwrap_or_default();
        codes.extend(quoted(argument).into_iter().next());
    }
    codes
}

fn quoted(text: &str) -> Vec<String> {
    text.split('"')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
        })
        .map(str::to_owned)
        .collect()
}

/// Every source file below a folder, but for tests.
fn below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in keyrule_tests::case::list(folder) {
        if entry.is_dir() {
            files.extend(below(&entry));
        } else if entry.extension().is_some_and(|extension| extension == "rs")
            && !entry.ends_with("tests.rs")
        {
            files.push(entry);
        }
    }
    files
}

#[test]
fn every_error_code_is_documented() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = fs::read_to_string(root.join("README.md")).expect("the README");
    let mut all = BTreeSet::new();
    for file in [
        "src/error.rs",
        "src/policy/error.rs",
        "engine/src/error.rs",
        "engine/src/chooser/error.rs",
        "src/consent.rs",
        "src/login/failure.rs",
        "store/src/error.rs",
    ] {
        let text = fs::read_to_string(root.join("host").join(file)).expect(file);
        all.extend(codes(&text));
    }
    for entry in below(&root.join("host/cli/src")) {
        let text = fs::read_to_string(&entry).expect("a source");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        all.extend(codes(text));
    }
    assert!(all.len() > 40, "only {all:?}");
    let missing: Vec<_> = all
        .iter()
        .filter(|code| !readme.contains(&format!("`{code}`")))
        .collect();
    assert!(missing.is_empty(), "not in the README: {missing:?}");
}
