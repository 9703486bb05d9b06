//! The login that the tool itself holds. What goes in is a JSON file and the
//! name of an entry at its top; what comes out is whether that name is there.
//! The entry's value belongs to the tool: it is skipped, byte by byte, never
//! becomes a value of ours, and a get brings no secret.

use std::path::Path;

use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

use crate::ambient::Ambient;
use crate::sources::paths::{self, PathError};
use crate::sources::{Facts, Got, Look, observation};
use keyrule_contract as wit;
use keyrule_credential::json::{Named, place};
use keyrule_system::fs::contents::{self, Fault};

/// The largest file that is read.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Looks whether the entry's name is in the file.
pub(crate) fn look(login: &wit::ToolOwned, tool: &wit::Tool, ambient: &Ambient) -> Look {
    Look {
        observation: see(login, tool, ambient),
        subject: None,
        endpoint: None,
        facts: Facts::default(),
    }
}

/// Looks once more: the tool alone can get it.
pub(crate) async fn get(login: &wit::ToolOwned, tool: &wit::Tool, ambient: &Ambient) -> Got {
    let observation = wit::Observation {
        fetched: true,
        ..see(login, tool, ambient)
    };
    Got::one(observation, None)
}

fn see(login: &wit::ToolOwned, tool: &wit::Tool, ambient: &Ambient) -> wit::Observation {
    let path = match paths::expand(&login.path, tool, ambient) {
        Ok(path) => path,
        Err(PathError::NoProject) => return observation(wit::Outcome::Absent),
        Err(error) => {
            return wit::Observation {
                detail: Some(error.to_string()),
                ..observation(wit::Outcome::Failed(error.trouble()))
            };
        }
    };
    match has_entry(&path, &login.entry) {
        Ok(false) => observation(wit::Outcome::Absent),
        Ok(true) => wit::Observation {
            location: Some(path.display().to_string()),
            ..observation(wit::Outcome::Present)
        },
        Err((trouble, why)) => wit::Observation {
            detail: Some(format!("`{}` {why}", path.display())),
            location: Some(path.display().to_string()),
            ..observation(wit::Outcome::Failed(trouble))
        },
    }
}

/// Returns whether the file is there and has the entry.
fn has_entry(path: &Path, entry: &str) -> Result<bool, (wit::FailureKind, String)> {
    let contents = contents::read(path, LIMIT).map_err(|fault| {
        let trouble = match fault {
            Fault::TooBig { .. } => wit::FailureKind::Invalid,
            Fault::Unreadable(_) | Fault::NotAFile => wit::FailureKind::Unreadable,
        };
        (trouble, fault.to_string())
    })?;
    let Some(contents) = contents else {
        return Ok(false);
    };
    let invalid = |why| (wit::FailureKind::Invalid, why);
    // Skipped values are not checked by the parser.
    if let Err(error) = std::str::from_utf8(&contents.bytes) {
        let before = contents.bytes.get(..error.valid_up_to());
        return Err(invalid(not_utf_8(before.unwrap_or_default())));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(&contents.bytes);
    deserializer
        .deserialize_map(Entries(entry))
        .and_then(|found| deserializer.end().map(|()| found))
        .map_err(|error| invalid(place(&error)))
}

fn not_utf_8(before: &[u8]) -> String {
    let before = String::from_utf8_lossy(before);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|&c| c != '\n').count() + 1;
    format!("is not UTF-8 (line {line}, column {column})")
}

/// Reads the names of an object's entries, and skips the values.
struct Entries<'a>(&'a str);

