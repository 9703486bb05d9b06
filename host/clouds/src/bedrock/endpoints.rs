//! Reads the endpoints that a profile names. The clients follow them as they
//! follow the variables: for the requests to Bedrock, for a role, for a login.
//!
//! ```text
//! variable of the service ──► variable of all
//!     ──► `services` of the profile ──► `endpoint_url` of the profile
//! ```

use std::path::PathBuf;

use aws_runtime::env_config::file::{EnvConfigFileKind as FileKind, EnvConfigFiles};
use aws_runtime::env_config::property::PropertiesKey;
use aws_types::os_shim_internal::Fs;

use super::profile::{self, ProfileSet};
use super::variables;
use crate::provider::EndpointSetting;
use keyrule_system::environment::Ambient;

/// The service that is sent the requests themselves.
const RUNTIME: &str = "bedrock_runtime";

/// Services that the credentials are used at or fetched from.
const SERVICES: [&str; 8] = [
    RUNTIME,
    "bedrock",
    "bedrock_agent",
    "bedrock_agent_runtime",
    "sts",
    "sso",
    "sso_oidc",
    "signin",
];

const ALL: &str = "AWS_ENDPOINT_URL";
const IGNORE: &str = "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS";
const METADATA: &str = "AWS_EC2_METADATA_SERVICE_ENDPOINT";

/// One of the two files.
struct File {
    path: PathBuf,
    set: ProfileSet,
}

/// The endpoints that the selected profile names, and, where it assumes a role
/// in a search, the profiles that it builds on. The SDKs disagree on which of
/// the two files applies first, so both are listed. A file that cannot be read
/// names nothing: the search reports it.
pub(crate) async fn endpoints(world: &Ambient, is_searched: bool) -> Vec<EndpointSetting> {
    let mut files = Vec::new();
    let [config, credentials] = profile::both(world);
    for (kind, path) in [
        (FileKind::Credentials, credentials),
        (FileKind::Config, config),
    ] {
        if let Some(path) = path {
            files.extend(read(kind, path, world).await);
        }
    }
    let selected = variables::text(world, "AWS_PROFILE").unwrap_or("default");
    let mut all = Vec::new();
    if variables::text(world, METADATA).is_none() {
        all.extend(settings(
            &files,
            selected,
            "ec2_metadata_service_endpoint",
            METADATA,
        ));
    }
    if variables::text(world, ALL).is_some() || is_ignored(&files, selected, world) {
        return all;
    }
    let follows_sources = is_searched && !variables::has_key(world);
    for name in chain(&files, selected) {
        if name != selected && !follows_sources {
            break;
        }
        let first = all.len();
        for service in SERVICES {
            all.extend(of_service(&files, name, service, world));
        }
        // Only the selected profile is that of the requests themselves.
        let has_runtime = variables::text(world, &variable_of(RUNTIME)).is_some()
            || all.iter().skip(first).any(|setting| setting.carries);
        let carries = !has_runtime;
        all.extend(
            settings(&files, name, "endpoint_url", ALL)
                .map(|setting| EndpointSetting { carries, ..setting }),
        );
        for setting in all.iter_mut().skip(first) {
            setting.carries &= name == selected;
        }
    }
    all
}

async fn read(kind: FileKind, path: PathBuf, world: &Ambient) -> Option<File> {
    profile::check(&path).ok()?;
    let files = EnvConfigFiles::builder().with_file(kind, &path).build();
    let env = variables::env(world, false);
    let set = aws_config::profile::load(&Fs::real(), &env, &files, None).await;
    Some(File {
        path,
        set: set.ok()?,
    })
}

/// The selected profile, and the ones that its role is assumed with.
fn chain<'f>(files: &'f [File], selected: &'f str) -> Vec<&'f str> {
    let has = |name: &str, key: &str| value(files, name, key).is_some();
    let mut names = vec![selected];
    let mut name = selected;
    while has(name, "role_arn")
        && !has(name, "web_identity_token_file")
        && let Some(next) = value(files, name, "source_profile")
        && !names.contains(&next)
    {
        names.push(next);
        name = next;
    }
    names
}

/// As the SDKs have it: the variable says it before the profile does, and only
/// `true` says so. Where the two files disagree, nothing is ignored.
fn is_ignored(files: &[File], selected: &str, world: &Ambient) -> bool {
    let is_true = |text: &str| text.trim().eq_ignore_ascii_case("true");
    if let Some(text) = variables::text(world, IGNORE) {
        return is_true(text);
    }
    let mut said = values(files, selected, "ignore_configured_endpoint_urls").peekable();
    said.peek().is_some() && said.all(|(_, text)| is_true(text))
}

