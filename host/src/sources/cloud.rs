//! A cloud provider's own credentials. What goes in is the source's contract
//! and the world around it; what comes out of a look is whether the provider is
//! selected and what its variables say, out of a get what its own search
//! found. A provider that is selected and has no credentials fails, and is
//! never passed by as if it were not selected: that would change who pays. So
//! it is where this build does not know the provider.
//!
//! ```text
//! look:  flag ──► variables ──► endpoints that the provider's files name
//! get:   look ──► skip-auth, bearer-token, api-key
//!             ──► kept ──► credential-export, else the search, in a thread
//!             ──► auth-refresh, where that failed ──► once more
//! ```

mod commands;
mod kept;
mod redirection;
mod search;
mod world;

#[cfg(feature = "bedrock")]
use keyrule_clouds::bedrock;
pub(crate) use keyrule_clouds::place;
use keyrule_clouds::provider;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::SystemTime;

use self::commands::Commands;
use self::place::Place;
use self::provider::Provider;
pub(crate) use self::world::{passed, world};
use super::command::recursion;
use super::{Facts, Failure, GetOptions, Got, Kept, Look, Notices, observation, seconds_until};
use crate::ambient::Ambient;
use crate::material::Material;
use crate::secret::Secret;
use keyrule_contract as wit;

/// What a flag says, in any case, when it says yes or no. The tools take
/// everything else for no.
const YES: [&str; 4] = ["1", "true", "yes", "on"];
const NO: [&str; 4] = ["0", "false", "no", "off"];

/// A source whose provider is asked, and the world that it sees.
#[derive(Clone, Copy)]
struct Asked<'a> {
    source: &'a wit::Source,
    cloud: &'a wit::Cloud,
    info: &'a wit::PolicyInfo,
    world: &'a Ambient,
    /// Whether the processes around this one are ours to ask about.
    owned: bool,
}

/// What a get goes on with where a look has found something that is there.
enum Way {
    /// A variable of the contract holds it.
    Given(Kept),
    /// The provider is to be searched, with these commands.
    Search(Commands),
}

/// Looks whether the provider is selected, and what its variables say.
pub(crate) fn look(
    source: &wit::Source,
    cloud: &wit::Cloud,
    info: &wit::PolicyInfo,
    ambient: &Ambient,
    owned: bool,
) -> Look {
    inspect(Asked {
        source,
        cloud,
        info,
        world: &world(source, cloud, info, ambient),
        owned,
    })
    .0
}

/// What a look sees, and the way to the credentials where there is one, with
/// the URL that was judged.
fn inspect(asked: Asked<'_>) -> (Look, Option<(Way, Option<String>)>) {
    let Asked {
        source,
        cloud,
        world,
        ..
    } = asked;
    let seen = match selected(cloud, world) {
        Ok(seen) => seen,
        Err(seen) => return (Look::nothing(*seen), None),
    };
    let Some(provider) = Provider::of(cloud) else {
        return (Look::nothing(unsupported(cloud, seen)), None);
    };
    let place = Place::of(cloud, world);
    let fault = place.fault_of(cloud);
    let given = fault.map_or_else(|| given(cloud, world), Err);
    let commands = Commands::find(asked);
    let subject = commands::subject(asked, commands.as_ref().ok());
    let way = given.and_then(|given| match given {
        Some(given) => Ok(Way::Given(given)),
        None => commands.and_then(|commands| match around(asked, &commands) {
            Some(failure) => Err(failure),
            None => Ok(Way::Search(commands)),
        }),
    });
    let way = match way {
        Ok(way) => way,
        Err(failure) => {
            let observation = wit::Observation {
                outcome: wit::Outcome::Failed(failure.trouble),
                detail: failure.detail,
                location: failure.found_in,
                ..seen
            };
            return (Look::nothing(observation), None);
        }
    };
    let (facts, expires_at) = match &way {
        Way::Given(given) => (given.facts.clone(), given.expires_at),
        // What is kept says whose it is and when it ends; else the variables.
        Way::Search(commands) => match (kept::peek(asked, &subject), commands.replacing()) {
            (Some(kept), _) => (kept.facts, kept.expires_at),
            (None, Some(export)) => (by_command(export.found_in()), None),
            (None, None) => (provider.peek(world), None),
        },
    };
    let now = SystemTime::now();
    let default = source.endpoint.as_ref();
    let mut place = place.with(&facts);
    // A file of the provider's may name the region, and is not asked here.
    let can_be_named = provider.keeps_regions_in_files();
    if !can_be_named || !provider.files(world).iter().any(|file| file.exists()) {
        place = place.or_default(&cloud.provider);
    }
    let is_searched = matches!(way, Way::Search(_));
    let settings = at_once(provider.endpoints(world, is_searched)).unwrap_or_default();
    let redirections = redirection::seen(source, cloud, world, &settings);
    let moved = redirection::url(&redirections, world, &settings).map(str::to_owned);
    let endpoint = moved.clone();
    let endpoint =
        endpoint.or_else(|| default.and_then(|endpoint| place.fill(cloud, &endpoint.default).ok()));
    let look = Look {
        observation: wit::Observation {
            detail: place.words(&facts),
            account: facts.account.clone(),
            expires_in: expires_at.map(|end| seconds_until(end, now)),
            redirections,
            ..seen
        },
        subject: Some(subject),
        endpoint: None,
        facts: Facts {
            endpoint,
            ..place.into_facts(facts)
        },
    };
    (look, Some((way, moved)))
}

