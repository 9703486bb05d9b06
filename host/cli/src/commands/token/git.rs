//! `--format git`: a credential helper of Git. What goes in is Git's word and
//! attributes on stdin; what comes out are attributes: nothing where the
//! credential is for another server, so that Git asks its next helper.
//! <https://git-scm.com/docs/gitcredentials#_custom_helpers>
//!
//! `get` answers, `store` has nothing to store, and `erase`, which Git says
//! when a credential was refused, drops what is kept of the source's helper or
//! provider, so that the next `get` asks it again. That runs nothing. Words
//! and attributes that are not known are passed over without a word.

use keyrule::resolver::{Explained, Resolution};
use keyrule::sources;
use keyrule_credential::credential::Credential;
use keyrule_credential::endpoint;

use super::own::{self, Owned};
use super::{input, possible};
use crate::Context;
use crate::args::{Format, Token};
use crate::errors::Failure;

/// The user where nobody says one: most servers look at the password alone.
const USER: &str = "keyrule";

/// Does what Git asks for.
pub(super) fn run(context: &mut Context<'_, '_>, arguments: &Token) -> Result<i32, Failure> {
    let word = arguments.word.as_deref().unwrap_or_default();
    if !matches!(word, "get" | "erase") {
        return Ok(0);
    }
    // The protocol has stdin: nobody can be asked there.
    context.global.non_interactive = true;
    let question = Question::read(&input::read(std::io::stdin().lock(), "git")?)?;
    let Some(asked) = question.origin() else {
        return Ok(0);
    };
    if word == "erase" {
        return erase(context, &asked);
    }
    let Owned::Its(resolution) = own::resolve(context, arguments, Format::Git, &asked)? else {
        // Git asks the next helper; `-v` says why.
        tracing::info!(asked, "not the credential's endpoint");
        return Ok(0);
    };
    let user = arguments.username.as_deref();
    let text = answer(&question, user, &resolution)?;
    context.output.data(&text)?;
    Ok(0)
}

/// Drops what is kept of the source that wins, where it is for this server.
fn erase(context: &mut Context<'_, '_>, asked: &str) -> Result<i32, Failure> {
    let mut resolver = context.resolver()?;
    let explained = resolver.explain()?;
    let Some(winner) = explained.winner() else {
        return Ok(0);
    };
    let is_its = match explained.destination(winner) {
        // A provider's endpoint can depend on what it says itself.
        Some((url, _)) => endpoint::origin(url).map_or(true, |origin| origin == asked),
        None => false,
    };
    if let Some(source) = explained.source(winner).filter(|_| is_its) {
        sources::drop_kept(source, resolver.info(), resolver.ambient());
    }
    Ok(0)
}

/// What Git says of whom it wants to reach.
#[derive(Debug, Default, PartialEq, Eq)]
struct Question {
    protocol: Option<String>,
    host: Option<String>,
    username: Option<String>,
    /// Whether a credential with its scheme is understood.
    schemes: bool,
}

impl Question {
    /// Reads attributes up to an empty line or the end.
    fn read(text: &str) -> Result<Self, Failure> {
        let mut question = Self::default();
        for (index, line) in text.split('\n').enumerate() {
            if line.is_empty() {
                break;
            }
            let wrong = |what: &str| {
                let number = index + 1;
                Err(input::wrong("git", &format!("{what} (line {number})")))
            };
            let Some((name, value)) = line.split_once('=') else {
                return wrong("has a line without `=`");
            };
            let place = match name {
                "protocol" => &mut question.protocol,
                "host" => &mut question.host,
                "username" => &mut question.username,
                "capability[]" => {
                    question.schemes |= value == "authtype";
                    continue;
                }
                _ => continue,
            };
            if value.contains(char::is_control) {
                return wrong("has a control character");
            }
            if place.replace(value.to_owned()).is_some() {
                return wrong("says something twice");
            }
        }
        Ok(question)
    }

