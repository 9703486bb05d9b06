//! What the parser rejects, and how it says so: one diagnostic each, with
//! its location and its help, and never a value of the document.

use keyrule_policy::Policy;
use keyrule_policy::bindings::exports::keyrule::policy::engine::{Document, DocumentOrigin};

const GOOD: &str = r#"name = "p"

[[source]]
id = "a"
kind = "environment"
variable = "A_KEY"
headers = { Authorization = "Bearer {secret}" }
endpoint = { default = "https://api.example.com" }
surfaces = ["terminal"]
"#;

fn rejected(text: &str) -> Vec<(String, u32, u32)> {
    let document = Document {
        origin: DocumentOrigin::User,
        path: "p.toml".to_owned(),
        text: text.to_owned(),
    };
    match Policy::load("p", vec![document]) {
        Ok(_) => Vec::new(),
        Err(diagnostics) => diagnostics
            .into_iter()
            .map(|diagnostic| {
                let words = format!("{}{}", diagnostic.message, diagnostic.help);
                assert!(!words.contains("s3cr3t"), "a value is quoted: {words}");
                assert!(
                    !diagnostic.help.is_empty(),
                    "no help for {}",
                    diagnostic.code
                );
                assert!(!words.contains('\n'), "more than one line: {words}");
                (
                    diagnostic.code,
                    diagnostic.location.line,
                    diagnostic.location.column,
                )
            })
            .collect(),
    }
}

#[test]
fn the_good_one_is_not_rejected() {
    assert_eq!(rejected(GOOD), []);
}

#[test]
fn every_fault_has_its_code_and_place() {
    let cases: [(&str, &str, &str, (u32, u32)); 26] = [
        ("name = \"p\"", "", "missing-key", (1, 1)),
        ("name = \"p\"", "name = \"s3cr3t\"", "wrong-name", (1, 8)),
        ("name = \"p\"", "name = 3", "wrong-type", (1, 8)),
        (
            "name = \"p\"",
            "name = \"p\"\nothers = \"maybe\"",
            "unknown-word",
            (2, 10),
        ),
        (
            "name = \"p\"",
            "name = \"p\"\nsession = { surfaces = [] }",
            "empty-list",
            (2, 24),
        ),
        (
            "name = \"p\"",
            "name = \"p\"\nlogin = {}",
            "empty-table",
            (2, 9),
        ),
        (
            "name = \"p\"",
            "name = \"p\"\nlogin = { methods = [\"a\"] }",
            "unknown-name",
            (2, 22),
        ),
        ("id = \"a\"", "id = \"S3cr3t!\"", "bad-id", (4, 6)),
        ("id = \"a\"", "", "missing-key", (3, 1)),
        (
            "kind = \"environment\"",
            "kind = \"s3cr3t\"",
            "unknown-word",
            (5, 8),
        ),
        (
            "variable = \"A_KEY\"",
            "variable = \"s3cr3t-value\"",
            "bad-variable",
            (6, 12),
        ),
        (
            "variable = \"A_KEY\"",
            "variable = \"A\\nB\"",
            "control-character",
            (6, 12),
        ),
        (
            "variable = \"A_KEY\"",
            "variable = \"\"",
            "empty-value",
            (6, 12),
        ),
        (
            "variable = \"A_KEY\"",
            "variable = \"A_KEY\"\nkeep-as = \"b\"",
            "unknown-name",
            (7, 11),
        ),
        (
            "{ Authorization =",
            "{ \"bad name\" =",
            "bad-header",
            (7, 13),
        ),
        ("Bearer {secret}", "Bearer {token}", "bad-template", (7, 29)),
        (
            "Bearer {secret}",
            "Bearer {endpoint}",
            "bad-template",
            (7, 29),
        ),
        (
            "endpoint = { default = \"https://api.example.com\" }",
            "",
            "no-endpoint",
            (3, 1),
        ),
        ("https://api", "http://api", "bad-origin", (8, 24)),
        ("https://api", "https://u:s3cr3t@api", "bad-origin", (8, 24)),
        (
            "example.com\" }",
            "example.com\", variable = \"URL\" }",
            "missing-key",
            (8, 12),
        ),
        (
            "example.com\" }",
            "example.com\", allow = [\"*\"] }",
            "bad-origin",
            (8, 60),
        ),
        ("surfaces = [\"terminal\"]", "", "missing-key", (3, 1)),
        (
            "surfaces = [\"terminal\"]",
            "surfaces = [\"terminal\", \"terminal\"]",
            "listed-twice",
            (9, 25),
        ),
        (
            "surfaces = [\"terminal\"]",
            "surfaces = [\"terminal\"]\nttl = \"5m\"",
            "unknown-key",
            (10, 1),
        ),
        (
            "surfaces = [\"terminal\"]",
            "surfaces = [\"terminal\"]\n\"s3cr3t-with-number-1\" = 2",
            "unknown-key",
            (10, 1),
        ),
    ];
    for (from, to, code, (line, column)) in cases {
        assert!(GOOD.contains(from), "{from}");
        let text = GOOD.replacen(from, to, 1);
        assert_eq!(rejected(&text), [(code.to_owned(), line, column)], "{text}");
    }
}

