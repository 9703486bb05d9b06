//! Reads the keys that belong to one kind of source: what the source reads.

use crate::issuer::Issuers;
use crate::reader::{Reader, Table, listed, nearest};
use crate::text::At;
use crate::wit::{Folder, Issuer, Kind, Login, Pair, Paths, StoredKey, ToolOwned};
use crate::{cloud, helper};

/// A source's kind, and what else its table says that only this kind has.
#[derive(Debug)]
pub(crate) struct KindParts {
    pub kind: Kind,
    pub description: String,
    pub keep_as: Option<(String, At)>,
    pub ttl_ms: u64,
    pub ttl_limit: Option<u64>,
    pub by_flag: bool,
    /// Names of settings files, to be checked against those that exist.
    pub from: Vec<(String, At)>,
    /// What braces can hold in a text of `export`.
    pub export_words: &'static [&'static str],
    /// What braces can hold in the endpoint's default.
    pub endpoint_words: &'static [&'static str],
    /// Whether `headers` say how it is sent; else what is fetched says so.
    pub takes_headers: bool,
}

const KINDS: [(&str, Word); 7] = [
    ("environment", Word::Environment),
    ("helper", Word::Helper),
    ("tool-login", Word::ToolOwned),
    ("supplied", Word::Supplied),
    ("stored-key", Word::StoredKey),
    ("login", Word::Login),
    ("cloud", Word::Cloud),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Environment,
    Helper,
    ToolOwned,
    Supplied,
    StoredKey,
    Login,
    Cloud,
}

/// What every source can have.
const COMMON: [&str; 10] = [
    "id",
    "kind",
    "surfaces",
    "description",
    "headers",
    "export",
    "endpoint",
    "consent",
    "on-failure",
    "clear",
];

const DEFAULT_TTL_MS: u64 = 5 * 60_000;
const DEFAULT_TIMEOUT_MS: u64 = 60_000;

/// Every word that braces can hold in a text of some source's `export`.
pub(crate) const EXPORT_WORDS: [&str; 8] = [
    "secret",
    "endpoint",
    "access-key-id",
    "secret-access-key",
    "session-token",
    "region",
    "project",
    "resource",
];

/// The same for the default of some source's endpoint.
pub(crate) const ENDPOINT_WORDS: [&str; 3] = ["region", "project", "resource"];

/// Reads what belongs to the kind, and reports keys that belong to neither
/// the kind nor every source.
pub(crate) fn read(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    issuers: &Issuers,
) -> Option<KindParts> {
    let word = reader.word(table, "kind", &KINDS);
    // Written out: this runs for every source, and the text for few.
    let help = "add one of `environment`, `helper`, `tool-login`, `supplied`, `stored-key`, `login` and `cloud`";
    let word = reader.require(table, "kind", word, help)?.value;
    let own: &[&str] = match word {
        Word::Environment => &["variable", "keep-as"],
        Word::Helper => &helper::KEYS,
        Word::ToolOwned => &["path", "entry", "command"],
        Word::Supplied => &[],
        Word::StoredKey => &["key", "issuer", "organization-claim"],
        Word::Login => &["login", "issuer", "organization-claim"],
        Word::Cloud => &cloud::KEYS,
    };
    let keys: Vec<&str> = COMMON.iter().chain(own).copied().collect();
    reader.known(table, &keys);
    let mut parts = KindParts {
        kind: Kind::Supplied,
        description: "a credential that the embedding program supplies".to_owned(),
        keep_as: None,
        ttl_ms: DEFAULT_TTL_MS,
        ttl_limit: None,
        by_flag: false,
        from: Vec::new(),
        export_words: &["secret", "endpoint"],
        endpoint_words: &[],
        takes_headers: true,
    };
    match word {
        Word::Environment => environment(reader, table, &mut parts)?,
        Word::Helper => helper::read(reader, table, &mut parts)?,
        Word::ToolOwned => tool_login(reader, table, &mut parts)?,
        Word::Supplied => {}
        Word::StoredKey => stored_key(reader, table, issuers, &mut parts)?,
        Word::Login => login(reader, table, issuers, &mut parts)?,
        Word::Cloud => cloud::read(reader, table, &mut parts)?,
    }
    Some(parts)
}

