//! Amazon Bedrock's credentials, with the tools that others use: the `aws`
//! command and the SDK for Python, which it is made of, and moto, which
//! answers as AWS does. What AWS says only to its own machines, in time or in
//! counts, a fake says. What goes in are variables, profiles and files; what
//! comes out is which access key is chosen, and that it signs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use self::cloud::Cloud;
use self::moto::Moto;
use crate::machine::{Ended, Machine, Run, skip, within};

#[path = "aws/cloud.rs"]
mod cloud;
#[path = "aws/combinations.rs"]
mod combinations;
#[path = "aws/moto.rs"]
mod moto;

crate::tests![
    the_aws_command_and_keyrule_choose_the_same_key,
    the_aws_command_is_who_keyrule_s_key_says,
    a_web_identity_is_exchanged_at_sts,
    botocore_signs_the_same_requests_in_the_same_way,
    many_at_one_expiry_ask_once,
    a_command_brings_new_credentials_and_they_are_used,
    a_command_that_brings_none_fails_once_and_says_nothing,
    a_command_prints_the_credentials_in_the_place_of_the_search,
    a_process_that_runs_keyrule_for_itself_ends_at_once,
    a_process_may_run_keyrule_for_another_profile,
    a_command_that_prints_and_runs_keyrule_gets_the_search,
    the_instance_is_asked_where_instances_answer,
    metadata_that_hangs_does_not_hang_us,
    what_is_wrong_is_said_once_and_hands_nothing_out,
    no_log_has_a_secret,
    nothing_starts_before_the_get,
    exec_passes_the_provider_s_variables_on_and_no_other_credential,
];

const POLICY: &str = r#"
name = "aws"
[[source]]
id = "bedrock"
kind = "cloud"
provider = "bedrock"
select = "always"
surfaces = ["terminal"]

# The providers of these tests answer on this machine.
[source.endpoint]
default = "https://bedrock-runtime.{region}.amazonaws.com"
variable = "BEDROCK_URL"
allow = ["https://*.amazonaws.com", "http://127.0.0.1:*"]
"#;

/// A machine whose user has the policy, and this in `~/.aws`.
fn machine(config: &str, credentials: &str) -> Machine {
    let machine = Machine::new();
    machine.users("home/.config/keyrule/aws.toml", POLICY);
    machine.users("home/.aws/config", config);
    machine.users("home/.aws/credentials", credentials);
    machine
}

/// Keyrule prints the key, with the metadata of no machine.
fn token(machine: &Machine) -> Run<'_> {
    machine
        .keyrule(&["--policy", "aws", "token", "--format", "aws-process"])
        .variable("AWS_EC2_METADATA_DISABLED", "true")
}

/// The id of the key that was printed.
#[track_caller]
fn id(ended: &Ended) -> String {
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    printed["AccessKeyId"].as_str().unwrap().to_owned()
}

/// It failed, and this is what was said.
#[track_caller]
fn said(ended: &Ended) -> String {
    assert_eq!(
        (ended.exit, ended.stdout.as_str(), ended.code()),
        (Some(1), "", Some("source-failed")),
        "{}",
        ended.stderr
    );
    ended.keeps_secrets();
    ended
        .stderr
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// A program of the Python environment that `tests/setup aws-sdk` makes.
fn python(name: &str) -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let program = test.ancestors().nth(3).unwrap().join("aws/bin").join(name);
    if !program.exists() {
        skip(
            "`target/aws` is missing: `tests/setup aws-sdk` makes it of `tests/aws/requirements.txt`",
        );
    }
    program
}

/// A script of ours for it, told this and read to its end.
fn script(name: &str, told: &Value) -> Value {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("aws");
    let mut child = Command::new(python("python"))
        .arg(folder.join(name))
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = child.stdin.take().unwrap();
    serde_json::to_writer(stdin, told).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    serde_json::from_slice(&output.stdout).unwrap()
}

fn the_aws_command_and_keyrule_choose_the_same_key() {
    combinations::compare();
}

