//! `keyrule policy lint`: what the authors of policies may not have meant.
//! What goes in are stacks of documents; what comes out are the engine's
//! concerns, as text, JSON or SARIF, and an exit code.

mod sarif;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::stack::{Loaded, Stack};
use super::states;
use crate::Context;
use crate::diagnostics::render_concerns;
use crate::errors::Failure;
use crate::explained::short;
use crate::output::clean;
use keyrule::Error;
use keyrule::policy::Texts;
use keyrule_contract as wit;
use keyrule_system::text::mask;

/// What is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Lint {
    /// The policies; none for the one in force.
    pub stacks: Vec<PathBuf>,
    /// What restricts each of them besides.
    pub with: Vec<PathBuf>,
    /// SARIF instead of text.
    pub sarif: bool,
}

/// Policies with what is to be said of them.
#[derive(Debug, Default)]
struct Report {
    policies: Vec<Linted>,
    failures: Vec<Failure>,
}

/// One policy.
#[derive(Debug)]
struct Linted {
    name: String,
    /// Its documents, the policy's first.
    documents: Vec<wit::Document>,
    concerns: Vec<wit::Lint>,
    /// What is at every place, where no policy was named.
    states: Vec<Value>,
}

/// Lints. The exit code is 0, 1 where there are concerns, or that of the first
/// policy that cannot be loaded.
pub(crate) fn lint(context: &mut Context<'_, '_>, asked: &Lint) -> Result<i32, Failure> {
    let stacks: Vec<Option<&Path>> = if asked.stacks.is_empty() {
        vec![None]
    } else {
        asked
            .stacks
            .iter()
            .map(|path| Some(path.as_path()))
            .collect()
    };
    let mut report = Report::default();
    for named in stacks {
        let name = &context.global.policy;
        let linted = Stack::read(named, &asked.with, name, &context.ambient)
            .and_then(Stack::load_alone)
            .and_then(Linted::of);
        match linted {
            Ok(linted) => report.policies.push(linted),
            Err(failure) => report.failures.push(failure),
        }
    }
    if asked.sarif {
        let folder = context.ambient.current.as_deref();
        context.output.document(&sarif::log(&report, folder))?;
    } else if context.output.json {
        context.output.document(&report.document())?;
    } else {
        let text = report.text(context);
        context.output.data(&text)?;
    }
    // Both forms for programs hold the failures themselves.
    if !asked.sarif && !context.output.json {
        for failure in &report.failures {
            context.output.fail(failure);
        }
    }
    Ok(report.exit())
}

impl Linted {
    fn of(mut loaded: Loaded) -> Result<Self, Failure> {
        let mut concerns = loaded.policy.lint().map_err(Error::Engine)?;
        let warnings = states::warnings(&loaded.stack.reports, &[]);
        concerns.extend(warnings.into_iter().map(states::concern));
        // Documents of other names are in a survey, and not of this policy.
        let used = |document: &wit::Document| loaded.info.documents.contains(&document.path);
        let mut documents = loaded.stack.documents;
        documents.retain(used);
        Ok(Self {
            name: loaded.stack.name.to_string(),
            documents,
            concerns,
            states: states::document(&loaded.stack.reports),
        })
    }

    /// What to call it: the file, where it is one.
    fn called(&self) -> &str {
        self.documents
            .first()
            .map_or(self.name.as_str(), |document| document.path.as_str())
    }

    fn document(&self) -> Value {
        let paths: Vec<&str> = self
            .documents
            .iter()
            .map(|document| document.path.as_str())
            .collect();
        let concerns: Vec<Value> = self
            .concerns
            .iter()
            .map(|concern| {
                json!({
                    "code": concern.code,
                    "message": mask(&concern.message),
                    "why": mask(&concern.why),
                    "help": mask(&concern.help),
                    "path": concern.location.path,
                    "line": concern.location.line,
                    "column": concern.location.column,
                })
            })
            .collect();
        let mut document = json!({ "policy": self.name, "documents": paths, "concerns": concerns });
        if let Some(document) = document.as_object_mut().filter(|_| !self.states.is_empty()) {
            document.insert("states".to_owned(), self.states.clone().into());
        }
        document
    }
}

impl Report {
    fn exit(&self) -> i32 {
        let has_concern = self
            .policies
            .iter()
            .any(|policy| !policy.concerns.is_empty());
        let failed = self.failures.first().map(|failure| failure.exit);
        failed.unwrap_or(i32::from(has_concern))
    }

    fn document(&self) -> Value {
        let policies: Vec<Value> = self.policies.iter().map(Linted::document).collect();
        let errors: Vec<_> = self.failures.iter().map(|failure| &failure.said).collect();
        json!({ "version": 2, "policies": policies, "errors": errors })
    }

