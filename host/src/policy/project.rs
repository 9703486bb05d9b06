//! The project that a session runs in. What goes in is the folder that the
//! program was started in; what comes out is the nearest restriction of a
//! name, up to the repository's root or home, and the project's root itself.
//!
//! A folder that somebody else owns is a boundary: nothing at or above it is
//! read. What lies there does not bind us. It could only tighten, so leaving
//! it out permits nothing that the policy does not permit; obeying it, or
//! failing over it, would let everybody who can make a folder above ours deny
//! us service, or drop our own login so that a key pays instead. It is
//! reported as untrusted, so that it does not vanish silently. For root,
//! other users' folders are somebody else's, too.
//!
//! On systems whose standard library knows no owners every folder counts as
//! the user's own.

use std::fs::Metadata;
use std::path::{Path, PathBuf};

use super::read::{self, Links};
use super::words;
use super::{FileState, Name, Problem};
use crate::ambient::Ambient;

/// The folder in a project that holds its restrictions.
const FOLDER: &str = ".keyrule";

/// What was found for one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Nearest {
    /// Where the restriction is, or would be.
    pub path: PathBuf,
    /// What is there.
    pub state: FileState,
    /// Its text, where it was read.
    pub text: Option<String>,
    /// What is wrong with it, where it must not be skipped.
    pub problem: Option<Problem>,
}

/// Looks for the nearest restriction of a name. None where there is no
/// folder to look in.
pub(crate) fn nearest(name: &Name, ambient: &Ambient) -> Option<Nearest> {
    let current = ambient.current.as_deref()?;
    let reach = Reach::of(ambient, us());
    for folder in &reach.folders {
        if let Some(found) = in_folder(name, folder, us()) {
            return Some(found);
        }
    }
    if let Some(foreign) = &reach.foreign {
        let path = foreign.join(FOLDER).join(name.file());
        if std::fs::symlink_metadata(&path).is_ok() {
            return Some(Nearest {
                state: FileState::Untrusted(somebody_elses(foreign)),
                path,
                text: None,
                problem: None,
            });
        }
    }
    Some(Nearest {
        path: current.join(FOLDER).join(name.file()),
        state: FileState::Absent,
        text: None,
        problem: None,
    })
}

/// Returns the project's root: the repository that the current folder lies
/// in, else that folder itself. None where it is home, or somebody else's.
pub(crate) fn project_root(ambient: &Ambient) -> Option<PathBuf> {
    let reach = Reach::of(ambient, us());
    if reach.repository.is_some() {
        return reach.repository;
    }
    let current = reach.folders.into_iter().next()?;
    (Some(&current) != ambient.home.as_ref()).then_some(current)
}

/// The folders of restrictions from the current folder up, the nearest first,
/// as far as they are our own.
pub(super) fn folders(ambient: &Ambient) -> Vec<PathBuf> {
    let inner = |folder: PathBuf| folder.join(FOLDER);
    let is_own = |folder: &PathBuf| {
        std::fs::symlink_metadata(folder)
            .is_ok_and(|metadata| metadata.is_dir() && is_ours(&metadata, us()))
    };
    let reach = Reach::of(ambient, us()).folders;
    reach.into_iter().map(inner).filter(is_own).collect()
}

/// How far up from the current folder we may look.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Reach {
    /// The folders that are ours, the current one first.
    folders: Vec<PathBuf>,
    /// The last of them, where it is a repository's root.
    repository: Option<PathBuf>,
    /// The folder where we stopped because somebody else owns it.
    foreign: Option<PathBuf>,
}

impl Reach {
    fn of(ambient: &Ambient, us: Option<u32>) -> Self {
        let mut reach = Self::default();
        let current = ambient.current.as_deref().filter(|path| path.is_absolute());
        for folder in current.into_iter().flat_map(Path::ancestors) {
            let Ok(metadata) = std::fs::metadata(folder) else {
                break;
            };
            if !is_ours(&metadata, us) {
                reach.foreign = Some(folder.to_path_buf());
                break;
            }
            reach.folders.push(folder.to_path_buf());
            // A file, too, in a worktree or a submodule.
            if std::fs::symlink_metadata(folder.join(".git")).is_ok() {
                reach.repository = Some(folder.to_path_buf());
                break;
            }
            if ambient.home.as_deref() == Some(folder) {
                break;
            }
        }
        reach
    }
}

