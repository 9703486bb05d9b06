//! `keyrule policy check`: everything that is wrong with files, as the engine
//! and the JSON Schemas see it. Nothing is resolved and no source is looked
//! at.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::show::said;
use super::{Load, Printed, states};
use crate::diagnostics::{Style, render};
use crate::errors::Failure;
use crate::explained::short;
use crate::output::clean;
use keyrule::Error;
use keyrule::policy::find::Survey;
use keyrule::policy::{self, Name, Texts};
use keyrule_analysis::schema::{self, Form};
use keyrule_contract as wit;
use keyrule_engine::chooser;
use keyrule_system::environment::Ambient;
use keyrule_system::fs::read::{self, Links};
use keyrule_system::text::mask;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Check<'c> {
    /// The policy's name, where a file does not say it.
    pub policy: &'c str,
    /// The files; none for those that are in force.
    pub files: &'c [PathBuf],
    /// The files are restrictions, whatever they look like.
    pub restriction: bool,
    /// JSON instead of text.
    pub json: bool,
    /// How diagnostics look.
    pub style: Style,
}

/// Checks files, or what is in force. The exit code is 0 or 5.
pub(crate) fn check(
    asked: Check<'_>,
    ambient: &Ambient,
    load: Load<'_>,
) -> Result<Printed, Failure> {
    let name: Name = asked.policy.parse().map_err(Error::Policy)?;
    let mut report = Report::default();
    if asked.files.is_empty() {
        in_force(&name, ambient, load, &mut report)?;
    }
    for path in asked.files {
        match read_file(path) {
            Ok(text) => {
                let checked = Checked::of(path, text, asked.restriction);
                checked.check(&name, ambient, load, &mut report)?;
            }
            Err(failure) => report.failures.push(failure),
        }
    }
    report.printed(asked.json, asked.style, ambient.home.as_deref())
}

/// The documents of a name, together.
fn in_force(
    name: &Name,
    ambient: &Ambient,
    load: Load<'_>,
    report: &mut Report,
) -> Result<(), Error> {
    let Survey { found, errors } = Survey::of(name, ambient);
    let warnings = states::warnings(&found.reports, &errors);
    let judged = if errors.is_empty() {
        load(name.as_str(), &found.documents)?
    } else {
        // What is wrong with the files that can be read is worth knowing
        // already, but for the engine they are not all there are.
        errors.into_iter().for_each(|error| report.unread(error));
        Err(Vec::new())
    };
    let (used, judged) = match judged {
        Ok(mut info) => {
            let fault = override_fault(&info, wit::Severity::Error, ambient);
            info.warnings.extend(fault);
            (Some(info.documents), info.warnings)
        }
        Err(diagnostics) => (None, diagnostics),
    };
    for document in &found.documents {
        let form = match document.origin {
            wit::DocumentOrigin::Builtin
            | wit::DocumentOrigin::Embedder
            | wit::DocumentOrigin::Managed => Form::Policy,
            wit::DocumentOrigin::ManagedRestriction
            | wit::DocumentOrigin::UserRestriction
            | wit::DocumentOrigin::Project => Form::Restriction,
            wit::DocumentOrigin::User => match &used {
                Some(used) if used.first() == Some(&document.path) => Form::Policy,
                Some(_) => Form::Restriction,
                None => Form::of(&document.text),
            },
            // Another name's, and not asked for, or not a policy's.
            wit::DocumentOrigin::ManagedOther
            | wit::DocumentOrigin::ToolFile
            | wit::DocumentOrigin::ManagedToolFile
            | wit::DocumentOrigin::Choice => continue,
        };
        let diagnostics = of_path(&judged, &document.path);
        let by_schema = schema::check(form, &document.path, &document.text);
        report.checked(&document.path, &document.text, form, diagnostics, by_schema);
    }
    report.rest(judged);
    report.rest(warnings);
    report.states = Some(states::document(&found.reports));
    Ok(())
}

/// One file that was named.
struct Checked {
    path: PathBuf,
    text: String,
    form: Form,
}

impl Checked {
    fn of(path: &Path, text: String, restriction: bool) -> Self {
        let form = if restriction {
            Form::Restriction
        } else {
            Form::of(&text)
        };
        Self {
            path: path.to_path_buf(),
            text,
            form,
        }
    }

