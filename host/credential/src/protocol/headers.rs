//! A map of headers, as `headersHelper` and its like print it. What goes in is
//! one JSON object of names and texts; what comes out are headers that one
//! request can carry, or which of them it cannot.

use zeroize::Zeroizing;

use super::json::{self, Value};
use super::malformed;
use crate::material::Material;
use crate::obtained::{Failure, Kept};
use crate::secret::Secret;
use keyrule_contract as wit;

const FORM: &str = "a JSON object of headers";

/// The most headers that an answer can have.
const MOST: usize = 64;

/// The longest name of a header.
const LONGEST_NAME: usize = 128;

/// Headers that belong to the connection and not to who is asked: who sets
/// one changes where a request goes or where it ends (RFC 9110, section
/// 7.6.1; RFC 9112, section 6).
const OF_THE_CONNECTION: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Reads the answer.
pub(super) fn read(output: &[u8]) -> Result<Kept, Failure> {
    let mut headers = Headers::new(FORM);
    for (name, value) in json::object(FORM, output)?.into_entries() {
        let Value::Text(value) = value else {
            return Err(headers.fault(format_args!("is {}, and a text is expected", value.kind())));
        };
        if headers.has(&name) {
            return Err(headers.fault("stands twice"));
        }
        headers.add(&name, value)?;
    }
    headers.into_material().map(Kept::of)
}

/// Headers that were read so far.
pub(super) struct Headers {
    form: &'static str,
    read: Vec<(String, Secret)>,
}

impl Headers {
    pub(super) const fn new(form: &'static str) -> Self {
        Self {
            form,
            read: Vec::new(),
        }
    }

    /// Adds a header, or says what is wrong with it, by its number: its name
    /// could be part of a secret that stands in the wrong place.
    pub(super) fn add(&mut self, name: &str, value: Zeroizing<String>) -> Result<(), Failure> {
        if self.read.len() == MOST {
            let words = format!("it has more than {MOST} headers");
            return Err(malformed(self.form, words));
        }
        if !is_name(name) {
            return Err(self.fault("has a name that no header has"));
        }
        if let Some(reserved) = of_the_connection(name) {
            let words = format!("is `{reserved}`, which belongs to the connection");
            return Err(self.fault(words));
        }
        if let Some(place) = value.chars().position(|one| !is_printable(one)) {
            let words = format!(
                "has a value that is not printable, at character {}",
                place + 1
            );
            return Err(self.fault(words));
        }
        let value = Secret::new(value.as_str());
        if value.is_blank() {
            return Err(self.fault("has a blank value"));
        }
        self.read.push((name.to_owned(), value));
        Ok(())
    }

    /// Whether there is a header of this name. Names do not differ by case.
    pub(super) fn has(&self, name: &str) -> bool {
        self.read
            .iter()
            .any(|(known, _)| known.eq_ignore_ascii_case(name))
    }

    /// What is wrong with the header that would be next.
    pub(super) fn fault(&self, what: impl std::fmt::Display) -> Failure {
        let number = self.read.len() + 1;
        malformed(self.form, format_args!("header {number} {what}"))
    }

    /// The headers. An answer without any says that none are needed; but a
    /// policy names a source to get a credential from it, and to send the
    /// request without one would be to fail open.
    pub(super) fn into_material(self) -> Result<Material, Failure> {
        if self.read.is_empty() {
            let words = "it has no headers";
            return Err(Failure::new(wit::FailureKind::NoOutput, words));
        }
        Ok(Material::Headers(self.read))
    }
}

/// A `token` of RFC 9110, section 5.6.2.
pub(super) fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// What a value can have (RFC 9110, section 5.5); beyond ASCII, what is there
/// in Latin-1, as the clients that matter send it.
pub(super) fn is_printable(one: char) -> bool {
    matches!(one, '\t' | ' '..='~' | '\u{a0}'..='\u{ff}')
}

fn of_the_connection(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let known = OF_THE_CONNECTION.into_iter().find(|known| name == *known);
    known.or_else(|| name.starts_with("proxy-").then_some("Proxy-…"))
}

