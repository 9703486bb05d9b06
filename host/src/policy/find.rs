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
use keyrule_contract::{Document, Place};

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
                Err(problem) => return self.managed_silently(path, super::state(&problem)),
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
            Err(problem) => self.managed_silently(path, super::state(&problem)),
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
        self.report(place, path.clone(), super::state(&problem));
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
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// A machine with an administrator, who here is whoever runs the tests.
    struct Machine {
        folder: tempfile::TempDir,
        ambient: Ambient,
    }

    impl Machine {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let top = folder.path().canonicalize().unwrap();
            let mut ambient =
                Ambient::empty().with_variable("XDG_CONFIG_HOME", top.join("home/.config"));
            ambient.home = Some(top.join("home"));
            ambient.current = Some(top.join("home/work"));
            ambient.managed = Some(top.join("etc/keyrule"));
            ambient.trust = Trust::of_owner(rustix::process::geteuid().as_raw(), &top);
            let machine = Self { folder, ambient };
            machine.mode("", 0o755);
            machine.folder("home/work");
            machine
        }

        fn path(&self, below: &str) -> PathBuf {
            self.folder.path().canonicalize().unwrap().join(below)
        }

        fn mode(&self, below: &str, mode: u32) {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(self.path(below), mode).unwrap();
        }

        fn folder(&self, below: &str) {
            let mut path = PathBuf::new();
            for part in Path::new(below) {
                path.push(part);
                if std::fs::create_dir(self.path(path.to_str().unwrap())).is_ok() {
                    self.mode(path.to_str().unwrap(), 0o755);
                }
            }
        }

        fn write(&self, below: &str, text: &str) {
            self.folder(Path::new(below).parent().unwrap().to_str().unwrap());
            std::fs::write(self.path(below), text).unwrap();
            self.mode(below, 0o644);
        }

        fn survey(&self, name: &str) -> Survey {
            Survey::of(&name.parse().unwrap(), &self.ambient)
        }

        /// The documents as place, path below the machine's root, and text.
        fn documents(&self, name: &str) -> Vec<(Place, String, String)> {
            let top = format!("{}/", self.path("").display()).replace("//", "/");
            find(name, &self.ambient)
                .unwrap()
                .documents
                .into_iter()
                .map(|found| (found.place, found.path.replace(&top, ""), found.text))
                .collect()
        }

        fn states(&self, name: &str) -> Vec<(Place, PathBuf, FileState)> {
            let reports = self.survey(name).found.reports;
            reports
                .into_iter()
                .map(|found| (found.place, found.path, found.state))
                .collect()
        }

        fn code(&self, name: &str) -> &'static str {
            find(name, &self.ambient).unwrap_err().code()
        }
    }

    fn document(place: Place, path: &str, text: &str) -> (Place, String, String) {
        (place, path.to_owned(), text.to_owned())
    }

    #[test]
    fn with_nothing_else_the_built_in_policy_is_the_only_document() {
        let machine = Machine::new();
        let text = builtin::text("claude-code").unwrap();
        assert_eq!(
            machine.documents("claude-code"),
            [document(Place::Builtin, "builtin:claude-code.toml", text)]
        );
        assert_eq!(
            machine.states("claude-code"),
            [
                (
                    Place::Builtin,
                    "builtin:claude-code.toml".into(),
                    FileState::Read
                ),
                (
                    Place::Managed,
                    machine.path("etc/keyrule/claude-code.toml"),
                    FileState::Absent
                ),
                (
                    Place::User,
                    machine.path("home/.config/keyrule/claude-code.toml"),
                    FileState::Absent
                ),
                (
                    Place::Project,
                    machine.path("home/work/.keyrule/claude-code.toml"),
                    FileState::Absent
                ),
            ]
        );
    }

    #[test]
    fn every_place_gives_its_document_in_a_fixed_order() {
        let machine = Machine::new();
        machine.write("etc/keyrule/x.toml", "managed");
        machine.write("etc/keyrule/x.d/20.toml", "second");
        machine.write("etc/keyrule/x.d/10.toml", "first");
        machine.write("etc/keyrule/x.d/.hidden.toml", "no");
        machine.write("etc/keyrule/x.d/10.toml~", "no");
        machine.write("etc/keyrule/y.toml", "other");
        machine.write("etc/keyrule/.z.toml", "no");
        machine.write("etc/keyrule/README", "no");
        machine.write("home/.config/keyrule/x.toml", "user");
        machine.write("home/work/.keyrule/x.toml", "project");
        assert_eq!(
            machine.documents("x"),
            [
                document(Place::Managed, "etc/keyrule/x.toml", "managed"),
                document(
                    Place::ManagedRestriction,
                    "etc/keyrule/x.d/10.toml",
                    "first"
                ),
                document(
                    Place::ManagedRestriction,
                    "etc/keyrule/x.d/20.toml",
                    "second"
                ),
                document(Place::ManagedOther, "etc/keyrule/y.toml", "other"),
                document(Place::User, "home/.config/keyrule/x.toml", "user"),
                document(Place::Project, "home/work/.keyrule/x.toml", "project"),
            ]
        );
    }

    #[test]
    fn a_name_that_nobody_wrote_is_unknown() {
        let machine = Machine::new();
        assert_eq!(machine.code("x"), "policy-unknown");
        assert_eq!(machine.code("../x"), "policy-name");
    }

    #[test]
    fn an_empty_folder_of_restrictions_is_absent() {
        let machine = Machine::new();
        let before = machine.documents("claude-code");
        machine.folder("etc/keyrule/claude-code.d");
        machine.folder("etc/keyrule/other.d");
        assert_eq!(machine.documents("claude-code"), before);
    }

    #[test]
    fn restrictions_of_another_name_say_that_something_is_managed() {
        let machine = Machine::new();
        machine.write("home/.config/keyrule/x.toml", "user");
        machine.write("etc/keyrule/claude-code.d/a.toml", "drop = [\"api-key\"]");
        assert_eq!(
            machine.documents("x"),
            [
                document(Place::ManagedOther, "etc/keyrule/claude-code.d/a.toml", ""),
                document(Place::User, "home/.config/keyrule/x.toml", "user"),
            ]
        );
    }

    #[test]
    fn a_managed_file_that_cannot_be_taken_refuses_its_name() {
        for (text, mode, code) in [
            ("", 0o644, "policy-empty"),
            ("x", 0o664, "policy-untrusted"),
            ("x", 0o646, "policy-untrusted"),
            ("x\0", 0o644, "policy-binary"),
        ] {
            for file in [
                "etc/keyrule/claude-code.toml",
                "etc/keyrule/claude-code.d/a.toml",
            ] {
                let machine = Machine::new();
                machine.write(file, text);
                machine.mode(file, mode);
                assert_eq!(machine.code("claude-code"), code, "{file} {mode:o}");
                // Another name is refused by the engine, which is told only
                // that something is managed.
                machine.write("home/.config/keyrule/x.toml", "user");
                let documents = machine.documents("x");
                assert_eq!(documents.len(), 2);
                assert_eq!(documents[0].0, Place::ManagedOther);
                let refuses = documents[0].2 == "others = \"refuse\"\n";
                let restricts = file.ends_with(".d/a.toml") && documents[0].2.is_empty();
                assert!(refuses || restricts, "{file}: {}", documents[0].2);
            }
        }
    }

    #[test]
    fn a_broken_managed_file_of_another_name_is_reported() {
        let machine = Machine::new();
        machine.write("etc/keyrule/y.toml", "others = \"allow\"");
        machine.mode("etc/keyrule/y.toml", 0o666);
        let states = machine.states("claude-code");
        let reported = states
            .into_iter()
            .find(|(place, ..)| *place == Place::ManagedOther);
        let path = machine.path("etc/keyrule/y.toml");
        let why = format!("`{}` can be written by everybody", path.display());
        assert_eq!(
            reported,
            Some((Place::ManagedOther, path, FileState::Untrusted(why)))
        );
    }

    #[test]
    fn a_managed_folder_that_is_not_believed_refuses_every_name() {
        let machine = Machine::new();
        machine.folder("etc/keyrule");
        machine.mode("etc/keyrule", 0o775);
        assert_eq!(machine.code("claude-code"), "policy-untrusted");
        // Nor is one that is no folder.
        let machine = Machine::new();
        machine.write("etc/keyrule", "x");
        assert_eq!(machine.code("claude-code"), "policy-not-a-file");
    }

    #[test]
    fn a_broken_file_of_the_user_or_the_project_is_an_error() {
        for file in [
            "home/.config/keyrule/claude-code.toml",
            "home/work/.keyrule/claude-code.toml",
        ] {
            let machine = Machine::new();
            machine.write(file, " \n");
            assert_eq!(machine.code("claude-code"), "policy-empty");
            machine.write(file, &"#".repeat(read::LIMIT + 1));
            assert_eq!(machine.code("claude-code"), "policy-too-large");
            std::fs::write(machine.path(file), b"\xff").unwrap();
            assert_eq!(machine.code("claude-code"), "policy-not-utf8");
            std::fs::remove_file(machine.path(file)).unwrap();
            machine.folder(file);
            let error = find("claude-code", &machine.ambient).unwrap_err();
            assert_eq!(error.code(), "policy-not-a-file");
            assert_eq!(error.path(), Some(machine.path(file).as_path()));
            assert_eq!(error.kind(), keyrule_contract::ErrorKind::Policy);
        }
    }

    #[test]
    fn everything_that_is_wrong_is_found_at_once() {
        let machine = Machine::new();
        machine.write("etc/keyrule/x.toml", "");
        machine.write("home/.config/keyrule/x.toml", "a\0");
        machine.write("home/work/.keyrule/x.toml", "");
        let errors = machine.survey("x").errors;
        let codes: Vec<_> = errors.iter().map(Error::code).collect();
        assert_eq!(codes, ["policy-empty", "policy-binary", "policy-empty"]);
    }

    #[test]
    fn without_a_home_or_a_current_folder_the_rest_is_found() {
        let text = builtin::text("claude-code").unwrap();
        let found = find("claude-code", &Ambient::empty()).unwrap();
        assert_eq!(found.documents.len(), 1);
        assert_eq!(found.documents[0].text, text);
        assert_eq!(found.reports.len(), 1);
    }

    #[test]
    fn debug_prints_no_text() {
        let machine = Machine::new();
        machine.write("home/.config/keyrule/x.toml", "sk-canary-0123456789");
        let found = find("x", &machine.ambient).unwrap();
        assert!(!format!("{found:?}").contains("canary"));
    }
}