    fn check(
        &self,
        name: &Name,
        ambient: &Ambient,
        load: Load<'_>,
        report: &mut Report,
    ) -> Result<(), Error> {
        let path = self.path.to_string_lossy().into_owned();
        let (name, documents) = match self.form {
            Form::Policy => self.as_policy(name, ambient),
            Form::Restriction => self.as_restriction(name, ambient),
        };
        let judged = match load(name.as_str(), &documents)? {
            Ok(mut info) => {
                // It may be written on another machine than it is for.
                let fault = override_fault(&info, wit::Severity::Warning, ambient);
                info.warnings.extend(fault);
                info.warnings
            }
            Err(diagnostics) => diagnostics,
        };
        let mut diagnostics = of_path(&judged, &path);
        diagnostics.extend(self.misnamed(&name));
        let by_schema = schema::check(self.form, &path, &self.text);
        report.checked(&path, &self.text, self.form, diagnostics, by_schema);
        // What is wrong with the policy that it restricts.
        report.rest(judged);
        report.documents.extend(documents);
        Ok(())
    }

    /// A policy is loaded alone, as a managed one, which may say everything.
    /// Where policies are loaded from, the file's name is the policy's, and a
    /// text that says another is wrong.
    fn as_policy(&self, name: &Name, ambient: &Ambient) -> (Name, Vec<wit::Document>) {
        let of_file = self.installed_as(ambient);
        let own = || schema::name(&self.text)?.parse().ok();
        let name = of_file.or_else(own).unwrap_or_else(|| name.clone());
        (name, vec![self.document(wit::DocumentOrigin::Managed)])
    }

    /// The name that the file has in the user's or the managed folder.
    fn installed_as(&self, ambient: &Ambient) -> Option<Name> {
        let folder = self.path.canonicalize().ok()?.parent()?.to_path_buf();
        let folders = [ambient.config_folder(), ambient.managed.clone()];
        folders
            .into_iter()
            .flatten()
            .any(|other| other.canonicalize().is_ok_and(|other| other == folder))
            .then(|| self.path.file_stem()?.to_str()?.parse().ok())?
    }

    /// A restriction is loaded on top of the policy that it would restrict
    /// here.
    fn as_restriction(&self, name: &Name, ambient: &Ambient) -> (Name, Vec<wit::Document>) {
        let name = self.restricts().unwrap_or_else(|| name.clone());
        let itself = self.path.canonicalize().ok();
        let mut documents: Vec<wit::Document> = Survey::of(&name, ambient)
            .found
            .documents
            .into_iter()
            .filter(|document| {
                let other = Path::new(&document.path).canonicalize().ok();
                let is_restriction = matches!(
                    document.origin,
                    wit::DocumentOrigin::ManagedRestriction | wit::DocumentOrigin::Project
                );
                !is_restriction && (other.is_none() || other != itself)
            })
            .collect();
        documents.push(self.document(wit::DocumentOrigin::Project));
        (name, documents)
    }

    /// The name that its place gives to a restriction: `NAME.d/any.toml`,
    /// `.keyrule/NAME.toml`, `keyrule/NAME.toml`.
    fn restricts(&self) -> Option<Name> {
        let path = std::path::absolute(&self.path).ok()?;
        let folder = path.parent()?.file_name()?.to_str()?;
        let name = match folder.strip_suffix(".d") {
            Some(name) => name,
            None if folder == ".keyrule" || folder == "keyrule" => path.file_stem()?.to_str()?,
            None => return None,
        };
        name.parse().ok()
    }

    /// A policy's file has to have its name, where it will be installed.
    fn misnamed(&self, name: &Name) -> Option<wit::Diagnostic> {
        let stem = self.path.file_stem()?.to_str()?;
        if self.form == Form::Restriction || stem == name.as_str() {
            return None;
        }
        Some(wit::Diagnostic {
            severity: wit::Severity::Warning,
            code: "file-name".to_owned(),
            message: format!("the policy is named `{name}`, and its file is not"),
            location: schema::name_at(&self.path.to_string_lossy(), &self.text),
            help: format!("install it as `{}`", name.file()),
        })
    }

    fn document(&self, place: wit::DocumentOrigin) -> wit::Document {
        wit::Document {
            origin: place,
            path: self.path.to_string_lossy().into_owned(),
            text: self.text.clone(),
        }
    }
}

pub(super) fn read_file(path: &Path) -> Result<String, Failure> {
    let failure = |problem| {
        Failure::from(Error::Policy(policy::Error::File {
            place: wit::DocumentOrigin::User,
            path: path.to_path_buf(),
            problem,
        }))
    };
    match read::open(path, Links::Follow).map_err(failure)? {
        Some(file) => read::text(file).map_err(failure),
        None => {
            let missing = policy::Problem::Unreadable("there is no such file".to_owned());
            Err(failure(missing)
                .hint("mend the path, or see which files count with `keyrule policy show`"))
        }
    }
}

