//! The way to a provider's credentials: the command that a setting names in
//! the place of the search, or the search, and where that finds nothing that
//! serves, the command that brings new ones, and then once more.

use std::time::{Duration, SystemTime};

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Asked;
use super::commands::Commands;
use super::place::Place;
use super::provider::{Asker, Provider};
use crate::ambient::Ambient;
use crate::sources::{Failure, Kept, Notices};
use keyrule_contract as wit;

/// How much longer than its limit the search is waited for.
const MARGIN: Duration = Duration::from_secs(1);

/// Gets the credentials anew.
pub(super) async fn search(
    asked: Asked<'_>,
    commands: &Commands,
    notices: &dyn Notices,
) -> Result<Kept, Failure> {
    if let Some(export) = commands.replacing() {
        return export.run(asked, notices).await;
    }
    let asker = || Asker {
        source: asked.source.clone(),
        info: asked.info.clone(),
        owns_signals: notices.owns_signals(),
    };
    let found = in_thread(asker(), asked.cloud, asked.world).await;
    let refresh = match (&found, &commands.refresh) {
        (Err(failure), Some(refresh)) if needs_new_ones(failure.trouble) => refresh,
        _ => return found,
    };
    refresh.show(asked, notices).await?;
    match &commands.export {
        Some(export) => export.run(asked, notices).await,
        None => in_thread(asker(), asked.cloud, asked.world).await,
    }
}

/// Whether a login anew could mend it.
const fn needs_new_ones(trouble: wit::FailureKind) -> bool {
    matches!(
        trouble,
        wit::FailureKind::NoCredentials | wit::FailureKind::Expired | wit::FailureKind::Rejected
    )
}

/// The provider's own search, in a thread of its own: it goes on where nobody
/// waits any more, so that a token that it has just renewed is not lost, and
/// whatever its crates have started ends with it.
async fn in_thread(asker: Asker, cloud: &wit::Cloud, world: &Ambient) -> Result<Kept, Failure> {
    let limit = Duration::from_millis(cloud.timeout_ms);
    let place = Place::of(cloud, world);
    let (cloud, world) = (cloud.clone(), world.clone());
    let (sender, answer) = oneshot::channel();
    let not_started =
        |error: std::io::Error| Failure::new(wit::FailureKind::NotStarted, error.to_string());
    let work = move || {
        let Some(provider) = Provider::of(&cloud) else {
            return Err(Failure::bare(wit::FailureKind::Unsupported));
        };
        let runtime = keyrule_system::runtime::here().map_err(not_started)?;
        let found = runtime.block_on(async {
            let search = provider.search(&asker, &cloud, &world, &place);
            timeout(limit, search)
                .await
                .unwrap_or_else(|_| Err(Failure::timed_out(limit)))
        });
        runtime.shutdown_background();
        found
    };
    std::thread::Builder::new()
        .name("provider".to_owned())
        .spawn(move || {
            let _ = sender.send(work());
        })
        .map_err(not_started)?;
    // The thread is gone without an answer only where it has panicked.
    // Its own limit does not end what blocks, such as a file system that hangs.
    let found = match timeout(limit + MARGIN, answer).await {
        Ok(found) => found.unwrap_or_else(|_| {
            let words = "the provider's search ended without an answer";
            Err(Failure::new(wit::FailureKind::NoCredentials, words))
        }),
        Err(_) => Err(Failure::timed_out(limit)),
    }?;
    match found.expires_at {
        Some(end) if end <= SystemTime::now() => Err(Failure {
            trouble: wit::FailureKind::Expired,
            detail: found.facts.detail,
            found_in: None,
        }),
        _ => Ok(found),
    }
}
