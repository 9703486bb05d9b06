//! The JSON document of `status` and `explain`. What goes in is a decision
//! with its reasons; what comes out is one stable object without secrets.
//! Words are those of `wit/policy.wit`; sources are named by their ids.
//!
//! ```text
//! version     2; changes when a field or a word changes
//! policy      the policy's name
//! session     { surface, interactive }
//! verdict     { step: "look" | "ask" | "fetch" | "use" | "refuse",
//!               source: the id or null, refusal: the reason or null }
//! exit-code   the exit code of this command
//! summary     the verdict in words
//! rule        { path, line, column } of the rule that decided, or null
//! sources     one object for each source, in the order of the policy:
//!             { id, kind, description, status, reason, state, consent, why,
//!               rule, declared-at, headers: [name], endpoint, location,
//!               expires-in, account, organization, stored-in,
//!               accounts: [{ account, selected, organization, expires-in,
//!                            refreshable, ended, stored-in }] }; `accounts` are
//!             the logins that are stored for the source, its own one included
//! restriction-effect
//!             { without: verdict, rule, summary } where restrictions have
//!             changed the verdict, else null
//! fix         { action, argument, text } where the verdict is a refusal and
//!             something would help, else null
//! warnings    [{ code, message, rule }]
//! documents   the policy's documents, the policy first
//! files       [{ origin, path, state, detail }], every file looked for
//! looks, fetches
//!             how many of each were carried out
//! ```

use serde::Serialize;

use keyrule::receipt::action;
use keyrule::resolver::Explained;
use keyrule_contract as wit;

use super::explained::accounts::{Account, Kept};

pub(crate) use keyrule_engine::word::word;

/// A decision with its reasons.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Document<'e> {
    version: u32,
    policy: &'e str,
    session: Session,
    verdict: Verdict<'e>,
    exit_code: i32,
    summary: &'e str,
    rule: Option<Rule<'e>>,
    sources: Vec<Source<'e>>,
    restriction_effect: Option<RestrictionEffect<'e>>,
    fix: Option<Fix<'e>>,
    warnings: Vec<Warning<'e>>,
    documents: &'e [String],
    files: Vec<File<'e>>,
    looks: u32,
    fetches: u32,
}

#[derive(Debug, Serialize)]
struct Session {
    surface: String,
    interactive: bool,
}

#[derive(Debug, Serialize)]
struct Verdict<'e> {
    step: &'static str,
    source: Option<&'e str>,
    refusal: Option<String>,
}

#[derive(Debug, Serialize)]
struct Rule<'e> {
    path: &'e str,
    line: u32,
    column: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Source<'e> {
    id: &'e str,
    kind: &'static str,
    description: &'e str,
    status: String,
    reason: String,
    state: String,
    consent: Option<String>,
    why: &'e str,
    rule: Rule<'e>,
    declared_at: Rule<'e>,
    headers: Vec<&'e str>,
    endpoint: Option<&'e str>,
    location: Option<&'e str>,
    expires_in: Option<i64>,
    account: Option<&'e str>,
    organization: Option<&'e str>,
    stored_in: Option<String>,
    region: Option<&'e str>,
    project: Option<&'e str>,
    resource: Option<&'e str>,
    accounts: Vec<Login<'e>>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Login<'e> {
    account: Option<&'e str>,
    selected: bool,
    organization: Option<String>,
    expires_in: Option<i64>,
    refreshable: bool,
    ended: bool,
    stored_in: String,
}

#[derive(Debug, Serialize)]
struct RestrictionEffect<'e> {
    without: Verdict<'e>,
    rule: Rule<'e>,
    summary: &'e str,
}

#[derive(Debug, Serialize)]
struct Fix<'e> {
    action: &'static str,
    argument: Option<String>,
    text: &'e str,
}

#[derive(Debug, Serialize)]
struct Warning<'e> {
    code: &'e str,
    message: &'e str,
    rule: Option<Rule<'e>>,
}