impl<'de> Visitor<'de> for Entries<'_> {
    type Value = bool;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
        let mut found = false;
        while let Some(is_it) = map.next_key_seed(Named(self.0))? {
            found |= is_it;
            map.next_value::<IgnoredAny>()?;
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_contract::samples;
    use keyrule_system::runtime::block_on;

    fn see_in(text: Option<&[u8]>) -> (wit::Observation, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.json");
        if let Some(text) = text {
            std::fs::write(&path, text).unwrap();
        }
        let mut ambient = Ambient::empty();
        ambient.home = Some(folder.path().to_path_buf());
        let login = wit::ToolOwned {
            path: samples::everywhere("~/file.json"),
            entry: "claudeAiOauth".to_owned(),
            login: None,
        };
        let tool = samples::info().tool;
        let seen = look(&login, &tool, &ambient);
        assert!(seen.subject.is_none());
        let got = block_on(get(&login, &tool, &ambient));
        assert!(got.secret().is_none());
        assert_eq!(
            got.observation,
            wit::Observation {
                fetched: true,
                ..seen.observation.clone()
            }
        );
        (seen.observation, path.display().to_string())
    }

    fn trouble(text: &[u8], trouble: wit::FailureKind, why: &str) {
        let (seen, path) = see_in(Some(text));
        let expected = wit::Observation {
            detail: Some(format!("`{path}` {why}")),
            location: Some(path),
            ..observation(wit::Outcome::Failed(trouble))
        };
        assert_eq!(seen, expected);
    }

    #[test]
    fn a_missing_file_or_entry_is_absent() {
        assert_eq!(see_in(None).0, observation(wit::Outcome::Absent));
        for text in ["{}", r#"{"other": {"claudeAiOauth": 1}}"#] {
            let (seen, _) = see_in(Some(text.as_bytes()));
            assert_eq!(seen, observation(wit::Outcome::Absent));
        }
    }

    #[test]
    fn an_entry_is_seen_by_its_name_and_its_value_is_not() {
        for value in [
            r#"{"accessToken": "s3cr3t-canary"}"#,
            "\"s3cr3t-canary\"",
            "null",
            "1e999",
        ] {
            let text = format!(r#"{{"other": 1, "claudeAiOauth": {value}, "more": [1]}}"#);
            let (seen, path) = see_in(Some(text.as_bytes()));
            let expected = wit::Observation {
                location: Some(path),
                ..observation(wit::Outcome::Present)
            };
            assert_eq!(seen, expected);
        }
    }

    #[test]
    fn what_is_no_json_object_is_invalid_at_its_place() {
        let invalid = wit::FailureKind::Invalid;
        trouble(b"", invalid, "ends too early (line 1, column 0)");
        trouble(
            b"{\"claudeAiOauth\": 1",
            invalid,
            "ends too early (line 1, column 19)",
        );
        trouble(
            b"{\"claudeAiOauth\": 1}\ns3cr3t",
            invalid,
            "is not JSON (line 2, column 1)",
        );
        trouble(
            b"[\"s3cr3t\"]",
            invalid,
            "does not have the expected shape (line 1, column 0)",
        );
        trouble(
            b"{\"a\": \"\xc3\xa9\",\n \"b\": \"\xff\"}",
            invalid,
            "is not UTF-8 (line 2, column 8)",
        );
    }

    #[test]
    fn a_value_nested_without_end_is_skipped_or_invalid() {
        let text = format!("{{\"a\": {}", "[".repeat(1_000_000));
        trouble(
            text.as_bytes(),
            wit::FailureKind::Invalid,
            "ends too early (line 1, column 1000006)",
        );
    }

    #[test]
    fn a_file_beyond_four_mebibytes_is_invalid() {
        let text = vec![b' '; 4 * 1024 * 1024 + 1];
        trouble(
            &text,
            wit::FailureKind::Invalid,
            "is larger than 4194304 bytes",
        );
    }

    #[test]
    fn a_folder_in_its_place_is_unreadable() {
        let folder = tempfile::tempdir().unwrap();
        let (what, why) = has_entry(folder.path(), "a").unwrap_err();
        assert_eq!(what, wit::FailureKind::Unreadable);
        assert_eq!(why, "is not a regular file");
    }

    #[test]
    fn without_a_home_it_cannot_be_looked_for() {
        let login = wit::ToolOwned {
            path: samples::everywhere("{folder}/file.json"),
            entry: "claudeAiOauth".to_owned(),
            login: None,
        };
        let seen = look(&login, &samples::info().tool, &Ambient::empty());
        assert_eq!(
            seen.observation,
            wit::Observation {
                detail: Some(
                    "a path begins with `~/`, and the home folder is not known".to_owned()
                ),
                ..observation(wit::Outcome::Failed(wit::FailureKind::Unreadable))
            }
        );
    }
}
