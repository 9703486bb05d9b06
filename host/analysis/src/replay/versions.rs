//! Receipts of version 1, as they were written, replay as they always did, and
//! as the same decisions of version 2.

use serde_json::{Value, json};

use super::tests::against;
use super::{Answer, Outcome, Replayed};
use keyrule::policy::builtin;
use keyrule::receipt::{ParseError, Receipt};

/// Written by a Keyrule that knew version 1 alone.
const RECEIPTS: &str = include_str!("version-1.jsonl");

/// The policy that half of them are of; the others are of `claude-code`.
const POLICY: &str = include_str!("version-1.toml");

fn lines() -> Vec<&'static str> {
    RECEIPTS.lines().collect()
}

fn parsed(line: &str) -> Receipt {
    Receipt::parse(line).unwrap()
}

/// The same receipt in the keys and words of version 2.
fn second(value: Value) -> Value {
    let renamed = |text: &str| {
        match text {
            "place" => "origin",
            "at" => "location",
            "asks" => "needs-consent",
            "get" => "fetch",
            "gets" => "fetches",
            "renewable" => "refreshable",
            "kept-in" => "stored-in",
            "trouble" => "failed",
            "out" => "unavailable",
            "barred" => "forbidden",
            "held" | "got" => "fetched",
            "mend-helper" => "repair-helper",
            "mend-file" => "repair-file",
            other => other,
        }
        .to_owned()
    };
    match value {
        Value::Object(fields) => {
            let mut fields: serde_json::Map<_, _> = fields
                .into_iter()
                .map(|(key, value)| (renamed(&key), second(value)))
                .collect();
            if fields.contains_key("version") {
                fields.insert("version".to_owned(), json!(2));
            }
            if fields.contains_key("outcome") {
                fields.insert("redirections".to_owned(), json!([]));
            }
            Value::Object(fields)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(second).collect()),
        Value::String(text) => Value::String(renamed(&text)),
        other => other,
    }
}

fn upgraded(line: &str) -> String {
    second(serde_json::from_str(line).unwrap()).to_string()
}

/// Policies to replay against: its own, and some that decide otherwise.
fn policies(name: &str) -> Vec<String> {
    if name == "sample" {
        vec![
            POLICY.to_owned(),
            POLICY.replace("*.example.com", "*.other.example"),
            POLICY.replace("HELPER", "OTHER"),
            POLICY.replace("SAMPLE_DIR", "OTHER_DIR"),
            POLICY.replace("[\"terminal\"]", "[\"web\"]"),
        ]
    } else {
        let own = builtin::text(name).unwrap();
        vec![own.to_owned(), own.replace("ANTHROPIC_API_KEY", "OTHER")]
    }
}

fn short(replayed: &Replayed) -> String {
    let words = match &replayed.new {
        Ok(Outcome::Used(source, sent)) => format!("use {} {sent:?}", source.id),
        Ok(Outcome::Asked(source)) => format!("ask {}", source.id),
        Ok(Outcome::Refused(reason, _)) => keyrule_engine::word::word(reason),
        Ok(Outcome::Unfinished) => "unfinished".to_owned(),
        Err(lacking) => format!("{} {:?}", lacking.source.id, lacking.what),
    };
    format!("{:?} {words}", replayed.answer())
}

#[test]
fn both_versions_are_read_as_the_same_decision() {
    for line in lines() {
        let (old, new) = (parsed(line), parsed(&upgraded(line)));
        assert_eq!((old.version, new.version), (1, 2));
        let again = Receipt { version: 1, ..new };
        let mut again: Value = serde_json::to_value(again).unwrap();
        for source in again["sources"].as_array_mut().unwrap() {
            for seen in ["look", "fetch"] {
                if let Some(seen) = source[seen].as_object_mut() {
                    assert_eq!(seen.remove("redirections"), Some(json!([])));
                }
            }
        }
        assert_eq!(again, serde_json::to_value(old).unwrap());
    }
}

