//! The walk from `/` to a managed file: each part opened below the one before
//! it, links resolved by hand, every part judged by what the opened part says
//! of itself. What goes in is a path; what comes out is the opened file or
//! folder. The reasons stand in the module above.
//!
//! A folder can be held: then walks begin at it, whatever its path leads to
//! by then.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat, StatVfsMountFlags};
use rustix::io::Errno;

use super::{Caller, Entry, Seen, Trust};
use crate::fs::read::only_files;
use crate::fs::{FileError as Problem, words};

/// How many links a path may lead through, as in Linux itself.
const LINKS: usize = 40;

/// How many bytes of a listing are taken at once: some 800 short names.
#[cfg(target_os = "linux")]
const LISTING: usize = 32 * 1024;

/// The id that Linux shows for owners without one, unless it is told another.
const OVERFLOW: u32 = 65534;

/// How folders on the way are opened. On Linux a handle is enough, for which
/// a folder need not be readable.
#[cfg(target_os = "linux")]
const ON_THE_WAY: OFlags = OFlags::PATH;
#[cfg(not(target_os = "linux"))]
const ON_THE_WAY: OFlags = OFlags::RDONLY;

/// Opens a file, or returns `None` where nothing is.
pub(super) fn open(trust: &Trust, path: &Path) -> Result<Option<File>, Problem> {
    file(Walk::to(trust, path)?)
}

/// Lists a folder, or returns `None` where nothing is.
pub(super) fn list(trust: &Trust, path: &Path) -> Result<Option<Vec<OsString>>, Problem> {
    hold(trust, path)?.map(|held| held.names()).transpose()
}

/// Opens a folder to look at what lies in it, or returns `None` where nothing
/// is.
pub(super) fn hold<'t>(trust: &'t Trust, path: &Path) -> Result<Option<Held<'t>>, Problem> {
    Held::of(trust, Walk::to(trust, path)?)
}

/// A folder that is believed and kept open.
#[derive(Debug)]
pub struct Held<'t> {
    trust: &'t Trust,
    folder: OwnedFd,
    /// What to call it.
    at: PathBuf,
}

impl<'t> Held<'t> {
    fn of(trust: &'t Trust, end: Option<End>) -> Result<Option<Self>, Problem> {
        match end {
            None => Ok(None),
            Some(End::File(_)) => Err(Problem::NotAFile("a file, not a folder")),
            Some(End::Folder(folder, at)) => Ok(Some(Self { trust, folder, at })),
        }
    }

    /// The names in it.
    pub fn names(&self) -> Result<Vec<OsString>, Problem> {
        let unlistable = |errno: Errno| Problem::Unlistable(words(&errno.into()));
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let readable =
            rustix::fs::openat(&self.folder, ".", flags, Mode::empty()).map_err(unlistable)?;
        let mut names = names(readable).map_err(unlistable)?;
        names.retain(|name| name != "." && name != "..");
        Ok(names)
    }

    /// What is told of the folder itself.
    pub fn mark(&self) -> Result<Mark, Problem> {
        let seen = rustix::fs::fstat(&self.folder).map_err(unreadable)?;
        Ok(Mark::of(&seen))
    }

    /// What is told of a name in it: of the name itself, and of what it leads
    /// to. `None` where nothing is.
    pub fn look(&self, name: &OsStr) -> Option<Entry> {
        let link = match rustix::fs::statat(&self.folder, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(seen) => seen,
            Err(Errno::NOENT) => return None,
            Err(_) => return Some(Entry::default()),
        };
        let target = if FileType::from_raw_mode(link.st_mode) == FileType::Symlink {
            rustix::fs::statat(&self.folder, name, AtFlags::empty()).ok()
        } else {
            Some(link)
        };
        Some(Entry {
            link: Some(Mark::of(&link)),
            target: target.as_ref().map(Mark::of),
        })
    }

    /// Opens a file below it, with what is told of the opened file.
    pub fn open(&self, name: &OsStr) -> Result<Option<(File, Mark)>, Problem> {
        let Some(file) = file(self.walk(name)?)? else {
            return Ok(None);
        };
        let seen = rustix::fs::fstat(&file).map_err(unreadable)?;
        Ok(Some((file, Mark::of(&seen))))
    }