#[cfg(test)]
pub(super) use tests::shown;

#[cfg(test)]
mod tests {
    use super::*;

    /// The headers as they would be sent, or what is wrong.
    pub(in super::super) fn shown(read: Result<Kept, Failure>) -> Result<String, String> {
        match read {
            Ok(kept) => match kept.material {
                Material::Headers(headers) => Ok(headers
                    .iter()
                    .map(|(name, value)| {
                        let value = crate::handout::to_keep(value);
                        format!("{name}: {};", std::str::from_utf8(value).unwrap())
                    })
                    .collect()),
                other => panic!("{other:?}"),
            },
            Err(failure) => {
                let words = format!(
                    "{:?} {}",
                    failure.trouble,
                    failure.detail.unwrap_or_default()
                );
                assert!(!words.contains("s3cr3t"), "{words}");
                Err(words)
            }
        }
    }

    fn fails(what: &str) -> Result<String, String> {
        Err(format!("MalformedAnswer {FORM}: {what}"))
    }

    #[test]
    fn headers_are_read_in_their_order() {
        let output = br#"{"X-Team": "a b", "Authorization": "Bearer s3cr3t", "x": "caf\u00e9"}"#;
        assert_eq!(
            shown(read(output)),
            Ok("X-Team: a b;Authorization: Bearer s3cr3t;x: caf\u{e9};".to_owned())
        );
    }

    #[test]
    fn what_no_request_can_carry_is_said_by_its_number() {
        for (output, what) in [
            (
                r#"{"A": ["s3cr3t"]}"#,
                "header 1 is a list, and a text is expected",
            ),
            (
                r#"{"A": "x", "B": null}"#,
                "header 2 is null, and a text is expected",
            ),
            (
                r#"{"": "s3cr3t"}"#,
                "header 1 has a name that no header has",
            ),
            (
                r#"{"s3cr3t: x": "s3cr3t"}"#,
                "header 1 has a name that no header has",
            ),
            (
                r#"{"X-A\r\nHost": "s3cr3t"}"#,
                "header 1 has a name that no header has",
            ),
            (
                r#"{":authority": "s3cr3t"}"#,
                "header 1 has a name that no header has",
            ),
            (
                r#"{"A": "s3cr3t\r\nX: y"}"#,
                "header 1 has a value that is not printable, at character 7",
            ),
            (
                r#"{"A": "s3cr3t\u0000"}"#,
                "header 1 has a value that is not printable, at character 7",
            ),
            (
                r#"{"A": "\u0085"}"#,
                "header 1 has a value that is not printable, at character 1",
            ),
            (
                r#"{"A": "€"}"#,
                "header 1 has a value that is not printable, at character 1",
            ),
            (r#"{"A": " "}"#, "header 1 has a blank value"),
            (
                r#"{"host": "s3cr3t"}"#,
                "header 1 is `host`, which belongs to the connection",
            ),
            (
                r#"{"A": "x", "Content-Length": "3"}"#,
                "header 2 is `content-length`, which belongs to the connection",
            ),
            (
                r#"{"Proxy-Authorization": "s3cr3t"}"#,
                "header 1 is `Proxy-…`, which belongs to the connection",
            ),
            (
                r#"{"Authorization": "s3cr3t", "authorization": "s3cr3t"}"#,
                "header 2 stands twice",
            ),
        ] {
            assert_eq!(shown(read(output.as_bytes())), fails(what), "{output}");
        }
    }

    #[test]
    fn there_are_64_at_most_and_one_at_least() {
        let of = |count: usize| {
            let headers: Vec<_> = (0..count)
                .map(|n| format!("\"X-{n}\": \"s3cr3t\""))
                .collect();
            shown(read(format!("{{{}}}", headers.join(",")).as_bytes()))
        };
        assert!(of(MOST).is_ok());
        assert_eq!(of(MOST + 1), fails("it has more than 64 headers"));
        assert_eq!(of(0), Err("NoOutput it has no headers".to_owned()));
    }
}
