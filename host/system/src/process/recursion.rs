//! Helpers that are Keyrule itself. What goes in is a helper's command line
//! and the marker that a run of ours leaves in a helper's environment; what
//! comes out is whether running it would end where it began. The command line
//! is read, not run: what a script calls is seen by the marker, and where the
//! script has changed its environment, by the processes around us.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::environment::Ambient;

/// The variable that tells a nested Keyrule which helpers are being run
/// already: `POLICY/SOURCE`, the outermost first, spaces between.
pub const MARKER: &str = "KEYRULE_HELPER_OF";

/// Why something that is run for a credential must not be run here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nested {
    /// The marker names it, and Keyrule runs nothing around us.
    Marked,
    /// The marker names it, and Keyrule is running something around us.
    Running,
    /// Keyrule runs something around us that the marker does not name: every
    /// run adds a name, so names were taken away, and it could be this one.
    Unmarked,
}

/// Returns why what has this name must not be run here. The processes around
/// us are asked only where they are ours to ask about (`owned`).
#[must_use]
pub fn nested(own: &str, ambient: &Ambient, owned: bool) -> Option<Nested> {
    let runs = if owned { runs_around() } else { 0 };
    match (is_marked(own, ambient), runs) {
        (true, 0) => Some(Nested::Marked),
        (true, _) => Some(Nested::Running),
        (false, runs) if runs > names(ambient).len() => Some(Nested::Unmarked),
        (false, _) => None,
    }
}

/// Returns whether the marker holds this name.
#[must_use]
pub fn is_marked(own: &str, ambient: &Ambient) -> bool {
    names(ambient).iter().any(|name| name == own)
}

/// Returns whether a Keyrule around us runs something that the marker does not
/// name.
#[must_use]
pub fn is_unmarked(ambient: &Ambient) -> bool {
    runs_around() > names(ambient).len()
}

/// The names that the marker holds, whoever wrote it.
fn names(ambient: &Ambient) -> Vec<String> {
    let chain = ambient.variable(MARKER).unwrap_or_default();
    let chain = chain.to_string_lossy();
    chain.split_whitespace().map(str::to_owned).collect()
}

/// The marker for this helper, by its name.
#[must_use]
pub fn mark(own: &str, ambient: &Ambient) -> String {
    match ambient.variable(MARKER) {
        Some(chain) if !chain.to_string_lossy().trim().is_empty() => {
            format!("{} {own}", chain.to_string_lossy())
        }
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

/// Returns how many helpers we are part of that a Keyrule around us runs. A
/// helper is the leader of its process group and a child of the program that
/// got it; nothing else that Keyrule starts is.
#[cfg(target_os = "linux")]
fn runs_around() -> usize {
    use std::os::unix::fs::MetadataExt;
    let program = |process: &str| {
        let metadata = std::fs::metadata(format!("/proc/{process}/exe")).ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    let Some(this) = program("self") else {
        return 0;
    };
    let mut runs = 0;
    let mut process = std::process::id().to_string();
    // No more than processes are ever nested; a chain that changes while it
    // is walked ends too.
    for _ in 0..256 {
        let Some((parent, group)) = parent_and_group(&process) else {
            return runs;
        };
        if group == process && program(&parent) == Some(this) {
            runs += 1;
        }
        process = parent;
    }
    runs
}

/// Elsewhere the marker alone tells.
#[cfg(not(target_os = "linux"))]
fn runs_around() -> usize {
    0
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

    #[test]
    fn a_marker_is_read_whatever_stands_between_its_names() {
        let own = "sample/sample";
        let said = |marker: &str| {
            let ambient = Ambient::empty().with_variable(MARKER, marker);
            nested(own, &ambient, false)
        };
        let many = format!("{}sample/sample", "other/helper ".repeat(10_000));
        for marker in [
            "sample/sample",
            " sample/sample\n",
            "a\tsample/sample",
            &many,
        ] {
            assert_eq!(said(marker), Some(Nested::Marked));
        }
        for marker in [
            "",
            " ",
            "sample",
            "sample/sample2",
            "x/sample/sample",
            "\u{fffd}",
        ] {
            assert_eq!(said(marker), None, "{marker}");
        }
        let blank = Ambient::empty().with_variable(MARKER, " ");
        assert_eq!(mark(own, &blank), "sample/sample");
    }

    #[cfg(unix)]
    #[test]
    fn a_marker_that_is_not_utf_8_still_names_what_it_names() {
        use std::os::unix::ffi::OsStrExt;

        let value = std::ffi::OsStr::from_bytes(b"\xff\xfe sample/sample");
        let ambient = Ambient::empty().with_variable(MARKER, value);
        assert!(nested("sample/sample", &ambient, false).is_some());
    }
}