fn the_aws_command_is_who_keyrule_s_key_says() {
    let aws = python("aws");
    let moto = Moto::start();
    let machine = machine(
        "[profile role]\nrole_arn = arn:aws:iam::123456789012:role/tester\nrole_session_name = session\nsource_profile = base\n[profile keyrule]\ncredential_process = env AWS_PROFILE=role keyrule --policy aws token --format aws-process\n",
        "[base]\naws_access_key_id = AKIABASE00000001\naws_secret_access_key = s3cr3t-base\n",
    );
    let line = format!(
        "{} --profile keyrule sts get-caller-identity --output json",
        aws.display()
    );
    let ended = machine
        .shell(&line)
        .variable("AWS_ENDPOINT_URL", moto.origin())
        .variable("AWS_DEFAULT_REGION", "us-east-1")
        .variable("AWS_EC2_METADATA_DISABLED", "true")
        .end();
    if ended.stderr.contains("Permission denied") {
        skip("another user cannot run what is in `target/aws`");
    }
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    let who: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        who["Arn"],
        "arn:aws:sts::123456789012:assumed-role/tester/session"
    );
}

fn a_web_identity_is_exchanged_at_sts() {
    let moto = Moto::start();
    let machine = machine("", "");
    machine.users("home/token", "s3cr3t-identity");
    let ended = token(&machine)
        .variable("AWS_ENDPOINT_URL_STS", moto.origin())
        .variable("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/web")
        .variable("AWS_WEB_IDENTITY_TOKEN_FILE", machine.path("home/token"))
        .end();
    assert!(id(&ended).starts_with("ASIA"), "{}", ended.stdout);
    let printed: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert!(printed["Expiration"].is_string());
    assert!(printed["SessionToken"].is_string());
}

fn botocore_signs_the_same_requests_in_the_same_way() {
    python("python");
    let machine = machine(
        "[profile temporary]\nregion = eu-west-3\n",
        "[default]\naws_access_key_id = AKIADEFAULT00001\naws_secret_access_key = s3cr3t-default\n[temporary]\naws_access_key_id = ASIATEMPORARY001\naws_secret_access_key = s3cr3t-temporary\naws_session_token = s3cr3t/session+token==\n",
    );
    let mut requests = Vec::new();
    let mut ours = Vec::new();
    for (profile, region, secret, session) in [
        ("default", "us-east-1", "s3cr3t-default", None),
        (
            "temporary",
            "eu-west-3",
            "s3cr3t-temporary",
            Some("s3cr3t/session+token=="),
        ),
    ] {
        for (method, path, body) in [
            ("GET", "/", ""),
            ("GET", "/foundation-models?byProvider=anthropic", ""),
            ("GET", "/a?b=2&a=1&a=0&empty=&flag", ""),
            ("GET", "/a?q=a%20b%2Fc&plus=a%2Bb", ""),
            (
                "POST",
                "/model/anthropic.claude-v2%3A1/invoke",
                "{\"anthropic_version\": \"bedrock-2023-05-31\"}",
            ),
            (
                "POST",
                "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fx/converse-stream",
                "{}",
            ),
            ("POST", "/model/x/invoke", "caf\u{e9} \u{1f980}\n\n"),
            ("DELETE", "/a%20b//c/", ""),
        ] {
            machine.users("home/body", body);
            let url = format!("https://bedrock-runtime.{region}.amazonaws.com{path}");
            let ended = machine
                .keyrule(&[
                    "--policy",
                    "aws",
                    "--json",
                    "headers",
                    "--url",
                    &url,
                    "--method",
                    method,
                    "--body-file",
                    "../body",
                ])
                .variable("AWS_PROFILE", profile)
                .end();
            assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
            let headers: Value = serde_json::from_str(&ended.stdout).unwrap();
            assert_eq!(headers["x-amz-security-token"].as_str(), session);
            let signed = headers["authorization"].as_str().unwrap();
            let id = signed.split_once("Credential=").unwrap().1;
            requests.push(json!({
                "method": method, "url": url, "body": body, "region": region,
                "service": "bedrock", "time": headers["x-amz-date"],
                "id": id.split_once('/').unwrap().0, "secret": secret, "token": session,
            }));
            ours.push(signed.to_owned());
        }
    }
    let theirs = script("sign.py", &Value::from(requests));
    let theirs = theirs.as_array().unwrap();
    assert_eq!(theirs.len(), ours.len());
    for (index, (ours, theirs)) in ours.iter().zip(theirs).enumerate() {
        assert_eq!(Some(ours.as_str()), theirs.as_str(), "request {index}");
    }
    eprintln!("{} requests are signed as botocore signs them", ours.len());
}

