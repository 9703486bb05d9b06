//! Where a provider is asked: region, project and resource, by the variables
//! that the contract names, in its order. What goes in is the contract and the
//! variables; what comes out are the names, and the endpoint made with them.

use keyrule_contract as wit;
pub use keyrule_credential::label::is_label;
use keyrule_credential::{Facts, Failure};
use keyrule_system::environment::Ambient;

/// Names of a region, a project and a resource, each with the variable that
/// says it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    /// The region.
    pub region: Option<Named>,
    /// The project.
    pub project: Option<Named>,
    /// The resource.
    pub resource: Option<Named>,
    /// Variables that hold what can be no such name, and are passed over.
    pub passed_over: Vec<String>,
}

/// A name, and who says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// The name.
    pub name: String,
    /// Who says it; none where the provider does.
    pub by: Option<By>,
}

/// Who says a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// This variable of the environment.
    Variable(String),
    /// The policy, which sets it.
    Policy,
}

impl Place {
    /// What the variables say. One whose value no such name can have counts as
    /// not set, as the tools have it.
    pub fn of(cloud: &wit::Cloud, world: &Ambient) -> Self {
        let mut passed_over = Vec::new();
        let mut first = |names, is_name| first(names, cloud, world, is_name, &mut passed_over);
        Self {
            region: first(&cloud.region, is_label),
            project: first(&cloud.project, is_project),
            resource: first(&cloud.resource, is_label),
            passed_over,
        }
    }

    /// The same, with what the provider's search said where variables say
    /// nothing. The project that a credentials file belongs to goes before a
    /// tool's own variable, not before Google's and not before the policy's.
    pub fn with(mut self, facts: &Facts) -> Self {
        const GOOGLE: [&str; 2] = ["GCLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT"];
        let by = self.project.as_ref().and_then(|named| named.by.as_ref());
        let is_last =
            |by: &By| matches!(by, By::Variable(name) if !GOOGLE.contains(&name.as_str()));
        if facts.own_project && by.is_some_and(is_last) {
            self.project = None;
        }
        let said = |name: &Option<String>| {
            let name = name.clone()?;
            Some(Named { name, by: None })
        };
        self.region = self.region.or_else(|| said(&facts.region));
        self.project = self.project.or_else(|| said(&facts.project));
        self.resource = self.resource.or_else(|| said(&facts.resource));
        self
    }

    /// What the policy sets and can be no such name: it is the administrator's
    /// word, and nothing takes its place.
    pub fn fault_of(&self, cloud: &wit::Cloud) -> Option<Failure> {
        let set = |name: &&String| cloud.set.iter().any(|pair| pair.name == **name);
        let name = self.passed_over.iter().find(set)?;
        let words = format!("the policy sets `{name}` to what can be no such name");
        Some(Failure::new(wit::FailureKind::Invalid, words))
    }

    /// The same, with the region that the documentation names where nothing
    /// else does.
    pub fn or_default(mut self, provider: &str) -> Self {
        let default = match provider {
            "bedrock" => Some("us-east-1"),
            "vertex" => Some("us-east5"),
            _ => None,
        };
        let default = default.map(|name| Named {
            name: name.to_owned(),
            by: None,
        });
        self.region = self.region.or(default);
        self
    }

    /// The names, beside what else is known.
    pub fn into_facts(self, facts: Facts) -> Facts {
        let name = |named: Option<Named>| named.map(|named| named.name);
        Facts {
            region: name(self.region),
            project: name(self.project),
            resource: name(self.resource),
            ..facts
        }
    }

    /// The names in words, after what else is known: `by AWS_PROFILE, region
    /// eu-central-1 by AWS_REGION`.
    pub fn words(&self, facts: &Facts) -> Option<String> {
        let named = [
            ("region", &self.region),
            ("project", &self.project),
            ("resource", &self.resource),
        ];
        let named = named.into_iter().filter_map(|(what, named)| {
            let named = named.as_ref()?;
            Some(match &named.by {
                Some(By::Variable(variable)) => {
                    format!("{what} `{}` by `{variable}`", named.name)
                }
                Some(By::Policy) => format!("{what} `{}` by the policy", named.name),
                None => format!("{what} `{}`", named.name),
            })
        });
        let over = self.passed_over.iter();
        let over = over.map(|name| format!("not by `{name}`, which holds no such name"));
        let said = facts.detail.clone().into_iter();
        let all: Vec<String> = said.chain(named).chain(over).collect();
        (!all.is_empty()).then(|| all.join(", "))
    }

    /// The default endpoint with the names in it, or which name is missing.
    pub fn fill(&self, cloud: &wit::Cloud, default: &str) -> Result<String, Failure> {
        let mut url = default.to_owned();
        if let Some(region) = &self.region
            && cloud.provider == "vertex"
        {
            url = vertex_host(&url, &region.name);
        }
        for (word, what, named, variables) in [
            ("{region}", "region", &self.region, &cloud.region),
            ("{project}", "project", &self.project, &cloud.project),
            ("{resource}", "resource", &self.resource, &cloud.resource),
        ] {
            if !url.contains(word) {
                continue;
            }
            let Some(named) = named else {
                let Some(variable) = variables.first() else {
                    let words = format!("its endpoint depends on a {what}, and nothing names one");
                    return Err(Failure::new(wit::FailureKind::Invalid, words));
                };
                let words = format!("`{variable}` names no {what}, which its endpoint depends on");
                return Err(Failure::new(wit::FailureKind::Invalid, words).in_place(variable));
            };
            url = url.replace(word, &named.name);
        }
        Ok(url)
    }
}

