//! The logins of the policy's sources and of our store: whose each is, when
//! it ends, and what is kept and cannot be used. Nothing is renewed, and no
//! keyring is opened.

use super::{Check, Level};
use crate::explained::accounts::{Account, Kept, login_of};
use crate::explained::command;
use keyrule::resolver::Explained;
use keyrule_contract as wit;

pub(super) fn check(explained: &Explained, kept: &Kept) -> Vec<Check> {
    let logins: Vec<_> = logins(explained).collect();
    let mut checks = Vec::new();
    for (source, _) in &logins {
        let accounts: Vec<_> = kept.of_source(source).collect();
        if accounts.is_empty() {
            let message = format!("`{}`: nobody is logged in", source.id);
            checks.push(Check::ok("logins", message).try_this(again(explained, source)));
        } else if !accounts.iter().any(|account| account.selected) {
            let message = format!("`{}`: no account is selected", source.id);
            let choose = format!("login {} --use ACCOUNT", source.id);
            checks.push(Check::warning("logins", message).try_this(command(explained, &choose)));
        }
        let lines = accounts
            .iter()
            .map(|account| one(explained, kept, source, account));
        checks.extend(lines);
    }
    let unused = kept.accounts().filter(|account| {
        !logins
            .iter()
            .any(|(source, _)| kept.of_source(source).any(|of| std::ptr::eq(of, *account)))
    });
    checks.extend(unused.map(|account| foreign(explained, &logins, account)));
    checks
}

/// The sources that are logins of ours.
pub(super) fn logins(explained: &Explained) -> impl Iterator<Item = (&wit::Source, &wit::Login)> {
    explained
        .sources
        .iter()
        .filter_map(|source| Some((source, login_of(source)?)))
}

/// How to log in there.
pub(super) fn again(explained: &Explained, source: &wit::Source) -> String {
    command(explained, &format!("login {}", source.id))
}

/// One account that the source can use.
fn one(explained: &Explained, kept: &Kept, source: &wit::Source, account: &Account) -> Check {
    let gone = account.expires_in.is_some_and(|seconds| seconds <= 0) && !account.renewable;
    let message = format!(
        "`{}`: {}, {}, kept {}",
        source.id,
        account.line(explained, source),
        if account.selected {
            "selected"
        } else {
            "not selected"
        },
        kept.place(account.kept_in)
    );
    let level = if account.ended || gone {
        Level::Warning
    } else {
        Level::Ok
    };
    Check::new("logins", level, message)
}

/// One that no source of this policy can use.
fn foreign(
    explained: &Explained,
    logins: &[(&wit::Source, &wit::Login)],
    account: &Account,
) -> Check {
    let called = account.called();
    let name = &account.login;
    let Some((source, login)) = logins.iter().find(|(_, login)| login.name == *name) else {
        let message = format!("`{name}`: {called} is kept, and no source of this policy uses it");
        return Check::ok("logins", message);
    };
    let message = if account.issuer == login.issuer.url {
        format!(
            "`{name}`: {called} is kept for another client id than the one of `{}`: it counts \
             for nothing",
            login.issuer.id
        )
    } else {
        format!(
            "`{name}`: {called} is kept for `{}`, and the policy names `{}`: it counts for nothing",
            account.issuer, login.issuer.url
        )
    };
    Check::warning("logins", message).try_this(again(explained, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn every_account_is_listed() {
        let (explained, kept) = samples::login();
        let lines: Vec<_> = check(&explained, &kept)
            .into_iter()
            .map(|check| (check.level, check.message))
            .collect();
        let ada = "`login`: ada@acme.test, organisation acme, ended 12 min ago, and can be \
                   renewed, selected, kept in the keyring";
        let bob = "`login`: bob@other.test, organisation other, ends in 2 h, not selected, kept \
                   in the keyring";
        assert_eq!(
            lines,
            [(Level::Ok, ada.to_owned()), (Level::Ok, bob.to_owned())]
        );
    }

    #[test]
    fn a_login_of_another_issuer_counts_for_nothing() {
        let (mut explained, kept) = samples::login();
        if let wit::Kind::Login(login) = &mut explained.sources[3].kind {
            login.issuer.url = "https://elsewhere.test".to_owned();
        }
        let checks = check(&explained, &kept);
        assert_eq!(
            checks[..2],
            [
                Check::ok("logins", "`login`: nobody is logged in").try_this("keyrule login login"),
                Check::warning(
                    "logins",
                    "`work`: ada@acme.test is kept for `https://login.test`, and the policy names \
                     `https://elsewhere.test`: it counts for nothing"
                )
                .try_this("keyrule login login"),
            ]
        );
    }

    #[test]
    fn a_policy_without_logins_has_nothing_to_say() {
        let explained = samples::key_before_helper();
        assert_eq!(check(&explained, &Kept::default()), []);
    }
}
