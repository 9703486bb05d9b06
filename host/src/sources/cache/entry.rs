//! What is kept, and since when. What goes in is what a source brought and the
//! clocks; what comes out is whether it is still fresh, and the form in which
//! it lies in storage.

#![cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "elsewhere nothing is put in storage")
)]

use std::time::{Duration, SystemTime};

use zeroize::Zeroizing;

use crate::handout;
use crate::sources::Kept;

/// What is kept, with its time.
#[derive(Clone)]
pub(in crate::sources) struct Entry {
    /// What was got.
    pub kept: Kept,
    /// When it was got.
    pub stamp: Stamp,
    /// How long it was meant to be kept when it was got.
    ttl: Duration,
}

/// A moment on two clocks, in milliseconds. The calendar can be set, and the
/// other one begins anew with the system; together they tell whether time has
/// passed as it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sources) struct Stamp {
    calendar: u128,
    uptime: u128,
}

/// The first line of the form; another one is not ours to read.
const FORM: &str = "keyrule-kept-2";

/// The longest time before its end in which a credential is got anew.
const LEEWAY: Duration = Duration::from_secs(5 * 60);

impl Entry {
    pub(super) fn now(kept: Kept, ttl: Duration) -> Self {
        Self {
            kept,
            stamp: Stamp::now(),
            ttl,
        }
    }

    /// Returns whether it is younger than this, and its end is not near: five
    /// minutes, or a fifth of the time that it had where that is less. A
    /// shorter time than the one it was kept for counts at once.
    pub(in crate::sources) fn is_fresh(&self, ttl: Duration) -> bool {
        let Some(age) = self.stamp.age(Stamp::now()) else {
            return false;
        };
        age < ttl.as_millis() && self.life().is_none_or(|life| age < life)
    }

    /// How many milliseconds after it was got it serves; none where it does
    /// not end.
    fn life(&self) -> Option<u128> {
        let end = self.kept.expires_at?;
        let end = end.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_millis();
        let whole = end.saturating_sub(self.stamp.calendar);
        Some(whole - (whole / 5).min(LEEWAY.as_millis()))
    }

    /// Returns whether it is older than it was meant to become.
    pub(in crate::sources) fn has_outlived(&self) -> bool {
        !self.is_fresh(self.ttl)
    }

    pub(super) fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let material = handout::material_to_bytes(&self.kept.material);
        let end = self
            .kept
            .expires_at
            .and_then(|end| end.duration_since(SystemTime::UNIX_EPOCH).ok())
            .map_or_else(|| "-".to_owned(), |end| end.as_secs().to_string());
        // Texts into memory: this cannot fail.
        let facts = serde_json::to_string(&self.kept.facts).unwrap_or_default();
        let head = format!(
            "{FORM}\n{} {} {} {end}\n{facts}\n",
            self.stamp.calendar,
            self.stamp.uptime,
            self.ttl.as_millis()
        );
        // With the capacity reserved nothing is moved and left behind unwiped.
        let mut bytes = Zeroizing::new(Vec::with_capacity(head.len() + material.len()));
        bytes.extend_from_slice(head.as_bytes());
        bytes.extend_from_slice(&material);
        bytes
    }

    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let rest = text.strip_prefix(FORM)?.strip_prefix('\n')?;
        let (head, rest) = rest.split_once('\n')?;
        let (facts, material) = rest.split_once('\n')?;
        let mut words = head.split(' ');
        let mut number = || words.next()?.parse::<u64>().ok();
        let stamp = Stamp {
            calendar: number()?.into(),
            uptime: number()?.into(),
        };
        let ttl = Duration::from_millis(number()?);
        let expires_at = match words.next()? {
            "-" => None,
            end => SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(end.parse().ok()?)),
        };
        Some(Self {
            kept: Kept {
                material: handout::material_from_bytes(material.as_bytes())?,
                expires_at,
                facts: serde_json::from_str(facts).ok()?,
            },
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
    use crate::material::{Keys, Material};
    use crate::secret::Secret;
    use crate::sources::Facts;

    fn entry(calendar: u128, uptime: u128, expires_at: Option<u64>) -> Entry {
        let keys = Keys {
            id: "AKID".to_owned(),
            secret: Secret::new("s3cr3t-canary"),
            session: None,
            region: Some("eu-central-1".to_owned()),
            service: "bedrock".to_owned(),
        };
        Entry {
            kept: Kept {
                material: Material::Keys(keys),
                expires_at: expires_at
                    .map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)),
                facts: Facts {
                    account: Some("AKID".to_owned()),
                    ..Facts::default()
                },
            },
            stamp: Stamp { calendar, uptime },
            ttl: Duration::from_secs(300),
        }
    }

    #[test]
    fn an_entry_survives_storage() {
        for end in [None, Some(1_700_000_900)] {
            let there = entry(1_700_000_000_000, 5_000, end);
            let read = Entry::parse(&there.to_bytes()).unwrap();
            assert_eq!(read.stamp, there.stamp);
            assert_eq!(read.ttl, Duration::from_secs(300));
            assert_eq!(read.kept.expires_at, there.kept.expires_at);
            assert_eq!(read.kept.facts.account.as_deref(), Some("AKID"));
            assert_eq!(
                handout::material_to_bytes(&read.kept.material),
                handout::material_to_bytes(&there.kept.material)
            );
        }
    }

    #[test]
    fn what_is_not_an_entry_is_none() {
        for bytes in [
            &b""[..],
            b"keyrule-kept-2\n",
            b"keyrule-kept-2\n1 2 3 -\n",
            b"keyrule-kept-2\n1 2 3 -\n{}\n",
            b"keyrule-kept-2\n1 2 -\n{}\n{\"token\":\"a\"}",
            b"keyrule-token-1\n1 2 3\ntoken",
            b"keyrule-kept-2\n1 2 3 -\n{}\n\xff",
            b"keyrule-kept-2\n1 2 3 x\n{}\n{\"token\":\"a\"}",
        ] {
            assert!(Entry::parse(bytes).is_none());
        }
        assert!(Entry::parse(b"keyrule-kept-2\n1 2 3 -\n{}\n{\"token\":\"a\"}").is_some());
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
        let kept = Kept::of(Secret::new("a"));
        let now = Entry::now(kept, Duration::from_secs(300));
        assert!(now.is_fresh(Duration::from_secs(1)));
        assert!(!now.is_fresh(Duration::ZERO));
        assert!(!now.has_outlived());
    }

    #[test]
    fn what_ends_serves_until_five_minutes_before_or_a_fifth_of_its_time() {
        let minutes = |minutes: u64| Some(1_700_000_000 + minutes * 60);
        let life = |end| entry(1_700_000_000_000, 0, end).life();
        assert_eq!(life(None), None);
        assert_eq!(life(minutes(60)), Some(55 * 60_000));
        assert_eq!(life(minutes(10)), Some(8 * 60_000));
        assert_eq!(life(Some(1_600_000_000)), Some(0));
    }
}
