//! `keyrule engine build`: what goes in is a core module that says in itself
//! which world it is of, as `wit-bindgen` makes it; what comes out is the
//! component, checked and written whole or not at all. The module is never
//! overwritten.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use wit_component::ComponentEncoder;

use super::inspect;
use crate::Context;
use crate::errors::{Failure, os_words};
use keyrule_engine::chooser::{Problem, file, world};
use keyrule_system::fs::atomic;
use keyrule_system::text::typed;

/// Makes a component, and describes it.
pub(super) fn run(
    context: &mut Context<'_, '_>,
    module: &Path,
    output: Option<&Path>,
) -> Result<i32, Failure> {
    let bytes = file::read(module).map_err(|problem| inspect::failure(module, &problem))?;
    match world::of(&bytes) {
        Err(Problem::CoreModule) => {}
        Err(problem @ Problem::NotWasm) => return Err(inspect::failure(module, &problem)),
        _ => {
            return Err(
                failure(format!("`{}` is a component already", module.display()))
                    .hint(format!("see `keyrule engine inspect {}`", typed(module))),
            );
        }
    }
    let output = match output {
        Some(output) => output.to_path_buf(),
        None => module.with_extension("component.wasm"),
    };
    if same(module, &output) {
        return Err(
            failure("the component would take the place of its module".to_owned())
                .hint("name another file with `-o FILE`"),
        );
    }
    let component = encode(&bytes).map_err(|why| {
        let mut failure = failure(format!(
            "no component can be made of `{}`",
            module.display()
        ));
        failure.said.causes = vec![why];
        failure.hint(
            "build it for `wasm32-unknown-unknown`, with `wit-bindgen` and the world \
             `policy-override`, which `keyrule engine wit` prints",
        )
    })?;
    let found = world::of(&component).map_err(|problem| inspect::failure(module, &problem))?;
    let problem = match (found.imports.first(), found.world) {
        (Some(name), _) => Some(Problem::Imports {
            name: world::shortened(name),
        }),
        (None, None) => Some(Problem::WrongWorld),
        (None, Some(_)) => None,
    };
    if let Some(problem) = problem {
        return Err(inspect::failure(module, &problem));
    }
    write(&output, &component).map_err(|error| {
        let mut failure = Failure::new(
            "output",
            1,
            format!("`{}` could not be written", output.display()),
        );
        failure.said.causes = vec![os_words(&error)];
        failure
    })?;
    inspect::show(context, &output, &component)
}

/// The component of a module.
fn encode(module: &[u8]) -> Result<Vec<u8>, String> {
    ComponentEncoder::default()
        .validate(true)
        .module(module)
        .and_then(|mut encoder| encoder.encode())
        // One line for each cause.
        .map_err(|error| format!("{error:#}").replace('\n', " "))
}

/// Whether both lead to one file.
fn same(module: &Path, output: &Path) -> bool {
    let real = |path: &Path| -> Option<PathBuf> { path.canonicalize().ok() };
    if module == output {
        return true;
    }
    match (real(module), real(output)) {
        (Some(module), Some(output)) => module == output || one_file(&module, &output),
        _ => false,
    }
}

/// Whether both are names of one file, which a hard link makes.
#[cfg(unix)]
fn one_file(one: &Path, other: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    match (one.metadata(), other.metadata()) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => false,
    }
}

#[cfg(not(unix))]
fn one_file(_: &Path, _: &Path) -> bool {
    false
}

/// Writes the file whole, with the mode that other new files have: whoever
/// runs the policy has to read it.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    // A device or a link is not replaced by a file.
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        return Err(std::io::Error::new(
            std::io::ErrorKind::AlreadyExists,
            "it is there, and no plain file",
        ));
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(".keyrule-").suffix(".tmp");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut temporary = builder.tempfile_in(atomic::folder_of(path))?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|failed| failed.error)?;
    atomic::sync_folder_of(path)
}

fn failure(message: String) -> Failure {
    Failure::new("component-not-made", 5, message)
}