    /// The origin that is asked about. None where no credential of ours could
    /// be for it: another protocol, or what is no host.
    fn origin(&self) -> Option<String> {
        let (protocol, host) = (self.protocol.as_deref()?, self.host.as_deref()?);
        // Each is one part of a URL: what brings another part with it, such
        // as a path after the host, is not what it says to be.
        if !matches!(protocol, "http" | "https") || host.contains(['/', '?', '#']) {
            return None;
        }
        endpoint::origin(&format!("{protocol}://{host}")).ok()
    }
}

/// The answer: a credential with its scheme where that is understood and the
/// policy says one, else a user and a password.
fn answer(
    question: &Question,
    user: Option<&str>,
    resolution: &Resolution,
) -> Result<String, Failure> {
    let credential = &resolution.credential;
    let mut lines = Vec::new();
    // Who names a user wants a password, as a server of Basic does.
    match scheme(credential).filter(|_| question.schemes && user.is_none()) {
        Some((scheme, credential)) => lines.extend([
            ("capability[]", "authtype".to_owned()),
            ("authtype", scheme),
            ("credential", credential),
            // Another helper would keep it past its end.
            ("ephemeral", "1".to_owned()),
        ]),
        None => {
            let Some(password) = credential.token() else {
                return Err(possible::no_scheme(&credential.source));
            };
            let account = account(&resolution.explained, &credential.source);
            let user = question.username.as_deref().or(user).or(account);
            let user = user.unwrap_or(USER).to_owned();
            lines.extend([("username", user), ("password", password.to_owned())]);
        }
    }
    if let Some(seconds) = super::seconds(credential) {
        lines.push(("password_expiry_utc", seconds.to_string()));
    }
    let mut text = String::new();
    for (name, value) in lines {
        // It would end the line, and begin another attribute.
        if value.contains(['\n', '\r', '\0']) {
            let source = &credential.source;
            let message = format!("`{source}` has a `{name}` that Git cannot be told in one line");
            return Err(Failure::new("format-not-possible", 4, message)
                .hint("change it where it comes from: it holds a line end or a NUL"));
        }
        text.push_str(&format!("{name}={value}\n"));
    }
    Ok(text)
}

/// The scheme of the `Authorization` header, and what follows it.
fn scheme(credential: &Credential) -> Option<(String, String)> {
    let headers = credential.headers();
    let (_, value) = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("authorization"))?;
    let (scheme, credential) = value.split_once(' ')?;
    Some((scheme.to_owned(), credential.trim_ascii().to_owned()))
}

