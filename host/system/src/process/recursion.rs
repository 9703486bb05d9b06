//! Helpers that are Keyrule itself. What goes in is a helper's command line
//! and the marker that a run of ours leaves in a helper's environment; what
//! comes out is whether running it would end where it began. The command line
//! is read, not run: what a script calls is seen by the marker, and where the
//! script has cleared its environment, by the processes around us.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::environment::Ambient;

/// The variable that tells a nested Keyrule which helpers are being run
/// already: `POLICY/SOURCE`, the outermost first, spaces between.
pub const MARKER: &str = "KEYRULE_HELPER_OF";

/// Returns whether this helper, by its name, is being run by a Keyrule around
/// us.
#[must_use]
pub fn is_marked(own: &str, ambient: &Ambient) -> bool {
    ambient
        .variable(MARKER)
        .is_some_and(|chain| chain.to_string_lossy().split(' ').any(|name| name == own))
}

/// The marker for this helper, by its name.
#[must_use]
pub fn mark(own: &str, ambient: &Ambient) -> String {
    match ambient.variable(MARKER) {
        Some(chain) if !chain.is_empty() => format!("{} {own}", chain.to_string_lossy()),
        _ => own.to_owned(),
    }
}

/// Returns whether the program is this very one. A relative path is one in
/// `folder`, a bare name is looked up in `PATH`.
pub fn is_this_program(program: &str, folder: &Path, ambient: &Ambient) -> bool {
    let Ok(this) = std::env::current_exe().and_then(std::fs::canonicalize) else {
        return false;
    };
    let is_this = |path: PathBuf| std::fs::canonicalize(path).is_ok_and(|path| path == this);
    if Path::new(program).components().count() > 1 || program.contains('/') {
        return is_this(folder.join(program));
    }
    let Some(path) = ambient.variable("PATH") else {
        return false;
    };
    // The first file of that name is the one that would run.
    std::env::split_paths(path)
        .flat_map(|entry| {
            let plain = entry.join(program);
            let windows = cfg!(windows).then(|| entry.join(format!("{program}.exe")));
            [Some(plain), windows].into_iter().flatten()
        })
        .find(|path| path.is_file())
        .is_some_and(is_this)
}

/// Returns whether a Keyrule around us runs a helper that we are part of. A
/// helper is the leader of its process group and a child of the program that
/// got it; nothing else that Keyrule starts is.
#[cfg(target_os = "linux")]
pub fn is_inside_a_run() -> bool {
    use std::os::unix::fs::MetadataExt;
    let program = |process: &str| {
        let metadata = std::fs::metadata(format!("/proc/{process}/exe")).ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    let Some(this) = program("self") else {
        return false;
    };
    let mut process = std::process::id().to_string();
    // No more than processes are ever nested; a chain that changes while it
    // is walked ends too.
    for _ in 0..256 {
        let Some((parent, group)) = parent_and_group(&process) else {
            return false;
        };
        if group == process && program(&parent) == Some(this) {
            return true;
        }
        process = parent;
    }
    false
}

/// Elsewhere the marker alone tells.
#[cfg(not(target_os = "linux"))]
pub fn is_inside_a_run() -> bool {
    false
}

/// Reads `/proc/PID/stat`: after the name in parentheses, which can hold
/// anything, come the state, the parent and the group.
#[cfg(target_os = "linux")]
fn parent_and_group(process: &str) -> Option<(String, String)> {
    let stat = std::fs::read(format!("/proc/{process}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(1);
    Some((fields.next()?.to_owned(), fields.next()?.to_owned()))
}

/// The program that a line of shell begins with, as far as that can be told
/// without running it: assignments, `exec`, `command` and `env` are passed
/// over, `sh -c` is looked into.
pub fn program_of(line: &str) -> Option<Zeroizing<String>> {
    program_among(&words(line))
}

/// The same for a command that is a list of arguments already.
pub fn program_among(words: &[Zeroizing<String>]) -> Option<Zeroizing<String>> {
    let mut rest = words.iter();
    let mut options_too = false;
    let first = rest.find(|word| {
        let wraps = matches!(word.as_str(), "exec" | "command" | "env" | "/usr/bin/env");
        options_too |= wraps;
        !(wraps || is_assignment(word) || (options_too && word.starts_with('-')))
    })?;
    let base = first.rsplit('/').next().unwrap_or_default();
    if matches!(base, "sh" | "bash" | "dash" | "zsh" | "ksh")
        && rest.any(|word| word.starts_with('-') && word.ends_with('c'))
    {
        return program_of(rest.next()?);
    }
    Some(first.clone())
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    })
}

/// The words of the first simple command, quotes taken off.
fn words(line: &str) -> Vec<Zeroizing<String>> {
    let mut words = Vec::new();
    let mut word: Option<Zeroizing<String>> = None;
    let mut quote = None;
    let mut characters = line.trim().chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), _) if character == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None | Some('"'), '\\') => {
                word.get_or_insert_default().extend(characters.next());
            }
            (None, ';' | '|' | '&' | '<' | '>' | '(' | ')' | '\n') => break,
            (None, _) if character.is_ascii_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(line: &str) -> Option<String> {
        program_of(line).map(|program| program.to_string())
    }

    #[test]
    fn the_first_program_of_a_line_is_seen_through_what_wraps_it() {
        let keyrule = Some("keyrule".to_owned());
        assert_eq!(program("keyrule token"), keyrule);
        assert_eq!(program("  'key'\"rule\" token"), keyrule);
        assert_eq!(program("exec keyrule token"), keyrule);
        assert_eq!(program("A=1 B='x y' keyrule token; other"), keyrule);
        assert_eq!(program("env -i A=1 keyrule token"), keyrule);
        assert_eq!(program("sh -c 'exec keyrule token'"), keyrule);
        assert_eq!(program("/bin/bash -ec \"keyrule token | cat\""), keyrule);
        assert_eq!(program("keyrule|cat"), keyrule);
        assert_eq!(program("key\\rule"), keyrule);
        assert_eq!(program("cat keyrule"), Some("cat".to_owned()));
        assert_eq!(program("sh script"), Some("sh".to_owned()));
        assert_eq!(program(""), None);
        assert_eq!(program("sh -c"), None);
    }

    #[test]
    fn this_program_is_known_by_its_file() {
        let this = std::env::current_exe().unwrap();
        let (folder, name) = (this.parent().unwrap(), this.file_name().unwrap());
        let name = name.to_str().unwrap();
        let path = Ambient::empty().with_variable("PATH", folder);
        let nowhere = Path::new("/nonexistent");
        assert!(is_this_program(
            this.to_str().unwrap(),
            nowhere,
            &Ambient::empty()
        ));
        assert!(is_this_program(
            &format!("./{name}"),
            folder,
            &Ambient::empty()
        ));
        assert!(is_this_program(name, nowhere, &path));
        assert!(!is_this_program(name, folder, &Ambient::empty()));
        assert!(!is_this_program("sh", folder, &path));
    }

    #[test]
    fn the_marker_names_every_helper_around() {
        let own = "sample/sample";
        let outer = Ambient::empty().with_variable(MARKER, "other/helper");
        assert!(!is_marked(own, &outer));
        let chain = mark(own, &outer);
        assert_eq!(chain, "other/helper sample/sample");
        let inner = Ambient::empty().with_variable(MARKER, chain);
        assert!(is_marked(own, &inner));
        assert_eq!(mark(own, &Ambient::empty()), "sample/sample");
    }
}
