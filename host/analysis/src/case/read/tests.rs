use super::super::samples::{POLICY, load};
use super::*;
use crate::schema::against;
use keyrule::policy::builtin::TESTS_SCHEMA;

const CASE: &str =
    "[[case]]\nname = \"a\"\ngiven = { key = \"ready\" }\nexpect = { use = \"key\" }\n";

/// What is wrong with a file: line, column, code.
fn problems(text: &str) -> Vec<(u32, u32, String)> {
    let (_, sources) = load(POLICY);
    let found = cases("x.test.toml", text, &sources)
        .err()
        .unwrap_or_default();
    for problem in &found {
        assert!(!problem.help.is_empty(), "{problem:?}");
        assert!(!problem.message.ends_with('.'), "{problem:?}");
        assert_eq!(problem.location.path, "x.test.toml");
    }
    let place = |found: &wit::Diagnostic| {
        (
            found.location.line,
            found.location.column,
            found.code.clone(),
        )
    };
    found.iter().map(place).collect()
}

fn is(line: u32, column: u32, code: &str) -> Vec<(u32, u32, String)> {
    vec![(line, column, code.to_owned())]
}

#[test]
fn all_that_can_be_said_is_read() {
    let text = "policy = \"x.toml\"\n[[case]]\nname = \"a\"\nsurface = \"remote\"\ninteractive = true\n\
        [case.given]\nlogin = \"ready\"\nhelper = { is = \"ready\", fetch = \"failed\", failure-kind = \"timed-out\", ttl = \"1h\" }\n\
        key = { endpoint = \"https://GW.test:443/v1\", consent = \"declined\", answer = \"use\" }\n\
        [case.expect]\nuse = \"login\"\nreason = { key = \"declined\" }\nlooks = 3\nfetches = 1\nasked = [\"key\"]\nasks = 1\nttl = \"5m\"\n";
    let (_, sources) = load(POLICY);
    let case = cases("x.test.toml", text, &sources).unwrap().remove(0);
    assert_eq!((case.at.line, case.name.as_str()), (3, "a"));
    assert!(case.session.interactive && case.session.surface == wit::Surface::Remote);
    let key = &case.given["key"];
    assert_eq!(key.is, Is::Ready);
    assert_eq!(
        key.destination,
        wit::Destination::Origin("https://gw.test".to_owned())
    );
    assert!(case.given["helper"].fetch_fails);
    assert_eq!(case.expect.end, Ending::Use("login".to_owned()));
    assert_eq!(case.expect.ttl_ms, Some(300_000));
    assert_eq!(policy(text).as_deref(), Some("x.toml"));
    assert!(is_test(text) && !is_test(POLICY));
}