/// Gets the credentials: those that the variables hold, those that are kept,
/// or what the provider's own search finds.
pub(crate) async fn get(
    source: &wit::Source,
    cloud: &wit::Cloud,
    info: &wit::PolicyInfo,
    ambient: &Ambient,
    options: GetOptions,
    notices: &dyn Notices,
    subject: Option<&Secret>,
) -> Got {
    let world = world(source, cloud, info, ambient);
    let asked = Asked {
        source,
        cloud,
        info,
        world: &world,
        owned: notices.owns_signals(),
    };
    let (look, way) = inspect(asked);
    let seen = wit::Observation {
        fetched: true,
        ..look.observation
    };
    let failed = |failure: Failure| {
        let failure = with_place(failure);
        let observation = wit::Observation {
            outcome: wit::Outcome::Failed(failure.trouble),
            location: failure.found_in.or_else(|| seen.location.clone()),
            detail: failure.detail,
            account: None,
            expires_in: None,
            ..seen.clone()
        };
        Got::one(observation, None)
    };
    let (Some((way, moved)), Some(now)) = (way, &look.subject) else {
        return match seen.outcome {
            wit::Outcome::Failed(_) => Got::one(seen, None),
            // A look had seen a flag, or nobody would get.
            _ => failed(Failure::bare(wit::FailureKind::Vanished)),
        };
    };
    if subject.is_some_and(|then| !crate::handout::same(then, now)) {
        let words = "other commands or variables have taken their place";
        return failed(Failure::new(wit::FailureKind::Vanished, words));
    }
    let kept = match way {
        Way::Given(mut given) => {
            if let (None, Some(provider)) = (Place::of(cloud, &world).region, Provider::of(cloud)) {
                given.facts.region = provider.region(&world).await;
            }
            Ok(given)
        }
        Way::Search(commands) => kept::get(asked, now, &commands, options, notices).await,
    };
    match kept {
        Err(failure) => failed(failure),
        Ok(kept) => brought((source, cloud, &world), seen, moved, kept),
    }
}

/// Drops what is kept of the provider. Nothing is asked.
pub(crate) fn drop_kept(
    source: &wit::Source,
    cloud: &wit::Cloud,
    info: &wit::PolicyInfo,
    ambient: &Ambient,
) {
    let asked = Asked {
        source,
        cloud,
        info,
        world: &world(source, cloud, info, ambient),
        owned: false,
    };
    let commands = Commands::find(asked).ok();
    kept::drop_kept(asked, &commands::subject(asked, commands.as_ref()));
}

