//! What a source reads, as one text: a source's kind in, a key out that is
//! the same for sources of two policies which read the same. Ids do not
//! count, because policies can call the same thing by other names.

use crate::wit::{Command, Issuer, Kind, Paths, Tool};

/// The key of a source.
pub(crate) fn reads(id: &str, kind: &Kind, tool: &Tool) -> String {
    match kind {
        Kind::Environment(name) => format!("environment {name}"),
        Kind::Helper(helper) => match &helper.command {
            Command::Arguments(arguments) => format!("helper {arguments:?}"),
            Command::Setting(setting) => {
                // By the files themselves: their names are the policy's own.
                let files: Vec<String> = setting
                    .from
                    .iter()
                    .filter_map(|name| tool.settings.iter().find(|file| file.name == *name))
                    .map(|file| path(&file.path))
                    .collect();
                format!("helper setting {} in {}", setting.key, files.join(", "))
            }
            Command::Variable(name) => format!("helper variable {name}"),
        },
        Kind::ToolLogin(login) => format!("tool-login {} in {}", login.entry, path(&login.path)),
        Kind::Supplied => format!("supplied {id}"),
        Kind::StoredKey(key) => match &key.issuer {
            Some(issuer) => format!("stored-key {} of {}", key.name, who(issuer)),
            None => format!("stored-key {}", key.name),
        },
        Kind::Login(login) => format!("login {} of {}", login.name, who(&login.issuer)),
        Kind::Cloud(cloud) => match &cloud.flag {
            Some(flag) => format!("cloud {} by {flag}", cloud.provider),
            None => format!("cloud {} always", cloud.provider),
        },
    }
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
