//! Folders and files of ours: where they are, and who can reach them. A file
//! that holds credentials or consents is its owner's alone.

use std::path::{Path, PathBuf};

use super::Check;
use crate::errors::os_words;
use keyrule::consent::ConsentBook;
use keyrule::resolver::Explained;
use keyrule::sources::paths::{self, PathError};
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;
#[cfg(unix)]
use keyrule_system::text::typed;

pub(super) fn check(explained: &Explained, ambient: &Ambient) -> Vec<Check> {
    let mut checks = Vec::new();
    match &ambient.home {
        Some(_) => {}
        None => checks.push(
            Check::warning("files", "the home folder is not known")
                .try_this("set `HOME` to an absolute path"),
        ),
    }
    match ambient.config_folder() {
        Some(folder) => checks.push(present("the folder of your policies", &folder)),
        None => checks.push(Check::warning("files", "there is no folder for policies")),
    }
    match ambient.state_folder() {
        Some(folder) => {
            checks.push(private("the folder of consents", &folder));
            let mut entries: Vec<_> = std::fs::read_dir(&folder)
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect();
            entries.sort();
            checks.extend(entries.iter().filter_map(|path| exposed("its file", path)));
            checks.push(consents(ambient));
        }
        None => checks.push(
            Check::warning(
                "files",
                "there is no folder for consents: none is remembered",
            )
            .try_this("set `HOME` to an absolute path"),
        ),
    }
    if explained.info.tool.folder.is_some() {
        match tool_folder(explained, ambient) {
            Ok(folder) => {
                checks.extend(writable("the tool's folder", &folder));
                for name in CREDENTIALS {
                    checks.push(private("the credentials file", &folder.join(name)));
                }
                checks.extend(beside(&folder));
            }
            Err(error) => checks.push(Check::error("files", error.to_string())),
        }
    }
    checks
}

/// Files that can hold a credential: the tool's, and ours.
const CREDENTIALS: [&str; 2] = [".credentials.json", ".credentials.keyrule.json"];

/// The folder that our store is in: the tool's, or else our own.
pub(super) fn store_folder(explained: &Explained, ambient: &Ambient) -> Option<PathBuf> {
    match explained.info.tool.folder {
        Some(_) => tool_folder(explained, ambient).ok(),
        None => ambient.state_folder(),
    }
}

fn tool_folder(explained: &Explained, ambient: &Ambient) -> Result<PathBuf, PathError> {
    let path = "{folder}/.credentials.json".to_owned();
    let everywhere = wit::Paths {
        linux: path.clone(),
        macos: path.clone(),
        windows: path,
    };
    let file = paths::expand(&everywhere, &explained.info.tool, ambient)?;
    Ok(file.parent().map(Path::to_path_buf).unwrap_or_default())
}

/// Copies of ours of the credentials file: a damaged one, an interrupted one.
fn beside(folder: &Path) -> Vec<Check> {
    let mut paths: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(std::ffi::OsStr::to_str);
            name.is_some_and(|name| {
                name.starts_with(".credentials") && !CREDENTIALS.contains(&name)
            })
        })
        .collect();
    paths.sort();
    paths
        .iter()
        .filter_map(|path| exposed("a file of the store", path))
        .collect()
}

/// Whether the record of consents can be read and believed.
fn consents(ambient: &Ambient) -> Check {
    match ConsentBook::open(ambient).list() {
        Ok(remembered) => match remembered.len() {
            0 => Check::ok("files", "no consent is remembered"),
            1 => Check::ok("files", "1 consent is remembered"),
            many => Check::ok("files", format!("{many} consents are remembered")),
        },
        Err(error) => Check::error("files", error.to_string()).try_this(error.hint()),
    }
}

/// A file or folder that nobody else may reach.
fn private(what: &str, path: &Path) -> Check {
    exposed(what, path).unwrap_or_else(|| present(what, path))
}

