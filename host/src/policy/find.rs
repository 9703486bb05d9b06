//! Every document of one name. What goes in is the name and the world around;
//! what comes out are the documents for the engine, in a fixed order, and a
//! report on every place that was looked at. What exists and must not be
//! skipped, and cannot be taken either, is an error; the survey goes on, so
//! that everything that is wrong can be shown at once.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use super::read::{self, Links};
use super::snapshot::{self, Folder, Moved, Pass};
use super::trust::Entry;
use super::{Error, FileReport, FileState, Name, Problem, builtin, ignored, project};
use crate::ambient::Ambient;
use keyrule_contract::{Document, DocumentOrigin};

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
pub struct Survey {
    /// What was found.
    pub found: Found,
    /// Why it must not be used; empty where it may.
    pub errors: Vec<Error>,
}

impl Survey {
    /// Looks at every place.
    pub fn of(name: &Name, ambient: &Ambient) -> Self {
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
            Some(text) => self.took(DocumentOrigin::Builtin, path, text.to_owned()),
            None => self.report(DocumentOrigin::Builtin, path, FileState::Absent),
        }
    }

    /// Everything in the managed folder. Where the folder itself is there and
    /// cannot be listed or believed, nobody knows what it forbids.
    fn managed(&mut self, name: &Name, ambient: &Ambient) {
        let Some(path) = ambient.managed.as_deref() else {
            return;
        };
        let taken = snapshot::take(&ambient.trust, path, |pass, folder| {
            let mut survey = Self::default();
            let managed = Managed { path, folder, name };
            managed.survey(pass, &mut survey)?;
            Ok(survey)
        });
        match taken {
            Ok(Some(taken)) => {
                self.found.documents.extend(taken.found.documents);
                self.found.reports.extend(taken.found.reports);
                self.errors.extend(taken.errors);
            }
            Ok(None) => self.report(
                DocumentOrigin::Managed,
                path.join(name.file()),
                FileState::Absent,
            ),
            Err(problem) => self.refuse(DocumentOrigin::Managed, path.to_path_buf(), problem),
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
            Ok(Some(text)) => self.took(DocumentOrigin::User, path, text),
            Ok(None) => self.report(DocumentOrigin::User, path, FileState::Absent),
            Err(problem) => self.refuse(DocumentOrigin::User, path, problem),
        }
    }

    fn project(&mut self, name: &Name, ambient: &Ambient) {
        let Some(nearest) = project::nearest(name, ambient) else {
            return;
        };
        match (nearest.text, nearest.problem) {
            (Some(text), _) => self.took(DocumentOrigin::Project, nearest.path, text),
            (None, Some(problem)) => self.refuse(DocumentOrigin::Project, nearest.path, problem),
            (None, None) => self.report(DocumentOrigin::Project, nearest.path, nearest.state),
        }
    }

    fn took(&mut self, place: DocumentOrigin, path: PathBuf, text: String) {
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
        self.document(DocumentOrigin::ManagedOther, path, text.to_owned());
        self.report(DocumentOrigin::ManagedOther, path.to_path_buf(), state);
    }

    fn document(&mut self, place: DocumentOrigin, path: &Path, text: String) {
        self.found.documents.push(Document {
            origin: place,
            path: path.to_string_lossy().into_owned(),
            text,
        });
    }

    fn report(&mut self, place: DocumentOrigin, path: PathBuf, state: FileState) {
        self.found.reports.push(FileReport { place, path, state });
    }

    fn refuse(&mut self, place: DocumentOrigin, path: PathBuf, problem: Problem) {
        self.report(place, path.clone(), super::state(&problem));
        self.errors.push(Error::File {
            place,
            path,
            problem,
        });
    }
}

/// The managed folder in one pass over it.
struct Managed<'p, 't> {
    path: &'p Path,
    folder: &'p Folder<'t>,
    name: &'p Name,
}

