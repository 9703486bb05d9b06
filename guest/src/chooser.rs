//! Reads the override of a policy (S18), `[override]`: what the host has to
//! load, and its settings. `decide` turns its choice into a step.

use crate::reader::{Reader, Table};
use crate::text::At;
use crate::wit::{Location, OverrideComponent, Pair};

/// The component that chooses among the sources that apply.
#[derive(Debug, Clone)]
pub(crate) struct Chooser {
    /// What the host is told of it. Its `location` is filled when it leaves.
    pub component: OverrideComponent,
    pub at: At,
}

/// Reads `[override]`.
pub(crate) fn read(reader: &mut Reader<'_>, top: Table<'_>) -> Option<Chooser> {
    let table = reader.table(top, "override", "`[override]`")?;
    reader.known(table, &["path", "sha256", "settings"]);
    let path = reader.string(table, "path");
    let help = "name the component: `path = \"/etc/keyrule/choose.wasm\"`";
    let path = reader.require(table, "path", path, help);
    let digest = reader.string(table, "sha256");
    let help = "add `sha256`: `keyrule engine inspect FILE` prints the digest";
    let digest = reader.require(table, "sha256", digest, help);
    let settings = settings(reader, table);
    let (path, digest) = (path?, digest?);
    let is_digit = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    if digest.value.len() != 64 || !digest.value.bytes().all(is_digit) {
        reader.error(
            "bad-digest",
            "`sha256` is not a SHA-256",
            digest.at,
            "write the 64 lower-case hexadecimal digits that `keyrule engine inspect FILE` prints",
        );
    }
    Some(Chooser {
        at: path.at,
        component: OverrideComponent {
            path: path.value,
            sha256: digest.value,
            settings,
            location: Location {
                path: String::new(),
                line: 0,
                column: 0,
                offset: 0,
                length: 0,
            },
        },
    })
}

/// What it is told: names and texts.
fn settings(reader: &mut Reader<'_>, table: Table<'_>) -> Vec<Pair> {
    let Some(inner) = reader.table(table, "settings", "`settings`") else {
        return Vec::new();
    };
    let mut settings = Vec::new();
    for key in inner.entries.keys() {
        let name = key.get_ref().as_ref();
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if name.is_empty() || name.len() > 64 || !name.bytes().all(plain) {
            let at = reader.at(key);
            reader.error(
                "bad-setting",
                "a setting's name has letters, digits, `-` and `_`",
                at,
                "write for example `settings = { prefer = \"helper\" }`",
            );
            continue;
        }
        if let Some(text) = reader.string(inner, name) {
            settings.push(Pair {
                name: name.to_owned(),
                text: text.value,
            });
        }
    }
    settings
}
