use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::UNIX_EPOCH;

use super::*;
use crate::index::leave;
use crate::vault::fake::FakeVault;
use crate::{LoginFacts, Owner, Select, StoredKey, StoredLogin};
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;

struct Place {
    _folder: tempfile::TempDir,
    vault: Arc<FakeVault>,
    /// A store whose policy names the file.
    file: LocalStore,
    /// A store whose policy names the keyring.
    keyring: LocalStore,
    /// The same with the file to stand in.
    either: LocalStore,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    let tool = folder.path().join("tool");
    std::fs::create_dir(&tool).unwrap();
    let vault = Arc::new(FakeVault::default());
    let file = LocalStore {
        record: Record::new(tool),
        usual: wit::StoreKind::File,
        fallback: None,
        vault: vault.clone(),
        limit: Duration::from_secs(60),
    };
    let keyring = LocalStore {
        usual: wit::StoreKind::Keyring,
        ..file.clone()
    };
    let either = LocalStore {
        fallback: Some(wit::StoreKind::File),
        ..keyring.clone()
    };
    Place {
        _folder: folder,
        vault,
        file,
        keyring,
        either,
    }
}

impl Place {
    fn text(&self) -> String {
        std::fs::read_to_string(self.file.record.own()).unwrap_or_default()
    }

    fn calls(&self) -> usize {
        self.vault.calls.load(Ordering::SeqCst)
    }

    fn fail(&self, fault: Option<Fault>) {
        *self.vault.fault.lock().unwrap() = fault;
    }
}

fn key(value: &str) -> Entry {
    Entry::Key(StoredKey {
        secret: Secret::new(value),
        owner: None,
    })
}

fn login(access: &str) -> StoredLogin {
    StoredLogin {
        access_token: Secret::new(access),
        refresh_token: Some(Secret::new("s3cr3t-refresh")),
        facts: LoginFacts {
            owner: Owner {
                issuer: "https://login.test".to_owned(),
                account: Some("ada@example.test".to_owned()),
                organization: Some("org".to_owned()),
                claims: BTreeMap::from([("team".to_owned(), "blue".into())]),
            },
            client_id: "sample".to_owned(),
            obtained_at: Some(UNIX_EPOCH + Duration::from_secs(1_700_000_000)),
            expires_at: Some(UNIX_EPOCH + Duration::from_secs(1_800_000_000)),
            renewable: true,
            ended: false,
        },
    }
}

fn value(entry: Option<Entry>) -> Option<String> {
    let secret = match entry? {
        Entry::Key(key) => key.secret,
        Entry::Login(login) => login.access_token,
    };
    Some(String::from_utf8(handout::to_keep(&secret).to_vec()).unwrap())
}

fn loaded(store: &LocalStore, slot: &Slot) -> Option<String> {
    value(store.load(slot).unwrap())
}

fn kept(store: &LocalStore) -> Vec<(Shelf, String)> {
    let listed = store.list().unwrap().into_iter();
    listed.map(|one| (one.slot.shelf, one.slot.name)).collect()
}

#[test]
fn nothing_is_kept_at_first_and_nothing_is_made() {
    let place = place();
    let folder = place.file.record.folder();
    std::fs::remove_dir(folder).unwrap();
    for store in [&place.file, &place.keyring] {
        assert!(store.load(&Slot::key("a")).unwrap().is_none());
        assert!(store.peek(&Slot::login("a")).unwrap().is_none());
        assert_eq!(kept(store), []);
        assert!(!store.delete(&Slot::key("a")).unwrap());
        assert!(!store.select("a", "b").unwrap());
    }
    assert!(!folder.exists());
    assert_eq!(place.calls(), 0);
}

