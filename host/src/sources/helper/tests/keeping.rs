//! Kept tokens: when a helper is not run again, and when it is.

use super::*;
use crate::secret::Secret;
use crate::sources::Kept;
use crate::sources::cache::{Cache, Entry, Key};
use crate::sources::flight::{self, Terms};

/// A helper that counts its runs and prints the count.
const COUNTING: &str = "echo x >> runs; echo token-$(grep -c x runs)";

fn runs(world: &World) -> usize {
    world.read(".sample/runs").lines().count()
}

#[test]
fn a_token_is_kept_until_it_is_too_old_for_whoever_asks() {
    let mut world = World::with_helper(COUNTING);
    assert_eq!(world.token(), is("token-1"));
    assert_eq!(world.token(), is("token-1"));
    std::thread::sleep(Duration::from_millis(30));
    world.options.ttl = Duration::from_millis(20);
    assert_eq!(world.token(), is("token-2"));
}

#[test]
fn a_time_of_zero_keeps_nothing_and_reads_nothing() {
    let mut world = World::with_helper(COUNTING);
    assert_eq!(world.token(), is("token-1"));
    world.options.ttl = Duration::ZERO;
    assert_eq!(world.token(), is("token-2"));
    assert_eq!(world.token(), is("token-3"));
    world.options.ttl = Duration::from_secs(300);
    assert_eq!(world.token(), is("token-1"));
}

#[test]
fn a_failure_is_not_kept() {
    let world = World::with_helper("echo x >> runs; test $(grep -c x runs) = 2 && echo token");
    assert_eq!(
        world.token(),
        fails(wit::FailureKind::ExitStatus, "exit status 1")
    );
    assert_eq!(world.token(), is("token"));
}

#[test]
fn what_a_token_depends_on_has_a_token_of_its_own() {
    let mut world = World::with_helper(COUNTING);
    world.helper.vary = vec!["PROFILE".to_owned()];
    assert_eq!(world.token(), is("token-1"));
    world.set("PROFILE", "");
    assert_eq!(world.token(), is("token-2"));
    world.set("PROFILE", "work");
    assert_eq!(world.token(), is("token-3"));
    world.set("OTHER", "changed");
    assert_eq!(world.token(), is("token-3"));
    world.set("BASE_URL", "https://gateway.test");
    assert_eq!(world.token(), is("token-4"));
    world.name_helper(&format!("{COUNTING} "));
    assert_eq!(world.token(), is("token-5"));
    world.info.name = "another".to_owned();
    assert_eq!(world.token(), is("token-6"));
    world.set("PROFILE", "");
    world.info.name = "sample".to_owned();
    world.name_helper(COUNTING);
    world.set("BASE_URL", "");
    assert_eq!(world.token(), is("token-2"));
}

#[test]
fn a_rejected_token_is_dropped_and_got_once_more() {
    let mut world = World::with_helper(COUNTING);
    assert_eq!(world.token(), is("token-1"));
    world.options.rejected = true;
    assert_eq!(world.token(), is("token-2"));
    world.options.rejected = false;
    assert_eq!(world.token(), is("token-2"));
}

#[test]
fn a_rejected_token_is_gone_also_where_the_helper_then_fails() {
    let mut world = World::with_helper("echo x >> runs; test $(grep -c x runs) != 2 && echo token");
    assert_eq!(world.token(), is("token"));
    world.options.rejected = true;
    let failed = fails(wit::FailureKind::ExitStatus, "exit status 1");
    assert_eq!(world.token(), failed);
    world.options.rejected = false;
    assert_eq!(world.token(), is("token"));
    assert_eq!(runs(&world), 3);
}

#[test]
fn many_at_once_run_the_helper_once() {
    let slow = format!("sleep 1; {COUNTING}");
    let mut world = World::with_helper(&slow);
    let all = || {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| world.token())).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(all(), vec![is("token-1"); 8]);
    assert_eq!(runs(&world), 1);
    world.options.rejected = true;
    let all = || {
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| world.token())).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        })
    };
    assert_eq!(all(), vec![is("token-2"); 8]);
    assert_eq!(runs(&world), 2);
}

/// Five minutes.
fn terms() -> Terms<impl Fn(&Entry) -> bool, impl Fn(&Kept) -> Duration> {
    let ttl = Duration::from_secs(300);
    Terms {
        rejected: false,
        is_fresh: move |entry: &Entry| entry.is_fresh(ttl),
        keep_for: move |_: &Kept| ttl,
    }
}

#[test]
fn somebody_elses_run_is_not_waited_for_longer_than_one_can_take() {
    let cache = Cache::in_process(Key::of([b"held".as_slice()]));
    let lock = cache.try_lock().unwrap().unwrap();
    let run = async || Ok(Kept::of(Secret::new("token")));
    let limit = Duration::from_millis(100);
    let failure = block_on(flight::one(&cache, terms(), limit, run)).unwrap_err();
    assert_eq!(failure.trouble, wit::FailureKind::TimedOut);
    assert_eq!(failure.detail.as_deref(), Some("2.1 s"));
    drop(lock);
    assert!(block_on(flight::one(&cache, terms(), limit, run)).is_ok());
}

