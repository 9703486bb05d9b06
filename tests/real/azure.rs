//! Entra ID and managed identities: a fake authority with TLS, a fake App
//! Service and a fake metadata server, all on loopback, and a fake `az`: Azure
//! itself cannot be asked here. What goes in is the shipped policy; what comes
//! out are headers, or one clear error.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::fake::{self, Fake, Say};
use crate::gcp::{in_a_network, looks_quietly};
use crate::machine::{Ended, Machine, Run};
use crate::tls::{Authority, Server};

crate::tests![
    an_application_gets_a_token_with_its_secret_once,
    an_application_gets_a_token_with_its_clusters_token,
    what_entra_id_refuses_is_said_by_its_number_alone,
    answers_that_are_huge_late_or_out_of_time_are_no_tokens,
    an_authority_that_nobody_vouches_for_gets_no_secret,
    app_service_is_asked_with_its_header,
    variables_that_a_policy_sets_are_not_mixed_with_the_environments,
    the_metadata_server_of_a_machine_is_asked,
    the_metadata_server_of_another_cloud_is_passed_over,
    the_azure_cli_is_asked_at_last,
    without_anything_all_that_was_missed_is_said,
    looking_opens_no_socket_and_starts_no_thread,
];

const CLIENT: &str = "11111111-2222-3333-4444-555555555555";

const TOKEN: &str = r#"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"s3cr3t-entra"}"#;

fn headers(machine: &Machine) -> Run<'_> {
    foundry(machine.keyrule(&["headers"]))
}

fn foundry(run: Run<'_>) -> Run<'_> {
    run.variable("CLAUDE_CODE_USE_FOUNDRY", "1")
        .variable("ANTHROPIC_FOUNDRY_RESOURCE", "acme")
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

/// A machine, and a fake authority at `https://login.test` behind TLS.
struct Entra {
    machine: Machine,
    issuer: Fake,
    server: Server,
    authorities: String,
}

impl Entra {
    fn saying(answer: impl Fn(&fake::Asked) -> Say + Send + Sync + 'static) -> Self {
        let machine = Machine::new();
        let authority = Authority::new("test");
        let issuer = Fake::start(answer);
        let identity = authority.identity("login.test");
        let server = Server::start(&identity, None, &issuer.origin());
        machine.managed("etc/hosts", "127.0.0.2 login.test\n");
        machine.users("home/ca.pem", authority.pem());
        let authorities = machine.path("home/ca.pem").to_str().unwrap().to_owned();
        Self {
            machine,
            issuer,
            server,
            authorities,
        }
    }

    fn at<'m>(&self, run: Run<'m>) -> Run<'m> {
        let host = format!("https://login.test:{}", self.server.port());
        run.variable("AZURE_AUTHORITY_HOST", host)
            .variable("KEYRULE_CA_FILE", &self.authorities)
            .variable("AZURE_TENANT_ID", "acme.example")
            .variable("AZURE_CLIENT_ID", CLIENT)
    }

    /// With an application's secret.
    fn with_secret(&self) -> Run<'_> {
        self.at(headers(&self.machine))
            .variable("AZURE_CLIENT_SECRET", "s3cr3t-application")
    }
}

fn an_application_gets_a_token_with_its_secret_once() {
    let entra = Entra::saying(|_| fake::json(200, TOKEN));
    for _ in 0..2 {
        let ended = entra.with_secret().end();
        ended.gives("Authorization: Bearer s3cr3t-entra\n");
    }
    let asked = entra.issuer.asked("/");
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].path, "/acme.example/oauth2/v2.0/token");
    for field in [
        format!("client_id={CLIENT}").as_str(),
        "client_secret=s3cr3t-application",
        "grant_type=client_credentials",
        "scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default",
    ] {
        assert!(
            asked[0].body.split('&').any(|said| said == field),
            "{field}"
        );
    }
    let status = entra.at(foundry(entra.machine.keyrule(&["status"])));
    let status = status
        .variable("AZURE_CLIENT_SECRET", "s3cr3t-application")
        .end();
    assert!(status.stdout.contains(CLIENT), "{}", status.stdout);
    status.keeps_secrets();
    // Another secret is another get.
    let other = entra
        .with_secret()
        .variable("AZURE_CLIENT_SECRET", "s3cr3t-other");
    other.end().gives("Authorization: Bearer s3cr3t-entra\n");
    assert_eq!(entra.issuer.asked("/").len(), 2);
}

