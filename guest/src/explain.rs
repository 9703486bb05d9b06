//! Explains a decision: every source with its status, reason and rule, the
//! decision in words, what restrictions changed, and warnings.

use crate::decide::decide;
use crate::observe::judge;
use crate::policy::Policy;
use crate::rule::{ConsentLevel, Rule};
use crate::text::At;
use crate::wit::{
    Consent, Evidence, Explanation, Fact, Kind, Lifetime, Observation, Reason, Refusal,
    RestrictionEffect, Session, SourceReport, SourceStatus, State, Verdict, Warning,
};
use crate::words;

/// What is known of one source, judged.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'e> {
    pub fact: Fact,
    pub reason: Reason,
    pub at: At,
    pub seen: Option<&'e Observation>,
}

impl Policy {
    /// Explains the decision that follows from the evidence.
    ///
    /// # Panics
    ///
    /// Where there is more or less evidence than sources: a bug of the
    /// caller, which the component turns into a trap.
    #[must_use]
    pub fn explain(&self, session: Session, evidence: &[Evidence]) -> Explanation {
        self.explain_by(session, evidence, |facts| self.decide(session, facts))
    }

    /// `explain`, once the override has chosen.
    ///
    /// # Panics
    ///
    /// As `explain`, and where the source is not a candidate.
    #[must_use]
    pub fn explain_chosen(
        &self,
        session: Session,
        evidence: &[Evidence],
        chosen: Option<u32>,
    ) -> Explanation {
        self.explain_by(session, evidence, |facts| {
            self.decide_chosen(session, facts, chosen)
        })
    }

    fn explain_by(
        &self,
        session: Session,
        evidence: &[Evidence],
        decide: impl Fn(&[Fact]) -> Verdict,
    ) -> Explanation {
        let mut views = views(self.rules(), session, evidence);
        let facts: Vec<Fact> = views.iter().map(|view| view.fact).collect();
        let verdict = decide(&facts);
        if let Some(served) = &self.merged.document.served
            && !served.value.has(session.surface)
        {
            for view in &mut views {
                (view.reason, view.at) = (Reason::NotOnSurface, served.at);
            }
        }
        let sources: Vec<SourceReport> = (0..)
            .zip(self.rules().iter().zip(&views))
            .map(|(index, (rule, view))| SourceReport {
                source: index,
                status: status(index, rule, view, session, verdict),
                reason: view.reason,
                state: view.fact.state,
                text: words::line(rule, view.reason, view.seen, session.surface),
                rule: self.location(view.at),
            })
            .collect();
        Explanation {
            verdict,
            summary: self.summary(session, verdict, &sources),
            rule: self.decisive(verdict, &views),
            restriction_effect: self.restriction_effect(session, verdict, &views, evidence),
            fix: self.fix(session, verdict, &views),
            warnings: self.warnings(session, verdict, &views),
            sources,
        }
    }

    fn summary(&self, session: Session, verdict: Verdict, lines: &[SourceReport]) -> String {
        let of = |index: u32| {
            let index = usize::try_from(index).unwrap_or(usize::MAX);
            let id = self
                .rules()
                .get(index)
                .map_or("", |rule| rule.source.id.as_str());
            let text = lines.get(index).map_or("", |line| line.text.as_str());
            (id, text)
        };
        match verdict {
            Verdict::Look(index) => format!("`{}` is looked at next", of(index).0),
            Verdict::Consult => "the policy's override chooses next".to_owned(),
            Verdict::Ask(index) => {
                let (id, text) = of(index);
                format!("`{id}` would be used once it is approved: {text}")
            }
            Verdict::Fetch(index) | Verdict::Use(index) => {
                let (id, text) = of(index);
                match self.kind(index) {
                    Some(Kind::Helper(_)) if verdict == Verdict::Fetch(index) => {
                        format!("`{id}` would be used, once its helper has run: {text}")
                    }
                    Some(Kind::Cloud(_)) if verdict == Verdict::Fetch(index) => {
                        format!("`{id}` would be used, once it has brought its credentials: {text}")
                    }
                    _ => format!("`{id}` is used: {text}"),
                }
            }
            Verdict::Refuse(refused) => {
                let cause = refused.source.map(of);
                match (refused.reason, cause) {
                    (Refusal::SurfaceNotServed, _) => {
                        format!(
                            "this policy does not serve {}",
                            words::sessions(session.surface)
                        )
                    }
                    (Refusal::SourceFailed, Some((id, text))) => {
                        format!("`{id}` failed, and nothing after it is tried: {text}")
                    }
                    (Refusal::EndpointNotAllowed, Some((id, text))) => {
                        format!("`{id}` is not used: {text}")
                    }
                    (Refusal::ConsentRequired, Some((id, _))) => {
                        format!("`{id}` needs a consent, and nobody is here to give it")
                    }
                    (Refusal::OverrideRefused, None) => {
                        "the policy's override chose no source".to_owned()
                    }
                    (Refusal::OverrideRefused, Some((id, text))) => {
                        format!("the policy's override chose `{id}`, which is not usable: {text}")
                    }
                    (Refusal::NothingUsable, _) | (_, None) => self.nothing_usable(session),
                }
            }
        }
    }

