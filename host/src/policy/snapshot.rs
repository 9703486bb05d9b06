//! The managed folder as of one moment: it is listed, read and listed again,
//! below one held folder. Where anything differs, what was read is dropped
//! and all of it read anew; where it differs every time, nothing is decided.
//!
//! Without that, a restriction is missed that is renamed between the listing
//! and the opening, and files of two updates are mixed.
//!
//! A folder that is moved away before another is put in its place is absent
//! in between, and counts as absent then: exchange the two, or a link to them.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use super::trust::{Entry, Held, Mark, Trust};
use super::{Problem, ignored, read};

/// How often the folder is read before it counts as changing.
const PASSES: u32 = 3;

/// How long an update gets to complete before the next pass.
const PAUSE: Duration = Duration::from_millis(10);

/// What was read and what is there are no longer the same.
#[derive(Debug)]
pub(super) struct Moved;

/// What was found, unless it moved.
pub(super) type Read<T> = Result<Result<Option<T>, Problem>, Moved>;

/// Reads a managed folder with `read`, which is called again where the folder
/// changes meanwhile. `None` where nothing is.
pub(super) fn take<'t, T>(
    trust: &'t Trust,
    path: &Path,
    read: impl Fn(&mut Pass<'t>, &Folder<'t>) -> Result<T, Moved>,
) -> Result<Option<T>, Problem> {
    for pass in 0..PASSES {
        if pass > 0 {
            std::thread::sleep(PAUSE);
        }
        if let Ok(taken) = attempt(trust, path, &read) {
            return taken;
        }
    }
    Err(Problem::Changing)
}

fn attempt<'t, T>(
    trust: &'t Trust,
    path: &Path,
    read: impl Fn(&mut Pass<'t>, &Folder<'t>) -> Result<T, Moved>,
) -> Read<T> {
    let mut pass = Pass::default();
    let top = match trust.hold(path) {
        Ok(Some(held)) => pass.add(held)?,
        Ok(None) => Ok(None),
        Err(problem) => Err(unlistable(problem)),
    };
    let top = match top {
        Ok(Some(top)) => top,
        // The same, asked once more: it can have been amid an exchange.
        nothing => {
            let again = trust
                .hold(path)
                .and_then(|held| held.map(|held| held.names()).transpose())
                .map_err(unlistable);
            return match (nothing, again) {
                (Ok(None), Ok(None)) => Ok(Ok(None)),
                (Err(problem), Err(again)) if problem == again => Ok(Err(problem)),
                _ => Err(Moved),
            };
        }
    };
    let taken = read(&mut pass, &top)?;
    let is_same = pass.folders.iter().all(|folder| folder.is_same())
        && trust
            .hold(path)
            .is_ok_and(|held| held.is_some_and(|held| held.mark() == Ok(top.mark)));
    if is_same {
        Ok(Ok(Some(taken)))
    } else {
        Err(Moved)
    }
}

/// That a folder cannot be opened is the same as that it cannot be listed.
fn unlistable(problem: Problem) -> Problem {
    match problem {
        Problem::Unreadable(words) => Problem::Unlistable(words),
        other => other,
    }
}

/// One pass, with every folder that was listed in it.
#[derive(Default)]
pub(super) struct Pass<'t> {
    folders: Vec<Rc<Folder<'t>>>,
}

impl<'t> Pass<'t> {
    /// Lists a folder in another.
    pub(super) fn folder(&mut self, above: &Folder<'t>, name: &OsStr) -> Read<Rc<Folder<'t>>> {
        match above.held.hold(name) {
            Ok(Some(held)) => self.add(held),
            Ok(None) => above.nothing(name),
            Err(problem) => Ok(Err(unlistable(problem))),
        }
    }

    fn add(&mut self, held: Held<'t>) -> Read<Rc<Folder<'t>>> {
        Ok(match Folder::of(held)? {
            Ok(folder) => {
                let folder = Rc::new(folder);
                self.folders.push(Rc::clone(&folder));
                Ok(Some(folder))
            }
            Err(problem) => Err(problem),
        })
    }
}

/// A folder that was listed.
pub(super) struct Folder<'t> {
    held: Held<'t>,
    mark: Mark,
    entries: Vec<(OsString, Entry)>,
}

impl<'t> Folder<'t> {
    fn of(held: Held<'t>) -> Result<Result<Self, Problem>, Moved> {
        let listed = held.mark().and_then(|mark| Ok((mark, held.names()?)));
        let (mark, mut names) = match listed {
            Ok(listed) => listed,
            Err(problem) => return Ok(Err(unlistable(problem))),
        };
        names.retain(|name| !ignored::is_hidden_or_copy(name));
        names.sort();
        let entries: Option<Vec<_>> = names
            .into_iter()
            .map(|name| held.look(&name).map(|entry| (name, entry)))
            .collect();
        Ok(Ok(Self {
            entries: entries.ok_or(Moved)?,
            held,
            mark,
        }))
    }

    /// What lies in it, in order, without hidden files and copies.
    pub(super) fn entries(&self) -> &[(OsString, Entry)] {
        &self.entries
    }

    /// Reads a file in it, by a name that need not be listed: some file
    /// systems know a file by other spellings.
    pub(super) fn text(&self, name: &OsStr) -> Read<String> {
        match self.held.open(name) {
            Ok(Some((_, opened)))
                if self
                    .listed(name)
                    .is_some_and(|listed| listed.target.is_some_and(|target| target != opened)) =>
            {
                Err(Moved)
            }
            Ok(Some((file, _))) => Ok(read::text(file).map(Some)),
            Ok(None) => self.nothing(name),
            Err(problem) => Ok(Err(problem)),
        }
    }

    /// What a name is that need not be listed.
    pub(super) fn look(&self, name: &OsStr) -> Option<Entry> {
        self.held.look(name)
    }

    /// Whether a name is listed.
    pub(super) fn lists(&self, name: &OsStr) -> bool {
        self.listed(name).is_some()
    }

    fn listed(&self, name: &OsStr) -> Option<&Entry> {
        let mut entries = self.entries.iter();
        entries.find_map(|(listed, entry)| (listed == name).then_some(entry))
    }

    /// Nothing is there by this name, which was listed or not.
    fn nothing<T>(&self, name: &OsStr) -> Read<T> {
        match self.listed(name) {
            Some(_) => Err(Moved),
            None => Ok(Ok(None)),
        }
    }

    fn is_same(&self) -> bool {
        let mut names = match self.held.names() {
            Ok(names) if self.held.mark() == Ok(self.mark) => names,
            _ => return false,
        };
        names.retain(|name| !ignored::is_hidden_or_copy(name));
        names.sort();
        names.len() == self.entries.len()
            && names
                .iter()
                .zip(&self.entries)
                .all(|(name, (listed, entry))| {
                    name == listed && self.held.look(name).as_ref() == Some(entry)
                })
    }
}
