//! The words of a test file: what a source can be, and the names that
//! `wit/policy.wit` has for failures, refusals and reasons. Words of an earlier
//! version come last in their table: they are read, and never written or
//! suggested.

use keyrule_contract::{Consent, FailureKind, Reason, Refusal, StoreKind, Surface};

/// What can be said of a source in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Is {
    /// It is there.
    Ready,
    /// Nothing is there.
    Absent,
    /// It is empty.
    Blank,
    /// Its flag says no.
    Off,
    /// It would run Keyrule itself.
    Recursion,
    /// It is there and cannot be got.
    Failed,
}

pub(crate) const IS: [(&str, Is); 6] = [
    ("ready", Is::Ready),
    ("absent", Is::Absent),
    ("blank", Is::Blank),
    ("off", Is::Off),
    ("recursion", Is::Recursion),
    ("failed", Is::Failed),
];

pub(crate) const SURFACES: [(&str, Surface); 4] = [
    ("terminal", Surface::Terminal),
    ("desktop", Surface::Desktop),
    ("remote", Surface::Remote),
    ("web", Surface::Web),
];

pub(crate) const CONSENTS: [(&str, Consent); 3] = [
    ("undecided", Consent::Undecided),
    ("approved", Consent::Approved),
    ("declined", Consent::Declined),
];

pub(crate) const ANSWERS: [(&str, Consent); 2] =
    [("use", Consent::Approved), ("decline", Consent::Declined)];

/// What can come of a fetch that was there when it was looked at.
pub(crate) const FETCHES: [(&str, bool); 3] =
    [("fetched", false), ("failed", true), ("held", false)];

pub(crate) const STORES: [(&str, StoreKind); 2] =
    [("keyring", StoreKind::Keyring), ("file", StoreKind::File)];

/// What a case calls each refusal.
pub const REFUSALS: [(&str, Refusal); 6] = [
    ("surface-not-served", Refusal::SurfaceNotServed),
    ("nothing-usable", Refusal::NothingUsable),
    ("source-failed", Refusal::SourceFailed),
    ("endpoint-not-allowed", Refusal::EndpointNotAllowed),
    ("consent-required", Refusal::ConsentRequired),
    ("override-refused", Refusal::OverrideRefused),
];

pub(crate) const FAILURES: [(&str, FailureKind); 21] = [
    ("unreadable", FailureKind::Unreadable),
    ("invalid", FailureKind::Invalid),
    ("untrusted", FailureKind::Untrusted),
    ("bad-character", FailureKind::BadCharacter),
    ("not-started", FailureKind::NotStarted),
    ("exit-status", FailureKind::ExitStatus),
    ("timed-out", FailureKind::TimedOut),
    ("no-output", FailureKind::NoOutput),
    ("more-than-one-token", FailureKind::MoreThanOneToken),
    ("not-printable", FailureKind::NotPrintable),
    ("too-long", FailureKind::TooLong),
    ("expired", FailureKind::Expired),
    ("locked", FailureKind::Locked),
    ("no-store", FailureKind::NoStore),
    ("unreachable", FailureKind::Unreachable),
    ("rejected", FailureKind::Rejected),
    ("unsupported", FailureKind::Unsupported),
    ("vanished", FailureKind::Vanished),
    ("no-credentials", FailureKind::NoCredentials),
    ("malformed-answer", FailureKind::MalformedAnswer),
    ("nested", FailureKind::Nested),
];

/// What a case calls each reason.
pub const REASONS: [(&str, Reason); 24] = [
    ("not-looked", Reason::NotLooked),
    ("present", Reason::Present),
    ("fetched", Reason::Fetched),
    ("absent", Reason::Absent),
    ("blank", Reason::Blank),
    ("off", Reason::Off),
    ("recursion", Reason::Recursion),
    ("wrong-organization", Reason::WrongOrganization),
    ("no-organization", Reason::NoOrganization),
    ("store-not-allowed", Reason::StoreNotAllowed),
    ("refreshable", Reason::Refreshable),
    ("endpoint-not-allowed", Reason::EndpointNotAllowed),
    ("endpoint-malformed", Reason::EndpointMalformed),
    ("failed", Reason::Failed),
    ("nested", Reason::Nested),
    ("not-on-surface", Reason::NotOnSurface),
    ("dropped", Reason::Dropped),
    ("restricted-surface", Reason::RestrictedSurface),
    ("forced-login", Reason::ForcedLogin),
    ("declined", Reason::Declined),
    ("consent-required", Reason::ConsentRequired),
    ("got", Reason::Fetched),
    ("renewable", Reason::Refreshable),
    ("trouble", Reason::Failed),
];

/// Keys of a test file, each with the name that an earlier version had for it.
pub(crate) const RENAMED: [(&str, &str); 5] = [
    ("fetch", "get"),
    ("fetches", "gets"),
    ("failure-kind", "trouble"),
    ("stored-in", "kept-in"),
    ("refreshable", "renewable"),
];

/// The word for a thing.
pub fn word<T: PartialEq>(words: &[(&'static str, T)], thing: &T) -> &'static str {
    words
        .iter()
        .find(|(_, other)| other == thing)
        .map_or("", |(word, _)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the contract calls it.
    fn contract(thing: &impl serde::Serialize) -> String {
        keyrule_engine::word::word(thing)
    }

    #[test]
    fn every_word_is_that_of_the_contract() {
        for (word, thing) in SURFACES {
            assert_eq!(contract(&thing), word);
        }
        for (word, thing) in CONSENTS {
            assert_eq!(contract(&thing), word);
        }
        for (word, thing) in STORES {
            assert_eq!(contract(&thing), word);
        }
        for (word, thing) in REFUSALS {
            assert_eq!(contract(&thing), word);
        }
        for (word, thing) in FAILURES {
            assert_eq!(contract(&thing), word);
        }
        for (_, thing) in REASONS {
            assert_eq!(contract(&thing), word(&REASONS, &thing));
        }
    }
}
