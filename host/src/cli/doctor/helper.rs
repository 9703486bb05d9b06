//! Helpers: where each comes from, whether its program is there, and, where
//! that was asked for, whether it prints a token. What it prints is dropped.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::Check;
use crate::ambient::Ambient;
use crate::engine::bindings as wit;
use crate::resolver::Explained;
use crate::sources::{self, GetOptions, Notices};

/// Every helper of the policy, looked at.
pub(super) fn check(explained: &Explained, ambient: &Ambient) -> Vec<Check> {
    helpers(explained)
        .flat_map(|(source, helper, line)| {
            let said = Check::ok("helper", format!("`{}`: {}", source.id, line.text));
            let program = match &helper.command {
                wit::Command::Arguments(arguments) => arguments.first().map(Path::new),
                // What a setting or a variable says may be a line for the
                // shell, which alone knows what it would run.
                wit::Command::Setting(_) | wit::Command::Variable(_) => None,
            };
            let program = program.map(|program| self::program(source, program, ambient));
            [Some(said), program].into_iter().flatten()
        })
        .collect()
}

/// Every helper that counts here and is there, run once.
pub(super) fn run(explained: &Explained, ambient: &Ambient, notices: &dyn Notices) -> Vec<Check> {
    helpers(explained)
        .filter(|(_, _, line)| line.state == wit::State::Ready)
        .map(|(source, _, _)| once(explained, source, ambient, notices))
        .collect()
}

fn helpers(
    explained: &Explained,
) -> impl Iterator<Item = (&wit::Source, &wit::Helper, &wit::Line)> {
    explained
        .lines()
        .filter_map(|(source, line)| match &source.kind {
            wit::Kind::Helper(helper) => Some((source, helper, line)),
            wit::Kind::Environment(_)
            | wit::Kind::ToolLogin(_)
            | wit::Kind::Supplied
            | wit::Kind::StoredKey(_)
            | wit::Kind::Login(_)
            | wit::Kind::Cloud(_) => None,
        })
}

fn once(
    explained: &Explained,
    source: &wit::Source,
    ambient: &Ambient,
    notices: &dyn Notices,
) -> Check {
    let context = sources::Context {
        ambient,
        about: &explained.about,
        supplied: &BTreeMap::new(),
        notices,
    };
    let options = GetOptions {
        ttl: Duration::ZERO,
        rejected: true,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return Check::error("helper", error.to_string().to_lowercase()),
    };
    let began = Instant::now();
    let got = runtime.block_on(sources::get(source, context, options));
    let took = began.elapsed().as_millis();
    if got.secret.is_some() {
        return Check::ok(
            "helper",
            format!("`{}` printed a token in {took} ms", source.id),
        );
    }
    let why = got
        .observation
        .detail
        .unwrap_or_else(|| match got.observation.outcome {
            wit::Outcome::Trouble(trouble) => {
                crate::cli::document::word(&trouble).replace('-', " ")
            }
            _ => "nothing was there to run".to_owned(),
        });
    Check::error("helper", format!("`{}` printed no token: {why}", source.id))
        .try_this("run the helper by hand to see what it says")
}

/// Whether a program that the policy names can be run.
fn program(source: &wit::Source, program: &Path, ambient: &Ambient) -> Check {
    let name = program.display();
    match find(program, ambient.variable("PATH")) {
        Some(path) if is_executable(&path) => Check::ok(
            "helper",
            format!("`{}` runs `{}`", source.id, path.display()),
        ),
        Some(path) => Check::error(
            "helper",
            format!(
                "`{}` runs `{}`, which may not be executed",
                source.id,
                path.display()
            ),
        )
        .try_this(format!("chmod +x '{}'", path.display())),
        None => Check::error(
            "helper",
            format!("`{}` runs `{name}`, which is not there", source.id),
        )
        .try_this(format!(
            "install it, or change the rule at {}:{}",
            source.at.path, source.at.line
        )),
    }
}

/// The file of a program: as it is named, or the first of its name in `PATH`.
fn find(program: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.exists().then(|| program.to_path_buf());
    }
    let all: Vec<_> = std::env::split_paths(path?)
        .map(|folder| folder.join(program))
        .filter(|file| file.is_file())
        .collect();
    let executable = all.iter().find(|file| is_executable(file));
    executable.or(all.first()).cloned()
}

#[cfg(unix)]
fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_executable(path: &Path) -> bool {
    path.is_file()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_first_executable_of_the_name_is_found() {
        let folder = tempfile::tempdir().unwrap();
        for (name, mode) in [("a", 0o644), ("b", 0o755)] {
            let path = folder.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("tool"), "").unwrap();
            std::fs::set_permissions(path.join("tool"), std::fs::Permissions::from_mode(mode))
                .unwrap();
        }
        let both =
            std::env::join_paths([folder.path().join("a"), folder.path().join("b")]).unwrap();
        assert_eq!(
            [
                find(Path::new("tool"), Some(&both)),
                find(Path::new("other"), Some(&both)),
                find(&folder.path().join("a/tool"), None),
            ],
            [
                Some(folder.path().join("b/tool")),
                None,
                Some(folder.path().join("a/tool")),
            ]
        );
        assert!(!is_executable(&folder.path().join("a/tool")));
    }
}