/// Looks into one folder that is ours; what lies in it can be another's.
fn in_folder(name: &Name, folder: &Path, us: Option<u32>) -> Option<Nearest> {
    let inner = folder.join(FOLDER);
    let path = inner.join(name.file());
    let broken = |problem: Problem| {
        Some(Nearest {
            path: path.clone(),
            state: super::state(&problem),
            text: None,
            problem: Some(problem),
        })
    };
    let foreign = |whose: &Path| {
        Some(Nearest {
            path: path.clone(),
            state: FileState::Untrusted(somebody_elses(whose)),
            text: None,
            problem: None,
        })
    };
    match std::fs::symlink_metadata(&inner) {
        Ok(metadata) if metadata.is_dir() && !is_ours(&metadata, us) => {
            // Whether the file is there at all can be hidden from us.
            return match std::fs::symlink_metadata(&path) {
                Err(error) if read::is_absence(&error) => None,
                _ => foreign(&inner),
            };
        }
        Ok(metadata) if metadata.is_dir() => {}
        // A link could lead to any folder, and a file is no folder.
        Ok(metadata) if metadata.is_symlink() => {
            return match std::fs::symlink_metadata(&path) {
                Err(error) if read::is_absence(&error) => None,
                _ => broken(Problem::NotAFile(
                    "behind a symbolic link, which is not followed here",
                )),
            };
        }
        Ok(_) => return None,
        Err(error) if read::is_absence(&error) => return None,
        Err(error) => return broken(Problem::Unreadable(words(&error))),
    }
    let file = match read::open(&path, Links::Refuse) {
        Ok(None) => return None,
        Ok(Some(file)) => file,
        Err(problem) => {
            // A file that is not ours, and that we cannot read, is not ours.
            let metadata = std::fs::symlink_metadata(&path);
            if metadata.is_ok_and(|metadata| !is_ours(&metadata, us)) {
                return foreign(&path);
            }
            return broken(problem);
        }
    };
    match file.metadata() {
        Ok(metadata) if !is_ours(&metadata, us) => return foreign(&path),
        Ok(_) => {}
        Err(error) => return broken(Problem::Unreadable(words(&error))),
    }
    match read::text(file) {
        Ok(text) => Some(Nearest {
            path,
            state: FileState::Read,
            text: Some(text),
            problem: None,
        }),
        Err(problem) => broken(problem),
    }
}

fn somebody_elses(whose: &Path) -> String {
    let whose = super::mask::printable(&whose.to_string_lossy());
    format!("`{whose}` belongs to somebody else")
}

/// The caller, where the system has owners.
fn us() -> Option<u32> {
    #[cfg(unix)]
    return Some(rustix::process::geteuid().as_raw());
    #[cfg(not(unix))]
    None
}

#[cfg(unix)]
fn is_ours(metadata: &Metadata, us: Option<u32>) -> bool {
    use std::os::unix::fs::MetadataExt;

    us.is_none_or(|us| metadata.uid() == us)
}

