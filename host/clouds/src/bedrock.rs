//! The credentials of Amazon Bedrock: the default chain of AWS, by its own
//! crates. What goes in is the world; what comes out of a peek is what its
//! variables say, out of a search an access key with the region that it signs
//! for, or why there is none.
//!
//! ```text
//! variables ──► profile ──► web identity ──► container ──► instance
//!                  └── key, SSO, login, credential_process; then roles
//! ```
//!
//! A profile that has anything of credentials is not passed by: the crates
//! would ask the instance instead, whose account is another.

mod client;
mod endpoints;
mod failure;
mod process;
mod profile;
mod variables;

use std::time::SystemTime;

use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_types::os_shim_internal::{Env, Fs};

use self::client::Client;
pub(super) use self::endpoints::endpoints;
use self::failure::Asked;
use self::profile::{Base, Found, Role};
pub(super) use self::variables::{files, peek};
use super::place::Place;
use super::provider::Asker;
use keyrule_contract as wit;
use keyrule_credential::material::{Keys, Material};
use keyrule_credential::secret::Secret;
use keyrule_credential::{Facts, Failure, Kept};
use keyrule_system::environment::Ambient;

/// Where nothing says a region.
const REGION: &str = "us-east-1";

/// The service that signatures name, where the contract does not say it.
const SERVICE: &str = "bedrock";

/// Whether a Keyrule around this one is already searching for the same.
pub(super) fn around(world: &Ambient) -> Option<Failure> {
    process::around(world)
}

/// Whether the search would run a command that might be this very program,
/// and what is said where it would be.
pub(super) async fn runs_a_command(world: &Ambient) -> Option<Failure> {
    if variables::has_key(world) {
        return None;
    }
    let set = profile::load(&variables::env(world, false), world)
        .await
        .ok()?;
    match profile::selected(&set, world).ok()?? {
        Found {
            base: Base::Process(..),
            ..
        } => Some(process::refused()),
        _ => None,
    }
}

/// The region that the selected profile names, for what needs no search.
pub(super) async fn region(world: &Ambient) -> Option<String> {
    let set = profile::load(&variables::env(world, false), world).await;
    profile::region(&set.ok()?)
}

/// The provider's own search.
pub(super) async fn search(
    asker: &Asker,
    cloud: &wit::Cloud,
    world: &Ambient,
    place: &Place,
) -> Result<Kept, Failure> {
    variables::check(world)?;
    let has_key = variables::has_key(world);
    let known = place.region.as_ref().map(|named| named.name.clone());
    // Where variables say all of it no file has to be right.
    let set = match (has_key, &known) {
        (true, Some(_)) => None,
        _ => Some(profile::load(&variables::env(world, false), world).await?),
    };
    let region = known
        .or_else(|| profile::region(set.as_ref()?))
        .unwrap_or_else(|| REGION.to_owned());
    let found = match &set {
        Some(set) if !has_key => profile::selected(set, world)?,
        _ => None,
    };
    let closed = found
        .as_ref()
        .is_some_and(|found| !matches!(found.base, Base::Source));
    if !has_key && let Some(file) = variables::text(world, "AWS_WEB_IDENTITY_TOKEN_FILE") {
        profile::check(std::path::Path::new(file))?;
    }
    let client = Client::of(world);
    let loaded = load(variables::env(world, closed), client.clone(), &region).await;

    let told = |error: &CredentialsError| {
        let asked = Asked {
            world,
            found: found.as_ref(),
            last: client.last(),
        };
        failure::told(error, asked)
    };
    let first = match found.as_ref().map(|found| &found.base) {
        Some(Base::Process(name, line)) => {
            Some(process::run(name, line, asker, cloud, world).await?)
        }
        Some(Base::Key(key)) => Some(Kept::of(Material::Keys(Keys {
            id: key.id.clone(),
            secret: key.secret.clone(),
            session: key.session.clone(),
            region: None,
            service: String::new(),
        }))),
        _ => None,
    };
    let (material, expires_at) = match (first, &found) {
        (Some(first), Some(found)) if !found.roles.is_empty() => {
            let last = assume(&first, &found.roles, &loaded).await;
            taken(&last.map_err(|error| told(&error))?)?
        }
        (Some(first), _) => (first.material, first.expires_at),
        (None, _) => {
            let provider = loaded.credentials_provider();
            let provider = provider.ok_or(Failure::bare(wit::FailureKind::NoCredentials))?;
            let credentials = provider.provide_credentials().await;
            taken(&credentials.map_err(|error| told(&error))?)?
        }
    };
    let account =
        keyrule_credential::handout::aws_key_of(&material).map(|key| variables::masked(key.id));
    Ok(Kept {
        material: signed_for(material, &region, cloud),
        expires_at,
        facts: Facts {
            account,
            detail: Some(by(world, found.as_ref())),
            region: Some(region),
            ..Facts::default()
        },
    })
}

