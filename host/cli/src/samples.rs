//! Decisions made by hand, for the tests of what commands print.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::explained::accounts::Kept;
use keyrule::policy::{FileReport, FileState};
use keyrule::resolver::{Explained, Resolution};
use keyrule_contract as wit;
use keyrule_contract::observation;
use keyrule_credential::credential::Credential;
use keyrule_credential::material::Material;
use keyrule_credential::secret::Secret;
use keyrule_store::{Facts, Known, Listed, LoginFacts, Owner, Slot};

/// Where line `line` of the sample policy stands.
pub(crate) fn at(line: u32) -> wit::Location {
    wit::Location {
        path: "claude-code.toml".into(),
        line,
        column: 1,
        offset: 0,
        length: 10,
    }
}

fn pair(name: &str, text: &str) -> wit::Pair {
    wit::Pair {
        name: name.into(),
        text: text.into(),
    }
}

fn paths(path: &str) -> wit::Paths {
    wit::Paths {
        linux: path.into(),
        macos: path.into(),
        windows: path.into(),
    }
}

fn sources() -> Vec<wit::Source> {
    let source = |id: &str, kind, line| wit::Source {
        id: id.into(),
        description: String::new(),
        kind,
        reads: String::new(),
        headers: vec![pair("X-Api-Key", "{secret}")],
        export: vec![pair("ANTHROPIC_API_KEY", "{secret}")],
        endpoint: Some(wit::Endpoint {
            default: "https://api.anthropic.com".into(),
            variable: Some("ANTHROPIC_BASE_URL".into()),
        }),
        needs_consent: false,
        keep_as: None,
        location: at(line),
    };
    vec![
        wit::Source {
            headers: vec![pair("Authorization", "Bearer {secret}")],
            export: vec![pair("ANTHROPIC_AUTH_TOKEN", "{secret}")],
            ..source(
                "auth-token",
                wit::Kind::Environment("ANTHROPIC_AUTH_TOKEN".into()),
                57,
            )
        },
        source(
            "api-key",
            wit::Kind::Environment("ANTHROPIC_API_KEY".into()),
            66,
        ),
        source(
            "helper",
            wit::Kind::Helper(wit::Helper {
                format: wit::Format::Token,
                signing: None,
                command: wit::Command::Setting(wit::Setting {
                    key: "apiKeyHelper".into(),
                    from: vec!["user-settings".into()],
                }),
                timeout_ms: 60_000,
                ttl_variable: None,
                vary: Vec::new(),
            }),
            76,
        ),
        wit::Source {
            headers: Vec::new(),
            export: Vec::new(),
            endpoint: None,
            ..source(
                "login",
                wit::Kind::ToolOwned(wit::ToolOwned {
                    path: paths("{folder}/.credentials.json"),
                    entry: "claudeAiOauth".into(),
                    login: Some("claude /login".into()),
                }),
                88,
            )
        },
    ]
}

/// How one source stands: standing, reason, state, words.
type Stands<'s> = (wit::SourceStatus, wit::Reason, wit::State, &'s str);

