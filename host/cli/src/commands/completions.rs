//! `keyrule completions SHELL`: a script that completes commands and flags.

use clap::CommandFactory as _;

use crate::Context;
use crate::args::{Arguments, Completions};
use crate::errors::Failure;

pub(crate) fn run(context: &mut Context<'_, '_>, arguments: &Completions) -> Result<i32, Failure> {
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