fn environment(reader: &mut Reader<'_>, table: Table<'_>, parts: &mut KindParts) -> Option<()> {
    let name = variable(reader, table, "variable");
    let help = "name the variable: `variable = \"API_KEY\"`";
    let name = reader.require(table, "variable", name, help)?;
    parts.keep_as = reader
        .string(table, "keep-as")
        .map(|keep| (keep.value, keep.at));
    parts.description = format!("the variable `{name}`");
    parts.kind = Kind::Environment(name);
    Some(())
}

fn tool_login(reader: &mut Reader<'_>, table: Table<'_>, parts: &mut KindParts) -> Option<()> {
    let path = paths(reader, table, "path");
    let path = reader.require(
        table,
        "path",
        path,
        "name the file that the tool keeps it in",
    );
    let entry = required(
        reader,
        table,
        "entry",
        "name the key at the top of that file",
    );
    parts.description = "the tool's own login".to_owned();
    let login = reader.string(table, "command").map(|login| login.value);
    parts.kind = Kind::ToolOwned(ToolOwned {
        path: path?,
        entry: entry?,
        login,
    });
    Some(())
}

fn stored_key(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    issuers: &Issuers,
    parts: &mut KindParts,
) -> Option<()> {
    let help = "name the stored key: `key = \"work\"`";
    let name = required(reader, table, "key", help);
    let issuer = named_issuer(reader, table, issuers);
    let claim = reader.string(table, "organization-claim");
    if let (Some(claim), false) = (&claim, table.entries.contains_key("issuer")) {
        reader.error(
            "claim-without-issuer",
            "`organization-claim` names a claim of a login, and no login brings this key",
            claim.at,
            "remove it, or name the `issuer`",
        );
    }
    if let (Some((issuer, at)), true) = (&issuer, table.entries.contains_key("issuer"))
        && issuer.key.is_none()
    {
        reader.error(
            "issuer-without-key",
            "a login with this issuer ends in no key",
            *at,
            "add `key = { url = \"https://…\", field = \"…\" }` to the `[[issuer]]`",
        );
    }
    let name = name?;
    parts.description = format!("the stored key `{name}`");
    parts.kind = Kind::StoredKey(StoredKey {
        name,
        issuer: issuer.map(|(issuer, _)| issuer),
        organization_claim: claim.map(|claim| claim.value),
    });
    Some(())
}

fn login(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    issuers: &Issuers,
    parts: &mut KindParts,
) -> Option<()> {
    let name = required(reader, table, "login", "name the login: `login = \"work\"`");
    let issuer = named_issuer(reader, table, issuers);
    let help =
        "name who it is made with: `issuer = \"acme\"`, and say in an `[[issuer]]` what that is";
    let issuer = reader.require(table, "issuer", issuer, help);
    let claim = reader.string(table, "organization-claim");
    let (name, (issuer, _)) = (name?, issuer?);
    parts.description = format!("the login `{name}`");
    parts.kind = Kind::Login(Login {
        name,
        issuer,
        organization_claim: claim.map(|claim| claim.value),
    });
    Some(())
}

/// The issuer that a source names.
fn named_issuer(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    issuers: &Issuers,
) -> Option<(Issuer, At)> {
    let name = reader.string(table, "issuer")?;
    let Some(found) = issuers.named(&name.value) else {
        if issuers.has_broken(&name.value) {
            return None;
        }
        let ids: Vec<&str> = issuers
            .declared
            .iter()
            .map(|other| other.issuer.id.as_str())
            .collect();
        refer(reader, "issuer", &[(name.value, name.at)], &ids);
        return None;
    };
    Some((found.issuer.clone(), name.at))
}

fn required(reader: &mut Reader<'_>, table: Table<'_>, key: &str, help: &str) -> Option<String> {
    let found = reader.string(table, key);
    reader
        .require(table, key, found, help)
        .map(|found| found.value)
}

/// How long a program or a search may take.
pub(crate) fn timeout(reader: &mut Reader<'_>, table: Table<'_>) -> u64 {
    let Some(timeout) = reader.duration(table, "timeout") else {
        return DEFAULT_TIMEOUT_MS;
    };
    if timeout.value == 0 {
        reader.error(
            "no-time",
            "what has no time at all can never answer",
            timeout.at,
            "write for example `timeout = \"60s\"`, or leave it out",
        );
    }
    timeout.value
}

