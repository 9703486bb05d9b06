//! A case: a folder that holds a world, and what is expected of it.
//!
//! ```text
//! case.toml        the policy's name, session, variables, consents, the answer at a prompt
//! home/            laid into an empty home; `dot-x` becomes `.x`, `{HOME}` in *.json its path; scripts stay executable
//! project/         laid beside it, as the folder that the command is run in
//! managed.toml     the administrator's policy            managed.d/*.toml  her restrictions
//! other.toml       a managed policy of another name
//! user.toml        the user's file                       project.toml      the project's restriction
//! expect.txt       the explanation, and what resolving comes to
//! ```
//!
//! `override` in `case.toml` names a component of `guests/override`, which is
//! handed in; `{SHA256}` in a document becomes its digest.
//!
//! Every value that stands for a secret begins with `s3cr3t-`; it may appear
//! in what is handed out and nowhere else.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use keyrule::ambient::Ambient;
use keyrule::consent::{Answer, ConsentBook, Prompter, Question};
use keyrule::resolver::{Builder, Resolver};
use keyrule::{Error, Secret, Supplied};
use keyrule_contract as wit;
use keyrule_engine::{Judge, LoadError};
use serde::Deserialize;
use sha2::Digest as _;

use crate::render::Documents;
use crate::{receipt, render};

/// `case.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Script {
    #[serde(default = "default_policy")]
    policy: String,
    #[serde(default)]
    surface: Kind,
    #[serde(default)]
    interactive: bool,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default)]
    supplied: BTreeMap<String, Given>,
    /// What was answered before, by source.
    #[serde(default)]
    consents: BTreeMap<String, Before>,
    /// What is answered at a prompt.
    answer: Option<Said>,
    /// The first credential is rejected, and got once more.
    #[serde(default)]
    rejected: bool,
    /// The component that is handed in as the policy's override.
    #[serde(rename = "override")]
    component: Option<String>,
    /// Write lines and columns of the case's own files in the golden file,
    /// and not only which rule it is.
    #[serde(default)]
    lines: bool,
    /// Resolve that many times in a row with one resolver each; 1 unless said.
    #[serde(default = "once")]
    times: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Given {
    secret: String,
    expires_in: Option<i64>,
    organization: Option<String>,
}

/// A consent given before the case begins.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Before {
    origin: Option<String>,
    about: String,
    answer: Said,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Said {
    Use,
    Keep,
    Decline,
    Cancel,
}

impl Said {
    fn answer(self) -> Answer {
        match self {
            Self::Use => Answer::Use,
            Self::Keep => Answer::UseAndKeep,
            Self::Decline => Answer::Decline,
            Self::Cancel => Answer::Cancel,
        }
    }
}

fn default_policy() -> String {
    "claude-code".to_owned()
}

/// A surface, as people write it.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    Terminal,
    Desktop,
    Remote,
    Web,
}

impl From<Kind> for wit::Surface {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Terminal => Self::Terminal,
            Kind::Desktop => Self::Desktop,
            Kind::Remote => Self::Remote,
            Kind::Web => Self::Web,
        }
    }
}

fn once() -> u32 {
    1
}

/// Written to by who lays out files, read by who runs programs.
static LAYING: RwLock<()> = RwLock::new(());

/// How a policy is loaded.
pub type Load = fn(&str, &[wit::Document]) -> Result<Box<dyn Judge>, LoadError>;

