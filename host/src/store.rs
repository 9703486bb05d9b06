//! Where the policy keeps keys and logins, on this machine. What goes in is
//! what the policy says; what comes out is the store in that place.

use std::path::Path;
use std::sync::Arc;

use keyrule_contract as wit;
pub use keyrule_store::*;

use crate::ambient::Ambient;
use crate::sources::paths::{self, PathError};

/// The store of this policy, on this system.
pub fn of(info: &wit::PolicyInfo, ambient: &Ambient) -> Result<Arc<dyn Store>, Error> {
    Ok(keyrule_store::of(config(info, ambient)?))
}

/// Whether the store that this policy uses answers, and where it is in words.
/// This may open the keyring, and takes 5 s at most.
pub fn probe(info: &wit::PolicyInfo, ambient: &Ambient) -> Result<String, Error> {
    keyrule_store::probe(config(info, ambient)?)
}

/// The file lies in the tool's folder; for a tool without one, in our own.
fn config(info: &wit::PolicyInfo, ambient: &Ambient) -> Result<StoreConfig, Error> {
    let folder = if info.tool.folder.is_some() {
        let below = "{folder}/.credentials.json".to_owned();
        let everywhere = wit::Paths {
            linux: below.clone(),
            macos: below.clone(),
            windows: below,
        };
        let path = paths::expand(&everywhere, &info.tool, ambient);
        path.map(|path| path.parent().map(Path::to_path_buf))
    } else {
        Ok(ambient.state_folder())
    };
    let folder = folder.and_then(|folder| folder.ok_or(PathError::NoHome));
    Ok(StoreConfig {
        folder: folder.map_err(|error| Error::NoPlace {
            trouble: error.trouble(),
            source: error.into(),
        })?,
        kind: info.storage.store,
        fallback: info.storage.fallback,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_lies_in_the_tools_folder_or_else_in_ours() {
        let home = tempfile::tempdir().unwrap();
        let mut ambient = Ambient::empty();
        let mut info = keyrule_contract::samples::info();
        let error = config(&info, &ambient).unwrap_err();
        assert_eq!(
            error.detail(),
            "there is no place to store anything in: a path begins with `~/`, and the home folder is not known"
        );
        ambient.home = Some(home.path().to_path_buf());
        let folder =
            |info: &wit::PolicyInfo, ambient: &Ambient| config(info, ambient).unwrap().folder;
        assert_eq!(folder(&info, &ambient), home.path().join(".sample"));
        let moved = ambient
            .clone()
            .with_variable("SAMPLE_FOLDER", home.path().join("moved"));
        assert_eq!(folder(&info, &moved), home.path().join("moved"));
        info.tool.folder = None;
        assert_eq!(folder(&info, &ambient), ambient.state_folder().unwrap());
    }
}
