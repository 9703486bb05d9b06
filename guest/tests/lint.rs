//! What `lint` finds, and where, and that it finds nothing in the shipped
//! policies.

use keyrule_policy::Policy;
use keyrule_policy::bindings::exports::keyrule::policy::engine::{Document, DocumentOrigin, Lint};

fn concerns(documents: &[(DocumentOrigin, &str)]) -> Vec<Lint> {
    let documents = documents
        .iter()
        .enumerate()
        .map(|(index, (origin, text))| Document {
            origin: *origin,
            path: format!("{index}.toml"),
            text: (*text).to_owned(),
        });
    let documents: Vec<Document> = documents.collect();
    let texts: Vec<String> = documents
        .iter()
        .map(|document| document.text.clone())
        .collect();
    let all = Policy::load("p", documents)
        .unwrap_or_else(|errors| panic_with(&texts, &errors))
        .lint();
    for concern in &all {
        for text in [&concern.message, &concern.why, &concern.help] {
            assert!(
                !text.is_empty() && !text.contains('\n') && !text.ends_with('.'),
                "{text}"
            );
            assert!(!text.contains("canary"), "a value is quoted: {text}");
        }
    }
    all
}

fn panic_with(texts: &[String], errors: &impl std::fmt::Debug) -> Policy {
    #[expect(clippy::panic, reason = "the documents of a test are valid")]
    {
        panic!("{texts:#?}\n{errors:#?}")
    }
}

fn codes(documents: &[(DocumentOrigin, &str)]) -> Vec<(String, u32)> {
    let all = concerns(documents);
    all.into_iter()
        .map(|concern| (concern.code, concern.location.line))
        .collect()
}

fn managed(text: &str) -> Vec<(String, u32)> {
    codes(&[(DocumentOrigin::Managed, text)])
}

fn one(code: &str, line: u32) -> Vec<(String, u32)> {
    vec![(code.to_owned(), line)]
}

