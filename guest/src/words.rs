//! Writes sources, sessions and outcomes in words, and decides nothing. Lower
//! case, one line, no full stop; names in backticks; never a value.

use crate::cloud::Provider;
use crate::observe::{endpoint_fault, redirected};
use crate::rule::{Rule, SURFACES};
use crate::wit::{
    Cloud, Command, FailureKind, Kind, Observation, Outcome, Reason, StoreKind, Surface,
};

/// `terminal sessions`.
pub(crate) fn sessions(surface: Surface) -> String {
    format!("{} sessions", surface_name(surface))
}

pub(crate) fn surface_name(surface: Surface) -> &'static str {
    SURFACES
        .iter()
        .find(|(_, known)| *known == surface)
        .map_or("", |(name, _)| name)
}

/// One source, in words: why it is in its state.
pub(crate) fn line(
    rule: &Rule,
    reason: Reason,
    seen: Option<&Observation>,
    surface: Surface,
) -> String {
    let kind = &rule.source.kind;
    match reason {
        Reason::NotLooked => "not looked at".to_owned(),
        Reason::Present | Reason::Fetched => present(kind, seen),
        Reason::Refreshable => format!("{}, and can be renewed", present(kind, seen)),
        Reason::Absent => absent(kind),
        Reason::Blank => format!(
            "{} is there and empty, which counts as not there",
            found(kind, seen)
        ),
        Reason::Off => match detail(seen) {
            Some(detail) => detail.to_owned(),
            None => format!("{} says no", found(kind, seen)),
        },
        Reason::Recursion => {
            "this helper runs keyrule for the same source, so here it is left out".to_owned()
        }
        Reason::Nested => match detail(seen) {
            Some(detail) => format!("{detail}, and nothing takes its place"),
            None => "it is being run already, and nothing takes its place".to_owned(),
        },
        Reason::WrongOrganization => match seen.and_then(|seen| seen.organization.as_ref()) {
            Some(name) => format!("belongs to the organisation `{name}`, which is not permitted"),
            None => "belongs to an organisation that is not permitted".to_owned(),
        },
        Reason::NoOrganization => {
            "does not say which organisation it belongs to, and only some are permitted".to_owned()
        }
        Reason::StoreNotAllowed => {
            let stored_in = match seen.and_then(|seen| seen.stored_in) {
                Some(StoreKind::Keyring) => "the keyring",
                Some(StoreKind::File) => "a file",
                None => "another store",
            };
            format!(
                "{}, and is kept in {stored_in}, where the policy does not let it be",
                present(kind, seen)
            )
        }
        Reason::EndpointNotAllowed => endpoint_not_allowed(rule, seen),
        Reason::EndpointMalformed => {
            match (moved(rule, seen), detail(seen), variable_of_endpoint(rule)) {
                (None, Some(detail), _) => format!("{detail}, and so names no endpoint"),
                (Some(name), _, _) | (None, None, Some(name)) => {
                    format!("{} is not the URL of an endpoint", in_backticks(name))
                }
                (None, None, None) => "its endpoint is not a URL".to_owned(),
            }
        }
        Reason::Failed => trouble(kind, seen),
        Reason::NotOnSurface => and_there(
            format!("does not count in {}", sessions(surface)),
            kind,
            seen,
        ),
        Reason::Dropped => and_there("removed by a restriction".to_owned(), kind, seen),
        Reason::RestrictedSurface => and_there(
            format!("a restriction does not count it in {}", sessions(surface)),
            kind,
            seen,
        ),
        Reason::ForcedLogin => and_there(
            "the policy forces other ways to log in".to_owned(),
            kind,
            seen,
        ),
        Reason::Declined => format!("{}, and was declined", present(kind, seen)),
        Reason::ConsentRequired => {
            format!("{}, and is used only after a consent", present(kind, seen))
        }
    }
}

/// What is the case with a source that is judged for this reason, whatever the
/// rule is, to follow the source's name. Where the rule is what matters, there
/// is nothing to say.
pub(crate) fn surely(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::Absent => "is not there",
        Reason::Blank => "is empty",
        Reason::Off => "says no",
        Reason::Recursion => "is Keyrule itself",
        Reason::Failed => "cannot be got",
        Reason::Nested => "is being run already",
        Reason::Present => "is there",
        Reason::EndpointNotAllowed => "has a forbidden endpoint",
        Reason::EndpointMalformed => "has a malformed endpoint",
        Reason::WrongOrganization => "is of an organisation that is not permitted",
        Reason::NoOrganization => "is of no known organisation",
        Reason::StoreNotAllowed => "is kept where the policy forbids",
        _ => return None,
    })
}

