//! The search, with files in a home of the test's own and fake servers on
//! loopback in the place of AWS; the real parts are in `tests/real`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::*;
use keyrule_contract::samples;
use keyrule_oauth::http::fake::{Fake, answer, json};
use keyrule_system::runtime::block_on;

struct Home(tempfile::TempDir);

impl Home {
    fn of(config: &str, credentials: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        let home = Self(home);
        home.write(".aws/config", config);
        home.write(".aws/credentials", credentials);
        home
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn world(&self) -> Ambient {
        let mut world = Ambient::empty()
            .with_variable("AWS_EC2_METADATA_DISABLED", "true")
            .with_variable("PATH", "/usr/bin:/bin");
        world.home = Some(self.path().to_path_buf());
        world
    }
}

fn contract() -> wit::Cloud {
    wit::Cloud {
        region: vec!["AWS_REGION".to_owned()],
        service: Some("bedrock".to_owned()),
        timeout_ms: 20_000,
        ..samples::cloud("bedrock", None)
    }
}

fn find_with(cloud: &wit::Cloud, world: &Ambient) -> Result<Kept, Failure> {
    let asker = Asker {
        source: samples::source(wit::Kind::Cloud(cloud.clone())),
        info: samples::info(),
        owns_signals: false,
    };
    let found = block_on(search(&asker, cloud, world, &Place::of(cloud, world)));
    let said = format!("{found:?}");
    assert!(!said.contains("s3cr3t"), "{said}");
    found
}

fn find(world: &Ambient) -> Result<Kept, Failure> {
    find_with(&contract(), world)
}

fn keys(kept: Kept) -> Keys {
    match kept.material {
        Material::Keys(keys) => keys,
        other => panic!("{other:?}"),
    }
}

/// The id, the region, and where it comes from.
fn seen(world: &Ambient) -> (String, String, String) {
    let kept = find(world).unwrap();
    let by = kept.facts.detail.clone().unwrap();
    let region = kept.facts.region.clone().unwrap();
    let keys = keys(kept);
    assert_eq!(keys.region.as_deref(), Some(region.as_str()));
    assert_eq!(keys.service, "bedrock");
    (keys.id, region, by)
}

fn failure(world: &Ambient) -> (wit::FailureKind, String, Option<String>) {
    let failure = find(world).unwrap_err();
    (
        failure.trouble,
        failure.detail.unwrap_or_default(),
        failure.found_in,
    )
}

fn is(id: &str, region: &str, by: &str) -> (String, String, String) {
    (id.to_owned(), region.to_owned(), by.to_owned())
}

const STATIC: &str = "[default]\naws_access_key_id = AKIADEFAULT00001\naws_secret_access_key = s3cr3t-default\n[work]\naws_access_key_id = AKIAWORK00000001\naws_secret_access_key = s3cr3t-work\nregion = eu-west-1\n";

#[test]
fn variables_go_before_profiles_and_need_no_file_to_be_right() {
    let home = Home::of("[this is no profile file", STATIC);
    let world = home
        .world()
        .with_variable("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001")
        .with_variable("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable")
        .with_variable("AWS_SESSION_TOKEN", "s3cr3t-session")
        .with_variable("AWS_REGION", "ap-south-1");
    let by = "by `AWS_ACCESS_KEY_ID`";
    assert_eq!(seen(&world), is("AKIAVARIABLE0001", "ap-south-1", by));
    let kept = find(&world).unwrap();
    assert_eq!(kept.facts.account.as_deref(), Some("AKIA\u{2026}0001"));
    assert!(keys(kept).session.is_some());
    // Without a region in variables the files are asked for one.
    let world = world.without_variable("AWS_REGION");
    assert_eq!(failure(&world).0, wit::FailureKind::Invalid);
}

#[test]
fn the_region_is_the_credentials_file_s_then_the_config_s_then_the_default() {
    let home = Home::of(
        "[default]\nregion = us-west-2\n[profile work]\nregion = us-west-2\n[profile odd]\nregion = Not A Region\naws_access_key_id = AKIAODD000000001\naws_secret_access_key = s3cr3t-odd\n",
        STATIC,
    );
    let world = home.world();
    let by = |name: &str| format!("by the profile `{name}`");
    assert_eq!(
        seen(&world),
        is("AKIADEFAULT00001", "us-west-2", &by("default"))
    );
    let at = |name: &str| world.clone().with_variable("AWS_PROFILE", name);
    assert_eq!(
        seen(&at("work")),
        is("AKIAWORK00000001", "eu-west-1", &by("work"))
    );
    assert_eq!(
        seen(&at("odd")),
        is("AKIAODD000000001", "us-east-1", &by("odd"))
    );
    let known = at("work").with_variable("AWS_REGION", "xx-moon-1");
    assert_eq!(seen(&known).1, "xx-moon-1");
}

#[test]
fn a_profile_that_is_not_there_is_named_and_nothing_else_is_asked() {
    let home = Home::of("", STATIC);
    let world = home.world().with_variable("AWS_PROFILE", "gone");
    let (trouble, words, place) = failure(&world);
    assert_eq!(trouble, wit::FailureKind::Invalid);
    assert_eq!(place.as_deref(), Some("AWS_PROFILE"));
    assert!(words.starts_with("there is no profile `gone`"), "{words}");
    let home = Home::of(
        "[profile work]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = gone\n",
        "",
    );
    let (trouble, words, place) = failure(&home.world().with_variable("AWS_PROFILE", "work"));
    assert_eq!(trouble, wit::FailureKind::Invalid);
    assert!(place.unwrap().ends_with(".aws/config"));
    assert_eq!(
        words,
        "`source_profile` of the profile `work` names `gone`, which is not there"
    );
}

#[test]
fn a_file_that_is_none_is_named_with_its_line() {
    let home = Home::of("[default]\nregion = us-east-1\n[profile s3cr3t\n", STATIC);
    let (trouble, words, place) = failure(&home.world());
    assert_eq!(trouble, wit::FailureKind::Invalid);
    assert_eq!(words, "line 3 is no line of a profile file");
    assert!(place.unwrap().ends_with(".aws/config"));

    let home = Home::of("", "");
    home.write(".aws/credentials", b"[default]\naws_access_key_id = \xff");
    let (trouble, words, place) = failure(&home.world());
    assert_eq!(
        (trouble, words.as_str()),
        (
            wit::FailureKind::Invalid,
            "there is a byte that is not UTF-8"
        )
    );
    assert!(place.unwrap().ends_with(".aws/credentials"));

    let folder = home.path().join("folder");
    std::fs::create_dir(&folder).unwrap();
    let world = home
        .world()
        .with_variable("AWS_CONFIG_FILE", folder.as_path());
    assert_eq!(failure(&world).0, wit::FailureKind::Unreadable);
}

#[test]
fn a_profile_that_contradicts_itself_is_named() {
    let home = Home::of(
        "[profile a]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = b\n[profile b]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = a\n[profile half]\naws_access_key_id = AKIAHALF00000001\n",
        "",
    );
    for name in ["a", "half"] {
        let (trouble, words, place) = failure(&home.world().with_variable("AWS_PROFILE", name));
        assert_eq!(trouble, wit::FailureKind::Invalid, "{words}");
        assert!(words.contains(name), "{words}");
        assert!(place.unwrap().ends_with(".aws/config"));
    }
}

#[test]
fn half_a_key_in_variables_is_not_passed_by() {
    let home = Home::of("", STATIC);
    let world = home
        .world()
        .with_variable("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001");
    let (trouble, words, place) = failure(&world);
    assert_eq!(trouble, wit::FailureKind::Invalid, "{words}");
    assert_eq!(place.as_deref(), Some("AWS_ACCESS_KEY_ID"));
}

#[test]
fn what_would_be_passed_by_for_somebody_else_is_an_error() {
    use std::os::unix::ffi::OsStrExt as _;
    let home = Home::of("", "");
    let broken = std::ffi::OsStr::from_bytes(b"corp\xff");
    for (name, value) in [
        ("AWS_SECRET_ACCESS_KEY", std::ffi::OsStr::new("s3cr3t")),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token".as_ref()),
        ("AWS_PROFILE", broken),
    ] {
        let (trouble, words, place) = failure(&home.world().with_variable(name, value));
        assert_eq!(trouble, wit::FailureKind::Invalid, "{words}");
        assert_eq!(place.as_deref(), Some(name));
        assert!(words.contains(name) && !words.contains("s3cr3t"), "{words}");
    }
}

#[test]
fn a_key_that_could_begin_another_header_is_none() {
    let home = Home::of("", "");
    let world = home
        .world()
        .with_variable("AWS_ACCESS_KEY_ID", "AK\nX-Injected: 1")
        .with_variable("AWS_SECRET_ACCESS_KEY", "s3cr3t");
    let (trouble, words, _) = failure(&world);
    assert_eq!(trouble, wit::FailureKind::Invalid);
    assert!(!words.contains("Injected"), "{words}");
}

#[test]
fn a_file_without_an_end_is_not_read() {
    let home = Home::of("", "");
    let world = home.world().with_variable("AWS_CONFIG_FILE", "/dev/zero");
    let (trouble, words, _) = failure(&world);
    assert_eq!(trouble, wit::FailureKind::Unreadable);
    assert_eq!(words, "`/dev/zero` is not a file of 4 MiB at most");
}

#[test]
fn where_nobody_has_anything_what_was_tried_is_said() {
    let home = Home::of("[default]\nregion = us-west-2\n", "");
    let (trouble, words, _) = failure(&home.world());
    assert_eq!(trouble, wit::FailureKind::NoCredentials);
    assert!(words.contains("`AWS_EC2_METADATA_DISABLED`"), "{words}");
}

const PRINTED: &str = r#"{"Version": 1, "AccessKeyId": "AKIAPROCESS00001", "SecretAccessKey": "s3cr3t-process", "SessionToken": "s3cr3t-session", "Expiration": "2100-01-01T00:00:00Z"}"#;

#[cfg(unix)]
fn script(home: &Home, text: &str) -> String {
    use std::os::unix::fs::PermissionsExt;
    home.write("process", format!("#!/bin/sh\n{text}\n"));
    let path = home.path().join("process");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    format!("[default]\ncredential_process = {}\n", path.display())
}

#[cfg(unix)]
#[test]
fn a_process_prints_a_key_in_the_world_of_the_search() {
    let home = Home::of("", "");
    let config = script(
        &home,
        &format!("test -n \"$CANARY\" && test -z \"$HIDDEN\" && echo '{PRINTED}'"),
    );
    home.write(".aws/config", config + "region = eu-north-1\n");
    let world = home.world().with_variable("CANARY", "1");
    let by = "by the profile `default`";
    assert_eq!(seen(&world), is("AKIAPROCESS00001", "eu-north-1", by));
    assert!(find(&world).unwrap().expires_at.is_some());
}

#[cfg(unix)]
#[test]
fn a_process_that_fails_is_named_and_its_words_are_not_taken() {
    let home = Home::of("", "");
    for (text, trouble) in [
        (
            "echo s3cr3t-words >&2; exit 3",
            wit::FailureKind::ExitStatus,
        ),
        ("echo s3cr3t-words", wit::FailureKind::MalformedAnswer),
        (
            "exec /nowhere/s3cr3t 2>/dev/null",
            wit::FailureKind::ExitStatus,
        ),
    ] {
        home.write(".aws/config", script(&home, text));
        let (seen, words, place) = failure(&home.world());
        assert!(
            words.contains("`credential_process` of the profile `default`"),
            "{words}"
        );
        assert!(place.unwrap().ends_with(".aws/config"));
        assert_eq!(seen, trouble, "{words}");
    }
}

#[cfg(unix)]
#[test]
fn a_process_that_hangs_is_ended() {
    let home = Home::of("", "");
    let pid = home.path().join("pid");
    let text = format!("echo $$ > {}; exec sleep 600", pid.display());
    home.write(".aws/config", script(&home, &text));
    let cloud = wit::Cloud {
        timeout_ms: 1_000,
        ..contract()
    };
    let failure = find_with(&cloud, &home.world()).unwrap_err();
    assert_eq!(failure.trouble, wit::FailureKind::TimedOut);
    let pid = std::fs::read_to_string(pid).unwrap();
    let is_there = || Path::new("/proc").join(pid.trim()).join("exe").exists();
    for _ in 0..100 {
        if !is_there() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("it is still running");
}

#[cfg(unix)]
#[test]
fn a_search_inside_the_process_of_the_same_search_is_refused() {
    let home = Home::of("", "");
    let text = format!(
        "printenv KEYRULE_HELPER_OF > {}/seen; echo '{PRINTED}'",
        home.path().display()
    );
    home.write(".aws/config", script(&home, &text));
    find(&home.world()).unwrap();
    let marker = std::fs::read_to_string(home.path().join("seen")).unwrap();
    let inside = home
        .world()
        .with_variable("KEYRULE_HELPER_OF", marker.trim());
    let refused = around(&inside).unwrap();
    assert_eq!(refused.trouble, wit::FailureKind::Nested);
    // Another profile is another search, and variables run nothing.
    assert!(around(&inside.clone().with_variable("AWS_PROFILE", "other")).is_none());
    let keyed = inside
        .with_variable("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001")
        .with_variable("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable");
    assert!(around(&keyed).is_none());
    assert!(around(&home.world()).is_none());
}

fn assumed(id: &str) -> String {
    answer(
        "200 OK",
        "Content-Type: text/xml\r\n",
        &format!(
            "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult><AssumedRoleUser><AssumedRoleId>AROA:s</AssumedRoleId><Arn>arn:aws:sts::123456789012:assumed-role/r/s</Arn></AssumedRoleUser><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>s3cr3t-role</SecretAccessKey><SessionToken>s3cr3t-token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
    )
}

#[cfg(unix)]
#[test]
fn a_role_is_assumed_with_what_a_profile_or_a_process_has() {
    let sts = Fake::saying(assumed("ASIAROLE00000001"));
    let home = Home::of("", STATIC);
    let process =
        script(&home, &format!("echo '{PRINTED}'")).replace("[default]", "[profile base]");
    home.write(
        ".aws/config",
        format!(
            "{process}[profile first]\nrole_arn = arn:aws:iam::123456789012:role/first\nsource_profile = work\nregion = eu-west-3\n[profile second]\nrole_arn = arn:aws:iam::123456789012:role/second\nsource_profile = base\nexternal_id = outside\n"
        ),
    );
    let world = home
        .world()
        .with_variable("AWS_ENDPOINT_URL_STS", sts.origin());
    for (name, region, key) in [
        ("first", "eu-west-3", "Credential=AKIAWORK00000001/"),
        ("second", "us-east-1", "Credential=AKIAPROCESS00001/"),
    ] {
        let by = format!("by the profile `{name}`");
        let world = world.clone().with_variable("AWS_PROFILE", name);
        assert_eq!(seen(&world), is("ASIAROLE00000001", region, &by));
        let request = sts.requests().pop().unwrap();
        assert!(request.contains(&format!("role%2F{name}")), "{request}");
        assert!(request.contains(key), "{request}");
        assert!(request.contains(&format!("/{region}/sts/")), "{request}");
        assert_eq!(request.contains("ExternalId=outside"), name == "second");
    }
    assert_eq!(sts.requests().len(), 2);
}

#[test]
fn a_refusal_of_a_role_says_who_refuses_and_not_what_it_said() {
    let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>s3cr3t-words</Message></Error></ErrorResponse>";
    let then = httpdate::fmt_http_date(SystemTime::now() - Duration::from_secs(7_260));
    let sts = Fake::saying(answer(
        "403 Forbidden",
        &format!("Date: {then}\r\nContent-Type: text/xml\r\n"),
        body,
    ));
    let home = Home::of(
        "[profile r]\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = work\n",
        STATIC,
    );
    let world = home
        .world()
        .with_variable("AWS_PROFILE", "r")
        .with_variable("AWS_ENDPOINT_URL", sts.origin());
    let (trouble, words, _) = failure(&world);
    assert_eq!(trouble, wit::FailureKind::Rejected);
    assert_eq!(
        words,
        format!(
            "`{}` refuses (`AccessDenied`, status 403); the clock of this machine is 121 minutes ahead of the server's",
            sts.origin()
        )
    );
    // Who breaks off has perhaps taken it: it is not sent again.
    let gone = Fake::saying("");
    let broken = world
        .clone()
        .with_variable("AWS_ENDPOINT_URL", gone.origin());
    let (trouble, words, _) = failure(&broken);
    assert_eq!(trouble, wit::FailureKind::Unreachable, "{words}");
    assert_eq!(gone.requests().len(), 1);
    let nobody = world.with_variable("AWS_ENDPOINT_URL", "http://127.0.0.1:1");
    let (trouble, words, _) = failure(&nobody);
    assert_eq!(trouble, wit::FailureKind::Unreachable, "{words}");
}

#[test]
fn a_web_identity_is_exchanged() {
    let body = assumed("ASIAWEB000000001").replace("AssumeRoleRes", "AssumeRoleWithWebIdentityRes");
    let sts = Fake::saying(body);
    let home = Home::of("", "");
    home.write("token", "s3cr3t-web-identity");
    let world = home
        .world()
        .with_variable("AWS_ENDPOINT_URL", sts.origin())
        .with_variable("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web")
        .with_variable("AWS_WEB_IDENTITY_TOKEN_FILE", home.path().join("token"));
    let by = "web identity by `AWS_WEB_IDENTITY_TOKEN_FILE`";
    assert_eq!(seen(&world), is("ASIAWEB000000001", "us-east-1", by));
    let world = world.with_variable("AWS_WEB_IDENTITY_TOKEN_FILE", "/nowhere");
    let (trouble, _, place) = failure(&world);
    assert_eq!(trouble, wit::FailureKind::Invalid);
    assert_eq!(place.as_deref(), Some("AWS_WEB_IDENTITY_TOKEN_FILE"));
}

fn handed(id: &str) -> String {
    json(&format!(
        r#"{{"Code": "Success", "AccessKeyId": "{id}", "SecretAccessKey": "s3cr3t-role", "Token": "s3cr3t-token", "Expiration": "2100-01-01T00:00:00Z"}}"#
    ))
}

#[test]
fn a_container_s_role_is_asked_of_its_endpoint() {
    let endpoint = Fake::saying(handed("ASIACONTAINER001"));
    let home = Home::of("", "");
    let world = home
        .world()
        .with_variable(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/role?q=s3cr3t-query", endpoint.origin()),
        )
        .with_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN", "s3cr3t-authorization");
    let by = "the container's role by `AWS_CONTAINER_CREDENTIALS_FULL_URI`";
    assert_eq!(seen(&world), is("ASIACONTAINER001", "us-east-1", by));
    assert!(endpoint.requests()[0].contains("s3cr3t-authorization"));
    for (url, expected) in [
        ("http://127.0.0.1:1/s3cr3t", wit::FailureKind::Unreachable),
        ("http://192.0.2.1/s3cr3t", wit::FailureKind::Invalid),
        ("s3cr3t", wit::FailureKind::Invalid),
    ] {
        let world = world
            .clone()
            .with_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
        let (trouble, words, _) = failure(&world);
        assert_eq!(trouble, expected, "{url}: {words}");
    }
}

#[test]
fn the_instance_s_role_is_asked_last_and_a_profile_that_fails_is_not_passed_by() {
    let metadata = Fake::with(|request, stream| {
        let said = if request.starts_with("PUT ") {
            answer(
                "200 OK",
                "x-aws-ec2-metadata-token-ttl-seconds: 21600\r\n",
                "s3cr3t-metadata",
            )
        } else if request.contains("security-credentials/role") {
            handed("ASIAINSTANCE0001")
        } else {
            answer("200 OK", "", "role")
        };
        std::io::Write::write_all(stream, said.as_bytes()).unwrap();
    });
    let home = Home::of(
        "[profile sso]\nsso_start_url = https://x.example\nsso_account_id = 123456789012\nsso_role_name = r\n",
        "",
    );
    let world = home
        .world()
        .without_variable("AWS_EC2_METADATA_DISABLED")
        .with_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.origin());
    assert_eq!(
        seen(&world),
        is("ASIAINSTANCE0001", "us-east-1", "the instance's role")
    );
    let asked = metadata.requests().len();
    let (trouble, words, _) = failure(&world.with_variable("AWS_PROFILE", "sso"));
    assert_eq!(trouble, wit::FailureKind::Invalid, "{words}");
    assert!(words.contains("sso"), "{words}");
    assert_eq!(metadata.requests().len(), asked);
}

#[test]
fn metadata_that_hangs_is_asked_once() {
    let metadata = Fake::with(|_, _| std::thread::sleep(Duration::from_secs(60)));
    let home = Home::of("", "");
    let world = home
        .world()
        .without_variable("AWS_EC2_METADATA_DISABLED")
        .with_variable("KEYRULE_HTTP_TIMEOUT", "1")
        .with_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.origin());
    let (trouble, words, _) = failure(&world);
    assert_eq!(trouble, wit::FailureKind::NoCredentials, "{words}");
    assert!(words.ends_with("no instance's metadata answers"), "{words}");
    assert_eq!(metadata.requests().len(), 1);
}

#[test]
fn a_login_that_has_ended_says_how_to_log_in() {
    let home = Home::of(
        "[profile old]\nsso_start_url = https://x.example\nsso_region = eu-west-1\nsso_account_id = 123456789012\nsso_role_name = r\n[profile new]\nsso_session = s\nsso_account_id = 123456789012\nsso_role_name = r\n[sso-session s]\nsso_start_url = https://x.example\nsso_region = eu-west-1\n[profile console]\nlogin_session = arn:aws:iam::123456789012:user/a\n",
        "",
    );
    let expired = |name: &str, command: &str| {
        let (trouble, words, _) = failure(&home.world().with_variable("AWS_PROFILE", name));
        assert_eq!(trouble, wit::FailureKind::Expired, "{name}: {words}");
        let ending = format!("run `{command} --profile {name}`");
        assert!(words.ends_with(&ending), "{words}");
    };
    expired("old", "aws sso login");
    expired("new", "aws sso login");
    expired("console", "aws login");
    // The name of the file is the SHA-1 of the session's name: `s`.
    home.write(
        ".aws/sso/cache/a0f1490a20d0211c997b44bc357e1972deab8ae3.json",
        r#"{"accessToken": "s3cr3t-sso", "expiresAt": "2020-01-01T00:00:00Z", "region": "eu-west-1", "startUrl": "https://x.example"}"#,
    );
    expired("new", "aws sso login");
}
