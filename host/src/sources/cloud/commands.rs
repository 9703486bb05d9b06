//! The commands that settings name for a provider: one that brings new
//! credentials, and one that prints them. They are found, trusted and run as
//! the command of a helper is: in the folder of the file that names them,
//! without the policy's credentials, not longer than their time.

use std::time::Duration;

use super::Asked;
use super::place::Place;
use crate::secret::Secret;
use crate::sources::command::{self, Command, nested};
use crate::sources::{Facts, Failure, Kept, Notices, answer};
use keyrule_contract as wit;
use keyrule_system::process::run::{self, Talk};
use keyrule_system::signals::Signals;

/// How long a command that brings new credentials may take: somebody logs in.
const LOGIN: Duration = Duration::from_secs(3 * 60);

/// The commands of one source, found once for a look or a get.
pub(super) struct Commands {
    /// Brings new credentials.
    pub refresh: Option<Named>,
    /// Prints an AWS access key.
    pub export: Option<Named>,
}

impl Commands {
    /// Finds them. A file that could name one and cannot be read is a fault.
    pub(super) fn find(asked: Asked<'_>) -> Result<Self, Failure> {
        Ok(Self {
            // Inside of what this source runs nobody logs in anew.
            refresh: named(asked.cloud.auth_refresh.as_ref(), asked)?
                .filter(|_| nested(asked).is_none()),
            export: exporting(asked)?,
        })
    }

    /// The command that takes the place of the search: where nothing else
    /// brings new credentials, it always does.
    pub(super) fn replacing(&self) -> Option<&Named> {
        self.export.as_ref().filter(|_| self.refresh.is_none())
    }
}

/// What a consent to the source is about: the provider, where it is asked, and
/// the commands that may be run for it.
pub(super) fn subject(asked: Asked<'_>, commands: Option<&Commands>) -> Secret {
    let mut subject = zeroize::Zeroizing::new(asked.source.reads.clone());
    for pair in &asked.cloud.set {
        subject.push_str(&format!("\n{}={}", pair.name, pair.text));
    }
    let place = Place::of(asked.cloud, asked.world).words(&Facts::default());
    subject.push_str(&format!("\n{}", place.unwrap_or_default()));
    let refresh = commands.and_then(|commands| commands.refresh.as_ref());
    let export = commands.and_then(|commands| commands.export.as_ref());
    for named in [refresh, export] {
        subject.push('\n');
        if let Some(named) = named {
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

fn named(setting: Option<&wit::Setting>, asked: Asked<'_>) -> Result<Option<Named>, Failure> {
    let Some(setting) = setting else {
        return Ok(None);
    };
    let found = command::locate(
        asked.source,
        &wit::Command::Setting(setting.clone()),
        asked.info,
        asked.world,
    );
    let found = found.map_err(|fault| Failure {
        trouble: fault.trouble,
        detail: Some(fault.detail),
        found_in: fault.found_in,
    })?;
    let found = found.filter(|command| !command.is_blank());
    Ok(found.map(|command| Named { command }))
}

/// The command that prints an AWS access key. One that is Keyrule itself is
/// left out where it runs, and gets the search; no other one is.
fn exporting(asked: Asked<'_>) -> Result<Option<Named>, Failure> {
    let Some(export) = named(asked.cloud.credential_export.as_ref(), asked)? else {
        return Ok(None);
    };
    match nested(asked) {
        None => Ok(Some(export)),
        Some(_) if export.command.is_this_program(asked.world) => Ok(None),
        Some(failure) => Err(failure),
    }
}

/// Why the commands must not be run here, as far as the marker says so.
fn nested(asked: Asked<'_>) -> Option<Failure> {
    nested::failure(&asked.info.name_of(asked.source), asked.world, false)
}

impl Named {
    /// The file that names it.
    pub(super) fn found_in(&self) -> &str {
        &self.command.found_in
    }

    /// What is said where the command runs this program again.
    pub(super) fn runs_keyrule(&self) -> Failure {
        let words = "the command that prints the credentials runs Keyrule, which runs that command";
        Failure::new(wit::FailureKind::Nested, words).in_place(&self.command.found_in)
    }

    /// Runs the command that prints an AWS access key.
    pub(super) async fn run(
        &self,
        asked: Asked<'_>,
        notices: &dyn Notices,
    ) -> Result<Kept, Failure> {
        let limit = Duration::from_millis(asked.cloud.timeout_ms);
        let format = wit::Format::AwsProcess;
        let talk = Talk::Listen(answer::longest(format));
        let output = self.start(asked, talk, limit, notices).await?;
        let signing = wit::Signing {
            service: asked.cloud.service.clone().unwrap_or_default(),
            region: asked.cloud.region.clone(),
        };
        let mut kept = answer::read(format, Some(&signing), None, &output, asked.world)
            .map_err(|failure| failure.in_place(&self.command.found_in))?;
        kept.facts.exported = true;
        kept.facts.detail = Some(format!("by a command in `{}`", self.command.found_in));
        #[cfg(feature = "bedrock")]
        super::bedrock::place(&mut kept, asked.cloud, asked.world).await?;
        Ok(kept)
    }

    /// Runs the command that brings new credentials; what it says is for
    /// people.
    pub(super) async fn show(
        &self,
        asked: Asked<'_>,
        notices: &dyn Notices,
    ) -> Result<(), Failure> {
        let limit = Duration::from_millis(asked.cloud.timeout_ms).max(LOGIN);
        let shown = self.start(asked, Talk::Show, limit, notices);
        shown.await.map(drop)
    }

    async fn start(
        &self,
        asked: Asked<'_>,
        talk: Talk,
        limit: Duration,
        notices: &dyn Notices,
    ) -> Result<zeroize::Zeroizing<Vec<u8>>, Failure> {
        let in_place =
            |error: run::ProcessError| Failure::from(error).in_place(&self.command.found_in);
        let signals = Signals::listen(notices.owns_signals());
        let process = self.command.process(asked.info, asked.source, asked.world);
        let process = process.ok_or(Failure::bare(wit::FailureKind::NotStarted))?;
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
