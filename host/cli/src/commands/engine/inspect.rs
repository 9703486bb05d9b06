//! `keyrule engine inspect`: what goes in is a component's file; what comes
//! out is what it imports and exports, how long it is, its digest, which world
//! it is of, and what a policy writes to name it.

use std::path::Path;

use serde::Serialize;

use crate::Context;
use crate::errors::Failure;
use crate::output::clean;
use keyrule_engine::chooser::Problem;
use keyrule_engine::chooser::file;
use keyrule_engine::chooser::world::{self, World};
use keyrule_system::environment::Ambient;
use keyrule_system::text::typed;

/// Describes a component, and fails where no policy could name it and it is
/// no engine either.
pub(super) fn run(context: &mut Context<'_, '_>, path: &Path) -> Result<i32, Failure> {
    let bytes = file::read(path).map_err(|problem| failure(path, &problem))?;
    show(context, path, &bytes)
}

/// Prints what a component is.
pub(super) fn show(
    context: &mut Context<'_, '_>,
    path: &Path,
    bytes: &[u8],
) -> Result<i32, Failure> {
    let shown = Shown::of(path, bytes, &context.ambient).map_err(|found| failure(path, &found))?;
    if context.output.json {
        context.output.versioned(&shown)?;
    } else {
        context.output.data(&shown.text())?;
    }
    match (&shown.imports[..], shown.world) {
        ([name, ..], _) => Err(failure(
            path,
            &Problem::Imports {
                name: world::shortened(name),
            },
        )),
        ([], None) => Err(failure(path, &Problem::WrongWorld)),
        ([], Some(_)) => Ok(0),
    }
}

/// What is wrong with a file that was named on the command line.
pub(super) fn failure(path: &Path, problem: &Problem) -> Failure {
    let typed = typed(path);
    let hint = match problem {
        Problem::CoreModule => format!("make a component of it: `keyrule engine build {typed}`"),
        Problem::Missing | Problem::NotAFile(_) => "mend the path".to_owned(),
        Problem::Unreadable(_) => format!("see `ls -l {typed}`"),
        Problem::Imports { .. } => {
            "build it without the system's interfaces (no WASI): an override gets all that it \
             may know from its host"
                .to_owned()
        }
        _ => {
            "build it for the world `policy-override`, which `keyrule engine wit` prints".to_owned()
        }
    };
    Failure::new(
        problem.code(),
        crate::exit::code(problem.kind()),
        format!("`{}` {problem}", path.display()),
    )
    .hint(hint)
}

/// What is printed.
#[derive(Debug, Serialize)]
struct Shown {
    /// Where it lies.
    path: String,
    /// How many bytes it has.
    size: usize,
    /// Its digest.
    sha256: String,
    /// The world that it is of.
    #[serde(serialize_with = "named")]
    world: Option<World>,
    /// What it wants.
    imports: Vec<String>,
    /// What it offers.
    exports: Vec<String>,
}

impl Shown {
    fn of(path: &Path, bytes: &[u8], ambient: &Ambient) -> Result<Self, Problem> {
        let component = world::of(bytes)?;
        let whole = match &ambient.current {
            Some(current) => current.join(path),
            None => path.to_path_buf(),
        };
        Ok(Self {
            path: whole.to_string_lossy().into_owned(),
            size: bytes.len(),
            sha256: file::digest(bytes),
            world: component.world,
            imports: component.imports,
            exports: component.exports,
        })
    }

    fn text(&self) -> String {
        let list = |names: &[String]| match names {
            [] => "none".to_owned(),
            names => clean(&names.join(", ")),
        };
        let world = match self.world {
            Some(world) => world.name(),
            None => "none that keyrule knows",
        };
        let mut text = format!(
            "file     {}\nsize     {} bytes\nsha256   {}\nworld    {world}\nexports  {}\n\
             imports  {}\n",
            clean(&self.path),
            self.size,
            self.sha256,
            list(&self.exports),
            list(&self.imports),
        );
        if self.imports.is_empty() && self.world == Some(World::PolicyOverride) {
            // A JSON string is a string of TOML too.
            let path = serde_json::Value::from(clean(&self.path));
            text.push_str(&format!(
                "\n[override]\npath = {path}\nsha256 = \"{}\"\n",
                self.sha256
            ));
        }
        text
    }
}

#[expect(clippy::ref_option, reason = "serde hands fields over by reference")]
fn named<S: serde::Serializer>(world: &Option<World>, serializer: S) -> Result<S::Ok, S::Error> {
    world.map(World::name).serialize(serializer)
}
