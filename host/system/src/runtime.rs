//! The asynchronous runtime of a call that is not asynchronous. What goes in
//! is nothing; what comes out is a runtime of this thread, or why the system
//! gives none.

use std::io;

use tokio::runtime::{Builder, Runtime};

/// A runtime of this thread alone.
///
/// # Errors
///
/// Where the system has no descriptors left.
pub fn here() -> io::Result<Runtime> {
    has_room()?;
    Builder::new_current_thread().enable_all().build()
}

/// Runs a test's future to its end.
///
/// # Panics
///
/// Where there is no runtime.
#[cfg(any(test, feature = "samples"))]
#[expect(clippy::expect_used, reason = "a test ends where it cannot go on")]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    here().expect("a runtime").block_on(future)
}

/// Whether there are the six descriptors that a runtime opens. Tokio asks for
/// two of them with a panic: a socket pair that tells it of signals.
#[cfg(unix)]
fn has_room() -> io::Result<()> {
    use std::os::unix::net::UnixStream;
    let _room = [
        UnixStream::pair()?,
        UnixStream::pair()?,
        UnixStream::pair()?,
    ];
    Ok(())
}

#[cfg(not(unix))]
fn has_room() -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn where_descriptors_are_few_there_is_an_error_and_no_panic() {
        let program = std::env::current_exe().unwrap();
        for limit in 5..=12 {
            let script = format!(
                "ulimit -n {limit}; exec \"$0\" --exact \
                 runtime::tests::a_runtime_is_there_or_an_error"
            );
            let ended = Command::new("sh")
                .args(["-c", &script])
                .arg(&program)
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&ended.stdout);
            assert!(said.contains("1 passed"), "{limit}: {said}");
        }
    }

    /// The test above runs it, in processes that may open few files.
    #[test]
    fn a_runtime_is_there_or_an_error() {
        match here() {
            Ok(runtime) => assert_eq!(runtime.block_on(async { 1 }), 1),
            // EMFILE
            Err(error) => assert_eq!(error.raw_os_error(), Some(24)),
        }
    }
}