/// Adds that a source is there although it does not apply: often the very
/// thing that the reader is looking for.
fn and_there(text: String, kind: &Kind, seen: Option<&Observation>) -> String {
    match seen.map(|seen| &seen.outcome) {
        Some(Outcome::Present) => format!("{text} ({})", present(kind, seen)),
        _ => text,
    }
}

fn present(kind: &Kind, seen: Option<&Observation>) -> String {
    let place = seen.and_then(|seen| seen.location.as_deref());
    match kind {
        Kind::Environment(name) => format!("`{name}` is set"),
        Kind::Helper(helper) => match (&helper.command, place) {
            (Command::Arguments(_), _) => "the policy names its command".to_owned(),
            (Command::Setting(setting), Some(file)) => {
                format!("`{}` is set in `{file}`", setting.key)
            }
            (Command::Setting(setting), None) => format!("`{}` is set", setting.key),
            (Command::Variable(name), _) => format!("`{name}` is set"),
        },
        Kind::ToolOwned(_) => match place {
            Some(file) => format!("the tool is logged in, by its entry in `{file}`"),
            None => "the tool is logged in".to_owned(),
        },
        Kind::Supplied => "the embedding program supplies it".to_owned(),
        Kind::StoredKey(key) => format!("the key `{}` is stored", key.name),
        Kind::Login(login) => match seen.and_then(|seen| seen.account.as_deref()) {
            Some(account) => format!("`{}` is logged in as `{account}`", login.name),
            None => format!("`{}` is logged in", login.name),
        },
        Kind::Cloud(cloud) => {
            let account = seen.and_then(|seen| seen.account.as_deref());
            let said: Vec<&str> = account.into_iter().chain(detail(seen)).collect();
            match said.as_slice() {
                [] => selected(cloud),
                said => format!("{}: {}", selected(cloud), said.join(", ")),
            }
        }
    }
}

/// What selects a provider.
fn selected(cloud: &Cloud) -> String {
    match &cloud.flag {
        Some(flag) => format!("`{flag}` is on"),
        None => "the policy selects it".to_owned(),
    }
}

fn absent(kind: &Kind) -> String {
    match kind {
        Kind::Environment(name) => format!("`{name}` is not set"),
        Kind::Helper(helper) => match &helper.command {
            Command::Arguments(_) => "its command is not there".to_owned(),
            Command::Setting(setting) => {
                let files: Vec<&str> = setting.from.iter().map(String::as_str).collect();
                format!("no `{}` in {}", setting.key, crate::reader::listed(&files))
            }
            Command::Variable(name) => format!("`{name}` is not set"),
        },
        Kind::ToolOwned(_) => "the tool is not logged in".to_owned(),
        Kind::Supplied => "the embedding program supplies none".to_owned(),
        Kind::StoredKey(key) => format!("no key `{}` is stored", key.name),
        Kind::Login(login) => format!("`{}` is not logged in", login.name),
        Kind::Cloud(cloud) => match &cloud.flag {
            Some(flag) => format!("`{flag}` is not set"),
            None => "it has no credentials".to_owned(),
        },
    }
}

/// What was looked at, by name.
fn found(kind: &Kind, seen: Option<&Observation>) -> String {
    match kind {
        Kind::Environment(name) => format!("`{name}`"),
        Kind::Cloud(cloud) => match &cloud.flag {
            Some(flag) => format!("`{flag}`"),
            None => "it".to_owned(),
        },
        Kind::Helper(helper) => match (
            &helper.command,
            seen.and_then(|seen| seen.location.as_ref()),
        ) {
            (Command::Setting(setting), Some(file)) => format!("`{}` in `{file}`", setting.key),
            (Command::Setting(setting), None) => format!("`{}`", setting.key),
            (Command::Variable(name), _) => format!("`{name}`"),
            (Command::Arguments(_), _) => "its command".to_owned(),
        },
        Kind::ToolOwned(_) | Kind::Supplied | Kind::StoredKey(_) | Kind::Login(_) => {
            "it".to_owned()
        }
    }
}

