use std::collections::BTreeMap;
use std::io;
use std::sync::Mutex;
use std::sync::mpsc;

use super::*;
use keyrule_contract::samples;
use keyrule_credential::handout;
use keyrule_store::Owner;
use keyrule_store::memory::MemoryStore;

/// An issuer that gives `s3cr3t-access-2` for `s3cr3t-refresh-1`, and so on:
/// a refresh token serves once.
#[derive(Clone, Default)]
struct Issuer(Arc<Mutex<Inside>>);

struct Inside {
    number: u32,
    asked: u32,
    rotates: bool,
    /// What it says in place of an answer, first to last.
    says: Vec<Error>,
    /// Whose login it says that it is.
    subject: Option<&'static str>,
    /// Runs while it is being asked.
    meanwhile: Option<Box<dyn FnMut() + Send>>,
}

impl Default for Inside {
    fn default() -> Self {
        Self {
            number: 1,
            asked: 0,
            rotates: true,
            says: Vec::new(),
            subject: None,
            meanwhile: None,
        }
    }
}

impl Issuer {
    fn that_says(errors: impl IntoIterator<Item = Error>) -> Self {
        let issuer = Self::default();
        issuer.0.lock().unwrap().says = errors.into_iter().collect();
        issuer
    }

    fn meanwhile(&self, act: impl FnMut() + Send + 'static) {
        self.0.lock().unwrap().meanwhile = Some(Box::new(act));
    }

    fn asked(&self) -> u32 {
        self.0.lock().unwrap().asked
    }
}

impl Exchange for Issuer {
    async fn prepare(&mut self) -> Result<(), Error> {
        Ok(())
    }

    async fn refresh(&mut self, refresh_token: &Secret) -> Result<Tokens, Error> {
        let mut inside = self.0.lock().unwrap();
        inside.asked += 1;
        if let Some(act) = &mut inside.meanwhile {
            act();
        }
        if !inside.says.is_empty() {
            return Err(inside.says.remove(0));
        }
        let expected = format!("s3cr3t-refresh-{}", inside.number);
        if handout::to_keep(refresh_token) != expected.as_bytes() {
            return Err(refused("invalid_grant"));
        }
        if inside.rotates {
            inside.number += 1;
        }
        let number = inside.asked + 1;
        Ok(Tokens {
            access_token: Secret::new(format!("s3cr3t-access-{number}")),
            refresh_token: inside
                .rotates
                .then(|| Secret::new(format!("s3cr3t-refresh-{number}"))),
            expires_in: Some(Duration::from_secs(3600)),
            claims: inside
                .subject
                .map(|subject| ("sub".to_owned(), subject.into()))
                .into_iter()
                .collect(),
        })
    }
}

fn refused(code: &str) -> Error {
    Error::Refused {
        code: code.to_owned(),
        words: "no".to_owned(),
    }
}

fn ago(seconds: u64) -> Option<SystemTime> {
    SystemTime::now().checked_sub(Duration::from_secs(seconds))
}

/// What is kept after so many renewals; the first has ended.
fn login(number: u32) -> StoredLogin {
    StoredLogin {
        access_token: Secret::new(format!("s3cr3t-access-{number}")),
        refresh_token: Some(Secret::new(format!("s3cr3t-refresh-{number}"))),
        facts: LoginFacts {
            owner: Owner {
                issuer: "https://login.test".to_owned(),
                account: Some("ada".to_owned()),
                ..Owner::default()
            },
            client_id: "cli".to_owned(),
            obtained_at: ago(3700),
            expires_at: ago(100),
            renewable: true,
            ended: false,
        },
    }
}

/// The same after a renewal just now.
fn fresh(number: u32) -> StoredLogin {
    let login = login(number);
    StoredLogin {
        facts: LoginFacts {
            obtained_at: ago(0),
            expires_at: SystemTime::now().checked_add(Duration::from_secs(3600)),
            ..login.facts
        },
        ..login
    }
}

fn slot() -> Slot {
    Slot::account("work", "ada")
}

fn memory(login: StoredLogin) -> Arc<MemoryStore> {
    let store = MemoryStore::default();
    store.save(&slot(), &Entry::Login(login)).unwrap();
    Arc::new(store)
}

fn errand(store: &Arc<MemoryStore>, issuer: &Issuer) -> Errand<Issuer> {
    Errand {
        store: Arc::clone(store) as Arc<dyn Store>,
        slot: slot(),
        issuer: samples::issuer("https://login.test"),
        exchange: issuer.clone(),
        rejected: None,
        patience: Duration::from_secs(20),
    }
}

