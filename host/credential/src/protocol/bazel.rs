//! What Bazel's credential helpers answer. What goes in is the endpoint, then
//! one JSON object of headers with lists of values; what comes out are the
//! headers and when they end. Fields that are not known are read over, as the
//! specification asks: <https://github.com/EngFlow/credential-helper-spec>.

use super::headers::Headers;
use super::json::{self, Value};
use super::moment;
use crate::obtained::{Facts, Failure, Kept};

const FORM: &str = "an answer of a Bazel credential helper";

/// What the helper is told: `{"uri": …}`.
pub(super) fn question(endpoint: &str) -> String {
    serde_json::json!({ "uri": endpoint }).to_string()
}

/// Reads the answer. An answer without headers says that none are needed,
/// which is no credential.
pub(super) fn read(output: &[u8]) -> Result<Kept, Failure> {
    let mut answer = json::object(FORM, output)?;
    let expires_at = answer
        .text(FORM, "expires")?
        .map(|text| moment::end(FORM, "expires", &text))
        .transpose()?;
    let given = match answer.take("headers") {
        None => Vec::new(),
        Some(Value::Object(headers)) => headers.into_entries(),
        Some(other) => return Err(json::unlike(FORM, "headers", &other, "an object")),
    };
    let mut headers = Headers::new(FORM);
    for (name, values) in given {
        let Value::List(values) = values else {
            let words = format!("is {}, and a list is expected", values.kind());
            return Err(headers.fault(words));
        };
        if headers.has(&name) {
            return Err(headers.fault("stands twice"));
        }
        for value in values {
            let Value::Text(value) = value else {
                let words = format!("has {} in its list, and a text is expected", value.kind());
                return Err(headers.fault(words));
            };
            headers.add(&name, value)?;
        }
    }
    Ok(Kept {
        material: headers.into_material()?,
        expires_at,
        facts: Facts::default(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::headers::shown;
    use super::*;

    fn shows(output: &str) -> Result<String, String> {
        shown(read(output.as_bytes()))
    }

    fn fails(what: &str) -> Result<String, String> {
        Err(format!("MalformedAnswer {FORM}: {what}"))
    }

    #[test]
    fn the_question_is_the_whole_endpoint() {
        assert_eq!(
            question("https://api.test/v1?a=\"b\""),
            r#"{"uri":"https://api.test/v1?a=\"b\""}"#
        );
    }

    #[test]
    fn headers_have_lists_of_values_and_what_is_not_known_is_read_over() {
        assert_eq!(
            shows(
                r#"{"headers": {"x-type": ["p"], "none": [], "x-token": ["s3cr3t", "b"]}, "more": [1]}"#
            ),
            Ok("x-type: p;x-token: s3cr3t;x-token: b;".to_owned())
        );
        let output = br#"{"expires": "2100-01-01T00:00:00Z", "headers": {"A": ["s3cr3t"]}}"#;
        assert!(read(output).unwrap().expires_at.is_some());
        let output = br#"{"expires": null, "headers": {"A": ["s3cr3t"]}}"#;
        assert!(read(output).unwrap().expires_at.is_none());
    }

    #[test]
    fn no_headers_are_no_credential() {
        for output in [
            "{}",
            r#"{"headers": {}}"#,
            r#"{"headers": null}"#,
            r#"{"headers": {"header1": []}}"#,
        ] {
            let none = Err("NoOutput it has no headers".to_owned());
            assert_eq!(shows(output), none, "{output}");
        }
    }

    #[test]
    fn another_shape_is_named() {
        for (output, what) in [
            (
                r#"{"headers": ["s3cr3t"]}"#,
                "`headers` is a list, and an object is expected",
            ),
            (
                r#"{"headers": {"A": "s3cr3t"}}"#,
                "header 1 is a text, and a list is expected",
            ),
            (
                r#"{"headers": {"A": ["s3cr3t", 1]}}"#,
                "header 2 has a number in its list, and a text is expected",
            ),
            (
                r#"{"headers": {"A": ["s3cr3t"], "a": ["s3cr3t"]}}"#,
                "header 2 stands twice",
            ),
            (
                r#"{"headers": {"Host": ["s3cr3t"]}}"#,
                "header 1 is `host`, which belongs to the connection",
            ),
            (
                r#"{"expires": 4102444800}"#,
                "`expires` is a number, and a text is expected",
            ),
            (
                r#"{"expires": "s3cr3t"}"#,
                "`expires` is no time such as `2030-01-31T12:00:00Z`",
            ),
            (
                r#"{"headers": {}, "headers": {}}"#,
                "line 1, column 25: a name stands twice",
            ),
            (r#"{"headers": {"#, "line 1, column 13: it ends too early"),
        ] {
            assert_eq!(shows(output), fails(what), "{output}");
        }
        let expired = r#"{"expires": "2020-01-01T00:00:00Z", "headers": {"A": ["s3cr3t"]}}"#;
        let passed = Err("Expired `expires` has passed".to_owned());
        assert_eq!(shows(expired), passed);
    }
}
