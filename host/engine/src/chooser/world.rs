//! What a component is, found out without compiling it. What goes in are
//! bytes; what comes out are its imports and exports by name, and which of
//! this program's worlds it is of.

use wit_parser::decoding::{DecodedWasm, decode};
use wit_parser::{Resolve, WorldId, WorldItem, WorldKey};

use super::Problem;

/// The contract, as this program was built with it.
const CONTRACT: &str = include_str!("../../../../wit/policy.wit");

/// A world of the contract that a component can be of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum World {
    /// An override.
    PolicyOverride,
    /// An engine.
    PolicyEngine,
}

impl World {
    /// The world's name in the contract.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PolicyOverride => "policy-override",
            Self::PolicyEngine => "policy-engine",
        }
    }
}

/// What a component says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Component {
    /// The names of its imports.
    pub imports: Vec<String>,
    /// The names of its exports.
    pub exports: Vec<String>,
    /// Which world it is of, if it is of one.
    pub world: Option<World>,
}

/// Reads what a component says of itself.
pub fn of(bytes: &[u8]) -> Result<Component, Problem> {
    header(bytes)?;
    let DecodedWasm::Component(resolve, world) =
        decode(bytes).map_err(|_| Problem::NotComponent)?
    else {
        // A package of types alone, with nothing to run.
        return Err(Problem::WrongWorld);
    };
    let found = resolve.worlds.get(world).ok_or(Problem::NotComponent)?;
    let imports = found.imports.iter();
    let exports = found.exports.iter();
    Ok(Component {
        imports: imports.map(|item| name(&resolve, item)).collect(),
        exports: exports.map(|item| name(&resolve, item)).collect(),
        world: [World::PolicyOverride, World::PolicyEngine]
            .into_iter()
            .find(|world| is_of(bytes, *world)),
    })
}

/// Refuses what could not be an override. Another one is compiled.
pub(crate) fn check(bytes: &[u8]) -> Result<(), Problem> {
    let component = of(bytes)?;
    if let Some(name) = component.imports.first() {
        return Err(Problem::Imports {
            name: shortened(name),
        });
    }
    match component.world {
        Some(World::PolicyOverride) => Ok(()),
        Some(World::PolicyEngine) | None => Err(Problem::WrongWorld),
    }
}

/// A name can be as long as a component.
pub fn shortened(name: &str) -> String {
    name.chars().take(100).collect()
}

/// Tells modules, components and everything else apart by their first bytes.
fn header(bytes: &[u8]) -> Result<(), Problem> {
    match bytes.get(..8) {
        Some([b'\0', b'a', b's', b'm', _, _, 1, 0]) => Ok(()),
        Some([b'\0', b'a', b's', b'm', _, _, 0, 0]) => Err(Problem::CoreModule),
        _ => Err(Problem::NotWasm),
    }
}

fn is_of(bytes: &[u8], world: World) -> bool {
    contract(world).is_ok_and(|(resolve, id)| wit_component::targets(&resolve, id, bytes).is_ok())
}

/// The contract, parsed, and one of its worlds.
pub(crate) fn contract(world: World) -> Result<(Resolve, WorldId), String> {
    let mut resolve = Resolve::default();
    let found = resolve
        .push_str("policy.wit", CONTRACT)
        .map_err(|error| error.to_string())
        .and_then(|package| {
            resolve
                .select_world(&[package], Some(world.name()))
                .map_err(|error| error.to_string())
        })?;
    Ok((resolve, found))
}

fn name(resolve: &Resolve, (key, item): (&WorldKey, &WorldItem)) -> String {
    match item {
        WorldItem::Interface { .. } => resolve.name_world_key(key),
        WorldItem::Function(_) | WorldItem::Type { .. } => match key {
            WorldKey::Name(name) => name.clone(),
            WorldKey::Interface(_) => resolve.name_world_key(key),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_engine_is_an_engine_and_no_override() {
        let engine = include_bytes!("../../../../guest/prebuilt/policy.wasm");
        assert_eq!(
            of(engine),
            Ok(Component {
                imports: Vec::new(),
                exports: vec!["keyrule:policy/engine@0.2.0".to_owned()],
                world: Some(World::PolicyEngine),
            })
        );
        assert_eq!(check(engine), Err(Problem::WrongWorld));
    }

    #[test]
    fn what_is_no_component_is_told_apart() {
        assert_eq!(of(b""), Err(Problem::NotWasm));
        assert_eq!(of(b"name = \"x\""), Err(Problem::NotWasm));
        assert_eq!(of(b"\0asm\x01\0\0\0"), Err(Problem::CoreModule));
        assert_eq!(of(b"\0asm\x0d\0\x01\0rest"), Err(Problem::NotComponent));
    }
}