/// What AWS signatures call the service, where the policy says nothing.
const DEFAULT_SERVICE: &str = "bedrock";
/// The variables of AWS's own tools that name the region.
const DEFAULT_REGION: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];

/// The service that requests are signed for.
pub(crate) fn service(reader: &mut Reader<'_>, table: Table<'_>) -> String {
    let Some(service) = reader.string(table, "service") else {
        return DEFAULT_SERVICE.to_owned();
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if service.value.len() > 64 || !service.value.bytes().all(plain) {
        reader.error(
            "bad-service",
            "`service` is not the name that a service has in AWS signatures",
            service.at,
            "a name has lower-case letters, digits and `-`: `service = \"bedrock\"`",
        );
    }
    service.value
}

/// The variables that name the region that requests are signed for.
pub(crate) fn signing_region(reader: &mut Reader<'_>, table: Table<'_>) -> Vec<String> {
    variables_or(reader, table, "region", &DEFAULT_REGION)
}

/// Names of environment variables, or what is usual where there are none.
pub(crate) fn variables_or(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    key: &str,
    usual: &[&str],
) -> Vec<String> {
    if table.entries.contains_key(key) {
        return variables(reader, table, key);
    }
    usual.iter().map(|name| (*name).to_owned()).collect()
}

/// The name of an environment variable.
pub(crate) fn variable(reader: &mut Reader<'_>, table: Table<'_>, key: &str) -> Option<String> {
    let name = reader.string(table, key)?;
    checked_variable(reader, key, &name.value, name.at).then_some(name.value)
}

/// Names of environment variables.
pub(crate) fn variables(reader: &mut Reader<'_>, table: Table<'_>, key: &str) -> Vec<String> {
    let Some(names) = reader.strings(table, key) else {
        return Vec::new();
    };
    names
        .value
        .into_iter()
        .filter(|name| checked_variable(reader, key, &name.value, name.at))
        .map(|name| name.value)
        .collect()
}

fn checked_variable(reader: &mut Reader<'_>, key: &str, name: &str, at: At) -> bool {
    let valid = (1..=128).contains(&name.len())
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !valid {
        reader.error(
            "bad-variable",
            format!("`{key}` is not the name of an environment variable"),
            at,
            "a name has letters, digits and `_`, and does not begin with a digit; never write a value here",
        );
    }
    valid
}

/// A table of names and texts, in which `{word}` may stand for each of the
/// given words.
pub(crate) fn pairs(
    reader: &mut Reader<'_>,
    table: Table<'_>,
    key: &'static str,
    words: &[&str],
) -> Vec<Pair> {
    let Some(inner) = reader.table(table, key, key) else {
        return Vec::new();
    };
    let mut pairs: Vec<Pair> = Vec::new();
    for name in inner.entries.keys() {
        let at = reader.at(name);
        let name = name.get_ref().as_ref();
        let valid = match key {
            "headers" => checked_header(reader, name, at),
            "parameters" => checked_parameter(reader, name, at),
            _ => checked_variable(reader, key, name, at),
        };
        if pairs
            .iter()
            .any(|pair| pair.name.eq_ignore_ascii_case(name))
        {
            reader.error(
                "listed-twice",
                format!("`{key}` has the same name twice"),
                at,
                "remove one of them; the case of letters makes no difference",
            );
            continue;
        }
        let Some(text) = reader.string(inner, name) else {
            continue;
        };
        if let Some(fault) = template_fault(&text.value, words) {
            reader.error("bad-template", fault, text.at, template_help(words));
            continue;
        }
        if valid {
            pairs.push(Pair {
                name: name.to_owned(),
                text: text.value,
            });
        }
    }
    pairs
}

/// RFC 9110, section 5.1: the name of a header is a token.
fn checked_header(reader: &mut Reader<'_>, name: &str, at: At) -> bool {
    let valid = !name.is_empty()
        && name.len() <= 64
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte));
    if !valid {
        reader.error(
            "bad-header",
            "that is not the name of a header",
            at,
            "write for example `headers = { Authorization = \"Bearer {secret}\" }`",
        );
    }
    valid
}

