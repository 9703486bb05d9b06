use super::*;

#[test]
fn entries_of_others_are_seen_and_not_read() {
    let document = parse(br#"{"other": {"token": "s3cr3t-canary"}}"#).unwrap();
    assert!(document.ours.is_none());
    assert!(document.others);
    assert!(!format!("{document:?}").contains("canary"));
}

fn keep(ours: &mut Ours, name: &str, secret: &str) {
    let key = Key {
        kept_in: None,
        secret: Some(Kept(Secret::new(secret))),
        owner: None,
    };
    ours.keys.insert(name.to_owned(), Shape::Good(key));
}

#[test]
fn what_is_written_is_read_again() {
    let mut ours = Ours::default();
    keep(&mut ours, "a", "s3cr3t \"quoted\" \u{e9}\n");
    let bytes = text(&ours).unwrap();
    let document = parse(&bytes).unwrap();
    assert!(!document.others);
    let read = document.ours.unwrap();
    let Some(Shape::Good(key)) = read.keys.get("a") else {
        panic!("a good key");
    };
    assert_eq!(
        key.secret
            .as_ref()
            .map(|secret| handout::to_keep(&secret.0)),
        Some("s3cr3t \"quoted\" \u{e9}\n".as_bytes())
    );
    assert!(!format!("{read:?}").contains("s3cr3t"));
}

#[test]
fn faults_are_named_by_their_place_alone() {
    for (text, fault) in [
        ("", "ends too early (line 1, column 0)"),
        ("{\n  s3cr3t", "is not JSON (line 2, column 3)"),
        (
            "[\"s3cr3t\"]",
            "does not have the expected shape (line 1, column 0)",
        ),
        (
            r#"{"keyrule": "s3cr3t"}"#,
            "does not have the expected shape (line 1, column 20)",
        ),
        (
            r#"{"keyrule": {"version": 1, "s3cr3t": 1}}"#,
            "does not have the expected shape (line 1, column 35)",
        ),
        (
            r#"{"keyrule": {"version": 1}, "keyrule": {"version": 1}}"#,
            "does not have the expected shape (line 1, column 37)",
        ),
    ] {
        let expected = Fault::Damaged(fault.to_owned());
        assert_eq!(parse(text.as_bytes()).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn another_version_is_no_damage_whatever_its_shape() {
    for text in [
        r#"{"keyrule": {"version": 2}}"#,
        r#"{"keyrule": {"version": 2, "keys": [], "more": {}}}"#,
    ] {
        let fault = "has an entry `keyrule` of version 2, and this program reads version 1";
        let expected = Fault::Version(fault.to_owned());
        assert_eq!(parse(text.as_bytes()).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn a_damaged_entry_is_kept_as_it_is_and_the_others_are_read() {
    let text = r#"{"keyrule": {"version": 1,
        "keys": {
            "good": {"secret": "s3cr3t-good"},
            "field": {"secret": "s3cr3t-1", "more": 1},
            "type": {"secret": 5},
            "neither": {},
            "both": {"kept_in": "keyring", "secret": "s3cr3t-2"},
            "text": "s3cr3t-3"
        },
        "logins": {
            "all": "s3cr3t-4",
            "some": {"selected": "b", "accounts": {
                "a": {"access_token": "s3cr3t-5"},
                "b": {"access_token": "s3cr3t-6", "client_id": "c", "owner": {"issuer": "i"}}
            }}
        }
    }}"#;
    let ours = parse(text.as_bytes()).unwrap().ours.unwrap();
    let good: Vec<_> = ours
        .keys
        .iter()
        .filter(|(_, key)| matches!(key, Shape::Good(_)))
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(good, ["good"]);
    assert!(matches!(ours.logins["all"], Shape::Damaged(_)));
    let Shape::Good(some) = &ours.logins["some"] else {
        panic!("a login");
    };
    assert!(matches!(some.accounts["a"], Shape::Damaged(_)));
    assert!(matches!(some.accounts["b"], Shape::Good(_)));
    assert!(!format!("{ours:?}").contains("s3cr3t"));
    // What is written means the same.
    let value = |bytes: &[u8]| -> serde_json::Value {
        let mut value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        value["keyrule"]["logins"]["some"]["accounts"]["b"]["owner"]["claims"] =
            serde_json::json!({});
        value
    };
    let written = super::text(&ours).unwrap();
    assert_eq!(value(&written), value(text.as_bytes()));
}

#[test]
fn an_item_holds_one_thing_with_its_secret() {
    let key = Key {
        kept_in: None,
        secret: Some(Kept(Secret::new("s3cr3t"))),
        owner: None,
    };
    let text = Item::text(Some(key), None).unwrap();
    assert_eq!(*text, r#"{"version":1,"key":{"secret":"s3cr3t"}}"#);
    assert!(Item::parse(&text).unwrap().key.is_some());
    for damaged in [
        "",
        "s3cr3t",
        r#"{"version":1}"#,
        r#"{"version":1,"key":{"kept_in":"keyring"}}"#,
        r#"{"version":1,"key":{"secret":"s3cr3t"},"more":1}"#,
    ] {
        let fault = Item::parse(damaged).unwrap_err();
        assert!(matches!(&fault, Fault::Damaged(why) if !why.contains("s3cr3t")));
    }
    let newer = Item::parse(r#"{"version":2,"keys":[]}"#).unwrap_err();
    assert!(matches!(newer, Fault::Version(_)));
}
