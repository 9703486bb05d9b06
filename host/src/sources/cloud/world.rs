//! The variables as a cloud source sees them: what the policy sets goes before
//! the environment, for the provider's own search and for a child of `exec`.

use std::borrow::Cow;

use super::place::Place;
use super::redirection;
use crate::ambient::Ambient;
use crate::credential::Passed;
use keyrule_contract as wit;

/// The general variables of the providers, which a child of `exec` keeps
/// where their provider wins: it asks the provider itself, and can renew.
const GENERAL: [(&str, &[&str]); 3] = [
    ("bedrock", &["AWS_*"]),
    (
        "vertex",
        &[
            "GOOGLE_*",
            "GCLOUD_*",
            "GCE_*",
            "CLOUDSDK_*",
            "CLOUD_ML_*",
            "VERTEX_REGION_*",
        ],
    ),
    ("foundry", &["AZURE_*", "IDENTITY_*", "IMDS_*", "MSI_*"]),
];

/// What says whose the credentials are before a profile does.
const BEFORE_PROFILE: [&str; 5] = [
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_BEARER_TOKEN_BEDROCK",
];

/// The world with what the policy sets for this source, and without what it
/// clears by name: what a child must not see, the search must not find. Of
/// variables of which the first one that is set counts, one that the policy
/// sets hides the others.
pub(crate) fn world<'a>(
    source: &wit::Source,
    cloud: &wit::Cloud,
    info: &wit::PolicyInfo,
    ambient: &'a Ambient,
) -> Cow<'a, Ambient> {
    let own = own(source, cloud);
    let cleared = info
        .cleared_variables
        .iter()
        .filter(|name| !own.contains(name));
    let gone: Vec<String> = hidden(cloud)
        .into_iter()
        .chain(redirection::ignored(cloud, ambient))
        .chain(cleared.cloned())
        .filter(|name| ambient.variable(name).is_some())
        .collect();
    if cloud.set.is_empty() && gone.is_empty() {
        return Cow::Borrowed(ambient);
    }
    let mut world = ambient.clone();
    for name in gone {
        world = world.without_variable(&name);
    }
    for pair in &cloud.set {
        world = world.with_variable(&pair.name, &pair.text);
    }
    Cow::Owned(world)
}

/// The variables that the source's contract names itself.
fn own<'c>(source: &'c wit::Source, cloud: &'c wit::Cloud) -> Vec<&'c String> {
    let endpoint = source.endpoint.as_ref();
    let one = [
        &cloud.flag,
        &cloud.skip_auth,
        &cloud.bearer_token,
        &cloud.api_key,
    ];
    one.into_iter()
        .flatten()
        .chain(endpoint.and_then(|endpoint| endpoint.variable.as_ref()))
        .chain(cloud.set.iter().map(|pair| &pair.name))
        .chain(&cloud.region)
        .chain(&cloud.project)
        .chain(&cloud.resource)
        .collect()
}

/// What a child of `exec` is passed where this source wins.
pub(crate) fn passed(cloud: &wit::Cloud, ambient: &Ambient) -> Passed {
    let general = GENERAL.iter().find(|(name, _)| *name == cloud.provider);
    let general = general.map_or(&[][..], |(_, names)| names);
    let own = [
        &cloud.skip_auth,
        &cloud.bearer_token,
        &cloud.api_key,
        &cloud.flag,
    ];
    let mut keeps: Vec<String> = general.iter().map(|name| (*name).to_owned()).collect();
    keeps.extend(own.into_iter().flatten().cloned());
    for names in [&cloud.region, &cloud.project, &cloud.resource] {
        keeps.extend(names.iter().cloned());
    }
    let sets = cloud.set.iter();
    let sets = sets.map(|pair| (pair.name.clone(), pair.text.clone()));
    let mut drops = hidden(cloud);
    // What is passed over here would be somewhere else in the child.
    drops.extend(Place::of(cloud, ambient).passed_over);
    drops.extend(redirection::ignored(cloud, ambient));
    drops.retain(|name| !cloud.set.iter().any(|pair| pair.name == *name));
    Passed {
        keeps,
        drops,
        sets: sets.collect(),
    }
}

