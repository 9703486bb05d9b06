//! Looks: where a command line is found, and what is wrong with where it is
//! not.

use super::*;
use crate::policy::trust::Trust;
use crate::sources::observation;

fn seen(world: &World, outcome: wit::Outcome) -> wit::Observation {
    wit::Observation {
        location: world.shown(SETTINGS),
        tier: Some(wit::Tier::User),
        ..observation(outcome)
    }
}

/// The command line in what a consent is about: the last of its parts, each
/// of which goes with its length.
fn subject(look: &Look) -> Option<String> {
    let secret = look.subject.as_ref()?;
    let mut rest = std::str::from_utf8(handout::to_keep(secret)).unwrap();
    let mut last = "";
    while let Some((length, tail)) = rest.split_once(':') {
        (last, rest) = tail.split_at(length.parse().unwrap());
    }
    Some(last.to_owned())
}

#[test]
fn the_same_words_in_another_place_are_another_helper() {
    let subjects = [World::with_helper("./get"), World::with_helper("./get")].map(|world| {
        let subject = world.look().subject.unwrap();
        handout::to_keep(&subject).to_vec()
    });
    assert_ne!(subjects[0], subjects[1]);
}

#[test]
fn a_command_line_is_found_and_not_run() {
    let world = World::with_helper("touch ran; echo token");
    let look = world.look();
    assert_eq!(look.observation, seen(&world, wit::Outcome::Present));
    assert_eq!(subject(&look).unwrap(), "touch ran; echo token");
    assert!(!world.home().join(".sample/ran").exists());
}

