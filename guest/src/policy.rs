//! The policy as a whole: what `wit/policy.wit` calls a `policy`, in plain
//! Rust. It is made once from texts and never changes.

use crate::merge::{self, Merged};
use crate::reader::Problem;
use crate::rule::{ConsentLevel, Rule};
use crate::text::At;
use crate::wit;

/// A policy with its restrictions merged into it.
#[derive(Debug)]
pub struct Policy {
    pub(crate) name: String,
    /// Paths of all documents, for locations.
    pub(crate) paths: Vec<String>,
    /// All documents, for what only `lint` reads in them.
    pub(crate) documents: Vec<wit::Document>,
    pub(crate) merged: Merged,
}

impl Policy {
    /// Reads the documents, picks the policy, merges the restrictions.
    ///
    /// # Errors
    ///
    /// Every error in the documents.
    pub fn load(name: &str, documents: Vec<wit::Document>) -> Result<Self, Vec<wit::Diagnostic>> {
        let paths: Vec<String> = documents
            .iter()
            .map(|document| document.path.clone())
            .collect();
        match merge::merge(name, &documents) {
            Ok(merged) => Ok(Self {
                name: name.to_owned(),
                paths,
                documents,
                merged,
            }),
            Err(problems) => Err(problems
                .into_iter()
                .map(|problem| diagnostic(problem, &paths))
                .collect()),
        }
    }

    /// Describes the policy.
    #[must_use]
    pub fn info(&self) -> wit::PolicyInfo {
        let document = &self.merged.document;
        wit::PolicyInfo {
            name: self.name.clone(),
            description: document.description.clone(),
            tool: document.tool.clone(),
            storage: document.storage,
            cleared_variables: document.clear.clone(),
            hidden_variables: document.hide.clone(),
            allow_unmanaged: document.others,
            override_component: document
                .chooser
                .as_ref()
                .map(|chooser| wit::OverrideComponent {
                    location: self.location(chooser.at),
                    ..chooser.component.clone()
                }),
            documents: self
                .merged
                .used
                .iter()
                .filter_map(|index| self.paths.get(*index).cloned())
                .collect(),
            warnings: self
                .merged
                .warnings
                .iter()
                .map(|problem| diagnostic(problem.clone(), &self.paths))
                .collect(),
        }
    }

    /// The sources, in the order in which they are tried.
    #[must_use]
    pub fn sources(&self) -> Vec<wit::Source> {
        self.rules()
            .iter()
            .map(|rule| wit::Source {
                location: self.location(rule.at),
                needs_consent: rule.consent > ConsentLevel::Never,
                ..rule.source.clone()
            })
            .collect()
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.merged.document.rules
    }

    /// The rules as the policy itself says them.
    pub(crate) fn unrestricted(&self) -> &[Rule] {
        let merged = &self.merged;
        merged.unrestricted.as_deref().unwrap_or(self.rules())
    }

    pub(crate) fn location(&self, at: At) -> wit::Location {
        at.in_paths(&self.paths)
    }
}

fn diagnostic(problem: Problem, paths: &[String]) -> wit::Diagnostic {
    wit::Diagnostic {
        severity: problem.severity,
        code: problem.code.to_owned(),
        message: problem.message,
        location: problem.at.in_paths(paths),
        help: problem.help,
    }
}