    /// Opens a folder below it.
    pub fn hold(&self, name: &OsStr) -> Result<Option<Self>, Problem> {
        Self::of(self.trust, self.walk(name)?)
    }

    fn walk(&self, name: &OsStr) -> Result<Option<End>, Problem> {
        let folder = self
            .folder
            .try_clone()
            .map_err(|error| Problem::Unreadable(words(&error)))?;
        let walk = Walk::start(self.trust, folder, self.at.clone())?;
        walk.along(VecDeque::from([name.to_os_string()]))
    }
}

/// What the system tells of a file or folder, which changes whenever it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    device: i128,
    inode: i128,
    mode: u32,
    length: i128,
    modified: (i128, i128),
    changed: (i128, i128),
}

impl Mark {
    #[allow(
        clippy::unnecessary_cast,
        reason = "a mode has 16 bits on macOS and 32 on Linux"
    )]
    fn of(seen: &Stat) -> Self {
        Self {
            device: i128::from(seen.st_dev),
            inode: i128::from(seen.st_ino),
            mode: seen.st_mode as u32,
            length: i128::from(seen.st_size),
            modified: (i128::from(seen.st_mtime), i128::from(seen.st_mtime_nsec)),
            changed: (i128::from(seen.st_ctime), i128::from(seen.st_ctime_nsec)),
        }
    }

    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        #[allow(
            clippy::unnecessary_cast,
            reason = "a mode has 16 bits on macOS and 32 on Linux"
        )]
        let kind = FileType::from_raw_mode(self.mode as rustix::fs::RawMode);
        kind == FileType::Directory
    }
}

/// Lists an opened folder. On Linux one call lists it whole, unless it is very
/// large: between two calls, a name that is renamed can be missed in both.
#[cfg(target_os = "linux")]
fn names(folder: OwnedFd) -> rustix::io::Result<Vec<OsString>> {
    let mut buffer = Vec::with_capacity(LISTING);
    let mut entries = rustix::fs::RawDir::new(folder, buffer.spare_capacity_mut());
    let mut names = Vec::new();
    while let Some(entry) = entries.next() {
        names.push(OsString::from_vec(entry?.file_name().to_bytes().to_vec()));
    }
    Ok(names)
}

#[cfg(not(target_os = "linux"))]
fn names(folder: OwnedFd) -> rustix::io::Result<Vec<OsString>> {
    rustix::fs::Dir::new(folder)?
        .map(|entry| Ok(OsString::from_vec(entry?.file_name().to_bytes().to_vec())))
        .collect()
}

/// What a path leads to.
enum End {
    File(OwnedFd),
    Folder(OwnedFd, PathBuf),
}

fn file(end: Option<End>) -> Result<Option<File>, Problem> {
    match end {
        None => Ok(None),
        Some(End::File(file)) => Ok(Some(File::from(file))),
        Some(End::Folder(..)) => Err(Problem::NotAFile("a folder, not a file")),
    }
}

/// A walk under way.
struct Walk<'a> {
    trust: &'a Trust,
    caller: Caller,
    /// The folder that was reached.
    folder: OwnedFd,
    /// What to call it.
    at: PathBuf,
    /// The first part that is not believed. It is said only where the walk
    /// finds something: what is absent need not be believed.
    doubt: Option<Problem>,
}

impl<'a> Walk<'a> {
    fn to(trust: &'a Trust, path: &Path) -> Result<Option<End>, Problem> {
        let steps = steps_below(&trust.top, path)?;
        Self::start(trust, top(&trust.top)?, trust.top.clone())?.along(steps)
    }

    fn along(mut self, mut steps: VecDeque<OsString>) -> Result<Option<End>, Problem> {
        let trust = self.trust;
        let mut links = 0;
        // Whether the path itself is a link, which somebody meant to lead to
        // something.
        let mut is_link = false;
        while let Some(step) = steps.pop_front() {
            let Some(seen) = self.look(&step)? else {
                return self.nothing(is_link);
            };
            match FileType::from_raw_mode(seen.st_mode) {
                FileType::Symlink => {
                    links += 1;
                    if links > LINKS {
                        return Err(Problem::Unreadable("it has too many links".to_owned()));
                    }
                    is_link |= steps.is_empty();
                    let target = self.follow(&step, &seen)?;
                    let mut next = if target.is_absolute() {
                        self.restart()?;
                        steps_below(&trust.top, &target)?
                    } else {
                        steps_of(&target)
                    };
                    next.append(&mut steps);
                    steps = next;
                }
                FileType::Directory => self.enter(&step)?,
                // Only a folder has something below it.
                _ if !steps.is_empty() => return self.nothing(is_link),
                _ => return self.open(&step).map(Some),
            }
        }
        self.believed()
            .map(|walk| Some(End::Folder(walk.folder, walk.at)))
    }

