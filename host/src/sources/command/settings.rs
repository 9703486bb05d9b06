//! A key in the tool's settings files. What goes in is the key, the files in
//! the policy's order and the world around them; what comes out is the key's
//! text and the file that has it, or what is wrong with the first file that
//! cannot be read. A file that is there and cannot be read, trusted or parsed
//! is never passed over: it could have held the key.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::json::{self, Value};
use crate::ambient::Ambient;
use crate::policy::Problem;
use crate::sources::paths::{self, PathError};
use keyrule_contract as wit;
use keyrule_system::fs::contents::{self, Contents};

/// The longest settings file that is read.
const LONGEST: u64 = 2 * 1024 * 1024;

/// A key that was found.
pub(in crate::sources) struct Found {
    /// Its text.
    pub value: Zeroizing<String>,
    /// The file that has it.
    pub file: PathBuf,
    /// Who can write that file.
    pub tier: wit::Tier,
}

/// A file that stops the search, or a value that is none.
pub(in crate::sources) struct Fault {
    /// What is wrong.
    pub trouble: wit::FailureKind,
    /// The same in words, without any content.
    pub detail: String,
    /// The file or variable it is about.
    pub found_in: Option<String>,
    /// Who can write that file.
    pub tier: Option<wit::Tier>,
}

/// Looks for the key, file by file; the first one that has it counts.
pub(in crate::sources) fn find(
    setting: &wit::Setting,
    tool: &wit::Tool,
    ambient: &Ambient,
) -> Result<Option<Found>, Fault> {
    for name in &setting.from {
        let Some(settings) = tool.settings.iter().find(|file| file.name == *name) else {
            return Err(Fault {
                trouble: wit::FailureKind::Invalid,
                detail: format!("the policy has no settings file `{name}`"),
                found_in: None,
                tier: None,
            });
        };
        let of_path = |error: PathError| Fault {
            trouble: error.trouble(),
            detail: format!("settings file `{name}`: {error}"),
            found_in: None,
            tier: Some(settings.tier),
        };
        let mut files = Vec::new();
        if let Some(folder) = &settings.folder
            && let Some(folder) = optional(paths::expand(folder, tool, ambient)).map_err(of_path)?
        {
            files = drop_ins(&folder, settings.tier, ambient)?;
        }
        files.extend(optional(paths::expand(&settings.path, tool, ambient)).map_err(of_path)?);
        for file in files {
            if let Some(found) = in_file(&setting.key, file, settings.tier, ambient)? {
                return Ok(Some(found));
            }
        }
    }
    Ok(None)
}

/// Where there is no project, there is no file in it either.
fn optional(path: Result<PathBuf, PathError>) -> Result<Option<PathBuf>, PathError> {
    match path {
        Ok(path) => Ok(Some(path)),
        Err(PathError::NoProject) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The `*.json` files of a folder, the last name first. Hidden ones are an
/// editor's or a package manager's, not settings.
fn drop_ins(folder: &Path, tier: wit::Tier, ambient: &Ambient) -> Result<Vec<PathBuf>, Fault> {
    let mut names = names_in(folder, tier, ambient)?;
    names.retain(|name| {
        let name = name.as_encoded_bytes();
        name.ends_with(b".json") && !name.starts_with(b".")
    });
    names.sort_unstable();
    Ok(names.iter().rev().map(|name| folder.join(name)).collect())
}

fn names_in(folder: &Path, tier: wit::Tier, ambient: &Ambient) -> Result<Vec<OsString>, Fault> {
    if tier == wit::Tier::Managed {
        let names = ambient.trust.list(folder);
        return Ok(names
            .map_err(|problem| managed(folder, &problem))?
            .unwrap_or_default());
    }
    let read = || -> io::Result<Vec<OsString>> {
        std::fs::read_dir(folder)?
            .map(|entry| Ok(entry?.file_name()))
            .collect()
    };
    match read() {
        Ok(names) => Ok(names),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(Vec::new())
        }
        Err(error) => {
            let why = format!("cannot be listed: {error}");
            Err(fault(wit::FailureKind::Unreadable, folder, tier, why))
        }
    }
}

fn in_file(
    key: &str,
    path: PathBuf,
    tier: wit::Tier,
    ambient: &Ambient,
) -> Result<Option<Found>, Fault> {
    let Some(contents) = open(&path, tier, ambient)? else {
        return Ok(None);
    };
    let invalid = |why: String| fault(wit::FailureKind::Invalid, &path, tier, why);
    match json::value_of(key, &contents.bytes).map_err(invalid)? {
        Value::Absent => Ok(None),
        Value::Text(value) if value.contains('\0') => Err(invalid(format!("has a NUL in `{key}`"))),
        Value::Text(value) => Ok(Some(Found {
            value,
            file: path,
            tier,
        })),
        Value::Other => Err(invalid(format!("has a `{key}` that is not a string"))),
    }
}

/// Reads a file, or nothing where nothing is. Of a managed one, what is read
/// is what was trusted: it is opened once.
fn open(path: &Path, tier: wit::Tier, ambient: &Ambient) -> Result<Option<Contents>, Fault> {
    let contents = if tier == wit::Tier::Managed {
        ambient
            .trust
            .open(path)
            .map_err(|problem| managed(path, &problem))?
            .map(|file| contents::read_opened(file, LONGEST))
            .transpose()
    } else {
        contents::read(path, LONGEST)
    };
    contents.map_err(|error| {
        let trouble = match error {
            contents::Fault::TooBig { .. } => wit::FailureKind::Invalid,
            contents::Fault::Unreadable(_) | contents::Fault::NotAFile => {
                wit::FailureKind::Unreadable
            }
        };
        fault(trouble, path, tier, error.to_string())
    })
}

fn managed(path: &Path, problem: &Problem) -> Fault {
    let trouble = match problem {
        Problem::Untrusted { .. } => wit::FailureKind::Untrusted,
        _ => wit::FailureKind::Unreadable,
    };
    fault(trouble, path, wit::Tier::Managed, problem.to_string())
}

fn fault(trouble: wit::FailureKind, path: &Path, tier: wit::Tier, why: String) -> Fault {
    Fault {
        trouble,
        detail: format!("`{}` {why}", path.display()),
        found_in: Some(path.display().to_string()),
        tier: Some(tier),
    }
}