#[test]
fn keys_and_logins_come_back_as_they_were_kept() {
    for of in [
        |place: &Place| place.file.clone(),
        |place: &Place| place.keyring.clone(),
    ] {
        let place = place();
        let store = of(&place);
        let ada = Slot::account("a", "ada@example.test");
        store.save(&Slot::key("a"), &key("s3cr3t-a")).unwrap();
        store.save(&Slot::key("b"), &key("s3cr3t-b")).unwrap();
        let saved = store.save(&ada, &Entry::Login(login("s3cr3t-access")));
        assert_eq!(saved.unwrap().notes, [""; 0]);
        let names = [
            (Shelf::Keys, "a".to_owned()),
            (Shelf::Keys, "b".to_owned()),
            (Shelf::Logins, "a".to_owned()),
        ];
        assert_eq!(kept(&store), names);
        assert_eq!(loaded(&store, &Slot::key("a")).as_deref(), Some("s3cr3t-a"));
        let Some(Entry::Login(read)) = store.load(&Slot::login("a")).unwrap() else {
            panic!("a login");
        };
        let expected = login("").facts;
        assert_eq!(read.facts.obtained_at, expected.obtained_at);
        assert_eq!(read.facts.expires_at, expected.expires_at);
        assert_eq!(read.facts.owner.account, expected.owner.account);
        assert_eq!(read.facts.owner.organization, expected.owner.organization);
        assert_eq!(read.facts.owner.claims, expected.owner.claims);
        assert!(read.facts.renewable);
        assert_eq!(
            read.refresh_token.as_ref().map(handout::to_keep),
            Some(b"s3cr3t-refresh".as_slice())
        );
        assert!(!format!("{store:?} {read:?}").contains("s3cr3t"));
        assert!(!format!("{read:?}").contains("ada"));

        assert!(store.delete(&Slot::key("a")).unwrap());
        assert!(!store.delete(&Slot::key("a")).unwrap());
        assert_eq!(kept(&store), names[1..]);
        assert!(store.delete(&Slot::login("a")).unwrap());
        assert!(store.delete(&Slot::key("b")).unwrap());
        assert_eq!(kept(&store), []);
        assert_eq!(place.vault.names(), [""; 0]);
        assert!(!place.text().contains("s3cr3t"));
    }
}

