//! A policy with its restrictions, as somebody names them on a command line:
//! paths in, documents for the engine out, and the loaded policy. A file that
//! is named is taken for an administrator's, because that is who writes it;
//! nothing of this machine restricts it besides.

use std::path::{Path, PathBuf};

use super::check::read_file;
use crate::errors::Failure;
use keyrule::Error;
use keyrule::policy::{self, FileReport, Name, Texts, builtin};
use keyrule_analysis::outcome;
use keyrule_analysis::schema::{self, Form};
use keyrule_contract as wit;
use keyrule_engine::chooser::{self, Overridden, Override};
use keyrule_engine::{self as engine, Engine, Judge, LoadError};
use keyrule_system::environment::Ambient;

/// How the built-in policy of a name is named in the place of a file.
pub(super) const BUILTIN: &str = "builtin:";

/// The documents of one policy.
#[derive(Debug, Clone)]
pub(crate) struct Stack {
    /// The policy's name.
    pub name: Name,
    /// The policy, then what restricts it.
    pub documents: Vec<wit::Document>,
    /// What is at every place, where nothing was named.
    pub reports: Vec<FileReport>,
}

/// A stack that the engine has taken.
#[derive(Debug)]
pub(crate) struct Loaded {
    /// Where it came from.
    pub stack: Stack,
    /// The policy.
    pub policy: engine::Policy,
    /// The policy, described.
    pub info: wit::PolicyInfo,
    /// Its sources.
    pub sources: Vec<wit::Source>,
    /// The component that chooses, where it names one.
    pub override_: Option<Override>,
}

impl Stack {
    /// Reads what is named: a file; a folder that is laid out as the managed
    /// one, with `NAME.toml` and `NAME.d`; `builtin:NAME`; or nothing, which
    /// is what is in force here. `with` names further restrictions.
    pub(crate) fn read(
        named: Option<&Path>,
        with: &[PathBuf],
        name: &str,
        ambient: &Ambient,
    ) -> Result<Self, Failure> {
        let name: Name = name.parse().map_err(Error::Policy)?;
        let mut stack = match named {
            None => {
                let found = policy::find(name.as_str(), ambient).map_err(Error::Policy)?;
                Self {
                    documents: found.documents,
                    reports: found.reports,
                    name,
                }
            }
            Some(path) => match path.to_str().and_then(|path| path.strip_prefix(BUILTIN)) {
                Some(shipped) => {
                    let shipped = shipped.strip_suffix(".toml").unwrap_or(shipped);
                    Self::shipped(shipped.parse().map_err(Error::Policy)?)?
                }
                None if path.is_dir() => Self::folder(path, name)?,
                None => Self::file(path, name)?,
            },
        };
        for path in with {
            stack.restrict(path)?;
        }
        Ok(stack)
    }

    fn shipped(name: Name) -> Result<Self, Failure> {
        let document = builtin::document(name.as_str()).ok_or_else(|| {
            Error::Policy(policy::Error::Unknown {
                name: name.to_string(),
                user: None,
            })
        })?;
        Ok(Self {
            name,
            documents: vec![document],
            reports: Vec::new(),
        })
    }

    fn file(path: &Path, fallback: Name) -> Result<Self, Failure> {
        let text = read_file(path)?;
        if Form::of(&text) == Form::Restriction && !text.trim().is_empty() {
            let shown = keyrule_system::text::shown(path);
            return Err(Failure::new(
                "not-a-policy",
                5,
                format!("`{shown}` has no `name` and no `[[source]]`, so it is a restriction"),
            )
            .hint(format!(
                "name the policy, and the restriction after it: `POLICY --with {}`",
                keyrule_system::text::typed(path)
            )));
        }
        let own = || schema::name(&text)?.parse().ok();
        let name = own().unwrap_or(fallback);
        Ok(Self {
            documents: vec![document(wit::DocumentOrigin::Managed, path, text)],
            reports: Vec::new(),
            name,
        })
    }