/// What the section of services, which the profile names, holds for one.
fn of_service(
    files: &[File],
    profile: &str,
    service: &str,
    world: &Ambient,
) -> Vec<EndpointSetting> {
    let variable = variable_of(service);
    if variables::text(world, &variable).is_some() {
        return Vec::new();
    }
    // The documentation has `_`, the SDK for Rust `-`.
    let mut spellings = vec![service.to_owned(), service.replace('_', "-")];
    spellings.dedup();
    let mut all = Vec::new();
    for (_, services) in values(files, profile, "services") {
        for file in files {
            for spelling in &spellings {
                let Some(value) = sub_property(&file.set, services, spelling) else {
                    continue;
                };
                let key = format!("`{spelling}.endpoint_url` of the services `{services}`");
                all.push(EndpointSetting {
                    name: named(&format!("{key} of the profile `{profile}`"), file),
                    variable: variable.clone(),
                    value: value.to_owned(),
                    carries: service == RUNTIME,
                });
            }
        }
    }
    all
}

fn sub_property<'s>(set: &'s ProfileSet, services: &str, service: &str) -> Option<&'s str> {
    let key = PropertiesKey::builder()
        .section_key("services")
        .section_name(services)
        .property_name(service)
        .sub_property_name("endpoint_url")
        .build()
        .ok()?;
    let value = set.other_sections().get(&key)?;
    (!value.trim().is_empty()).then_some(value)
}

/// What the files say for this key of the profile, as what the variable would.
fn settings<'f>(
    files: &'f [File],
    profile: &'f str,
    key: &'f str,
    variable: &'static str,
) -> impl Iterator<Item = EndpointSetting> + 'f {
    values(files, profile, key).map(move |(file, value)| EndpointSetting {
        name: named(&format!("`{key}` of the profile `{profile}`"), file),
        variable: variable.to_owned(),
        value: value.to_owned(),
        carries: false,
    })
}

/// Messages take the file out of this form again.
fn named(setting: &str, file: &File) -> String {
    format!("{setting} in `{}`", file.path.display())
}

fn value<'f>(files: &'f [File], profile: &str, key: &str) -> Option<&'f str> {
    values(files, profile, key).next().map(|(_, value)| value)
}

fn values<'f>(
    files: &'f [File],
    profile: &str,
    key: &str,
) -> impl Iterator<Item = (&'f File, &'f str)> {
    files.iter().filter_map(move |file| {
        let value = file.set.get_profile(profile)?.get(key)?;
        (!value.trim().is_empty()).then_some((file, value))
    })
}

