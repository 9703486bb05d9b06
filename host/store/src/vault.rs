//! A keyring as we need one: texts by name. What goes in is the name of an
//! item and a text; what comes out is the text, or that there is none. A call
//! can hang for ever, so that every call runs on a thread of its own, and
//! nobody waits longer than one operation may take. What a text means is not
//! known here.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

/// How long one operation of a store waits for its keyring in all.
pub(super) const LIMIT: Duration = Duration::from_secs(5);

/// A place that keeps texts by name.
pub(super) trait Vault: fmt::Debug + Send + Sync {
    /// The text of this name, if there is one.
    fn load(&self, item: &str) -> Result<Option<Zeroizing<String>>, Fault>;

    /// Keeps the text in place of what was there.
    fn save(&self, item: &str, text: &str) -> Result<(), Fault>;

    /// Forgets the text, if there is one.
    fn delete(&self, item: &str) -> Result<(), Fault>;

    /// Calls that somebody has stopped waiting for and that still run.
    fn abandoned(&self) -> Arc<AtomicUsize>;
}

/// Why a keyring does not do it. Nothing of what it keeps is in here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "keyring"),
    allow(dead_code, reason = "said of a keyring, and here is none")
)]
pub(super) enum Fault {
    /// It is locked, and nobody answered its prompt.
    Locked,
    /// It is not there.
    Missing,
    /// It is there, and has no collection to put things in.
    NoCollection,
    /// It does not answer in time.
    Silent,
    /// It did not answer an earlier call, which still waits.
    StillSilent,
    /// It keeps at most so many bytes, and the text is longer.
    TooLong(u32),
    /// It keeps something under this name that is no text.
    NotText,
    /// It keeps something under this name that a newer version of this
    /// program has written.
    Newer,
    /// There are several items of one name.
    Ambiguous,
    /// This build has none.
    #[cfg_attr(
        feature = "keyring",
        allow(dead_code, reason = "said where there is no keyring")
    )]
    NotBuiltIn,
    /// Another reason.
    Other,
}

/// A vault for the length of one operation.
#[derive(Debug)]
pub(super) struct Patience {
    vault: Arc<dyn Vault>,
    until: Instant,
}

impl Patience {
    /// From now on.
    pub(super) fn new(vault: &Arc<dyn Vault>, limit: Duration) -> Self {
        Self {
            vault: Arc::clone(vault),
            until: Instant::now() + limit,
        }
    }

    /// The text of this name, if there is one.
    pub(super) fn load(&self, item: &str) -> Result<Option<Zeroizing<String>>, Fault> {
        let item = item.to_owned();
        self.wait(move |vault| vault.load(&item))
    }

    /// Keeps the text in place of what was there.
    pub(super) fn save(&self, item: &str, text: &Zeroizing<String>) -> Result<(), Fault> {
        let (item, text) = (item.to_owned(), text.clone());
        self.wait(move |vault| vault.save(&item, &text))
    }

    /// Forgets the text, if there is one.
    pub(super) fn delete(&self, item: &str) -> Result<(), Fault> {
        let item = item.to_owned();
        self.wait(move |vault| vault.delete(&item))
    }

    fn wait<T: Send + 'static>(
        &self,
        call: impl FnOnce(&dyn Vault) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Fault> {
        let abandoned = self.vault.abandoned();
        if abandoned.load(Ordering::Acquire) > 0 {
            return Err(Fault::StillSilent);
        }
        let (answer, answered) = mpsc::channel();
        let vault = Arc::clone(&self.vault);
        let count = Arc::clone(&abandoned);
        // Counted as abandoned from the time on when nobody waits any more,
        // until it ends after all: both sides say so under one state.
        let state = Arc::new(AtomicUsize::new(RUNNING));
        let state_there = Arc::clone(&state);
        let thread = std::thread::Builder::new()
            .name("keyring".to_owned())
            .spawn(move || {
                let _ = answer.send(call(vault.as_ref()));
                if state_there.swap(ENDED, Ordering::AcqRel) == LEFT {
                    count.fetch_sub(1, Ordering::AcqRel);
                }
            });
        if thread.is_err() {
            return Err(Fault::Other);
        }
        let patience = self.until.saturating_duration_since(Instant::now());
        match answered.recv_timeout(patience) {
            Ok(result) => result,
            // The thread has panicked.
            Err(mpsc::RecvTimeoutError::Disconnected) => Err(Fault::Other),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                abandoned.fetch_add(1, Ordering::AcqRel);
                if state.swap(LEFT, Ordering::AcqRel) == ENDED {
                    abandoned.fetch_sub(1, Ordering::AcqRel);
                }
                Err(Fault::Silent)
            }
        }
    }
}

