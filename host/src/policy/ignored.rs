//! Names in a folder of policies that are no policy's: hidden files and copies
//! that editors and packagers leave, which nobody takes for a policy, and
//! everything else, which is named so that nobody believes that it applies.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::trust::Entry;
use super::{FileReport, FileState, Name, project};
use crate::ambient::Ambient;
use keyrule_contract::DocumentOrigin;

/// Endings of copies: of editors and version control; of dpkg, ucf, RPM,
/// pacman, apk, CFEngine, Augeas and Puppet. systemd, run-parts and
/// logrotate pass over the same.
const COPIES: [&str; 40] = [
    "~",
    ".bak",
    ".backup",
    ".old",
    ".new",
    ".orig",
    ".rej",
    ".save",
    ".tmp",
    ".swp",
    ".swo",
    ".swx",
    ".kate-swp",
    ",v",
    ".dpkg-old",
    ".dpkg-dist",
    ".dpkg-new",
    ".dpkg-bak",
    ".dpkg-backup",
    ".dpkg-tmp",
    ".dpkg-del",
    ".dpkg-remove",
    ".dpkg-divert",
    ".ucf-old",
    ".ucf-dist",
    ".ucf-new",
    ".rpmsave",
    ".rpmnew",
    ".rpmorig",
    ".pacsave",
    ".pacnew",
    ".pacorig",
    ".apk-new",
    ".apk-old",
    ".cfsaved",
    ".cfnew",
    ".cfedited",
    ".augsave",
    ".augnew",
    ".puppet-bak",
];

/// Beginnings of names that a folder of settings often has.
const TEXTS: [&str; 8] = [
    "readme",
    "license",
    "licence",
    "copying",
    "copyright",
    "notice",
    "changelog",
    "lost+found",
];

/// Whether a name is hidden, or a copy of another file.
pub(crate) fn is_hidden_or_copy(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let ends = |ending: &&str| {
        name.len()
            .checked_sub(ending.len())
            .and_then(|from| name.get(from..))
            .is_some_and(|end| end.eq_ignore_ascii_case(ending.as_bytes()))
    };
    name.starts_with(b".")
        || (name.starts_with(b"#") && name.ends_with(b"#"))
        || COPIES.iter().any(ends)
}

/// Whether a name is a policy file's.
pub(crate) fn is_policy(name: &OsStr) -> bool {
    !is_hidden_or_copy(name) && Path::new(name).extension() == Some(OsStr::new("toml"))
}

/// What a name has to be for its ending to be a file's or folder's that
/// applies, where it differs in case or white space alone.
pub(crate) fn right(name: &OsStr, entry: &Entry) -> Option<String> {
    let name = name.to_str()?;
    let (stem, ending) = name.trim_matches(is_invisible).rsplit_once('.')?;
    let right = if entry.is_folder() { "d" } else { "toml" };
    let right = ending
        .trim_matches(is_invisible)
        .eq_ignore_ascii_case(right)
        .then(|| format!("{stem}.{right}"))?;
    (right != name).then_some(right)
}

/// Whether two names differ in case or in white space around them alone.
pub(crate) fn is_alike(name: &OsStr, right: &str) -> bool {
    name.to_str().is_some_and(|name| {
        name.trim_matches(is_invisible)
            .rsplit_once('.')
            .zip(right.rsplit_once('.'))
            .is_some_and(|((stem, ending), (right_stem, right_ending))| {
                let alike = |part: &str, right: &str| {
                    part.trim_matches(is_invisible).eq_ignore_ascii_case(right)
                };
                alike(stem, right_stem) && alike(ending, right_ending)
            })
    })
}

/// Why something in the managed folder, or in the user's, does not apply.
pub(crate) fn in_folder(name: &OsStr, entry: &Entry) -> FileState {
    let is_folder = entry.is_folder();
    let why = match Path::new(name).extension() {
        Some(ending) if ending == "d" && !is_folder => "it is a file, and its name is a folder's",
        _ if is_folder => "it is a folder whose name does not end in `.d`",
        _ => "its name does not end in `.toml`",
    };
    state(name, why)
}

/// Why something in a folder of restrictions does not apply.
pub(crate) fn in_restrictions(name: &OsStr, entry: &Entry) -> FileState {
    let why = if entry.is_folder() {
        "it is a folder, not a file"
    } else {
        "its name does not end in `.toml`"
    };
    state(name, why)
}

fn state(name: &OsStr, why: &str) -> FileState {
    let name = name.to_string_lossy().to_ascii_lowercase();
    FileState::NotCounted {
        why: why.to_owned(),
        // A component is named by a policy, and lies beside it.
        expected: TEXTS.iter().any(|text| name.starts_with(text)) || name.ends_with(".wasm"),
    }
}

/// White space, and what cannot be seen either.
pub(super) fn is_invisible(character: char) -> bool {
    character.is_whitespace()
        || character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
        )
}

/// What the user's folder and the project's hold for this name that does not
/// apply. It is named on request, and never a reason to refuse.
pub fn beside(name: &Name, ambient: &Ambient) -> Vec<FileReport> {
    let user = ambient
        .config_folder()
        .map(|folder| (DocumentOrigin::User, folder));
    let project = project::folders(ambient).into_iter();
    user.into_iter()
        .chain(project.map(|folder| (DocumentOrigin::Project, folder)))
        .flat_map(|(place, folder)| {
            let found = misnamed(name, &folder).into_iter();
            found.map(move |(path, state)| FileReport { place, path, state })
        })
        .collect()
}

/// What is named almost like the policy's file in a folder.
fn misnamed(name: &Name, folder: &Path) -> Vec<(PathBuf, FileState)> {
    let right = name.file();
    let is_right = |path: &Path| {
        // Some file systems know the file by other spellings.
        let same = |path: &Path| path.canonicalize().ok();
        let right = same(&folder.join(&right));
        right.is_some() && same(path) == right
    };
    let Ok(entries) = folder.read_dir() else {
        return Vec::new();
    };
    let mut found: Vec<_> = entries
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let own = entry.file_name();
            let (path, text) = (entry.path(), own.to_str()?);
            let trimmed = text.trim_matches(is_invisible);
            let stem = trimmed
                .split_at_checked(name.as_str().len())
                .filter(|(stem, rest)| {
                    stem.eq_ignore_ascii_case(name.as_str())
                        && (rest.is_empty() || rest.starts_with('.'))
                });
            // Another policy's file, such as `NAME.test.toml`.
            let is_other = is_policy(&own) && !is_alike(&own, &right);
            if text == right || is_hidden_or_copy(&own) || is_other || stem.is_none() {
                return None;
            }
            if is_right(&path) {
                return None;
            }
            Some((path, state(&own, &format!("its name must be `{right}`"))))
        })
        .collect();
    found.sort_by(|(left, _), (right, _)| left.cmp(right));
    found
}
