//! One run of a program. What goes in is a process ready to be started, what it
//! is told, and how long it may take; what comes out is what it printed, or why that is
//! nothing. A run leaves nothing behind: on time-out, on a flood, on a signal
//! and when nobody waits any more, the whole process group is killed. A helper
//! that has ended well may leave a program running, as an agent does.
//!
//! If Keyrule itself is killed with SIGKILL, the helper is not: a way to bind
//! the two exists on Linux alone, and not without unsafe code.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::pin;
use std::process::{ExitStatus, Stdio};
use std::task::Poll;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdout, Command};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use crate::signals::Signals;

/// How long what an ended helper printed may still be on its way.
const DRAIN: Duration = Duration::from_millis(250);

/// The longest newline that can end an output.
const NEWLINE: usize = 2;

/// How long a helper that must end may take to end by itself.
#[cfg(unix)]
const GRACE: Duration = Duration::from_millis(500);

/// Why a program brought nothing. The words never quote a command line or its
/// output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProcessError {
    /// It could not be started: why.
    NotStarted(String),
    /// It ended with a failure: which.
    ExitStatus(String),
    /// It did not end in this time.
    TimedOut(Duration),
    /// It printed more than this many bytes.
    TooLong(usize),
}

/// What a program is told, and what becomes of what it prints.
#[derive(Debug)]
pub enum Talk {
    /// It is told nothing, and prints so many bytes at most, besides a final
    /// newline.
    Listen(usize),
    /// It is told this, and prints so many bytes at most.
    Ask(Zeroizing<Vec<u8>>, usize),
    /// It is told nothing, and what it prints is for people: it goes where our
    /// own words go.
    Show,
}

impl Talk {
    const fn longest(&self) -> usize {
        match self {
            Self::Listen(longest) | Self::Ask(_, longest) => *longest,
            Self::Show => 0,
        }
    }
}

/// Runs the process to its end and brings what it printed.
///
/// # Errors
///
/// Where the program fails, or has to be killed.
pub async fn run(
    mut process: Command,
    in_shell: bool,
    talk: Talk,
    limit: Duration,
    mut signals: Signals,
) -> Result<Zeroizing<Vec<u8>>, ProcessError> {
    wire(&mut process, &talk)?;
    process.kill_on_drop(true);
    #[cfg(unix)]
    process.process_group(0);
    let child = start(process, &talk).await;
    let mut group = Group::of(child.map_err(|error| not_started(&error))?);
    let mut stdout = group.child.stdout.take();
    let longest = talk.longest();
    tell(&mut group.child, talk);
    // With the capacity reserved nothing is moved and left behind unwiped.
    let room = longest + NEWLINE;
    let mut output = Zeroizing::new(Vec::with_capacity(room + 1));

    let waiting = wait(&mut group.child, stdout.as_mut(), &mut output, room);
    let to_its_end = timeout(limit, waiting);
    let ended = match first(signals.next(), to_its_end).await {
        Either::Left(signal) => {
            group.kill().await;
            signals.die_of(signal);
            return Err(ProcessError::ExitStatus("interrupted".to_owned()));
        }
        Either::Right(ended) => ended,
    };
    match ended {
        Err(_) => {
            group.kill().await;
            Err(ProcessError::TimedOut(limit))
        }
        Ok(Ended::Flood) => {
            group.kill().await;
            Err(ProcessError::TooLong(longest))
        }
        Ok(Ended::Status(status)) => {
            group.has_ended();
            let status = status.map_err(|error| not_started(&error))?;
            if status.success() {
                return Ok(output);
            }
            Err(ended_badly(status, in_shell))
        }
    }
}

/// How the wait for a helper ends.
enum Ended {
    /// It has ended.
    Status(io::Result<ExitStatus>),
    /// It printed more than can be a token.
    Flood,
}

/// Reads until the helper has ended. One that closes its output is waited
/// for; one that leaves its output open in another program is not read for
/// longer than what it printed itself can take.
async fn wait(
    child: &mut Child,
    mut stdout: Option<&mut ChildStdout>,
    output: &mut Vec<u8>,
    longest: usize,
) -> Ended {
    match first(fill(stdout.as_deref_mut(), output, longest), child.wait()).await {
        Either::Left(Filled::Overflow) => Ended::Flood,
        Either::Left(Filled::End) => Ended::Status(child.wait().await),
        Either::Right(status) => match timeout(DRAIN, fill(stdout, output, longest)).await {
            Ok(Filled::Overflow) => Ended::Flood,
            Ok(Filled::End) | Err(_) => Ended::Status(status),
        },
    }
}

/// Why reading stopped.
enum Filled {
    /// The output has ended, or cannot be read.
    End,
    /// The output is longer than a token can be.
    Overflow,
}

async fn fill(stdout: Option<&mut ChildStdout>, output: &mut Vec<u8>, longest: usize) -> Filled {
    let Some(stdout) = stdout else {
        return Filled::End;
    };
    while output.len() <= longest {
        match stdout.read_buf(output).await {
            Ok(0) | Err(_) => return Filled::End,
            Ok(_) => {}
        }
    }
    Filled::Overflow
}

/// Connects the streams: standard error is ours, so that what it says is seen
/// live and kept nowhere.
fn wire(process: &mut Command, talk: &Talk) -> Result<(), ProcessError> {
    let (input, output) = match talk {
        Talk::Listen(_) => (Stdio::null(), Stdio::piped()),
        Talk::Ask(..) => (Stdio::piped(), Stdio::piped()),
        Talk::Show => (Stdio::null(), our_words()?),
    };
    process.stdin(input).stdout(output).stderr(Stdio::inherit());
    Ok(())
}

