//! The file of Application Default Credentials. What goes in are variables;
//! what comes out is the file as JSON, and who says where it is, or where it
//! is not as it must be. Nothing of its content is ever quoted.

use std::path::{Path, PathBuf};

use serde_json::Value;

use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_oauth::http;
use keyrule_system::environment::Ambient;
use keyrule_system::fs::contents::{self, Fault};

/// The variable that says where the file is.
const VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// The name of gcloud's own file.
const NAME: &str = "application_default_credentials.json";

/// The longest file.
const LONGEST: u64 = 256 * 1024;

/// A file that was found.
pub(super) struct Found {
    /// Where it is.
    pub path: PathBuf,
    /// Who says so.
    pub by: By,
    /// What it holds: an object with a `type`.
    pub json: Value,
}

/// Who says where the file is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum By {
    /// The variable.
    Variable,
    /// Google's convention.
    Convention(PathBuf),
}

impl By {
    /// The same in words.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Variable => format!("by `{VARIABLE}`"),
            Self::Convention(path) => format!("by the file `{}`", path.display()),
        }
    }
}

/// The path that the variable names; a relative one is relative to where the
/// program was started, as Google's libraries have it.
pub(super) fn named(world: &Ambient) -> Option<PathBuf> {
    let path = world.variable(VARIABLE).filter(|path| !path.is_empty())?;
    Some(match &world.current {
        Some(folder) => folder.join(path),
        None => PathBuf::from(path),
    })
}

/// Where gcloud keeps its own.
pub(super) fn well_known(world: &Ambient) -> Option<PathBuf> {
    let set = |name| world.variable(name).filter(|path| !path.is_empty());
    if let Some(folder) = set("CLOUDSDK_CONFIG") {
        return Some(Path::new(folder).join(NAME));
    }
    if cfg!(windows) {
        return Some(Path::new(set("APPDATA")?).join("gcloud").join(NAME));
    }
    Some(world.home.as_ref()?.join(".config/gcloud").join(NAME))
}

/// Where the file is looked for.
pub(super) fn path(world: &Ambient) -> Option<PathBuf> {
    named(world).or_else(|| well_known(world))
}

/// The file, where there is one. One that the variable names must be there.
pub(super) fn find(world: &Ambient) -> Result<Option<Found>, Failure> {
    if let Some(path) = named(world) {
        let Some(json) = read(&path)? else {
            let words = format!("the file that `{VARIABLE}` names is not there");
            return Err(Failure::new(wit::FailureKind::NoCredentials, words)
                .in_place(path.display().to_string()));
        };
        let by = By::Variable;
        return Ok(Some(Found { path, by, json }));
    }
    let Some(path) = well_known(world) else {
        return Ok(None);
    };
    let Some(json) = read(&path)? else {
        return Ok(None);
    };
    let home = world.home.as_ref();
    let short = home.and_then(|home| path.strip_prefix(home).ok());
    let short = short.map_or_else(|| path.clone(), |rest| Path::new("~").join(rest));
    Ok(Some(Found {
        by: By::Convention(short),
        path,
        json,
    }))
}

impl Found {
    /// Whether the file is of this type.
    pub(super) fn is(&self, kind: &str) -> bool {
        self.json.get("type").and_then(Value::as_str) == Some(kind)
    }

    /// A text at the top.
    pub(super) fn text(&self, key: &str) -> Option<String> {
        self.json.get(key)?.as_str().map(str::to_owned)
    }

    /// What is wrong with the file, as a predicate.
    pub(super) fn invalid(&self, words: impl std::fmt::Display) -> Failure {
        fault(wit::FailureKind::Invalid, &self.path, words)
    }

    /// Texts that credentials of a type must have.
    pub(super) fn needs(&self, json: &Value, keys: &[&str]) -> Result<(), Failure> {
        let is_there = |key: &&&str| json.get(**key).and_then(Value::as_str).is_some();
        match keys.iter().find(|key| !is_there(key)) {
            None => Ok(()),
            Some(key) => Err(self.invalid(format!("has no `{key}`"))),
        }
    }

    /// A URL that credentials are sent to: over TLS, or to this machine.
    pub(super) fn url(&self, text: &str, key: &str) -> Result<url::Url, Failure> {
        let url = url::Url::parse(text);
        match url {
            Ok(url) if http::is_secure(&url) => Ok(url),
            _ => Err(self.invalid(format!("has a `{key}` that is not an `https://` URL"))),
        }
    }

    /// A URL of the file, where it has one.
    pub(super) fn url_at(&self, json: &Value, key: &str) -> Result<Option<url::Url>, Failure> {
        let text = json.get(key).and_then(Value::as_str);
        text.map(|text| self.url(text, key)).transpose()
    }
}

/// Reads the JSON, or none where there is no file.
fn read(path: &Path) -> Result<Option<Value>, Failure> {
    let contents = contents::read(path, LONGEST).map_err(|fault| {
        let trouble = match fault {
            Fault::TooBig { .. } => wit::FailureKind::Invalid,
            Fault::Unreadable(_) | Fault::NotAFile => wit::FailureKind::Unreadable,
        };
        self::fault(trouble, path, fault)
    })?;
    let Some(contents) = contents else {
        return Ok(None);
    };
    parse(&contents.bytes)
        .map(Some)
        .map_err(|words| fault(wit::FailureKind::Invalid, path, words))
}

/// The words of the parser are not taken: they can quote what they found.
fn parse(bytes: &[u8]) -> Result<Value, String> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    if bytes.trim_ascii().is_empty() {
        return Err("is empty".to_owned());
    }
    let json: Value = serde_json::from_slice(bytes).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        format!("is not valid JSON (line {line}, column {column})")
    })?;
    if json.get("type").and_then(Value::as_str).is_some() {
        return Ok(json);
    }
    Err(
        match ["installed", "web"]
            .iter()
            .any(|key| json.get(*key).is_some())
        {
            true => "describes an OAuth client, which is no credentials".to_owned(),
            false => "has no `type`".to_owned(),
        },
    )
}

/// What is wrong with a file, as a predicate.
fn fault(trouble: wit::FailureKind, path: &Path, words: impl std::fmt::Display) -> Failure {
    let path = path.display().to_string();
    Failure::new(trouble, format!("`{path}` {words}")).in_place(path)
}
