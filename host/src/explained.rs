//! What there is to ask of a decision with its reasons: who wins, where it
//! would be sent. What goes in is the decision; what comes out are parts of
//! it. Nothing here decides.

use keyrule_contract as wit;
use keyrule_contract::ErrorKind;

use crate::error::{refusal, refusal_kind};
use crate::resolver::Explained;
use crate::sources::Facts;

impl Explained {
    /// Every source with its explanation, in the order of the policy.
    pub fn lines(&self) -> impl Iterator<Item = (&wit::Source, &wit::SourceReport)> {
        let lines = &self.explanation.sources;
        lines
            .iter()
            .filter_map(|line| Some((self.source(line.source)?, line)))
    }

    /// A source's explanation, by its place.
    pub fn line(&self, source: u32) -> Option<&wit::SourceReport> {
        let lines = &self.explanation.sources;
        lines.iter().find(|line| line.source == source)
    }

    /// A source, by its place.
    pub fn source(&self, source: u32) -> Option<&wit::Source> {
        self.sources.get(usize::try_from(source).ok()?)
    }

    /// A source's name, by its place.
    pub fn id(&self, source: u32) -> Option<&str> {
        self.source(source).map(|source| source.id.as_str())
    }

    /// What was seen of a source, by its place.
    pub fn seen(&self, source: u32) -> Option<&wit::Observation> {
        self.evidence_of(source)?.observation.as_ref()
    }

    /// What else is known of a source: where a cloud provider is asked.
    pub fn known(&self, source: u32) -> Option<&Facts> {
        self.known.get(usize::try_from(source).ok()?)
    }

    /// What is known of a source, by its place.
    pub fn evidence_of(&self, source: u32) -> Option<&wit::Evidence> {
        self.evidence.get(usize::try_from(source).ok()?)
    }

    /// Where a source's credential would be sent, and the variable that says
    /// so, if one does. None where the policy names no endpoint or the
    /// variable holds what is not one.
    pub fn destination(&self, source: u32) -> Option<(&str, Option<&str>)> {
        let endpoint = self.source(source)?.endpoint.as_ref()?;
        let seen = self.seen(source);
        match seen.map(|seen| &seen.destination) {
            None | Some(wit::Destination::Default) => {
                let mut moved = seen.into_iter().flat_map(|seen| &seen.redirections);
                if let Some(moved) = moved.find(|one| one.carries) {
                    return Some((moved.origin.as_deref()?, Some(&moved.name)));
                }
                let filled = self
                    .known(source)
                    .and_then(|known| known.endpoint.as_deref());
                Some((filled.unwrap_or(&endpoint.default), None))
            }
            Some(wit::Destination::Origin(origin)) => Some((origin, endpoint.variable.as_deref())),
            Some(wit::Destination::Malformed) => None,
        }
    }

    /// The source that the next step is about, or that is used.
    pub fn winner(&self) -> Option<u32> {
        match self.explanation.verdict {
            wit::Verdict::Look(source)
            | wit::Verdict::Ask(source)
            | wit::Verdict::Fetch(source)
            | wit::Verdict::Use(source) => Some(source),
            wit::Verdict::Refuse(_) | wit::Verdict::Consult => None,
        }
    }

    /// The source that status is about: the winner, or the one that a refusal
    /// names.
    pub fn subject(&self) -> Option<u32> {
        match &self.explanation.verdict {
            wit::Verdict::Refuse(refused) => refused.source,
            _ => self.winner(),
        }
    }

    /// The usable sources that another goes before, in their order.
    pub fn outranked(&self) -> impl Iterator<Item = &wit::Source> {
        self.lines()
            .filter(|(_, line)| line.status == wit::SourceStatus::Shadowed)
            .map(|(source, _)| source)
    }

    /// What kind of end the decision is: none where a credential is in use or
    /// the next step towards one is known.
    pub fn kind(&self) -> Option<ErrorKind> {
        refusal(self).map(refusal_kind)
    }
}
