use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;

fn in_memory() -> tempfile::TempDir {
    tempfile::Builder::new()
        .prefix("keyrule-test-")
        .tempdir_in("/dev/shm")
        .unwrap()
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn a_folder_and_its_files_are_closed_to_all_others() {
    let memory = in_memory();
    let folder = Folder::open(memory.path(), "keyrule").unwrap();
    folder.write("a.new", "a", b"s3cr3t").unwrap();
    assert!(folder.try_lock("a.lock").unwrap().is_some());
    let path = memory.path().join("keyrule");
    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(&path.join("a")), 0o600);
    assert_eq!(mode(&path.join("a.lock")), 0o600);
    assert_eq!(folder.read("a").unwrap().as_slice(), b"s3cr3t");
    assert!(!path.join("a.new").exists());
}

#[test]
fn a_folder_that_others_can_enter_is_not_used() {
    let memory = in_memory();
    let path = memory.path().join("keyrule");
    std::fs::create_dir(&path).unwrap();
    for open in [0o755, 0o710, 0o701, 0o777] {
        set_mode(&path, open);
        assert!(Folder::open(memory.path(), "keyrule").is_none());
        assert_eq!(mode(&path), open);
    }
}

#[test]
fn a_link_in_the_place_of_the_folder_is_not_followed() {
    let memory = in_memory();
    std::fs::create_dir(memory.path().join("real")).unwrap();
    set_mode(&memory.path().join("real"), 0o700);
    symlink("real", memory.path().join("keyrule")).unwrap();
    assert!(Folder::open(memory.path(), "keyrule").is_none());
    assert!(Folder::open(memory.path(), "real").is_some());
}

#[test]
fn a_file_system_that_is_not_in_memory_is_not_used() {
    assert!(Folder::open(Path::new("/proc"), "sys").is_none());
    assert!(Folder::open(Path::new("/nonexistent"), "keyrule").is_none());
}

#[test]
fn a_file_that_others_can_read_or_that_is_a_link_is_not_read() {
    let memory = in_memory();
    let folder = Folder::open(memory.path(), "keyrule").unwrap();
    folder.write("a.new", "a", b"s3cr3t").unwrap();
    let path = memory.path().join("keyrule");
    symlink("a", path.join("link")).unwrap();
    assert!(folder.read("link").is_none());
    set_mode(&path.join("a"), 0o640);
    assert!(folder.read("a").is_none());
    assert!(folder.read("missing").is_none());
}

#[test]
fn a_lock_is_held_by_one_and_given_up_with_its_file() {
    let memory = in_memory();
    let folder = Folder::open(memory.path(), "keyrule").unwrap();
    let again = Folder::open(memory.path(), "keyrule").unwrap();
    let held = folder.try_lock("a.lock").unwrap();
    assert!(held.is_some());
    assert!(again.try_lock("a.lock").unwrap().is_none());
    drop(held);
    assert!(again.try_lock("a.lock").unwrap().is_some());
}

#[test]
fn the_run_time_folder_goes_before_the_shared_one() {
    let memory = in_memory();
    let ambient = Ambient::empty().with_variable("XDG_RUNTIME_DIR", memory.path());
    let places: Vec<_> = places(&ambient).map(|(parent, _)| parent).collect();
    assert_eq!(places, [memory.path(), Path::new("/dev/shm")]);
    set_mode(memory.path(), 0o777);
    let places: Vec<_> = super::places(&ambient).map(|(parent, _)| parent).collect();
    assert_eq!(places, [Path::new("/dev/shm")]);
}

#[test]
fn what_could_not_be_read_again_is_not_written() {
    let memory = in_memory();
    let folder = Folder::open(memory.path(), "keyrule").unwrap();
    let longest = vec![b's'; usize::try_from(LONGEST).unwrap()];
    folder.write("a.new", "a", &longest).unwrap();
    assert_eq!(*folder.read("a").unwrap(), longest);
    let longer = [longest.as_slice(), b"s"].concat();
    let error = folder.write("a.new", "a", &longer).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
    assert_eq!(*folder.read("a").unwrap(), longest);
}
