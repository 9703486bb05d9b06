//! Programs that are run, and the command lines that name them. What goes in
//! is a command line with the folder it belongs to; what comes out is a
//! process ready to be started, or what it printed. Finding it runs nothing
//! and asks nothing of the shell.

mod program;
pub mod recursion;
pub mod run;

use std::fmt;
use std::path::{Path, PathBuf};

use tokio::process;
use zeroize::Zeroizing;

pub use self::program::Program;
pub use self::run::{ProcessError, Talk};
use crate::environment::{Ambient, stands_for};

/// A command line and where it comes from.
#[derive(Debug)]
pub struct Command {
    /// The command line itself. It can carry a secret.
    pub line: Line,
    /// The file or variable that names it.
    pub found_in: String,
    /// The folder that it runs in, so that a relative path means the same
    /// wherever Keyrule is started: the file's own, else the home, else the
    /// root.
    pub folder: PathBuf,
}

/// The two kinds of command line.
pub enum Line {
    /// Arguments; no shell.
    Arguments(Vec<String>),
    /// The path of a program, or a line for the shell.
    Text(Zeroizing<String>),
}

/// Prints no command line: it can carry a secret.
impl fmt::Debug for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Arguments(_) => "Arguments(..)",
            Self::Text(_) => "Text(..)",
        })
    }
}

impl Command {
    /// Returns whether there is nothing to run.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match &self.line {
            Line::Arguments(arguments) => arguments.is_empty(),
            Line::Text(text) => text.bytes().all(|byte| byte.is_ascii_whitespace()),
        }
    }

    /// What a consent to this helper is about: the command line, who says it
    /// and where it runs. The same words in another repository are another
    /// program. Each part goes with its length, so that none can pass for
    /// another.
    #[must_use]
    pub fn subject(&self) -> Zeroizing<String> {
        let line = match &self.line {
            Line::Arguments(arguments) => Zeroizing::new(arguments.join("\0")),
            Line::Text(text) => text.clone(),
        };
        let folder = self.folder.to_string_lossy();
        let mut subject = Zeroizing::new(String::new());
        for part in [self.found_in.as_str(), &folder, line.as_str()] {
            subject.push_str(&part.len().to_string());
            subject.push(':');
            subject.push_str(part);
        }
        subject
    }

    /// Returns whether this very program would be run, as far as the command
    /// line says so.
    #[must_use]
    pub fn is_this_program(&self, ambient: &Ambient) -> bool {
        let program = match &self.line {
            Line::Arguments(arguments) => {
                let words: Vec<_> = arguments.iter().cloned().map(Zeroizing::new).collect();
                recursion::program_among(&words)
            }
            Line::Text(text) => match executable(text, &self.folder) {
                Some(_) => Some(Zeroizing::new(text.trim_ascii().to_owned())),
                None => recursion::program_of(text),
            },
        };
        program.is_some_and(|program| recursion::is_this_program(&program, &self.folder, ambient))
    }

    /// Returns whether the shell reads the command line.
    #[must_use]
    pub fn is_for_the_shell(&self) -> bool {
        match &self.line {
            Line::Arguments(_) => false,
            Line::Text(text) => executable(text, &self.folder).is_none(),
        }
    }

    /// The process: program, arguments, folder and environment, not its
    /// streams. It does not see the variables that `hides` lists, and is told
    /// that it is run as `own`. None where there is nothing to run.
    #[must_use]
    pub fn process(
        &self,
        hides: &[String],
        own: &str,
        ambient: &Ambient,
    ) -> Option<process::Command> {
        let mut process = match &self.line {
            Line::Arguments(arguments) => {
                let (program, arguments) = arguments.split_first()?;
                let mut process = process::Command::new(program);
                process.args(arguments);
                process
            }
            Line::Text(text) => match executable(text, &self.folder) {
                Some(program) => process::Command::new(program),
                None => shell(text),
            },
        };
        let seen = ambient
            .variables()
            .filter(|(name, _)| !hides.iter().any(|hidden| stands_for(hidden, name)));
        process.env_clear().envs(seen);
        process.env(recursion::MARKER, recursion::mark(own, ambient));
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
