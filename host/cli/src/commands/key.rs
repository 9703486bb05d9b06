//! `keyrule key`: the keys in our own store, by name. What goes in is a name
//! and, on standard input or at a hidden prompt, a key; what comes out are
//! words about it. A key is never an argument, where every process could read
//! it, and none is ever printed.

use std::io::{self, Read};

use inquire::ui::RenderConfig;
use inquire::{InquireError, Password, PasswordDisplayMode};
use serde::Serialize;
use zeroize::Zeroizing;

use crate::Context;
use crate::commands::policy::Printed;
use crate::errors::{Failure, os_words};
use crate::explained::{at_home, command_of};
use crate::output::{clean, columns, pad};
use keyrule::policy::builtin;
use keyrule::resolver::Resolver;
use keyrule::store;
use keyrule_contract as wit;
use keyrule_credential::secret::Secret;
use keyrule_store::{Entry, Error, Shelf, Slot, StoredKey};

/// Stores a key under a name, in place of what was there: who replaces a key
/// wants exactly that.
pub(crate) fn add(context: &mut Context<'_, '_>, name: &str) -> Result<i32, Failure> {
    let asks = context.is_interactive();
    let is_terminal = context.output.input_is_terminal();
    let colour = context.output.words.colour;
    add_from(context, name, || match (asks, is_terminal) {
        (true, _) => ask(name, colour),
        (false, false) => read(io::stdin().lock()),
        (false, true) => Err(Failure::new("no-key", 2, "nobody can be asked for the key")
            .hint(format!("pipe it in: `… | keyrule key add {name}`"))),
    })
}

/// Lists the names of keys, and which of the policy's sources use them.
pub(crate) fn list(context: &mut Context<'_, '_>) -> Result<i32, Failure> {
    let resolver = context.resolver()?;
    let listed = store::of(resolver.info(), &context.ambient)?.list()?;
    let keys: Vec<_> = listed
        .into_iter()
        .filter(|one| one.slot.shelf == Shelf::Keys)
        .map(|one| Listed {
            sources: users(resolver.sources(), &one.slot.name),
            name: one.slot.name,
            stored_in: match one.known.kept_in {
                wit::StoreKind::Keyring => "keyring",
                wit::StoreKind::File => "file",
            },
        })
        .collect();
    if context.output.json {
        context
            .output
            .versioned(&serde_json::json!({ "keys": keys }))?;
    } else {
        context.output.data(&table(&keys, &resolver.info().name))?;
    }
    Ok(0)
}

/// Forgets the key of a name.
pub(crate) fn remove(context: &mut Context<'_, '_>, name: &str) -> Result<i32, Failure> {
    let resolver = context.resolver()?;
    let store = store::of(resolver.info(), &context.ambient)?;
    // An entry that cannot be read can be removed all the same.
    let known = store.peek(&Slot::key(name)).ok().flatten();
    let place = match &known {
        Some(known) => store.whereabouts_of(known.kept_in)?,
        None => store.whereabouts()?,
    };
    if !store.delete(&Slot::key(name))? {
        let message = format!("no key `{name}` is stored in {place}");
        let list = command_of(&resolver.info().name, "key list");
        return Err(Failure::new("no-such-key", 4, message).hint(format!("list them: `{list}`")));
    }
    said(context, &Done::new("removed", name, place, &resolver))
}

/// Stores the key that `key` brings, once it is known that there is a place
/// for it.
fn add_from(
    context: &mut Context<'_, '_>,
    name: &str,
    key: impl FnOnce() -> Result<Secret, Failure>,
) -> Result<i32, Failure> {
    check_name(name)?;
    let resolver = context.resolver()?;
    let store = store::of(resolver.info(), &context.ambient)?;
    // What is damaged is set aside when something is stored in its place.
    let before = match store.peek(&Slot::key(name)) {
        Ok(known) => known.is_some(),
        Err(Error::Invalid { .. }) => false,
        Err(error) => return Err(error.into()),
    };
    let key = key()?;
    check(&key)?;
    let key = StoredKey {
        secret: key,
        owner: None,
    };
    let saved = store.save(&Slot::key(name), &Entry::Key(key))?;
    for note in &saved.notes {
        context.output.warn(note);
    }
    let what = if before { "replaced" } else { "stored" };
    let place = store.whereabouts_of(saved.kept_in)?;
    let done = Done::new(what, name, place, &resolver);
    if done.sources.is_empty() {
        let policy = &resolver.info().name;
        let mut words = format!("no source of policy `{policy}` uses it");
        match shipped_user(context, name, policy, &done.place) {
            Some(other) => words.push_str(&format!("; `--policy {other}` uses it")),
            None => words.push_str(&format!(": none has `key = \"{name}\"`")),
        }
        context.output.warn(&words);
    }
    said(context, &done)
}

/// Another of the policies that ship, with a source that takes this key from
/// where it is stored.
fn shipped_user(
    context: &Context<'_, '_>,
    name: &str,
    policy: &str,
    place: &str,
) -> Option<&'static str> {
    builtin::names()
        .filter(|other| *other != policy)
        .find(|other| {
            let resolver = Resolver::new(other)
                .ambient(context.ambient.clone())
                .build();
            resolver.is_ok_and(|resolver| {
                let store = store::of(resolver.info(), &context.ambient);
                let whereabouts = store.and_then(|store| store.whereabouts());
                whereabouts.is_ok_and(|other| other == place)
                    && !users(resolver.sources(), name).is_empty()
            })
        })
}

/// What was done with a key.
#[derive(Debug, Serialize)]
struct Done {
    done: &'static str,
    name: String,
    place: String,
    sources: Vec<String>,
}

