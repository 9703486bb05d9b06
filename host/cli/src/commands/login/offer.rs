//! The offer of a login, where logging in is what would help. What goes in is
//! a resolver; what comes out is its credential, after a login if somebody
//! wanted one. That a login would help, and for which source, the engine
//! says; nobody is asked where nobody can answer.

use std::io::IsTerminal as _;
use std::time::Duration;

use crossterm::{event, terminal};
use inquire::Confirm;
use inquire::ui::RenderConfig;

use keyrule::Error;
use keyrule::resolver::{Explained, Resolution, Resolver};
use keyrule_contract as wit;

use super::log_in;
use crate::Context;
use crate::args::Login;
use crate::errors::Failure;
use crate::output::clean;

/// Resolves; where a login would help, offers it, and resolves once more.
pub(in super::super) fn resolve(
    context: &mut Context<'_, '_>,
    resolver: &mut Resolver,
) -> Result<Resolution, Failure> {
    let refused = match recorded(context, resolver)? {
        Err(Error::Refused(refused)) => refused,
        Err(error) => return Err(error.into()),
        Ok(resolution) => return Ok(resolution),
    };
    let Some(source) = offered(&refused).filter(|_| context.is_interactive()) else {
        return Err(Error::Refused(refused).into());
    };
    let (source, why) = (source.to_owned(), why(&refused));
    if !ask(context, &why, &source) {
        return Err(Error::Refused(refused).into());
    }
    let arguments = Login {
        source: Some(source),
        ..Login::default()
    };
    let login = log_in(context, resolver, &arguments)?;
    for note in &login.notes {
        context.output.warn(note);
    }
    Ok(recorded(context, resolver)??)
}

/// Resolves, and records what was decided, also where that is a refusal.
fn recorded(
    context: &mut Context<'_, '_>,
    resolver: &mut Resolver,
) -> Result<Result<Resolution, Error>, Failure> {
    let resolved = resolver.resolve_blocking();
    match &resolved {
        Ok(resolution) => context.decided(&resolution.explained)?,
        Err(Error::Refused(explained) | Error::Rejected { explained, .. }) => {
            context.decided(explained)?;
        }
        // Nothing was decided.
        Err(_) => {}
    }
    Ok(resolved)
}

/// The source that a login would help.
fn offered(explained: &Explained) -> Option<&str> {
    match explained.explanation.fix.as_ref()?.action {
        wit::Fix::Login(source) => explained.id(source),
        _ => None,
    }
}

/// Why a login would help, in the engine's words.
fn why(explained: &Explained) -> String {
    let line = match explained.explanation.fix.as_ref().map(|fix| &fix.action) {
        Some(wit::Fix::Login(source)) => explained.line(*source),
        _ => None,
    };
    line.map_or_else(
        || explained.explanation.summary.clone(),
        |line| line.text.clone(),
    )
}

/// Asks whether to log in now. What was typed ahead is no answer.
fn ask(context: &mut Context<'_, '_>, why: &str, source: &str) -> bool {
    let look = if context.output.words.colour {
        RenderConfig::default_colored()
    } else {
        RenderConfig::empty()
    };
    forget_typed_ahead();
    let question = clean(&format!("Log in to `{source}` now?"));
    let help = clean(why);
    Confirm::new(&question)
        .with_default(true)
        .with_help_message(&help)
        .with_render_config(look)
        .prompt()
        .unwrap_or(false)
}

/// Throws away what was typed before there was a question.
fn forget_typed_ahead() {
    if !std::io::stdin().is_terminal() || terminal::enable_raw_mode().is_err() {
        return;
    }
    while matches!(event::poll(Duration::ZERO), Ok(true)) {
        if event::read().is_err() {
            break;
        }
    }
    let _ = terminal::disable_raw_mode();
}