#[test]
fn a_helper_has_exactly_one_command() {
    let helper = |keys: &str| {
        format!(
            "name = \"p\"\n\n[[source]]\nid = \"h\"\nkind = \"helper\"\n{keys}\nsurfaces = [\"terminal\"]\n"
        )
    };
    let codes = |keys: &str| -> Vec<String> {
        rejected(&helper(keys))
            .into_iter()
            .map(|(code, _, _)| code)
            .collect()
    };
    assert_eq!(codes("command = [\"get\"]"), [""; 0]);
    assert_eq!(codes(""), ["helper-command"]);
    assert_eq!(
        codes("command = [\"get\"]\nvariable = \"X\""),
        ["helper-command"]
    );
    assert_eq!(codes("command = []"), ["empty-list"]);
    assert_eq!(codes("setting = \"x\""), ["missing-key"]);
    assert_eq!(
        codes("setting = \"x\"\nfrom = [\"user\"]"),
        ["unknown-name"]
    );
    assert_eq!(
        codes("variable = \"X\"\nfrom = [\"user\"]"),
        ["from-without-setting"]
    );
    assert_eq!(
        codes("command = [\"get\"]\nttl = \"soon\""),
        ["bad-duration"]
    );
    assert_eq!(codes("command = [\"get\"]\ntimeout = \"0\""), ["no-time"]);
}

#[test]
fn a_format_fits_what_else_the_helper_says() {
    let codes = |keys: &str| -> Vec<(String, u32, u32)> {
        rejected(&format!(
            "name = \"p\"\n\n[[source]]\nid = \"h\"\nkind = \"helper\"\ncommand = [\"get\"]\nsurfaces = [\"terminal\"]\n{keys}\n"
        ))
    };
    let endpoint = "endpoint = { default = \"https://api.example.com\" }";
    let headers = "headers = { Authorization = \"Bearer {secret}\" }";
    for good in [
        "format = \"token\"".to_owned(),
        "format = \"headers\"".to_owned(),
        format!("format = \"git\"\n{endpoint}\n{headers}"),
        "format = \"aws-process\"\nservice = \"s3\"\nregion = [\"REGION\"]".to_owned(),
    ] {
        assert_eq!(codes(&good), [], "{good}");
    }
    let cases: [(String, &str, (u32, u32)); 9] = [
        ("format = \"s3cr3t\"".into(), "unknown-word", (8, 10)),
        ("service = \"s3\"".into(), "signing-without-key", (8, 1)),
        (
            "region = [\"REGION\"]".into(),
            "signing-without-key",
            (8, 1),
        ),
        (
            "format = \"aws-process\"\nservice = \"S3cr3t!\"".into(),
            "bad-service",
            (9, 11),
        ),
        (
            "format = \"bazel\"".into(),
            "format-without-endpoint",
            (3, 1),
        ),
        (
            format!("format = \"bazel\"\n{endpoint}\n{headers}"),
            "headers-of-the-answer",
            (10, 1),
        ),
        (
            format!("format = \"aws-process\"\n{headers}"),
            "headers-of-the-answer",
            (9, 1),
        ),
        (
            "format = \"aws-process\"\nexport = { A = \"{secret}\" }".into(),
            "bad-template",
            (9, 16),
        ),
        (
            "export = { A = \"{session-token}\" }".into(),
            "bad-template",
            (8, 16),
        ),
    ];
    for (keys, code, (line, column)) in cases {
        assert_eq!(codes(&keys), [(code.to_owned(), line, column)], "{keys}");
    }
}

