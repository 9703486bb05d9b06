//! The metadata server of a machine of Google's. What goes in is where it is;
//! what comes out is the token of the machine's service account, or that
//! nobody is there. Our client asks: the crate's reads the variable of the
//! process whatever it is given, waits without end, and keeps the end of the
//! token to itself. It is asked for a second whether it is there; where a
//! variable names it, a little longer.

use std::time::{Duration, SystemTime};

use oauth2::{HttpResponse, http};
use serde_json::Value;
use url::Url;

use super::super::network;
use super::super::place::{Place, is_project};
use super::{SCOPE, impersonate};
use keyrule_contract as wit;
use keyrule_credential::secret::Secret;
use keyrule_credential::{Facts, Failure, Kept};
use keyrule_oauth::http::{Http, origin};
use keyrule_system::environment::Ambient;

/// The variable that names the server.
const VARIABLE: &str = "GCE_METADATA_HOST";

/// Where it is else.
const ADDRESS: &str = "169.254.169.254";

/// How long it may take to say that it is there.
const PROBE: Duration = Duration::from_secs(1);

/// The same where a variable names it.
const PATIENCE: Duration = Duration::from_secs(3);

/// How long it may take to bring a token.
const TOKEN: Duration = Duration::from_secs(10);

/// Its header, which it sends as well.
const FLAVOR: (&str, &str) = ("metadata-flavor", "Google");

/// No token lives longer.
const LONGEST_LIFE: u64 = 366 * 24 * 60 * 60;

/// The token of the machine's service account.
pub(super) async fn search(world: &Ambient, place: &Place) -> Result<Kept, Failure> {
    let server = Server::of(world)?;
    let account = "/computeMetadata/v1/instance/service-accounts/default";
    let email = server.probe(&format!("{account}/email")).await?;
    let scopes = url::form_urlencoded::byte_serialize(SCOPE.as_bytes()).collect::<String>();
    let asked = SystemTime::now();
    let path = format!("{account}/token?scopes={scopes}");
    let token = server.get(&path, TOKEN).await?;
    let (secret, life) = server.read(token)?;
    let project = match place.project {
        Some(_) => None,
        None => server.project().await,
    };
    Ok(Kept {
        material: network::bearer(secret, "the metadata server", Vec::new())?,
        expires_at: asked.checked_add(life),
        facts: Facts {
            account: Some(email),
            detail: Some(server.words()),
            project,
            ..Facts::default()
        },
    })
}

struct Server {
    http: Http,
    root: Url,
    is_named: bool,
}

impl Server {
    fn of(world: &Ambient) -> Result<Self, Failure> {
        let skip = world.variable("NO_GCE_CHECK");
        if skip.is_some_and(|skip| skip.eq_ignore_ascii_case("true")) {
            return Err(Self::nobody(
                "`NO_GCE_CHECK` says not to look for a metadata server",
            ));
        }
        let named = world.variable(VARIABLE).filter(|host| !host.is_empty());
        let host = named.map_or(Some(ADDRESS), |host| host.to_str());
        let root = host.and_then(|host| Url::parse(&format!("http://{host}")).ok());
        let root = root.filter(|root| root.path() == "/" && root.query().is_none());
        let Some(root) = root else {
            let words = format!("`{VARIABLE}` is not a host, such as `localhost:8080`");
            return Err(Failure::new(wit::FailureKind::Invalid, words).in_place(VARIABLE));
        };
        Ok(Self {
            http: Http::for_metadata(world, TOKEN).map_err(|error| network::failure(&error))?,
            root,
            is_named: named.is_some(),
        })
    }

    fn words(&self) -> String {
        match self.is_named {
            true => format!("by the metadata server that `{VARIABLE}` names"),
            false => "by the metadata server".to_owned(),
        }
    }

    /// Sees whether it is there, and whose token it has.
    async fn probe(&self, path: &str) -> Result<String, Failure> {
        let limit = if self.is_named { PATIENCE } else { PROBE };
        let response = match self.get(path, limit).await {
            Ok(response) => response,
            Err(failure) if self.is_named => return Err(failure),
            Err(_) => {
                return Err(Self::nobody(
                    "there is no credentials file, and no metadata server",
                ));
            }
        };
        let flavor = response.headers().get(FLAVOR.0);
        if flavor.is_none_or(|flavor| flavor != FLAVOR.1) {
            let words = match self.is_named {
                true => format!("what `{VARIABLE}` names is not a metadata server of Google's"),
                false => {
                    "there is no credentials file, and no metadata server of Google's".to_owned()
                }
            };
            return Err(Self::nobody(&words));
        }
        match response.status().as_u16() {
            200 => {
                let email = String::from_utf8_lossy(response.body())
                    .trim_ascii()
                    .to_owned();
                let is_shown = impersonate::is_email(&email);
                Ok(if is_shown {
                    email
                } else {
                    "service account".to_owned()
                })
            }
            404 => Err(Self::nobody("the metadata server has no service account")),
            status => Err(self.refused(status)),
        }
    }

    /// The token and how long it lives.
    fn read(&self, response: HttpResponse) -> Result<(Secret, Duration), Failure> {
        let status = response.status().as_u16();
        if status != 200 {
            return Err(self.refused(status));
        }
        let body = zeroize::Zeroizing::new(response.into_body());
        let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
        let token = answer.get("access_token").and_then(Value::as_str);
        let life = answer.get("expires_in").and_then(Value::as_u64);
        match (token, life) {
            (Some(token), Some(life)) if life <= LONGEST_LIFE => {
                Ok((Secret::new(token), Duration::from_secs(life)))
            }
            _ => {
                let words = "the metadata server answers with what is no token";
                Err(Failure::new(wit::FailureKind::MalformedAnswer, words))
            }
        }
    }

    /// The machine's project, where it says one.
    async fn project(&self) -> Option<String> {
        let path = "/computeMetadata/v1/project/project-id";
        let response = self.get(path, PATIENCE).await.ok()?;
        let project = String::from_utf8(response.body().clone()).ok()?;
        let is_answer = response.status().as_u16() == 200 && is_project(&project);
        is_answer.then_some(project)
    }

    async fn get(&self, path: &str, limit: Duration) -> Result<HttpResponse, Failure> {
        let url = self.root.join(path).map(String::from).unwrap_or_default();
        let request = http::Request::get(url)
            .header(FLAVOR.0, FLAVOR.1)
            .body(Vec::new());
        let Ok(request) = request else {
            return Err(Self::nobody("the metadata server cannot be asked"));
        };
        match tokio::time::timeout(limit, self.http.send(request)).await {
            Ok(answer) => answer.map_err(|error| self.placed(network::failure(&error))),
            Err(_) => {
                let (origin, limit) = (origin(&self.root), limit.as_secs());
                let words = format!("`{origin}` has not answered within {limit} s");
                Err(self.placed(Failure::new(wit::FailureKind::Unreachable, words)))
            }
        }
    }

    fn placed(&self, failure: Failure) -> Failure {
        if !self.is_named {
            return failure;
        }
        let mut failure = failure.in_place(VARIABLE);
        let words = failure.detail.take();
        failure.detail = words.map(|words| format!("{words} (by `{VARIABLE}`)"));
        failure
    }

    fn refused(&self, status: u16) -> Failure {
        let words = format!("the metadata server answers with the status {status}");
        self.placed(Failure::new(network::trouble(status), words))
    }

    fn nobody(words: &str) -> Failure {
        Failure::new(wit::FailureKind::NoCredentials, words)
    }
}
