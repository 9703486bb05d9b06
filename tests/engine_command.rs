//! `keyrule engine inspect | build`, through the command line and on files.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use keyrule::ambient::Ambient;
use keyrule_cli::{Streams, run};
use keyrule_tests::case::{component, sha256};

/// A folder, and what was said there.
struct Here(tempfile::TempDir);

impl Here {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// Exit code, stdout and stderr, in which the folder is `HERE`.
    fn keyrule(&self, arguments: &[&dyn AsRef<Path>]) -> (i32, String, String) {
        let (mut output, mut words) = (Vec::new(), Vec::new());
        let mut line: Vec<OsString> = ["keyrule", "engine"].map(OsString::from).to_vec();
        line.extend(
            arguments
                .iter()
                .map(|word| word.as_ref().as_os_str().into()),
        );
        let exit = run(
            line,
            Ambient::empty(),
            &mut Streams {
                input_is_terminal: false,
                output: &mut output,
                output_is_terminal: false,
                words: &mut words,
                words_is_terminal: false,
                width: None,
            },
        );
        let here = self.0.path().to_string_lossy().into_owned();
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(&here, "HERE");
        (exit, text(output), text(words))
    }

    fn names(&self) -> Vec<String> {
        let entries = keyrule_tests::case::list(self.0.path());
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        entries.iter().map(name).collect()
    }
}

#[test]
fn an_override_is_described_with_the_lines_that_name_it() {
    let here = Here::new();
    let bytes = component("first");
    let file = here.file("first.wasm", &bytes);
    let (size, digest) = (bytes.len(), sha256(&bytes));
    let said = format!(
        "file     HERE/first.wasm\nsize     {size} bytes\nsha256   {digest}\n\
         world    policy-override\nexports  keyrule:policy/chooser@0.2.0\nimports  none\n\n\
         [override]\npath = \"HERE/first.wasm\"\nsha256 = \"{digest}\"\n"
    );
    assert_eq!(here.keyrule(&[&"inspect", &file]), (0, said, String::new()));

    let (exit, json, words) = here.keyrule(&[&"inspect", &file, &"--json"]);
    let shown: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!((exit, words.as_str()), (0, ""));
    assert_eq!(
        shown,
        serde_json::json!({
            "version": 2,
            "path": "HERE/first.wasm",
            "size": size,
            "sha256": digest,
            "world": "policy-override",
            "imports": [],
            "exports": ["keyrule:policy/chooser@0.2.0"],
        })
    );
}

#[test]
fn an_engine_is_one_and_is_named_by_no_policy() {
    let here = Here::new();
    let (exit, said, _) = here.keyrule(&[&"inspect", &"../guest/prebuilt/policy.wasm"]);
    assert_eq!(exit, 0);
    assert!(said.contains("world    policy-engine\n"), "{said}");
    assert!(!said.contains("[override]"), "{said}");
}

#[test]
fn what_no_policy_can_name_is_described_and_refused() {
    let here = Here::new();
    let file = here.file("import.wasm", &component("import"));
    let (exit, said, words) = here.keyrule(&[&"inspect", &file]);
    assert_eq!(exit, 5);
    assert!(said.contains("imports  leak\n"), "{said}");
    assert!(!said.contains("[override]"), "{said}");
    assert!(
        words.starts_with(
            "error[override-imports]: `HERE/import.wasm` imports `leak`, and an override imports \
             nothing\nhint: build it without"
        ),
        "{words}"
    );

    let file = here.file("other.wasm", &component("next-version"));
    let (exit, said, words) = here.keyrule(&[&"inspect", &file]);
    assert_eq!(exit, 5);
    assert!(
        said.contains("world    none that keyrule knows\n"),
        "{said}"
    );
    assert!(
        words.starts_with("error[override-wrong-world]: "),
        "{words}"
    );
}

#[test]
fn what_is_no_component_is_refused() {
    let here = Here::new();
    let module = here.file("m.wasm", &component("first.module"));
    let text = here.file("x.txt", b"text");
    for (file, code, hint) in [
        (
            &module,
            "override-not-a-component",
            "hint: make a component of it: `keyrule engine build HERE/m.wasm`\n",
        ),
        (
            &text,
            "override-not-a-component",
            "hint: build it for the world `policy-override`, which `keyrule engine wit` prints\n",
        ),
        (
            &here.path("none"),
            "override-missing",
            "hint: mend the path\n",
        ),
        (
            &here.path(""),
            "override-not-a-file",
            "hint: mend the path\n",
        ),
    ] {
        let (exit, said, words) = here.keyrule(&[&"inspect", file]);
        assert_eq!((exit, said.as_str()), (5, ""));
        assert!(words.starts_with(&format!("error[{code}]: ")), "{words}");
        assert!(words.ends_with(hint), "{words}");
    }
}

#[test]
fn a_component_is_made_of_a_module_beside_it() {
    let here = Here::new();
    let module = here.file("m.wasm", &component("first.module"));
    let (exit, said, words) = here.keyrule(&[&"build", &module]);
    assert_eq!((exit, words.as_str()), (0, ""));
    assert_eq!(here.names(), ["m.component.wasm", "m.wasm"]);
    assert_eq!(fs::read(&module).unwrap(), component("first.module"));
    let made = fs::read(here.path("m.component.wasm")).unwrap();
    assert!(
        said.contains(&format!("sha256 = \"{}\"\n", sha256(&made))),
        "{said}"
    );
    // Again, to a place of its own, it is the same.
    let other = here.path("other.wasm");
    assert_eq!(here.keyrule(&[&"build", &module, &"-o", &other]).0, 0);
    assert_eq!(fs::read(other).unwrap(), made);
}

#[test]
fn a_module_is_never_overwritten() {
    let here = Here::new();
    let module = here.file("m.wasm", &component("first.module"));
    fs::hard_link(&module, here.path("link.wasm")).unwrap();
    for output in [
        module.clone(),
        here.path("./m.wasm"),
        here.path("link.wasm"),
    ] {
        let (exit, said, words) = here.keyrule(&[&"build", &module, &"-o", &output]);
        assert_eq!((exit, said.as_str()), (5, ""));
        assert_eq!(
            words,
            "error[component-not-made]: the component would take the place of its module\n\
             hint: name another file with `-o FILE`\n"
        );
    }
    assert_eq!(fs::read(&module).unwrap(), component("first.module"));
}

#[test]
fn nothing_is_written_where_no_component_can_be_made() {
    let here = Here::new();
    // A module that says nothing of its world.
    let bare = here.file("bare.wasm", b"\0asm\x01\0\0\0");
    let component = here.file("c.wasm", &component("first"));
    let text = here.file("x.txt", b"text");
    for (file, code) in [
        (&bare, "override-wrong-world"),
        (&component, "component-not-made"),
        (&text, "override-not-a-component"),
    ] {
        let (exit, said, words) = here.keyrule(&[&"build", file]);
        assert_eq!((exit, said.as_str()), (5, ""), "{words}");
        assert!(words.starts_with(&format!("error[{code}]: ")), "{words}");
        assert!(words.contains("\nhint: "), "{words}");
    }
    assert_eq!(here.names(), ["bare.wasm", "c.wasm", "x.txt"]);
}
