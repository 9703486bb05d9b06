//! Foundry's credentials by Entra ID, in the order of Azure's own SDKs. What
//! goes in are the variables; what comes out is an access token, whose it is
//! and when it ends. `azure_identity` speaks with Entra ID and with managed
//! identities; every request of it leaves by our own client.
//!
//! ```text
//! client secret ──► workload identity ──► managed identity ──► az ──► azd
//! ```
//!
//! A way of which the variables are set is the one that counts: where it
//! fails, the next one would be somebody else. A way that is only tried (a
//! metadata server, `az`, `azd`) is passed over where it is not there.
//!
//! `azure_identity` reads three variables itself and cannot be given them:
//! `IDENTITY_ENDPOINT`, `IDENTITY_HEADER` and `MSI_ENDPOINT`. Where a policy
//! sets them to something else than the environment, the carrier refuses.

mod carrier;
mod managed;
mod tool;
mod way;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use azure_core::cloud::{CloudConfiguration, CustomConfiguration};
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_core::http::{ClientOptions, ExponentialRetryOptions, RetryOptions, Transport};
use azure_identity as entra;

use self::carrier::Carrier;
use self::way::Way;
use super::network;
use super::provider::Asker;
use keyrule_contract as wit;
use keyrule_credential::handout;
use keyrule_credential::secret::Secret;
use keyrule_credential::{Facts, Failure, Kept};
use keyrule_oauth::http::Http;
use keyrule_system::environment::Ambient;
use keyrule_system::fs::contents::{self, Fault};

/// What a token is for: the resource that the documentation of Claude in
/// Foundry asks it for.
const SCOPE: &str = "https://cognitiveservices.azure.com/.default";

/// The longest file of a federated token.
const LONGEST_FILE: u64 = 64 * 1024;

/// Whose credentials the search would find, as far as variables say so.
pub(super) fn peek(world: &Ambient) -> Facts {
    // What is wrong with the variables is said by the get.
    match way::ways(world).unwrap_or_default().first() {
        Some(way) if way.is_certain() => facts(way),
        _ => Facts::default(),
    }
}

/// The files that the search reads, and the one that `az login` and `az
/// account set` write.
pub(super) fn files(world: &Ambient) -> Vec<PathBuf> {
    let token = world.variable("AZURE_FEDERATED_TOKEN_FILE");
    let token = token.filter(|path| !path.is_empty()).map(PathBuf::from);
    let azure = world.variable("AZURE_CONFIG_DIR").map(PathBuf::from);
    let azure = azure.or_else(|| Some(world.home.as_ref()?.join(".azure")));
    let profile = azure.map(|folder| folder.join("azureProfile.json"));
    token.into_iter().chain(profile).collect()
}

/// The provider's own search.
pub(super) async fn search(asker: &Asker, world: &Ambient) -> Result<Kept, Failure> {
    let mut missed = Vec::new();
    for way in way::ways(world)? {
        match ask(&way, asker, world).await {
            Ok(token) => return kept(&way, &token),
            Err(Miss::NotThere(words)) => missed.push(words),
            Err(Miss::Failed(failure)) => return Err(failure),
        }
    }
    Err(Failure::new(
        wit::FailureKind::NoCredentials,
        missed.join("; "),
    ))
}

/// Why a way brought no token.
enum Miss {
    /// It is not there, and the next one may be.
    NotThere(String),
    /// It is there, and failed.
    Failed(Failure),
}

