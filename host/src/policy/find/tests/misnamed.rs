//! Managed files whose names are not those of policies.

use super::*;

/// The states in the managed folder, by path below it.
fn states(machine: &Machine, name: &str) -> Vec<(String, FileState)> {
    let folder = machine.path("etc/keyrule");
    machine
        .states(name)
        .into_iter()
        .filter_map(|(_, path, state)| {
            let path = path.strip_prefix(&folder).ok()?;
            Some((path.display().to_string(), state))
        })
        .collect()
}

fn not_counted(machine: &Machine) -> Vec<(String, String, bool)> {
    states(machine, "claude-code")
        .into_iter()
        .filter_map(|(path, state)| match state {
            FileState::NotCounted { why, expected } => Some((path, why, expected)),
            _ => None,
        })
        .collect()
}

#[test]
fn a_name_that_differs_in_case_or_white_space_alone_is_refused() {
    for (file, right, place) in [
        ("claude-code.d/10.TOML", "10.toml", "restriction"),
        ("claude-code.d/10.Toml", "10.toml", "restriction"),
        ("claude-code.d/10.toml ", "10.toml", "restriction"),
        ("claude-code.d/10.toml\u{200b}", "10.toml", "restriction"),
        ("claude-code.d/10. toml\n", "10.toml", "restriction"),
        ("CLAUDE-CODE.toml", "claude-code.toml", "policy"),
        ("Claude-Code.TOML", "claude-code.toml", "policy"),
        ("claude-code.TOML", "claude-code.toml", "policy"),
        (" claude-code.toml", "claude-code.toml", "policy"),
        ("claude-code.D/10.toml", "claude-code.d", "folder"),
        ("Claude-Code.d/10.toml", "claude-code.d", "folder"),
        ("claude-code.d /10.toml", "claude-code.d", "folder"),
    ] {
        let machine = Machine::new();
        machine.write(&format!("etc/keyrule/{file}"), "drop = [\"api-key\"]");
        let error = find("claude-code", &machine.ambient).unwrap_err();
        assert_eq!(
            (error.code(), error.kind()),
            ("policy-misnamed", keyrule_contract::ErrorKind::Policy)
        );
        let path = machine.path("etc/keyrule").join(match place {
            "folder" => file.split('/').next().unwrap(),
            _ => file,
        });
        assert_eq!(error.path(), Some(path.as_path()), "{file}");
        assert!(
            error
                .to_string()
                .ends_with(&format!(" does not apply: its name must be `{right}`")),
            "{error}"
        );
        let called = match place {
            "policy" => "the managed policy `",
            "restriction" => "the managed restriction `",
            _ => "the folder of managed restrictions `",
        };
        assert!(error.to_string().starts_with(called), "{error}");
        // The fix is true.
        std::fs::rename(&path, path.with_file_name(right)).unwrap();
        assert_eq!(machine.documents("claude-code").len(), 2, "{file}");
    }
}

#[test]
fn a_misnamed_file_is_refused_beside_the_right_one() {
    let machine = Machine::new();
    machine.write("etc/keyrule/claude-code.d/10.toml", "drop = [\"api-key\"]");
    machine.write("etc/keyrule/claude-code.d/10.TOML", "drop = [\"login\"]");
    let error = find("claude-code", &machine.ambient).unwrap_err();
    assert_eq!(error.code(), "policy-misnamed");
    let right = machine.path("etc/keyrule/claude-code.d/10.toml");
    assert_eq!(
        error.hint(),
        Some(format!(
            "`{}` is also there: an administrator has to remove one of them",
            right.display()
        ))
    );
}

#[test]
fn a_misnamed_file_of_another_name_refuses_names_that_nothing_manages() {
    for file in ["y.TOML", "y.toml ", "y.D/10.toml", "y.d/10.TOML"] {
        let machine = Machine::new();
        machine.write(&format!("etc/keyrule/{file}"), "x = 1");
        machine.write("home/.config/keyrule/x.toml", "user");
        let documents = machine.documents("x");
        assert_eq!(documents[0].0, DocumentOrigin::ManagedOther, "{file}");
        assert_eq!(documents[0].2, "others = \"refuse\"\n", "{file}");
        let states = states(&machine, "x");
        assert!(
            states.iter().any(|(_, state)| matches!(
                state,
                FileState::NotCounted {
                    expected: false,
                    ..
                }
            )),
            "{states:?}"
        );
    }
}