/// What is wrong with the override that a policy names: without it the policy
/// decides nothing.
fn override_fault(
    info: &wit::PolicyInfo,
    severity: wit::Severity,
    ambient: &Ambient,
) -> Option<wit::Diagnostic> {
    let component = info.override_component.as_ref()?;
    let path = info.documents.first().map_or("", String::as_str);
    let error = chooser::load(component, path, ambient).err()?;
    Some(wit::Diagnostic {
        severity,
        code: error.code().to_owned(),
        message: error.to_string(),
        location: component.location.clone(),
        help: error.hint(),
    })
}

fn of_path(diagnostics: &[wit::Diagnostic], path: &str) -> Vec<wit::Diagnostic> {
    let of_path = diagnostics
        .iter()
        .filter(|found| found.location.path == path);
    of_path.cloned().collect()
}

/// What was found, file by file.
#[derive(Debug, Default)]
struct Report {
    files: Vec<File>,
    failures: Vec<Failure>,
    documents: Vec<wit::Document>,
    /// What is at every place, where no file was named.
    states: Option<Vec<serde_json::Value>>,
}

#[derive(Debug)]
struct File {
    path: String,
    form: Option<Form>,
    diagnostics: Vec<wit::Diagnostic>,
}

impl Report {
    /// Adds a file. What the schema says of a line is left out where the
    /// engine, which says it better, rejects that line too.
    fn checked(
        &mut self,
        path: &str,
        text: &str,
        form: Form,
        mut diagnostics: Vec<wit::Diagnostic>,
        by_schema: Vec<wit::Diagnostic>,
    ) {
        let lines: Vec<u32> = diagnostics
            .iter()
            .filter(|found| found.severity == wit::Severity::Error)
            .map(|found| found.location.line)
            .collect();
        diagnostics.extend(
            by_schema
                .into_iter()
                .filter(|found| !lines.contains(&found.location.line)),
        );
        diagnostics.sort_by_key(|found| found.location.offset);
        self.documents.push(wit::Document {
            origin: wit::DocumentOrigin::User,
            path: path.to_owned(),
            text: text.to_owned(),
        });
        self.files.push(File {
            path: path.to_owned(),
            form: Some(form),
            diagnostics,
        });
    }

    /// Adds what is said of files that were not asked about.
    fn rest(&mut self, judged: Vec<wit::Diagnostic>) {
        for found in judged {
            if self
                .files
                .iter()
                .any(|file| file.path == found.location.path)
            {
                continue;
            }
            self.files.push(File {
                path: found.location.path.clone(),
                form: None,
                diagnostics: vec![found],
            });
        }
    }

    fn unread(&mut self, error: policy::Error) {
        self.failures.push(Error::Policy(error).into());
    }

    fn printed(self, json: bool, style: Style, home: Option<&Path>) -> Result<Printed, Failure> {
        let is_wrong = !self.failures.is_empty() || self.files.iter().any(File::is_wrong);
        let exit = if is_wrong { 5 } else { 0 };
        if json {
            let data = serde_json::to_string_pretty(&self.document())
                .map_err(|error| Failure::unwritten(&error.into()))?;
            return Ok(Printed {
                data: format!("{data}\n"),
                words: String::new(),
                exit,
            });
        }
        let texts = Texts::of(&self.documents);
        let mut printed = Printed {
            exit,
            ..Printed::default()
        };
        for file in &self.files {
            printed
                .words
                .push_str(&render(&file.diagnostics, &texts, style));
            if let Some(form) = file.form
                && !file.is_wrong()
            {
                let path = clean(&short(&file.path, home));
                let what = called(form);
                printed.data.push_str(&format!("{path}: a valid {what}\n"));
            }
        }
        for failure in &self.failures {
            printed.words.push_str(&said(failure, style, home));
        }
        Ok(printed)
    }

    fn document(&self) -> serde_json::Value {
        let files: Vec<_> = self.files.iter().map(File::document).collect();
        let errors: Vec<_> = self.failures.iter().map(|failure| &failure.said).collect();
        let mut document = serde_json::json!({ "version": 2, "files": files, "errors": errors });
        if let (Some(states), Some(document)) = (&self.states, document.as_object_mut()) {
            document.insert("states".to_owned(), states.clone().into());
        }
        document
    }
}

impl File {
    fn is_wrong(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|found| found.severity == wit::Severity::Error)
    }

    fn document(&self) -> serde_json::Value {
        let diagnostics: Vec<_> = self.diagnostics.iter().map(Said::of).collect();
        serde_json::json!({
            "path": self.path,
            "form": self.form.map(called),
            "valid": !self.is_wrong(),
            "diagnostics": diagnostics,
        })
    }
}

