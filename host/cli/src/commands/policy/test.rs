//! `keyrule policy test`: cases against a policy. What goes in are a policy,
//! its test files and the world around; what comes out is which cases are as
//! expected, which rules no case has seen decide, and which changes no case
//! notices. Nothing is resolved and no source of this machine is looked at.

use std::path::{Path, PathBuf};

use super::Printed;
use super::check::read_file;
use super::stack::{BUILTIN, Loaded, Stack};
use crate::errors::Failure;
use crate::output::Look;
use keyrule::Error;
use keyrule::policy::{self, Texts};
use keyrule_analysis::case::{Case, Ran, expect::Difference, read};
use keyrule_analysis::coverage::{Coverage, Rule};
use keyrule_analysis::mutate::{Mutants, mutants};
use keyrule_analysis::schema::Form;
use keyrule_contract as wit;
use keyrule_engine::Judge;
use keyrule_system::environment::Ambient;
use keyrule_system::fs::read::Links;

mod report;

/// How the name of a test file ends: `NAME.test.toml` is beside `NAME.toml`.
const ENDING: &str = ".test.toml";

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Test<'t> {
    /// The policy's name, where nothing says it.
    pub name: &'t str,
    /// The policy, or a test file.
    pub policy: Option<&'t Path>,
    /// Further restrictions.
    pub with: &'t [PathBuf],
    /// The test files; none for the one beside the policy.
    pub tests: &'t [PathBuf],
    /// Only cases with this in their names.
    pub only: Option<&'t str>,
    /// Also list the rules that no case has seen decide.
    pub coverage: bool,
    /// Also change the policy, one rule at a time.
    pub mutate: bool,
    /// JSON instead of text.
    pub json: bool,
    /// How data look.
    pub look: Look,
}

/// Runs test files. The exit code is 0, 1 or 5.
pub(crate) fn test(asked: Test<'_>, ambient: &Ambient) -> Result<Printed, Failure> {
    let mut groups = Vec::new();
    for (policy, files) in groups_of(&asked)? {
        groups.push(Group::run(&asked, policy.as_deref(), files, ambient)?);
    }
    let ran: usize = groups.iter().map(|group| group.outcomes.len()).sum();
    if ran == 0 {
        let only = asked.only.unwrap_or_default();
        return Err(
            Failure::new("no-case", 1, format!("no case has `{only}` in its name"))
                .hint("say less with `--only`, or leave it out to run every case"),
        );
    }
    let report = report::Report {
        groups: &groups,
        home: ambient.home.as_deref(),
        mutate: asked.mutate,
    };
    Ok(Printed {
        data: if asked.json {
            report.json()?
        } else {
            report.text(asked.look)
        },
        words: String::new(),
        exit: i32::from(groups.iter().any(Group::is_wrong)),
    })
}

/// A test file that was read.
#[derive(Debug)]
struct File {
    path: PathBuf,
    text: String,
}

/// What is tested by one set of files.
type Asked = (Option<PathBuf>, Vec<File>);

/// Which files test which policy.
fn groups_of(asked: &Test<'_>) -> Result<Vec<Asked>, Failure> {
    let mut named: Vec<PathBuf> = asked.tests.to_vec();
    let mut policy = asked.policy.map(Path::to_path_buf);
    if let Some(path) = &policy
        && is_test_file(path)?
    {
        named.insert(0, path.clone());
        policy = None;
    }
    if named.is_empty() {
        let beside = beside(policy.as_deref(), asked.name)?;
        named.push(beside);
    }
    let mut groups: Vec<Asked> = Vec::new();
    for path in named {
        let text = read_tests(&path)?;
        let own = || {
            let written = read::policy(&text)?;
            if written.starts_with(BUILTIN) {
                return Some(PathBuf::from(written));
            }
            let folder = path.parent().unwrap_or(Path::new(""));
            Some(folder.join(written))
        };
        let target = policy.clone().or_else(own).or_else(|| {
            let first = asked.policy == Some(path.as_path());
            first.then(|| tested_by(&path)).flatten()
        });
        let file = File { path, text };
        match groups.iter_mut().find(|(other, _)| *other == target) {
            Some((_, files)) => files.push(file),
            None => groups.push((target, vec![file])),
        }
    }
    Ok(groups)
}

/// Whether the file in the place of a policy is a test file. A policy can be
/// named `x.test`, so its text has a say.
fn is_test_file(path: &Path) -> Result<bool, Failure> {
    let ends = path
        .file_name()
        .is_some_and(|name| name.to_string_lossy().ends_with(ENDING));
    Ok(ends && Form::of(&read_tests(path)?) == Form::Restriction)
}

/// The text of a test file.
fn read_tests(path: &Path) -> Result<String, Failure> {
    let problem = match read_text(path) {
        Ok(Some(text)) => return Ok(text),
        Ok(None) => policy::Problem::Unreadable("there is no such file".to_owned()),
        Err(problem) => problem,
    };
    let shown = keyrule_system::text::shown(path);
    Err(Failure::new(
        policy::code(&problem),
        5,
        format!("the test file `{shown}` {problem}"),
    )
    .hint("mend it, or see what can stand in it with `keyrule policy schema --tests`"))
}

fn read_text(path: &Path) -> Result<Option<String>, policy::Problem> {
    let file = keyrule_system::fs::read::open(path, Links::Follow)?;
    file.map(keyrule_system::fs::read::text).transpose()
}