    fn nothing_usable(&self, session: Session) -> String {
        let counted = self
            .rules()
            .iter()
            .filter(|rule| rule.counts(session.surface))
            .count();
        let sessions = words::sessions(session.surface);
        match counted {
            0 => format!("no source counts in {sessions}"),
            1 => format!("nothing is usable: the one source that counts in {sessions} is out"),
            _ => format!("nothing is usable among the {counted} sources that count in {sessions}"),
        }
    }

    fn kind(&self, index: u32) -> Option<&Kind> {
        let rule = self.rules().get(usize::try_from(index).ok()?)?;
        Some(&rule.source.kind)
    }

    /// The rule that decided.
    fn decisive(&self, verdict: Verdict, views: &[View<'_>]) -> Option<crate::wit::Location> {
        let of = |index: u32| Some(views.get(usize::try_from(index).ok()?)?.at);
        let rule = |index: u32| self.rules().get(usize::try_from(index).ok()?);
        let at = match verdict {
            Verdict::Look(index) | Verdict::Fetch(index) | Verdict::Use(index) => rule(index)?.at,
            Verdict::Ask(index) => rule(index)?.consent_at,
            Verdict::Consult => self.merged.document.chooser.as_ref()?.at,
            Verdict::Refuse(refused) => match (refused.reason, refused.source) {
                (Refusal::SurfaceNotServed, _) => self.merged.document.served.as_ref()?.at,
                (Refusal::ConsentRequired, Some(index)) => rule(index)?.consent_at,
                (Refusal::OverrideRefused, _) => self.merged.document.chooser.as_ref()?.at,
                (_, Some(index)) => of(index)?,
                (_, None) => return None,
            },
        };
        Some(self.location(at))
    }

    /// S12: what restrictions have changed is found by deciding without them.
    fn restriction_effect(
        &self,
        session: Session,
        verdict: Verdict,
        views: &[View<'_>],
        evidence: &[Evidence],
    ) -> Option<RestrictionEffect> {
        let unrestricted = self.merged.unrestricted.as_ref()?;
        // What an override would choose without them, only it can say.
        if self.merged.document.chooser.is_some() {
            return None;
        }
        let before = self::views(unrestricted, session, evidence);
        let facts: Vec<Fact> = before.iter().map(|view| view.fact).collect();
        let without = decide(unrestricted, session, &facts);
        let served = !matches!(verdict, Verdict::Refuse(refused) if refused.reason == Refusal::SurfaceNotServed);
        // Where not everything was looked at, this cannot be known.
        let known = !matches!(without, Verdict::Look(_));
        if !served || !known || outcome(without) == outcome(verdict) {
            return None;
        }
        // The rule is the one that stopped the source otherwise selected.
        let stopped = verdict_source(without).or_else(|| verdict_source(verdict))?;
        let index = usize::try_from(stopped).ok()?;
        let (rule, view) = (self.rules().get(index)?, views.get(index)?);
        let at = match verdict {
            Verdict::Ask(index) if index == stopped => rule.consent_at,
            Verdict::Refuse(refused) if refused.reason == Refusal::ConsentRequired => {
                rule.consent_at
            }
            _ if view.reason == Reason::Declined => rule.consent_at,
            _ => view.at,
        };
        let location = self.location(at);
        Some(RestrictionEffect {
            without,
            text: format!(
                "without `{}`, line {}, {}",
                location.path,
                location.line,
                match without {
                    Verdict::Refuse(_) => "nothing would be used".to_owned(),
                    _ => format!("`{}` would be used", rule.source.id),
                }
            ),
            rule: location,
        })
    }

    fn warnings(&self, session: Session, verdict: Verdict, views: &[View<'_>]) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let winner = match verdict {
            Verdict::Fetch(index) | Verdict::Use(index) | Verdict::Ask(index) => Some(index),
            Verdict::Look(_) | Verdict::Refuse(_) | Verdict::Consult => None,
        };
        let mut warn = |code: &str, message: String, at: At| {
            warnings.push(Warning {
                code: code.to_owned(),
                message,
                rule: Some(self.location(at)),
            });
        };
        let first = winner
            .or(verdict_source(verdict))
            .and_then(|index| self.rules().get(usize::try_from(index).ok()?));
        for (index, (rule, view)) in (0..).zip(self.rules().iter().zip(views)) {
            let id = &rule.source.id;
            let text = || words::line(rule, view.reason, view.seen, session.surface);
            if !rule.counts(session.surface) {
                continue;
            }
            match (view.reason, view.fact.state) {
                (Reason::Off, _) if view.seen.is_some_and(|seen| seen.detail.is_some()) => {
                    warn("odd-flag", format!("`{id}`: {}", text()), rule.at);
                }
                (Reason::Blank, _) => warn("blank", format!("`{id}`: {}", text()), rule.at),
                (Reason::Recursion, _) => warn("recursion", format!("`{id}`: {}", text()), rule.at),
                (_, State::Failed) if Some(index) < winner => {
                    warn(
                        "passed-over",
                        format!("`{id}` was passed over: {}", text()),
                        rule.on_failure_at,
                    );
                }
                // S6: not interactive, so the answer does not apply.
                _ if Some(index) == winner
                    && view.fact.consent == Consent::Declined
                    && rule.consent == ConsentLevel::Interactive
                    && !session.interactive =>
                {
                    warn(
                        "declined",
                        format!(
                            "`{id}` was declined, and is used all the same, because nobody is here to be asked; `consent = \"always\"` would keep it out"
                        ),
                        rule.consent_at,
                    );
                }
                _ => {}
            }
            if view
                .seen
                .is_some_and(|seen| seen.lifetime == Lifetime::Malformed)
            {
                warn(
                    "bad-lifetime",
                    format!(
                        "`{id}`: the variable for how long its token is kept is not a whole number of milliseconds, and is ignored"
                    ),
                    rule.at,
                );
            }
            let later = verdict_source(verdict).is_some_and(|decided| index > decided);
            if !later || !is_there(view.fact.state) {
                continue;
            }
            let Some(first) = first else { continue };
            if first.by_flag && rule.by_flag {
                warn(
                    "two-providers",
                    format!(
                        "{} and {}: `{}` comes first",
                        flag(first),
                        flag(rule),
                        first.source.id
                    ),
                    rule.at,
                );
            } else if winner.is_some() && self.merged.document.chooser.is_some() {
                let (winner, loser) = (&first.source.id, &rule.source.id);
                let said = format!(
                    "`{loser}` is there too and not used: the policy's override chose `{winner}`"
                );
                warn("shadowed", said, rule.at);
            } else if winner.is_some() {
                warn("shadowed", shadowed(first, rule), rule.at);
            }
        }
        warnings
    }
}

/// The sentence that saves somebody money: what is there and not used.
fn shadowed(first: &Rule, rule: &Rule) -> String {
    let (winner, loser) = (&first.source, &rule.source);
    match (&winner.kind, &loser.kind) {
        (Kind::Environment(name), Kind::ToolOwned(_) | Kind::Login(_)) => format!(
            "`{}` is logged in and not used, because `{}` comes first: `unset {name}` to use the login",
            loser.id, winner.id
        ),
        (Kind::ToolOwned(_), Kind::Helper(_)) => format!(
            "`{}` is there and not used by this policy; the tool itself may still run it",
            loser.id
        ),
        _ => format!(
            "`{}` is there too and not used: `{}` comes first",
            loser.id, winner.id
        ),
    }
}

fn flag(rule: &Rule) -> String {
    match &rule.source.kind {
        Kind::Cloud(cloud) => cloud
            .flag
            .as_ref()
            .map_or_else(String::new, |flag| format!("`{flag}` is on")),
        _ => String::new(),
    }
}

fn is_there(state: State) -> bool {
    match state {
        State::Ready | State::Fetched | State::Failed | State::Fatal | State::Forbidden => true,
        State::Unknown | State::Unavailable => false,
    }
}

/// The source that a verdict is about.
fn verdict_source(verdict: Verdict) -> Option<u32> {
    match verdict {
        Verdict::Look(index)
        | Verdict::Ask(index)
        | Verdict::Fetch(index)
        | Verdict::Use(index) => Some(index),
        Verdict::Refuse(refused) => refused.source,
        Verdict::Consult => None,
    }
}

/// The result of a verdict: the source, after which question, or why none.
fn outcome(verdict: Verdict) -> (Option<u32>, bool, Option<Refusal>) {
    match verdict {
        Verdict::Look(index) | Verdict::Fetch(index) | Verdict::Use(index) => {
            (Some(index), false, None)
        }
        Verdict::Ask(index) => (Some(index), true, None),
        Verdict::Refuse(refused) => (None, false, Some(refused.reason)),
        Verdict::Consult => (None, false, None),
    }
}

/// Judges all evidence under the given rules.
pub(crate) fn views<'e>(
    rules: &[Rule],
    session: Session,
    evidence: &'e [Evidence],
) -> Vec<View<'e>> {
    assert_eq!(evidence.len(), rules.len(), "evidence for each source");
    rules
        .iter()
        .zip(evidence)
        .map(|(rule, evidence)| view(rule, session, evidence))
        .collect()
}

