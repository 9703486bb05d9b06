//! When an answer ends. What goes in is a time as programs write it; what
//! comes out is that moment, or why it is none that serves.

use std::time::{Duration, SystemTime};

use chrono::DateTime;

use super::malformed;
use crate::obtained::Failure;
use keyrule_contract as wit;

/// Reads a time: RFC 3339, and an offset without its colon, as ISO 8601 lets
/// it be written. One that has passed is a failure of its own.
pub(super) fn end(form: &str, name: &str, text: &str) -> Result<SystemTime, Failure> {
    let read = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f%z"));
    let Ok(read) = read else {
        let words = "is no time such as `2030-01-31T12:00:00Z`";
        return Err(malformed(form, format_args!("`{name}` {words}")));
    };
    // What is before 1970 has passed.
    let seconds = u64::try_from(read.timestamp()).unwrap_or(0);
    at(form, name, seconds)
}

/// The moment so many seconds after 1970 began, where it is to come.
pub(super) fn at(form: &str, name: &str, seconds: u64) -> Result<SystemTime, Failure> {
    let end = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
    let Some(end) = end else {
        let words = "is further away than any clock goes";
        return Err(malformed(form, format_args!("`{name}` {words}")));
    };
    if end <= SystemTime::now() {
        let words = format!("`{name}` has passed");
        return Err(Failure::new(wit::FailureKind::Expired, words));
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Result<u64, Failure> {
        let end = end("a form", "Expiration", text)?;
        Ok(end
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs())
    }

    #[test]
    fn a_time_is_read_as_programs_write_it() {
        for text in [
            "2100-01-01T00:00:00Z",
            "2100-01-01T00:00:00.5Z",
            "2100-01-01T00:00:00+00:00",
            "2100-01-01T02:30:00+02:30",
            "2100-01-01T02:30:00+0230",
            "2100-01-01t00:00:00z",
        ] {
            assert_eq!(seconds(text), Ok(4_102_444_800), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_not_quoted_and_what_has_passed_says_so() {
        for text in [
            "",
            "s3cr3t",
            "4102444800",
            "2100-01-01",
            "2100-01-01T00:00:00",
        ] {
            let failure = seconds(text).unwrap_err();
            let said = "a form: `Expiration` is no time such as `2030-01-31T12:00:00Z`";
            assert_eq!(failure.detail.as_deref(), Some(said), "{text}");
        }
        for text in ["2001-01-01T00:00:00Z", "1850-01-01T00:00:00Z"] {
            let failure = seconds(text).unwrap_err();
            assert_eq!(failure.trouble, wit::FailureKind::Expired);
        }
        let never = at("a form", "end", u64::MAX).unwrap_err();
        assert_eq!(never.trouble, wit::FailureKind::MalformedAnswer);
    }
}