#[test]
fn a_missing_file_or_key_is_absent_and_an_empty_text_is_blank() {
    let world = World::new();
    let absent = observation(wit::Outcome::Absent);
    assert_eq!(world.look().observation, absent);
    world.write(SETTINGS, r#"{"env": {"apiKeyHelper": "inner"}}"#);
    assert_eq!(world.look().observation, absent);
    assert!(world.look().subject.is_none());
    world.name_helper(" \n");
    assert_eq!(world.look().observation, seen(&world, wit::Outcome::Blank));
    assert!(world.look().subject.is_none());
}

#[test]
fn a_file_that_is_not_what_it_should_be_is_never_passed_over() {
    let mut world = World::new();
    let file = world.shown(SETTINGS).unwrap();
    let deep = format!("{{\"x\": {}", "[".repeat(100_000));
    let long = format!("{{\"x\": \"{}\"}}", "s3cr3t".repeat(500_000));
    let cases: [(&[u8], String); 8] = [
        (
            b"",
            format!("`{file}` is empty, where a JSON object should be"),
        ),
        (b"[]", format!("`{file}` holds no JSON object")),
        (
            b"{\n\"apiKeyHelper\": s3cr3t",
            format!("`{file}` is not valid JSON (line 2, column 17)"),
        ),
        (
            b"{\"apiKeyHelper\": 7}",
            format!("`{file}` has a `apiKeyHelper` that is not a string"),
        ),
        (
            b"{\"apiKeyHelper\": \"a\\u0000b\"}",
            format!("`{file}` has a NUL in `apiKeyHelper`"),
        ),
        (
            b"\n\n{\"x\": \"\xff\xfe\"}",
            format!("`{file}` is not UTF-8 (line 3)"),
        ),
        (
            deep.as_bytes(),
            format!("`{file}` is nested too deeply (line 1, column 133)"),
        ),
        (
            long.as_bytes(),
            format!("`{file}` is larger than 2097152 bytes"),
        ),
    ];
    // A later file that has the key does not help.
    world.enter_project(r#"{"apiKeyHelper": "echo token"}"#);
    world.helper.command = setting(&["user-settings", "project-settings"]);
    for (content, detail) in cases {
        world.write(SETTINGS, content);
        let expected = wit::Observation {
            detail: Some(detail),
            ..seen(&world, wit::Outcome::Failed(wit::FailureKind::Invalid))
        };
        assert_eq!(world.look().observation, expected);
        assert!(!format!("{:?}", world.look()).contains("s3cr3t"));
    }
}

#[test]
fn what_is_not_a_plain_file_is_unreadable_and_is_not_waited_for() {
    let world = World::new();
    let file = world.shown(SETTINGS).unwrap();
    let expected = wit::Observation {
        detail: Some(format!("`{file}` is not a regular file")),
        ..seen(&world, wit::Outcome::Failed(wit::FailureKind::Unreadable))
    };
    std::fs::create_dir(world.home().join(SETTINGS)).unwrap();
    assert_eq!(world.look().observation, expected);
    std::fs::remove_dir(world.home().join(SETTINGS)).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&file).status();
    assert!(made.unwrap().success());
    assert_eq!(world.look().observation, expected);
}

#[test]
fn a_managed_file_counts_only_where_the_administrator_alone_could_write_it() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let mut world = World::with_helper("user");
    world.helper.command = setting(&["managed-settings", "user-settings"]);
    let owner = std::fs::metadata(world.home()).unwrap().uid();
    world.ambient.trust = Trust::of_owner(owner, world.home());
    assert_eq!(subject(&world.look()).unwrap(), "user");

    let file = world.write("managed.json", r#"{"apiKeyHelper": "managed"}"#);
    let mode =
        |mode| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o644);
    let look = world.look();
    assert_eq!(subject(&look).unwrap(), "managed");
    assert_eq!(look.observation.tier, Some(wit::Tier::Managed));

    mode(0o666);
    let look = world.look();
    let untrusted = wit::Outcome::Failed(wit::FailureKind::Untrusted);
    assert_eq!(look.observation.outcome, untrusted);
    assert_eq!(look.observation.location, world.shown("managed.json"));
    assert!(look.subject.is_none());

    mode(0o644);
    world.info.tool.settings[0].folder = Some(samples::everywhere("~/managed.d"));
    let drop_in = world.write("managed.d/10.json", r#"{"apiKeyHelper": "drop-in"}"#);
    std::fs::set_permissions(&drop_in, std::fs::Permissions::from_mode(0o644)).unwrap();
    let folder = drop_in.parent().unwrap();
    let mode =
        |mode| std::fs::set_permissions(folder, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o755);
    assert_eq!(subject(&world.look()).unwrap(), "drop-in");
    mode(0o777);
    assert_eq!(world.look().observation.outcome, untrusted);
}

#[test]
fn files_are_looked_at_in_the_order_of_the_policy() {
    let mut world = World::with_helper("user");
    world.enter_project(r#"{"apiKeyHelper": "project"}"#);
    world.helper.command = setting(&["project-settings", "user-settings"]);
    let look = world.look();
    assert_eq!(subject(&look).unwrap(), "project");
    assert_eq!(look.observation.tier, Some(wit::Tier::Project));
    world.helper.command = setting(&["user-settings", "project-settings"]);
    assert_eq!(subject(&world.look()).unwrap(), "user");
    // Without a project there is no file in it.
    world.ambient.current = None;
    world.helper.command = setting(&["project-settings", "user-settings"]);
    assert_eq!(subject(&world.look()).unwrap(), "user");
}

#[test]
fn drop_ins_go_before_their_file_the_last_name_first() {
    let mut world = World::with_helper("base");
    world.info.tool.settings[1].folder = Some(samples::everywhere("{folder}/settings.d"));
    assert_eq!(subject(&world.look()).unwrap(), "base");
    world.write(".sample/settings.d/20.json", r#"{"other": 1}"#);
    world.write(".sample/settings.d/10.json", r#"{"apiKeyHelper": "ten"}"#);
    world.write(".sample/settings.d/05.json", "not looked at");
    world.write(".sample/settings.d/.90.json", "hidden");
    world.write(".sample/settings.d/95.json~", "a copy");
    let look = world.look();
    assert_eq!(subject(&look).unwrap(), "ten");
    assert_eq!(
        look.observation.location,
        world.shown(".sample/settings.d/10.json")
    );
    world.write(".sample/settings.d/30.json", "{");
    assert_eq!(
        world.look().observation.outcome,
        wit::Outcome::Failed(wit::FailureKind::Invalid)
    );
}

#[test]
fn a_folder_variable_must_hold_an_absolute_path() {
    let mut world = World::with_helper("echo token");
    world.set("SAMPLE_FOLDER", "s3cr3t/relative");
    let expected = wit::Observation {
        detail: Some(
            "settings file `user-settings`: `SAMPLE_FOLDER` does not hold an absolute path"
                .to_owned(),
        ),
        location: None,
        ..seen(&world, wit::Outcome::Failed(wit::FailureKind::Invalid))
    };
    assert_eq!(world.look().observation, expected);
}

#[test]
fn a_command_line_can_come_from_a_variable_or_from_the_policy() {
    let mut world = World::new();
    world.helper.command = wit::Command::Variable("HELPER".to_owned());
    assert_eq!(world.look().observation, observation(wit::Outcome::Absent));
    world.set("HELPER", "echo token");
    let look = world.look();
    let expected = wit::Observation {
        location: Some("HELPER".to_owned()),
        ..observation(wit::Outcome::Present)
    };
    assert_eq!(look.observation, expected);
    assert_eq!(subject(&look).unwrap(), "echo token");

    world.helper.command = wit::Command::Arguments(vec!["/bin/echo".to_owned(), "a b".to_owned()]);
    let look = world.look();
    let expected = wit::Observation {
        location: Some("sample.toml".to_owned()),
        ..observation(wit::Outcome::Present)
    };
    assert_eq!(look.observation, expected);
    assert_eq!(subject(&look).unwrap(), "/bin/echo\0a b");
}

#[test]
fn the_ttl_variable_is_whole_milliseconds_or_malformed() {
    let mut world = World::with_helper("echo token");
    assert_eq!(world.look().observation.lifetime, wit::Lifetime::Unset);
    for (value, lifetime) in [
        ("0", wit::Lifetime::Milliseconds(0)),
        ("300000", wit::Lifetime::Milliseconds(300_000)),
        ("", wit::Lifetime::Malformed),
        ("+5", wit::Lifetime::Malformed),
        ("-1", wit::Lifetime::Malformed),
        ("5m", wit::Lifetime::Malformed),
        (" 5", wit::Lifetime::Malformed),
        ("99999999999999999999", wit::Lifetime::Malformed),
    ] {
        world.set("TTL", value);
        assert_eq!(world.look().observation.lifetime, lifetime);
    }
}

#[test]
fn a_helper_that_is_this_program_is_recursion() {
    let this = std::env::current_exe().unwrap().display().to_string();
    let mut world = World::new();
    for line in [
        this.clone(),
        format!("{this} token"),
        format!("sh -c 'exec {this} token'"),
    ] {
        world.name_helper(&line);
        assert_eq!(
            world.look().observation,
            seen(&world, wit::Outcome::Recursion)
        );
        assert_eq!(world.token(), Err((wit::Outcome::Recursion, None)));
    }
    world.helper.command = wit::Command::Arguments(vec![this, "token".to_owned()]);
    assert_eq!(world.look().observation.outcome, wit::Outcome::Recursion);
    // Where it is marked, somebody runs it and waits.
    world.set("KEYRULE_HELPER_OF", "sample/sample");
    let nested = wit::Outcome::Failed(wit::FailureKind::Nested);
    assert_eq!(world.look().observation.outcome, nested);
}

#[test]
fn a_helper_that_is_being_run_fails_for_what_it_runs() {
    let mut world = World::with_helper("printf %s \"$KEYRULE_HELPER_OF\" | tr ' /' '__'");
    assert_eq!(world.token(), is("sample_sample"));
    world.set("KEYRULE_HELPER_OF", "other/helper");
    world.options.ttl = Duration::ZERO;
    assert_eq!(world.token(), is("other_helper_sample_sample"));
    world.set("KEYRULE_HELPER_OF", "sample/sample other/helper");
    let nested = wit::Outcome::Failed(wit::FailureKind::Nested);
    let words = "`KEYRULE_HELPER_OF` says that it is being run already".to_owned();
    let expected = wit::Observation {
        location: Some("KEYRULE_HELPER_OF".to_owned()),
        detail: Some(words.clone()),
        ..seen(&world, nested)
    };
    assert_eq!(world.look().observation, expected);
    assert_eq!(world.token(), Err((nested, Some(words))));
}

fn setting(from: &[&str]) -> wit::Command {
    wit::Command::Setting(wit::Setting {
        key: "apiKeyHelper".to_owned(),
        from: from.iter().map(|&name| name.to_owned()).collect(),
    })
}