fn run(errand: Errand<Issuer>) -> Result<Renewed, Failure> {
    let mut running = Running::start(errand)?;
    keyrule_system::runtime::block_on(running.wait())
}

/// The tokens of a login, by their numbers.
fn numbers(login: &StoredLogin) -> (String, String) {
    let number = |token: &Secret| {
        let text = String::from_utf8(handout::to_keep(token).to_vec()).unwrap();
        text.rsplit('-').next().unwrap().to_owned()
    };
    let renewal = login.refresh_token.as_ref().map_or("none".into(), number);
    (number(&login.access_token), renewal)
}

fn kept(store: &MemoryStore) -> StoredLogin {
    match store.load(&slot()).unwrap() {
        Some(Entry::Login(login)) => login,
        other => panic!("{other:?}"),
    }
}

fn pair(access: &str, refresh: &str) -> (String, String) {
    (access.to_owned(), refresh.to_owned())
}

#[test]
fn of_many_threads_one_renews_and_all_have_it() {
    let (store, issuer) = (memory(login(1)), Issuer::default());
    issuer.meanwhile(|| std::thread::sleep(Duration::from_millis(100)));
    std::thread::scope(|scope| {
        let runs: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| run(errand(&store, &issuer))))
            .collect();
        for done in runs {
            let renewed = done.join().unwrap().unwrap();
            assert_eq!(numbers(&renewed.login), pair("2", "2"));
        }
    });
    assert_eq!(issuer.asked(), 1);
    assert_eq!(numbers(&kept(&store)), pair("2", "2"));
}

#[test]
fn an_answer_without_a_refresh_token_keeps_the_old_one_and_the_owner() {
    let (store, issuer) = (memory(login(1)), Issuer::default());
    issuer.0.lock().unwrap().rotates = false;
    run(errand(&store, &issuer)).unwrap();
    let kept = kept(&store);
    assert_eq!(numbers(&kept), pair("2", "1"));
    assert_eq!(kept.facts.owner.account.as_deref(), Some("ada"));
    assert!(is_due(&kept.facts, SystemTime::now()).is_none());
}

#[test]
fn no_failure_but_invalid_grant_changes_what_is_kept() {
    let origin = || "https://login.test".to_owned();
    for error in [
        refused("invalid_client"),
        refused("invalid_request"),
        refused("temporarily_unavailable"),
        Error::Answer {
            origin: origin(),
            why: "answered with HTTP 503".to_owned(),
        },
        Error::Http(crate::http::Error::Unreachable {
            origin: origin(),
            why: "did not answer in time".to_owned(),
        }),
        Error::NotOffered("token endpoint"),
    ] {
        let (store, issuer) = (memory(login(1)), Issuer::that_says([error]));
        let failure = run(errand(&store, &issuer)).unwrap_err();
        assert!(matches!(failure, Failure::Issuer(_)), "{failure}");
        assert!(!kept(&store).facts.ended);
        // So the next one succeeds.
        run(errand(&store, &issuer)).unwrap();
    }
}

