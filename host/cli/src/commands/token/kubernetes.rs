//! `--format kubernetes`: an exec plugin of `kubectl` and of what uses its
//! client library. What goes in is `KUBERNETES_EXEC_INFO`, an `ExecCredential`
//! without a status; what comes out is one with it: a token, which is sent as
//! `Authorization: Bearer`, and when it ends.
//! <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins>

use serde::Deserialize;

use keyrule_credential::credential::Credential;
use keyrule_credential::endpoint;

use super::own::{self, Owned};
use super::{possible, resolve};
use crate::Context;
use crate::args::{Format, Token};
use crate::errors::Failure;

const VARIABLE: &str = "KUBERNETES_EXEC_INFO";

/// The versions of the form; they do not differ in what is used here.
const VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

/// Answers one question.
pub(super) fn run(context: &mut Context<'_, '_>, arguments: &Token) -> Result<i32, Failure> {
    let question = match context.ambient.variable(VARIABLE) {
        None => Question::default(),
        Some(value) => match value.to_str() {
            Some(text) => Question::read(text)?,
            None => return Err(wrong("is not UTF-8")),
        },
    };
    if !question.interactive {
        context.global.non_interactive = true;
    }
    let owned = match &question.server {
        None => None,
        Some(server) => Some((server, own::resolve(context, arguments, FORMAT, server)?)),
    };
    let resolution = match owned {
        Some((_, Owned::Its(resolution))) => *resolution,
        // A credential without an endpoint is for whoever asks.
        None | Some((_, Owned::Anothers { origin: None, .. })) => resolve(context, arguments)?,
        Some((
            server,
            Owned::Anothers {
                source,
                origin: Some(origin),
            },
        )) => {
            let message = format!("the cluster is `{server}`, and `{source}` is for `{origin}`");
            return Err(elsewhere(message));
        }
        Some((server, Owned::Nobodys)) => {
            let message = format!("the cluster is `{server}`, and no source is for it");
            return Err(elsewhere(message));
        }
    };
    let credential = possible::check(&resolution, FORMAT)?;
    let text = answer(question.version, credential)?;
    context.output.data(&text)?;
    Ok(0)
}

const FORMAT: Format = Format::Kubernetes;

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
struct Question {
    version: &'static str,
    /// Whether somebody is there to answer, as far as `kubectl` knows.
    interactive: bool,
    /// The origin of the cluster's server, where it is said.
    server: Option<String>,
}

