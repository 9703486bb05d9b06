//! The command line: parses arguments, asks the library, and prints data on
//! stdout and words on stderr. It decides nothing about a credential.
//!
//! `args` defines the commands, `commands` has a file for each, `errors` prints
//! what failed, and [`exit`] holds the exit codes.

use std::ffi::OsString;
use std::sync::Arc;

use clap::Parser as _;

use keyrule::Error;
use keyrule::resolver::{Builder, Explained, Resolver};
use keyrule_system::environment::Ambient;

pub(crate) mod args;
mod commands;
mod diagnostics;
mod document;
pub(crate) mod errors;
pub mod exit;
mod explained;
mod notices;
pub(crate) mod output;
mod prompt;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

pub use output::Streams;

use args::{Arguments, Command, Consent, Global, Key};
use commands::{
    completions, consent, doctor, engine, exec, explain, headers, key, login, logout, policy,
    receipt, status, token,
};
use errors::Failure;
use notices::Spinner;
use output::Output;
use policy::Printed;
use prompt::TerminalPrompter;
use receipt::Receipts;

/// Runs one command and returns its exit code.
///
/// `exec` does not return on Unix when it succeeds: it becomes the child.
pub fn run(
    arguments: impl IntoIterator<Item = OsString>,
    ambient: Ambient,
    streams: &mut Streams<'_>,
) -> i32 {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return errors::usage(&error, &ambient, streams),
    };
    let Arguments { global, command } = arguments;
    errors::log(&global, &ambient);
    let output = Output::new(streams, &global, &ambient);
    let mut context = Context {
        ambient,
        global,
        output,
        receipts: None,
    };
    match dispatch(&mut context, command) {
        Ok(code) => code,
        Err(failure) => {
            let failure = failure.of_policy(&context.global.policy);
            context.output.fail(&failure)
        }
    }
}

fn dispatch(context: &mut Context<'_, '_>, command: Command) -> Result<i32, Failure> {
    match command {
        Command::Status(recorded) => status::run(context, &recorded),
        Command::Explain(recorded) => explain::run(context, &recorded),
        Command::Token(arguments) => token::run(context, &arguments),
        Command::Headers(arguments) => headers::run(context, &arguments),
        Command::Exec(arguments) => exec::run(context, &arguments),
        Command::Login(arguments) => login::run(context, &arguments),
        Command::Logout(arguments) => logout::run(context, &arguments),
        Command::Policy(args::Policy::Matrix {
            stack,
            with,
            csv,
            html,
            full,
        }) => {
            let form = match (csv, html) {
                (true, _) => policy::TableForm::Csv,
                (_, true) => policy::TableForm::Html,
                _ if context.output.json => policy::TableForm::Json,
                _ if full => policy::TableForm::Csv,
                _ => policy::TableForm::Text,
            };
            let asked = policy::Matrix {
                policy: stack,
                with,
                form,
                full,
            };
            policy::matrix(context, &asked)
        }
        Command::Policy(args::Policy::Lint {
            stacks,
            with,
            sarif,
        }) => {
            let asked = policy::Lint {
                stacks,
                with,
                sarif,
            };
            policy::lint(context, &asked)
        }
        Command::Policy(args::Policy::Diff {
            old,
            new,
            old_with,
            new_with,
            fail_on,
        }) => {
            let asked = policy::Diff {
                old,
                new,
                old_with,
                new_with,
                fail_on,
            };
            policy::compare(context, &asked)
        }
        Command::Policy(what) => {
            let printed = policy_files(context, &what)?;
            context.output.print(&printed)
        }
        Command::Consent(what) => match what {
            Consent::List => consent::list(context),
            Consent::Approve { source } => consent::approve(context, &source),
            Consent::Decline { source } => consent::decline(context, &source),
            Consent::Forget { source, all } => consent::forget(context, source.as_deref(), all),
        },
        Command::Key(what) => match what {
            Key::Add { name } => key::add(context, &name),
            Key::List => key::list(context),
            Key::Remove { name } => key::remove(context, &name),
        },
        Command::Engine(what) => engine::run(context, &what),
        Command::Doctor(arguments) => doctor::run(context, &arguments),
        Command::Completions(arguments) => completions::run(context, &arguments),
    }
}

