//! Makes the committed component of a core module: `guest/build` runs it.
//!
//! From the path of the module that the compiler made, it writes
//! `guest/prebuilt/policy.wasm` and the digests of what it was made from. It
//! rejects a component that imports anything, or is too large.

mod sources;

use std::error::Error;
use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, DecodedWasm};

/// What the component may weigh, in bytes: what it does weigh, and some room.
/// What makes it heavier is the language, whose keys and messages it holds.
const LIMIT: usize = 550 * 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let module = std::env::args_os()
        .nth(1)
        .map(PathBuf::from)
        .ok_or("usage: encode MODULE")?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .ok_or("the crate lies in a workspace")?;

    // Without names, and validated: what is written here is compiled by
    // every build of the host.
    let component = ComponentEncoder::default()
        .debug_names(false)
        .validate(true)
        .module(&std::fs::read(module)?)?
        .encode()?;
    let imports = imports(&component)?;
    if !imports.is_empty() {
        return Err(format!("the component imports {}", imports.join(", ")).into());
    }
    if component.len() > LIMIT {
        return Err(format!(
            "the component has {} bytes, more than {LIMIT}",
            component.len()
        )
        .into());
    }

    std::fs::write(root.join(sources::COMPONENT), &component)?;
    std::fs::write(root.join(sources::LIST), sources::list(root)?)?;
    eprintln!("{}: {} bytes", sources::COMPONENT, component.len());
    Ok(())
}

fn imports(component: &[u8]) -> Result<Vec<String>, Box<dyn Error>> {
    let DecodedWasm::Component(resolve, world) = wit_component::decode(component)? else {
        return Err("not a component".into());
    };
    let world = resolve.worlds.get(world).ok_or("a component has a world")?;
    Ok(world
        .imports
        .keys()
        .map(|name| resolve.name_world_key(name))
        .collect())
}
