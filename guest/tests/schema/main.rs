//! The parser and the JSON Schemas, over documents with mistakes made in them.
//! The samples written by hand are tests of their own: `tests/samples.rs`. What the schema rejects the parser
//! rejects. For what else the parser rejects there are reasons that no schema
//! can say: `tests/policies/further.txt` lists them, all of them and no more.

#![expect(
    clippy::expect_used,
    reason = "a helper of tests stops where something is missing"
)]

mod document;
mod mutate;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use jsonschema::Validator;
use keyrule_policy::Policy;
use keyrule_policy::bindings::exports::keyrule::policy::engine::{Document, DocumentOrigin};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use serde_json::Value;

use mutate::mistake;

/// What a document is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Policy,
    Restriction,
}

const FORMS: [(Form, &str); 2] = [(Form::Policy, "policy"), (Form::Restriction, "restriction")];

/// What restrictions in these tests restrict.
const RESTRICTED: &str = "\
name = \"sample\"
[[source]]
id = \"key\"
kind = \"environment\"
variable = \"API_KEY\"
surfaces = [\"terminal\"]
[[source]]
id = \"helper\"
kind = \"helper\"
command = [\"/usr/bin/get-token\"]
surfaces = [\"terminal\"]
";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn validator(form: Form) -> &'static Validator {
    static BOTH: LazyLock<[Validator; 2]> = LazyLock::new(|| {
        FORMS.map(|(_, name)| {
            let path = root().join(format!("policies/{name}.schema.json"));
            let text = std::fs::read_to_string(path).expect("a schema");
            let schema = serde_json::from_str(&text).expect("JSON");
            jsonschema::validator_for(&schema).expect("a JSON Schema")
        })
    });
    let [policy, restriction] = &*BOTH;
    match form {
        Form::Policy => policy,
        Form::Restriction => restriction,
    }
}

/// The codes with which the parser rejects.
fn parser(form: Form, text: &str) -> BTreeSet<String> {
    let document = |origin, text: &str| Document {
        origin,
        path: "x.toml".to_owned(),
        text: text.to_owned(),
    };
    let documents = match form {
        Form::Policy => vec![document(DocumentOrigin::Managed, text)],
        Form::Restriction => vec![
            document(DocumentOrigin::Managed, RESTRICTED),
            document(DocumentOrigin::Project, text),
        ],
    };
    match Policy::load("sample", documents) {
        Ok(_) => BTreeSet::new(),
        Err(diagnostics) => diagnostics.into_iter().map(|found| found.code).collect(),
    }
}

/// Whether the schema accepts a text. What is not TOML no schema is asked
/// about.
fn schema(form: Form, text: &str) -> Option<bool> {
    Some(validator(form).is_valid(&document::parse(text)?))
}

fn further() -> BTreeSet<String> {
    let text = std::fs::read_to_string(root().join("tests/policies/further.txt"));
    let text = text.expect("the list");
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.map(str::to_owned).collect()
}

/// Every sample of a folder: its form, its name and its text.
fn samples(kind: &str) -> Vec<(Form, String, String)> {
    let mut all = Vec::new();
    for (form, name) in FORMS {
        let folder = root().join("tests/policies").join(kind).join(name);
        for entry in std::fs::read_dir(folder).expect("a folder of samples") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            all.push((
                form,
                name,
                std::fs::read_to_string(&path).expect("a sample"),
            ));
        }
    }
    all.sort_by(|one, other| one.1.cmp(&other.1));
    all
}

/// Every code of the parser has a sample, except those that are about files
/// and not about what stands in one.
#[test]
fn every_reason_has_a_sample() {
    let named: BTreeSet<String> = samples("invalid")
        .into_iter()
        .map(|(_, name, _)| name.split("--").next().unwrap_or_default().to_owned())
        .collect();
    let mut codes = BTreeSet::new();
    for file in [
        "reader",
        "document",
        "source",
        "kind",
        "helper",
        "cloud",
        "issuer",
        "login",
        "chooser",
        "restriction",
    ] {
        let text = std::fs::read_to_string(root().join(format!("guest/src/{file}.rs")));
        let text = text.expect("a source file").replace(['\n', ' '], "");
        codes.extend(
            text.split(".error(\"")
                .skip(1)
                .filter_map(|rest| rest.split('"').next().map(str::to_owned)),
        );
    }
    assert!(codes.len() > 30, "{codes:?}");
    assert_eq!(codes, named);
}

#[test]
fn the_further_reasons_of_the_parser_are_those_that_are_listed() {
    let mut found = BTreeSet::new();
    for (form, name, text) in samples("invalid") {
        // What is not TOML is a reason of its own.
        if schema(form, &text).unwrap_or(true) {
            found.insert(name.split("--").next().unwrap_or_default().to_owned());
        }
    }
    assert_eq!(found, further());
}

/// `taplo`, which editors run, knows the words of an older draft, and takes no
/// notice of others.
#[test]
fn the_schemas_use_no_word_that_editors_pass_over() {
    for entry in std::fs::read_dir(root().join("policies")).expect("the schemas") {
        let path = entry.expect("an entry").path();
        let shown = path.display().to_string();
        if !shown.ends_with(".schema.json") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("a schema");
        for word in [
            "dependentRequired",
            "dependentSchemas",
            "prefixItems",
            "unevaluatedItems",
            "unevaluatedProperties",
            "minContains",
            "maxContains",
        ] {
            assert!(!text.contains(&format!("\"{word}\"")), "{shown}: {word}");
        }
    }
}

fn settings() -> ProptestConfig {
    ProptestConfig {
        cases: ProptestConfig::default().cases.max(2_000),
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct(
            "tests/schema.regressions",
        ))),
        ..ProptestConfig::default()
    }
}

/// A valid document: a sample or one that is shipped.
fn valid() -> impl Strategy<Value = (Form, Value)> {
    let mut all: Vec<(Form, Value)> = samples("valid")
        .into_iter()
        .map(|(form, _, text)| (form, document::parse(&text).expect("TOML")))
        .collect();
    for entry in std::fs::read_dir(root().join("policies")).expect("the shipped policies") {
        let path = entry.expect("an entry").path();
        let shown = path.display().to_string();
        if shown.ends_with(".toml") && !shown.ends_with(".test.toml") {
            let text = std::fs::read_to_string(path).expect("a policy");
            let mut policy = document::parse(&text).expect("TOML");
            policy
                .as_object_mut()
                .expect("a table")
                .insert("name".to_owned(), "sample".into());
            all.push((Form::Policy, policy));
        }
    }
    proptest::sample::select(all)
}

proptest! {
    #![proptest_config(settings())]

    /// The law, over documents with up to three mistakes in them.
    #[test]
    fn what_the_schema_rejects_the_parser_rejects(
        (form, mut document) in valid(),
        mistakes in proptest::collection::vec(mistake(), 0..=3),
    ) {
        for mistake in &mistakes {
            mistake.make(&mut document);
        }
        let text = document::write(&document);
        let codes = parser(form, &text);
        // Two keys of one name, where a mistake has made them, are no TOML.
        let Some(accepted) = schema(form, &text) else {
            prop_assert!(codes.contains("toml-syntax"), "{text}");
            return Ok(());
        };
        prop_assert!(accepted || !codes.is_empty(), "the parser accepts: {text}");
        static FURTHER: LazyLock<BTreeSet<String>> = LazyLock::new(further);
        let own: Vec<&String> = codes.difference(&FURTHER).collect();
        prop_assert!(!accepted || own.is_empty(), "the schema accepts {own:?}: {text}");
    }
}