/// Why the search is not begun: a Keyrule around this one is in it, and waits
/// for this one. The marker says so; the processes around us are asked where a
/// command has taken the marker away, and where another command would be run.
fn around(asked: Asked<'_>, commands: &Commands) -> Option<Failure> {
    let world = asked.world;
    let provider = Provider::of(asked.cloud)?;
    if let Some(failure) = provider.around(world) {
        return Some(failure);
    }
    if !asked.owned || !recursion::is_unmarked(world) {
        return None;
    }
    if let Some(export) = &commands.export {
        return Some(export.runs_keyrule());
    }
    at_once(provider.runs_a_command(world))?
}

/// What comes of work that waits for nothing: reading files, as the provider's
/// crates do it.
fn at_once<T>(work: impl Future<Output = T>) -> Option<T> {
    let mut context = Context::from_waker(Waker::noop());
    match pin!(work).poll(&mut context) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// The same, with the file in its words where they are a sentence about one.
fn with_place(failure: Failure) -> Failure {
    let about_a_file = matches!(
        failure.trouble,
        wit::FailureKind::Invalid | wit::FailureKind::Unreadable
    );
    match (&failure.detail, &failure.found_in) {
        (Some(words), Some(place))
            if about_a_file
                && place.contains(std::path::MAIN_SEPARATOR)
                && !words.contains(place.as_str()) =>
        {
            Failure {
                detail: Some(format!("{words}, in `{place}`")),
                ..failure
            }
        }
        _ => failure,
    }
}

/// What is known of what a setting's command will print.
fn by_command(file: &str) -> Facts {
    Facts {
        detail: Some(format!("by a command in `{file}`")),
        ..Facts::default()
    }
}

/// What was brought, with where it may go.
fn brought(
    (source, cloud, world): (&wit::Source, &wit::Cloud, &Ambient),
    seen: wit::Observation,
    moved: Option<String>,
    kept: Kept,
) -> Got {
    let now = SystemTime::now();
    let place = Place::of(cloud, world);
    let place = place.with(&kept.facts).or_default(&cloud.provider);
    let endpoint = source.endpoint.as_ref();
    let endpoint = endpoint.map(|endpoint| match moved {
        Some(url) => Ok(url),
        None => place.fill(cloud, &endpoint.default),
    });
    let endpoint = match endpoint.transpose() {
        Ok(endpoint) => endpoint,
        // Where a variable says the whole endpoint, nothing has to be filled in.
        Err(_) if super::endpoint::seen(source, world).url.is_some() => None,
        Err(failure) => {
            let observation = wit::Observation {
                outcome: wit::Outcome::Failed(failure.trouble),
                detail: failure.detail,
                location: failure.found_in,
                ..seen
            };
            return Got::one(observation, None);
        }
    };
    Got {
        observation: wit::Observation {
            detail: place.words(&kept.facts),
            account: kept.facts.account.clone(),
            expires_in: kept.expires_at.map(|end| seconds_until(end, now)),
            ..seen
        },
        material: Some(kept.material),
        facts: Facts {
            endpoint,
            expires_at: kept.expires_at,
            ..place.into_facts(kept.facts)
        },
        notes: Vec::new(),
    }
}

/// What the variables of the contract hold themselves: that nothing is to be
/// sent, a bearer token, an API key. None where the provider's own search is
/// to be asked.
fn given(cloud: &wit::Cloud, world: &Ambient) -> Result<Option<Kept>, Failure> {
    let bearer = held(cloud.bearer_token.as_deref(), world)?;
    let key = held(cloud.api_key.as_deref(), world)?;
    let header = |name: &str, text: &str| wit::Pair {
        name: name.to_owned(),
        text: text.to_owned(),
    };
    let carried = |what: &str, (variable, secret): (&str, Secret), headers| {
        let mut kept = Kept::of(Material::Carried(secret, vec![headers]));
        kept.facts.fixed = true;
        kept.facts.detail = Some(format!("{what} by `{variable}`"));
        Ok(Some(kept))
    };
    if let Some(found) = bearer {
        return carried("token", found, header("Authorization", "Bearer {secret}"));
    }
    if let Some(found) = key {
        return carried("key", found, header("X-Api-Key", "{secret}"));
    }
    let skipped = cloud
        .skip_auth
        .as_deref()
        .filter(|variable| is_on(world, variable));
    Ok(skipped.map(|variable| {
        let mut kept = Kept::of(Material::Nothing);
        kept.facts.detail = Some(format!("not authenticated, by `{variable}`"));
        kept
    }))
}

/// A secret that a variable holds, where it holds one.
fn held<'v>(
    variable: Option<&'v str>,
    world: &Ambient,
) -> Result<Option<(&'v str, Secret)>, Failure> {
    let Some(name) = variable else {
        return Ok(None);
    };
    let Some(value) = world.variable(name) else {
        return Ok(None);
    };
    let bad =
        |words: String| Err(Failure::new(wit::FailureKind::BadCharacter, words).in_place(name));
    let Some(value) = value.to_str() else {
        return bad(format!("`{name}` is not UTF-8"));
    };
    let secret = Secret::new(value);
    if secret.is_blank() {
        return Ok(None);
    }
    match secret.bad_character() {
        Some((place, what)) => bad(format!("`{name}` holds {what} at character {place}")),
        None => Ok(Some((name, secret))),
    }
}

