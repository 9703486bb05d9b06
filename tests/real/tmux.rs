//! A real terminal, 80 columns wide: tmux on a socket of its own. What goes
//! in are keys; what comes out is the screen. Nothing is waited for longer
//! than it takes.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::machine::{Machine, Run};

/// How long anything on the screen is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal that runs one program.
pub(crate) struct Terminal {
    socket: String,
}

impl Terminal {
    /// Opens one, in which the program runs.
    pub(crate) fn open(run: Run<'_>) -> Self {
        static TERMINALS: AtomicU32 = AtomicU32::new(0);
        let number = TERMINALS.fetch_add(1, Ordering::Relaxed);
        let terminal = Self {
            socket: format!("keyrule-{}-{number}", std::process::id()),
        };
        let run = run.command();
        let mut tmux = terminal.tmux();
        // The program's environment is the server's, and thus exactly the
        // test's but for what a terminal sets.
        tmux.env_clear().envs(
            run.get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        );
        tmux.args(["new-session", "-d", "-x", "80", "-y", "40", "--"])
            .arg(run.get_program())
            .args(run.get_args());
        assert!(tmux.status().unwrap().success());
        terminal
    }

    /// A line of shell in a terminal that then stays; `DONE` and the exit
    /// code are the last that is on it.
    pub(crate) fn of_line(machine: &Machine, line: &str, change: fn(Run<'_>) -> Run<'_>) -> Self {
        let line = format!("{line}\necho DONE $?; exec sleep 600");
        Self::open(change(machine.shell(&line)))
    }

    /// Waits until this is on the screen, which is returned.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let screen = self.screen();
            if screen.contains(text) {
                return screen;
            }
            assert!(Instant::now() < end, "no `{text}` on:\n{screen}");
            std::thread::sleep(Duration::from_millis(30));
        }
    }

    /// What stands there, lines that were too long for it in one.
    pub(crate) fn screen(&self) -> String {
        self.capture(&["-J"])
    }

    /// The same with its colours.
    pub(crate) fn coloured(&self) -> String {
        self.capture(&["-e"])
    }

    fn capture(&self, arguments: &[&str]) -> String {
        let mut tmux = self.tmux();
        let output = tmux.args(["capture-pane", "-p"]).args(arguments).output();
        let screen = String::from_utf8_lossy(&output.unwrap().stdout).into_owned();
        screen.trim_end().to_owned()
    }

    /// Presses a key, as tmux calls it: `Enter`, `Down`, `C-c`.
    pub(crate) fn press(&self, key: &str) {
        let sent = self.tmux().args(["send-keys", key]).status();
        assert!(sent.unwrap().success());
    }

    /// Types text as somebody at the keyboard would.
    pub(crate) fn type_in(&self, text: &str) {
        let sent = self.tmux().args(["send-keys", "-l", "--", text]).status();
        assert!(sent.unwrap().success());
    }

    /// Pastes text, in brackets where the program has asked for them.
    pub(crate) fn paste(&self, text: &str) {
        let set = self.tmux().args(["set-buffer", "--", text]).status();
        assert!(set.unwrap().success());
        let pasted = self.tmux().args(["paste-buffer", "-p"]).status();
        assert!(pasted.unwrap().success());
    }

    /// Writes every byte that goes to the screen from now on into a file.
    pub(crate) fn record(&self, file: &Path) {
        let line = format!("cat >> '{}'", file.display());
        let piped = self.tmux().args(["pipe-pane", "-O", &line]).status();
        assert!(piped.unwrap().success());
    }

    fn tmux(&self) -> Command {
        let mut tmux = Command::new("/usr/bin/tmux");
        tmux.args(["-u", "-L", &self.socket, "-f", "/dev/null"]);
        tmux
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.tmux().arg("kill-server").output();
        // The socket of a server that is gone stays.
        let _ = std::fs::remove_file(Path::new("/tmp/tmux-0").join(&self.socket));
    }
}
