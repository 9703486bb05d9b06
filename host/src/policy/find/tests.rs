use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::policy::trust::Trust;

mod changing;
mod misnamed;

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
    fn documents(&self, name: &str) -> Vec<(DocumentOrigin, String, String)> {
        let top = format!("{}/", self.path("").display()).replace("//", "/");
        find(name, &self.ambient)
            .unwrap()
            .documents
            .into_iter()
            .map(|found| (found.origin, found.path.replace(&top, ""), found.text))
            .collect()
    }

    fn states(&self, name: &str) -> Vec<(DocumentOrigin, PathBuf, FileState)> {
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

fn document(place: DocumentOrigin, path: &str, text: &str) -> (DocumentOrigin, String, String) {
    (place, path.to_owned(), text.to_owned())
}

#[test]
fn with_nothing_else_the_built_in_policy_is_the_only_document() {
    let machine = Machine::new();
    let text = builtin::text("claude-code").unwrap();
    assert_eq!(
        machine.documents("claude-code"),
        [document(
            DocumentOrigin::Builtin,
            "builtin:claude-code.toml",
            text
        )]
    );
    assert_eq!(
        machine.states("claude-code"),
        [
            (
                DocumentOrigin::Builtin,
                "builtin:claude-code.toml".into(),
                FileState::Read
            ),
            (
                DocumentOrigin::Managed,
                machine.path("etc/keyrule/claude-code.toml"),
                FileState::Absent
            ),
            (
                DocumentOrigin::User,
                machine.path("home/.config/keyrule/claude-code.toml"),
                FileState::Absent
            ),
            (
                DocumentOrigin::Project,
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
            document(DocumentOrigin::Managed, "etc/keyrule/x.toml", "managed"),
            document(
                DocumentOrigin::ManagedRestriction,
                "etc/keyrule/x.d/10.toml",
                "first"
            ),
            document(
                DocumentOrigin::ManagedRestriction,
                "etc/keyrule/x.d/20.toml",
                "second"
            ),
            document(DocumentOrigin::ManagedOther, "etc/keyrule/y.toml", "other"),
            document(DocumentOrigin::User, "home/.config/keyrule/x.toml", "user"),
            document(
                DocumentOrigin::Project,
                "home/work/.keyrule/x.toml",
                "project"
            ),
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
            document(
                DocumentOrigin::ManagedOther,
                "etc/keyrule/claude-code.d/a.toml",
                ""
            ),
            document(DocumentOrigin::User, "home/.config/keyrule/x.toml", "user"),
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
            assert_eq!(documents[0].0, DocumentOrigin::ManagedOther);
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
        .find(|(place, ..)| *place == DocumentOrigin::ManagedOther);
    let path = machine.path("etc/keyrule/y.toml");
    let why = format!("`{}` can be written by everybody", path.display());
    assert_eq!(
        reported,
        Some((
            DocumentOrigin::ManagedOther,
            path,
            FileState::Untrusted(why)
        ))
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
