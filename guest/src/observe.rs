//! Judges an observation of a source by its rule: a state, its reason and the
//! rule behind it.

use crate::origin;
use crate::policy::Policy;
use crate::rule::Rule;
use crate::text::At;
use crate::wit::{
    Destination, FailureKind, Finding, Kind, Lifetime, Observation, Outcome, Reason, Redirection,
    State, Storage, StoreKind,
};

impl Policy {
    /// Judges an observation of a source.
    ///
    /// # Panics
    ///
    /// Where there is no such source: a bug of the caller, which the
    /// component turns into a trap.
    #[must_use]
    pub fn observe(&self, source: u32, seen: &Observation) -> Finding {
        #[expect(
            clippy::indexing_slicing,
            reason = "an index that is not in `sources` traps, as the contract says"
        )]
        let rule = &self.rules()[source as usize];
        let (state, reason, at) = judge(rule, seen);
        Finding {
            state,
            reason,
            rule: self.location(at),
            ttl_ms: ttl_ms(rule, seen),
        }
    }
}

/// The state, why, and the rule behind it.
pub(crate) fn judge(rule: &Rule, seen: &Observation) -> (State, Reason, At) {
    match seen.outcome {
        Outcome::Absent => return (State::Unavailable, Reason::Absent, rule.at),
        Outcome::Blank => return (State::Unavailable, Reason::Blank, rule.at),
        Outcome::Off => return (State::Unavailable, Reason::Off, rule.at),
        Outcome::Recursion => return (State::Unavailable, Reason::Recursion, rule.at),
        // S21: what runs it waits for this very run, and nothing may replace it.
        Outcome::Failed(FailureKind::Nested) if can_be_nested(&rule.source.kind) => {
            return (State::Fatal, Reason::Nested, rule.at);
        }
        Outcome::Failed(_) => return (State::Failed, Reason::Failed, rule.on_failure_at),
        Outcome::Present => {}
    }
    if let Some(stored_in) = seen.stored_in
        && !may_keep(rule.storage.value, stored_in)
    {
        return (State::Unavailable, Reason::StoreNotAllowed, rule.storage.at);
    }
    // S17: whose credential it is comes before everything else about it.
    for organizations in &rule.organizations {
        match &seen.organization {
            None => return (State::Unavailable, Reason::NoOrganization, organizations.at),
            Some(name) if !organizations.list.contains(name) => {
                return (
                    State::Unavailable,
                    Reason::WrongOrganization,
                    organizations.at,
                );
            }
            Some(_) => {}
        }
    }
    if let Some((reason, at)) = sending_fault(rule, seen) {
        return (State::Forbidden, reason, at);
    }
    let ended = seen.expires_in.is_some_and(|seconds| seconds <= 0);
    match (ended, seen.refreshable, seen.fetched) {
        (true, false, _) => (State::Failed, Reason::Failed, rule.on_failure_at),
        (true, true, false) => (State::Ready, Reason::Refreshable, rule.at),
        // A fetch that returns what has expired has not refreshed it.
        (true, true, true) => (State::Failed, Reason::Failed, rule.on_failure_at),
        (false, _, true) => (State::Fetched, Reason::Fetched, rule.at),
        (false, _, false) => (State::Ready, Reason::Present, rule.at),
    }
}

/// Whether fetching from such a source runs programs, which can be this one.
pub(crate) fn can_be_nested(kind: &Kind) -> bool {
    matches!(kind, Kind::Helper(_) | Kind::Cloud(_))
}

/// Whether the policy lets credentials be stored there. One that does not say
/// lets them be stored wherever they are.
fn may_keep(storage: Storage, stored_in: StoreKind) -> bool {
    storage.store.is_none_or(|store| store == stored_in) || storage.fallback == Some(stored_in)
}

/// S4: the same of everything that says where it would go.
pub(crate) fn sending_fault(rule: &Rule, seen: &Observation) -> Option<(Reason, At)> {
    endpoint_fault(rule, &seen.destination).or_else(|| {
        let mut faults = redirected(rule, &seen.redirections);
        faults.next().map(|(_, fault)| fault)
    })
}

/// Variables that would misdirect it, or what it is fetched with.
/// Where nothing is listed, a provider's clients follow them.
pub(crate) fn redirected<'r>(
    rule: &'r Rule,
    seen: &'r [Redirection],
) -> impl Iterator<Item = (&'r Redirection, (Reason, At))> {
    let forbidding = |origin: &String| {
        let mut lists = rule.endpoints.iter().chain(&rule.endpoint_limits);
        lists.find(|listed| !listed.list.iter().any(|pattern| pattern.matches(origin)))
    };
    seen.iter().filter_map(move |one| match &one.origin {
        Some(origin) => {
            let listed = forbidding(origin)?;
            Some((one, (Reason::EndpointNotAllowed, listed.at)))
        }
        None => {
            let listed = rule.endpoints.as_ref().or(rule.endpoint_limits.first());
            let at = listed.map_or(rule.at, |listed| listed.at);
            Some((one, (Reason::EndpointMalformed, at)))
        }
    })
}

/// S4: what must not be sent where it would go. The rule is that of the list
/// that does not allow it.
pub(crate) fn endpoint_fault(rule: &Rule, destination: &Destination) -> Option<(Reason, At)> {
    let listed = rule.endpoints.as_ref();
    let seen = match destination {
        Destination::Malformed => {
            let at = listed.map_or(rule.at, |listed| listed.at);
            return Some((Reason::EndpointMalformed, at));
        }
        Destination::Origin(origin) => {
            let allowed = listed
                .is_some_and(|listed| listed.list.iter().any(|pattern| pattern.matches(origin)));
            if !allowed {
                let at = listed.map_or(rule.at, |listed| listed.at);
                return Some((Reason::EndpointNotAllowed, at));
            }
            Some(origin.clone())
        }
        // What a region or a project will be is not known yet. A restriction
        // must allow all that it can be; one that names the exact host of a
        // region forbids the source, which fails closed.
        Destination::Default => rule
            .source
            .endpoint
            .as_ref()
            .and_then(|endpoint| origin::of_default(&endpoint.default).ok()),
    };
    // A restriction binds the default too; where a source goes is then known,
    // or it does not go at all.
    rule.endpoint_limits
        .iter()
        .find(|limit| {
            !seen
                .as_ref()
                .is_some_and(|origin| limit.list.iter().any(|pattern| pattern.matches(origin)))
        })
        .map(|limit| (Reason::EndpointNotAllowed, limit.at))
}

/// How long a helper's token may be cached: what the variable says, else the
/// policy, and never longer than any limit.
pub(crate) fn ttl_ms(rule: &Rule, seen: &Observation) -> u64 {
    let wanted = match seen.lifetime {
        Lifetime::Milliseconds(wanted) => wanted,
        Lifetime::Unset | Lifetime::Malformed => rule.ttl_ms,
    };
    rule.ttl_limits.iter().copied().fold(wanted, u64::min)
}
