//! The providers that this build knows. What goes in is a name of the policy's;
//! what comes out is the provider's own search, or that there is none here.

#![cfg_attr(
    not(all(feature = "bedrock", feature = "vertex", feature = "foundry")),
    allow(unused_variables, reason = "no provider asks for everything")
)]

use std::path::PathBuf;

use keyrule_contract as wit;
use keyrule_credential::{Facts, Failure, Kept};
use keyrule_system::environment::Ambient;

use super::place::Place;

/// Who searches, for the commands that a search runs.
#[cfg_attr(
    not(feature = "bedrock"),
    allow(dead_code, reason = "not every provider runs one")
)]
#[derive(Debug)]
pub struct Asker {
    /// The source.
    pub source: wit::Source,
    /// Its policy, described.
    pub info: wit::PolicyInfo,
    /// Whether this process's signals are ours to act on.
    pub owns_signals: bool,
}

/// A setting in a file of the provider's that names an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSetting {
    /// Its key and its file, in words: "`KEY` of ... in `FILE`".
    pub name: String,
    /// The variable that would say the same.
    pub variable: String,
    /// The endpoint, as it was typed.
    pub value: String,
    /// Whether the requests themselves are sent there.
    pub carries: bool,
}

/// A provider that this build knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// Amazon Bedrock.
    #[cfg(feature = "bedrock")]
    Bedrock,
    /// Google Vertex AI.
    #[cfg(feature = "vertex")]
    Vertex,
    /// Microsoft Foundry.
    #[cfg(feature = "foundry")]
    Foundry,
}

impl Provider {
    /// The source's provider, where this build has it.
    pub fn of(cloud: &wit::Cloud) -> Option<Self> {
        match cloud.provider.as_str() {
            #[cfg(feature = "bedrock")]
            "bedrock" => Some(Self::Bedrock),
            #[cfg(feature = "vertex")]
            "vertex" => Some(Self::Vertex),
            #[cfg(feature = "foundry")]
            "foundry" => Some(Self::Foundry),
            _ => None,
        }
    }

    /// Whose credentials the search would find, as far as variables say so.
    pub fn peek(self, world: &Ambient) -> Facts {
        match self {
            #[cfg(feature = "bedrock")]
            Self::Bedrock => super::bedrock::peek(world),
            #[cfg(feature = "vertex")]
            Self::Vertex => super::vertex::peek(world),
            #[cfg(feature = "foundry")]
            Self::Foundry => super::foundry::peek(world),
        }
    }

    /// The files that the search reads, whose change makes what is kept stale.
    pub fn files(self, world: &Ambient) -> Vec<PathBuf> {
        match self {
            #[cfg(feature = "bedrock")]
            Self::Bedrock => super::bedrock::files(world),
            #[cfg(feature = "vertex")]
            Self::Vertex => super::vertex::files(world),
            #[cfg(feature = "foundry")]
            Self::Foundry => super::foundry::files(world),
        }
    }

    /// Whether one of those files can name a region.
    pub fn keeps_regions_in_files(self) -> bool {
        match self {
            #[cfg(feature = "bedrock")]
            Self::Bedrock => true,
            #[cfg(feature = "vertex")]
            Self::Vertex => false,
            #[cfg(feature = "foundry")]
            Self::Foundry => false,
        }
    }

    /// Why it is not to be searched: a Keyrule around this one is searching for
    /// the same, and has run this one to get it.
    pub fn around(self, world: &Ambient) -> Option<Failure> {
        match self {
            #[cfg(feature = "bedrock")]
            Self::Bedrock => super::bedrock::around(world),
            #[cfg(feature = "vertex")]
            Self::Vertex => super::vertex::around(world),
            #[cfg(feature = "foundry")]
            Self::Foundry => None,
        }
    }

    /// The same, where no marker tells it: the search would run a command
    /// that can have been this program.
    pub async fn runs_a_command(self, world: &Ambient) -> Option<Failure> {
        match self {
            #[cfg(feature = "bedrock")]
            Self::Bedrock => super::bedrock::runs_a_command(world).await,
            #[cfg(feature = "vertex")]
            Self::Vertex => super::vertex::runs_a_program(world),
            #[cfg(feature = "foundry")]
            Self::Foundry => None,
        }
    }

    /// The endpoints that files of the provider's name, for a search or for
    /// credentials that need none.
    pub async fn endpoints(self, world: &Ambient, is_searched: bool) -> Vec<EndpointSetting> {
        match self {
            #[cfg(feature = "bedrock")]
            Self::Bedrock => super::bedrock::endpoints(world, is_searched).await,
            #[cfg(feature = "vertex")]
            Self::Vertex => Vec::new(),
            #[cfg(feature = "foundry")]
            Self::Foundry => Vec::new(),
        }
    }

    /// The region that a file of the provider's names, for credentials that
    /// need no search.
    pub async fn region(self, world: &Ambient) -> Option<String> {
        match self {
            #[cfg(feature = "bedrock")]
            Self::Bedrock => super::bedrock::region(world).await,
            #[cfg(feature = "vertex")]
            Self::Vertex => None,
            #[cfg(feature = "foundry")]
            Self::Foundry => None,
        }
    }

    /// The provider's own search. Everything that it has of its crates runs
    /// here and nowhere else.
    pub async fn search(
        self,
        asker: &Asker,
        cloud: &wit::Cloud,
        world: &Ambient,
        place: &Place,
    ) -> Result<Kept, Failure> {
        match self {
            #[cfg(feature = "bedrock")]
            Self::Bedrock => super::bedrock::search(asker, cloud, world, place).await,
            #[cfg(feature = "vertex")]
            Self::Vertex => super::vertex::search(asker, world, place).await,
            #[cfg(feature = "foundry")]
            Self::Foundry => super::foundry::search(asker, world).await,
        }
    }
}