const HELPER: &str = "\
name = \"p\"
[[source]]
id = \"helper\"
kind = \"helper\"
command = [\"/usr/bin/get-token\"]
surfaces = [\"terminal\"]
";

const KEY: &str = "\
[[source]]
id = \"key\"
kind = \"environment\"
variable = \"KEY\"
surfaces = [\"terminal\"]
";

#[test]
fn what_is_shipped_gives_no_concern() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).expect("the shipped policies") {
        let path = file.expect("a file").path();
        let shown = path.display().to_string();
        if !shown.ends_with(".toml") || shown.ends_with(".test.toml") {
            continue;
        }
        let name = path
            .file_stem()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        // The examples are for administrators, the others are built in.
        let origin = if name.starts_with("example-") {
            DocumentOrigin::Managed
        } else {
            DocumentOrigin::Builtin
        };
        let document = Document {
            origin,
            path: path.display().to_string(),
            text: std::fs::read_to_string(&path).expect("a text"),
        };
        let policy = Policy::load(&name, vec![document]).expect("a valid policy");
        assert_eq!(policy.lint(), [], "{name}");
        seen += 1;
    }
    assert!(seen >= 6);
}

#[test]
fn a_plain_policy_gives_no_concern() {
    assert_eq!(managed(HELPER), []);
    assert_eq!(managed(&format!("name = \"p\"\n{KEY}")), []);
}

#[test]
fn a_source_in_no_served_session_is_dead() {
    let text = format!(
        "{HELPER}{}[session]\nsurfaces = [\"terminal\"]\n",
        KEY.replace("terminal", "web")
    );
    assert_eq!(managed(&text), one("dead-source", 11));
}

#[test]
fn restrictions_with_no_surface_in_common_leave_a_dead_source() {
    let policy = format!(
        "name = \"p\"\n{}",
        KEY.replace("\"terminal\"", "\"terminal\", \"web\"")
    );
    let found = codes(&[
        (DocumentOrigin::Managed, &policy),
        (
            DocumentOrigin::ManagedRestriction,
            "surfaces = [\"terminal\"]\n",
        ),
        (DocumentOrigin::Project, "surfaces = [\"web\"]\n"),
    ]);
    assert!(found.contains(&("dead-source".to_owned(), 1)), "{found:?}");
    assert!(found.contains(&("lock-out".to_owned(), 1)), "{found:?}");
}

#[test]
fn what_is_dropped_is_meant_to_be_gone() {
    let policy = format!(
        "{}{KEY}",
        HELPER.replace("surfaces", "on-failure = \"next\"\nsurfaces")
    );
    let found = codes(&[
        (DocumentOrigin::Managed, &policy),
        (DocumentOrigin::Project, "drop = [\"key\"]\n"),
    ]);
    assert_eq!(found, []);
}

#[test]
fn a_forced_login_beside_another_source_is_a_contradiction() {
    let text = format!(
        "{HELPER}[login]\nmethods = [\"own\"]\n[[source]]\nid = \"own\"\nkind = \"stored-key\"\nkey = \"k\"\nsurfaces = [\"terminal\"]\n"
    );
    assert_eq!(managed(&text), one("forced-out", 3));
}

#[test]
fn a_source_that_never_says_whose_it_is_cannot_satisfy_an_organisation() {
    let text = "\
name = \"p\"
[login]
organizations = [\"acme\"]
[[source]]
id = \"own\"
kind = \"tool-login\"
path = \"~/.tool.json\"
entry = \"login\"
surfaces = [\"terminal\"]
";
    assert_eq!(
        managed(text),
        [("never-usable".to_owned(), 3), ("lock-out".to_owned(), 5)]
    );
}

#[test]
fn endpoints_that_exclude_the_only_one_make_a_source_useless() {
    let key = KEY.replace(
        "surfaces",
        "endpoint = { default = \"https://api.example.com\" }\nsurfaces",
    );
    let policy = format!("name = \"p\"\n{key}");
    let found = codes(&[
        (DocumentOrigin::Managed, &policy),
        (
            DocumentOrigin::Project,
            "endpoints = [\"https://gateway.example.com\"]\n",
        ),
    ]);
    assert!(found.contains(&("never-usable".to_owned(), 1)), "{found:?}");
}

#[test]
fn nothing_is_reached_behind_what_always_decides() {
    let text = format!("{HELPER}{KEY}");
    assert_eq!(managed(&text), one("never-reached", 8));
    // A failure that is passed over, another surface, or an answer of the
    // user lets the next one be reached.
    for (from, to) in [
        ("surfaces = [\"terminal\"]\n[[", "surfaces = [\"web\"]\n[["),
        (
            "surfaces = [\"terminal\"]\n[[",
            "surfaces = [\"terminal\"]\non-failure = \"next\"\n[[",
        ),
        (
            "command = [\"/usr/bin/get-token\"]",
            "setting = \"x\"\nfrom = [\"m\"]",
        ),
    ] {
        let files = "[[tool.settings]]\nname = \"m\"\ntier = \"managed\"\npath = \"/etc/x.json\"\n";
        let other =
            text.replacen(from, to, 1)
                .replacen("[[source]]", &format!("{files}[[source]]"), 1);
        assert!(other != text, "{from}");
        assert_eq!(managed(&other), [], "{to}");
    }
}

#[test]
fn a_source_that_reads_the_same_again_is_never_reached() {
    let again = KEY.replace("\"key\"", "\"again\"");
    assert_eq!(
        managed(&format!("name = \"p\"\n{KEY}{again}")),
        one("never-reached", 8)
    );
    // One that the user may decline is passed, and the second is not asked.
    let asks = KEY.replace("surfaces", "consent = \"always\"\nsurfaces");
    assert_eq!(managed(&format!("name = \"p\"\n{asks}{again}")), []);
}

#[test]
fn a_session_in_which_nothing_works_is_a_lock_out() {
    let text = format!("{HELPER}[session]\nsurfaces = [\"terminal\", \"desktop\", \"web\"]\n");
    assert_eq!(managed(&text), one("lock-out", 8));
    let all = concerns(&[(DocumentOrigin::Managed, &text)]);
    assert_eq!(
        all.first().expect("a concern").message,
        "nothing can ever be used in sessions on `desktop` and `web`"
    );
    let found = codes(&[
        (DocumentOrigin::Managed, HELPER),
        (DocumentOrigin::User, "surfaces = [\"web\"]\n"),
    ]);
    assert_eq!(found, one("lock-out", 1));
}

#[test]
fn a_consent_that_nobody_can_give_locks_out() {
    let key = KEY.replace(
        "surfaces = [\"terminal\"]",
        "consent = \"always\"\nsurfaces = [\"terminal\", \"web\"]",
    );
    assert_eq!(
        managed(&format!("name = \"p\"\n{key}")),
        one("consent-lock-out", 6)
    );
}

#[test]
fn a_managed_policy_is_not_decided_by_a_lower_place() {
    let key = KEY.replace(
        "surfaces",
        "endpoint = { default = \"https://api.example.com\", variable = \"URL\", allow = [\"https://*:*\"] }\nsurfaces",
    );
    let text = format!("name = \"p\"\n{key}");
    assert_eq!(managed(&text), one("redirectable-endpoint", 6));
    assert_eq!(codes(&[(DocumentOrigin::User, &text)]), []);
    assert_eq!(managed(&text.replace("*:*", "*.example.com")), []);
    // A restriction beside it that names hosts closes the hole.
    let narrow = "endpoints = [\"https://api.example.com\"]\n";
    assert_eq!(
        codes(&[
            (DocumentOrigin::Managed, &text),
            (DocumentOrigin::ManagedRestriction, narrow)
        ]),
        []
    );

    assert_eq!(
        managed(&HELPER.replace("/usr/bin/", "")),
        one("relative-helper", 3)
    );
    let variable = HELPER.replace(
        "command = [\"/usr/bin/get-token\"]",
        "variable = \"HELPER\"",
    );
    assert_eq!(managed(&variable), one("redirectable-helper", 3));
    assert_eq!(codes(&[(DocumentOrigin::User, &variable)]), []);
    for (tier, in_managed, in_user) in [("managed", 0, 0), ("user", 1, 0), ("project", 1, 1)] {
        let text = HELPER.replace(
            "command = [\"/usr/bin/get-token\"]",
            "setting = \"x\"\nfrom = [\"s\"]",
        ) + &format!(
            "[[tool.settings]]\nname = \"s\"\ntier = \"{tier}\"\npath = \"~/s.json\"\n"
        );
        assert_eq!(managed(&text).len(), in_managed, "{tier}");
        assert_eq!(
            codes(&[(DocumentOrigin::User, &text)]).len(),
            in_user,
            "{tier}"
        );
    }
    let digest = "0".repeat(64);
    let text = format!("{HELPER}[override]\npath = \"~/c.wasm\"\nsha256 = \"{digest}\"\n");
    assert_eq!(managed(&text), one("movable-override", 8));
}

#[test]
fn keys_that_change_nothing_are_dead_rules() {
    let login =
        "[[issuer]]\nid = \"idp\"\nurl = \"https://login.example.com\"\nclient-id = \"c\"\n";
    let kept = "[[source]]\nid = \"kept\"\nkind = \"stored-key\"\nkey = \"k\"\nsurfaces = [\"terminal\"]\n";
    let follows = "endpoint = { default = \"https://a.test\", variable = \"URL\", allow = [\"https://*.a.test\", \"https://x.a.test\"] }\nsurfaces";
    let name = "name = \"p\"\n";
    for (text, line) in [
        (format!("{HELPER}[storage]\nstore = \"file\"\n"), 7),
        (format!("{HELPER}{login}"), 8),
        (format!("{name}{}", KEY.replace("surfaces", "endpoint = { default = \"https://a.test\", allow = [\"https://a.test\"] }\nsurfaces")), 6),
        (format!("{name}{}", KEY.replace("surfaces", follows)), 6),
        (format!("{name}{}{kept}", KEY.replace("surfaces", "keep-as = \"kept\"\nsurfaces")), 6),
        (HELPER.replace("surfaces", "ttl = \"5m\"\nttl-max = \"1m\"\nsurfaces"), 6),
        (HELPER.replace("surfaces", "ttl-max = \"0\"\nttl-variable = \"TTL\"\nsurfaces"), 7),
    ] {
        assert_eq!(managed(&text), one("dead-rule", line), "{text}");
    }
    let origins = format!(
        "{name}{login}origins = [\"https://a.test\"]\n[[source]]\nid = \"l\"\nkind = \"login\"\nlogin = \"l\"\nissuer = \"idp\"\nsurfaces = [\"terminal\"]\n"
    );
    assert_eq!(managed(&origins), one("dead-rule", 6));
    assert_eq!(
        codes(&[(
            DocumentOrigin::User,
            &HELPER.replace("name", "others = \"allow\"\nname")
        )]),
        one("dead-rule", 1)
    );
}

#[test]
fn a_restriction_that_takes_nothing_is_a_dead_rule() {
    let key = KEY.replace("surfaces", "consent = \"interactive\"\nsurfaces");
    let policy = format!("name = \"p\"\n{key}");
    for text in [
        "surfaces = [\"terminal\", \"web\"]",
        "consent = \"interactive\"",
        "ttl = \"1s\"",
        "[source.key]\nconsent = \"never\"",
    ] {
        let found = codes(&[
            (DocumentOrigin::Managed, &policy),
            (DocumentOrigin::Project, text),
        ]);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert_eq!(found.first().expect("one").0, "dead-rule", "{text}");
    }
    for text in [
        "consent = \"always\"",
        "drop = [\"key\"]",
        "endpoints = [\"https://a.test\"]",
    ] {
        let found = codes(&[
            (DocumentOrigin::Managed, &policy),
            (DocumentOrigin::Project, text),
        ]);
        assert!(
            found.iter().all(|(code, _)| code != "dead-rule"),
            "{text}: {found:?}"
        );
    }
    // A limit that shortens what a variable could make longer takes something.
    let helper = HELPER.replace("surfaces", "ttl-variable = \"TTL\"\nsurfaces");
    for (policy, dead) in [(HELPER, true), (helper.as_str(), false)] {
        let found = codes(&[
            (DocumentOrigin::Managed, policy),
            (DocumentOrigin::Project, "ttl = \"10m\""),
        ]);
        assert_eq!(!found.is_empty(), dead, "{found:?}");
    }
}

#[test]
fn a_resource_that_nothing_names_is_never_usable() {
    let text = |provider: &str, default: &str, more: &str| {
        format!(
            "name = \"p\"\n[[source]]\nid = \"c\"\nkind = \"cloud\"\nprovider = \"{provider}\"\nselect = \"always\"\nsurfaces = [\"terminal\"]\n\
             endpoint = {{ default = \"{default}\" }}\n{more}"
        )
    };
    let foundry = "https://{resource}.services.ai.azure.com";
    let vertex = "https://{region}-aiplatform.googleapis.com";
    let bedrock = "https://bedrock-runtime.{region}.amazonaws.com";
    let never = one("never-usable", 8);
    assert_eq!(managed(&text("foundry", foundry, "")), never);
    assert_eq!(managed(&text("vertex", vertex, "")), never);
    for (provider, default, more) in [
        ("foundry", foundry, "resource = [\"RESOURCE\"]\n"),
        ("vertex", vertex, "region = [\"REGION\"]\n"),
        ("bedrock", bedrock, ""),
        ("vertex", "https://a.example.com/{project}", ""),
    ] {
        assert_eq!(managed(&text(provider, default, more)), [], "{default}");
    }
}

/// As for helpers: the command's output is the credential, or renews it.
#[test]
fn settings_of_lower_places_do_not_name_commands_of_clouds() {
    for (tier, code) in [
        ("managed", None),
        ("user", Some("redirectable-helper")),
        ("project", Some("redirectable-helper")),
    ] {
        let text = format!(
            "name = \"p\"\n[[source]]\nid = \"c\"\nkind = \"cloud\"\nprovider = \"bedrock\"\nselect = \"always\"\nsurfaces = [\"terminal\"]\n\
             credential-export = \"export\"\nauth-refresh = \"refresh\"\nfrom = [\"s\"]\n\
             [[tool.settings]]\nname = \"s\"\ntier = \"{tier}\"\npath = \"/etc/s.json\"\n"
        );
        let expected: Vec<_> = code.into_iter().flat_map(|code| one(code, 3)).collect();
        assert_eq!(managed(&text), expected, "{tier}");
    }
}

#[test]
fn a_secret_is_found_and_not_quoted() {
    for (text, line, column) in [
        (format!("{HELPER}# sk-ant-canary-1\n"), 7, 3),
        (
            HELPER.replace(
                "\"/usr/bin/get-token\"",
                "\"/usr/bin/get-token\", \"ghp_canary0123\"",
            ),
            5,
            35,
        ),
        (
            format!("description = \"a AKIAcanary0123456\"\n{HELPER}"),
            1,
            18,
        ),
        (
            format!("{HELPER}# password canary0123456789abcdef\n"),
            7,
            12,
        ),
    ] {
        let all = concerns(&[(DocumentOrigin::Managed, &text)]);
        let found: Vec<_> = all
            .iter()
            .map(|found| {
                (
                    found.code.as_str(),
                    found.location.line,
                    found.location.column,
                )
            })
            .collect();
        assert_eq!(found, [("secret-in-file", line, column)], "{text}");
    }
    // The name of what holds a secret is none, and neither is what stands for
    // one; another value of the same keys is.
    let cloud = "name = \"p\"\n[[tool.settings]]\nname = \"m\"\ntier = \"managed\"\npath = \"/etc/m.json\"\n[[source]]\nid = \"c\"\nkind = \"cloud\"\nprovider = \"foundry\"\nselect = \"always\"\nsurfaces = [\"terminal\"]\n";
    let own = format!("{cloud}api-key = \"FOUNDRY_API_KEY\"\n");
    assert_eq!(managed(&own), []);
    let bedrock = cloud.replace("foundry", "bedrock");
    let export = format!(
        "{bedrock}credential-export = \"awsCredentialExport\"\nfrom = [\"m\"]\n[source.export]\nAWS_SECRET_ACCESS_KEY = \"{{secret-access-key}}\"\n"
    );
    assert_eq!(managed(&export), []);
    let value = format!("{cloud}api-key = \"hunter2canary\"\n");
    assert_eq!(managed(&value), one("secret-in-file", 12));
    // In a restriction as well; digests and client ids are public.
    let noted = "drop = [\"helper\"] # eyJcanary.eyJcanary\n";
    let found = codes(&[
        (DocumentOrigin::Managed, HELPER),
        (DocumentOrigin::Project, noted),
    ]);
    assert!(
        found.contains(&("secret-in-file".to_owned(), 1)),
        "{found:?}"
    );
    let digest = "0123456789abcdef".repeat(4);
    let text = format!("{HELPER}[override]\npath = \"/etc/c.wasm\"\nsha256 = \"{digest}\"\n");
    assert_eq!(managed(&text), []);
}
