use super::*;
use crate::login::carrier::fake::{FakeIssuer, Say};
use crate::login::samples::endpoints;
use keyrule_contract::samples;

const CODES: &str = r#"{
    "device_code": "s3cr3t-device", "user_code": "ABCD-EFGH",
    "verification_uri": "https://login.test/device",
    "verification_uri_complete": "https://login.test/device?user_code=ABCD-EFGH",
    "expires_in": 100, "interval": 7
}"#;
const TOKENS: &str = r#"{"access_token":"s3cr3t-access","expires_in":60}"#;

/// Time passes by itself here, and as fast as it can.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap()
        .block_on(future)
}

fn without_userinfo() -> Endpoints {
    Endpoints {
        userinfo: None,
        ..endpoints()
    }
}

fn error(code: &str) -> Say {
    let body = format!(r#"{{"error":"{code}","error_description":"s3cr3t"}}"#);
    Say::Answer(400, body)
}

fn given() -> Say {
    Say::Answer(200, TOKENS.to_owned())
}

/// What comes of a login where the issuer says this, one after the other,
/// and how many seconds it waited before each question.
fn login(codes: &str, script: Vec<Say>) -> (Result<Tokens, Error>, Vec<u64>) {
    let first = Say::Answer(200, codes.to_owned());
    let fake = FakeIssuer::saying(std::iter::once(first).chain(script));
    let issuer = samples::issuer("https://login.test");
    let result = block_on(async {
        let device = Device::asked(&issuer, &without_userinfo(), &fake).await?;
        assert!(!format!("{device:?}").contains("s3cr3t"));
        device.polled(&fake).await
    });
    if let Err(error) = &result {
        assert!(
            !format!("{error} {error:?}").contains("s3cr3t"),
            "{error:?}"
        );
    }
    let times: Vec<_> = fake.asked().iter().map(|asked| asked.at).collect();
    let waited = times
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs())
        .collect();
    (result, waited)
}

#[test]
fn the_code_and_where_it_goes_are_known_before_anybody_waits() {
    let fake = FakeIssuer::once(200, CODES);
    let issuer = samples::issuer("https://login.test");
    let device = block_on(Device::asked(&issuer, &endpoints(), &fake)).unwrap();
    assert_eq!(device.user_code, "ABCD-EFGH");
    assert_eq!(device.verification_uri, "https://login.test/device");
    assert_eq!(
        device.verification_uri_complete.as_deref(),
        Some("https://login.test/device?user_code=ABCD-EFGH")
    );
    assert_eq!(device.expires_in, Duration::from_secs(100));
    assert_eq!(fake.asked()[0].url, "https://login.test/device");
    assert_eq!(fake.asked()[0].body, "client_id=cli&scope=openid");
}

#[test]
fn a_pending_login_is_asked_for_at_the_interval_of_the_issuer() {
    let pending = || error("authorization_pending");
    let (tokens, waited) = login(CODES, vec![pending(), pending(), given()]);
    assert_eq!(waited, [7, 7, 7]);
    assert_eq!(
        handout::to_send(&tokens.unwrap().access_token),
        "s3cr3t-access"
    );
}

