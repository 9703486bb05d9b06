//! Text that may be shown. What goes in is text from a file or from somebody
//! else; what comes out has as many characters, with those replaced that a
//! secret could be made of, or that a terminal would obey. It is a guess, and
//! errs towards hiding: what is masked needlessly can be read in the file.

use std::ops::Range;

/// How issuers begin their keys and tokens.
const PREFIXES: [&str; 25] = [
    "sk-",
    "sk_",
    "pk_live_",
    "rk_live_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "AKIA",
    "ASIA",
    "eyJ",
    "xoxa-",
    "xoxb-",
    "xoxe",
    "xoxp-",
    "xoxs-",
    "AIza",
    "ya29.",
    "hf_",
    "npm_",
    "pypi-",
    "dop_v1_",
];

/// Words that an unquoted scheme puts before a credential (RFC 9110, section
/// 11.4).
const SCHEMES: [&str; 2] = ["bearer", "basic"];

/// Keys whose values are hidden however they look.
const NAMES: [&str; 7] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "private",
    "credential",
    "apikey",
];

/// A shorter word is not taken for a secret by its looks alone.
const SHORTEST: usize = 16;

/// Replaces what looks like a secret by as many `*`.
pub(crate) fn mask(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let mut hidden: Vec<Range<usize>> = secrets(line);
        hidden.extend(named(line));
        for (offset, character) in line.char_indices() {
            let is_hidden = hidden.iter().any(|range| range.contains(&offset));
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
pub(crate) fn printable(text: &str) -> String {
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
pub(crate) fn printable_lines(text: &str) -> String {
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

/// Control characters, and those that turn the direction of what follows.
pub(crate) fn is_control(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The words of a line that look like secrets.
fn secrets(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut after_scheme = false;
    for word in words(line, is_separator) {
        let text = line.get(word.clone()).unwrap_or_default();
        // `{secret}` stands for one.
        let stands = after_scheme
            && line
                .get(..word.start)
                .is_some_and(|before| before.ends_with('{'));
        if (after_scheme && !stands) || looks_secret(text) {
            found.push(word.clone());
        } else if is_place(text) {
            let start = word.start;
            let parts = words(text, |character| "/\\?&:@;".contains(character));
            found.extend(
                parts
                    .into_iter()
                    .filter(|part| looks_secret(text.get(part.clone()).unwrap_or_default()))
                    .map(|part| start + part.start..start + part.end),
            );
            found.extend(user(text).map(|user| start + user.start..start + user.end));
        }
        after_scheme = is_scheme(line, &word);
    }
    found
}

/// Whether a word is a scheme that a credential follows: it begins a string or
/// a header's value.
fn is_scheme(line: &str, word: &Range<usize>) -> bool {
    let text = line.get(word.clone()).unwrap_or_default();
    let before = line.get(..word.start).unwrap_or_default().trim_end();
    let after = line.get(word.end..).unwrap_or_default();
    SCHEMES.contains(&text.to_ascii_lowercase().as_str())
        && (before.is_empty() || before.ends_with(['"', '\'', ':', '=']))
        && after.starts_with([' ', '\t'])
}

/// The strings of a line whose key says that they are secret.
fn named(line: &str) -> Vec<Range<usize>> {
    let Some((key, _)) = line.split_once('=') else {
        return Vec::new();
    };
    let plain = key.to_ascii_lowercase().replace(['-', '_', ' '], "");
    if key.contains(['"', '\'', '#']) || !NAMES.iter().any(|name| plain.contains(name)) {
        return Vec::new();
    }
    let value = key.len() + 1;
    words(line.get(value..).unwrap_or_default(), |character| {
        character.is_whitespace() || "\"'".contains(character)
    })
    .into_iter()
    .map(|word| value + word.start..value + word.end)
    .filter(|word| {
        // What stands for a secret is none.
        !line
            .get(word.clone())
            .is_some_and(|text| text.contains("{secret}"))
    })
    .collect()
}

fn looks_secret(word: &str) -> bool {
    let begins = PREFIXES.iter().any(|prefix| {
        word.match_indices(prefix).any(|(at, _)| {
            let before = word.get(..at).and_then(|before| before.chars().next_back());
            word.len() >= at + prefix.len() + 4
                && before.is_none_or(|before| !before.is_ascii_alphanumeric())
        })
    });
    begins || (word.chars().count() >= SHORTEST && !is_place(word) && !is_identifier(word))
}

/// A URL or a path: its parts are looked at one by one.
fn is_place(word: &str) -> bool {
    let drive = word
        .get(1..3)
        .is_some_and(|tail| tail == ":\\" || tail == ":/");
    // Base64 has slashes, too, but does not often begin with one; a path that
    // does is looked at in its parts in any case.
    word.contains("://")
        || ["/", "~/", "./", "../", "builtin:"]
            .iter()
            .any(|start| word.starts_with(start))
        || drive
}

/// A name that somebody thought of: words of letters, joined by `-`, `_`, `.`
/// or capitals, with short numbers at the most.
fn is_identifier(word: &str) -> bool {
    let parts = word.split([
        '/', '-', '_', '.', ':', '*', '!', '?', '$', '%', '+', '|', '&', '\\', '@',
    ]);
    parts.filter(|part| !part.is_empty()).all(|part| {
        let letters = part.trim_end_matches(|last: char| last.is_ascii_digit());
        let digits = part.len() - letters.len();
        let short = part.len() <= 3;
        short || (digits <= 3 && letters.chars().all(char::is_alphabetic) && is_readable(letters))
    })
}

/// Letters of which words can be made: parts that begin with capitals are
/// three letters long on average, and no word is endless.
fn is_readable(letters: &str) -> bool {
    let count = letters.chars().count();
    let mut parts = 1;
    let mut before = None::<char>;
    for letter in letters.chars() {
        if letter.is_uppercase() && before.is_some_and(char::is_lowercase) {
            parts += 1;
        }
        before = Some(letter);
    }
    count <= 24 * parts && count >= 3 * parts
}

/// The user name and password in a URL.
fn user(url: &str) -> Option<Range<usize>> {
    let start = url.find("://")? + 3;
    let authority = url.get(start..)?;
    let end = authority.find(['/', '?', '#']).unwrap_or(authority.len());
    let at = authority.get(..end)?.rfind('@')?;
    Some(start..start + at)
}

fn is_separator(character: char) -> bool {
    character.is_whitespace() || "\"'`=,()[]{}<>#".contains(character)
}

/// The runs between separators.
fn words(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = None;
    for (offset, character) in text.char_indices() {
        match (start, is_separator(character)) {
            (None, false) => start = Some(offset),
            (Some(from), true) => {
                found.push(from..offset);
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|from| from..text.len()));
    found
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
}
