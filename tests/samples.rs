//! Every file in `tests/policies` is a test of its name: a valid one is
//! accepted by the parser and by the published schema, an invalid one is
//! rejected for the reason that begins its name. The core says so natively
//! and through the component.
//!
//! ```text
//! cargo test -p keyrule-tests --test samples -- bad-origin
//! ```

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by a panic; clippy knows only those of the usual harness"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use keyrule_contract as wit;
use keyrule_engine::{LoadError, load_builtin};
use keyrule_tests::case::{Load, list};
use keyrule_tests::native;
use libtest_mimic::{Arguments, Failed, Trial};

/// What the restrictions among the samples restrict.
const RESTRICTED: &str = r#"name = "sample"
[[source]]
id = "key"
kind = "environment"
variable = "API_KEY"
surfaces = ["terminal"]
[[source]]
id = "helper"
kind = "helper"
command = ["/usr/bin/get-token"]
surfaces = ["terminal"]
"#;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
    let mut trials = Vec::new();
    for kind in ["valid", "invalid"] {
        for form in ["policy", "restriction"] {
            for path in list(&folder.join(kind).join(form)) {
                let stem = path.file_stem().expect("a name").to_string_lossy();
                let name = format!("{kind}/{form}/{stem}");
                trials.push(Trial::test(name, move || check(&path, kind, form)));
            }
        }
    }
    assert!(trials.len() > 50, "there are {} samples", trials.len());
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn check(path: &Path, kind: &str, form: &str) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let documents = documents(form, &text);
    let component = codes(load_builtin, &documents);
    assert_eq!(
        component,
        codes(native::load, &documents),
        "the engines differ"
    );
    let stem = path.file_stem().expect("a name").to_string_lossy();
    let expected = match kind {
        "valid" => BTreeSet::new(),
        _ => BTreeSet::from([stem.split("--").next().unwrap_or_default().to_owned()]),
    };
    assert_eq!(component, expected);
    if kind == "valid" {
        let value: toml::Table = toml::from_str(&text)?;
        let value = serde_json::to_value(value)?;
        let schema = schema(form);
        let errors = schema.iter_errors(&value);
        let errors: Vec<_> = errors.map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    Ok(())
}

fn documents(form: &str, text: &str) -> Vec<wit::Document> {
    let document = |place, text: &str| wit::Document {
        origin: place,
        path: "x.toml".to_owned(),
        text: text.to_owned(),
    };
    match form {
        "policy" => vec![document(wit::DocumentOrigin::Managed, text)],
        _ => vec![
            document(wit::DocumentOrigin::Managed, RESTRICTED),
            document(wit::DocumentOrigin::Project, text),
        ],
    }
}

/// The codes with which the parser rejects.
fn codes(load: Load, documents: &[wit::Document]) -> BTreeSet<String> {
    match load("sample", documents) {
        Ok(_) => BTreeSet::new(),
        Err(LoadError::Rejected(found)) => found.into_iter().map(|one| one.code).collect(),
        Err(error @ LoadError::Engine(_)) => panic!("{error}"),
    }
}

fn schema(form: &str) -> jsonschema::Validator {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map(PathBuf::from);
    let path = root
        .expect("the root")
        .join(format!("policies/{form}.schema.json"));
    let text = fs::read_to_string(path).expect("a schema");
    let schema = serde_json::from_str(&text).expect("JSON");
    jsonschema::validator_for(&schema).expect("a JSON Schema")
}
