//! What an AWS `credential_process` prints, and `aws sts assume-role`, which
//! has the same in `Credentials`. What goes in is that JSON; what comes out is
//! an access key that signs, with the region and the service that its
//! signatures name.
//! <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>

use zeroize::Zeroizing;

use super::json::{self, Object, Value};
use super::{malformed, moment};
use crate::label::is_label;
use crate::material::{Keys, Material};
use crate::obtained::{Facts, Failure, Kept};
use crate::secret::Secret;
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;

const FORM: &str = "an answer of an AWS credential process";

/// The version that is read.
const VERSION: u64 = 1;

/// The longest id of an access key (`iam:GetAccessKeyInfo` takes no longer).
const LONGEST_ID: usize = 128;

/// Reads the answer.
pub(super) fn read(
    signing: Option<&wit::Signing>,
    output: &[u8],
    ambient: &Ambient,
) -> Result<Kept, Failure> {
    let mut answer = json::object(FORM, output)?;
    let version = answer.take("Version");
    let mut fields = match answer.take("Credentials") {
        None => {
            check(version.as_ref())?;
            answer
        }
        Some(Value::Object(inner)) => {
            // `aws sts` says no version.
            if version.is_some() {
                check(version.as_ref())?;
            }
            inner
        }
        Some(other) => return Err(json::unlike(FORM, "Credentials", &other, "an object")),
    };
    let id = printable("AccessKeyId", fields.required(FORM, "AccessKeyId")?)?;
    if id.len() > LONGEST_ID {
        let words = format!("`AccessKeyId` is longer than {LONGEST_ID} characters");
        return Err(malformed(FORM, words));
    }
    let secret = printable("SecretAccessKey", fields.required(FORM, "SecretAccessKey")?)?;
    let session = fields.text(FORM, "SessionToken")?;
    let session = session
        .filter(|token| !token.is_empty())
        .map(|token| printable("SessionToken", token))
        .transpose()?;
    let expires_at = end(&mut fields)?;
    let region = signing.and_then(|signing| region(&signing.region, ambient));
    let facts = Facts {
        account: Some(masked(&id)),
        region: region.clone(),
        ..Facts::default()
    };
    let key = Keys {
        id: id.as_str().to_owned(),
        secret: Secret::new(secret.as_str()),
        session: session.map(|token| Secret::new(token.as_str())),
        region,
        service: signing.map_or_else(String::new, |signing| signing.service.clone()),
    };
    Ok(Kept {
        material: Material::Keys(key),
        expires_at,
        facts,
    })
}

/// The id of an access key as it may be shown: four characters at each end,
/// enough to know it again, and nothing of a short one.
pub fn masked(id: &str) -> String {
    let characters: Vec<char> = id.trim().chars().collect();
    match (characters.first_chunk::<4>(), characters.last_chunk::<4>()) {
        (Some(first), Some(last)) if characters.len() >= 12 => {
            first.iter().chain(&['…']).chain(last).collect()
        }
        _ => "…".to_owned(),
    }
}

fn check(version: Option<&Value>) -> Result<(), Failure> {
    let words = match version {
        Some(Value::Number(VERSION)) => return Ok(()),
        None => "`Version` is missing".to_owned(),
        // A small number is a version, a large one could be anything.
        Some(Value::Number(number)) if *number < 1000 => {
            format!("`Version` is {number}, and {VERSION} is what is read")
        }
        Some(other) => {
            let kind = other.kind();
            format!("`Version` is {kind}, and the number {VERSION} is what is read")
        }
    };
    Err(malformed(FORM, words))
}

/// A text of which each character can stand in a header.
fn printable(name: &str, text: Zeroizing<String>) -> Result<Zeroizing<String>, Failure> {
    if text.is_empty() {
        return Err(malformed(FORM, format_args!("`{name}` is empty")));
    }
    match text.bytes().position(|byte| !byte.is_ascii_graphic()) {
        Some(place) => {
            let words = format!("is not printable ASCII at byte {}", place + 1);
            Err(malformed(FORM, format_args!("`{name}` {words}")))
        }
        None => Ok(text),
    }
}

fn end(fields: &mut Object) -> Result<Option<std::time::SystemTime>, Failure> {
    fields
        .text(FORM, "Expiration")?
        .filter(|text| !text.is_empty())
        .map(|text| moment::end(FORM, "Expiration", &text))
        .transpose()
}

