//! `keyrule token`: the bare token and a newline on stdout. With
//! `--rejected`, what a helper printed before is dropped and the helper runs
//! once more; a key that only its owner can replace is not printed again.

use crate::resolver::Explained;

use super::Context;
use super::args::Token;
use super::errors::Failure;

pub(super) fn run(context: &mut Context<'_, '_>, arguments: &Token) -> Result<i32, Failure> {
    let mut resolver = context.resolver()?;
    if arguments.rejected {
        resolver.invalidate();
    }
    let resolution = resolver.resolve_blocking()?;
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
