//! An override: prefers the source that the setting `prefer` names in sessions
//! in which nobody can answer, and is content with the first usable one
//! elsewhere. What goes in are candidates; what comes out is the place of one.
//! What may not be used it need not know: the engine sees to that.
//!
//! `guest/examples/prefer/build FILE` makes the component.

mod bindings;
#[cfg(target_arch = "wasm32")]
mod component;

use bindings::exports::keyrule::policy::chooser::{Candidate, Consent, Session, Setting, State};

/// What the policy said to it.
#[derive(Debug)]
pub struct Prefer {
    source: Option<String>,
}

impl Prefer {
    /// Keeps the one setting that it knows.
    #[must_use]
    pub fn new(settings: Vec<Setting>) -> Self {
        let prefer = settings
            .into_iter()
            .find(|setting| setting.name == "prefer");
        Self {
            source: prefer.map(|setting| setting.text),
        }
    }

    /// Chooses a candidate, by its place.
    #[must_use]
    pub fn choose(&self, session: Session, candidates: &[Candidate]) -> Option<u32> {
        let place = |wanted: &dyn Fn(&Candidate) -> bool| {
            let place = candidates.iter().position(wanted)?;
            u32::try_from(place).ok()
        };
        let preferred =
            || place(&|candidate| Some(&candidate.id) == self.source.as_ref() && usable(candidate));
        if !session.interactive
            && let Some(place) = preferred()
        {
            return Some(place);
        }
        place(&usable)
    }
}

fn usable(candidate: &Candidate) -> bool {
    matches!(candidate.state, State::Ready | State::Held) && candidate.consent != Consent::Declined
}

#[cfg(test)]
mod tests {
    use super::bindings::exports::keyrule::policy::chooser::Surface;
    use super::*;

    fn chosen(prefer: &str, interactive: bool, states: [State; 2]) -> Option<u32> {
        let setting = Setting {
            name: "prefer".to_owned(),
            text: prefer.to_owned(),
        };
        let candidates = ["a", "b"].iter().zip(states);
        let candidates: Vec<_> = candidates
            .map(|(id, state)| Candidate {
                id: (*id).to_owned(),
                state,
                consent: Consent::Undecided,
            })
            .collect();
        let session = Session {
            surface: Surface::Terminal,
            interactive,
        };
        Prefer::new(vec![setting]).choose(session, &candidates)
    }

    #[test]
    fn the_preferred_one_is_chosen_where_nobody_can_answer() {
        assert_eq!(chosen("b", false, [State::Ready; 2]), Some(1));
        assert_eq!(chosen("b", true, [State::Ready; 2]), Some(0));
    }

    #[test]
    fn what_cannot_be_used_is_not_chosen() {
        assert_eq!(chosen("b", false, [State::Ready, State::Out]), Some(0));
        assert_eq!(chosen("none", false, [State::Failed, State::Held]), Some(1));
        assert_eq!(chosen("a", false, [State::Barred, State::Out]), None);
    }
}
