//! Sources and their contracts.

use serde::{Deserialize, Serialize};

use crate::document::Location;
use crate::login::{Login, StoredKey};
use crate::tool::Paths;

/// One source with its whole contract: all that the host may do with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Its name in the policy.
    pub id: String,
    /// What it is, for people.
    pub description: String,
    /// What the host has to know of it.
    pub kind: Kind,
    /// What it reads, as one text made of names and paths: sources of two
    /// policies in which it is the same read the same.
    pub reads: String,
    /// The headers that carry the credential.
    pub headers: Vec<Pair>,
    /// The variables that `exec` sets.
    pub export: Vec<Pair>,
    /// Where the credential may be sent.
    pub endpoint: Option<Endpoint>,
    /// Whether a consent can matter for it, so that it is worth recalling.
    pub needs_consent: bool,
    /// Whether the prompt offers to keep the key in our own store, and as
    /// which stored key.
    pub keep_as: Option<String>,
    /// Where the policy declares it.
    pub location: Location,
}

/// What the host has to know to look at a source and to get from it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An environment variable, by its name.
    Environment(String),
    /// A program that prints a token.
    Helper(Helper),
    /// The tool's own login.
    ToolOwned(ToolOwned),
    /// A credential that the embedder hands in, under the source's id.
    Supplied,
    /// A key in our own store.
    StoredKey(StoredKey),
    /// A login in our own store.
    Login(Login),
    /// A cloud provider's own credentials.
    Cloud(Cloud),
}

/// Where a credential may be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// Where it is sent when no variable says otherwise. A cloud provider's
    /// can hold `{region}`, `{project}` and `{resource}`.
    pub default: String,
    /// The variable that it follows, if it follows one.
    pub variable: Option<String>,
}

/// A name and a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The name of a header or variable.
    pub name: String,
    /// Its text; `{secret}`, `{endpoint}` and the like stand for the
    /// credential's.
    pub text: String,
}

/// A program that prints a credential.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Helper {
    /// Where its command line comes from.
    pub command: Command,
    /// What it prints.
    pub format: Format,
    /// How requests are signed, where it prints an AWS access key.
    pub signing: Option<Signing>,
    /// How long it may run.
    pub timeout_ms: u64,
    /// The variable that can change how long its token is kept.
    pub ttl_variable: Option<String>,
    /// Variables on which its token depends.
    pub vary: Vec<String>,
}

/// Where a helper's command line comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Command {
    /// From the policy, as arguments; no shell.
    Arguments(Vec<String>),
    /// From the first settings file, of those named, that has the key.
    Setting(Setting),
    /// From an environment variable.
    Variable(String),
}

/// A key in settings files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// The key at the top of the file.
    pub key: String,
    /// Names of settings files, in the order in which they are looked at.
    pub from: Vec<String>,
}

/// What a program prints, and how it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// One token, and nothing is written to the program.
    Token,
    /// A JSON object of header names and texts.
    Headers,
    /// Bazel's credential helper: the endpoint as `{"uri": …}` to the program,
    /// headers and an expiry from it.
    Bazel,
    /// Git's: `protocol`, `host` and `path` of the endpoint to the program, a
    /// password or a credential with its scheme from it.
    Git,
    /// The JSON of `credential_process`: an AWS access key with its secret.
    AwsProcess,
}

/// How requests are signed with an AWS access key (Signature Version 4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signing {
    /// The name that the service has in signatures.
    pub service: String,
    /// Variables that name the region; the first one that is set applies.
    pub region: Vec<String>,
}

/// A login that the tool itself owns. Only the name of the entry is looked
/// for, its value is never read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolOwned {
    /// The JSON file that the tool keeps it in.
    pub path: Paths,
    /// The key at the top of that file.
    pub entry: String,
    /// What to type to make the tool log in.
    pub login: Option<String>,
}

/// A cloud provider's own credentials.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cloud {
    /// The provider: `bedrock`, `vertex` or `foundry`.
    pub provider: String,
    /// The variable that selects it; none where the policy itself does.
    pub flag: Option<String>,
    /// Variables that go before those of the environment, for the provider's
    /// own search and for the child of `exec`.
    pub set: Vec<Pair>,
    /// The variable that says that another party authenticates, such as a
    /// gateway: then nothing is sent.
    pub skip_auth: Option<String>,
    /// The variable of a bearer token, which goes before everything else.
    pub bearer_token: Option<String>,
    /// The variable of an API key, which goes after a bearer token.
    pub api_key: Option<String>,
    /// Variables that name the region; the first one that is set applies.
    pub region: Vec<String>,
    /// Variables that name the project; the first one that is set applies.
    pub project: Vec<String>,
    /// Variables that name the resource; the first one that is set applies.
    pub resource: Vec<String>,
    /// The name that the service has in AWS signatures.
    pub service: Option<String>,
    /// The setting whose command brings new credentials where there are none
    /// any more. What it prints is for people.
    pub auth_refresh: Option<Setting>,
    /// The setting whose command prints an AWS access key, in the place of the
    /// provider's own search.
    pub credential_export: Option<Setting>,
    /// How long the search, or one of the commands, may take.
    pub timeout_ms: u64,
}
