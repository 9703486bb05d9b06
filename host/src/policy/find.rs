//! Every document of one name. What goes in is the name and the world around;
//! what comes out are the documents for the engine, in a fixed order, and a
//! report on every place that was looked at. What exists and must not be
//! skipped, and cannot be taken either, is an error; the survey goes on, so
//! that everything that is wrong can be shown at once.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::read::{self, Links};
use super::trust::Trust;
use super::{Error, FileReport, FileState, Name, Problem, builtin, project};
use crate::ambient::Ambient;
use crate::engine::bindings::{Document, Place};

/// Every document of one name, and every place that was looked at.
#[derive(Clone, Default)]
pub struct Found {
    /// What the engine is to load.
    pub documents: Vec<Document>,
    /// Every place where a document can be, and what is there.
    pub reports: Vec<FileReport>,
}

/// Prints no texts: a file can hold anything.
impl std::fmt::Debug for Found {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let paths: Vec<_> = self.documents.iter().map(|found| &found.path).collect();
        formatter
            .debug_struct("Found")
            .field("documents", &paths)
            .field("reports", &self.reports)
            .finish()
    }
}

/// Finds the documents of a name. Whatever must not be skipped and cannot be
/// taken is the error, the first one where there are several.
pub fn find(name: &str, ambient: &Ambient) -> Result<Found, Error> {
    let survey = Survey::of(&name.parse()?, ambient);
    match survey.errors.into_iter().next() {
        Some(error) => Err(error),
        None => Ok(survey.found),
    }
}

/// What `find` finds, with all that is wrong.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    /// What was found.
    pub found: Found,
    /// Why it must not be used; empty where it may.
    pub errors: Vec<Error>,
}

impl Survey {
    /// Looks at every place.
    pub(crate) fn of(name: &Name, ambient: &Ambient) -> Self {
        let mut survey = Self::default();
        survey.builtin(name);
        survey.managed(name, ambient);
        survey.user(name, ambient);
        survey.project(name, ambient);
        if survey.errors.is_empty() && survey.found.documents.is_empty() {
            survey.errors.push(Error::Unknown {
                name: name.to_string(),
                user: ambient
                    .config_folder()
                    .map(|folder| folder.join(name.file())),
            });
        }
        survey
    }

    fn builtin(&mut self, name: &Name) {
        let path = PathBuf::from(builtin::path(name.as_str()));
        match builtin::text(name.as_str()) {
            Some(text) => self.took(Place::Builtin, path, text.to_owned()),
            None => self.report(Place::Builtin, path, FileState::Absent),
        }
    }

    /// Everything in the managed folder. Where the folder itself is there and
    /// cannot be listed or believed, nobody knows what it forbids.
    fn managed(&mut self, name: &Name, ambient: &Ambient) {
        let Some(folder) = ambient.managed.as_deref() else {
            return;
        };
        let names = match list(&ambient.trust, folder) {
            Ok(names) => names.unwrap_or_default(),
            Err(problem) => return self.refuse(Place::Managed, folder.to_path_buf(), problem),
        };
        // Asked for by its name and not only where it is listed: some file
        // systems know a name by other spellings.
        let own = folder.join(name.file());
        match read_managed(&ambient.trust, &own) {
            Ok(Some(text)) => self.took(Place::Managed, own, text),
            Ok(None) => self.report(Place::Managed, own, FileState::Absent),
            Err(problem) => self.refuse(Place::Managed, own, problem),
        }
        self.restrictions(&ambient.trust, &folder.join(name.folder()));
        for other in names {
            if !is(&other, &name.file()) && !is(&other, &name.folder()) {
                self.other(&ambient.trust, &folder.join(other));
            }
        }
    }

    /// The administrator's restrictions, `NAME.d/*.toml`, in their order.
    fn restrictions(&mut self, trust: &Trust, folder: &Path) {
        let names = match list(trust, folder) {
            Ok(names) => names.unwrap_or_default(),
            Err(problem) => {
                return self.refuse(Place::ManagedRestriction, folder.to_path_buf(), problem);
            }
        };
        for path in names
            .iter()
            .filter(|name| is_policy(name))
            .map(|name| folder.join(name))
        {
            match read_managed(trust, &path) {
                Ok(Some(text)) => self.took(Place::ManagedRestriction, path, text),
                Ok(None) => {}
                Err(problem) => self.refuse(Place::ManagedRestriction, path, problem),
            }
        }
    }

