//! Exit codes, all of them. What goes in is the kind of an end; what comes out
//! is a number that scripts can tell apart.

use keyrule::resolver::Explained;
use keyrule_contract::ErrorKind;

/// Done.
pub const DONE: i32 = 0;

/// The exit code of a command that ends so.
#[must_use]
pub const fn code(kind: ErrorKind) -> i32 {
    match kind {
        ErrorKind::Failed => 1,
        ErrorKind::Usage => 2,
        ErrorKind::Refused => 3,
        ErrorKind::NothingUsable => 4,
        ErrorKind::Policy => 5,
    }
}

/// The exit code of a command that only shows the decision: 0 where a
/// credential is in use or the next step towards one is known, else that of
/// the refusal.
pub(crate) fn of(explained: &Explained) -> i32 {
    explained.kind().map_or(DONE, code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_can_tell_each_kind_apart() {
        let all = [
            ErrorKind::Failed,
            ErrorKind::Usage,
            ErrorKind::Refused,
            ErrorKind::NothingUsable,
            ErrorKind::Policy,
        ];
        assert_eq!(all.map(code), [1, 2, 3, 4, 5]);
    }
}
