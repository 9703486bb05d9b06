//! Applies forced logins, the policy's `[login]`, to the rules.

use crate::kind;
use crate::reader::{Reader, Table};
use crate::rule::{Allowed, Rule, Surfaces};
use crate::text::At;
use crate::wit::{Kind, Reason};

/// S17: where logins are forced, every other source is unavailable.
pub(crate) fn forced_login(reader: &mut Reader<'_>, top: Table<'_>, rules: &mut [Rule]) {
    let Some(login) = reader.table(top, "login", "`[login]`") else {
        return;
    };
    reader.known(login, &["methods", "organizations"]);
    let methods = reader.strings(login, "methods");
    let organizations = reader.strings(login, "organizations");
    if methods.is_none() && organizations.is_none() {
        if !reader.failed() {
            reader.error(
                "empty-table",
                "`[login]` forces nothing",
                login.at,
                "add `methods` or `organizations`, or remove it",
            );
        }
        return;
    }
    let ids: Vec<&str> = rules
        .iter()
        .filter(|rule| is_login(&rule.source.kind))
        .map(|rule| rule.source.id.as_str())
        .collect();
    if let Some(methods) = &methods {
        let names: Vec<(String, At)> = methods
            .value
            .iter()
            .map(|method| (method.value.clone(), method.at))
            .collect();
        kind::refer(reader, "source that is a login", &names, &ids);
    }
    let at = methods.as_ref().map_or(login.at, |methods| methods.at);
    for rule in rules.iter_mut() {
        let permitted = match &methods {
            Some(methods) => methods
                .value
                .iter()
                .any(|method| method.value == rule.source.id),
            None => is_login(&rule.source.kind),
        };
        if !permitted {
            rule.keep_surfaces(Surfaces::NONE, Reason::ForcedLogin, at);
        } else if let Some(organizations) = &organizations {
            rule.organizations.push(Allowed {
                list: organizations
                    .value
                    .iter()
                    .map(|name| name.value.clone())
                    .collect(),
                at: organizations.at,
            });
        }
    }
}

/// What a login is for.
fn is_login(kind: &Kind) -> bool {
    match kind {
        Kind::Login(_) | Kind::ToolOwned(_) | Kind::StoredKey(_) => true,
        Kind::Environment(_) | Kind::Helper(_) | Kind::Supplied | Kind::Cloud(_) => false,
    }
}
