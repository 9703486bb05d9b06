//! The managed folder while an administrator changes it.

use std::cell::Cell;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

const DROP: &str = "drop = [\"api-key\"]\n";

/// Finds again and again while another thread changes something, and counts
/// the documents and the refusals.
struct Race {
    found: Vec<Vec<(DocumentOrigin, String, String)>>,
    refused: usize,
}

impl Race {
    fn run(machine: &Machine, finds: usize, change: impl Fn() + Sync) -> Self {
        let done = AtomicBool::new(false);
        let mut race = Self {
            found: Vec::new(),
            refused: 0,
        };
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    change();
                }
            });
            let _done = SetOnDrop(&done);
            for _ in 0..finds {
                match find("claude-code", &machine.ambient) {
                    Ok(found) => race.found.push(
                        found
                            .documents
                            .into_iter()
                            .filter(|document| document.origin != DocumentOrigin::Builtin)
                            .map(|document| (document.origin, document.path, document.text))
                            .collect(),
                    ),
                    Err(error) => {
                        assert_eq!(error.code(), "policy-folder-changing", "{error}");
                        assert_eq!(error.kind(), keyrule_contract::ErrorKind::Policy);
                        race.refused += 1;
                    }
                }
            }
        });
        race
    }
}

/// Ends the change, also where a find fails.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_restriction_is_not_lost_while_it_is_renamed() {
    for (finds, pause) in [(60, 0), (120, 100), (120, 5000)] {
        let machine = Machine::new();
        machine.write("etc/keyrule/claude-code.d/10.toml", DROP);
        let one = machine.path("etc/keyrule/claude-code.d/10.toml");
        let other = machine.path("etc/keyrule/claude-code.d/20.toml");
        let race = Race::run(&machine, finds, || {
            let pause = || std::thread::sleep(std::time::Duration::from_micros(pause));
            std::fs::rename(&one, &other).unwrap();
            pause();
            std::fs::rename(&other, &one).unwrap();
            pause();
        });
        for found in &race.found {
            let texts: Vec<_> = found.iter().map(|(.., text)| text.as_str()).collect();
            assert_eq!(texts, [DROP], "{found:?}");
        }
        assert_eq!(race.found.len() + race.refused, finds);
        assert!(pause < 5000 || race.refused < finds, "always refused");
    }
}

#[test]
fn two_files_that_change_places_are_both_found() {
    let machine = Machine::new();
    machine.write("etc/keyrule/claude-code.d/10.toml", "ten");
    machine.write("etc/keyrule/claude-code.d/20.toml", "twenty");
    let path = |name: &str| machine.path(&format!("etc/keyrule/claude-code.d/{name}"));
    let race = Race::run(&machine, 60, || {
        for (from, to) in [
            ("10.toml", "30.toml"),
            ("20.toml", "10.toml"),
            ("30.toml", "20.toml"),
        ] {
            std::fs::rename(path(from), path(to)).unwrap();
        }
    });
    for found in &race.found {
        let mut texts: Vec<_> = found.iter().map(|(.., text)| text.as_str()).collect();
        texts.sort_unstable();
        assert_eq!(texts, ["ten", "twenty"]);
    }
}

#[test]
fn a_file_that_is_replaced_is_found_before_or_after() {
    let machine = Machine::new();
    machine.write("etc/keyrule/claude-code.d/10.toml", "before");
    let path = |name: &str| machine.path(&format!("etc/keyrule/claude-code.d/{name}"));
    let (before, after) = (path(".before"), path(".after"));
    let race = Race::run(&machine, 60, || {
        for (file, text) in [(&before, "before"), (&after, "after")] {
            std::fs::write(file, text).unwrap();
            let mode = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(file, mode).unwrap();
            std::fs::rename(file, path("10.toml")).unwrap();
        }
    });
    for found in &race.found {
        assert_eq!(found.len(), 1);
        assert!(["before", "after"].contains(&found[0].2.as_str()));
    }
}

/// As Kubernetes updates what it mounts: every file is a link by way of
/// `..data`, which is exchanged.
#[test]
fn files_of_two_updates_are_never_mixed() {
    let machine = Machine::new();
    for update in ["1", "2"] {
        for file in ["claude-code.toml", "other.toml"] {
            machine.write(&format!("etc/keyrule/..{update}/{file}"), update);
        }
    }
    let folder = machine.path("etc/keyrule");
    symlink("..1", folder.join("..data")).unwrap();
    for file in ["claude-code.toml", "other.toml"] {
        symlink(format!("..data/{file}"), folder.join(file)).unwrap();
    }
    let race = Race::run(&machine, 60, || {
        for update in ["..2", "..1"] {
            symlink(update, folder.join("..data_tmp")).unwrap();
            std::fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
            std::thread::sleep(std::time::Duration::from_micros(200));
        }
    });
    for found in &race.found {
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].2, found[1].2);
    }
    // At rest it is found.
    assert_eq!(machine.documents("claude-code").len(), 3);
}

