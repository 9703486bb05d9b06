//! Reads the keys of a cloud provider: how it is selected, what its credentials
//! are searched with, and where they may be sent.

use crate::kind::{self, KindParts};
use crate::reader::{Placed, Reader, Table, listed};
use crate::wit::{Cloud, Kind, Setting};

pub(crate) const KEYS: [&str; 15] = [
    "provider",
    "flag",
    "select",
    "set",
    "skip-auth",
    "bearer-token",
    "api-key",
    "region",
    "project",
    "resource",
    "service",
    "auth-refresh",
    "credential-export",
    "from",
    "timeout",
];

/// A provider that Keyrule knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provider {
    Bedrock,
    Vertex,
    Foundry,
}

const PROVIDERS: [(&str, Provider); 3] = [
    ("bedrock", Provider::Bedrock),
    ("vertex", Provider::Vertex),
    ("foundry", Provider::Foundry),
];

/// Keys that not every provider has.
const OF_SOME: [(&str, &[&str]); 7] = [
    ("bearer-token", &["bedrock", "foundry"]),
    ("api-key", &["foundry"]),
    ("region", &["bedrock", "vertex"]),
    ("project", &["vertex"]),
    ("resource", &["foundry"]),
    ("service", &["bedrock"]),
    ("credential-export", &["bedrock"]),
];

impl Provider {
    /// The provider of a source.
    pub(crate) fn of(cloud: &Cloud) -> Option<Self> {
        PROVIDERS
            .iter()
            .find(|(name, _)| *name == cloud.provider)
            .map(|(_, provider)| *provider)
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Bedrock => "Amazon Bedrock",
            Self::Vertex => "Google Vertex AI",
            Self::Foundry => "Microsoft Foundry",
        }
    }

    fn name(self) -> &'static str {
        PROVIDERS
            .iter()
            .find(|(_, provider)| *provider == self)
            .map_or("", |(name, _)| name)
    }

    fn export_words(self) -> &'static [&'static str] {
        match self {
            Self::Bedrock => &[
                "secret",
                "endpoint",
                "access-key-id",
                "secret-access-key",
                "session-token",
                "region",
            ],
            Self::Vertex => &["secret", "endpoint", "region", "project"],
            Self::Foundry => &["secret", "endpoint", "resource"],
        }
    }

    fn endpoint_words(self) -> &'static [&'static str] {
        match self {
            Self::Bedrock => &["region"],
            Self::Vertex => &["region", "project"],
            Self::Foundry => &["resource"],
        }
    }
}

pub(crate) fn read(reader: &mut Reader<'_>, table: Table<'_>, parts: &mut KindParts) -> Option<()> {
    let provider = reader.word(table, "provider", &PROVIDERS);
    let provider = reader.require(
        table,
        "provider",
        provider,
        "add `provider = \"bedrock\"`, `\"vertex\"` or `\"foundry\"`",
    );
    let flag = flag(reader, table, parts);
    let set = kind::pairs(reader, table, "set", &[]);
    parts.takes_headers = false;
    if let Some(at) = reader.key_at(table, "headers") {
        reader.error(
            "headers-of-a-cloud",
            "a cloud provider says itself how its credentials are sent",
            at,
            "remove `headers`",
        );
    }
    let skip_auth = kind::variable(reader, table, "skip-auth");
    let bearer_token = kind::variable(reader, table, "bearer-token");
    let api_key = kind::variable(reader, table, "api-key");
    let resource = kind::variables(reader, table, "resource");
    let (auth_refresh, credential_export) = settings(reader, table, parts);
    let timeout_ms = kind::timeout(reader, table);
    let provider = provider?.value;
    foreign_keys(reader, table, provider);
    let (region, project, service) = match provider {
        Provider::Bedrock => (
            kind::signing_region(reader, table),
            Vec::new(),
            Some(kind::service(reader, table)),
        ),
        Provider::Vertex => {
            let usual = ["GCLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT"];
            (
                kind::variables(reader, table, "region"),
                kind::variables_or(reader, table, "project", &usual),
                None,
            )
        }
        Provider::Foundry => (Vec::new(), Vec::new(), None),
    };
    parts.description = provider.title().to_owned();
    parts.export_words = provider.export_words();
    parts.endpoint_words = provider.endpoint_words();
    parts.kind = Kind::Cloud(Cloud {
        provider: provider.name().to_owned(),
        flag: if parts.by_flag { Some(flag?) } else { None },
        set,
        skip_auth,
        bearer_token,
        api_key,
        region,
        project,
        resource,
        service,
        auth_refresh,
        credential_export,
        timeout_ms,
    });
    Some(())
}

/// The variable that selects it, unless the policy itself does.
fn flag(reader: &mut Reader<'_>, table: Table<'_>, parts: &mut KindParts) -> Option<String> {
    let select = reader.word(table, "select", &[("flag", false), ("always", true)]);
    let always = select.is_some_and(|select| select.value);
    parts.by_flag = !always;
    let flag = kind::variable(reader, table, "flag");
    if !always {
        reader.require(
            table,
            "flag",
            flag.as_ref(),
            "name the variable that selects it: `flag = \"…\"`, or say `select = \"always\"`",
        );
    } else if flag.is_some() {
        reader.error(
            "flag-without-use",
            "`flag` says nothing where `select` is `always`",
            table.at,
            "remove one of them",
        );
    }
    flag
}

/// The settings whose commands fetch credentials: one that refreshes them, and
/// one that prints them.
fn settings(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    parts: &mut KindParts,
) -> (Option<Setting>, Option<Setting>) {
    let keys = ["auth-refresh", "credential-export"];
    let from = reader.strings(table, "from");
    if keys.iter().any(|key| table.entries.contains_key(*key)) {
        reader.require(
            table,
            "from",
            from.as_ref(),
            "list the settings files that count: `from = [\"user-settings\"]`",
        );
    } else if from.is_some() {
        reader.error(
            "from-without-setting",
            "`from` says where `auth-refresh` and `credential-export` are looked for, and neither is there",
            table.at,
            "remove `from`, or name one of the settings",
        );
    }
    let from = from.map_or_else(Vec::new, |from| from.value);
    let setting = |key: Option<Placed<String>>| {
        key.map(|key| Setting {
            key: key.value,
            from: from.iter().map(|name| name.value.clone()).collect(),
        })
    };
    let [refresh, export] = keys.map(|key| setting(reader.string(table, key)));
    parts.from = from.into_iter().map(|name| (name.value, name.at)).collect();
    (refresh, export)
}

/// Keys that belong to other providers, with those that have them.
fn foreign_keys(reader: &mut Reader<'_>, table: Table<'_>, provider: Provider) {
    for (key, of) in OF_SOME {
        if of.contains(&provider.name()) {
            continue;
        }
        if let Some(at) = reader.key_at(table, key) {
            reader.error(
                "key-of-another-provider",
                format!("`{key}` is for {}, and the provider is another", listed(of)),
                at,
                format!("remove `{key}`"),
            );
        }
    }
}
