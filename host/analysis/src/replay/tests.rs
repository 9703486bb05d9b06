use super::*;
use keyrule::policy::builtin;
use keyrule::resolver::Resolver;
use keyrule_engine::{Engine, Policy};
use keyrule_system::environment::Ambient;

const HEAD: &str = "name = \"sample\"\n";

/// Where a source is sent of which nothing else is said.
const DEFAULT: &str = "https://default.test";

fn sent_somewhere(more: &str) -> String {
    if more.contains("endpoint") {
        more.to_owned()
    } else {
        format!("endpoint = {{ default = \"{DEFAULT}\" }}\n{more}")
    }
}

/// A source of a sample policy, one line each.
fn environment(id: &str, variable: &str, more: &str) -> String {
    let more = sent_somewhere(more);
    format!(
        "[[source]]\nid = \"{id}\"\nkind = \"environment\"\nvariable = \"{variable}\"\n\
         headers = {{ X-Api-Key = \"{{secret}}\" }}\nexport = {{ {variable} = \"{{secret}}\" }}\n\
         surfaces = [\"terminal\"]\n{more}\n"
    )
}

fn helper(id: &str, program: &str, more: &str) -> String {
    let more = sent_somewhere(more);
    format!(
        "[[source]]\nid = \"{id}\"\nkind = \"helper\"\ncommand = [\"{program}\", \"s3cr3t-argument\"]\n\
         headers = {{ X-Api-Key = \"{{secret}}\" }}\nexport = {{ KEY = \"{{secret}}\" }}\n\
         surfaces = [\"terminal\"]\n{more}\n"
    )
}

fn follows(variable: &str) -> String {
    format!(
        "endpoint = {{ default = \"https://api.example.com\", variable = \"{variable}\", \
         allow = [\"https://*.example.com\"] }}"
    )
}

fn policy(sources: &[String]) -> String {
    format!("{HEAD}{}", sources.concat())
}

fn resolver(text: &str, variables: &[(&str, &str)], interactive: bool) -> Resolver {
    let mut ambient = Ambient::empty();
    for (name, value) in variables {
        ambient = ambient.with_variable(name, value);
    }
    Resolver::hermetic("sample")
        .document(wit::DocumentOrigin::Managed, "old.toml", text)
        .interactive(interactive)
        .ambient(ambient)
        .build()
        .unwrap()
}

fn explained(text: &str, variables: &[(&str, &str)], interactive: bool) -> Receipt {
    let mut resolver = resolver(text, variables, interactive);
    whole(resolver.explain().unwrap().receipt())
}

fn resolved(text: &str, variables: &[(&str, &str)]) -> Receipt {
    let receipt = match resolver(text, variables, false).resolve_blocking() {
        Ok(resolution) => resolution.explained.receipt(),
        Err(keyrule::Error::Refused(explained)) => explained.receipt(),
        Err(error) => panic!("{error}"),
    };
    whole(receipt)
}

/// As it comes back from a file.
fn whole(receipt: Receipt) -> Receipt {
    let line = receipt.line().unwrap();
    assert!(!line.contains("s3cr3t"), "{line}");
    let back = Receipt::parse(line.trim_end()).unwrap();
    assert_eq!(back, receipt);
    back
}

pub(super) fn against(text: &str, name: &str, receipt: &Receipt) -> Replayed {
    let documents = [wit::Document {
        origin: wit::DocumentOrigin::Managed,
        path: "new.toml".to_owned(),
        text: text.to_owned(),
    }];
    let mut policy = Policy::load(&Engine::builtin().unwrap(), name, &documents).unwrap();
    let (info, sources) = (policy.info().unwrap(), policy.sources().unwrap());
    replay(&mut policy, &Against::new(&info, &sources), receipt).unwrap()
}

