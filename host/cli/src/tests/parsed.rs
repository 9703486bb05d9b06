//! Receipts, read back from what a command has written.

use keyrule::Receipt;

use crate::samples;

#[test]
fn what_is_no_receipt_is_told_without_being_quoted() {
    let line = samples::key_before_helper().receipt().line().unwrap();
    let line = line.trim_end();
    assert!(Receipt::parse(line).is_ok());
    for (text, said) in [
        (line.get(..90).unwrap().to_owned(), "the receipt is cut off"),
        (String::new(), "the receipt is cut off"),
        ("s3cr3t".to_owned(), "this is not JSON, from column 1 on"),
        (format!("{line}{line}"), "this is not JSON"),
        ("[]".to_owned(), "this is not a receipt, as column"),
        (
            r#"{"s3cr3t":1}"#.to_owned(),
            "this is not a receipt, as column",
        ),
        (
            line.replace("\"looks\"", "\"s3cr3t\""),
            "this is not a receipt, as column",
        ),
        (
            line.replace("\"absent\"", "\"s3cr3t\""),
            "this is not a receipt, as column",
        ),
        (
            line.replace("\"version\":2", "\"version\":3"),
            "the receipt is of version 3, and this Keyrule reads versions 1 to 2",
        ),
        (
            line.replace("\"id\":\"helper\"", "\"id\":\"api-key\""),
            "the receipt contradicts itself: two sources have the same id",
        ),
        (
            line.replace("\"step\":\"fetch\"", "\"step\":\"refuse\""),
            "the receipt contradicts itself: a refusal without a reason",
        ),
    ] {
        let error = Receipt::parse(&text).unwrap_err().to_string();
        assert!(error.starts_with(said), "{error}");
        assert!(!error.contains("s3cr3t"), "{error}");
    }
}

#[test]
fn a_receipt_says_no_name_and_no_place() {
    let (explained, _) = samples::login();
    let line = explained.receipt().line().unwrap();
    assert!(!line.contains("ada"), "{line}");
}
