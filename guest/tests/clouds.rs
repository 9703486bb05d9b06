//! Cloud providers and helpers of every format: what their rules clear and
//! hide, what they read, how they are judged, and what is said of them.

#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a helper of tests stops where something is missing"
)]

use keyrule_policy::Policy;
use keyrule_policy::bindings::exports::keyrule::policy::engine::{
    Consent, Destination, Document, DocumentOrigin, Evidence, FailureKind, Fix, Format, Kind,
    Lifetime, Observation, Outcome, Reason, Redirection, Refusal, Refused, Session, Signing, State,
    Surface, Verdict,
};

const CLOUDS: &str = include_str!("../../tests/policies/valid/policy/clouds.toml");
const FORMATS: &str = include_str!("../../tests/policies/valid/policy/formats.toml");

const TERMINAL: Session = Session {
    surface: Surface::Terminal,
    interactive: false,
};

fn load(text: &str) -> Policy {
    restricted(text, "# Nothing.\n")
}

fn restricted(text: &str, restriction: &str) -> Policy {
    let document = |origin, path: &str, text: &str| Document {
        origin,
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let documents = vec![
        document(DocumentOrigin::Managed, "sample.toml", text),
        document(DocumentOrigin::Project, "project.toml", restriction),
    ];
    Policy::load("sample", documents).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// One source of a document, alone.
fn alone(text: &str, id: &str) -> String {
    let (head, sources) = text.split_once("[[source]]").expect("a source");
    let wanted = format!("\nid = \"{id}\"\n");
    let source = sources
        .split("[[source]]")
        .find(|source| source.starts_with(&wanted))
        .expect("the source");
    format!("{head}[[source]]{source}")
}

fn seen(outcome: Outcome, location: Option<&str>, detail: Option<&str>) -> Observation {
    Observation {
        fetched: false,
        endpoint_location: None,
        endpoint_tier: None,
        outcome,
        detail: detail.map(str::to_owned),
        location: location.map(str::to_owned),
        tier: None,
        destination: Destination::Default,
        redirections: Vec::new(),
        expires_in: None,
        refreshable: false,
        account: None,
        organization: None,
        stored_in: None,
        lifetime: Lifetime::Unset,
    }
}

/// What is said of the one source, and what would help.
fn said(policy: &Policy, seen: Observation) -> (String, Option<(Fix, String)>) {
    let evidence = Evidence {
        consent: Consent::Undecided,
        observation: Some(seen),
    };
    let explanation = policy.explain(TERMINAL, &[evidence]);
    let line = explanation.sources.first().expect("a line");
    let fix = explanation.fix.map(|fix| (fix.action, fix.text));
    (line.text.clone(), fix)
}

#[test]
fn what_is_left_out_is_what_is_usual() {
    let text = "name = \"sample\"\n[[source]]\nid = \"c\"\nkind = \"cloud\"\nprovider = \"bedrock\"\nselect = \"always\"\nsurfaces = [\"terminal\"]\n";
    let cloud = |provider: &str| {
        let policy = load(&text.replace("bedrock", provider));
        match &policy.sources().first().expect("a source").kind {
            Kind::Cloud(cloud) => cloud.clone(),
            other => panic!("{other:?}"),
        }
    };
    let bedrock = cloud("bedrock");
    assert_eq!(bedrock.region, ["AWS_REGION", "AWS_DEFAULT_REGION"]);
    assert_eq!(bedrock.service.as_deref(), Some("bedrock"));
    assert_eq!(bedrock.timeout_ms, 60_000);
    let vertex = cloud("vertex");
    assert_eq!(vertex.project, ["GCLOUD_PROJECT", "GOOGLE_CLOUD_PROJECT"]);
    assert_eq!((vertex.region, vertex.service), (Vec::new(), None));
    let foundry = cloud("foundry");
    assert_eq!((foundry.region, foundry.project), (Vec::new(), Vec::new()));
    assert_eq!(foundry.resource, [""; 0]);
}

#[test]
fn a_helper_signs_where_it_prints_a_key_of_aws() {
    let policy = load(FORMATS);
    let helpers: Vec<(Format, Option<Signing>)> = policy
        .sources()
        .iter()
        .map(|source| match &source.kind {
            Kind::Helper(helper) => (helper.format, helper.signing.clone()),
            other => panic!("{other:?}"),
        })
        .collect();
    let signing = |service: &str, region: &[&str]| {
        Some(Signing {
            service: service.to_owned(),
            region: region.iter().map(|name| (*name).to_owned()).collect(),
        })
    };
    assert_eq!(
        helpers,
        [
            (Format::Token, None),
            (Format::Headers, None),
            (Format::Bazel, None),
            (Format::Git, None),
            (
                Format::AwsProcess,
                signing("execute-api", &["GATEWAY_REGION"])
            ),
            (
                Format::AwsProcess,
                signing("bedrock", &["AWS_REGION", "AWS_DEFAULT_REGION"])
            ),
        ]
    );
}

#[test]
fn keys_and_flags_are_cleared_and_keys_are_hidden() {
    let info = load(CLOUDS).info();
    let clears = |name: &str| info.cleared_variables.iter().any(|clear| clear == name);
    let hides = |name: &str| info.hidden_variables.iter().any(|hide| hide == name);
    for name in ["AWS_BEARER_TOKEN_BEDROCK", "FOUNDRY_TOKEN", "FOUNDRY_KEY"] {
        assert!(clears(name) && hides(name), "{name}");
    }
    for name in ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "VERTEX_TOKEN"] {
        assert!(clears(name) && hides(name), "{name}");
    }
    for name in ["USE_BEDROCK", "SKIP_VERTEX_AUTH", "BEDROCK_BASE_URL"] {
        assert!(clears(name) && !hides(name), "{name}");
    }
    // The first two are of the table `export`, the others are general.
    assert!(clears("AWS_REGION") && !hides("AWS_ACCESS_KEY_ID"));
    assert!(!clears("BEDROCK_REGION") && !clears("CLOUD_PROJECT"));
}

#[test]
fn they_read_the_same_where_the_same_selects_them() {
    let reads = |text: &str| -> Vec<String> {
        let policy = load(text);
        let sources = policy.sources();
        sources.iter().map(|source| source.reads.clone()).collect()
    };
    assert_eq!(
        reads(CLOUDS),
        [
            "cloud bedrock by USE_BEDROCK",
            "cloud vertex always",
            "cloud foundry by USE_FOUNDRY",
        ]
    );
    assert_eq!(
        reads(FORMATS),
        [
            "helper [\"/usr/bin/get-token\"]",
            "helper of headers [\"/usr/bin/get-headers\"]",
            "helper of bazel variable CREDENTIAL_HELPER",
            "helper of git [\"git\", \"credential\", \"fill\"]",
            "helper of aws-process [\"/usr/bin/get-key\", \"--profile\", \"acme\"]",
            "helper of aws-process [\"/usr/bin/get-key\"]",
        ]
    );
}

/// Nobody knows yet which region it will be.
#[test]
fn a_restriction_must_allow_every_region() {
    let judged = |endpoints: &str| {
        let restriction = format!("endpoints = [\"{endpoints}\"]\n");
        let policy = restricted(&alone(CLOUDS, "bedrock"), &restriction);
        let finding = policy.observe(0, &seen(Outcome::Present, None, None));
        (finding.state, finding.reason)
    };
    let ready = (State::Ready, Reason::Present);
    let barred = (State::Forbidden, Reason::EndpointNotAllowed);
    assert_eq!(judged("https://*.amazonaws.com"), ready);
    assert_eq!(judged("https://*:*"), ready);
    for one in ["eu-central-1", "x"] {
        let host = format!("https://bedrock-runtime.{one}.amazonaws.com");
        assert_eq!(judged(&host), barred, "{host}");
    }
}

#[test]
fn a_provider_that_is_there_says_whose_and_where() {
    let policy = load(&alone(CLOUDS, "bedrock"));
    let mut there = seen(Outcome::Present, None, None);
    assert_eq!(said(&policy, there.clone()).0, "`USE_BEDROCK` is on");
    there.detail = Some("region eu-central-1 by `AWS_REGION`".to_owned());
    there.account = Some("AKIA…CDEF".to_owned());
    assert_eq!(
        said(&policy, there).0,
        "`USE_BEDROCK` is on: AKIA…CDEF, region eu-central-1 by `AWS_REGION`"
    );
}

/// Every failure of a provider, in words, with its fix.
#[test]
fn a_provider_that_fails_says_what_helps() {
    use FailureKind as T;
    let file = "/home/u/.tool/settings.json";
    let login = Fix::ProviderLogin(0);
    let aws = "log in to AWS: `aws sso login`, or set `AWS_PROFILE` or `AWS_ACCESS_KEY_ID` with `AWS_SECRET_ACCESS_KEY` or `AWS_BEARER_TOKEN_BEDROCK`, or `unset USE_BEDROCK`";
    let command = "run the command that `/home/u/.tool/settings.json` names by hand to see what it says, or `unset USE_BEDROCK`";
    let network = "see whether what it asks can be reached from here, then try again";
    let cases = [
        (
            (T::NoCredentials, None, Some("no profile `work`")),
            "`USE_BEDROCK` is on, and Amazon Bedrock has no credentials: no profile `work`",
            (login.clone(), aws),
        ),
        (
            (T::Expired, None, None),
            "`USE_BEDROCK` is on, and its credentials have expired",
            (login.clone(), aws),
        ),
        (
            (T::Rejected, None, Some("ExpiredTokenException")),
            "`USE_BEDROCK` is on, and its credentials were refused: ExpiredTokenException",
            (login, aws),
        ),
        (
            (T::Unsupported, None, Some("this build has no clouds")),
            "`USE_BEDROCK` is on, and this build has no clouds",
            (
                Fix::UnsetVariable("USE_BEDROCK".to_owned()),
                "`unset USE_BEDROCK`, or use a build that has bedrock",
            ),
        ),
        (
            (T::Invalid, Some("/home/u/.aws/config"), None),
            "`/home/u/.aws/config` is not valid",
            (
                Fix::RepairFile("/home/u/.aws/config".to_owned()),
                "mend `/home/u/.aws/config`, then try again",
            ),
        ),
        (
            (
                T::BadCharacter,
                Some("AWS_BEARER_TOKEN_BEDROCK"),
                Some("`AWS_BEARER_TOKEN_BEDROCK` has a line feed at 3"),
            ),
            "`AWS_BEARER_TOKEN_BEDROCK` has a line feed at 3, which no header may carry",
            (
                Fix::UnsetVariable("AWS_BEARER_TOKEN_BEDROCK".to_owned()),
                "set `AWS_BEARER_TOKEN_BEDROCK` again without that character, or `unset AWS_BEARER_TOKEN_BEDROCK`",
            ),
        ),
        (
            (
                T::Invalid,
                Some("AWS_REGION"),
                Some("`AWS_REGION` is no region"),
            ),
            "`AWS_REGION` is no region",
            (
                Fix::UnsetVariable("AWS_REGION".to_owned()),
                "set `AWS_REGION` to what is valid, or `unset AWS_REGION`",
            ),
        ),
        (
            (
                T::Unreachable,
                Some("https://sts.amazonaws.com"),
                Some("`https://sts.amazonaws.com` does not answer"),
            ),
            "`https://sts.amazonaws.com` does not answer",
            (
                Fix::CheckNetwork(0),
                "see whether `https://sts.amazonaws.com` answers from here, then try again",
            ),
        ),
        (
            (T::TimedOut, None, Some("60 s")),
            "the search for its credentials did not end in time: 60 s",
            (Fix::CheckNetwork(0), network),
        ),
        (
            (
                T::MalformedAnswer,
                None,
                Some("the JSON of an instance's credentials: line 1, column 2"),
            ),
            "what its search was answered is not the JSON of an instance's credentials: line 1, column 2",
            (Fix::CheckNetwork(0), network),
        ),
        (
            (
                T::MalformedAnswer,
                Some("http://169.254.169.254"),
                Some("JSON: line 1, column 2"),
            ),
            "the answer of `http://169.254.169.254` is not JSON: line 1, column 2",
            (
                Fix::CheckNetwork(0),
                "see what `http://169.254.169.254` answers, then try again",
            ),
        ),
        (
            (
                T::MalformedAnswer,
                Some(file),
                Some("the JSON of `awsCredentialExport`: line 1, column 2"),
            ),
            "what its command in `/home/u/.tool/settings.json` printed is not the JSON of `awsCredentialExport`: line 1, column 2",
            (Fix::RepairHelper(0), command),
        ),
        (
            (T::ExitStatus, Some(file), Some("exit status 3")),
            "its command in `/home/u/.tool/settings.json` failed: exit status 3",
            (Fix::RepairHelper(0), command),
        ),
        (
            (T::TimedOut, Some(file), None),
            "its command in `/home/u/.tool/settings.json` did not end in time",
            (Fix::RepairHelper(0), command),
        ),
    ];
    let policy = load(&alone(CLOUDS, "bedrock"));
    for ((trouble, place, detail), text, (fix, help)) in cases {
        let (line, advice) = said(&policy, seen(Outcome::Failed(trouble), place, detail));
        assert_eq!(line, text);
        assert_eq!(advice, Some((fix, help.to_owned())), "{text}");
    }
}

#[test]
fn each_provider_has_its_own_login() {
    let help = |id: &str| {
        let trouble = Outcome::Failed(FailureKind::NoCredentials);
        said(&load(&alone(CLOUDS, id)), seen(trouble, None, None))
    };
    let (text, advice) = help("vertex");
    assert_eq!(
        text,
        "the policy selects it, and Google Vertex AI has no credentials"
    );
    assert_eq!(
        advice.map(|(_, text)| text).as_deref(),
        Some(
            "log in to Google Cloud: `gcloud auth application-default login`, or set `GOOGLE_APPLICATION_CREDENTIALS`"
        )
    );
    assert_eq!(
        help("foundry").1.map(|(_, text)| text).as_deref(),
        Some(
            "log in to Azure: `az login`, or set `FOUNDRY_TOKEN` or `FOUNDRY_KEY`, or `unset USE_FOUNDRY`"
        )
    );
}

#[test]
fn a_helper_that_answers_in_another_format_says_which() {
    let policy = load(&alone(FORMATS, "aws"));
    let detail = Some("the JSON of credential_process: line 1, column 5");
    let trouble = Outcome::Failed(FailureKind::MalformedAnswer);
    let (text, advice) = said(&policy, seen(trouble, None, detail));
    assert_eq!(
        text,
        "what the helper printed is not the JSON of credential_process: line 1, column 5"
    );
    assert_eq!(advice.map(|(action, _)| action), Some(Fix::RepairHelper(0)));
    let mut ended = seen(Outcome::Present, None, None);
    (ended.fetched, ended.expires_in) = (true, Some(-60));
    assert_eq!(
        said(&policy, ended).0,
        "what the helper printed has expired"
    );
}

/// S4: what a provider's clients follow is judged as the source's endpoint.
#[test]
fn a_variable_that_would_send_it_elsewhere_is_judged_and_named() {
    let judged = |policy: &Policy, all: &[(&str, Option<&str>)]| {
        let mut there = seen(Outcome::Present, None, None);
        there.redirections = all
            .iter()
            .map(|(name, origin)| Redirection {
                name: (*name).to_owned(),
                origin: origin.map(str::to_owned),
                carries: !name.ends_with("STS"),
            })
            .collect();
        let finding = policy.observe(0, &there);
        (finding.state, finding.reason, said(policy, there))
    };
    let bedrock = alone(CLOUDS, "bedrock");
    let narrow = restricted(&bedrock, "endpoints = [\"https://*.amazonaws.com\"]\n");
    let allowed = Some("https://vpce-x.amazonaws.com");
    let evil = Some("https://evil.example");
    let (state, ..) = judged(&narrow, &[("AWS_ENDPOINT_URL", allowed)]);
    assert_eq!(state, State::Ready);
    let fix = |names: &str, or: &str| {
        let first = names.split(' ').next().unwrap_or_default().to_owned();
        Some((
            Fix::UnsetVariable(first),
            format!("`unset {names}`, or {or}"),
        ))
    };
    let (state, reason, (words, help)) = judged(
        &narrow,
        &[
            ("AWS_ENDPOINT_URL", allowed),
            ("AWS_ENDPOINT_URL_STS", evil),
            ("AWS_ENDPOINT_URL_SSO", evil),
        ],
    );
    assert_eq!(
        (state, reason),
        (State::Forbidden, Reason::EndpointNotAllowed)
    );
    assert_eq!(
        words,
        "it, or what it is got with, would be sent to `https://evil.example`, because `AWS_ENDPOINT_URL_STS` says so, and that is not allowed"
    );
    let names = "AWS_ENDPOINT_URL_STS AWS_ENDPOINT_URL_SSO";
    assert_eq!(help, fix(names, "let them name endpoints that are allowed"));
    // Whatever is listed, and where nothing is, it has to be an origin.
    for policy in [narrow, load(&bedrock)] {
        let (state, reason, (words, help)) = judged(&policy, &[("AWS_ENDPOINT_URL", None)]);
        assert_eq!(
            (state, reason),
            (State::Forbidden, Reason::EndpointMalformed)
        );
        assert_eq!(words, "`AWS_ENDPOINT_URL` is not the URL of an endpoint");
        assert_eq!(
            help,
            fix(
                "AWS_ENDPOINT_URL",
                "let it name an endpoint that is allowed"
            )
        );
    }
}

/// S4: a setting in a file is named with its file, which is what to repair.
#[test]
fn a_setting_that_would_send_it_elsewhere_is_repaired_in_its_file() {
    let setting = "`endpoint_url` of the profile `corp` in `/home/x/.aws/config`";
    let moved = |name: &str, origin: Option<&str>| Redirection {
        name: name.to_owned(),
        origin: origin.map(str::to_owned),
        carries: true,
    };
    let policy = restricted(
        &alone(CLOUDS, "bedrock"),
        "endpoints = [\"https://*.amazonaws.com\"]\n",
    );
    let told = |redirections: Vec<Redirection>| {
        let mut there = seen(Outcome::Present, None, None);
        there.redirections = redirections;
        said(&policy, there)
    };
    let evil = Some("https://evil.example");
    let (words, help) = told(vec![moved(setting, evil)]);
    assert_eq!(
        words,
        format!(
            "would be sent to `https://evil.example`, because {setting} says so, and that is not allowed"
        )
    );
    assert_eq!(
        help,
        Some((
            Fix::RepairFile("/home/x/.aws/config".to_owned()),
            format!("remove {setting}, or let it name an endpoint that is allowed")
        ))
    );
    let (words, _) = told(vec![moved(setting, None)]);
    assert_eq!(words, format!("{setting} is not the URL of an endpoint"));
    let (_, help) = told(vec![
        moved("AWS_ENDPOINT_URL_STS", evil),
        moved(setting, evil),
    ]);
    assert_eq!(
        help,
        Some((
            Fix::UnsetVariable("AWS_ENDPOINT_URL_STS".to_owned()),
            format!(
                "`unset AWS_ENDPOINT_URL_STS` and remove {setting}, or let them name endpoints that are allowed"
            )
        ))
    );
}

/// S21: what is being run already is passed over by nothing.
#[test]
fn what_is_being_run_already_stops_whatever_on_failure_says() {
    let text = alone(CLOUDS, "bedrock").replace(
        "id = \"bedrock\"\n",
        "id = \"bedrock\"\non-failure = \"next\"\n",
    );
    let policy = load(&text);
    let nested = seen(
        Outcome::Failed(FailureKind::Nested),
        Some("KEYRULE_HELPER_OF"),
        Some("`KEYRULE_HELPER_OF` says that it is being run already"),
    );
    let finding = policy.observe(0, &nested);
    assert_eq!(
        (finding.state, finding.reason),
        (State::Fatal, Reason::Nested)
    );
    let evidence = Evidence {
        consent: Consent::Undecided,
        observation: Some(nested),
    };
    let explanation = policy.explain(TERMINAL, &[evidence]);
    let refused = Refused {
        reason: Refusal::SourceFailed,
        source: Some(0),
    };
    assert_eq!(explanation.verdict, Verdict::Refuse(refused));
    let fix = explanation.fix.expect("a fix");
    assert_eq!(
        fix.action,
        Fix::UnsetVariable("KEYRULE_HELPER_OF".to_owned())
    );
}