fn trouble(kind: &Kind, seen: Option<&Observation>) -> String {
    let trouble = match seen.map(|seen| &seen.outcome) {
        Some(Outcome::Failed(trouble)) => *trouble,
        // The only other way into this state.
        Some(_) => FailureKind::Expired,
        None => return "it cannot be got".to_owned(),
    };
    match (trouble, detail(seen)) {
        // The host's words about a file or a value name it themselves.
        (
            FailureKind::Unreadable
            | FailureKind::Invalid
            | FailureKind::Untrusted
            | FailureKind::Locked
            | FailureKind::NoStore
            | FailureKind::Unreachable,
            Some(detail),
        ) => detail.to_owned(),
        (FailureKind::BadCharacter, Some(detail)) => {
            format!("{detail}, which no header may carry")
        }
        (FailureKind::MalformedAnswer, Some(detail)) => {
            format!("{} is not {detail}", answer(kind, seen))
        }
        (FailureKind::Unsupported, Some(detail)) => match kind {
            Kind::Cloud(cloud) => format!("{}, and {detail}", selected(cloud)),
            _ => format!("{}, and {detail}", present(kind, seen)),
        },
        (trouble, _) => with_detail(what_happened(trouble, kind, seen), seen),
    }
}

fn what_happened(trouble: FailureKind, kind: &Kind, seen: Option<&Observation>) -> String {
    let place = seen.and_then(|seen| seen.location.as_deref());
    let file = place.map_or_else(
        || "what it is kept in".to_owned(),
        |file| format!("`{file}`"),
    );
    let program = || program(kind, seen);
    match (trouble, kind) {
        (FailureKind::NoCredentials, Kind::Cloud(cloud)) => {
            let title = Provider::of(cloud).map_or("it", Provider::title);
            format!("{}, and {title} has no credentials", selected(cloud))
        }
        (FailureKind::Expired, Kind::Cloud(cloud)) => {
            format!("{}, and its credentials have expired", selected(cloud))
        }
        (FailureKind::Rejected, Kind::Cloud(cloud)) => {
            format!("{}, and its credentials were refused", selected(cloud))
        }
        (FailureKind::Unreachable, Kind::Cloud(_)) => {
            "what is asked for its credentials does not answer".to_owned()
        }
        (FailureKind::Expired, Kind::Helper(_)) => {
            format!("what {} printed has expired", program())
        }
        (FailureKind::Unreadable, _) => format!("{file} cannot be read"),
        (FailureKind::Invalid, _) => format!("{file} is not valid"),
        (FailureKind::Untrusted, _) => format!("{file} is not trusted"),
        (FailureKind::Locked, _) => format!("{file} is locked"),
        (FailureKind::NoStore, _) => "there is no keyring that answers".to_owned(),
        (FailureKind::Unreachable, _) => "its issuer does not answer".to_owned(),
        (FailureKind::BadCharacter, _) => {
            "it holds a character that no header may carry".to_owned()
        }
        (FailureKind::NotStarted, _) => format!("{} could not be started", program()),
        (FailureKind::ExitStatus, _) => format!("{} failed", program()),
        (FailureKind::TimedOut, _) => format!("{} did not end in time", program()),
        (FailureKind::NoOutput, _) => format!("{} printed nothing", program()),
        (FailureKind::MoreThanOneToken, _) => format!("{} printed more than one token", program()),
        (FailureKind::NotPrintable, _) => format!("{} printed what no token has", program()),
        (FailureKind::TooLong, _) => format!("{} printed more than a token can be long", program()),
        (FailureKind::MalformedAnswer, _) => format!("{} is not in its format", answer(kind, seen)),
        (FailureKind::Expired, _) if is_there(seen) => {
            "it has expired and cannot be renewed".to_owned()
        }
        (FailureKind::Expired, _) => "it has expired".to_owned(),
        (FailureKind::Rejected, _) => "the issuer refused it".to_owned(),
        (FailureKind::Unsupported, _) => "this build cannot do it".to_owned(),
        (FailureKind::NoCredentials, _) => "there are no credentials".to_owned(),
        (FailureKind::Nested, _) => "it is being run already".to_owned(),
        (FailureKind::Vanished, _) => "it was there, and was gone when it was to be got".to_owned(),
    }
}

