//! The ways to a token of Entra ID. What goes in are variables; what comes
//! out are the ways that are to be tried, in order, or which variable is not
//! as it must be.

use std::path::PathBuf;

use url::Url;

use super::tool::Tool;
use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_credential::secret::Secret;
use keyrule_system::environment::Ambient;

/// A way to a token.
#[derive(Debug)]
pub(super) enum Way {
    /// An application's own secret.
    ClientSecret {
        /// The tenant.
        tenant: String,
        /// The application.
        client: String,
        /// Its secret.
        secret: Secret,
    },
    /// A token of another issuer, such as a cluster's, in a file.
    Workload {
        /// The tenant.
        tenant: String,
        /// The application.
        client: String,
        /// Where the token is.
        file: PathBuf,
    },
    /// A managed identity of App Service, Functions or Container Apps.
    AppService {
        /// Who is asked.
        endpoint: Url,
        /// Which identity, where there are more.
        client: Option<String>,
    },
    /// A managed identity of a virtual machine.
    MetadataServer {
        /// Which identity, where there are more.
        client: Option<String>,
    },
    /// A managed identity that the crate does not know.
    Unsupported {
        /// Whose.
        what: &'static str,
        /// The variable that says so.
        by: &'static str,
    },
    /// A developer's tool.
    Tool(Tool),
}

impl Way {
    /// Whether the variables say that this way and no other counts.
    pub(super) const fn is_certain(&self) -> bool {
        !matches!(self, Self::MetadataServer { .. } | Self::Tool(_))
    }

    /// Whose the token is.
    pub(super) fn account(&self) -> Option<String> {
        let shown = |client: &String| is_id(client).then(|| client.clone());
        let managed = |client: &Option<String>| match client.as_ref().and_then(shown) {
            Some(client) => format!("managed identity {client}"),
            None => "managed identity".to_owned(),
        };
        match self {
            Self::ClientSecret { client, .. } | Self::Workload { client, .. } => shown(client),
            Self::AppService { client, .. } | Self::MetadataServer { client } => {
                Some(managed(client))
            }
            Self::Tool(tool) => Some(tool.title().to_owned()),
            Self::Unsupported { .. } => None,
        }
    }

    /// How it is found.
    pub(super) fn words(&self) -> String {
        match self {
            Self::ClientSecret { .. } => "by `AZURE_CLIENT_SECRET`".to_owned(),
            Self::Workload { .. } => "by `AZURE_FEDERATED_TOKEN_FILE`".to_owned(),
            Self::AppService { .. } => "by `IDENTITY_ENDPOINT`".to_owned(),
            Self::MetadataServer { .. } => "by the metadata server".to_owned(),
            Self::Unsupported { by, .. } => format!("by `{by}`"),
            Self::Tool(tool) => format!("by `{}`", tool.program()),
        }
    }

    /// Who answers.
    pub(super) fn name(&self) -> String {
        match self {
            Self::ClientSecret { .. } | Self::Workload { .. } => "Entra ID".to_owned(),
            Self::AppService { .. } => "the endpoint of `IDENTITY_ENDPOINT`".to_owned(),
            Self::MetadataServer { .. } => "the metadata server".to_owned(),
            Self::Unsupported { what, .. } => (*what).to_owned(),
            Self::Tool(tool) => format!("`{}`", tool.program()),
        }
    }
}

/// The variable that picks some of the ways, as Azure's SDKs know it.
const CREDENTIALS: &str = "AZURE_TOKEN_CREDENTIALS";

/// The ways, by the names that Azure's SDKs have for them, in their order, and
/// whether they are for production or for developers.
const KNOWN: [(&str, &str); 5] = [
    ("EnvironmentCredential", "prod"),
    ("WorkloadIdentityCredential", "prod"),
    ("ManagedIdentityCredential", "prod"),
    ("AzureCliCredential", "dev"),
    ("AzureDeveloperCliCredential", "dev"),
];

/// Names that Azure's SDKs know besides, of which none can be asked here.
const UNKNOWN: [&str; 5] = [
    "AzurePowerShellCredential",
    "BrokerCredential",
    "InteractiveBrowserCredential",
    "VisualStudioCodeCredential",
    "VisualStudioCredential",
];

/// The ways that the variables leave, in order.
pub(super) fn ways(world: &Ambient) -> Result<Vec<Way>, Failure> {
    let picked = text(world, CREDENTIALS)?;
    let picked = picked.as_deref();
    if let Some(picked) = picked {
        known(picked)?;
    }
    let mut ways = Vec::new();
    for (name, kind) in KNOWN {
        let wanted =
            |picked: &str| picked.eq_ignore_ascii_case(kind) || picked.eq_ignore_ascii_case(name);
        if !picked.is_none_or(wanted) {
            continue;
        }
        let way = match name {
            "EnvironmentCredential" => environment(world)?,
            "WorkloadIdentityCredential" => workload(world)?,
            "ManagedIdentityCredential" => managed(world)?,
            "AzureCliCredential" => Some(Way::Tool(Tool::Az)),
            _ => Some(Way::Tool(Tool::Azd)),
        };
        let Some(way) = way else { continue };
        let is_certain = way.is_certain();
        ways.push(way);
        if is_certain {
            break;
        }
    }
    match picked.filter(|_| ways.is_empty()) {
        None => Ok(ways),
        Some(_) => {
            let words =
                format!("the variables of the credential that `{CREDENTIALS}` names are not set");
            Err(Failure::new(wit::FailureKind::NoCredentials, words).in_place(CREDENTIALS))
        }
    }
}

