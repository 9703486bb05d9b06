//! The program under test: `target/debug/keyrule`, which cargo does not build
//! for another package's tests, copied to where every user can run it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::SystemTime;

use tempfile::TempDir;

static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
    let folder = TempDir::with_prefix("keyrule-program-").unwrap().keep();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)).unwrap();
    fs::copy(built(), folder.join("keyrule")).unwrap();
    folder
});

/// Where every user can run it.
pub(crate) fn path() -> PathBuf {
    FOLDER.join("keyrule")
}

/// The folder of that, for `PATH`.
pub(crate) fn folder() -> &'static Path {
    &FOLDER
}

/// Removes the copy.
pub(crate) fn remove() {
    if LazyLock::get(&FOLDER).is_some() {
        fs::remove_dir_all(folder()).unwrap();
    }
}

/// Ends with a clear message where the program is missing, or older than what
/// it is built from: then these tests would be about something else.
pub(crate) fn check() {
    let built = built();
    let Ok(metadata) = built.metadata() else {
        fail(&format!("`{}` is missing", built.display()));
    };
    let built_at = metadata.modified().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let crates = fs::read_dir(root.join("host")).unwrap();
    let crates = crates.map(|entry| entry.unwrap().path().join("src"));
    let others = ["host/src", "guest/prebuilt", "policies", "wit"];
    let sources = crates.filter(|path| path.is_dir());
    for sources in sources.chain(others.map(|path| root.join(path))) {
        if let Some(newer) = newer(&sources, built_at) {
            let (built, newer) = (built.display(), newer.display());
            fail(&format!("`{built}` is older than `{newer}`"));
        }
    }
}

fn fail(why: &str) -> ! {
    eprintln!("error: {why}\nhint: `cargo build --workspace --bin keyrule`");
    std::process::exit(2);
}

/// Beside this test's own executable, which lies in `deps`.
fn built() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("keyrule")
}

fn newer(path: &Path, than: SystemTime) -> Option<PathBuf> {
    if path.is_dir() {
        let mut entries = fs::read_dir(path).unwrap();
        return entries.find_map(|entry| newer(&entry.unwrap().path(), than));
    }
    (path.metadata().unwrap().modified().unwrap() > than).then(|| path.to_path_buf())
}
