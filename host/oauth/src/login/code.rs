//! The authorization code grant with PKCE (RFC 6749, section 4.1; RFC 7636;
//! RFC 8252; RFC 9207). What goes in is an issuer; what comes out is an
//! address for a browser, and tokens once it has come back. Nothing of it is
//! on disk: an attempt that is dropped has never been.

use std::fmt;
use std::sync::Arc;

use oauth2::basic::BasicClient;
use oauth2::{
    AuthUrl, ClientId, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope,
};
use url::Url;

use crate::http::{self, Http};
use keyrule_contract as wit;
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;

use super::callback::Callback;
use super::carrier::Carrier;
use super::redirect::Expected;
use super::{Endpoints, Error, Tokens, answer, id_token, token};

pub(crate) use super::redirect::Code;

/// How many random bytes a state and a nonce have.
const RANDOM: u32 = 32;

/// One login in progress.
pub struct Attempt {
    issuer: wit::Issuer,
    endpoints: Endpoints,
    url: String,
    expected: Arc<Expected>,
    nonce: Option<CsrfToken>,
    verifier: PkceCodeVerifier,
    callback: Callback,
}

impl Attempt {
    /// Listens for the browser, and makes the address for it.
    pub async fn begin(
        issuer: &wit::Issuer,
        endpoints: &Endpoints,
        account_hint: Option<&str>,
    ) -> Result<Self, Error> {
        let Some(authorization) = &endpoints.authorization else {
            return Err(Error::NotOffered("login in a browser"));
        };
        let no_address = || answer::wrong(authorization, "is no address for a browser");
        let authorization_url = AuthUrl::new(authorization.clone()).map_err(|_| no_address())?;
        if !http::is_secure(authorization_url.url()) {
            return Err(match authorization_url.url().scheme() {
                "http" => http::Error::Insecure {
                    origin: answer::origin(authorization),
                }
                .into(),
                _ => no_address(),
            });
        }
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let state = CsrfToken::new_random_len(RANDOM);
        let nonce = issuer
            .scopes
            .iter()
            .any(|scope| scope == "openid")
            .then(|| CsrfToken::new_random_len(RANDOM));
        let expected = Arc::new(Expected {
            state: Secret::new(state.secret().as_str()),
            issuer: endpoints.issuer.clone(),
            names_itself: endpoints.names_itself,
        });
        let callback = Callback::open(issuer, Arc::clone(&expected)).await?;
        let redirect = RedirectUrl::new(callback.address().to_owned()).map_err(|_| no_address())?;
        let url = address(
            issuer,
            authorization_url,
            redirect,
            state,
            challenge,
            nonce.as_ref(),
            account_hint,
        );
        Ok(Self {
            issuer: issuer.clone(),
            endpoints: endpoints.clone(),
            url: url.into(),
            expected,
            nonce,
            verifier,
            callback,
        })
    }

    /// What the browser opens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits for the browser. It can be dropped and called again.
    pub async fn answered(&mut self) -> Result<Code, Error> {
        self.callback.answered().await
    }

    /// Reads what somebody copied: the address that the browser ended at, or
    /// `code#state`.
    pub fn pasted(&self, text: &str) -> Result<Code, Error> {
        self.expected.pasted(text)
    }

    /// Gets the tokens for the code. Until then the port stays open, so that
    /// a browser that comes twice is told so.
    pub async fn finish(self, code: Code, http: &Http) -> Result<Tokens, Error> {
        self.exchange(code, http).await
    }

    async fn exchange(self, code: Code, carrier: &impl Carrier) -> Result<Tokens, Error> {
        let url = &self.endpoints.token;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", handout::to_send(&code.0)),
            ("redirect_uri", self.callback.address()),
            ("client_id", &self.issuer.client_id),
            ("code_verifier", self.verifier.secret()),
        ];
        let response = carrier.carry(answer::form(url, &fields)?).await?;
        let (tokens, id_token) = token::read(url, response)?;
        id_token::known(
            tokens,
            id_token.as_ref(),
            &self.issuer,
            &self.endpoints,
            self.nonce.as_ref().map(|nonce| nonce.secret().as_str()),
            carrier,
        )
        .await
    }
}

/// The address has a state and a nonce in it, which are nobody's business in
/// a log.
impl fmt::Debug for Attempt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Attempt")
            .field("issuer", &self.issuer.id)
            .finish_non_exhaustive()
    }
}

fn address(
    issuer: &wit::Issuer,
    authorization: AuthUrl,
    redirect: RedirectUrl,
    state: CsrfToken,
    challenge: PkceCodeChallenge,
    nonce: Option<&CsrfToken>,
    account_hint: Option<&str>,
) -> Url {
    let client = BasicClient::new(ClientId::new(issuer.client_id.clone()))
        .set_auth_uri(authorization)
        .set_redirect_uri(redirect);
    let mut request = client
        .authorize_url(|| state)
        .add_scopes(issuer.scopes.iter().cloned().map(Scope::new))
        .set_pkce_challenge(challenge);
    if let Some(nonce) = nonce {
        request = request.add_extra_param("nonce", nonce.secret());
    }
    let said = |name: &str| issuer.parameters.iter().any(|pair| pair.name == name);
    if let Some(hint) = account_hint
        && !said("login_hint")
    {
        request = request.add_extra_param("login_hint", hint);
    }
    for pair in &issuer.parameters {
        request = request.add_extra_param(pair.name.as_str(), pair.text.as_str());
    }
    request.url().0
}

#[cfg(test)]
mod tests;
