//! `--format bazel get`: a credential helper of Bazel and of what speaks its
//! protocol. What goes in is `{"uri": …}` on stdin; what comes out are the
//! headers for that address: none where the credential is for another one, so
//! that what needs no credential is fetched all the same.
//! <https://github.com/EngFlow/credential-helper-spec>

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use keyrule_credential::credential::Credential;
use keyrule_credential::endpoint;

use super::input;
use super::own::{self, Owned};
use crate::Context;
use crate::args::{Format, Token};
use crate::errors::Failure;

/// Answers one question.
pub(super) fn run(context: &mut Context<'_, '_>, arguments: &Token) -> Result<i32, Failure> {
    let word = arguments.word.as_deref().unwrap_or_default();
    if word != "get" {
        let message = format!("Bazel's credential helpers have no command `{word}`");
        return Err(Failure::new("usage", 2, message).hint("the one that there is is `get`"));
    }
    // The protocol has stdin: nobody can be asked there.
    context.global.non_interactive = true;
    let asked = question(&input::read(std::io::stdin().lock(), "bazel")?)?;
    let answer = match own::resolve(context, arguments, Format::Bazel, &asked)? {
        Owned::Its(resolution) => answer(&resolution.credential),
        Owned::Anothers { source, origin } => {
            let whom = origin.map_or_else(
                || "goes to no endpoint".to_owned(),
                |origin| format!("is for `{origin}`"),
            );
            context
                .output
                .warn(&format!("no credential for `{asked}`: `{source}` {whom}"));
            Answer::default()
        }
        Owned::Nobodys => {
            let words = format!("no credential for `{asked}`: no source of the policy is for it");
            context.output.warn(&words);
            Answer::default()
        }
    };
    // Texts alone: this cannot fail.
    let text = serde_json::to_string(&answer).unwrap_or_default();
    context.output.data(&format!("{text}\n"))?;
    Ok(0)
}

#[derive(Default, Serialize)]
struct Answer {
    headers: BTreeMap<String, Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expires: Option<String>,
}

fn answer(credential: &Credential) -> Answer {
    let mut headers = BTreeMap::<_, Vec<_>>::new();
    for (name, value) in credential.headers() {
        headers.entry(name).or_default().push(value);
    }
    Answer {
        headers,
        expires: super::end(credential),
    }
}

/// The origin that is asked about. gRPC is HTTP: what carries it over TLS is
/// what carries `https`.
fn question(text: &str) -> Result<String, Failure> {
    #[derive(Deserialize)]
    struct Question {
        uri: String,
    }
    let wrong = |what: &str| input::wrong("bazel", what);
    let question: Question = serde_json::from_str(text).map_err(|error| {
        // The parser's words can quote the question.
        let place = format!("(line {}, column {})", error.line(), error.column());
        wrong(&format!("is not `{{\"uri\": \"https://…\"}}` {place}"))
    })?;
    let uri = match question.uri.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("grpcs") => format!("https://{rest}"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("grpc") => format!("http://{rest}"),
        _ => question.uri,
    };
    endpoint::origin(&uri).map_err(|fault| wrong(&format!("has a `uri` that {fault}")))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::commands::token::samples;

    #[test]
    fn the_origin_is_what_counts_of_an_address() {
        for (uri, origin) in [
            ("https://api.test/v1?x=y", "https://api.test"),
            ("https://API.test:443", "https://api.test"),
            (
                "grpcs://api.test:8443/com.example.Service/Method",
                "https://api.test:8443",
            ),
            ("grpc://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ] {
            let asked = question(&format!(r#"{{"uri": "{uri}", "more": [1]}}"#));
            assert_eq!(asked.unwrap(), origin);
        }
    }

    #[test]
    fn what_is_no_question_is_said_and_not_quoted() {
        for (text, what) in [
            ("", "is not `{\"uri\": \"https://…\"}` (line 1, column 0)"),
            (
                r#"{"uri": "https://s3cr3t"#,
                "is not `{\"uri\": \"https://…\"}` (line 1, column 23)",
            ),
            (
                r#"{"url": "https://s3cr3t"}"#,
                "is not `{\"uri\": \"https://…\"}` (line 1, column 25)",
            ),
            (
                r#"{"uri": ["s3cr3t"]}"#,
                "is not `{\"uri\": \"https://…\"}` (line 1, column 8)",
            ),
            (
                r#"{"uri": "https://api.test", "uri": "https://s3cr3t"}"#,
                "is not `{\"uri\": \"https://…\"}` (line 1, column 33)",
            ),
            (
                r#"{"uri": "https://api.test@s3cr3t"}"#,
                "has a `uri` that holds a user name",
            ),
            (
                r#"{"uri": "https://api.test\n.s3cr3t"}"#,
                "has a `uri` that holds a control character",
            ),
            (
                r#"{"uri": "file:///s3cr3t"}"#,
                "has a `uri` that holds a scheme other than `https` and `http`",
            ),
        ] {
            let failure = question(text).unwrap_err();
            let said = failure.said.message;
            assert_eq!(said, format!("the question on stdin {what}"), "{text}");
        }
    }

    #[test]
    fn headers_are_lists_and_the_end_is_rfc_3339() {
        let mut credential = samples::credential(Some(samples::headers()));
        let shown = |credential: &Credential| serde_json::to_string(&answer(credential)).unwrap();
        assert_eq!(
            shown(&credential),
            r#"{"headers":{"Authorization":["Basic s3cr3t"],"X-Many":["a","b"]}}"#
        );
        credential.expires_at = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800));
        credential.material = Some(samples::token());
        assert_eq!(
            shown(&credential),
            r#"{"headers":{"Authorization":["Bearer s3cr3t-token"]},"expires":"2100-01-01T00:00:00Z"}"#
        );
        assert_eq!(
            serde_json::to_string(&Answer::default()).unwrap(),
            r#"{"headers":{}}"#
        );
    }
}
