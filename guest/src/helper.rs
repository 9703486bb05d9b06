//! Reads the keys of a helper: where its command line comes from, and what it
//! prints.

use crate::kind::{self, KindParts};
use crate::reader::{Reader, Table, listed};
use crate::wit::{Command, Format, Helper, Kind, Setting, Signing};

pub(crate) const KEYS: [&str; 12] = [
    "command",
    "setting",
    "from",
    "variable",
    "format",
    "service",
    "region",
    "timeout",
    "ttl",
    "ttl-max",
    "ttl-variable",
    "vary",
];

const FORMATS: [(&str, Format); 5] = [
    ("token", Format::Token),
    ("headers", Format::Headers),
    ("bazel", Format::Bazel),
    ("git", Format::Git),
    ("aws-process", Format::AwsProcess),
];

/// The word for a format.
pub(crate) fn format_name(format: Format) -> &'static str {
    FORMATS
        .iter()
        .find(|(_, known)| *known == format)
        .map_or("", |(name, _)| name)
}

pub(crate) fn read(reader: &mut Reader<'_>, table: Table<'_>, parts: &mut KindParts) -> Option<()> {
    let command = command(reader, table, parts)?;
    let format = format(reader, table, parts);
    let signing = (format == Format::AwsProcess).then(|| Signing {
        service: kind::service(reader, table),
        region: kind::signing_region(reader, table),
    });
    let timeout_ms = kind::timeout(reader, table);
    if let Some(ttl) = reader.duration(table, "ttl") {
        parts.ttl_ms = ttl.value;
    }
    parts.ttl_limit = reader.duration(table, "ttl-max").map(|limit| limit.value);
    let ttl_variable = kind::variable(reader, table, "ttl-variable");
    let vary = kind::variables(reader, table, "vary");
    parts.kind = Kind::Helper(Helper {
        command,
        format,
        signing,
        timeout_ms,
        ttl_variable,
        vary,
    });
    Some(())
}

fn command(reader: &mut Reader<'_>, table: Table<'_>, parts: &mut KindParts) -> Option<Command> {
    let given: Vec<&str> = ["command", "setting", "variable"]
        .into_iter()
        .filter(|key| table.entries.contains_key(*key))
        .collect();
    if given.len() != 1 {
        reader.error(
            "helper-command",
            match given.len() {
                0 => "a helper needs to know its command".to_owned(),
                _ => format!("a helper has one command, and here are {}", listed(&given)),
            },
            table.at,
            "say one of `command = [\"program\", \"argument\"]`, `setting = \"…\"` with `from`, or `variable = \"…\"`",
        );
        return None;
    }
    if table.entries.contains_key("from") && !given.contains(&"setting") {
        reader.error(
            "from-without-setting",
            "`from` says where a `setting` is looked for, and there is none",
            table.at,
            "remove `from`, or name the `setting`",
        );
    }
    if let Some(arguments) = reader.strings_with_repeats(table, "command") {
        parts.description = "the helper that the policy names".to_owned();
        Some(Command::Arguments(arguments))
    } else if let Some(key) = reader.string(table, "setting") {
        let from = reader.strings(table, "from");
        let from = reader.require(
            table,
            "from",
            from,
            "list the settings files that count: `from = [\"user-settings\"]`",
        )?;
        parts.description = format!("the helper that the setting `{}` names", key.value);
        parts.from = from
            .value
            .iter()
            .map(|name| (name.value.clone(), name.at))
            .collect();
        Some(Command::Setting(Setting {
            key: key.value,
            from: from.value.into_iter().map(|name| name.value).collect(),
        }))
    } else {
        let name = kind::variable(reader, table, "variable")?;
        parts.description = format!("the helper that the variable `{name}` names");
        Some(Command::Variable(name))
    }
}

/// What it prints, and whether the other keys fit that.
fn format(reader: &mut Reader<'_>, table: Table<'_>, parts: &mut KindParts) -> Format {
    let word = reader.word(table, "format", &FORMATS);
    let Some(format) = word
        .map(|word| word.value)
        .or((!table.entries.contains_key("format")).then_some(Format::Token))
    else {
        // A slip in the word itself is all there is to say.
        parts.export_words = &kind::EXPORT_WORDS;
        return Format::Token;
    };
    if format == Format::AwsProcess {
        parts.export_words = &[
            "endpoint",
            "access-key-id",
            "secret-access-key",
            "session-token",
            "region",
        ];
    } else {
        for key in ["service", "region"] {
            if let Some(at) = reader.key_at(table, key) {
                reader.error(
                    "signing-without-key",
                    format!("`{key}` is for requests that are signed, and this helper prints no AWS access key"),
                    at,
                    "remove it, or say `format = \"aws-process\"`",
                );
            }
        }
    }
    let asked = matches!(format, Format::Bazel | Format::Git);
    if asked && !table.entries.contains_key("endpoint") {
        reader.error(
            "format-without-endpoint",
            "a helper of this format is told the endpoint, and the source has none",
            table.at,
            "add `endpoint = { default = \"https://api.example.com\" }`",
        );
    }
    parts.takes_headers = matches!(format, Format::Token | Format::Git);
    if let (false, Some(at)) = (parts.takes_headers, reader.key_at(table, "headers")) {
        reader.error(
            "headers-of-the-answer",
            match format {
                Format::AwsProcess => "requests are signed with the key that this helper prints",
                _ => "a helper of this format prints the headers itself",
            },
            at,
            "remove `headers`",
        );
    }
    format
}