/// Variables that say the same as one that the policy sets, or go before it.
fn hidden(cloud: &wit::Cloud) -> Vec<String> {
    let set = |name: &String| cloud.set.iter().any(|pair| pair.name == *name);
    let profile = cloud.set.iter().any(|pair| pair.name == "AWS_PROFILE");
    let before = BEFORE_PROFILE.iter().filter(|_| profile);
    let before = before.map(|name| (*name).to_owned());
    let before = before.filter(|name| !set(name));
    [&cloud.region, &cloud.project, &cloud.resource]
        .into_iter()
        .filter(|names| names.iter().any(set))
        .flat_map(|names| names.iter().filter(|name| !set(name)))
        .cloned()
        .chain(before)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_contract::samples;

    #[test]
    fn what_the_policy_sets_goes_before_the_environment_and_hides_what_says_the_same() {
        let mut cloud = samples::cloud("bedrock", None);
        cloud.region = vec!["AWS_REGION".to_owned(), "AWS_DEFAULT_REGION".to_owned()];
        let ambient = Ambient::empty()
            .with_variable("AWS_REGION", "us-west-2")
            .with_variable("AWS_DEFAULT_REGION", "eu-west-1");
        let read = |cloud: &wit::Cloud, name: &str| {
            let source = samples::source(wit::Kind::Cloud(cloud.clone()));
            let world = world(&source, cloud, &samples::info(), &ambient);
            world
                .variable(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        assert_eq!(read(&cloud, "AWS_REGION").as_deref(), Some("us-west-2"));
        cloud.set = vec![wit::Pair {
            name: "AWS_DEFAULT_REGION".to_owned(),
            text: "eu-central-1".to_owned(),
        }];
        assert_eq!(read(&cloud, "AWS_REGION"), None);
        assert_eq!(
            read(&cloud, "AWS_DEFAULT_REGION").as_deref(),
            Some("eu-central-1")
        );
        let passed = passed(&cloud, &ambient);
        assert_eq!(passed.drops, ["AWS_REGION"]);
        assert_eq!(
            passed.sets,
            [("AWS_DEFAULT_REGION".to_owned(), "eu-central-1".to_owned())]
        );
    }

    #[test]
    fn what_the_policy_clears_the_search_does_not_find_and_a_pinned_profile_goes_first() {
        let mut cloud = samples::cloud("bedrock", None);
        let mut info = samples::info();
        let ambient = Ambient::empty()
            .with_variable("AWS_ACCESS_KEY_ID", "AKIAUSER")
            .with_variable("AWS_ENDPOINT_URL", "https://evil.example")
            .with_variable("AWS_CONFIG_FILE", "kept");
        info.cleared_variables = vec!["AWS_ENDPOINT_URL".to_owned(), "AWS_*".to_owned()];
        let sees = |cloud: &wit::Cloud, name: &str| {
            let source = samples::source(wit::Kind::Cloud(cloud.clone()));
            world(&source, cloud, &info, &ambient)
                .variable(name)
                .is_some()
        };
        assert!(!sees(&cloud, "AWS_ENDPOINT_URL"));
        assert!(sees(&cloud, "AWS_ACCESS_KEY_ID") && sees(&cloud, "AWS_CONFIG_FILE"));
        cloud.set = vec![wit::Pair {
            name: "AWS_PROFILE".to_owned(),
            text: "corp".to_owned(),
        }];
        assert!(!sees(&cloud, "AWS_ACCESS_KEY_ID"));
        assert!(
            passed(&cloud, &ambient)
                .drops
                .contains(&"AWS_ACCESS_KEY_ID".to_owned())
        );
    }
}
