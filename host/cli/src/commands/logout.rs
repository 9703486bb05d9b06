//! `keyrule logout`: a login is ended at its issuer and forgotten here, with
//! the keys that it brought. What goes in is a source and an account, or all
//! there is; what comes out are words about each part, and which of them
//! failed.

use serde::Serialize;

use keyrule::resolver::{LoggedOut, LoggedOutOfAll};

use crate::Context;
use crate::args::Logout;
use crate::commands::policy::Printed;
use crate::errors::Failure;
use crate::explained::{at_home, command_of};
use crate::output::clean;

/// Logs out.
pub(crate) fn run(context: &mut Context<'_, '_>, arguments: &Logout) -> Result<i32, Failure> {
    let mut resolver = context.resolver()?;
    if arguments.all {
        let done = resolver.logout_of_all_blocking()?;
        return said_of_all(context, &resolver.info().name, &done);
    }
    let source = arguments.source.as_deref();
    let done = resolver.logout_blocking(source, arguments.account.as_deref())?;
    if context.output.json {
        context.output.versioned(&Document::new(&done))?;
    } else if !context.global.quiet && done.removed {
        say(context, &words(&done))?;
    }
    let hint = hint(&resolver.info().name, std::slice::from_ref(&done), false);
    finish(context, &[done], &[], hint)
}

fn said_of_all(
    context: &mut Context<'_, '_>,
    policy: &str,
    done: &LoggedOutOfAll,
) -> Result<i32, Failure> {
    if done.is_nothing() {
        return Err(Failure::new(
            "not-logged-in",
            4,
            "there is no login, key, consent or cached token to forget",
        ));
    }
    if context.output.json {
        context.output.versioned(&All {
            logins: done.logins.iter().map(Document::new).collect(),
            keys: &done.keys,
            consents: done.consents,
            helper_tokens: done.helper_tokens,
            failed: &done.failed,
        })?;
    } else if !context.global.quiet {
        for login in done.logins.iter().filter(|login| login.removed) {
            say(context, &words(login))?;
        }
        if let Some(words) = forgotten(done) {
            say(context, &words)?;
        }
    }
    let hint = hint(policy, &done.logins, done.awaits_keyring);
    finish(context, &done.logins, &done.failed, hint)
}

/// Says what failed, if anything did.
fn finish(
    context: &mut Context<'_, '_>,
    done: &[LoggedOut],
    rest: &[String],
    hint: String,
) -> Result<i32, Failure> {
    let mut failed = Vec::new();
    for login in done {
        for note in &login.notes {
            context.output.warn(note);
        }
        failed.extend(login.failed.iter().cloned());
    }
    failed.extend(rest.iter().cloned());
    if failed.is_empty() {
        return Ok(0);
    }
    let mut failure =
        Failure::new("logout-incomplete", 1, "not everything could be ended").hint(hint);
    failure.said.causes = failed;
    Err(failure)
}

/// What to do about what failed: what a keyring keeps can still be ended from
/// here, once the keyring answers. `key` says that it keeps a key besides.
fn hint(policy: &str, done: &[LoggedOut], key: bool) -> String {
    let mut waiting = done.iter().filter(|login| login.awaits_keyring);
    let again = match (waiting.next(), waiting.next()) {
        _ if key => "logout --all".to_owned(),
        (None, _) => {
            return "end the rest at the issuer, in its own list of sessions".to_owned();
        }
        (
            Some(LoggedOut {
                source, account, ..
            }),
            None,
        ) => match account {
            Some(account) => format!("logout {source} --account {account}"),
            None => format!("logout {source}"),
        },
        (Some(_), Some(_)) => "logout --all".to_owned(),
    };
    let again = command_of(policy, &again);
    format!("unlock the keyring, or start it, and log out again: `{again}`")
}

