//! The program of a helper's command line, found without running anything:
//! words for people who ask what is wrong. What the shell would make of a
//! line is the shell's matter, so this can be unclear.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::command::{Command, Line};
use super::recursion;
use crate::ambient::Ambient;
use crate::handout;

/// What there is to say of the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Program {
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
    pub(super) fn of(command: &Command, ambient: &Ambient) -> Self {
        let name = match &command.line {
            Line::Arguments(arguments) => arguments.first().cloned().map(Into::into),
            Line::Text(text) => {
                let text = std::str::from_utf8(handout::to_keep(text)).unwrap_or_default();
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
        if matches!(command.line, Line::Text(_)) && name.contains(['$', '~', '`', '*', '{']) {
            return Self::Unclear;
        }
        let path = ambient.variable("PATH");
        match find(Path::new(name.as_str()), &command.folder, path) {
            Some(file) => Self::file(file),
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
    use crate::secret::Secret;

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
        (folder, Ambient::empty().with_variable("PATH", path))
    }

    fn program(line: &str) -> (Program, PathBuf) {
        let (folder, ambient) = world();
        let command = Command {
            line: Line::Text(Secret::new(line)),
            found_in: "settings.json".into(),
            tier: None,
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
        assert_eq!(program("$HOME/bin/tool").0, Program::Unclear);
    }
}