/// The answer in short.
fn said(text: &str, receipt: &Receipt) -> (Answer, String) {
    let replayed = against(text, "sample", receipt);
    let words = match &replayed.new {
        Ok(Outcome::Used(source, sent)) => {
            let sent = sent.clone().filter(|origin| origin != DEFAULT);
            format!("{} {}", source.id, sent.unwrap_or_default())
        }
        Ok(Outcome::Asked(source)) => format!("asks {}", source.id),
        Ok(Outcome::Refused(reason, _)) => keyrule_engine::word::word(reason),
        Ok(Outcome::Unfinished) => "unfinished".to_owned(),
        Err(lacking) => format!("{} {:?}", lacking.source.id, lacking.what),
    };
    (replayed.answer(), words.trim_end().to_owned())
}

#[test]
fn what_goes_first_elsewhere_is_a_change_and_unknown_where_nobody_looked() {
    let (a, b) = (environment("a", "A", ""), environment("b", "B", ""));
    let old = policy(&[a.clone(), b.clone()]);
    let new = policy(&[b, a]);
    let both: &[_] = &[("A", "s3cr3t-a"), ("B", "s3cr3t-b")];
    let receipt = resolved(&old, both);
    assert_eq!(said(&old, &receipt), (Answer::Same, "a".into()));
    assert_eq!(
        said(&new, &receipt),
        (Answer::Undetermined, "b NotLooked".into())
    );
    // `explain` looks at everything.
    let receipt = explained(&old, both, false);
    assert_eq!(said(&new, &receipt), (Answer::Changed, "b".into()));
    let replayed = against(&new, "sample", &receipt);
    assert_eq!(replayed.assumed, ["b"]);
    assert_eq!(replayed.rule.unwrap().line, 3);
    // What was seen to be absent is passed.
    let receipt = resolved(&old, &[("B", "s3cr3t-b")]);
    assert_eq!(said(&new, &receipt), (Answer::Same, "b".into()));
}

#[test]
fn a_source_is_known_by_what_it_reads_and_not_by_its_name() {
    let receipt = resolved(&policy(&[environment("a", "A", "")]), &[("A", "s3cr3t-a")]);
    let renamed = policy(&[environment("key", "A", "")]);
    assert_eq!(said(&renamed, &receipt), (Answer::Same, "key".into()));
    let other = policy(&[environment("a", "B", "")]);
    assert_eq!(
        said(&other, &receipt),
        (Answer::Undetermined, "a NotRead".into())
    );
}

#[test]
fn helpers_with_other_arguments_read_something_else() {
    let old = policy(&[helper("h", "/bin/echo", "")]);
    let receipt = resolved(&old, &[]);
    assert_eq!(said(&old, &receipt), (Answer::Same, "h".into()));
    let other = old.replace("s3cr3t-argument", "s3cr3t-other");
    assert_eq!(
        said(&other, &receipt),
        (Answer::Undetermined, "h NotRead".into())
    );
}

#[test]
fn a_get_that_failed_fails_again_and_may_be_passed_over_now() {
    let key = environment("a", "A", "");
    let old = policy(&[helper("h", "/bin/false", ""), key.clone()]);
    let new = policy(&[helper("h", "/bin/false", "on-failure = \"next\""), key]);
    let receipt = resolved(&old, &[("A", "s3cr3t-a")]);
    assert_eq!(said(&old, &receipt), (Answer::Same, "source-failed".into()));
    // A refusal is explained, so every source was looked at.
    assert_eq!(said(&new, &receipt), (Answer::Changed, "a".into()));
}

#[test]
fn where_something_is_sent_is_known_by_the_variable_that_says_so() {
    let old = policy(&[environment("a", "A", &follows("BASE"))]);
    let seen: &[_] = &[("A", "s3cr3t-a"), ("BASE", "https://gw.example.com/v1")];
    let receipt = resolved(&old, seen);
    let same = (Answer::Same, "a https://gw.example.com".into());
    assert_eq!(said(&old, &receipt), same);
    let other = policy(&[environment("a", "A", &follows("OTHER"))]);
    let unknown = (Answer::Undetermined, "a Endpoint(\"OTHER\")".into());
    assert_eq!(said(&other, &receipt), unknown);
    let fixed = "endpoint = { default = \"https://api.example.com\" }";
    let none = policy(&[environment("a", "A", fixed)]);
    let default = (Answer::Changed, "a https://api.example.com".into());
    assert_eq!(said(&none, &receipt), default);
    // Another source saw what the variable says.
    let old = policy(&[
        environment("b", "B", &follows("OTHER")),
        environment("a", "A", &follows("BASE")),
    ]);
    let receipt = resolved(
        &old,
        &[("A", "s3cr3t-a"), ("OTHER", "https://elsewhere.test")],
    );
    let barred = (Answer::Changed, "endpoint-not-allowed".into());
    assert_eq!(said(&other, &receipt), barred);
    // Where nothing is, it is no matter where it would be sent.
    let receipt = resolved(&policy(&[environment("a", "A", "")]), &[]);
    assert_eq!(
        said(&other, &receipt),
        (Answer::Same, "nothing-usable".into())
    );
}