const RUNNING: usize = 0;
const LEFT: usize = 1;
const ENDED: usize = 2;

/// A vault that is no keyring.
#[cfg(test)]
pub(super) mod fake {
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use super::*;

    /// Keeps texts in memory, counts its calls, and fails or hangs on demand.
    #[derive(Default)]
    pub(crate) struct FakeVault {
        pub texts: Mutex<BTreeMap<String, String>>,
        pub calls: AtomicUsize,
        /// What every call answers, while there is something.
        pub fault: Mutex<Option<Fault>>,
        /// What every save answers, while there is something.
        pub save_fault: Mutex<Option<Fault>>,
        /// A save waits for this.
        pub save_gate: Mutex<()>,
        /// How long every call takes.
        pub delay: Mutex<Duration>,
        pub abandoned: Arc<AtomicUsize>,
    }

    impl fmt::Debug for FakeVault {
        fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("FakeVault")
        }
    }

    impl FakeVault {
        fn call(&self) -> Result<(), Fault> {
            self.calls.fetch_add(1, Ordering::SeqCst);
            let delay = *self.delay.lock().unwrap();
            std::thread::sleep(delay);
            self.fault.lock().unwrap().map_or(Ok(()), Err)
        }

        pub(crate) fn names(&self) -> Vec<String> {
            self.texts.lock().unwrap().keys().cloned().collect()
        }
    }

    impl Vault for FakeVault {
        fn load(&self, item: &str) -> Result<Option<Zeroizing<String>>, Fault> {
            self.call()?;
            let texts = self.texts.lock().unwrap();
            Ok(texts.get(item).cloned().map(Zeroizing::new))
        }

        fn save(&self, item: &str, text: &str) -> Result<(), Fault> {
            self.call()?;
            drop(self.save_gate.lock());
            self.save_fault.lock().unwrap().map_or(Ok(()), Err)?;
            let mut texts = self.texts.lock().unwrap();
            texts.insert(item.to_owned(), text.to_owned());
            Ok(())
        }

        fn delete(&self, item: &str) -> Result<(), Fault> {
            self.call()?;
            self.texts.lock().unwrap().remove(item);
            Ok(())
        }

        fn abandoned(&self) -> Arc<AtomicUsize> {
            Arc::clone(&self.abandoned)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fake::FakeVault;
    use super::*;

    #[test]
    fn who_waits_too_long_is_told_so_and_the_next_one_at_once() {
        let fake = Arc::new(FakeVault::default());
        *fake.delay.lock().unwrap() = Duration::from_millis(300);
        let vault: Arc<dyn Vault> = fake.clone();
        let patience = Patience::new(&vault, Duration::from_millis(20));
        assert_eq!(patience.load("a").unwrap_err(), Fault::Silent);
        let another = Patience::new(&vault, Duration::from_secs(60));
        assert_eq!(another.load("a").unwrap_err(), Fault::StillSilent);
        assert_eq!(fake.calls.load(Ordering::SeqCst), 1);
        // Once the call has ended after all, the keyring is asked again.
        *fake.delay.lock().unwrap() = Duration::ZERO;
        let end = Instant::now() + Duration::from_secs(60);
        while fake.abandoned.load(Ordering::Acquire) > 0 {
            assert!(Instant::now() < end);
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(another.load("a").unwrap().is_none());
    }

    #[test]
    fn several_that_wait_do_not_stop_each_other() {
        let fake = Arc::new(FakeVault::default());
        *fake.delay.lock().unwrap() = Duration::from_millis(50);
        let vault: Arc<dyn Vault> = fake;
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    let patience = Patience::new(&vault, Duration::from_secs(60));
                    assert!(patience.load("a").unwrap().is_none());
                });
            }
        });
    }
}
