//! Revoking the tokens of a login (RFC 7009). What goes in is a stored login;
//! what comes out is what became of each of its tokens. It removes nothing
//! from a store.

use std::time::Duration;

use crate::http::{self, Http};
use keyrule_contract as wit;
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;
use keyrule_store::StoredLogin;

use super::carrier::Carrier;
use super::{Endpoints, Error, answer};

/// How often an issuer that is not available is asked.
const TRIES: usize = 3;
/// How long to wait for it where it does not say so.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest wait for it, whatever it says.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// What became of the tokens of a login.
#[derive(Debug)]
pub enum Revoked {
    /// The issuer was asked, for each token that there is.
    Asked {
        /// The refresh token; none where the login has none.
        refresh: Option<Result<(), Error>>,
        /// The access token.
        access: Result<(), Error>,
    },
    /// The issuer offers no revocation: its tokens last until they end.
    NotOffered,
}

/// Revokes the refresh token, and then the access token even where that
/// failed, unless nobody answered. A token that the issuer does not know any more is revoked.
pub async fn revoke(
    issuer: &wit::Issuer,
    endpoints: &Endpoints,
    http: &Http,
    login: &StoredLogin,
) -> Revoked {
    both(issuer, endpoints, http, login).await
}

async fn both(
    issuer: &wit::Issuer,
    endpoints: &Endpoints,
    carrier: &impl Carrier,
    login: &StoredLogin,
) -> Revoked {
    let Some(url) = &endpoints.revocation else {
        return Revoked::NotOffered;
    };
    let refresh = match &login.refresh_token {
        Some(token) => Some(one(url, issuer, token, "refresh_token", carrier).await),
        None => None,
    };
    // Who was waited for once is not waited for again.
    let access = match &refresh {
        Some(Err(Error::Http(http::Error::Unreachable { origin, .. }))) => {
            Err(Error::Http(http::Error::Unreachable {
                origin: origin.clone(),
                why: "was not asked again, because it had not answered".to_owned(),
            }))
        }
        _ => one(url, issuer, &login.access_token, "access_token", carrier).await,
    };
    Revoked::Asked { refresh, access }
}