#[test]
fn a_source_that_is_not_there_is_one_error_with_what_was_meant() {
    let text = CASE.replace("key = \"ready\"", "kye = \"ready\"");
    assert_eq!(problems(&text), is(3, 11, "unknown-source"));
    let (_, sources) = load(POLICY);
    let found = cases("x.test.toml", &text, &sources).unwrap_err();
    assert_eq!(found[0].message, "the policy has no source `kye`");
    assert_eq!(found[0].help, "did you mean `key`?");
    assert_eq!(
        problems(&CASE.replace("use = \"key\"", "use = \"nobody\"")),
        is(4, 18, "unknown-source")
    );
    assert_eq!(
        problems(&CASE.replace(
            "use = \"key\"",
            "use = \"key\", reason = { nobody = \"absent\" }"
        )),
        is(4, 36, "unknown-source")
    );
    assert_eq!(
        problems(&CASE.replace("use = \"key\"", "use = \"key\", asked = [\"nobody\"]")),
        is(4, 34, "unknown-source")
    );
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (from, to, line, column, code) in [
        ("name", "nmae", 1, 1, "missing-key"),
        ("\"ready\"", "\"redy\"", 3, 17, "unknown-word"),
        ("\"ready\"", "true", 3, 17, "wrong-type"),
        ("\"ready\"", "\"off\"", 3, 17, "nothing-to-see"),
        (
            "\"ready\"",
            "{ consnet = \"declined\" }",
            3,
            19,
            "unknown-key",
        ),
        (
            "\"ready\"",
            "{ failure-kind = \"expired\" }",
            3,
            34,
            "nothing-fails",
        ),
        (
            "\"ready\"",
            "{ endpoint = \"gw.test\" }",
            3,
            30,
            "bad-origin",
        ),
        (
            "\"ready\"",
            "{ stored-in = \"file\" }",
            3,
            31,
            "nothing-to-see",
        ),
        ("\"ready\"", "{ expires-in = 5 }", 3, 32, "nothing-to-see"),
        (
            "\"ready\"",
            "{ is = \"absent\", answer = \"use\" }",
            3,
            43,
            "nothing-to-see",
        ),
        ("use = \"key\"", "looks = 1", 4, 10, "missing-key"),
        (
            "use = \"key\"",
            "use = \"key\", refuse = \"nothing-usable\"",
            4,
            10,
            "contradiction",
        ),
        ("use = \"key\"", "ask = \"key\"", 4, 10, "contradiction"),
        (
            "use = \"key\"",
            "use = \"key\", source = \"key\"",
            4,
            10,
            "contradiction",
        ),
        (
            "use = \"key\"",
            "refuse = \"nothing-usable\", ttl = \"5m\"",
            4,
            10,
            "contradiction",
        ),
        (
            "use = \"key\"",
            "use = \"key\", asks = 0, asked = [\"key\"]",
            4,
            10,
            "contradiction",
        ),
        (
            "use = \"key\"",
            "refuse = \"nothing\"",
            4,
            21,
            "unknown-word",
        ),
        (
            "use = \"key\"",
            "use = \"key\", looks = -1",
            4,
            33,
            "bad-number",
        ),
        (
            "use = \"key\"",
            "use = \"key\", looks = 1.5",
            4,
            33,
            "wrong-type",
        ),
        (
            "use = \"key\"",
            "use = \"key\", ttl = \"5\"",
            4,
            31,
            "bad-duration",
        ),
        ("expect", "expects", 1, 1, "missing-key"),
        ("[[case]]", "case = 1\n[x]", 1, 8, "wrong-type"),
    ] {
        let text = CASE.replace(from, to);
        assert_ne!(text, CASE);
        let found = problems(&text);
        assert!(
            found.contains(&(line, column, code.to_owned())),
            "{text}{found:?}"
        );
        // A key with a slip in it is both unknown and missing.
        assert!(
            found.len() == 1 || matches!(code, "missing-key" | "wrong-type"),
            "{found:?}"
        );
    }
}

#[test]
fn a_file_without_a_case_and_one_that_is_no_toml_are_errors() {
    for text in ["", " \n", "policy = \"x.toml\"\n", "case = []\n"] {
        assert_eq!(problems(text), is(1, 1, "no-case"), "{text}");
    }
    assert_eq!(problems("[[case]\n"), is(1, 8, "toml-syntax"));
}

#[test]
fn two_cases_of_one_name_are_an_error() {
    assert_eq!(
        problems(&format!("{CASE}{CASE}")),
        is(6, 8, "duplicate-name")
    );
}

#[test]
fn no_message_has_a_value_of_the_file() {
    for (from, to) in [
        ("\"ready\"", "\"sk-canary\""),
        ("key = \"ready\"", "sk-canary-1 = \"ready\""),
        ("\"ready\"", "{ sk-canary-1 = 1 }"),
        ("\"ready\"", "{ endpoint = \"canary\" }"),
        ("use = \"key\"", "use = \"sk-canary\""),
        ("use = \"key\"", "refuse = \"canary\""),
        ("name = \"a\"", "name = canary"),
    ] {
        let text = CASE.replace(from, to);
        let (_, sources) = load(POLICY);
        let found = cases("x.test.toml", &text, &sources).unwrap_err();
        let said: Vec<_> = found
            .iter()
            .map(|found| format!("{}{}", found.message, found.help))
            .collect();
        assert!(!said.concat().contains("canary"), "{said:?}");
    }
}

