//! `keyrule policy show | check | matrix | diff | lint | test | replay | schema`.
//! What goes in are names and files
//! and the world around them; what comes out is what is to be printed, and an
//! exit code. Which document is the policy, and whether it is valid, the
//! engine says; the JSON Schemas are asked besides, so that what an editor
//! says and what `check` says agree.

mod check;
mod diff;
mod lint;
mod matrix;
mod receipts;
mod replay;
mod show;
mod stack;
mod states;
mod test;

use keyrule::policy::builtin::{POLICY_SCHEMA, RECEIPT_SCHEMA, RESTRICTION_SCHEMA, TESTS_SCHEMA};
use keyrule_contract as wit;
use keyrule_engine::{Engine, Judge as _, LoadError, Policy};

pub(crate) use check::{Check, check};
pub(crate) use diff::{Diff, compare};
pub(crate) use lint::{Lint, lint};
pub(crate) use matrix::{Form as TableForm, Matrix, matrix};
pub(crate) use replay::replay;
pub(crate) use show::{Show, show};
pub(crate) use test::{Test, test};

/// What a command prints.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Printed {
    /// For stdout.
    pub data: String,
    /// For stderr, whole lines.
    pub words: String,
    /// The exit code.
    pub exit: i32,
}

/// Loads documents under a name: what the engine made of them, or what is
/// wrong with them.
pub(crate) type Load<'l> =
    &'l dyn Fn(
        &str,
        &[wit::Document],
    ) -> Result<Result<wit::PolicyInfo, Vec<wit::Diagnostic>>, keyrule_engine::Error>;

/// Loads documents by the engine that ships.
pub(crate) fn by_engine(
    name: &str,
    documents: &[wit::Document],
) -> Result<Result<wit::PolicyInfo, Vec<wit::Diagnostic>>, keyrule_engine::Error> {
    match Policy::load(&Engine::builtin()?, name, documents) {
        Ok(mut policy) => Ok(Ok(policy.info()?)),
        Err(LoadError::Rejected(diagnostics)) => Ok(Err(diagnostics)),
        Err(LoadError::Engine(error)) => Err(error),
    }
}

/// What a JSON Schema is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SchemaOf {
    /// Policies.
    Policies,
    /// Restrictions.
    Restrictions,
    /// Test files.
    Tests,
    /// Receipts.
    Receipts,
}

/// Prints a JSON Schema.
pub(crate) fn schema(of: SchemaOf) -> Printed {
    let schema = match of {
        SchemaOf::Policies => POLICY_SCHEMA,
        SchemaOf::Restrictions => RESTRICTION_SCHEMA,
        SchemaOf::Tests => TESTS_SCHEMA,
        SchemaOf::Receipts => RECEIPT_SCHEMA,
    };
    Printed {
        data: schema.to_owned(),
        ..Printed::default()
    }
}

#[cfg(test)]
mod samples {
    //! An engine and a home, for the tests of the commands.

    use std::path::PathBuf;

    use keyrule_contract as wit;
    use keyrule_engine::Error;
    use keyrule_system::environment::Ambient;