/// What is seen of the flag, or why the provider is not selected.
fn selected(
    cloud: &wit::Cloud,
    ambient: &Ambient,
) -> Result<wit::Observation, Box<wit::Observation>> {
    let Some(flag) = &cloud.flag else {
        return Ok(observation(wit::Outcome::Present));
    };
    let Some(value) = ambient.variable(flag) else {
        return Err(Box::new(observation(wit::Outcome::Absent)));
    };
    let seen = |outcome| wit::Observation {
        location: Some(flag.clone()),
        ..observation(outcome)
    };
    match says(value) {
        None => Err(Box::new(seen(wit::Outcome::Blank))),
        Some(Says::No) => Err(Box::new(seen(wit::Outcome::Off))),
        Some(Says::Neither) => Err(Box::new(wit::Observation {
            detail: Some(odd(flag)),
            ..seen(wit::Outcome::Off)
        })),
        Some(Says::Yes) => Ok(seen(wit::Outcome::Present)),
    }
}

fn unsupported(cloud: &wit::Cloud, seen: wit::Observation) -> wit::Observation {
    wit::Observation {
        outcome: wit::Outcome::Failed(wit::FailureKind::Unsupported),
        detail: Some(format!("this build has no {}", cloud.provider)),
        ..seen
    }
}

/// What a flag says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    Yes,
    No,
    /// What counts as no, and may have been meant otherwise.
    Neither,
}

/// S8: what a flag says; none where it is blank.
fn says(value: &std::ffi::OsStr) -> Option<Says> {
    let value = value.as_encoded_bytes().trim_ascii();
    let is_among = |words: &[&str]| {
        let mut words = words.iter();
        words.any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
    };
    (!value.is_empty()).then(|| match () {
        () if is_among(&YES) => Says::Yes,
        () if is_among(&NO) => Says::No,
        () => Says::Neither,
    })
}

/// What is said of a flag that says neither, without what it holds.
fn odd(flag: &str) -> String {
    format!("`{flag}` holds none of `1`, `true`, `yes`, `on`, and counts as off")
}