#[test]
fn a_host_that_looks_like_a_secret_is_not_recorded_and_not_guessed() {
    let old = policy(&[environment("a", "A", &follows("BASE"))]);
    let host = "https://sk-ant-api03-abcd.example.com";
    let receipt = resolved(&old, &[("A", "s3cr3t-a"), ("BASE", host)]);
    assert!(!receipt.line().unwrap().contains("abcd"));
    let hidden = (Answer::Undetermined, "a Endpoint(\"BASE\")".into());
    assert_eq!(said(&old, &receipt), hidden);
}

#[test]
fn nobody_answers_for_the_user() {
    let old = policy(&[environment("a", "A", "")]);
    for level in ["always", "interactive"] {
        let new = policy(&[environment("a", "A", &format!("consent = \"{level}\""))]);
        let unknown = (Answer::Undetermined, "a Answer".to_owned());
        let receipt = explained(&old, &[("A", "s3cr3t-a")], true);
        assert_eq!(said(&new, &receipt), unknown);
        // Where the consent does not count, it need not be known.
        let receipt = explained(&old, &[("A", "s3cr3t-a")], false);
        let alone = match level {
            "always" => unknown,
            _ => (Answer::Same, "a".to_owned()),
        };
        assert_eq!(said(&new, &receipt), alone);
        // A run that stopped at a question stops there again.
        let receipt = explained(&new, &[("A", "s3cr3t-a")], true);
        assert_eq!(said(&new, &receipt), (Answer::Same, "asks a".into()));
        assert_eq!(said(&old, &receipt), (Answer::Changed, "a".into()));
    }
}

#[test]
fn what_is_kept_in_another_store_was_not_looked_at() {
    let key = "[[source]]\nid = \"k\"\nkind = \"stored-key\"\nkey = \"work\"\n\
               headers = { X-Api-Key = \"{secret}\" }\nsurfaces = [\"terminal\"]\n\
               endpoint = { default = \"https://default.test\" }\n";
    let stored = |store: &str| format!("{HEAD}[storage]\nstore = \"{store}\"\n{key}");
    let receipt = explained(&stored("file"), &[], false);
    assert_eq!(said(&stored("file"), &receipt).0, Answer::Same);
    let other = (Answer::Undetermined, "k OtherStore".into());
    assert_eq!(said(&stored("keyring"), &receipt), other);
}