impl Default for Question {
    fn default() -> Self {
        let [version, _] = VERSIONS;
        Self {
            version,
            interactive: true,
            server: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ExecCredential {
    api_version: String,
    kind: Option<String>,
    #[serde(default)]
    spec: Spec,
}

#[derive(Default, Deserialize)]
struct Spec {
    interactive: Option<bool>,
    cluster: Option<Cluster>,
}

#[derive(Deserialize)]
struct Cluster {
    server: Option<String>,
}

impl Question {
    fn read(text: &str) -> Result<Self, Failure> {
        let read: ExecCredential = serde_json::from_str(text).map_err(|error| {
            // The parser's words can quote the value.
            let place = format!("(line {}, column {})", error.line(), error.column());
            wrong(&format!("is no `ExecCredential` {place}"))
        })?;
        if read.kind.is_some_and(|kind| kind != "ExecCredential") {
            return Err(wrong("is of a `kind` other than `ExecCredential`"));
        }
        let version = VERSIONS
            .into_iter()
            .find(|known| *known == read.api_version);
        let Some(version) = version else {
            let asked: String = read.api_version.chars().take(80).collect();
            let [one, other] = VERSIONS;
            return Err(wrong(&format!(
                "is of version `{asked}`; those that are answered are `{one}` and `{other}`"
            )));
        };
        let server = match read.spec.cluster {
            // A cluster that nobody can tell from another is not believed.
            Some(Cluster { server: None }) => {
                return Err(wrong("names a cluster without its `server`"));
            }
            Some(Cluster { server }) => server,
            None => None,
        };
        let server = server.map(|server| endpoint::origin(&server));
        Ok(Self {
            version,
            interactive: read.spec.interactive.unwrap_or(true),
            server: server
                .transpose()
                .map_err(|fault| wrong(&format!("has a server that {fault}")))?,
        })
    }
}

/// The answer. `kubectl` sends the token as a bearer token and not otherwise:
/// a credential that is sent otherwise is none for it.
fn answer(version: &str, credential: &Credential) -> Result<String, Failure> {
    let token = credential.token().unwrap_or_default();
    let headers = credential.headers();
    let bearer = headers.iter().any(|(name, value)| {
        name.eq_ignore_ascii_case("authorization") && value.strip_prefix("Bearer ") == Some(token)
    });
    if !bearer && !headers.is_empty() {
        let source = &credential.source;
        let message = format!(
            "`{source}` is not sent as `Authorization: Bearer`, which is how a cluster gets a token"
        );
        return Err(Failure::new("format-not-possible", 4, message)
            .hint("let the policy say `headers = { Authorization = \"Bearer {secret}\" }`"));
    }
    let mut status = serde_json::json!({ "token": token });
    if let (Some(end), Some(status)) = (super::end(credential), status.as_object_mut()) {
        status.insert("expirationTimestamp".to_owned(), end.into());
    }
    let answer = serde_json::json!({
        "apiVersion": version,
        "kind": "ExecCredential",
        "status": status,
    });
    Ok(format!("{answer}\n"))
}

fn wrong(what: &str) -> Failure {
    let message = format!("`{VARIABLE}` {what}");
    Failure::new("protocol-input", 1, message).hint(
        "`kubectl` sets it as the `apiVersion` of the user's `exec` says; without it version 1 is answered",
    )
}

fn elsewhere(message: String) -> Failure {
    Failure::new("not-its-endpoint", 3, message)
        .hint("name another policy with `--policy`, or let this one's source have that endpoint")
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::commands::token::samples;

    fn asked(spec: &str) -> Result<Question, String> {
        let text = format!(
            r#"{{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential", "spec": {spec}}}"#
        );
        Question::read(&text).map_err(|failure| failure.said.message)
    }

    #[test]
    fn the_version_the_server_and_who_is_there_are_read() {
        let question = |interactive, server: Option<&str>| {
            let version = "client.authentication.k8s.io/v1beta1";
            Ok(Question {
                version,
                interactive,
                server: server.map(str::to_owned),
            })
        };
        assert_eq!(asked("{}"), question(true, None));
        assert_eq!(
            asked(
                r#"{"interactive": false, "cluster": {"server": "https://k8s.test:6443/x", "config": {"a": 1}}}"#
            ),
            question(false, Some("https://k8s.test:6443"))
        );
        let without = r#"{"apiVersion": "client.authentication.k8s.io/v1"}"#;
        assert_eq!(Question::read(without).unwrap(), Question::default());
    }

    #[test]
    fn what_is_no_question_is_said_and_not_quoted() {
        let read = |text: &str| Question::read(text).unwrap_err().said.message;
        assert_eq!(
            read(r#"{"apiVersion": "client.authentication.k8s.io/v1alpha1"}"#),
            "`KUBERNETES_EXEC_INFO` is of version `client.authentication.k8s.io/v1alpha1`; those that are answered are `client.authentication.k8s.io/v1` and `client.authentication.k8s.io/v1beta1`"
        );
        assert_eq!(
            read(r#"{"apiVersion": "client.authentication.k8s.io/v1", "spec": {"cluster": {}}}"#),
            "`KUBERNETES_EXEC_INFO` names a cluster without its `server`"
        );
        assert_eq!(
            read(r#"{"apiVersion": ["s3cr3t"]}"#),
            "`KUBERNETES_EXEC_INFO` is no `ExecCredential` (line 1, column 15)"
        );
        assert_eq!(
            read(r#"{"apiVersion": "client.authentication.k8s.io/v1", "kind": "Pod"}"#),
            "`KUBERNETES_EXEC_INFO` is of a `kind` other than `ExecCredential`"
        );
        assert_eq!(
            asked(r#"{"cluster": {"server": "https://a@s3cr3t"}}"#),
            Err("`KUBERNETES_EXEC_INFO` has a server that holds a user name".to_owned())
        );
        assert!(read("{").contains("(line 1, column 1)"));
    }

    #[test]
    fn the_answer_is_of_the_version_that_was_asked() {
        let mut credential = samples::credential(Some(samples::token()));
        let [one, beta] = VERSIONS;
        assert_eq!(
            answer(one, &credential).unwrap(),
            "{\"apiVersion\":\"client.authentication.k8s.io/v1\",\"kind\":\"ExecCredential\",\"status\":{\"token\":\"s3cr3t-token\"}}\n"
        );
        credential.expires_at = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800));
        let text = answer(beta, &credential).unwrap();
        assert!(text.contains("k8s.io/v1beta1\""));
        assert!(text.contains("\"expirationTimestamp\":\"2100-01-01T00:00:00Z\""));
    }

    #[test]
    fn a_token_that_is_sent_otherwise_is_none_for_a_cluster() {
        let mut credential = samples::credential(Some(samples::token()));
        for header in &mut credential.headers {
            header.name = "X-Api-Key".to_owned();
        }
        let failure = answer("v1", &credential).unwrap_err();
        assert_eq!(
            (failure.said.code, failure.exit),
            ("format-not-possible", 4)
        );
        credential.headers.clear();
        assert!(answer("v1", &credential).is_ok());
    }
}
