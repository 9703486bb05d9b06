//! `keyrule token`: the token on stdout, bare or in the form in which another
//! tool takes it; one file per protocol. With `--rejected`, what a helper
//! printed before is dropped and the helper runs once more, and a login is
//! renewed; a key that only its owner can replace is not printed again.
//!
//! What a credential is decides what it can be printed as: an AWS access key
//! is no token, and headers that a helper says itself are none either. Where
//! it cannot be, nothing is printed.

mod aws_process;
mod bazel;
mod git;
mod input;
mod kubernetes;
mod own;
mod possible;
#[cfg(test)]
pub(super) mod samples;

use std::time::UNIX_EPOCH;

use chrono::{DateTime, SecondsFormat, Utc};

use keyrule::resolver::{Explained, Resolution, Resolver};
use keyrule_contract as wit;
use keyrule_credential::credential::Credential;

use crate::Context;
use crate::args::{Format, Token};
use crate::errors::Failure;

pub(crate) fn run(context: &mut Context<'_, '_>, arguments: &Token) -> Result<i32, Failure> {
    let format = format(arguments, context.output.json)?;
    context.record(&arguments.recorded, "token")?;
    match format {
        Format::Bazel => bazel::run(context, arguments),
        Format::Git => git::run(context, arguments),
        Format::Kubernetes => kubernetes::run(context, arguments),
        Format::Bare | Format::Json | Format::Headers | Format::AwsProcess => {
            let resolution = resolve(context, arguments)?;
            let credential = possible::check(&resolution, format)?;
            match format {
                Format::Json => context.output.document(&document(credential))?,
                Format::Headers => {
                    let headers = crate::commands::headers::object(credential);
                    context.output.document(&headers)?;
                }
                Format::AwsProcess => {
                    let text = aws_process::answer(credential);
                    context.output.data(&text)?;
                }
                _ => {
                    let token = credential.token().unwrap_or_default();
                    context.output.data(&format!("{token}\n"))?;
                }
            }
            Ok(0)
        }
    }
}

/// The form that is asked for, where the arguments do not contradict it.
fn format(arguments: &Token, json: bool) -> Result<Format, Failure> {
    let usage = |message: String, hint: &str| Err(Failure::new("usage", 2, message).hint(hint));
    let format = match (arguments.format, json) {
        (Some(format @ (Format::Bare | Format::Git)), true) => {
            let word = format.word();
            let message = format!("`--format {word}` is not JSON, and `--json` asks for it");
            return usage(message, "leave one of the two out");
        }
        (Some(format), _) => format,
        (None, true) => Format::Json,
        (None, false) => Format::Bare,
    };
    let word = format.word();
    let asked_by_word = matches!(format, Format::Bazel | Format::Git);
    match (&arguments.word, asked_by_word) {
        (Some(extra), false) => usage(
            format!("`--format {word}` takes no word, and there is `{extra}`"),
            "`get`, `store` and `erase` are words of `--format bazel` and `--format git`",
        ),
        (None, true) => usage(
            format!("`--format {word}` needs the word that the tool adds, such as `get`"),
            "by hand it is `keyrule token --format … get`, with the question on stdin",
        ),
        _ if arguments.username.is_some() && format != Format::Git => usage(
            "`--username` is for `--format git` alone".to_owned(),
            "leave it out",
        ),
        _ => Ok(format),
    }
}

/// The credential, with what should be known besides said on stderr.
fn resolve(context: &mut Context<'_, '_>, arguments: &Token) -> Result<Resolution, Failure> {
    let mut resolver = context.resolver()?;
    resolve_with(context, arguments, &mut resolver)
}

fn resolve_with(
    context: &mut Context<'_, '_>,
    arguments: &Token,
    resolver: &mut Resolver,
) -> Result<Resolution, Failure> {
    if arguments.rejected {
        resolver.invalidate();
    }
    let resolution = crate::commands::login::resolve(context, resolver)?;
    context.output.warn_of(&resolution.explained);
    Ok(resolution)
}

fn document(credential: &Credential) -> serde_json::Value {
    serde_json::json!({
        "version": 2,
        "source": credential.source,
        "token": credential.token(),
        "endpoint": credential.endpoint,
        "expires-in": crate::commands::exec::seconds_left(credential),
    })
}

/// When the credential ends, as protocols write it: RFC 3339, in UTC.
fn end(credential: &Credential) -> Option<String> {
    let end = DateTime::<Utc>::from(credential.expires_at?);
    Some(end.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// The same in seconds since 1970 began.
fn seconds(credential: &Credential) -> Option<u64> {
    let end = credential.expires_at?.duration_since(UNIX_EPOCH).ok()?;
    Some(end.as_secs())
}

/// The answer where the tool alone holds the winner.
pub(super) fn held_by_the_tool(explained: &Explained, source: &str) -> Failure {
    let tool = explained.info.tool.name.as_deref().unwrap_or("the tool");
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
        wit::Kind::ToolOwned(login) => login.login.as_deref()?.split_whitespace().next(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

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
                if let wit::Kind::ToolOwned(tool) = &mut source.kind {
                    tool.login = login.map(str::to_owned);
                }
            }
            explained.info.tool.name = None;
            let failure = held_by_the_tool(&explained, "login");
            assert_eq!(failure.said.hint.as_deref(), Some(hint));
        }
    }

    fn asked(arguments: &[&str]) -> Result<Format, String> {
        use clap::Parser as _;

        let arguments = ["keyrule", "token"].iter().chain(arguments);
        let parsed = crate::args::Arguments::try_parse_from(arguments).unwrap();
        let crate::args::Command::Token(token) = parsed.command else {
            panic!("not token");
        };
        format(&token, parsed.global.json).map_err(|failure| {
            assert_eq!((failure.said.code, failure.exit), ("usage", 2));
            failure.said.message
        })
    }

    #[test]
    fn the_form_is_said_or_follows_from_json() {
        assert_eq!(asked(&[]), Ok(Format::Bare));
        assert_eq!(asked(&["--json"]), Ok(Format::Json));
        assert_eq!(asked(&["--json", "--format", "json"]), Ok(Format::Json));
        assert_eq!(
            asked(&["--json", "--format", "headers"]),
            Ok(Format::Headers)
        );
        assert_eq!(asked(&["--format", "bazel", "get"]), Ok(Format::Bazel));
        assert_eq!(
            asked(&["--format", "git", "--username", "ada", "store"]),
            Ok(Format::Git)
        );
    }

    #[test]
    fn what_contradicts_itself_is_wrong_usage() {
        for (arguments, message) in [
            (
                &["--json", "--format", "bare"][..],
                "`--format bare` is not JSON, and `--json` asks for it",
            ),
            (
                &["--json", "--format", "git", "get"],
                "`--format git` is not JSON, and `--json` asks for it",
            ),
            (
                &["get"],
                "`--format bare` takes no word, and there is `get`",
            ),
            (
                &["--format", "kubernetes", "get"],
                "`--format kubernetes` takes no word, and there is `get`",
            ),
            (
                &["--format", "bazel"],
                "`--format bazel` needs the word that the tool adds, such as `get`",
            ),
            (
                &["--username", "ada"],
                "`--username` is for `--format git` alone",
            ),
        ] {
            assert_eq!(asked(arguments), Err(message.to_owned()));
        }
    }
}
