//! `keyrule token`: the bare token and a newline on stdout. With
//! `--rejected`, what a helper printed before is dropped and the helper runs
//! once more, and a login is renewed; a key that only its owner can replace is
//! not printed again.

use crate::engine::bindings as wit;
use crate::resolver::Explained;

use super::Context;
use super::args::Token;
use super::errors::Failure;

pub(super) fn run(context: &mut Context<'_, '_>, arguments: &Token) -> Result<i32, Failure> {
    context.record(&arguments.recorded, "token")?;
    let mut resolver = context.resolver()?;
    if arguments.rejected {
        resolver.invalidate();
    }
    let resolution = super::login::resolve(context, &mut resolver)?;
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
    let program = program(explained, source).map_or_else(String::new, |name| format!(" -- {name}"));
    Failure::new("tool-login", 4, message).hint(format!(
        "start {tool} with `keyrule exec{program}`, and it uses its own login"
    ))
}

/// The tool's program, as the source's command for logging in begins with it.
fn program<'e>(explained: &'e Explained, id: &str) -> Option<&'e str> {
    let source = explained.sources.iter().find(|source| source.id == id)?;
    match &source.kind {
        wit::Kind::ToolLogin(login) => login.login.as_deref()?.split_whitespace().next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::samples;

    #[test]
    fn who_has_the_tools_own_login_is_told_how_to_start_the_tool() {
        let mut explained = samples::nothing();
        for (login, hint) in [
            (
                Some("claude /login"),
                "start the tool with `keyrule exec -- claude`, and it uses its own login",
            ),
            (
                None,
                "start the tool with `keyrule exec`, and it uses its own login",
            ),
        ] {
            for source in &mut explained.sources {
                if let wit::Kind::ToolLogin(tool) = &mut source.kind {
                    tool.login = login.map(str::to_owned);
                }
            }
            explained.about.tool.name = None;
            let failure = held_by_the_tool(&explained, "login");
            assert_eq!(failure.said.hint.as_deref(), Some(hint));
        }
    }
}
