//! The commands that settings name for a provider: one that brings new
//! credentials, and one that prints them. They are found, trusted and run as
//! the command of a helper is: in the folder of the file that names them,
//! without the policy's credentials, not longer than their time.

use std::time::Duration;

use super::place::Place;
use crate::ambient::Ambient;
use crate::engine::bindings as wit;
use crate::secret::Secret;
use crate::sources::command::run::{self, Talk};
use crate::sources::command::{self, Command, recursion};
use crate::sources::signals::Signals;
use crate::sources::{Facts, Failure, Kept, Notices, answer};

/// How long a command that brings new credentials may take: somebody logs in.
const LOGIN: Duration = Duration::from_secs(3 * 60);

/// The command that brings new credentials, where a setting names one.
pub(super) fn refresh(
    source: &wit::Source,
    cloud: &wit::Cloud,
    about: &wit::About,
    world: &Ambient,
) -> Result<Option<Named>, Failure> {
    named(cloud.auth_refresh.as_ref(), source, about, world)
}

/// The command that prints an AWS access key, where a setting names one.
pub(super) fn export(
    source: &wit::Source,
    cloud: &wit::Cloud,
    about: &wit::About,
    world: &Ambient,
) -> Result<Option<Named>, Failure> {
    named(cloud.credential_export.as_ref(), source, about, world)
}

/// Whether the files that could name a command can be read.
pub(super) fn check(
    source: &wit::Source,
    cloud: &wit::Cloud,
    about: &wit::About,
    world: &Ambient,
) -> Result<(), Failure> {
    refresh(source, cloud, about, world)?;
    export(source, cloud, about, world).map(drop)
}

/// Which file names the command that takes the place of the search, where one
/// does and nothing else brings new credentials.
pub(super) fn replacing(
    source: &wit::Source,
    cloud: &wit::Cloud,
    about: &wit::About,
    world: &Ambient,
) -> Option<String> {
    let refresh = refresh(source, cloud, about, world).ok()?;
    let export = export(source, cloud, about, world).ok()??;
    refresh.is_none().then_some(export.command.found_in)
}

/// What a consent to the source is about: the provider, where it is asked, and
/// the commands that may be run for it.
pub(super) fn subject(
    source: &wit::Source,
    cloud: &wit::Cloud,
    about: &wit::About,
    world: &Ambient,
) -> Secret {
    let mut subject = zeroize::Zeroizing::new(source.reads.clone());
    for pair in &cloud.set {
        subject.push_str(&format!("\n{}={}", pair.name, pair.text));
    }
    let place = Place::of(cloud, world).words(&Facts::default());
    subject.push_str(&format!("\n{}", place.unwrap_or_default()));
    for named in [
        refresh(source, cloud, about, world),
        export(source, cloud, about, world),
    ] {
        subject.push('\n');
        if let Ok(Some(named)) = named {
            let line = named.command.subject();
            let line = crate::handout::to_keep(&line);
            subject.push_str(&String::from_utf8_lossy(line));
        }
    }
    Secret::new(subject.as_str())
}

/// How long the whole way can take.
pub(super) fn longest(cloud: &wit::Cloud) -> Duration {
    let one = Duration::from_millis(cloud.timeout_ms);
    let refresh = match cloud.auth_refresh {
        Some(_) => one.max(LOGIN),
        None => Duration::ZERO,
    };
    one.saturating_mul(2).saturating_add(refresh)
}

/// A command that was found.
pub(super) struct Named {
    command: Command,
}

fn named(
    setting: Option<&wit::Setting>,
    source: &wit::Source,
    about: &wit::About,
    world: &Ambient,
) -> Result<Option<Named>, Failure> {
    let Some(setting) = setting else {
        return Ok(None);
    };
    // A command of this source that runs Keyrule is left out there.
    if recursion::is_marked(about, source, world) {
        return Ok(None);
    }
    let found = command::locate(
        source,
        &wit::Command::Setting(setting.clone()),
        about,
        world,
    );
    let found = found.map_err(|fault| Failure {
        trouble: fault.trouble,
        detail: Some(fault.detail),
        found_in: fault.found_in,
    })?;
    let found = found.filter(|command| !command.is_blank());
    Ok(found.map(|command| Named { command }))
}

impl Named {
    /// What is said where the command runs this program again.
    pub(super) fn runs_keyrule(&self) -> Failure {
        let words = "the command that prints the credentials runs Keyrule, which runs that command";
        Failure::new(wit::Trouble::NoCredentials, words).in_place(&self.command.found_in)
    }

    /// Runs the command that prints an AWS access key.
    pub(super) async fn run(
        &self,
        source: &wit::Source,
        cloud: &wit::Cloud,
        about: &wit::About,
        world: &Ambient,
        notices: &dyn Notices,
    ) -> Result<Kept, Failure> {
        let limit = Duration::from_millis(cloud.timeout_ms);
        let format = wit::Format::AwsProcess;
        let talk = Talk::Listen(answer::longest(format));
        let output = self
            .start(source, about, world, talk, limit, notices)
            .await?;
        let signing = wit::Signing {
            service: cloud.service.clone().unwrap_or_default(),
            region: cloud.region.clone(),
        };
        let mut kept = answer::read(format, Some(&signing), None, &output, world)
            .map_err(|failure| failure.in_place(&self.command.found_in))?;
        kept.facts.exported = true;
        kept.facts.detail = Some(format!("by a command in `{}`", self.command.found_in));
        #[cfg(feature = "bedrock")]
        super::bedrock::place(&mut kept, cloud, world).await?;
        Ok(kept)
    }

    /// Runs the command that brings new credentials; what it says is for
    /// people.
    pub(super) async fn show(
        &self,
        source: &wit::Source,
        cloud: &wit::Cloud,
        about: &wit::About,
        world: &Ambient,
        notices: &dyn Notices,
    ) -> Result<(), Failure> {
        let limit = Duration::from_millis(cloud.timeout_ms).max(LOGIN);
        let shown = self.start(source, about, world, Talk::Show, limit, notices);
        shown.await.map(drop)
    }

    async fn start(
        &self,
        source: &wit::Source,
        about: &wit::About,
        world: &Ambient,
        talk: Talk,
        limit: Duration,
        notices: &dyn Notices,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, Failure> {
        let in_place = |failure: Failure| failure.in_place(&self.command.found_in);
        let signals = Signals::listen(notices.owns_signals());
        let process = self.command.process(about, source, world);
        let process = process.ok_or(Failure::bare(wit::Trouble::NotStarted))?;
        run::run(
            process,
            self.command.is_for_the_shell(),
            talk,
            limit,
            signals,
        )
        .await
        .map_err(in_place)
    }
}
