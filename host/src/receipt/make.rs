//! Makes receipts. What goes in is a decision with its reasons and what only
//! the resolver knows besides; what comes out has nothing in it that could be
//! secret: whatever an administrator or a variable could have put into a text
//! is masked.

use std::path::{MAIN_SEPARATOR, Path, PathBuf};
use std::time::SystemTime;

use chrono::{DateTime, SecondsFormat, Utc};
use sha2::{Digest as _, Sha256};

use super::{
    Destination, Document, Endpoint, Folder, Observation, Outcome, Receipt, Redirection,
    RedirectionTarget, Session, Source, Step, Storage, VERSION, Verdict,
};
use crate::resolver::Explained;
use crate::sources::endpoint::origin_of;
use keyrule_contract as wit;
use keyrule_engine as engine;
use keyrule_system::text::mask;

/// What a receipt says besides a decision and its reasons.
#[derive(Debug, Clone, Default)]
pub struct Background {
    /// The digests of every document that was found.
    documents: Vec<Document>,
    /// The home folder, which paths show as `~`.
    home: Option<PathBuf>,
    /// What looks brought, by source.
    looked: Vec<Option<wit::Observation>>,
    /// What fetches brought, by source.
    got: Vec<Option<wit::Observation>>,
}

impl Background {
    /// That of documents, with the world in which they were found.
    pub(crate) fn of(documents: &[wit::Document], home: Option<&Path>) -> Self {
        Self {
            documents: documents
                .iter()
                .map(|document| Document {
                    origin: document.origin,
                    path: document.path.clone(),
                    sha256: digest(&document.text),
                })
                .collect(),
            home: home.map(Path::to_path_buf),
            ..Self::default()
        }
    }

    /// The same for one resolution, with what was seen in it.
    pub(crate) fn with(
        &self,
        looked: Vec<Option<wit::Observation>>,
        got: Vec<Option<wit::Observation>>,
    ) -> Self {
        Self {
            looked,
            got,
            ..self.clone()
        }
    }

    fn documents(&self, paths: &[String]) -> Vec<Document> {
        let found = |path: &String| self.documents.iter().find(|found| found.path == *path);
        let documents = paths.iter().filter_map(found);
        documents
            .map(|found| Document {
                path: self.shown(&found.path),
                ..found.clone()
            })
            .collect()
    }

    fn place(&self, at: &wit::Location) -> String {
        format!("{}:{}", self.shown(&at.path), at.line)
    }

    /// A path without the home folder, which often is somebody's name.
    fn shown(&self, path: &str) -> String {
        let home = self.home.as_deref();
        let below = home.and_then(|home| Path::new(path).strip_prefix(home).ok());
        match below {
            Some(below) => mask(&format!("~{MAIN_SEPARATOR}{}", below.display())),
            None => mask(path),
        }
    }
}

impl Explained {
    /// The decision as a record: no secret, no value of a variable, no
    /// account. It says that something was decided, not that it was then
    /// handed out.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        let (info, explanation) = (&self.info, &self.explanation);
        let place = |at| self.background.place(at);
        Receipt {
            version: VERSION,
            time: DateTime::<Utc>::from(SystemTime::now())
                .to_rfc3339_opts(SecondsFormat::Secs, true),
            keyrule: env!("CARGO_PKG_VERSION").to_owned(),
            command: None,
            policy: info.name.clone(),
            documents: self.background.documents(&info.documents),
            engine: engine::DIGEST.to_owned(),
            r#override: info.override_component.as_ref().map(|of| of.sha256.clone()),
            session: Session {
                surface: self.session.surface,
                interactive: self.session.interactive,
            },
            storage: Storage::from(info.storage),
            folder: info.tool.folder.as_ref().map(Folder::from),
            sources: (0..self.sources.len())
                .filter_map(|place| self.recorded(place))
                .collect(),
            verdict: self.verdict(),
            rule: explanation.rule.as_ref().map(place),
            fix: explanation
                .fix
                .as_ref()
                .map(|advice| action(&advice.action).to_owned()),
            looks: self.looks,
            fetches: self.gets,
        }
    }

    fn recorded(&self, place: usize) -> Option<Source> {
        let source = self.sources.get(place)?;
        let line = self.explanation.sources.get(place)?;
        let seen = |of: &[Option<wit::Observation>]| {
            let seen = of.get(place).and_then(Option::as_ref);
            seen.map(Observation::from)
        };
        Some(Source {
            id: source.id.clone(),
            reads: reads(source),
            location: self.background.place(&source.location),
            rule: self.background.place(&line.rule),
            endpoint: source.endpoint.as_ref().map(|endpoint| Endpoint {
                default: origin_of(source, &wit::Destination::Default)
                    .filter(|origin| mask(origin) == *origin),
                variable: endpoint.variable.clone(),
            }),
            state: line.state,
            reason: line.reason,
            needs_consent: source.needs_consent,
            consent: self.evidence.get(place)?.consent,
            look: seen(&self.background.looked),
            fetch: seen(&self.background.got),
        })
    }

    fn verdict(&self) -> Verdict {
        let (step, source, refusal) = match &self.explanation.verdict {
            wit::Verdict::Look(source) => (Step::Look, Some(*source), None),
            wit::Verdict::Ask(source) => (Step::Ask, Some(*source), None),
            wit::Verdict::Fetch(source) => (Step::Fetch, Some(*source), None),
            wit::Verdict::Use(source) => (Step::Use, Some(*source), None),
            wit::Verdict::Refuse(refused) => (Step::Refuse, refused.source, Some(refused.reason)),
            wit::Verdict::Consult => (Step::Consult, None, None),
        };
        let source = source.and_then(|place| self.sources.get(usize::try_from(place).ok()?));
        Verdict {
            step,
            source: source.map(|source| source.id.clone()),
            refusal,
        }
    }
}

