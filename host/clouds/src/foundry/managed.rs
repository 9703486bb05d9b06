//! Managed identities: the endpoint that App Service names in a variable, and
//! the metadata server of a virtual machine. What goes in is which identity;
//! what comes out is a token, or that nobody is there. The metadata server is
//! asked first whether it is there, for a second: on a machine that has none
//! nobody may answer for minutes.

use std::time::Duration;

use azure_core::credentials::AccessToken;
use azure_identity as entra;
use oauth2::http;
use url::Url;

use super::carrier::Carrier;
use super::{Miss, options, token};
use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_oauth::http::Http;
use keyrule_system::environment::Ambient;

/// How long the metadata server may take to say that it is there.
const PROBE: Duration = Duration::from_secs(1);

/// How long one of them may take to answer.
const LIMIT: Duration = Duration::from_secs(10);

/// Who is asked where a variable says so.
const NAME: &str = "the endpoint of `IDENTITY_ENDPOINT`";

/// Where the metadata server is, and what it is asked. Without its header it
/// refuses, and so says that it is there.
const METADATA: &str =
    "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";

/// The token of the endpoint that App Service names.
pub(super) async fn app_service(
    endpoint: &Url,
    client: &Option<String>,
    world: &Ambient,
) -> Result<AccessToken, Miss> {
    let http = match endpoint.scheme() {
        "http" => Http::for_link(world, LIMIT),
        _ => Http::of(world),
    };
    let carrier = Carrier::to(endpoint, NAME, http)?;
    ask(client, &carrier, world).await.map_err(|miss| {
        // What it says where there is no such identity.
        match carrier.status() {
            Some(400) => Miss::Failed(Failure::new(
                wit::FailureKind::NoCredentials,
                format!("{NAME} has no such managed identity"),
            )),
            _ => miss,
        }
    })
}

/// The token of the metadata server.
pub(super) async fn metadata_server(
    client: &Option<String>,
    world: &Ambient,
) -> Result<AccessToken, Miss> {
    let url = Url::parse(METADATA)
        .map_err(|_| Miss::NotThere("there is no metadata server".to_owned()))?;
    let http = Http::for_metadata(world, LIMIT);
    let carrier = Carrier::to(&url, "the metadata server", http)?;
    if !is_there(&carrier).await {
        return Err(Miss::NotThere("no metadata server answers".to_owned()));
    }
    ask(client, &carrier, world)
        .await
        .map_err(|miss| match carrier.status() {
            Some(400) => Miss::NotThere(
                "the metadata server knows no managed identity of this machine".to_owned(),
            ),
            _ => miss,
        })
}

async fn ask(
    client: &Option<String>,
    carrier: &Carrier,
    world: &Ambient,
) -> Result<AccessToken, Miss> {
    let options = entra::ManagedIdentityCredentialOptions {
        user_assigned_id: client.clone().map(entra::UserAssignedId::ClientId),
        client_options: options(carrier, world)?,
    };
    token(
        entra::ManagedIdentityCredential::new(Some(options)),
        carrier,
    )
    .await
}

/// Whether it is Azure's metadata server that answers: those of other clouds
/// have the same address and know no such path.
async fn is_there(carrier: &Carrier) -> bool {
    let request = http::Request::get(METADATA).body(Vec::new());
    let Ok(request) = request else { return false };
    let answer = tokio::time::timeout(PROBE, carrier.http().send(request)).await;
    match answer {
        Ok(Ok(response)) => matches!(response.status().as_u16(), 200..=299 | 400 | 429 | 500..),
        Ok(Err(_)) | Err(_) => false,
    }
}
