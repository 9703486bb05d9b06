//! An override that prefers the source that the setting `prefer` names where
//! the session is not interactive, and elsewhere takes the first usable one.
//! It need not know what must not be used: the engine sees to that.
//!
//! `guest/examples/prefer/build FILE` makes the component.

mod bindings;
#[cfg(target_arch = "wasm32")]
mod component;

use bindings::exports::keyrule::policy::chooser::{Candidate, Consent, Session, Setting, State};

/// Chooses a candidate, by its index.
#[must_use]
pub fn choose(settings: &[Setting], session: Session, candidates: &[Candidate]) -> Option<u32> {
    let index = |wanted: &dyn Fn(&Candidate) -> bool| {
        let index = candidates.iter().position(wanted)?;
        u32::try_from(index).ok()
    };
    let prefer = settings.iter().find(|setting| setting.name == "prefer");
    let preferred = prefer
        .filter(|_| !session.interactive)
        .and_then(|prefer| index(&|candidate| candidate.id == prefer.text && usable(candidate)));
    preferred.or_else(|| index(&usable))
}

fn usable(candidate: &Candidate) -> bool {
    matches!(candidate.state, State::Ready | State::Fetched)
        && candidate.consent != Consent::Declined
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
        choose(&[setting], session, &candidates)
    }

    #[test]
    fn the_preferred_one_is_chosen_where_the_session_is_not_interactive() {
        assert_eq!(chosen("b", false, [State::Ready; 2]), Some(1));
        assert_eq!(chosen("b", true, [State::Ready; 2]), Some(0));
    }

    #[test]
    fn what_cannot_be_used_is_not_chosen() {
        use State::{Failed, Fetched, Forbidden, Ready, Unavailable};
        assert_eq!(chosen("b", false, [Ready, Unavailable]), Some(0));
        assert_eq!(chosen("none", false, [Failed, Fetched]), Some(1));
        assert_eq!(chosen("a", false, [Forbidden, Unavailable]), None);
    }
}
