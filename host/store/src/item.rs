//! What one thing of the record is called elsewhere: as an item of the
//! keyring, and as the file that is locked while it is renewed. What goes in
//! is where it is kept; what comes out is a name that nothing else has.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::{Shelf, Slot};

/// How much of a name people are shown.
const SHOWN: usize = 100;

/// The name of the item in the keyring. What people can read comes first; the
/// rest keeps apart what is of one name in two folders.
pub(super) fn name(folder: &Path, slot: &Slot) -> String {
    let shown = words(slot);
    let shown: String = shown.chars().take(SHOWN).collect();
    // The same folder by another path has the same items.
    let folder = folder
        .canonicalize()
        .unwrap_or_else(|_| folder.to_path_buf());
    let mark = mark(&[
        &folder.to_string_lossy(),
        shelf(slot),
        &slot.name,
        account(slot),
    ]);
    format!("{shown} · {mark}")
}

/// The name under which a damaged item is kept.
pub(super) fn aside(name: &str, number: u32) -> String {
    format!("{name} · damaged {number}")
}

/// The file to lock while this is renewed.
pub(super) fn lock(folder: &Path, slot: &Slot) -> PathBuf {
    let mark = mark(&[shelf(slot), &slot.name, account(slot)]);
    folder.join(format!(".credentials.keyrule.renewal-{mark}.lock"))
}

/// A slot in words.
pub(super) fn words(slot: &Slot) -> String {
    let name: String = slot.name.chars().filter(|c| !c.is_control()).collect();
    match account(slot) {
        "" => format!("{} {name}", shelf(slot)),
        account => {
            let account: String = account.chars().filter(|c| !c.is_control()).collect();
            format!("{} {name} {account}", shelf(slot))
        }
    }
}

const fn shelf(slot: &Slot) -> &'static str {
    match slot.shelf {
        Shelf::Keys => "key",
        Shelf::Logins => "login",
    }
}

fn account(slot: &Slot) -> &str {
    slot.account.as_deref().unwrap_or_default()
}

/// Different for different parts: each is counted, so that none runs into the
/// next one.
fn mark(parts: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in parts {
        digest.update(part.len().to_le_bytes());
        digest.update(part.as_bytes());
    }
    let bytes = digest.finalize();
    bytes
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_read_and_is_nobody_elses() {
        let folder = tempfile::tempdir().unwrap();
        let here = folder.path().join("a");
        std::fs::create_dir(&here).unwrap();
        let one = name(&here, &Slot::account("work", "ada@example.test"));
        assert!(one.starts_with("login work ada@example.test · "), "{one}");
        let others = [
            name(folder.path(), &Slot::account("work", "ada@example.test")),
            name(&here, &Slot::account("work", "bob@example.test")),
            name(&here, &Slot::account("work a", "da@example.test")),
            name(&here, &Slot::login("work")),
            name(&here, &Slot::key("work")),
        ];
        for (index, other) in others.iter().enumerate() {
            assert_ne!(other, &one);
            assert!(!others[..index].contains(other), "{other}");
        }
        let long = name(&here, &Slot::key(&"ä\n".repeat(300)));
        assert!(long.chars().count() < 130, "{long}");
        assert!(!long.contains('\n'));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_by_another_path_has_the_same_items() {
        let folder = tempfile::tempdir().unwrap();
        let (here, link) = (folder.path().join("a"), folder.path().join("link"));
        std::fs::create_dir(&here).unwrap();
        std::os::unix::fs::symlink(&here, &link).unwrap();
        assert_eq!(name(&here, &Slot::key("k")), name(&link, &Slot::key("k")));
    }
}
