//! What issuers say, asked where `--online` wants it: whether each answers,
//! whether its metadata is in order, whether it takes the logins that it gave,
//! and whether this machine's clock agrees with its own. What goes in are
//! issuers and kept logins; what comes out are findings. Nothing is renewed,
//! and what nobody can be asked about is said to be so.

use std::collections::BTreeSet;
use std::time::SystemTime;

use oauth2::HttpRequest;
use url::Url;

use super::Check;
use super::logins::{again, logins};
use crate::commands::status::ends_in;
use crate::errors::os_words;
use crate::explained::accounts::{Account, Kept};
use crate::explained::command;
use keyrule::resolver::Explained;
use keyrule::store;
use keyrule_contract as wit;
use keyrule_credential::secret::Secret;
use keyrule_oauth::http::{self, Http};
use keyrule_oauth::login::online::{self, Checked, Validity};
use keyrule_oauth::login::{Endpoints, Error, endpoints};
use keyrule_store::Entry;
use keyrule_system::environment::Ambient;

/// By how many seconds two clocks may differ: an issuer of tokens that last
/// minutes would be misunderstood by more.
const TOLERANCE: u64 = 60;

pub(super) fn check(explained: &Explained, kept: &Kept, ambient: &Ambient) -> Vec<Check> {
    let mut checks = Vec::new();
    let issuers = issuers(explained);
    if !issuers.is_empty() {
        let runtime = keyrule_system::runtime::here();
        match (runtime, Http::of(ambient)) {
            (Ok(runtime), Ok(http)) => {
                let store = store::of(&explained.info, ambient);
                for (source, issuer) in issuers {
                    let asking = Asking {
                        explained,
                        kept,
                        source,
                        issuer,
                        http: &http,
                    };
                    let load = |account: &Account| token(store.as_deref(), account);
                    checks.extend(runtime.block_on(asking.run(&load)));
                }
            }
            (Err(error), _) => checks.push(Check::error("online", os_words(&error))),
            // Why there is no client was said above.
            (Ok(_), Err(_)) => checks.push(Check::error(
                "online",
                "nobody can be asked: the network is not set up",
            )),
        }
    }
    checks.extend(nobody_knows(explained));
    checks
}

/// Each issuer once, with the first source that names it.
fn issuers(explained: &Explained) -> Vec<(&wit::Source, &wit::Issuer)> {
    let mut seen = BTreeSet::new();
    explained
        .sources
        .iter()
        .filter_map(|source| match &source.kind {
            wit::Kind::Login(login) => Some((source, &login.issuer)),
            wit::Kind::StoredKey(key) => Some((source, key.issuer.as_ref()?)),
            wit::Kind::Environment(_)
            | wit::Kind::Helper(_)
            | wit::Kind::ToolOwned(_)
            | wit::Kind::Supplied
            | wit::Kind::Cloud(_) => None,
        })
        .filter(|(_, issuer)| seen.insert(issuer.id.as_str()))
        .collect()
}

/// One issuer, and all that is asked of it.
struct Asking<'a> {
    explained: &'a Explained,
    kept: &'a Kept,
    source: &'a wit::Source,
    issuer: &'a wit::Issuer,
    http: &'a Http,
}

