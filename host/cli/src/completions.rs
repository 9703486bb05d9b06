//! `keyrule completions SHELL`: a script that completes commands and flags.

use clap::CommandFactory as _;

use super::Context;
use super::args::{Arguments, Completions};
use super::errors::Failure;

pub(super) fn run(context: &mut Context<'_, '_>, arguments: &Completions) -> Result<i32, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(
        arguments.shell,
        &mut Arguments::command(),
        "keyrule",
        &mut script,
    );
    context.output.data(&String::from_utf8_lossy(&script))?;
    Ok(0)
}