#[test]
fn without_an_interval_it_is_five_seconds() {
    for codes in [
        CODES.replace(r#", "interval": 7"#, ""),
        CODES.replace(r#""interval": 7"#, r#""interval": null"#),
    ] {
        let (tokens, waited) = login(&codes, vec![error("authorization_pending"), given()]);
        assert!(tokens.is_ok());
        assert_eq!(waited, [5, 5]);
    }
}

#[test]
fn slow_down_is_not_forgotten() {
    let script = vec![
        error("slow_down"),
        error("authorization_pending"),
        error("slow_down"),
        Say::Nothing,
        error("authorization_pending"),
        given(),
    ];
    let codes = CODES.replace("100", "1000");
    let (tokens, waited) = login(&codes, script);
    assert!(tokens.is_ok());
    assert_eq!(waited, [7, 12, 12, 17, 34, 17]);
}

#[test]
fn a_login_that_is_declined_ends_at_once() {
    let (result, waited) = login(CODES, vec![error("access_denied")]);
    assert_eq!(
        result.unwrap_err().to_string(),
        "the issuer refused: the login was declined (`access_denied`)"
    );
    assert_eq!(waited, [7]);
}

#[test]
fn a_code_that_has_ended_ends_the_login() {
    let (result, _) = login(CODES, vec![error("expired_token")]);
    assert_eq!(
        result.unwrap_err().to_string(),
        "nobody finished the login within 100 seconds"
    );
}

#[test]
fn an_issuer_that_never_says_so_is_not_asked_after_the_end() {
    let script = (0..50).map(|_| error("authorization_pending")).collect();
    let (result, waited) = login(CODES, script);
    assert!(matches!(result, Err(Error::TimedOut(time)) if time.as_secs() == 100));
    assert_eq!(waited, [7; 14]);
}

#[test]
fn an_issuer_that_does_not_answer_is_asked_less_and_less_until_the_end() {
    let codes = CODES.replace("100", "400");
    let failing = || Say::Answer(503, "s3cr3t".to_owned());
    let script = vec![
        Say::Nothing,
        failing(),
        Say::Nothing,
        failing(),
        error("authorization_pending"),
        given(),
    ];
    let (tokens, waited) = login(&codes, script);
    assert!(tokens.is_ok());
    assert_eq!(waited, [7, 14, 28, 56, 60, 7]);

    let script = (0..50).map(|_| Say::Nothing).collect();
    let (result, _) = login(CODES, script);
    assert_eq!(
        result.unwrap_err().to_string(),
        "`https://login.test` does not answer in time"
    );
}

#[test]
fn other_refusals_and_garbage_end_the_login() {
    for (say, why) in [
        (
            error("invalid_client"),
            "the issuer refused: it does not know the policy's `client-id` (`invalid_client`)",
        ),
        (
            Say::Answer(200, "s3cr3t".to_owned()),
            "`https://login.test` does not answer with JSON",
        ),
    ] {
        let (result, _) = login(CODES, vec![say]);
        assert_eq!(result.unwrap_err().to_string(), why);
    }
}

#[test]
fn codes_that_would_do_something_else_are_not_shown() {
    for (from, to, why) in [
        (
            "ABCD-EFGH\",",
            "\\u001b]8;;\",",
            "gives a code that nobody can type",
        ),
        (
            "ABCD-EFGH\",",
            "ABCD EFGH\",",
            "gives a code that nobody can type",
        ),
        (
            "ABCD-EFGH\",",
            &format!("{}\",", "A".repeat(65)),
            "gives a code that nobody can type",
        ),
        (
            "\"https://login.test/device\"",
            &format!("\"https://login.test/{}\"", "s3cr3t".repeat(400)),
            "sends the user to an address that is too long",
        ),
        (
            "\"https://login.test/device\"",
            "\"file:///s3cr3t\"",
            "sends the user to no address for a browser",
        ),
        (
            "\"https://login.test/device\"",
            "\"http://login.test/\"",
            "sends the user to no address for a browser",
        ),
        (
            "\"expires_in\": 100,",
            "",
            "answers with JSON in which something is missing or wrong",
        ),
    ] {
        let (result, _) = login(&CODES.replacen(from, to, 1), vec![]);
        assert_eq!(
            result.unwrap_err().to_string(),
            format!("`https://login.test` {why}")
        );
    }
    let long = format!("https://login.test/{}?", "x".repeat(2000));
    for other in ["javascript:", &long] {
        let complete = CODES.replace("https://login.test/device?", other);
        let fake = FakeIssuer::once(200, &complete);
        let issuer = samples::issuer("https://login.test");
        let device = block_on(Device::asked(&issuer, &endpoints(), &fake)).unwrap();
        assert_eq!(device.verification_uri_complete, None);
    }
}

#[test]
fn a_code_of_64_characters_is_shown() {
    let codes = CODES.replacen("ABCD-EFGH\",", &format!("{}\",", "~".repeat(64)), 1);
    let (tokens, _) = login(&codes, vec![given()]);
    assert!(tokens.is_ok());
}

#[test]
fn an_answer_that_is_not_taken_ends_the_login_at_once() {
    let (result, waited) = login(CODES, vec![Say::Redirect]);
    let error = result.unwrap_err();
    assert!(matches!(error, Error::Http(http::Error::NotTaken { .. })));
    assert_eq!(waited, [7]);
}
