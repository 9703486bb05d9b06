//! Finds sessions that the policy means to serve and in which nothing can ever
//! be used, or only what needs a consent that cannot be given there.

use super::{Found, Said, was_listed};
use crate::condition::possible;
use crate::decide::effect;
use crate::policy::Policy;
use crate::reader::listed;
use crate::rule::{ConsentLevel, Rule};
use crate::text::At;
use crate::wit::{Consent, Effect, Fact, Reason, Session, State, Surface};

pub(super) fn lint(policy: &Policy, found: &mut Found) {
    // A component that chooses may skip what the order would not.
    if policy.merged.document.chooser.is_some() {
        return;
    }
    let mut locked: Vec<(&str, At)> = Vec::new();
    let mut unasked: Vec<(&str, At)> = Vec::new();
    for (word, surface) in policy.meant() {
        let usable = usable(policy.rules(), surface);
        if usable.is_empty() {
            locked.push((word, cause(policy, surface)));
        } else if surface != Surface::Terminal
            && usable
                .iter()
                .all(|rule| rule.consent == ConsentLevel::Always)
            && let Some(rule) = usable.first()
        {
            unasked.push((word, rule.consent_at));
        }
    }
    for (words, at) in by_place(locked) {
        let said = Said {
            code: "lock-out",
            message: format!("nothing can ever be used in sessions on {}", listed(&words)),
            why: "whatever is there and whatever the user does, every such session ends in a refusal",
            help: "leave a source that counts there, or leave the surface out of `[session] surfaces`",
        };
        found.add(at, said);
    }
    for (words, at) in by_place(unasked) {
        let said = Said {
            code: "consent-lock-out",
            message: format!(
                "all that can be used on {} needs a consent, and a question needs a terminal",
                listed(&words)
            ),
            why: "where nobody can be asked, a session is refused until somebody has typed `keyrule consent approve` on that machine",
            help: "say `consent = \"interactive\"` for a source that counts there, or leave the surface out",
        };
        found.add(at, said);
    }
}

/// The sources that can be used on a surface when it is not interactive: this
/// is where the fewest can.
fn usable(rules: &[Rule], surface: Surface) -> Vec<&Rule> {
    let session = Session {
        surface,
        interactive: false,
    };
    let mut usable = Vec::new();
    for rule in rules {
        let effects: Vec<Effect> = possible(&[rule])
            .iter()
            .filter_map(|condition| condition.judged.first())
            .filter(|(_, reason, _)| *reason != Reason::Recursion)
            .flat_map(|(state, _, _)| effects(rule, session, *state))
            .collect();
        if effects.contains(&Effect::Use) {
            usable.push(rule);
        }
        if !effects.contains(&Effect::Skip) {
            break;
        }
    }
    usable
}

fn effects(rule: &Rule, session: Session, state: State) -> [Effect; 3] {
    [Consent::Undecided, Consent::Approved, Consent::Declined]
        .map(|consent| effect(rule, session, Fact { state, consent }))
}

/// The line to change.
fn cause(policy: &Policy, surface: Surface) -> At {
    let rules = policy.rules();
    let mut removed = rules.iter().filter_map(|rule| {
        let (_, at) = rule.why_not_counted(surface)?;
        was_listed(rule, surface).then_some(at)
    });
    let stuck = || {
        rules
            .iter()
            .find(|rule| rule.counts(surface))
            .map(|rule| rule.at)
    };
    let served = policy.merged.document.served.as_ref();
    removed
        .next_back()
        .or_else(stuck)
        .or(served.map(|served| served.at))
        .unwrap_or_default()
}

/// What has the same cause is reported once.
fn by_place(all: Vec<(&str, At)>) -> Vec<(Vec<&str>, At)> {
    let mut grouped: Vec<(Vec<&str>, At)> = Vec::new();
    for (word, at) in all {
        match grouped.iter_mut().find(|(_, other)| *other == at) {
            Some((words, _)) => words.push(word),
            None => grouped.push((vec![word], at)),
        }
    }
    grouped
}
