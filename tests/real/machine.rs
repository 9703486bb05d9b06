//! A machine of its own for a test: an `/etc`, a user with an id that nobody
//! else has, and that user's home. What goes in are files; what comes out is
//! what the program said and how it ended. It is this machine with another
//! `/etc`, in a mount namespace that ends with the process.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::ExitStatusExt;
use std::panic::{catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use libtest_mimic::{Completion, Failed};
use tempfile::TempDir;

use crate::program;

/// Begins every secret of the tests: no error and no log may have it.
pub(crate) const CANARY: &str = "s3cr3t";

/// What cannot be done here, if anything.
pub(crate) fn missing() -> Option<String> {
    let id = Command::new("id").arg("-u").output().ok()?;
    if id.stdout != b"0\n" {
        return Some("only root can be another user".to_owned());
    }
    for tool in ["unshare", "mount", "setpriv", "tmux"] {
        if !Path::new("/usr/bin").join(tool).exists() {
            return Some(format!("`/usr/bin/{tool}` is missing"));
        }
    }
    let namespace = Command::new("unshare").args(["-m", "true"]).output();
    if !namespace.is_ok_and(|output| output.status.success()) {
        return Some("no mount namespaces here".to_owned());
    }
    None
}

/// Why a test cannot run here.
struct Skipped(String);

/// Ends a test that cannot run here.
pub(crate) fn skip(reason: &str) -> ! {
    resume_unwind(Box::new(Skipped(reason.to_owned())))
}

/// Runs a test, which fails by a panic.
pub(crate) fn attempt(test: fn()) -> Result<Completion, Failed> {
    match catch_unwind(test) {
        Ok(()) => Ok(Completion::Completed),
        Err(payload) => match payload.downcast::<Skipped>() {
            Ok(skipped) => Ok(Completion::ignored_with(skipped.0)),
            Err(payload) => resume_unwind(payload),
        },
    }
}

/// A machine with one user.
pub(crate) struct Machine {
    root: TempDir,
    /// The user's id, and the group's.
    pub user: u32,
}

impl Machine {
    /// With nothing managed and an empty home.
    pub(crate) fn new() -> Self {
        static USERS: AtomicU32 = AtomicU32::new(0);
        let user = 0x4000_0000
            + (std::process::id() % 0x10_0000) * 0x100
            + USERS.fetch_add(1, Ordering::Relaxed);
        let root = TempDir::with_prefix("keyrule-real-").unwrap();
        let machine = Self { root, user };
        machine.mode("", 0o755);
        // What programs need of `/etc`; the rest of this machine's is not there.
        for file in ["passwd", "group", "nsswitch.conf", "ld.so.cache"] {
            if let Ok(text) = fs::read(Path::new("/etc").join(file)) {
                machine.managed(&format!("etc/{file}"), text);
            }
        }
        if let Ok(alternatives) = fs::read_dir("/etc/alternatives") {
            machine.folder("etc/alternatives", 0, 0o755);
            for link in alternatives.map(|link| link.unwrap()) {
                let target = fs::read_link(link.path()).unwrap_or_default();
                let here = machine.path("etc/alternatives").join(link.file_name());
                let _ = std::os::unix::fs::symlink(target, here);
            }
        }
        machine.folder("home", user, 0o700);
        machine.folder("home/work", user, 0o755);
        machine
    }

    /// With the built-in policies as they are, and a settings file that names
    /// a helper.
    pub(crate) fn with_helper(script: &str) -> Self {
        let machine = Self::new();
        machine.helper(script);
        machine
    }

    /// Makes `~/bin/helper`, and the settings file that names it.
    pub(crate) fn helper(&self, script: &str) {
        self.users("home/bin/helper", format!("#!/bin/sh\n{script}\n"));
        self.mode("home/bin/helper", 0o755);
        let helper = self.path("home/bin/helper");
        let settings = serde_json::json!({ "apiKeyHelper": helper });
        self.users("home/.claude/settings.json", settings.to_string());
    }

    /// A path below this machine's root: `etc/…`, `home/…`.
    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.root.path().join(below)
    }

    /// Writes a file that root owns and everybody may read.
    pub(crate) fn managed(&self, below: &str, text: impl AsRef<[u8]>) {
        self.file(below, text.as_ref(), 0, 0o644);
    }

    /// Writes a file of the user's own.
    pub(crate) fn users(&self, below: &str, text: impl AsRef<[u8]>) {
        self.file(below, text.as_ref(), self.user, 0o600);
    }

    fn file(&self, below: &str, text: &[u8], owner: u32, mode: u32) {
        if let Some(parent) = Path::new(below).parent().and_then(Path::to_str) {
            self.folder(parent, owner, 0o755);
        }
        fs::write(self.path(below), text).unwrap();
        self.owner(below, owner);
        self.mode(below, mode);
    }

    /// Makes a folder and those above it, where they are not there yet.
    pub(crate) fn folder(&self, below: &str, owner: u32, mode: u32) {
        let path = Path::new(below);
        if below.is_empty() || self.path(below).exists() {
            return;
        }
        if let Some(parent) = path.parent().and_then(Path::to_str) {
            self.folder(parent, owner, 0o755);
        }
        fs::create_dir(self.path(below)).unwrap();
        self.owner(below, owner);
        self.mode(below, mode);
    }

    /// Gives a file to somebody.
    pub(crate) fn owner(&self, below: &str, owner: u32) {
        chown(self.path(below), Some(owner), Some(owner)).unwrap();
    }

    /// Changes who may do what.
    pub(crate) fn mode(&self, below: &str, mode: u32) {
        fs::set_permissions(self.path(below), Permissions::from_mode(mode)).unwrap();
    }

    /// The text of a file.
    pub(crate) fn read(&self, below: &str) -> String {
        fs::read_to_string(self.path(below)).unwrap_or_default()
    }

    /// The user's folder in memory, where helpers' tokens are kept.
    pub(crate) fn memory(&self) -> PathBuf {
        PathBuf::from(format!("/dev/shm/keyrule-{}", self.user))
    }

    /// The processes of the user that are alive.
    pub(crate) fn processes(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
        entries
            .filter(|entry| entry.metadata().is_ok_and(|of| of.uid() == self.user))
            .map(|entry| entry.path())
            .filter(|process| {
                fs::read_to_string(process.join("stat")).is_ok_and(|stat| !stat.contains(") Z "))
            })
            .collect()
    }

    /// The program, as the user runs it, with these arguments.
    pub(crate) fn keyrule(&self, arguments: &[&str]) -> Run<'_> {
        let mut line = vec![program::path().into_os_string()];
        line.extend(arguments.iter().map(OsString::from));
        self.run(line)
    }

    /// A line of shell, as the user runs it; `keyrule` is in its `PATH`.
    pub(crate) fn shell(&self, line: &str) -> Run<'_> {
        self.run(["/bin/bash", "-c", line].map(OsString::from).to_vec())
    }

    fn run(&self, line: Vec<OsString>) -> Run<'_> {
        let path = format!("{}:/usr/bin:/bin", program::folder().display());
        let home = self.path("home").into_os_string();
        Run {
            machine: self,
            line,
            before: String::new(),
            within: Vec::new(),
            variables: vec![
                ("PATH".into(), path.into()),
                ("HOME".into(), home),
                ("LANG".into(), "C.UTF-8".into()),
            ],
            folder: self.path("home/work"),
        }
    }

    /// The same text on every machine.
    pub(crate) fn plain(&self, text: &str) -> String {
        text.replace(self.root.path().to_str().unwrap(), "")
            .replace(&self.user.to_string(), "USER")
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(self.memory());
    }
}

