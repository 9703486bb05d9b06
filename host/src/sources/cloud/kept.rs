//! A provider's credentials, kept for a while, so that a chain that asks the
//! network is asked once, whoever wants them. What ends is kept until five
//! minutes before its end; what a setting's command prints without an end, for
//! an hour; what else has no end costs nothing to get, and is not kept.

use std::time::{Duration, UNIX_EPOCH};

use super::commands::{self, Commands};
use super::{Asked, provider::Provider, search};
use crate::ambient::stands_for;
use crate::secret::Secret;
use crate::sources::cache::{Cache, Entry, Key};
use crate::sources::flight::{self, Terms};
use crate::sources::{Failure, GetOptions, Kept, Notices};

/// Nothing is kept for longer, whatever it says of its end.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an answer without an end is kept.
const WITHOUT_END: Duration = Duration::from_secs(60 * 60);

/// What is kept and fresh, without getting anything.
pub(super) fn peek(asked: Asked<'_>, subject: &Secret) -> Option<Kept> {
    let entry = place(asked, subject).read()?;
    is_fresh(&entry).then_some(entry.kept)
}

/// What is kept and fresh, else what the provider's search brings.
pub(super) async fn get(
    asked: Asked<'_>,
    subject: &Secret,
    commands: &Commands,
    options: GetOptions,
    notices: &dyn Notices,
) -> Result<Kept, Failure> {
    let cache = place(asked, subject);
    let terms = Terms {
        rejected: options.rejected,
        is_fresh,
        keep_for: |kept: &Kept| match kept.expires_at {
            Some(_) => LONGEST,
            None if kept.facts.exported => WITHOUT_END,
            None => Duration::ZERO,
        },
    };
    let limit = commands::longest(asked.cloud);
    let run = async || search::search(asked, commands, notices).await;
    let found = flight::one(&cache, terms, limit, run);
    flight::attended(found, &asked.source.id, flight::PATIENCE, notices).await
}

/// Drops what is kept.
pub(super) fn drop_kept(asked: Asked<'_>, subject: &Secret) {
    place(asked, subject).remove();
}

fn is_fresh(entry: &Entry) -> bool {
    entry.is_fresh(LONGEST) && !entry.has_outlived()
}

/// The place of everything that the credentials depend on: the contract, the
/// provider's variables, and the files that its search reads, by their size
/// and time.
fn place(asked: Asked<'_>, subject: &Secret) -> Cache {
    let Asked {
        source,
        cloud,
        info,
        world,
        ..
    } = asked;
    let mut parts: Vec<Vec<u8>> = vec![
        b"keyrule-cloud-1".to_vec(),
        info.name.clone().into_bytes(),
        source.id.clone().into_bytes(),
        source.reads.clone().into_bytes(),
        cloud.service.clone().unwrap_or_default().into_bytes(),
        crate::handout::to_keep(subject).to_vec(),
    ];
    let keeps = super::passed(cloud, world).keeps;
    for (name, value) in world.variables() {
        if keeps.iter().any(|kept| stands_for(kept, name)) {
            parts.push(name.as_encoded_bytes().to_vec());
            parts.push(value.as_encoded_bytes().to_vec());
        }
    }
    let files = Provider::of(cloud).map_or_else(Vec::new, |provider| provider.files(world));
    for file in files {
        parts.push(file.as_os_str().as_encoded_bytes().to_vec());
        let stamp = std::fs::metadata(&file).ok().map(|metadata| {
            let changed = metadata.modified().ok();
            let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            (metadata.len(), changed.unwrap_or_default().as_nanos())
        });
        parts.push(format!("{stamp:?}").into_bytes());
    }
    Cache::of(Key::of(parts.iter().map(Vec::as_slice)), world)
}