    /// What the engine makes of documents in these tests: the first managed
    /// document, else the user's, else the built-in one is the policy, the
    /// others restrict it; a text with `wrong` in it is rejected.
    pub(super) fn load(
        name: &str,
        documents: &[wit::Document],
    ) -> Result<Result<wit::PolicyInfo, Vec<wit::Diagnostic>>, Error> {
        let wrong: Vec<_> = documents
            .iter()
            .filter_map(|document| {
                let offset = document.text.find("wrong")?;
                let before = document.text.get(..offset)?;
                Some(wit::Diagnostic {
                    severity: wit::Severity::Error,
                    code: "unknown-key".to_owned(),
                    message: "unknown key `wrong`".to_owned(),
                    location: wit::Location {
                        path: document.path.clone(),
                        line: u32::try_from(before.matches('\n').count()).unwrap() + 1,
                        column: 1,
                        offset: u32::try_from(offset).unwrap(),
                        length: 5,
                    },
                    help: "remove it".to_owned(),
                })
            })
            .collect();
        if !wrong.is_empty() {
            return Ok(Err(wrong));
        }
        let order = [
            wit::DocumentOrigin::Managed,
            wit::DocumentOrigin::User,
            wit::DocumentOrigin::Builtin,
        ];
        let policy = order
            .iter()
            .find_map(|place| documents.iter().find(|document| document.origin == *place))
            .unwrap();
        let rest = documents
            .iter()
            .filter(|document| {
                !matches!(
                    document.origin,
                    wit::DocumentOrigin::Builtin | wit::DocumentOrigin::ManagedOther
                )
            })
            .filter(|document| document.path != policy.path);
        Ok(Ok(wit::PolicyInfo {
            name: name.to_owned(),
            description: "a policy".to_owned(),
            tool: wit::Tool {
                name: None,
                folder: None,
                settings: Vec::new(),
                sources: Vec::new(),
                items: Vec::new(),
            },
            storage: wit::Storage {
                store: None,
                fallback: None,
            },
            cleared_variables: Vec::new(),
            hidden_variables: Vec::new(),
            override_component: None,
            allow_unmanaged: None,
            documents: std::iter::once(policy)
                .chain(rest)
                .map(|document| document.path.clone())
                .collect(),
            warnings: Vec::new(),
        }))
    }

    /// A home with nothing in it but a folder to work in.
    pub(super) struct Home {
        folder: tempfile::TempDir,
        pub ambient: Ambient,
    }

    impl Home {
        pub(super) fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let home = folder.path().canonicalize().unwrap();
            std::fs::create_dir(home.join("work")).unwrap();
            let mut ambient = Ambient::empty();
            ambient.current = Some(home.join("work"));
            ambient.home = Some(home);
            Self { folder, ambient }
        }

        /// The same, with a managed folder that is believed.
        #[cfg(unix)]
        pub(super) fn managed() -> Self {
            use std::os::unix::fs::MetadataExt;

            let mut home = Self::new();
            let top = home.path("");
            let owner = std::fs::metadata(&top).unwrap().uid();
            home.ambient.managed = Some(home.path("managed"));
            home.ambient.trust = keyrule_system::trust::Trust::of_owner(owner, top);
            home
        }

        pub(super) fn path(&self, below: &str) -> PathBuf {
            self.folder.path().canonicalize().unwrap().join(below)
        }

        pub(super) fn write(&self, below: &str, text: &str) -> PathBuf {
            let path = self.path(below);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, text).unwrap();
            path
        }

        /// Output with the home's path as `~`.
        pub(super) fn short(&self, text: &str) -> String {
            text.replace(
                &self
                    .path("")
                    .display()
                    .to_string()
                    .trim_end_matches('/')
                    .to_owned(),
                "~",
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_printed_as_it_is_shipped() {
        for (of, text) in [
            (
                SchemaOf::Policies,
                include_str!("../../../../policies/policy.schema.json"),
            ),
            (
                SchemaOf::Restrictions,
                include_str!("../../../../policies/restriction.schema.json"),
            ),
            (
                SchemaOf::Tests,
                include_str!("../../../../policies/tests.schema.json"),
            ),
            (
                SchemaOf::Receipts,
                include_str!("../../../../policies/receipt.schema.json"),
            ),
        ] {
            assert_eq!(schema(of).data, text);
        }
    }

    #[test]
    fn engine_and_schema_agree_on_every_shipped_policy() {
        let home = samples::Home::new();
        let files: Vec<_> = [
            include_str!("../../../../policies/claude-code.toml"),
            include_str!("../../../../policies/claude-code-legacy.toml"),
            include_str!("../../../../policies/example-cloud-only.toml"),
            include_str!("../../../../policies/example-gateway.toml"),
            include_str!("../../../../policies/example-web-sandbox.toml"),
        ]
        .into_iter()
        .map(|text| {
            let name = keyrule_analysis::schema::name(text).unwrap();
            home.write(&format!("{name}.toml"), text)
        })
        .collect();
        let asked = Check {
            policy: "claude-code",
            files: &files,
            restriction: false,
            json: false,
            style: crate::diagnostics::Style::Plain,
        };
        let printed = check(asked, &home.ambient, &by_engine).unwrap();
        assert_eq!(printed.words, "");
        assert_eq!(printed.data.matches(": a valid policy\n").count(), 5);
    }
}