fn variable_of(service: &str) -> String {
    format!("{ALL}_{}", service.to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_system::runtime::block_on;

    const CORP: &str = "
[profile corp]
role_arn = arn:aws:iam::123456789012:role/r
source_profile = base
services = dev
endpoint_url = https://all.example

[profile base]
endpoint_url = https://base.example
services = other

[services dev]
s3 =
  endpoint_url = https://s3.example
bedrock-runtime =
  endpoint_url = https://runtime.example
sts =
  max_attempts = 3
  endpoint_url = https://sts.example

[services other]
sso =
  endpoint_url = https://sso.example
";

    fn seen(config: &str, credentials: &str, pairs: &[(&str, &str)]) -> Vec<String> {
        told(config, credentials, pairs, true)
    }

    /// Each as `NAME in FILE: ORIGIN`, with `!` where it carries.
    fn told(
        config: &str,
        credentials: &str,
        pairs: &[(&str, &str)],
        is_searched: bool,
    ) -> Vec<String> {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(".aws");
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("config"), config).unwrap();
        std::fs::write(folder.join("credentials"), credentials).unwrap();
        let mut world = Ambient::empty();
        world.home = Some(home.path().to_path_buf());
        let world = pairs.iter().fold(world, |world, (name, value)| {
            world.with_variable(*name, *value)
        });
        let folder = folder.display().to_string();
        block_on(endpoints(&world, is_searched))
            .into_iter()
            .map(|one| {
                let mark = if one.carries { "!" } else { "" };
                let name = one.name.replace(&folder, "~").replace('`', "");
                format!("{name}: {}{mark} {}", one.value, one.variable)
            })
            .collect()
    }

    #[test]
    fn a_profile_names_endpoints_of_services_and_one_of_all() {
        let base = [
            "sso.endpoint_url of the services other of the profile base in ~/config: https://sso.example AWS_ENDPOINT_URL_SSO",
            "endpoint_url of the profile base in ~/config: https://base.example AWS_ENDPOINT_URL",
        ];
        let own = [
            "bedrock-runtime.endpoint_url of the services dev of the profile corp in ~/config: https://runtime.example! AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
            "sts.endpoint_url of the services dev of the profile corp in ~/config: https://sts.example AWS_ENDPOINT_URL_STS",
            "endpoint_url of the profile corp in ~/config: https://all.example AWS_ENDPOINT_URL",
        ];
        let profile = ("AWS_PROFILE", "corp");
        assert_eq!(seen(CORP, "", &[profile]), [&own[..], &base].concat());
        // What assumes no role asks no other profile.
        assert_eq!(told(CORP, "", &[profile], false), own);
        let key = [
            profile,
            ("AWS_ACCESS_KEY_ID", "AKIAVARIABLE0001"),
            ("AWS_SECRET_ACCESS_KEY", "s3cr3t-variable"),
        ];
        assert_eq!(seen(CORP, "", &key), own);
        // Another profile that is there is not used.
        assert_eq!(seen(CORP, "", &[]), <[&str; 0]>::default());
    }

    #[test]
    fn a_variable_shadows_the_profile_for_its_service_or_for_all() {
        let profile = ("AWS_PROFILE", "corp");
        let url = "https://variable.example";
        let none = <[&str; 0]>::default();
        assert_eq!(seen(CORP, "", &[profile, (ALL, url)]), none);
        assert_eq!(seen(CORP, "", &[profile, (ALL, " ")]).len(), 5);
        let one = seen(CORP, "", &[profile, ("AWS_ENDPOINT_URL_STS", url)]);
        assert_eq!(one.len(), 4);
        assert!(!one.iter().any(|line| line.contains("sts")), "{one:?}");
        let runtime = [profile, ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", url)];
        let one = seen(CORP, "", &runtime);
        assert!(
            one.len() == 4 && !one.iter().any(|line| line.contains('!')),
            "{one:?}"
        );
    }

    #[test]
    fn a_switch_of_the_variable_or_else_of_the_profile_turns_them_off() {
        let off = "[default]\nendpoint_url = https://x.example\nignore_configured_endpoint_urls = TRUE\nec2_metadata_service_endpoint = http://metadata.example\n";
        let on = off.replace("TRUE", "1");
        let metadata = "ec2_metadata_service_endpoint of the profile default in ~/config: http://metadata.example AWS_EC2_METADATA_SERVICE_ENDPOINT";
        assert_eq!(seen(off, "", &[]), [metadata]);
        assert_eq!(seen(off, "", &[(IGNORE, "false")]).len(), 2);
        assert_eq!(seen(&on, "", &[]).len(), 2);
        assert_eq!(seen(&on, "", &[(IGNORE, "True")]), [metadata]);
        let other = "[default]\nignore_configured_endpoint_urls = false\n";
        assert_eq!(seen(off, other, &[]).len(), 2);
    }

    #[test]
    fn both_files_are_read_and_one_that_cannot_be_read_names_nothing() {
        let config = "[default]\nendpoint_url = https://config.example\n";
        let credentials = "[default]\nendpoint_url = https://credentials.example\n";
        let named = |file: &str| {
            format!(
                "endpoint_url of the profile default in ~/{file}: https://{file}.example! AWS_ENDPOINT_URL"
            )
        };
        assert_eq!(
            seen(config, credentials, &[]),
            [named("credentials"), named("config")]
        );
        assert_eq!(seen(config, "no line of one", &[]), [named("config")]);
        let blank = "[default]\nendpoint_url =\n";
        assert_eq!(seen(blank, "", &[]), <[&str; 0]>::default());
    }

    #[test]
    fn a_circle_of_profiles_ends() {
        let config = "[profile a]\nrole_arn = r\nsource_profile = b\n[profile b]\nrole_arn = r\nsource_profile = a\nendpoint_url = https://b.example\n";
        assert_eq!(seen(config, "", &[("AWS_PROFILE", "a")]).len(), 1);
    }
}
