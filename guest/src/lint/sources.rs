//! Finds sources that can never be used: those that apply nowhere, that nothing
//! makes usable, or that others always shadow.

use super::{Found, Said};
use crate::condition::{Possible, possible};
use crate::decide::effect;
use crate::policy::Policy;
use crate::rule::{ConsentLevel, Rule, Surfaces};
use crate::table::sessions;
use crate::text::At;
use crate::wit::{Consent, Effect, Fact, Reason, Session, State};

pub(super) fn lint(policy: &Policy, found: &mut Found) {
    let rules = policy.rules().iter();
    let alone: Vec<(&Rule, Vec<Possible>)> = rules.map(|rule| (rule, possible(&[rule]))).collect();
    for (index, (rule, conditions)) in alone.iter().enumerate() {
        let before = alone.get(..index).unwrap_or_default();
        if counts_in(policy, rule).next().is_none() {
            dead(policy, rule, found);
        } else if !never_usable(rule, conditions, found) {
            never_reached(policy, before, rule, found);
        }
    }
}

/// The sessions that are served and in which the source applies.
fn counts_in(policy: &Policy, rule: &Rule) -> impl Iterator<Item = Session> {
    sessions().filter(|session| policy.serves(*session) && rule.counts(session.surface))
}

fn dead(policy: &Policy, rule: &Rule, found: &mut Found) {
    let id = &rule.source.id;
    let removed: Vec<(Reason, At)> = rule.removed.iter().copied().flatten().collect();
    if removed
        .iter()
        .any(|(reason, _)| *reason == Reason::ForcedLogin)
    {
        let said = Said {
            code: "forced-out",
            message: format!("`{id}` never counts, because `[login]` forces other ways to log in"),
            why: "two lines of one file say opposite things; the reader of the source's own lines believes that it counts",
            help: "remove the source, or name it in `methods` where it is a login",
        };
        return found.add(rule.at, said);
    }
    if rule.surfaces == Surfaces::NONE {
        // What one line takes away whole, it is meant to take away.
        let whole = |(reason, at): &(Reason, At)| {
            *reason == Reason::Dropped || removed.iter().all(|(_, other)| other == at)
        };
        if let Some((_, at)) = removed.last().filter(|_| !removed.iter().any(whole)) {
            let said = Said {
                code: "dead-source",
                message: format!(
                    "`{id}` counts in no session, because restrictions have no surface in common"
                ),
                why: "each of them leaves it some sessions, and together they leave none",
                help: "let them have a surface in common, or say `drop` in one of them",
            };
            found.add(*at, said);
        }
        return;
    }
    if policy.merged.document.served.is_some() {
        let said = Said {
            code: "dead-source",
            message: format!("`{id}` counts in no session that the policy serves"),
            why: "`[session]` refuses every session that the source lists, so the source can never be used",
            help: "remove the source, or add one of its surfaces to `[session]`",
        };
        found.add(rule.surfaces_at, said);
    }
}

/// Whether nothing that can be the case makes the source usable.
fn never_usable(rule: &Rule, conditions: &[Possible], found: &mut Found) -> bool {
    let mut judged = conditions
        .iter()
        .filter_map(|condition| condition.judged.first());
    if judged.clone().any(|(state, _, _)| *state == State::Ready) {
        return false;
    }
    let Some((_, reason, at)) = judged.find(|(_, reason, _)| {
        matches!(
            reason,
            Reason::NoOrganization | Reason::WrongOrganization | Reason::EndpointNotAllowed
        )
    }) else {
        return false;
    };
    let id = &rule.source.id;
    let (message, help) = match reason {
        Reason::EndpointNotAllowed if rule.source.endpoint.is_none() => (
            format!("`{id}` is never usable, because endpoints are limited and it has none"),
            "give the source an `endpoint`, or drop the source",
        ),
        Reason::EndpointNotAllowed => (
            format!("`{id}` is never usable, because no endpoint that it can have is allowed"),
            "allow the source's default endpoint, or drop the source",
        ),
        _ => (
            format!(
                "`{id}` is never usable, because an organisation is required and it is never known whose it is"
            ),
            "use a login of Keyrule's own, whose organisation is known, or require none",
        ),
    };
    let said = Said {
        code: "never-usable",
        message,
        why: "whatever is there and whatever the user does, the policy never uses it, and one that is there can still end in a refusal",
        help,
    };
    found.add(*at, said);
    true
}

fn never_reached(
    policy: &Policy,
    before: &[(&Rule, Vec<Possible>)],
    rule: &Rule,
    found: &mut Found,
) {
    let always = |other: &Rule, conditions: &[Possible], session: Session| {
        other.counts(session.surface)
            && conditions
                .iter()
                .filter_map(|condition| condition.judged.first())
                // Inside a helper's own run no key is expected.
                .filter(|(_, reason, _)| *reason != Reason::Recursion)
                .all(|(state, _, _)| decides(other, session, *state))
    };
    let same = |other: &Rule, session: Session| {
        other.source.reads == rule.source.reads
            && possible(&[other, rule])
                .iter()
                .filter_map(|condition| Some((condition.judged.first()?, condition.judged.get(1)?)))
                .filter(|(_, (state, _, _))| decides_at_all(rule, session, *state))
                .all(|((state, _, _), _)| decides(other, session, *state))
    };
    let reached_in = |session: Session| {
        before
            .iter()
            .find(|(other, conditions)| always(other, conditions, session) || same(other, session))
            .map(|(other, _)| *other)
    };
    let mut first = None;
    for session in counts_in(policy, rule) {
        let Some(other) = reached_in(session) else {
            return;
        };
        first.get_or_insert(other);
    }
    let Some(other) = first else {
        return;
    };
    let said = Said {
        code: "never-reached",
        message: format!(
            "`{}` is never reached, because `{}` always decides before it",
            rule.source.id, other.source.id
        ),
        why: "sources are tried in order, and wherever this one counts, the other is used or refuses first",
        help: "put it before the other, give the two different surfaces, or remove it",
    };
    found.add(rule.at, said);
}

/// Whether the source is not skipped in this state, whatever the user answers.
fn decides(rule: &Rule, session: Session, state: State) -> bool {
    consents(rule)
        .iter()
        .all(|consent| follows(rule, session, state, *consent) != Effect::Skip)
}

/// Whether it is not skipped in this state, after some answer of the user.
fn decides_at_all(rule: &Rule, session: Session, state: State) -> bool {
    consents(rule)
        .iter()
        .any(|consent| follows(rule, session, state, *consent) != Effect::Skip)
}

fn follows(rule: &Rule, session: Session, state: State, consent: Consent) -> Effect {
    effect(rule, session, Fact { state, consent })
}

fn consents(rule: &Rule) -> &'static [Consent] {
    if rule.consent > ConsentLevel::Never {
        &[Consent::Undecided, Consent::Approved, Consent::Declined]
    } else {
        &[Consent::Undecided]
    }
}
