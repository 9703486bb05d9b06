//! Finds the parts of a line of text that look like a secret. It is a guess, and
//! errs towards a secret. The host includes this file to mask what it shows; it
//! lies here because the engine, which the host need not link, checks policies
//! with it.

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

/// Keys of the policy language that sound like these: one has the name of a
/// variable, the other that of a setting.
const OF_VARIABLE: &str = "api-key";
const OF_SETTING: &str = "credential-export";

/// What stands for a secret in a policy.
const STANDS: [&str; 3] = ["{secret}", "{secret-access-key}", "{session-token}"];

/// A shorter word is not taken for a secret by its looks alone.
const SHORTEST: usize = 16;

/// The words of a line that look like secrets.
pub(crate) fn secrets(line: &str) -> Vec<Range<usize>> {
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
pub(crate) fn named(line: &str) -> Vec<Range<usize>> {
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
        let text = line.get(word.clone()).unwrap_or_default();
        // What stands for a secret is none.
        !names(key.trim(), text) && !STANDS.iter().any(|stands| text.contains(stands))
    })
    .collect()
}

/// Whether the value of a key only names what holds a secret.
fn names(key: &str, value: &str) -> bool {
    let capital = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    match key {
        OF_VARIABLE => value.bytes().all(capital) && !looks_secret(value),
        OF_SETTING => !looks_secret(value),
        _ => false,
    }
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
