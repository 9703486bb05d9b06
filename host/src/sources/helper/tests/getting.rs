//! Gets: what a run brings, and that it leaves nothing behind.

use super::super::flight;
use super::*;
use crate::sources::observation;

#[test]
fn a_helper_that_prints_one_token_is_got() {
    let world = World::with_helper("echo s3cr3t-canary");
    let got = world.get();
    let expected = wit::Observation {
        fetched: true,
        location: world.shown(SETTINGS),
        tier: Some(wit::Tier::User),
        ..observation(wit::Outcome::Present)
    };
    assert_eq!(got.observation, expected);
    assert_eq!(token_of(&got), is("s3cr3t-canary"));
    assert!(!format!("{got:?}").contains("s3cr3t"));
}

#[test]
fn every_way_to_print_no_token_is_named() {
    let world = World::new();
    world.script(".sample/plain", "echo token\n", 0o644);
    let not_found = "the program was not found (exit status 127)";
    let not_executable = "the program is not executable (exit status 126)";
    for (line, expected) in [
        ("printf 'one\\r\\n'", is("one")),
        ("printf one", is("one")),
        (
            "printf 'one\\n\\n'",
            fails(wit::FailureKind::MoreThanOneToken, "white space at byte 4"),
        ),
        (
            "echo s3cr3t two",
            fails(wit::FailureKind::MoreThanOneToken, "white space at byte 7"),
        ),
        (
            "printf '\\033[31ms3cr3t'",
            fails(
                wit::FailureKind::NotPrintable,
                "not printable ASCII at byte 1",
            ),
        ),
        ("true", fails(wit::FailureKind::NoOutput, "")),
        ("echo", fails(wit::FailureKind::NoOutput, "")),
        ("exec >&-", fails(wit::FailureKind::NoOutput, "")),
        (
            "echo s3cr3t; exit 3",
            fails(wit::FailureKind::ExitStatus, "exit status 3"),
        ),
        (
            "echo s3cr3t; kill -9 $$",
            fails(wit::FailureKind::ExitStatus, "ended by signal 9"),
        ),
        (
            "cat /dev/zero",
            fails(wit::FailureKind::TooLong, "more than 16384 bytes"),
        ),
        (
            "yes s3cr3t",
            fails(wit::FailureKind::TooLong, "more than 16384 bytes"),
        ),
        (
            "./missing --key s3cr3t",
            fails(wit::FailureKind::NotStarted, not_found),
        ),
        (
            "missing-program",
            fails(wit::FailureKind::NotStarted, not_found),
        ),
        (
            "./plain",
            fails(wit::FailureKind::NotStarted, not_executable),
        ),
        (
            "'s3cr3t",
            fails(wit::FailureKind::ExitStatus, "exit status 2"),
        ),
    ] {
        world.name_helper(line);
        let got = world.get();
        assert_eq!(token_of(&got), expected, "{line}");
        assert!(!format!("{got:?}").contains("s3cr3t"), "{line}");
    }
}

#[test]
fn a_helper_that_hangs_is_ended_in_time_with_all_that_it_started() {
    let mut world = World::with_helper(
        "trap '' TERM; sleep 300 & echo $! > inner; echo $$ > outer; echo s3cr3t; exec >&-; wait",
    );
    world.helper.timeout_ms = 1_000;
    let started = Instant::now();
    assert_eq!(world.token(), fails(wit::FailureKind::TimedOut, "1 s"));
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(is_gone(&world.read(".sample/outer")));
    assert!(is_gone(&world.read(".sample/inner")));
}

#[test]
fn a_flood_ends_the_helper_with_all_that_it_started() {
    let world = World::with_helper("sleep 300 & echo $! > inner; yes");
    let started = Instant::now();
    let expected = fails(wit::FailureKind::TooLong, "more than 16384 bytes");
    assert_eq!(world.token(), expected);
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(is_gone(&world.read(".sample/inner")));
}

#[test]
fn a_program_left_behind_with_the_output_open_is_not_waited_for() {
    let world = World::with_helper("sleep 300 & echo $! > inner; echo token");
    let started = Instant::now();
    assert_eq!(world.token(), is("token"));
    assert!(started.elapsed() < Duration::from_secs(5));
    // It may be an agent, so it lives on.
    let inner = world.read(".sample/inner");
    let killed = std::process::Command::new("kill")
        .arg(inner.trim())
        .status();
    assert!(killed.unwrap().success());
}

#[test]
fn who_stops_waiting_ends_the_helper() {
    let world = World::with_helper("sleep 300 & echo $! > inner; echo $$ > outer; wait");
    block_on(async {
        let getting = world.getting(&Silence);
        let waited = tokio::time::timeout(Duration::from_millis(800), getting).await;
        assert!(waited.is_err());
    });
    assert!(is_gone(&world.read(".sample/outer")));
    assert!(is_gone(&world.read(".sample/inner")));
}

