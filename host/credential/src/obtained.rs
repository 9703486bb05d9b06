//! What a source has brought, or why it has brought nothing.

use std::time::{Duration, SystemTime};

use keyrule_contract as wit;
use keyrule_system::process::ProcessError;

use crate::material::Material;

/// What is known of a credential besides, none of it a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Facts {
    /// Whose it is, as far as it may be shown.
    pub account: Option<String>,
    /// Where it comes from, in words.
    pub detail: Option<String>,
    /// The region that it is for.
    pub region: Option<String>,
    /// The project that it is for.
    pub project: Option<String>,
    /// Whether the credentials belong to that project, and do not only name
    /// it for want of another.
    #[serde(default)]
    pub own_project: bool,
    /// Whether a variable holds it, so that only its owner can replace it.
    #[serde(default)]
    pub fixed: bool,
    /// When it ends, to the second, where that is known.
    #[serde(skip)]
    pub expires_at: Option<SystemTime>,
    /// Whether the command of a setting printed it.
    #[serde(default)]
    pub exported: bool,
    /// The resource that it is for.
    pub resource: Option<String>,
    /// The whole URL that it is to be sent to, where that depends on these.
    pub endpoint: Option<String>,
}

/// What a helper or a provider brought, as it is kept for a while.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What can be handed out.
    pub material: Material,
    /// When it ends, where that is known.
    pub expires_at: Option<SystemTime>,
    /// What else is known.
    pub facts: Facts,
}

impl Kept {
    /// Something of which nothing else is known.
    pub fn of(material: impl Into<Material>) -> Self {
        Self {
            material: material.into(),
            expires_at: None,
            facts: Facts::default(),
        }
    }
}

/// Why a program or a provider brought nothing.
#[derive(Debug, PartialEq)]
pub struct Failure {
    /// What is wrong.
    pub trouble: wit::FailureKind,
    /// The same in words, without a command line and its output.
    pub detail: Option<String>,
    /// The file or variable that is at fault, where one is.
    pub found_in: Option<String>,
}

impl Failure {
    /// A failure with words.
    pub fn new(trouble: wit::FailureKind, detail: impl Into<String>) -> Self {
        Self {
            detail: Some(detail.into()),
            ..Self::bare(trouble)
        }
    }

    /// A failure that needs none.
    pub const fn bare(trouble: wit::FailureKind) -> Self {
        Self {
            trouble,
            detail: None,
            found_in: None,
        }
    }

    /// The same, of this file or variable.
    pub fn in_place(self, place: impl Into<String>) -> Self {
        Self {
            found_in: Some(place.into()),
            ..self
        }
    }

    /// The failure to end in time.
    pub fn timed_out(limit: Duration) -> Self {
        let limit = format!("{} s", limit.as_secs_f64());
        Self::new(wit::FailureKind::TimedOut, limit)
    }

    /// The failure to end at all.
    pub fn too_long(longest: usize) -> Self {
        Self::new(
            wit::FailureKind::TooLong,
            format!("more than {longest} bytes"),
        )
    }
}

impl From<ProcessError> for Failure {
    fn from(error: ProcessError) -> Self {
        match error {
            ProcessError::NotStarted(words) => Self::new(wit::FailureKind::NotStarted, words),
            ProcessError::ExitStatus(words) => Self::new(wit::FailureKind::ExitStatus, words),
            ProcessError::TimedOut(limit) => Self::timed_out(limit),
            ProcessError::TooLong(longest) => Self::too_long(longest),
        }
    }
}

/// Whole seconds until the time, negative when it has passed.
pub fn seconds_until(time: SystemTime, now: SystemTime) -> i64 {
    let whole = |duration: Duration| i64::try_from(duration.as_secs()).unwrap_or(i64::MAX);
    match time.duration_since(now) {
        Ok(left) => whole(left),
        Err(passed) => -whole(passed.duration()).max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_negative_once_a_time_has_passed() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let half = Duration::from_millis(500);
        assert_eq!(seconds_until(now + Duration::from_secs(9), now), 9);
        assert_eq!(seconds_until(now + half, now), 0);
        assert_eq!(seconds_until(now, now), 0);
        assert_eq!(seconds_until(now - half, now), -1);
        assert_eq!(seconds_until(now - Duration::from_secs(9), now), -9);
    }
}
