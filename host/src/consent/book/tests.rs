//! Answers kept in real files.

use super::*;

struct Place {
    _home: tempfile::TempDir,
    folder: PathBuf,
    book: ConsentBook,
}

fn place_for_a_book() -> Place {
    let home = tempfile::tempdir().unwrap();
    let mut ambient = Ambient::empty();
    ambient.home = Some(home.path().to_path_buf());
    Place {
        folder: ambient.state_folder().unwrap(),
        book: ConsentBook::open(&ambient),
        _home: home,
    }
}

const CANARY: &str = "s3cr3t-canary-0123456789abcdef";
const GATEWAY: Option<&str> = Some("https://gw.test");

fn canary() -> Secret {
    Secret::new(CANARY)
}

impl Place {
    fn remember(&self, source: &str, answer: Answer) {
        self.book
            .remember("policy", source, GATEWAY, &canary(), answer)
            .unwrap();
    }

    fn recall(&self, source: &str) -> Result<Consent, Error> {
        self.book.recall("policy", source, GATEWAY, &canary())
    }

    fn names(&self) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(&self.folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

#[test]
fn nothing_is_decided_at_first_and_nothing_is_made() {
    let place = place_for_a_book();
    assert_eq!(place.recall("key").unwrap(), Consent::Undecided);
    assert_eq!(place.book.list().unwrap(), []);
    assert_eq!(
        place.book.forget(Forget::All).unwrap(),
        Forgotten::default()
    );
    place.remember("key", Answer::Cancel);
    assert!(!place.folder.exists());
}

#[test]
fn an_answer_holds_for_exactly_what_it_was_about() {
    let place = place_for_a_book();
    place.remember("key", Answer::Use);
    assert_eq!(place.recall("key").unwrap(), Consent::Approved);
    let recall = |policy, source, origin, value: &str| {
        place
            .book
            .recall(policy, source, origin, &Secret::new(value))
            .unwrap()
    };
    for (policy, source, origin, value) in [
        ("other", "key", GATEWAY, CANARY),
        ("policy", "other", GATEWAY, CANARY),
        ("policy", "key", None, CANARY),
        ("policy", "key", Some("https://gw.test:444"), CANARY),
        ("policy", "key", GATEWAY, "s3cr3t-canary-rotated"),
    ] {
        assert_eq!(recall(policy, source, origin, value), Consent::Undecided);
    }
}

#[test]
fn a_newer_answer_takes_the_place_of_an_older_one() {
    let place = place_for_a_book();
    for (answer, consent) in [
        (Answer::UseAndKeep, Consent::Approved),
        (Answer::Decline, Consent::Declined),
        (Answer::Use, Consent::Approved),
    ] {
        place.remember("key", answer);
        assert_eq!(place.recall("key").unwrap(), consent);
        assert_eq!(place.book.list().unwrap().len(), 1);
    }
}

#[test]
fn answers_about_two_values_of_a_source_live_side_by_side() {
    let place = place_for_a_book();
    place.remember("key", Answer::Use);
    let other = Secret::new("s3cr3t-other");
    place
        .book
        .remember("policy", "key", GATEWAY, &other, Answer::Decline)
        .unwrap();
    assert_eq!(place.recall("key").unwrap(), Consent::Approved);
    let recalled = place.book.recall("policy", "key", GATEWAY, &other);
    assert_eq!(recalled.unwrap(), Consent::Declined);
}

#[test]
fn of_many_rotated_values_the_oldest_are_forgotten() {
    let place = place_for_a_book();
    place.remember("elsewhere", Answer::Decline);
    for number in 0..MOST + 3 {
        let value = Secret::new(format!("s3cr3t-{number}"));
        place
            .book
            .remember("policy", "key", GATEWAY, &value, Answer::Use)
            .unwrap();
    }
    assert_eq!(place.book.list().unwrap().len(), MOST + 1);
    let recall = |number: usize| {
        let value = Secret::new(format!("s3cr3t-{number}"));
        place.book.recall("policy", "key", GATEWAY, &value).unwrap()
    };
    assert_eq!(recall(2), Consent::Undecided);
    assert_eq!(recall(3), Consent::Approved);
    assert_eq!(place.recall("elsewhere").unwrap(), Consent::Declined);
}

#[test]
fn the_list_names_what_was_answered_when() {
    let place = place_for_a_book();
    let before = SystemTime::now() - Duration::from_secs(2);
    place.remember("key", Answer::Decline);
    let mut list = place.book.list().unwrap();
    assert!(list[0].when >= before && list[0].when <= SystemTime::now());
    list[0].when = UNIX_EPOCH;
    assert_eq!(
        list,
        [Remembered {
            policy: "policy".to_owned(),
            source: "key".to_owned(),
            origin: GATEWAY.map(str::to_owned),
            approved: false,
            when: UNIX_EPOCH,
        }]
    );
}

#[test]
fn no_part_of_the_value_is_in_the_files() {
    let place = place_for_a_book();
    place.remember("key", Answer::Use);
    for name in place.names() {
        let bytes = std::fs::read(place.folder.join(&name)).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for length in 6..=CANARY.len() {
            assert!(!text.contains(&CANARY[..length]), "{name}");
            assert!(!text.contains(&CANARY[CANARY.len() - length..]), "{name}");
        }
    }
    let printed = format!("{:?} {:?}", place.book, place.book.list().unwrap());
    assert!(!printed.contains("canary"));
}

#[test]
fn an_answer_that_was_edited_in_the_file_is_no_answer() {
    let place = place_for_a_book();
    place.remember("key", Answer::Decline);
    let path = place.folder.join("consents.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("declined", "approved")).unwrap();
    assert_eq!(place.recall("key").unwrap(), Consent::Undecided);
}

#[test]
fn one_source_is_forgotten_or_all() {
    let place = place_for_a_book();
    for source in ["a", "b", "c"] {
        place.remember(source, Answer::Use);
    }
    let forget = |what| place.book.forget(what).unwrap().count;
    let source = |policy, source| Forget::Source { policy, source };
    assert_eq!(forget(source("other", "a")), 0);
    assert_eq!(forget(source("policy", "a")), 1);
    assert_eq!(place.recall("a").unwrap(), Consent::Undecided);
    assert_eq!(place.recall("b").unwrap(), Consent::Approved);
    assert_eq!(forget(Forget::All), 2);
    assert_eq!(place.book.list().unwrap(), []);
    assert_eq!(
        place.names(),
        ["consent.key", "consent.lock", "consents.json"]
    );
}

#[test]
fn a_damaged_book_is_an_error_until_it_is_set_aside() {
    let place = place_for_a_book();
    let path = place.folder.join("consents.json");
    for (number, (text, why)) in [
        ("", "ends too early (line 1, column 0)"),
        ("{\"version\": 1, ", "ends too early (line 1, column 15)"),
        (
            "{\"version\": 2, \"consents\": []}",
            "is of version 2, and this program reads version 1",
        ),
        (
            "{\"version\": 1, \"consents\": [\"s3cr3t\"]}",
            "does not have the expected shape (line 1, column 36)",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        place.remember("key", Answer::Use);
        std::fs::write(&path, text).unwrap();
        let expected = format!("`{}` {why}", path.display());
        let error = place.recall("key").unwrap_err();
        assert_eq!(
            (error.to_string(), error.code()),
            (expected.clone(), "consent-damaged")
        );
        let (secret, answer) = (canary(), Answer::Use);
        let errors = [
            place
                .book
                .remember("policy", "key", GATEWAY, &secret, answer)
                .unwrap_err(),
            place.book.list().unwrap_err(),
            place
                .book
                .forget(Forget::Source {
                    policy: "policy",
                    source: "key",
                })
                .unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.to_string(), expected);
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        let aside = place
            .folder
            .join(format!("consents.json.set-aside-{}", number + 1));
        assert_eq!(
            place.book.forget(Forget::All).unwrap(),
            Forgotten {
                count: 0,
                set_aside: vec![aside.clone()],
            }
        );
        assert_eq!(std::fs::read_to_string(&aside).unwrap(), text);
        assert_eq!(place.recall("key").unwrap(), Consent::Undecided);
    }
}

#[test]
fn a_key_that_is_gone_or_damaged_is_an_error_until_all_is_forgotten() {
    let place = place_for_a_book();
    let path = place.folder.join("consent.key");
    for (damage, code) in [
        (None, "consent-key-missing"),
        (Some(""), "consent-damaged"),
        (Some("short"), "consent-damaged"),
        (
            Some("much longer than thirty-two bytes of key"),
            "consent-damaged",
        ),
    ] {
        place.remember("key", Answer::Use);
        match damage {
            None => std::fs::remove_file(&path).unwrap(),
            Some(text) => std::fs::write(&path, text).unwrap(),
        }
        assert_eq!(place.recall("key").unwrap_err().code(), code);
        let answer = Answer::Use;
        let error = place
            .book
            .remember("policy", "key", GATEWAY, &canary(), answer)
            .unwrap_err();
        assert_eq!(error.code(), code);
        assert_eq!(place.book.list().unwrap().len(), 1);
        let forgotten = place.book.forget(Forget::All).unwrap();
        assert_eq!(forgotten.count, 1);
        assert_eq!(forgotten.set_aside.len(), usize::from(damage.is_some()));
        place.remember("key", Answer::Use);
        assert_eq!(place.recall("key").unwrap(), Consent::Approved);
    }
}

#[test]
fn a_folder_in_place_of_the_book_is_unreadable() {
    let place = place_for_a_book();
    place.remember("key", Answer::Use);
    let path = place.folder.join("consents.json");
    std::fs::remove_file(&path).unwrap();
    std::fs::create_dir(&path).unwrap();
    let error = place.recall("key").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("`{}` is not a regular file", path.display())
    );
    assert_eq!(error.code(), "consent-unreadable");
}

#[test]
fn without_a_home_nothing_is_remembered_and_nothing_recalled() {
    let book = ConsentBook::open(&Ambient::empty());
    let recalled = book.recall("policy", "key", None, &canary());
    assert_eq!(recalled.unwrap(), Consent::Undecided);
    let error = book
        .remember("policy", "key", None, &canary(), Answer::Use)
        .unwrap_err();
    assert_eq!(error.code(), "consent-no-place");
    assert_eq!(book.list().unwrap(), []);
    assert_eq!(book.forget(Forget::All).unwrap(), Forgotten::default());
}

#[test]
fn a_home_that_is_a_file_cannot_be_written_and_holds_nothing() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let mut ambient = Ambient::empty();
    ambient.home = Some(file);
    let book = ConsentBook::open(&ambient);
    let recalled = book.recall("policy", "key", None, &canary());
    assert_eq!(recalled.unwrap(), Consent::Undecided);
    let error = book
        .remember("policy", "key", None, &canary(), Answer::Use)
        .unwrap_err();
    assert_eq!(error.code(), "consent-not-writable");
    assert_eq!(book.forget(Forget::All).unwrap(), Forgotten::default());
}

#[test]
fn many_that_remember_at_once_lose_nothing() {
    let place = place_for_a_book();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let place = &place;
            scope.spawn(move || {
                for turn in 0..5 {
                    place.remember(&format!("{writer}-{turn}"), Answer::Use);
                }
            });
        }
    });
    assert_eq!(place.book.list().unwrap().len(), 20);
    for writer in 0..4 {
        for turn in 0..5 {
            let consent = place.recall(&format!("{writer}-{turn}")).unwrap();
            assert_eq!(consent, Consent::Approved);
        }
    }
}