#[test]
fn the_path_of_a_program_runs_as_such_and_belongs_to_its_file() {
    let world = World::new();
    let script = "#!/bin/sh\nprintf '%s-%s' \"$#\" \"$(cat name)\"\n";
    world.script(".sample/my tool; here", script, 0o755);
    world.script(".sample/bare", "cat name\n", 0o755);
    world.write(".sample/name", "file");
    world.write("name", "home");
    for (line, expected) in [
        ("./my tool; here", is("0-file")),
        ("  ./my tool; here\n", is("0-file")),
        // Without `#!` it is for the shell to read.
        ("./bare", is("file")),
        ("cat name", is("file")),
    ] {
        world.name_helper(line);
        assert_eq!(world.token(), expected, "{line}");
    }
}

#[test]
fn a_program_whose_interpreter_is_missing_is_not_started() {
    let world = World::with_helper("./tool");
    world.script(".sample/tool", "#!/nonexistent/sh\n", 0o755);
    let expected = "the program or its interpreter was not found";
    assert_eq!(world.token(), fails(wit::FailureKind::NotStarted, expected));
}

#[test]
fn a_variables_helper_and_the_policys_run_in_the_home() {
    let mut world = World::new();
    world.write("name", "home");
    world.ambient.current = Some(world.home().join(".sample"));
    world.helper.command = wit::Command::Variable("HELPER".to_owned());
    world.set("HELPER", "cat name");
    assert_eq!(world.token(), is("home"));
    let arguments = |arguments: &[&str]| {
        wit::Command::Arguments(arguments.iter().map(|&word| word.to_owned()).collect())
    };
    world.helper.command = arguments(&["cat", "name"]);
    assert_eq!(world.token(), is("home"));
    // Arguments are not read by a shell.
    world.helper.command = arguments(&["printf", "%s", "$HOME;x"]);
    assert_eq!(world.token(), is("$HOME;x"));
    world.helper.command = arguments(&["missing-program", "s3cr3t"]);
    let expected = "the program or its interpreter was not found";
    assert_eq!(world.token(), fails(wit::FailureKind::NotStarted, expected));
    // Without a home it is the root, where no repository is cloned to.
    world.helper.command = arguments(&["pwd"]);
    world.ambient.home = None;
    assert_eq!(world.token(), is("/"));
}

#[test]
fn a_helper_sees_no_hidden_variable_no_input_and_its_own_folder() {
    let mut world = World::with_helper("env > seen; pwd > folder; cat > input; echo token");
    world.info.hidden_variables = vec!["API_KEY".to_owned(), "VENDOR_*".to_owned()];
    for name in [
        "API_KEY",
        "API_KEY_ID",
        "VENDOR_",
        "VENDOR_A",
        "VENDOR",
        "PWD",
        "OLDPWD",
    ] {
        world.set(name, "/x");
    }
    assert_eq!(world.token(), is("token"));
    let seen = world.read(".sample/seen");
    let seen: Vec<_> = seen
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .filter(|name| *name != "_" && *name != "SHLVL")
        .collect();
    let mut expected = vec!["API_KEY_ID", "KEYRULE_HELPER_OF", "PATH", "PWD", "VENDOR"];
    if cfg!(target_os = "linux") {
        expected.push("XDG_RUNTIME_DIR");
    }
    let mut sorted = seen.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    let folder = world.home().join(".sample").display().to_string();
    assert_eq!(world.read(".sample/folder").trim_end(), folder);
    assert_eq!(world.read(".sample/input"), "");
}

#[test]
fn what_a_look_had_seen_can_be_gone() {
    let world = World::new();
    assert_eq!(world.token(), fails(wit::FailureKind::Vanished, ""));
    world.name_helper("");
    assert_eq!(world.token(), fails(wit::FailureKind::Vanished, ""));
}

#[test]
fn another_command_line_than_was_looked_at_is_not_run() {
    let world = World::with_helper("echo token");
    let subject = world.look().subject;
    let get = || {
        let source = world.source();
        token_of(&block_on(get(
            &source,
            &world.helper,
            &world.info,
            &world.ambient,
            world.options,
            &Silence,
            subject.as_ref(),
        )))
    };
    assert_eq!(get(), is("token"));
    world.name_helper("touch ran; echo token");
    let expected = "another command line has taken its place";
    assert_eq!(get(), fails(wit::FailureKind::Vanished, expected));
    assert!(!world.home().join(".sample/ran").exists());
}

#[test]
fn a_slow_helper_is_spoken_of_every_second_until_it_is_over() {
    let heard = Heard::default();
    block_on(flight::attended(
        async { tokio::time::sleep(Duration::from_millis(2_500)).await },
        "sample",
        Duration::from_secs(1),
        &heard,
    ));
    assert_eq!(*heard.0.lock().unwrap(), ["sample 1", "sample 2", "done"]);
    let heard = Heard::default();
    let world = World::with_helper("echo token");
    block_on(world.getting(&heard));
    assert!(heard.0.lock().unwrap().is_empty());
}
