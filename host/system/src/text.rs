//! Text that may be shown. What goes in is text from a file or from somebody
//! else; what comes out has as many characters, with those replaced that a
//! secret could be made of, or that a terminal would obey. It is a guess, and
//! errs towards hiding: what is masked needlessly can be read in the file.

use std::ops::Range;
use std::path::Path;

// One file for the host and the engine, so that what one warns of the other
// masks; the host links no engine to take it from.
#[path = "../../../guest/src/looks.rs"]
mod looks;

use looks::{named, secrets};

/// Replaces what looks like a secret by as many `*`.
pub fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut hidden: Vec<Range<usize>> = secrets(line);
        hidden.extend(named(line));
        hidden.sort_by_key(|range| range.start);
        // How far the ranges reach that began so far: a line has many of
        // them where somebody wants it to.
        let mut ranges = hidden.iter().peekable();
        let mut until = 0;
        for (offset, character) in line.char_indices() {
            while let Some(range) = ranges.next_if(|range| range.start <= offset) {
                until = until.max(range.end);
            }
            let is_hidden = offset < until;
            masked.push(if is_hidden && !matches!(character, '\n' | '\r') {
                '*'
            } else {
                character
            });
        }
    }
    masked
}

/// Replaces what would move a terminal's cursor or change its colours.
pub fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if is_control(character) {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            }
        })
        .collect()
}

/// The same for a whole text, whose lines and tabs stay.
pub fn printable_lines(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '\n' | '\t' => character,
            // A line end of two characters stays two characters.
            '\r' => ' ',
            other if is_control(other) => char::REPLACEMENT_CHARACTER,
            other => other,
        })
        .collect()
}

/// A path as messages show it.
#[must_use]
pub fn shown(path: &Path) -> String {
    printable(&path.to_string_lossy())
}

/// A path as it can be typed into a shell.
#[must_use]
pub fn typed(path: &Path) -> String {
    let shown = shown(path);
    let plain = |character: char| character.is_alphanumeric() || "/._-+:@%,".contains(character);
    if !shown.is_empty() && shown.chars().all(plain) {
        shown
    } else {
        format!("'{}'", shown.replace('\'', r"'\''"))
    }
}

/// Control characters, and those that turn the direction of what follows.
pub fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_secret_is_masked() {
        for (shown, masked) in [
            // By its beginning, quoted or not.
            (
                r#"variable = "sk-ant-canary""#,
                r#"variable = "*************""#,
            ),
            ("api-key=sk-ant-api03-AbCd", "api-key=*****************"),
            (
                r#"x = "AKIAIOSFODNN7EXAMPLE""#,
                r#"x = "********************""#,
            ),
            (
                "eyJhbGciOi.eyJzdWIi.c2ln = 1",
                "************************ = 1",
            ),
            (r#"x = "sk-ant-canary-1""#, r#"x = "***************""#),
            ("key:ghp_0123456789abcdef", "************************"),
            // By its looks.
            (r#"x = "0123456789abcdef""#, r#"x = "****************""#),
            (
                r#"x = "Zm9vYmFyYmF6cXV4MTIz/+8=""#,
                r#"x = "***********************=""#,
            ),
            (
                r#"x = "dGhpc2lzYWxvbmdzZWNyZXQ""#,
                r#"x = "***********************""#,
            ),
            (
                r#"x = "3f2504e0-4f89-11d3-9a0c-0305e82c3301""#,
                r#"x = "************************************""#,
            ),
            // By what stands before it.
            (
                r#"x = { Authorization = "Bearer hunter2" }"#,
                r#"x = { Authorization = "Bearer *******" }"#,
            ),
            (r#"password = "hunter two""#, r#"password = "****** ***""#),
            (r#"api_key_secret = 'x'"#, "api_key_secret = '*'"),
            // In a URL.
            (
                r#"x = "https://u:hunter2@example.com/a""#,
                r#"x = "https://*********@example.com/a""#,
            ),
            (
                r#"x = "https://example.com/?t=sk-ant-canary""#,
                r#"x = "https://example.com/?t=*************""#,
            ),
            (
                r#"x = "/run/0123456789abcdef0123/y""#,
                r#"x = "/run/********************/y""#,
            ),
        ] {
            assert_eq!(mask(shown), masked);
        }
    }

    #[test]
    fn the_shipped_policies_are_shown_as_they_are() {
        for text in [
            include_str!("../../../policies/claude-code.toml"),
            include_str!("../../../policies/claude-code-legacy.toml"),
            include_str!("../../../policies/example-accounts.toml"),
            include_str!("../../../policies/example-cloud-only.toml"),
            include_str!("../../../policies/example-gateway.toml"),
            include_str!("../../../policies/example-web-sandbox.toml"),
        ] {
            assert_eq!(mask(text), text);
        }
    }

    #[test]
    fn a_mask_is_as_wide_as_what_it_hides() {
        let text = "a = \"sk-ant-caf\u{e9}\u{4e2d}\" # \u{e9}\r\nb = 1\n";
        let masked = mask(text);
        assert_eq!(masked, "a = \"************\" # \u{e9}\r\nb = 1\n");
        assert_eq!(masked.chars().count(), text.chars().count());
    }

    #[test]
    fn a_terminal_is_given_nothing_to_obey() {
        assert_eq!(
            printable("a\u{1b}]0;x\u{7}\u{202e}b\n"),
            "a\u{fffd}]0;x\u{fffd}\u{fffd}b\u{fffd}"
        );
        assert_eq!(printable_lines("a\u{9b}\r\n\tb"), "a\u{fffd} \n\tb");
    }

    #[test]
    fn a_path_in_a_hint_can_be_typed() {
        assert_eq!(
            typed(Path::new("/etc/keyrule/x.toml")),
            "/etc/keyrule/x.toml"
        );
        assert_eq!(typed(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