#[derive(Debug, Serialize)]
struct File<'e> {
    origin: String,
    path: String,
    state: &'static str,
    detail: Option<&'e str>,
}

impl<'e> Document<'e> {
    pub(crate) fn new(explained: &'e Explained, kept: &'e Kept) -> Self {
        let explanation = &explained.explanation;
        Self {
            version: 2,
            policy: &explained.info.name,
            session: Session {
                surface: word(&explained.session.surface),
                interactive: explained.session.interactive,
            },
            verdict: verdict(explained, &explanation.verdict),
            exit_code: crate::exit::of(explained),
            summary: &explanation.summary,
            rule: explanation.rule.as_ref().map(rule),
            sources: explained
                .lines()
                .map(|(source, line)| self::source(explained, kept, source, line))
                .collect(),
            restriction_effect: explanation.restriction_effect.as_ref().map(|changed| {
                RestrictionEffect {
                    without: verdict(explained, &changed.without),
                    rule: rule(&changed.rule),
                    summary: &changed.text,
                }
            }),
            fix: explanation
                .fix
                .as_ref()
                .map(|advice| fix(explained, advice)),
            warnings: explanation.warnings.iter().map(warning).collect(),
            documents: &explained.info.documents,
            files: explained.files.iter().map(file).collect(),
            looks: explained.looks,
            fetches: explained.gets,
        }
    }
}

fn verdict<'e>(explained: &'e Explained, verdict: &wit::Verdict) -> Verdict<'e> {
    let (step, source, refusal) = match verdict {
        wit::Verdict::Look(source) => ("look", Some(*source), None),
        wit::Verdict::Ask(source) => ("ask", Some(*source), None),
        wit::Verdict::Fetch(source) => ("fetch", Some(*source), None),
        wit::Verdict::Use(source) => ("use", Some(*source), None),
        wit::Verdict::Refuse(refused) => ("refuse", refused.source, Some(word(&refused.reason))),
        wit::Verdict::Consult => ("consult", None, None),
    };
    Verdict {
        step,
        source: source.and_then(|source| explained.id(source)),
        refusal,
    }
}

fn source<'e>(
    explained: &'e Explained,
    kept: &'e Kept,
    source: &'e wit::Source,
    line: &'e wit::SourceReport,
) -> Source<'e> {
    let evidence = explained.evidence_of(line.source);
    let seen = evidence.and_then(|evidence| evidence.observation.as_ref());
    let known = explained.known(line.source);
    Source {
        id: &source.id,
        kind: kind(&source.kind),
        description: &source.description,
        status: word(&line.status),
        reason: word(&line.reason),
        state: word(&line.state),
        consent: evidence.map(|evidence| word(&evidence.consent)),
        why: &line.text,
        rule: rule(&line.rule),
        declared_at: rule(&source.location),
        headers: source
            .headers
            .iter()
            .map(|pair| pair.name.as_str())
            .collect(),
        endpoint: explained.destination(line.source).map(|(origin, _)| origin),
        location: seen.and_then(|seen| seen.location.as_deref()),
        expires_in: seen.and_then(|seen| seen.expires_in),
        account: seen.and_then(|seen| seen.account.as_deref()),
        organization: seen.and_then(|seen| seen.organization.as_deref()),
        stored_in: seen.and_then(|seen| seen.stored_in).map(|kind| word(&kind)),
        region: known.and_then(|known| known.region.as_deref()),
        project: known.and_then(|known| known.project.as_deref()),
        resource: known.and_then(|known| known.resource.as_deref()),
        accounts: kept
            .of_source(source)
            .map(|account| login(source, account))
            .collect(),
    }
}

fn login<'e>(source: &wit::Source, account: &'e Account) -> Login<'e> {
    Login {
        account: account.name.as_deref(),
        selected: account.selected,
        organization: account.organization(source),
        expires_in: account.expires_in,
        refreshable: account.renewable,
        ended: account.ended,
        stored_in: word(&account.kept_in),
    }
}

