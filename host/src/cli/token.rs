//! `keyrule token`: the bare token and a newline on stdout. With
//! `--rejected`, what a helper printed before is dropped and the helper runs
//! once more; a key that only its owner can replace is not printed again.

use crate::engine::bindings as wit;
use crate::error::Error;
use crate::resolver::Explained;

use super::Context;
use super::args::Token;
use super::errors::Failure;

pub(super) fn run(context: &mut Context<'_, '_>, arguments: &Token) -> Result<i32, Failure> {
    let mut resolver = context.resolver()?;
    if arguments.rejected {
        resolver.invalidate();
    }
    let resolution = resolver.resolve_blocking().map_err(rejected)?;
    context.output.warn_of(&resolution.explained);
    let Some(token) = resolution.credential.token() else {
        return Err(held_by_the_tool(
            &resolution.explained,
            &resolution.credential.source,
        ));
    };
    if context.output.json {
        context.output.document(&serde_json::json!({
            "source": resolution.credential.source,
            "token": token,
            "endpoint": resolution.credential.endpoint,
            "expires-in": super::exec::seconds_left(&resolution.credential),
        }))?;
    } else {
        context.output.data(&format!("{token}\n"))?;
    }
    Ok(0)
}

/// The answer where the tool alone holds the winner.
pub(super) fn held_by_the_tool(explained: &Explained, source: &str) -> Failure {
    let tool = explained.about.tool.name.as_deref().unwrap_or("the tool");
    let message =
        format!("`{source}` wins, and it is the login of {tool}, which alone may hold it");
    Failure::new("tool-login", 4, message).hint(format!(
        "start {tool} with `keyrule exec`, and it uses its own login"
    ))
}

/// What can be done about a key that was rejected, by where it comes from.
fn rejected(error: Error) -> Failure {
    let Error::Rejected {
        source_id,
        next,
        explained,
    } = &error
    else {
        return error.into();
    };
    let hint = explained
        .sources
        .iter()
        .find(|source| source.id == *source_id)
        .and_then(|source| match (&source.kind, next) {
            (wit::Kind::Environment(variable), Some(next)) => Some(format!(
                "put another key into `{variable}`, or `unset {variable}` to use `{next}`"
            )),
            (wit::Kind::Environment(variable), None) => Some(format!(
                "put another key into `{variable}`; nothing else is usable"
            )),
            (wit::Kind::ToolLogin(_), _) => None,
            _ => error.hint(),
        });
    match hint {
        Some(hint) => Failure::from(error).hint(hint),
        None => held_by_the_tool(explained, source_id),
    }
}
