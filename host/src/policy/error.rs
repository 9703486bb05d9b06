//! What can be wrong with policy files before the engine decides anything.
//! Every error has a stable code and names the file; none quotes what stands
//! in it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use keyrule_system::text::{mask, printable, shown, typed};

use super::{FileState, Problem};
use keyrule_contract::{Diagnostic, DocumentOrigin, ErrorKind};

/// Why no policy could be loaded. In every case nothing is decided.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The name cannot be a file's. Type another.
    #[error("`{name}` cannot be the name of a policy: {why}")]
    Name {
        /// What was typed.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// There is no policy of that name. Write one, or use another name.
    #[error("there is no policy `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// Where the user's file of that name would be.
        user: Option<PathBuf>,
    },
    /// A file exists and must not be skipped, and cannot be taken either.
    /// Mend the file, or remove it.
    #[error("{} `{}` {problem}", called(*.place, .path), shown(.path))]
    File {
        /// What the file is.
        place: DocumentOrigin,
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        problem: Problem,
    },
    /// The engine rejected the documents. Mend what the diagnostics name.
    #[error("{}", first(.diagnostics))]
    Invalid {
        /// What is wrong, where, and what to do about it.
        diagnostics: Vec<Diagnostic>,
        /// The documents, so that the lines can be shown.
        texts: Texts,
    },
}

impl Error {
    /// The stable code, which is also the anchor in the documentation.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name { .. } => "policy-name",
            Self::Unknown { .. } => "policy-unknown",
            Self::File { problem, .. } => code(problem),
            Self::Invalid { .. } => "policy-invalid",
        }
    }

    /// What kind of end it is: a name that was mistyped is a matter of usage.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Name { .. } => ErrorKind::Usage,
            Self::Unknown { .. } | Self::File { .. } | Self::Invalid { .. } => ErrorKind::Policy,
        }
    }

    /// The file that it is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Name { .. } | Self::Unknown { .. } => None,
            Self::File { path, .. } => Some(path),
            Self::Invalid { diagnostics, .. } => diagnostics
                .first()
                .map(|first| Path::new(&first.location.path)),
        }
    }

    /// The next thing to type or change.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Name { .. } => Some("a name is like `claude-code`".to_owned()),
            Self::Unknown { user, .. } => {
                let shipped: Vec<_> = super::builtin::names()
                    .map(|name| format!("`{name}`"))
                    .collect();
                let shipped = shipped.join(" and ");
                Some(match user {
                    Some(user) => format!(
                        "write it to `{}`, or use one that is built in: {shipped}",
                        printable(&user.to_string_lossy())
                    ),
                    None => format!("use one that is built in: {shipped}"),
                })
            }
            Self::File {
                place,
                path,
                problem,
            } => Some(hint(problem, *place, path)),
            Self::Invalid { diagnostics, .. } => diagnostics
                .first()
                .map(|first| first.help.clone())
                .filter(|help| !help.is_empty()),
        }
    }
}

/// The stable code of what is wrong with a file.
pub fn code(problem: &Problem) -> &'static str {
    match problem {
        Problem::Unreadable(_) => "policy-unreadable",
        Problem::Unlistable(_) => "policy-folder-unreadable",
        Problem::NotAFile(_) => "policy-not-a-file",
        Problem::TooLarge => "policy-too-large",
        Problem::Binary(_) => "policy-binary",
        Problem::NotText(_) => "policy-not-utf8",
        Problem::Empty => "policy-empty",
        Problem::Misnamed { .. } => "policy-misnamed",
        Problem::Changing => "policy-folder-changing",
        Problem::Untrusted { .. } => "policy-untrusted",
    }
}

/// The same as a state for a report.
pub fn state(problem: &Problem) -> FileState {
    match problem {
        Problem::Empty => FileState::Empty,
        Problem::Untrusted { culprit, why, .. } => {
            FileState::Untrusted(format!("`{}` {why}", shown(culprit)))
        }
        Problem::Unreadable(words) | Problem::Unlistable(words) => {
            FileState::Unreadable(words.clone())
        }
        Problem::Misnamed { right, .. } => FileState::NotCounted {
            why: format!("its name must be `{}`", printable(right)),
            expected: false,
        },
        Problem::NotAFile(_)
        | Problem::TooLarge
        | Problem::Binary(_)
        | Problem::NotText(_)
        | Problem::Changing => FileState::Unreadable(format!("it {problem}")),
    }
}