/// Says the region of a key that a setting's command printed, as a search
/// would.
pub async fn place(kept: &mut Kept, cloud: &wit::Cloud, world: &Ambient) -> Result<(), Failure> {
    if kept.facts.region.is_some() {
        return Ok(());
    }
    let set = profile::load(&variables::env(world, false), world).await?;
    let region = profile::region(&set).unwrap_or_else(|| REGION.to_owned());
    let material = std::mem::replace(&mut kept.material, Material::Nothing);
    kept.material = signed_for(material, &region, cloud);
    kept.facts.region = Some(region);
    Ok(())
}

/// The provider's configuration, with everything that it would read from the
/// process given: variables, files, the region, the network.
async fn load(env: Env, client: Client, region: &str) -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .env(env)
        .fs(Fs::real())
        .http_client(client)
        // Else the instance would be asked for it.
        .region(Region::new(region.to_owned()))
        .load()
        .await
}

/// The roles of a profile, one with the credentials of the one before.
async fn assume(
    first: &Kept,
    roles: &[Role],
    loaded: &SdkConfig,
) -> Result<Credentials, CredentialsError> {
    let key = keyrule_credential::handout::aws_key_of(&first.material);
    let key = key.ok_or_else(CredentialsError::not_loaded_no_source)?;
    let mut credentials = Credentials::new(
        key.id,
        key.secret,
        key.session_token.map(str::to_owned),
        first.expires_at,
        "keyrule",
    );
    for role in roles {
        let mut builder = AssumeRoleProvider::builder(&role.arn).configure(loaded);
        if let Some(id) = &role.external_id {
            builder = builder.external_id(id);
        }
        let name = role.session_name.as_deref();
        builder = builder.session_name(name.unwrap_or("keyrule"));
        let provider = builder.build_from_provider(credentials).await;
        credentials = provider.provide_credentials().await?;
    }
    Ok(credentials)
}

fn taken(credentials: &Credentials) -> Result<(Material, Option<SystemTime>), Failure> {
    let parts = [
        Some(credentials.access_key_id()),
        Some(credentials.secret_access_key()),
        credentials.session_token(),
    ];
    // They become headers and lines.
    let is_plain =
        |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
    if !parts.into_iter().flatten().all(is_plain) {
        let words = "the access key that was found holds what is not printable ASCII";
        return Err(Failure::new(wit::FailureKind::Invalid, words));
    }
    let keys = Keys {
        id: credentials.access_key_id().to_owned(),
        secret: Secret::new(credentials.secret_access_key()),
        session: credentials.session_token().map(Secret::new),
        region: None,
        service: String::new(),
    };
    Ok((Material::Keys(keys), credentials.expiry()))
}

/// The same, for the region and the service that signatures name.
fn signed_for(material: Material, region: &str, cloud: &wit::Cloud) -> Material {
    match material {
        Material::Keys(keys) => Material::Keys(Keys {
            region: Some(region.to_owned()),
            service: cloud.service.clone().unwrap_or_else(|| SERVICE.to_owned()),
            ..keys
        }),
        other => other,
    }
}

/// Where the credentials come from, in words.
fn by(world: &Ambient, found: Option<&Found>) -> String {
    if variables::has_key(world) {
        return "by `AWS_ACCESS_KEY_ID`".to_owned();
    }
    match (found, variables::others(world)) {
        (Some(found), _) => format!("by the profile `{}`", found.name),
        (None, Some(words)) => words.to_owned(),
        (None, None) => "the instance's role".to_owned(),
    }
}

#[cfg(test)]
mod tests;
