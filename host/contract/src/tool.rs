//! The tool that a policy is for, and what it follows.

use serde::{Deserialize, Serialize};

use crate::document::Location;

/// A file path for each system. It may begin with `~/` (the user's home),
/// `{folder}/` (the tool's own folder) or `{project}/` (the project's root).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paths {
    /// On Linux and other Unix systems.
    pub linux: String,
    /// On macOS.
    pub macos: String,
    /// On Windows.
    pub windows: String,
}

/// Who can write a settings file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// The administrator; the host checks that no other user can.
    Managed,
    /// The user.
    User,
    /// Whoever wrote the project.
    Project,
}

/// A JSON settings file of the tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsFile {
    /// What the policy calls it.
    pub name: String,
    /// Who can write it.
    pub tier: Tier,
    /// Whether a repository can write it, so that a clone brings it along.
    pub repository: bool,
    /// The file.
    pub path: Paths,
    /// A folder of `*.json` files that go before it, the last name first.
    pub folder: Option<Paths>,
}

/// A folder that a variable can move.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Folder {
    /// The variable that moves it, which must then hold an absolute path.
    pub variable: Option<String>,
    /// Where it is otherwise.
    pub default: Paths,
}

/// The tool that the policy is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name, for messages.
    pub name: Option<String>,
    /// Its own folder, `{folder}` in paths.
    pub folder: Option<Folder>,
    /// Its settings files, in the order in which the tool reads them.
    pub settings: Vec<SettingsFile>,
    /// Its own sources, in the tool's order; none without a tool file.
    pub sources: Vec<ToolSource>,
    /// Everything that it follows; nothing without a tool file.
    pub items: Vec<ToolItem>,
}

/// What an item does for the tool that follows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// It holds a credential, or names the file or program that does.
    Credential,
    /// It selects one of the tool's own sources.
    Selector,
    /// It says where a credential is sent.
    Endpoint,
    /// It matters only while its selector is on.
    Dependent,
    /// It says where the tool keeps its files.
    Locator,
    /// It says how requests travel, such as through a proxy.
    Transport,
    /// It turns some of the tool's sources off, or on.
    Mode,
}

/// How a tool is told an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ItemKind {
    /// An environment variable, by its name. A name that ends in `*` stands
    /// for all that begin so.
    Variable(String),
    /// A key in the tool's settings files.
    Setting(String),
    /// An entry in another file of the tool.
    Entry(FileEntry),
    /// A command-line argument of the tool.
    Argument(String),
}

/// An entry in a JSON file of the tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// The file.
    pub path: Paths,
    /// The key at the top of that file.
    pub key: String,
}

/// How an item that the tool must not follow can be kept from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Remedy {
    /// By an argument that overrules it.
    Argument,
    /// By clearing the variable.
    Clear,
    /// By a variable that turns the item off.
    Export,
    /// Not at all: the tool must not be started.
    Refuse,
}

/// Something that a tool follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolItem {
    /// Its name in the tool file.
    pub id: String,
    /// How the tool is told it.
    pub kind: ItemKind,
    /// What it does.
    pub role: Role,
    /// The tool's source that it belongs to, an index into `sources` of the
    /// tool.
    pub source: Option<u32>,
    /// The headers that it fills.
    pub fills: Vec<String>,
    /// The items without which it has no effect, indexes into `items` of the
    /// tool.
    pub needs: Vec<u32>,
    /// What keeps it from the tool, in the order of preference.
    pub remedies: Vec<Remedy>,
    /// Where the tool file declares it.
    pub location: Location,
}

/// One of the tool's own sources.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolSource {
    /// Its name in the tool file.
    pub id: String,
    /// The headers that it fills.
    pub fills: Vec<String>,
    /// The sources before which the tool does not use it, indexes into
    /// `sources` of the tool.
    pub unless: Vec<u32>,
    /// The items that it needs, indexes into `items` of the tool.
    pub needs: Vec<u32>,
    /// Where the tool file declares it.
    pub location: Location,
}