fn many_at_one_expiry_ask_once() {
    let cloud = Cloud::start();
    let machine = machine(
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/many\nsource_profile = base\n",
        "[base]\naws_access_key_id = AKIABASE00000001\naws_secret_access_key = s3cr3t-base\n",
    );
    let start = || {
        let run = token(&machine).variable("AWS_ENDPOINT_URL", cloud.origin());
        run.start()
    };
    let children: Vec<_> = (0..20).map(|_| start()).collect();
    let mut printed: Vec<String> = children
        .into_iter()
        .map(|child| {
            let output = child.wait_with_output().unwrap();
            let ended = Ended::of(&machine, output);
            id(&ended);
            ended.stdout
        })
        .collect();
    printed.dedup();
    assert_eq!(printed.len(), 1, "they have the same credentials");
    assert_eq!(cloud.assumed().len(), 1);
    // What is kept is the user's alone, and another profile is another entry.
    let ended = token(&machine)
        .variable("AWS_ENDPOINT_URL", cloud.origin())
        .variable("AWS_PROFILE", "base")
        .end();
    assert_eq!(id(&ended), "AKIABASE00000001");
    assert_eq!(cloud.assumed().len(), 1);
}

/// A machine on which Bedrock is on, in the shipped policy, with this in the
/// user's settings.
fn shipped(settings: &Value) -> Machine {
    let machine = machine("", "");
    machine.users("home/.claude/settings.json", settings.to_string());
    machine
}

fn bedrock(machine: &Machine) -> Run<'_> {
    machine
        .keyrule(&["token", "--format", "aws-process"])
        .variable("CLAUDE_CODE_USE_BEDROCK", "1")
        .variable("AWS_EC2_METADATA_DISABLED", "true")
}

fn executable(machine: &Machine, below: &str, script: &str) -> String {
    machine.users(below, format!("#!/bin/sh\n{script}\n"));
    machine.mode(below, 0o755);
    machine.path(below).to_str().unwrap().to_owned()
}

fn a_command_brings_new_credentials_and_they_are_used() {
    let machine = shipped(&json!({}));
    let refresh = executable(
        &machine,
        "home/bin/refresh",
        "echo one >> ~/runs; echo 'open https://login.test'; printf '[default]\\naws_access_key_id = AKIAREFRESHED001\\naws_secret_access_key = s3cr3t-refreshed\\n' > ~/.aws/credentials",
    );
    machine.users(
        "home/.claude/settings.json",
        json!({ "awsAuthRefresh": refresh }).to_string(),
    );
    let ended = bedrock(&machine).end();
    assert_eq!(id(&ended), "AKIAREFRESHED001");
    // What it says is for people, and no part of what is handed out.
    assert!(ended.stderr.contains("open https://login.test"));
    assert!(!ended.stdout.contains("open"));
    // Where there are credentials it is not run.
    assert_eq!(id(&bedrock(&machine).end()), "AKIAREFRESHED001");
    assert_eq!(machine.read("home/runs"), "one\n");
}

fn a_command_that_brings_none_fails_once_and_says_nothing() {
    let machine = shipped(&json!({ "awsAuthRefresh": "echo one >> ~/runs; exit 7" }));
    let words = said(&bedrock(&machine).end());
    assert!(words.contains("exit status 7"), "{words}");
    assert_eq!(machine.read("home/runs"), "one\n");
    // It ends well, and there are none all the same.
    machine.users(
        "home/.claude/settings.json",
        json!({ "awsAuthRefresh": "echo two >> ~/runs" }).to_string(),
    );
    let words = said(&bedrock(&machine).end());
    assert!(words.contains("has no credentials"), "{words}");
    assert_eq!(machine.read("home/runs"), "one\ntwo\n");
}

