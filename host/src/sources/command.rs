//! The command line of a program that gets a credential: where it is named, and
//! who can write it. What goes in is the source's contract; what comes out is the
//! command line with the folder it belongs to. Finding it runs nothing and asks
//! nothing of the shell.

mod json;
pub(in crate::sources) mod nested;
mod settings;

use std::ops::Deref;
use std::path::{Path, PathBuf};

pub(crate) use keyrule_system::process::Program;
use keyrule_system::process::{self, Line};
pub(in crate::sources) use keyrule_system::process::{recursion, run};
use zeroize::Zeroizing;

pub(in crate::sources) use self::settings::Fault;
use crate::ambient::Ambient;
use crate::handout;
use crate::secret::Secret;
use keyrule_contract as wit;

/// A command line, and who can write what names it.
pub(in crate::sources) struct Command {
    /// The command line itself.
    line: process::Command,
    /// Who can write the settings file that names it.
    pub tier: Option<wit::Tier>,
}

impl Deref for Command {
    type Target = process::Command;

    fn deref(&self) -> &process::Command {
        &self.line
    }
}

/// Finds the source's command line, if anything names one.
pub(in crate::sources) fn locate(
    source: &wit::Source,
    command: &wit::Command,
    info: &wit::PolicyInfo,
    ambient: &Ambient,
) -> Result<Option<Command>, Fault> {
    match command {
        wit::Command::Arguments(arguments) => Ok(Some(Command {
            line: process::Command {
                line: Line::Arguments(arguments.clone()),
                found_in: source.location.path.clone(),
                folder: home(ambient),
            },
            tier: None,
        })),
        wit::Command::Setting(setting) => {
            let Some(found) = settings::find(setting, &info.tool, ambient)? else {
                return Ok(None);
            };
            let folder = found.file.parent().map(Path::to_path_buf);
            Ok(Some(Command {
                line: process::Command {
                    line: Line::Text(found.value),
                    found_in: found.file.display().to_string(),
                    folder: folder.unwrap_or_else(root),
                },
                tier: Some(found.tier),
            }))
        }
        wit::Command::Variable(variable) => {
            let Some(value) = ambient.variable(variable) else {
                return Ok(None);
            };
            let Some(value) = value.to_str() else {
                return Err(Fault {
                    trouble: wit::FailureKind::Invalid,
                    detail: format!("`{variable}` is not UTF-8"),
                    found_in: Some(variable.clone()),
                    tier: None,
                });
            };
            Ok(Some(Command {
                line: process::Command {
                    line: Line::Text(Zeroizing::new(value.to_owned())),
                    found_in: variable.clone(),
                    folder: home(ambient),
                },
                tier: None,
            }))
        }
    }
}

impl Command {
    /// What a consent to this helper is about.
    pub(in crate::sources) fn subject(&self) -> Secret {
        Secret::new(self.line.subject().as_str())
    }

    /// Returns whether this is what was looked at, where that is known.
    pub(in crate::sources) fn is_about(&self, subject: Option<&Secret>) -> bool {
        subject.is_none_or(|seen| handout::to_keep(seen) == handout::to_keep(&self.subject()))
    }

    /// The process: program, arguments, folder and environment, not its
    /// streams. None where there is nothing to run.
    pub(in crate::sources) fn process(
        &self,
        info: &wit::PolicyInfo,
        source: &wit::Source,
        ambient: &Ambient,
    ) -> Option<tokio::process::Command> {
        self.line
            .process(&info.hidden_variables, &info.name_of(source), ambient)
    }
}

/// The home, or the root where there is none: a folder that no repository
/// can be cloned into by chance.
fn home(ambient: &Ambient) -> PathBuf {
    ambient
        .home
        .clone()
        .filter(|home| home.is_dir())
        .unwrap_or_else(root)
}

fn root() -> PathBuf {
    PathBuf::from(if cfg!(windows) { r"C:\" } else { "/" })
}
