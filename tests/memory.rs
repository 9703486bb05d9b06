//! The component's linear memory holds no secret: after a resolution that
//! handed out a canary, the memory is read from outside and searched. That
//! it is the right memory is shown by the policy's own words in it.

#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use keyrule::ambient::Ambient;
use keyrule::resolver::Resolver;

/// Address ranges of linear memories: what is writable at the head of a
/// reservation of 4 GiB, as wasmtime lays memories out.
fn linear_memories() -> Vec<(u64, u64)> {
    let maps = fs::read_to_string("/proc/self/maps").expect("this process's maps");
    let ranges: Vec<(u64, u64, bool)> = maps
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (from, to) = words.next()?.split_once('-')?;
            let from = u64::from_str_radix(from, 16).ok()?;
            let to = u64::from_str_radix(to, 16).ok()?;
            Some((from, to, words.next()?.starts_with("rw")))
        })
        .collect();
    ranges
        .windows(2)
        .filter_map(|pair| {
            let [(from, to, writable), (next, end, next_writable)] = pair else {
                return None;
            };
            let reserved = to == next && !next_writable && end - next > 3 << 30;
            (*writable && reserved).then_some((*from, *to))
        })
        .collect()
}

fn contains(memories: &[Vec<u8>], needle: &[u8]) -> bool {
    memories
        .iter()
        .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
}

#[test]
fn the_components_memory_holds_no_secret() {
    let home = tempfile::tempdir().expect("a home");
    let folder = home.path().join(".claude");
    fs::create_dir(&folder).expect("a folder");
    fs::write(
        folder.join("settings.json"),
        r#"{"apiKeyHelper": "printf 'canary-%s' of-the-helper"}"#,
    )
    .expect("settings");
    let mut ambient = Ambient::empty()
        .with_variable("PATH", "/usr/bin:/bin")
        .with_variable("ANTHROPIC_API_KEY", "canary-of-the-variable");
    ambient.home = Some(home.path().to_path_buf());
    let mut resolver = Resolver::hermetic("claude-code")
        .ambient(ambient)
        .build()
        .expect("the builtin policy");
    let explained = resolver.explain().expect("an explanation");
    let resolution = resolver.resolve_blocking().expect("a credential");
    assert_eq!(
        resolution.credential.token(),
        Some("canary-of-the-variable")
    );
    assert!(
        explained
            .evidence
            .iter()
            .any(|evidence| evidence.observation.is_some())
    );

    let ranges = linear_memories();
    assert!(!ranges.is_empty(), "no linear memory was found");
    let memory = File::open("/proc/self/mem").expect("this process's memory");
    let memories: Vec<Vec<u8>> = ranges
        .iter()
        .map(|(from, to)| {
            let mut bytes = vec![0; usize::try_from(to - from).expect("a size")];
            memory
                .read_exact_at(&mut bytes, *from)
                .expect("readable memory");
            bytes
        })
        .collect();
    assert!(
        contains(&memories, b"CLAUDE_CODE_API_KEY_HELPER_TTL_MS"),
        "these are not the component's memories"
    );
    for needle in ["canary-of-the-variable", "canary-of-the-helper", "canary-"] {
        assert!(
            !contains(&memories, needle.as_bytes()),
            "`{needle}` is in the component"
        );
    }
    drop(resolver);
}
