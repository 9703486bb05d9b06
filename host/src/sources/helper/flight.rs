//! One run at a time, for everybody who wants the same token. What goes in is
//! the place of the token and how to run the helper; what comes out is a token
//! that is fresh, whoever got it. Those who wait look at the place as they
//! wait, and nobody waits for longer than a run can take.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

use super::cache::Cache;
use super::run::Failure;
use crate::secret::Secret;
use crate::sources::{GetOptions, Notices};

/// How long a helper is waited for without a word.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// How much longer than one run somebody else's is waited for.
const MARGIN: Duration = Duration::from_secs(2);

/// Brings the kept token if it is fresh, else runs the helper and keeps what
/// it brings. A time of zero means that nothing is kept and nothing shared.
pub(super) async fn token(
    cache: &Cache,
    options: GetOptions,
    limit: Duration,
    run: impl AsyncFnOnce() -> Result<Secret, Failure>,
) -> Result<Secret, Failure> {
    if options.ttl.is_zero() {
        return run().await;
    }
    // A rejected token is the one that is kept now. One that appears while we
    // wait is newer: of many that were rejected together, one runs the helper.
    let rejected = options
        .rejected
        .then(|| cache.read().map(|entry| entry.stamp));
    let usable = || {
        cache
            .read()
            .filter(|entry| rejected.is_none_or(|rejected| rejected != Some(entry.stamp)))
            .filter(|entry| entry.is_fresh(options.ttl))
            .map(|entry| entry.token)
    };
    let deadline = Instant::now() + limit + MARGIN;
    let mut pause = Duration::from_millis(1);
    let lock = loop {
        if let Some(token) = usable() {
            return Ok(token);
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
    if let Some(token) = usable() {
        return Ok(token);
    }
    if options.rejected {
        cache.remove();
    }
    let token = run().await?;
    cache.write(&token, options.ttl);
    drop(lock);
    Ok(token)
}

/// Does the work, and says every second how long it has taken once it has
/// taken longer than `patience`.
pub(super) async fn attended<T>(
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
