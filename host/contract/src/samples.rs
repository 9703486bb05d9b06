//! Contracts for the tests of the sources: the least that is one.

use crate as wit;

/// A source named `sample` of this kind, whose endpoint follows `BASE_URL`.
pub fn source(kind: wit::Kind) -> wit::Source {
    wit::Source {
        id: "sample".to_owned(),
        description: "a sample".to_owned(),
        kind,
        reads: String::new(),
        headers: vec![wit::Pair {
            name: "X-Api-Key".to_owned(),
            text: "{secret}".to_owned(),
        }],
        export: Vec::new(),
        endpoint: Some(wit::Endpoint {
            default: "https://api.test".to_owned(),
            variable: Some("BASE_URL".to_owned()),
        }),
        needs_consent: false,
        keep_as: None,
        location: wit::Location {
            path: "sample.toml".to_owned(),
            line: 1,
            column: 1,
            offset: 0,
            length: 0,
        },
    }
}

/// The same path on every system.
pub fn everywhere(path: &str) -> wit::Paths {
    wit::Paths {
        linux: path.to_owned(),
        macos: path.to_owned(),
        windows: path.to_owned(),
    }
}

/// A policy for a tool whose folder is `~/.sample`, or where `SAMPLE_FOLDER`
/// says.
pub fn info() -> wit::PolicyInfo {
    wit::PolicyInfo {
        name: "sample".to_owned(),
        description: "a sample".to_owned(),
        tool: wit::Tool {
            name: Some("Sample".to_owned()),
            folder: Some(wit::Folder {
                variable: Some("SAMPLE_FOLDER".to_owned()),
                default: everywhere("~/.sample"),
            }),
            settings: Vec::new(),
            sources: Vec::new(),
            items: Vec::new(),
        },
        storage: wit::Storage {
            store: None,
            fallback: None,
        },
        cleared_variables: Vec::new(),
        hidden_variables: Vec::new(),
        override_component: None,
        allow_unmanaged: None,
        documents: Vec::new(),
        warnings: Vec::new(),
    }
}

/// A stored key that no login brings.
pub fn stored_key(name: &str) -> wit::StoredKey {
    wit::StoredKey {
        name: name.to_owned(),
        issuer: None,
        organization_claim: None,
    }
}

/// A cloud provider of which the contract names no variable but the flag.
pub fn cloud(provider: &str, flag: Option<&str>) -> wit::Cloud {
    wit::Cloud {
        provider: provider.to_owned(),
        flag: flag.map(str::to_owned),
        set: Vec::new(),
        skip_auth: None,
        bearer_token: None,
        api_key: None,
        region: Vec::new(),
        project: Vec::new(),
        resource: Vec::new(),
        service: None,
        auth_refresh: None,
        credential_export: None,
        timeout_ms: 60_000,
    }
}

/// A login with an issuer at `https://login.test`.
pub fn login(name: &str) -> wit::Login {
    wit::Login {
        name: name.to_owned(),
        issuer: issuer("https://login.test"),
        organization_claim: None,
    }
}

/// An issuer that is asked where it answers.
pub fn issuer(url: &str) -> wit::Issuer {
    wit::Issuer {
        id: "test".to_owned(),
        url: url.to_owned(),
        client_id: "cli".to_owned(),
        endpoints: None,
        scopes: vec!["openid".to_owned()],
        parameters: Vec::new(),
        redirect_host: "127.0.0.1".to_owned(),
        redirect_port: None,
        redirect_path: "/callback".to_owned(),
        key: None,
    }
}