impl Asking<'_> {
    async fn run(&self, load: &dyn Fn(&Account) -> Result<Secret, Check>) -> Vec<Check> {
        let issuer = self.issuer;
        let endpoints = match endpoints(issuer, self.http).await {
            Ok(endpoints) => endpoints,
            Err(error) => return vec![self.unusable(&error)],
        };
        let mut checks = Vec::new();
        if issuer.endpoints.is_none() {
            let message = format!("`{}` answers, and its metadata is in order", issuer.url);
            checks.push(Check::ok("online", message));
        }
        let mut clock = None;
        for (source, login) in logins(self.explained) {
            if login.issuer.id != issuer.id {
                continue;
            }
            for account in self.kept.of_source(source) {
                let (check, ahead) = self.account(&endpoints, source, account, load).await;
                checks.push(check);
                clock = clock.or(ahead);
            }
        }
        if clock.is_none() {
            match self.clock(&endpoints).await {
                Ok(ahead) => clock = ahead,
                // Whoever has no metadata was not asked yet.
                Err(error) => checks.push(self.unusable(&error)),
            }
        }
        checks.push(self.skew(clock));
        checks
    }

    /// Whether the issuer takes a login, and how far its clock is ahead.
    async fn account(
        &self,
        endpoints: &Endpoints,
        source: &wit::Source,
        account: &Account,
        load: &dyn Fn(&Account) -> Result<Secret, Check>,
    ) -> (Check, Option<i64>) {
        let who = format!("`{}`: {}", source.id, account.called());
        if account.ended {
            let message = format!("{who}: the issuer has said that it does not renew it any more");
            let check = Check::warning("online", message);
            return (check.try_this(again(self.explained, source)), None);
        }
        if let Some(seconds) = account.expires_in.filter(|seconds| *seconds <= 0) {
            let then = if account.renewable {
                "whether it is renewed shows when it is used"
            } else {
                "there is nothing to renew it with"
            };
            let message = format!("{who}: its token ended {}; {then}", ends_in(seconds));
            return (Check::ok("online", message), None);
        }
        let token = match load(account) {
            Ok(token) => token,
            Err(check) => return (check, None),
        };
        match online::check(endpoints, self.issuer, self.http, &token).await {
            Ok(Checked {
                validity,
                clock_ahead,
            }) => (self.validity(source, &who, validity), clock_ahead),
            Err(error) => (self.unusable(&error), None),
        }
    }

    fn validity(&self, source: &wit::Source, who: &str, validity: Validity) -> Check {
        let url = &self.issuer.url;
        match validity {
            Validity::Valid => Check::ok("online", format!("{who}: `{url}` says it is valid")),
            Validity::CannotBeTold => Check::ok(
                "online",
                format!("{who}: cannot be checked, because `{url}` does not tell us"),
            ),
            Validity::Invalid => {
                let renew = command(self.explained, "token --rejected");
                let login = again(self.explained, source);
                Check::error(
                    "online",
                    format!("{who}: `{url}` does not take it: it was revoked there"),
                )
                .try_this(format!(
                    "renew it: `{renew}`, or where that fails, `{login}`"
                ))
            }
        }
    }

    /// What time the issuer has, from whatever it answers.
    async fn clock(&self, endpoints: &Endpoints) -> Result<Option<i64>, Error> {
        let place = endpoints
            .authorization
            .as_deref()
            .and_then(|place| Url::parse(place).ok())
            .or_else(|| Url::parse(&endpoints.token).ok());
        let Some(mut place) = place else {
            return Ok(None);
        };
        // A page that begins nothing and means nothing.
        place.set_path("/.well-known/");
        place.set_query(None);
        let Some(request) = get(&place) else {
            return Ok(None);
        };
        let answer = self.http.send(request).await?;
        Ok(online::ahead(&answer, SystemTime::now()))
    }

    fn skew(&self, ahead: Option<i64>) -> Check {
        let url = &self.issuer.url;
        let Some(ahead) = ahead else {
            let message = format!("`{url}` does not say what time it has");
            return Check::ok("online", message);
        };
        let off = ahead.unsigned_abs();
        if off <= TOLERANCE {
            return Check::ok("online", format!("this clock and that of `{url}` agree"));
        }
        let way = if ahead > 0 { "behind" } else { "ahead of" };
        let amount = ends_in(i64::try_from(off).unwrap_or(i64::MAX));
        let amount = amount.trim_start_matches("in ");
        let message = format!("this clock is {amount} {way} that of `{url}`");
        Check::warning("online", message).try_this("set the clock of this machine")
    }

    /// An issuer that cannot be used, with its cause and what to do.
    fn unusable(&self, error: &Error) -> Check {
        let at = &self.source.location;
        let hint = match error {
            Error::Http(error) => match (error.hint(), error) {
                (Some(hint), _) => hint.to_owned(),
                (None, http::Error::Unreachable { origin, .. }) => {
                    format!("see whether this machine reaches it: `curl -sSI {origin}`")
                }
                (None, _) => format!("see the issuer `{}` in {}", self.issuer.id, at.path),
            },
            _ => format!(
                "see whether `url` of the issuer `{}` in {} is right",
                self.issuer.id, at.path
            ),
        };
        let message = format!("the issuer `{}`: {error}", self.issuer.id);
        Check::error("online", message).try_this(hint)
    }
}

fn get(place: &Url) -> Option<HttpRequest> {
    oauth2::http::Request::get(place.as_str())
        .body(Vec::new())
        .ok()
}

/// The access token; this may open the keyring.
fn token(
    store: Result<&dyn store::Store, &store::Error>,
    account: &Account,
) -> Result<Secret, Check> {
    let why = match store.map(|store| store.load(&account.slot())) {
        Ok(Ok(Some(Entry::Login(login)))) => return Ok(login.access_token),
        Ok(Ok(Some(Entry::Key(_)) | None)) => "is not there any more".to_owned(),
        Ok(Err(error)) => format!("cannot be had: {}", error.detail()),
        Err(error) => format!("cannot be had: {}", error.detail()),
    };
    let message = format!("`{}`: {}: its token {why}", account.login, account.called());
    Err(Check::error("online", message))
}

