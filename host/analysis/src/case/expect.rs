//! What was expected against what happened: both in, every difference out, in
//! the words of a test file.

use super::words::{REASONS, REFUSALS, word};
use super::{Ending, Expect, Ran};
use crate::walk::End;
use keyrule_contract as wit;
use keyrule_engine::Step;

/// Something that is not as expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// What was expected, as the test file says it.
    pub expected: String,
    /// The same of what happened.
    pub got: String,
}

impl Expect {
    /// Everything in which what happened is not as expected.
    pub fn differences(&self, ran: &Ran, sources: &[wit::Source]) -> Vec<Difference> {
        let got = Ending::of(ran, sources);
        let mut all = Vec::new();
        let mut differ = |expected: String, got: String| {
            if expected != got {
                all.push(Difference { expected, got });
            }
        };
        // A refusal that names no source is expected of any.
        let names_source = matches!(&self.end, Ending::Refuse(_, Some(_)));
        differ(
            self.end.text(true),
            got.text(names_source || !matches!(self.end, Ending::Refuse(..))),
        );
        for (id, reason) in &self.reasons {
            let line = sources.iter().position(|source| source.id == *id);
            let line = line.and_then(|place| ran.explanation.sources.get(place));
            let said = |reason| format!("reason = {{ {id} = \"{reason}\" }}");
            differ(
                said(word(&REASONS, reason)),
                line.map_or_else(
                    || format!("no source `{id}`"),
                    |line| said(word(&REASONS, &line.reason)),
                ),
            );
        }
        let walked = &ran.walked;
        for (key, expected, got) in [
            ("looks", self.looks, walked.looks.len()),
            ("asks", self.asks, walked.asks.len()),
            ("fetches", self.fetches, walked.gets.len()),
        ] {
            if let Some(expected) = expected {
                differ(format!("{key} = {expected}"), format!("{key} = {got}"));
            }
        }
        if let Some(asked) = &self.asked {
            let got: Vec<&str> = names(&walked.asks, sources);
            let list = |ids: &[&str]| format!("asked = {ids:?}");
            let expected: Vec<&str> = asked.iter().map(String::as_str).collect();
            differ(list(&expected), list(&got));
        }
        if let Some(ttl) = self.ttl_ms {
            let got = ran.ttl_ms.map_or_else(
                || "nothing is used".to_owned(),
                |got| format!("ttl = \"{}\"", length(got)),
            );
            differ(format!("ttl = \"{}\"", length(ttl)), got);
        }
        all
    }
}

impl Ending {
    /// How it ended.
    pub fn of(ran: &Ran, sources: &[wit::Source]) -> Self {
        let id = |place: usize| {
            let source = sources.get(place);
            source.map_or_else(String::new, |source| source.id.clone())
        };
        match ran.walked.end {
            End::Used(place) => Self::Use(id(place)),
            End::Refused(refused) => {
                let place = refused.source.and_then(|place| usize::try_from(place).ok());
                Self::Refuse(refused.reason, place.map(id))
            }
            // The world of a case knows everything but answers.
            End::Unknown(
                Step::Ask(place) | Step::Look(place) | Step::Get(place) | Step::Use(place),
            ) => Self::Ask(id(place)),
            End::Unknown(Step::Refuse(refused)) => Self::Refuse(refused.reason, None),
        }
    }

    /// As a test file says it.
    pub(crate) fn text(&self, with_source: bool) -> String {
        match self {
            Self::Use(id) => format!("use = \"{id}\""),
            Self::Ask(id) => format!("ask = \"{id}\""),
            Self::Refuse(reason, source) => {
                let reason = word(&REFUSALS, reason);
                match source.as_ref().filter(|_| with_source) {
                    Some(id) => format!("refuse = \"{reason}\", source = \"{id}\""),
                    None => format!("refuse = \"{reason}\""),
                }
            }
        }
    }
}

/// The ids of sources.
pub fn names<'s>(places: &[usize], sources: &'s [wit::Source]) -> Vec<&'s str> {
    places
        .iter()
        .filter_map(|place| sources.get(*place))
        .map(|source| source.id.as_str())
        .collect()
}

/// A length of time as a test file says it.
pub(crate) fn length(ms: u64) -> String {
    for (unit, word) in [(3_600_000, "h"), (60_000, "m"), (1_000, "s")] {
        if ms != 0 && ms.is_multiple_of(unit) {
            return format!("{}{word}", ms / unit);
        }
    }
    match ms {
        0 => "0".to_owned(),
        _ => format!("{ms}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{POLICY, cases, load};

    /// The differences of a case with this world and these expectations.
    fn differences(given: &str, expect: &str) -> Vec<(String, String)> {
        let (mut policy, sources) = load(POLICY);
        let text =
            format!("[[case]]\nname = \"a\"\ngiven = {{ {given} }}\nexpect = {{ {expect} }}\n");
        let case = cases(&text).remove(0);
        let ran = case.run(&mut policy, &sources).unwrap();
        let all = case.expect.differences(&ran, &sources);
        all.into_iter()
            .map(|differs| (differs.expected, differs.got))
            .collect()
    }

    fn pair(expected: &str, got: &str) -> Vec<(String, String)> {
        vec![(expected.to_owned(), got.to_owned())]
    }

    #[test]
    fn what_is_as_expected_differs_in_nothing() {
        assert_eq!(
            differences(
                "key = \"ready\"",
                "use = \"key\", looks = 1, asks = 0, fetches = 1, asked = [], \
                 reason = { key = \"fetched\", login = \"not-looked\" }, ttl = \"5m\""
            ),
            []
        );
        assert_eq!(differences("", "refuse = \"nothing-usable\""), []);
    }

    #[test]
    fn another_source_is_a_difference() {
        assert_eq!(
            differences("login = \"ready\"", "use = \"helper\""),
            pair("use = \"helper\"", "use = \"login\"")
        );
    }

    #[test]
    fn a_refusal_of_any_source_is_expected_where_none_is_named() {
        let failed = "helper = \"failed\"";
        assert_eq!(differences(failed, "refuse = \"source-failed\""), []);
        assert_eq!(
            differences(failed, "refuse = \"source-failed\", source = \"login\""),
            pair(
                "refuse = \"source-failed\", source = \"login\"",
                "refuse = \"source-failed\", source = \"helper\""
            )
        );
        assert_eq!(
            differences(failed, "use = \"login\""),
            pair(
                "use = \"login\"",
                "refuse = \"source-failed\", source = \"helper\""
            )
        );
    }

    #[test]
    fn counts_reasons_and_lengths_are_compared() {
        assert_eq!(
            differences("helper = \"ready\"", "use = \"helper\", looks = 1"),
            pair("looks = 1", "looks = 2")
        );
        assert_eq!(
            differences("helper = \"ready\"", "use = \"helper\", ttl = \"90s\""),
            pair("ttl = \"90s\"", "ttl = \"5m\"")
        );
        assert_eq!(
            differences(
                "login = \"ready\"",
                "use = \"login\", reason = { key = \"declined\" }"
            ),
            pair(
                "reason = { key = \"declined\" }",
                "reason = { key = \"absent\" }"
            )
        );
        assert_eq!(
            differences("login = \"ready\"", "use = \"login\", asked = [\"key\"]"),
            pair("asked = [\"key\"]", "asked = []")
        );
    }
}
