//! Variables, and settings in the provider's files, that would send a
//! provider's credential, or what it is got with, somewhere else than the
//! provider's own clients do. What goes in are the variables, as the search and
//! a child see them, and the settings; what comes out are names and origins for
//! the policy to judge. One table for each provider, in the order in which its
//! clients read them.

use url::{Host, Url};

use super::provider::EndpointSetting;
use crate::ambient::{Ambient, stands_for};
use crate::sources::endpoint;
use keyrule_contract as wit;
use keyrule_credential::label::is_label;

/// What a variable moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moves {
    /// Requests that carry the credential.
    Requests,
    /// Something else that the credential is used at or got from, such as the
    /// exchange of a token.
    Exchanges,
    /// What hands out credentials on the machine or its network: an address of
    /// this machine, or one that no router passes on, moves nothing.
    Metadata,
}

/// What a variable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// A URL.
    Url,
    /// A URL, or a host alone, which is asked by `https`.
    UrlOrHost,
    /// A host, perhaps with a port, which is asked by `http`.
    Host,
    /// A domain in which this host is asked.
    Domain(&'static str),
    /// A path of a known host.
    Path,
    /// A part of a host's name.
    Label,
}

struct Row {
    /// A name, or the beginning of names before a `*`.
    name: &'static str,
    moves: Moves,
    holds: Holds,
    /// Origins of the provider's own.
    own: &'static [&'static str],
}

const fn row(name: &'static str, moves: Moves, holds: Holds) -> Row {
    Row {
        name,
        moves,
        holds,
        own: &[],
    }
}

/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html>
const BEDROCK: [Row; 10] = [
    row("ANTHROPIC_BEDROCK_BASE_URL", Moves::Requests, Holds::Url),
    row(
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        Moves::Requests,
        Holds::Url,
    ),
    row("AWS_ENDPOINT_URL", Moves::Requests, Holds::Url),
    // Of other services for which the same credentials serve.
    row(
        "ANTHROPIC_BEDROCK_MANTLE_BASE_URL",
        Moves::Exchanges,
        Holds::Url,
    ),
    row("ANTHROPIC_AWS_BASE_URL", Moves::Exchanges, Holds::Url),
    row("AWS_ENDPOINT_URL_*", Moves::Exchanges, Holds::Url),
    row(
        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
        Moves::Metadata,
        Holds::Url,
    ),
    row(
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        Moves::Metadata,
        Holds::Url,
    ),
    // Clients put it right behind `http://169.254.170.2`.
    row(
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        Moves::Metadata,
        Holds::Path,
    ),
    row(
        "ANTHROPIC_SMALL_FAST_MODEL_AWS_REGION",
        Moves::Requests,
        Holds::Label,
    ),
];

/// <https://docs.cloud.google.com/sdk/docs/properties>,
/// <https://docs.cloud.google.com/docs/authentication/application-default-credentials>
const VERTEX: [Row; 13] = [
    row("ANTHROPIC_VERTEX_BASE_URL", Moves::Requests, Holds::Url),
    row("GOOGLE_VERTEX_BASE_URL", Moves::Exchanges, Holds::Url),
    row(
        "GOOGLE_CLOUD_UNIVERSE_DOMAIN",
        Moves::Requests,
        Holds::Domain("aiplatform"),
    ),
    row(
        "CLOUDSDK_CORE_UNIVERSE_DOMAIN",
        Moves::Requests,
        Holds::Domain("aiplatform"),
    ),
    row("VERTEX_REGION_*", Moves::Requests, Holds::Label),
    row(
        "CLOUDSDK_API_ENDPOINT_OVERRIDES_*",
        Moves::Exchanges,
        Holds::Url,
    ),
    Row {
        own: &["https://accounts.google.com"],
        ..row("CLOUDSDK_AUTH_AUTH_HOST", Moves::Exchanges, Holds::Url)
    },
    Row {
        own: &["https://oauth2.googleapis.com"],
        ..row("CLOUDSDK_AUTH_TOKEN_HOST", Moves::Exchanges, Holds::Url)
    },
    Row {
        own: &["https://oauth2.mtls.googleapis.com"],
        ..row(
            "CLOUDSDK_AUTH_MTLS_TOKEN_HOST",
            Moves::Exchanges,
            Holds::Url,
        )
    },
    row("GOOGLE_GEMINI_BASE_URL", Moves::Exchanges, Holds::Url),
    row("GCE_METADATA_HOST", Moves::Metadata, Holds::Host),
    row("GCE_METADATA_ROOT", Moves::Metadata, Holds::Host),
    row("GCE_METADATA_IP", Moves::Metadata, Holds::Host),
];

/// Azure's clouds, which are all Microsoft's or its partner's.
const AUTHORITIES: [&str; 4] = [
    "https://login.microsoftonline.com",
    "https://login.microsoftonline.us",
    "https://login.partner.microsoftonline.cn",
    "https://login.chinacloudapi.cn",
];

