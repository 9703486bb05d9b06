//! Every document in `tests/cli` is a test of its name: its console blocks
//! are run, one after the other in one clean home, and must print what stands
//! there. `UPDATE_EXPECT=1` writes what they printed; review it like code.
//!
//! ```text
//! cargo test -p keyrule-cli --test documents -- exec
//! ```
//!
//! A command begins with `$ ` and is run by `sh`; what it prints on both
//! streams follows, and `? CODE` where it does not exit with 0. A block
//! `toml file=~/x.toml` is written to that file. `[..]` stands for anything.

#![allow(
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by a panic; clippy knows only those of the usual harness"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "a test may ask for its own switches"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Completion, Failed, Trial};
use snapbox::Data;
use snapbox::assert::{Action, Assert};
use tempfile::TempDir;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cli");
    let entries = fs::read_dir(&folder).expect("the documents");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "md"));
    paths.sort();
    assert!(paths.len() >= 10, "there are {} documents", paths.len());
    let missing = missing();
    let trials = paths.into_iter().map(|path| {
        let name = path.file_stem().expect("a name").to_string_lossy();
        Trial::ignorable_test(name.into_owned(), move || match missing {
            Some(reason) => Ok(Completion::ignored_with(reason)),
            None => check(&path).map(|()| Completion::Completed),
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Why the documents cannot be played here, if they cannot: all that the
/// program reads must be in the home.
fn missing() -> Option<&'static str> {
    if cfg!(not(unix)) {
        return Some("there is no `/bin/sh`");
    }
    let managed = ["/etc/keyrule", "/etc/claude-code"];
    let managed = managed.iter().any(|folder| Path::new(folder).exists());
    managed.then_some("this machine is managed: `/etc/keyrule` or `/etc/claude-code` is there")
}

fn check(path: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(path)?;
    let printed = Session::new().play(&text);
    let action = match std::env::var_os("UPDATE_EXPECT") {
        Some(_) => Action::Overwrite,
        None => Action::Verify,
    };
    let expected = Data::read_from(path, None);
    let compared = Assert::new().action(action).normalize_paths(false).try_eq(
        Some(&path.display()),
        printed.into(),
        expected,
    );
    compared.map_err(|error| error.to_string().into())
}

/// A user with an empty home, and a folder in memory.
struct Session {
    home: TempDir,
    memory: TempDir,
}

impl Session {
    fn new() -> Self {
        let memory = Path::new("/dev/shm");
        let memory = if memory.is_dir() {
            TempDir::new_in(memory)
        } else {
            TempDir::new()
        };
        let session = Self {
            home: TempDir::new().expect("a home"),
            memory: memory.expect("a folder in memory"),
        };
        fs::create_dir(session.project()).expect("a folder to work in");
        session
    }

    fn project(&self) -> PathBuf {
        self.home.path().join("project")
    }

    /// The document, with what its commands print here.
    fn play(&self, text: &str) -> String {
        let mut played = String::new();
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            let _ = writeln!(played, "{line}");
            let Some(info) = line.strip_prefix("```") else {
                continue;
            };
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            if info == "console" {
                self.run(&block, &mut played);
            } else {
                if let Some((_, file)) = info.split_once(" file=") {
                    self.lay(file, &(block.join("\n") + "\n"));
                }
                for line in block {
                    let _ = writeln!(played, "{line}");
                }
            }
            played.push_str("```\n");
        }
        played
    }

    /// Runs the commands of a block; what stands after each is left out.
    fn run(&self, block: &[&str], played: &mut String) {
        let mut lines = block.iter().peekable();
        while let Some(line) = lines.next() {
            let Some(first) = line.strip_prefix("$ ") else {
                continue;
            };
            let _ = writeln!(played, "{line}");
            let mut command = first.to_owned();
            while command.ends_with('\\')
                && let Some(more) = lines.next()
            {
                let _ = writeln!(played, "{more}");
                command.push('\n');
                command.push_str(more);
            }
            let (printed, code) = self.shell(&command);
            played.push_str(&printed);
            if !printed.is_empty() && !printed.ends_with('\n') {
                played.push('\n');
            }
            if code != 0 {
                let _ = writeln!(played, "? {code}");
            }
        }
    }

    /// Runs one command; what it exports the next one has too.
    fn shell(&self, command: &str) -> (String, i32) {
        let program = Path::new(env!("CARGO_BIN_EXE_keyrule"));
        let folder = program.parent().expect("a folder").display();
        let state = self.memory.path().join("exported");
        let state = state.display();
        let script = format!(
            "exec 2>&1\n[ -e '{state}' ] && . '{state}'\n{command}\n\
             code=$?\nexport -p > '{state}'\nexit $code\n"
        );
        let output = Command::new("/bin/sh")
            .args(["-c", &script])
            .env_clear()
            .env("HOME", self.home.path())
            .env("PATH", format!("{folder}:/usr/bin:/bin"))
            .env("LANG", "C.UTF-8")
            .env("XDG_RUNTIME_DIR", self.memory.path())
            .current_dir(self.project())
            .stdin(Stdio::null())
            .output()
            .expect("a shell");
        let printed = String::from_utf8_lossy(&output.stdout);
        let home = self.home.path().to_string_lossy().into_owned();
        (
            printed.replace(&home, "~"),
            output.status.code().unwrap_or(-1),
        )
    }

    /// Writes a file; one that begins with `#!` can be run.
    fn lay(&self, file: &str, text: &str) {
        let path = match file.strip_prefix("~/") {
            Some(below) => self.home.path().join(below),
            None => self.project().join(file),
        };
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        #[cfg(unix)]
        if text.starts_with("#!") {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(&path, mode).expect("a mode");
        }
    }
}
