//! What a decision comes to, once every step is carried out, and the words
//! for sessions, consents and outcomes that every table shares.

use keyrule_contract as wit;
pub use keyrule_engine::refusal_code as refusal;

/// What a decision comes to. A source is named by its place in its policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Outcome {
    /// The source is used.
    Use(u32),
    /// The user is asked about the source.
    Ask(u32),
    /// Nothing is handed out: why, and because of which source.
    Refuse(&'static str, Option<u32>),
}

impl Outcome {
    /// What follows from one source that is not passed.
    pub fn of_effect(effect: wit::Effect, source: u32) -> Option<Self> {
        match effect {
            wit::Effect::Skip => None,
            wit::Effect::Ask => Some(Self::Ask(source)),
            wit::Effect::Use => Some(Self::Use(source)),
            wit::Effect::Refuse(reason) => Some(Self::Refuse(refusal(reason), Some(source))),
        }
    }

    /// What a verdict on settled facts comes to. A look or a question for an
    /// override is none.
    pub fn of_verdict(verdict: wit::Verdict) -> Option<Self> {
        match verdict {
            wit::Verdict::Fetch(source) | wit::Verdict::Use(source) => Some(Self::Use(source)),
            wit::Verdict::Ask(source) => Some(Self::Ask(source)),
            wit::Verdict::Refuse(refused) => {
                Some(Self::Refuse(refusal(refused.reason), refused.source))
            }
            wit::Verdict::Look(_) | wit::Verdict::Consult => None,
        }
    }

    /// The step, in one word.
    pub fn step(self) -> &'static str {
        match self {
            Self::Use(_) => "use",
            Self::Ask(_) => "ask",
            Self::Refuse(..) => "refuse",
        }
    }

    /// The source that it is about.
    pub fn source(self) -> Option<u32> {
        match self {
            Self::Use(source) | Self::Ask(source) => Some(source),
            Self::Refuse(_, source) => source,
        }
    }

    /// Why nothing is handed out.
    pub fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Refuse(reason, _) => Some(reason),
            Self::Use(_) | Self::Ask(_) => None,
        }
    }
}

/// The word for a surface.
pub fn surface(surface: wit::Surface) -> &'static str {
    match surface {
        wit::Surface::Terminal => "terminal",
        wit::Surface::Desktop => "desktop",
        wit::Surface::Remote => "remote",
        wit::Surface::Web => "web",
    }
}

/// The word for a state.
pub fn state(state: wit::State) -> &'static str {
    match state {
        wit::State::Unknown => "unknown",
        wit::State::Unavailable => "unavailable",
        wit::State::Forbidden => "forbidden",
        wit::State::Ready => "ready",
        wit::State::Fetched => "fetched",
        wit::State::Failed => "failed",
        wit::State::Fatal => "fatal",
    }
}

/// The word for a consent.
pub fn consent(consent: wit::Consent) -> &'static str {
    match consent {
        wit::Consent::Undecided => "undecided",
        wit::Consent::Approved => "approved",
        wit::Consent::Declined => "declined",
    }
}

/// Every session, in the order in which they are listed.
pub fn sessions() -> impl Iterator<Item = wit::Session> {
    [
        wit::Surface::Terminal,
        wit::Surface::Desktop,
        wit::Surface::Remote,
        wit::Surface::Web,
    ]
    .into_iter()
    .flat_map(|surface| {
        [true, false].map(|interactive| wit::Session {
            surface,
            interactive,
        })
    })
}

/// Sessions in words: `terminal, interactive`; `desktop, remote`.
pub fn among(chosen: &[wit::Session]) -> String {
    let surfaces: Vec<wit::Surface> = sessions()
        .filter(|session| session.interactive)
        .map(|session| session.surface)
        .collect();
    let has = |surface, interactive| {
        chosen.contains(&wit::Session {
            surface,
            interactive,
        })
    };
    if surfaces
        .iter()
        .all(|surface| has(*surface, true) && has(*surface, false))
    {
        return "every session".to_owned();
    }
    let mut parts = Vec::new();
    let of = |wanted: (bool, bool)| -> Vec<&'static str> {
        surfaces
            .iter()
            .filter(|at| (has(**at, true), has(**at, false)) == wanted)
            .map(|at| surface(*at))
            .collect()
    };
    let whole = of((true, true));
    if !whole.is_empty() {
        parts.push(whole.join(", "));
    }
    for (wanted, words) in [
        ((true, false), "interactive"),
        ((false, true), "not interactive"),
    ] {
        let names = of(wanted);
        if !names.is_empty() {
            parts.push(format!("{}, {words}", names.join(", ")));
        }
    }
    parts.join("; ")
}

/// `a`, `b` or `c`.
pub fn either(words: &[String]) -> String {
    listed(words, "or")
}

/// `a`, `b` and `c`.
pub fn all_of(words: &[String]) -> String {
    listed(words, "and")
}

fn listed(words: &[String], last_word: &str) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} {last_word} {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_said_as_briefly_as_they_can_be() {
        let all: Vec<_> = sessions().collect();
        assert_eq!(among(&all), "every session");
        assert_eq!(among(&all[..1]), "terminal, interactive");
        assert_eq!(among(&all[..2]), "terminal");
        assert_eq!(among(&all[2..]), "desktop, remote, web");
        assert_eq!(
            among(&[all[0], all[3]]),
            "terminal, interactive; desktop, not interactive"
        );
    }
}