/// Whose the credential is.
fn account<'e>(explained: &'e Explained, id: &str) -> Option<&'e str> {
    let mut lines = explained.lines();
    let (_, line) = lines.find(|(source, _)| source.id == id)?;
    let seen = explained.evidence_of(line.source)?.observation.as_ref()?;
    seen.account.as_deref()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::commands::token::samples;
    use keyrule_credential::material::Material;
    use keyrule_credential::secret::Secret;

    fn asked(text: &str) -> Option<String> {
        Question::read(text).unwrap().origin()
    }

    fn told(question: &str, material: Material, user: Option<&str>) -> String {
        let resolution = samples::resolution(Some(material));
        answer(&Question::read(question).unwrap(), user, &resolution).unwrap()
    }

    #[test]
    fn the_server_is_protocol_and_host() {
        for (text, origin) in [
            ("protocol=https\nhost=git.test\n", Some("https://git.test")),
            (
                "protocol=https\nhost=git.test:443\npath=x\nwwwauth[]=a\n\nhost=x",
                Some("https://git.test"),
            ),
            (
                "protocol=http\nhost=127.0.0.1:80\n",
                Some("http://127.0.0.1"),
            ),
            (
                "protocol=http\nhost=[::1]:8080\n",
                Some("http://[::1]:8080"),
            ),
            ("protocol=https\n", None),
            ("host=git.test\n", None),
            ("", None),
            ("protocol=smtp\nhost=git.test\n", None),
            ("protocol=https\nhost=\n", None),
            ("protocol=https\nhost=git.test/evil\n", None),
            ("protocol=https\nhost=git.test@evil.test\n", None),
            ("protocol=https\nhost=git.test\\evil.test\n", None),
            ("protocol=https://git.test/\nhost=evil.test\n", None),
        ] {
            assert_eq!(asked(text).as_deref(), origin, "{text}");
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_question() {
        for (text, what) in [
            (
                "protocol=https\nhost=git.test\nhost=evil.test\n",
                "says something twice (line 3)",
            ),
            (
                "protocol=https\nhost=git.test\rhost=evil.test\n",
                "has a control character (line 2)",
            ),
            (
                "protocol=https\nhost=git.test\0evil.test\n",
                "has a control character (line 2)",
            ),
            (
                "protocol=https\ns3cr3t\n",
                "has a line without `=` (line 2)",
            ),
        ] {
            let failure = Question::read(text).unwrap_err();
            assert_eq!(
                failure.said.message,
                format!("the question on stdin {what}")
            );
        }
    }

    #[test]
    fn a_scheme_is_told_to_who_understands_it() {
        let plain = "protocol=https\nhost=git.test\n";
        let capable = "capability[]=state\ncapability[]=authtype\nprotocol=https\nhost=git.test\n";
        assert_eq!(
            told(capable, samples::token(), None),
            "capability[]=authtype\nauthtype=Bearer\ncredential=s3cr3t-token\nephemeral=1\n"
        );
        assert_eq!(
            told(capable, samples::headers(), None),
            "capability[]=authtype\nauthtype=Basic\ncredential=s3cr3t\nephemeral=1\n"
        );
        assert_eq!(
            told(plain, samples::token(), None),
            "username=keyrule\npassword=s3cr3t-token\n"
        );
        let resolution = samples::resolution(Some(samples::headers()));
        let failure = answer(&Question::read(plain).unwrap(), None, &resolution).unwrap_err();
        assert_eq!(failure.said.code, "format-not-possible");
    }

    #[test]
    fn the_user_is_gits_or_the_options_or_the_accounts() {
        let question = "protocol=https\nhost=git.test\n";
        let named = format!("{question}username=bob\n");
        let user = |question: &str, option: Option<&str>| {
            let text = told(question, samples::token(), option);
            text.lines().next().unwrap().to_owned()
        };
        assert_eq!(user(&named, Some("ada")), "username=bob");
        assert_eq!(user(question, Some("ada")), "username=ada");
        let mut resolution = samples::resolution(Some(samples::token()));
        samples::belongs_to(&mut resolution, "eve@acme.test");
        let text = answer(&Question::read(question).unwrap(), None, &resolution).unwrap();
        assert!(text.starts_with("username=eve@acme.test\n"), "{text}");
    }

    #[test]
    fn the_end_is_told_and_a_line_end_never_gets_out() {
        let question = Question::read("protocol=https\nhost=git.test\n").unwrap();
        let mut resolution = samples::resolution(Some(samples::token()));
        let end = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
        resolution.credential.expires_at = Some(end);
        let text = answer(&question, None, &resolution).unwrap();
        assert!(text.ends_with("password_expiry_utc=4102444800\n"), "{text}");
        for text in ["s3cr3t\nhost=evil", "s3cr3t\0", "s3cr3t\r"] {
            resolution.credential.material = Some(Material::Token(Secret::new(text)));
            let failure = answer(&question, None, &resolution).unwrap_err();
            assert_eq!(failure.said.code, "format-not-possible");
            assert!(!failure.said.message.contains("s3cr3t"));
        }
        let failure = answer(&question, Some("a\nb"), &resolution).unwrap_err();
        assert!(failure.said.message.contains("`username`"));
    }
}
