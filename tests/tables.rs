//! `policy matrix` and `policy diff`, from the command line to what is
//! printed. `UPDATE_EXPECT=1` rewrites the golden files in `tests/tables`.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use keyrule::ambient::Ambient;
use keyrule_cli::{Streams, run};
use keyrule_tests::rule;

/// What a command prints, and its exit code.
struct Ran {
    data: String,
    words: String,
    code: i32,
}

fn keyrule(arguments: &[&str]) -> Ran {
    let (mut data, mut words) = (Vec::new(), Vec::new());
    let mut streams = Streams {
        input_is_terminal: false,
        output: &mut data,
        output_is_terminal: false,
        words: &mut words,
        words_is_terminal: false,
        width: None,
    };
    let arguments = ["keyrule"].iter().chain(arguments).map(OsString::from);
    let code = run(arguments, Ambient::empty(), &mut streams);
    Ran {
        data: String::from_utf8(data).expect("text"),
        words: String::from_utf8(words).expect("text"),
        code,
    }
}

fn golden(name: &str, text: &str) {
    let text = rule::name_lines(text);
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tables")
        .join(name);
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &text).expect("a golden file");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected.replace("\r\n", "\n"), "{name}");
}

/// A folder with files in it.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        fs::write(path, text).expect("a file");
    }
    folder
}

fn path(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).to_string_lossy().into_owned()
}

const PLAIN: &str = r#"name = "p"

[[source]]
id = "key"
kind = "environment"
variable = "P_KEY"
surfaces = ["terminal"]
"#;

const HELPED: &str = r#"name = "p"

[[source]]
id = "helper"
kind = "helper"
command = ["/usr/bin/get"]
surfaces = ["terminal"]

[[source]]
id = "renamed"
kind = "environment"
variable = "P_KEY"
consent = "interactive"
surfaces = ["terminal", "web"]
"#;

#[test]
fn the_table_of_the_shipped_policy_is_a_page() {
    let ran = keyrule(&["policy", "matrix", "builtin:claude-code"]);
    assert_eq!((ran.code, ran.words.as_str()), (0, ""));
    assert!(ran.data.lines().count() <= 40, "more than a page");
    let named = rule::name_column("claude-code.toml", &ran.data);
    golden("claude-code.txt", &named);
}

#[test]
fn the_older_page_and_the_current_one_differ_in_so_many_words() {
    let ran = keyrule(&[
        "policy",
        "diff",
        "builtin:claude-code-legacy",
        "builtin:claude-code",
    ]);
    assert_eq!((ran.code, ran.words.as_str()), (0, ""));
    golden("legacy-to-current.txt", &ran.data);
}

#[test]
fn every_case_is_listed_once_and_agrees_with_the_merged_table() {
    let files = folder(&[("p.toml", HELPED)]);
    let file = path(&files, "p.toml");
    let ran = keyrule(&["policy", "matrix", &file, "--full"]);
    assert_eq!(ran.code, 0);
    assert_eq!(
        ran.words,
        "160 cases, and each is as the merged table has it\n"
    );
    let rows: Vec<&str> = ran.data.lines().collect();
    // Eight sessions; the helper is unavailable, failed, fatal or ready; the key is
    // unavailable,
    // failed, or ready and undecided, approved or declined.
    assert_eq!(rows.len(), 1 + 8 * 4 * 5);
    let unique: std::collections::BTreeSet<&&str> = rows.iter().collect();
    assert_eq!(unique.len(), rows.len());
    assert_eq!(
        rows[0],
        "surface,interactive,helper,renamed,outcome,source,refusal"
    );
    assert!(rows.contains(&"terminal,true,unavailable,ready,ask,renamed,"));
    assert!(rows.contains(&"terminal,true,unavailable,ready-declined,refuse,,nothing-usable"));
    assert!(rows.contains(&"terminal,false,unavailable,ready-declined,use,renamed,"));
    assert!(rows.contains(&"terminal,false,failed,ready,refuse,helper,source-failed"));
    assert!(rows.contains(&"web,false,failed,ready,use,renamed,"));

    let json = keyrule(&["policy", "matrix", &file, "--full", "--json"]);
    assert_eq!(json.data.lines().count(), 8 * 4 * 5);
    for line in json.data.lines() {
        let case: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(case["given"]["helper"].is_string(), "{line}");
    }
}

