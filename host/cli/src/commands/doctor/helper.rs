//! Helpers: where each comes from, whether its program is there, and, where
//! that was asked for, whether it prints a token. What it prints is dropped.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Check;
use crate::errors::os_words;
use keyrule::resolver::Explained;
use keyrule::sources::helper;
use keyrule::sources::{self, GetOptions, Notices};
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;
use keyrule_system::process::Program;
use keyrule_system::text::typed;

/// Every helper of the policy, looked at.
pub(super) fn check(explained: &Explained, ambient: &Ambient) -> Vec<Check> {
    helpers(explained)
        .flat_map(|(source, helper, line)| {
            let said = Check::ok("helper", format!("`{}`: {}", source.id, line.text));
            let program = helper::program(source, helper, &explained.info, ambient)
                .map(|program| self::program(source, helper, program));
            [Some(said), program].into_iter().flatten()
        })
        .collect()
}

/// Every helper that counts here and is there, run once.
pub(super) fn run(explained: &Explained, ambient: &Ambient, notices: &dyn Notices) -> Vec<Check> {
    helpers(explained)
        .filter(|(_, _, line)| line.state == wit::State::Ready)
        .map(|(source, _, _)| once(explained, source, ambient, notices))
        .collect()
}

fn helpers(
    explained: &Explained,
) -> impl Iterator<Item = (&wit::Source, &wit::Helper, &wit::SourceReport)> {
    explained
        .lines()
        .filter_map(|(source, line)| match &source.kind {
            wit::Kind::Helper(helper) => Some((source, helper, line)),
            wit::Kind::Environment(_)
            | wit::Kind::ToolOwned(_)
            | wit::Kind::Supplied
            | wit::Kind::StoredKey(_)
            | wit::Kind::Login(_)
            | wit::Kind::Cloud(_) => None,
        })
}

fn once(
    explained: &Explained,
    source: &wit::Source,
    ambient: &Ambient,
    notices: &dyn Notices,
) -> Check {
    let context = sources::Context {
        ambient,
        info: &explained.info,
        supplied: &BTreeMap::new(),
        notices,
    };
    let options = GetOptions {
        ttl: Duration::ZERO,
        rejected: true,
        handed_out: None,
    };
    let runtime = keyrule_system::runtime::here();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => return Check::error("helper", os_words(&error)),
    };
    let began = Instant::now();
    let got = runtime.block_on(sources::get(source, context, options));
    let took = began.elapsed().as_millis();
    if got.material.is_some() {
        return Check::ok(
            "helper",
            format!("`{}` printed a token in {took} ms", source.id),
        );
    }
    let why = got
        .observation
        .detail
        .unwrap_or_else(|| match got.observation.outcome {
            wit::Outcome::Failed(trouble) => crate::document::word(&trouble).replace('-', " "),
            _ => "nothing was there to run".to_owned(),
        });
    Check::error("helper", format!("`{}` printed no token: {why}", source.id))
        .try_this("run the helper by hand to see what it says")
}

/// Whether a helper's program can be run.
fn program(source: &wit::Source, helper: &wit::Helper, program: Program) -> Check {
    let id = &source.id;
    match program {
        Program::Found(path) => Check::ok("helper", format!("`{id}` runs `{}`", path.display())),
        Program::NotExecutable(path) => Check::error(
            "helper",
            format!(
                "`{id}` runs `{}`, which may not be executed",
                path.display()
            ),
        )
        .try_this(format!("chmod +x {}", typed(&path))),
        Program::Missing => match &helper.command {
            wit::Command::Arguments(_) => {
                Check::error("helper", format!("the program of `{id}` is not there")).try_this(
                    format!(
                        "install it, or change the rule at {}:{}",
                        source.location.path, source.location.line
                    ),
                )
            }
            wit::Command::Setting(_) | wit::Command::Variable(_) => Check::error(
                "helper",
                format!("the command line of `{id}` begins with a program that is not there"),
            )
            .try_this("install the program, or mend the command line"),
        },
        Program::Unclear => Check::ok(
            "helper",
            format!("what `{id}` runs is for the shell to say; `--run-helper` tries it"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn a_program_that_may_not_be_executed_comes_with_the_chmod_that_mends_it() {
        let explained = samples::key_before_helper();
        let (source, helper, _) = helpers(&explained).next().unwrap();
        assert_eq!(
            program(source, helper, Program::NotExecutable("/opt/token".into())),
            Check::error(
                "helper",
                "`helper` runs `/opt/token`, which may not be executed"
            )
            .try_this("chmod +x /opt/token")
        );
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let explained = samples::key_before_helper();
        let (source, helper, _) = helpers(&explained).next().unwrap();
        assert_eq!(
            program(source, helper, Program::Missing),
            Check::error(
                "helper",
                "the command line of `helper` begins with a program that is not there"
            )
            .try_this("install the program, or mend the command line")
        );
    }
}