fn an_application_gets_a_token_with_its_clusters_token() {
    let entra = Entra::saying(|_| fake::json(200, TOKEN));
    entra.machine.users("home/cluster", "s3cr3t-cluster");
    let run = |file: &str| {
        let file = entra.machine.path(file);
        let run = entra.at(headers(&entra.machine));
        run.variable("AZURE_FEDERATED_TOKEN_FILE", file).end()
    };
    run("home/cluster").gives("Authorization: Bearer s3cr3t-entra\n");
    let asked = entra.issuer.asked("/");
    for field in [
        "client_assertion=s3cr3t-cluster",
        "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
        "grant_type=client_credentials",
    ] {
        assert!(
            asked[0].body.split('&').any(|said| said == field),
            "{field}"
        );
    }
    failed(
        &run("home/none"),
        "`AZURE_FEDERATED_TOKEN_FILE` names is not there",
    );
    entra.machine.users("home/cluster", "s3cr3t".repeat(20_000));
    failed(&run("home/cluster"), "is larger than 65536 bytes");
    assert_eq!(entra.issuer.asked("/").len(), 1);
}

fn what_entra_id_refuses_is_said_by_its_number_alone() {
    for (status, code, words) in [
        (401, 7_000_215, "Entra ID refuses (AADSTS7000215)"),
        (401, 7_000_222, "Entra ID refuses (AADSTS7000222)"),
        (400, 0, "Entra ID answers with the status 400"),
    ] {
        let codes = if code == 0 { json!([]) } else { json!([code]) };
        let body = json!({
            "error": "invalid_client", "error_codes": codes,
            "error_description": "AADSTS: s3cr3t-application is wrong",
        })
        .to_string();
        let entra = Entra::saying(move |_| fake::json(status, &body));
        let ended = entra.with_secret().variable("KEYRULE_LOG", "trace").end();
        failed(&ended, words);
        assert_eq!(entra.issuer.asked("/").len(), 1);
        let hint = ended.hint().unwrap_or_default();
        assert!(hint.contains("az login"), "{}", ended.stderr);
    }
    // What may pass is asked again, a few times.
    let entra = Entra::saying(|_| fake::json(503, "s3cr3t"));
    failed(
        &entra.with_secret().end(),
        "Entra ID answers with the status 503",
    );
    assert_eq!(entra.issuer.asked("/").len(), 4);
}

fn answers_that_are_huge_late_or_out_of_time_are_no_tokens() {
    for (body, words) in [
        ("s3cr3t".repeat(1 << 18), "more than 1 MiB"),
        ("s3cr3t".to_owned(), "is no token"),
        ("{}".to_owned(), "without a token"),
        (
            TOKEN.replace("3599", "9223372036854775807"),
            "a lifetime that none can have",
        ),
        (
            TOKEN.replace("s3cr3t-entra", "s3cr3t\\r\\nX: y"),
            "is no token",
        ),
        (
            TOKEN.replace("\"expires_in\":3599", "\"expires_in\":0"),
            "expired",
        ),
    ] {
        let entra = Entra::saying(move |_| fake::json(200, &body));
        failed(&entra.with_secret().end(), words);
    }
    let entra = Entra::saying(|_| Say::Hang);
    let start = Instant::now();
    let ended = entra
        .with_secret()
        .variable("KEYRULE_HTTP_TIMEOUT", "1")
        .end();
    failed(&ended, "has not answered within 1 s");
    assert!(start.elapsed() < Duration::from_secs(20));
}

fn an_authority_that_nobody_vouches_for_gets_no_secret() {
    let entra = Entra::saying(|_| fake::json(200, TOKEN));
    let ended = entra.with_secret().without("KEYRULE_CA_FILE").end();
    failed(&ended, "certificate");
    let plain = entra.issuer.origin();
    let ended = entra
        .with_secret()
        .variable("AZURE_AUTHORITY_HOST", plain)
        .end();
    failed(&ended, "`AZURE_AUTHORITY_HOST` is not an `https://` URL");
    assert!(entra.issuer.asked("/").is_empty());
}

const MANAGED: &str = r#"{"access_token":"s3cr3t-managed","expires_on":"4102444800","resource":"https://cognitiveservices.azure.com","token_type":"Bearer"}"#;

fn app_service() -> Fake {
    Fake::start(
        |asked| match asked.head.contains("x-identity-header: s3cr3t-header") {
            true => fake::json(200, MANAGED),
            false => fake::json(400, "s3cr3t"),
        },
    )
}

fn app_service_is_asked_with_its_header() {
    let machine = Machine::new();
    let service = app_service();
    let run = |header: &str| {
        headers(&machine)
            .variable(
                "IDENTITY_ENDPOINT",
                format!("{}/msi/token", service.origin()),
            )
            .variable("IDENTITY_HEADER", header)
            .variable("AZURE_CLIENT_ID", CLIENT)
            .end()
    };
    run("s3cr3t-header").gives("Authorization: Bearer s3cr3t-managed\n");
    let asked = service.asked("/msi/token?");
    let path = &asked[0].path;
    assert!(
        path.contains("resource=https%3A%2F%2Fcognitiveservices.azure.com"),
        "{path}"
    );
    assert!(path.contains(&format!("client_id={CLIENT}")), "{path}");
    failed(&run("s3cr3t-other"), "has no such managed identity");
}

