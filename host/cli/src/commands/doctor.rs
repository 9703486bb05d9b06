//! `keyrule doctor`: is everything that Keyrule depends on as it should be?
//! What goes in is the world around; what comes out is a list of checks, each
//! with what was found and what to do about it. No prompt; the network is
//! asked only where `--online` says so, and the helper runs only where
//! `--run-helper` does. Nothing is changed and nothing is renewed.

mod files;
mod helper;
mod logins;
mod online;
mod policy;
mod settings;
mod store;
mod variables;

use std::path::Path;

use serde::Serialize;

use keyrule::resolver::Explained;

use crate::Context;
use crate::args::Doctor;
use crate::document::word;
use crate::errors::Failure;
use crate::explained::accounts::Kept;
use crate::explained::at_home;
use crate::output::{Look, clean, wrap};

/// Runs every check. The exit code is 0 where none found an error, else 1.
pub(crate) fn run(context: &mut Context<'_, '_>, arguments: &Doctor) -> Result<i32, Failure> {
    let decision = context
        .resolver()
        .and_then(|mut resolver| Ok(resolver.explain()?));
    let rejected = decision
        .as_ref()
        .err()
        .map(|failure| &failure.said.diagnostics);
    let mut checks = policy::files(&context.global.policy, rejected, &context.ambient);
    match &decision {
        Ok(explained) => {
            let ambient = &context.ambient;
            let kept = Kept::of(explained, ambient);
            checks.extend(policy::sources(explained));
            checks.extend(variables::credentials(explained));
            checks.extend(logins::check(explained, &kept));
            checks.extend(store::check(explained, ambient));
            checks.extend(variables::network(explained, ambient));
            checks.extend(files::check(explained, ambient));
            checks.extend(settings::check(explained, &context.ambient));
            checks.extend(helper::check(explained, &context.ambient));
            if arguments.online {
                checks.extend(online::check(explained, &kept, ambient));
            }
            if arguments.run_helper {
                checks.extend(helper::run(explained, &context.ambient, &context.notices()));
            }
        }
        Err(failure) => {
            let check = Check::error("policy", &failure.said.message).hint(&failure.said.hint);
            // A file that is wrong was found above.
            if !checks.contains(&check) {
                checks.push(check);
            }
        }
    }
    checks.extend(session(context, decision.as_ref().ok()));
    let exit = i32::from(checks.iter().any(|check| check.level == Level::Error));
    if context.output.json {
        let policy = context.global.policy.clone();
        context
            .output
            .document(&serde_json::json!({ "version": 2, "policy": policy, "checks": checks }))?;
    } else {
        let text = text(
            &checks,
            context.output.look,
            context.ambient.home.as_deref(),
        );
        context.output.data(&text)?;
    }
    Ok(exit)
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    /// As it should be.
    Ok,
    /// Works, and should be known.
    Warning,
    /// Does not work.
    Error,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Check {
    /// What it is about; findings about the same stand together.
    about: &'static str,
    level: Level,
    /// What was found, in one line.
    message: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<String>,
}

impl Check {
    fn new(about: &'static str, level: Level, message: impl Into<String>) -> Self {
        Self {
            about,
            level,
            message: message.into(),
            hint: None,
        }
    }

    fn ok(about: &'static str, message: impl Into<String>) -> Self {
        Self::new(about, Level::Ok, message)
    }

    fn warning(about: &'static str, message: impl Into<String>) -> Self {
        Self::new(about, Level::Warning, message)
    }

    fn error(about: &'static str, message: impl Into<String>) -> Self {
        Self::new(about, Level::Error, message)
    }

    fn hint(mut self, hint: &Option<String>) -> Self {
        self.hint.clone_from(hint);
        self
    }

    fn try_this(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// Who asks, and who could answer.
fn session(context: &Context<'_, '_>, explained: Option<&Explained>) -> Vec<Check> {
    let surface = explained.map_or_else(
        || format!("{:?}", context.global.surface).to_lowercase(),
        |explained| word(&explained.session.surface),
    );
    let interactive = if context.is_interactive() {
        "interactive: stdin and stderr are terminals".to_owned()
    } else if context.global.non_interactive {
        "not interactive: `--non-interactive` is given".to_owned()
    } else {
        "not interactive: stdin and stderr are not both terminals, so nothing can be asked"
            .to_owned()
    };
    vec![
        Check::ok("session", format!("{surface} session, {interactive}")),
        Check::ok("program", format!("keyrule {}", env!("CARGO_PKG_VERSION"))),
        Check::ok("program", format!("engine sha256 {}", engine_digest())),
    ]
}

/// The digest of the component that decides, as it was committed.
fn engine_digest() -> &'static str {
    include_str!("../../../../guest/prebuilt/SOURCES.sha256")
        .lines()
        .find_map(|line| line.strip_suffix("  guest/prebuilt/policy.wasm"))
        .unwrap_or("unknown")
}

fn text(checks: &[Check], look: Look, home: Option<&Path>) -> String {
    let mut text = String::new();
    let mut about = "";
    for check in checks {
        if check.about != about {
            let gap = if about.is_empty() { "" } else { "\n" };
            about = check.about;
            text.push_str(&format!("{gap}{}\n", look.bold(about)));
        }
        let mark = match check.level {
            Level::Ok => look.green("ok     "),
            Level::Warning => look.yellow("warning"),
            Level::Error => look.red("error  "),
        };
        let indent = format!("\n{}", " ".repeat(11));
        let lines = wrap(
            &clean(&at_home(&check.message, home)),
            look.width.saturating_sub(11),
        );
        text.push_str(&format!("  {mark}  {}\n", lines.join(&indent)));
        if let Some(hint) = &check.hint {
            let lines = wrap(&clean(&at_home(hint, home)), look.width.saturating_sub(17));
            let indent = format!("\n{}", " ".repeat(17));
            let label = look.cyan("hint:");
            text.push_str(&format!(
                "{}{label} {}\n",
                " ".repeat(11),
                lines.join(&indent)
            ));
        }
    }
    let count = |level| checks.iter().filter(|check| check.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    text.push_str(&format!(
        "\n{}, {}\n",
        counted(errors, "error"),
        counted(warnings, "warning")
    ));
    text
}

fn counted(count: usize, noun: &str) -> String {
    match count {
        0 => format!("no {noun}s"),
        1 => format!("1 {noun}"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_is_that_of_the_component() {
        use sha2::Digest as _;

        let component = include_bytes!("../../../../guest/prebuilt/policy.wasm");
        let digest: String = sha2::Sha256::digest(component)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(engine_digest(), digest);
    }

    #[test]
    fn findings_about_the_same_stand_together() {
        let checks = [
            Check::ok("policy", "user `x.toml`: absent"),
            Check::error("policy", "managed `/etc/x.toml` is empty")
                .try_this("write a policy into it"),
            Check::warning("files", "the folder can be read by everybody")
                .try_this("chmod 700 /home/ada/.local/state/keyrule"),
        ];
        let look = Look {
            terminal: false,
            colour: false,
            unicode: true,
            width: 80,
        };
        insta::assert_snapshot!(text(&checks, look, None), @"
        policy
          ok       user `x.toml`: absent
          error    managed `/etc/x.toml` is empty
                   hint: write a policy into it

        files
          warning  the folder can be read by everybody
                   hint: chmod 700 /home/ada/.local/state/keyrule

        1 error, 1 warning
        ");
    }
}