#[test]
fn too_many_cases_are_not_listed_and_the_merged_table_is() {
    let mut text = String::from("name = \"p\"\n");
    for index in 0..30 {
        text.push_str(&format!(
            "[[source]]\nid = \"s{index}\"\nkind = \"environment\"\nvariable = \"K_{index}\"\nsurfaces = [\"terminal\"]\n"
        ));
    }
    let files = folder(&[("p.toml", &text)]);
    let file = path(&files, "p.toml");
    let ran = keyrule(&["policy", "matrix", &file, "--full"]);
    assert_eq!((ran.code, ran.data.as_str()), (1, ""));
    assert!(
        ran.words.starts_with("error[too-many-cases]: "),
        "{}",
        ran.words
    );
    let ran = keyrule(&["policy", "matrix", &file]);
    assert_eq!(ran.code, 0);
    // Each is there or cannot be got; then none is; and four lines of heading.
    assert_eq!(
        ran.data
            .lines()
            .filter(|line| line.contains(" is there "))
            .count(),
        30
    );
}

#[test]
fn json_and_csv_hold_every_row_with_its_rule() {
    let files = folder(&[("p.toml", PLAIN), ("r.toml", "surfaces = [\"web\"]\n")]);
    let (file, restriction) = (path(&files, "p.toml"), path(&files, "r.toml"));
    let ran = keyrule(&["policy", "matrix", &file, "--with", &restriction, "--json"]);
    assert_eq!((ran.code, ran.words.as_str()), (0, ""));
    let table: serde_json::Value = serde_json::from_str(&ran.data).expect("JSON");
    // The restriction leaves no session in which the key counts.
    let rules: Vec<&str> = table["lines"]
        .as_array()
        .expect("lines")
        .iter()
        .flat_map(|line| line["cells"].as_array().expect("cells"))
        .flat_map(|cell| cell["rules"].as_array().expect("rules"))
        .map(|rule| rule.as_str().expect("a rule"))
        .collect();
    assert!(
        rules.contains(&format!("{restriction}:1").as_str()),
        "{rules:?}"
    );
    let ran = keyrule(&["policy", "matrix", &file, "--csv"]);
    let rows: Vec<&str> = ran.data.split_terminator("\r\n").collect();
    // There, failed, absent or blank, in eight sessions; and eight ends.
    assert_eq!(rows.len(), 1 + 8 * 4 + 8);
    assert!(
        rows.contains(
            &format!("terminal,true,key,is there,ready,undecided,use,,present,{file},4").as_str()
        ),
        "{rows:?}"
    );
}

#[test]
fn a_page_loads_nothing_and_shows_text_as_text() {
    let odd = PLAIN.replace(
        "name = \"p\"\n",
        "name = \"p\"\ndescription = \"<img src=x onerror=alert(1)>\"\n",
    );
    let files = folder(&[("p.toml", &odd)]);
    let ran = keyrule(&["policy", "matrix", &path(&files, "p.toml"), "--html"]);
    assert_eq!((ran.code, ran.words.as_str()), (0, ""));
    assert!(!ran.data.contains("<img"), "markup of a policy");
    assert!(ran.data.contains("&lt;img src=x"));
    assert!(ran.data.contains("default-src 'none'"));
    for outside in ["http://", "https://", "src=\"", "href=", "@import", "url("] {
        assert!(!ran.data.contains(outside), "{outside}");
    }
}

#[test]
fn sources_are_matched_by_what_they_read() {
    let files = folder(&[("old.toml", PLAIN), ("new.toml", HELPED)]);
    let (old, new) = (path(&files, "old.toml"), path(&files, "new.toml"));
    let ran = keyrule(&["policy", "diff", &old, &new]);
    assert_eq!((ran.code, ran.words.as_str()), (0, ""));
    let said = |text: &str| assert!(ran.data.contains(text), "{text}\n{}", ran.data);
    said(
        "web, interactive, `renamed` is there, undecided: nothing becomes a question about `renamed`",
    );
    said(
        "terminal, interactive, `renamed` is there, undecided: `renamed` becomes a question about `renamed` (new.toml:13)",
    );
    said("`helper` is there: `renamed`, a refusal or nothing becomes `helper` (new.toml:4)");
}

#[test]
fn a_failure_is_asked_for_by_its_class() {
    let files = folder(&[("p.toml", HELPED), ("r.toml", "drop = [\"renamed\"]\n")]);
    let (file, restriction) = (path(&files, "p.toml"), path(&files, "r.toml"));
    let code = |arguments: &[&str]| {
        let mut all = vec!["policy", "diff", &file, &file];
        all.extend(arguments);
        keyrule(&all).code
    };
    assert_eq!(code(&["--fail-on", "any"]), 0);
    assert_eq!(code(&["--new-with", &restriction]), 0);
    assert_eq!(code(&["--new-with", &restriction, "--fail-on", "any"]), 1);
    // To drop a source that asks takes away a use, and nothing else.
    assert_eq!(
        code(&["--new-with", &restriction, "--fail-on", "widening"]),
        0
    );
    assert_eq!(
        code(&["--old-with", &restriction, "--fail-on", "widening"]),
        1
    );
}

