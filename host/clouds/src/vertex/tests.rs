use std::path::Path;
use std::time::Duration;

use super::*;
use keyrule_contract::samples;
use keyrule_credential::handout;
use keyrule_credential::material::Material;
use keyrule_oauth::http::fake::{Fake, answer, json};
use keyrule_system::runtime::block_on;

/// A world whose home is this folder.
fn at(home: &Path) -> Ambient {
    let mut world = Ambient::empty();
    world.home = Some(home.to_path_buf());
    world.current = Some(home.to_path_buf());
    world
}

/// A world whose variable names a file with this content.
fn with(home: &Path, content: &str) -> Ambient {
    std::fs::write(home.join("adc.json"), content).unwrap();
    at(home).with_variable("GOOGLE_APPLICATION_CREDENTIALS", "adc.json")
}

fn search_in(world: &Ambient) -> Result<Kept, Failure> {
    let asker = Asker {
        source: samples::source(wit::Kind::Cloud(samples::cloud("vertex", None))),
        info: samples::info(),
        owns_signals: false,
    };
    let found = block_on(search(&asker, world, &Place::default()));
    assert!(!format!("{found:?}").contains("s3cr3t"), "{found:?}");
    found
}

/// The failure's trouble, and its words with where it is.
fn refused(world: &Ambient) -> (wit::FailureKind, String) {
    let failure = search_in(world).unwrap_err();
    let place = failure.found_in.unwrap_or_default();
    let place = place.rsplit('/').next().unwrap_or_default();
    let detail = failure.detail.unwrap_or_default();
    let home = world.home.as_ref().unwrap().display().to_string();
    let detail = detail.replace(&format!("{home}/"), "");
    (failure.trouble, format!("{place}: {detail}"))
}

fn token(kept: &Kept) -> (String, Vec<(String, String)>) {
    let Material::Carried(secret, headers) = &kept.material else {
        panic!("{kept:?}")
    };
    let headers = headers.iter();
    let headers = headers.map(|pair| (pair.name.clone(), pair.text.clone()));
    (handout::to_send(secret).to_owned(), headers.collect())
}

fn user(issuer: &Fake) -> String {
    format!(
        r#"{{"type":"authorized_user","client_id":"c","client_secret":"s3cr3t-client",
        "refresh_token":"s3cr3t-refresh","quota_project_id":"acme-quota",
        "token_uri":"{}/token"}}"#,
        issuer.origin()
    )
}