#[test]
fn every_other_name_is_named_and_not_refused() {
    let machine = Machine::new();
    for file in [
        "10.toml.txt",
        "claude-code",
        "claude-code.conf",
        "claude-code.json",
        "claude-code.yaml",
        "claude-code/10.toml",
        "claude-code.d/10",
        "claude-code.d/10.conf",
        "claude-code.d/more/10.toml",
        "LICENSE",
        "README.md",
        "prefer.wasm",
        "other.d",
    ] {
        machine.write(
            &format!("etc/keyrule/{}", file.replace("claude-code/", "folder/")),
            "x",
        );
    }
    let ending = "its name does not end in `.toml`";
    let folder = "it is a folder whose name does not end in `.d`";
    let expected = [
        ("claude-code.d/10", ending, false),
        ("claude-code.d/10.conf", ending, false),
        ("claude-code.d/more", "it is a folder, not a file", false),
        ("10.toml.txt", ending, false),
        ("LICENSE", ending, true),
        ("README.md", ending, true),
        ("claude-code", ending, false),
        ("claude-code.conf", ending, false),
        ("claude-code.json", ending, false),
        ("claude-code.yaml", ending, false),
        ("folder", folder, false),
        ("other.d", "it is a file, and its name is a folder's", false),
        ("prefer.wasm", ending, true),
    ]
    .map(|(path, why, expected)| (path.to_owned(), why.to_owned(), expected));
    assert_eq!(not_counted(&machine), expected);
    // None of them is a document.
    assert_eq!(machine.documents("claude-code").len(), 1);
}

#[test]
fn hidden_files_and_copies_are_not_named() {
    let machine = Machine::new();
    for folder in ["", "claude-code.d/"] {
        for file in [
            ".hidden.toml",
            ".10.toml.swp",
            "10.toml~",
            "#10.toml#",
            ".#10.toml",
            "10.toml.bak",
            "10.TOML.bak",
            "10.toml.orig",
            "10.toml.rej",
            "10.toml.old",
            "10.toml.save",
            "10.toml.tmp",
            "10.toml.dpkg-old",
            "10.toml.dpkg-dist",
            "10.toml.ucf-new",
            "10.toml.rpmsave",
            "10.toml.rpmnew",
            "10.toml.pacnew",
            "10.toml.apk-new",
            "10.toml,v",
        ] {
            machine.write(&format!("etc/keyrule/{folder}{file}"), "x");
        }
    }
    assert_eq!(not_counted(&machine), []);
    assert_eq!(machine.documents("claude-code").len(), 1);
}

#[test]
fn a_folder_in_the_place_of_a_file_and_the_reverse_stay_errors() {
    let machine = Machine::new();
    machine.folder("etc/keyrule/claude-code.toml");
    assert_eq!(machine.code("claude-code"), "policy-not-a-file");
    let machine = Machine::new();
    machine.write("etc/keyrule/claude-code.d", "x");
    assert_eq!(machine.code("claude-code"), "policy-not-a-file");
    let machine = Machine::new();
    machine.folder("etc/keyrule/claude-code.d/10.toml");
    assert_eq!(machine.code("claude-code"), "policy-not-a-file");
}

#[test]
fn the_folders_of_the_user_and_the_project_are_named_on_request_alone() {
    let machine = Machine::new();
    for file in [
        "home/.config/keyrule/Claude-Code.toml",
        "home/.config/keyrule/claude-code.yaml",
        "home/.config/keyrule/claude-code.d/10.toml",
        "home/.config/keyrule/claude-code.toml.bak",
        "home/.config/keyrule/claude-code.test.toml",
        "home/.config/keyrule/other.yaml",
        "home/work/.keyrule/claude-code.TOML",
    ] {
        machine.write(file, "x");
    }
    assert_eq!(machine.documents("claude-code").len(), 1);
    let reports = ignored::beside(&"claude-code".parse().unwrap(), &machine.ambient);
    let named: Vec<_> = reports
        .iter()
        .map(|report| (report.place, report.path.clone()))
        .collect();
    assert_eq!(
        named,
        ["Claude-Code.toml", "claude-code.d", "claude-code.yaml",]
            .map(|file| (
                DocumentOrigin::User,
                machine.path("home/.config/keyrule").join(file)
            ))
            .into_iter()
            .chain([(
                DocumentOrigin::Project,
                machine.path("home/work/.keyrule/claude-code.TOML")
            )])
            .collect::<Vec<_>>()
    );
    let state = FileState::NotCounted {
        why: "its name must be `claude-code.toml`".to_owned(),
        expected: false,
    };
    assert!(reports.iter().all(|report| report.state == state));
}