/// The policy beside a test file.
fn tested_by(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_suffix(ENDING)?;
    Some(path.with_file_name(format!("{name}.toml")))
}

/// The test file beside a policy.
fn beside(policy: Option<&Path>, name: &str) -> Result<PathBuf, Failure> {
    let path = match policy {
        Some(folder) if folder.is_dir() => Some(folder.join(format!("{name}{ENDING}"))),
        Some(file) if !file.to_string_lossy().starts_with(BUILTIN) => {
            // A policy that is not there is what is wrong, not its tests.
            read_file(file)?;
            let name = file.file_name().map(|name| name.to_string_lossy());
            name.and_then(|name| {
                let stem = name.strip_suffix(".toml")?;
                Some(file.with_file_name(format!("{stem}{ENDING}")))
            })
        }
        Some(_) => None,
        None => None,
    };
    match path {
        Some(path) if path.exists() => Ok(path),
        Some(path) => Err(Failure::new(
            "no-tests",
            5,
            format!("there is no `{}`", keyrule_system::text::shown(&path)),
        )
        .hint("write it, or name the test files with `--tests FILE`; `keyrule policy schema --tests` prints what can stand there")),
        None => Err(Failure::new(
            "no-tests",
            5,
            "no test file is named, and none can stand beside this policy",
        )
        .hint("name the test files with `--tests FILE`")),
    }
}

/// A policy and the cases that were run.
#[derive(Debug)]
struct Group {
    loaded: Loaded,
    outcomes: Vec<Outcome>,
    left_out: usize,
    rules: Option<Vec<Rule>>,
    mutants: Option<Mutants>,
}

/// A case that was run.
#[derive(Debug)]
struct Outcome {
    case: Case,
    ran: Ran,
    differences: Vec<Difference>,
}

impl Group {
    fn run(
        asked: &Test<'_>,
        policy: Option<&Path>,
        files: Vec<File>,
        ambient: &Ambient,
    ) -> Result<Self, Failure> {
        let loaded = Stack::read(policy, asked.with, asked.name, ambient)?.load(ambient)?;
        let cases = cases(files, &loaded.sources)?;
        let all = cases.len();
        let only = asked.only.unwrap_or_default();
        let chosen: Vec<Case> = cases
            .into_iter()
            .filter(|case| case.name.contains(only))
            .collect();
        let mut group = Self {
            left_out: all - chosen.len(),
            loaded,
            outcomes: Vec::new(),
            rules: None,
            mutants: None,
        };
        let mut judge = group.loaded.judge()?;
        for case in chosen {
            let ran = case
                .run(judge.as_mut(), &group.loaded.sources)
                .map_err(Error::Engine)?;
            group.outcomes.push(Outcome {
                differences: case.expect.differences(&ran, &group.loaded.sources),
                case,
                ran,
            });
        }
        if asked.coverage {
            group.rules = Some(group.coverage(judge.as_mut())?);
        }
        // A case that is not as expected notices nothing.
        if asked.mutate && group.failed() == 0 {
            let cases: Vec<&Case> = group.outcomes.iter().map(|outcome| &outcome.case).collect();
            let stack = &group.loaded.stack;
            let found = mutants(
                stack.name.as_str(),
                &stack.documents,
                &group.loaded.info.documents,
                group.loaded.override_.as_ref(),
                &cases,
            );
            group.mutants = Some(found.map_err(Error::Engine)?);
        }
        Ok(group)
    }

    fn coverage(&mut self, judge: &mut dyn Judge) -> Result<Vec<Rule>, Error> {
        let table = self.loaded.policy.table()?;
        let mut coverage = Coverage::of(&table, &self.loaded.sources);
        for outcome in &self.outcomes {
            coverage.see(judge, &outcome.case, &outcome.ran, &self.loaded.sources)?;
        }
        Ok(coverage.rules())
    }

    fn failed(&self) -> usize {
        let failed = |outcome: &&Outcome| !outcome.differences.is_empty();
        self.outcomes.iter().filter(failed).count()
    }

    fn is_wrong(&self) -> bool {
        let survived = |mutants: &Mutants| !mutants.survivors.is_empty();
        self.failed() > 0 || self.mutants.as_ref().is_some_and(survived)
    }
}

/// The cases of all files, or everything that is wrong with them.
fn cases(files: Vec<File>, sources: &[wit::Source]) -> Result<Vec<Case>, Failure> {
    let mut cases = Vec::new();
    let mut found = Vec::new();
    let mut documents = Vec::new();
    for file in files {
        let path = file.path.to_string_lossy().into_owned();
        match read::cases(&path, &file.text, sources) {
            Ok(more) => cases.extend(more),
            Err(problems) => found.extend(problems),
        }
        documents.push(wit::Document {
            origin: wit::DocumentOrigin::User,
            path,
            text: file.text,
        });
    }
    if found.is_empty() {
        return Ok(cases);
    }
    let errors = match found.len() {
        1 => "1 error".to_owned(),
        several => format!("{several} errors"),
    };
    Err(Failure::new(
        "tests-invalid",
        5,
        format!("the test file was rejected for {errors}, and nothing was run"),
    )
    .diagnosed(found, Texts::of(&documents)))
}

#[cfg(test)]
mod tests;
