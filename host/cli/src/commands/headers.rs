//! `keyrule headers`: the headers that carry the credential, one `Name:
//! value` a line, or one JSON object of names and values. A key that signs has
//! headers for one request alone, which `--url`, `--method` and `--body-file`
//! say; for any other credential `--url` is only checked to be its endpoint's.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use keyrule_credential::credential::Credential;
use keyrule_credential::handout::{Request, SignError};

use crate::Context;
use crate::args::Headers;
use crate::commands::token::held_by_the_tool;
use crate::errors::{Failure, os_words};
use crate::output::clean;

/// No request of a model is longer.
const LONGEST_BODY: u64 = 256 * 1024 * 1024;

pub(crate) fn run(context: &mut Context<'_, '_>, arguments: &Headers) -> Result<i32, Failure> {
    context.record(&arguments.recorded, "headers")?;
    let mut resolver = context.resolver()?;
    let resolution = crate::commands::login::resolve(context, &mut resolver)?;
    context.output.warn_of(&resolution.explained);
    if resolution.credential.is_tool_login() {
        return Err(held_by_the_tool(
            &resolution.explained,
            &resolution.credential.source,
        ));
    }
    let headers = of(&resolution.credential, arguments)?;
    if headers.is_empty() && resolution.credential.token().is_some() {
        let source = &resolution.credential.source;
        let message = format!("the policy says no header that carries `{source}`");
        return Err(Failure::new("no-headers", 4, message).hint(
            "add `headers = { Authorization = \"Bearer {secret}\" }` to the source, or take `keyrule token`",
        ));
    }
    // A line end would begin another header in whatever reads the lines.
    if let Some((name, _)) = headers
        .iter()
        .find(|(name, value)| name.contains(char::is_control) || value.contains(char::is_control))
    {
        let message = format!("the header `{}` holds a control character", clean(name));
        return Err(Failure::new("bad-header-value", 1, message)
            .hint("mend what it comes from: `keyrule explain` says what that is"));
    }
    if context.output.json {
        context.output.document(&joined(headers))?;
    } else {
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        context.output.data(&lines)?;
    }
    Ok(0)
}

/// The headers of the request, or of any where none is said.
fn of(credential: &Credential, arguments: &Headers) -> Result<Vec<(String, String)>, Failure> {
    let Some(url) = &arguments.url else {
        if credential.signs() {
            return Err(without_request(credential));
        }
        return Ok(credential.headers());
    };
    if !credential.signs() {
        credential.check_destination(url).map_err(refused)?;
        return Ok(credential.headers());
    }
    let body = match &arguments.body_file {
        Some(file) => body(file)?,
        None => Zeroizing::default(),
    };
    let usual = if arguments.body_file.is_some() {
        "POST"
    } else {
        "GET"
    };
    let request = Request {
        method: arguments.method.as_deref().unwrap_or(usual),
        url,
        headers: &[],
        body: &body,
    };
    credential.sign(&request).map_err(refused)
}

fn body(file: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = match file.as_os_str() == "-" {
        true => std::io::stdin()
            .lock()
            .take(LONGEST_BODY + 1)
            .read_to_end(&mut bytes),
        false => std::fs::File::open(file)
            .and_then(|file| file.take(LONGEST_BODY + 1).read_to_end(&mut bytes)),
    };
    let named = file.display();
    match read {
        Err(error) => {
            let message = format!("the body in `{named}` cannot be read");
            let mut failure = Failure::new("sign-body", 1, message)
                .hint("`--body-file FILE` names what will be sent, `--body-file -` reads stdin");
            failure.said.causes.push(os_words(&error));
            Err(failure)
        }
        Ok(_) if bytes.len() as u64 > LONGEST_BODY => {
            let message = format!("the body in `{named}` has more than {LONGEST_BODY} bytes");
            Err(Failure::new("sign-body", 1, message).hint("send less at once"))
        }
        Ok(_) => Ok(bytes),
    }
}

fn without_request(credential: &Credential) -> Failure {
    let source = &credential.source;
    let endpoint = credential.endpoint.as_deref().unwrap_or("URL");
    let message = format!(
        "`{source}` is an AWS access key, which signs one request and is never sent: say which"
    );
    Failure::new("sign-which", 2, message).hint(format!(
        "`keyrule headers --url {endpoint}/... --body-file FILE`; `keyrule token --format aws-process` prints the key for a tool that signs itself"
    ))
}

fn refused(error: SignError) -> Failure {
    let (exit, hint) = match &error {
        SignError::Elsewhere { .. } => (
            3,
            "secret and destination belong together: `keyrule status` shows the endpoint, and the policy's `endpoint` says it",
        ),
        SignError::Url => (2, "give the whole URL, as it will be sent: `https://...`"),
        SignError::Request => (2, "see whether the method is one, such as `POST`"),
        SignError::Unplaced { .. } => (
            1,
            "`region` and `service` of the source in the policy say where a signature is good",
        ),
        SignError::Unsupported => (1, "build Keyrule with the feature `bedrock`"),
        SignError::NotAKey { .. } => (2, "leave out `--url`: its headers are those of any request"),
    };
    Failure::new(error.code(), exit, error.to_string()).hint(hint)
}

/// Names and values; a header that is sent several times as the list that it
/// is then (RFC 9110, section 5.3).
pub(super) fn object(credential: &Credential) -> BTreeMap<String, String> {
    joined(credential.headers())
}

fn joined(headers: Vec<(String, String)>) -> BTreeMap<String, String> {
    let mut object = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        object
            .entry(name)
            .and_modify(|values| {
                values.push_str(", ");
                values.push_str(&value);
            })
            .or_insert(value);
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::token::samples;

    fn said(
        url: Option<&str>,
        material: keyrule_credential::material::Material,
    ) -> (&'static str, i32) {
        let mut credential = samples::credential(Some(material));
        credential.endpoint = Some("https://api.test".to_owned());
        let arguments = Headers {
            url: url.map(str::to_owned),
            ..Headers::default()
        };
        match of(&credential, &arguments) {
            Ok(_) => ("", 0),
            Err(failure) => {
                let text = format!("{:?}", failure.said);
                assert!(!text.contains("s3cr3t"), "{text}");
                assert!(failure.said.hint.is_some(), "{text}");
                (failure.said.code, failure.exit)
            }
        }
    }

    #[test]
    fn what_is_sent_goes_to_its_endpoint_alone() {
        let token = samples::token;
        assert_eq!(said(None, token()), ("", 0));
        assert_eq!(said(Some("https://api.test/v1/s3cr3t"), token()), ("", 0));
        let elsewhere = Some("https://evil.test/s3cr3t");
        assert_eq!(said(elsewhere, token()), ("sign-elsewhere", 3));
        assert_eq!(said(Some("api.test"), token()), ("sign-url", 2));
    }

    #[test]
    fn a_key_that_signs_is_told_what_to_sign() {
        let key = samples::key;
        assert_eq!(said(None, key()), ("sign-which", 2));
        let elsewhere = Some("https://evil.test/s3cr3t");
        assert_eq!(said(elsewhere, key()), ("sign-elsewhere", 3));
    }
}