impl From<Failure> for Miss {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

async fn ask(way: &Way, asker: &Asker, world: &Ambient) -> Result<AccessToken, Miss> {
    match way {
        Way::ClientSecret {
            tenant,
            client,
            secret,
        } => {
            let carrier = Carrier::to(&authority(world)?, "Entra ID", Http::of(world))?;
            let options = entra::ClientSecretCredentialOptions {
                client_options: options(&carrier, world)?,
            };
            let secret = azure_core::credentials::Secret::new(handout::to_send(secret).to_owned());
            let credential =
                entra::ClientSecretCredential::new(tenant, client.clone(), secret, Some(options));
            token(credential, &carrier).await
        }
        Way::Workload {
            tenant,
            client,
            file,
        } => {
            check(file)?;
            let carrier = Carrier::to(&authority(world)?, "Entra ID", Http::of(world))?;
            let options = entra::WorkloadIdentityCredentialOptions {
                credential_options: entra::ClientAssertionCredentialOptions {
                    client_options: options(&carrier, world)?,
                },
                client_id: Some(client.clone()),
                tenant_id: Some(tenant.clone()),
                token_file_path: Some(file.clone()),
            };
            let credential = entra::WorkloadIdentityCredential::new(Some(options));
            token(credential, &carrier).await
        }
        Way::AppService { endpoint, client } => managed::app_service(endpoint, client, world).await,
        Way::MetadataServer { client } => managed::metadata_server(client, world).await,
        Way::Unsupported { what, by } => {
            let words = format!("{what} is not supported");
            let failure = Failure::new(wit::FailureKind::Invalid, words);
            Err(Miss::Failed(failure.in_place(*by)))
        }
        Way::Tool(tool) => tool.ask(asker, world).await,
    }
}

/// The token that the credential gets, or why there is none: what the carrier
/// has seen is known better than what the crate says of it.
async fn token<C: TokenCredential>(
    credential: azure_core::Result<Arc<C>>,
    carrier: &Carrier,
) -> Result<AccessToken, Miss> {
    let credential = credential.map_err(|_| {
        let words = format!("{} cannot be asked with these variables", carrier.name());
        Failure::new(wit::FailureKind::Invalid, words)
    })?;
    let got = credential.get_token(&[SCOPE], None).await;
    got.map_err(|_| {
        let words = || format!("{} answers with what is no token", carrier.name());
        let seen = carrier.failure();
        let failure =
            seen.unwrap_or_else(|| Failure::new(wit::FailureKind::MalformedAnswer, words()));
        Miss::Failed(failure)
    })
}

/// What the crate is given: our client, a few seconds of patience, and where
/// Entra ID is, so that it reads no variable of the process for that.
fn options(carrier: &Carrier, world: &Ambient) -> Result<ClientOptions, Failure> {
    let mut custom = CustomConfiguration::default();
    custom.authority_host = authority(world)?.into();
    Ok(ClientOptions {
        retry: RetryOptions::exponential(ExponentialRetryOptions {
            max_retries: 3,
            ..ExponentialRetryOptions::default()
        }),
        transport: Some(Transport::new(Arc::new(carrier.clone()))),
        cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
        ..ClientOptions::default()
    })
}

/// Where Entra ID is: `AZURE_AUTHORITY_HOST`, for clouds of their own.
fn authority(world: &Ambient) -> Result<url::Url, Failure> {
    const NAME: &str = "AZURE_AUTHORITY_HOST";
    let Some(host) = way::text(world, NAME)? else {
        return way::url("https://login.microsoftonline.com", NAME);
    };
    let host = match host.contains("://") {
        true => host,
        false => format!("https://{host}"),
    };
    let url = way::url(&host, NAME)?;
    if url.scheme() == "https" {
        return Ok(url);
    }
    let words = format!("`{NAME}` is not an `https://` URL");
    Err(Failure::new(wit::FailureKind::Invalid, words).in_place(NAME))
}

/// Whether the file can be read whole, which the crate would do with any.
fn check(file: &std::path::Path) -> Result<(), Failure> {
    let fault = |trouble, words: String| {
        let words = format!("the file that `AZURE_FEDERATED_TOKEN_FILE` names {words}");
        Err(Failure::new(trouble, words).in_place(file.display().to_string()))
    };
    match contents::read(file, LONGEST_FILE) {
        Ok(Some(token)) if token.bytes.trim_ascii().is_empty() => {
            fault(wit::FailureKind::Invalid, "is empty".to_owned())
        }
        Ok(Some(_)) => Ok(()),
        Ok(None) => fault(wit::FailureKind::Unreadable, "is not there".to_owned()),
        Err(error @ Fault::TooBig { .. }) => fault(wit::FailureKind::Invalid, error.to_string()),
        Err(error) => fault(wit::FailureKind::Unreadable, error.to_string()),
    }
}

/// Whose the token is, and how it was found.
fn facts(way: &Way) -> Facts {
    Facts {
        account: way.account(),
        detail: Some(way.words()),
        ..Facts::default()
    }
}

fn kept(way: &Way, token: &AccessToken) -> Result<Kept, Failure> {
    let end = u64::try_from(token.expires_on.unix_timestamp()).ok();
    let end = end.and_then(|seconds| UNIX_EPOCH.checked_add(Duration::from_secs(seconds)));
    let secret = Secret::new(token.token.secret());
    Ok(Kept {
        material: network::bearer(secret, &way.name(), Vec::new())?,
        expires_at: Some(end.unwrap_or(SystemTime::UNIX_EPOCH)),
        facts: facts(way),
    })
}

#[cfg(test)]
mod tests;
