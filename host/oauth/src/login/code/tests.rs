use std::collections::BTreeMap;

use super::*;
use crate::login::carrier::fake::{FakeIssuer, Say};
use crate::login::id_token::samples as id_tokens;
use crate::login::samples::endpoints;
use keyrule_contract::samples;
use keyrule_system::runtime::block_on;

fn begun(issuer: &wit::Issuer) -> Attempt {
    let attempt = block_on(Attempt::begin(issuer, &endpoints(), Some("a@b.test"))).unwrap();
    assert_eq!(format!("{attempt:?}"), "Attempt { issuer: \"test\", .. }");
    attempt
}

fn parameters(attempt: &Attempt) -> BTreeMap<String, String> {
    let url = Url::parse(attempt.url()).unwrap();
    let pairs: Vec<_> = url.query_pairs().into_owned().collect();
    let parameters: BTreeMap<_, _> = pairs.iter().cloned().collect();
    assert_eq!(pairs.len(), parameters.len(), "{pairs:?}");
    parameters
}

/// RFC 7636, appendix B.
#[test]
fn a_challenge_is_the_digest_of_its_verifier() {
    let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let challenge =
        PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier.to_owned()));
    assert_eq!(
        challenge.as_str(),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
    assert_eq!(challenge.method().as_str(), "S256");
}

#[test]
fn the_address_says_what_the_policy_and_the_standards_want() {
    let issuer = wit::Issuer {
        scopes: vec!["openid".to_owned(), "offline_access".to_owned()],
        parameters: vec![wit::Pair {
            name: "prompt".to_owned(),
            text: "consent".to_owned(),
        }],
        ..samples::issuer("https://login.test")
    };
    let attempt = begun(&issuer);
    assert!(attempt.url().starts_with("https://login.test/authorize?"));
    let mut said = parameters(&attempt);
    let challenge = PkceCodeChallenge::from_code_verifier_sha256(&attempt.verifier);
    assert_eq!(
        said.remove("code_challenge").as_deref(),
        Some(challenge.as_str())
    );
    assert_eq!(
        said.remove("redirect_uri").as_deref(),
        Some(attempt.callback.address())
    );
    assert_eq!(
        said.remove("state").as_deref(),
        Some(handout::to_send(&attempt.expected.state))
    );
    assert_eq!(
        said.remove("nonce"),
        attempt.nonce.as_ref().map(|nonce| nonce.secret().clone())
    );
    let rest: Vec<_> = said.iter().map(|(name, text)| (&**name, &**text)).collect();
    assert_eq!(
        rest,
        [
            ("client_id", "cli"),
            ("code_challenge_method", "S256"),
            ("login_hint", "a@b.test"),
            ("prompt", "consent"),
            ("response_type", "code"),
            ("scope", "openid offline_access"),
        ]
    );
}

#[test]
fn no_two_attempts_share_a_verifier_a_state_or_a_nonce() {
    let issuer = samples::issuer("https://login.test");
    let (one, other) = (begun(&issuer), begun(&issuer));
    assert_ne!(one.verifier.secret(), other.verifier.secret());
    let (one, other) = (parameters(&one), parameters(&other));
    for name in ["state", "nonce", "code_challenge"] {
        assert_ne!(one[name], other[name], "{name}");
        assert!(one[name].len() >= 43, "{name}");
    }
}

#[test]
fn only_an_issuer_that_knows_id_tokens_gets_a_nonce() {
    let issuer = wit::Issuer {
        scopes: Vec::new(),
        ..samples::issuer("https://login.test")
    };
    let said = parameters(&begun(&issuer));
    assert!(
        !said.contains_key("nonce") && !said.contains_key("scope"),
        "{said:?}"
    );
}

#[test]
fn a_browser_is_not_sent_where_it_would_do_something_else() {
    for (authorization, why) in [
        (
            "http://login.test/s3cr3t",
            "`http://login.test` would be asked without TLS, which only this machine itself may be",
        ),
        ("file:///s3cr3t", "`the issuer` is no address for a browser"),
        ("s3cr3t", "`the issuer` is no address for a browser"),
    ] {
        let endpoints = Endpoints {
            authorization: Some(authorization.to_owned()),
            ..endpoints()
        };
        let issuer = samples::issuer("https://login.test");
        let error = block_on(Attempt::begin(&issuer, &endpoints, None)).unwrap_err();
        assert_eq!(error.to_string(), why);
    }
}

