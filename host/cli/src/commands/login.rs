//! `keyrule login`: somebody logs in to a source, and the login is kept. What
//! goes in is a source, if one is named; what comes out are words on stderr
//! (or a document on stdout) about whose login is now in use. Who may log in
//! to what, the resolver says.

mod browser;
mod clipboard;
mod offer;
mod piped;
mod screen;
mod terminal;

use std::sync::Arc;

use serde::Serialize;

use keyrule::LoginUi;
use keyrule::resolver::{LoggedIn, LoginOptions, Resolver};

use crate::Context;
use crate::args::Login;
use crate::commands::policy::Printed;
use crate::commands::status::ends_in;
use crate::errors::Failure;
use crate::explained::at_home;
use crate::output::clean;

pub(super) use offer::resolve;

use browser::Browser;

/// Logs in, or selects an account that is logged in already.
pub(crate) fn run(context: &mut Context<'_, '_>, arguments: &Login) -> Result<i32, Failure> {
    let mut resolver = context.resolver()?;
    let source = arguments.source.as_deref();
    if let Some(account) = &arguments.select {
        let login = resolver.select_account(source, account)?;
        return said(context, "selected", &login);
    }
    if context.global.non_interactive {
        return Err(Failure::new(
            "login-needs-somebody",
            2,
            "nobody can be asked to log in with `--non-interactive`",
        )
        .hint("leave it out, and log in with `keyrule login --device` where there is no browser"));
    }
    let login = log_in(context, &mut resolver, arguments)?;
    said(context, "logged-in", &login)
}

/// Logs in, and tells the user what that takes.
fn log_in(
    context: &mut Context<'_, '_>,
    resolver: &mut Resolver,
    arguments: &Login,
) -> Result<LoggedIn, Failure> {
    let mut options = LoginOptions::default();
    options.device = arguments.device;
    options.account.clone_from(&arguments.account);
    let browser = Browser::of(&context.ambient).filter(|_| !arguments.no_browser);
    let ui = ui(context, browser);
    let login = resolver.login_blocking(arguments.source.as_deref(), &options, ui.as_ref());
    Ok(login?)
}

/// Who shows the login: a screen where somebody sits at a terminal, else
/// lines of text.
fn ui(context: &Context<'_, '_>, browser: Option<Browser>) -> Arc<dyn LoginUi> {
    let look = context.output.words;
    if context.is_interactive() {
        let clipboard = clipboard::programs(&context.ambient);
        Arc::new(terminal::TerminalUi::new(look, browser, clipboard))
    } else {
        let reads = !context.output.input_is_terminal();
        Arc::new(piped::PipedUi::new(look, browser, reads))
    }
}

/// The result as a document.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Document<'l> {
    version: u32,
    done: &'static str,
    source: &'l str,
    account: Option<&'l str>,
    organization: Option<&'l str>,
    expires_in: Option<i64>,
    refreshable: bool,
    kind: &'static str,
    stored_in: &'l str,
}

/// Says whose login is in use now.
fn said(
    context: &mut Context<'_, '_>,
    done: &'static str,
    login: &LoggedIn,
) -> Result<i32, Failure> {
    for note in &login.notes {
        context.output.warn(note);
    }
    if context.output.json {
        context.output.document(&Document {
            version: 2,
            done,
            source: &login.source,
            account: login.account.as_deref(),
            organization: login.organization.as_deref(),
            expires_in: seconds(login),
            refreshable: login.renewable,
            kind: if login.is_key { "key" } else { "login" },
            stored_in: &login.place,
        })?;
    } else if !context.global.quiet {
        let text = clean(&at_home(
            &words(done, login),
            context.ambient.home.as_deref(),
        ));
        let text = context.output.words.lines("", &text);
        context.output.print(&Printed {
            data: String::new(),
            words: text + "\n",
            exit: 0,
        })?;
    }
    Ok(0)
}

fn seconds(login: &LoggedIn) -> Option<i64> {
    let ends = login.expires_at?;
    Some(keyrule_credential::obtained::seconds_until(
        ends,
        std::time::SystemTime::now(),
    ))
}

fn words(done: &str, login: &LoggedIn) -> String {
    let mut words = match (done, &login.account) {
        ("selected", Some(account)) => format!("`{}` now uses `{account}`", login.source),
        (_, Some(account)) => format!("logged in to `{}` as `{account}`", login.source),
        (_, None) => format!("logged in to `{}`", login.source),
    };
    if let Some(organization) = &login.organization {
        words.push_str(&format!(", organisation `{organization}`"));
    }
    words.push_str(&match (login.is_key, login.renewable, seconds(login)) {
        (true, _, _) => "; the key is kept in ".to_owned(),
        (false, true, _) => "; it is renewed by itself, and kept in ".to_owned(),
        (false, false, Some(left)) => format!("; it ends {}, and is kept in ", ends_in(left)),
        (false, false, None) => "; it is kept in ".to_owned(),
    });
    words.push_str(&login.place);
    words
}
