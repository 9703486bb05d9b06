//! The paths that a policy names, made concrete for this system. What goes in
//! is a path with its beginning (`~/`, `{folder}/`, `{project}/`) and the
//! world around it; what comes out is an absolute path, or why there is none.
//! Nothing here opens a file or asks whether one
//! is there, save what marks the project's root.

use std::path::{Path, PathBuf};

use crate::ambient::Ambient;
use crate::policy::project_root;
use keyrule_contract as wit;

/// Makes the path for this system concrete.
pub fn expand(
    paths: &wit::Paths,
    tool: &wit::Tool,
    ambient: &Ambient,
) -> Result<PathBuf, PathError> {
    let text = of_this_system(paths);
    if let Some(rest) = text.strip_prefix("{folder}/") {
        return Ok(folder(tool, ambient)?.join(rest));
    }
    without_folder(text, ambient)
}

/// Why a path of the policy is no path here. The words name variables and
/// beginnings of paths, never what a variable holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// The path begins in the user's home, and there is none.
    #[error("a path begins with `~/`, and the home folder is not known")]
    NoHome,
    /// The path begins in the project, and there is none: no such file can
    /// be there.
    #[error("a path begins with `{{project}}/`, and there is no project here")]
    NoProject,
    /// The path begins in the tool's folder, and the policy names none.
    #[error("a path begins with `{{folder}}/`, and the policy gives the tool no folder")]
    NoFolder,
    /// The variable that moves the tool's folder holds no absolute path.
    #[error("`{variable}` does not hold an absolute path")]
    NotAbsolute {
        /// Its name.
        variable: String,
    },
    /// The policy's path depends on where the program was started.
    #[error(
        "a path in the policy is neither absolute nor begins with `~/`, `{{folder}}/` or `{{project}}/`"
    )]
    Relative,
}

impl PathError {
    /// What an observation says of it.
    pub(crate) fn trouble(&self) -> wit::FailureKind {
        match self {
            Self::NoHome | Self::NoProject => wit::FailureKind::Unreadable,
            Self::NoFolder | Self::NotAbsolute { .. } | Self::Relative => wit::FailureKind::Invalid,
        }
    }
}

/// The tool's own folder. A variable of no length counts as not set, as the
/// shell's `${NAME:-default}` has it; any other must hold an absolute path,
/// because a relative one would mean another folder in every place.
fn folder(tool: &wit::Tool, ambient: &Ambient) -> Result<PathBuf, PathError> {
    let folder = tool.folder.as_ref().ok_or(PathError::NoFolder)?;
    let moved = folder.variable.as_deref().and_then(|name| {
        let value = ambient.variable(name)?;
        (!value.is_empty()).then_some((name, Path::new(value)))
    });
    match moved {
        Some((_, path)) if path.is_absolute() => Ok(path.to_path_buf()),
        Some((name, _)) => Err(PathError::NotAbsolute {
            variable: name.to_owned(),
        }),
        None => without_folder(of_this_system(&folder.default), ambient),
    }
}

fn without_folder(text: &str, ambient: &Ambient) -> Result<PathBuf, PathError> {
    if let Some(rest) = text.strip_prefix("~/") {
        let home = ambient.home.as_deref().ok_or(PathError::NoHome)?;
        return Ok(home.join(rest));
    }
    if let Some(rest) = text.strip_prefix("{project}/") {
        let project = project_root(ambient).ok_or(PathError::NoProject)?;
        return Ok(project.join(rest));
    }
    let path = PathBuf::from(text);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(PathError::Relative)
    }
}

fn of_this_system(paths: &wit::Paths) -> &str {
    if cfg!(target_os = "macos") {
        &paths.macos
    } else if cfg!(windows) {
        &paths.windows
    } else {
        &paths.linux
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> wit::Paths {
        wit::Paths {
            linux: text.to_owned(),
            macos: text.to_owned(),
            windows: text.to_owned(),
        }
    }

    fn tool() -> wit::Tool {
        wit::Tool {
            name: None,
            folder: Some(wit::Folder {
                variable: Some("TOOL_DIR".to_owned()),
                default: paths("~/.tool"),
            }),
            settings: Vec::new(),
            sources: Vec::new(),
            items: Vec::new(),
        }
    }

    fn root() -> PathBuf {
        PathBuf::from(if cfg!(windows) { r"C:\" } else { "/" })
    }

    fn ambient() -> Ambient {
        let mut ambient = Ambient::empty();
        ambient.home = Some(root().join("home"));
        ambient
    }

    #[test]
    fn each_beginning_has_its_folder() {
        let expanded = |text| expand(&paths(text), &tool(), &ambient());
        assert_eq!(expanded("~/a.json"), Ok(root().join("home/a.json")));
        assert_eq!(
            expanded("{folder}/a.json"),
            Ok(root().join("home/.tool/a.json"))
        );
        assert_eq!(expanded("a.json"), Err(PathError::Relative));
        assert_eq!(expanded("~other/a.json"), Err(PathError::Relative));
    }

    #[test]
    fn a_project_is_its_repository() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("work/inner")).unwrap();
        std::fs::create_dir(folder.path().join("work/.git")).unwrap();
        let mut ambient = ambient();
        ambient.current = Some(folder.path().join("work/inner"));
        assert_eq!(
            expand(&paths("{project}/a.json"), &tool(), &ambient),
            Ok(folder.path().join("work/a.json"))
        );
    }

    #[test]
    fn a_variable_moves_the_folder_only_to_an_absolute_path() {
        let expanded = |value: &str| {
            let ambient = ambient().with_variable("TOOL_DIR", value);
            expand(&paths("{folder}/a.json"), &tool(), &ambient)
        };
        let moved = root().join("moved");
        assert_eq!(
            expanded(moved.to_str().unwrap()),
            Ok(root().join("moved/a.json"))
        );
        assert_eq!(expanded(""), Ok(root().join("home/.tool/a.json")));
        let error = expanded("s3cr3t-canary").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`TOOL_DIR` does not hold an absolute path"
        );
        assert_eq!(error.trouble(), wit::FailureKind::Invalid);
    }

    #[test]
    fn what_is_not_there_is_named() {
        let expanded = |text: &str, tool: &wit::Tool| expand(&paths(text), tool, &Ambient::empty());
        assert_eq!(expanded("~/a", &tool()), Err(PathError::NoHome));
        assert_eq!(expanded("{folder}/a", &tool()), Err(PathError::NoHome));
        assert_eq!(expanded("{project}/a", &tool()), Err(PathError::NoProject));
        let bare = wit::Tool {
            folder: None,
            ..tool()
        };
        assert_eq!(expanded("{folder}/a", &bare), Err(PathError::NoFolder));
        let mut circular = tool();
        circular.folder = Some(wit::Folder {
            variable: None,
            default: paths("{folder}/a"),
        });
        assert_eq!(expanded("{folder}/a", &circular), Err(PathError::Relative));
    }
}