fn known(picked: &str) -> Result<(), Failure> {
    let is = |name: &&str| picked.eq_ignore_ascii_case(name);
    if KNOWN.iter().any(|(name, kind)| is(name) || is(kind)) {
        return Ok(());
    }
    let words = match UNKNOWN.iter().find(|name| is(name)) {
        Some(name) => format!("`{CREDENTIALS}` names `{name}`, which cannot be asked here"),
        None => format!(
            "`{CREDENTIALS}` is not `prod`, `dev` or the name of a credential such as \
             `AzureCliCredential`"
        ),
    };
    Err(Failure::new(wit::FailureKind::Invalid, words).in_place(CREDENTIALS))
}

fn environment(world: &Ambient) -> Result<Option<Way>, Failure> {
    const SECRET: &str = "AZURE_CLIENT_SECRET";
    const CERTIFICATE: &str = "AZURE_CLIENT_CERTIFICATE_PATH";
    let Some(secret) = text(world, SECRET)? else {
        return Ok(text(world, CERTIFICATE)?.map(|_| Way::Unsupported {
            what: "a client certificate",
            by: CERTIFICATE,
        }));
    };
    Ok(Some(Way::ClientSecret {
        tenant: needed(world, "AZURE_TENANT_ID", SECRET)?,
        client: needed(world, "AZURE_CLIENT_ID", SECRET)?,
        secret: Secret::new(secret),
    }))
}

fn workload(world: &Ambient) -> Result<Option<Way>, Failure> {
    const FILE: &str = "AZURE_FEDERATED_TOKEN_FILE";
    let Some(file) = world.variable(FILE).filter(|file| !file.is_empty()) else {
        return Ok(None);
    };
    Ok(Some(Way::Workload {
        tenant: needed(world, "AZURE_TENANT_ID", FILE)?,
        client: needed(world, "AZURE_CLIENT_ID", FILE)?,
        file: PathBuf::from(file),
    }))
}

fn managed(world: &Ambient) -> Result<Option<Way>, Failure> {
    const ENDPOINT: &str = "IDENTITY_ENDPOINT";
    let has = |name| Ok::<_, Failure>(text(world, name)?.is_some());
    let client = id(world, "AZURE_CLIENT_ID")?;
    let unsupported = |what, by| Ok(Some(Way::Unsupported { what, by }));
    if let Some(endpoint) = text(world, ENDPOINT)? {
        if has("IDENTITY_HEADER")? {
            if has("IDENTITY_SERVER_THUMBPRINT")? {
                let what = "a managed identity of Service Fabric";
                return unsupported(what, "IDENTITY_SERVER_THUMBPRINT");
            }
            let endpoint = url(&endpoint, ENDPOINT)?;
            return Ok(Some(Way::AppService { endpoint, client }));
        }
        if has("IMDS_ENDPOINT")? {
            return unsupported("a managed identity of Azure Arc", "IMDS_ENDPOINT");
        }
    } else if has("MSI_ENDPOINT")? {
        if has("MSI_SECRET")? {
            return unsupported("a managed identity of Azure ML", "MSI_SECRET");
        }
        // Cloud Shell, where `az` is the same user.
        return Ok(None);
    }
    Ok(Some(Way::MetadataServer { client }))
}

/// What a variable holds, where it holds something.
pub(super) fn text(world: &Ambient, name: &str) -> Result<Option<String>, Failure> {
    let Some(value) = world.variable(name) else {
        return Ok(None);
    };
    let Some(value) = value.to_str() else {
        let words = format!("`{name}` is not UTF-8");
        return Err(Failure::new(wit::FailureKind::Invalid, words).in_place(name));
    };
    let value = value.trim_ascii();
    Ok((!value.is_empty()).then(|| value.to_owned()))
}

/// What a variable must hold where another one is set.
fn needed(world: &Ambient, name: &str, other: &str) -> Result<String, Failure> {
    id(world, name)?.ok_or_else(|| {
        let words = format!("`{other}` is set, and `{name}` is not: set both, or neither");
        Failure::new(wit::FailureKind::Invalid, words).in_place(name)
    })
}

/// The id of a tenant or an application.
fn id(world: &Ambient, name: &str) -> Result<Option<String>, Failure> {
    match text(world, name)? {
        Some(value) if !is_id(&value) => {
            let words = format!("`{name}` is not an id or the name of a domain");
            Err(Failure::new(wit::FailureKind::Invalid, words).in_place(name))
        }
        found => Ok(found),
    }
}

fn is_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
}

/// A variable that holds a URL.
pub(super) fn url(text: &str, name: &str) -> Result<Url, Failure> {
    Url::parse(text).map_err(|_| {
        let words = format!("`{name}` is not a URL");
        Failure::new(wit::FailureKind::Invalid, words).in_place(name)
    })
}