/// Runs the case in `folder` on an engine, and tells what it came to.
///
/// # Panics
///
/// Where the case itself is not as it should be.
pub fn run(folder: &Path, load: Load) -> String {
    let text = fs::read_to_string(folder.join("case.toml")).expect("a case has a `case.toml`");
    let script: Script = toml::from_str(&text).expect("a valid `case.toml`");
    let world = tempfile::tempdir().expect("a folder for the case");
    let home = world.path().join("home");
    {
        // A program that another thread starts must not have a script open
        // that is just being copied: nobody could run it then.
        let _alone = LAYING.write().unwrap_or_else(PoisonError::into_inner);
        lay(&folder.join("home"), &home, &home);
        lay(
            &folder.join("project"),
            &world.path().join("project"),
            &home,
        );
    }
    let _running = LAYING.read().unwrap_or_else(PoisonError::into_inner);
    let memory = Path::new("/dev/shm");
    let memory = if memory.is_dir() {
        memory
    } else {
        world.path()
    };
    let runtime = tempfile::tempdir_in(memory).expect("a folder in memory");
    let ambient = ambient(&script, world.path(), runtime.path());
    for (source, before) in &script.consents {
        let subject = before.about.replace("{HOME}", &home.to_string_lossy());
        ConsentBook::open(&ambient)
            .remember(
                &script.policy,
                source,
                before.origin.as_deref(),
                &Secret::new(subject),
                before.answer.answer(),
            )
            .expect("a consent can be remembered");
    }
    let mut told = "## explain\n".to_owned();
    let known = known(folder, &script);
    match builder(folder, &script, &ambient, load).build() {
        Err(error) => told.push_str(&render::error(&error, &known)),
        Ok(mut resolver) => {
            match resolver.explain() {
                Ok(explained) => {
                    receipt::check(&explained);
                    told.push_str(&render::explanation(&explained, &known));
                }
                Err(error) => told.push_str(&render::error(&error, &known)),
            }
            for _ in 0..script.times {
                told.push_str("\n## resolve\n");
                told.push_str(&resolve(folder, &script, &ambient, load, &known));
            }
        }
    }
    let told = told.replace(&*home.to_string_lossy(), "~");
    let told = told.replace(&*world.path().to_string_lossy(), "{world}");
    let secrets = told.matches("s3cr3t-").count();
    assert_eq!(
        secrets,
        0,
        "{}: a secret is told:\n{told}",
        folder.display()
    );
    told
}

fn resolve(
    folder: &Path,
    script: &Script,
    ambient: &Ambient,
    load: Load,
    known: &Documents,
) -> String {
    let mut resolver = match builder(folder, script, ambient, load).build() {
        Ok(resolver) => resolver,
        Err(error) => return render::error(&error, known),
    };
    if script.rejected {
        resolver.invalidate();
    }
    match resolver.resolve_blocking() {
        Ok(resolution) => {
            receipt::check(&resolution.explained);
            let debug = format!("{resolution:?}");
            assert!(!debug.contains("s3cr3t-"), "a secret in Debug: {debug}");
            let mut told = render::credential(&resolution.credential, canary);
            told.push_str(&format!(
                "looks: {}\ngets: {}\n",
                resolution.explained.looks, resolution.explained.gets
            ));
            for note in &resolution.explained.notes {
                told.push_str(&format!("note: {note}\n"));
            }
            told
        }
        Err(error) => {
            let debug = format!("{error:?}");
            assert!(!debug.contains("s3cr3t-"), "a secret in Debug: {debug}");
            let mut told = render::error(&error, known);
            if let Error::Rejected { explained, .. } = &error {
                receipt::check(explained);
            }
            if let Error::Refused(explained) = &error {
                receipt::check(explained);
                told.push_str(&format!(
                    "looks: {}\ngets: {}\n",
                    explained.looks, explained.gets
                ));
            }
            told
        }
    }
}

/// `s3cr3t-api-key` is told as `canary api-key`.
fn canary(token: &str) -> String {
    match token.strip_prefix("s3cr3t-") {
        Some(name) => format!("canary {name}"),
        None => "no canary".to_owned(),
    }
}

fn ambient(script: &Script, world: &Path, runtime: &Path) -> Ambient {
    let home = world.join("home");
    let mut ambient = Ambient::empty();
    ambient.home = Some(home.clone());
    ambient.current = Some(world.join("project"));
    // What /bin/sh and the scripts need.
    ambient = ambient.with_variable("HOME", &home);
    ambient = ambient.with_variable("PATH", "/usr/local/bin:/usr/bin:/bin");
    // Memory-backed, so that helpers' tokens are kept between processes, and
    // gone with the case.
    ambient = ambient.with_variable("XDG_RUNTIME_DIR", runtime);
    for (name, value) in &script.env {
        ambient = ambient.with_variable(name, value.replace("{HOME}", &home.to_string_lossy()));
    }
    ambient
}