    /// The policy of a folder, else the built-in one, with what restricts it.
    fn folder(folder: &Path, name: Name) -> Result<Self, Failure> {
        let path = folder.join(name.file());
        let restrictions = restrictions(&folder.join(name.folder()))?;
        let mut stack = if path.exists() {
            let mut stack = Self::file(&path, name.clone())?;
            stack.name = name;
            stack
        } else if !restrictions.is_empty() || builtin::text(name.as_str()).is_none() {
            let mut stack = Self::shipped(name.clone()).map_err(|failure| {
                failure.hint(format!(
                    "there is neither `{}` nor a built-in policy of that name{}",
                    keyrule_system::text::shown(&path),
                    held(folder)
                ))
            })?;
            stack.name = name;
            stack
        } else {
            return Err(Failure::new(
                "nothing-in-folder",
                5,
                format!(
                    "`{}` holds neither `{}` nor anything in `{}`",
                    keyrule_system::text::shown(folder),
                    name.file(),
                    name.folder()
                ),
            )
            .hint(format!("name a file, or another folder{}", held(folder))));
        };
        for path in restrictions {
            stack.restrict(&path)?;
        }
        Ok(stack)
    }

    fn restrict(&mut self, path: &Path) -> Result<(), Failure> {
        let text = read_file(path)?;
        let document = document(wit::DocumentOrigin::ManagedRestriction, path, text);
        self.documents.push(document);
        Ok(())
    }

    /// Gives it to the engine, and loads the override that it names.
    pub(crate) fn load(self, ambient: &Ambient) -> Result<Loaded, Failure> {
        let mut loaded = self.load_alone()?;
        let path = loaded.info.documents.first().map_or("", String::as_str);
        let named = loaded.info.override_component.as_ref();
        loaded.override_ = named
            .map(|component| chooser::load(component, path, ambient))
            .transpose()
            .map_err(|error| Error::Engine(error.into()))?;
        Ok(loaded)
    }

    /// Gives it to the engine, without the override: for what reads a policy
    /// and decides nothing.
    pub(crate) fn load_alone(self) -> Result<Loaded, Failure> {
        let engine = Engine::builtin().map_err(Error::Engine)?;
        match engine::Policy::load(&engine, self.name.as_str(), &self.documents) {
            Ok(mut policy) => Ok(Loaded {
                info: policy.info().map_err(Error::Engine)?,
                sources: policy.sources().map_err(Error::Engine)?,
                override_: None,
                policy,
                stack: self,
            }),
            Err(LoadError::Rejected(diagnostics)) => Err(Error::Policy(policy::Error::Invalid {
                texts: Texts::of(&self.documents),
                diagnostics,
            })
            .into()),
            Err(LoadError::Engine(error)) => Err(Error::Engine(error).into()),
        }
    }
}

impl Loaded {
    /// What judges by it: the engine, with the override beside it.
    pub(crate) fn judge(&self) -> Result<Box<dyn Judge>, Failure> {
        let name = self.stack.name.as_str();
        let judge =
            engine::load_builtin(name, &self.stack.documents).map_err(|error| match error {
                LoadError::Engine(error) => Error::Engine(error),
                LoadError::Rejected(_) => Error::Internal("a policy is taken once and not twice"),
            })?;
        Ok(match &self.override_ {
            None => judge,
            Some(override_) => {
                Box::new(Overridden::new(judge, override_.clone()).map_err(Error::Engine)?)
            }
        })
    }

    /// The id of a source.
    pub(crate) fn id(&self, source: u32) -> &str {
        usize::try_from(source)
            .ok()
            .and_then(|place| self.sources.get(place))
            .map_or("", |source| source.id.as_str())
    }
}

/// Which policies a folder is about, for a hint.
fn held(folder: &Path) -> String {
    let Ok(entries) = folder.read_dir() else {
        return String::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(|entry| {
            let name = entry.ok()?.file_name().into_string().ok()?;
            let name = name.strip_suffix(".toml").or(name.strip_suffix(".d"))?;
            let name: Name = name.parse().ok()?;
            Some(format!("`--policy {name}`"))
        })
        .collect();
    names.sort();
    names.dedup();
    if names.is_empty() {
        return String::new();
    }
    format!("; it is about others: {}", outcome::either(&names))
}

/// The restrictions of a folder, in the order of their names.
fn restrictions(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = match folder.read_dir() {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(Error::Policy(policy::Error::File {
                place: wit::DocumentOrigin::ManagedRestriction,
                path: folder.to_path_buf(),
                problem: policy::Problem::Unlistable(keyrule_system::fs::words(&error)),
            })
            .into());
        }
    };
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|end| end == "toml"))
        .collect();
    paths.sort();
    Ok(paths)
}

fn document(place: wit::DocumentOrigin, path: &Path, text: String) -> wit::Document {
    wit::Document {
        origin: place,
        path: path.to_string_lossy().into_owned(),
        text,
    }
}