/// <https://learn.microsoft.com/python/api/overview/azure/identity-readme>
const FOUNDRY: [Row; 10] = [
    row("ANTHROPIC_FOUNDRY_BASE_URL", Moves::Requests, Holds::Url),
    Row {
        own: &AUTHORITIES,
        ..row("AZURE_AUTHORITY_HOST", Moves::Exchanges, Holds::UrlOrHost)
    },
    row(
        "AZURE_REGIONAL_AUTHORITY_NAME",
        Moves::Exchanges,
        Holds::Label,
    ),
    row("AZURE_KUBERNETES_TOKEN_PROXY", Moves::Exchanges, Holds::Url),
    row("AZURE_OPENAI_ENDPOINT", Moves::Exchanges, Holds::Url),
    row("AZURE_INFERENCE_ENDPOINT", Moves::Exchanges, Holds::Url),
    row("IDENTITY_ENDPOINT", Moves::Metadata, Holds::Url),
    row("MSI_ENDPOINT", Moves::Metadata, Holds::Url),
    row("IMDS_ENDPOINT", Moves::Metadata, Holds::Url),
    row(
        "AZURE_POD_IDENTITY_AUTHORITY_HOST",
        Moves::Metadata,
        Holds::Url,
    ),
];

/// What switches off `AWS_ENDPOINT_URL` and the like. Not every client of
/// Amazon's knows it, so they are taken away where it is on.
const IGNORE: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";

/// Where the variables of this world, and then the settings, would send the
/// credential, or what it is got with. What the source's own contract follows
/// is not among them.
pub(super) fn seen(
    source: &wit::Source,
    cloud: &wit::Cloud,
    world: &Ambient,
    settings: &[EndpointSetting],
) -> Vec<wit::Redirection> {
    let followed = source.endpoint.as_ref();
    let followed = followed.and_then(|endpoint| endpoint.variable.as_deref());
    let ignored = ignored(cloud, world);
    let mut all: Vec<wit::Redirection> = Vec::new();
    for row in rows(cloud) {
        for (name, value) in world.variables() {
            let name = name.to_string_lossy();
            let known = all.iter().any(|other| other.name == *name);
            if known
                || Some(&*name) == followed
                || !stands_for(row.name, name.as_ref().as_ref())
                || ignored.iter().any(|other| *other == *name)
            {
                continue;
            }
            let found = match value.to_str() {
                Some(value) if value.trim().is_empty() => continue,
                Some(value) => row.origin(value),
                None => Found::Malformed,
            };
            let carries = row.moves == Moves::Requests;
            all.extend(found.named(name.into_owned(), carries));
        }
    }
    for setting in settings {
        let variable = setting.variable.as_ref();
        let row = rows(cloud)
            .iter()
            .find(|row| stands_for(row.name, variable));
        let found = row.map_or(Found::Malformed, |row| row.origin(&setting.value));
        all.extend(found.named(setting.name.clone(), setting.carries));
    }
    all
}

/// The whole URL that the requests are sent to, as it was typed, where one of
/// these says so.
pub(super) fn url<'w>(
    seen: &[wit::Redirection],
    world: &'w Ambient,
    settings: &'w [EndpointSetting],
) -> Option<&'w str> {
    let first = seen.iter().find(|one| one.carries)?;
    let setting = settings.iter().find(|setting| setting.name == first.name);
    let value = match setting {
        Some(setting) => &setting.value,
        None => world.variable(&first.name)?.to_str()?,
    };
    value.contains("://").then_some(value)
}

/// Variables that are set and that another one switches off.
pub(super) fn ignored(cloud: &wit::Cloud, world: &Ambient) -> Vec<String> {
    let is_on = world
        .variable(IGNORE)
        .is_some_and(|value| value.to_string_lossy().trim().eq_ignore_ascii_case("true"));
    if !is_on || cloud.provider != "bedrock" {
        return Vec::new();
    }
    world
        .variables()
        .filter_map(|(name, _)| name.to_str())
        .filter(|name| *name == "AWS_ENDPOINT_URL" || name.starts_with("AWS_ENDPOINT_URL_"))
        .map(str::to_owned)
        .collect()
}

fn rows(cloud: &wit::Cloud) -> &'static [Row] {
    match cloud.provider.as_str() {
        "bedrock" => &BEDROCK,
        "vertex" => &VERTEX,
        "foundry" => &FOUNDRY,
        _ => &[],
    }
}

/// What a value comes to.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    /// Nothing is moved.
    Nothing,
    /// It is moved there.
    Origin(String),
    /// It holds what it cannot.
    Malformed,
}

