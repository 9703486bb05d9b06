//! Compiles the committed component ahead of time, for the target's baseline,
//! so that a process only has to map the result.

#[cfg(feature = "component")]
#[path = "src/config.rs"]
mod config;

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

const COMPONENT: &str = "../../guest/prebuilt/policy.wasm";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed={COMPONENT}");
    println!("cargo::rerun-if-changed=src/config.rs");
    println!("cargo::rerun-if-changed=build.rs");

    let component = std::fs::read(COMPONENT)
        .map_err(|error| format!("`{COMPONENT}`: {error}; `guest/build` makes it"))?;
    let mut digest = String::new();
    for byte in Sha256::digest(&component) {
        write!(digest, "{byte:02x}")?;
    }
    println!("cargo::rustc-env=KEYRULE_ENGINE_SHA256={digest}");
    #[cfg(feature = "component")]
    compile(&component)?;
    Ok(())
}

#[cfg(feature = "component")]
fn compile(component: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let mut config = config::config(build_variable("CARGO_CFG_TARGET_OS")? == "windows");
    // Named, even where it is this machine: otherwise the code would use what
    // this processor has beyond the baseline.
    config.target(&build_variable("TARGET")?)?;
    config.cranelift_opt_level(wasmtime::OptLevel::Speed);
    let compiled = wasmtime::Engine::new(&config)?.precompile_component(component)?;
    let folder = std::path::PathBuf::from(build_variable("OUT_DIR")?);
    Ok(std::fs::write(folder.join("policy.cwasm"), compiled)?)
}

#[cfg(feature = "component")]
#[expect(
    clippy::disallowed_methods,
    reason = "how cargo speaks to a build script"
)]
fn build_variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|error| format!("`{name}`: {error}"))
}
