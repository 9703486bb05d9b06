//! What the sources promise about themselves: secrets leave by one door, and
//! the environment is read in one place. Read from the sources, because no
//! lint knows either.

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn secrets_leave_by_handout_alone() {
    let callers = files(&|line| uses(line, "expose", &[".", "::", "fn "]));
    let is_handout = |file: &String| {
        file == "credential/src/handout.rs" || file.starts_with("credential/src/handout/")
    };
    let others: Vec<_> = callers.iter().filter(|file| !is_handout(file)).collect();
    assert_eq!(others, ["credential/src/secret.rs"]);
    assert!(callers.iter().any(is_handout));
}

#[test]
fn the_environment_is_read_in_one_place_alone() {
    let readers = files(&|line| {
        [
            "var",
            "var_os",
            "vars",
            "vars_os",
            "home_dir",
            "current_dir",
            "temp_dir",
            "*",
            "{",
        ]
        .iter()
        .any(|name| uses(line, name, &["env::"]))
            || uses(line, "env", &["use std::"])
    });
    assert_eq!(readers, ["system/src/environment.rs"]);
}

#[test]
fn a_longer_name_is_another_name() {
    assert!(uses("secret.expose()", "expose", &["."]));
    assert!(uses(".map(Secret::expose)", "expose", &["::"]));
    assert!(uses("std::env::var(\"X\")", "var", &["env::"]));
    assert!(!uses("files.exposed(path)", "expose", &["."]));
    assert!(!uses("std::env::var_os(\"X\")", "var", &["env::"]));
}

/// Whether the name stands in the line as a whole word, behind one of these.
fn uses(line: &str, name: &str, behind: &[&str]) -> bool {
    behind.iter().any(|before| {
        let call = format!("{before}{name}");
        line.match_indices(&call).any(|(start, _)| {
            let rest = line.get(start + call.len()..).unwrap_or_default();
            !rest.starts_with(|next: char| next.is_alphanumeric() || next == '_')
        })
    })
}

/// The source files with a line of code that is so, in order.
fn files(is_so: &dyn Fn(&str) -> bool) -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host");
    let mut found = Vec::new();
    let mut left = vec![root.join("src")];
    left.extend(entries(&root).into_iter().map(|crate_| crate_.join("src")));
    while let Some(path) = left.pop() {
        if path.is_dir() {
            left.extend(entries(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&path).unwrap_or_default();
            assert!(!text.is_empty(), "{} has no text", path.display());
            let code = |line: &&str| !line.trim_start().starts_with("//");
            if text.lines().filter(code).any(is_so) {
                let name = path.strip_prefix(&root).unwrap_or(&path);
                found.push(name.display().to_string());
            }
        }
    }
    found.sort();
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect()
}
