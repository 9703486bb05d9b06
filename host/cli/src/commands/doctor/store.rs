//! The store of keys and logins: whether it answers, what in it is damaged,
//! and what was left behind beside it. This may open the keyring, and changes
//! nothing.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Check, files};
use crate::errors::Failure;
use keyrule::resolver::Explained;
use keyrule::store;
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;
use keyrule_system::text::typed;

pub(super) fn check(explained: &Explained, ambient: &Ambient) -> Vec<Check> {
    let uses_it = explained.sources.iter().any(|source| {
        source.keep_as.is_some()
            || matches!(source.kind, wit::Kind::Login(_) | wit::Kind::StoredKey(_))
    });
    if !uses_it {
        return Vec::new();
    }
    let mut checks = vec![match store::probe(&explained.info, ambient) {
        Ok(place) => Check::ok("store", format!("keys and logins are kept in {place}")),
        // The policy has thought of it: then it is worth knowing, no more.
        Err(error @ store::Error::Keyring { .. })
            if explained.info.storage.fallback == Some(wit::StoreKind::File) =>
        {
            Check::warning(
                "store",
                format!("{error}; the policy lets a file stand in for it"),
            )
        }
        Err(error) => wrong(error),
    }];
    let odd = store::of(&explained.info, ambient).and_then(|store| store.oddities());
    // Why it cannot be read was said above.
    let odd = odd.unwrap_or_default().into_iter();
    checks.extend(odd.map(|words| Check::warning("store", words)));
    if let Some(folder) = files::store_folder(explained, ambient) {
        checks.extend(left_behind(&folder));
    }
    checks
}

fn wrong(error: store::Error) -> Check {
    let message = match error {
        // They say what to do themselves.
        store::Error::Keyring { .. } => return Check::error("store", error.to_string()),
        _ => error.detail(),
    };
    let failure = Failure::from(error);
    Check::error("store", message).hint(&failure.said.hint)
}

/// Files beside the record that its writers do not mean to stay.
fn left_behind(folder: &Path) -> Vec<Check> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    paths.iter().filter_map(|path| left(path)).collect()
}

fn left(path: &Path) -> Option<Check> {
    let name = path.file_name()?.to_str()?;
    let shown = path.display();
    if name.starts_with(".credentials.keyrule.damaged-") {
        let message = format!("`{shown}` is a damaged file that was moved out of the way");
        let hint = format!("take from it what you need, then `rm {}`", typed(path));
        return Some(Check::warning("store", message).try_this(hint));
    }
    if name.starts_with(".credentials") && name.ends_with(".copy") {
        let message = format!(
            "`{shown}` is the copy of a write that was interrupted: it counts where the file \
             itself is torn"
        );
        let hint = "leave it: the next write removes it";
        return Some(Check::warning("store", message).try_this(hint));
    }
    let is_temporary = name.starts_with(".keyrule-") && name.ends_with(".tmp");
    // One that somebody is just writing is younger.
    let age = path.metadata().ok()?.modified().ok()?.elapsed().ok()?;
    (is_temporary && age > Duration::from_secs(60)).then(|| {
        let message = format!("`{shown}` was left behind by a write that was interrupted");
        Check::warning("store", message).try_this(format!("rm {}", typed(path)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn leaves(name: &str) -> Option<Check> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        let file = std::fs::File::create(&path).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(90))
            .unwrap();
        let found = left_behind(folder.path());
        assert!(found.len() <= 1);
        let place = format!("{}/", folder.path().display());
        found.into_iter().next().map(|mut check| {
            check.message = check.message.replace(&place, "");
            check.hint = check.hint.map(|hint| hint.replace(&place, ""));
            check
        })
    }

    #[test]
    fn what_a_writer_left_behind_is_named_with_what_to_do() {
        let message = "`.keyrule-x.tmp` was left behind by a write that was interrupted";
        let temporary = Check::warning("store", message).try_this("rm .keyrule-x.tmp");
        assert_eq!(leaves(".keyrule-x.tmp"), Some(temporary));
        let hint = |name| leaves(name).and_then(|check| check.hint);
        assert_eq!(
            hint(".credentials.keyrule.damaged-1.json").as_deref(),
            Some("take from it what you need, then `rm .credentials.keyrule.damaged-1.json`")
        );
        assert_eq!(
            hint(".credentials.keyrule.json.copy").as_deref(),
            Some("leave it: the next write removes it")
        );
    }

    #[test]
    fn files_that_belong_there_are_not_named() {
        for name in [
            ".credentials.keyrule.json",
            ".credentials.keyrule.lock",
            ".credentials.json",
            "settings.json",
            "notes.tmp",
        ] {
            assert_eq!(leaves(name), None, "{name}");
        }
    }
}