/// A program that is about to run.
pub(crate) struct Run<'m> {
    machine: &'m Machine,
    line: Vec<OsString>,
    before: String,
    within: Vec<OsString>,
    variables: Vec<(OsString, OsString)>,
    folder: PathBuf,
}

impl Run<'_> {
    /// Sets a variable.
    pub(crate) fn variable(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.variables.retain(|(other, _)| other != name);
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Leaves a variable out.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.retain(|(other, _)| other != name);
        self
    }

    /// Runs it in this folder.
    pub(crate) fn within(mut self, below: &str) -> Self {
        self.folder = self.machine.path(below);
        self
    }

    /// What root does first, in the namespace; `$ROOT` is this machine.
    pub(crate) fn after(mut self, script: &str) -> Self {
        self.before = script.to_owned();
        self
    }

    /// What the user runs it with, such as `unshare`.
    pub(crate) fn under(mut self, words: &[&str]) -> Self {
        self.within = words.iter().map(OsString::from).collect();
        self
    }

    /// Runs it to its end, with nothing on stdin.
    pub(crate) fn end(self) -> Ended {
        let machine = self.machine;
        let output = self.command().stdin(Stdio::null()).output().unwrap();
        Ended::of(machine, output)
    }

    /// Starts it. The process is the program's own from beginning to end:
    /// everything before becomes it.
    pub(crate) fn start(self) -> Child {
        let mut command = self.command();
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command.spawn().unwrap()
    }

    /// The command, to be started in another way.
    pub(crate) fn command(self) -> Command {
        let script = format!(
            "set -e; mount --bind \"$ROOT/etc\" /etc; cd \"$1\"; shift; {}\n\
             unset ROOT PWD OLDPWD; exec /usr/bin/setpriv \"$@\"",
            self.before
        );
        let mut command = Command::new("/usr/bin/unshare");
        command
            .args(["--mount", "--propagation", "private", "--"])
            .args(["/bin/sh", "-c", &script, "sh"])
            .arg(&self.folder)
            .args([
                &format!("--reuid={}", self.machine.user),
                &format!("--regid={}", self.machine.user),
            ])
            .args(["--clear-groups", "--"])
            .args(&self.within)
            .args(&self.line)
            .env_clear()
            .env("ROOT", self.machine.root.path())
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// How a program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code, or none.
    pub exit: Option<i32>,
    /// The signal that ended it, if one did.
    pub signal: Option<i32>,
    /// All of stdout.
    pub stdout: String,
    /// All of stderr.
    pub stderr: String,
}

