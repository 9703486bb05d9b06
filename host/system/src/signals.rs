//! Signals that would end this process while something must not be left half
//! done. What goes in is whether the signals are ours to act on; what comes
//! out is the signal that came: a helper, which is in a process group of its
//! own and does not hear a Ctrl-C, is killed first, and a renewed login is
//! kept first. A signal that was ignored when the process was started
//! (`nohup`) stays ignored.

#[cfg(unix)]
pub use unix::Signals;

#[cfg(not(unix))]
pub use elsewhere::Signals;

#[cfg(unix)]
mod unix {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Arc, LazyLock};
    use std::task::Poll;

    use tokio::signal::unix::{Signal, SignalKind, signal};

    /// Whether a signal has its usual effect: nobody listens. Without
    /// this the handlers, which stay once they are set, would swallow it.
    static USUAL: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

    /// What is listened for; nothing where the signals are an embedder's.
    #[derive(Debug)]
    pub struct Signals(Vec<(i32, Signal)>);

    impl Signals {
        /// Listens, where the signals are ours to act on.
        #[must_use]
        pub fn listen(ours: bool) -> Self {
            let mut signals = Vec::new();
            if ours {
                USUAL.store(false, Ordering::SeqCst);
                for kind in [
                    SignalKind::interrupt(),
                    SignalKind::terminate(),
                    SignalKind::hangup(),
                ] {
                    signals.extend(listen(kind));
                }
            }
            Self(signals)
        }

        /// Waits for a signal.
        pub async fn next(&mut self) -> i32 {
            poll_fn(|context| {
                for (number, signal) in &mut self.0 {
                    if signal.poll_recv(context).is_ready() {
                        return Poll::Ready(*number);
                    }
                }
                Poll::Pending
            })
            .await
        }

        /// Ends this process as the signal would have.
        pub fn die_of(self, signal: i32) {
            let _ = signal_hook::low_level::emulate_default_handler(signal);
        }
    }

    impl Drop for Signals {
        fn drop(&mut self) {
            if !self.0.is_empty() {
                USUAL.store(true, Ordering::SeqCst);
            }
        }
    }

    fn listen(kind: SignalKind) -> Option<(i32, Signal)> {
        let number = kind.as_raw_value();
        // Set once for each signal; a second one would only do the same again.
        static SET: [AtomicBool; 32] = [const { AtomicBool::new(false) }; 32];
        let set = SET.get(usize::try_from(number).ok()?)?;
        if !set.load(Ordering::SeqCst) {
            if is_ignored(number) {
                return None;
            }
            signal_hook::flag::register_conditional_default(number, Arc::clone(&USUAL)).ok()?;
            set.store(true, Ordering::SeqCst);
        }
        Some((number, signal(kind).ok()?))
    }

    /// Asks Linux; elsewhere there is no way to ask without unsafe code, and
    /// the answer is no.
    fn is_ignored(signal: i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        status
            .lines()
            .find_map(|line| line.strip_prefix("SigIgn:"))
            .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
    }
}

/// On Windows a Ctrl-C reaches the helper as well, which shares the console.
#[cfg(not(unix))]
mod elsewhere {
    /// No signals: this system has none that end a process in this way.
    #[derive(Debug)]
    pub struct Signals;

    impl Signals {
        /// Listens, where the signals are ours to act on.
        #[must_use]
        pub fn listen(_: bool) -> Self {
            Self
        }

        /// Never comes.
        pub async fn next(&mut self) -> i32 {
            std::future::pending().await
        }

        /// Does nothing: there is no signal to die of.
        pub fn die_of(self, _: i32) {}
    }
}
