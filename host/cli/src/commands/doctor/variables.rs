//! Variables that are set at once and mean different things, and those that
//! say how the network is reached. What comes out are their names, never
//! their values: a proxy's can hold a password.

use std::collections::BTreeSet;

use super::Check;
use super::logins::logins;
use keyrule::resolver::Explained;
use keyrule_contract as wit;
use keyrule_oauth::http::Http;
use keyrule_system::environment::Ambient;

/// Two credentials that are set at once: which one is used, and how to use
/// the other.
pub(super) fn credentials(explained: &Explained) -> Vec<Check> {
    let set: Vec<(u32, &wit::Source, &str)> = explained
        .lines()
        .filter(|(_, line)| line.state != wit::State::Unavailable)
        .filter_map(|(source, line)| match &source.kind {
            wit::Kind::Environment(name) => Some((line.source, source, name.as_str())),
            wit::Kind::Helper(_)
            | wit::Kind::ToolOwned(_)
            | wit::Kind::Supplied
            | wit::Kind::StoredKey(_)
            | wit::Kind::Login(_)
            | wit::Kind::Cloud(_) => None,
        })
        .collect();
    let unique: BTreeSet<_> = set.iter().map(|(_, _, name)| *name).collect();
    if unique.len() < 2 {
        return Vec::new();
    }
    let names: Vec<_> = unique.iter().map(|name| format!("`{name}`")).collect();
    let used = set
        .iter()
        .find(|(index, _, _)| Some(*index) == explained.winner());
    let names = names.join(" and ");
    let Some((_, source, name)) = used else {
        let message = format!("{names} are set at once, and none of them is used");
        return vec![Check::warning("variables", message)];
    };
    let others: Vec<_> = unique.into_iter().filter(|other| other != name).collect();
    let message = format!(
        "{names} are set at once: `{name}` is used, by `{}`",
        source.id
    );
    let unset = format!(
        "where that is not what you mean: `unset {}`",
        others.join(" ")
    );
    vec![Check::warning("variables", message).try_this(unset)]
}

/// The variables that say how an issuer is reached, where there is one to
/// reach or one of them is set.
pub(super) fn network(explained: &Explained, ambient: &Ambient) -> Vec<Check> {
    const VARIABLES: [(&str, &str); 11] = [
        ("HTTPS_PROXY", "names a proxy"),
        ("https_proxy", "names a proxy"),
        ("ALL_PROXY", "names a proxy"),
        ("all_proxy", "names a proxy"),
        ("NO_PROXY", "says what goes past the proxy"),
        ("no_proxy", "says what goes past the proxy"),
        ("KEYRULE_CA_FILE", "names more certificate authorities"),
        (
            "KEYRULE_CLIENT_CERTIFICATE",
            "names a certificate of this client",
        ),
        ("KEYRULE_CLIENT_KEY", "names the key of that certificate"),
        ("KEYRULE_HTTP_TIMEOUT", "says how long a request may take"),
        (
            "SSL_CERT_FILE",
            "moves the system's certificate authorities",
        ),
    ];
    let set: Vec<_> = VARIABLES
        .iter()
        .filter(|(name, _)| {
            ambient
                .variable(name)
                .is_some_and(|value| !value.is_empty())
        })
        .collect();
    if set.is_empty() && logins(explained).next().is_none() {
        return Vec::new();
    }
    let mut checks: Vec<_> = set
        .iter()
        .map(|(name, says)| Check::ok("network", format!("`{name}` {says}")))
        .collect();
    checks.push(match Http::of(ambient) {
        Ok(_) if set.is_empty() => Check::ok("network", "no proxy is named"),
        Ok(_) => Check::ok("network", "what these variables name is in order"),
        Err(error) => {
            let hint = error.hint().map(str::to_owned);
            let hint = hint.unwrap_or_else(|| "mend it, or unset the variable".to_owned());
            Check::error("network", error.to_string()).try_this(hint)
        }
    });
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn two_keys_that_are_set_at_once_are_named_with_the_one_that_is_used() {
        let mut explained = samples::key_before_helper();
        assert_eq!(credentials(&explained), []);
        explained.explanation.sources[0].state = wit::State::Ready;
        assert_eq!(
            credentials(&explained),
            [Check::warning(
                "variables",
                "`ANTHROPIC_API_KEY` and `ANTHROPIC_AUTH_TOKEN` are set at once: \
                 `ANTHROPIC_API_KEY` is used, by `api-key`"
            )
            .try_this("where that is not what you mean: `unset ANTHROPIC_AUTH_TOKEN`")]
        );
    }

    #[test]
    fn what_says_how_the_network_is_reached_is_named_without_its_value() {
        let explained = samples::key_before_helper();
        assert_eq!(network(&explained, &Ambient::empty()), []);
        let ambient = Ambient::empty()
            .with_variable("HTTPS_PROXY", "http://ada:s3cr3t@proxy.test:3128")
            .with_variable("KEYRULE_CA_FILE", "/nowhere/roots.pem");
        let checks = network(&explained, &ambient);
        assert!(!format!("{checks:?}").contains("s3cr3t"));
        assert_eq!(
            checks.last(),
            Some(
                &Check::error(
                    "network",
                    "`/nowhere/roots.pem`, which `KEYRULE_CA_FILE` names, is not there"
                )
                .try_this("mend it, or unset the variable")
            )
        );
    }
}