impl Ended {
    /// Puts together what a process left behind.
    pub(crate) fn of(machine: &Machine, output: Output) -> Self {
        Self {
            exit: output.status.code(),
            signal: output.status.signal(),
            stdout: machine.plain(&text(&output.stdout)),
            stderr: machine.plain(&text(&output.stderr)),
        }
    }

    /// It printed exactly this, and had nothing to say.
    #[track_caller]
    pub(crate) fn gives(&self, stdout: &str) {
        let seen = (self.exit, self.stdout.as_str(), self.stderr.as_str());
        assert_eq!(seen, (Some(0), stdout, ""));
    }

    /// It failed with this exit code, this error and this hint, and nothing
    /// was handed out.
    #[track_caller]
    pub(crate) fn fails(&self, exit: i32, code: &str, hint: &str) {
        let seen = (
            self.exit,
            self.stdout.as_str(),
            self.code().unwrap_or("none"),
            self.hint().unwrap_or("none"),
        );
        assert_eq!(seen, (Some(exit), "", code, hint), "{}", self.stderr);
        self.keeps_secrets();
    }

    /// No secret is in what it printed.
    #[track_caller]
    pub(crate) fn keeps_secrets(&self) {
        for text in [&self.stdout, &self.stderr] {
            assert!(!text.contains(CANARY), "{text}");
        }
    }

    /// The error's stable code.
    pub(crate) fn code(&self) -> Option<&str> {
        let mut lines = self.stderr.lines();
        let rest = lines.find_map(|line| line.strip_prefix("error["))?;
        rest.split_once(']').map(|(code, _)| code)
    }

    /// The next thing to type.
    pub(crate) fn hint(&self) -> Option<&str> {
        let mut lines = self.stderr.lines();
        lines.find_map(|line| line.strip_prefix("hint: "))
    }
}

/// Whether that comes true within so many seconds.
pub(crate) fn within(seconds: u64, mut done: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs(seconds);
    while !done() {
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    true
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
