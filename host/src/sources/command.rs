//! The command line of a program that gets a credential: where it is named, and
//! what it becomes. What goes in is the source's contract; what comes out is the
//! command line with the folder it belongs to, then a process ready to be
//! started. Finding it runs nothing and asks nothing of the shell.

mod json;
mod program;
pub(in crate::sources) mod recursion;
pub(in crate::sources) mod run;
mod settings;

use std::path::{Path, PathBuf};

use tokio::process;
use zeroize::Zeroizing;

pub(crate) use self::program::Program;
pub(in crate::sources) use self::settings::Fault;
use crate::ambient::{Ambient, stands_for};
use crate::engine::bindings as wit;
use crate::handout;
use crate::secret::Secret;

/// A command line and where it comes from.
pub(in crate::sources) struct Command {
    /// The command line itself. It can carry a secret, so it is one.
    pub line: Line,
    /// The file or variable that names it.
    pub found_in: String,
    /// Who can write the settings file that names it.
    pub tier: Option<wit::Tier>,
    /// The folder that it runs in, so that a relative path means the same
    /// wherever Keyrule is started: the file's own, else the home, else the
    /// root.
    pub folder: PathBuf,
}

/// The two kinds of command line.
pub(in crate::sources) enum Line {
    /// Arguments; no shell.
    Arguments(Vec<String>),
    /// The path of a program, or a line for the shell.
    Text(Secret),
}

/// Finds the source's command line, if anything names one.
pub(in crate::sources) fn locate(
    source: &wit::Source,
    command: &wit::Command,
    about: &wit::About,
    ambient: &Ambient,
) -> Result<Option<Command>, Fault> {
    match command {
        wit::Command::Arguments(arguments) => Ok(Some(Command {
            line: Line::Arguments(arguments.clone()),
            found_in: source.at.path.clone(),
            tier: None,
            folder: home(ambient),
        })),
        wit::Command::Setting(setting) => {
            let Some(found) = settings::find(setting, &about.tool, ambient)? else {
                return Ok(None);
            };
            let folder = found.file.parent().map(Path::to_path_buf);
            Ok(Some(Command {
                line: Line::Text(Secret::new(found.value.as_str())),
                found_in: found.file.display().to_string(),
                tier: Some(found.tier),
                folder: folder.unwrap_or_else(root),
            }))
        }
        wit::Command::Variable(variable) => {
            let Some(value) = ambient.variable(variable) else {
                return Ok(None);
            };
            let Some(value) = value.to_str() else {
                return Err(Fault {
                    trouble: wit::Trouble::Invalid,
                    detail: format!("`{variable}` is not UTF-8"),
                    found_in: Some(variable.clone()),
                    tier: None,
                });
            };
            Ok(Some(Command {
                line: Line::Text(Secret::new(value)),
                found_in: variable.clone(),
                tier: None,
                folder: home(ambient),
            }))
        }
    }
}

impl Command {
    /// Returns whether there is nothing to run.
    pub(in crate::sources) fn is_blank(&self) -> bool {
        match &self.line {
            Line::Arguments(arguments) => arguments.is_empty(),
            Line::Text(text) => text.is_blank(),
        }
    }

    /// What a consent to this helper is about: the command line, who says it
    /// and where it runs. The same words in another repository are another
    /// program. Each part goes with its length, so that none can pass for
    /// another.
    pub(in crate::sources) fn subject(&self) -> Secret {
        let line = match &self.line {
            Line::Arguments(arguments) => Zeroizing::new(arguments.join("\0")),
            Line::Text(text) => Zeroizing::new(as_text(text).to_owned()),
        };
        let folder = self.folder.to_string_lossy();
        let mut subject = Zeroizing::new(String::new());
        for part in [self.found_in.as_str(), &folder, line.as_str()] {
            subject.push_str(&part.len().to_string());
            subject.push(':');
            subject.push_str(part);
        }
        Secret::new(subject.as_str())
    }

    /// Returns whether this is what was looked at, where that is known.
    pub(in crate::sources) fn is_about(&self, subject: Option<&Secret>) -> bool {
        subject.is_none_or(|seen| handout::to_keep(seen) == handout::to_keep(&self.subject()))
    }

    /// Returns whether this very program would be run, as far as the command
    /// line says so.
    pub(in crate::sources) fn is_this_program(&self, ambient: &Ambient) -> bool {
        let program = match &self.line {
            Line::Arguments(arguments) => {
                let words: Vec<_> = arguments.iter().cloned().map(Zeroizing::new).collect();
                recursion::program_among(&words)
            }
            Line::Text(text) => match executable(as_text(text), &self.folder) {
                Some(_) => Some(Zeroizing::new(as_text(text).trim_ascii().to_owned())),
                None => recursion::program_of(as_text(text)),
            },
        };
        program.is_some_and(|program| recursion::is_this_program(&program, &self.folder, ambient))
    }

    /// Returns whether the shell reads the command line.
    pub(in crate::sources) fn is_for_the_shell(&self) -> bool {
        match &self.line {
            Line::Arguments(_) => false,
            Line::Text(text) => executable(as_text(text), &self.folder).is_none(),
        }
    }

    /// The process: program, arguments, folder and environment, not its
    /// streams. None where there is nothing to run.
    pub(in crate::sources) fn process(
        &self,
        about: &wit::About,
        source: &wit::Source,
        ambient: &Ambient,
    ) -> Option<process::Command> {
        let mut process = match &self.line {
            Line::Arguments(arguments) => {
                let (program, arguments) = arguments.split_first()?;
                let mut process = process::Command::new(program);
                process.args(arguments);
                process
            }
            Line::Text(text) => match executable(as_text(text), &self.folder) {
                Some(program) => process::Command::new(program),
                None => shell(as_text(text)),
            },
        };
        let seen = ambient
            .variables()
            .filter(|(name, _)| !about.hides.iter().any(|hidden| stands_for(hidden, name)));
        process.env_clear().envs(seen);
        process.env(recursion::MARKER, recursion::mark(about, source, ambient));
        // A shell's own idea of where it is must not be the caller's.
        process.env_remove("OLDPWD");
        if ambient.variable("PWD").is_some() {
            process.env("PWD", &self.folder);
        }
        process.current_dir(&self.folder);
        Some(process)
    }
}

/// The file that the text is the path of, where that file can be run. A name
/// without a slash is left to the shell, which looks it up.
fn executable(text: &str, folder: &Path) -> Option<PathBuf> {
    let text = text.trim_ascii();
    if !text.contains(['/', std::path::MAIN_SEPARATOR]) {
        return None;
    }
    let path = folder.join(text);
    let metadata = std::fs::metadata(&path).ok()?;
    #[cfg(unix)]
    let can_run = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
    #[cfg(not(unix))]
    let can_run = true;
    (metadata.is_file() && can_run).then_some(path)
}

#[cfg(not(windows))]
fn shell(line: &str) -> process::Command {
    let mut process = process::Command::new("/bin/sh");
    process.arg("-c").arg(line);
    process
}

/// `cmd` has its own rules for quotes, so the line goes to it as it is.
#[cfg(windows)]
fn shell(line: &str) -> process::Command {
    let mut process = process::Command::new("cmd");
    process.arg("/D").arg("/C").raw_arg(line);
    process
}

fn as_text(secret: &Secret) -> &str {
    std::str::from_utf8(handout::to_keep(secret)).unwrap_or_default()
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
