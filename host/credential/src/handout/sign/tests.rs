//! Signatures against the published test suite, and what is not signed.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use super::{Request, SignError};
use crate::credential::Credential;
use crate::material::{Keys, Material};
use crate::secret::Secret;

/// 2015-08-30T12:36:00Z, the time of the suite.
const THEN: Duration = Duration::from_secs(1_440_938_160);

fn credential(session: Option<&str>) -> Credential {
    Credential {
        source: "bedrock".to_owned(),
        material: Some(Material::Keys(Keys {
            id: "AKIDEXAMPLE".to_owned(),
            secret: Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            session: session.map(Secret::new),
            region: Some("us-east-1".to_owned()),
            service: "service".to_owned(),
        })),
        headers: Vec::new(),
        export: Vec::new(),
        words: Vec::new(),
        endpoint: Some("https://example.amazonaws.com".to_owned()),
        endpoint_variable: None,
        passed: Default::default(),
        expires_at: None,
    }
}

fn header<'h>(headers: &'h [(String, String)], name: &str) -> Option<&'h str> {
    let found = headers.iter().find(|(known, _)| known == name);
    found.map(|(_, value)| value.as_str())
}

#[test]
fn the_published_vectors_are_signed_as_they_say() {
    let suite: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    let vectors = suite["vectors"].as_array().unwrap();
    assert!(vectors.len() >= 20, "{}", vectors.len());
    for vector in vectors {
        let text = |name: &str| vector[name].as_str().unwrap();
        let url = format!("https://example.amazonaws.com{}", text("target"));
        let headers = vector["headers"].as_array().unwrap().iter();
        let headers: Vec<(&str, &str)> = headers
            .map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
            .collect();
        let request = Request {
            method: text("method"),
            url: &url,
            headers: &headers,
            body: text("body").as_bytes(),
        };
        let token = vector["token"].as_str();
        let signed = credential(token).sign_at(&request, UNIX_EPOCH + THEN);
        let signed = signed.unwrap_or_else(|error| panic!("{}: {error}", text("name")));
        assert_eq!(
            header(&signed, "authorization"),
            Some(text("authorization")),
            "{}",
            text("name")
        );
        assert_eq!(header(&signed, "x-amz-date"), Some("20150830T123600Z"));
        assert_eq!(header(&signed, "x-amz-security-token"), token);
    }
}

#[test]
fn a_request_that_goes_elsewhere_is_not_signed() {
    let sign = |url: &str| {
        let request = Request {
            method: "POST",
            url,
            headers: &[],
            body: b"{}",
        };
        credential(Some("s3cr3t-session")).sign(&request)
    };
    assert!(sign("https://example.amazonaws.com/model/m/invoke?a=1").is_ok());
    assert!(sign("https://example.amazonaws.com:443/").is_ok());
    for url in [
        "https://example.amazonaws.com.evil.example/",
        "https://evil.example/s3cr3t-path",
        "http://example.amazonaws.com/",
        "https://example.amazonaws.com:8443/",
    ] {
        let error = sign(url).unwrap_err();
        assert!(matches!(error, SignError::Elsewhere { .. }), "{url}");
        assert!(!error.to_string().contains("s3cr3t"), "{error}");
    }
    for url in [
        "",
        "example.amazonaws.com",
        "file:///etc",
        "https://u:p@example.amazonaws.com/",
        // What another parser reads as another host.
        r"https://example.amazonaws.com\@evil.example/",
        "https:example.amazonaws.com",
        "https:///example.amazonaws.com",
        " https://example.amazonaws.com",
        "https://exam\tple.amazonaws.com",
        "https://@example.amazonaws.com/",
        "https://example%2eamazonaws.com/",
        "https://example.amazonaws.com\n@evil.example/",
    ] {
        assert_eq!(sign(url), Err(SignError::Url), "{url}");
    }
}

#[test]
fn what_is_no_method_is_not_signed() {
    for method in ["", "PO ST", "GET\r\nX: y"] {
        let request = Request {
            method,
            url: "https://example.amazonaws.com/",
            headers: &[],
            body: b"",
        };
        assert_eq!(credential(None).sign(&request), Err(SignError::Request));
    }
}

#[test]
fn storage_has_rules_of_its_own() {
    let mut storage = credential(None);
    if let Some(Material::Keys(keys)) = &mut storage.material {
        keys.service = "s3".to_owned();
    }
    let request = Request {
        method: "GET",
        url: "https://example.amazonaws.com/test.txt",
        headers: &[],
        body: b"",
    };
    let signed = storage.sign_at(&request, UNIX_EPOCH + THEN).unwrap();
    assert_eq!(
        header(&signed, "x-amz-content-sha256"),
        Some("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
    );
}

#[test]
fn what_names_no_region_and_what_is_sent_does_not_sign() {
    let request = Request {
        method: "GET",
        url: "https://example.amazonaws.com/",
        headers: &[],
        body: b"",
    };
    let mut credential = credential(None);
    if let Some(Material::Keys(keys)) = &mut credential.material {
        keys.region = None;
    }
    assert!(matches!(
        credential.sign(&request),
        Err(SignError::Unplaced { what: "region", .. })
    ));
    credential.material = Some(Material::Token(Secret::new("s3cr3t-canary")));
    let error = credential.sign(&request).unwrap_err();
    assert!(matches!(error, SignError::NotAKey { .. }), "{error}");
    assert!(!format!("{error:?} {request:?}").contains("s3cr3t"));
}
