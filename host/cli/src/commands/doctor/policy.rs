//! The policy files and their state, and what the sources come to: which one
//! is used, what lies in its shadow, what failed.

use super::Check;
use crate::document::word;
use crate::errors::{Diagnostics, Failure};
use keyrule::Error;
use keyrule::policy::find::Survey;
use keyrule::policy::{self, FileReport, FileState, ignored};
use keyrule::resolver::Explained;
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;

/// Every place where a file of the policy can be, and what is wrong there.
/// `rejected` is what the engine says of the files that were read.
pub(super) fn files(name: &str, rejected: Option<&Diagnostics>, ambient: &Ambient) -> Vec<Check> {
    let is_rejected = |path: &str| rejected.is_some_and(|diagnostics| diagnostics.reject(path));
    let name = match name.parse() {
        Ok(name) => name,
        Err(error) => return vec![wrong(error)],
    };
    let Survey { found, errors } = Survey::of(&name, ambient);
    let mut checks: Vec<_> = found
        .reports
        .iter()
        .filter(|report| {
            !errors
                .iter()
                .any(|error| error.path() == Some(&report.path))
        })
        .map(|report| {
            if is_rejected(&report.path.to_string_lossy()) {
                Check::error("policy", format!("{} is invalid", called(report)))
                    .try_this(format!("keyrule --policy {name} policy check"))
            } else {
                file(report)
            }
        })
        .collect();
    checks.extend(ignored::beside(&name, ambient).iter().map(file));
    checks.extend(errors.into_iter().map(wrong));
    checks
}

fn wrong(error: policy::Error) -> Check {
    let failure = Failure::from(Error::Policy(error));
    Check::error("policy", &failure.said.message).hint(&failure.said.hint)
}

/// The sources, as far as there is something to say.
pub(super) fn sources(explained: &Explained) -> Vec<Check> {
    let explanation = &explained.explanation;
    let mut checks = vec![match &explanation.verdict {
        wit::Verdict::Refuse(_) => Check::error("sources", &explanation.summary)
            .hint(&explanation.fix.as_ref().map(|fix| fix.text.clone())),
        _ => Check::ok("sources", &explanation.summary),
    }];
    checks.extend(
        explanation
            .warnings
            .iter()
            .map(|warning| Check::warning("sources", &warning.message)),
    );
    checks
}

fn called(report: &FileReport) -> String {
    format!(
        "{} `{}`",
        word(&report.place).replace('-', " "),
        report.path.display()
    )
}

/// One place that is no reason to refuse.
fn file(report: &FileReport) -> Check {
    let name = called(report);
    match &report.state {
        FileState::Read => Check::ok("policy", format!("{name} was read")),
        FileState::Absent => Check::ok("policy", format!("{name} is not there")),
        FileState::Empty => Check::warning("policy", format!("{name} is empty")),
        FileState::Unreadable(why) => {
            Check::warning("policy", format!("{name} cannot be read: {why}"))
        }
        FileState::Untrusted(why) => {
            Check::warning("policy", format!("{name} cannot be trusted: {why}"))
        }
        FileState::NotCounted { why, expected } => {
            let words = format!("{name} does not apply: {why}");
            if *expected {
                Check::ok("policy", words)
            } else {
                Check::warning("policy", words)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn what_lies_in_the_shadow_of_the_winner_is_a_warning() {
        assert_eq!(
            sources(&samples::key_before_helper()),
            [
                Check::ok("sources", "`api-key` is used: `ANTHROPIC_API_KEY` is set"),
                Check::warning(
                    "sources",
                    "`helper` is there too and not used: `api-key` comes first"
                ),
            ]
        );
    }

    #[test]
    fn an_empty_policy_file_is_an_error_with_a_hint() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".config/keyrule");
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("mine.toml"), "").unwrap();
        let mut ambient =
            Ambient::empty().with_variable("XDG_CONFIG_HOME", home.path().join(".config"));
        ambient.home = Some(home.path().to_path_buf());
        let errors: Vec<_> = files("mine", None, &ambient)
            .into_iter()
            .filter(|check| check.level == crate::commands::doctor::Level::Error)
            .map(|check| (check.message.contains("mine.toml"), check.hint.is_some()))
            .collect();
        assert_eq!(errors, [(true, true)]);
    }

    #[test]
    fn a_file_that_does_not_apply_is_a_warning_unless_it_is_a_text() {
        let report = |file: &str, expected| {
            super::file(&FileReport {
                place: wit::DocumentOrigin::Managed,
                path: file.into(),
                state: FileState::NotCounted {
                    why: "its name does not end in `.toml`".to_owned(),
                    expected,
                },
            })
        };
        let words =
            |file| format!("managed `{file}` does not apply: its name does not end in `.toml`");
        assert_eq!(
            [report("/m/x.yaml", false), report("/m/README", true)],
            [
                Check::warning("policy", words("/m/x.yaml")),
                Check::ok("policy", words("/m/README")),
            ]
        );
    }
}
