//! What the committed component was made from, as a list of SHA-256 digests,
//! one line each: the sources, the contract, the versions of the two crates
//! that shape the result, and the component itself. `encode` writes the list,
//! and a test compares it with the files that are there.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The committed component, from the workspace's root.
pub(crate) const COMPONENT: &str = "guest/prebuilt/policy.wasm";
/// The list, from the workspace's root.
pub(crate) const LIST: &str = "guest/prebuilt/SOURCES.sha256";
/// Crates whose version stands in the list.
const CRATES: [&str; 2] = ["toml", "wit-bindgen"];

/// Makes the list for the files as they are now.
pub(crate) fn list(root: &Path) -> io::Result<String> {
    let mut list = format!(
        "{}  {COMPONENT}\n",
        digest(&std::fs::read(root.join(COMPONENT))?)
    );
    let mut files = vec![
        PathBuf::from("guest/Cargo.toml"),
        PathBuf::from("wit/policy.wit"),
    ];
    walk(root, Path::new("guest/src"), &mut files)?;
    files.sort();
    for file in files {
        let name = file.to_string_lossy().replace('\\', "/");
        // A checkout may have other line ends than the commit.
        let text = std::fs::read_to_string(root.join(&file))?.replace("\r\n", "\n");
        let _ = writeln!(list, "{}  {name}", digest(text.as_bytes()));
    }
    let lock = std::fs::read_to_string(root.join("Cargo.lock"))?.replace("\r\n", "\n");
    let entries: Vec<&str> = lock.split("\n\n").map(str::trim).collect();
    // The version stands beside the name where the lock file has several.
    let used = |entry: &str| {
        CRATES.iter().find(|name| {
            entry.contains(&format!("\nname = \"{name}\"\n"))
                && entries.iter().any(|guest| {
                    guest.contains("\nname = \"keyrule-policy\"\n")
                        && (guest.contains(&format!("\n \"{name}\","))
                            || version(entry).is_some_and(|version| {
                                guest.contains(&format!("\n \"{name} {version}\","))
                            }))
                })
        })
    };
    for entry in &entries {
        if let Some(name) = used(entry) {
            let _ = writeln!(list, "{}  Cargo.lock#{name}", digest(entry.as_bytes()));
        }
    }
    Ok(list)
}

fn walk(root: &Path, folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let path = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            walk(root, &path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

fn version(entry: &str) -> Option<&str> {
    entry
        .lines()
        .find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}