#[test]
fn the_record_of_what_is_in_the_keyring_holds_no_secret_and_a_look_does_not_open_it() {
    let place = place();
    let store = &place.keyring;
    store.save(&Slot::key("a"), &key("s3cr3t-a")).unwrap();
    let ada = Slot::account("w", "ada");
    store.save(&ada, &Entry::Login(login("s3cr3t-b"))).unwrap();
    assert!(!place.text().contains("s3cr3t"), "{}", place.text());
    assert!(place.text().contains(r#""kept_in": "keyring""#));
    assert!(!place.text().contains("left_in_keyring"));
    let before = place.calls();
    let known = store.peek(&Slot::login("w")).unwrap().unwrap();
    assert_eq!(known.kept_in, wit::StoreKind::Keyring);
    assert!(known.secret.is_none());
    let crate::Facts::Login(facts) = known.facts else {
        panic!("a login");
    };
    assert!(facts.renewable);
    assert_eq!(facts.expires_at, login("").facts.expires_at);
    assert_eq!(store.list().unwrap().len(), 2);
    assert!(store.select("w", "ada").unwrap());
    store.renewal_lock(&ada).unwrap();
    assert_eq!(store.whereabouts().unwrap(), "the keyring");
    assert_eq!(place.calls(), before);
}

#[test]
fn what_a_killed_writer_put_into_the_keyring_counts() {
    let place = place();
    let store = &place.keyring;
    let ada = Slot::account("w", "ada");
    store
        .save(&ada, &Entry::Login(login("s3cr3t-old")))
        .unwrap();
    // A renewal that was killed between the keyring and the record.
    let before = place.text();
    let mut newer = login("s3cr3t-new");
    newer.facts.expires_at = Some(UNIX_EPOCH + Duration::from_secs(1_900_000_000));
    let room = store.prepare(&ada).unwrap();
    room.commit(&Entry::Login(newer.clone()), Select::Keep)
        .unwrap();
    std::fs::write(store.record.own(), before).unwrap();
    let Some(Entry::Login(read)) = store.load(&ada).unwrap() else {
        panic!("a login");
    };
    assert_eq!(handout::to_keep(&read.access_token), b"s3cr3t-new");
    assert_eq!(read.facts.expires_at, newer.facts.expires_at);
    // A removal that was killed there.
    place.vault.texts.lock().unwrap().clear();
    assert!(store.load(&ada).unwrap().is_none());
    assert!(store.delete(&ada).unwrap());
    assert_eq!(kept(store), []);
}

#[test]
fn what_was_new_in_the_keyring_when_its_writer_was_killed_is_removed_by_the_next_one() {
    let place = place();
    let store = &place.keyring;
    let mut held = store.record.hold(true).unwrap();
    leave(&mut held.ours, "key lost · 1");
    held.write(None).unwrap();
    drop(held);
    place
        .vault
        .texts
        .lock()
        .unwrap()
        .insert("key lost · 1".to_owned(), "x".to_owned());
    assert_eq!(store.oddities().unwrap().len(), 1);
    store.save(&Slot::key("a"), &key("s3cr3t")).unwrap();
    assert_eq!(place.vault.names().len(), 1);
    assert!(!place.text().contains("lost"));
    assert_eq!(store.oddities().unwrap(), [""; 0]);
}

#[test]
fn nothing_stands_in_for_a_keyring_that_fails_unless_the_policy_says_so() {
    for fault in [
        Fault::Locked,
        Fault::Missing,
        Fault::NoCollection,
        Fault::TooLong(2560),
        Fault::Other,
    ] {
        let place = place();
        for save_alone in [false, true] {
            if save_alone {
                place.fail(None);
                *place.vault.save_fault.lock().unwrap() = Some(fault);
            } else {
                place.fail(Some(fault));
            }
            let error = place
                .keyring
                .save(&Slot::key("a"), &key("s3cr3t"))
                .unwrap_err();
            assert_eq!(error.to_string(), keyring::error(fault).to_string());
            assert!(!place.file.record.own().exists());
        }
        let saved = place.either.save(&Slot::key("a"), &key("s3cr3t")).unwrap();
        assert_eq!(saved.kept_in, wit::StoreKind::File);
        assert_eq!(
            saved.notes,
            [format!(
                "{}; the policy lets `{}` stand in for it, and it is kept there",
                keyring::error(fault),
                place.file.record.own().display()
            )]
        );
        assert_eq!(
            loaded(&place.either, &Slot::key("a")).as_deref(),
            Some("s3cr3t")
        );
        assert!(!place.text().contains("left_in_keyring"));
    }
}

#[test]
fn a_keyring_that_is_silent_may_still_take_what_it_was_given() {
    let place = place();
    let hasty = LocalStore {
        limit: Duration::from_secs(1),
        ..place.either.clone()
    };
    place
        .keyring
        .save(&Slot::key("other"), &key("s3cr3t"))
        .unwrap();
    let room = hasty.prepare(&Slot::key("a")).unwrap();
    let gate = place.vault.save_gate.lock().unwrap();
    let saved = room.commit(&key("s3cr3t-a"), Select::Yes).unwrap();
    assert_eq!(saved.kept_in, wit::StoreKind::File);
    assert_eq!(
        loaded(&place.keyring, &Slot::key("a")).as_deref(),
        Some("s3cr3t-a")
    );
    // It is removed from there in time.
    drop(gate);
    while place.vault.abandoned.load(Ordering::Acquire) > 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(place.text().contains("left_in_keyring"));
    place
        .keyring
        .save(&Slot::key("other"), &key("s3cr3t"))
        .unwrap();
    assert_eq!(place.vault.names().len(), 1);
    assert!(!place.text().contains("left_in_keyring"));
}

#[test]
fn a_move_leaves_no_copy_behind() {
    let place = place();
    let slot = Slot::key("a");
    place.file.save(&slot, &key("s3cr3t-1")).unwrap();
    place.keyring.save(&slot, &key("s3cr3t-2")).unwrap();
    assert!(!place.text().contains("s3cr3t"));
    assert_eq!(loaded(&place.file, &slot).as_deref(), Some("s3cr3t-2"));
    let saved = place.file.save(&slot, &key("s3cr3t-3")).unwrap();
    assert_eq!(
        (saved.kept_in, saved.notes.len()),
        (wit::StoreKind::File, 0)
    );
    assert_eq!(place.vault.names(), [""; 0]);
    assert_eq!(loaded(&place.keyring, &slot).as_deref(), Some("s3cr3t-3"));
    assert!(!place.text().contains("left_in_keyring"));
}

#[test]
fn what_cannot_be_removed_from_the_keyring_now_is_removed_later() {
    let place = place();
    let slot = Slot::key("a");
    place.keyring.save(&slot, &key("s3cr3t-1")).unwrap();
    place.fail(Some(Fault::Locked));
    let error = place.keyring.delete(&slot).unwrap_err();
    assert_eq!(error.trouble(), wit::FailureKind::Locked);
    assert_eq!(kept(&place.keyring).len(), 1);
    let saved = place.file.save(&slot, &key("s3cr3t-2")).unwrap();
    assert_eq!(saved.notes.len(), 1);
    assert_eq!(place.vault.names().len(), 1);
    assert_eq!(loaded(&place.file, &slot).as_deref(), Some("s3cr3t-2"));
    place.fail(None);
    assert!(place.file.delete(&slot).unwrap());
    assert_eq!(place.vault.names(), [""; 0]);
    assert!(!place.text().contains("left_in_keyring"));
}

#[test]
fn what_is_renewed_stays_where_it_is_and_selects_nobody() {
    let place = place();
    let (ada, bob) = (Slot::account("w", "ada"), Slot::account("w", "bob"));
    place
        .file
        .save(&ada, &Entry::Login(login("s3cr3t-1")))
        .unwrap();
    place
        .file
        .save(&bob, &Entry::Login(login("s3cr3t-2")))
        .unwrap();
    let renew = |slot: &Slot, value: &str| {
        let room = place.keyring.prepare(slot).unwrap();
        room.commit(&Entry::Login(login(value)), Select::Keep)
            .unwrap()
    };
    assert_eq!(renew(&ada, "s3cr3t-3").kept_in, wit::StoreKind::File);
    assert_eq!(
        loaded(&place.file, &Slot::login("w")).as_deref(),
        Some("s3cr3t-2")
    );
    assert_eq!(loaded(&place.file, &ada).as_deref(), Some("s3cr3t-3"));
    // The selected one, where nobody is named.
    renew(&Slot::login("w"), "s3cr3t-4");
    assert_eq!(loaded(&place.file, &bob).as_deref(), Some("s3cr3t-4"));
    assert_eq!(place.vault.names(), [""; 0]);
}

#[test]
fn a_damaged_entry_fails_alone_and_is_set_aside_when_it_is_stored_anew_or_removed() {
    let place = place();
    let store = &place.file;
    let text = r#"{"keyrule": {"version": 1, "keys": {
        "good": {"secret": "s3cr3t-good"}, "bad": {"secret": 5, "x": "s3cr3t-bad"}},
        "logins": {"w": "s3cr3t-w"}}}"#;
    std::fs::write(store.record.own(), text).unwrap();
    assert_eq!(
        loaded(store, &Slot::key("good")).as_deref(),
        Some("s3cr3t-good")
    );
    for slot in [
        Slot::key("bad"),
        Slot::login("w"),
        Slot::account("w", "ada"),
    ] {
        let error = store.load(&slot).unwrap_err();
        assert_eq!(error.trouble(), wit::FailureKind::Invalid);
        assert!(store.peek(&slot).is_err());
        let said = format!("{error} {error:?}");
        assert!(!said.contains("s3cr3t"), "{said}");
    }
    assert_eq!(kept(store), [(Shelf::Keys, "good".to_owned())]);
    assert_eq!(store.oddities().unwrap().len(), 2);

    let saved = store.save(&Slot::key("bad"), &key("s3cr3t-new")).unwrap();
    assert_eq!(
        saved.notes,
        [format!(
            "the entry for key bad was damaged; it was set aside in `{}`",
            store.record.own().display()
        )]
    );
    assert_eq!(
        loaded(store, &Slot::key("bad")).as_deref(),
        Some("s3cr3t-new")
    );
    let ada = Slot::account("w", "ada");
    assert!(store.delete(&ada).unwrap());
    assert!(store.load(&ada).unwrap().is_none());
    let text: serde_json::Value = serde_json::from_str(&place.text()).unwrap();
    assert_eq!(
        text["keyrule"]["damaged"],
        serde_json::json!([
            {"was": "key bad", "entry": {"secret": 5, "x": "s3cr3t-bad"}},
            {"was": "login w ada", "entry": "s3cr3t-w"},
        ])
    );
    assert_eq!(store.oddities().unwrap().len(), 2);
}