fn a_command_prints_the_credentials_in_the_place_of_the_search() {
    let machine = shipped(&json!({}));
    machine.users(
        "home/.aws/credentials",
        "[default]\naws_access_key_id = AKIASEARCHED0001\naws_secret_access_key = s3cr3t-searched\nregion = ap-south-1\n",
    );
    let printed = json!({ "Credentials": {
        "AccessKeyId": "ASIAEXPORTED0001", "SecretAccessKey": "s3cr3t-exported",
        "SessionToken": "s3cr3t-session", "Expiration": "2100-01-01T00:00:00Z",
    }});
    let export = executable(
        &machine,
        "home/bin/export",
        &format!("echo one >> ~/runs; echo '{printed}'"),
    );
    let settings = json!({ "awsCredentialExport": export }).to_string();
    machine.users("home/.claude/settings.json", &settings);
    assert_eq!(id(&bedrock(&machine).end()), "ASIAEXPORTED0001");
    assert_eq!(id(&bedrock(&machine).end()), "ASIAEXPORTED0001");
    // Kept until five minutes before its end.
    assert_eq!(machine.read("home/runs"), "one\n");
    // It signs for the region that the documented order gives.
    let url = "https://bedrock-runtime.ap-south-1.amazonaws.com/";
    let ended = machine
        .keyrule(&["headers", "--url", url])
        .variable("CLAUDE_CODE_USE_BEDROCK", "1")
        .end();
    assert!(
        ended.stdout.contains("/ap-south-1/bedrock/aws4_request"),
        "{}{}",
        ended.stdout,
        ended.stderr
    );
    // What is no answer is not repeated.
    let machine = shipped(&json!({ "awsCredentialExport": "echo '{\"s3cr3t\": '" }));
    said(&bedrock(&machine).end());
}

const AROUND: &str = "is looking for these very credentials";

fn a_process_that_runs_keyrule_for_itself_ends_at_once() {
    let path = crate::program::path();
    let path = path.display();
    for process in [
        "keyrule --policy aws token --format aws-process".to_owned(),
        // A shell between, and a marker that is taken away.
        "sh -c 'keyrule --policy aws token --format aws-process; exit $?'".to_owned(),
        format!("env -i HOME=$HOME {path} --policy aws token --format aws-process"),
    ] {
        let machine = machine(&format!("[default]\ncredential_process = {process}\n"), "");
        let start = Instant::now();
        let words = said(&token(&machine).end());
        assert!(words.contains(AROUND), "{process}: {words}");
        assert!(
            words.contains("`credential_process` of the profile `default`"),
            "{words}"
        );
        assert!(start.elapsed() < Duration::from_secs(20), "{process}");
        assert!(within(5, || machine.processes().is_empty()));
    }
}

fn a_process_may_run_keyrule_for_another_profile() {
    let machine = machine(
        "[profile outer]\ncredential_process = env AWS_PROFILE=inner keyrule --policy aws token --format aws-process\n",
        "[inner]\naws_access_key_id = AKIAINNER0000001\naws_secret_access_key = s3cr3t-inner\n",
    );
    let ended = token(&machine).variable("AWS_PROFILE", "outer").end();
    assert_eq!(id(&ended), "AKIAINNER0000001");
}

fn a_command_that_prints_and_runs_keyrule_gets_the_search() {
    let machine = shipped(&json!({
        "awsCredentialExport": "CLAUDE_CODE_USE_BEDROCK=1 keyrule token --format aws-process"
    }));
    machine.users(
        "home/.aws/credentials",
        "[default]\naws_access_key_id = AKIASEARCHED0001\naws_secret_access_key = s3cr3t-searched\n",
    );
    assert_eq!(id(&bedrock(&machine).end()), "AKIASEARCHED0001");
    // With the marker taken away it would go round: it ends instead.
    let path = crate::program::path();
    let export = format!(
        "env -i HOME=\"$HOME\" CLAUDE_CODE_USE_BEDROCK=1 {} token --format aws-process",
        path.display()
    );
    machine.users(
        "home/.claude/settings.json",
        json!({ "awsCredentialExport": export }).to_string(),
    );
    let start = Instant::now();
    let words = said(&bedrock(&machine).end());
    assert!(words.contains("runs Keyrule"), "{words}");
    assert!(start.elapsed() < Duration::from_secs(20));
}

