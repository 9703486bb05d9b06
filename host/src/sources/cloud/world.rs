//! The variables as a cloud source sees them: what the policy sets goes before
//! the environment, for the provider's own search and for a child of `exec`.

use std::borrow::Cow;

use crate::ambient::Ambient;
use crate::credential::Passed;
use crate::engine::bindings as wit;

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

/// The world with what the policy sets for this source. Of variables of which
/// the first one that is set counts, one that the policy sets hides the others.
pub(crate) fn world<'a>(cloud: &wit::Cloud, ambient: &'a Ambient) -> Cow<'a, Ambient> {
    if cloud.set.is_empty() {
        return Cow::Borrowed(ambient);
    }
    let mut world = ambient.clone();
    for name in hidden(cloud) {
        world = world.without_variable(&name);
    }
    for pair in &cloud.set {
        world = world.with_variable(&pair.name, &pair.text);
    }
    Cow::Owned(world)
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
    let _ = ambient;
    Passed {
        keeps,
        drops: hidden(cloud),
        sets: sets.collect(),
    }
}

/// Variables that say the same as one that the policy sets.
fn hidden(cloud: &wit::Cloud) -> Vec<String> {
    let set = |name: &String| cloud.set.iter().any(|pair| pair.name == *name);
    [&cloud.region, &cloud.project, &cloud.resource]
        .into_iter()
        .filter(|names| names.iter().any(set))
        .flat_map(|names| names.iter().filter(|name| !set(name)))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::samples;

    #[test]
    fn what_the_policy_sets_goes_before_the_environment_and_hides_what_says_the_same() {
        let mut cloud = samples::cloud("bedrock", None);
        cloud.region = vec!["AWS_REGION".to_owned(), "AWS_DEFAULT_REGION".to_owned()];
        let ambient = Ambient::empty()
            .with_variable("AWS_REGION", "us-west-2")
            .with_variable("AWS_DEFAULT_REGION", "eu-west-1");
        let read = |cloud: &wit::Cloud, name: &str| {
            let world = world(cloud, &ambient);
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
}