    fn start(trust: &'a Trust, folder: OwnedFd, at: PathBuf) -> Result<Self, Problem> {
        let mut walk = Self {
            trust,
            caller: Caller {
                user: rustix::process::geteuid().as_raw(),
                overflow: overflow_id(),
            },
            folder,
            at,
            doubt: None,
        };
        walk.judge_folder()?;
        Ok(walk)
    }

    fn restart(&mut self) -> Result<(), Problem> {
        self.folder = top(&self.trust.top)?;
        self.at.clone_from(&self.trust.top);
        self.judge_folder()
    }

    /// What a name in the folder is, without following it.
    fn look(&self, step: &OsString) -> Result<Option<Stat>, Problem> {
        match rustix::fs::statat(&self.folder, step, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(seen) => Ok(Some(seen)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(unreadable(errno)),
        }
    }

    fn follow(&mut self, step: &OsString, seen: &Stat) -> Result<PathBuf, Problem> {
        let path = self.at.join(step);
        let folder = self
            .folder
            .try_clone()
            .map_err(|error| Problem::Unreadable(words(&error)))?;
        self.judge(&path, seen, folder.as_fd());
        let target = rustix::fs::readlinkat(&self.folder, step, Vec::new()).map_err(unreadable)?;
        Ok(PathBuf::from(OsString::from_vec(target.into_bytes())))
    }

    fn enter(&mut self, step: &OsString) -> Result<(), Problem> {
        let flags = ON_THE_WAY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        self.folder =
            rustix::fs::openat(&self.folder, step, flags, Mode::empty()).map_err(unreadable)?;
        if step == ".." {
            self.at.pop();
        } else {
            self.at.push(step);
        }
        self.judge_folder()
    }

    fn open(mut self, step: &OsString) -> Result<End, Problem> {
        let path = self.at.join(step);
        let seen = self.look(step)?;
        if let Some(seen) = seen {
            refuse_unless_file(&seen)?;
        }
        // It is not opened before the way to it is believed: to open can have
        // effects of its own.
        self = self.believed()?;
        let flags =
            OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened =
            rustix::fs::openat(&self.folder, step, flags, Mode::empty()).map_err(unreadable)?;
        let file = File::from(opened);
        let kind = file
            .metadata()
            .map_err(|error| Problem::Unreadable(words(&error)))?
            .file_type();
        only_files(kind)?;
        let opened = OwnedFd::from(file);
        let seen = rustix::fs::fstat(&opened).map_err(unreadable)?;
        self.judge(&path, &seen, opened.as_fd());
        self.believed()?;
        Ok(End::File(opened))
    }

    fn judge_folder(&mut self) -> Result<(), Problem> {
        let seen = rustix::fs::fstat(&self.folder).map_err(unreadable)?;
        let folder = self
            .folder
            .try_clone()
            .map_err(|error| Problem::Unreadable(words(&error)))?;
        let at = self.at.clone();
        self.judge(&at, &seen, folder.as_fd());
        Ok(())
    }

    fn judge(&mut self, path: &Path, seen: &Stat, mount: impl AsFd) {
        if self.doubt.is_some() {
            return;
        }
        #[allow(
            clippy::unnecessary_cast,
            reason = "a mode has 16 bits on macOS and 32 on Linux"
        )]
        let judged = Seen {
            owner: seen.st_uid,
            mode: seen.st_mode as u32,
            link: FileType::from_raw_mode(seen.st_mode) == FileType::Symlink,
            read_only: seen.st_uid == self.caller.overflow
                && rustix::fs::fstatvfs(mount)
                    .is_ok_and(|mount| mount.f_flag.contains(StatVfsMountFlags::RDONLY)),
        };
        self.doubt = self
            .trust
            .judge(judged, self.caller)
            .err()
            .map(|doubt| doubt.info(path));
    }

    fn believed(mut self) -> Result<Self, Problem> {
        match self.doubt.take() {
            Some(doubt) => Err(doubt),
            None => Ok(self),
        }
    }

    fn nothing(self, is_link: bool) -> Result<Option<End>, Problem> {
        if is_link {
            return Err(Problem::Unreadable("it is a link to nothing".to_owned()));
        }
        Ok(None)
    }
}

