//! The types of accounts that a credentials file can be of. What goes in is
//! the file's JSON and a scope; what comes out is a token. Each type is given
//! to the crate's own builder for it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use google_cloud_auth::credentials::{
    AccessTokenCredentials, CacheableResource, Credentials, external_account,
    external_account_authorized_user, service_account, user_account,
};
use oauth2::http::Extensions;
use serde_json::Value;

use super::super::provider::Asker;
use super::file::Found;
use super::{Token, end, failure, impersonate, subject};
use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_credential::secret::Secret;
use keyrule_oauth::http::Http;
use keyrule_system::environment::Ambient;

/// What a token is asked for with.
pub(super) struct Asking<'a> {
    /// The file.
    pub found: &'a Found,
    /// Who searches.
    pub asker: &'a Asker,
    /// The variables.
    pub world: &'a Ambient,
    /// Our client.
    pub http: &'a Http,
}

/// The scope of a token that is exchanged for a service account's.
const IAM: &str = "https://www.googleapis.com/auth/iam";

/// The key under which a file names the account to be.
const IMPERSONATION: &str = "service_account_impersonation_url";

impl Asking<'_> {
    /// A token with this scope of the account that the JSON describes, which
    /// is the file or a part of it.
    pub(super) async fn token(&self, json: &Value, scope: &str) -> Result<Token, Failure> {
        choose_cryptography();
        match kind(json) {
            "service_account" => self.service_account(json, scope).await,
            "authorized_user" => self.user(json, scope).await,
            "external_account_authorized_user" => self.external_user(json).await,
            "external_account" => self.external(json, scope).await,
            "impersonated_service_account" => self.impersonated(json, scope).await,
            _ => {
                let words = "is of a `type` that is not supported";
                Err(self.found.invalid(words))
            }
        }
    }

    /// Signed here, with the key in the file; nobody is asked.
    async fn service_account(&self, json: &Value, scope: &str) -> Result<Token, Failure> {
        let needed = [
            "client_email",
            "private_key",
            "private_key_id",
            "project_id",
        ];
        self.found.needs(json, &needed)?;
        let scopes = service_account::AccessSpecifier::from_scopes([scope]);
        let credentials = service_account::Builder::new(json.clone())
            .with_access_specifier(scopes)
            .build_access_token_credentials();
        let credentials = credentials.map_err(|_| self.unfit())?;
        let token = credentials.access_token().await.map_err(|_| {
            let words = "has a `private_key` that is not an RSA key in PEM (PKCS #8)";
            self.found.invalid(words)
        })?;
        Ok(Token {
            expires_at: end_of_jwt(&token.token),
            secret: Secret::new(token.token),
        })
    }

    async fn user(&self, json: &Value, scope: &str) -> Result<Token, Failure> {
        let needed = ["client_id", "client_secret", "refresh_token"];
        self.found.needs(json, &needed)?;
        let issuer = self.found.url_at(json, "token_uri")?;
        failure::ready()?;
        let credentials = user_account::Builder::new(json.clone())
            .with_scopes([scope])
            .build_access_token_credentials();
        let secret = self.ask(credentials.map_err(|_| self.unfit())?).await?;
        Ok(Token {
            expires_at: end::of_user(self.http, issuer.as_ref(), &secret).await,
            secret,
        })
    }

    async fn external_user(&self, json: &Value) -> Result<Token, Failure> {
        let needed = ["client_id", "client_secret", "refresh_token"];
        self.found.needs(json, &needed)?;
        self.found.url_at(json, "token_url")?;
        failure::ready()?;
        let credentials = external_account_authorized_user::Builder::new(json.clone())
            .build_access_token_credentials();
        let secret = self.ask(credentials.map_err(|_| self.unfit())?).await?;
        Ok(Token {
            expires_at: end::of_external(self.http, self.found, json, &secret).await,
            secret,
        })
    }

    /// The token of another issuer, exchanged, and where the file names a
    /// service account, that one's.
    async fn external(&self, json: &Value, scope: &str) -> Result<Token, Failure> {
        let needed = ["audience", "subject_token_type", "token_url"];
        self.found.needs(json, &needed)?;
        self.found.url_at(json, "token_url")?;
        let target = self.found.url_at(json, IMPERSONATION)?;
        let wanted = if target.is_some() { IAM } else { scope };
        let secret = self.exchanged(json, wanted).await?;
        match target {
            Some(target) => impersonate::token(self, json, &target, &secret, scope).await,
            None => Ok(Token {
                expires_at: end::of_external(self.http, self.found, json, &secret).await,
                secret,
            }),
        }
    }

    async fn exchanged(&self, json: &Value, scope: &str) -> Result<Secret, Failure> {
        let subject = subject::of(self, json).await?;
        failure::ready()?;
        let Some(subject) = subject else {
            // An AWS key, which signs: the crate looks for it itself.
            let mut json = json.clone();
            if let Some(object) = json.as_object_mut() {
                object.remove(IMPERSONATION);
            }
            let credentials = external_account::Builder::new(json)
                .with_scopes([scope])
                .build_access_token_credentials();
            return self.ask(credentials.map_err(|_| self.unfit())?).await;
        };
        let text = |key: &str| json.get(key).and_then(Value::as_str);
        let mut builder = external_account::ProgrammaticBuilder::new(subject)
            .with_scopes([scope])
            .with_audience(text("audience").unwrap_or_default())
            .with_subject_token_type(text("subject_token_type").unwrap_or_default())
            .with_token_url(text("token_url").unwrap_or_default());
        if let Some(id) = text("client_id") {
            builder = builder.with_client_id(id);
        }
        if let Some(secret) = text("client_secret") {
            builder = builder.with_client_secret(secret);
        }
        if let Some(project) = text("workforce_pool_user_project") {
            builder = builder.with_workforce_pool_user_project(project);
        }
        let credentials = builder.build().map_err(|_| self.unfit())?;
        self.ask_for_headers(credentials).await
    }

    /// A service account's token, with the token of who may be it.
    async fn impersonated(&self, json: &Value, scope: &str) -> Result<Token, Failure> {
        self.found.needs(json, &[IMPERSONATION])?;
        let target = self.found.url_at(json, IMPERSONATION)?;
        let source = json
            .get("source_credentials")
            .filter(|source| source.is_object() && kind(source) != "impersonated_service_account");
        let (Some(target), Some(source)) = (target, source) else {
            let words = "has no `source_credentials` that can be asked";
            return Err(self.found.invalid(words));
        };
        let first = Box::pin(self.token(source, super::SCOPE)).await?;
        impersonate::token(self, json, &target, &first.secret, scope).await
    }

    async fn ask(&self, credentials: AccessTokenCredentials) -> Result<Secret, Failure> {
        let token = credentials.access_token().await;
        let token = token.map_err(|error| failure::told(&error, self.found))?;
        Ok(Secret::new(token.token))
    }

    async fn ask_for_headers(&self, credentials: Credentials) -> Result<Secret, Failure> {
        let headers = credentials.headers(Extensions::new()).await;
        let headers = headers.map_err(|error| failure::told(&error, self.found))?;
        let token = match &headers {
            CacheableResource::New { data, .. } => data
                .get(oauth2::http::header::AUTHORIZATION)
                .and_then(|value| value.to_str().ok())
                .and_then(|value| value.split_once(' '))
                .map(|(_, token)| Secret::new(token)),
            CacheableResource::NotModified => None,
        };
        token.ok_or_else(|| {
            let words = "Google answers without a token";
            Failure::new(wit::FailureKind::MalformedAnswer, words)
        })
    }

    fn unfit(&self) -> Failure {
        let words = "is not as credentials of its `type` must be";
        self.found.invalid(words)
    }
}

/// Whose the token is, as far as it may be shown: a service account has a
/// name, a user has none here.
pub(super) fn shown(json: &Value) -> String {
    let text = |key: &str| json.get(key).and_then(Value::as_str);
    let email = match kind(json) {
        "service_account" => text("client_email"),
        _ => text(IMPERSONATION).and_then(impersonate::email),
    };
    let email = email.filter(|email| impersonate::is_email(email));
    let general = match kind(json) {
        "authorized_user" => "user credentials",
        "external_account" | "external_account_authorized_user" => "external account",
        _ => "service account",
    };
    email.unwrap_or(general).to_owned()
}

fn kind(json: &Value) -> &str {
    json.get("type").and_then(Value::as_str).unwrap_or_default()
}

/// When a token that was signed here ends: it says so itself.
fn end_of_jwt(token: &str) -> Option<SystemTime> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(claims.get("exp")?.as_u64()?))
}

/// The crate takes the cryptography that was chosen for the process.
fn choose_cryptography() {
    use rustls::crypto::{CryptoProvider, ring};
    if CryptoProvider::get_default().is_none() {
        // Somebody else may have been faster; then theirs counts.
        let _ = ring::default_provider().install_default();
    }
}
