//! Google's Application Default Credentials, with real files and keys, at a
//! fake token endpoint, a fake exchange and a fake metadata server, all on
//! loopback: Google itself cannot be asked here. What goes in is the shipped
//! policy; what comes out are headers, or one clear error.

use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fake::{self, Asked, Fake, Say};
use crate::machine::{Ended, Machine, Run, skip};
use crate::tls::Authority;

crate::tests![
    a_service_account_signs_its_token_itself,
    a_users_token_is_refreshed_once_and_kept,
    a_token_of_another_issuer_is_exchanged,
    a_program_runs_only_where_the_variable_lets_it,
    a_program_that_is_keyrule_itself_ends,
    a_service_account_is_impersonated_by_a_user,
    a_file_that_is_not_as_it_must_be_is_named_with_line_and_column,
    what_the_issuer_refuses_is_one_clear_error,
    without_certificate_authorities_there_is_an_error_and_no_panic,
    answers_that_are_huge_late_or_out_of_time_are_no_tokens,
    a_metadata_server_is_asked_where_there_is_no_file,
    a_metadata_server_that_hangs_or_is_not_there_ends_it_soon,
    the_real_address_of_the_metadata_server_is_asked,
    a_refresh_command_brings_a_new_file,
    looking_opens_no_socket_and_starts_no_thread,
];

const ADC: &str = "home/.config/gcloud/application_default_credentials.json";

const BOT: &str = "bot@acme.iam.gserviceaccount.com";

fn headers(machine: &Machine) -> Run<'_> {
    keyrule(machine, "headers")
}

fn keyrule<'m>(machine: &'m Machine, command: &str) -> Run<'m> {
    machine
        .keyrule(&[command])
        .variable("CLAUDE_CODE_USE_VERTEX", "1")
        .variable("ANTHROPIC_VERTEX_PROJECT_ID", "acme")
        .variable("SSL_CERT_FILE", authorities(machine))
}

/// A certificate authority, without which the crate's client is not made.
fn authorities(machine: &Machine) -> std::path::PathBuf {
    machine.users("home/ca.pem", Authority::new("test").pem());
    machine.path("home/ca.pem")
}

/// It failed with this in its words, and has said nothing secret.
#[track_caller]
fn failed(ended: &Ended, words: &str) {
    let said = ended
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    assert_eq!((ended.exit, ended.stdout.as_str()), (Some(1), ""), "{said}");
    assert!(said.contains(words), "{said}");
    ended.keeps_secrets();
}

fn user(issuer: &Fake) -> Value {
    json!({
        "type": "authorized_user", "client_id": "client", "client_secret": "s3cr3t-client",
        "refresh_token": "s3cr3t-refresh", "quota_project_id": "acme-quota",
        "token_uri": format!("{}/token", issuer.origin()),
    })
}

fn external(issuer: &Fake, source: Value) -> Value {
    json!({
        "type": "external_account", "audience": "//iam.googleapis.com/pool",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": format!("{}/sts", issuer.origin()),
        "service_account_impersonation_url": format!(
            "{}/v1/projects/-/serviceAccounts/{BOT}:generateAccessToken", issuer.origin()
        ),
        "credential_source": source,
    })
}

/// A fake of everything that Google's documentation says of these endpoints.
fn google() -> Fake {
    Fake::start(google_says)
}

