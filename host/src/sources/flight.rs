//! One run at a time, for everybody who wants the same credential. What goes in
//! is its place and how to get it; what comes out is one that is fresh, whoever
//! got it. Those who wait look at the place as they wait, and nobody waits for
//! longer than a run can take.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::cache::{Cache, Entry};
use crate::sources::{Failure, Kept, Notices};

/// How long a helper is waited for without a word.
pub(in crate::sources) const PATIENCE: Duration = Duration::from_secs(10);

/// How much longer than one run somebody else's is waited for.
const MARGIN: Duration = Duration::from_secs(2);

/// What is kept, and what of it serves.
pub(in crate::sources) struct Terms<F, K> {
    /// The last one was rejected, so the one that is kept now does not serve.
    pub rejected: bool,
    /// Whether one that is kept is fresh enough.
    pub is_fresh: F,
    /// For how long one that was got is kept; zero is not at all.
    pub keep_for: K,
}

/// Brings what is kept if it is fresh, else gets it and keeps that.
pub(in crate::sources) async fn one(
    cache: &Cache,
    terms: Terms<impl Fn(&Entry) -> bool, impl Fn(&Kept) -> Duration>,
    limit: Duration,
    run: impl AsyncFnOnce() -> Result<Kept, Failure>,
) -> Result<Kept, Failure> {
    // A rejected token is the one that is kept now. One that appears while we
    // wait is newer: of many that were rejected together, one runs the helper.
    let rejected = terms
        .rejected
        .then(|| cache.read().map(|entry| entry.stamp));
    let usable = || {
        cache
            .read()
            .filter(|entry| rejected.is_none_or(|rejected| rejected != Some(entry.stamp)))
            .filter(&terms.is_fresh)
            .map(|entry| entry.kept)
    };
    let deadline = Instant::now() + limit + MARGIN;
    let mut pause = Duration::from_millis(1);
    let lock = loop {
        if let Some(kept) = usable() {
            return Ok(kept);
        }
        match cache.try_lock() {
            Ok(Some(lock)) => break Some(lock),
            // Where nothing can be locked nothing can be kept either.
            Err(_) => break None,
            Ok(None) if Instant::now() >= deadline => {
                return Err(Failure::timed_out(limit + MARGIN));
            }
            Ok(None) => sleep(pause).await,
        }
        pause = (pause * 2).min(Duration::from_millis(50));
    };
    if let Some(kept) = usable() {
        return Ok(kept);
    }
    if terms.rejected {
        cache.remove();
    }
    let kept = run().await?;
    let keep_for = (terms.keep_for)(&kept);
    if !keep_for.is_zero() {
        cache.write(&kept, keep_for);
    }
    drop(lock);
    Ok(kept)
}

/// Does the work, and says every second how long it has taken once it has
/// taken longer than `patience`.
pub(in crate::sources) async fn attended<T>(
    work: impl Future<Output = T>,
    source: &str,
    patience: Duration,
    notices: &dyn Notices,
) -> T {
    let mut work = pin!(work);
    let started = Instant::now();
    let mut next = started + patience;
    let mut spoken = Spoken {
        notices,
        anything: false,
    };
    loop {
        match timeout_at(next, work.as_mut()).await {
            Ok(done) => return done,
            Err(_) => {
                spoken.anything = true;
                notices.slow(source, started.elapsed());
                next += Duration::from_secs(1);
            }
        }
    }
}

/// Says that the wait is over, also where it was given up.
struct Spoken<'a> {
    notices: &'a dyn Notices,
    anything: bool,
}

impl Drop for Spoken<'_> {
    fn drop(&mut self) {
        if self.anything {
            self.notices.done();
        }
    }
}
