//! Real helpers: scripts that `/bin/sh` runs, in folders of their own.

mod answers;
mod getting;
mod keeping;
mod looking;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

use super::{get, look};
use crate::ambient::Ambient;
use crate::handout;
use crate::sources::{GetOptions, Got, Look, Notices};
use keyrule_contract as wit;
use keyrule_contract::samples;
use keyrule_system::runtime::block_on;

/// Where the tests' settings file lies in the home.
const SETTINGS: &str = ".sample/settings.json";

/// A home, a run-time folder, and a policy with one helper.
struct World {
    _folder: Option<TempDir>,
    _memory: Option<TempDir>,
    ambient: Ambient,
    info: wit::PolicyInfo,
    helper: wit::Helper,
    options: GetOptions,
}

impl World {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("home/.sample")).unwrap();
        let memory = cfg!(target_os = "linux").then(|| {
            tempfile::Builder::new()
                .prefix("keyrule-test-")
                .tempdir_in("/dev/shm")
                .unwrap()
        });
        let mut ambient = Ambient::empty().with_variable("PATH", "/usr/bin:/bin");
        if let Some(memory) = &memory {
            ambient = ambient.with_variable("XDG_RUNTIME_DIR", memory.path());
        }
        // Systems differ in what of a path to a folder for temporary files
        // is a link.
        let home = folder.path().join("home").canonicalize().unwrap();
        ambient.home = Some(home);
        let mut info = samples::info();
        info.tool.settings = vec![
            settings("managed-settings", wit::Tier::Managed, "~/managed.json"),
            settings("user-settings", wit::Tier::User, "{folder}/settings.json"),
            settings("project-settings", wit::Tier::Project, "{project}/p.json"),
        ];
        Self {
            _folder: Some(folder),
            _memory: memory,
            ambient,
            info,
            helper: wit::Helper {
                format: wit::Format::Token,
                signing: None,
                command: wit::Command::Setting(wit::Setting {
                    key: "apiKeyHelper".to_owned(),
                    from: vec!["user-settings".to_owned()],
                }),
                timeout_ms: 20_000,
                ttl_variable: Some("TTL".to_owned()),
                vary: Vec::new(),
            },
            options: GetOptions {
                ttl: Duration::from_secs(300),
                rejected: false,
                handed_out: None,
            },
        }
    }

    /// A world whose settings name this command line.
    fn with_helper(line: &str) -> Self {
        let world = Self::new();
        world.name_helper(line);
        world
    }

    fn name_helper(&self, line: &str) {
        let settings = serde_json::json!({ "apiKeyHelper": line });
        self.write(SETTINGS, settings.to_string());
    }

    /// Goes into a repository that has these settings.
    fn enter_project(&mut self, settings: &str) {
        self.write("project/p.json", settings);
        self.write("project/.git/HEAD", "");
        self.ambient.current = Some(self.home().join("project"));
    }

    fn home(&self) -> &Path {
        self.ambient.home.as_deref().unwrap()
    }

    fn write(&self, path: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.home().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    fn script(&self, path: &str, text: &str, mode: u32) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.write(path, text);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.home().join(path)).unwrap_or_default()
    }

    fn set(&mut self, name: &str, value: &str) {
        self.ambient = std::mem::take(&mut self.ambient).with_variable(name, value);
    }

    fn source(&self) -> wit::Source {
        samples::source(wit::Kind::Helper(self.helper.clone()))
    }

    fn look(&self) -> Look {
        look(
            &self.source(),
            &self.helper,
            &self.info,
            &self.ambient,
            false,
        )
    }

    fn get(&self) -> Got {
        block_on(self.getting(&Silence))
    }

    async fn getting(&self, notices: &dyn Notices) -> Got {
        let source = self.source();
        get(
            &source,
            &self.helper,
            &self.info,
            &self.ambient,
            self.options,
            notices,
            None,
        )
        .await
    }

    /// The token, or the outcome with its words.
    fn token(&self) -> Result<String, (wit::Outcome, Option<String>)> {
        token_of(&self.get())
    }

    fn shown(&self, path: &str) -> Option<String> {
        Some(self.home().join(path).display().to_string())
    }
}

fn settings(name: &str, tier: wit::Tier, path: &str) -> wit::SettingsFile {
    wit::SettingsFile {
        name: name.to_owned(),
        tier,
        repository: false,
        path: samples::everywhere(path),
        folder: None,
    }
}

fn token_of(got: &Got) -> Result<String, (wit::Outcome, Option<String>)> {
    match got.secret() {
        Some(secret) => Ok(String::from_utf8(handout::to_keep(secret).to_vec()).unwrap()),
        None => Err((got.observation.outcome, got.observation.detail.clone())),
    }
}

type Token = Result<String, (wit::Outcome, Option<String>)>;

fn is(token: &str) -> Token {
    Ok(token.to_owned())
}

fn fails(trouble: wit::FailureKind, detail: &str) -> Token {
    let detail = (!detail.is_empty()).then(|| detail.to_owned());
    Err((wit::Outcome::Failed(trouble), detail))
}

/// Waits until a program is gone; one that is dead and not yet reaped by
/// whoever adopted it counts as gone.
fn is_gone(pid: &str) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        let state = std::process::Command::new("ps")
            .args(["-o", "stat=", "-p", pid.trim()])
            .output()
            .unwrap()
            .stdout;
        if state.is_empty() || state.starts_with(b"Z") {
            return true;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    false
}

#[derive(Debug)]
struct Silence;

impl Notices for Silence {
    fn slow(&self, _: &str, _: Duration) {}
    fn done(&self) {}
}

/// Writes down what it hears.
#[derive(Debug, Default)]
struct Heard(Mutex<Vec<String>>);

impl Notices for Heard {
    fn slow(&self, source: &str, elapsed: Duration) {
        let words = format!("{source} {}", elapsed.as_secs());
        self.0.lock().unwrap().push(words);
    }

    fn done(&self) {
        self.0.lock().unwrap().push("done".to_owned());
    }
}
