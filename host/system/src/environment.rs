//! The world around a resolution, as one value: variables and folders. What
//! goes in is the process's environment, read once, here and nowhere else
//! (or, for tests and embedders, whatever they say); what comes out are plain
//! look-ups. Nothing here opens a file or decides anything.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::trust::Trust;

/// Variables and folders, as the sources and the policy files see them.
#[derive(Clone, Default)]
pub struct Ambient {
    variables: BTreeMap<OsString, OsString>,
    /// The user's home.
    pub home: Option<PathBuf>,
    /// The folder that the process was started in.
    pub current: Option<PathBuf>,
    /// The folder of managed policies; fixed when the program was compiled.
    pub managed: Option<PathBuf>,
    /// Whose managed files are believed; root's, unless a test says otherwise.
    pub trust: Trust,
}

/// Prints names, never values: any variable can hold a secret.
impl std::fmt::Debug for Ambient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Ambient")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("home", &self.home)
            .field("current", &self.current)
            .field("managed", &self.managed)
            .finish()
    }
}

impl Ambient {
    /// Reads this process's environment, and where it lies.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the environment is read"
    )]
    pub fn of_process() -> Self {
        Self {
            variables: std::env::vars_os().collect(),
            home: std::env::home_dir().filter(|home| home.is_absolute()),
            current: std::env::current_dir().ok(),
            managed: Some(managed_folder()),
            trust: Trust::default(),
        }
    }

    /// Undoes whatever was said about managed policies: where they lie, and
    /// whose are believed, is nothing that a caller can change.
    pub fn pin(&mut self) {
        self.managed = Some(managed_folder());
        self.trust = Trust::default();
    }

    /// A world with nothing in it.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Sets a variable, in this value only.
    #[must_use]
    pub fn with_variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Unsets a variable, in this value only.
    #[must_use]
    pub fn without_variable(mut self, name: &str) -> Self {
        self.variables.remove(OsStr::new(name));
        self
    }

    /// A variable's value, empty or not.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        if cfg!(windows) {
            // Windows compares the names of variables without case.
            return self
                .variables
                .iter()
                .find(|(key, _)| {
                    key.to_str()
                        .is_some_and(|key| key.eq_ignore_ascii_case(name))
                })
                .map(|(_, value)| value.as_os_str());
        }
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
    }

    /// All variables, for the environment of a child.
    pub fn variables(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.variables
            .iter()
            .map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }

    /// The user's folder of policies: `$XDG_CONFIG_HOME/keyrule`, else
    /// `~/.config/keyrule`; on Windows `%APPDATA%\Keyrule`.
    #[must_use]
    pub fn config_folder(&self) -> Option<PathBuf> {
        if cfg!(windows) {
            return Some(self.absolute("APPDATA")?.join("Keyrule"));
        }
        self.absolute("XDG_CONFIG_HOME")
            .or_else(|| Some(self.home.as_deref()?.join(".config")))
            .map(|folder| folder.join("keyrule"))
    }

    /// Our own folder of what must outlive a session: consents and the key of
    /// their hashes. `$XDG_STATE_HOME/keyrule`, else `~/.local/state/keyrule`;
    /// on Windows `%LOCALAPPDATA%\Keyrule`.
    #[must_use]
    pub fn state_folder(&self) -> Option<PathBuf> {
        if cfg!(windows) {
            return Some(self.absolute("LOCALAPPDATA")?.join("Keyrule"));
        }
        self.absolute("XDG_STATE_HOME")
            .or_else(|| Some(self.home.as_deref()?.join(".local/state")))
            .map(|folder| folder.join("keyrule"))
    }

    /// Our own folder of what can be made again: compiled overrides.
    /// `$XDG_CACHE_HOME/keyrule`, else `~/.cache/keyrule`; on macOS
    /// `~/Library/Caches/Keyrule`, on Windows `%LOCALAPPDATA%\Keyrule\Cache`.
    #[must_use]
    pub fn cache_folder(&self) -> Option<PathBuf> {
        if cfg!(windows) {
            return Some(self.absolute("LOCALAPPDATA")?.join("Keyrule").join("Cache"));
        }
        if let Some(folder) = self.absolute("XDG_CACHE_HOME") {
            return Some(folder.join("keyrule"));
        }
        let home = self.home.as_deref()?;
        Some(if cfg!(target_os = "macos") {
            home.join("Library/Caches/Keyrule")
        } else {
            home.join(".cache/keyrule")
        })
    }

    /// A variable that names a folder. The XDG base directory specification
    /// says that a relative path in one is ignored.
    #[must_use]
    pub fn absolute(&self, name: &str) -> Option<PathBuf> {
        let path = Path::new(self.variable(name)?);
        path.is_absolute().then(|| path.to_path_buf())
    }
}

/// Whether a name that a policy lists stands for this variable: it is its name,
/// or ends in `*` and the variable begins so.
pub fn stands_for(listed: &str, variable: &OsStr) -> bool {
    let variable = variable.as_encoded_bytes();
    match listed.strip_suffix('*') {
        Some(start) => variable
            .get(..start.len())
            .is_some_and(|beginning| same(start.as_bytes(), beginning)),
        None => same(listed.as_bytes(), variable),
    }
}

/// Whether it is the variable's own name.
pub fn names(listed: &str, variable: &OsStr) -> bool {
    same(listed.as_bytes(), variable.as_encoded_bytes())
}

/// Windows compares the names of variables without case.
fn same(left: &[u8], right: &[u8]) -> bool {
    if cfg!(windows) {
        left.eq_ignore_ascii_case(right)
    } else {
        left == right
    }
}

/// Where managed policies lie. No variable and no flag moves it.
#[cfg(not(windows))]
fn managed_folder() -> PathBuf {
    PathBuf::from(if cfg!(target_os = "macos") {
        "/Library/Application Support/Keyrule"
    } else {
        "/etc/keyrule"
    })
}

/// Where managed policies lie: the system is asked where programs are
/// installed, because the variable that says so is the caller's to change.
#[cfg(windows)]
fn managed_folder() -> PathBuf {
    known_folders::get_known_folder_path(known_folders::KnownFolder::ProgramFiles)
        .unwrap_or_else(|| PathBuf::from(r"C:\Program Files"))
        .join("Keyrule")
}
