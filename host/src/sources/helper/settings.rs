//! A key in the tool's settings files. What goes in is the key, the files in
//! the policy's order and the world around them; what comes out is the key's
//! text and the file that has it, or what is wrong with the first file that
//! cannot be read. A file that is there and cannot be read, trusted or parsed
//! is never passed over: it could have held the key.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::json::{self, Value};
use crate::ambient::Ambient;
use crate::engine::bindings as wit;
use crate::sources::paths::{self, PathError};

/// The longest settings file that is read.
const LONGEST: u64 = 2 * 1024 * 1024;

/// A key that was found.
pub(super) struct Found {
    /// Its text.
    pub value: Zeroizing<String>,
    /// The file that has it.
    pub file: PathBuf,
    /// Who can write that file.
    pub tier: wit::Tier,
}

/// A file that stops the search, or a value that is none.
pub(super) struct Fault {
    /// What is wrong.
    pub trouble: wit::Trouble,
    /// The same in words, without any content.
    pub detail: String,
    /// The file or variable it is about.
    pub found_in: Option<String>,
    /// Who can write that file.
    pub tier: Option<wit::Tier>,
}

/// Looks for the key, file by file; the first one that has it counts.
pub(super) fn find(
    setting: &wit::Setting,
    tool: &wit::Tool,
    ambient: &Ambient,
) -> Result<Option<Found>, Fault> {
    for name in &setting.from {
        let Some(settings) = tool.settings.iter().find(|file| file.name == *name) else {
            return Err(Fault {
                trouble: wit::Trouble::Invalid,
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
            files = drop_ins(&folder).map_err(|error| unreadable(&folder, &error, settings))?;
        }
        files.extend(optional(paths::expand(&settings.path, tool, ambient)).map_err(of_path)?);
        for file in files {
            if let Some(found) = in_file(&setting.key, file, settings)? {
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
fn drop_ins(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().as_encoded_bytes();
        if name.ends_with(b".json") && !name.starts_with(b".") {
            files.push(path);
        }
    }
    files.sort();
    files.reverse();
    Ok(files)
}

fn in_file(key: &str, path: PathBuf, settings: &wit::SettingsFile) -> Result<Option<Found>, Fault> {
    let fault = |trouble, detail: String| Fault {
        trouble,
        detail,
        found_in: Some(path.display().to_string()),
        tier: Some(settings.tier),
    };
    let file = match open(&path) {
        Ok(file) => file,
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(unreadable(&path, &error, settings)),
    };
    let shown = path.display();
    if settings.tier == wit::Tier::Managed {
        trusted(&file, &path)
            .map_err(|why| fault(wit::Trouble::Untrusted, format!("`{shown}`: {why}")))?;
    }
    let bytes = read(file).map_err(|error| unreadable(&path, &error, settings))?;
    if bytes.len() as u64 > LONGEST {
        let detail = format!("`{shown}` is longer than 2 MiB");
        return Err(fault(wit::Trouble::Invalid, detail));
    }
    match json::value_of(key, &bytes) {
        Ok(Value::Absent) => Ok(None),
        Ok(Value::Text(value)) if value.contains('\0') => Err(fault(
            wit::Trouble::Invalid,
            format!("`{key}` in `{shown}` holds a NUL"),
        )),
        Ok(Value::Text(value)) => Ok(Some(Found {
            value,
            file: path,
            tier: settings.tier,
        })),
        Ok(Value::Other) => Err(fault(
            wit::Trouble::Invalid,
            format!("`{key}` in `{shown}` is not a string"),
        )),
        Err(words) => Err(fault(wit::Trouble::Invalid, format!("`{shown}` {words}"))),
    }
}

/// Opens a file without waiting for a writer, should it be a pipe, and only
/// if it is a plain file.
fn open(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(rustix::fs::OFlags::NONBLOCK.bits().cast_signed());
    }
    let file = options.open(path)?;
    if file.metadata()?.is_file() {
        Ok(file)
    } else {
        Err(io::Error::other("not a plain file"))
    }
}

/// Reads no more than one byte past the limit.
fn read(file: File) -> io::Result<Zeroizing<Vec<u8>>> {
    let length = file.metadata()?.len().min(LONGEST);
    // With the capacity reserved nothing is moved and left behind unwiped.
    let capacity = usize::try_from(length)
        .unwrap_or_default()
        .saturating_add(2);
    let mut bytes = Zeroizing::new(Vec::with_capacity(capacity));
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Returns whether nobody but the administrator could have written it.
fn trusted(_file: &File, _path: &Path) -> Result<(), String> {
    Ok(())
}

fn unreadable(path: &Path, error: &io::Error, settings: &wit::SettingsFile) -> Fault {
    Fault {
        trouble: wit::Trouble::Unreadable,
        detail: format!("`{}`: {}", path.display(), words(error)),
        found_in: Some(path.display().to_string()),
        tier: Some(settings.tier),
    }
}

/// A file below what is no folder is as absent as one in a missing folder.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

/// The same words on every system for what is common.
fn words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "not a plain file".to_owned(),
        _ => error.to_string(),
    }
}
