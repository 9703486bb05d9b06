//! What Git's credential helpers answer, and `git credential fill`. What goes
//! in is the endpoint as attributes, then attributes; what comes out is a
//! password, or a credential with the scheme that it is sent by.
//! <https://git-scm.com/docs/git-credential#IOFMT>
//!
//! ```text
//! protocol=https          what the helper is told: the endpoint, and that a
//! host=git.example.com    credential with a scheme is welcome
//! capability[]=authtype
//! ```

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use super::headers::{is_name, is_printable};
use super::{malformed, moment};
use crate::endpoint;
use crate::material::Material;
use crate::obtained::{Facts, Failure, Kept};
use crate::secret::Secret;
use keyrule_contract as wit;

const FORM: &str = "an answer of a Git credential helper";

/// What the helper is told.
pub(super) fn question(endpoint: &str) -> Result<String, Failure> {
    let (protocol, host) = parts(endpoint)?;
    let mut told = format!("capability[]=authtype\nprotocol={protocol}\nhost={host}\n");
    if let Some(path) = path(endpoint) {
        told.push_str(&format!("path={path}\n"));
    }
    told.push('\n');
    Ok(told)
}

/// Reads the answer.
pub(super) fn read(endpoint: Option<&str>, output: &[u8]) -> Result<Kept, Failure> {
    let mut said = attributes(output)?;
    if let Some(endpoint) = endpoint {
        check(&said, endpoint)?;
    }
    if said.get("quit").is_some_and(|word| is_true(word)) {
        let words = "it says that nobody else is to be asked";
        return Err(Failure::new(wit::FailureKind::NoCredentials, words));
    }
    if said.get("continue").is_some_and(|word| is_true(word)) {
        let words = "`continue` asks for more than one step, and one is what is done";
        return Err(malformed(FORM, words));
    }
    let expires_at = match said.get("password_expiry_utc") {
        None => None,
        Some(seconds) => {
            let seconds = seconds.parse().map_err(|_| {
                let words = "`password_expiry_utc` is no number of seconds";
                malformed(FORM, words)
            })?;
            Some(moment::at(FORM, "password_expiry_utc", seconds)?)
        }
    };
    let material = match (said.remove("authtype"), said.remove("credential")) {
        (Some(scheme), Some(credential)) => carried(&scheme, &credential)?,
        _ => match said.remove("password") {
            Some(password) => Material::Token(secret("password", &password)?),
            None => {
                let words = "it has neither a `password` nor a `credential`";
                return Err(Failure::new(wit::FailureKind::NoCredentials, words));
            }
        },
    };
    let account = said
        .remove("username")
        .filter(|name| !name.trim_ascii().is_empty())
        .map(|name| name.as_str().to_owned());
    Ok(Kept {
        material,
        expires_at,
        facts: Facts {
            account,
            ..Facts::default()
        },
    })
}

type Attributes = BTreeMap<String, Zeroizing<String>>;

/// The attributes up to an empty line. Those that can stand several times are
/// read over: none of them is about the credential.
fn attributes(output: &[u8]) -> Result<Attributes, Failure> {
    if output.iter().all(u8::is_ascii_whitespace) {
        return Err(Failure::bare(wit::FailureKind::NoOutput));
    }
    let mut said = Attributes::new();
    for (index, line) in output.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        let fault = |what: &str| malformed(FORM, format_args!("line {}: {what}", index + 1));
        let line = std::str::from_utf8(line).map_err(|_| fault("it is not UTF-8"))?;
        let Some((name, value)) = line.split_once('=') else {
            return Err(fault("there is no `=` in it"));
        };
        if let Some(place) = value.chars().position(|one| !is_printable(one)) {
            let words = format!("the value is not printable, at character {}", place + 1);
            return Err(fault(&words));
        }
        if name.ends_with("[]") {
            continue;
        }
        let value = Zeroizing::new(value.to_owned());
        if said.insert(name.to_owned(), value).is_some() {
            return Err(fault("its name stood there before"));
        }
    }
    Ok(said)
}