fn fix<'e>(explained: &Explained, advice: &'e wit::Advice) -> Fix<'e> {
    use wit::Fix as F;
    let id = |source: &u32| explained.id(*source).map(str::to_owned);
    let argument = match &advice.action {
        F::Approve(source)
        | F::Login(source)
        | F::StoreKey(source)
        | F::ConfigureHelper(source)
        | F::RepairHelper(source)
        | F::CheckNetwork(source)
        | F::ProviderLogin(source)
        | F::Supply(source) => id(source),
        F::SetVariable(text)
        | F::UnsetVariable(text)
        | F::ToolLogin(text)
        | F::RepairFile(text) => Some(text.clone()),
        F::UnlockKeyring => None,
        F::OtherSurface(surface) => Some(word(surface)),
        F::ChangePolicy(at) => Some(format!("{}:{}", at.path, at.line)),
    };
    Fix {
        action: action(&advice.action),
        argument,
        text: &advice.text,
    }
}

fn warning(warning: &wit::Warning) -> Warning<'_> {
    Warning {
        code: &warning.code,
        message: &warning.message,
        rule: warning.rule.as_ref().map(rule),
    }
}

fn file(file: &keyrule::policy::FileReport) -> File<'_> {
    let (state, detail) = file.state.word();
    File {
        origin: word(&file.place),
        path: file.path.display().to_string(),
        state,
        detail,
    }
}

fn rule(at: &wit::Location) -> Rule<'_> {
    Rule {
        path: &at.path,
        line: at.line,
        column: at.column,
    }
}