/// A diagnostic in JSON.
#[derive(Debug, Serialize)]
struct Said<'d> {
    severity: &'static str,
    code: &'d str,
    message: String,
    line: u32,
    column: u32,
    help: String,
}

impl<'d> Said<'d> {
    fn of(found: &'d wit::Diagnostic) -> Self {
        Self {
            severity: match found.severity {
                wit::Severity::Error => "error",
                wit::Severity::Warning => "warning",
            },
            code: &found.code,
            message: mask(&found.message),
            line: found.location.line,
            column: found.location.column,
            help: mask(&found.help),
        }
    }
}

fn called(form: Form) -> &'static str {
    match form {
        Form::Policy => "policy",
        Form::Restriction => "restriction",
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Home, load};
    use super::*;

    const POLICY: &str =
        "name = \"x\"\n[[source]]\nid = \"a\"\nkind = \"supplied\"\nsurfaces = [\"web\"]\n";

    fn run(home: &Home, files: &[PathBuf], json: bool) -> Printed {
        let asked = Check {
            policy: "claude-code",
            files,
            restriction: false,
            json,
            style: Style::Plain,
        };
        let printed = check(asked, &home.ambient, &load).unwrap();
        Printed {
            data: home.short(&printed.data),
            words: home.short(&printed.words),
            exit: printed.exit,
        }
    }

    #[test]
    fn what_is_in_force_is_checked_without_a_file() {
        let home = Home::new();
        home.write("work/.keyrule/claude-code.toml", "ttl = \"0\"\n");
        assert_eq!(
            run(&home, &[], false),
            Printed {
                data: "builtin:claude-code.toml: a valid policy\n\
                       ~/work/.keyrule/claude-code.toml: a valid restriction\n"
                    .to_owned(),
                words: String::new(),
                exit: 0,
            }
        );
    }

    #[test]
    fn a_file_is_a_policy_or_a_restriction_by_its_looks() {
        let home = Home::new();
        let policy = home.write("x.toml", POLICY);
        let restriction = home.write("claude-code.d/y.toml", "drop = [\"api-key\"]\n");
        assert_eq!(
            run(&home, &[policy, restriction], false),
            Printed {
                data: "~/x.toml: a valid policy\n~/claude-code.d/y.toml: a valid restriction\n"
                    .to_owned(),
                words: String::new(),
                exit: 0,
            }
        );
    }

    #[test]
    fn the_schema_says_what_the_engine_does_not() {
        let home = Home::new();
        let file = home.write(
            "x.toml",
            &format!("{POLICY}wrong = 1\nconsent = \"maybe\"\n"),
        );
        let printed = run(&home, &[file], false);
        assert_eq!(
            (printed.data.as_str(), printed.words.as_str(), printed.exit),
            (
                "",
                "~/x.toml:6:1: error[unknown-key]: unknown key `wrong`\n  \
                   |\n6 | wrong = 1\n  | ^^^^^\n  = help: remove it\n\
                 ~/x.toml:7:11: error[schema]: `consent` is not as it must be: value is not one \
                 of \"never\", \"interactive\" or \"always\"\n  \
                   |\n7 | consent = \"maybe\"\n  |           ^^^^^^^\n  \
                   = help: Whether the user is asked first: `never`; `interactive` (asked where \
                 somebody can answer, used without elsewhere); `always` (refused where nobody can \
                 answer and nobody has before).\n",
                5
            )
        );
    }

    #[test]
    fn a_file_of_another_name_is_warned_of() {
        let home = Home::new();
        let file = home.write("draft.toml", POLICY);
        let printed = run(&home, &[file], true);
        let document: serde_json::Value = serde_json::from_str(&printed.data).unwrap();
        assert_eq!(printed.exit, 0);
        assert_eq!(
            document,
            serde_json::json!({
                "version": 2,
                "files": [{
                    "path": "~/draft.toml",
                    "form": "policy",
                    "valid": true,
                    "diagnostics": [{
                        "severity": "warning",
                        "code": "file-name",
                        "message": "the policy is named `x`, and its file is not",
                        "line": 1,
                        "column": 8,
                        "help": "install it as `x.toml`"
                    }]
                }],
                "errors": []
            })
        );
    }

    #[test]
    fn where_policies_are_loaded_from_another_name_is_an_error() {
        let home = Home::new();
        let file = home.write(".config/keyrule/draft.toml", POLICY);
        let asked = Check {
            policy: "claude-code",
            files: &[file],
            restriction: false,
            json: false,
            style: Style::Plain,
        };
        let printed = check(asked, &home.ambient, &super::super::by_engine).unwrap();
        assert_eq!((printed.data.as_str(), printed.exit), ("", 5));
        let words = home.short(&printed.words);
        assert!(
            words.starts_with("~/.config/keyrule/draft.toml:1:8: error["),
            "{words}"
        );
    }

    #[test]
    fn a_file_that_is_not_there_is_a_matter_of_its_path() {
        let home = Home::new();
        assert_eq!(
            run(&home, &[home.path("none.toml")], false).words,
            "error[policy-unreadable]: your policy file `~/none.toml` cannot be read: there is \
             no such file\n\
             hint: mend the path, or see which files count with `keyrule policy show`\n"
        );
    }

    #[test]
    fn files_that_cannot_be_read_are_said_and_the_others_checked() {
        let home = Home::new();
        let files = [
            home.path("none.toml"),
            home.write("x.toml", POLICY),
            home.path("work"),
        ];
        let printed = run(&home, &files, false);
        assert_eq!(printed.data, "~/x.toml: a valid policy\n");
        assert_eq!(printed.exit, 5);
        let errors: Vec<_> = printed
            .words
            .lines()
            .filter(|line| line.starts_with("error"))
            .collect();
        assert_eq!(
            errors,
            [
                "error[policy-unreadable]: your policy file `~/none.toml` cannot be read: there \
                 is no such file",
                "error[policy-not-a-file]: your policy file `~/work` is a folder, not a file",
            ]
        );
    }

    #[test]
    fn a_broken_policy_below_a_restriction_is_said_too() {
        let home = Home::new();
        home.write(".config/keyrule/claude-code.toml", "wrong = 1\n");
        let file = home.write("work/.keyrule/claude-code.toml", "ttl = \"0\"\n");
        let printed = run(&home, &[file], false);
        assert_eq!(printed.exit, 5);
        assert!(
            printed
                .words
                .starts_with("~/.config/keyrule/claude-code.toml:1:1: error[unknown-key]"),
            "{}",
            printed.words
        );
    }

    #[test]
    fn nothing_that_is_said_has_a_secret_in_it() {
        let home = Home::new();
        let text = format!("{POLICY}wrong = \"sk-ant-canary\"\ncanary0123456789ab = 1\n");
        let file = home.write("x.toml", &text);
        for json in [false, true] {
            let printed = run(&home, std::slice::from_ref(&file), json);
            assert!(!format!("{printed:?}").contains("canary"), "{printed:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_managed_file_that_does_not_apply_is_a_warning() {
        let home = Home::managed();
        home.write("managed/claude-code.d/10.yaml", "drop: [api-key]\n");
        home.write("managed/README", "x");
        let printed = run(&home, &[], false);
        assert_eq!(
            printed,
            Printed {
                data: "builtin:claude-code.toml: a valid policy\n".to_owned(),
                words: "~/managed/claude-code.d/10.yaml:1:1: warning[policy-not-applicable]: \
                        this file does not apply: its name does not end in `.toml`\n  \
                          = help: rename or remove `~/managed/claude-code.d/10.yaml`\n"
                    .to_owned(),
                exit: 0,
            }
        );
        let printed = run(&home, &[], true);
        let document: serde_json::Value = serde_json::from_str(&printed.data).unwrap();
        let states: Vec<_> = document["states"]
            .as_array()
            .unwrap()
            .iter()
            .map(|state| {
                (
                    state["path"].as_str().unwrap(),
                    state["state"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(
            states,
            [
                ("builtin:claude-code.toml", "read"),
                ("~/managed/claude-code.toml", "absent"),
                ("~/managed/claude-code.d/10.yaml", "not-applicable"),
                ("~/managed/README", "not-applicable"),
                ("~/.config/keyrule/claude-code.toml", "absent"),
                ("~/work/.keyrule/claude-code.toml", "absent"),
            ]
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_misnamed_managed_file_is_an_error() {
        let home = Home::managed();
        home.write("managed/claude-code.d/10.TOML", "drop = [\"api-key\"]\n");
        let printed = run(&home, &[], false);
        assert_eq!(
            (printed.words.as_str(), printed.exit),
            (
                "error[policy-misnamed]: the managed restriction \
                 `~/managed/claude-code.d/10.TOML` does not apply: its name must be `10.toml`\n\
                 hint: an administrator has to rename it: `sudo mv \
                 ~/managed/claude-code.d/10.TOML ~/managed/claude-code.d/10.toml`\n",
                5
            )
        );
    }
}
