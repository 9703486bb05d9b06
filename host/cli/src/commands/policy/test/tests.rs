use super::super::samples::Home;
use super::*;

/// A policy of three sources.
const POLICY: &str = "name = \"x\"\n\
    [[source]]\nid = \"key\"\nkind = \"environment\"\nvariable = \"KEY\"\n\
    surfaces = [\"terminal\"]\nconsent = \"interactive\"\n\
    endpoint = { default = \"https://api.test\", variable = \"BASE\", allow = [\"https://gw.test\"] }\n\
    [[source]]\nid = \"helper\"\nkind = \"helper\"\nvariable = \"HELPER\"\nttl = \"5m\"\n\
    ttl-max = \"10m\"\nttl-variable = \"TTL\"\nsurfaces = [\"terminal\", \"remote\"]\n\
    [[source]]\nid = \"login\"\nkind = \"tool-login\"\npath = \"~/x.json\"\nentry = \"x\"\n\
    surfaces = [\"terminal\", \"desktop\", \"remote\"]\n";

const PLAIN: Look = Look {
    terminal: false,
    colour: false,
    unicode: true,
    width: 80,
};

const GREEN: &str = "[[case]]\nname = \"the key is used\"\ngiven = { key = \"ready\" }\nexpect = { use = \"key\" }\n";

const RED: &str = "[[case]]\nname = \"a declined key is passed over\"\ninteractive = true\n\
    given = { key = { is = \"ready\", answer = \"decline\" }, login = \"ready\" }\n\
    expect = { use = \"helper\" }\n";

/// A home with a policy, and `tests` beside it.
fn home(tests: &str) -> (Home, PathBuf) {
    let home = Home::new();
    let policy = home.write("work/x.toml", POLICY);
    if !tests.is_empty() {
        home.write("work/x.test.toml", tests);
    }
    (home, policy)
}

fn asked(policy: Option<&Path>) -> Test<'_> {
    Test {
        name: "claude-code",
        policy,
        with: &[],
        tests: &[],
        only: None,
        coverage: false,
        mutate: false,
        json: false,
        look: PLAIN,
    }
}

fn run(home: &Home, asked: Test<'_>) -> Printed {
    let printed = test(asked, &home.ambient).unwrap();
    assert_eq!(printed.words, "");
    Printed {
        data: home.short(&printed.data),
        ..printed
    }
}

/// What is said of a failure, as people read it.
fn failed(home: &Home, asked: Test<'_>) -> (i32, String) {
    let failure = test(asked, &home.ambient).unwrap_err();
    (failure.exit, home.short(&failure.text(PLAIN, None)))
}

#[test]
fn where_all_is_well_there_is_a_summary_and_nothing_else() {
    let (home, policy) = home(GREEN);
    let printed = run(&home, asked(Some(&policy)));
    assert_eq!((printed.data.as_str(), printed.exit), ("1 passed\n", 0));
}