#[test]
fn what_the_schema_rejects_the_parser_rejects() {
    let by_schema = |text: &str| against(TESTS_SCHEMA, "x.test.toml", text);
    assert_eq!(by_schema(CASE), []);
    for (from, to) in [
        ("[[case]]", "[[cases]]"),
        ("[[case]]", "other = 1\n[[case]]"),
        ("name = \"a\"\n", ""),
        ("name = \"a\"", "name = \" \""),
        ("name = \"a\"", "name = 1"),
        ("name = \"a\"", "name = \"a\"\nsurface = \"terminals\""),
        ("name = \"a\"", "name = \"a\"\ninteractive = \"yes\""),
        ("given = { key = \"ready\" }", "given = [\"key\"]"),
        ("key = \"ready\"", "KEY = \"ready\""),
        ("\"ready\"", "\"redy\""),
        ("\"ready\"", "1"),
        ("\"ready\"", "{ is = \"redy\" }"),
        ("\"ready\"", "{ other = \"x\" }"),
        ("\"ready\"", "{ get = \"ready\" }"),
        ("\"ready\"", "{ get = \"failed\", trouble = \"other\" }"),
        ("\"ready\"", "{ consent = \"yes\" }"),
        ("\"ready\"", "{ answer = \"yes\" }"),
        ("\"ready\"", "{ endpoint = 1 }"),
        ("\"ready\"", "{ kept-in = \"cloud\" }"),
        ("\"ready\"", "{ expires-in = \"1m\" }"),
        ("\"ready\"", "{ renewable = 1 }"),
        ("\"ready\"", "{ ttl = \"5\" }"),
        ("expect = { use = \"key\" }\n", ""),
        ("use = \"key\"", ""),
        (
            "use = \"key\"",
            "use = \"key\", refuse = \"nothing-usable\"",
        ),
        ("use = \"key\"", "use = \"KEY\""),
        ("use = \"key\"", "use = \"key\", source = \"key\""),
        (
            "use = \"key\"",
            "use = \"key\", reason = { key = \"other\" }",
        ),
        ("use = \"key\"", "use = \"key\", looks = -1"),
        ("use = \"key\"", "use = \"key\", gets = 1000001"),
        ("use = \"key\"", "use = \"key\", asks = \"1\""),
        ("use = \"key\"", "use = \"key\", asked = \"key\""),
        ("use = \"key\"", "use = \"key\", ttl = \"soon\""),
        ("use = \"key\"", "refuse = \"nothing-usable\", ttl = \"5m\""),
    ] {
        let text = CASE.replace(from, to);
        assert_ne!(text, CASE);
        assert_ne!(by_schema(&text), [], "{text}");
        assert_ne!(problems(&text), [], "{text}");
    }
}

/// What the parser rejects and the schema takes: it knows the policy, and what
/// follows from two keys at once.
#[test]
fn the_parsers_further_reasons_are_these() {
    for (from, to, code) in [
        ("use = \"key\"", "use = \"other\"", "unknown-source"),
        ("\"ready\"", "\"off\"", "nothing-to-see"),
        ("\"ready\"", "{ trouble = \"expired\" }", "nothing-fails"),
        ("\"ready\"", "{ endpoint = \"x\" }", "bad-origin"),
        ("use = \"key\"", "ask = \"key\"", "contradiction"),
        (
            "use = \"key\"",
            "use = \"key\", ttl = \"9000h\"",
            "bad-duration",
        ),
        (
            "expect = { use = \"key\" }\n",
            "expect = { use = \"key\" }\n[[case]]\nname = \"a\"\nexpect = { use = \"key\" }\n",
            "duplicate-name",
        ),
    ] {
        let text = CASE.replace(from, to);
        assert_eq!(against(TESTS_SCHEMA, "x.test.toml", &text), [], "{text}");
        let found = problems(&text);
        assert!(
            found.iter().all(|(.., other)| other == code) && !found.is_empty(),
            "{text}{found:?}"
        );
    }
}

