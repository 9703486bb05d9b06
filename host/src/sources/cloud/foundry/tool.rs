//! The tools of developers, who have logged in with them: `az` and `azd`.
//! What goes in is which one; what comes out is the token that it prints, or
//! that it is not there or not logged in. The crate says what is run and
//! reads what is printed; it is run as our helpers are, without the
//! contract's own credentials, and killed with all that it started where it
//! takes too long.

use std::ffi::OsStr;
use std::process::{ExitStatus, Output};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use azure_core::credentials::{AccessToken, TokenCredential};
use azure_identity as entra;

use super::{Miss, SCOPE};
use crate::ambient::Ambient;
use crate::engine::bindings as wit;
use crate::sources::Failure;
use crate::sources::command::run::{self, Talk};
use crate::sources::signals::Signals;

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
    pub(super) async fn ask(
        self,
        cloud: &wit::Cloud,
        world: &Ambient,
    ) -> Result<AccessToken, Miss> {
        if !is_on_path(self.program(), world) {
            let words = format!("`{}` is not on `PATH`", self.program());
            return Err(Miss::NotThere(words));
        }
        let runner = Arc::new(Runner::of(cloud, world));
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
                wit::Trouble::MalformedAnswer,
                format!("`{}` prints what is no token", self.program()),
            )),
        })
    }

    /// A tool that is not there, or with which nobody is logged in, is passed
    /// over. What it said to people they have seen.
    fn miss(self, failure: Failure) -> Miss {
        let program = self.program();
        match failure.trouble {
            wit::Trouble::NotStarted => Miss::NotThere(format!("`{program}` is not there")),
            wit::Trouble::ExitStatus => {
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

/// Runs what the crate says.
struct Runner {
    variables: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    failure: Mutex<Option<Failure>>,
}

impl Runner {
    fn of(cloud: &wit::Cloud, world: &Ambient) -> Self {
        let own = [&cloud.bearer_token, &cloud.api_key];
        let is_own = |name: &OsStr| own.into_iter().flatten().any(|own| name == own.as_str());
        let variables = world.variables().filter(|(name, _)| !is_own(name));
        Self {
            variables: variables
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            failure: Mutex::default(),
        }
    }

    fn failure(&self) -> Option<Failure> {
        let mut failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
        failure.take()
    }
}

#[async_trait]
impl entra::Executor for Runner {
    async fn run(&self, program: &OsStr, arguments: &[&OsStr]) -> std::io::Result<Output> {
        let mut process = tokio::process::Command::new(program);
        process.args(arguments).env_clear();
        process.envs(self.variables.iter().map(|(name, value)| (name, value)));
        let talk = Talk::Listen(LONGEST);
        match run::run(process, true, talk, LIMIT, Signals::listen(false)).await {
            Ok(mut output) => Ok(Output {
                status: ExitStatus::default(),
                stdout: std::mem::take(&mut *output),
                stderr: Vec::new(),
            }),
            Err(failure) => {
                let mut kept = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
                *kept = Some(failure);
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