fn top(path: &Path) -> Result<OwnedFd, Problem> {
    let flags = ON_THE_WAY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::open(path, flags, Mode::empty()).map_err(unreadable)
}

fn steps_below(top: &Path, path: &Path) -> Result<VecDeque<OsString>, Problem> {
    match path.strip_prefix(top) {
        Ok(below) => Ok(steps_of(below)),
        Err(_) => Err(Problem::Untrusted {
            culprit: path.to_path_buf(),
            why: "lies outside of what is believed".to_owned(),
            mend: None,
        }),
    }
}

fn steps_of(path: &Path) -> VecDeque<OsString> {
    path.components()
        .filter(|part| matches!(part, Component::Normal(_) | Component::ParentDir))
        .map(|part| part.as_os_str().to_os_string())
        .collect()
}

fn refuse_unless_file(seen: &Stat) -> Result<(), Problem> {
    Err(Problem::NotAFile(
        match FileType::from_raw_mode(seen.st_mode) {
            FileType::RegularFile => return Ok(()),
            FileType::Fifo => "a named pipe, not a file",
            FileType::Socket => "a socket, not a file",
            FileType::CharacterDevice | FileType::BlockDevice => "a device, not a file",
            _ => "not a file",
        },
    ))
}

fn unreadable(errno: Errno) -> Problem {
    Problem::Unreadable(words(&errno.into()))
}