impl Found {
    fn named(self, name: String, carries: bool) -> Option<wit::Redirection> {
        let origin = match self {
            Self::Nothing => return None,
            Self::Origin(origin) => Some(origin),
            Self::Malformed => None,
        };
        Some(wit::Redirection {
            name,
            origin,
            carries,
        })
    }
}

impl Row {
    fn origin(&self, value: &str) -> Found {
        let text = match self.holds {
            Holds::Url => value.to_owned(),
            Holds::UrlOrHost if value.contains("://") => value.to_owned(),
            Holds::UrlOrHost => format!("https://{value}"),
            Holds::Host => format!("http://{value}"),
            Holds::Domain(_) if value == "googleapis.com" => return Found::Nothing,
            Holds::Domain(host) => format!("https://{host}.{value}"),
            Holds::Path if value.starts_with('/') => return Found::Nothing,
            // What a region will be is not known before, and every region is
            // judged as one.
            Holds::Label if is_label(value) => return Found::Nothing,
            Holds::Path | Holds::Label => return Found::Malformed,
        };
        let Ok(origin) = endpoint::origin(&text) else {
            return Found::Malformed;
        };
        let is_own = self.own.contains(&origin.as_str());
        if is_own || (self.moves == Moves::Metadata && is_near(&origin)) {
            return Found::Nothing;
        }
        Found::Origin(origin)
    }
}

