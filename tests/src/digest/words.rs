//! The words of the text. What goes in is a value of the contract; what comes
//! out is how it is written.

use keyrule_contract as wit;

pub(super) use crate::render::word as case;

pub(super) fn session_words(session: wit::Session) -> String {
    let who = if session.interactive {
        "interactive"
    } else {
        "alone"
    };
    format!("{} {who}", case(&session.surface))
}

pub(super) fn verdict(verdict: wit::Verdict) -> String {
    match verdict {
        wit::Verdict::Look(source) => format!("look:{source}"),
        wit::Verdict::Ask(source) => format!("ask:{source}"),
        wit::Verdict::Fetch(source) => format!("fetch:{source}"),
        wit::Verdict::Use(source) => format!("use:{source}"),
        wit::Verdict::Consult => "consult".to_owned(),
        wit::Verdict::Refuse(refused) => match refused.source {
            Some(source) => format!("refuse:{}:{source}", case(&refused.reason)),
            None => format!("refuse:{}", case(&refused.reason)),
        },
    }
}

pub(super) fn effect(effect: wit::Effect) -> String {
    match effect {
        wit::Effect::Skip => "skip".to_owned(),
        wit::Effect::Ask => "ask".to_owned(),
        wit::Effect::Use => "use".to_owned(),
        wit::Effect::Refuse(reason) => format!("refuse:{}", case(&reason)),
    }
}

pub(super) fn seen(seen: &wit::Observation) -> String {
    let outcome = match seen.outcome {
        wit::Outcome::Failed(kind) => format!("failed:{}", case(&kind)),
        other => case(&other),
    };
    let destination = match &seen.destination {
        wit::Destination::Default => "default".to_owned(),
        wit::Destination::Origin(origin) => format!("origin:{}", json(origin)),
        wit::Destination::Malformed => "malformed".to_owned(),
    };
    let moved = seen.redirections.iter().map(|moved| {
        let origin = moved.origin.as_deref().map_or_else(none, json);
        let what = if moved.carries { "carries" } else { "brings" };
        format!(" {what}:{}:{origin}", json(&moved.name))
    });
    let destination = format!("{destination}{}", moved.collect::<String>());
    let lifetime = match seen.lifetime {
        wit::Lifetime::Unset => "unset".to_owned(),
        wit::Lifetime::Milliseconds(milliseconds) => format!("milliseconds:{milliseconds}"),
        wit::Lifetime::Malformed => "malformed".to_owned(),
    };
    let free = |text: &Option<String>| text.as_deref().map_or_else(none, json);
    [
        if seen.fetched { "fetched" } else { "looked" }.to_owned(),
        outcome,
        free(&seen.detail),
        free(&seen.location),
        seen.tier.as_ref().map_or_else(none, case),
        destination,
        seen.expires_in
            .map_or_else(none, |seconds| seconds.to_string()),
        if seen.refreshable {
            "refreshable"
        } else {
            "lasts"
        }
        .to_owned(),
        free(&seen.account),
        free(&seen.organization),
        seen.stored_in.as_ref().map_or_else(none, case),
        lifetime,
    ]
    .join(" ")
}

pub(super) fn at(at: &wit::Location) -> String {
    let path = json(&at.path);
    format!(
        "{path}:{}:{}:{}:{}",
        at.line, at.column, at.offset, at.length
    )
}

pub(super) fn json(text: &str) -> String {
    serde_json::to_string(text).expect("a text")
}

pub(super) fn none() -> String {
    "-".to_owned()
}
