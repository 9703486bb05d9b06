//! A secret value: it never prints, never serializes, and is wiped when it is
//! dropped. What goes in is text from a source; the one way out is
//! [`crate::handout`], which alone calls `expose`.

use std::fmt;

use zeroize::Zeroizing;

/// A secret value.
///
/// It has no `Display`, no `Serialize` and no `PartialEq`; its `Debug` prints
/// one fixed word.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// The longest credential that is taken from a helper, an issuer or a
    /// person, in bytes: what is kept must stay small enough to be read.
    pub const LONGEST: usize = 16 * 1024;

    /// Takes a value into custody.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// The value itself. Only `handout` calls this; a test reads the sources
    /// to make sure.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// Returns whether it is empty or ASCII white space alone.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.bytes().all(|byte| byte.is_ascii_whitespace())
    }

    /// Returns whether it is longer than any credential that is taken.
    pub fn is_too_long(&self) -> bool {
        self.0.len() > Self::LONGEST
    }

    /// Returns the place (from 1, in characters) and the name of the first
    /// character that no header may carry: CR, LF, NUL, or anything above
    /// U+00FF (RFC 9110, section 5.5; the last because headers are Latin-1
    /// in the clients that matter).
    #[must_use]
    pub fn bad_character(&self) -> Option<(usize, &'static str)> {
        self.0
            .chars()
            .enumerate()
            .find_map(|(index, character)| match character {
                '\r' => Some((index + 1, "a carriage return")),
                '\n' => Some((index + 1, "a line feed")),
                '\0' => Some((index + 1, "a NUL")),
                other if other > '\u{ff}' => Some((index + 1, "a character above U+00FF")),
                _ => None,
            })
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(REDACTED)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_prints_no_value() {
        assert_eq!(
            format!("{:?}", Secret::new("s3cr3t-canary")),
            "Secret(REDACTED)"
        );
    }

    #[test]
    fn a_bad_character_is_named_by_its_place() {
        assert_eq!(
            Secret::new("abc\r\n").bad_character(),
            Some((4, "a carriage return"))
        );
        assert_eq!(
            Secret::new("ab\u{2026}").bad_character(),
            Some((3, "a character above U+00FF"))
        );
        assert_eq!(Secret::new("caf\u{e9}").bad_character(), None);
    }

    #[test]
    fn white_space_alone_is_blank() {
        assert!(Secret::new(" \t\n").is_blank());
        assert!(Secret::new("").is_blank());
        assert!(!Secret::new(" x ").is_blank());
    }
}
