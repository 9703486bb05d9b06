//! Which crate may use which. A crate is as small as what it builds on, so an
//! arrow that is not in this table is a decision and not an oversight.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use toml::{Table, Value};

/// Each crate, its folder, and the crates of ours that it may use.
const MAY_USE: &[(&str, &str, &[&str])] = &[
    ("keyrule-system", "host/system", &[]),
    ("keyrule-contract", "host/contract", &["system"]),
    (
        "keyrule-engine",
        "host/engine",
        &["system", "contract", "policy"],
    ),
    (
        "keyrule-credential",
        "host/credential",
        &["system", "contract"],
    ),
    (
        "keyrule-store",
        "host/store",
        &["system", "contract", "credential"],
    ),
    (
        "keyrule-oauth",
        "host/oauth",
        &["system", "contract", "credential", "store"],
    ),
    (
        "keyrule-clouds",
        "host/clouds",
        &["system", "contract", "credential", "oauth"],
    ),
    (
        "keyrule",
        "host",
        &[
            "system",
            "contract",
            "engine",
            "credential",
            "store",
            "oauth",
            "clouds",
        ],
    ),
    (
        "keyrule-analysis",
        "host/analysis",
        &["system", "contract", "engine", "credential", ""],
    ),
    (
        "keyrule-cli",
        "host/cli",
        &[
            "system",
            "contract",
            "engine",
            "credential",
            "store",
            "oauth",
            "clouds",
            "",
            "analysis",
        ],
    ),
    ("keyrule-policy", "guest", &[]),
];

/// Those that may stand on the runtime of WebAssembly: the engine, and what is
/// built on it.
const ON_WASMTIME: &[&str] = &[
    "keyrule-engine",
    "keyrule",
    "keyrule-analysis",
    "keyrule-cli",
    "keyrule-tests",
];

fn manifest(folder: &str) -> Table {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let path = root.join(folder).join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    text.parse()
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The packages that a manifest names under this heading, for every target.
fn named(manifest: &Table, heading: &str) -> BTreeSet<String> {
    let of = |table: &Table| -> Vec<String> {
        let entries = table.get(heading).and_then(Value::as_table);
        let entries = entries.into_iter().flatten();
        entries.map(|(name, _)| name.clone()).collect()
    };
    let targets = manifest.get("target").and_then(Value::as_table);
    let targets = targets.into_iter().flat_map(Table::values);
    targets
        .filter_map(Value::as_table)
        .flat_map(of)
        .chain(of(manifest))
        .collect()
}

fn is_ours(name: &str) -> bool {
    name == "keyrule" || name.starts_with("keyrule-")
}

#[test]
fn a_crate_uses_only_what_its_row_names() {
    for (crate_, folder, may) in MAY_USE {
        let may: BTreeSet<String> = may
            .iter()
            .map(|name| match *name {
                "" => "keyrule".to_owned(),
                name => format!("keyrule-{name}"),
            })
            .collect();
        let manifest = manifest(folder);
        assert_eq!(manifest["package"]["name"].as_str(), Some(*crate_));
        let used = named(&manifest, "dependencies");
        let used: BTreeSet<_> = used.into_iter().filter(|name| is_ours(name)).collect();
        let beyond: Vec<_> = used.difference(&may).collect();
        assert!(beyond.is_empty(), "`{crate_}` uses {beyond:?}");
    }
}

#[test]
fn every_crate_has_a_row() {
    let workspace = manifest(".");
    let members = workspace["workspace"]["members"].as_array().unwrap();
    let rows: BTreeSet<_> = MAY_USE.iter().map(|(_, folder, _)| *folder).collect();
    for member in members.iter().filter_map(Value::as_str) {
        let is_test = matches!(member, "tests" | "guest/examples/prefer");
        assert!(is_test || rows.contains(member), "`{member}` has no row");
    }
}

#[test]
fn the_runtime_stands_under_the_engine_alone() {
    let arrows: BTreeMap<&str, BTreeSet<String>> = MAY_USE
        .iter()
        .map(|(crate_, folder, _)| (*crate_, named(&manifest(folder), "dependencies")))
        .collect();
    for (crate_, used) in &arrows {
        let names_it = used.iter().any(|name| name.starts_with("wasmtime"));
        assert_eq!(names_it, *crate_ == "keyrule-engine", "{crate_}");
    }
    for crate_ in arrows.keys() {
        let (mut below, mut left) = (BTreeSet::new(), vec![(*crate_).to_owned()]);
        while let Some(name) = left.pop() {
            let used = arrows.get(name.as_str()).into_iter().flatten();
            for name in used {
                if below.insert(name.clone()) {
                    left.push(name.clone());
                }
            }
        }
        assert_eq!(
            *crate_ != "keyrule-engine" && below.contains("wasmtime"),
            *crate_ != "keyrule-engine" && ON_WASMTIME.contains(crate_),
            "{crate_}"
        );
    }
}

/// In a debug build the compiler of components is built once, for the build
/// script and for overrides. Where what it stands on has other features in the
/// one than in the other, cargo builds it twice, which takes minutes: align
/// them in `overrides` of `host/engine/Cargo.toml`.
#[test]
fn the_compiler_is_built_once() {
    let asked = std::process::Command::new(env!("CARGO"))
        .args(["build", "--locked", "--package", "keyrule-cli"])
        .args(["--unit-graph", "-Z", "unstable-options"])
        // Cargo says what it would build to nightly compilers alone.
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&asked.stderr);
    assert!(asked.status.success(), "{said}");
    let graph: serde_json::Value = serde_json::from_slice(&asked.stdout).unwrap();
    let units = graph["units"].as_array().unwrap();
    let mut built: BTreeMap<&str, Vec<&serde_json::Value>> = BTreeMap::new();
    for unit in units {
        let kinds = unit["target"]["kind"].as_array().unwrap();
        let is_library = kinds.iter().any(|kind| kind == "lib" || kind == "rlib");
        let package = unit["pkg_id"].as_str().unwrap();
        if is_library && unit["mode"] == "build" {
            built.entry(package).or_default().push(unit);
        }
    }
    let mut left: Vec<&serde_json::Value> = built
        .iter()
        .filter(|(package, _)| {
            ["#wasmtime@", "#cranelift-codegen@"]
                .iter()
                .any(|name| package.contains(name))
        })
        .flat_map(|(_, units)| units.iter().copied())
        .collect();
    assert!(left.len() >= 2, "no compiler is built");
    let mut below = BTreeSet::new();
    while let Some(unit) = left.pop() {
        if below.insert(unit["pkg_id"].as_str().unwrap()) {
            let used = unit["dependencies"].as_array().unwrap();
            left.extend(used.iter().map(|used| {
                let index = usize::try_from(used["index"].as_u64().unwrap()).unwrap();
                &units[index]
            }));
        }
    }
    // Macros are built for this machine and are nobody's second copy.
    let twice: Vec<_> = below
        .iter()
        .filter_map(|package| Some((*package, built.get(package)?)))
        .filter(|(package, units)| units.len() > 1 && !package.contains("#syn@"))
        .map(|(package, units)| {
            let features = units.iter().map(|unit| unit["features"].to_string());
            format!("{package}: {}", features.collect::<Vec<_>>().join(" and "))
        })
        .collect();
    assert!(twice.is_empty(), "built twice:\n{}", twice.join("\n"));
}