#[test]
fn a_damaged_item_of_the_keyring_is_set_aside_there() {
    let place = place();
    let (store, slot) = (&place.keyring, Slot::key("a"));
    store.save(&slot, &key("s3cr3t-1")).unwrap();
    let name = place.vault.names()[0].clone();
    let damage = |text: &str| {
        let mut texts = place.vault.texts.lock().unwrap();
        texts.insert(name.clone(), text.to_owned());
    };
    damage("s3cr3t-damaged");
    let error = store.load(&slot).unwrap_err();
    assert_eq!(error.trouble(), wit::FailureKind::Invalid);
    assert!(!format!("{error} {error:?}").contains("s3cr3t"));
    let saved = store.save(&slot, &key("s3cr3t-2")).unwrap();
    let aside = format!("{name} · damaged 1");
    assert_eq!(
        saved.notes,
        [format!(
            "the item `{name}` of the keyring is not JSON (line 1, column 1); it was moved to `{aside}`"
        )]
    );
    assert_eq!(loaded(store, &slot).as_deref(), Some("s3cr3t-2"));
    assert_eq!(place.vault.texts.lock().unwrap()[&aside], "s3cr3t-damaged");
    damage("s3cr3t-again");
    assert!(store.delete(&slot).unwrap());
    let names = [aside, format!("{name} · damaged 2")];
    assert_eq!(place.vault.names(), names);
}

