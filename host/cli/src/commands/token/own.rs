//! Whether a credential is for whom a tool asks. Secret, header and
//! destination belong together: a tool that asks for the credential of another
//! server gets none. Where looking alone says that it is another one, nothing
//! is got.

use keyrule::resolver::{Explained, Resolution};
use keyrule_credential::credential::Credential;
use keyrule_credential::endpoint;

use super::{possible, resolve_with};
use crate::Context;
use crate::args::{Format, Token};
use crate::errors::Failure;

/// A credential, or whose it is instead.
pub(super) enum Owned {
    /// It is for the one that was asked about.
    Its(Box<Resolution>),
    /// It is for this one, of this source.
    Anothers {
        /// The source that wins.
        source: String,
        /// Where its credential goes, where that is anywhere in particular.
        origin: Option<String>,
    },
    /// No source of the policy is for the one that was asked about.
    Nobodys,
}

/// Resolves, where the credential can be for this origin.
pub(super) fn resolve(
    context: &mut Context<'_, '_>,
    arguments: &Token,
    format: Format,
    asked: &str,
) -> Result<Owned, Failure> {
    let mut resolver = context.resolver()?;
    let explained = resolver.explain()?;
    if let Some(owned) = foreseen(&explained, asked) {
        context.decided(&explained)?;
        return Ok(owned);
    }
    let resolution = resolve_with(context, arguments, &mut resolver)?;
    let origin = origin(&resolution.credential);
    if origin.as_deref() != Some(asked) {
        return Ok(Owned::Anothers {
            source: resolution.credential.source,
            origin,
        });
    }
    possible::check(&resolution, format)?;
    Ok(Owned::Its(Box::new(resolution)))
}

/// What looking alone says of it, if that is enough.
fn foreseen(explained: &Explained, asked: &str) -> Option<Owned> {
    if let Some(winner) = explained.winner() {
        let source = explained.source(winner)?;
        let origin = destination(explained, winner);
        let is_anothers = match &origin {
            Some(origin) => origin != asked,
            // Where it depends on what a provider says, it has to be got.
            None => source.endpoint.is_none(),
        };
        return is_anothers.then(|| Owned::Anothers {
            source: source.id.clone(),
            origin,
        });
    }
    // A refusal is an answer to those whom the policy is about.
    let anybody =
        explained
            .lines()
            .any(|(source, line)| match destination(explained, line.source) {
                Some(origin) => origin == asked,
                None => source.endpoint.is_some(),
            });
    (!anybody).then_some(Owned::Nobodys)
}

fn destination(explained: &Explained, source: u32) -> Option<String> {
    let (url, _) = explained.destination(source)?;
    endpoint::origin(url).ok()
}

fn origin(credential: &Credential) -> Option<String> {
    endpoint::origin(credential.endpoint.as_deref()?).ok()
}
