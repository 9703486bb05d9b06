//! Makes a component of each guest in `guests/` and compiles it ahead of time,
//! with the configuration that the library loads its own engine with. What a
//! guest leaves out is filled in from `guests/base.wat`, or traps. Those in
//! `guests/override/` stay components, `override-NAME.wasm`, because the
//! library compiles overrides itself; `override-first.module.wasm` is what one
//! was before.

#[path = "../host/engine/src/config.rs"]
mod config;

use std::path::{Path, PathBuf};

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::abi::AbiVariant;
use wit_parser::{
    LiftLowerAbi, ManglingAndAbi, Resolve, WasmExport, WasmExportKind, WorldId, WorldItem,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    for input in [
        "guests",
        "build.rs",
        "../wit",
        "../host/engine/src/config.rs",
    ] {
        println!("cargo::rerun-if-changed={input}");
    }
    let mut config = config::config(build_variable("CARGO_CFG_TARGET_OS")? == "windows");
    config.target(&build_variable("TARGET")?)?;
    let engine = wasmtime::Engine::new(&config)?;
    let folder = PathBuf::from(build_variable("OUT_DIR")?);
    let compile = |name: &str, guest: &str, world: World| -> Result<()> {
        let component = component("guests", guest, &world.text(ENGINE)?, ENGINE)?;
        let compiled = engine.precompile_component(&component)?;
        Ok(std::fs::write(
            folder.join(format!("{name}.cwasm")),
            compiled,
        )?)
    };
    for entry in std::fs::read_dir("guests")? {
        let path = entry?.path();
        if path.is_dir() {
            continue;
        }
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        match name {
            "base" => {}
            "import" => compile(name, name, World::Importing)?,
            _ => compile(name, name, World::Ours)?,
        }
    }
    compile("next-version", "well-behaved", World::NextVersion)?;
    compile("other-types", "well-behaved", World::OtherTypes)?;
    overrides(&folder)
}

/// The engine's world, and what it exports.
const ENGINE: (&str, &str) = ("policy-engine", "engine");
/// The world of overrides, and what it exports.
const OVERRIDE: (&str, &str) = ("policy-override", "chooser");

fn overrides(to: &Path) -> Result<()> {
    let guests = "guests/override";
    let make = |name: &str, guest: &str, world: World| -> Result<()> {
        let component = component(guests, guest, &world.text(OVERRIDE)?, OVERRIDE)?;
        Ok(std::fs::write(
            to.join(format!("override-{name}.wasm")),
            component,
        )?)
    };
    for entry in std::fs::read_dir(guests)? {
        let path = entry?.path();
        let name = path
            .file_stem()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        match name {
            "base" => {}
            "import" => make(name, name, World::Importing)?,
            _ => make(name, name, World::Ours)?,
        }
    }
    make("next-version", "first", World::NextVersion)?;
    make("other-types", "first", World::OtherTypes)?;
    let module = module(guests, "first", &World::Ours.text(OVERRIDE)?, OVERRIDE)?;
    Ok(std::fs::write(
        to.join("override-first.module.wasm"),
        module,
    )?)
}

/// What the world is, for a guest that wants another one.
enum World {
    Ours,
    /// With a function to import.
    Importing,
    /// Of the next version.
    NextVersion,
    /// Of this version, with a state less.
    OtherTypes,
}

impl World {
    fn text(&self, (_, exported): (&str, &str)) -> Result<String> {
        let text = read("../wit/policy.wit")?;
        let other = match self {
            Self::Ours => return Ok(text),
            Self::Importing => {
                let export = format!("export {exported};");
                let import = "@since(version = 0.2.0)\n  import leak: func();";
                text.replace(&export, &format!("{export}\n  {import}"))
            }
            Self::NextVersion => text.replace("0.2.0", "0.3.0"),
            Self::OtherTypes => text.replace("    forbidden,\n", ""),
        };
        if other == text {
            return Err("`policy.wit` has changed; change the other worlds too".into());
        }
        Ok(other)
    }
}

fn component(folder: &str, guest: &str, contract: &str, world: (&str, &str)) -> Result<Vec<u8>> {
    let component = || -> Result<Vec<u8>> {
        let module = module(folder, guest, contract, world)?;
        Ok(ComponentEncoder::default().module(&module)?.encode()?)
    };
    component().map_err(|error| format!("`{folder}/{guest}.wat`: {error:?}").into())
}

/// The module of a guest, which says in itself what its world is.
fn module(folder: &str, guest: &str, world: &str, (name, _): (&str, &str)) -> Result<Vec<u8>> {
    let guest = &read(&format!("{folder}/{guest}.wat"))?;
    let mut resolve = Resolve::default();
    let package = resolve.push_str("policy.wit", world)?;
    let version = if world.contains("keyrule:policy@0.3.0") {
        "@0.3.0"
    } else {
        "@0.2.0"
    };
    let world = resolve.select_world(&[package], Some(name))?;

    // Imports go first in a module, so those of the guest do too.
    let (imports, rest): (Vec<&str>, Vec<&str>) =
        guest.lines().partition(|line| line.starts_with("(import"));
    let mut module = imports.join("\n");
    for paragraph in read(&format!("{folder}/base.wat"))?.split("\n\n") {
        let replaced = paragraph
            .split_once("(export \"")
            .and_then(|(_, rest)| rest.split_once('"'))
            .is_some_and(|(name, _)| guest.contains(&format!("\"{name}\"")));
        if !replaced {
            module.push('\n');
            module.push_str(paragraph);
        }
    }
    module.push('\n');
    module.push_str(&rest.join("\n"));
    let mut module = module.replace("@0.2.0", version);
    for (name, parameters, results) in exports(&resolve, world) {
        if !module.contains(&format!("\"{name}\"")) {
            module.push_str(&format!(
                "\n(func (export \"{name}\") (param {parameters}) (result {results}) unreachable)"
            ));
        }
    }

    let mut module = wat::parse_str(format!("(module {module})"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    Ok(module)
}

/// Every function that the world exports, with its types in a module.
fn exports(resolve: &Resolve, world: WorldId) -> Vec<(String, String, String)> {
    let types = |types: &[_]| vec!["i32"; types.len()].join(" ");
    let mut found = Vec::new();
    let exports = resolve.worlds.get(world).map(|world| &world.exports);
    for (key, item) in exports.into_iter().flatten() {
        let WorldItem::Interface { id, .. } = item else {
            continue;
        };
        let functions = resolve
            .interfaces
            .get(*id)
            .map(|interface| &interface.functions);
        for func in functions
            .into_iter()
            .flat_map(|functions| functions.values())
        {
            let signature = resolve.wasm_signature(AbiVariant::GuestExport, func);
            let name = resolve.wasm_export_name(
                ManglingAndAbi::Legacy(LiftLowerAbi::Sync),
                WasmExport::Func {
                    interface: Some(key),
                    func,
                    kind: WasmExportKind::Normal,
                },
            );
            found.push((name, types(&signature.params), types(&signature.results)));
        }
    }
    found
}

fn read(path: &str) -> Result<String> {
    let text =
        std::fs::read_to_string(Path::new(path)).map_err(|error| format!("`{path}`: {error}"))?;
    Ok(text.replace("\r\n", "\n"))
}

#[expect(
    clippy::disallowed_methods,
    reason = "how cargo speaks to a build script"
)]
fn build_variable(name: &str) -> Result<String> {
    Ok(std::env::var(name)?)
}
