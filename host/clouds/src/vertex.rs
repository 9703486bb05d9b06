//! Vertex AI's credentials: Google's Application Default Credentials. What
//! goes in are the variables; what comes out is an access token, whose it is,
//! when it ends and the project that its file names.
//!
//! ```text
//! GOOGLE_APPLICATION_CREDENTIALS ──► gcloud's own file ──► metadata server
//! ```
//!
//! `google-cloud-auth` signs for service accounts, refreshes users' tokens and
//! exchanges tokens of other issuers. It takes no HTTP client and makes its
//! own, which has no limit of its own and follows the proxy variables of the
//! process and the certificate authorities of the system; `KEYRULE_CA_FILE`
//! does not reach it. What it would ask for in ways that cannot be bounded or
//! given our variables is asked by our client: the metadata server, the
//! tokens of other issuers, and impersonation.
//!
//! It needs a cryptography that is chosen for the whole process. Where nobody
//! has chosen one, a get chooses `ring`; a program that takes the library and
//! wants another one chooses before.

mod account;
mod end;
mod failure;
mod file;
mod impersonate;
mod metadata;
mod program;
mod subject;

use std::path::PathBuf;
use std::time::SystemTime;

use self::file::Found;
use super::network;
use super::place::{Place, is_project};
use super::provider::Asker;
use keyrule_contract as wit;
use keyrule_credential::secret::Secret;
use keyrule_credential::{Facts, Failure, Kept};
use keyrule_oauth::http::Http;
use keyrule_system::environment::Ambient;

/// What a token is for: everything that the account may do.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// A token, and when it ends, where that is known.
struct Token {
    secret: Secret,
    expires_at: Option<SystemTime>,
}

/// Whose credentials the search would find, as far as variables and the file
/// say so. A file that is not as it must be is a matter of the search.
pub(super) fn peek(world: &Ambient) -> Facts {
    if let Ok(Some(found)) = file::find(world) {
        return known(&found, None);
    }
    let named = file::named(world).is_some();
    Facts {
        detail: named.then(|| file::By::Variable.words()),
        ..Facts::default()
    }
}

/// What a file says of itself; the project that is charged is named for want
/// of another.
fn known(found: &Found, quota: Option<String>) -> Facts {
    let own = found.text("project_id").filter(|id| is_project(id));
    Facts {
        account: Some(account::shown(&found.json)),
        detail: Some(found.by.words()),
        own_project: own.is_some(),
        project: own.or(quota),
        ..Facts::default()
    }
}

/// The files that the search reads.
pub(super) fn files(world: &Ambient) -> Vec<PathBuf> {
    file::path(world).into_iter().collect()
}

/// Whether a Keyrule around this one is already searching for the same.
pub(super) fn around(world: &Ambient) -> Option<Failure> {
    program::around(world)
}

/// Whether the search would run a program that might be this very one, and
/// what is said where it would be.
pub(super) fn runs_a_program(world: &Ambient) -> Option<Failure> {
    let found = file::find(world).ok()??;
    let program = found.json.pointer("/credential_source/executable");
    program.map(|_| program::runs_keyrule())
}

/// The provider's own search.
pub(super) async fn search(asker: &Asker, world: &Ambient, place: &Place) -> Result<Kept, Failure> {
    let Some(found) = file::find(world)? else {
        return metadata::search(world, place).await;
    };
    let http = Http::of(world).map_err(|error| network::failure(&error))?;
    let asking = account::Asking {
        found: &found,
        asker,
        world,
        http: &http,
    };
    let token = asking.token(&found.json, SCOPE).await?;
    let quota = quota(&found, world)?;
    let along = quota.iter().map(|project| wit::Pair {
        name: "x-goog-user-project".to_owned(),
        text: project.clone(),
    });
    Ok(Kept {
        material: network::bearer(token.secret, "Google", along.collect())?,
        expires_at: token.expires_at,
        facts: known(&found, quota),
    })
}

/// The project that is charged for requests where the account's own is not:
/// the variable's, else the file's. A service account has one of its own.
fn quota(found: &Found, world: &Ambient) -> Result<Option<String>, Failure> {
    const NAME: &str = "GOOGLE_CLOUD_QUOTA_PROJECT";
    let by_variable = world.variable(NAME).filter(|value| !value.is_empty());
    let (project, place) = match by_variable {
        Some(value) => (value.to_str().map(str::to_owned), NAME.to_owned()),
        None if found.is("service_account") => return Ok(None),
        None => match found.text("quota_project_id") {
            None => return Ok(None),
            some => (some, found.path.display().to_string()),
        },
    };
    match project.filter(|project| is_project(project)) {
        Some(project) => Ok(Some(project)),
        None => {
            let words = "the project that is to be charged is not the name of one";
            Err(Failure::new(wit::FailureKind::Invalid, words).in_place(place))
        }
    }
}

#[cfg(test)]
mod tests;
