//! Waiting for an issuer that is slow. What goes in is the work; what comes
//! out is what it came to, and meanwhile somebody at a terminal is told.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use crate::sources::Notices;

/// How long an issuer is waited for without a word.
const PATIENCE: Duration = Duration::from_secs(2);

/// Does the work, and says every second how long it has taken once it has
/// taken longer than that.
pub(super) async fn attended<T>(
    work: impl Future<Output = T>,
    issuer: &str,
    notices: &dyn Notices,
) -> T {
    let mut work = pin!(work);
    let started = Instant::now();
    let mut next = started + PATIENCE;
    let mut spoken = None;
    loop {
        if let Ok(done) = timeout_at(next, work.as_mut()).await {
            return done;
        }
        spoken.get_or_insert_with(|| Spoken(notices));
        notices.slow_issuer(issuer, started.elapsed());
        next += Duration::from_secs(1);
    }
}

/// Says that the wait is over, also where it was given up.
struct Spoken<'n>(&'n dyn Notices);

impl Drop for Spoken<'_> {
    fn drop(&mut self) {
        self.0.done();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug, Default)]
    struct Heard(Mutex<Vec<String>>);

    impl Notices for Heard {
        fn slow(&self, _source: &str, _elapsed: Duration) {}

        fn slow_issuer(&self, issuer: &str, elapsed: Duration) {
            let said = format!("{issuer} {}", elapsed.as_secs());
            self.0.lock().unwrap().push(said);
        }

        fn done(&self) {
            self.0.lock().unwrap().push("done".to_owned());
        }
    }

    /// Time passes by itself here, and as fast as it can.
    fn heard(millis: u64) -> Vec<String> {
        let heard = Heard::default();
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(attended(
                async { tokio::time::sleep(Duration::from_millis(millis)).await },
                "issuer",
                &heard,
            ));
        heard.0.into_inner().unwrap()
    }

    #[test]
    fn an_issuer_is_spoken_of_only_when_it_is_slow() {
        assert_eq!(heard(1900), [""; 0]);
        assert_eq!(heard(3500), ["issuer 2", "issuer 3", "done"]);
    }
}