#[test]
fn both_versions_replay_alike() {
    for line in lines() {
        let (old, new) = (parsed(line), parsed(&upgraded(line)));
        for policy in policies(&old.policy) {
            let replayed = against(&policy, &old.policy, &old);
            assert_eq!(replayed, against(&policy, &old.policy, &new));
        }
    }
}

#[test]
fn version_1_replays_as_it_did() {
    let mut said = String::new();
    for line in lines() {
        let receipt = parsed(line);
        for (index, policy) in policies(&receipt.policy).iter().enumerate() {
            let replayed = against(policy, &receipt.policy, &receipt);
            if index == 0 {
                assert_eq!(replayed.answer(), Answer::Same, "{replayed:?}");
            }
            said.push_str(&format!(
                "{} {index}: {}\n",
                &receipt.time[17..19],
                short(&replayed)
            ));
        }
    }
    insta::assert_snapshot!(said, @r#"
    00 0: Same nothing-usable
    00 1: Same nothing-usable
    00 2: Undetermined helper NotRead
    00 3: Undetermined login OtherFolder
    00 4: Same nothing-usable
    01 0: Same use first Some("https://api.example.com")
    01 1: Same use first Some("https://api.example.com")
    01 2: Same use first Some("https://api.example.com")
    01 3: Same use first Some("https://api.example.com")
    01 4: Changed nothing-usable
    02 0: Same use first Some("https://gw.example.com")
    02 1: Changed endpoint-not-allowed
    02 2: Same use first Some("https://gw.example.com")
    02 3: Same use first Some("https://gw.example.com")
    02 4: Undetermined login NotLooked
    03 0: Same endpoint-not-allowed
    03 1: Same endpoint-not-allowed
    03 2: Same endpoint-not-allowed
    03 3: Same endpoint-not-allowed
    03 4: Changed nothing-usable
    04 0: Same use helper Some("https://api.example.com")
    04 1: Same use helper Some("https://api.example.com")
    04 2: Undetermined helper NotRead
    04 3: Same use helper Some("https://api.example.com")
    04 4: Undetermined login NotLooked
    05 0: Same source-failed
    05 1: Same source-failed
    05 2: Undetermined helper NotRead
    05 3: Same source-failed
    05 4: Changed nothing-usable
    06 0: Same use helper Some("https://api.example.com")
    06 1: Same use helper Some("https://api.example.com")
    06 2: Undetermined helper NotRead
    06 3: Same use helper Some("https://api.example.com")
    06 4: Changed nothing-usable
    07 0: Same nothing-usable
    07 1: Same nothing-usable
    07 2: Same nothing-usable
    07 3: Same nothing-usable
    07 4: Same nothing-usable
    08 0: Same endpoint-not-allowed
    08 1: Undetermined api-key NotRead
    09 0: Same use api-key Some("https://api.anthropic.com")
    09 1: Undetermined api-key NotRead
    10 0: Same use bedrock None
    10 1: Same use bedrock None
    11 0: Same source-failed
    11 1: Undetermined api-key NotRead
    "#);
}

#[test]
fn version_1_says_nothing_of_redirections_and_version_2_must() {
    let line = lines()[0];
    let with = line.replace("\"expires-in\":", "\"redirections\":[],\"expires-in\":");
    let wrong = |line: &str| matches!(Receipt::parse(line), Err(ParseError::Inconsistent(_)));
    assert!(wrong(&with));
    let without = upgraded(line).replace("\"redirections\":[],", "");
    assert!(wrong(&without));
    assert!(!wrong(&upgraded(line)));
}

#[test]
fn a_version_that_is_not_known_is_refused() {
    for version in [0, 3, 7] {
        let line = lines()[0].replace("\"version\":1", &format!("\"version\":{version}"));
        let error = Receipt::parse(&line).unwrap_err();
        assert_eq!(error, ParseError::Version { version });
        assert_eq!(
            error.to_string(),
            format!("the receipt is of version {version}, and this Keyrule reads versions 1 to 2")
        );
    }
}