    /// What the administrator wrote for another name: a policy, or a folder of
    /// restrictions. That it is there is what counts. Only of a policy that
    /// can be read and believed does the engine get the text.
    fn other(&mut self, trust: &Trust, path: &Path) {
        if path.extension() == Some(OsStr::new("d")) {
            let names = match list(trust, path) {
                // A file that ends in `.d` is nobody's policy.
                Err(Problem::NotAFile(_)) | Ok(None) => return,
                Ok(Some(names)) => names,
                Err(problem) => return self.managed_silently(path, problem.state()),
            };
            if let Some(restriction) = names.iter().find(|name| is_policy(name)) {
                self.managed_silently(&path.join(restriction), FileState::Read);
            }
            return;
        }
        if !path.file_name().is_some_and(is_policy) {
            return;
        }
        match read_managed(trust, path) {
            Ok(Some(text)) => self.took(Place::ManagedOther, path.to_path_buf(), text),
            Ok(None) => {}
            Err(problem) => self.managed_silently(path, problem.state()),
        }
    }

    fn user(&mut self, name: &Name, ambient: &Ambient) {
        let Some(folder) = ambient.config_folder() else {
            return;
        };
        let path = folder.join(name.file());
        let text =
            read::open(&path, Links::Follow).and_then(|file| file.map(read::text).transpose());
        match text {
            Ok(Some(text)) => self.took(Place::User, path, text),
            Ok(None) => self.report(Place::User, path, FileState::Absent),
            Err(problem) => self.refuse(Place::User, path, problem),
        }
    }

    fn project(&mut self, name: &Name, ambient: &Ambient) {
        let Some(nearest) = project::nearest(name, ambient) else {
            return;
        };
        match (nearest.text, nearest.problem) {
            (Some(text), _) => self.took(Place::Project, nearest.path, text),
            (None, Some(problem)) => self.refuse(Place::Project, nearest.path, problem),
            (None, None) => self.report(Place::Project, nearest.path, nearest.state),
        }
    }

    fn took(&mut self, place: Place, path: PathBuf, text: String) {
        self.document(place, &path, text);
        self.report(place, path, FileState::Read);
    }

    fn managed_silently(&mut self, path: &Path, state: FileState) {
        // A folder of restrictions says nothing of other names; what cannot be
        // believed might have said no, so it does.
        let text = match state {
            FileState::Read => "",
            _ => "others = \"refuse\"\n",
        };
        self.document(Place::ManagedOther, path, text.to_owned());
        self.report(Place::ManagedOther, path.to_path_buf(), state);
    }

    fn document(&mut self, place: Place, path: &Path, text: String) {
        self.found.documents.push(Document {
            place,
            path: path.to_string_lossy().into_owned(),
            text,
        });
    }

    fn report(&mut self, place: Place, path: PathBuf, state: FileState) {
        self.found.reports.push(FileReport { place, path, state });
    }

    fn refuse(&mut self, place: Place, path: PathBuf, problem: Problem) {
        self.report(place, path.clone(), problem.state());
        self.errors.push(Error::File {
            place,
            path,
            problem,
        });
    }
}

fn read_managed(trust: &Trust, path: &Path) -> Result<Option<String>, Problem> {
    trust.open(path)?.map(read::text).transpose()
}

/// Lists a folder. That it cannot be opened is the same as that it cannot be
/// listed.
fn list(trust: &Trust, folder: &Path) -> Result<Option<Vec<OsString>>, Problem> {
    trust.list(folder).map_err(|problem| match problem {
        Problem::Unreadable(words) => Problem::Unlistable(words),
        other => other,
    })
}

/// Whether a name in a folder is a policy file's: hidden ones and those of
/// editors are not.
fn is_policy(name: impl AsRef<OsStr>) -> bool {
    let name = name.as_ref();
    !name.as_encoded_bytes().starts_with(b".")
        && Path::new(name).extension() == Some(OsStr::new("toml"))
}

/// Whether a listed name is the one that was asked for, as the systems' usual
/// file systems see it.
fn is(listed: &OsStr, name: &str) -> bool {
    if cfg!(any(windows, target_os = "macos")) {
        listed.eq_ignore_ascii_case(name)
    } else {
        listed == name
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