impl<'t> Managed<'_, 't> {
    fn survey(&self, pass: &mut Pass<'t>, survey: &mut Survey) -> Result<(), Moved> {
        let (file, folder) = (self.name.file(), self.name.folder());
        // Asked for by its name and not only where it is listed: some file
        // systems know a name by other spellings.
        let own = self.path.join(&file);
        match self.folder.text(file.as_ref())? {
            Ok(Some(text)) => survey.took(DocumentOrigin::Managed, own, text),
            Ok(None) => survey.report(DocumentOrigin::Managed, own, FileState::Absent),
            Err(problem) => survey.refuse(DocumentOrigin::Managed, own, problem),
        }
        self.restrictions(pass, survey)?;
        for (other, entry) in self.folder.entries() {
            if self.is(other, entry, &file) || self.is(other, entry, &folder) {
                continue;
            }
            let path = self.path.join(other);
            let wanted = if entry.is_folder() {
                folder.clone()
            } else {
                file.clone()
            };
            if ignored::is_alike(other, &wanted) {
                let place = if entry.is_folder() {
                    DocumentOrigin::ManagedRestriction
                } else {
                    DocumentOrigin::Managed
                };
                let taken = self.folder.look(wanted.as_ref()).is_some();
                let right = wanted;
                survey.refuse(place, path, Problem::Misnamed { right, taken });
            } else {
                self.other(pass, survey, other, entry)?;
            }
        }
        Ok(())
    }

    /// Whether what is listed is what was asked for by this name.
    fn is(&self, listed: &OsStr, entry: &Entry, name: &str) -> bool {
        listed == name
            || ignored::is_alike(listed, name)
                && !self.folder.lists(name.as_ref())
                && self.folder.look(name.as_ref()).as_ref() == Some(entry)
    }

    /// The administrator's restrictions, `NAME.d/*.toml`, in their order.
    fn restrictions(&self, pass: &mut Pass<'t>, survey: &mut Survey) -> Result<(), Moved> {
        let place = DocumentOrigin::ManagedRestriction;
        let path = self.path.join(self.name.folder());
        let folder = match pass.folder(self.folder, self.name.folder().as_ref())? {
            Ok(Some(folder)) => folder,
            Ok(None) => return Ok(()),
            Err(problem) => {
                survey.refuse(place, path, problem);
                return Ok(());
            }
        };
        for (name, entry) in folder.entries() {
            let path = path.join(name);
            if ignored::is_policy(name) {
                match folder.text(name)? {
                    Ok(Some(text)) => survey.took(place, path, text),
                    Ok(None) => return Err(Moved),
                    Err(problem) => survey.refuse(place, path, problem),
                }
            } else if let Some(right) = ignored::right(name, entry)
                && !entry.is_folder()
            {
                let taken = folder.look(right.as_ref()).is_some();
                survey.refuse(place, path, Problem::Misnamed { right, taken });
            } else {
                survey.report(place, path, ignored::in_restrictions(name, entry));
            }
        }
        Ok(())
    }

    /// What the administrator wrote for another name: a policy, or a folder of
    /// restrictions. That it is there is what counts. Only of a policy that
    /// can be read and believed does the engine get the text.
    fn other(
        &self,
        pass: &mut Pass<'t>,
        survey: &mut Survey,
        name: &OsStr,
        entry: &Entry,
    ) -> Result<(), Moved> {
        let path = self.path.join(name);
        if ignored::is_policy(name) {
            match self.folder.text(name)? {
                Ok(Some(text)) => survey.took(DocumentOrigin::ManagedOther, path, text),
                Ok(None) => return Err(Moved),
                Err(problem) => survey.managed_silently(&path, super::state(&problem)),
            }
        } else if Path::new(name).extension() == Some(OsStr::new("d")) {
            match pass.folder(self.folder, name)? {
                Ok(Some(folder)) => other_restrictions(survey, &path, folder.entries()),
                Ok(None) => return Err(Moved),
                // A file that ends in `.d` is nobody's policy.
                Err(Problem::NotAFile(_)) => {
                    survey.report(
                        DocumentOrigin::Managed,
                        path,
                        ignored::in_folder(name, entry),
                    );
                }
                Err(problem) => survey.managed_silently(&path, super::state(&problem)),
            }
        } else if let Some(right) = ignored::right(name, entry) {
            let taken = self.folder.lists(right.as_ref());
            survey.managed_silently(&path, super::state(&Problem::Misnamed { right, taken }));
        } else {
            survey.report(
                DocumentOrigin::Managed,
                path,
                ignored::in_folder(name, entry),
            );
        }
        Ok(())
    }
}

/// Another name's folder of restrictions: one of them, and that it is meant to
/// be one, says that something is managed.
fn other_restrictions(survey: &mut Survey, folder: &Path, entries: &[(OsString, Entry)]) {
    let mut names = entries.iter();
    if let Some((restriction, _)) = names.find(|(name, _)| ignored::is_policy(name)) {
        survey.managed_silently(&folder.join(restriction), FileState::Read);
    }
    for (name, entry) in entries {
        if let Some(right) = ignored::right(name, entry)
            && !entry.is_folder()
        {
            let taken = entries.iter().any(|(other, _)| *other == *right);
            let state = super::state(&Problem::Misnamed { right, taken });
            survey.managed_silently(&folder.join(name), state);
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests;