fn is_on(world: &Ambient, variable: &str) -> bool {
    world.variable(variable).and_then(says) == Some(Says::Yes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Silent;
    use keyrule_contract::samples;
    use keyrule_system::runtime::block_on;

    fn source(cloud: wit::Cloud) -> (wit::Source, wit::Cloud) {
        let source = samples::source(wit::Kind::Cloud(cloud.clone()));
        (source, cloud)
    }

    fn look_at(cloud: wit::Cloud, ambient: &Ambient) -> wit::Observation {
        let (source, cloud) = source(cloud);
        look(&source, &cloud, &samples::info(), ambient, false).observation
    }

    fn get_from(cloud: wit::Cloud, ambient: &Ambient) -> Got {
        let (source, cloud) = source(cloud);
        let options = GetOptions {
            ttl: std::time::Duration::ZERO,
            rejected: false,
            handed_out: None,
        };
        block_on(get(
            &source,
            &cloud,
            &samples::info(),
            ambient,
            options,
            &Silent,
            None,
        ))
    }

    fn see_flag(value: &str) -> wit::Observation {
        let ambient = Ambient::empty().with_variable("USE_IT", value);
        let cloud = samples::cloud("nimbus", Some("USE_IT"));
        let got = get_from(cloud.clone(), &ambient);
        assert!(got.material.is_none());
        assert!(got.observation.fetched);
        look_at(cloud, &ambient)
    }

    fn expected(outcome: wit::Outcome) -> wit::Observation {
        wit::Observation {
            location: Some("USE_IT".to_owned()),
            ..observation(outcome)
        }
    }

    #[test]
    fn a_flag_that_is_not_set_is_absent() {
        let seen = look_at(samples::cloud("nimbus", Some("USE_IT")), &Ambient::empty());
        assert_eq!(seen, observation(wit::Outcome::Absent));
    }

    #[test]
    fn a_blank_flag_is_blank_and_a_flag_that_says_no_is_off() {
        for value in ["", " \t"] {
            assert_eq!(see_flag(value), expected(wit::Outcome::Blank));
        }
        for value in ["0", "false", "No", " OFF\n", "FALSE"] {
            assert_eq!(see_flag(value), expected(wit::Outcome::Off));
        }
    }

    #[test]
    fn a_flag_that_says_neither_yes_nor_no_is_off_and_named() {
        let odd = wit::Observation {
            detail: Some(
                "`USE_IT` holds none of `1`, `true`, `yes`, `on`, and counts as off".to_owned(),
            ),
            ..expected(wit::Outcome::Off)
        };
        for value in [
            "2",
            "enabled",
            "y",
            "t",
            "00",
            "n",
            "disabled",
            "\u{e9}",
            "true false",
            "11",
        ] {
            assert_eq!(see_flag(value), odd, "{value}");
        }
    }

    #[test]
    fn a_flag_that_says_yes_fails_in_a_build_without_the_provider() {
        let unsupported = wit::Observation {
            detail: Some("this build has no nimbus".to_owned()),
            ..expected(wit::Outcome::Failed(wit::FailureKind::Unsupported))
        };
        for value in ["1", "true", "Yes", "ON", " 1", "on\t"] {
            assert_eq!(see_flag(value), unsupported);
        }
        assert_eq!(
            look_at(samples::cloud("nimbus", None), &Ambient::empty()),
            wit::Observation {
                location: None,
                ..unsupported
            }
        );
    }

    #[cfg(feature = "foundry")]
    mod with_a_provider {
        use super::*;

        fn foundry() -> wit::Cloud {
            wit::Cloud {
                skip_auth: Some("SKIP".to_owned()),
                bearer_token: Some("TOKEN".to_owned()),
                api_key: Some("KEY".to_owned()),
                resource: vec!["RESOURCE".to_owned()],
                ..samples::cloud("foundry", None)
            }
        }

        #[test]
        fn a_token_goes_before_a_key_and_either_before_skipping() {
            let mut ambient = Ambient::empty()
                .with_variable("SKIP", "1")
                .with_variable("RESOURCE", "acme");
            let got = get_from(foundry(), &ambient);
            assert!(matches!(got.material, Some(Material::Nothing)));
            assert_eq!(
                got.observation.detail.as_deref(),
                Some("not authenticated, by `SKIP`, resource `acme` by `RESOURCE`")
            );
            for (variable, header) in [("KEY", "X-Api-Key"), ("TOKEN", "Authorization")] {
                ambient = ambient.with_variable(variable, "s3cr3t-canary");
                let got = get_from(foundry(), &ambient);
                let Some(Material::Carried(_, headers)) = &got.material else {
                    panic!("{:?}", got.observation);
                };
                assert_eq!(headers.first().unwrap().name, header);
                assert!(!format!("{got:?}").contains("s3cr3t"));
            }
        }

        #[test]
        fn a_token_that_no_header_can_carry_names_its_variable() {
            let ambient = Ambient::empty().with_variable("TOKEN", "s3cr3t\n");
            let seen = look_at(foundry(), &ambient);
            assert_eq!(
                seen.outcome,
                wit::Outcome::Failed(wit::FailureKind::BadCharacter)
            );
            assert_eq!(seen.location.as_deref(), Some("TOKEN"));
            assert_eq!(
                seen.detail.as_deref(),
                Some("`TOKEN` holds a line feed at character 7")
            );
        }
    }
}