/// Whether the origin is on this machine, or has an address or a name that no
/// router passes on.
fn is_near(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
        Some(Host::Ipv6(address)) => {
            let first = address.segments()[0];
            // Amazon's own: <https://docs.aws.amazon.com/vpc/latest/userguide/>
            let amazons = address.segments()[..2] == [0xfd00, 0x0ec2];
            address.is_loopback() || first & 0xffc0 == 0xfe80 || amazons
        }
        Some(Host::Domain(name)) => {
            matches!(name, "localhost" | "metadata" | "metadata.google.internal")
        }
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_contract::samples;

    fn seen_by(provider: &str, pairs: &[(&str, &str)]) -> Vec<(String, Option<String>, bool)> {
        let cloud = samples::cloud(provider, None);
        let source = samples::source(wit::Kind::Cloud(cloud.clone()));
        let world = pairs.iter().fold(Ambient::empty(), |world, (name, value)| {
            world.with_variable(*name, *value)
        });
        seen(&source, &cloud, &world, &[])
            .into_iter()
            .map(|one| (one.name, one.origin, one.carries))
            .collect()
    }

    fn moved(name: &str, origin: &str, carries: bool) -> (String, Option<String>, bool) {
        (name.to_owned(), Some(origin.to_owned()), carries)
    }

    #[test]
    fn a_variable_of_one_service_goes_before_the_one_of_all() {
        assert_eq!(
            seen_by(
                "bedrock",
                &[
                    ("AWS_ENDPOINT_URL", "https://all.example/x"),
                    ("AWS_ENDPOINT_URL_STS", "https://sts.example"),
                    ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", "https://one.example/y"),
                    ("AWS_ENDPOINT_URL_SSO", " "),
                    ("AWS_REGION", "eu-central-1"),
                ],
            ),
            [
                moved(
                    "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
                    "https://one.example",
                    true
                ),
                moved("AWS_ENDPOINT_URL", "https://all.example", true),
                moved("AWS_ENDPOINT_URL_STS", "https://sts.example", false),
            ]
        );
    }

    #[test]
    fn what_is_switched_off_is_not_seen_and_taken_away() {
        let url = ("AWS_ENDPOINT_URL_STS", "https://sts.example");
        assert_eq!(seen_by("bedrock", &[url, (IGNORE, "True")]), []);
        assert_eq!(seen_by("bedrock", &[url, (IGNORE, "1")]).len(), 1);
        let world = Ambient::empty()
            .with_variable(url.0, url.1)
            .with_variable(IGNORE, "true");
        let cloud = samples::cloud("bedrock", None);
        assert_eq!(ignored(&cloud, &world), ["AWS_ENDPOINT_URL_STS"]);
    }

    #[test]
    fn what_is_on_the_machine_or_the_providers_own_moves_nothing() {
        for (provider, name, value) in [
            (
                "bedrock",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://169.254.170.23/v1/credentials",
            ),
            (
                "bedrock",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://[fd00:ec2::23]/v1",
            ),
            (
                "bedrock",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://localhost:8080/role",
            ),
            (
                "bedrock",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "/v2/credentials/x",
            ),
            (
                "bedrock",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                "http://[fd00:ec2::254]",
            ),
            ("vertex", "GCE_METADATA_HOST", "metadata.google.internal"),
            ("vertex", "GCE_METADATA_HOST", "127.0.0.1:8080"),
            ("vertex", "GOOGLE_CLOUD_UNIVERSE_DOMAIN", "googleapis.com"),
            ("vertex", "VERTEX_REGION_CLAUDE_4_0_SONNET", "europe-west1"),
            (
                "foundry",
                "IDENTITY_ENDPOINT",
                "http://localhost:40342/token",
            ),
            (
                "foundry",
                "AZURE_AUTHORITY_HOST",
                "https://login.microsoftonline.us/",
            ),
            (
                "foundry",
                "AZURE_AUTHORITY_HOST",
                "login.microsoftonline.com",
            ),
        ] {
            assert_eq!(seen_by(provider, &[(name, value)]), [], "{name}={value}");
        }
    }

    #[test]
    fn what_would_go_elsewhere_is_named_with_its_origin() {
        for (provider, name, value, origin) in [
            (
                "bedrock",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "https://evil.example/x",
                "https://evil.example",
            ),
            (
                "bedrock",
                "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                "http://evil.example",
                "http://evil.example",
            ),
            (
                "vertex",
                "GCE_METADATA_HOST",
                "evil.example:81",
                "http://evil.example:81",
            ),
            (
                "vertex",
                "CLOUDSDK_AUTH_TOKEN_HOST",
                "https://evil.example/token",
                "https://evil.example",
            ),
            (
                "foundry",
                "AZURE_AUTHORITY_HOST",
                "evil.example",
                "https://evil.example",
            ),
            (
                "foundry",
                "IDENTITY_ENDPOINT",
                "http://10.0.0.1/token",
                "http://10.0.0.1",
            ),
        ] {
            assert_eq!(
                seen_by(provider, &[(name, value)]),
                [moved(name, origin, false)]
            );
        }
        let domain = ("GOOGLE_CLOUD_UNIVERSE_DOMAIN", "evil.example");
        assert_eq!(
            seen_by("vertex", &[domain]),
            [moved(domain.0, "https://aiplatform.evil.example", true)]
        );
    }

    #[test]
    fn what_can_be_no_place_is_malformed() {
        for (provider, name, value) in [
            ("bedrock", "AWS_ENDPOINT_URL", "evil.example"),
            ("bedrock", "AWS_ENDPOINT_URL", "https://user@evil.example"),
            (
                "bedrock",
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "@evil.example/",
            ),
            ("vertex", "VERTEX_REGION_CLAUDE_4_0_SONNET", "evil.example/"),
            ("vertex", "GCE_METADATA_HOST", "127.0.0.1@evil.example"),
            ("vertex", "GOOGLE_CLOUD_UNIVERSE_DOMAIN", "x@evil.example"),
        ] {
            let seen = seen_by(provider, &[(name, value)]);
            assert_eq!(seen.len(), 1, "{name}={value}");
            assert_eq!(seen[0].1, None, "{name}={value}");
        }
    }

    #[test]
    fn what_the_contract_follows_is_its_destination_and_no_redirection() {
        let cloud = samples::cloud("bedrock", None);
        let mut source = samples::source(wit::Kind::Cloud(cloud.clone()));
        let world =
            Ambient::empty().with_variable("ANTHROPIC_BEDROCK_BASE_URL", "https://a.example");
        assert_eq!(seen(&source, &cloud, &world, &[]).len(), 1);
        source.endpoint = source.endpoint.map(|endpoint| wit::Endpoint {
            variable: Some("ANTHROPIC_BEDROCK_BASE_URL".to_owned()),
            ..endpoint
        });
        assert_eq!(seen(&source, &cloud, &world, &[]), []);
    }

    #[test]
    fn a_setting_is_judged_as_its_variable_and_after_all_variables() {
        let setting = |variable: &str, value: &str, carries| EndpointSetting {
            name: format!("`key` for {variable} in `file`"),
            variable: variable.to_owned(),
            value: value.to_owned(),
            carries,
        };
        let settings = [
            setting(
                "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                "http://169.254.169.254",
                false,
            ),
            setting("AWS_ENDPOINT_URL_STS", "sts.example", false),
            setting("AWS_ENDPOINT_URL", "https://all.example/x", true),
        ];
        let cloud = samples::cloud("bedrock", None);
        let source = samples::source(wit::Kind::Cloud(cloud.clone()));
        let world = Ambient::empty();
        let there = seen(&source, &cloud, &world, &settings);
        let names: Vec<_> = there.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "`key` for AWS_ENDPOINT_URL_STS in `file`",
                "`key` for AWS_ENDPOINT_URL in `file`",
            ]
        );
        assert_eq!(there[0].origin, None);
        assert_eq!(there[1].origin.as_deref(), Some("https://all.example"));
        assert_eq!(
            url(&there, &world, &settings),
            Some("https://all.example/x")
        );
        let world = world.with_variable("AWS_ENDPOINT_URL", "https://one.example/y");
        let there = seen(&source, &cloud, &world, &settings);
        assert_eq!(
            url(&there, &world, &settings),
            Some("https://one.example/y")
        );
    }
}