#[test]
fn a_folder_that_is_exchanged_is_found_before_or_after() {
    let machine = Machine::new();
    for update in ["one", "two"] {
        machine.write(&format!("etc/{update}/claude-code.toml"), update);
        machine.write(&format!("etc/{update}/claude-code.d/10.toml"), update);
    }
    let etc = machine.path("etc");
    symlink("one", etc.join("keyrule")).unwrap();
    let race = Race::run(&machine, 60, || {
        for update in ["two", "one"] {
            symlink(update, etc.join("next")).unwrap();
            std::fs::rename(etc.join("next"), etc.join("keyrule")).unwrap();
        }
    });
    for found in &race.found {
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].2, found[1].2);
    }
}

/// What changes once in the first pass is found by the second, as it is then.
#[test]
fn what_changes_during_a_pass_is_read_again() {
    type Change = fn(&Machine);
    let folder: Change = |machine| {
        machine.write("etc/keyrule/claude-code.d/30.toml", "thirty");
    };
    let appears: Change = |machine| machine.write("etc/keyrule/claude-code.toml", "policy");
    let goes: Change = |machine| {
        std::fs::remove_file(machine.path("etc/keyrule/other.toml")).unwrap();
    };
    let folder_goes: Change = |machine| {
        std::fs::remove_dir_all(machine.path("etc/keyrule/claude-code.d")).unwrap();
    };
    let folder_appears: Change = |machine| machine.write("etc/keyrule/new.d/10.toml", "new");
    let renamed: Change = |machine| {
        let path = |name: &str| machine.path(&format!("etc/keyrule/claude-code.d/{name}"));
        std::fs::rename(path("10.toml"), path("20.toml")).unwrap();
    };
    let written: Change = |machine| {
        machine.write("etc/keyrule/claude-code.d/10.toml", "another length");
    };
    let replaced: Change = |machine| {
        let path = |name: &str| machine.path(&format!("etc/{name}"));
        machine.write("etc/new/claude-code.toml", "new");
        std::fs::rename(path("keyrule"), path("old")).unwrap();
        std::fs::rename(path("new"), path("keyrule")).unwrap();
    };
    let removed: Change = |machine| {
        std::fs::remove_dir_all(machine.path("etc/keyrule")).unwrap();
    };
    let nothing: Change = |_| {};
    for (change, name, passes) in [
        (nothing, "nothing", 1),
        (folder, "a file appears", 2),
        (appears, "the policy appears", 2),
        (goes, "another policy goes", 2),
        (folder_goes, "the restrictions go", 2),
        (folder_appears, "restrictions appear", 2),
        (renamed, "a restriction is renamed", 2),
        (written, "a restriction is written", 2),
        (replaced, "the folder is replaced", 2),
        // The second pass finds nothing to read.
        (removed, "the folder is removed", 1),
    ] {
        let machine = Machine::new();
        machine.write("etc/keyrule/claude-code.d/10.toml", DROP);
        machine.write("etc/keyrule/other.toml", "other");
        let count = Cell::new(0);
        let path = machine.path("etc/keyrule");
        let policy: Name = "claude-code".parse().unwrap();
        let taken = snapshot::take(&machine.ambient.trust, &path, |pass, folder| {
            let mut survey = Survey::default();
            let managed = Managed {
                path: &path,
                folder,
                name: &policy,
            };
            managed.survey(pass, &mut survey)?;
            count.set(count.get() + 1);
            if count.get() == 1 {
                change(&machine);
            }
            Ok(survey)
        });
        let texts = |survey: Survey| -> Vec<_> {
            let documents = survey.found.documents.into_iter();
            documents.map(|document| document.text).collect()
        };
        let taken = taken.unwrap().map(texts).unwrap_or_default();
        assert_eq!(count.get(), passes, "{name}");
        let now = find("claude-code", &machine.ambient).unwrap().documents;
        let now: Vec<_> = now
            .into_iter()
            .filter(|document| document.origin != DocumentOrigin::Builtin)
            .map(|document| document.text)
            .collect();
        assert_eq!(taken, now, "{name}");
    }
}

#[test]
fn what_changes_in_every_pass_is_refused_after_three() {
    let machine = Machine::new();
    machine.folder("etc/keyrule");
    let path = machine.path("etc/keyrule");
    let count = Cell::new(0);
    let taken = snapshot::take(&machine.ambient.trust, &path, |_, _| {
        count.set(count.get() + 1);
        machine.write(&format!("etc/keyrule/{}.toml", count.get()), "new");
        Ok(())
    });
    assert_eq!((taken, count.get()), (Err(Problem::Changing), 3));
}

/// That a file is not believed is judged by what was opened, in the pass that
/// counts.
#[test]
fn a_file_that_loses_trust_during_a_pass_is_refused() {
    let machine = Machine::new();
    let file = "etc/keyrule/claude-code.d/10.toml";
    machine.write(file, DROP);
    let first = Cell::new(true);
    let path = machine.path("etc/keyrule");
    let policy: Name = "claude-code".parse().unwrap();
    let taken = snapshot::take(&machine.ambient.trust, &path, |pass, folder| {
        let mut survey = Survey::default();
        let managed = Managed {
            path: &path,
            folder,
            name: &policy,
        };
        managed.survey(pass, &mut survey)?;
        if first.replace(false) {
            machine.mode(file, 0o666);
        }
        Ok(survey)
    });
    let errors = taken.unwrap().unwrap().errors;
    let codes: Vec<_> = errors.iter().map(Error::code).collect();
    assert_eq!(codes, ["policy-untrusted"]);
}