/// The word of a source's kind in a policy.
pub(crate) fn kind(kind: &wit::Kind) -> &'static str {
    match kind {
        wit::Kind::Environment(_) => "environment",
        wit::Kind::Helper(_) => "helper",
        wit::Kind::ToolOwned(_) => "tool-login",
        wit::Kind::Supplied => "supplied",
        wit::Kind::StoredKey(_) => "stored-key",
        wit::Kind::Login(_) => "login",
        wit::Kind::Cloud(_) => "cloud",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_contract() {
        assert_eq!(word(&wit::SourceStatus::Skipped), "skipped");
        assert_eq!(word(&wit::Refusal::NothingUsable), "nothing-usable");
        assert_eq!(
            word(&wit::DocumentOrigin::ManagedRestriction),
            "managed-restriction"
        );
        assert_eq!(word(&wit::Surface::Web), "web");
    }

    #[test]
    fn a_login_has_its_accounts() {
        let (explained, kept) = crate::samples::login();
        let document = serde_json::to_value(Document::new(&explained, &kept)).unwrap();
        let login = document.pointer("/sources/3").unwrap();
        assert_eq!(login["stored-in"], "keyring");
        insta::assert_snapshot!(serde_json::to_string(&login["accounts"]).unwrap(), @r#"[{"account":"ada@acme.test","ended":false,"expires-in":-720,"organization":"acme","refreshable":true,"selected":true,"stored-in":"keyring"},{"account":"bob@other.test","ended":false,"expires-in":9000,"organization":"other","refreshable":false,"selected":false,"stored-in":"keyring"}]"#);
    }

    #[test]
    fn the_document_names_sources_by_id_and_has_no_null_verdict() {
        let explained = crate::samples::key_before_helper();
        let text =
            serde_json::to_string_pretty(&Document::new(&explained, &Kept::default())).unwrap();
        insta::assert_snapshot!(text, @r#"
        {
          "version": 2,
          "policy": "claude-code",
          "session": {
            "surface": "terminal",
            "interactive": false
          },
          "verdict": {
            "step": "fetch",
            "source": "api-key",
            "refusal": null
          },
          "exit-code": 0,
          "summary": "`api-key` is used: `ANTHROPIC_API_KEY` is set",
          "rule": {
            "path": "claude-code.toml",
            "line": 66,
            "column": 1
          },
          "sources": [
            {
              "id": "auth-token",
              "kind": "environment",
              "description": "",
              "status": "unavailable",
              "reason": "absent",
              "state": "unavailable",
              "consent": "undecided",
              "why": "`ANTHROPIC_AUTH_TOKEN` is not set",
              "rule": {
                "path": "claude-code.toml",
                "line": 57,
                "column": 1
              },
              "declared-at": {
                "path": "claude-code.toml",
                "line": 57,
                "column": 1
              },
              "headers": [
                "Authorization"
              ],
              "endpoint": "https://api.anthropic.com",
              "location": null,
              "expires-in": null,
              "account": null,
              "organization": null,
              "stored-in": null,
              "region": null,
              "project": null,
              "resource": null,
              "accounts": []
            },
            {
              "id": "api-key",
              "kind": "environment",
              "description": "",
              "status": "selected",
              "reason": "present",
              "state": "ready",
              "consent": "undecided",
              "why": "`ANTHROPIC_API_KEY` is set",
              "rule": {
                "path": "claude-code.toml",
                "line": 66,
                "column": 1
              },
              "declared-at": {
                "path": "claude-code.toml",
                "line": 66,
                "column": 1
              },
              "headers": [
                "X-Api-Key"
              ],
              "endpoint": "https://api.anthropic.com",
              "location": null,
              "expires-in": null,
              "account": null,
              "organization": null,
              "stored-in": null,
              "region": null,
              "project": null,
              "resource": null,
              "accounts": []
            },
            {
              "id": "helper",
              "kind": "helper",
              "description": "",
              "status": "shadowed",
              "reason": "present",
              "state": "ready",
              "consent": "undecided",
              "why": "`apiKeyHelper` is set in `/home/ada/.claude/settings.json`",
              "rule": {
                "path": "claude-code.toml",
                "line": 76,
                "column": 1
              },
              "declared-at": {
                "path": "claude-code.toml",
                "line": 76,
                "column": 1
              },
              "headers": [
                "X-Api-Key"
              ],
              "endpoint": "https://api.anthropic.com",
              "location": null,
              "expires-in": null,
              "account": null,
              "organization": null,
              "stored-in": null,
              "region": null,
              "project": null,
              "resource": null,
              "accounts": []
            },
            {
              "id": "login",
              "kind": "tool-login",
              "description": "",
              "status": "unavailable",
              "reason": "absent",
              "state": "unavailable",
              "consent": "undecided",
              "why": "not logged in: no `claudeAiOauth` in `/home/ada/.claude/.credentials.json`",
              "rule": {
                "path": "claude-code.toml",
                "line": 88,
                "column": 1
              },
              "declared-at": {
                "path": "claude-code.toml",
                "line": 88,
                "column": 1
              },
              "headers": [],
              "endpoint": null,
              "location": null,
              "expires-in": null,
              "account": null,
              "organization": null,
              "stored-in": null,
              "region": null,
              "project": null,
              "resource": null,
              "accounts": []
            }
          ],
          "restriction-effect": null,
          "fix": null,
          "warnings": [
            {
              "code": "shadowed",
              "message": "`helper` is there too and not used: `api-key` comes first",
              "rule": {
                "path": "claude-code.toml",
                "line": 76,
                "column": 1
              }
            }
          ],
          "documents": [
            "claude-code.toml"
          ],
          "files": [
            {
              "origin": "managed",
              "path": "/etc/keyrule/claude-code.toml",
              "state": "absent",
              "detail": null
            },
            {
              "origin": "user",
              "path": "/home/ada/.config/keyrule/claude-code.toml",
              "state": "empty",
              "detail": null
            }
          ],
          "looks": 4,
          "fetches": 0
        }
        "#);
    }
}