fn hint(problem: &Problem, place: DocumentOrigin, path: &Path) -> String {
    let (shown, typed) = (shown(path), typed(path));
    match (problem, place) {
        (
            Problem::Untrusted {
                mend: Some(mend), ..
            },
            _,
        ) => mend.clone(),
        (Problem::Misnamed { right, taken: true }, _) => format!(
            "`{}` is also there: an administrator has to remove one of them",
            self::shown(&path.with_file_name(right))
        ),
        // A path that is not shown as it is cannot be typed either.
        (Problem::Misnamed { right, .. }, _) if shown != path.to_string_lossy() => {
            format!(
                "an administrator has to rename it to `{}`",
                printable(right)
            )
        }
        (Problem::Misnamed { right, .. }, _) => format!(
            "an administrator has to rename it: `sudo mv {typed} {}`",
            self::typed(&path.with_file_name(right))
        ),
        (Problem::Changing, _) => {
            "try again when the administrator's update is complete".to_owned()
        }
        (
            _,
            DocumentOrigin::Managed
            | DocumentOrigin::ManagedRestriction
            | DocumentOrigin::ManagedOther,
        ) => {
            format!("an administrator has to mend or remove `{shown}`")
        }
        (Problem::Empty, _) => format!("write the file, or remove it: `rm {typed}`"),
        (Problem::Unreadable(_) | Problem::Unlistable(_), _) => {
            format!("make it readable for yourself, see `ls -l {typed}`, or remove it")
        }
        _ => format!("mend or remove `{shown}`"),
    }
}

/// The documents' texts, by path. `Debug` prints the paths alone, because a
/// rejected document can hold anything.
#[derive(Clone, Default)]
pub struct Texts(BTreeMap<String, String>);

impl Texts {
    /// Keeps the texts of the documents that were loaded.
    #[must_use]
    pub fn of(documents: &[keyrule_contract::Document]) -> Self {
        Self(
            documents
                .iter()
                .map(|document| (document.path.clone(), document.text.clone()))
                .collect(),
        )
    }

    /// The text of one document.
    pub fn text(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }
}

impl fmt::Debug for Texts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.0.keys()).finish()
    }
}

/// What messages call the file at a place.
fn called(place: DocumentOrigin, path: &Path) -> &'static str {
    // The name can be misspelled.
    let is_folder = !path.extension().is_some_and(|ending| {
        let ending = ending.to_string_lossy();
        let ending = ending.trim_matches(super::ignored::is_invisible);
        ending.eq_ignore_ascii_case("toml")
    });
    match place {
        DocumentOrigin::Managed if is_folder => "the folder of managed policies",
        DocumentOrigin::ManagedRestriction if is_folder => "the folder of managed restrictions",
        DocumentOrigin::Builtin => "the built-in policy",
        DocumentOrigin::Embedder => "the program's own policy",
        DocumentOrigin::ToolFile => "the tool file",
        DocumentOrigin::ManagedToolFile => "the managed tool file",
        DocumentOrigin::UserRestriction => "your restriction",
        DocumentOrigin::Choice => "the choice",
        DocumentOrigin::Managed => "the managed policy",
        DocumentOrigin::ManagedRestriction => "the managed restriction",
        DocumentOrigin::ManagedOther => "the managed policy of another name",
        DocumentOrigin::User => "your policy file",
        DocumentOrigin::Project => "the project's restriction",
    }
}

fn first(diagnostics: &[Diagnostic]) -> String {
    let mut errors = diagnostics.iter();
    let Some(first) = errors.next() else {
        return "the policy was rejected".to_owned();
    };
    let message = mask(&printable(&first.message));
    // What is wrong without any document has no place.
    let at = match first.location.path.as_str() {
        "" => message.to_string(),
        path => format!(
            "{}:{}:{}: {message}",
            printable(path),
            first.location.line,
            first.location.column,
        ),
    };
    match errors.count() {
        0 => at,
        more => format!("{at} (and {more} more)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_its_own_code() {
        let all = [
            Problem::Unreadable(String::new()),
            Problem::Unlistable(String::new()),
            Problem::NotAFile(""),
            Problem::TooLarge,
            Problem::Binary(0),
            Problem::NotText(0),
            Problem::Empty,
            Problem::Misnamed {
                right: String::new(),
                taken: false,
            },
            Problem::Changing,
            Problem::Untrusted {
                culprit: PathBuf::new(),
                why: String::new(),
                mend: None,
            },
        ];
        let mut codes: Vec<_> = all.iter().map(code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all.len());
    }

    #[test]
    fn an_error_names_the_file_and_what_to_do() {
        let error = Error::File {
            place: DocumentOrigin::Project,
            path: PathBuf::from("/p/\u{1b}/x.toml"),
            problem: Problem::NotText(3),
        };
        assert_eq!(
            error.to_string(),
            "the project's restriction `/p/\u{fffd}/x.toml` is not UTF-8 text: see line 3"
        );
        assert_eq!(
            error.hint().as_deref(),
            Some("mend or remove `/p/\u{fffd}/x.toml`")
        );
    }

    #[test]
    fn debug_prints_no_text() {
        let texts = Texts::of(&[keyrule_contract::Document {
            origin: DocumentOrigin::User,
            path: "x.toml".to_owned(),
            text: "canary".to_owned(),
        }]);
        assert_eq!(format!("{texts:?}"), r#"{"x.toml"}"#);
    }
}
