//! Collects the environment variables of a policy: those that `exec` clears for
//! a child, and those that a helper does not see.

use crate::rule::Rule;
use crate::wit::{Command, Kind};

/// The variables that `exec` clears for one source: credential, selector,
/// endpoint, and what it would set itself.
pub(crate) fn cleared(rule: &Rule) -> Vec<String> {
    let mut names: Vec<String> = rule.clear.clone();
    match &rule.source.kind {
        Kind::Environment(name) => names.push(name.clone()),
        Kind::Helper(helper) => {
            if let Command::Variable(name) = &helper.command {
                names.push(name.clone());
            }
        }
        Kind::Cloud(cloud) => {
            names.extend(cloud.flag.clone());
            names.extend(cloud.set.iter().map(|pair| pair.name.clone()));
            // Regions and projects are general: other programs go by them.
            names.extend(cloud.skip_auth.clone());
            names.extend(cloud.bearer_token.clone());
            names.extend(cloud.api_key.clone());
        }
        Kind::ToolOwned(_) | Kind::Supplied | Kind::StoredKey(_) | Kind::Login(_) => {}
    }
    names.extend(rule.source.export.iter().map(|pair| pair.name.clone()));
    if let Some(variable) = rule
        .source
        .endpoint
        .as_ref()
        .and_then(|endpoint| endpoint.variable.clone())
    {
        names.push(variable);
    }
    names
}

/// The variables that a helper does not see: credentials, not endpoints and
/// not selectors.
pub(crate) fn hidden(rules: &[Rule], clear: &[String]) -> Vec<String> {
    let mut names = clear.to_vec();
    for rule in rules {
        names.extend(rule.clear.clone());
        match &rule.source.kind {
            Kind::Environment(name) => names.push(name.clone()),
            Kind::Cloud(cloud) => {
                names.extend(cloud.bearer_token.clone());
                names.extend(cloud.api_key.clone());
            }
            Kind::Helper(_)
            | Kind::ToolOwned(_)
            | Kind::Supplied
            | Kind::StoredKey(_)
            | Kind::Login(_) => {}
        }
        names.extend(
            rule.source
                .export
                .iter()
                .filter(|pair| SECRETS.iter().any(|word| pair.text.contains(word)))
                .map(|pair| pair.name.clone()),
        );
    }
    names
}

/// What stands for a secret in a text of `export`.
const SECRETS: [&str; 3] = ["{secret}", "{secret-access-key}", "{session-token}"];

pub(crate) fn unique(mut names: Vec<String>) -> Vec<String> {
    names.sort();
    names.dedup();
    names
}
