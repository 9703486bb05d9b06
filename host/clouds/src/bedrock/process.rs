//! The `credential_process` of a profile. What goes in is its command line;
//! what comes out is the access key that it printed, or why there is none.
//! Keyrule runs it itself, as it runs the command of a helper: in this world's
//! environment, killed with all that it started when its time is over, and
//! marked, so that a Keyrule that it runs does not begin the same search
//! again. The provider's crates would leave it running, and would put what it
//! says into their errors.

use std::path::Path;
use std::time::Duration;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::{profile, variables};
use crate::provider::Asker;
use keyrule_contract as wit;
use keyrule_credential::handout;
use keyrule_credential::protocol as answer;
use keyrule_credential::secret::Secret;
use keyrule_credential::{Failure, Kept};
use keyrule_system::environment::Ambient;
use keyrule_system::process::run::{self, Talk};
use keyrule_system::process::{Command, Line, recursion};
use keyrule_system::signals::Signals;

const AROUND: &str = "the profile's `credential_process` runs Keyrule, which is looking for these very credentials: let it print those of another profile or policy";

/// Runs the command line of the profile.
pub(super) async fn run(
    name: &str,
    line: &Secret,
    asker: &Asker,
    cloud: &wit::Cloud,
    world: &Ambient,
) -> Result<Kept, Failure> {
    let text = std::str::from_utf8(handout::to_keep(line)).unwrap_or_default();
    let command = Command {
        line: Line::Text(Zeroizing::new(text.to_owned())),
        found_in: profile::place(world),
        folder: world
            .home
            .clone()
            .filter(|home| home.is_dir())
            .unwrap_or_else(|| Path::new("/").to_path_buf()),
    };
    let place = profile::place(world);
    let started = command.process(
        &asker.info.hidden_variables,
        &asker.info.name_of(&asker.source),
        world,
    );
    let mut process = started.ok_or(Failure::bare(wit::FailureKind::NotStarted))?;
    let around = recursion::mark(&asker.info.name_of(&asker.source), world);
    process.env(recursion::MARKER, format!("{around} {}", mark(world)));
    let signals = Signals::listen(asker.owns_signals);
    let format = wit::Format::AwsProcess;
    let output = run::run(
        process,
        command.is_for_the_shell(),
        Talk::Listen(answer::longest(format)),
        Duration::from_millis(cloud.timeout_ms),
        signals,
    )
    .await;
    let is_keyrule = command.is_this_program(world);
    let told = |failure: Failure| {
        let said = failure.detail.unwrap_or_default();
        let what = format!("`credential_process` of the profile `{name}`");
        if is_keyrule && failure.trouble == wit::FailureKind::ExitStatus {
            let words = format!("the {what} runs Keyrule, which found no credentials ({said})");
            return Failure::new(wit::FailureKind::NoCredentials, words).in_place(&place);
        }
        Failure::new(failure.trouble, format!("{said}, the {what}")).in_place(&place)
    };
    let output = output.map_err(|error| told(error.into()))?;
    let signing = wit::Signing {
        service: cloud.service.clone().unwrap_or_default(),
        region: cloud.region.clone(),
    };
    answer::read(format, Some(&signing), None, &output, world).map_err(told)
}

/// Whether a Keyrule around this one is searching for the same credentials,
/// and has run this one to get them.
pub(super) fn around(world: &Ambient) -> Option<Failure> {
    let marked = !variables::has_key(world) && recursion::is_marked(&mark(world), world);
    marked.then(refused)
}

/// The words of that.
pub(super) fn refused() -> Failure {
    Failure::new(wit::FailureKind::Nested, AROUND)
}

/// What tells one search from another: the profile, and the files that it
/// stands in.
fn mark(world: &Ambient) -> String {
    let mut digest = Sha256::new();
    let selected = variables::text(world, "AWS_PROFILE").unwrap_or("default");
    digest.update(selected.as_bytes());
    for path in profile::paths(world) {
        digest.update([0]);
        digest.update(path.as_os_str().as_encoded_bytes());
    }
    let digest = digest.finalize();
    let hex: String = digest
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("aws-profile/{hex}")
}