#[test]
fn a_cloud_has_the_keys_of_its_provider() {
    let codes = |provider: &str, keys: &str| -> Vec<(String, u32, u32)> {
        rejected(&format!(
            "name = \"p\"\n\n[[source]]\nid = \"c\"\nkind = \"cloud\"\nprovider = \"{provider}\"\nselect = \"always\"\nsurfaces = [\"terminal\"]\n{keys}\n"
        ))
    };
    let providers = ["bedrock", "vertex", "foundry"];
    for (key, value, of) in [
        ("skip-auth", "\"V\"", [true, true, true]),
        ("timeout", "\"5s\"", [true, true, true]),
        ("bearer-token", "\"V\"", [true, false, true]),
        ("api-key", "\"V\"", [false, false, true]),
        ("region", "[\"V\"]", [true, true, false]),
        ("project", "[\"V\"]", [false, true, false]),
        ("resource", "[\"V\"]", [false, false, true]),
        ("service", "\"v\"", [true, false, false]),
    ] {
        for (provider, has) in providers.into_iter().zip(of) {
            let found = codes(provider, &format!("{key} = {value}"));
            let foreign = [("key-of-another-provider".to_owned(), 9, 1)];
            let expected = if has { &foreign[..0] } else { &foreign };
            assert_eq!(found, expected, "{provider}, {key}");
        }
    }
    let cases: [(&str, &str, &str, (u32, u32)); 8] = [
        (
            "vertex",
            "headers = { A = \"{secret}\" }",
            "headers-of-a-cloud",
            (9, 1),
        ),
        (
            "vertex",
            "auth-refresh = \"refresh\"",
            "missing-key",
            (3, 1),
        ),
        ("vertex", "from = [\"s\"]", "from-without-setting", (3, 1)),
        (
            "bedrock",
            "credential-export = \"x\"\nfrom = [\"s3cr3t\"]",
            "unknown-name",
            (10, 9),
        ),
        ("bedrock", "timeout = \"0s\"", "no-time", (9, 11)),
        (
            "bedrock",
            "api-key = \"s3cr3t-value\"",
            "bad-variable",
            (9, 11),
        ),
        (
            "bedrock",
            "endpoint = { default = \"https://{project}.example.com\" }",
            "bad-template",
            (9, 24),
        ),
        (
            "bedrock",
            "endpoint = { default = \"http://{region}.example.com\" }",
            "bad-origin",
            (9, 24),
        ),
    ];
    for (provider, keys, code, at) in cases {
        let found = codes(provider, keys);
        let here = found.contains(&(code.to_owned(), at.0, at.1));
        assert!(here, "{keys}: {found:?}");
    }
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let deep = format!("{GOOD}x = {}{}\n", "[".repeat(100_000), "]".repeat(100_000));
    let codes: Vec<String> = rejected(&deep)
        .into_iter()
        .map(|(code, _, _)| code)
        .collect();
    assert_eq!(codes, ["toml-syntax"]);
}