impl Done {
    fn new(done: &'static str, name: &str, place: String, resolver: &Resolver) -> Self {
        Self {
            done,
            name: name.to_owned(),
            place,
            sources: users(resolver.sources(), name),
        }
    }
}

/// Says what was done: nothing of it is data, unless JSON was asked for.
fn said(context: &mut Context<'_, '_>, done: &Done) -> Result<i32, Failure> {
    if context.output.json {
        context.output.versioned(done)?;
    } else if !context.global.quiet {
        let preposition = match done.done {
            "removed" => "from",
            _ => "in",
        };
        let mut words = format!(
            "{} key `{}` {preposition} {}",
            done.done, done.name, done.place
        );
        if !done.sources.is_empty() {
            let sources = quoted(&done.sources);
            words.push_str(&format!(", for {sources}"));
        }
        context.output.print(&Printed {
            data: String::new(),
            words: clean(&at_home(&words, context.ambient.home.as_deref())) + "\n",
            exit: 0,
        })?;
    }
    Ok(0)
}

/// Asks for the key without showing it.
fn ask(name: &str, colour: bool) -> Result<Secret, Failure> {
    let look = if colour {
        RenderConfig::default_colored()
    } else {
        RenderConfig::empty()
    };
    Password::new(&clean(&format!("Key `{name}`:")))
        .with_help_message("it is not shown; Enter to store it, Esc to leave")
        .with_display_mode(PasswordDisplayMode::Hidden)
        .without_confirmation()
        .with_render_config(look)
        .prompt()
        .map(Secret::new)
        .map_err(|error| match error {
            InquireError::OperationCanceled | InquireError::OperationInterrupted => Failure::new(
                "cancelled",
                3,
                "the prompt was cancelled: nothing was stored",
            ),
            _ => Failure::new("no-key", 1, "the key could not be asked for"),
        })
}

/// Reads the key, and leaves out one newline at its end.
fn read(input: impl Read) -> Result<Secret, Failure> {
    // One byte more than a key and its newline, so that a longer one is seen.
    let limit = Secret::LONGEST + 3;
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(limit + 64));
    let read = input
        .take(u64::try_from(limit).unwrap_or(u64::MAX))
        .read_to_end(&mut bytes);
    read.map_err(|error| {
        let mut failure = Failure::new("no-key", 1, "standard input cannot be read");
        failure.said.causes.push(os_words(&error));
        failure
    })?;
    let text = std::str::from_utf8(&bytes)
        .map_err(|_| refused("is not text in UTF-8").hint("nothing was stored"))?;
    let text = text
        .strip_suffix("\r\n")
        .or_else(|| text.strip_suffix('\n'))
        .unwrap_or(text);
    Ok(Secret::new(text))
}

/// Refuses what no source could use.
fn check(key: &Secret) -> Result<(), Failure> {
    if key.is_blank() {
        return Err(refused("is blank").hint("nothing was stored"));
    }
    // The length first: what is that long is no key, whatever it holds.
    if key.is_too_long() {
        let why = format!("is longer than {} bytes", Secret::LONGEST);
        return Err(refused(&why).hint("nothing was stored"));
    }
    if let Some((place, what)) = key.bad_character() {
        return Err(refused(&format!("holds {what} at character {place}"))
            .hint("nothing was stored: no header can carry it"));
    }
    Ok(())
}

fn refused(why: &str) -> Failure {
    Failure::new("bad-key", 1, format!("the key {why}"))
}

/// A name that can be written into a policy and shown on a terminal.
fn check_name(name: &str) -> Result<(), Failure> {
    if name.trim().is_empty() || name.chars().any(char::is_control) || name.len() > 256 {
        return Err(Failure::new(
            "bad-name",
            2,
            "the name of a key is at most 256 bytes of text, not blank, without control characters",
        ));
    }
    Ok(())
}

/// The sources that take this key.
fn users(sources: &[wit::Source], name: &str) -> Vec<String> {
    sources
        .iter()
        .filter(|source| matches!(&source.kind, wit::Kind::StoredKey(key) if key.name == name))
        .map(|source| source.id.clone())
        .collect()
}

/// One key, as it is listed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Listed {
    name: String,
    sources: Vec<String>,
    stored_in: &'static str,
}

fn table(keys: &[Listed], policy: &str) -> String {
    if keys.is_empty() {
        return "no keys are stored\n".to_owned();
    }
    let names: Vec<_> = keys.iter().map(|key| clean(&key.name)).collect();
    let width = names.iter().map(|name| columns(name)).max().unwrap_or(0);
    keys.iter()
        .zip(&names)
        .map(|(key, name)| {
            let used = match key.sources.as_slice() {
                [] => format!("no source of policy `{policy}` uses it"),
                sources => format!("for {}", quoted(sources)),
            };
            let place = match key.stored_in {
                "keyring" => "in the keyring, ",
                _ => "",
            };
            format!("{}  {place}{used}\n", pad(name, width))
        })
        .collect()
}

fn quoted(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Self::new(error.code(), 1, error.to_string());
        match &error {
            Error::NoPlace { source, .. } => failure.said.causes.push(source.to_string()),
            Error::NotWritable { source, .. } => failure.said.causes.push(os_words(source)),
            Error::Unreadable { .. }
            | Error::Invalid { .. }
            | Error::Full { .. }
            | Error::Keyring { .. }
            | Error::Locked { .. } => {}
        }
        failure.said.hint = error.hint();
        failure
    }
}

#[cfg(test)]
mod tests;