/// At the address that it has on every instance, which plain HTTP may go to.
fn the_instance_is_asked_where_instances_answer() {
    let machine = machine("", "");
    let role = "/latest/meta-data/iam/security-credentials/";
    let key = json!({
        "Code": "Success", "AccessKeyId": "ASIAINSTANCE0001", "SecretAccessKey": "s3cr3t-role",
        "Token": "s3cr3t-token", "Expiration": "2100-01-01T00:00:00Z",
    });
    let told = "x-aws-ec2-metadata-token";
    let server = crate::fake::metadata(&json!([
        ["/latest/api/token", "", 200, { "x-aws-ec2-metadata-token-ttl-seconds": "21600" }, "s3cr3t-t"],
        [format!("{role}instance"), told, 200, {}, key.to_string()],
        [role, told, 200, {}, "instance"],
    ]));
    let run = token(&machine)
        .without("AWS_EC2_METADATA_DISABLED")
        // No proxy is between, whatever variables say.
        .variable("HTTPS_PROXY", "http://127.0.0.1:1")
        .variable("HTTP_PROXY", "http://127.0.0.1:1");
    let ended = crate::gcp::in_a_network(&machine, &server, run);
    assert_eq!(id(&ended), "ASIAINSTANCE0001");
}

fn metadata_that_hangs_does_not_hang_us() {
    let machine = machine("", "");
    let hanging = Cloud::hanging();
    let start = Instant::now();
    let ended = token(&machine)
        .without("AWS_EC2_METADATA_DISABLED")
        .variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", hanging.origin())
        .variable("KEYRULE_HTTP_TIMEOUT", "2")
        .end();
    let words = said(&ended);
    assert!(words.contains("no instance's metadata answers"), "{words}");
    assert!(start.elapsed() < Duration::from_secs(20));
    let ended = token(&machine)
        .variable(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/s3cr3t-path", hanging.origin()),
        )
        .variable("KEYRULE_HTTP_TIMEOUT", "1")
        .end();
    let words = said(&ended);
    assert!(words.contains("has not answered within 1 s"), "{words}");
}

fn what_is_wrong_is_said_once_and_hands_nothing_out() {
    let cloud = Cloud::start();
    for (config, profile, expected) in [
        ("[default\n", "", "line 1 is no line of a profile file"),
        (
            "",
            "gone",
            "there is no profile `gone`, which `AWS_PROFILE` names",
        ),
        (
            "[profile sso]\nsso_start_url = https://x.test\nsso_region = eu-west-1\nsso_account_id = 123456789012\nsso_role_name = r\n",
            "sso",
            "run `aws sso login --profile sso`",
        ),
        (
            "[profile denied]\nrole_arn = arn:aws:iam::123456789012:role/denied\nsource_profile = base\n[profile base]\naws_access_key_id = AKIABASE00000001\naws_secret_access_key = s3cr3t-base\n",
            "denied",
            "refuses (`AccessDenied`, status 403)",
        ),
        (
            "[profile skewed]\nrole_arn = arn:aws:iam::123456789012:role/skewed\nsource_profile = base\n[profile base]\naws_access_key_id = AKIABASE00000001\naws_secret_access_key = s3cr3t-base\n",
            "skewed",
            "minutes ahead of the server's",
        ),
        (
            "[profile expired]\ncredential_process = echo '{\"Version\": 1, \"AccessKeyId\": \"ASIAEXPIRED00001\", \"SecretAccessKey\": \"s3cr3t\", \"SessionToken\": \"s3cr3t\", \"Expiration\": \"2020-01-01T00:00:00Z\"}'\n",
            "expired",
            "expired",
        ),
        (
            "[profile loud]\ncredential_process = echo s3cr3t-output\n",
            "loud",
            "`credential_process` of the profile `loud`",
        ),
    ] {
        let machine = machine(config, "");
        let mut run = token(&machine).variable("AWS_ENDPOINT_URL", cloud.origin());
        if !profile.is_empty() {
            run = run.variable("AWS_PROFILE", profile);
        }
        // Every log that there is has no secret either.
        let ended = run
            .variable("KEYRULE_LOG", "trace,aws_smithy_runtime=trace")
            .end();
        let words = said(&ended);
        assert!(words.contains(expected), "{config}: {words}");
    }
}

