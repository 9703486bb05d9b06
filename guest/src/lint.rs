//! Finds likely mistakes in a valid policy. Each lint says what it is, why it
//! matters and what to change; none quotes a value.
//!
//! Rules are judged over all that can be the case, not by what the text looks
//! like: a source is out of reach where the complete table says so. `sources`
//! checks single sources, `sessions` whole sessions, `lower` what others than
//! the author decide, `keys` and `restrictions` what changes nothing, `secrets`
//! the bare text.

mod keys;
mod lower;
mod restrictions;
mod secrets;
mod sessions;
mod sources;

use crate::policy::Policy;
use crate::rule::{Rule, SURFACES};
use crate::text::At;
use crate::wit::{DocumentOrigin, Lint, Surface};

impl Policy {
    /// Lists what the author may not mean, document by document and from the
    /// top of each.
    #[must_use]
    pub fn lint(&self) -> Vec<Lint> {
        let mut found = Found { all: Vec::new() };
        sources::lint(self, &mut found);
        sessions::lint(self, &mut found);
        lower::lint(self, &mut found);
        keys::lint(self, &mut found);
        restrictions::lint(self, &mut found);
        secrets::lint(self, &mut found);
        found.all.sort_by_key(|(at, _)| {
            let used = &self.merged.used;
            let place = used
                .iter()
                .position(|used| *used == usize::from(at.document));
            (place, at.offset)
        });
        found
            .all
            .into_iter()
            .map(|(at, concern)| Lint {
                location: self.location(at),
                ..concern
            })
            .collect()
    }

    /// The surfaces that the policy means to serve: those that it lists, else
    /// those that any of its sources lists.
    fn meant(&self) -> impl Iterator<Item = (&'static str, Surface)> {
        let served = self.merged.document.served.as_ref();
        SURFACES.into_iter().filter(move |(_, surface)| {
            served.map_or_else(
                || {
                    let mut rules = self.unrestricted().iter();
                    rules.any(|rule| was_listed(rule, *surface))
                },
                |served| served.value.has(*surface),
            )
        })
    }

    /// Where the document lies that is the policy.
    fn policy_document(&self) -> Option<(u16, DocumentOrigin, &str)> {
        let index = *self.merged.used.first()?;
        let document = self.documents.get(index)?;
        let index = u16::try_from(index).ok()?;
        Some((index, document.origin, document.text.as_str()))
    }

    fn is_managed(&self) -> bool {
        self.policy_document()
            .is_some_and(|(_, origin, _)| origin == DocumentOrigin::Managed)
    }
}

/// Whether the policy itself lists the surface for the source, whatever takes
/// it away again.
fn was_listed(rule: &Rule, surface: Surface) -> bool {
    let removed = rule.removed.get(surface as usize).copied().flatten();
    rule.counts(surface) || removed.is_some()
}

/// The lints so far.
struct Found {
    all: Vec<(At, Lint)>,
}

/// The content of a lint: all texts are whole sentences without a stop.
struct Said<'s> {
    code: &'s str,
    message: String,
    why: &'s str,
    help: &'s str,
}

impl Found {
    fn add(&mut self, at: At, said: Said<'_>) {
        let concern = Lint {
            code: said.code.to_owned(),
            message: said.message,
            why: said.why.to_owned(),
            help: said.help.to_owned(),
            location: At::default().in_paths(&[]),
        };
        if !self.all.contains(&(at, concern.clone())) {
            self.all.push((at, concern));
        }
    }
}