fn builder(folder: &Path, script: &Script, ambient: &Ambient, load: Load) -> Builder {
    let mut builder = Resolver::hermetic(&script.policy)
        .ambient(ambient.clone())
        .surface(script.surface.into())
        .interactive(script.interactive)
        .load_by(load);
    if let Some(said) = script.answer {
        builder = builder.prompter(Arc::new(Scripted(said.answer())));
    }
    for (source, given) in &script.supplied {
        let expires_at = given.expires_in.map(|seconds| {
            let span = Duration::from_secs(seconds.unsigned_abs());
            if seconds < 0 {
                SystemTime::now() - span
            } else {
                SystemTime::now() + span
            }
        });
        let mut supplied = Supplied::new(Secret::new(given.secret.as_str()));
        supplied.expires_at = expires_at;
        supplied.organization.clone_from(&given.organization);
        builder = builder.supply(source, supplied);
    }
    if let Some(name) = &script.component {
        builder = builder.override_component(component(name));
    }
    for (place, name, text) in documents(folder, script) {
        builder = builder.document(place, &name, &text);
    }
    builder
}

/// What the golden file says of places.
fn known(folder: &Path, script: &Script) -> Documents {
    let documents = documents(folder, script).into_iter();
    Documents {
        own: documents.map(|(_, name, text)| (name, text)).collect(),
        lines: script.lines,
    }
}

/// The case's documents: which each is, its name and its text.
fn documents(folder: &Path, script: &Script) -> Vec<(wit::DocumentOrigin, String, String)> {
    let component = script.component.as_deref().map(component);
    let digest = component.map_or_else(String::new, |bytes| sha256(&bytes));
    let files = files(folder).into_iter();
    files
        .map(|(place, path)| {
            let text = fs::read_to_string(&path).expect("a document is text");
            let name = path.strip_prefix(folder).expect("inside the case");
            let name = name.to_string_lossy().into_owned();
            (place, name, text.replace("{SHA256}", &digest))
        })
        .collect()
}

fn files(folder: &Path) -> Vec<(wit::DocumentOrigin, PathBuf)> {
    let single = [
        (wit::DocumentOrigin::Managed, "managed.toml"),
        (wit::DocumentOrigin::ManagedOther, "other.toml"),
        (wit::DocumentOrigin::User, "user.toml"),
        (wit::DocumentOrigin::Project, "project.toml"),
    ];
    let mut found: Vec<_> = single
        .into_iter()
        .map(|(place, name)| (place, folder.join(name)))
        .filter(|(_, path)| path.exists())
        .collect();
    for path in list(&folder.join("managed.d")) {
        found.push((wit::DocumentOrigin::ManagedRestriction, path));
    }
    found
}

/// A component of `guests/override`, as the build script made it.
///
/// # Panics
///
/// Where there is none of that name.
pub fn component(name: &str) -> Vec<u8> {
    let file = Path::new(env!("OUT_DIR")).join(format!("override-{name}.wasm"));
    fs::read(file).expect("a component of `guests/override`")
}

/// The SHA-256 of bytes, as policies write it.
pub fn sha256(bytes: &[u8]) -> String {
    let digest = sha2::Sha256::digest(bytes);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The entries of a folder, in the order of their names; none if it is none.
pub fn list(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// Copies a folder, and fills in the path of the home in JSON files.
fn lay(from: &Path, to: &Path, home: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for path in list(from) {
        let name = path.file_name().expect("a name");
        // Dots would hide a case's files; `dot-x` is laid as `.x`.
        let name = name.to_string_lossy();
        let name = name
            .strip_prefix("dot-")
            .map_or_else(|| name.to_string(), |rest| format!(".{rest}"));
        let target = to.join(name);
        if path.is_dir() {
            lay(&path, &target, home);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            let text = fs::read_to_string(&path).expect("JSON is text");
            fs::write(&target, text.replace("{HOME}", &home.to_string_lossy())).expect("a file");
        } else {
            fs::copy(&path, &target).expect("a copy, with its mode");
        }
    }
}

/// Answers every question the same.
#[derive(Debug)]
struct Scripted(Answer);

impl Prompter for Scripted {
    fn ask(&self, question: &Question) -> Answer {
        assert!(
            !format!("{question:?}").contains("s3cr3t-"),
            "a question shows no secret"
        );
        self.0
    }
}