#[test]
fn without_storage_a_token_is_kept_in_this_process() {
    let cache = Cache::in_process(Key::of([b"process".as_slice()]));
    let limit = Duration::from_secs(5);
    let get = |text: &'static str| {
        let run = async || Ok(Kept::of(Secret::new(text)));
        let kept = block_on(flight::one(&cache, terms(), limit, run)).unwrap();
        let token = kept.material.secret().unwrap();
        String::from_utf8(handout::to_keep(token).to_vec()).unwrap()
    };
    assert_eq!(get("first"), "first");
    assert_eq!(get("second"), "first");
    cache.remove();
    assert_eq!(get("third"), "third");
}

#[cfg(target_os = "linux")]
mod between_processes {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Child, Command, Stdio};

    use super::*;

    const CHILD: &str = "sources::helper::tests::keeping::between_processes::child";

    /// Not a test of its own: what the others start as processes.
    #[test]
    #[ignore = "started by the tests beside it"]
    fn child() {
        #[derive(Debug)]
        struct Ours;
        impl Notices for Ours {
            fn slow(&self, _: &str, _: Duration) {}
            fn done(&self) {}
            fn owns_signals(&self) -> bool {
                true
            }
        }
        let mut world = World::new();
        // Whoever is killed removes no folders, so this has none of its own.
        (world._folder, world._memory) = (None, None);
        let process = Ambient::of_process();
        world.ambient = Ambient::empty();
        for name in ["PATH", "XDG_RUNTIME_DIR"] {
            let value = process.variable(name).unwrap().to_str().unwrap();
            world.set(name, value);
        }
        world.ambient.home = process.absolute("SAMPLE_HOME");
        let got = block_on(world.getting(&Ours));
        let token = token_of(&got).unwrap_or_else(|(outcome, _)| format!("{outcome:?}"));
        world.write(&format!("got-{}", std::process::id()), token);
    }

    fn start(world: &World) -> Child {
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", CHILD, "--ignored", "--quiet"])
            .env("SAMPLE_HOME", world.home())
            .env(
                "XDG_RUNTIME_DIR",
                world.ambient.variable("XDG_RUNTIME_DIR").unwrap(),
            )
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    #[test]
    fn many_processes_run_the_helper_once() {
        let world = World::with_helper(&format!("sleep 1; {COUNTING}"));
        let children: Vec<_> = (0..8).map(|_| start(&world)).collect();
        for mut child in children {
            let pid = child.id();
            assert!(child.wait().unwrap().success());
            assert_eq!(world.read(&format!("got-{pid}")), "token-1");
        }
        assert_eq!(runs(&world), 1);
    }

    #[test]
    fn a_helper_that_clears_its_environment_does_not_run_itself() {
        let world = World::new();
        let memory = world.ambient.absolute("XDG_RUNTIME_DIR").unwrap();
        let this = std::env::current_exe().unwrap();
        world.name_helper(&format!(
            "{{ env -i PATH=\"$PATH\" SAMPLE_HOME={} XDG_RUNTIME_DIR={} {} --exact {CHILD} --ignored; }} >/dev/null 2>&1; {COUNTING}",
            world.home().display(),
            memory.display(),
            this.display(),
        ));
        let mut child = start(&world);
        let outer = format!("got-{}", child.id());
        assert!(child.wait().unwrap().success());
        assert_eq!(world.read(&outer), "token-1");
        let inner: Vec<_> = std::fs::read_dir(world.home())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("got-") && *name != outer)
            .map(|name| world.read(&name))
            .collect();
        assert_eq!(inner, ["Failed(Nested)"]);
    }

    #[test]
    fn whoever_dies_gives_up_the_lock() {
        let world = World::with_helper(&format!(
            "test -e second || {{ echo $$ > first; exec sleep 300; }}; {COUNTING}"
        ));
        let mut child = start(&world);
        let first = wait_for(&world, ".sample/first");
        child.kill().unwrap();
        child.wait().unwrap();
        world.write(".sample/second", "");
        assert_eq!(world.token(), is("token-1"));
        // Killed in this way Keyrule cannot take its helper along.
        let killed = Command::new("kill").arg(first.trim()).status();
        assert!(killed.unwrap().success());
    }

    #[test]
    fn a_signal_ends_the_helper_and_then_the_process_by_that_signal() {
        for (name, number) in [("INT", 2), ("TERM", 15), ("HUP", 1)] {
            if is_ignored(number) {
                eprintln!("skipped: SIG{name} was ignored when these tests were started");
                continue;
            }
            let world = World::with_helper("sleep 300 & echo $! > inner; wait");
            let mut child = start(&world);
            let inner = wait_for(&world, ".sample/inner");
            let sent = Command::new("kill")
                .args(["-s", name, &child.id().to_string()])
                .status();
            assert!(sent.unwrap().success());
            assert_eq!(child.wait().unwrap().signal(), Some(number));
            assert!(is_gone(&inner));
        }
    }

    /// A process that `nohup` started keeps ignoring what it was told to.
    fn is_ignored(signal: i32) -> bool {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
            .is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
    }

    fn wait_for(world: &World, path: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let text = world.read(path);
            if text.ends_with('\n') {
                return text;
            }
            assert!(Instant::now() < deadline, "{path} is not there");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}
