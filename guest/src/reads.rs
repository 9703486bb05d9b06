//! What a source reads, as one text: a source's kind in, a key out that is
//! the same for sources of two policies which read the same. Ids do not
//! count, because policies can call the same thing by other names.

use crate::helper::format_name;
use crate::wit::{Cloud, Command, Format, Issuer, Kind, Paths, Setting, Tool};

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
        Kind::ToolLogin(login) => format!("tool-login {} in {}", login.entry, path(&login.path)),
        Kind::Supplied => format!("supplied {id}"),
        Kind::StoredKey(key) => match &key.issuer {
            Some(issuer) => format!("stored-key {} of {}", key.name, who(issuer)),
            None => format!("stored-key {}", key.name),
        },
        Kind::Login(login) => format!("login {} of {}", login.name, who(&login.issuer)),
        Kind::Cloud(cloud) => provider(cloud, tool),
    }
}

/// The provider, what selects it, and what its credentials come from besides
/// its own search. Regions and projects are no credentials.
fn provider(cloud: &Cloud, tool: &Tool) -> String {
    let mut text = match &cloud.flag {
        Some(flag) => format!("cloud {} by {flag}", cloud.provider),
        None => format!("cloud {} always", cloud.provider),
    };
    let settings = |named: &Option<Setting>| named.as_ref().map(|named| setting(named, tool));
    for (what, from) in [
        ("without credentials by", cloud.skip_auth.clone()),
        ("bearer token", cloud.bearer_token.clone()),
        ("key", cloud.api_key.clone()),
        ("from the", settings(&cloud.credential_export)),
        ("renewed by the", settings(&cloud.auth_refresh)),
    ] {
        if let Some(from) = from {
            text.push_str(&format!(", {what} {from}"));
        }
    }
    text
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