fn is_there(seen: Option<&Observation>) -> bool {
    seen.is_some_and(|seen| seen.outcome == Outcome::Present)
}

/// What was run: a helper, a command that a setting of a provider names, or
/// the provider's own search, which runs programs and asks servers.
fn program(kind: &Kind, seen: Option<&Observation>) -> String {
    let place = seen.and_then(|seen| seen.location.as_deref());
    match (kind, place) {
        (Kind::Cloud(_), Some(file)) => format!("its command in `{file}`"),
        (Kind::Cloud(_), None) => "the search for its credentials".to_owned(),
        _ => "the helper".to_owned(),
    }
}

/// What came back and is not in its format; the host's detail says in which,
/// and where: `the JSON of credential_process: line 1, column 5`.
fn answer(kind: &Kind, seen: Option<&Observation>) -> String {
    let place = seen.and_then(|seen| seen.location.as_deref());
    match (kind, place) {
        (Kind::Helper(_), _) => "what the helper printed".to_owned(),
        (_, Some(url)) if is_url(url) => format!("the answer of `{url}`"),
        (Kind::Cloud(_), Some(_)) => format!("what {} printed", program(kind, seen)),
        (Kind::Cloud(_), None) => "what its search was answered".to_owned(),
        _ => "what its issuer answered".to_owned(),
    }
}

/// Whether something was found on a server, and not in a file.
pub(crate) fn is_url(place: &str) -> bool {
    place.starts_with("https://") || place.starts_with("http://")
}

fn with_detail(text: String, seen: Option<&Observation>) -> String {
    match detail(seen) {
        Some(detail) => format!("{text}: {detail}"),
        None => text,
    }
}

fn detail(seen: Option<&Observation>) -> Option<&str> {
    seen?.detail.as_deref()
}

/// A variable in backticks. A setting in a file has them in its name.
pub(crate) fn in_backticks(name: &str) -> String {
    match setting_file(name) {
        Some(_) => name.to_owned(),
        None => format!("`{name}`"),
    }
}

/// The file of a setting that is named as `` `KEY` of … in `FILE` ``.
pub(crate) fn setting_file(name: &str) -> Option<&str> {
    let (setting, file) = name.split_once(" in `")?;
    setting.starts_with('`').then(|| file.strip_suffix('`'))?
}

/// The variable that would send it where it must not go, where that is not the
/// endpoint's own.
fn moved<'s>(rule: &'s Rule, seen: Option<&'s Observation>) -> Option<&'s str> {
    let seen = seen?;
    if endpoint_fault(rule, &seen.destination).is_some() {
        return None;
    }
    let (one, _) = redirected(rule, &seen.redirections).next()?;
    Some(&one.name)
}

fn endpoint_not_allowed(rule: &Rule, seen: Option<&Observation>) -> String {
    use crate::wit::Destination;
    if let Some(seen) = seen
        && endpoint_fault(rule, &seen.destination).is_none()
        && let Some((one, _)) = redirected(rule, &seen.redirections).next()
    {
        let what = match one.carries {
            true => "would be sent",
            false => "it, or what it is got with, would be sent",
        };
        let origin = one.origin.as_deref().unwrap_or_default();
        return format!(
            "{what} to `{origin}`, because {} says so, and that is not allowed",
            in_backticks(&one.name)
        );
    }
    match (
        seen.map(|seen| &seen.destination),
        variable_of_endpoint(rule),
    ) {
        (Some(Destination::Origin(origin)), Some(name)) => {
            format!(
                "would be sent to `{origin}`, because `{name}` says so, and that is not allowed"
            )
        }
        (Some(Destination::Origin(origin)), None) => {
            format!("would be sent to `{origin}`, and that is not allowed")
        }
        _ => match &rule.source.endpoint {
            Some(endpoint) => format!(
                "would be sent to `{}`, and a restriction does not allow that",
                endpoint.default
            ),
            None => "nobody knows where it would be sent, and only some endpoints are allowed"
                .to_owned(),
        },
    }
}

pub(crate) fn variable_of_endpoint(rule: &Rule) -> Option<&str> {
    rule.source.endpoint.as_ref()?.variable.as_deref()
}