/// Answers by the path of the request.
fn by_path(answers: &[(&'static str, String)]) -> Fake {
    let answers = answers.to_vec();
    Fake::with(move |request, stream| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let found = answers.iter().find(|(known, _)| path.starts_with(known));
        let said = found.map_or_else(|| answer("404 Not Found", "", ""), |(_, said)| said.clone());
        let _ = std::io::Write::write_all(stream, said.as_bytes());
    })
}

fn left(kept: &Kept) -> Duration {
    let end = kept.expires_at.unwrap();
    end.duration_since(SystemTime::now()).unwrap()
}

#[test]
fn the_variable_goes_before_gclouds_own_file() {
    let home = tempfile::tempdir().unwrap();
    let own = home.path().join(".config/gcloud");
    std::fs::create_dir_all(&own).unwrap();
    let path = own.join("application_default_credentials.json");
    std::fs::write(&path, r#"{"type":"nothing"}"#).unwrap();
    assert_eq!(files(&at(home.path())), std::slice::from_ref(&path));
    let (trouble, words) = refused(&at(home.path()));
    assert_eq!(trouble, wit::FailureKind::Invalid);
    assert_eq!(
        words,
        "application_default_credentials.json: `.config/gcloud/application_default_credentials.json` is \
         of a `type` that is not supported"
    );
    let world = with(home.path(), "{}");
    assert_eq!(files(&world), [home.path().join("adc.json")]);
    assert_eq!(refused(&world).1, "adc.json: `adc.json` has no `type`");
    let moved = at(home.path()).with_variable("CLOUDSDK_CONFIG", "/elsewhere");
    assert_eq!(
        files(&moved),
        [Path::new("/elsewhere/application_default_credentials.json")]
    );
    assert_eq!(
        peek(&world).detail.as_deref(),
        Some("by `GOOGLE_APPLICATION_CREDENTIALS`")
    );
    assert_eq!(peek(&moved), Facts::default());
}

#[test]
fn a_file_that_is_not_as_it_must_be_is_named_and_not_quoted() {
    let home = tempfile::tempdir().unwrap();
    let invalid = wit::FailureKind::Invalid;
    let missing = at(home.path()).with_variable("GOOGLE_APPLICATION_CREDENTIALS", "no.json");
    assert_eq!(
        refused(&missing),
        (
            wit::FailureKind::NoCredentials,
            "no.json: the file that `GOOGLE_APPLICATION_CREDENTIALS` names is not there".to_owned()
        )
    );
    let long = format!(r#"{{"type":"{}"}}"#, "x".repeat(300_000));
    for (content, words) in [
        ("", "is empty"),
        (
            "{\n \"s3cr3t\": s3cr3t",
            "is not valid JSON (line 2, column 12)",
        ),
        ("[]", "has no `type`"),
        (
            r#"{"installed":{}}"#,
            "describes an OAuth client, which is no credentials",
        ),
        (r#"{"type":"service_account"}"#, "has no `client_email`"),
        (
            r#"{"type":"authorized_user","client_id":"c"}"#,
            "has no `client_secret`",
        ),
        (
            r#"{"type":"authorized_user","client_id":"c","client_secret":"s3cr3t",
               "refresh_token":"s3cr3t","token_uri":"http://evil.example/token"}"#,
            "has a `token_uri` that is not an `https://` URL",
        ),
        (
            r#"{"type":"service_account","client_email":"a@b.example","project_id":"p",
               "private_key_id":"k","private_key":"s3cr3t"}"#,
            "has a `private_key` that is not an RSA key in PEM (PKCS #8)",
        ),
        (
            r#"{"type":"impersonated_service_account",
               "service_account_impersonation_url":"https://iam.test/x",
               "source_credentials":{"type":"impersonated_service_account"}}"#,
            "has no `source_credentials` that can be asked",
        ),
        (&long, "is larger than 262144 bytes"),
    ] {
        let world = with(home.path(), content);
        assert_eq!(
            refused(&world),
            (invalid, format!("adc.json: `adc.json` {words}"))
        );
    }
}

#[test]
fn a_users_token_is_refreshed_and_its_end_is_asked_beside_it() {
    let home = tempfile::tempdir().unwrap();
    let issuer = by_path(&[
        ("/tokeninfo", json(r#"{"expires_in":"3000"}"#)),
        (
            "/token",
            json(r#"{"access_token":"s3cr3t-access","expires_in":3600,"token_type":"Bearer"}"#),
        ),
    ]);
    let kept = search_in(&with(home.path(), &user(&issuer))).unwrap();
    let (secret, headers) = token(&kept);
    assert_eq!(secret, "s3cr3t-access");
    let header = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    assert_eq!(
        headers,
        [
            header("Authorization", "Bearer {secret}"),
            header("x-goog-user-project", "acme-quota"),
        ]
    );
    let left = left(&kept).as_secs();
    assert!((2900..=3000).contains(&left), "{left}");
    assert_eq!(kept.facts.account.as_deref(), Some("user credentials"));
    assert_eq!(kept.facts.project.as_deref(), Some("acme-quota"));
    let asked = issuer.requests();
    assert!(asked[0].contains("s3cr3t-refresh"), "{asked:?}");
    assert!(asked[1].contains("access_token=s3cr3t-access"), "{asked:?}");
}

#[test]
fn a_token_whose_end_nobody_says_serves_and_is_not_kept() {
    let home = tempfile::tempdir().unwrap();
    let issuer = by_path(&[
        ("/tokeninfo", answer("400 Bad Request", "", "")),
        (
            "/token",
            json(r#"{"access_token":"s3cr3t-access","token_type":"Bearer"}"#),
        ),
    ]);
    let kept = search_in(&with(home.path(), &user(&issuer))).unwrap();
    assert_eq!(kept.expires_at, None);
}

#[test]
fn what_an_issuer_refuses_is_told_apart_and_never_quoted() {
    let home = tempfile::tempdir().unwrap();
    for (said, trouble, words) in [
        (
            answer(
                "400 Bad Request",
                "",
                r#"{"error":"invalid_grant","error_description":"s3cr3t"}"#,
            ),
            wit::FailureKind::Expired,
            "refuses it (`invalid_grant`)",
        ),
        (
            answer(
                "401 Unauthorized",
                "",
                r#"{"error":"invalid_client","s3cr3t":1}"#,
            ),
            wit::FailureKind::Rejected,
            "answers with the status 401",
        ),
        (
            answer("503 Service Unavailable", "", "s3cr3t"),
            wit::FailureKind::Unreachable,
            "answers with the status 503",
        ),
        (
            json("s3cr3t"),
            wit::FailureKind::MalformedAnswer,
            "answers with what is no token",
        ),
        (
            json(r#"{"access_token":"s3cr3t\u000d\u000aX: y","token_type":"Bearer"}"#),
            wit::FailureKind::MalformedAnswer,
            "answers with what is no token",
        ),
    ] {
        let issuer = by_path(&[("/token", said)]);
        let (seen, told) = refused(&with(home.path(), &user(&issuer)));
        assert_eq!(seen, trouble, "{told}");
        assert!(told.ends_with(words), "{told}");
    }
}

/// An external account of this source, which may be a service account's.
fn external(issuer: &Fake, source: &str, service_account: bool) -> String {
    let target = match service_account {
        true => format!(
            r#""service_account_impersonation_url":"{}/v1/projects/-/serviceAccounts/bot@acme.iam.gserviceaccount.com:generateAccessToken","#,
            issuer.origin()
        ),
        false => String::new(),
    };
    format!(
        r#"{{"type":"external_account","audience":"//iam.googleapis.com/x",{target}
        "subject_token_type":"urn:ietf:params:oauth:token-type:jwt",
        "token_url":"{0}/sts","token_info_url":"{0}/introspect","credential_source":{source}}}"#,
        issuer.origin()
    )
}

fn sts() -> (&'static str, String) {
    let said = json(
        r#"{"access_token":"s3cr3t-federated","issued_token_type":"x","token_type":"Bearer","expires_in":3600}"#,
    );
    ("/sts", said)
}

#[test]
fn a_token_in_a_file_is_exchanged() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("subject"), "{\"t\":\"s3cr3t-subject\"}\n").unwrap();
    let issuer = by_path(&[("/introspect", json(r#"{"exp":4102444800}"#)), sts()]);
    let source = r#"{"file":"subject","format":{"type":"json","subject_token_field_name":"t"}}"#;
    let kept = search_in(&with(home.path(), &external(&issuer, source, false))).unwrap();
    assert_eq!(token(&kept).0, "s3cr3t-federated");
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(4_102_444_800);
    assert_eq!(kept.expires_at, Some(end));
    assert_eq!(kept.facts.account.as_deref(), Some("external account"));
    let asked = issuer.requests();
    assert!(
        asked[0].contains("subject_token=s3cr3t-subject"),
        "{asked:?}"
    );
    assert!(asked[0].contains("auth%2Fcloud-platform"), "{asked:?}");
}

#[test]
fn a_token_of_a_url_is_exchanged_for_a_service_accounts() {
    let home = tempfile::tempdir().unwrap();
    let issuer = by_path(&[
        ("/subject", answer("200 OK", "", "s3cr3t-subject")),
        sts(),
        (
            "/v1/projects",
            json(r#"{"accessToken":"s3cr3t-bot","expireTime":"2100-01-01T00:00:00Z"}"#),
        ),
    ]);
    let source = format!(
        r#"{{"url":"{}/subject","headers":{{"X-Sample":"yes"}}}}"#,
        issuer.origin()
    );
    let kept = search_in(&with(home.path(), &external(&issuer, &source, true))).unwrap();
    assert_eq!(token(&kept).0, "s3cr3t-bot");
    let account = "bot@acme.iam.gserviceaccount.com";
    assert_eq!(kept.facts.account.as_deref(), Some(account));
    let asked = issuer.requests();
    assert!(
        asked[0].to_lowercase().contains("x-sample: yes"),
        "{asked:?}"
    );
    assert!(asked[1].contains("auth%2Fiam"), "{asked:?}");
    assert!(asked[2].contains("Bearer s3cr3t-federated"), "{asked:?}");
    assert!(asked[2].contains("auth/cloud-platform"), "{asked:?}");
}

#[test]
fn an_end_that_has_passed_is_brought_and_is_no_panic() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("subject"), "s3cr3t-subject").unwrap();
    let issuer = by_path(&[
        sts(),
        (
            "/v1/projects",
            json(r#"{"accessToken":"s3cr3t-bot","expireTime":"2001-01-01T00:00:00Z"}"#),
        ),
    ]);
    let source = r#"{"file":"subject"}"#;
    let kept = search_in(&with(home.path(), &external(&issuer, source, true))).unwrap();
    assert!(kept.expires_at.unwrap() < SystemTime::now());
}

#[cfg(unix)]
#[test]
fn a_program_runs_only_where_the_variable_lets_it() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("program");
    let says = |answer: &str| {
        let script = format!(
            "#!/bin/sh\necho \"$GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE $1\" >ran\necho '{answer}'\n"
        );
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    let good = r#"{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:jwt","id_token":"s3cr3t-subject"}"#;
    says(good);
    let issuer = by_path(&[sts()]);
    let source = r#"{"executable":{"command":"./program now"}}"#;
    let world = with(home.path(), &external(&issuer, source, false));
    let (trouble, words) = refused(&world);
    assert_eq!(trouble, wit::FailureKind::Invalid);
    assert!(
        words.starts_with("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES: "),
        "{words}"
    );
    assert!(!home.path().join("ran").exists());

    let world = world
        .with_variable("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
        .with_variable("PATH", "/usr/bin:/bin");
    let kept = search_in(&world).unwrap();
    assert_eq!(token(&kept).0, "s3cr3t-federated");
    let ran = std::fs::read_to_string(home.path().join("ran")).unwrap();
    assert_eq!(ran, "//iam.googleapis.com/x now\n");

    for (answer, trouble) in [
        ("s3cr3t-words", wit::FailureKind::MalformedAnswer),
        (
            &good.replace("\"version\":1", "\"version\":2"),
            wit::FailureKind::MalformedAnswer,
        ),
        (
            r#"{"version":1,"success":false,"code":"401","message":"s3cr3t"}"#,
            wit::FailureKind::Rejected,
        ),
        (
            &good.replace("\"success\"", "\"expiration_time\":1,\"success\""),
            wit::FailureKind::Expired,
        ),
    ] {
        says(answer);
        assert_eq!(refused(&world).0, trouble, "{answer}");
    }
}

#[test]
fn a_metadata_server_is_believed_by_its_header() {
    let home = tempfile::tempdir().unwrap();
    let flavor = "Metadata-Flavor: Google\r\n";
    let account = "/computeMetadata/v1/instance/service-accounts/default";
    let server = Fake::with(move |request, stream| {
        let path = request.split(' ').nth(1).unwrap_or_default();
        let is_asked = request.to_lowercase().contains("metadata-flavor: google");
        let said = match path.strip_prefix(account).unwrap_or(path) {
            _ if !is_asked => answer("403 Forbidden", flavor, ""),
            "/email" => answer("200 OK", flavor, "vm@acme.iam.gserviceaccount.com"),
            "/computeMetadata/v1/project/project-id" => answer("200 OK", flavor, "acme-vm"),
            path if path.starts_with("/token?scopes=https%3A%2F%2F") => answer(
                "200 OK",
                flavor,
                r#"{"access_token":"s3cr3t-vm","expires_in":1800,"token_type":"Bearer"}"#,
            ),
            _ => answer("404 Not Found", flavor, ""),
        };
        let _ = std::io::Write::write_all(stream, said.as_bytes());
    });
    let host = server.origin().replace("http://", "");
    let world = at(home.path()).with_variable("GCE_METADATA_HOST", host);
    let kept = search_in(&world).unwrap();
    assert_eq!(token(&kept).0, "s3cr3t-vm");
    assert!(left(&kept).as_secs() > 1700);
    assert_eq!(kept.facts.project.as_deref(), Some("acme-vm"));
    let account = "vm@acme.iam.gserviceaccount.com";
    assert_eq!(kept.facts.account.as_deref(), Some(account));
    assert_eq!(
        kept.facts.detail.as_deref(),
        Some("by the metadata server that `GCE_METADATA_HOST` names")
    );

    let other = Fake::saying(answer("200 OK", "", "s3cr3t"));
    let host = other.origin().replace("http://", "");
    let world = at(home.path()).with_variable("GCE_METADATA_HOST", host);
    let (trouble, words) = refused(&world);
    assert_eq!(trouble, wit::FailureKind::NoCredentials);
    assert!(
        words.ends_with("is not a metadata server of Google's"),
        "{words}"
    );
}

#[test]
fn without_a_file_and_a_metadata_server_there_are_no_credentials() {
    let home = tempfile::tempdir().unwrap();
    let world = at(home.path()).with_variable("NO_GCE_CHECK", "true");
    assert_eq!(
        refused(&world),
        (
            wit::FailureKind::NoCredentials,
            ": `NO_GCE_CHECK` says not to look for a metadata server".to_owned()
        )
    );
    for host in ["http://x", "a b", "s3cr3t/path"] {
        let world = at(home.path()).with_variable("GCE_METADATA_HOST", host);
        assert_eq!(refused(&world).0, wit::FailureKind::Invalid);
    }
}
