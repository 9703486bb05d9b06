//! Finds what others than the author decide: where a credential goes and which
//! program is run. In a managed policy that is a hole, because the control
//! that the file promises lies with the environment or with a user's file.

use super::{Found, Said};
use crate::origin::Pattern;
use crate::policy::Policy;
use crate::rule::Rule;
use crate::wit::{Command, Kind, Setting, Tier};

pub(super) fn lint(policy: &Policy, found: &mut Found) {
    let managed = policy.is_managed();
    for rule in policy.rules() {
        // Once where it applies nowhere: nothing is sent or run then.
        if !policy.meant().any(|(_, surface)| rule.counts(surface)) {
            continue;
        }
        if managed {
            endpoint(rule, found);
        }
        match &rule.source.kind {
            Kind::Helper(helper) => command(policy, rule, &helper.command, managed, found),
            Kind::Cloud(cloud) => {
                // Both are looked for in the same files.
                let mut settings = [&cloud.credential_export, &cloud.auth_refresh].into_iter();
                if let Some(named) = settings.find_map(Option::as_ref) {
                    setting(policy, rule, named, managed, found);
                }
            }
            Kind::Environment(_)
            | Kind::ToolOwned(_)
            | Kind::Supplied
            | Kind::StoredKey(_)
            | Kind::Login(_) => {}
        }
    }
    let chooser = policy.merged.document.chooser.as_ref();
    if let Some(chooser) =
        chooser.filter(|chooser| managed && chooser.component.path.starts_with("~/"))
    {
        let said = Said {
            code: "movable-override",
            message: "the override of a managed policy lies in the user's home".to_owned(),
            why: "its digest keeps it from being another, but a user who removes it is refused everything",
            help: "install it beside the policy, and name it by its absolute path",
        };
        found.add(chooser.at, said);
    }
}

fn endpoint(rule: &Rule, found: &mut Found) {
    let Some(endpoint) = &rule.source.endpoint else {
        return;
    };
    let (Some(variable), Some(listed)) = (&endpoint.variable, &rule.endpoints) else {
        return;
    };
    let open = |list: &[Pattern]| list.iter().any(Pattern::is_for_any_host);
    if !open(&listed.list) || rule.endpoint_limits.iter().any(|limit| !open(&limit.list)) {
        return;
    }
    let said = Said {
        code: "redirectable-endpoint",
        message: format!(
            "whoever sets `{variable}` decides where the credential of `{}` is sent, and any host is allowed",
            rule.source.id
        ),
        why: "a project's script or a line in a profile can send the credential to a host of its own",
        help: "list your own origins in `allow`, or remove `variable`",
    };
    found.add(listed.at, said);
}

fn command(policy: &Policy, rule: &Rule, command: &Command, managed: bool, found: &mut Found) {
    let id = &rule.source.id;
    match command {
        Command::Variable(name) if managed => {
            let said = Said {
                code: "redirectable-helper",
                message: format!("whoever sets `{name}` decides which program `{id}` runs"),
                why: "the program's output is taken for the credential, so a lower place than this policy decides which account is used",
                help: "name the program here: `command = [\"/usr/local/bin/get-token\"]`",
            };
            found.add(rule.at, said);
        }
        Command::Setting(setting) => self::setting(policy, rule, setting, managed, found),
        Command::Arguments(arguments)
            if managed
                && arguments
                    .first()
                    .is_some_and(|program| !is_absolute(program)) =>
        {
            let said = Said {
                code: "relative-helper",
                message: format!(
                    "the program of `{id}` is looked for, because it is no absolute path"
                ),
                why: "whoever sets `PATH` decides which program of that name is run",
                help: "write the whole path: `command = [\"/usr/local/bin/get-token\"]`",
            };
            found.add(rule.at, said);
        }
        Command::Variable(_) | Command::Arguments(_) => {}
    }
}

fn setting(policy: &Policy, rule: &Rule, setting: &Setting, managed: bool, found: &mut Found) {
    let id = &rule.source.id;
    let tiers = || {
        let settings = &policy.merged.document.tool.settings;
        let named = settings
            .iter()
            .filter(|file| setting.from.contains(&file.name));
        named.map(|file| file.tier)
    };
    if tiers().any(|tier| tier == Tier::Project) {
        let said = Said {
            code: "redirectable-helper",
            message: format!("whoever wrote a project decides which program `{id}` runs"),
            why: "a repository that somebody has cloned can run a program of its own as soon as a key is needed",
            help: "leave settings files of the tier `project` out of `from`",
        };
        found.add(rule.at, said);
    } else if managed && tiers().any(|tier| tier == Tier::User) {
        let said = Said {
            code: "redirectable-helper",
            message: format!("a settings file of the user decides which program `{id}` runs"),
            why: "the program's output is taken for the credential, so a lower place than this policy decides which account is used",
            help: match &rule.source.kind {
                Kind::Helper(_) => {
                    "leave settings files of the tier `user` out of `from`, or name the program here with `command`"
                }
                _ => "leave settings files of the tier `user` out of `from`",
            },
        };
        found.add(rule.at, said);
    }
}

fn is_absolute(program: &str) -> bool {
    let drive = program
        .get(1..3)
        .is_some_and(|tail| tail == ":\\" || tail == ":/");
    program.starts_with('/') || program.starts_with("\\\\") || drive
}