#[cfg(unix)]
mod modes {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn the_folder_and_the_files_are_their_owners_alone() {
        let place = place_for_a_book();
        place.remember("key", Answer::Use);
        assert_eq!(mode(&place.folder), 0o700);
        for name in place.names() {
            assert_eq!(mode(&place.folder.join(&name)), 0o600, "{name}");
        }
    }

    #[test]
    fn what_others_can_read_is_believed() {
        let place = place_for_a_book();
        place.remember("key", Answer::Use);
        let path = place.folder.join("consent.key");
        set_mode(&path, 0o644);
        assert_eq!(place.recall("key").unwrap(), Consent::Approved);
    }

    #[test]
    fn what_others_can_write_is_not_believed() {
        let place = place_for_a_book();
        place.remember("key", Answer::Use);
        for (path, before) in [
            (place.folder.join("consents.json"), 0o600),
            (place.folder.join("consent.key"), 0o600),
            (place.folder.clone(), 0o700),
        ] {
            set_mode(&path, 0o770);
            let error = place.recall("key").unwrap_err();
            assert_eq!(
                (error.to_string(), error.code()),
                (
                    format!(
                        "`{}` can be changed by other users (its mode is 0770)",
                        path.display()
                    ),
                    "consent-untrusted"
                )
            );
            set_mode(&path, before);
            assert_eq!(place.recall("key").unwrap(), Consent::Approved);
        }
    }
}

#[test]
fn a_book_that_could_not_be_read_again_is_never_written() {
    let place = place_for_a_book();
    place.remember("key", Answer::Use);
    let path = place.folder.join("consents.json");
    let before = std::fs::read(&path).unwrap();
    let long = "s".repeat(usize::try_from(super::super::files::LIMIT).unwrap());
    let error = place
        .book
        .remember("policy", &long, GATEWAY, &canary(), Answer::Use)
        .unwrap_err();
    assert_eq!(error.code(), "consent-full");
    assert_eq!(
        error.to_string(),
        format!(
            "`{}` has no room for more: it is read up to 4194304 bytes",
            path.display()
        )
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
    assert_eq!(place.recall("key").unwrap(), Consent::Approved);
}