#[test]
fn invalid_grant_ends_a_login_and_removes_nothing() {
    let store = memory(login(1));
    let issuer = Issuer::that_says([refused("invalid_grant")]);
    let failure = run(errand(&store, &issuer)).unwrap_err();
    assert!(matches!(failure, Failure::Ended), "{failure}");
    let kept = kept(&store);
    assert_eq!(numbers(&kept), pair("1", "1"));
    assert!(kept.facts.ended && !kept.facts.renewable);
    // The issuer is not asked again.
    let failure = run(errand(&store, &issuer)).unwrap_err();
    assert!(matches!(failure, Failure::Ended), "{failure}");
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn a_login_that_comes_back_as_somebody_elses_is_not_handed_out() {
    let mut login = login(1);
    login.facts.owner.claims = BTreeMap::from([("sub".to_owned(), "ada".into())]);
    let (store, issuer) = (memory(login), Issuer::default());
    issuer.0.lock().unwrap().subject = Some("eve");
    let failure = run(errand(&store, &issuer)).unwrap_err();
    assert!(matches!(failure, Failure::Another), "{failure}");
    let kept = kept(&store);
    assert_eq!(numbers(&kept), pair("1", "1"));
    assert!(kept.facts.ended);
}

#[test]
fn invalid_grant_after_somebody_else_renewed_adopts_theirs() {
    let store = memory(login(1));
    let issuer = Issuer::that_says([refused("invalid_grant")]);
    let theirs = Arc::clone(&store);
    issuer.meanwhile(move || {
        theirs.save(&slot(), &Entry::Login(fresh(7))).unwrap();
    });
    let renewed = run(errand(&store, &issuer)).unwrap();
    assert_eq!(numbers(&renewed.login), pair("7", "7"));
    assert_eq!(issuer.asked(), 1);
    assert!(!kept(&store).facts.ended);
}

#[test]
fn a_refresh_token_that_somebody_else_left_gets_one_try() {
    let store = memory(login(9));
    let issuer = Issuer::default();
    let theirs = Arc::clone(&store);
    issuer.meanwhile(move || {
        theirs.save(&slot(), &Entry::Login(login(1))).unwrap();
    });
    let renewed = run(errand(&store, &issuer)).unwrap();
    assert_eq!(numbers(&renewed.login), pair("3", "3"));
    assert_eq!(issuer.asked(), 2);
}

#[test]
fn a_rejected_token_is_renewed_although_it_has_not_ended() {
    let (store, issuer) = (memory(fresh(1)), Issuer::default());
    let rejected = Some(fingerprint(&Secret::new("s3cr3t-access-1")));
    let again = || Errand {
        rejected,
        ..errand(&store, &issuer)
    };
    assert_eq!(numbers(&run(again()).unwrap().login), pair("2", "2"));
    // What is kept is another one by now.
    assert_eq!(numbers(&run(again()).unwrap().login), pair("2", "2"));
    assert_eq!(issuer.asked(), 1);
}

#[test]
fn a_rejected_login_that_is_not_renewed_any_more_serves_nobody() {
    let store = memory(fresh(1));
    let issuer = Issuer::that_says([refused("invalid_grant")]);
    let rejected = Some(fingerprint(&Secret::new("s3cr3t-access-1")));
    let failure = run(Errand {
        rejected,
        ..errand(&store, &issuer)
    });
    assert!(matches!(failure, Err(Failure::Ended)), "{failure:?}");
    let due = is_due(&kept(&store).facts, SystemTime::now());
    assert_eq!(due, Some(Due::Ended));
}

#[test]
fn a_store_without_room_is_noticed_before_the_issuer_is_asked() {
    let folder = tempfile::tempdir().unwrap();
    let (store, issuer) = (memory(login(1)), Issuer::default());
    store.fail_next(store::Error::NotWritable {
        path: folder.path().to_path_buf(),
        source: io::ErrorKind::StorageFull.into(),
    });
    let failure = run(errand(&store, &issuer)).unwrap_err();
    assert!(matches!(failure, Failure::Store(_)), "{failure}");
    assert_eq!(issuer.asked(), 0);
}

#[test]
fn what_cannot_be_kept_at_first_is_kept_at_the_second_try() {
    let (store, issuer) = (memory(login(1)), Issuer::default());
    let theirs = Arc::clone(&store);
    issuer.meanwhile(move || {
        theirs.fail_next(store::Error::Locked {
            path: "somewhere".into(),
        });
    });
    let renewed = run(errand(&store, &issuer)).unwrap();
    assert!(renewed.notes.is_empty());
    assert_eq!(numbers(&kept(&store)), pair("2", "2"));
}

#[test]
fn what_cannot_be_kept_at_all_is_handed_out_once_and_that_is_said() {
    let home = tempfile::tempdir().unwrap();
    let store = store::of(store::StoreConfig {
        folder: home.path().join(".sample"),
        kind: None,
        fallback: None,
    });
    store.save(&slot(), &Entry::Login(login(1))).unwrap();
    let issuer = Issuer::default();
    let folder = home.path().join(".sample");
    issuer.meanwhile(move || {
        std::fs::remove_dir_all(&folder).unwrap();
        std::fs::write(&folder, "in the way").unwrap();
    });
    let renewed = run(Errand {
        store,
        ..errand(&memory(login(1)), &issuer)
    });
    let renewed = renewed.unwrap();
    assert_eq!(numbers(&renewed.login), pair("2", "2"));
    let note = renewed.notes.join("\n");
    assert!(note.contains("could not be kept"), "{note}");
    assert!(!note.contains("s3cr3t"), "{note}");
}

#[test]
fn the_account_stays_the_same_when_another_one_is_selected_meanwhile() {
    let (store, issuer) = (memory(login(1)), Issuer::default());
    let other = Slot::account("work", "bob");
    let of_bob = Entry::Login(fresh(50));
    store
        .prepare(&other)
        .unwrap()
        .commit(&of_bob, Select::Keep)
        .unwrap();
    let theirs = Arc::clone(&store);
    issuer.meanwhile(move || assert!(theirs.select("work", "bob").unwrap()));
    run(errand(&store, &issuer)).unwrap();
    assert_eq!(numbers(&kept(&store)), pair("2", "2"));
    let (slot, _, selected) = selected(&*store, "work").unwrap().unwrap();
    assert_eq!(slot, other);
    assert_eq!(numbers(&selected), pair("50", "50"));
}

#[test]
fn a_login_with_another_issuer_is_not_renewed_with_this_one() {
    let (store, issuer) = (memory(login(1)), Issuer::default());
    let failure = run(Errand {
        issuer: samples::issuer("https://other.test"),
        ..errand(&store, &issuer)
    });
    assert!(matches!(failure, Err(Failure::Vanished)), "{failure:?}");
    assert_eq!(issuer.asked(), 0);
}

#[test]
fn who_stops_waiting_before_the_issuer_is_asked_ends_the_renewal() {
    let (store, issuer) = (memory(login(1)), Issuer::default());
    let path = store.renewal_lock(&slot()).unwrap();
    let held = atomic::lock(&path).unwrap();
    let running = Running::start(errand(&store, &issuer)).unwrap();
    assert!(running.give_up());
    drop(held);
    let mut running = running;
    let failure = keyrule_system::runtime::block_on(running.wait()).unwrap_err();
    assert!(matches!(failure, Failure::GivenUp), "{failure}");
    assert_eq!(issuer.asked(), 0);
}

#[test]
fn an_answer_is_kept_also_where_nobody_waits_for_it() {
    let (store, issuer) = (memory(login(1)), Issuer::default());
    let (asked, is_asked) = mpsc::channel();
    let (go, may_go) = mpsc::channel::<()>();
    issuer.meanwhile(move || {
        asked.send(()).unwrap();
        may_go.recv().unwrap();
    });
    let running = Running::start(errand(&store, &issuer)).unwrap();
    is_asked.recv().unwrap();
    assert!(!running.give_up());
    drop(running);
    go.send(()).unwrap();
    // The lock is free once it is done.
    let path = store.renewal_lock(&slot()).unwrap();
    drop(atomic::lock(&path).unwrap());
    assert_eq!(numbers(&kept(&store)), pair("2", "2"));
}

#[test]
fn nobody_is_waited_for_longer_than_patience() {
    let (store, issuer) = (memory(login(1)), Issuer::default());
    let path = store.renewal_lock(&slot()).unwrap();
    let _held = atomic::lock(&path).unwrap();
    let failure = run(Errand {
        patience: Duration::from_millis(20),
        ..errand(&store, &issuer)
    });
    assert!(matches!(failure, Err(Failure::Busy(_))), "{failure:?}");
    assert_eq!(issuer.asked(), 0);
}

#[test]
fn who_waits_takes_what_appears_without_the_lock() {
    let (store, issuer) = (memory(login(1)), Issuer::default());
    let path = store.renewal_lock(&slot()).unwrap();
    let _held = atomic::lock(&path).unwrap();
    let mut running = Running::start(errand(&store, &issuer)).unwrap();
    store.save(&slot(), &Entry::Login(fresh(4))).unwrap();
    let renewed = keyrule_system::runtime::block_on(running.wait()).unwrap();
    assert_eq!(numbers(&renewed.login), pair("4", "4"));
}

#[test]
fn a_login_is_due_in_the_last_fifth_or_the_last_five_minutes() {
    let start = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let at = |seconds: i64| {
        let distance = Duration::from_secs(seconds.unsigned_abs());
        if seconds < 0 {
            start - distance
        } else {
            start + distance
        }
    };
    let facts = |obtained: Option<i64>, expires: Option<i64>| LoginFacts {
        obtained_at: obtained.map(at),
        expires_at: expires.map(at),
        ..login(1).facts
    };
    for (obtained, expires, now, due) in [
        (Some(0), Some(3600), 3299, None),
        (Some(0), Some(3600), 3300, Some(Due::Soon)),
        (Some(0), Some(3600), 3600, Some(Due::Ended)),
        (Some(0), Some(3600), 9999, Some(Due::Ended)),
        (Some(0), Some(10), 7, None),
        (Some(0), Some(10), 8, Some(Due::Soon)),
        // Nobody knows when it was got.
        (None, Some(3600), 3299, None),
        (None, Some(3600), 3300, Some(Due::Soon)),
        // Nobody knows when it ends.
        (Some(0), None, 9999, None),
        // Clocks that are a little apart, and one that was set back.
        (Some(0), Some(3600), -60, None),
        (Some(0), Some(3600), -61, Some(Due::Soon)),
    ] {
        let facts = facts(obtained, expires);
        assert_eq!(
            is_due(&facts, at(now)),
            due,
            "{obtained:?} {expires:?} {now}"
        );
    }
    // After a year back it does not last for a year.
    let year = 365 * 24 * 3600;
    let ends = ends_at(&facts(Some(0), Some(3600)), at(-year));
    assert_eq!(ends, Some(at(3600 - year)));
}
