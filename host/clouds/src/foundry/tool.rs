//! The tools of developers, who have logged in with them: `az` and `azd`.
//! What goes in is which one; what comes out is the token that it prints, or
//! that it is not there or not logged in. The crate says what is run and
//! reads what is printed; it is run as our helpers are, without the
//! policy's credentials, and killed with all that it started where it
//! takes too long.

use std::ffi::OsStr;
use std::process::{ExitStatus, Output};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_identity as entra;

use super::super::provider::Asker;
use super::{Miss, SCOPE};
use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_system::environment::Ambient;
use keyrule_system::process::run::{self, Talk};
use keyrule_system::process::{Command, Line};
use keyrule_system::signals::Signals;

/// How long one of them may take.
const LIMIT: Duration = Duration::from_secs(30);

/// The longest that one of them prints.
const LONGEST: usize = 64 * 1024;

/// A developer's tool.
#[derive(Debug, Clone, Copy)]
pub(super) enum Tool {
    /// The Azure CLI.
    Az,
    /// The Azure Developer CLI.
    Azd,
}

impl Tool {
    /// The program's name.
    pub(super) const fn program(self) -> &'static str {
        match self {
            Self::Az => "az",
            Self::Azd => "azd",
        }
    }

    /// The tool's name.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Az => "Azure CLI",
            Self::Azd => "Azure Developer CLI",
        }
    }

    /// The token that it prints.
    pub(super) async fn ask(self, asker: &Asker, world: &Ambient) -> Result<AccessToken, Miss> {
        if !is_on_path(self.program(), world) {
            let words = format!("`{}` is not on `PATH`", self.program());
            return Err(Miss::NotThere(words));
        }
        let runner = Arc::new(Runner::of(asker, world));
        let executor: Arc<dyn entra::Executor> = Arc::clone(&runner) as _;
        let credential: azure_core::Result<Arc<dyn TokenCredential>> = match self {
            Self::Az => entra::AzureCliCredential::new(Some(entra::AzureCliCredentialOptions {
                executor: Some(executor),
                ..Default::default()
            }))
            .map(|credential| credential as _),
            Self::Azd => entra::AzureDeveloperCliCredential::new(Some(
                entra::AzureDeveloperCliCredentialOptions {
                    executor: Some(executor),
                    ..Default::default()
                },
            ))
            .map(|credential| credential as _),
        };
        let token = match credential {
            Ok(credential) => credential.get_token(&[SCOPE], None).await,
            Err(error) => Err(error),
        };
        token.map_err(|_| match runner.failure() {
            Some(failure) => self.miss(failure),
            None => Miss::Failed(Failure::new(
                wit::FailureKind::MalformedAnswer,
                format!("`{}` prints what is no token", self.program()),
            )),
        })
    }

    /// A tool that is not there, or with which nobody is logged in, is passed
    /// over. What it said to people they have seen.
    fn miss(self, failure: Failure) -> Miss {
        let program = self.program();
        match failure.trouble {
            wit::FailureKind::NotStarted => Miss::NotThere(format!("`{program}` is not there")),
            wit::FailureKind::ExitStatus => {
                let status = failure.detail.unwrap_or_default();
                Miss::NotThere(format!("`{program}` brings no token ({status})"))
            }
            _ => Miss::Failed(Failure {
                detail: failure.detail.map(|words| format!("`{program}`: {words}")),
                ..failure
            }),
        }
    }
}

/// Whether there is such a program, so that no shell says that there is none.
#[cfg(unix)]
fn is_on_path(program: &str, world: &Ambient) -> bool {
    let path = world.variable("PATH").unwrap_or_default();
    std::env::split_paths(path).any(|folder| folder.join(program).is_file())
}

/// Elsewhere the shell knows better what a program's file is called.
#[cfg(not(unix))]
fn is_on_path(_: &str, _: &Ambient) -> bool {
    true
}

/// Runs what the crate says, as our helpers are run.
struct Runner {
    info: wit::PolicyInfo,
    source: wit::Source,
    owns_signals: bool,
    world: Ambient,
    failure: Mutex<Option<Failure>>,
}

impl Runner {
    fn of(asker: &Asker, world: &Ambient) -> Self {
        Self {
            info: asker.info.clone(),
            source: asker.source.clone(),
            owns_signals: asker.owns_signals,
            world: world.clone(),
            failure: Mutex::default(),
        }
    }

    /// The process, in the home: the crate's line begins with a folder of its
    /// own.
    fn process(&self, program: &OsStr, arguments: &[&OsStr]) -> Option<tokio::process::Command> {
        let words = std::iter::once(&program).chain(arguments);
        let words: Option<Vec<_>> = words.map(|word| word.to_str().map(str::to_owned)).collect();
        let home = self.world.home.clone().filter(|home| home.is_dir());
        let command = Command {
            line: Line::Arguments(words?),
            found_in: "PATH".to_owned(),
            folder: home.unwrap_or_else(|| std::path::PathBuf::from("/")),
        };
        command.process(
            &self.info.hidden_variables,
            &self.info.name_of(&self.source),
            &self.world,
        )
    }

    fn failure(&self) -> Option<Failure> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }
}

#[async_trait]
impl entra::Executor for Runner {
    async fn run(&self, program: &OsStr, arguments: &[&OsStr]) -> std::io::Result<Output> {
        let Some(process) = self.process(program, arguments) else {
            return Err(std::io::Error::other("no program"));
        };
        let signals = Signals::listen(self.owns_signals);
        match run::run(process, true, Talk::Listen(LONGEST), LIMIT, signals).await {
            Ok(mut output) => Ok(Output {
                status: ExitStatus::default(),
                stdout: std::mem::take(&mut *output),
                stderr: Vec::new(),
            }),
            Err(error) => {
                let mut kept = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                *kept = Some(error.into());
                Err(std::io::Error::other("no token"))
            }
        }
    }
}

/// Prints no variable.
impl std::fmt::Debug for Runner {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Runner").finish_non_exhaustive()
    }
}