/// Whether it is there.
fn present(what: &str, path: &Path) -> Check {
    let name = path.display();
    match std::fs::metadata(path) {
        Ok(_) => Check::ok("files", format!("{what} `{name}` is there")),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Check::ok("files", format!("{what} `{name}` is not there yet"))
        }
        Err(error) => Check::error(
            "files",
            format!("{what} `{name}` cannot be looked at: {}", os_words(&error)),
        ),
    }
}

/// What is wrong with who can reach it.
#[cfg(unix)]
fn exposed(what: &str, path: &Path) -> Option<Check> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = std::fs::metadata(path).ok()?;
    if let Some(check) = owner(what, path, &metadata) {
        return Some(check);
    }
    let mode = metadata.mode() & 0o7777;
    let wanted = if metadata.is_dir() { "700" } else { "600" };
    (mode & 0o077 != 0).then(|| {
        let who = if mode & 0o022 != 0 { "changed" } else { "read" };
        let name = path.display();
        let message =
            format!("{what} `{name}` can be {who} by other users: its mode is {mode:04o}");
        Check::warning("files", message).try_this(format!("chmod {wanted} {}", typed(path)))
    })
}

/// A folder that is not ours alone, and that nobody else may write into:
/// whoever does can replace what lies there.
#[cfg(unix)]
fn writable(what: &str, path: &Path) -> Option<Check> {
    use std::os::unix::fs::MetadataExt as _;

    let metadata = std::fs::metadata(path).ok()?;
    if let Some(check) = owner(what, path, &metadata) {
        return Some(check);
    }
    let mode = metadata.mode() & 0o7777;
    (mode & 0o022 != 0).then(|| {
        let name = path.display();
        let message =
            format!("other users can replace what lies in {what} `{name}`: its mode is {mode:04o}");
        Check::warning("files", message).try_this(format!("chmod go-w {}", typed(path)))
    })
}

#[cfg(unix)]
fn owner(what: &str, path: &Path, metadata: &std::fs::Metadata) -> Option<Check> {
    use std::os::unix::fs::MetadataExt as _;

    let own = rustix::process::geteuid().as_raw();
    (metadata.uid() != own).then(|| {
        let name = path.display();
        let check = Check::error("files", format!("{what} `{name}` belongs to somebody else"));
        if metadata.is_dir() {
            check.try_this(format!("as root: `chown {own} {}`", typed(path)))
        } else {
            // What somebody else has written does not become ours.
            let aside = typed(&path.with_extension("theirs")).to_string();
            check.try_this(format!("mv {} {aside}", typed(path)))
        }
    })
}

/// Elsewhere, access is not a matter of mode bits.
#[cfg(not(unix))]
fn exposed(_what: &str, _path: &Path) -> Option<Check> {
    None
}

#[cfg(not(unix))]
fn writable(_what: &str, _path: &Path) -> Option<Check> {
    None
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::commands::doctor::Level;

    #[test]
    fn a_file_that_others_can_read_comes_with_the_chmod_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("consents");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let name = path.display();
        assert_eq!(
            private("the file", &path),
            Check::warning(
                "files",
                format!("the file `{name}` can be read by other users: its mode is 0640")
            )
            .try_this(format!("chmod 600 {name}"))
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(private("the file", &path).level, Level::Ok);
    }

    #[test]
    fn a_folder_that_others_can_write_into_comes_with_the_chmod_that_mends_it() {
        let folder = tempfile::tempdir().unwrap();
        let mode = |mode| {
            let mode = std::fs::Permissions::from_mode(mode);
            std::fs::set_permissions(folder.path(), mode).unwrap();
        };
        let name = folder.path().display();
        mode(0o755);
        assert_eq!(writable("the folder", folder.path()), None);
        mode(0o775);
        assert_eq!(
            writable("the folder", folder.path()),
            Some(
                Check::warning(
                    "files",
                    format!(
                        "other users can replace what lies in the folder `{name}`: its mode is 0775"
                    )
                )
                .try_this(format!("chmod go-w {name}"))
            )
        );
    }

    #[test]
    fn what_is_not_there_yet_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        let check = private("the file", &folder.path().join("none"));
        assert_eq!(check.level, Level::Ok);
        assert!(check.message.ends_with("is not there yet"));
    }
}
