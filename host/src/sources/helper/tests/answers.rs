//! Answers in other forms than one token: what the program is told, what it
//! answers, and how long that is kept.

use super::*;
use crate::material::Material;

/// A world whose helper speaks this format.
fn speaking(format: wit::Format, line: &str) -> World {
    let mut world = World::with_helper(line);
    world.helper.format = format;
    world
}

fn runs(world: &World) -> usize {
    world.read(".sample/runs").lines().count()
}

/// The trouble, with its words.
fn trouble(got: &Got) -> (wit::Outcome, String) {
    assert!(got.material.is_none(), "{got:?}");
    assert!(!format!("{got:?}").contains("s3cr3t"), "{got:?}");
    let detail = got.observation.detail.clone();
    (got.observation.outcome, detail.unwrap_or_default())
}

#[test]
fn bazels_helper_is_told_the_whole_endpoint_and_its_headers_are_handed_out() {
    let mut world = speaking(
        wit::Format::Bazel,
        r#"echo x >> runs; cat > told; echo '{"headers": {"Authorization": ["Bearer s3cr3t"]}, "expires": "2100-01-01T00:00:00Z"}'"#,
    );
    world.set("BASE_URL", "https://api.test:8443/v1/x");
    let got = world.get();
    let Some(Material::Headers(headers)) = &got.material else {
        panic!("{:?}", got.observation);
    };
    let (name, value) = headers.first().unwrap();
    assert_eq!(name, "Authorization");
    assert_eq!(handout::to_keep(value), b"Bearer s3cr3t");
    // It says that it serves for longer; the policy's time is the shorter one.
    assert!(got.observation.expires_in.unwrap() > 3600);
    assert!(!format!("{got:?}").contains("s3cr3t"));
    assert_eq!(
        world.read(".sample/told"),
        r#"{"uri":"https://api.test:8443/v1/x"}"#
    );
    world.get();
    assert_eq!(runs(&world), 1);
    world.options.ttl = Duration::ZERO;
    world.get();
    assert_eq!(runs(&world), 2);
}

#[test]
fn an_answer_that_ends_sooner_than_the_policys_time_is_kept_until_then() {
    let end = SystemTime::now() + Duration::from_secs(6);
    let end = end
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let world = speaking(
        wit::Format::Git,
        &format!("echo x >> runs; echo password=s3cr3t; echo password_expiry_utc={end}"),
    );
    assert!(world.get().material.is_some());
    assert!(world.get().material.is_some());
    assert_eq!(runs(&world), 1);
    std::thread::sleep(Duration::from_millis(6_100));
    // The same answer again has ended by now.
    let (outcome, _) = trouble(&world.get());
    assert_eq!(outcome, wit::Outcome::Failed(wit::FailureKind::Expired));
    assert_eq!(runs(&world), 2);
}

#[test]
fn gits_helper_is_told_the_server_and_its_input_ends() {
    let world = speaking(
        wit::Format::Git,
        "cat > told; echo prompt=$GIT_TERMINAL_PROMPT >> told; echo username=ada; echo password=s3cr3t",
    );
    let got = world.get();
    assert_eq!(token_of(&got), is("s3cr3t"));
    assert_eq!(got.observation.account.as_deref(), Some("ada"));
    assert_eq!(got.facts.account.as_deref(), Some("ada"));
    assert_eq!(
        world.read(".sample/told"),
        "capability[]=authtype\nprotocol=https\nhost=api.test\n\nprompt=0\n"
    );
}

#[test]
fn a_program_that_does_not_listen_is_heard_all_the_same() {
    for line in [
        // It never reads.
        "echo password=s3cr3t",
        // It closes its input first.
        "exec <&-; sleep 0.2; echo password=s3cr3t",
        // It reads one line of several.
        "read -r line; echo password=s3cr3t",
    ] {
        let world = speaking(wit::Format::Git, line);
        assert_eq!(world.token(), is("s3cr3t"), "{line}");
    }
}

#[test]
fn one_that_is_told_nothing_hears_the_end_at_once() {
    for format in [wit::Format::Headers, wit::Format::AwsProcess] {
        let world = speaking(format, "cat > told; echo '[]'");
        trouble(&world.get());
        assert_eq!(world.read(".sample/told"), "");
        assert!(world.home().join(".sample/told").exists());
    }
}

#[test]
fn a_key_that_signs_has_its_region_and_its_end() {
    let mut world = speaking(
        wit::Format::AwsProcess,
        r#"echo x >> runs; echo '{"Version": 1, "AccessKeyId": "AKIDEXAMPLE00042", "SecretAccessKey": "s3cr3t", "Expiration": "2100-01-01T00:00:00Z"}'"#,
    );
    world.helper.signing = Some(wit::Signing {
        service: "bedrock".to_owned(),
        region: vec!["REGION".to_owned()],
    });
    world.set("REGION", "eu-central-1");
    for run in [1, 1] {
        let got = world.get();
        let Some(Material::Keys(keys)) = &got.material else {
            panic!("{:?}", got.observation);
        };
        assert_eq!(keys.region.as_deref(), Some("eu-central-1"));
        assert_eq!(keys.service, "bedrock");
        assert_eq!(got.observation.account.as_deref(), Some("AKID…0042"));
        assert_eq!(runs(&world), run);
    }
    // What is signed for another region is another answer.
    world.set("REGION", "us-east-1");
    let got = world.get();
    assert_eq!(got.facts.region.as_deref(), Some("us-east-1"));
    assert_eq!(runs(&world), 2);
}

#[test]
fn a_hostile_answer_fails_in_every_form() {
    let malformed = wit::Outcome::Failed(wit::FailureKind::MalformedAnswer);
    let no_output = wit::Outcome::Failed(wit::FailureKind::NoOutput);
    for format in [
        wit::Format::Headers,
        wit::Format::Bazel,
        wit::Format::AwsProcess,
        wit::Format::Git,
    ] {
        for (line, expected) in [
            ("true", no_output),
            ("printf s3cr3t", malformed),
            ("printf '{\"s3cr3t'", malformed),
            ("printf '\\377s3cr3t=\\377'", malformed),
            ("head -c 60000 /dev/zero | tr '\\0' '['", malformed),
        ] {
            let world = speaking(format, line);
            let (outcome, words) = trouble(&world.get());
            assert_eq!(outcome, expected, "{format:?}: {line}: {words}");
        }
        let world = speaking(format, "yes s3cr3t");
        assert_eq!(
            trouble(&world.get()),
            (
                wit::Outcome::Failed(wit::FailureKind::TooLong),
                "more than 65536 bytes".to_owned()
            )
        );
        let world = speaking(format, "echo s3cr3t; exit 3");
        let (outcome, words) = trouble(&world.get());
        assert_eq!(outcome, wit::Outcome::Failed(wit::FailureKind::ExitStatus));
        assert_eq!(words, "exit status 3");
    }
}

#[test]
fn what_is_kept_of_one_helper_can_be_dropped_without_running_it() {
    let world = World::with_helper("echo x >> runs; echo s3cr3t");
    assert_eq!(world.token(), is("s3cr3t"));
    super::super::drop_kept(&world.source(), &world.helper, &world.info, &world.ambient);
    assert_eq!(runs(&world), 1);
    assert_eq!(world.token(), is("s3cr3t"));
    assert_eq!(runs(&world), 2);
}