fn exchanged(
    endpoints: &Endpoints,
    script: impl FnOnce(&Attempt) -> Vec<Say>,
) -> (Result<Tokens, Error>, FakeIssuer, String) {
    let issuer = samples::issuer("https://login.test");
    block_on(async {
        let attempt = Attempt::begin(&issuer, endpoints, None).await.unwrap();
        let fake = FakeIssuer::saying(script(&attempt));
        let state = handout::to_send(&attempt.expected.state);
        let pasted = format!("code=s3cr3t-code&state={state}&iss=https://login.test");
        let code = attempt.pasted(&pasted).unwrap();
        let said = format!(
            "grant_type=authorization_code&code=s3cr3t-code&redirect_uri={}&client_id=cli\
             &code_verifier={}",
            url::form_urlencoded::byte_serialize(attempt.callback.address().as_bytes())
                .collect::<String>(),
            attempt.verifier.secret()
        );
        let result = attempt.exchange(code, &fake).await;
        if let Err(error) = &result {
            assert!(
                !format!("{error} {error:?}").contains("s3cr3t"),
                "{error:?}"
            );
        }
        (result, fake, said)
    })
}

#[test]
fn a_code_becomes_tokens_and_the_issuer_says_whose_they_are() {
    let (tokens, fake, said) = exchanged(&endpoints(), |attempt| {
        let nonce = attempt.nonce.as_ref().map(|nonce| nonce.secret().as_str());
        let token = id_tokens::token(nonce, "a@b.test");
        let body = serde_json::json!({
            "access_token": "s3cr3t-access", "token_type": "Bearer", "id_token": token,
        });
        let me = r#"{"sub":"1","org":"o"}"#;
        vec![
            Say::Answer(200, body.to_string()),
            Say::Answer(200, me.to_owned()),
        ]
    });
    let claims = tokens.unwrap().claims;
    assert_eq!(claims["email"], "a@b.test");
    assert_eq!(claims["org"], "o");
    assert_eq!(fake.asked().len(), 2);
    assert_eq!(fake.asked()[0].body, said);
}

#[test]
fn userinfo_about_another_user_ends_the_login() {
    for me in [r#"{"sub":"2"}"#, r#"{"email":"s3cr3t"}"#] {
        let (result, _, _) = exchanged(&endpoints(), |attempt| {
            let nonce = attempt.nonce.as_ref().map(|nonce| nonce.secret().as_str());
            let token = id_tokens::token(nonce, "a@b.test");
            let body = serde_json::json!({"access_token": "s3cr3t", "id_token": token});
            vec![
                Say::Answer(200, body.to_string()),
                Say::Answer(200, me.to_owned()),
            ]
        });
        assert_eq!(
            result.unwrap_err().to_string(),
            "`https://login.test` says who another user is"
        );
    }
}

#[test]
fn an_id_token_of_another_login_is_not_believed() {
    for nonce in [Some("other"), None] {
        let (result, _, _) = exchanged(&endpoints(), |_| {
            let token = id_tokens::token(nonce, "a@b.test");
            let body = serde_json::json!({"access_token": "s3cr3t", "id_token": token});
            vec![Say::Answer(200, body.to_string())]
        });
        assert_eq!(
            result.unwrap_err().to_string(),
            "`https://login.test` gives an ID token for another login"
        );
    }
}

#[test]
fn without_an_id_token_userinfo_is_asked() {
    let tokens = || Say::Answer(200, r#"{"access_token":"s3cr3t-access"}"#.to_owned());
    let me = || Say::Answer(200, r#"{"sub":"1","email":"a@b.test"}"#.to_owned());
    let (result, fake, _) = exchanged(&endpoints(), |_| vec![tokens(), me()]);
    assert_eq!(result.unwrap().claims["email"], "a@b.test");
    let asked = fake.asked();
    assert_eq!(asked[1].method, "GET");
    assert_eq!(asked[1].url, "https://login.test/me");
    assert_eq!(
        asked[1].authorization.as_deref(),
        Some("Bearer s3cr3t-access")
    );

    let silent = Say::Answer(403, "s3cr3t".to_owned());
    let (result, _, _) = exchanged(&endpoints(), |_| vec![tokens(), silent]);
    assert!(result.unwrap().claims.is_empty());

    let failing = Say::Answer(500, "s3cr3t".to_owned());
    let (result, _, _) = exchanged(&endpoints(), |_| vec![tokens(), failing]);
    assert_eq!(
        result.unwrap_err().to_string(),
        "`https://login.test` answers with HTTP 500"
    );
}
