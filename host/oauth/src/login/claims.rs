//! Whose a login is: what the issuer says of the user becomes an owner. What
//! goes in are tokens with their claims; what comes out is what a store
//! keeps. Who may log in is judged elsewhere.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::Value;

use keyrule_contract as wit;
use keyrule_store::{self as store, LoginFacts, Owner, StoredLogin};

use super::Tokens;

/// Where an issuer says how people know the account, the best first (OpenID
/// Connect Core, section 5.1).
const ACCOUNT: [&str; 3] = ["email", "preferred_username", "sub"];
/// Where it may say the organisation. There is no standard for this.
const ORGANIZATION: [&str; 2] = ["organization", "org"];

/// The most claims that are kept.
const MOST: usize = 64;

/// What a store keeps of these tokens. Where the answer has no refresh token
/// or says nothing of the user, what was there before stays; but nothing of
/// another user's does.
pub fn stored(
    issuer: &wit::Issuer,
    tokens: Tokens,
    before: Option<&StoredLogin>,
    now: SystemTime,
) -> StoredLogin {
    let before = before.filter(|login| same_user(&login.facts.owner, issuer, &tokens.claims));
    let refresh_token = tokens
        .refresh_token
        .or_else(|| before?.refresh_token.clone());
    StoredLogin {
        access_token: tokens.access_token,
        facts: LoginFacts {
            owner: owner(
                issuer,
                tokens.claims,
                before.map(|login| &login.facts.owner),
            ),
            client_id: issuer.client_id.clone(),
            obtained_at: Some(now),
            expires_at: tokens
                .expires_in
                .and_then(|lifetime| now.checked_add(lifetime)),
            renewable: refresh_token.is_some(),
            ended: false,
        },
        refresh_token,
    }
}

/// The account keeps its name while the login is renewed: stores and people
/// know it by that.
fn owner(issuer: &wit::Issuer, claims: BTreeMap<String, Value>, before: Option<&Owner>) -> Owner {
    match before {
        Some(before) if claims.is_empty() => before.clone(),
        _ => Owner {
            issuer: issuer.url.clone(),
            account: before
                .and_then(|before| before.account.clone())
                .or_else(|| first(&claims, &ACCOUNT)),
            organization: first(&claims, &ORGANIZATION).or_else(|| before?.organization.clone()),
            claims: match before {
                // An answer to a renewal often says less than the first one.
                Some(before) => short(before.claims.clone().into_iter().chain(claims).collect()),
                None => short(claims),
            },
        },
    }
}

/// Whether these tokens are those of another user than before.
pub(super) fn is_another(issuer: &wit::Issuer, tokens: &Tokens, before: &StoredLogin) -> bool {
    !same_user(&before.facts.owner, issuer, &tokens.claims)
}

/// What is kept of claims: short ones, and not many. A store that grows with
/// every answer is one day too large to be read.
fn short(claims: BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let is_short = |name: &str, value: &Value| {
        name.len() <= store::LONGEST_NAME
            && match value {
                Value::String(text) => text.len() <= store::LONGEST_NAME,
                Value::Bool(_) | Value::Number(_) => true,
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            }
    };
    claims
        .into_iter()
        .filter(|(name, value)| is_short(name, value))
        .take(MOST)
        .collect()
}

fn same_user(owner: &Owner, issuer: &wit::Issuer, claims: &BTreeMap<String, Value>) -> bool {
    owner.issuer == issuer.url
        && match (owner.claims.get("sub"), claims.get("sub")) {
            (Some(before), Some(now)) => before == now,
            _ => true,
        }
}