#[test]
fn the_same_source_sent_elsewhere_is_a_change() {
    let sent = |host: &str| {
        format!(
            "{PLAIN}headers = {{ A = \"{{secret}}\" }}\nendpoint = {{ default = \"https://{host}\" }}\n"
        )
    };
    let files = folder(&[
        ("old.toml", &sent("a.example")),
        ("new.toml", &sent("b.example")),
    ]);
    let (old, new) = (path(&files, "old.toml"), path(&files, "new.toml"));
    let ran = keyrule(&["policy", "diff", &old, &new, "--fail-on", "widening"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.data.contains(
            "widening: `key`, endpoint: `https://a.example` becomes `https://b.example` (new.toml:4)"
        ),
        "{}",
        ran.data
    );
}

#[test]
fn a_folder_is_read_as_the_managed_one_is() {
    let files = folder(&[("claude-code.d/10-web.toml", "surfaces = [\"web\"]\n")]);
    let staging = files.path().to_string_lossy().into_owned();
    let ran = keyrule(&["policy", "diff", "builtin:claude-code", &staging]);
    assert_eq!((ran.code, ran.words.as_str()), (0, ""));
    assert!(ran.data.contains("narrowing: "), "{}", ran.data);
    assert!(!ran.data.contains("widening: "), "{}", ran.data);
    let ran = keyrule(&[
        "policy",
        "diff",
        "builtin:claude-code",
        &staging,
        "--policy",
        "other",
    ]);
    assert_eq!(ran.code, 5);
    assert!(ran.words.contains("no policy `other`"), "{}", ran.words);
}

#[test]
fn what_is_wrong_with_both_is_said_of_both() {
    let files = folder(&[
        ("one.toml", "name = \"p\"\nwrong = 1\n"),
        ("two.toml", "name = \"p\"\n[[source]\n"),
    ]);
    let (one, two) = (path(&files, "one.toml"), path(&files, "two.toml"));
    let ran = keyrule(&["policy", "diff", &one, &two]);
    assert_eq!((ran.code, ran.data.as_str()), (5, ""));
    assert!(
        ran.words
            .contains(&format!("{one}:2:1: error[unknown-key]")),
        "{}",
        ran.words
    );
    assert!(ran.words.contains(&format!("{two}:2:")), "{}", ran.words);
    assert_eq!(ran.words.matches("error[policy-invalid]").count(), 2);
}

#[test]
fn what_cannot_be_compared_is_one_clear_error() {
    let files = folder(&[
        ("r.toml", "drop = [\"x\"]\n"),
        ("empty.toml", ""),
        ("empty/x", ""),
    ]);
    for (name, code) in [
        ("missing.toml", "policy-unreadable"),
        ("r.toml", "not-a-policy"),
        ("empty.toml", "policy-empty"),
        ("empty", "nothing-in-folder"),
    ] {
        let ran = keyrule(&["policy", "matrix", &path(&files, name)]);
        assert_eq!((ran.code, ran.data.as_str()), (5, ""), "{name}");
        assert!(
            ran.words.contains(&format!("error[{code}]: ")),
            "{name}: {}",
            ran.words
        );
        assert!(ran.words.contains("hint: "), "{name}: {}", ran.words);
    }
}

/// A policy of two sources whose override is this component, in a folder.
fn overridden(folder: &tempfile::TempDir, name: &str, override_: &str) -> String {
    let bytes = keyrule_tests::case::component(override_);
    let file = format!("{override_}.wasm");
    fs::write(folder.path().join(&file), &bytes).expect("a component");
    let digest = keyrule_tests::case::sha256(&bytes);
    let text = format!(
        "name = \"p\"\n[override]\npath = \"{file}\"\nsha256 = \"{digest}\"\n{}",
        ["first", "second"]
            .map(|id| format!(
                "[[source]]\nid = \"{id}\"\nkind = \"environment\"\nvariable = \"K_{}\"\nsurfaces = [\"terminal\"]\n",
                id.to_uppercase()
            ))
            .concat()
    );
    fs::write(folder.path().join(name), text).expect("a policy");
    path(folder, name)
}

#[test]
fn where_an_override_chooses_every_case_is_gone_through() {
    let files = folder(&[]);
    let file = overridden(&files, "p.toml", "last-usable");
    let ran = keyrule(&["policy", "matrix", &file]);
    assert_eq!((ran.code, ran.words.as_str()), (0, ""));
    // Nine combinations of two sources in eight sessions.
    let said = |text: &str| assert!(ran.data.contains(text), "{text}\n{}", ran.data);
    said("every case, 72;");
    said("\nterminal\n");
    said("  `first` ready and `second` failed or unavailable: use `first`\n");
    said("  `first` ready and `second` ready: use `second`\n");
    said("\ndesktop, remote, web\n  always: refuse (nothing-usable)\n");
    let full = keyrule(&["policy", "matrix", &file, "--full"]);
    assert_eq!(full.code, 0);
    assert_eq!(full.data.lines().count(), 1 + 72);
    assert!(full.data.contains("terminal,false,ready,ready,use,second,"));
    let json = keyrule(&["policy", "matrix", &file, "--json"]);
    let table: serde_json::Value = serde_json::from_str(&json.data).expect("JSON");
    assert_eq!(table["cases"], 72);
    let ran = keyrule(&["policy", "matrix", &file, "--csv"]);
    assert_eq!((ran.code, ran.data.as_str()), (2, ""));
}

#[test]
fn two_overrides_are_compared_case_by_case() {
    let files = folder(&[]);
    let old = overridden(&files, "old.toml", "first");
    let new = overridden(&files, "new.toml", "last-usable");
    let ran = keyrule(&["policy", "diff", &old, &new]);
    assert_eq!((ran.code, ran.words.as_str()), (0, ""));
    let said = |text: &str| assert!(ran.data.contains(text), "{text}\n{}", ran.data);
    // The first is always chosen by the old one, whatever it is worth.
    said("switched: ");
    said("`first` becomes `second`");
    said("widening: ");
    said("a refusal becomes `second`");
    assert!(!ran.data.contains("narrowing: "), "{}", ran.data);
    let same = keyrule(&["policy", "diff", &old, &old, "--fail-on", "any"]);
    assert_eq!(same.code, 0, "{}", same.data);
}

#[test]
fn cases_are_run_with_the_override_beside_them() {
    let files = folder(&[]);
    let file = overridden(&files, "p.toml", "last-usable");
    let tests = "[[case]]\nname = \"the last one\"\n\
        given = { first = \"ready\", second = \"ready\" }\nexpect = { use = \"second\" }\n";
    fs::write(files.path().join("p.test.toml"), tests).expect("tests");
    let ran = keyrule(&["policy", "test", &file]);
    assert_eq!(
        (ran.code, ran.data.as_str()),
        (0, "1 passed\n"),
        "{}",
        ran.words
    );
    // Taking the second source away is noticed through the override.
    let ran = keyrule(&["policy", "test", &file, "--mutate"]);
    assert!(ran.data.contains("noticed"), "{}", ran.data);
    fs::write(files.path().join("last-usable.wasm"), b"another").expect("a file");
    let ran = keyrule(&["policy", "test", &file]);
    assert_eq!((ran.code, ran.data.as_str()), (5, ""));
    assert!(
        ran.words.contains("error[override-digest]"),
        "{}",
        ran.words
    );
}

/// What is not decided and still another: nothing of it may go out unseen.
#[test]
fn what_is_not_decided_is_compared_too() {
    let helper = "name = \"p\"\n[[source]]\nid = \"h\"\nkind = \"helper\"\n\
        command = [\"/bin/get\"]\nsurfaces = [\"terminal\"]\nttl = \"1m\"\n";
    let cases = [
        (
            helper.replace("\"1m\"", "\"10h\""),
            "switched: `h`, token kept for: 60000 ms becomes 36000000 ms",
            false,
        ),
        (
            helper.replace("id = \"h\"", "id = \"other\""),
            "switched: `other`, id: `h` becomes `other`",
            false,
        ),
        (
            helper.replace("[[source]]", "others = \"allow\"\n[[source]]"),
            "widening: the policy, policies that nobody manages: refused becomes allowed",
            true,
        ),
        (
            helper.replace("[[source]]", "exec = { clear = [\"X\"] }\n[[source]]"),
            "switched: the policy, what `exec` clears: nothing becomes `X`",
            false,
        ),
    ];
    for (text, said, widens) in cases {
        let files = folder(&[("old.toml", helper), ("new.toml", &text)]);
        let (old, new) = (path(&files, "old.toml"), path(&files, "new.toml"));
        let ran = keyrule(&["policy", "diff", &old, &new, "--fail-on", "widening"]);
        assert_eq!(ran.code, i32::from(widens), "{said}");
        assert!(ran.data.contains(said), "{said}\n{}", ran.data);
        assert_eq!(
            keyrule(&["policy", "diff", &old, &new, "--fail-on", "any"]).code,
            1
        );
    }
}

#[test]
fn a_folder_about_another_policy_says_which() {
    let files = folder(&[("p.toml", PLAIN)]);
    let staging = files.path().to_string_lossy().into_owned();
    let ran = keyrule(&["policy", "diff", &staging, &staging]);
    assert_eq!(ran.code, 5);
    assert!(ran.words.contains("`--policy p`"), "{}", ran.words);
    let ran = keyrule(&["policy", "diff", &staging, &staging, "--policy", "p"]);
    assert_eq!(ran.code, 0, "{}", ran.words);
}