#[test]
fn an_item_of_a_newer_version_is_not_touched() {
    let place = place();
    let (store, slot) = (&place.keyring, Slot::key("a"));
    store.save(&slot, &key("s3cr3t-1")).unwrap();
    let name = place.vault.names()[0].clone();
    let newer = r#"{"version":2,"key":"s3cr3t"}"#;
    place
        .vault
        .texts
        .lock()
        .unwrap()
        .insert(name.clone(), newer.to_owned());
    assert!(store.load(&slot).is_err());
    assert!(store.save(&slot, &key("s3cr3t-2")).is_err());
    assert!(store.delete(&slot).is_err());
    assert_eq!(place.vault.texts.lock().unwrap()[&name], newer);
}

#[test]
fn a_probe_asks_the_keyring_where_the_policy_names_it() {
    let place = place();
    let own = place.file.record.own();
    assert_eq!(place.file.probe().unwrap(), format!("`{}`", own.display()));
    assert_eq!(place.calls(), 0);
    assert_eq!(place.keyring.probe().unwrap(), "the keyring");
    assert_eq!(place.calls(), 1);
    place.fail(Some(Fault::Locked));
    let error = place.keyring.probe().unwrap_err();
    assert_eq!(error.trouble(), wit::FailureKind::Locked);
}

#[test]
fn every_login_and_account_is_renewed_under_a_lock_of_its_own() {
    let place = place();
    let store = &place.file;
    let lock = |slot: &Slot| store.renewal_lock(slot).unwrap();
    let (ada, bob) = (Slot::account("w", "ada"), Slot::account("w", "bob"));
    store.save(&ada, &Entry::Login(login("s3cr3t"))).unwrap();
    assert_ne!(lock(&ada), lock(&bob));
    assert_ne!(lock(&ada), lock(&Slot::account("v", "ada")));
    assert_eq!(lock(&ada), lock(&Slot::login("w")));
    assert_eq!(lock(&ada).parent(), Some(store.record.folder()));
    std::fs::remove_dir_all(store.record.folder()).unwrap();
    assert!(lock(&ada).parent().unwrap().is_dir());
}

#[test]
fn writers_at_the_same_time_lose_nothing() {
    let place = place();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let store = if writer % 2 == 0 {
                &place.file
            } else {
                &place.keyring
            };
            scope.spawn(move || {
                for turn in 0..5 {
                    let slot = Slot::key(&format!("{writer}-{turn}"));
                    store.save(&slot, &key("x")).unwrap();
                }
            });
        }
    });
    assert_eq!(kept(&place.file).len(), 20);
    assert_eq!(place.vault.names().len(), 10);
}