/// The first of these claims that is a name, and can be shown.
fn first(claims: &BTreeMap<String, Value>, names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| store::name(claims.get(*name)?))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;
    use keyrule_contract::samples;
    use keyrule_credential::handout;
    use keyrule_credential::secret::Secret;

    fn tokens(refresh_token: Option<&str>, claims: Value) -> Tokens {
        Tokens {
            access_token: Secret::new("s3cr3t-access"),
            refresh_token: refresh_token.map(Secret::new),
            expires_in: Some(Duration::from_secs(60)),
            claims: serde_json::from_value(claims).unwrap(),
        }
    }

    fn kept(tokens: Tokens, before: Option<&StoredLogin>) -> StoredLogin {
        let issuer = samples::issuer("https://login.test");
        stored(&issuer, tokens, before, SystemTime::UNIX_EPOCH)
    }

    fn refresh_token(login: &StoredLogin) -> Option<&str> {
        login.refresh_token.as_ref().map(handout::to_send)
    }

    #[test]
    fn claims_are_kept_while_they_are_short_and_few() {
        let many: serde_json::Map<_, _> = (0..200)
            .map(|number| (format!("c{number:03}"), json!(number)))
            .collect();
        let claims = |value: Value| kept(tokens(None, value), None).facts.owner.claims;
        assert_eq!(claims(Value::Object(many)).len(), MOST);
        let odd = json!({"sub": "1", "long": "x".repeat(1000), "list": ["x"], "flag": true});
        let names: Vec<_> = claims(odd).into_keys().collect();
        assert_eq!(names, ["flag", "sub"]);
    }

    #[test]
    fn an_account_is_known_by_its_address_where_there_is_one() {
        for (claims, account) in [
            (
                json!({"sub": "1", "preferred_username": "a", "email": "a@b.test"}),
                Some("a@b.test"),
            ),
            (
                json!({"sub": "1", "preferred_username": "a", "email": ""}),
                Some("a"),
            ),
            (json!({"sub": "1", "email": ["a@b.test"]}), Some("1")),
            (json!({"sub": "1", "email": "a@b.test\u{1b}[2J"}), Some("1")),
            (json!({"sub": "x".repeat(257)}), None),
            (json!({}), None),
        ] {
            let login = kept(tokens(None, claims.clone()), None);
            assert_eq!(login.facts.owner.account.as_deref(), account, "{claims}");
            assert_eq!(login.facts.owner.issuer, "https://login.test");
        }
    }

    #[test]
    fn an_organisation_is_known_where_the_issuer_says_one() {
        for (claims, organization) in [
            (json!({"organization": "o", "org": "p"}), Some("o")),
            (json!({"org": "p"}), Some("p")),
            (json!({"hd": "q"}), None),
        ] {
            let login = kept(tokens(None, claims.clone()), None);
            assert_eq!(
                login.facts.owner.organization.as_deref(),
                organization,
                "{claims}"
            );
        }
    }

    #[test]
    fn what_a_renewal_leaves_out_stays() {
        let claims = json!({"sub": "1", "email": "a@b.test", "org": "o"});
        let mut first = kept(tokens(Some("s3cr3t-1"), claims), None);
        first.facts.ended = true;
        let second = kept(tokens(None, json!({})), Some(&first));
        assert_eq!(refresh_token(&second), Some("s3cr3t-1"));
        assert!(second.facts.renewable && !second.facts.ended);
        assert_eq!(second.facts.owner.account.as_deref(), Some("a@b.test"));
        assert_eq!(
            second.facts.expires_at,
            Some(SystemTime::UNIX_EPOCH + Duration::from_secs(60))
        );
        let claims = json!({"sub": "1", "email": "new@b.test"});
        let third = kept(tokens(Some("s3cr3t-2"), claims), Some(&second));
        assert_eq!(refresh_token(&third), Some("s3cr3t-2"));
        let owner = &third.facts.owner;
        assert_eq!(owner.account.as_deref(), Some("a@b.test"));
        assert_eq!(owner.organization(Some("org")).as_deref(), Some("o"));
        assert_eq!(owner.claims["email"], "new@b.test");
    }

    #[test]
    fn nothing_of_another_user_stays() {
        let claims = json!({"sub": "1", "email": "a@b.test", "org": "o"});
        let first = kept(tokens(Some("s3cr3t-1"), claims), None);
        let second = kept(tokens(None, json!({"sub": "2"})), Some(&first));
        assert_eq!(refresh_token(&second), None);
        assert!(!second.facts.renewable);
        assert_eq!(second.facts.owner.account.as_deref(), Some("2"));
        assert_eq!(second.facts.owner.organization, None);
        assert!(!format!("{second:?}").contains("s3cr3t"));
    }
}
