use keyrule_contract as wit;

use super::*;
use crate::wire::{Kept, Key, Shape};
use keyrule_credential::secret::Secret;

fn place() -> (tempfile::TempDir, Record) {
    let folder = tempfile::tempdir().unwrap();
    let record = Record::new(folder.path().join("tool"));
    std::fs::create_dir(record.folder()).unwrap();
    (folder, record)
}

fn keep(ours: &mut Ours, name: &str) {
    let key = Key {
        kept_in: None,
        secret: Some(Kept(Secret::new("s3cr3t"))),
        owner: None,
    };
    ours.keys.insert(name.to_owned(), Shape::Good(key));
}

fn save(record: &Record, name: &str) -> Result<Vec<String>, Error> {
    let mut held = record.hold(true)?;
    keep(&mut held.ours, name);
    held.write(None)?;
    Ok(held.notes)
}

fn names(record: &Record) -> Vec<String> {
    record.read().unwrap().0.keys.into_keys().collect()
}

fn files(record: &Record) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(record.folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name != ".credentials.keyrule.lock")
        .collect();
    names.sort();
    names
}

/// The text of a record with these keys.
fn text(keys: &[&str]) -> Vec<u8> {
    let mut ours = Ours::default();
    for key in keys {
        keep(&mut ours, key);
    }
    wire::text(&ours).unwrap().to_vec()
}

/// Writes in place, as where the file is mounted.
fn rewrite(record: &Record, keys: &[&str]) {
    let before = std::fs::read(record.own()).unwrap();
    let reserved = Reserved::new(&record.own(), 0).unwrap();
    let note = recover::rewrite(&record.own(), reserved, &before, &text(keys)).unwrap();
    assert_eq!(note, None);
}