/// What is there and nobody can be asked about.
fn nobody_knows(explained: &Explained) -> Vec<Check> {
    explained
        .lines()
        .filter(|(_, line)| line.state == wit::State::Ready)
        .filter_map(|(source, _)| {
            let why = match &source.kind {
                wit::Kind::Environment(_) | wit::Kind::StoredKey(_) | wit::Kind::Supplied => {
                    "only its use shows whether a key is valid"
                }
                wit::Kind::Helper(_) => "only its use shows whether what it prints is valid",
                wit::Kind::ToolOwned(_) => "the tool alone holds it",
                wit::Kind::Cloud(_) => "the provider alone knows",
                wit::Kind::Login(_) => return None,
            };
            let message = format!("`{}`: cannot be checked: {why}", source.id);
            Some(Check::ok("online", message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Level;
    use crate::samples;
    use keyrule_oauth::http::fake::{self, Fake};

    /// What is said of an issuer that answers everything with this, with a
    /// token of ada's that lasts.
    fn asked(answer: String) -> Vec<(Level, String)> {
        let issuer = Fake::saying(answer);
        let origin = issuer.origin();
        let (mut explained, _) = samples::login();
        if let wit::Kind::Login(login) = &mut explained.sources[3].kind {
            login.issuer.url.clone_from(&origin);
            login.issuer.endpoints = Some(wit::IssuerEndpoints {
                authorization: None,
                device: None,
                token: format!("{origin}/token"),
                revocation: None,
                introspection: None,
                userinfo: Some(format!("{origin}/userinfo")),
            });
        }
        let (source, login) = logins(&explained).next().unwrap();
        let kept = samples::kept(login, [("ada@acme.test", "acme", 900)]);
        let asking = Asking {
            explained: &explained,
            kept: &kept,
            source,
            issuer: &login.issuer,
            http: &Http::of(&Ambient::empty()).unwrap(),
        };
        let load = |_: &Account| Ok(Secret::new("s3cr3t-token"));
        let checks = keyrule_system::runtime::block_on(asking.run(&load));
        assert!(!format!("{checks:?}").contains("s3cr3t"));
        checks
            .into_iter()
            .map(|check| (check.level, check.message.replace(&origin, "ISSUER")))
            .collect()
    }

    fn at(time: SystemTime) -> String {
        let date = httpdate::fmt_http_date(time);
        let headers = format!("Content-Type: application/json\r\nDate: {date}\r\n");
        fake::answer("200 OK", &headers, "{\"sub\": \"ada\"}")
    }

    #[test]
    fn a_login_that_the_issuer_takes_is_valid_and_the_clocks_agree() {
        let said = [
            "`login`: ada@acme.test: `ISSUER` says it is valid",
            "this clock and that of `ISSUER` agree",
        ];
        assert_eq!(
            asked(at(SystemTime::now())),
            said.map(|said| (Level::Ok, said.to_owned()))
        );
    }

    #[test]
    fn a_clock_that_is_off_by_more_than_a_minute_is_a_warning() {
        let hour = std::time::Duration::from_secs(3630);
        for (time, said) in [
            (
                SystemTime::now() + hour,
                "this clock is 60 min behind that of `ISSUER`",
            ),
            (
                SystemTime::now() - hour,
                "this clock is 60 min ahead of that of `ISSUER`",
            ),
        ] {
            let last = asked(at(time)).pop();
            assert_eq!(last, Some((Level::Warning, said.to_owned())));
        }
    }

    #[test]
    fn a_login_that_was_revoked_is_an_error_and_an_issuer_that_fails_too() {
        let revoked = asked(fake::answer("401 Unauthorized", "", ""));
        let said = "`login`: ada@acme.test: `ISSUER` does not take it: it was revoked there";
        assert_eq!(revoked[0], (Level::Error, said.to_owned()));
        let failing = asked(fake::answer("503 Service Unavailable", "", ""));
        let said = "the issuer `test`: `ISSUER` answers with HTTP 503";
        assert_eq!(failing[0], (Level::Error, said.to_owned()));
    }

    #[test]
    fn what_nobody_can_be_asked_about_is_said_so() {
        let said: Vec<_> = nobody_knows(&samples::key_before_helper())
            .into_iter()
            .map(|check| check.message)
            .collect();
        assert_eq!(
            said,
            [
                "`api-key`: cannot be checked: only its use shows whether a key is valid",
                "`helper`: cannot be checked: only its use shows whether what it prints is valid",
            ]
        );
    }
}