/// Vertex AI has hosts of their own for what is no region: `global`, and the
/// multi-regions `us` and `eu`.
/// <https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations>
fn vertex_host(url: &str, region: &str) -> String {
    let regional = "{region}-aiplatform.googleapis.com";
    match region {
        "global" => url.replace(regional, "aiplatform.googleapis.com"),
        "us" | "eu" => url.replace(regional, "aiplatform.{region}.rep.googleapis.com"),
        _ => url.to_owned(),
    }
}

fn first(
    names: &[String],
    cloud: &wit::Cloud,
    world: &Ambient,
    is_name: fn(&str) -> bool,
    passed_over: &mut Vec<String>,
) -> Option<Named> {
    names.iter().find_map(|variable| {
        let value = world.variable(variable)?.to_str().unwrap_or("?");
        let value = value.trim_ascii();
        if !is_name(value) {
            if !value.is_empty() {
                passed_over.push(variable.clone());
            }
            return None;
        }
        Some(Named {
            name: value.to_owned(),
            by: Some(match cloud.set.iter().any(|pair| pair.name == *variable) {
                true => By::Policy,
                false => By::Variable(variable.clone()),
            }),
        })
    })
}

/// Projects of Google Cloud can begin with a domain: `example.com:acme`.
pub fn is_project(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:".contains(&byte)
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_contract::samples;

    #[test]
    fn the_first_variable_that_holds_a_name_counts() {
        let mut cloud = samples::cloud("bedrock", None);
        cloud.region = vec!["A".to_owned(), "B".to_owned()];
        let region = |a: &str, b: &str| {
            let world = Ambient::empty().with_variable("A", a).with_variable("B", b);
            Place::of(&cloud, &world)
                .region
                .map(|named| match named.by {
                    Some(By::Variable(by)) => (named.name, by),
                    by => panic!("{by:?}"),
                })
        };
        let named = |name: &str, by: &str| Some((name.to_owned(), by.to_owned()));
        assert_eq!(region("eu-west-1", "us-east-1"), named("eu-west-1", "A"));
        assert_eq!(region("", "us-east-1"), named("us-east-1", "B"));
        assert_eq!(
            region("evil.example/", "us-east-1"),
            named("us-east-1", "B")
        );
        assert_eq!(region("EU", "-x"), None);
    }

    #[test]
    fn a_files_own_project_goes_between_googles_variables_and_the_tools() {
        let mut cloud = samples::cloud("vertex", None);
        cloud.project = ["GOOGLE_CLOUD_PROJECT", "TOOL_PROJECT"]
            .map(str::to_owned)
            .to_vec();
        let mut facts = Facts {
            project: Some("of-the-file".to_owned()),
            own_project: true,
            ..Facts::default()
        };
        let project = |name: &str, facts: &Facts, cloud: &wit::Cloud| {
            let world = Ambient::empty().with_variable(name, "of-the-variable");
            let place = Place::of(cloud, &world).with(facts);
            place.project.unwrap().name
        };
        assert_eq!(
            project("GOOGLE_CLOUD_PROJECT", &facts, &cloud),
            "of-the-variable"
        );
        assert_eq!(project("TOOL_PROJECT", &facts, &cloud), "of-the-file");
        cloud.set = vec![wit::Pair {
            name: "TOOL_PROJECT".to_owned(),
            text: "of-the-variable".to_owned(),
        }];
        assert_eq!(project("TOOL_PROJECT", &facts, &cloud), "of-the-variable");
        cloud.set.clear();
        facts.own_project = false;
        assert_eq!(project("TOOL_PROJECT", &facts, &cloud), "of-the-variable");
        assert_eq!(project("NONE", &facts, &cloud), "of-the-file");
    }

    #[test]
    fn an_endpoint_is_made_with_the_names() {
        let place = |name: &str| Place {
            region: Some(Named {
                name: name.to_owned(),
                by: None,
            }),
            ..Place::default()
        };
        let fill = |name: &str, provider: &str, url: &str| {
            let cloud = samples::cloud(provider, None);
            place(name).fill(&cloud, url).unwrap()
        };
        let bedrock = "https://bedrock-runtime.{region}.amazonaws.com";
        assert_eq!(
            fill("eu-west-1", "bedrock", bedrock),
            "https://bedrock-runtime.eu-west-1.amazonaws.com"
        );
        let vertex = "https://{region}-aiplatform.googleapis.com/v1";
        for (region, url) in [
            ("us-east5", "https://us-east5-aiplatform.googleapis.com/v1"),
            ("global", "https://aiplatform.googleapis.com/v1"),
            ("eu", "https://aiplatform.eu.rep.googleapis.com/v1"),
        ] {
            assert_eq!(fill(region, "vertex", vertex), url);
        }
        let mut cloud = samples::cloud("foundry", None);
        let missing = |cloud: &wit::Cloud| {
            let failure = Place::default().fill(cloud, "https://{resource}.example");
            let failure = failure.unwrap_err();
            assert_eq!(failure.trouble, wit::FailureKind::Invalid);
            (failure.found_in, failure.detail.unwrap())
        };
        assert_eq!(
            missing(&cloud),
            (
                None,
                "its endpoint depends on a resource, and nothing names one".to_owned()
            )
        );
        cloud.resource = vec!["RESOURCE".to_owned()];
        assert_eq!(
            missing(&cloud),
            (
                Some("RESOURCE".to_owned()),
                "`RESOURCE` names no resource, which its endpoint depends on".to_owned()
            )
        );
    }
}