fn sha256(text: &[u8]) -> String {
    use sha2::Digest as _;

    let digest = sha2::Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The copy as it is when its writer is killed right after it.
fn copy(record: &Record, replaces: &[u8], keys: &[&str]) {
    let mut bytes = format!("replaces {}\n", sha256(replaces)).into_bytes();
    bytes.extend_from_slice(&text(keys));
    std::fs::write(recover::copy_of(&record.own()), bytes).unwrap();
}

const OTHERS: &str = r#"{"other": {"token": "not-ours"}}"#;

#[test]
fn a_file_with_entries_of_another_program_is_never_written() {
    let (_folder, record) = place();
    std::fs::write(record.shared(), OTHERS).unwrap();
    save(&record, "a").unwrap();
    assert_eq!(std::fs::read_to_string(record.shared()).unwrap(), OTHERS);
    assert_eq!(names(&record), ["a"]);
    assert_eq!(files(&record), [SHARED, OWN]);
}

#[test]
fn what_was_kept_moves_along_when_another_program_joins_the_file() {
    let (_folder, record) = place();
    let joined = String::from_utf8(text(&["a"])).unwrap();
    let joined = joined.replacen('{', r#"{"other": {}, "#, 1);
    std::fs::write(record.shared(), &joined).unwrap();
    assert_eq!(names(&record), ["a"]);
    save(&record, "b").unwrap();
    assert_eq!(std::fs::read_to_string(record.shared()).unwrap(), joined);
    assert_eq!(names(&record), ["a", "b"]);
}

#[test]
fn a_shared_file_that_holds_nothing_else_is_written_where_it_is() {
    let (_folder, record) = place();
    std::fs::write(record.shared(), text(&["a"])).unwrap();
    save(&record, "b").unwrap();
    assert_eq!(names(&record), ["a", "b"]);
    assert_eq!(files(&record), [SHARED]);
}

#[test]
fn a_damaged_file_is_an_error_until_something_is_kept_and_then_moved_aside() {
    let (_folder, record) = place();
    for (number, (damage, why)) in [
        ("", "ends too early (line 1, column 0)"),
        ("{\"keyrule\": s3cr3t", "is not JSON (line 1, column 13)"),
        (
            r#"{"keyrule": {"version": 1, "logins": 5}}"#,
            "does not have the expected shape (line 1, column 38)",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        std::fs::write(record.own(), damage).unwrap();
        let error = record.read().unwrap_err();
        let expected = format!("`{}` {why}", record.own().display());
        assert_eq!(error.to_string(), expected);
        assert!(record.hold(false).is_err());
        assert_eq!(std::fs::read_to_string(record.own()).unwrap(), damage);
        record.room().unwrap();

        let aside = record
            .folder()
            .join(format!(".credentials.keyrule.damaged-{}.json", number + 1));
        let notes = save(&record, "a").unwrap();
        assert_eq!(
            notes,
            [format!(
                "`{}` {why}; it was moved to `{}`, and a new one was begun",
                record.own().display(),
                aside.display()
            )]
        );
        assert_eq!(std::fs::read_to_string(aside).unwrap(), damage);
        assert_eq!(names(&record), ["a"]);
    }
}

#[test]
fn what_is_not_ours_to_mend_is_an_error_and_stays() {
    let (_folder, record) = place();
    for (path, text, why) in [
        (
            record.own(),
            r#"{"keyrule": {"version": 9, "keys": []}}"#,
            "has an entry `keyrule` of version 9, and this program reads version 1",
        ),
        (record.own(), OTHERS, "holds entries of another program"),
        (record.shared(), "{", "ends too early (line 1, column 1)"),
    ] {
        std::fs::write(&path, text).unwrap();
        let expected = format!("`{}` {why}", path.display());
        assert_eq!(record.read().unwrap_err().to_string(), expected);
        assert_eq!(record.room().unwrap_err().to_string(), expected);
        assert_eq!(save(&record, "a").unwrap_err().to_string(), expected);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        assert_eq!(files(&record).len(), 1);
        std::fs::remove_file(&path).unwrap();
    }
    std::fs::create_dir(record.own()).unwrap();
    let error = save(&record, "a").unwrap_err();
    assert_eq!(error.trouble(), wit::FailureKind::Unreadable);
}

#[test]
fn a_file_that_cannot_be_renamed_onto_is_written_in_place() {
    let (_folder, record) = place();
    save(&record, "a").unwrap();
    rewrite(&record, &["a", "b"]);
    assert_eq!(names(&record), ["a", "b"]);
    assert_eq!(files(&record), [OWN]);
}

#[test]
fn killed_after_the_copy_the_new_text_counts() {
    let (_folder, record) = place();
    save(&record, "old").unwrap();
    let before = std::fs::read(record.own()).unwrap();
    copy(&record, &before, &["old", "new"]);
    assert_eq!(names(&record), ["new", "old"]);
    // The next writer puts it where it belongs.
    save(&record, "more").unwrap();
    assert_eq!(names(&record), ["more", "new", "old"]);
    assert_eq!(files(&record), [OWN]);
}

#[test]
fn killed_while_the_file_is_written_the_copy_counts() {
    let (_folder, record) = place();
    save(&record, "old").unwrap();
    let before = std::fs::read(record.own()).unwrap();
    let new = text(&["old", "new"]);
    // One byte short, it lacks its newline alone and is whole.
    for length in [0, 1, new.len() / 2, new.len() - 2] {
        copy(&record, &before, &["old", "new"]);
        std::fs::write(record.own(), &new[..length]).unwrap();
        assert_eq!(names(&record), ["new", "old"], "{length}");
    }
    let notes = save(&record, "more").unwrap();
    assert_eq!(notes, [""; 0]);
    assert_eq!(names(&record), ["more", "new", "old"]);
    assert_eq!(files(&record), [OWN]);
    // And where it still cannot be renamed onto.
    let before = std::fs::read(record.own()).unwrap();
    copy(&record, &before, &["old", "new"]);
    std::fs::write(record.own(), "{").unwrap();
    rewrite(&record, &["old", "new", "last"]);
    assert_eq!(names(&record), ["last", "new", "old"]);
    assert_eq!(files(&record), [OWN]);
}

#[test]
fn killed_before_the_copy_is_removed_the_file_counts() {
    let (_folder, record) = place();
    save(&record, "old").unwrap();
    let before = std::fs::read(record.own()).unwrap();
    copy(&record, &before, &["new"]);
    std::fs::write(record.own(), text(&["new"])).unwrap();
    assert_eq!(names(&record), ["new"]);
    // Somebody else has written the file since: the copy is of the past.
    std::fs::write(record.own(), text(&["newer"])).unwrap();
    assert_eq!(names(&record), ["newer"]);
    save(&record, "more").unwrap();
    assert_eq!(names(&record), ["more", "newer"]);
    assert_eq!(files(&record), [OWN]);
}

#[test]
fn a_copy_that_is_not_whole_counts_for_nothing() {
    let (_folder, record) = place();
    save(&record, "old").unwrap();
    let before = std::fs::read(record.own()).unwrap();
    let path = recover::copy_of(&record.own());
    copy(&record, &before, &["new"]);
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 5, 40, 73, 74, 80, whole.len() - 2] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert_eq!(names(&record), ["old"], "{length}");
    }
    save(&record, "more").unwrap();
    assert_eq!(files(&record), [OWN]);
}

#[test]
fn room_is_made_for_more_than_there_is() {
    let (_folder, record) = place();
    save(&record, "a").unwrap();
    let length = std::fs::metadata(record.own()).unwrap().len();
    let room = record.room().unwrap();
    let reserved = files(&record)
        .into_iter()
        .find(|name| name.ends_with(".tmp"))
        .unwrap();
    let taken = std::fs::metadata(record.folder().join(reserved)).unwrap();
    assert_eq!(taken.len(), length + u64::try_from(MORE).unwrap());
    let mut held = record.hold(true).unwrap();
    keep(&mut held.ours, "b");
    held.write(Some(room)).unwrap();
    assert_eq!(names(&record), ["a", "b"]);
    assert_eq!(files(&record), [OWN]);
}

/// A key whose text alone has so many bytes.
fn keep_long(ours: &mut Ours, name: &str, length: u64) {
    let key = Key {
        kept_in: None,
        secret: Some(Kept(Secret::new(
            "s".repeat(usize::try_from(length).unwrap()),
        ))),
        owner: None,
    };
    ours.keys.insert(name.to_owned(), Shape::Good(key));
}

#[test]
fn a_file_that_could_not_be_read_again_is_never_written() {
    let (_folder, record) = place();
    save(&record, "a").unwrap();
    let before = std::fs::read(record.own()).unwrap();
    let full = format!(
        "`{}` has no room for more: it is read up to 4194304 bytes",
        record.own().display()
    );
    let mut held = record.hold(true).unwrap();
    keep_long(&mut held.ours, "long", LIMIT);
    let error = held.write(None).unwrap_err();
    assert_eq!(
        (error.code(), error.to_string()),
        ("store-full", full.clone())
    );
    drop(held);
    assert_eq!(std::fs::read(record.own()).unwrap(), before);
    assert_eq!(files(&record), [OWN]);

    // The largest file that is written is read, and so is its copy.
    let mut held = record.hold(true).unwrap();
    keep_long(&mut held.ours, "long", 1);
    let rest = LIMIT - wire::text(&held.ours).unwrap().len() as u64;
    keep_long(&mut held.ours, "long", rest + 1);
    held.write(None).unwrap();
    drop(held);
    assert_eq!(std::fs::metadata(record.own()).unwrap().len(), LIMIT);
    assert_eq!(names(&record), ["a", "long"]);
    let largest = std::fs::read(record.own()).unwrap();
    let digest = sha256(&before);
    std::fs::write(record.own(), &before).unwrap();
    let mut copy = format!("replaces {digest}\n").into_bytes();
    copy.extend_from_slice(&largest);
    std::fs::write(recover::copy_of(&record.own()), copy).unwrap();
    assert_eq!(names(&record), ["a", "long"]);
}

#[test]
fn room_is_refused_where_one_entry_more_could_not_be_read() {
    let (_folder, record) = place();
    let mut held = record.hold(true).unwrap();
    keep_long(&mut held.ours, "long", LIMIT - u64::try_from(MORE).unwrap());
    held.write(None).unwrap();
    drop(held);
    assert_eq!(record.has_room().unwrap_err().code(), "store-full");
    assert_eq!(record.room().unwrap_err().code(), "store-full");
    assert_eq!(files(&record), [OWN]);
    // What the hint says helps.
    let mut held = record.hold(true).unwrap();
    held.ours.keys.remove("long");
    held.write(None).unwrap();
    drop(held);
    record.has_room().unwrap();
}

/// How many bytes of the disk a reservation has taken.
fn length_of(room: &Reserved) -> u64 {
    let folder = atomic::folder_of(room.target());
    let reserved = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let lengths = reserved.map(|entry| entry.metadata().unwrap().len());
    lengths.max().unwrap()
}

#[test]
fn room_is_enough_for_the_longest_login() {
    let (_folder, record) = place();
    let room = record.room().unwrap();
    let reserved = length_of(&room);
    let longest = || Secret::new("\"".repeat(Secret::LONGEST));
    let claims = (0..64).map(|number| {
        let name = format!("{number:02}{}", "\u{1}".repeat(254));
        (name, "\u{1}".repeat(256).into())
    });
    let login = crate::StoredLogin {
        access_token: longest(),
        refresh_token: Some(longest()),
        facts: crate::LoginFacts {
            owner: crate::Owner {
                issuer: "https://login.test".to_owned(),
                account: Some("\u{1}".repeat(256)),
                organization: Some("o".repeat(256)),
                claims: claims.collect(),
            },
            client_id: "cli".to_owned(),
            obtained_at: Some(std::time::SystemTime::now()),
            expires_at: Some(std::time::SystemTime::now()),
            renewable: true,
            ended: false,
        },
    };
    let mut ours = Ours::default();
    let accounts = wire::Accounts {
        selected: None,
        accounts: [(
            "a".to_owned(),
            Shape::Good(crate::entries::login_here(login)),
        )]
        .into(),
    };
    ours.logins.insert("work".to_owned(), Shape::Good(accounts));
    let length = wire::text(&ours).unwrap().len() as u64;
    assert!(length <= reserved, "{length} of {reserved}");
}

#[test]
fn room_that_was_cleaned_away_is_made_again() {
    let (_folder, record) = place();
    save(&record, "a").unwrap();
    let room = record.room().unwrap();
    for name in files(&record) {
        if name.ends_with(".tmp") {
            std::fs::remove_file(record.folder().join(name)).unwrap();
        }
    }
    let mut held = record.hold(true).unwrap();
    keep(&mut held.ours, "b");
    held.write(Some(room)).unwrap();
    assert_eq!(names(&record), ["a", "b"]);
}

#[cfg(unix)]
#[test]
fn files_are_their_owners_alone_again_once_they_are_written() {
    use std::os::unix::fs::PermissionsExt;

    let (folder, _) = place();
    let record = Record::new(folder.path().join("new"));
    save(&record, "a").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let loosen = || {
        let mode = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(record.own(), mode).unwrap();
    };
    assert_eq!(mode(record.folder()), 0o700);
    assert_eq!(mode(&record.own()), 0o600);
    loosen();
    save(&record, "b").unwrap();
    assert_eq!(mode(&record.own()), 0o600);
    loosen();
    rewrite(&record, &["c"]);
    assert_eq!(mode(&record.own()), 0o600);
}
