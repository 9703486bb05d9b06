//! The device authorization grant (RFC 8628): a login that is finished in a
//! browser on another machine. What goes in is an issuer; what comes out is a
//! short code for the user, and tokens once they have typed it.

use std::fmt;
use std::time::Duration;

use oauth2::StandardDeviceAuthorizationResponse;
use tokio::time::Instant;
use url::Url;

use crate::http::{self, Http};
use keyrule_contract as wit;
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;

use super::carrier::Carrier;
use super::{Endpoints, Error, Tokens, answer, id_token, token};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// How much slower `slow_down` makes everything after it (section 3.5).
const SLOWER: Duration = Duration::from_secs(5);
/// The longest pause after an issuer that did not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest code that anybody types.
const LONGEST_CODE: usize = 64;
/// The longest address that anybody goes to.
const LONGEST_ADDRESS: usize = 2000;
/// The longest time that anybody has.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// One login in progress.
pub struct Device {
    /// What the user types, or compares.
    pub user_code: String,
    /// Where they type it.
    pub verification_uri: String,
    /// The same with the code in it.
    pub verification_uri_complete: Option<String>,
    /// How long they have for it.
    pub expires_in: Duration,
    issuer: wit::Issuer,
    endpoints: Endpoints,
    device_code: Secret,
    interval: Duration,
    begun: Instant,
}

impl Device {
    /// Asks for the codes.
    pub async fn begin(
        issuer: &wit::Issuer,
        endpoints: &Endpoints,
        http: &Http,
    ) -> Result<Self, Error> {
        Self::asked(issuer, endpoints, http).await
    }

    /// Waits until the user has finished. It can be dropped at any time.
    pub async fn finish(self, http: &Http) -> Result<Tokens, Error> {
        self.polled(http).await
    }

    async fn asked(
        issuer: &wit::Issuer,
        endpoints: &Endpoints,
        carrier: &impl Carrier,
    ) -> Result<Self, Error> {
        let Some(url) = &endpoints.device else {
            return Err(Error::NotOffered("login with a device code"));
        };
        let scopes = issuer.scopes.join(" ");
        let mut fields = vec![("client_id", issuer.client_id.as_str())];
        if !scopes.is_empty() {
            fields.push(("scope", &scopes));
        }
        let begun = Instant::now();
        let given: StandardDeviceAuthorizationResponse =
            answer::post(url, &fields, carrier).await?;
        let device_code = Secret::new(given.device_code().secret().as_str());
        let user_code = given.user_code().secret().clone();
        // It is printed in a terminal, where other characters could do more,
        // and spaces could write a line of their own.
        if !(1..=LONGEST_CODE).contains(&user_code.len())
            || !user_code.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return Err(answer::wrong(url, "gives a code that nobody can type"));
        }
        if !http::is_secure(given.verification_uri().url()) {
            return Err(answer::wrong(
                url,
                "sends the user to no address for a browser",
            ));
        }
        if given.verification_uri().url().as_str().len() > LONGEST_ADDRESS {
            return Err(answer::wrong(
                url,
                "sends the user to an address that is too long",
            ));
        }
        Ok(Self {
            user_code,
            verification_uri: given.verification_uri().url().to_string(),
            verification_uri_complete: given
                .verification_uri_complete()
                .and_then(|complete| Url::parse(complete.secret()).ok())
                .filter(|url| http::is_secure(url) && url.as_str().len() <= LONGEST_ADDRESS)
                .map(String::from),
            expires_in: given.expires_in().min(LONGEST),
            issuer: issuer.clone(),
            endpoints: endpoints.clone(),
            device_code,
            interval: given.interval().clamp(Duration::from_secs(1), LONGEST),
            begun,
        })
    }

    /// Asks again and again, no faster than the issuer said. The crate's own
    /// loop takes every failure for a time-out, and after one it forgets a
    /// `slow_down`.
    async fn polled(self, carrier: &impl Carrier) -> Result<Tokens, Error> {
        let url = &self.endpoints.token;
        let fields = [
            ("grant_type", GRANT),
            ("device_code", handout::to_send(&self.device_code)),
            ("client_id", &self.issuer.client_id),
        ];
        let end = self.begun + self.expires_in;
        let mut interval = self.interval;
        let mut pause = interval;
        let mut unanswered = None;
        loop {
            if Instant::now() + pause >= end {
                tokio::time::sleep_until(end).await;
                return Err(unanswered.unwrap_or(Error::TimedOut(self.expires_in)));
            }
            tokio::time::sleep(pause).await;
            match once(url, &fields, carrier).await {
                Poll::Given(tokens, id_token) => {
                    return id_token::known(
                        tokens,
                        id_token.as_ref(),
                        &self.issuer,
                        &self.endpoints,
                        None,
                        carrier,
                    )
                    .await;
                }
                Poll::Pending => (pause, unanswered) = (interval, None),
                Poll::SlowDown => {
                    interval = interval.saturating_add(SLOWER);
                    (pause, unanswered) = (interval, None);
                }
                Poll::Unanswered(error) => {
                    pause = pause.saturating_mul(2).min(LONGEST_PAUSE).max(interval);
                    unanswered = Some(error);
                }
                Poll::Expired => return Err(Error::TimedOut(self.expires_in)),
                Poll::Failed(error) => return Err(error),
            }
        }
    }
}

/// It holds a code that is worth a login.
impl fmt::Debug for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Device")
            .field("issuer", &self.issuer.id)
            .finish_non_exhaustive()
    }
}

/// What came of asking once.
enum Poll {
    Given(Tokens, Option<Secret>),
    Pending,
    SlowDown,
    /// Nobody answered, or a server that fails: it may still come right.
    Unanswered(Error),
    Expired,
    Failed(Error),
}

async fn once(url: &str, fields: &[(&str, &str)], carrier: &impl Carrier) -> Poll {
    let request = match answer::form(url, fields) {
        Ok(request) => request,
        Err(error) => return Poll::Failed(error),
    };
    let response = match carrier.carry(request).await {
        Ok(response) => response,
        Err(error @ http::Error::Unreachable { .. }) => return Poll::Unanswered(error.into()),
        Err(error) => return Poll::Failed(error.into()),
    };
    let status = response.status();
    match token::read(url, response) {
        Ok((tokens, id_token)) => Poll::Given(tokens, id_token),
        Err(Error::Refused { code, words }) => match code.as_str() {
            "authorization_pending" => Poll::Pending,
            "slow_down" => Poll::SlowDown,
            "expired_token" => Poll::Expired,
            _ => Poll::Failed(Error::Refused { code, words }),
        },
        Err(error) if status.is_server_error() || status.as_u16() == 429 => Poll::Unanswered(error),
        Err(error) => Poll::Failed(error),
    }
}

#[cfg(test)]
mod tests;
