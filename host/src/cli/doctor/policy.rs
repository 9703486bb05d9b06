//! The policy files and their state, and what the sources come to: which one
//! is used, what lies in its shadow, what failed.

use super::Check;
use crate::ambient::Ambient;
use crate::cli::document::word;
use crate::cli::errors::Failure;
use crate::engine::bindings as wit;
use crate::error::Error;
use crate::policy::{FileReport, FileState};
use crate::resolver::Explained;

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

/// One file.
fn file(report: &FileReport) -> Check {
    let name = format!(
        "{} `{}`",
        word(&report.place).replace('-', " "),
        report.path.display()
    );
    match &report.state {
        FileState::Read => Check::ok("policy", format!("{name} was read")),
        FileState::Absent => Check::ok("policy", format!("{name} is not there")),
        FileState::Empty => Check::error("policy", format!("{name} is empty"))
            .try_this("write a policy into it, or remove it"),
        FileState::Unreadable(why) => {
            Check::error("policy", format!("{name} cannot be read: {why}"))
        }
        FileState::Untrusted(why) => {
            Check::error("policy", format!("{name} cannot be trusted: {why}"))
        }
    }
}
