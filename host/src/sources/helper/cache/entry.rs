//! One token that is kept, and since when. What goes in is the token and the
//! clocks; what comes out is whether it is still fresh, and the form in which
//! it lies in storage.

#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "elsewhere nothing is put in storage")
)]

use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::handout;
use crate::secret::Secret;
use crate::sources::helper::output;

/// A kept token.
#[derive(Clone)]
pub(in super::super) struct Entry {
    /// The token.
    pub token: Secret,
    /// When it was got.
    pub stamp: Stamp,
    /// How long it was meant to be kept when it was got.
    ttl: Duration,
}

/// A moment on two clocks, in milliseconds. The calendar can be set, and the
/// other one begins anew with the system; together they tell whether time has
/// passed as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Stamp {
    calendar: u128,
    uptime: u128,
}

/// The first line of the form; another one is not ours to read.
const FORM: &str = "keyrule-token-1";

impl Entry {
    pub(super) fn now(token: Secret, ttl: Duration) -> Self {
        Self {
            token,
            stamp: Stamp::now(),
            ttl,
        }
    }

    /// Returns whether it is younger than this. A shorter time than the one
    /// it was kept for counts at once.
    pub(in super::super) fn is_fresh(&self, ttl: Duration) -> bool {
        self.stamp
            .age(Stamp::now())
            .is_some_and(|age| age < ttl.as_millis())
    }

    /// Returns whether it is older than it was meant to become.
    pub(super) fn has_outlived(&self) -> bool {
        !self.is_fresh(self.ttl)
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let token = handout::to_keep(&self.token);
        let head = format!(
            "{FORM}\n{} {} {}\n",
            self.stamp.calendar,
            self.stamp.uptime,
            self.ttl.as_millis()
        );
        // With the capacity reserved nothing is moved and left behind unwiped.
        let mut bytes = Zeroizing::new(Vec::with_capacity(head.len() + token.len()));
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(token);
        bytes
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let (head, token) = text
            .strip_prefix(FORM)?
            .strip_prefix('\n')?
            .split_once('\n')?;
        let mut numbers = head.split(' ');
        let mut number = || numbers.next()?.parse::<u64>().ok();
        let stamp = Stamp {
            calendar: number()?.into(),
            uptime: number()?.into(),
        };
        let ttl = Duration::from_millis(number()?);
        output::is_token(token).then(|| Self {
            token: Secret::new(token),
            stamp,
            ttl,
        })
    }
}

impl Stamp {
    pub(super) fn now() -> Self {
        Self {
            calendar: SystemTime::UNIX_EPOCH
                .elapsed()
                .unwrap_or_default()
                .as_millis(),
            uptime: uptime().as_millis(),
        }
    }

    /// The milliseconds between, by the clock that saw more of them; none
    /// where a clock went backwards.
    fn age(self, now: Self) -> Option<u128> {
        let calendar = now.calendar.checked_sub(self.calendar)?;
        let uptime = now.uptime.checked_sub(self.uptime)?;
        Some(calendar.max(uptime))
    }
}

/// Since the system was started, sleep included.
#[cfg(target_os = "linux")]
fn uptime() -> Duration {
    use rustix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::Boottime)
        .try_into()
        .unwrap_or_default()
}

/// Since this process first asked: elsewhere nothing is kept for longer.
#[cfg(not(target_os = "linux"))]
fn uptime() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    FIRST.elapsed()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(calendar: u128, uptime: u128) -> Entry {
        Entry {
            token: Secret::new("s3cr3t-canary"),
            stamp: Stamp { calendar, uptime },
            ttl: Duration::from_secs(300),
        }
    }

    #[test]
    fn an_entry_survives_storage() {
        let stored = entry(1_700_000_000_000, 5_000).to_bytes();
        let read = Entry::parse(&stored).unwrap();
        assert_eq!(read.stamp, entry(1_700_000_000_000, 5_000).stamp);
        assert_eq!(read.ttl, Duration::from_secs(300));
        assert_eq!(handout::to_keep(&read.token), b"s3cr3t-canary");
    }

    #[test]
    fn what_is_not_an_entry_is_none() {
        for bytes in [
            &b""[..],
            b"keyrule-token-1\n",
            b"keyrule-token-1\n1 2 3\n",
            b"keyrule-token-1\n1 2\ntoken",
            b"keyrule-token-2\n1 2 3\ntoken",
            b"keyrule-token-1\n1 2 3\n\xff",
            b"keyrule-token-1\n1 2 3\ntwo tokens",
            b"keyrule-token-1\n1 2 3\ntoken\n",
        ] {
            assert!(Entry::parse(bytes).is_none());
        }
    }

    #[test]
    fn the_clock_that_saw_more_time_counts_and_none_may_go_back() {
        let at = |calendar, uptime| Stamp { calendar, uptime };
        assert_eq!(at(100, 100).age(at(150, 130)), Some(50));
        assert_eq!(at(100, 100).age(at(110, 190)), Some(90));
        assert_eq!(at(100, 100).age(at(99, 190)), None);
        assert_eq!(at(100, 100).age(at(190, 99)), None);
    }

    #[test]
    fn a_shorter_time_counts_at_once() {
        let now = Entry::now(Secret::new("a"), Duration::from_secs(300));
        assert!(now.is_fresh(Duration::from_secs(1)));
        assert!(!now.is_fresh(Duration::ZERO));
        assert!(!now.has_outlived());
    }
}