fn view<'e>(rule: &Rule, session: Session, evidence: &'e Evidence) -> View<'e> {
    let seen = evidence.observation.as_ref();
    let (state, mut reason, mut at) = match seen {
        Some(seen) => judge(rule, seen),
        None => (State::Unknown, Reason::NotLooked, rule.at),
    };
    let asks = match rule.consent {
        ConsentLevel::Never => false,
        ConsentLevel::Interactive => session.interactive,
        ConsentLevel::Always => true,
    };
    if let Some((why, line)) = rule.why_not_counted(session.surface) {
        (reason, at) = (why, line);
    } else if matches!(state, State::Ready | State::Fetched) && asks {
        match evidence.consent {
            Consent::Declined => (reason, at) = (Reason::Declined, rule.consent_at),
            Consent::Undecided => (reason, at) = (Reason::ConsentRequired, rule.consent_at),
            Consent::Approved => {}
        }
    }
    View {
        fact: Fact {
            state,
            consent: evidence.consent,
        },
        reason,
        at,
        seen,
    }
}

/// The status of one source.
fn status(
    index: u32,
    rule: &Rule,
    view: &View<'_>,
    session: Session,
    verdict: Verdict,
) -> SourceStatus {
    if !rule.counts(session.surface) || view.reason == Reason::NotOnSurface {
        return SourceStatus::NotApplicable;
    }
    let about = verdict_source(verdict);
    if about == Some(index) {
        return match verdict {
            Verdict::Look(_) | Verdict::Ask(_) => SourceStatus::Next,
            Verdict::Fetch(_) | Verdict::Use(_) => SourceStatus::Selected,
            Verdict::Refuse(_) | Verdict::Consult => SourceStatus::Blocking,
        };
    }
    match view.fact.state {
        State::Unknown => SourceStatus::Unknown,
        State::Unavailable => SourceStatus::Unavailable,
        _ if view.reason == Reason::Declined => SourceStatus::Unavailable,
        State::Failed if about.is_none_or(|about| index < about) => SourceStatus::Skipped,
        State::Failed | State::Fatal | State::Ready | State::Fetched | State::Forbidden => {
            SourceStatus::Shadowed
        }
    }
}