/// What the protocol itself sets is not to be said twice.
fn checked_parameter(reader: &mut Reader<'_>, name: &str, at: At) -> bool {
    const OWN: [&str; 10] = [
        "client_id",
        "client_secret",
        "code_challenge",
        "code_challenge_method",
        "nonce",
        "redirect_uri",
        "response_mode",
        "response_type",
        "scope",
        "state",
    ];
    let plain = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte));
    let valid = plain && !OWN.contains(&name);
    if !valid {
        reader.error(
            "bad-parameter",
            "that is no parameter that a policy can add to an authorization request",
            at,
            "write for example `parameters = { prompt = \"consent\" }`; scopes go into `scopes`",
        );
    }
    valid
}

/// Whether a brace stands for none of the words.
pub(crate) fn template_fault(text: &str, words: &[&str]) -> Option<String> {
    let mut rest = text;
    while let Some(open) = rest.find(['{', '}']) {
        let tail = rest.get(open..)?;
        let word = words.iter().find(|word| {
            tail.strip_prefix('{').is_some_and(|tail| {
                tail.strip_prefix(**word)
                    .is_some_and(|tail| tail.starts_with('}'))
            })
        });
        match word {
            Some(word) => rest = tail.get(word.len() + 2..)?,
            None => return Some("a text has a brace that stands for nothing".to_owned()),
        }
    }
    None
}

pub(crate) fn template_help(words: &[&str]) -> String {
    let braced: Vec<String> = words.iter().map(|word| format!("{{{word}}}")).collect();
    let braced: Vec<&str> = braced.iter().map(String::as_str).collect();
    match braced.as_slice() {
        [] => "write the text itself, without braces".to_owned(),
        some => format!("what can stand in it is {}", listed(some)),
    }
}

/// A path: one for all systems, or one for each.
pub(crate) fn paths(reader: &mut Reader<'_>, table: Table<'_>, key: &str) -> Option<Paths> {
    if !matches!(
        table.entries.get(key)?.get_ref(),
        toml::de::DeValue::Table(_)
    ) {
        let path = reader.string(table, key)?;
        checked_path(reader, key, &path.value, path.at);
        return Some(Paths {
            linux: path.value.clone(),
            macos: path.value.clone(),
            windows: path.value,
        });
    }
    let inner = reader.table(table, key, "a path")?;
    reader.known(inner, &["linux", "macos", "windows"]);
    let mut one = |system: &str| {
        let path = reader.string(inner, system);
        let path = reader.require(inner, system, path, "name it for every system")?;
        checked_path(reader, key, &path.value, path.at);
        Some(path.value)
    };
    let (linux, macos, windows) = (one("linux"), one("macos"), one("windows"));
    Some(Paths {
        linux: linux?,
        macos: macos?,
        windows: windows?,
    })
}

/// A path is absolute, or begins with a folder that the host knows: relative
/// to wherever a command is run, it would resolve into a cloned repository.
fn checked_path(reader: &mut Reader<'_>, key: &str, path: &str, at: At) {
    let known = ["~/", "{folder}/", "{project}/"];
    let drive = path
        .get(1..3)
        .is_some_and(|tail| tail == ":\\" || tail == ":/");
    let absolute = path.starts_with('/') || drive;
    let dots = path.split(['/', '\\']).any(|part| part == "..");
    if dots || !(absolute || known.iter().any(|prefix| path.starts_with(prefix))) {
        reader.error(
            "bad-path",
            format!("`{key}` is not a path that stands for one place"),
            at,
            "write an absolute path without `..`, or begin with `~/`, `{folder}/` or `{project}/`",
        );
    }
}

/// The tool's own folder.
pub(crate) fn folder(reader: &mut Reader<'_>, table: Table<'_>) -> Option<Folder> {
    let inner = reader.table(table, "folder", "the tool's `folder`")?;
    reader.known(inner, &["variable", "default"]);
    let default = paths(reader, inner, "default");
    let default = reader.require(inner, "default", default, "add `default = \"~/.tool\"`")?;
    Some(Folder {
        variable: variable(reader, inner, "variable"),
        default,
    })
}

/// Whether each name is among those that exist; a slip is pointed out.
pub(crate) fn refer(
    reader: &mut Reader<'_>,
    what: &str,
    names: &[(String, At)],
    existing: &[&str],
) {
    for (name, at) in names {
        if existing.contains(&name.as_str()) {
            continue;
        }
        let help = match (nearest(name, existing), existing) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, []) => format!("this policy has no {what}"),
            (None, _) => format!("there are {}", listed(existing)),
        };
        reader.error(
            "unknown-name",
            format!("there is no such {what}"),
            *at,
            help,
        );
    }
}
