//! Describes what a source reads as one text, which is the same for sources of
//! two policies that read the same. It leaves ids out, because policies can
//! call the same thing by other names.

use crate::helper::format_name;
use crate::wit::{Command, Format, Issuer, Kind, Paths, Setting, Tool};

/// The key of a source.
pub(crate) fn reads(id: &str, kind: &Kind, tool: &Tool) -> String {
    match kind {
        Kind::Environment(name) => format!("environment {name}"),
        Kind::Helper(helper) => {
            let what = match helper.format {
                Format::Token => "helper".to_owned(),
                other => format!("helper of {}", format_name(other)),
            };
            match &helper.command {
                Command::Arguments(arguments) => format!("{what} {arguments:?}"),
                Command::Setting(named) => format!("{what} {}", setting(named, tool)),
                Command::Variable(name) => format!("{what} variable {name}"),
            }
        }
        Kind::ToolOwned(login) => format!("tool-login {} in {}", login.entry, path(&login.path)),
        Kind::Supplied => format!("supplied {id}"),
        Kind::StoredKey(key) => match &key.issuer {
            Some(issuer) => format!("stored-key {} of {}", key.name, who(issuer)),
            None => format!("stored-key {}", key.name),
        },
        Kind::Login(login) => format!("login {} of {}", login.name, who(&login.issuer)),
        // What else it reads is part of its contract: the flag selects it.
        Kind::Cloud(cloud) => match &cloud.flag {
            Some(flag) => format!("cloud {} by {flag}", cloud.provider),
            None => format!("cloud {} always", cloud.provider),
        },
    }
}

/// A key in settings files, by the files themselves: their names are the
/// policy's own.
fn setting(setting: &Setting, tool: &Tool) -> String {
    let files: Vec<String> = setting
        .from
        .iter()
        .filter_map(|name| tool.settings.iter().find(|file| file.name == *name))
        .map(|file| path(&file.path))
        .collect();
    format!("setting {} in {}", setting.key, files.join(", "))
}

fn who(issuer: &Issuer) -> String {
    format!("{} as {}", issuer.url, issuer.client_id)
}

/// One text where the systems have the same path, as they mostly do.
fn path(paths: &Paths) -> String {
    let Paths {
        linux,
        macos,
        windows,
    } = paths;
    if linux == macos && linux == windows {
        linux.clone()
    } else {
        format!("{linux} | {macos} | {windows}")
    }
}