async fn one(
    url: &str,
    issuer: &wit::Issuer,
    token: &Secret,
    hint: &str,
    carrier: &impl Carrier,
) -> Result<(), Error> {
    let fields = [
        ("token", handout::to_send(token)),
        ("token_type_hint", hint),
        ("client_id", &issuer.client_id),
    ];
    let mut tries = TRIES;
    loop {
        let response = carrier.carry(answer::form(url, &fields)?).await?;
        tries -= 1;
        // It may work later, and until then the token is valid (section
        // 2.2.1).
        if response.status().as_u16() == 503 && tries > 0 {
            let said = response
                .headers()
                .get("retry-after")
                .and_then(|value| value.to_str().ok()?.parse().ok())
                .map(Duration::from_secs);
            tokio::time::sleep(said.unwrap_or(PAUSE).min(LONGEST_PAUSE)).await;
            continue;
        }
        // All that matters is the status (section 2.2), except that some
        // issuers send their errors with 200.
        if response.status().as_u16() == 200 && answer::code(response.body()).is_none() {
            return Ok(());
        }
        return match answer::read::<serde::de::IgnoredAny>(url, response) {
            Ok(_) => Err(answer::wrong(
                url,
                "does not say whether the token is revoked",
            )),
            Err(error) => Err(error),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::carrier::fake::{FakeIssuer, Say};
    use super::super::samples::endpoints;
    use super::*;
    use crate::http::fake::{self, Fake};
    use keyrule_contract::samples;
    use keyrule_store::{LoginFacts, Owner};
    use keyrule_system::runtime::block_on;

    /// Time passes by itself here, and as fast as it can.
    fn revoked(fake: &FakeIssuer, refresh_token: Option<&str>) -> Revoked {
        let login = StoredLogin {
            access_token: Secret::new("s3cr3t-access"),
            refresh_token: refresh_token.map(Secret::new),
            facts: LoginFacts {
                owner: Owner::default(),
                client_id: "cli".to_owned(),
                obtained_at: None,
                expires_at: None,
                renewable: refresh_token.is_some(),
                ended: false,
            },
        };
        let issuer = samples::issuer("https://login.test");
        let revoked = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap()
            .block_on(both(&issuer, &endpoints(), fake, &login));
        assert!(!format!("{revoked:?}").contains("s3cr3t"), "{revoked:?}");
        revoked
    }

    fn say(status: u16) -> Say {
        Say::Answer(status, "s3cr3t".to_owned())
    }

    #[test]
    fn the_refresh_token_goes_first() {
        let fake = FakeIssuer::saying([say(200), say(200)]);
        let revoked = revoked(&fake, Some("s3cr3t-refresh"));
        assert!(matches!(
            revoked,
            Revoked::Asked {
                refresh: Some(Ok(())),
                access: Ok(())
            }
        ));
        let bodies: Vec<_> = fake.asked().into_iter().map(|asked| asked.body).collect();
        assert_eq!(
            bodies,
            [
                "token=s3cr3t-refresh&token_type_hint=refresh_token&client_id=cli",
                "token=s3cr3t-access&token_type_hint=access_token&client_id=cli",
            ]
        );
        assert!(
            fake.asked()
                .iter()
                .all(|asked| asked.url == "https://login.test/revoke")
        );
    }

    #[test]
    fn a_login_without_a_refresh_token_has_one_token_to_revoke() {
        let fake = FakeIssuer::once(200, "");
        let revoked = revoked(&fake, None);
        assert!(matches!(
            revoked,
            Revoked::Asked {
                refresh: None,
                access: Ok(())
            }
        ));
    }

    #[test]
    fn an_issuer_that_is_not_available_is_asked_again() {
        let fake = FakeIssuer::saying([say(503), say(200), say(503), say(503), say(503)]);
        let Revoked::Asked {
            refresh: Some(Ok(())),
            access: Err(error),
        } = revoked(&fake, Some("s3cr3t-refresh"))
        else {
            panic!("the access token alone fails");
        };
        assert_eq!(
            error.to_string(),
            "`https://login.test` answers with HTTP 503"
        );
        assert_eq!(fake.asked().len(), 5);
    }

    #[test]
    fn a_refresh_token_that_cannot_be_revoked_leaves_the_access_token_its_turn() {
        let no = r#"{"error":"unsupported_token_type"}"#.to_owned();
        for first in [
            Say::Redirect,
            Say::Answer(400, no.clone()),
            Say::Answer(200, no.clone()),
            say(302),
            say(202),
        ] {
            let fake = FakeIssuer::saying([first, say(200)]);
            let revoked = revoked(&fake, Some("s3cr3t-refresh"));
            assert!(
                matches!(
                    revoked,
                    Revoked::Asked {
                        refresh: Some(Err(_)),
                        access: Ok(())
                    }
                ),
                "{revoked:?}"
            );
        }
    }

    #[test]
    fn an_issuer_that_does_not_answer_is_not_waited_for_twice() {
        let fake = FakeIssuer::saying([Say::Nothing, say(200)]);
        let Revoked::Asked {
            refresh: Some(Err(_)),
            access: Err(error),
        } = revoked(&fake, Some("s3cr3t-refresh"))
        else {
            panic!("neither is revoked");
        };
        assert_eq!(
            error.to_string(),
            "`https://login.test` was not asked again, because it had not answered"
        );
        assert_eq!(fake.asked().len(), 1);
    }

    /// Over the real client, from a server that is a fake.
    #[test]
    fn an_issuer_says_itself_when_to_ask_again() {
        let later = fake::answer("503 Service Unavailable", "Retry-After: 0\r\n", "s3cr3t");
        let server = Fake::saying(later);
        let url = format!("{}/revoke", server.origin());
        let issuer = samples::issuer("https://login.test");
        let http = Http::of(&keyrule_system::environment::Ambient::empty()).unwrap();
        let token = Secret::new("s3cr3t");
        let error = block_on(one(&url, &issuer, &token, "access_token", &http)).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("`{}` answers with HTTP 503", server.origin())
        );
        assert_eq!(server.requests().len(), TRIES);
    }
}
