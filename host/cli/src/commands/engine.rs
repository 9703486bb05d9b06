//! `keyrule engine inspect | build | wit`: the components that an administrator
//! adds. What goes in are files; what comes out is what a component is and
//! what a policy writes to name it, or a component made of a core module.
//! Nothing is compiled and nothing runs.

#[cfg(feature = "overrides")]
mod build;
#[cfg(feature = "overrides")]
mod inspect;

use crate::Context;
use crate::args;
use crate::errors::Failure;

/// What components of ours export, as it is in this build.
const WIT: &str = include_str!("../../../../wit/policy.wit");

/// Runs one of the commands.
pub(crate) fn run(context: &mut Context<'_, '_>, what: &args::Engine) -> Result<i32, Failure> {
    match what {
        args::Engine::Wit => context.output.data(WIT).map(|()| 0),
        _ => with_components(context, what),
    }
}

#[cfg(feature = "overrides")]
fn with_components(context: &mut Context<'_, '_>, what: &args::Engine) -> Result<i32, Failure> {
    match what {
        args::Engine::Wit => Ok(0),
        args::Engine::Inspect { file } => inspect::run(context, file),
        args::Engine::Build { module, output } => build::run(context, module, output.as_deref()),
    }
}

/// Says that this build cannot.
#[cfg(not(feature = "overrides"))]
fn with_components(_: &mut Context<'_, '_>, _: &args::Engine) -> Result<i32, Failure> {
    Err(Failure::new(
        "override-not-built-in",
        5,
        "this build knows nothing of components: it is without the feature `overrides`",
    )
    .hint("use a keyrule that was built with it"))
}