fn no_log_has_a_secret() {
    let cloud = Cloud::start();
    let config =
        "[default]\nrole_arn = arn:aws:iam::123456789012:role/one\nsource_profile = base\n";
    let machine = machine(
        config,
        "[base]\naws_access_key_id = AKIABASE00000001\naws_secret_access_key = s3cr3t-base\naws_session_token = s3cr3t-session\n",
    );
    for log in [
        "trace",
        "trace,aws_smithy_runtime=trace,aws_config=trace,aws_sigv4=trace",
    ] {
        let ended = token(&machine)
            .variable("AWS_ENDPOINT_URL", cloud.origin())
            .variable("KEYRULE_LOG", log)
            .end();
        assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
        assert!(ended.stderr.contains("TRACE"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("s3cr3t"), "{}", ended.stderr);
        let _ = std::fs::remove_dir_all(machine.memory());
    }
}

fn nothing_starts_before_the_get() {
    if Command::new("strace").arg("-V").output().is_err() {
        skip("`strace` is missing");
    }
    let machine = machine(
        "[default]\ncredential_process = touch /tmp/keyrule-never\n",
        "",
    );
    for command in ["status", "explain"] {
        let ended = machine
            .shell(&format!(
                "exec strace -f -q -e trace=network,clone,clone3,fork,vfork,openat -o ~/trace \
                 keyrule --policy aws {command}"
            ))
            .variable("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
            .end();
        assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
        let trace = machine.read("home/trace");
        assert!(trace.contains("openat"), "{trace}");
        let starts = ["socket(", "connect(", "clone", "fork("];
        let started: Vec<_> = trace
            .lines()
            .filter(|line| starts.iter().any(|call| line.contains(call)))
            .collect();
        assert!(started.is_empty(), "{started:?}");
        // A profile can name an endpoint, so its files are read, after the check
        // of everything that the profile's reader would open. No request is
        // prepared: no certificate is read.
        let opens = |path: &str| trace.lines().any(|line| line.contains(path));
        assert!(opens(".aws/config") && opens(".aws/credentials"), "{trace}");
        assert!(!opens("/etc/ssl"), "{trace}");
    }
}

fn exec_passes_the_provider_s_variables_on_and_no_other_credential() {
    let machine = shipped(&json!({}));
    machine.users(
        "home/.aws/credentials",
        "[work]\naws_access_key_id = AKIAWORK00000001\naws_secret_access_key = s3cr3t-work\n",
    );
    let ended = machine
        .keyrule(&["exec", "--", "env"])
        .variable("CLAUDE_CODE_USE_BEDROCK", "1")
        .variable("AWS_PROFILE", "work")
        .variable("AWS_REGION", "eu-west-1")
        .variable("ANTHROPIC_API_KEY", "s3cr3t-other")
        .variable("CLAUDE_CODE_USE_VERTEX", "0")
        .end();
    assert_eq!(ended.exit, Some(0), "{}", ended.stderr);
    let has = |line: &str| ended.stdout.lines().any(|other| other == line);
    assert!(has("CLAUDE_CODE_USE_BEDROCK=1"), "{}", ended.stdout);
    assert!(has("AWS_PROFILE=work") && has("AWS_REGION=eu-west-1"));
    ended.keeps_secrets();
}