/// An answer about another server is none to this question.
fn check(said: &Attributes, endpoint: &str) -> Result<(), Failure> {
    let (asked_protocol, asked_host) = parts(endpoint)?;
    let protocol = said
        .get("protocol")
        .map_or(asked_protocol.as_str(), |it| it);
    let host = said.get("host").map_or(asked_host.as_str(), |it| it);
    // As it was asked, but for how a host can be written.
    let same = protocol == asked_protocol
        && !host.contains(['/', '?', '#'])
        && endpoint::origin(&format!("{protocol}://{host}")) == endpoint::origin(endpoint);
    if same {
        return Ok(());
    }
    let words = "`protocol` and `host` are not those of the endpoint";
    Err(malformed(FORM, words))
}

fn carried(scheme: &str, credential: &str) -> Result<Material, Failure> {
    if !is_name(scheme) {
        return Err(malformed(FORM, "`authtype` is no scheme of authentication"));
    }
    let header = wit::Pair {
        name: "Authorization".to_owned(),
        text: format!("{scheme} {{secret}}"),
    };
    Ok(Material::Carried(
        secret("credential", credential)?,
        vec![header],
    ))
}

fn secret(name: &str, text: &str) -> Result<Secret, Failure> {
    let secret = Secret::new(text);
    if secret.is_blank() {
        return Err(malformed(FORM, format_args!("`{name}` is blank")));
    }
    Ok(secret)
}

/// Protocol and host, with the port where there is one.
fn parts(endpoint: &str) -> Result<(String, String), Failure> {
    let unusable =
        |why: &str| Failure::new(wit::FailureKind::Invalid, format!("its endpoint {why}"));
    let origin = endpoint::origin(endpoint).map_err(unusable)?;
    let (protocol, host) = origin
        .split_once("://")
        .ok_or_else(|| unusable("is no URL"))?;
    Ok((protocol.to_owned(), host.to_owned()))
}

/// The path, without the slashes around it. Git has it without escapes, and
/// what an escape stands for can end a line: one with escapes is not told.
fn path(endpoint: &str) -> Option<String> {
    let url = url::Url::parse(endpoint).ok()?;
    let path = url.path().trim_matches('/');
    (!path.is_empty() && !path.contains('%')).then(|| path.to_owned())
}

