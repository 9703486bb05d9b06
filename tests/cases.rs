//! Every folder in `tests/cases`, on the core natively and through the
//! component: both must come to the same, and to what is expected.
//! `UPDATE_EXPECT=1` writes what they came to; review it like code.

use std::fs;
use std::path::Path;

use keyrule_tests::case::{self, list};
use keyrule_tests::native;

#[test]
fn every_case_comes_to_what_is_expected_on_both_engines() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    let cases = list(&folder);
    assert!(cases.len() >= 80, "there are {} cases", cases.len());
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    for case in &cases {
        let component = case::run(case, keyrule_engine::load_builtin);
        let native = case::run(case, native::load);
        if component != native {
            wrong.push(format!(
                "{}: the engines differ\n--- native\n{native}\n--- component\n{component}",
                case.display()
            ));
        }
        let golden = case.join("expect.txt");
        if update {
            fs::write(&golden, &component).expect("a golden file");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if component != expected {
            wrong.push(format!(
                "{}\n--- expected\n{expected}\n--- came to\n{component}",
                case.display()
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n\n")
    );
}
