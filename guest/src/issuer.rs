//! Reads `[[issuer]]`, who a login is made with, and `[storage]`, where its
//! tokens are stored.

use crate::kind;
use crate::origin::{self, Pattern};
use crate::reader::{Placed, Reader, Table};
use crate::rule::Allowed;
use crate::source;
use crate::wit::{Issuer, IssuerEndpoints, KeyRequest, Storage, StoreKind};

/// An issuer, and which origins its logins may follow a variable to (S4).
#[derive(Debug, Clone)]
pub(crate) struct Declared {
    pub issuer: Issuer,
    pub origins: Option<Allowed<Pattern>>,
}

/// The issuers of a policy.
#[derive(Debug, Default)]
pub(crate) struct Issuers {
    pub declared: Vec<Declared>,
    /// Ids of those with a fault, which is reported where it is and not again
    /// at every source that names one.
    broken: Vec<String>,
}

impl Issuers {
    /// The issuer of this id.
    pub(crate) fn named(&self, id: &str) -> Option<&Declared> {
        self.declared.iter().find(|other| other.issuer.id == id)
    }

    /// Whether there is one of this id that could not be read.
    pub(crate) fn has_broken(&self, id: &str) -> bool {
        self.broken.iter().any(|broken| broken == id)
    }
}

const KEYS: [&str; 9] = [
    "id",
    "url",
    "client-id",
    "scopes",
    "endpoints",
    "parameters",
    "redirect",
    "origins",
    "key",
];

/// Reads every `[[issuer]]`.
pub(crate) fn issuers(reader: &mut Reader<'_>, top: Table<'_>) -> Issuers {
    let mut issuers = Issuers::default();
    for table in reader.tables(top, "issuer", "an `[[issuer]]`") {
        let Some((id, issuer)) = issuer(reader, table) else {
            issuers.broken.extend(reader.text(table, "id"));
            continue;
        };
        if issuers.named(&issuer.issuer.id).is_some() {
            reader.error(
                "duplicate-id",
                format!("two issuers have the id `{}`", issuer.issuer.id),
                id.at,
                "rename one of them",
            );
        }
        issuers.declared.push(issuer);
    }
    issuers
}

fn issuer(reader: &mut Reader<'_>, table: Table<'_>) -> Option<(Placed<String>, Declared)> {
    reader.known(table, &KEYS);
    let id = reader.string(table, "id");
    let id = reader.require(table, "id", id, "give it an id: `id = \"acme\"`");
    if let Some(id) = &id {
        source::checked_id(reader, id);
    }
    let address = url(reader, table, "url");
    let address = reader.require(
        table,
        "url",
        address,
        "name the issuer: `url = \"https://login.example.com\"`",
    );
    if let Some(found) = &address
        && found.value.contains(['?', '#'])
    {
        // RFC 8414, section 2.
        reader.error(
            "bad-origin",
            "the identifier of an issuer has no query and no fragment",
            found.at,
            "write for example `https://login.example.com`",
        );
    }
    let client_id = reader.string(table, "client-id");
    let client_id = reader.require(
        table,
        "client-id",
        client_id,
        "write the client id that the issuer gave you: `client-id = \"…\"`",
    );
    let scopes = reader.strings(table, "scopes");
    let endpoints = endpoints(reader, table);
    let parameters = kind::pairs(reader, table, "parameters", &[]);
    let redirect = redirect(reader, table);
    let origins = source::patterns(reader, table, "origins");
    let key = key(reader, table);
    let id = id?;
    let declared = Declared {
        issuer: Issuer {
            id: id.value.clone(),
            url: address?.value,
            client_id: client_id?.value,
            endpoints,
            scopes: scopes.map_or_else(Vec::new, |scopes| {
                scopes.value.into_iter().map(|scope| scope.value).collect()
            }),
            parameters,
            redirect_host: redirect.host.to_owned(),
            redirect_port: redirect.port,
            redirect_path: redirect.path,
            key,
        },
        origins,
    };
    Some((id, declared))
}

/// A URL that a credential or a browser is sent to.
fn url(reader: &mut Reader<'_>, table: Table<'_>, key: &str) -> Option<Placed<String>> {
    let url = reader.string(table, key)?;
    if let Err(fault) = origin::of_url(&url.value) {
        reader.error(
            "bad-origin",
            format!("`{key}` is no URL to use: {fault}"),
            url.at,
            "write for example `https://login.example.com/token`",
        );
    }
    Some(url)
}