    fn text(&self, context: &Context<'_, '_>) -> String {
        let (look, home) = (context.output.look, context.ambient.home.as_deref());
        let mut text = String::new();
        for policy in &self.policies {
            let texts = Texts::of(&policy.documents);
            text.push_str(&render_concerns(&policy.concerns, &texts, look.style()));
            let path = clean(&short(policy.called(), home));
            let count = match policy.concerns.len() {
                0 => "no concern".to_owned(),
                1 => "1 concern".to_owned(),
                more => format!("{more} concerns"),
            };
            text.push_str(&format!("{path}: {count}\n"));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_system::environment::Ambient;

    const POLICY: &str = "\
name = \"acme\"
[session]
surfaces = [\"terminal\", \"web\"]
[[source]]
id = \"helper\"
kind = \"helper\"
command = [\"get-token\"]
surfaces = [\"terminal\"] # sk-ant-canary-1
";

    /// Policies of these texts, in a folder.
    fn report(texts: &[&str]) -> (tempfile::TempDir, Report) {
        let folder = tempfile::tempdir().unwrap();
        let mut report = Report::default();
        for (index, text) in texts.iter().enumerate() {
            let path = folder.path().join(format!("a policy {index}.toml"));
            std::fs::write(&path, text).unwrap();
            let linted = Stack::read(Some(&path), &[], "acme", &Ambient::empty())
                .and_then(Stack::load_alone)
                .and_then(Linted::of);
            match linted {
                Ok(linted) => report.policies.push(linted),
                Err(failure) => report.failures.push(failure),
            }
        }
        (folder, report)
    }

    fn codes(report: &Report) -> Vec<(&str, u32)> {
        let concerns = report.policies.iter().flat_map(|policy| &policy.concerns);
        concerns
            .map(|concern| (concern.code.as_str(), concern.location.line))
            .collect()
    }

    #[test]
    fn the_component_has_the_concerns_and_the_exit_code_says_so() {
        let (_folder, found) = report(&[POLICY]);
        assert_eq!(
            codes(&found),
            [
                ("lock-out", 3),
                ("relative-helper", 5),
                ("secret-in-file", 8)
            ]
        );
        assert_eq!(found.exit(), 1);
        let quiet = POLICY
            .replace(", \"web\"", "")
            .replace("get-token", "/usr/bin/get-token")
            .replace("sk-ant-canary-1", "");
        assert_eq!(report(&[&quiet]).1.exit(), 0);
        // An override that is not installed here.
        let digest = "0".repeat(64);
        let with =
            format!("{quiet}[override]\npath = \"/nowhere/c.wasm\"\nsha256 = \"{digest}\"\n");
        assert_eq!(report(&[&with]).1.exit(), 0);
        let (_folder, broken) = report(&[POLICY, "name = 1\n"]);
        assert_eq!((broken.policies.len(), broken.exit()), (1, 5));
    }

    #[test]
    fn json_names_place_reason_and_remedy_and_no_secret() {
        let (_folder, found) = report(&[POLICY]);
        let document = found.document();
        assert_eq!(document["policies"][0]["policy"], "acme");
        for concern in document["policies"][0]["concerns"].as_array().unwrap() {
            for key in ["code", "message", "why", "help", "path"] {
                assert!(!concern[key].as_str().unwrap().is_empty(), "{concern}");
            }
            assert!(concern["line"].as_u64().unwrap() > 0, "{concern}");
        }
        assert!(!document.to_string().contains("canary"));
    }

    /// The parts of the format that collectors read; the whole of it was held
    /// against the schema of OASIS.
    #[test]
    fn sarif_has_rules_results_and_relative_places() {
        let (folder, found) = report(&[POLICY, "name = 1\n"]);
        let log = sarif::log(&found, Some(folder.path()));
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        for rule in rules {
            for key in ["shortDescription", "fullDescription", "help"] {
                assert!(!rule[key]["text"].as_str().unwrap().is_empty(), "{rule}");
            }
        }
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), 3);
        for result in results {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(rules[index]["id"], result["ruleId"]);
            let place = &result["locations"][0]["physicalLocation"];
            assert_eq!(place["artifactLocation"]["uri"], "a%20policy%200.toml");
            assert!(
                place["region"]["endColumn"].as_u64() > place["region"]["startColumn"].as_u64()
            );
        }
        let invocation = &run["invocations"][0];
        assert_eq!(invocation["executionSuccessful"], false);
        assert_eq!(
            invocation["toolExecutionNotifications"][0]["descriptor"]["id"],
            "policy-invalid"
        );
        assert!(!log.to_string().contains("canary"));
    }

    #[test]
    fn every_code_of_the_engine_has_a_title() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest/src/lint");
        let mut codes = std::collections::BTreeSet::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let found = text.split("code: \"").skip(1);
            codes.extend(found.filter_map(|rest| Some(rest.split('"').next()?.to_owned())));
        }
        let titles = sarif::CODES.iter().map(|(code, _)| (*code).to_owned());
        codes.insert("unknown".to_owned());
        let states = ["empty", "not-applicable", "unreadable", "untrusted"];
        codes.extend(states.map(|state| format!("policy-{state}")));
        assert_eq!(codes, titles.collect());
    }

    #[cfg(unix)]
    #[test]
    fn a_managed_file_that_does_not_apply_is_a_concern() {
        let home = super::super::samples::Home::managed();
        let path = home.write("managed/acme.d/10.yaml", "x");
        home.write("managed/README", "x");
        let quiet = POLICY
            .replace(", \"web\"", "")
            .replace("get-token", "/usr/bin/get-token")
            .replace("sk-ant-canary-1", "");
        home.write("managed/acme.toml", &quiet);
        let linted = Stack::read(None, &[], "acme", &home.ambient)
            .and_then(Stack::load_alone)
            .and_then(Linted::of)
            .unwrap();
        let found: Vec<_> = linted
            .concerns
            .iter()
            .map(|concern| (concern.code.as_str(), concern.location.path.as_str()))
            .collect();
        assert_eq!(found, [("policy-not-applicable", path.to_str().unwrap())]);
        assert_eq!(linted.document()["states"].as_array().unwrap().len(), 6);
    }
}