#[test]
fn a_case_that_is_not_as_expected_says_what_happened_and_which_rule_decided() {
    let (home, policy) = home(&format!("{GREEN}{RED}"));
    let printed = run(&home, asked(Some(&policy)));
    insta::assert_snapshot!(printed.data, @"
    failed: a declined key is passed over
      at        ~/work/x.test.toml:6
      expected  use = \"helper\"
      came to   use = \"login\"
      because   `login` is used: the tool is logged in
      rule      ~/work/x.toml:18
      asked     key
      fetched   login
      looked at key, helper, login
        · key     `KEY` is set, and was declined
        · helper  `HELPER` is not set
        ✓ login   the tool is logged in

    1 passed, 1 failed
    ");
    assert_eq!(printed.exit, 1);
}

#[test]
fn a_test_file_finds_its_policy_beside_it_and_by_its_key() {
    let (home, _) = home(GREEN);
    let beside = home.path("work/x.test.toml");
    assert_eq!(run(&home, asked(Some(&beside))).data, "1 passed\n");
    let named = home.write(
        "work/cases/any.test.toml",
        &format!("policy = \"../x.toml\"\n{GREEN}"),
    );
    assert_eq!(run(&home, asked(Some(&named))).data, "1 passed\n");
    let both = [named, beside];
    let printed = run(
        &home,
        Test {
            tests: &both,
            policy: Some(&home.path("work/x.toml")),
            ..asked(None)
        },
    );
    assert_eq!(printed.data, "2 passed\n");
}

#[test]
fn a_folder_that_is_laid_out_as_the_managed_one_is_tested_with_its_restrictions() {
    let home = Home::new();
    home.write("etc/x.toml", POLICY);
    home.write("etc/x.d/10.toml", "drop = [\"key\"]\n");
    home.write("etc/x.test.toml", GREEN);
    let folder = home.path("etc");
    let printed = run(
        &home,
        Test {
            name: "x",
            ..asked(Some(&folder))
        },
    );
    assert!(
        printed.data.contains("rule      ") || printed.data.contains("removed by a restriction")
    );
    assert_eq!(printed.exit, 1);
}

#[test]
fn a_restriction_can_be_laid_on_top() {
    let (home, policy) = home(GREEN);
    let with = [home.write("work/r.toml", "drop = [\"key\"]\n")];
    let printed = run(
        &home,
        Test {
            with: &with,
            ..asked(Some(&policy))
        },
    );
    assert!(
        printed.data.contains("removed by a restriction"),
        "{}",
        printed.data
    );
    assert_eq!(printed.exit, 1);
}

#[test]
fn what_is_in_force_is_tested_where_no_policy_is_named() {
    let home = Home::new();
    let tests = [home.write(
        "work/machine.test.toml",
        "[[case]]\nname = \"a\"\ngiven = { login = \"ready\" }\nexpect = { use = \"login\" }\n",
    )];
    let printed = run(
        &home,
        Test {
            tests: &tests,
            ..asked(None)
        },
    );
    assert_eq!(printed.data, "1 passed\n");
    let (exit, said) = failed(&home, asked(None));
    assert_eq!(exit, 5);
    assert!(said.starts_with("error[no-tests]: "), "{said}");
}

#[test]
fn only_some_cases_can_be_run() {
    let (home, policy) = home(&format!("{GREEN}{RED}"));
    let only = |text| Test {
        only: Some(text),
        ..asked(Some(&policy))
    };
    let printed = run(&home, only("key is used"));
    assert_eq!(
        (printed.data.as_str(), printed.exit),
        ("1 passed, 1 left out\n", 0)
    );
    let (exit, said) = failed(&home, only("nothing like it"));
    assert_eq!(exit, 1);
    assert!(
        said.starts_with("error[no-case]: no case has `nothing like it` in its name\n"),
        "{said}"
    );
}

#[test]
fn coverage_lists_what_no_case_has_seen_decide() {
    let (home, policy) = home(GREEN);
    let printed = run(
        &home,
        Test {
            coverage: true,
            ..asked(Some(&policy))
        },
    );
    insta::assert_snapshot!(printed.data, @"
    no case has seen these rules decide:
      ~/work/x.toml:3   stops where `key` cannot be got
      ~/work/x.toml:6   does not count `key` in desktop, remote and web sessions
      ~/work/x.toml:7   asks before `key` is used
      ~/work/x.toml:7   leaves out `key` where it was declined
      ~/work/x.toml:8   stops where `key` would go where it must not
      ~/work/x.toml:8   stops where `key` would go to what is not a URL
      ~/work/x.toml:10  uses `helper`
      ~/work/x.toml:10  stops where `helper` cannot be got
      ~/work/x.toml:16  does not count `helper` in desktop and web sessions
      ~/work/x.toml:18  uses `login`
      ~/work/x.toml:18  stops where `login` cannot be got
      ~/work/x.toml:22  does not count `login` in web sessions
    coverage: 1 of 13 rules (7 %)
    1 passed
    ");
    assert_eq!(printed.exit, 0);
}

#[test]
fn changes_that_no_case_notices_are_listed_and_fail() {
    let (home, policy) = home(GREEN);
    let with = [home.write(
        "work/r.toml",
        "ttl = \"1m\"\nsource.login.consent = \"always\"\n",
    )];
    let printed = run(
        &home,
        Test {
            mutate: true,
            with: &with,
            ..asked(Some(&policy))
        },
    );
    insta::assert_snapshot!(printed.data, @"
    no case notices when:
      ~/work/x.toml:10  `key` and `helper` change places
      ~/work/x.toml:6   `key` counts in desktop sessions too
      ~/work/x.toml:6   `key` counts in remote sessions too
      ~/work/x.toml:6   `key` counts in web sessions too
      ~/work/x.toml:7   `consent` of `key` is taken away
      ~/work/x.toml:3   a failure of `key` is passed over
      ~/work/x.toml:8   `https://gw.test` is no longer allowed for `key`
      ~/work/x.toml:8   `key` may be sent to any origin
      ~/work/x.toml:8   the endpoint of `key` follows no variable
      ~/work/x.toml:10  `helper` is taken away
      ~/work/x.toml:18  `helper` and `login` change places
      ~/work/x.toml:16  `helper` does not count in terminal sessions
      ~/work/x.toml:16  `helper` does not count in remote sessions
      ~/work/x.toml:16  `helper` counts in desktop sessions too
      ~/work/x.toml:16  `helper` counts in web sessions too
      ~/work/x.toml:10  a failure of `helper` is passed over
      ~/work/x.toml:22  `login` does not count in terminal sessions
      ~/work/x.toml:22  `login` does not count in desktop sessions
      ~/work/x.toml:22  `login` does not count in remote sessions
      ~/work/x.toml:22  `login` counts in web sessions too
      ~/work/x.toml:18  a failure of `login` is passed over
      ~/work/r.toml:1   the restriction is taken away
      ~/work/r.toml:1   `ttl` is taken away
      ~/work/r.toml:2   `consent` for `login` is taken away
      ~/work/r.toml:2   `consent` for `login` is `interactive`
    changes: 2 noticed, 25 not noticed, 3 without effect, 1 not valid
    1 passed
    ");
    assert_eq!(printed.exit, 1);
}

#[test]
fn nothing_is_changed_where_a_case_is_not_as_expected() {
    let (home, policy) = home(RED);
    let printed = run(
        &home,
        Test {
            mutate: true,
            ..asked(Some(&policy))
        },
    );
    let said = "changes: none made, because a case is not as expected\n";
    assert!(printed.data.contains(said), "{}", printed.data);
    assert_eq!(printed.data.matches("changes:").count(), 1);
    assert_eq!(printed.exit, 1);
}

#[test]
fn json_is_one_document() {
    let (home, policy) = home(&format!("{GREEN}{RED}"));
    let printed = run(
        &home,
        Test {
            json: true,
            coverage: true,
            ..asked(Some(&policy))
        },
    );
    let document: serde_json::Value = serde_json::from_str(&printed.data).unwrap();
    assert_eq!(
        (&document["passed"], &document["failed"]),
        (&1.into(), &1.into())
    );
    let case = &document["policies"][0]["cases"][1];
    assert_eq!(case["differences"][0]["came-to"], "use = \"login\"");
    assert_eq!(case["end"], serde_json::json!({ "use": "login" }));
    assert_eq!(case["reasons"]["key"], "declined");
    assert_eq!(case["rule"]["line"], 18);
    assert_eq!(document["policies"][0]["coverage"]["rules"], 13);
    assert_eq!(printed.exit, 1);
}

#[test]
fn every_bad_input_is_one_error_and_nothing_is_run() {
    let (home, policy) = home("");
    let tests = home.path("work/x.test.toml");
    let invalid = |text: &str| {
        home.write("work/x.test.toml", text);
        failed(&home, asked(Some(&policy)))
    };
    let missing = failed(&home, asked(Some(&policy)));
    assert_eq!(
        missing,
        (
            5,
            "error[no-tests]: there is no `~/work/x.test.toml`\n\
             hint: write it, or name the test files with `--tests FILE`; `keyrule policy schema --tests` prints what can stand there\n"
                .to_owned()
        )
    );
    assert_eq!(
        invalid(&GREEN.replace("key =", "kye =")),
        (
            5,
            "~/work/x.test.toml:3:11: error[unknown-source]: the policy has no source `kye`\n  \
             |\n3 | given = { kye = \"ready\" }\n  |           ^^^\n  = help: did you mean `key`?\n\
             error[tests-invalid]: the test file was rejected for 1 error, and nothing was run\n"
                .to_owned()
        )
    );
    let (exit, said) = invalid("[[case]\n");
    assert_eq!(exit, 5);
    assert!(
        said.contains("x.test.toml:1:8: error[toml-syntax]: "),
        "{said}"
    );
    let (exit, said) = invalid("");
    assert_eq!(exit, 5);
    assert!(
        said.starts_with("error[policy-empty]: the test file `~/work/x.test.toml` is empty\n"),
        "{said}"
    );
    std::fs::write(&tests, [0xff, 0xfe]).unwrap();
    let (exit, said) = failed(&home, asked(Some(&policy)));
    assert_eq!(exit, 5);
    assert!(said.starts_with("error[policy-not-utf8]: "), "{said}");
    std::fs::remove_file(&tests).unwrap();
    std::fs::create_dir(&tests).unwrap();
    let (exit, said) = failed(&home, asked(Some(&policy)));
    assert_eq!(exit, 5);
    assert!(said.starts_with("error[policy-not-a-file]: "), "{said}");
    let absent = home.path("work/z.toml");
    let (exit, said) = failed(&home, asked(Some(&absent)));
    assert_eq!(exit, 5);
    assert!(
        said.contains("`~/work/z.toml` cannot be read: there is no such file"),
        "{said}"
    );
    let broken = home.write("work/y.toml", "name = \"y\"\n");
    home.write("work/y.test.toml", GREEN);
    let (exit, said) = failed(&home, asked(Some(&broken)));
    assert_eq!(exit, 5);
    assert!(said.contains("error[policy-invalid]"), "{said}");
}

#[test]
fn an_override_that_is_not_there_lets_nothing_be_tested() {
    let (home, policy) = home(GREEN);
    let digest = "0".repeat(64);
    home.write(
        "work/x.toml",
        &format!("override = {{ path = \"/x.wasm\", sha256 = \"{digest}\" }}\n{POLICY}"),
    );
    let (exit, said) = failed(&home, asked(Some(&policy)));
    assert_eq!(exit, 5);
    assert!(said.starts_with("error[override-"), "{said}");
    assert!(said.contains("/x.wasm"), "{said}");
}

/// Every policy that is shipped has a test file beside it, whose cases are as
/// expected, have seen every rule decide, and notice every change.
#[test]
fn every_shipped_policy_is_tested_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let home = Home::new();
    let mut policies = 0;
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.ends_with(".toml") || name.ends_with(ENDING) {
            continue;
        }
        policies += 1;
        let printed = run(
            &home,
            Test {
                coverage: true,
                mutate: true,
                json: true,
                ..asked(Some(&path))
            },
        );
        let document: serde_json::Value = serde_json::from_str(&printed.data).unwrap();
        let tested = &document["policies"][0];
        assert_eq!(document["failed"], 0, "{name}: {tested:#}");
        assert_eq!(
            tested["coverage"]["unseen"],
            serde_json::json!([]),
            "{name}"
        );
        assert_eq!(
            tested["changes"]["not-noticed"],
            serde_json::json!([]),
            "{name}"
        );
        assert_eq!(printed.exit, 0);
    }
    assert_eq!(policies, 6);
}