/// The first variable that holds the name of a region says it; one that holds
/// something else counts as not set, as the tools have it.
fn region(variables: &[String], ambient: &Ambient) -> Option<String> {
    variables.iter().find_map(|variable| {
        let value = ambient.variable(variable)?.to_str()?.trim_ascii();
        is_label(value).then(|| value.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = r#"{"Version": 1, "AccessKeyId": "AKIDEXAMPLE00042", "SecretAccessKey": "s3cr3t-key", "SessionToken": "s3cr3t-session", "Expiration": "2100-01-01T00:00:00Z"}"#;

    fn signing() -> wit::Signing {
        wit::Signing {
            service: "bedrock".to_owned(),
            region: vec!["A".to_owned(), "B".to_owned()],
        }
    }

    fn get(output: &str) -> Result<Kept, Failure> {
        let ambient = Ambient::empty()
            .with_variable("A", "evil.example/")
            .with_variable("B", "eu-central-1");
        read(Some(&signing()), output.as_bytes(), &ambient)
    }

    fn key(output: &str) -> Keys {
        match get(output).unwrap().material {
            Material::Keys(keys) => keys,
            other => panic!("{other:?}"),
        }
    }

    fn words(output: &str) -> String {
        let failure = get(output).unwrap_err();
        let words = failure.detail.unwrap_or_default();
        assert!(!words.contains("s3cr3t"), "{words}");
        match failure.trouble {
            wit::FailureKind::MalformedAnswer => words
                .strip_prefix("an answer of an AWS credential process: ")
                .unwrap()
                .to_owned(),
            other => format!("{other:?} {words}"),
        }
    }

    fn bytes(secret: &Secret) -> &[u8] {
        crate::handout::to_keep(secret)
    }

    #[test]
    fn a_key_is_read_with_what_its_signatures_name() {
        let kept = get(ANSWER).unwrap();
        assert!(kept.expires_at.is_some());
        assert_eq!(kept.facts.account.as_deref(), Some("AKID…0042"));
        assert_eq!(kept.facts.region.as_deref(), Some("eu-central-1"));
        assert!(!format!("{kept:?}").contains("s3cr3t"));
        let key = key(ANSWER);
        assert_eq!(key.id, "AKIDEXAMPLE00042");
        assert_eq!(bytes(&key.secret), b"s3cr3t-key");
        assert_eq!(bytes(&key.session.unwrap()), b"s3cr3t-session");
        assert_eq!(key.region.as_deref(), Some("eu-central-1"));
        assert_eq!(key.service, "bedrock");
    }

    #[test]
    fn what_aws_sts_prints_is_read_and_what_is_not_known_is_read_over() {
        let inner = ANSWER.replace("\"Version\": 1, ", "");
        let nested = format!(r#"{{"Credentials": {inner}, "AssumedRoleUser": {{"Arn": "x"}}}}"#);
        assert_eq!(key(&nested).id, "AKIDEXAMPLE00042");
        let lasting = r#"{"Version": 1, "AccessKeyId": "AK", "SecretAccessKey": "s3cr3t", "SessionToken": "", "Expiration": null, "AccountId": "1"}"#;
        let kept = get(lasting).unwrap();
        assert_eq!(kept.expires_at, None);
        assert_eq!(kept.facts.account.as_deref(), Some("…"));
        assert!(key(lasting).session.is_none());
    }

    #[test]
    fn another_version_is_named() {
        let with = |version: &str| words(&ANSWER.replace("\"Version\": 1", version));
        assert_eq!(
            with("\"Version\": 2"),
            "`Version` is 2, and 1 is what is read"
        );
        assert_eq!(
            with("\"Version\": \"1\""),
            "`Version` is a text, and the number 1 is what is read"
        );
        assert_eq!(
            with("\"Version\": 1.0"),
            "`Version` is a value of another kind, and the number 1 is what is read"
        );
        assert_eq!(
            with("\"Version\": 5123456789"),
            "`Version` is a number, and the number 1 is what is read"
        );
        assert_eq!(with("\"version\": 1"), "`Version` is missing");
        let nested = format!(r#"{{"Version": 3, "Credentials": {ANSWER}}}"#);
        assert_eq!(words(&nested), "`Version` is 3, and 1 is what is read");
    }

    #[test]
    fn another_shape_is_named() {
        let with = |from: &str, to: &str| {
            let output = ANSWER.replace(from, to);
            assert_ne!(output, ANSWER);
            words(&output)
        };
        assert_eq!(
            with("AccessKeyId", "accessKeyId"),
            "`AccessKeyId` is missing"
        );
        assert_eq!(
            with("\"s3cr3t-key\"", "[\"s3cr3t-key\"]"),
            "`SecretAccessKey` is a list, and a text is expected"
        );
        assert_eq!(
            with("s3cr3t-key", "s3cr3t key"),
            "`SecretAccessKey` is not printable ASCII at byte 7"
        );
        assert_eq!(
            with("s3cr3t-session", "s3cr3t\\r\\nHost: x"),
            "`SessionToken` is not printable ASCII at byte 7"
        );
        assert_eq!(with("AKIDEXAMPLE00042", ""), "`AccessKeyId` is empty");
        assert_eq!(
            with("AKIDEXAMPLE00042", &"A".repeat(129)),
            "`AccessKeyId` is longer than 128 characters"
        );
        assert_eq!(
            with("2100-01-01T00:00:00Z", "s3cr3t"),
            "`Expiration` is no time such as `2030-01-31T12:00:00Z`"
        );
        assert_eq!(
            with("2100-01-01T00:00:00Z", "2020-01-01T00:00:00Z"),
            "Expired `Expiration` has passed"
        );
        assert_eq!(
            words(r#"{"Credentials": "s3cr3t"}"#),
            "`Credentials` is a text, and an object is expected"
        );
        assert_eq!(
            words(ANSWER.get(..60).unwrap()),
            "line 1, column 60: it ends too early"
        );
    }

    #[test]
    fn an_id_is_known_again_by_its_ends() {
        assert_eq!(masked("AKIAIOSFODNN7EXAMPLE"), "AKIA…MPLE");
        assert_eq!(masked("AKIA12345678"), "AKIA…5678");
        assert_eq!(masked("AKIA1234567"), "…");
        assert_eq!(masked(""), "…");
    }
}
