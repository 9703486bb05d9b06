//! A rule: one source of the policy with everything that decides about it.
//! What `document` reads becomes a rule, what `restriction` reads takes away
//! from it, and `decide` and `observe` look at nothing else.

use crate::origin::Pattern;
use crate::reader::Placed;
use crate::text::At;
use crate::wit::{Reason, Source, Storage, Surface};

/// A set of surfaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Surfaces(u8);

/// The surfaces in the order in which they are listed to people.
pub(crate) const SURFACES: [(&str, Surface); 4] = [
    ("terminal", Surface::Terminal),
    ("desktop", Surface::Desktop),
    ("remote", Surface::Remote),
    ("web", Surface::Web),
];

impl Surfaces {
    pub(crate) const NONE: Self = Self(0);

    const fn bit(surface: Surface) -> u8 {
        1 << surface as u8
    }

    pub(crate) fn with(self, surface: Surface) -> Self {
        Self(self.0 | Self::bit(surface))
    }

    pub(crate) fn has(self, surface: Surface) -> bool {
        self.0 & Self::bit(surface) != 0
    }

    pub(crate) fn intersect(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

/// When a consent is needed, from the weakest to the strongest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum ConsentLevel {
    /// Never.
    Never,
    /// In interactive sessions; elsewhere the source is used without.
    Interactive,
    /// Always; without a terminal, and without a consent given before, the
    /// source is refused.
    Always,
}

/// The words of the language for it.
pub(crate) const CONSENT_LEVELS: [(&str, ConsentLevel); 3] = [
    ("never", ConsentLevel::Never),
    ("interactive", ConsentLevel::Interactive),
    ("always", ConsentLevel::Always),
];

/// A list that something must be in, and the line that says so. Several such
/// lists are all binding, which is how an intersection of patterns is kept
/// without computing one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Allowed<T> {
    pub list: Vec<T>,
    pub at: At,
}

/// One source and what decides about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    /// What the host is told of the source. Its `location` is filled when it
    /// leaves.
    pub source: Source,
    /// The line that declares it.
    pub at: At,
    /// Where it applies.
    pub surfaces: Surfaces,
    pub surfaces_at: At,
    /// What took surfaces away: the reason and the line for each surface that
    /// the policy itself had listed.
    pub removed: [Option<(Reason, At)>; 4],
    pub consent: ConsentLevel,
    pub consent_at: At,
    /// Skipped when it fails, instead of stopping the resolution.
    pub next_on_failure: bool,
    pub on_failure_at: At,
    /// What the policy itself allows, besides the endpoint's default.
    pub endpoints: Option<Allowed<Pattern>>,
    /// What restrictions allow; here the default is not allowed by
    /// itself.
    pub endpoint_limits: Vec<Allowed<Pattern>>,
    /// The organizations that it must belong to, every list of them.
    pub organizations: Vec<Allowed<String>>,
    /// How long a helper's token is cached when its variable does not say.
    pub ttl_ms: u64,
    /// How long at the most.
    pub ttl_limits: Vec<u64>,
    /// The stores that it may be in.
    pub storage: Placed<Storage>,
    /// Variables of its own that `exec` clears.
    pub clear: Vec<String>,
    /// A cloud provider that a flag selects: two at once deserve a warning.
    pub by_flag: bool,
}

impl Rule {
    /// Whether the source applies in sessions of this kind.
    pub(crate) fn counts(&self, surface: Surface) -> bool {
        self.surfaces.has(surface)
    }

    /// Takes away surfaces, and remembers why. That a restriction dropped the
    /// source outweighs that it took a surface from it, so that their order
    /// makes no difference.
    pub(crate) fn keep_surfaces(&mut self, kept: Surfaces, reason: Reason, at: At) {
        for (_, surface) in SURFACES {
            let Some(slot) = self.removed.get_mut(surface as usize) else {
                continue;
            };
            let taken = self.surfaces.has(surface);
            let said = matches!(slot, Some((Reason::RestrictedSurface, _)));
            if !kept.has(surface) && (taken || (said && reason == Reason::Dropped)) {
                *slot = Some((reason, at));
            }
        }
        self.surfaces = self.surfaces.intersect(kept);
    }

    /// Why it does not apply in sessions of this kind, and which line says so.
    pub(crate) fn why_not_counted(&self, surface: Surface) -> Option<(Reason, At)> {
        if self.counts(surface) {
            return None;
        }
        let removed = self.removed.get(surface as usize).copied().flatten();
        Some(removed.unwrap_or((Reason::NotOnSurface, self.surfaces_at)))
    }
}