const LOGIN: &str = r#"name = "p"

[[issuer]]
id = "acme"
url = "https://login.example.com"
client-id = "cli"

[[source]]
id = "a"
kind = "login"
login = "work"
issuer = "acme"
headers = { Authorization = "Bearer {secret}" }
endpoint = { default = "https://api.example.com" }
surfaces = ["terminal"]
"#;

#[test]
fn every_fault_of_an_issuer_has_its_code_and_place() {
    assert_eq!(rejected(LOGIN), []);
    let cases: [(&str, &str, &str, (u32, u32)); 16] = [
        ("issuer = \"acme\"\n", "", "missing-key", (8, 1)),
        (
            "issuer = \"acme\"",
            "issuer = \"s3cr3t\"",
            "unknown-name",
            (12, 10),
        ),
        (
            "url = \"https://login",
            "url = \"http://login",
            "bad-origin",
            (5, 7),
        ),
        (
            "login.example.com\"",
            "login.example.com/?s3cr3t\"",
            "bad-origin",
            (5, 7),
        ),
        ("client-id = \"cli\"\n", "", "missing-key", (3, 1)),
        (
            "client-id = \"cli\"",
            "client-id = \"cli\"\nclient-secret = \"s3cr3t\"",
            "unknown-key",
            (7, 1),
        ),
        (
            "client-id = \"cli\"",
            "client-id = \"cli\"\nendpoints = {}",
            "missing-key",
            (7, 13),
        ),
        (
            "client-id = \"cli\"",
            "client-id = \"cli\"\nendpoints = { token = \"http://s3cr3t.example.com\" }",
            "bad-origin",
            (7, 23),
        ),
        (
            "client-id = \"cli\"",
            "client-id = \"cli\"\nparameters = { state = \"s3cr3t\" }",
            "bad-parameter",
            (7, 16),
        ),
        (
            "client-id = \"cli\"",
            "client-id = \"cli\"\nredirect = { host = \"example.com\" }",
            "unknown-word",
            (7, 21),
        ),
        (
            "client-id = \"cli\"",
            "client-id = \"cli\"\nredirect = { port = 70000 }",
            "bad-port",
            (7, 21),
        ),
        (
            "client-id = \"cli\"",
            "client-id = \"cli\"\nredirect = { path = \"cb\" }",
            "bad-path",
            (7, 21),
        ),
        (
            "example.com\" }",
            "example.com\", variable = \"URL\", allow = [\"https://*:*\"] }",
            "issuer-origins",
            (8, 1),
        ),
        (
            "kind = \"login\"\nlogin = \"work\"",
            "kind = \"stored-key\"\nkey = \"work\"",
            "issuer-without-key",
            (12, 10),
        ),
        (
            "name = \"p\"",
            "name = \"p\"\nstorage = { store = \"file\", fallback = \"file\" }",
            "same-store",
            (2, 40),
        ),
        (
            "[[source]]",
            "[[issuer]]\nid = \"acme\"\nurl = \"https://b.example.com\"\nclient-id = \"c\"\n\n[[source]]",
            "duplicate-id",
            (9, 6),
        ),
    ];
    for (from, to, code, (line, column)) in cases {
        assert!(LOGIN.contains(from), "{from}");
        let text = LOGIN.replacen(from, to, 1);
        assert_eq!(rejected(&text), [(code.to_owned(), line, column)], "{text}");
    }
}

#[test]
fn a_claim_is_of_a_login() {
    let text = LOGIN
        .replace(
            "kind = \"login\"\nlogin = \"work\"",
            "kind = \"stored-key\"\nkey = \"work\"",
        )
        .replace("issuer = \"acme\"", "organization-claim = \"org\"");
    let codes: Vec<String> = rejected(&text)
        .into_iter()
        .map(|(code, _, _)| code)
        .collect();
    assert_eq!(codes, ["claim-without-issuer"]);
}