/// The law of replay: what it says without a doubt is what the new policy
/// decides in that world.
#[test]
fn what_replay_is_sure_of_is_what_the_new_policy_decides() {
    let sources = [
        environment("a", "A", &follows("BASE")),
        environment("b", "B", &follows("OTHER")),
        environment("a-asks", "A", "consent = \"interactive\""),
        environment("c", "C", "consent = \"always\""),
        environment(
            "b-elsewhere",
            "B",
            "endpoint = { default = \"https://b.test\" }",
        ),
    ];
    let mut policies = Vec::new();
    for first in 0..sources.len() {
        for second in 0..sources.len() {
            if first != second {
                policies.push(policy(&[sources[first].clone(), sources[second].clone()]));
            }
        }
    }
    let worlds: [&[(&str, &str)]; 5] = [
        &[],
        &[("A", "s3cr3t-a"), ("BASE", "https://gw.example.com")],
        &[("B", "s3cr3t-b"), ("OTHER", "https://gw.test")],
        &[("A", " "), ("B", "s3cr3t-b"), ("C", "s3cr3t-c")],
        &[("A", "s3cr3t-a"), ("C", "s3cr3t-c"), ("BASE", "nothing")],
    ];
    let mut sure = [0, 0];
    for world in worlds {
        for interactive in [false, true] {
            let receipts: Vec<_> = policies
                .iter()
                .map(|text| explained(text, world, interactive))
                .collect();
            for old in receipts.iter().step_by(3) {
                for (text, new) in policies.iter().zip(&receipts) {
                    let replayed = against(text, "sample", old);
                    let Ok(said) = &replayed.new else {
                        sure[1] += 1;
                        continue;
                    };
                    sure[0] += 1;
                    assert_eq!(said, &Outcome::of(new), "{old:?}\n{text}\n{world:?}");
                }
            }
        }
    }
    assert!(sure[0] > 300 && sure[1] > 100, "{sure:?}");
}

#[test]
fn a_shipped_policy_decides_a_receipt_of_its_own_the_same() {
    for name in builtin::names() {
        let text = builtin::text(name).unwrap();
        for surface in [
            wit::Surface::Terminal,
            wit::Surface::Desktop,
            wit::Surface::Web,
        ] {
            for variables in [
                &[][..],
                &[("ANTHROPIC_API_KEY", "s3cr3t-k")],
                &[
                    ("ANTHROPIC_AUTH_TOKEN", "s3cr3t-t"),
                    ("ANTHROPIC_BASE_URL", "http://x.test"),
                ],
                &[("CLAUDE_CODE_USE_BEDROCK", "1")],
            ] {
                let mut ambient = Ambient::empty();
                for (name, value) in variables {
                    ambient = ambient.with_variable(name, value);
                }
                let resolver = Resolver::hermetic(name).surface(surface).ambient(ambient);
                let receipt = match resolver.build().unwrap().resolve_blocking() {
                    Ok(resolution) => resolution.explained.receipt(),
                    Err(keyrule::Error::Refused(explained)) => explained.receipt(),
                    Err(error) => panic!("{error}"),
                };
                let replayed = against(text, name, &whole(receipt));
                assert_eq!(replayed.answer(), Answer::Same, "{replayed:?}");
                assert_eq!(replayed.assumed, [""; 0]);
            }
        }
    }
}

/// The receipt of `A`, with a variable that redirects it.
fn redirected(target: receipt::RedirectionTarget) -> Receipt {
    let old = policy(&[environment("a", "A", &follows("BASE"))]);
    let mut receipt = resolved(&old, &[("A", "s3cr3t-a")]);
    let source = &mut receipt.sources[0];
    for seen in [&mut source.look, &mut source.fetch] {
        seen.as_mut().unwrap().redirections = Some(vec![receipt::Redirection {
            name: "PROVIDER_URL".to_owned(),
            target: target.clone(),
            carries: true,
        }]);
    }
    whole(receipt)
}

#[test]
fn what_redirected_a_source_redirects_it_again() {
    use receipt::RedirectionTarget as Target;
    let new = policy(&[environment("a", "A", &follows("BASE"))]);
    let origin = |text: &str| Target::Origin(text.to_owned());
    for (target, expected) in [
        (
            origin("https://gw.example.com"),
            "a https://api.example.com",
        ),
        (origin("https://evil.test"), "endpoint-not-allowed"),
        (Target::Malformed, "endpoint-not-allowed"),
    ] {
        let (_, said) = said(&new, &redirected(target.clone()));
        assert_eq!(said, expected, "{target:?}");
    }
}

#[test]
fn where_a_hidden_variable_pointed_is_not_guessed() {
    let hidden = redirected(receipt::RedirectionTarget::Hidden);
    let new = policy(&[environment("a", "A", &follows("BASE"))]);
    let unknown = "a Endpoint(\"PROVIDER_URL\")".to_owned();
    assert_eq!(said(&new, &hidden), (Answer::Undetermined, unknown));
}