fn policy_files(context: &Context<'_, '_>, what: &args::Policy) -> Result<Printed, Failure> {
    let (ambient, load) = (&context.ambient, &policy::by_engine);
    let name = context.global.policy.as_str();
    let json = context.output.json;
    let style = context.output.words.style();
    match what {
        args::Policy::Show { text } => {
            let asked = policy::Show {
                policy: name,
                text: *text,
                json,
                style,
            };
            policy::show(asked, ambient, load)
        }
        args::Policy::Check { files, restriction } => {
            let asked = policy::Check {
                policy: name,
                files,
                restriction: *restriction,
                json,
                style,
            };
            policy::check(asked, ambient, load)
        }
        args::Policy::Lint { .. } | args::Policy::Matrix { .. } | args::Policy::Diff { .. } => {
            Err(Error::Internal("what is written by itself is not printed here").into())
        }
        args::Policy::Test(test) => {
            let asked = policy::Test {
                name,
                policy: test.target.as_deref(),
                with: &test.with,
                tests: &test.tests,
                only: test.only.as_deref(),
                coverage: test.coverage,
                mutate: test.mutate,
                json,
                look: context.output.look,
            };
            policy::test(asked, ambient)
        }
        args::Policy::Schema {
            restriction,
            tests,
            receipt,
        } => Ok(policy::schema(match (restriction, tests, receipt) {
            (true, _, _) => policy::SchemaOf::Restrictions,
            (_, true, _) => policy::SchemaOf::Tests,
            (_, _, true) => policy::SchemaOf::Receipts,
            _ => policy::SchemaOf::Policies,
        })),
        args::Policy::Replay(asked) => {
            policy::replay(asked, name, ambient, context.output.look, json)
        }
    }
}

/// What every command gets: the world, the global flags, and the way out.
#[derive(Debug)]
pub(crate) struct Context<'a, 's> {
    /// Variables and folders.
    pub ambient: Ambient,
    /// The flags that every command takes.
    pub global: Global,
    /// Where data and words go.
    pub output: Output<'a, 's>,
    /// Where decisions are recorded, if they are.
    pub receipts: Option<Receipts>,
}

impl Context<'_, '_> {
    /// From here on decisions are recorded, if that was asked for.
    pub(crate) fn record(
        &mut self,
        asked: &args::Recorded,
        command: &'static str,
    ) -> Result<(), Failure> {
        self.receipts = match &asked.receipt {
            Some(path) => Some(Receipts::open(path, command)?),
            None => None,
        };
        Ok(())
    }

    /// A decision was made; nothing was handed out yet.
    pub(crate) fn decided(&mut self, explained: &Explained) -> Result<(), Failure> {
        match &mut self.receipts {
            Some(receipts) => receipts.append(explained),
            None => Ok(()),
        }
    }

    /// Whether somebody is there to answer: stdin and stderr are terminals,
    /// and nobody said otherwise. Stdout does not count, so that
    /// `$(keyrule token)` still asks.
    pub(crate) fn is_interactive(&self) -> bool {
        !self.global.non_interactive && self.output.has_somebody()
    }

    /// Who tells the user that a helper is slow.
    pub(crate) fn notices(&self) -> Spinner {
        Spinner::new(self.output.words_is_terminal(), self.global.quiet)
    }

    /// A resolver for the policy and the session that the flags name.
    pub(crate) fn resolver(&self) -> Result<Resolver, Failure> {
        Ok(self.builder().build()?)
    }

    fn builder(&self) -> Builder {
        Resolver::new(&self.global.policy)
            .surface(self.global.surface.into())
            .interactive(self.is_interactive())
            .ambient(self.ambient.clone())
            .prompter(Arc::new(TerminalPrompter {
                colour: self.output.words.colour,
            }))
            .notices(Arc::new(self.notices()))
    }
}