/// Our own standard error, as somebody's standard output.
fn our_words() -> Result<Stdio, ProcessError> {
    #[cfg(unix)]
    let copy = std::os::fd::AsFd::as_fd(&io::stderr()).try_clone_to_owned();
    #[cfg(windows)]
    let copy = std::os::windows::io::AsHandle::as_handle(&io::stderr()).try_clone_to_owned();
    copy.map(Stdio::from).map_err(|error| not_started(&error))
}

/// Tells the program what it is to be told, beside its work: one that reads
/// nothing is not waited for.
fn tell(child: &mut Child, talk: Talk) {
    let (Some(mut stdin), Talk::Ask(words, _)) = (child.stdin.take(), talk) else {
        return;
    };
    tokio::spawn(async move {
        // A program that ends or closes its input has heard enough.
        let _ = stdin.write_all(&words).await;
    });
}

/// Starts the process. A program that is just being installed is busy for a
/// moment; a script without `#!` is run by the shell, as the shell would.
async fn start(
    mut process: Command,
    #[cfg_attr(not(unix), expect(unused_variables, reason = "for the shell alone"))] talk: &Talk,
) -> io::Result<Child> {
    for _ in 0..10 {
        match process.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                sleep(Duration::from_millis(20)).await;
            }
            #[cfg(unix)]
            Err(error)
                if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) =>
            {
                let mut shell = through_shell(&process);
                wire(&mut shell, talk).map_err(|_| io::Error::from(io::ErrorKind::Other))?;
                return shell.spawn();
            }
            started => return started,
        }
    }
    process.spawn()
}

/// The same process with the shell before it.
#[cfg(unix)]
fn through_shell(process: &Command) -> Command {
    let process = process.as_std();
    let mut shell = Command::new("/bin/sh");
    shell
        .arg(process.get_program())
        .args(process.get_args())
        .env_clear()
        .envs(
            process
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .kill_on_drop(true)
        .process_group(0);
    if let Some(folder) = process.get_current_dir() {
        shell.current_dir(folder);
    }
    shell
}

fn not_started(error: &io::Error) -> ProcessError {
    let words = match error.kind() {
        io::ErrorKind::NotFound => "the program or its interpreter was not found".to_owned(),
        io::ErrorKind::PermissionDenied => "the program is not executable".to_owned(),
        // An error of the system names no argument.
        _ => error.to_string(),
    };
    ProcessError::NotStarted(words)
}

fn ended_badly(status: ExitStatus, in_shell: bool) -> ProcessError {
    match status.code() {
        // What POSIX lets a shell say of a command that it could not start.
        Some(126) if in_shell && cfg!(unix) => {
            ProcessError::NotStarted("the program is not executable (exit status 126)".to_owned())
        }
        Some(127) if in_shell && cfg!(unix) => {
            ProcessError::NotStarted("the program was not found (exit status 127)".to_owned())
        }
        Some(code) => ProcessError::ExitStatus(format!("exit status {code}")),
        None => ProcessError::ExitStatus(by_signal(status)),
    }
}

#[cfg(unix)]
fn by_signal(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match status.signal() {
        Some(signal) => format!("ended by signal {signal}"),
        None => "ended without an exit status".to_owned(),
    }
}

#[cfg(not(unix))]
fn by_signal(_: ExitStatus) -> String {
    "ended without an exit status".to_owned()
}

/// A helper and all that it started in its group. Dropped before the helper
/// has ended, it kills them.
struct Group {
    child: Child,
    #[cfg(unix)]
    leader: Option<rustix::process::Pid>,
}

#[cfg(unix)]
impl Group {
    fn of(child: Child) -> Self {
        let leader = child
            .id()
            .and_then(|id| rustix::process::Pid::from_raw(id.cast_signed()));
        Self { child, leader }
    }

    /// Asks the group to end, then makes it. The leader is not reaped before
    /// the last signal, so its number cannot have become another group's.
    async fn kill(&mut self) {
        use rustix::process::{Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
        let Some(leader) = self.leader else {
            return;
        };
        let _ = kill_process_group(leader, Signal::TERM);
        let step = Duration::from_millis(10);
        let mut waited = Duration::ZERO;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        while waited < GRACE && matches!(waitid(WaitId::Pid(leader), options), Ok(None)) {
            sleep(step).await;
            waited += step;
        }
        let _ = kill_process_group(leader, Signal::KILL);
        self.leader = None;
        let _ = self.child.wait().await;
    }

    fn has_ended(&mut self) {
        self.leader = None;
    }
}

#[cfg(unix)]
impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            let _ = rustix::process::kill_process_group(leader, rustix::process::Signal::KILL);
        }
    }
}

/// Elsewhere the helper itself is killed, and what it started is not.
#[cfg(not(unix))]
impl Group {
    fn of(child: Child) -> Self {
        Self { child }
    }

    async fn kill(&mut self) {
        let _ = self.child.kill().await;
    }

    fn has_ended(&mut self) {}
}

/// Which of two was ready first.
enum Either<L, R> {
    Left(L),
    Right(R),
}

/// Waits for either of two, the left one first where both are ready.
async fn first<L, R>(
    left: impl Future<Output = L>,
    right: impl Future<Output = R>,
) -> Either<L, R> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|context| {
        if let Poll::Ready(left) = left.as_mut().poll(context) {
            return Poll::Ready(Either::Left(left));
        }
        right.as_mut().poll(context).map(Either::Right)
    })
    .await
}
