use std::os::unix::fs::{PermissionsExt as _, symlink};

use std::path::Path;

use super::*;

/// A home, and the cache in it.
struct Home {
    folder: tempfile::TempDir,
    ambient: Ambient,
}

impl Home {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut ambient = Ambient::empty();
        ambient.home = Some(folder.path().join("home"));
        let home = Self { folder, ambient };
        std::fs::create_dir(home.path("")).unwrap();
        home
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join("home").join(below)
    }

    fn cache(&self) -> Result<Option<Cache>, Problem> {
        Cache::of_this_user(&self.ambient)
    }

    fn open(&self) -> Cache {
        self.cache().unwrap().unwrap()
    }

    fn mode(&self, below: &str, mode: u32) {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(self.path(below), permissions).unwrap();
    }

    fn folder(&self) -> PathBuf {
        self.open().folder
    }
}

#[track_caller]
fn blames<T: std::fmt::Debug>(result: Result<T, Problem>, path: &Path, because: &str) {
    match result {
        Err(Problem::CacheUntrusted { culprit, why, .. }) => {
            assert_eq!((culprit.as_path(), why.as_str()), (path, because));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_written_is_read_again_and_the_folder_is_its_owners() {
    let home = Home::new();
    let cache = home.open();
    assert_eq!(cache.read("x.cwasm"), Ok(None));
    cache.write("x.cwasm", b"code");
    assert_eq!(home.open().read("x.cwasm"), Ok(Some(b"code".to_vec())));
    cache.write("x.cwasm", b"other");
    assert_eq!(cache.read("x.cwasm"), Ok(Some(b"other".to_vec())));
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&cache.folder), 0o700);
    assert_eq!(mode(&cache.folder.join("x.cwasm")), 0o600);
    assert_eq!(std::fs::read_dir(&cache.folder).unwrap().count(), 1);
}

#[test]
fn a_damaged_file_is_as_good_as_none() {
    let home = Home::new();
    let cache = home.open();
    cache.write("x.cwasm", b"code");
    let path = cache.folder.join("x.cwasm");
    let mut bytes = std::fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(cache.read("x.cwasm"), Ok(None));
    std::fs::write(&path, "short").unwrap();
    assert_eq!(cache.read("x.cwasm"), Ok(None));
    cache.write("x.cwasm", b"code");
    assert_eq!(cache.read("x.cwasm"), Ok(Some(b"code".to_vec())));
}

#[test]
fn a_folder_that_somebody_else_can_write_is_an_error() {
    for (mode, why) in [
        (0o770, "can be written by its group"),
        (0o707, "can be written by everybody"),
        (0o1777, "can be written by everybody"),
    ] {
        let home = Home::new();
        let folder = home.folder();
        std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
        blames(home.cache(), &folder, why);
    }
    // Who can write a folder above can put another folder in its place.
    let home = Home::new();
    home.folder();
    home.mode("", 0o777);
    blames(
        home.cache(),
        &home.path("").join("."),
        "can be written by everybody",
    );
}

#[test]
fn a_sticky_folder_above_is_none_of_somebody_elses() {
    let home = Home::new();
    home.folder();
    home.mode("", 0o1777);
    assert!(home.cache().unwrap().is_some());
}

#[test]
fn a_file_that_somebody_else_can_write_is_an_error() {
    let home = Home::new();
    let cache = home.open();
    cache.write("x.cwasm", b"code");
    let path = cache.folder.join("x.cwasm");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o622)).unwrap();
    blames(cache.read("x.cwasm"), &path, "can be written by everybody");
}

#[test]
fn a_link_in_place_of_the_folder_or_of_a_file_is_an_error() {
    let home = Home::new();
    let cache = home.open();
    cache.write("x.cwasm", b"code");
    let path = cache.folder.join("y.cwasm");
    symlink(cache.folder.join("x.cwasm"), &path).unwrap();
    blames(cache.read("y.cwasm"), &path, "is a symbolic link");

    let other = Home::new();
    let folder = other.folder();
    std::fs::remove_dir(&folder).unwrap();
    symlink(&cache.folder, &folder).unwrap();
    blames(other.cache(), &folder, "is a symbolic link");
}

#[test]
fn without_a_home_there_is_no_cache() {
    assert!(Cache::of_this_user(&Ambient::empty()).unwrap().is_none());
}