fn variables_that_a_policy_sets_are_not_mixed_with_the_environments() {
    let machine = Machine::new();
    let (service, other) = (app_service(), app_service());
    let policy = format!(
        r#"
name = "set"
[[source]]
id = "foundry"
kind = "cloud"
provider = "foundry"
select = "always"
set = {{ IDENTITY_ENDPOINT = "{}/msi" }}
endpoint = {{ default = "https://acme.services.ai.azure.com/anthropic" }}
surfaces = ["terminal"]
"#,
        service.origin()
    );
    machine.users("home/.config/keyrule/set.toml", policy);
    let ended = machine
        .keyrule(&["--policy", "set", "token"])
        .variable("IDENTITY_ENDPOINT", format!("{}/msi", other.origin()))
        .variable("IDENTITY_HEADER", "s3cr3t-header")
        .end();
    failed(&ended, "are not those of the environment");
    assert!(service.asked("/").is_empty() && other.asked("/").is_empty());
}

fn the_metadata_server_of_a_machine_is_asked() {
    let machine = Machine::new();
    let path = "/metadata/identity/oauth2/token";
    let server = fake::metadata(&json!([
        [path, "metadata", 200, {}, MANAGED],
        [path, "", 400, {}, "{\"error\":\"invalid_request\"}"],
    ]));
    let ended = in_a_network(&machine, &server, headers(&machine));
    ended.gives("Authorization: Bearer s3cr3t-managed\n");
}

/// A fake `az`, which is logged in.
fn with_az(machine: &Machine) -> String {
    let script = "#!/bin/sh\n[ \"$1 $2\" = 'account get-access-token' ] || exit 2\n\
        echo '{\"accessToken\":\"s3cr3t-az\",\"expires_on\":4102444800,\"tokenType\":\"Bearer\"}'\n";
    machine.users("home/bin/az", script);
    machine.mode("home/bin/az", 0o755);
    format!("{}:/usr/bin:/bin", machine.path("home/bin").display())
}

fn the_metadata_server_of_another_cloud_is_passed_over() {
    for answers in [
        // Azure's, on a machine without an identity.
        json!([["/metadata/identity/oauth2/token", "", 400, {}, "{}"]]),
        // Another cloud's, which knows no such path.
        json!([]),
    ] {
        let machine = Machine::new();
        let path = with_az(&machine);
        let run = headers(&machine).variable("PATH", path);
        let ended = in_a_network(&machine, &fake::metadata(&answers), run);
        ended.gives("Authorization: Bearer s3cr3t-az\n");
    }
}

fn the_azure_cli_is_asked_at_last() {
    let machine = Machine::new();
    let path = with_az(&machine);
    let ended = headers(&machine)
        .variable("PATH", &path)
        .variable("AZURE_TOKEN_CREDENTIALS", "dev")
        .end();
    ended.gives("Authorization: Bearer s3cr3t-az\n");
    let status = foundry(machine.keyrule(&["status"]))
        .variable("PATH", path)
        .variable("AZURE_TOKEN_CREDENTIALS", "dev")
        .end();
    assert!(status.stdout.contains("Azure CLI"), "{}", status.stdout);
    status.keeps_secrets();
}

fn without_anything_all_that_was_missed_is_said() {
    let machine = Machine::new();
    let start = Instant::now();
    let ended = headers(&machine)
        .variable("PATH", "/usr/bin:/bin")
        .under(&["/usr/bin/unshare", "-Urn"])
        .end();
    failed(
        &ended,
        "no metadata server answers; `az` is not on `PATH`; `azd` is not on `PATH`",
    );
    assert!(start.elapsed() < Duration::from_secs(20));
    let ended = headers(&machine)
        .variable("AZURE_CLIENT_SECRET", "s3cr3t-application")
        .end();
    failed(
        &ended,
        "`AZURE_CLIENT_SECRET` is set, and `AZURE_TENANT_ID` is not",
    );
}

fn looking_opens_no_socket_and_starts_no_thread() {
    let machine = Machine::new();
    looks_quietly(
        &machine,
        &[
            ("CLAUDE_CODE_USE_FOUNDRY", "1"),
            ("AZURE_TENANT_ID", "acme.example"),
            ("AZURE_CLIENT_ID", CLIENT),
            ("AZURE_CLIENT_SECRET", "s3cr3t-application"),
        ],
    );
}