/// Where it answers, where it is not asked for that itself.
fn endpoints(reader: &mut Reader<'_>, table: Table<'_>) -> Option<IssuerEndpoints> {
    let inner = reader.table(table, "endpoints", "an issuer's `endpoints`")?;
    reader.known(
        inner,
        &[
            "authorization",
            "device",
            "token",
            "revocation",
            "introspection",
            "userinfo",
        ],
    );
    let token = url(reader, inner, "token");
    let token = reader.require(
        inner,
        "token",
        token,
        "say where tokens come from: `token = \"https://…\"`",
    );
    let mut other = |key| url(reader, inner, key).map(|url| url.value);
    Some(IssuerEndpoints {
        authorization: other("authorization"),
        device: other("device"),
        revocation: other("revocation"),
        introspection: other("introspection"),
        userinfo: other("userinfo"),
        token: token?.value,
    })
}

struct Redirect {
    host: &'static str,
    port: Option<u16>,
    path: String,
}

/// Where the browser comes back to (RFC 8252, section 7.3).
fn redirect(reader: &mut Reader<'_>, table: Table<'_>) -> Redirect {
    let mut redirect = Redirect {
        host: "127.0.0.1",
        port: None,
        path: "/callback".to_owned(),
    };
    let Some(inner) = reader.table(table, "redirect", "an issuer's `redirect`") else {
        return redirect;
    };
    reader.known(inner, &["host", "port", "path"]);
    let hosts = [
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "[::1]"),
        ("localhost", "localhost"),
    ];
    if let Some(host) = reader.word(inner, "host", &hosts) {
        redirect.host = host.value;
    }
    redirect.port = reader.port(inner, "port").map(|port| port.value);
    if let Some(path) = reader.string(inner, "path") {
        let valid = path.value.starts_with('/')
            && path.value.len() <= 128
            && path
                .value
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte));
        if !valid {
            reader.error(
                "bad-path",
                "the `path` of a redirect begins with `/` and has letters, digits and `-._~` in it",
                path.at,
                "write for example `path = \"/callback\"`",
            );
        }
        redirect.path = path.value;
    }
    redirect
}

/// The key that a login ends in.
fn key(reader: &mut Reader<'_>, table: Table<'_>) -> Option<KeyRequest> {
    let inner = reader.table(table, "key", "an issuer's `key`")?;
    reader.known(inner, &["url", "field"]);
    let address = url(reader, inner, "url");
    let address = reader.require(
        inner,
        "url",
        address,
        "say where the key is asked for: `url = \"https://…\"`",
    );
    let field = reader.string(inner, "field");
    let field = reader.require(
        inner,
        "field",
        field,
        "name the field of the answer that holds it: `field = \"key\"`",
    );
    Some(KeyRequest {
        url: address?.value,
        field: field?.value,
    })
}

/// `[storage]`: where keys and logins are stored.
pub(crate) fn storage(reader: &mut Reader<'_>, top: Table<'_>) -> Placed<Storage> {
    let mut storage = Storage {
        store: None,
        fallback: None,
    };
    let Some(table) = reader.table(top, "storage", "`[storage]`") else {
        return Placed {
            value: storage,
            at: top.at,
        };
    };
    reader.known(table, &["store", "fallback"]);
    let kinds = [("keyring", StoreKind::Keyring), ("file", StoreKind::File)];
    let store = reader.word(table, "store", &kinds);
    let store = reader.require(
        table,
        "store",
        store,
        "say where they are kept: `store = \"keyring\"` or `\"file\"`",
    );
    let fallback = reader.word(table, "fallback", &kinds);
    if let (Some(store), Some(fallback)) = (&store, &fallback)
        && store.value == fallback.value
    {
        reader.error(
            "same-store",
            "`fallback` names the store that it would stand in for",
            fallback.at,
            "remove it, or name the other one",
        );
    }
    storage.store = store.map(|store| store.value);
    storage.fallback = fallback.map(|store| store.value);
    Placed {
        value: storage,
        at: table.at,
    }
}
