//! The provider's variables. What goes in is the world; what comes out is what
//! they say by themselves: whose credentials the search would find, and which
//! files it would read. No file is opened.

use std::path::PathBuf;

use aws_types::os_shim_internal::Env;

use super::profile;
use keyrule_contract as wit;
pub(super) use keyrule_credential::protocol::masked;
use keyrule_credential::{Facts, Failure};
use keyrule_system::environment::Ambient;

/// A variable's value, where it is text and not blank.
pub(super) fn text<'a>(world: &'a Ambient, name: &str) -> Option<&'a str> {
    let value = world.variable(name)?.to_str()?;
    (!value.trim().is_empty()).then_some(value)
}

/// Whether an access key stands in variables, which goes before all else.
pub(super) fn has_key(world: &Ambient) -> bool {
    let has = |name| text(world, name).is_some();
    has("AWS_ACCESS_KEY_ID") && (has("AWS_SECRET_ACCESS_KEY") || has("SECRET_ACCESS_KEY"))
}

/// Whether the key in variables is whole: half of one would be passed by, and
/// somebody else's credentials be found.
pub(super) fn check(world: &Ambient) -> Result<(), Failure> {
    let invalid = |name: &str, words: String| {
        Err(Failure::new(wit::FailureKind::Invalid, words).in_place(name))
    };
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "AWS_PROFILE",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_ROLE_ARN",
    ] {
        if world
            .variable(name)
            .is_some_and(|value| value.to_str().is_none())
        {
            return invalid(name, format!("`{name}` is not UTF-8"));
        }
    }
    for (name, other) in [
        ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
        ("AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN"),
    ] {
        let has = |name| text(world, name).is_some();
        let whole = has(other) || (other == "AWS_SECRET_ACCESS_KEY" && has_key(world));
        if has(name) && !whole {
            let words = format!("`{name}` is set without `{other}`: set both, or neither");
            return invalid(name, words);
        }
    }
    Ok(())
}

/// What variables say of whose credentials the search would find, in the order
/// of the search.
pub(crate) fn peek(world: &Ambient) -> Facts {
    let mut facts = Facts::default();
    facts.detail = if has_key(world) {
        facts.account = text(world, "AWS_ACCESS_KEY_ID").map(masked);
        Some("by `AWS_ACCESS_KEY_ID`".to_owned())
    } else if let Some(name) = text(world, "AWS_PROFILE") {
        Some(format!("profile `{name}` by `AWS_PROFILE`"))
    } else {
        others(world).map(str::to_owned)
    };
    facts
}

/// What comes after the profile, where variables say so.
pub(super) fn others(world: &Ambient) -> Option<&'static str> {
    let set = |name: &str| text(world, name).is_some();
    if set("AWS_WEB_IDENTITY_TOKEN_FILE") {
        Some("web identity by `AWS_WEB_IDENTITY_TOKEN_FILE`")
    } else if set("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some("the container's role by `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`")
    } else if set("AWS_CONTAINER_CREDENTIALS_FULL_URI") {
        Some("the container's role by `AWS_CONTAINER_CREDENTIALS_FULL_URI`")
    } else {
        None
    }
}

/// The files that the search reads.
pub(crate) fn files(world: &Ambient) -> Vec<PathBuf> {
    let mut files = profile::paths(world);
    for name in [
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    ] {
        files.extend(text(world, name).map(PathBuf::from));
    }
    // Tokens of logins by the browser, whose names are hashes: all of them.
    let folder = world.home.as_deref().map(|home| home.join(".aws"));
    for cache in ["sso/cache", "login/cache"] {
        let folder = folder.as_ref().map(|folder| folder.join(cache));
        let entries = folder.and_then(|folder| std::fs::read_dir(folder).ok());
        let entries = entries.into_iter().flatten().flatten();
        let mut tokens: Vec<PathBuf> = entries
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
            .collect();
        tokens.sort();
        files.extend(tokens);
    }
    files
}

/// A path in which `~/` stands for the home.
pub(super) fn expanded(path: &str, world: &Ambient) -> PathBuf {
    match (path.strip_prefix("~/"), &world.home) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

/// The variables, for the provider's crates: blank ones are not set, and the
/// home is this world's. `closed` leaves out what comes after the profile, so
/// that a profile that cannot be used is not passed by.
pub(super) fn env(world: &Ambient, closed: bool) -> Env {
    let mut pairs: Vec<(&str, &str)> = world
        .variables()
        .filter_map(|(name, value)| Some((name.to_str()?, value.to_str()?)))
        .filter(|(name, value)| !(name.starts_with("AWS_") && value.trim().is_empty()))
        .filter(|(name, _)| !(closed && comes_after(name)))
        .collect();
    if let Some(home) = world.home.as_deref().and_then(|home| home.to_str()) {
        pairs.retain(|(name, _)| !matches!(*name, "HOME" | "USERPROFILE"));
        pairs.push(("HOME", home));
        pairs.push(("USERPROFILE", home));
    }
    if closed {
        pairs.push(("AWS_EC2_METADATA_DISABLED", "true"));
    }
    // Public, if meant for tests: a world that is not the process's own is
    // what Keyrule is made of.
    Env::from_slice(&pairs)
}

fn comes_after(name: &str) -> bool {
    name.starts_with("AWS_CONTAINER_")
        || matches!(
            name,
            "AWS_WEB_IDENTITY_TOKEN_FILE" | "AWS_EC2_METADATA_DISABLED"
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_by_its_ends_and_a_short_one_not_at_all() {
        assert_eq!(masked("AKIAIOSFODNN7EXAMPLE"), "AKIA\u{2026}MPLE");
        assert_eq!(masked("AKIA12345678"), "AKIA\u{2026}5678");
        assert_eq!(masked("AKIA1234567"), "\u{2026}");
        assert_eq!(masked("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}"), "\u{2026}");
    }

    #[test]
    fn variables_are_told_in_the_order_of_the_search() {
        let mut world = Ambient::empty();
        let mut seen = Vec::new();
        for (name, value) in [
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1/"),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2"),
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "/token"),
            ("AWS_PROFILE", "work"),
            ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-canary"),
        ] {
            seen.push(peek(&world).detail.unwrap_or_default());
            world = world.with_variable(name, value);
        }
        let last = peek(&world);
        assert_eq!(last.account.as_deref(), Some("AKIA\u{2026}MPLE"));
        seen.push(last.detail.unwrap_or_default());
        assert_eq!(
            seen,
            [
                "",
                "the container's role by `AWS_CONTAINER_CREDENTIALS_FULL_URI`",
                "the container's role by `AWS_CONTAINER_CREDENTIALS_RELATIVE_URI`",
                "web identity by `AWS_WEB_IDENTITY_TOKEN_FILE`",
                "profile `work` by `AWS_PROFILE`",
                // An id without its secret is none.
                "profile `work` by `AWS_PROFILE`",
                "by `AWS_ACCESS_KEY_ID`",
            ]
        );
    }

    #[test]
    fn a_blank_variable_is_not_set() {
        let world = Ambient::empty()
            .with_variable("AWS_PROFILE", " ")
            .with_variable("AWS_ACCESS_KEY_ID", "")
            .with_variable("AWS_SECRET_ACCESS_KEY", "s3cr3t-canary");
        assert_eq!(peek(&world), Facts::default());
        assert!(env(&world, false).get("AWS_PROFILE").is_err());
    }
}