fn google_says(asked: &Asked) -> Say {
    let has = |parts: &[&str]| parts.iter().all(|part| asked.body.contains(part));
    let path = asked.path.as_str();
    let refused = || fake::json(400, r#"{"error":"invalid_request","s3cr3t":1}"#);
    if path == "/token" && has(&["\"grant_type\":\"refresh_token\"", "s3cr3t-refresh"]) {
        return fake::json(
            200,
            r#"{"access_token":"s3cr3t-user","expires_in":3599,"token_type":"Bearer"}"#,
        );
    }
    if path == "/tokeninfo" && has(&["access_token=s3cr3t-user"]) {
        return fake::json(200, r#"{"expires_in":"3598"}"#);
    }
    let exchange = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Atoken-exchange";
    let subject = "subject_token=s3cr3t-subject";
    if path == "/sts" && has(&[exchange, subject, "auth%2Fiam"]) {
        return fake::json(
            200,
            r#"{"access_token":"s3cr3t-sts","issued_token_type":"urn:ietf:params:oauth:token-type:access_token","token_type":"Bearer","expires_in":3600}"#,
        );
    }
    if path == "/subject" && asked.head.contains("x-sample: yes") {
        return fake::json(200, r#"{"token":"s3cr3t-subject"}"#);
    }
    let is_bearer = |token: &str| {
        asked
            .head
            .contains(&format!("authorization: bearer {token}"))
    };
    if path.contains(BOT) && (is_bearer("s3cr3t-sts") || is_bearer("s3cr3t-user")) {
        return fake::json(
            200,
            r#"{"accessToken":"s3cr3t-bot","expireTime":"2100-01-01T00:00:00Z"}"#,
        );
    }
    refused()
}

fn a_service_account_signs_its_token_itself() {
    let machine = Machine::new();
    let work = tempfile::tempdir().unwrap();
    let at = |name: &str| work.path().join(name).to_str().unwrap().to_owned();
    let openssl = |arguments: &[&str]| {
        let ended = Command::new("openssl").args(arguments).output();
        let ended = ended.unwrap_or_else(|_| skip("`openssl` is missing"));
        assert!(ended.status.success(), "{ended:?}");
        String::from_utf8(ended.stdout).unwrap()
    };
    let bits = "rsa_keygen_bits:2048";
    let key = [
        "genpkey",
        "-algorithm",
        "RSA",
        "-pkeyopt",
        bits,
        "-out",
        &at("key"),
    ];
    openssl(&key);
    openssl(&["pkey", "-in", &at("key"), "-pubout", "-out", &at("public")]);
    let file = json!({
        "type": "service_account", "project_id": "acme-of-the-file", "client_email": BOT,
        "private_key_id": "the-key", "private_key": std::fs::read_to_string(at("key")).unwrap(),
        "token_uri": "https://oauth2.googleapis.com/token",
    });
    machine.users("home/work/account.json", file.to_string());
    let run = || {
        headers(&machine)
            .variable("GOOGLE_APPLICATION_CREDENTIALS", "account.json")
            .end()
    };
    let ended = run();
    let token = ended.stdout.strip_prefix("Authorization: Bearer ");
    let token = token.unwrap_or_else(|| panic!("{ended:?}")).trim_end();
    let (signed, signature) = token.rsplit_once('.').unwrap();
    let decode = |part: &str| {
        let line = format!(
            "import base64,sys;sys.stdout.buffer.write(base64.urlsafe_b64decode('{part}=='))"
        );
        Command::new("python3")
            .args(["-c", &line])
            .output()
            .unwrap()
            .stdout
    };
    std::fs::write(at("signature"), decode(signature)).unwrap();
    std::fs::write(at("signed"), signed).unwrap();
    let verified = openssl(&[
        "dgst",
        "-sha256",
        "-verify",
        &at("public"),
        "-signature",
        &at("signature"),
        &at("signed"),
    ]);
    assert_eq!(verified, "Verified OK\n");
    let (head, claims) = signed.split_once('.').unwrap();
    let head: Value = serde_json::from_slice(&decode(head)).unwrap();
    let claims: Value = serde_json::from_slice(&decode(claims)).unwrap();
    assert_eq!(head["kid"], "the-key");
    assert_eq!((&claims["iss"], &claims["sub"]), (&json!(BOT), &json!(BOT)));
    assert_eq!(
        claims["scope"],
        "https://www.googleapis.com/auth/cloud-platform"
    );
    let life = claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap();
    assert!((3600..=3700).contains(&life), "{life}");
    // It is kept: the next one is the same.
    assert_eq!(run().stdout, ended.stdout);
    let status = keyrule(&machine, "status")
        .variable("GOOGLE_APPLICATION_CREDENTIALS", "account.json")
        .end();
    assert!(status.stdout.contains(BOT), "{}", status.stdout);
    let endpoint = "https://us-east5-aiplatform.googleapis.com/v1";
    assert!(status.stdout.contains(endpoint), "{}", status.stdout);
    status.keeps_secrets();
}

fn a_users_token_is_refreshed_once_and_kept() {
    let machine = Machine::new();
    let issuer = google();
    machine.users(ADC, user(&issuer).to_string());
    let expected = "Authorization: Bearer s3cr3t-user\nx-goog-user-project: acme-quota\n";
    headers(&machine).end().gives(expected);
    headers(&machine).end().gives(expected);
    assert_eq!(issuer.asked("/token").len(), 2, "one refresh, and its end");
    // Another file is another account.
    machine.users(ADC, format!("{} ", user(&issuer)));
    headers(&machine).end().gives(expected);
    assert_eq!(issuer.asked("/token").len(), 4);
}

fn a_token_of_another_issuer_is_exchanged() {
    let issuer = google();
    for source in [
        json!({ "file": "subject" }),
        json!({
            "url": format!("{}/subject", issuer.origin()), "headers": { "X-Sample": "yes" },
            "format": { "type": "json", "subject_token_field_name": "token" },
        }),
    ] {
        let machine = Machine::new();
        machine.users("home/.config/gcloud/subject", "s3cr3t-subject\n");
        machine.users(ADC, external(&issuer, source).to_string());
        headers(&machine)
            .end()
            .gives("Authorization: Bearer s3cr3t-bot\n");
    }
    let asked = issuer.asked("/v1/projects/-/serviceAccounts/");
    assert_eq!(asked.len(), 2);
    let body: Value = serde_json::from_str(&asked[0].body).unwrap();
    let scope = json!(["https://www.googleapis.com/auth/cloud-platform"]);
    assert_eq!(
        (&body["scope"], &body["lifetime"]),
        (&scope, &json!("3600s"))
    );
}

fn a_program_runs_only_where_the_variable_lets_it() {
    const ALLOW: &str = "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES";
    let machine = Machine::new();
    let issuer = google();
    let source = json!({ "executable": { "command": "./program --now" } });
    machine.users(ADC, external(&issuer, source).to_string());
    let answer = r#"{"version":1,"success":true,"token_type":"urn:ietf:params:oauth:token-type:id_token","id_token":"s3cr3t-subject"}"#;
    let script = format!(
        "#!/bin/sh\necho \"$1 $GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL\" >ran\necho '{answer}'\n"
    );
    machine.users("home/.config/gcloud/program", script);
    machine.mode("home/.config/gcloud/program", 0o755);
    // One that a cloned repository brings along is not the one that runs.
    machine.users("home/work/program", "#!/bin/sh\ntouch ~/taken\n");
    machine.mode("home/work/program", 0o755);
    for value in ["", "0", "true"] {
        let ended = headers(&machine).variable(ALLOW, value).end();
        failed(&ended, &format!("`{ALLOW}` is not `1`"));
    }
    assert_eq!(machine.read("home/.config/gcloud/ran"), "");
    let ended = headers(&machine).variable(ALLOW, "1").end();
    ended.gives("Authorization: Bearer s3cr3t-bot\n");
    let ran = machine.read("home/.config/gcloud/ran");
    assert_eq!(ran, format!("--now {BOT}\n"));
    assert!(!machine.path("home/taken").exists());
}

fn a_program_that_is_keyrule_itself_ends() {
    let machine = Machine::new();
    let issuer = google();
    let source = json!({ "executable": { "command": "./program" } });
    machine.users(ADC, external(&issuer, source).to_string());
    // With the marker of the one around it, and where it was taken away.
    for line in [
        "exec keyrule token",
        "unset KEYRULE_HELPER_OF; keyrule token; exit 1",
    ] {
        machine.users(
            "home/.config/gcloud/program",
            format!("#!/bin/sh\n{line}\n"),
        );
        machine.mode("home/.config/gcloud/program", 0o755);
        let start = Instant::now();
        let ended = headers(&machine)
            .variable("GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES", "1")
            .end();
        failed(
            &ended,
            "runs Keyrule, which is looking for these very credentials",
        );
        failed(&ended, "the program that it names: exit status 1");
        assert!(start.elapsed() < Duration::from_secs(20));
    }
}

fn a_service_account_is_impersonated_by_a_user() {
    let machine = Machine::new();
    let issuer = google();
    let file = json!({
        "type": "impersonated_service_account", "source_credentials": user(&issuer),
        "service_account_impersonation_url": format!(
            "{}/v1/projects/-/serviceAccounts/{BOT}:generateAccessToken", issuer.origin()
        ),
        "delegates": ["projects/-/serviceAccounts/between@acme.iam.gserviceaccount.com"],
    });
    machine.users(ADC, file.to_string());
    headers(&machine)
        .end()
        .gives("Authorization: Bearer s3cr3t-bot\n");
    let asked = issuer.asked("/v1/projects/");
    assert!(asked[0].body.contains("between@acme"), "{asked:?}");
}

fn a_file_that_is_not_as_it_must_be_is_named_with_line_and_column() {
    for (content, words) in [
        (
            "{\n  \"type\": s3cr3t",
            "is not valid JSON (line 2, column 11)",
        ),
        ("", "is empty"),
        (
            "{\"type\":\"s3cr3t\"}",
            "is of a `type` that is not supported",
        ),
        (
            "{\"type\":\"service_account\",\"private_key\":\"s3cr3t\"}",
            "has no `client_email`",
        ),
        (
            "{\"web\":{\"client_secret\":\"s3cr3t\"}}",
            "describes an OAuth client",
        ),
    ] {
        let machine = Machine::new();
        machine.users(ADC, content);
        let ended = headers(&machine).end();
        failed(&ended, words);
        failed(&ended, "application_default_credentials.json");
    }
    let machine = Machine::new();
    let ended = headers(&machine)
        .variable("GOOGLE_APPLICATION_CREDENTIALS", "/no/such.json")
        .end();
    failed(
        &ended,
        "the file that `GOOGLE_APPLICATION_CREDENTIALS` names is not there",
    );
}

fn what_the_issuer_refuses_is_one_clear_error() {
    for (status, body, words) in [
        (
            400,
            r#"{"error":"invalid_grant","error_description":"s3cr3t"}"#,
            "`invalid_grant`",
        ),
        (403, "s3cr3t", "answers with the status 403"),
        (500, "s3cr3t", "answers with the status 500"),
        (200, "s3cr3t", "answers with what is no token"),
    ] {
        let machine = Machine::new();
        let issuer = Fake::start(move |_| fake::json(status, body));
        machine.users(ADC, user(&issuer).to_string());
        let ended = headers(&machine).variable("KEYRULE_LOG", "trace").end();
        failed(&ended, words);
    }
    let machine = Machine::new();
    let issuer = Fake::start(|_| fake::json(400, r#"{"error":"invalid_grant"}"#));
    machine.users(ADC, user(&issuer).to_string());
    let ended = headers(&machine).end();
    let hint = ended.hint().unwrap_or_default();
    assert!(
        hint.contains("gcloud auth application-default login"),
        "{hint}"
    );
}

fn without_certificate_authorities_there_is_an_error_and_no_panic() {
    let machine = Machine::new();
    let issuer = google();
    machine.users(ADC, user(&issuer).to_string());
    let ended = headers(&machine).without("SSL_CERT_FILE").end();
    failed(&ended, "there are no certificate authorities of the system");
    assert!(!ended.stderr.contains("panicked"), "{}", ended.stderr);
}

/// Vertex alone, with little time.
fn hasty(machine: &Machine) -> Run<'_> {
    let policy = r#"
name = "hasty"
[[source]]
id = "vertex"
kind = "cloud"
provider = "vertex"
select = "always"
timeout = "2s"
endpoint = { default = "https://{region}-aiplatform.googleapis.com/v1" }
surfaces = ["terminal"]
"#;
    machine.users("home/.config/keyrule/hasty.toml", policy);
    machine
        .keyrule(&["--policy", "hasty", "token"])
        .variable("SSL_CERT_FILE", authorities(machine))
}

fn answers_that_are_huge_late_or_out_of_time_are_no_tokens() {
    let machine = Machine::new();
    let huge = Fake::start(|_| fake::json(200, &"s3cr3t".repeat(1 << 19)));
    let source = json!({ "url": format!("{}/subject", huge.origin()) });
    machine.users(ADC, external(&huge, source).to_string());
    failed(&headers(&machine).end(), "answers with more than 1 MiB");

    let machine = Machine::new();
    let hanging = Fake::start(|_| Say::Hang);
    machine.users(ADC, user(&hanging).to_string());
    let start = Instant::now();
    failed(&hasty(&machine).end(), "2 s");
    assert!(start.elapsed() < Duration::from_secs(20));

    // The clock of this machine is wrong, or theirs is.
    let machine = Machine::new();
    let late = Fake::start(|asked| match asked.path.contains(BOT) {
        true => fake::json(
            200,
            r#"{"accessToken":"s3cr3t-bot","expireTime":"2001-01-01T00:00:00Z"}"#,
        ),
        false => google_says(asked),
    });
    machine.users("home/.config/gcloud/subject", "s3cr3t-subject");
    machine.users(
        ADC,
        external(&late, json!({ "file": "subject" })).to_string(),
    );
    failed(&headers(&machine).end(), "expired");
}

fn metadata_server() -> Fake {
    Fake::start(|asked| {
        let flavor = "Metadata-Flavor: Google\r\n";
        let say = |status, body: &str| Say::Answer(status, flavor, body.to_owned());
        let account = "/computeMetadata/v1/instance/service-accounts/default/";
        match asked.path.strip_prefix(account).unwrap_or(&asked.path) {
            _ if !asked.head.contains("metadata-flavor: google") => say(403, "s3cr3t"),
            "email" => say(200, BOT),
            "/computeMetadata/v1/project/project-id" => say(200, "acme-of-the-machine"),
            path if path.starts_with("token?scopes=https%3A%2F%2F") => say(
                200,
                r#"{"access_token":"s3cr3t-vm","expires_in":3000,"token_type":"Bearer"}"#,
            ),
            _ => say(404, "s3cr3t"),
        }
    })
}

fn a_metadata_server_is_asked_where_there_is_no_file() {
    let machine = Machine::new();
    let server = metadata_server();
    let run = |arguments: &[&str]| {
        machine
            .keyrule(arguments)
            .variable("CLAUDE_CODE_USE_VERTEX", "1")
            .variable("GCE_METADATA_HOST", server.host())
            .end()
    };
    run(&["headers"]).gives("Authorization: Bearer s3cr3t-vm\n");
    run(&["headers"]).gives("Authorization: Bearer s3cr3t-vm\n");
    let account = "/computeMetadata/v1/instance/service-accounts/default/token";
    assert_eq!(server.asked(account).len(), 1);
    let status = run(&["status"]);
    assert!(status.stdout.contains(BOT), "{}", status.stdout);
    assert!(
        status.stdout.contains("acme-of-the-machine"),
        "{}",
        status.stdout
    );
    status.keeps_secrets();
}

fn a_metadata_server_that_hangs_or_is_not_there_ends_it_soon() {
    let machine = Machine::new();
    let hanging = Fake::start(|_| Say::Hang);
    let start = Instant::now();
    let ended = headers(&machine)
        .variable("GCE_METADATA_HOST", hanging.host())
        .end();
    failed(&ended, "has not answered within");
    failed(&ended, "GCE_METADATA_HOST");
    let other = Fake::start(|_| fake::json(200, "s3cr3t"));
    let ended = headers(&machine)
        .variable("GCE_METADATA_HOST", other.host())
        .end();
    failed(&ended, "is not a metadata server of Google's");
    let ended = headers(&machine).under(&["unshare", "-Urn"]).end();
    failed(
        &ended,
        "there is no credentials file, and no metadata server",
    );
    assert!(start.elapsed() < Duration::from_secs(30));
}

fn the_real_address_of_the_metadata_server_is_asked() {
    let machine = Machine::new();
    let flavor = json!({ "Metadata-Flavor": "Google" });
    let account = "/computeMetadata/v1/instance/service-accounts/default/";
    let token = r#"{"access_token":"s3cr3t-vm","expires_in":3000,"token_type":"Bearer"}"#;
    let server = fake::metadata(&json!([
        [
            format!("{account}email"),
            "metadata-flavor",
            200,
            flavor,
            BOT
        ],
        [
            format!("{account}token"),
            "metadata-flavor",
            200,
            flavor,
            token
        ],
    ]));
    let ended = in_a_network(&machine, &server, headers(&machine));
    ended.gives("Authorization: Bearer s3cr3t-vm\n");
}

/// Runs it in a network of its own, where this script is the metadata server.
pub(crate) fn in_a_network(machine: &Machine, server: &str, run: Run<'_>) -> Ended {
    machine.managed("metadata.cjs", server);
    let before = "ip link set lo up; ip addr add 169.254.169.254/32 dev lo; \
                  /usr/bin/node \"$ROOT/metadata.cjs\" & \
                  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do \
                    ss -ltn | grep -q :80 && break; sleep 0.2; done; \
                  trap 'kill $!' EXIT";
    let inner = run.after(before).command();
    let mut command = Command::new("/usr/bin/unshare");
    command
        .args(["--net", "--pid", "--fork", "--kill-child", "--"])
        .arg(inner.get_program())
        .args(inner.get_args())
        .env_clear();
    for (name, value) in inner.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    Ended::of(machine, command.output().unwrap())
}

fn a_refresh_command_brings_a_new_file() {
    let machine = Machine::new();
    let issuer = google();
    let script = format!(
        "#!/bin/sh\necho 'log in there, please'\nmkdir -p ~/.config/gcloud\n\
         echo '{}' > ~/.config/gcloud/application_default_credentials.json\n",
        user(&issuer)
    );
    machine.users("home/bin/refresh", script);
    machine.mode("home/bin/refresh", 0o755);
    let settings = json!({ "gcpAuthRefresh": machine.path("home/bin/refresh") });
    machine.users("home/.claude/settings.json", settings.to_string());
    let ended = headers(&machine)
        .under(&["unshare", "-Ur"])
        .variable("NO_GCE_CHECK", "true")
        .end();
    assert_eq!(
        (ended.exit, ended.stdout.as_str(), ended.stderr.as_str()),
        (
            Some(0),
            "Authorization: Bearer s3cr3t-user\nx-goog-user-project: acme-quota\n",
            "log in there, please\n"
        )
    );
}

fn looking_opens_no_socket_and_starts_no_thread() {
    let machine = Machine::new();
    let issuer = google();
    machine.users(ADC, user(&issuer).to_string());
    looks_quietly(&machine, &[("CLAUDE_CODE_USE_VERTEX", "1")]);
    assert!(issuer.asked("/").is_empty());
}

/// What looks does no more than that.
pub(crate) fn looks_quietly(machine: &Machine, variables: &[(&str, &str)]) {
    if Command::new("strace").arg("-V").output().is_err() {
        skip("`strace` is missing");
    }
    for command in ["status", "explain"] {
        let line = format!(
            "exec strace -f -q -e trace=network,clone,clone3,fork,vfork -o ~/trace \
             keyrule {command}"
        );
        let run = machine.shell(&line);
        let run = variables
            .iter()
            .fold(run, |run, (name, value)| run.variable(name, *value));
        let ended = run.end();
        assert_ne!(ended.stdout, "", "{command}: {}", ended.stderr);
        ended.keeps_secrets();
        let trace = machine.read("home/trace");
        let calls: Vec<_> = trace.lines().filter(|line| line.contains('(')).collect();
        assert_eq!(calls, [""; 0], "{command}");
    }
}
