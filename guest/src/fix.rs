//! The one thing that would help, found by deciding again: a fix is offered
//! only where, once it is done, `decide` would go on with that source.

use crate::cloud::Provider;
use crate::explain::View;
use crate::observe::{endpoint_fault, redirected, sending_fault};
use crate::policy::Policy;
use crate::rule::Rule;
use crate::wit::{
    Advice, Cloud, Command, Consent, Destination, Fact, FailureKind, Fix, Kind, Observation,
    Outcome, Reason, Refusal, Session, State, StoredKey, Verdict,
};
use crate::words;

impl Policy {
    /// What would help after this verdict.
    pub(crate) fn fix(
        &self,
        session: Session,
        verdict: Verdict,
        views: &[View<'_>],
    ) -> Option<Advice> {
        let refused = match verdict {
            Verdict::Refuse(refused) => refused,
            Verdict::Ask(index) => {
                let rule = self.rules().get(usize::try_from(index).ok()?)?;
                return Some(self.approve(index, rule));
            }
            Verdict::Look(_) | Verdict::Fetch(_) | Verdict::Use(_) | Verdict::Consult => {
                return None;
            }
        };
        let cause = refused.source.and_then(|index| {
            let place = usize::try_from(index).ok()?;
            Some((index, self.rules().get(place)?, views.get(place)?))
        });
        let advice = match (refused.reason, cause) {
            (Refusal::SurfaceNotServed, _) => self.served_surface(),
            (Refusal::NothingUsable, _) => self.first_that_would_win(session, views),
            (Refusal::SourceFailed, Some((index, rule, view))) => {
                let folder = self.merged.document.tool.folder.as_ref();
                let variable = folder.and_then(|folder| folder.variable.as_deref());
                self.mend(index, rule, view.seen, variable)
            }
            (Refusal::EndpointNotAllowed, Some((_, rule, view))) => {
                redirected_back(rule, view.seen)
            }
            (Refusal::ConsentRequired, Some((index, rule, _))) => Some(self.approve(index, rule)),
            (Refusal::OverrideRefused, _) | (_, None) => None,
        };
        Some(advice.unwrap_or_else(|| self.ask_the_author(verdict, views)))
    }

    fn served_surface(&self) -> Option<Advice> {
        let served = self.merged.document.served.as_ref()?;
        let (name, surface) = crate::rule::SURFACES
            .into_iter()
            .find(|(_, surface)| served.value.has(*surface))?;
        Some(Advice {
            action: Fix::OtherSurface(surface),
            text: format!(
                "this policy serves {name} sessions: `--surface {name}`, where that is what this session is"
            ),
        })
    }

    /// S10: the first source that applies here and whose becoming ready would
    /// make `decide` use it.
    fn first_that_would_win(&self, session: Session, views: &[View<'_>]) -> Option<Advice> {
        let rules = || (0..).zip(self.rules().iter().zip(views));
        // What is there and was declined is nearer than what is not there.
        let declined = rules().filter(|(_, (_, view))| view.reason == Reason::Declined);
        declined.chain(rules()).find_map(|(index, (rule, view))| {
            let advice = self.make_ready(index, rule, view)?;
            let barred = view
                .seen
                .is_some_and(|seen| sending_fault(rule, seen).is_some());
            let then = self.decide(session, &with_ready(views, index));
            // Which of them it would be, an override alone can say.
            let ready = then == Verdict::Use(index) || then == Verdict::Consult;
            (ready && !barred).then_some(advice)
        })
    }

    fn ask_the_author(&self, verdict: Verdict, views: &[View<'_>]) -> Advice {
        let at = match verdict {
            Verdict::Refuse(refused) => refused
                .source
                .and_then(|index| views.get(usize::try_from(index).ok()?))
                .map(|view| view.at),
            _ => None,
        };
        let chooser = self.merged.document.chooser.as_ref();
        let at = match verdict {
            Verdict::Refuse(refused) if refused.reason == Refusal::OverrideRefused => {
                chooser.map(|chooser| chooser.at)
            }
            _ => at,
        };
        let at = at
            .or_else(|| views.first().map(|view| view.at))
            .unwrap_or_default();
        let place = self.location(at);
        Advice {
            text: format!(
                "only a change of the policy helps: `{}`, line {}",
                place.path, place.line
            ),
            action: Fix::ChangePolicy(place),
        }
    }
}

impl Policy {
    /// What would make an unavailable source ready.
    fn make_ready(&self, index: u32, rule: &Rule, view: &View<'_>) -> Option<Advice> {
        if view.reason == Reason::Declined {
            return Some(self.approve(index, rule));
        }
        let id = &rule.source.id;
        Some(match &rule.source.kind {
            // A login with an issuer says whose it is.
            Kind::StoredKey(StoredKey {
                issuer: Some(_), ..
            })
            | Kind::Login(_) => self.log_in(index, rule),
            // The tool never says whose its login is, so no login of it helps.
            _ if view.reason == Reason::NoOrganization => return None,
            Kind::Environment(name) => {
                set(name, format!("set `{name}`, for example `export {name}=…`"))
            }
            Kind::Helper(helper) => match &helper.command {
                Command::Setting(setting) => Advice {
                    action: Fix::ConfigureHelper(index),
                    text: format!(
                        "name a helper: `\"{}\": \"…\"` in {}",
                        setting.key,
                        setting
                            .from
                            .last()
                            .map_or_else(String::new, |file| format!("`{file}`")),
                    ),
                },
                Command::Variable(name) => set(name, format!("let `{name}` name a helper")),
                Command::Arguments(_) => return None,
            },
            Kind::ToolOwned(login) => {
                let command = login.login.clone()?;
                Advice {
                    text: format!("run `{command}`"),
                    action: Fix::ToolLogin(command),
                }
            }
            Kind::Supplied => Advice {
                action: Fix::Supply(index),
                text: format!("let the embedding program supply a credential for `{id}`"),
            },
            Kind::StoredKey(key) => Advice {
                action: Fix::StoreKey(index),
                text: format!(
                    "store a key: `{}`",
                    self.command(&format!("key add {}", key.name))
                ),
            },
            // A flag selects a provider; it does not give it credentials.
            Kind::Cloud(_) => return None,
        })
    }

    /// What would repair a source that failed.
    fn mend(
        &self,
        index: u32,
        rule: &Rule,
        seen: Option<&Observation>,
        folder_variable: Option<&str>,
    ) -> Option<Advice> {
        let trouble = match seen.map(|seen| &seen.outcome) {
            Some(Outcome::Failed(trouble)) => *trouble,
            _ => FailureKind::Expired,
        };
        let file = seen.and_then(|seen| seen.location.clone());
        if trouble == FailureKind::Nested {
            return Some(unnested(index, file));
        }
        // A path that could not even be made: the tool's folder is at fault.
        if let (FailureKind::Invalid, None, Some(name)) = (trouble, &file, folder_variable)
            && reads_files(&rule.source.kind)
        {
            return Some(Advice {
                text: format!("let `{name}` hold an absolute path, or `unset {name}`"),
                action: Fix::UnsetVariable(name.to_owned()),
            });
        }
        // So is a path below an unknown home.
        if let (FailureKind::Unreadable, None, false) = (
            trouble,
            &file,
            matches!(rule.source.kind, Kind::Environment(_)),
        ) {
            return Some(set("HOME", "set `HOME` to your home folder".to_owned()));
        }
        match (trouble, &rule.source.kind, file) {
        (FailureKind::Unreadable | FailureKind::Invalid | FailureKind::Untrusted, kind, Some(file))
            if !matches!(kind, Kind::Environment(_) | Kind::Supplied) && !is_variable(&file) =>
        {
            Some(Advice {
                text: format!("mend `{file}`, then try again"),
                action: Fix::RepairFile(file),
            })
        }
        (_, Kind::Environment(name), _) => Some(Advice {
            action: Fix::UnsetVariable(name.clone()),
            text: format!("set `{name}` again without that character, or `unset {name}`"),
        }),
        (_, Kind::Helper(helper), _) => match &helper.command {
            Command::Variable(name) if trouble == FailureKind::NotStarted => Some(Advice {
                action: Fix::UnsetVariable(name.clone()),
                text: format!("let `{name}` name a program that can be run, or `unset {name}`"),
            }),
            _ => Some(Advice {
                action: Fix::RepairHelper(index),
                text: "run the helper by hand to see what it says; `keyrule doctor` shows where it comes from".to_owned(),
            }),
        },
        (trouble, Kind::Cloud(cloud), file) => provider(index, cloud, trouble, file),
        (FailureKind::Locked, Kind::Login(_) | Kind::StoredKey(_), _) => Some(Advice {
            action: Fix::UnlockKeyring,
            text: "unlock the keyring, then try again; `keyrule doctor` shows what it says".to_owned(),
        }),
        (FailureKind::NoStore, Kind::Login(_) | Kind::StoredKey(_), _) => Some(Advice {
            action: Fix::UnlockKeyring,
            text: "start the keyring of your session, then try again; `keyrule doctor` shows what it says".to_owned(),
        }),
        (FailureKind::Unreachable, Kind::Login(_), _) => Some(Advice {
            action: Fix::CheckNetwork(index),
            text: format!(
                "see why with `{}`, then try again",
                self.command("doctor --online")
            ),
        }),
        (_, Kind::Login(_), _) => Some(self.log_in(index, rule)),
        (_, Kind::Supplied, _) => Some(Advice {
            action: Fix::Supply(index),
            text: "let the embedding program supply a fresh credential".to_owned(),
        }),
        (_, Kind::StoredKey(key), _) if key.issuer.is_some() => Some(self.log_in(index, rule)),
        (_, Kind::StoredKey(key), _) => Some(Advice {
            action: Fix::StoreKey(index),
            text: format!(
                "store the key again: `{}`",
                self.command(&format!("key add {}", key.name))
            ),
        }),
        (_, Kind::ToolOwned(_), _) => None,
    }
    }

    fn approve(&self, index: u32, rule: &Rule) -> Advice {
        Advice {
            action: Fix::Approve(index),
            text: format!(
                "run `{}`",
                self.command(&format!("consent approve {}", rule.source.id))
            ),
        }
    }

    fn log_in(&self, index: u32, rule: &Rule) -> Advice {
        Advice {
            action: Fix::Login(index),
            text: format!(
                "log in: `{}`",
                self.command(&format!("login {}", rule.source.id))
            ),
        }
    }

    /// A command of ours, for this policy. `claude-code` is the name that
    /// `keyrule` takes where none is given.
    fn command(&self, words: &str) -> String {
        match self.name.as_str() {
            "claude-code" => format!("keyrule {words}"),
            name => format!("keyrule --policy {name} {words}"),
        }
    }
}

/// What would repair a provider that is selected and has no credentials.
fn provider(
    index: u32,
    cloud: &Cloud,
    trouble: FailureKind,
    place: Option<String>,
) -> Option<Advice> {
    let or_unset = cloud
        .flag
        .as_ref()
        .map_or_else(String::new, |flag| format!(", or `unset {flag}`"));
    let advice = match (trouble, place) {
        (FailureKind::Unsupported, _) => {
            let flag = cloud.flag.clone()?;
            Advice {
                text: format!("`unset {flag}`, or use a build that has {}", cloud.provider),
                action: Fix::UnsetVariable(flag),
            }
        }
        (FailureKind::BadCharacter | FailureKind::Invalid, Some(name)) if is_variable(&name) => {
            let what = match trouble {
                FailureKind::BadCharacter => "again without that character",
                _ => "to what is valid",
            };
            Advice {
                text: format!("set `{name}` {what}, or `unset {name}`"),
                action: Fix::UnsetVariable(name),
            }
        }
        (FailureKind::Unreachable, place)
        | (FailureKind::MalformedAnswer | FailureKind::TimedOut, place @ None) => Advice {
            action: Fix::CheckNetwork(index),
            text: match place.filter(|place| words::is_url(place)) {
                Some(url) => format!("see whether `{url}` answers from here, then try again"),
                None => {
                    "see whether what it asks can be reached from here, then try again".to_owned()
                }
            },
        },
        (FailureKind::MalformedAnswer, Some(url)) if words::is_url(&url) => Advice {
            action: Fix::CheckNetwork(index),
            text: format!("see what `{url}` answers, then try again"),
        },
        (
            FailureKind::NotStarted
            | FailureKind::ExitStatus
            | FailureKind::TimedOut
            | FailureKind::NoOutput
            | FailureKind::MoreThanOneToken
            | FailureKind::NotPrintable
            | FailureKind::TooLong
            | FailureKind::MalformedAnswer,
            Some(file),
        ) => Advice {
            action: Fix::RepairHelper(index),
            text: format!(
                "run the command that `{file}` names by hand to see what it says{or_unset}"
            ),
        },
        (_, _) => Advice {
            action: Fix::ProviderLogin(index),
            text: format!("{}{or_unset}", provider_login(cloud)),
        },
    };
    Some(advice)
}

/// What gives a provider its credentials.
fn provider_login(cloud: &Cloud) -> String {
    let (login, mut others) = match Provider::of(cloud) {
        Some(Provider::Bedrock) => (
            "log in to AWS: `aws sso login`",
            vec![
                "`AWS_PROFILE`",
                "`AWS_ACCESS_KEY_ID` with `AWS_SECRET_ACCESS_KEY`",
            ],
        ),
        Some(Provider::Vertex) => (
            "log in to Google Cloud: `gcloud auth application-default login`",
            vec!["`GOOGLE_APPLICATION_CREDENTIALS`"],
        ),
        Some(Provider::Foundry) | None => ("log in to Azure: `az login`", Vec::new()),
    };
    let own = [&cloud.bearer_token, &cloud.api_key].into_iter().flatten();
    let own: Vec<String> = own.map(|name| format!("`{name}`")).collect();
    others.extend(own.iter().map(String::as_str));
    match others.as_slice() {
        [] => login.to_owned(),
        others => format!("{login}, or set {}", others.join(" or ")),
    }
}

/// Whether a source reads files of the tool's own folder.
fn reads_files(kind: &Kind) -> bool {
    match kind {
        Kind::Cloud(cloud) => cloud.auth_refresh.is_some() || cloud.credential_export.is_some(),
        Kind::Environment(_)
        | Kind::Helper(_)
        | Kind::ToolOwned(_)
        | Kind::Supplied
        | Kind::StoredKey(_)
        | Kind::Login(_) => true,
    }
}

/// Whether a location is a variable, and not a file or a server.
fn is_variable(place: &str) -> bool {
    let part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !place.is_empty() && place.bytes().all(part)
}

/// The facts as they would be once this source is ready.
fn with_ready(views: &[View<'_>], ready: u32) -> Vec<Fact> {
    (0..)
        .zip(views)
        .map(|(index, view)| match (index == ready, view.fact.state) {
            (true, _) => Fact {
                state: State::Fetched,
                consent: Consent::Approved,
            },
            (false, State::Unknown) => Fact {
                state: State::Unavailable,
                ..view.fact
            },
            (false, _) => view.fact,
        })
        .collect()
}

/// Without its variable, the endpoint would be the default; where that is not
/// allowed either, the variable could name what is.
fn redirected_back(rule: &Rule, seen: Option<&Observation>) -> Option<Advice> {
    if let Some(seen) = seen
        && endpoint_fault(rule, &seen.destination).is_none()
    {
        let names = redirected(rule, &seen.redirections).map(|(one, _)| one.name.as_str());
        let (settings, variables): (Vec<&str>, Vec<&str>) =
            names.partition(|name| words::setting_file(name).is_some());
        let or = match variables.len() + settings.len() {
            1 => "let it name an endpoint that is allowed",
            _ => "let them name endpoints that are allowed",
        };
        let unset = (!variables.is_empty()).then(|| format!("`unset {}`", variables.join(" ")));
        let remove = (!settings.is_empty()).then(|| format!("remove {}", settings.join(" and ")));
        let steps: Vec<String> = unset.into_iter().chain(remove).collect();
        let action = match (variables.first(), settings.first()) {
            (Some(name), _) => Fix::UnsetVariable((*name).to_owned()),
            (None, setting) => Fix::RepairFile(words::setting_file(setting?)?.to_owned()),
        };
        return Some(Advice {
            text: format!("{}, or {or}", steps.join(" and ")),
            action,
        });
    }
    let name = words::variable_of_endpoint(rule)?;
    let allowed = |destination| endpoint_fault(rule, &destination).is_none();
    if allowed(Destination::Default) && seen?.destination != Destination::Default {
        return Some(Advice {
            action: Fix::UnsetVariable(name.to_owned()),
            text: format!("`unset {name}`, or let it name an endpoint that is allowed"),
        });
    }
    let mut listed = rule.endpoint_limits.iter().flat_map(|limit| &limit.list);
    let origin = listed.find_map(|pattern| {
        let origin = pattern.single()?;
        allowed(Destination::Origin(origin.clone())).then_some(origin)
    })?;
    Some(set(
        name,
        format!("set `{name}` to `{origin}`, which is allowed"),
    ))
}

/// S21: where a variable alone says that it is being run, unsetting that helps;
/// where it is being run, only what runs it can do otherwise.
fn unnested(index: u32, place: Option<String>) -> Advice {
    match place {
        Some(name) if is_variable(&name) => Advice {
            text: format!("`unset {name}`, where no helper is being run"),
            action: Fix::UnsetVariable(name),
        },
        _ => Advice {
            action: Fix::RepairHelper(index),
            text: "let what is being run get its token without this policy of `keyrule`, which waits for it".to_owned(),
        },
    }
}

fn set(name: &str, text: String) -> Advice {
    Advice {
        action: Fix::SetVariable(name.to_owned()),
        text,
    }
}
