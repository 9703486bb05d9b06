//! The profile that is selected, and what it says of credentials and a region.
//! What goes in are the variables; what comes out is the parsed set of
//! profiles, by the provider's own parser, and where its credentials begin:
//! the provider's crates pass by a profile that they cannot use, and ask the
//! instance instead, which is somebody else's account.

use std::path::PathBuf;

pub(super) use aws_config::profile::ProfileSet;
use aws_config::profile::{Profile, ProfileFileLoadError};
use aws_types::os_shim_internal::{Env, Fs};
use zeroize::Zeroizing;

use super::variables;
use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_credential::secret::Secret;
use keyrule_system::environment::Ambient;

/// The longest file that is read.
const LONGEST: u64 = 4 << 20;

/// A profile with credentials.
pub(super) struct Found {
    /// Its name.
    pub name: String,
    /// Where its credentials begin.
    pub base: Base,
    /// The roles that are assumed with those, one after the other.
    pub roles: Vec<Role>,
}

/// Where the credentials of a profile begin.
pub(super) enum Base {
    /// A command of this profile prints them.
    Process(String, Secret),
    /// A key of its own, beside a command that would print another: the key
    /// goes first, as in the other SDKs.
    Key(Key),
    /// A login by the browser, SSO or the console's, has brought a token.
    Login(&'static str),
    /// Another link of the chain: variables, the container, the instance.
    Source,
    /// Something else that the profile says.
    Own,
}

/// A key that a profile holds.
pub(super) struct Key {
    pub id: String,
    pub secret: Secret,
    pub session: Option<Secret>,
}

/// A role to assume.
pub(super) struct Role {
    pub arn: String,
    pub external_id: Option<String>,
    pub session_name: Option<String>,
}

/// Reads the two files, by the provider's own parser.
pub(super) async fn load(env: &Env, world: &Ambient) -> Result<ProfileSet, Failure> {
    for path in paths(world) {
        check(&path)?;
    }
    aws_config::profile::load(&Fs::real(), env, &Default::default(), None)
        .await
        .map_err(|error| unparsed(&error, world))
}

/// The selected profile, where it has credentials of any kind.
pub(super) fn selected(set: &ProfileSet, world: &Ambient) -> Result<Option<Found>, Failure> {
    let selected = set.selected_profile();
    let by_variable = variables::text(world, "AWS_PROFILE").is_some();
    if set.get_profile(selected).is_none() && !by_variable {
        return Ok(None);
    }
    let mut name = selected;
    let mut visited: Vec<&str> = Vec::new();
    let mut roles = Vec::new();
    let base = loop {
        let Some(profile) = set.get_profile(name) else {
            return Err(missing(name, visited.last().copied(), world));
        };
        let is_first = visited.is_empty();
        if visited.contains(&name) {
            // The provider's crates find the circle too, and say so.
            break Base::Own;
        }
        visited.push(name);
        if !is_first && has_key(profile) {
            break Base::Own;
        }
        let assumes =
            profile.get("role_arn").is_some() && profile.get("web_identity_token_file").is_none();
        if assumes {
            roles.extend(role(profile));
        }
        match profile.get("source_profile") {
            Some(next) if assumes && next != name => name = next,
            _ => break base(profile),
        }
    };
    roles.reverse();
    let name = selected.to_owned();
    let is_empty = matches!(base, Base::Own)
        && visited.len() == 1
        && roles.is_empty()
        && !set.get_profile(selected).is_some_and(says_anything);
    Ok((!is_empty).then_some(Found { name, base, roles }))
}

/// The region of the selected profile: the credentials file goes before the
/// config file, as the provider's parser puts them together.
pub(super) fn region(set: &ProfileSet) -> Option<String> {
    let region = set.get("region")?.trim();
    keyrule_credential::label::is_label(region).then(|| region.to_owned())
}

/// The two files: config, credentials.
pub(super) fn paths(world: &Ambient) -> Vec<PathBuf> {
    both(world).into_iter().flatten().collect()
}

/// The same, each where it has a place at all.
pub(super) fn both(world: &Ambient) -> [Option<PathBuf>; 2] {
    let named = |variable, default| match variables::text(world, variable) {
        Some(path) => Some(variables::expanded(path, world)),
        None => Some(world.home.as_deref()?.join(".aws").join(default)),
    };
    [
        named("AWS_CONFIG_FILE", "config"),
        named("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
    ]
}

/// Where the words of a fault in a profile point: the config file.
pub(super) fn place(world: &Ambient) -> String {
    let paths = paths(world);
    let config = paths.iter().find(|path| path.exists());
    config.or(paths.first()).map_or_else(
        || "~/.aws/config".to_owned(),
        |path| path.display().to_string(),
    )
}

/// The provider's parser takes a file that it cannot read for an empty one.
pub(super) fn check(path: &std::path::Path) -> Result<(), Failure> {
    let place = path.display().to_string();
    // What is no file could be read for ever, and so could one without an end.
    if let Ok(metadata) = std::fs::metadata(path)
        && (!metadata.is_file() || metadata.len() > LONGEST)
    {
        let words = format!("`{place}` is not a file of {} MiB at most", LONGEST >> 20);
        return Err(Failure::new(wit::FailureKind::Unreadable, words).in_place(place));
    }
    match std::fs::read(path).map(Zeroizing::new) {
        Ok(bytes) if std::str::from_utf8(&bytes).is_err() => Err(Failure::new(
            wit::FailureKind::Invalid,
            "there is a byte that is not UTF-8",
        )
        .in_place(place)),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => {
            let words = error.kind().to_string();
            Err(Failure::new(wit::FailureKind::Unreadable, words).in_place(place))
        }
    }
}

/// Path and line stand at fixed places of the error; what follows may quote
/// the file.
fn unparsed(error: &ProfileFileLoadError, world: &Ambient) -> Failure {
    let fault = |words: String, place: String| {
        Failure::new(wit::FailureKind::Invalid, words).in_place(place)
    };
    let text = std::error::Error::source(error).map(ToString::to_string);
    let text = text.unwrap_or_default();
    let parts = text.lines().next().and_then(|first| {
        let (path, line) = first
            .strip_prefix("error parsing ")?
            .rsplit_once(" on line ")?;
        let line: usize = line.trim_end_matches(':').parse().ok()?;
        Some((path.to_owned(), line))
    });
    match parts {
        Some((path, line)) => fault(format!("line {line} is no line of a profile file"), path),
        None => fault("it is no profile file".to_owned(), place(world)),
    }
}

fn missing(name: &str, referrer: Option<&str>, world: &Ambient) -> Failure {
    let (words, place) = match referrer {
        Some(referrer) => (
            format!(
                "`source_profile` of the profile `{referrer}` names `{name}`, which is not there"
            ),
            place(world),
        ),
        None => (
            format!(
                "there is no profile `{name}`, which `AWS_PROFILE` names: unset it, or run `aws configure --profile {name}`"
            ),
            "AWS_PROFILE".to_owned(),
        ),
    };
    Failure::new(wit::FailureKind::Invalid, words).in_place(place)
}

fn base(profile: &Profile) -> Base {
    let has = |name: &str| profile.get(name).is_some();
    if has("credential_source") {
        Base::Source
    } else if has("role_arn") && has("web_identity_token_file") {
        Base::Own
    } else if SSO.iter().any(|name| has(name)) {
        Base::Login("aws sso login")
    } else if has("login_session") {
        Base::Login("aws login")
    } else if let (Some(key), true) = (key(profile), has("credential_process")) {
        Base::Key(key)
    } else if let Some(command) = profile.get("credential_process") {
        Base::Process(profile.name().to_owned(), Secret::new(command))
    } else {
        Base::Own
    }
}

const SSO: [&str; 5] = [
    "sso_session",
    "sso_start_url",
    "sso_account_id",
    "sso_role_name",
    "sso_region",
];

fn has_key(profile: &Profile) -> bool {
    profile.get("aws_access_key_id").is_some() && profile.get("aws_secret_access_key").is_some()
}

fn key(profile: &Profile) -> Option<Key> {
    Some(Key {
        id: profile.get("aws_access_key_id")?.to_owned(),
        secret: Secret::new(profile.get("aws_secret_access_key")?),
        session: profile.get("aws_session_token").map(Secret::new),
    })
}

/// Whether a profile that has no other base says anything of credentials.
fn says_anything(profile: &Profile) -> bool {
    [
        "aws_access_key_id",
        "aws_secret_access_key",
        "aws_session_token",
        "role_arn",
        "web_identity_token_file",
    ]
    .iter()
    .any(|name| profile.get(name).is_some())
}

fn role(profile: &Profile) -> Option<Role> {
    let text = |name: &str| profile.get(name).map(str::to_owned);
    Some(Role {
        arn: text("role_arn")?,
        external_id: text("external_id"),
        session_name: text("role_session_name"),
    })
}
