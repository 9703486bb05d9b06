//! Whether a managed file may be believed. What goes in is a path; what comes
//! out is the opened file, or why not. A managed file counts only where
//! nobody but the administrator could have written it: the file and every
//! folder above it belong to root, and neither a group nor everybody may write
//! them. Nothing here reads what the file says.
//!
//! How it is looked at: the path is walked from `/` one part at a time, each
//! opened below the one before it, without following links, and judged by
//! what the *opened* part says of itself. A folder that was judged good can
//! be changed by root alone, so what is looked up in it cannot be exchanged
//! by anybody else between two steps. A symbolic link is judged by its owner
//! (its mode means nothing) and walked in the same way, part by part.
//!
//! What is covered and what is not:
//! - A sticky folder that everybody may write, such as `/tmp`, is refused:
//!   there, anybody could be first to make the file.
//! - A group that may write is refused whichever group it is. An image for
//!   arbitrary user ids runs its programs in group 0, so even group `root` is
//!   no administrator.
//! - POSIX access lists are covered: where a list exists, the group bits of
//!   the mode are its mask, and an entry for another user or group grants
//!   writing only if the mask has it. Lists of NFSv4 and macOS are not: they
//!   do not show in the mode.
//! - In a rootless container or a user namespace the files of the real root
//!   seem to belong to the overflow id, and so do those of every other user
//!   outside. They are believed on a read-only mount alone, never by root of
//!   that namespace, and never by a caller that itself is the overflow id.
//! - Whoever may be root (or, with a capability, override modes) is not
//!   stopped; neither is the owner of a machine who shows the program another
//!   `/etc`.

#[cfg(not(unix))]
#[path = "trust/unchecked.rs"]
mod walk;
#[cfg(unix)]
mod walk;

pub use walk::{Held, Mark};

use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};

use crate::fs::FileError as Problem;

/// Whose files are believed, and from where on they are looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust {
    /// The user id that must own everything.
    owner: u32,
    /// The folder that the walk begins at.
    top: PathBuf,
}

/// Root's files, walked from `/`.
impl Default for Trust {
    fn default() -> Self {
        Self {
            owner: 0,
            top: PathBuf::from("/"),
        }
    }
}

impl Trust {
    /// Believes the files of another user, below a folder that is believed
    /// itself. For tests and for embedders that bring a managed folder of
    /// their own; the program uses [`Trust::default`] alone.
    #[must_use]
    pub fn of_owner(owner: u32, top: impl Into<PathBuf>) -> Self {
        Self {
            owner,
            top: top.into(),
        }
    }

    /// Opens a managed file, or returns `None` where nothing is.
    pub fn open(&self, path: &Path) -> Result<Option<File>, Problem> {
        walk::open(self, path)
    }

    /// Opens a managed folder to look at what lies in it, or returns `None`
    /// where nothing is.
    pub fn hold(&self, path: &Path) -> Result<Option<Held<'_>>, Problem> {
        walk::hold(self, path)
    }

    /// Lists a managed folder, its names in order, or returns `None` where
    /// nothing is.
    pub fn list(&self, path: &Path) -> Result<Option<Vec<OsString>>, Problem> {
        let names = walk::list(self, path)?;
        Ok(names.map(|mut names| {
            names.sort();
            names
        }))
    }
}

/// What a name in a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Entry {
    /// The name itself, which can be a link; `None` where the system does not
    /// tell.
    pub link: Option<Mark>,
    /// What it leads to; `None` where the system does not tell, or nothing is
    /// there.
    pub target: Option<Mark>,
}

impl Entry {
    /// Whether it leads to a folder.
    #[must_use]
    pub fn is_folder(&self) -> bool {
        self.target.is_some_and(|target| target.is_folder())
    }
}

/// What a file or folder says of itself.
#[cfg_attr(not(unix), allow(dead_code, reason = "judged on unix alone"))]
#[derive(Debug, Clone, Copy)]
pub struct Seen {
    /// The user id that owns it.
    owner: u32,
    /// Its mode, of which the permissions count.
    mode: u32,
    /// Whether it is a symbolic link, whose mode means nothing.
    link: bool,
    /// Whether it lies on a read-only mount.
    read_only: bool,
}

/// Who asks.
#[cfg_attr(not(unix), allow(dead_code, reason = "judged on unix alone"))]
#[derive(Debug, Clone, Copy)]
pub struct Caller {
    /// The effective user id.
    user: u32,
    /// What this system shows for an owner that it has no id for.
    overflow: u32,
}

/// Why something is not believed.
#[cfg_attr(not(unix), allow(dead_code, reason = "judged on unix alone"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// It belongs to this user.
    Owner(u32),
    /// It belongs to a user who has no id in this namespace.
    Unmapped,
    /// Its group may write it.
    Group,
    /// Everybody may write it.
    Everybody,
}

#[cfg_attr(not(unix), allow(dead_code, reason = "judged on unix alone"))]
impl Trust {
    /// Judges one part of a path.
    fn judge(&self, seen: Seen, caller: Caller) -> Result<(), Doubt> {
        if seen.owner != self.owner {
            let unmapped = seen.owner == caller.overflow && seen.read_only;
            let could_be_ours = caller.user == 0 || caller.user == caller.overflow;
            if !unmapped || could_be_ours {
                return Err(
                    if seen.owner == caller.overflow && caller.user != caller.overflow {
                        Doubt::Unmapped
                    } else {
                        Doubt::Owner(seen.owner)
                    },
                );
            }
        }
        if seen.link {
            return Ok(());
        }
        if seen.mode & 0o002 != 0 {
            return Err(Doubt::Everybody);
        }
        if seen.mode & 0o020 != 0 {
            return Err(Doubt::Group);
        }
        Ok(())
    }
}