/// What Git takes for yes.
fn is_true(word: &str) -> bool {
    let yes = ["1", "true", "yes", "on"];
    yes.iter().any(|yes| word.eq_ignore_ascii_case(yes))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: &str = "https://git.test:8443/acme/";

    fn get(output: &str) -> Result<Kept, Failure> {
        read(Some(ENDPOINT), output.as_bytes())
    }

    fn words(output: &[u8]) -> String {
        let failure = read(Some(ENDPOINT), output).unwrap_err();
        let words = failure.detail.unwrap_or_default();
        assert!(!words.contains("s3cr3t"), "{words}");
        match failure.trouble {
            wit::FailureKind::MalformedAnswer => words
                .strip_prefix("an answer of a Git credential helper: ")
                .unwrap()
                .to_owned(),
            other => format!("{other:?} {words}"),
        }
    }

    #[test]
    fn the_question_is_about_the_endpoint() {
        assert_eq!(
            question(ENDPOINT).unwrap(),
            "capability[]=authtype\nprotocol=https\nhost=git.test:8443\npath=acme\n\n"
        );
        for endpoint in [
            "https://GIT.test:443",
            "https://git.test/",
            "https://git.test/a%0ab",
        ] {
            assert_eq!(
                question(endpoint).unwrap(),
                "capability[]=authtype\nprotocol=https\nhost=git.test\n\n",
                "{endpoint}"
            );
        }
        let bad = question("https://git.test\nhost=evil.test").unwrap_err();
        assert_eq!(
            bad.detail.as_deref(),
            Some("its endpoint holds a control character")
        );
    }

    #[test]
    fn a_password_is_a_token_of_that_user() {
        let output = "protocol=https\nhost=git.test:8443\nusername=ada\npassword=s3cr3t=1 x\npassword_expiry_utc=4102444800\nwwwauth[]=a\nwwwauth[]=b\nx=y\n";
        for output in [
            output.to_owned(),
            output.replace('\n', "\r\n"),
            format!("{output}\npassword=another\n"),
        ] {
            let kept = get(&output).unwrap();
            let Material::Token(password) = &kept.material else {
                panic!("{kept:?}");
            };
            assert_eq!(crate::handout::to_keep(password), b"s3cr3t=1 x");
            assert_eq!(kept.facts.account.as_deref(), Some("ada"));
            assert!(kept.expires_at.is_some());
            assert!(!format!("{kept:?}").contains("s3cr3t"));
        }
    }

    #[test]
    fn a_credential_with_a_scheme_goes_before_a_password() {
        let output = "capability[]=authtype\nauthtype=Bearer\ncredential=s3cr3t\nephemeral=1\nusername=x\npassword=another\n";
        let kept = get(output).unwrap();
        let Material::Carried(credential, headers) = &kept.material else {
            panic!("{kept:?}");
        };
        assert_eq!(crate::handout::to_keep(credential), b"s3cr3t");
        let header = headers.first().unwrap();
        assert_eq!(
            (header.name.as_str(), header.text.as_str()),
            ("Authorization", "Bearer {secret}")
        );
    }

    #[test]
    fn nothing_and_an_end_of_asking_are_no_credential() {
        let none = "NoCredentials it has neither a `password` nor a `credential`";
        assert_eq!(words(b"username=ada\n"), none);
        assert_eq!(words(b"authtype=Bearer\n"), none);
        assert_eq!(words(b""), "NoOutput ");
        assert_eq!(words(b"\n"), "NoOutput ");
        assert_eq!(
            words(b"quit=true\npassword=s3cr3t\n"),
            "NoCredentials it says that nobody else is to be asked"
        );
    }

    #[test]
    fn what_is_no_answer_is_said_by_its_place() {
        for (output, said) in [
            (
                &b"username=a\ns3cr3t\n"[..],
                "line 2: there is no `=` in it",
            ),
            (b"password=s3cr3t\xff\n", "line 1: it is not UTF-8"),
            (
                b"password=s3cr3t\0\n",
                "line 1: the value is not printable, at character 7",
            ),
            (
                b"password=s3cr3t\rhost=x\n",
                "line 1: the value is not printable, at character 7",
            ),
            (
                b"password=s3cr3t\npassword=s3cr3t\n",
                "line 2: its name stood there before",
            ),
            (b"password= \n", "`password` is blank"),
            (
                b"authtype=Bearer x\ncredential=s3cr3t\n",
                "`authtype` is no scheme of authentication",
            ),
            (b"authtype=Bearer\ncredential=\n", "`credential` is blank"),
            (
                b"password=s3cr3t\npassword_expiry_utc=soon\n",
                "`password_expiry_utc` is no number of seconds",
            ),
            (
                b"password=s3cr3t\npassword_expiry_utc=1\n",
                "Expired `password_expiry_utc` has passed",
            ),
            (
                b"continue=1\nauthtype=Negotiate\ncredential=s3cr3t\n",
                "`continue` asks for more than one step, and one is what is done",
            ),
        ] {
            assert_eq!(words(output), said, "{}", String::from_utf8_lossy(output));
        }
    }

    #[test]
    fn an_answer_about_another_server_is_none() {
        for other in [
            "host=git.test\n",
            "host=evil.test:8443\n",
            "protocol=http\nhost=git.test:8443\n",
            "protocol=http\n",
            "host=git.test:8443@evil.test\n",
            "host=\n",
            "host=git.test:8443/evil\n",
            "protocol=https://git.test:8443/\nhost=evil.test\n",
        ] {
            let said = words(format!("{other}password=s3cr3t\n").as_bytes());
            let expected = "`protocol` and `host` are not those of the endpoint";
            assert_eq!(said, expected, "{other}");
        }
        assert!(get("host=GIT.test:8443\npassword=s3cr3t\n").is_ok());
    }
}
