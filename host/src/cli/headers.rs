//! `keyrule headers`: the headers that carry the credential, one `Name:
//! value` a line, or one JSON object of names and values.

use std::collections::BTreeMap;

use super::Context;
use super::args::Recorded;
use super::errors::Failure;
use super::token::held_by_the_tool;

pub(super) fn run(context: &mut Context<'_, '_>, recorded: &Recorded) -> Result<i32, Failure> {
    context.record(recorded, "headers")?;
    let mut resolver = context.resolver()?;
    let resolution = super::login::resolve(context, &mut resolver)?;
    context.output.warn_of(&resolution.explained);
    if resolution.credential.is_tool_login() {
        return Err(held_by_the_tool(
            &resolution.explained,
            &resolution.credential.source,
        ));
    }
    let headers = resolution.credential.headers();
    if context.output.json {
        let headers: BTreeMap<_, _> = headers.into_iter().collect();
        context.output.document(&headers)?;
    } else {
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        context.output.data(&lines)?;
    }
    Ok(0)
}
