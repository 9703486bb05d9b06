//! What an editor says of policies: `taplo`, which editors run, with the JSON
//! Schemas that `#:schema` lines name and that `policy schema` prints.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::skip;
use crate::program;

crate::tests![
    an_editor_accepts_every_shipped_policy_and_every_valid_sample,
    an_editor_rejects_what_the_schemas_reject,
    a_printed_schema_finds_a_mistake_beside_it,
];

fn tests() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The checker, as `npm --prefix tests/editor ci` brings it, else the one that
/// is installed.
fn taplo() -> PathBuf {
    let own = tests().join("editor/node_modules/.bin/taplo");
    let installed = std::env::var_os("PATH").and_then(|path| {
        let mut folders = std::env::split_paths(&path);
        folders.find(|folder| folder.join("taplo").is_file())
    });
    match (own.exists(), installed) {
        (true, _) => own,
        (false, Some(folder)) => folder.join("taplo"),
        (false, None) => skip("there is no taplo: `npm --prefix tests/editor ci` brings it"),
    }
}

/// The files among these that the checker rejects, and all that it says.
fn rejected(files: &[PathBuf]) -> (BTreeSet<PathBuf>, String) {
    assert!(!files.is_empty());
    let ended = Command::new(taplo())
        .args(["lint", "--colors", "never"])
        .args(files)
        .output()
        .expect("the checker");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let rejected: BTreeSet<PathBuf> = files
        .iter()
        .filter(|file| {
            let path = format!("path=\"{}\"", file.display());
            said.lines()
                .any(|line| line.contains("invalid file") && line.contains(&path))
        })
        .cloned()
        .collect();
    assert_eq!(ended.status.success(), rejected.is_empty(), "{said}");
    (rejected, said)
}

fn files(below: &str) -> Vec<PathBuf> {
    let folder = tests().join(below).canonicalize().expect("a folder");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    files.sort();
    files
}

fn an_editor_accepts_every_shipped_policy_and_every_valid_sample() {
    let mut all = files("../policies");
    all.extend(files("policies/valid/policy"));
    all.extend(files("policies/valid/restriction"));
    assert!(all.len() >= 12);
    let (rejected, said) = rejected(&all);
    assert_eq!(rejected, BTreeSet::new(), "{said}");
}

/// It accepts only what is wrong for a reason that no schema can say; of each
/// such reason it accepts a sample.
fn an_editor_rejects_what_the_schemas_reject() {
    let mut all = files("policies/invalid/policy");
    all.extend(files("policies/invalid/restriction"));
    let (rejected, said) = rejected(&all);
    let accepted: BTreeSet<String> = all
        .iter()
        .filter(|file| !rejected.contains(*file))
        .map(|file| {
            let name = file.file_stem().unwrap().to_str().unwrap();
            name.split("--").next().unwrap().to_owned()
        })
        .collect();
    let list = std::fs::read_to_string(tests().join("policies/further.txt")).unwrap();
    // What is not TOML an editor rejects by itself.
    let further: BTreeSet<String> = list
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty() && *line != "toml-syntax")
        .map(str::to_owned)
        .collect();
    assert_eq!(accepted, further, "{said}");
}

fn a_printed_schema_finds_a_mistake_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    for (form, text, mistaken) in [
        (
            &["policy", "schema"][..],
            "name = \"x\"\n[[source]]\nid = \"a\"\nkind = \"supplied\"\nsurfaces = [\"web\"]\n",
            "surface = [\"web\"]\n",
        ),
        (
            &["policy", "schema", "--restriction"],
            "drop = [\"a\"]\n",
            "consent = \"maybe\"\n",
        ),
    ] {
        let printed = Command::new(program::path())
            .args(form)
            .env_clear()
            .output()
            .expect("the program");
        std::fs::write(folder.join("policy.schema.json"), printed.stdout).unwrap();
        let right = folder.join("right.toml");
        let wrong = folder.join("wrong.toml");
        let head = "#:schema ./policy.schema.json\n";
        std::fs::write(&right, format!("{head}{text}")).unwrap();
        std::fs::write(&wrong, format!("{head}{text}{mistaken}")).unwrap();
        let (rejected, said) = rejected(&[right, wrong.clone()]);
        assert_eq!(rejected, BTreeSet::from([wrong]), "{said}");
        let key = mistaken.split(' ').next().unwrap();
        assert!(said.contains(key), "{said}");
    }
}