/// What a source reads, so that no secret of its policy is in it: a helper's
/// arguments may be anything. The digest tells what is masked alike apart.
pub fn reads(source: &wit::Source) -> String {
    let arguments = match &source.kind {
        wit::Kind::Helper(helper) => match &helper.command {
            wit::Command::Arguments(arguments) => Some(arguments),
            wit::Command::Setting(_) | wit::Command::Variable(_) => None,
        },
        wit::Kind::Environment(_)
        | wit::Kind::ToolOwned(_)
        | wit::Kind::Supplied
        | wit::Kind::StoredKey(_)
        | wit::Kind::Login(_)
        | wit::Kind::Cloud(_) => None,
    };
    let shown = match arguments {
        Some(arguments) => {
            let program = arguments.first().map_or("", String::as_str);
            format!("helper {}", mask(program))
        }
        None => mask(&source.reads),
    };
    if shown == source.reads {
        shown
    } else {
        format!("{shown} sha256:{}", digest(&source.reads))
    }
}

/// A path of every system, as one text.
fn paths(paths: &wit::Paths) -> String {
    let wit::Paths {
        linux,
        macos,
        windows,
    } = paths;
    if linux == macos && linux == windows {
        mask(linux)
    } else {
        mask(&format!("{linux} | {macos} | {windows}"))
    }
}

impl From<wit::Storage> for Storage {
    fn from(storage: wit::Storage) -> Self {
        Self {
            store: storage.store,
            fallback: storage.fallback,
        }
    }
}

impl From<&wit::Folder> for Folder {
    fn from(folder: &wit::Folder) -> Self {
        Self {
            variable: folder.variable.clone(),
            default: paths(&folder.default),
        }
    }
}

/// Leaves out whose it is, where it was found and the words about it.
impl From<&wit::Observation> for Observation {
    fn from(seen: &wit::Observation) -> Self {
        Self {
            outcome: match seen.outcome {
                wit::Outcome::Absent => Outcome::Absent,
                wit::Outcome::Blank => Outcome::Blank,
                wit::Outcome::Off => Outcome::Off,
                wit::Outcome::Present => Outcome::Present,
                wit::Outcome::Recursion => Outcome::Recursion,
                wit::Outcome::Failed(kind) => Outcome::Failed(kind),
            },
            tier: seen.tier,
            destination: match &seen.destination {
                wit::Destination::Default => Destination::Default,
                wit::Destination::Malformed => Destination::Malformed,
                wit::Destination::Origin(origin) if mask(origin) != *origin => Destination::Hidden,
                wit::Destination::Origin(origin) => Destination::Origin(origin.clone()),
            },
            redirections: Some(seen.redirections.iter().map(Redirection::from).collect()),
            expires_in: seen.expires_in,
            refreshable: seen.refreshable,
            organization: seen.organization.clone(),
            stored_in: seen.stored_in,
        }
    }
}

impl From<&wit::Redirection> for Redirection {
    fn from(redirection: &wit::Redirection) -> Self {
        Self {
            name: mask(&redirection.name),
            target: match &redirection.origin {
                None => RedirectionTarget::Malformed,
                Some(origin) if mask(origin) != *origin => RedirectionTarget::Hidden,
                Some(origin) => RedirectionTarget::Origin(origin.clone()),
            },
            carries: redirection.carries,
        }
    }
}

/// The word for what would help.
pub fn action(fix: &wit::Fix) -> &'static str {
    match fix {
        wit::Fix::SetVariable(_) => "set-variable",
        wit::Fix::UnsetVariable(_) => "unset-variable",
        wit::Fix::Approve(_) => "approve",
        wit::Fix::Login(_) => "login",
        wit::Fix::StoreKey(_) => "store-key",
        wit::Fix::ToolLogin(_) => "tool-login",
        wit::Fix::ConfigureHelper(_) => "configure-helper",
        wit::Fix::RepairHelper(_) => "repair-helper",
        wit::Fix::RepairFile(_) => "repair-file",
        wit::Fix::UnlockKeyring => "unlock-keyring",
        wit::Fix::CheckNetwork(_) => "check-network",
        wit::Fix::Supply(_) => "supply",
        wit::Fix::ProviderLogin(_) => "provider-login",
        wit::Fix::OtherSurface(_) => "other-surface",
        wit::Fix::ChangePolicy(_) => "change-policy",
    }
}

/// The SHA-256 of a text, in lower-case hexadecimal digits.
fn digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
