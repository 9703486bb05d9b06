//! `env` blocks of the tool's settings files. The tool sets those variables
//! for itself; Keyrule does not read them. So one that names a variable which
//! a source reads makes the tool see what no decision saw. Names only, never
//! values.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Check;
use crate::errors::os_words;
use keyrule::resolver::Explained;
use keyrule::sources::paths::{self, PathError};
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;

/// The largest file that is read.
const LIMIT: u64 = 10 * 1024 * 1024;

pub(super) fn check(explained: &Explained, ambient: &Ambient) -> Vec<Check> {
    let read = variables(&explained.info, &explained.sources);
    let mut checks = Vec::new();
    for settings in &explained.info.tool.settings {
        match files(settings, &explained.info.tool, ambient) {
            Ok(files) => checks.extend(files.iter().map(|path| file(settings, path, &read))),
            Err(PathError::NoProject) => {}
            Err(error) => checks.push(Check::error(
                "settings",
                format!("{}: {error}", settings.name),
            )),
        }
    }
    checks
}

/// The files of one entry: those of its folder, the last name first, then the
/// file itself.
fn files(
    settings: &wit::SettingsFile,
    tool: &wit::Tool,
    ambient: &Ambient,
) -> Result<Vec<PathBuf>, PathError> {
    let mut files = Vec::new();
    if let Some(folder) = &settings.folder {
        let folder = paths::expand(folder, tool, ambient)?;
        files.extend(
            std::fs::read_dir(folder)
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| {
                    path.extension()
                        .is_some_and(|extension| extension == "json")
                }),
        );
        files.sort();
        files.reverse();
    }
    files.push(paths::expand(&settings.path, tool, ambient)?);
    Ok(files)
}

/// The part of a settings file that is looked at: the names in its `env`.
#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    env: Option<std::collections::BTreeMap<String, IgnoredAny>>,
}

fn file(settings: &wit::SettingsFile, path: &Path, read: &BTreeSet<&str>) -> Check {
    let name = format!("{} `{}`", settings.name, path.display());
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Check::ok("settings", format!("{name} is not there"));
        }
        Err(error) => return unreadable(&name, &error),
    };
    if !metadata.is_file() || metadata.len() > LIMIT {
        return Check::error(
            "settings",
            format!("{name} is not a file of a size to read"),
        )
        .try_this("put a settings file there, or nothing");
    }
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return unreadable(&name, &error),
    };
    let Ok(content) = serde_json::from_slice::<Settings>(&bytes) else {
        return Check::error(
            "settings",
            format!("{name} is not a JSON object with settings"),
        )
        .try_this("mend the file; until then no helper is taken from it");
    };
    let set: Vec<_> = content
        .env
        .iter()
        .flatten()
        .map(|(variable, _)| variable.as_str())
        .filter(|variable| read.contains(variable))
        .map(|variable| format!("`{variable}`"))
        .collect();
    if set.is_empty() {
        return Check::ok(
            "settings",
            format!("{name} sets no variable that a source reads"),
        );
    }
    Check::warning(
        "settings",
        format!(
            "{name} sets {} in its `env` block: the tool will see it, and no decision here does",
            set.join(", ")
        ),
    )
    .try_this("move it into the environment, or remove it from the file")
}

fn unreadable(name: &str, error: &std::io::Error) -> Check {
    let why = os_words(error);
    Check::error("settings", format!("{name} cannot be read: {why}"))
        .try_this("make the file readable for yourself")
}

/// Every variable that a source reads, and every one that `exec` clears.
fn variables<'e>(info: &'e wit::PolicyInfo, sources: &'e [wit::Source]) -> BTreeSet<&'e str> {
    let mut names: BTreeSet<&str> = info.cleared_variables.iter().map(String::as_str).collect();
    for source in sources {
        match &source.kind {
            wit::Kind::Environment(name) => {
                names.insert(name);
            }
            wit::Kind::Helper(helper) => {
                if let wit::Command::Variable(name) = &helper.command {
                    names.insert(name);
                }
                names.extend(helper.ttl_variable.as_deref());
                names.extend(helper.vary.iter().map(String::as_str));
            }
            wit::Kind::Cloud(cloud) => names.extend(cloud.flag.as_deref()),
            wit::Kind::ToolOwned(_)
            | wit::Kind::Supplied
            | wit::Kind::StoredKey(_)
            | wit::Kind::Login(_) => {}
        }
        let endpoint = source.endpoint.as_ref();
        names.extend(endpoint.and_then(|endpoint| endpoint.variable.as_deref()));
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn checked(text: &str) -> Check {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(&path, text).unwrap();
        let explained = samples::key_before_helper();
        let settings = wit::SettingsFile {
            name: "user-settings".into(),
            tier: wit::Tier::User,
            repository: false,
            path: wit::Paths {
                linux: String::new(),
                macos: String::new(),
                windows: String::new(),
            },
            folder: None,
        };
        let mut check = file(
            &settings,
            &path,
            &variables(&explained.info, &explained.sources),
        );
        check.message = check.message.replace(&path.display().to_string(), "FILE");
        check
    }

    #[test]
    fn an_env_block_is_warned_of_by_name_and_without_its_value() {
        let check = checked(
            r#"{"env": {"ANTHROPIC_API_KEY": "canary", "LANG": "C"}, "apiKeyHelper": "x"}"#,
        );
        assert_eq!(
            check,
            Check::warning(
                "settings",
                "user-settings `FILE` sets `ANTHROPIC_API_KEY` in its `env` block: the tool will \
                 see it, and no decision here does"
            )
            .try_this("move it into the environment, or remove it from the file")
        );
    }

    #[test]
    fn other_variables_are_nobodys_business() {
        assert_eq!(
            checked(r#"{"env": {"LANG": "C"}}"#),
            Check::ok(
                "settings",
                "user-settings `FILE` sets no variable that a source reads"
            )
        );
    }

    #[test]
    fn a_file_that_does_not_parse_is_an_error_that_quotes_nothing() {
        assert_eq!(
            checked("canary {").message,
            "user-settings `FILE` is not a JSON object with settings"
        );
    }
}