#[cfg(not(unix))]
fn is_ours(_metadata: &Metadata, _us: Option<u32>) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A home with folders in it, all of them the user's own.
    struct Home {
        _folder: tempfile::TempDir,
        ambient: Ambient,
    }

    impl Home {
        fn new(current: &str) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let home = folder.path().canonicalize().unwrap();
            std::fs::create_dir_all(home.join(current)).unwrap();
            let mut ambient = Ambient::empty();
            ambient.current = Some(home.join(current));
            ambient.home = Some(home);
            Self {
                _folder: folder,
                ambient,
            }
        }

        fn path(&self, below: &str) -> PathBuf {
            self.ambient.home.as_ref().unwrap().join(below)
        }

        fn write(&self, below: &str, text: &str) {
            let path = self.path(below);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        fn nearest(&self) -> Nearest {
            nearest(&"x".parse().unwrap(), &self.ambient).unwrap()
        }
    }

    fn read(path: PathBuf, text: &str) -> Nearest {
        Nearest {
            path,
            state: FileState::Read,
            text: Some(text.to_owned()),
            problem: None,
        }
    }

    fn absent(path: PathBuf) -> Nearest {
        Nearest {
            path,
            state: FileState::Absent,
            text: None,
            problem: None,
        }
    }

    #[test]
    fn the_nearest_restriction_is_the_only_one() {
        let home = Home::new("a/b/c");
        home.write("a/.keyrule/x.toml", "far");
        assert_eq!(home.nearest(), read(home.path("a/.keyrule/x.toml"), "far"));
        home.write("a/b/.keyrule/y.toml", "another name");
        home.write("a/b/.keyrule/x.toml", "near");
        assert_eq!(
            home.nearest(),
            read(home.path("a/b/.keyrule/x.toml"), "near")
        );
    }

    #[test]
    fn nothing_above_the_repository_counts() {
        let home = Home::new("a/b/c");
        home.write("a/.keyrule/x.toml", "outside");
        home.write("a/b/.git", "gitdir: elsewhere");
        assert_eq!(home.nearest(), absent(home.path("a/b/c/.keyrule/x.toml")));
        assert_eq!(project_root(&home.ambient), Some(home.path("a/b")));
        home.write("a/b/.keyrule/x.toml", "at the root");
        assert_eq!(
            home.nearest(),
            read(home.path("a/b/.keyrule/x.toml"), "at the root")
        );
    }

    #[test]
    fn nothing_above_home_counts() {
        let mut home = Home::new("a/b");
        home.write(".keyrule/x.toml", "outside");
        home.ambient.home = Some(home.path("a"));
        assert_eq!(
            nearest(&"x".parse().unwrap(), &home.ambient).unwrap().state,
            FileState::Absent
        );
    }

    #[test]
    fn without_a_repository_the_current_folder_is_the_project() {
        let mut home = Home::new("a/b");
        assert_eq!(project_root(&home.ambient), Some(home.path("a/b")));
        home.ambient.current.clone_from(&home.ambient.home);
        assert_eq!(project_root(&home.ambient), None);
        home.ambient.current = None;
        assert_eq!(project_root(&home.ambient), None);
    }

    #[test]
    fn a_restriction_that_cannot_be_read_is_not_skipped() {
        let home = Home::new("a");
        home.write("a/.keyrule/x.toml", "");
        let found = home.nearest();
        assert_eq!(found.state, FileState::Empty);
        assert_eq!(found.problem, Some(Problem::Empty));
        std::fs::remove_file(home.path("a/.keyrule/x.toml")).unwrap();
        std::fs::create_dir(home.path("a/.keyrule/x.toml")).unwrap();
        assert_eq!(
            home.nearest().problem,
            Some(Problem::NotAFile("a folder, not a file"))
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_of_a_project_are_not_followed() {
        let home = Home::new("a");
        home.write(".aws/credentials", "[default]");
        std::fs::create_dir(home.path("a/.keyrule")).unwrap();
        std::os::unix::fs::symlink(
            home.path(".aws/credentials"),
            home.path("a/.keyrule/x.toml"),
        )
        .unwrap();
        let found = home.nearest();
        assert_eq!(found.text, None);
        assert_eq!(
            found.problem,
            Some(Problem::NotAFile(
                "a symbolic link, which is not followed here"
            ))
        );
        // Nor is the folder one.
        std::fs::remove_dir_all(home.path("a/.keyrule")).unwrap();
        home.write("elsewhere/x.toml", "x");
        std::os::unix::fs::symlink(home.path("elsewhere"), home.path("a/.keyrule")).unwrap();
        assert_eq!(
            home.nearest().problem,
            Some(Problem::NotAFile(
                "behind a symbolic link, which is not followed here"
            ))
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_of_somebody_else_is_a_boundary() {
        let home = Home::new("a/b");
        let other = us().map(|us| us + 1);
        let reach = Reach::of(&home.ambient, other);
        assert_eq!(
            reach,
            Reach {
                foreign: Some(home.path("a/b")),
                ..Reach::default()
            }
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_of_somebody_else_is_reported_and_not_read() {
        let home = Home::new("a");
        home.write("a/.keyrule/x.toml", "drop = [\"login\"]");
        let other = us().map(|us| us + 1);
        let found = in_folder(&"x".parse().unwrap(), &home.path("a"), other).unwrap();
        assert_eq!(
            found,
            Nearest {
                path: home.path("a/.keyrule/x.toml"),
                state: FileState::Untrusted(format!(
                    "`{}` belongs to somebody else",
                    home.path("a/.keyrule").display()
                )),
                text: None,
                problem: None,
            }
        );
    }
}