/// It does not change while a system runs, so it is read once.
fn overflow_id() -> u32 {
    static ID: OnceLock<u32> = OnceLock::new();
    *ID.get_or_init(|| {
        std::fs::read_to_string("/proc/sys/kernel/overflowuid")
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(OVERFLOW)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    /// A folder that is believed, for whoever runs the tests.
    struct Place {
        folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let place = Self { folder };
            place.mode("", 0o755);
            place
        }

        fn path(&self, below: &str) -> PathBuf {
            let top = self.folder.path().canonicalize().unwrap();
            if below.is_empty() {
                top
            } else {
                top.join(below)
            }
        }

        fn trust(&self) -> Trust {
            Trust::of_owner(rustix::process::geteuid().as_raw(), self.path(""))
        }

        fn mode(&self, below: &str, mode: u32) {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(self.path(below), mode).unwrap();
        }

        fn folder(&self, below: &str, mode: u32) {
            std::fs::create_dir(self.path(below)).unwrap();
            self.mode(below, mode);
        }

        fn file(&self, below: &str, mode: u32) {
            std::fs::write(self.path(below), below).unwrap();
            self.mode(below, mode);
        }

        /// What is read there, or what is wrong.
        fn read(&self, below: &str) -> Result<Option<String>, Problem> {
            let opened = self.trust().open(&self.path(below))?;
            Ok(opened.map(|mut file| {
                let mut text = String::new();
                file.read_to_string(&mut text).unwrap();
                text
            }))
        }

        fn doubt(&self, below: &str) -> (PathBuf, String) {
            match self.read(below) {
                Err(Problem::Untrusted { culprit, why, .. }) => (culprit, why),
                other => panic!("believed, or refused for another reason: {other:?}"),
            }
        }
    }

    fn text(text: &str) -> Result<Option<String>, Problem> {
        Ok(Some(text.to_owned()))
    }

    #[test]
    fn a_file_below_believed_folders_is_opened() {
        let place = Place::new();
        place.folder("a", 0o755);
        place.file("a/x", 0o644);
        assert_eq!(place.read("a/x"), text("a/x"));
        assert_eq!(place.read("a/../a/x"), text("a/x"));
    }

    #[test]
    fn a_file_that_others_may_write_is_not_believed() {
        let place = Place::new();
        place.file("group", 0o664);
        place.file("everybody", 0o646);
        assert_eq!(
            place.doubt("group"),
            (
                place.path("group"),
                "can be written by its group".to_owned()
            )
        );
        assert_eq!(
            place.doubt("everybody"),
            (
                place.path("everybody"),
                "can be written by everybody".to_owned()
            )
        );
    }

    #[test]
    fn a_folder_above_that_others_may_write_is_to_blame() {
        let place = Place::new();
        place.folder("a", 0o1777);
        place.folder("a/b", 0o755);
        place.file("a/b/x", 0o644);
        assert_eq!(
            place.doubt("a/b/x"),
            (place.path("a"), "can be written by everybody".to_owned())
        );
        assert!(matches!(
            place.trust().list(&place.path("a/b")),
            Err(Problem::Untrusted { .. })
        ));
    }

    #[test]
    fn what_is_absent_need_not_be_believed() {
        let place = Place::new();
        place.folder("a", 0o777);
        place.file("x", 0o644);
        assert_eq!(place.read("a/b/x"), Ok(None));
        assert_eq!(place.read("x/y"), Ok(None));
        assert_eq!(place.trust().list(&place.path("b")), Ok(None));
    }

    #[test]
    fn a_link_is_walked_part_by_part() {
        let place = Place::new();
        place.folder("a", 0o755);
        place.folder("open", 0o777);
        place.file("a/x", 0o644);
        place.file("open/x", 0o644);
        symlink("../a/x", place.path("a/relative")).unwrap();
        symlink(place.path("a"), place.path("absolute")).unwrap();
        symlink("open/x", place.path("bad")).unwrap();
        symlink("a/none", place.path("dangling")).unwrap();
        symlink("circle", place.path("circle")).unwrap();
        symlink("/etc/passwd", place.path("outside")).unwrap();
        assert_eq!(place.read("a/relative"), text("a/x"));
        assert_eq!(place.read("absolute/relative"), text("a/x"));
        assert_eq!(place.read("absolute/none"), Ok(None));
        assert_eq!(
            place.doubt("bad"),
            (place.path("open"), "can be written by everybody".to_owned())
        );
        let broken = |words: &str| Err(Problem::Unreadable(words.to_owned()));
        assert_eq!(place.read("dangling"), broken("it is a link to nothing"));
        assert_eq!(place.read("circle"), broken("it has too many links"));
        assert_eq!(place.doubt("outside").0, PathBuf::from("/etc/passwd"));
    }

    #[test]
    fn only_files_are_files_and_only_folders_are_folders() {
        let place = Place::new();
        place.folder("a", 0o755);
        place.file("x", 0o644);
        let pipe = std::process::Command::new("mkfifo")
            .arg(place.path("pipe"))
            .status();
        assert!(pipe.unwrap().success());
        place.mode("pipe", 0o644);
        let refused = |what| Err(Problem::NotAFile(what));
        assert_eq!(place.read("a"), refused("a folder, not a file"));
        assert_eq!(place.read("pipe"), refused("a named pipe, not a file"));
        assert_eq!(
            place.trust().list(&place.path("x")),
            Err(Problem::NotAFile("a file, not a folder"))
        );
    }

    #[test]
    fn a_folder_is_listed_in_order() {
        let place = Place::new();
        place.folder("a", 0o755);
        for name in ["a/b", "a/.hidden", "a/a"] {
            place.file(name, 0o644);
        }
        let names = [".hidden", "a", "b"].map(OsString::from).to_vec();
        assert_eq!(place.trust().list(&place.path("a")), Ok(Some(names)));
    }

    #[test]
    fn a_file_in_the_folder_for_temporary_files_is_never_believed() {
        // Whoever runs this: the folder above can be written by everybody, or
        // belongs to the user.
        let place = Place::new();
        place.file("x", 0o644);
        let opened = Trust::default().open(&place.path("x"));
        assert!(
            matches!(opened, Err(Problem::Untrusted { .. })),
            "{opened:?}"
        );
    }

    #[test]
    fn what_belongs_to_another_than_the_believed_one_is_not_believed() {
        let place = Place::new();
        place.file("x", 0o644);
        let user = rustix::process::geteuid().as_raw();
        let trust = Trust::of_owner(user + 1, place.path(""));
        assert_eq!(
            trust.open(&place.path("x")).unwrap_err(),
            Problem::Untrusted {
                culprit: place.path(""),
                why: format!("belongs to user {user}, not to root"),
                mend: Some(format!(
                    "an administrator has to check what it says, and then type \
                     `sudo chown root {}`",
                    place.path("").display()
                )),
            }
        );
    }
}
