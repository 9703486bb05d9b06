//! `keyrule token`: the bare token and a newline on stdout. With
//! `--rejected`, what a helper printed before is dropped and the helper runs
//! once more; a key that only its owner can replace is not printed again.

use crate::engine::bindings as wit;
use crate::resolver::{Explained, Resolution, Resolver};

use super::Context;
use super::args::Token;
use super::errors::Failure;

pub(super) fn run(context: &mut Context<'_, '_>, arguments: &Token) -> Result<i32, Failure> {
    let mut resolver = context.resolver()?;
    if arguments.rejected {
        reject(&mut resolver)?;
    }
    let resolution = resolver.resolve_blocking()?;
    warn(context, &resolution.explained);
    let Some(token) = resolution.credential.token() else {
        return Err(held_by_the_tool(&resolution));
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

/// Says what should be known besides, on stderr.
pub(super) fn warn(context: &mut Context<'_, '_>, explained: &Explained) {
    for warning in &explained.explanation.warnings {
        context.output.warn(&warning.message);
    }
}

/// The answer where the tool alone holds the winner.
pub(super) fn held_by_the_tool(resolution: &Resolution) -> Failure {
    let explained = &resolution.explained;
    let source = &resolution.credential.source;
    let tool = explained.about.tool.name.as_deref().unwrap_or("the tool");
    let message = format!(
        "`{source}` wins, and it is {tool}'s own login: {tool} alone holds it, and nobody else may have it"
    );
    Failure::new("tool-login", 4, message)
        .hint("start the tool with `keyrule exec`, and it uses its own login")
}

/// Drops what is cached for the source that wins. A key in a variable or a
/// store would come out the same, so it is not got again: the failure names
/// it and the next one in line.
fn reject(resolver: &mut Resolver) -> Result<(), Failure> {
    let explained = resolver.explain()?;
    let source = explained.winner().and_then(|winner| {
        let source = explained.source(winner)?;
        Some((winner, source))
    });
    match source {
        Some((winner, source)) if !is_renewed(&source.kind) => {
            Err(rejected(&explained, winner, source))
        }
        _ => {
            resolver.invalidate();
            Ok(())
        }
    }
}

/// Whether getting a source again can bring another secret.
fn is_renewed(kind: &wit::Kind) -> bool {
    match kind {
        wit::Kind::Helper(_) | wit::Kind::Login(_) | wit::Kind::Cloud(_) => true,
        // What comes of a tool's login is said where it is got.
        wit::Kind::ToolLogin(_) => true,
        wit::Kind::Environment(_) | wit::Kind::Supplied | wit::Kind::StoredKey(_) => false,
    }
}

fn rejected(explained: &Explained, winner: u32, source: &wit::Source) -> Failure {
    let found = match &source.kind {
        wit::Kind::Environment(variable) => format!("the variable `{variable}`"),
        wit::Kind::StoredKey(key) => format!("the stored key `{key}`"),
        wit::Kind::Supplied => "the program that started this session".to_owned(),
        wit::Kind::Helper(_)
        | wit::Kind::ToolLogin(_)
        | wit::Kind::Login(_)
        | wit::Kind::Cloud(_) => "its owner".to_owned(),
    };
    let next = explained
        .lines()
        .filter(|(_, line)| line.source > winner)
        .find(|(_, line)| line.standing == wit::Standing::Outranked)
        .map(|(source, _)| source.id.as_str());
    let message = format!(
        "the rejected key is that of `{}`, from {found}, and getting it again would bring the same one; {}",
        source.id,
        next.map_or_else(
            || "no other source is usable".to_owned(),
            |next| format!("the next one in line is `{next}`")
        )
    );
    let hint = match (&source.kind, next) {
        (wit::Kind::Environment(variable), Some(next)) => {
            format!("put another key into `{variable}`, or unset it to use `{next}`")
        }
        (wit::Kind::Environment(variable), None) => format!("put another key into `{variable}`"),
        (wit::Kind::StoredKey(key), _) => format!("store another key as `{key}`"),
        _ => "supply another key".to_owned(),
    };
    Failure::new("rejected", 1, message).hint(hint)
}
