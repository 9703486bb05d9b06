//! Overrides (S18): components that an administrator adds, and that choose
//! among the sources which the engine permits. What goes in is the
//! `[override]` of a policy and the world around; what comes out is an
//! [`Override`], of which every resolution and every enumerated case gets a
//! fresh [`Chooser`], or an [`Error`] that says what is wrong with the file or
//! with the answer. What an answer comes to, the engine says: nothing here
//! makes a step of it.
//!
//! `file` reads a component once and compares its digest; `world` says what a
//! component is without compiling it; `compile` makes machine code of it and
//! `cache` keeps that; `run` asks it, under limits of its own; `overridden`
//! puts it beside the engine's judge. Without the feature `overrides` only
//! the errors and the judge are left.

use std::path::{Path, PathBuf};

use keyrule_contract as wit;
use keyrule_system::environment::Ambient;

#[cfg(not(feature = "overrides"))]
mod absent;
#[cfg(feature = "overrides")]
mod bindings;
#[cfg(feature = "overrides")]
mod cache;
#[cfg(feature = "overrides")]
mod compile;
mod error;
#[cfg_attr(
    not(feature = "overrides"),
    allow(dead_code, reason = "files are read only where they can be run")
)]
pub mod file;
mod overridden;
#[cfg(feature = "overrides")]
mod run;
#[cfg(feature = "overrides")]
pub mod world;

#[cfg(not(feature = "overrides"))]
pub use absent::{Chooser, Override};
pub use error::{Error, Problem};
pub use overridden::Overridden;
#[cfg(feature = "overrides")]
pub use run::{Chooser, Override};

/// A source that an override may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Its name in the policy.
    pub id: String,
    /// What is known of it.
    pub state: wit::State,
    /// What the user has said about it.
    pub consent: wit::Consent,
}

/// Loads the override that a policy names, from the file that it names.
/// `policy_path` is the policy's own document, whose folder a relative path
/// begins in.
///
/// # Errors
///
/// Everything that is wrong with the file, the component or the cache.
pub fn load(
    component: &wit::OverrideComponent,
    policy_path: &str,
    ambient: &Ambient,
) -> Result<Override, Error> {
    let wrong = |problem| Error::new(component, problem);
    if !cfg!(feature = "overrides") {
        return Err(wrong(Problem::NotBuiltIn));
    }
    let path = path_of(&component.path, policy_path, ambient).map_err(wrong)?;
    let bytes = file::read(&path).map_err(wrong)?;
    hand_in(component, &bytes, ambient)
}

/// Loads the override that a policy names from bytes that somebody read.
///
/// # Errors
///
/// As for [`load`].
pub fn hand_in(
    component: &wit::OverrideComponent,
    bytes: &[u8],
    ambient: &Ambient,
) -> Result<Override, Error> {
    let wrong = |problem| Error::new(component, problem);
    let digest = file::digest(bytes);
    if digest != component.sha256 {
        return Err(wrong(Problem::Digest { is: digest }));
    }
    Override::new(component, bytes, ambient).map_err(wrong)
}

/// The file that a policy names.
fn path_of(named: &str, policy_path: &str, ambient: &Ambient) -> Result<PathBuf, Problem> {
    if let Some(below) = named.strip_prefix("~/") {
        let home = ambient.home.as_deref().ok_or(Problem::NoHome)?;
        return Ok(home.join(below));
    }
    let path = Path::new(named);
    if path.is_absolute() {
        return Ok(path.to_path_buf());
    }
    match Path::new(policy_path).parent() {
        Some(folder) if !policy_path.starts_with("builtin:") => Ok(folder.join(path)),
        _ => Err(Problem::NoFolder),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_at_the_root_at_home_or_beside_the_policy() {
        let mut ambient = Ambient::empty();
        let path = |named, ambient: &Ambient| path_of(named, "/etc/keyrule/x.toml", ambient);
        assert_eq!(path("~/x.wasm", &ambient), Err(Problem::NoHome));
        ambient.home = Some(PathBuf::from("/home/ada"));
        for (named, is) in [
            ("/opt/x.wasm", "/opt/x.wasm"),
            ("~/x.wasm", "/home/ada/x.wasm"),
            ("x.wasm", "/etc/keyrule/x.wasm"),
            ("sub/x.wasm", "/etc/keyrule/sub/x.wasm"),
        ] {
            assert_eq!(path(named, &ambient), Ok(PathBuf::from(is)));
        }
        assert_eq!(
            path_of("x.wasm", "builtin:x.toml", &ambient),
            Err(Problem::NoFolder)
        );
    }
}