fn say(context: &mut Context<'_, '_>, words: &str) -> Result<i32, Failure> {
    let words = clean(&at_home(words, context.ambient.home.as_deref()));
    let words = context.output.words.lines("", &words);
    context.output.print(&Printed {
        data: String::new(),
        words: words + "\n",
        exit: 0,
    })
}

fn words(done: &LoggedOut) -> String {
    let mut words = format!("logged out of `{}`", done.source);
    if let Some(account) = &done.account {
        words.push_str(&format!(" as `{account}`"));
    }
    if done.ended {
        words.push_str("; the issuer has ended it");
    }
    if !done.keys.is_empty() {
        words.push_str(&format!("; removed {}", keys(&done.keys)));
    }
    words
}

fn forgotten(done: &LoggedOutOfAll) -> Option<String> {
    let count = |count: usize, what: &str| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let parts = [
        (!done.keys.is_empty()).then(|| keys(&done.keys)),
        count(done.consents, "consent"),
        count(done.helper_tokens, "cached helper token"),
    ];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("forgot {}", parts.join(", ")))
}

fn keys(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    let word = if names.len() == 1 { "key" } else { "keys" };
    format!("{word} {}", names.join(", "))
}

/// One login that was ended, as a document.
#[derive(Serialize)]
struct Document<'d> {
    source: &'d str,
    account: Option<&'d str>,
    ended: bool,
    removed: bool,
    keys: &'d [String],
    failed: &'d [String],
}

impl<'d> Document<'d> {
    fn new(done: &'d LoggedOut) -> Self {
        Self {
            source: &done.source,
            account: done.account.as_deref(),
            ended: done.ended,
            removed: done.removed,
            keys: &done.keys,
            failed: &done.failed,
        }
    }
}

/// Everything, as a document.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct All<'d> {
    logins: Vec<Document<'d>>,
    keys: &'d [String],
    consents: usize,
    helper_tokens: usize,
    failed: &'d [String],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_ended_and_removed_is_said() {
        let done = LoggedOut {
            source: "work".to_owned(),
            account: Some("ada@example.com".to_owned()),
            ended: true,
            removed: true,
            keys: vec!["console".to_owned()],
            ..LoggedOut::default()
        };
        assert_eq!(
            words(&done),
            "logged out of `work` as `ada@example.com`; the issuer has ended it; removed key \
             `console`"
        );
        assert_eq!(words(&LoggedOut::default()), "logged out of ``");
    }

    #[test]
    fn a_login_that_a_keyring_keeps_is_ended_from_here_later() {
        let rest = LoggedOut {
            source: "work".to_owned(),
            account: Some("ada".to_owned()),
            removed: true,
            ..LoggedOut::default()
        };
        let kept = LoggedOut {
            removed: false,
            awaits_keyring: true,
            ..rest.clone()
        };
        let before = "unlock the keyring, or start it, and log out again";
        assert_eq!(
            hint("sample", std::slice::from_ref(&rest), false),
            "end the rest at the issuer, in its own list of sessions"
        );
        assert_eq!(
            hint("sample", &[rest, kept.clone()], false),
            format!("{before}: `keyrule --policy sample logout work --account ada`")
        );
        assert_eq!(
            hint("claude-code", &[kept.clone(), kept], false),
            format!("{before}: `keyrule logout --all`")
        );
        assert_eq!(
            hint("claude-code", &[], true),
            format!("{before}: `keyrule logout --all`")
        );
    }

    #[test]
    fn all_that_was_forgotten_is_counted() {
        let done = LoggedOutOfAll {
            keys: vec!["a".to_owned(), "b".to_owned()],
            consents: 1,
            helper_tokens: 2,
            ..LoggedOutOfAll::default()
        };
        assert_eq!(
            forgotten(&done).as_deref(),
            Some("forgot keys `a`, `b`, 1 consent, 2 cached helper tokens")
        );
        assert_eq!(forgotten(&LoggedOutOfAll::default()), None);
    }
}