#[test]
fn the_shipped_test_files_are_taken_by_the_schema() {
    for text in [
        include_str!("../../../../../policies/claude-code.test.toml"),
        include_str!("../../../../../policies/claude-code-legacy.test.toml"),
        include_str!("../../../../../policies/example-accounts.test.toml"),
        include_str!("../../../../../policies/example-cloud-only.test.toml"),
        include_str!("../../../../../policies/example-gateway.test.toml"),
        include_str!("../../../../../policies/example-web-sandbox.test.toml"),
    ] {
        assert_eq!(against(TESTS_SCHEMA, "x.test.toml", text), []);
    }
}

#[test]
fn the_schema_is_valid_closed_and_described() {
    let schema: serde_json::Value = serde_json::from_str(TESTS_SCHEMA).unwrap();
    assert!(jsonschema::draft202012::meta::is_valid(&schema));
    fn walk(schema: &serde_json::Value, at: &str) {
        if let Some(properties) = schema.get("properties").and_then(|all| all.as_object()) {
            assert_eq!(schema["additionalProperties"], false, "{at}");
            for (name, property) in properties {
                let described =
                    property.get("description").is_some() || property.get("$ref").is_some();
                assert!(described, "{at}/{name}");
            }
        }
        if let Some(entries) = schema.as_object() {
            for (key, value) in entries {
                walk(value, &format!("{at}/{key}"));
            }
        }
    }
    walk(&schema, "");
}

#[test]
fn keys_and_words_of_an_earlier_version_say_the_same() {
    let (_, sources) = load(POLICY);
    let new = "[[case]]\nname = \"a\"\n\
        given = { helper = { is = \"ready\", fetch = \"failed\", failure-kind = \"timed-out\" }, \
        login = { fetch = \"fetched\" } }\n\
        expect = { refuse = \"source-failed\", fetches = 1, \
        reason = { helper = \"failed\", login = \"refreshable\", key = \"fetched\" } }\n";
    let old = new
        .replace("fetch = \"failed\"", "get = \"failed\"")
        .replace("fetch = \"fetched\"", "get = \"held\"")
        .replace("failure-kind", "trouble")
        .replace("fetches", "gets")
        .replace("helper = \"failed\"", "helper = \"trouble\"")
        .replace("\"refreshable\"", "\"renewable\"")
        .replace("key = \"fetched\"", "key = \"got\"");
    assert!(
        !old.contains("fetch") && old.contains("\"renewable\""),
        "{old}"
    );
    let read = |text: &str| {
        let case = cases("x.test.toml", text, &sources).unwrap().remove(0);
        format!("{:?} {:?}", case.given, case.expect)
    };
    assert_eq!(read(&old), read(new));
    for text in [new, &old] {
        assert_eq!(against(TESTS_SCHEMA, "x.test.toml", text), [], "{text}");
    }
}

#[test]
fn a_key_and_its_earlier_name_contradict_each_other() {
    let text = CASE.replace("use = \"key\"", "use = \"key\", gets = 1, fetches = 1");
    assert_eq!(problems(&text), is(4, 25, "contradiction"));
}

#[test]
fn earlier_words_are_no_suggestion_and_count_only_where_they_did() {
    let (_, sources) = load(POLICY);
    let text = CASE.replace(
        "use = \"key\"",
        "use = \"key\", reason = { key = \"zzzzzz\" }",
    );
    let found = cases("x.test.toml", &text, &sources).unwrap_err();
    assert!(found[0].help.contains("`fetched`"), "{}", found[0].help);
    assert!(!found[0].help.contains("`got`"), "{}", found[0].help);
    for word in ["held", "trouble", "got"] {
        let text = CASE.replace("\"ready\"", &format!("\"{word}\""));
        assert_eq!(problems(&text), is(3, 17, "unknown-word"), "{word}");
    }
}