#[cfg_attr(not(unix), allow(dead_code, reason = "judged on unix alone"))]
impl Doubt {
    /// The same as a problem, with what would mend it.
    fn info(self, culprit: &Path) -> Problem {
        let shown = crate::text::typed(culprit);
        let (why, mend) = match self {
            Self::Unmapped => {
                return Problem::Untrusted {
                    culprit: culprit.to_path_buf(),
                    why: "belongs to a user who has no id here, as in a rootless container"
                        .to_owned(),
                    mend: Some(format!(
                        "run it there as another user than root, with {shown} and what is above it mounted read-only"
                    )),
                };
            }
            Self::Owner(user) => (
                format!("belongs to user {user}, not to root"),
                format!("sudo chown root {shown}"),
            ),
            Self::Group => (
                "can be written by its group".to_owned(),
                format!("sudo chmod g-w {shown}"),
            ),
            Self::Everybody => (
                "can be written by everybody".to_owned(),
                format!("sudo chmod go-w {shown}"),
            ),
        };
        Problem::Untrusted {
            culprit: culprit.to_path_buf(),
            why,
            mend: Some(format!(
                "an administrator has to check what it says, and then type `{mend}`"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OVERFLOW: u32 = 65534;

    fn judge(user: u32, owner: u32, mode: u32, read_only: bool) -> Result<(), Doubt> {
        let seen = Seen {
            owner,
            mode,
            link: false,
            read_only,
        };
        let caller = Caller {
            user,
            overflow: OVERFLOW,
        };
        Trust::default().judge(seen, caller)
    }

    #[test]
    fn what_root_alone_may_write_is_believed() {
        for user in [0, 1000, OVERFLOW] {
            for mode in [0o100_644, 0o100_600, 0o040_755, 0o040_711, 0o104_555] {
                assert_eq!(judge(user, 0, mode, false), Ok(()));
            }
        }
    }

    #[test]
    fn what_a_group_or_everybody_may_write_is_not() {
        for user in [0, 1000] {
            for read_only in [false, true] {
                assert_eq!(judge(user, 0, 0o100_664, read_only), Err(Doubt::Group));
                assert_eq!(judge(user, 0, 0o100_666, read_only), Err(Doubt::Everybody));
                assert_eq!(judge(user, 0, 0o100_646, read_only), Err(Doubt::Everybody));
            }
        }
    }

    #[test]
    fn a_sticky_folder_that_everybody_may_write_is_not() {
        assert_eq!(judge(1000, 0, 0o041_777, false), Err(Doubt::Everybody));
        assert_eq!(judge(1000, 0, 0o041_775, false), Err(Doubt::Group));
    }

    #[test]
    fn another_owner_is_not_believed_least_of_all_the_caller() {
        for read_only in [false, true] {
            assert_eq!(
                judge(1000, 1000, 0o100_444, read_only),
                Err(Doubt::Owner(1000))
            );
            assert_eq!(
                judge(1000, 1001, 0o100_444, read_only),
                Err(Doubt::Owner(1001))
            );
            assert_eq!(
                judge(0, 1000, 0o100_444, read_only),
                Err(Doubt::Owner(1000))
            );
        }
    }

    #[test]
    fn the_overflow_id_is_believed_on_a_read_only_mount_alone() {
        assert_eq!(judge(1000, OVERFLOW, 0o100_644, true), Ok(()));
        let doubt = Err(Doubt::Unmapped);
        assert_eq!(judge(1000, OVERFLOW, 0o100_644, false), doubt);
        assert_eq!(judge(1000, OVERFLOW, 0o100_664, true), Err(Doubt::Group));
        // Root of a namespace, and a caller who is `nobody` himself.
        assert_eq!(judge(0, OVERFLOW, 0o100_644, true), doubt);
        let own = Err(Doubt::Owner(OVERFLOW));
        assert_eq!(judge(OVERFLOW, OVERFLOW, 0o100_644, true), own);
    }

    #[test]
    fn a_link_is_judged_by_its_owner() {
        let link = |owner| Seen {
            owner,
            mode: 0o120_777,
            link: true,
            read_only: false,
        };
        let caller = Caller {
            user: 1000,
            overflow: OVERFLOW,
        };
        assert_eq!(Trust::default().judge(link(0), caller), Ok(()));
        assert_eq!(
            Trust::default().judge(link(1000), caller),
            Err(Doubt::Owner(1000))
        );
    }

    #[test]
    fn a_doubt_says_what_would_mend_it() {
        let problem = Doubt::Group.info(Path::new("/etc/keyrule"));
        assert_eq!(
            problem.to_string(),
            "is not trusted: `/etc/keyrule` can be written by its group"
        );
        let Problem::Untrusted { mend, .. } = problem else {
            panic!("another problem");
        };
        assert_eq!(
            mend.as_deref(),
            Some(
                "an administrator has to check what it says, and then type \
                 `sudo chmod g-w /etc/keyrule`"
            )
        );
    }
}