fn explained(verdict: wit::Verdict, summary: &str, stands: [Stands<'_>; 4]) -> Explained {
    let sources = sources();
    let lines = (0..)
        .zip(&sources)
        .zip(stands)
        .map(
            |((source, of), (standing, reason, state, text))| wit::SourceReport {
                source,
                status: standing,
                reason,
                state,
                text: text.into(),
                rule: of.location.clone(),
            },
        )
        .collect();
    let evidence = stands
        .iter()
        .map(|(_, reason, ..)| wit::Evidence {
            consent: wit::Consent::Undecided,
            observation: Some(observation(match reason {
                wit::Reason::Absent => wit::Outcome::Absent,
                _ => wit::Outcome::Present,
            })),
        })
        .collect();
    let rule = match verdict {
        wit::Verdict::Use(index) | wit::Verdict::Fetch(index) => usize::try_from(index)
            .ok()
            .map(|index| sources[index].location.clone()),
        _ => None,
    };
    Explained {
        info: wit::PolicyInfo {
            name: "claude-code".into(),
            description: "Claude Code".into(),
            tool: wit::Tool {
                name: Some("Claude Code".into()),
                folder: None,
                settings: Vec::new(),
                sources: Vec::new(),
                items: Vec::new(),
            },
            storage: wit::Storage {
                store: None,
                fallback: None,
            },
            cleared_variables: Vec::new(),
            hidden_variables: Vec::new(),
            override_component: None,
            allow_unmanaged: None,
            documents: vec!["claude-code.toml".into()],
            warnings: Vec::new(),
        },
        sources,
        session: wit::Session {
            surface: wit::Surface::Terminal,
            interactive: false,
        },
        evidence,
        explanation: wit::Explanation {
            verdict,
            summary: summary.into(),
            rule,
            sources: lines,
            restriction_effect: None,
            fix: None,
            warnings: Vec::new(),
        },
        files: vec![
            FileReport {
                place: wit::DocumentOrigin::Managed,
                path: "/etc/keyrule/claude-code.toml".into(),
                state: FileState::Absent,
            },
            FileReport {
                place: wit::DocumentOrigin::User,
                path: "/home/ada/.config/keyrule/claude-code.toml".into(),
                state: FileState::Empty,
            },
        ],
        looks: 4,
        gets: 0,
        known: Vec::new(),
        notes: Vec::new(),
        background: keyrule::receipt::Background::default(),
    }
}

/// A key in a variable goes before a helper; the login is not there.
pub(crate) fn key_before_helper() -> Explained {
    use wit::{Reason, SourceStatus, State};
    let mut explained = explained(
        wit::Verdict::Fetch(1),
        "`api-key` is used: `ANTHROPIC_API_KEY` is set",
        [
            (
                SourceStatus::Unavailable,
                Reason::Absent,
                State::Unavailable,
                "`ANTHROPIC_AUTH_TOKEN` is not set",
            ),
            (
                SourceStatus::Selected,
                Reason::Present,
                State::Ready,
                "`ANTHROPIC_API_KEY` is set",
            ),
            (
                SourceStatus::Shadowed,
                Reason::Present,
                State::Ready,
                "`apiKeyHelper` is set in `/home/ada/.claude/settings.json`",
            ),
            (
                SourceStatus::Unavailable,
                Reason::Absent,
                State::Unavailable,
                "not logged in: no `claudeAiOauth` in `/home/ada/.claude/.credentials.json`",
            ),
        ],
    );
    explained.explanation.warnings.push(wit::Warning {
        code: "shadowed".into(),
        message: "`helper` is there too and not used: `api-key` comes first".into(),
        rule: Some(at(76)),
    });
    explained
}

/// The tool's login in the place of a login of ours, which is used, with
/// what is kept of it: ada's, which has ended, and bob's.
pub(crate) fn login() -> (Explained, Kept) {
    use wit::{Reason, SourceStatus, State};
    let out = |text| {
        (
            SourceStatus::Unavailable,
            Reason::Absent,
            State::Unavailable,
            text,
        )
    };
    let mut explained = explained(
        wit::Verdict::Fetch(3),
        "`login` is used: `work` is logged in as `ada@acme.test`, and can be renewed",
        [
            out("`ANTHROPIC_AUTH_TOKEN` is not set"),
            out("`ANTHROPIC_API_KEY` is not set"),
            out("no `apiKeyHelper` in user-settings"),
            (
                SourceStatus::Selected,
                Reason::Refreshable,
                State::Ready,
                "`work` is logged in as `ada@acme.test`, and can be renewed",
            ),
        ],
    );
    let login = wit::Login {
        organization_claim: Some("org".into()),
        ..keyrule_contract::samples::login("work")
    };
    let accounts = [
        ("ada@acme.test", "acme", -720),
        ("bob@other.test", "other", 9000),
    ];
    let kept = kept(&login, accounts);
    explained.sources[3].kind = wit::Kind::Login(login);
    explained.evidence[3].observation = Some(wit::Observation {
        expires_in: Some(-720),
        refreshable: true,
        account: Some("ada@acme.test".into()),
        organization: Some("acme".into()),
        stored_in: Some(wit::StoreKind::Keyring),
        ..observation(wit::Outcome::Present)
    });
    (explained, kept)
}

/// What is kept of these accounts, the first one selected: account,
/// organisation, and in how many seconds it ends. One that has ended can be
/// renewed.
pub(crate) fn kept<const N: usize>(login: &wit::Login, accounts: [(&str, &str, i64); N]) -> Kept {
    let now = SystemTime::now();
    let mut listed = accounts
        .map(|(account, organization, ends)| listed(login, account, organization, ends, now));
    listed[0].selected = true;
    Kept::from(listed.into(), None, now)
}

fn listed(
    login: &wit::Login,
    account: &str,
    organization: &str,
    ends: i64,
    now: SystemTime,
) -> Listed {
    let length = Duration::from_secs(ends.unsigned_abs());
    Listed {
        slot: Slot::account(&Slot::name_of(login), account),
        selected: false,
        known: Known {
            kept_in: wit::StoreKind::Keyring,
            facts: Facts::Login(LoginFacts {
                owner: Owner {
                    issuer: login.issuer.url.clone(),
                    account: Some(account.into()),
                    organization: None,
                    claims: BTreeMap::from([("org".to_owned(), organization.into())]),
                },
                client_id: login.issuer.client_id.clone(),
                obtained_at: None,
                expires_at: Some(if ends < 0 { now - length } else { now + length }),
                renewable: ends < 0,
                ended: false,
            }),
            secret: None,
        },
    }
}

/// Nothing is there.
pub(crate) fn nothing() -> Explained {
    use wit::{Reason, SourceStatus, State};
    let out = |text| {
        (
            SourceStatus::Unavailable,
            Reason::Absent,
            State::Unavailable,
            text,
        )
    };
    let mut explained = explained(
        wit::Verdict::Refuse(wit::Refused {
            reason: wit::Refusal::NothingUsable,
            source: None,
        }),
        "nothing is usable: none of the 4 sources that count in terminal sessions is there",
        [
            out("`ANTHROPIC_AUTH_TOKEN` is not set"),
            out("`ANTHROPIC_API_KEY` is not set"),
            out("`apiKeyHelper` is not set in any of the settings files that count"),
            out("not logged in"),
        ],
    );
    explained.explanation.fix = Some(wit::Advice {
        action: wit::Fix::SetVariable("ANTHROPIC_AUTH_TOKEN".into()),
        text: "set `ANTHROPIC_AUTH_TOKEN`, for example `export ANTHROPIC_AUTH_TOKEN=…`".into(),
    });
    explained
}

/// The named source was got, with a secret or, for a tool's login, without.
pub(crate) fn resolution(id: &str, secret: Option<&str>) -> Resolution {
    let explained = key_before_helper();
    let source = explained
        .sources
        .iter()
        .find(|source| source.id == id)
        .unwrap();
    Resolution {
        credential: Credential {
            source: id.into(),
            material: secret.map(|text| Material::Token(Secret::new(text))),
            words: Vec::new(),
            passed: Default::default(),
            headers: source.headers.clone(),
            export: source.export.clone(),
            endpoint: source
                .endpoint
                .as_ref()
                .map(|endpoint| endpoint.default.clone()),
            endpoint_variable: None,
            expires_at: None,
        },
        explained,
    }
}
