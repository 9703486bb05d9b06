//! The program of a helper's command line, found without running anything:
//! words for people who ask what is wrong. What the shell would make of a
//! line is the shell's matter, so this can be unclear.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::recursion;
use super::{Command, Line};
use crate::environment::Ambient;

/// What there is to say of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Program {
    /// It is there and can be run.
    Found(PathBuf),
    /// It is there and may not be executed.
    NotExecutable(PathBuf),
    /// Nothing of that name is there. The name is not said: somebody may have
    /// put a key where a command line belongs.
    Missing,
    /// Only the shell knows.
    Unclear,
}

impl Program {
    /// Looks for the program of a command line, and runs nothing.
    #[must_use]
    pub fn of(command: &Command, ambient: &Ambient) -> Self {
        let name = match &command.line {
            Line::Arguments(arguments) => arguments.first().cloned().map(Into::into),
            Line::Text(text) => {
                let whole = command.folder.join(text.trim_ascii());
                if text.contains('/') && whole.is_file() {
                    return Self::file(whole);
                }
                recursion::program_of(text)
            }
        };
        let Some(name) = name else {
            return Self::Unclear;
        };
        let is_for_the_shell = matches!(command.line, Line::Text(_));
        let program = match below_home(&name, ambient).filter(|_| is_for_the_shell) {
            Some(path) => path,
            None => PathBuf::from(name.as_str()),
        };
        let expands = program
            .to_string_lossy()
            .contains(['$', '~', '`', '*', '{']);
        if is_for_the_shell && (expands || SHELL_WORDS.contains(&name.as_str())) {
            return Self::Unclear;
        }
        let path = ambient.variable("PATH");
        match find(&program, &command.folder, path) {
            Some(file) => Self::file(file),
            // Windows looks for more endings than we do.
            None if cfg!(windows) && is_for_the_shell => Self::Unclear,
            None => Self::Missing,
        }
    }

    fn file(path: PathBuf) -> Self {
        if is_executable(&path) {
            Self::Found(path)
        } else {
            Self::NotExecutable(path)
        }
    }
}

/// What a POSIX shell knows without a file: what a line can begin with and
/// still be right although no program of that name is there.
const SHELL_WORDS: &[&str] = &[
    "!", ".", ":", "[", "[[", "alias", "bg", "break", "builtin", "case", "cd", "command",
    "continue", "declare", "echo", "eval", "exec", "exit", "export", "false", "fg", "for",
    "function", "getopts", "hash", "if", "jobs", "kill", "local", "printf", "pwd", "read",
    "readonly", "return", "select", "set", "shift", "source", "test", "time", "times", "trap",
    "true", "type", "typeset", "ulimit", "umask", "unalias", "unset", "until", "wait", "while",
];

/// The path that a shell makes of `~/…` and of `$HOME/…`: the two ways in
/// which people write a path below their home.
fn below_home(name: &str, ambient: &Ambient) -> Option<PathBuf> {
    let rest = ["~/", "$HOME/", "${HOME}/"]
        .iter()
        .find_map(|start| name.strip_prefix(start))?;
    Some(ambient.home.as_ref()?.join(rest))
}

/// The file of a program: as it is named, or the first of its name in `PATH`.
fn find(program: &Path, folder: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return Some(folder.join(program)).filter(|file| file.is_file());
    }
    let all: Vec<_> = std::env::split_paths(path?)
        .flat_map(|entry| {
            let plain = entry.join(program);
            let windows = cfg!(windows).then(|| plain.with_extension("exe"));
            [Some(plain), windows].into_iter().flatten()
        })
        .filter(|file| file.is_file())
        .collect();
    let executable = all.iter().find(|file| is_executable(file));
    executable.or(all.first()).cloned()
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use zeroize::Zeroizing;

    /// A folder with `a/tool`, which is not executable, and `b/tool`, which is.
    fn world() -> (tempfile::TempDir, Ambient) {
        let folder = tempfile::tempdir().unwrap();
        let below = |name: &str| folder.path().join(name);
        for (name, mode) in [("a", 0o644), ("b", 0o755)] {
            std::fs::create_dir(below(name)).unwrap();
            let tool = below(name).join("tool");
            std::fs::write(&tool, "").unwrap();
            std::fs::set_permissions(&tool, std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let path = std::env::join_paths([below("a"), below("b")]).unwrap();
        let mut ambient = Ambient::empty().with_variable("PATH", path);
        ambient.home = Some(folder.path().to_path_buf());
        (folder, ambient)
    }

    fn program(line: &str) -> (Program, PathBuf) {
        let (folder, ambient) = world();
        let command = Command {
            line: Line::Text(Zeroizing::new(line.to_owned())),
            found_in: "settings.json".into(),
            folder: folder.path().to_path_buf(),
        };
        (Program::of(&command, &ambient), folder.path().to_path_buf())
    }

    #[test]
    fn the_first_executable_of_the_name_is_found() {
        let (found, folder) = program("tool --audience x | tail -1");
        assert_eq!(found, Program::Found(folder.join("b/tool")));
    }

    #[test]
    fn a_path_belongs_to_the_folder_of_its_file() {
        let (found, folder) = program("./b/tool");
        assert_eq!(found, Program::Found(folder.join("./b/tool")));
        let (found, folder) = program("a/tool");
        assert_eq!(found, Program::NotExecutable(folder.join("a/tool")));
    }

    #[test]
    fn a_key_in_place_of_a_command_is_missing_and_not_named() {
        assert_eq!(program("sk-canary/x").0, Program::Missing);
    }

    #[test]
    fn what_only_the_shell_knows_is_unclear() {
        for line in [
            "$TOOLS/tool",
            "~ada/tool",
            "cd /x && ./tool",
            "if true; then tool; fi",
        ] {
            assert_eq!(program(line).0, Program::Unclear, "{line}");
        }
    }

    #[test]
    fn a_path_below_the_home_is_looked_at() {
        for start in ["~", "$HOME", "\"${HOME}\""] {
            let (found, folder) = program(&format!("{start}/a/tool --audience x"));
            assert_eq!(found, Program::NotExecutable(folder.join("a/tool")));
            let (found, folder) = program(&format!("{start}/b/tool"));
            assert_eq!(found, Program::Found(folder.join("b/tool")));
            assert_eq!(program(&format!("{start}/c/tool")).0, Program::Missing);
        }
    }

    #[test]
    fn a_command_that_is_nowhere_is_missing() {
        for line in ["/nowhere/tool", "no-such-tool --audience x"] {
            assert_eq!(program(line).0, Program::Missing, "{line}");
        }
    }
}
