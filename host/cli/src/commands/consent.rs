//! `keyrule consent`: what was said about sources, to see and to change. What
//! goes in is a source's name; what comes out is a line about it. An answer
//! is always about what the source holds now and where it would be sent now:
//! nothing can be approved ahead of time.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::Context;
use crate::errors::{Failure, cause_words};
use crate::explained::at_home;
use crate::output::{clean, columns, pad};
use keyrule::consent::{Answer, ConsentBook, Error, Forget, Forgotten, Remembered};
use keyrule::resolve;
use keyrule::resolver::Explained;
use keyrule::sources::{self, Notices};
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;

/// Lists every remembered answer, of every policy.
pub(crate) fn list(context: &mut Context<'_, '_>) -> Result<i32, Failure> {
    let answers: Vec<_> = ConsentBook::open(&context.ambient)
        .list()?
        .into_iter()
        .map(Line::from)
        .collect();
    if context.output.json {
        context
            .output
            .versioned(&serde_json::json!({ "consents": answers }))?;
    } else {
        context.output.data(&table(&answers))?;
    }
    Ok(0)
}

/// Approves what the source holds now.
pub(crate) fn approve(context: &mut Context<'_, '_>, source: &str) -> Result<i32, Failure> {
    answer(context, source, Answer::Use)
}

/// Declines what the source holds now.
pub(crate) fn decline(context: &mut Context<'_, '_>, source: &str) -> Result<i32, Failure> {
    answer(context, source, Answer::Decline)
}

/// Forgets what was said about one source of the policy, or about all of
/// every policy. One of the two has to be said.
pub(crate) fn forget(
    context: &mut Context<'_, '_>,
    source: Option<&str>,
    all: bool,
) -> Result<i32, Failure> {
    let what = match (source, all) {
        (Some(source), false) => Forget::Source {
            policy: &context.global.policy,
            source,
        },
        (None, true) => Forget::All,
        (Some(_), true) | (None, false) => {
            return Err(Failure::new(
                "usage",
                2,
                "name either one source or `--all`",
            ));
        }
    };
    let forgotten = ConsentBook::open(&context.ambient).forget(what)?;
    if context.output.json {
        context.output.versioned(&Left::from(forgotten))?;
    } else {
        let told = told(&forgotten);
        let home = context.ambient.home.as_deref();
        context.output.data(&at_home(&told, home))?;
    }
    Ok(0)
}

fn answer(context: &mut Context<'_, '_>, id: &str, answer: Answer) -> Result<i32, Failure> {
    let explained = context.resolver()?.explain()?;
    let (info, sources) = (&explained.info, &explained.sources);
    let mut said = say(info, sources, &context.ambient, id, answer)?;
    if answer == Answer::Decline {
        let mut unasked = context.builder().interactive(false).build()?;
        said.used_unasked = counts(&unasked.explain()?, id);
    }
    if context.output.json {
        context.output.versioned(&said)?;
    } else {
        context.output.data(&said.text())?;
    }
    Ok(0)
}

/// Whether a source could be used here in spite of what was declined.
fn counts(explained: &Explained, id: &str) -> bool {
    explained
        .lines()
        .any(|(source, line)| source.id == id && line.state == wit::State::Ready)
}

/// What was said about a source.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Answered {
    policy: String,
    source: String,
    answer: &'static str,
    #[serde(rename = "location", skip_serializing_if = "Option::is_none")]
    found_in: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    /// Whether it is used all the same where nobody can be asked.
    #[serde(rename = "used-unasked", skip_serializing_if = "std::ops::Not::not")]
    used_unasked: bool,
}

impl Answered {
    fn text(&self) -> String {
        let mut text = format!("{} `{}`", self.answer, self.source);
        if let Some(found_in) = &self.found_in {
            text.push_str(&format!(" from {found_in}"));
        }
        if let Some(origin) = &self.origin {
            text.push_str(&format!(" for {origin}"));
        }
        let mut text = format!("{}\n", clean(&text));
        if self.used_unasked {
            text.push_str(
                "it still counts in sessions where nobody can be asked: the rule is \
                 `consent = \"interactive\"`\n",
            );
        }
        text
    }
}

/// Looks at the source, and remembers the answer to what is there.
fn say(
    info: &wit::PolicyInfo,
    sources: &[wit::Source],
    ambient: &Ambient,
    id: &str,
    answer: Answer,
) -> Result<Answered, Failure> {
    let policy = &info.name;
    let Some(source) = sources.iter().find(|source| source.id == id) else {
        let message = format!("policy `{policy}` has no source `{id}`");
        let known: Vec<_> = sources
            .iter()
            .filter(|source| source.needs_consent)
            .map(|source| format!("`{}`", source.id))
            .collect();
        let failure = Failure::new("unknown-source", 2, message);
        return Err(if known.is_empty() {
            failure.hint("this policy asks about no source")
        } else {
            failure.hint(format!("it asks about {}", known.join(", ")))
        });
    };
    if !source.needs_consent {
        let message = format!("policy `{policy}` does not ask whether `{id}` may be used");
        return Err(Failure::new("consent-not-asked", 2, message)
            .hint("see what counts with `keyrule explain`"));
    }
    let supplied = BTreeMap::new();
    let look = sources::look(
        source,
        sources::Context {
            ambient,
            info,
            supplied: &supplied,
            notices: &Nobody,
        },
    );
    let Some(subject) = &look.subject else {
        return Err(not_there(id, &look.observation));
    };
    if look.observation.destination == wit::Destination::Malformed {
        let mut failure = Failure::new(
            "endpoint-malformed",
            3,
            format!("where `{id}` would be sent is not known"),
        );
        failure.said.causes.extend(look.observation.detail);
        return Err(failure);
    }
    let origin = resolve::origin(source, &look.observation);
    ConsentBook::open(ambient).remember(policy, id, origin.as_deref(), subject, answer)?;
    Ok(Answered {
        policy: policy.clone(),
        source: id.to_owned(),
        answer: word(answer != Answer::Decline),
        found_in: look.observation.location,
        origin,
        used_unasked: false,
    })
}

/// Why there is nothing to answer about.
fn not_there(id: &str, observation: &wit::Observation) -> Failure {
    let mut failure = match observation.outcome {
        wit::Outcome::Failed(_) => Failure::new(
            "source-failed",
            1,
            format!("`{id}` is there and cannot be used"),
        ),
        wit::Outcome::Absent
        | wit::Outcome::Blank
        | wit::Outcome::Off
        | wit::Outcome::Recursion
        | wit::Outcome::Present => Failure::new(
            "nothing-there",
            4,
            format!("nothing is there to answer about: `{id}` holds no credential now"),
        )
        .hint("a consent is about one value: first put it there"),
    };
    failure.said.causes.extend(observation.detail.clone());
    failure
}

/// A look runs no helper, so none is slow.
#[derive(Debug)]
struct Nobody;

impl Notices for Nobody {
    fn slow(&self, _source: &str, _elapsed: Duration) {}
    fn done(&self) {}
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let mut failure = Self::new(error.code(), 1, error.to_string()).hint(error.hint());
        let cause = std::error::Error::source(&error);
        failure.said.causes.extend(cause.map(cause_words));
        failure
    }
}

/// One remembered answer, as it is listed.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Line {
    policy: String,
    source: String,
    answer: &'static str,
    origin: Option<String>,
    /// RFC 3339, in UTC.
    when: String,
}

impl From<Remembered> for Line {
    fn from(remembered: Remembered) -> Self {
        Self {
            policy: remembered.policy,
            source: remembered.source,
            answer: word(remembered.approved),
            origin: remembered.origin,
            when: rfc3339(remembered.when),
        }
    }
}

const fn word(approved: bool) -> &'static str {
    if approved { "approved" } else { "declined" }
}

fn table(lines: &[Line]) -> String {
    if lines.is_empty() {
        return "no consents are remembered\n".to_owned();
    }
    let rows: Vec<[String; 5]> = lines
        .iter()
        .map(|line| {
            let origin = line.origin.as_deref().unwrap_or("-");
            [&line.policy, &line.source, line.answer, origin, &line.when].map(clean)
        })
        .collect();
    let mut widths = [0; 5];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = columns(cell).max(*width);
        }
    }
    rows.iter()
        .map(|row| {
            let cells: Vec<_> = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| pad(cell, width))
                .collect();
            format!("{}\n", cells.join("  ").trim_end())
        })
        .collect()
}

/// What was forgotten, as JSON says it.
#[derive(Debug, Serialize)]
struct Left {
    forgotten: usize,
    #[serde(rename = "set-aside")]
    set_aside: Vec<String>,
}

impl From<Forgotten> for Left {
    fn from(forgotten: Forgotten) -> Self {
        Self {
            forgotten: forgotten.count,
            set_aside: forgotten
                .set_aside
                .iter()
                .map(|path| path.display().to_string())
                .collect(),
        }
    }
}

fn told(forgotten: &Forgotten) -> String {
    let mut text = match forgotten.count {
        1 => "forgot 1 consent\n".to_owned(),
        count => format!("forgot {count} consents\n"),
    };
    for path in &forgotten.set_aside {
        let path = clean(&path.display().to_string());
        text.push_str(&format!("set aside what could not be read: `{path}`\n"));
    }
    text
}

/// A time in UTC to the second, as RFC 3339 writes it.
fn rfc3339(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs());
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = date(days);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The date that is so many days after 1970-01-01. Years are counted from
/// March, so that the leap day is a year's last
/// (<https://howardhinnant.github.io/date_algorithms.html>).
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyrule_contract::Consent;
    use keyrule_contract::samples;
    use keyrule_credential::secret::Secret;

    struct World {
        _home: tempfile::TempDir,
        ambient: Ambient,
        sources: Vec<wit::Source>,
    }

    fn world() -> World {
        let home = tempfile::tempdir().unwrap();
        let mut ambient = Ambient::empty()
            .with_variable("KEY", "s3cr3t-canary")
            .with_variable("BAD", "s3cr3t\n");
        ambient.home = Some(home.path().to_path_buf());
        let source = |id: &str, variable: &str, asks| wit::Source {
            id: id.to_owned(),
            needs_consent: asks,
            ..samples::source(wit::Kind::Environment(variable.to_owned()))
        };
        World {
            _home: home,
            ambient,
            sources: vec![
                source("key", "KEY", true),
                source("bad", "BAD", true),
                source("unset", "UNSET", true),
                source("free", "KEY", false),
            ],
        }
    }

    impl World {
        fn say(&self, id: &str, answer: Answer) -> Result<Answered, Failure> {
            say(&samples::info(), &self.sources, &self.ambient, id, answer)
        }

        fn recall(&self, value: &str) -> Consent {
            ConsentBook::open(&self.ambient)
                .recall(
                    "sample",
                    "key",
                    Some("https://api.test"),
                    &Secret::new(value),
                )
                .unwrap()
        }
    }

    #[test]
    fn an_answer_is_about_what_the_source_holds_now() {
        let world = world();
        for (answer, word, consent) in [
            (Answer::Use, "approved", Consent::Approved),
            (Answer::Decline, "declined", Consent::Declined),
        ] {
            let said = world.say("key", answer).unwrap();
            assert_eq!(
                said.text(),
                format!("{word} `key` from KEY for https://api.test\n")
            );
            assert_eq!(world.recall("s3cr3t-canary"), consent);
            assert_eq!(world.recall("s3cr3t-other"), Consent::Undecided);
        }
    }

    #[test]
    fn who_declines_is_told_where_that_does_not_count() {
        let mut said = world().say("key", Answer::Decline).unwrap();
        said.used_unasked = true;
        assert_eq!(
            said.text(),
            "declined `key` from KEY for https://api.test\n\
             it still counts in sessions where nobody can be asked: the rule is \
             `consent = \"interactive\"`\n"
        );
    }

    #[test]
    fn a_path_of_the_default_endpoint_is_no_part_of_its_origin() {
        let mut world = world();
        if let Some(endpoint) = &mut world.sources[0].endpoint {
            endpoint.default = "https://api.test:443/v1".to_owned();
        }
        let said = world.say("key", Answer::Use).unwrap();
        assert_eq!(said.origin.as_deref(), Some("https://api.test"));
        assert_eq!(world.recall("s3cr3t-canary"), Consent::Approved);
    }

    #[test]
    fn nothing_is_remembered_where_there_is_nothing_to_answer_about() {
        let mut world = world();
        let failures = |world: &World, id| {
            let failure = world.say(id, Answer::Use).unwrap_err();
            (failure.said.code, failure.exit, failure.said.causes)
        };
        let expected = |code: &'static str, exit, cause: &[&str]| {
            let causes: Vec<_> = cause.iter().map(|&cause| cause.to_owned()).collect();
            (code, exit, causes)
        };
        assert_eq!(failures(&world, "unset"), expected("nothing-there", 4, &[]));
        assert_eq!(
            failures(&world, "bad"),
            expected(
                "source-failed",
                1,
                &["`BAD` holds a line feed at character 7"]
            )
        );
        assert_eq!(
            failures(&world, "free"),
            expected("consent-not-asked", 2, &[])
        );
        assert_eq!(
            failures(&world, "other"),
            expected("unknown-source", 2, &[])
        );
        world.ambient = world.ambient.with_variable("BASE_URL", "gw.test");
        assert_eq!(
            failures(&world, "key"),
            expected(
                "endpoint-malformed",
                3,
                &["`BASE_URL` holds no scheme such as `https://`"]
            )
        );
        assert_eq!(ConsentBook::open(&world.ambient).list().unwrap(), []);
    }

    #[test]
    fn a_source_that_does_not_exist_is_answered_with_those_that_do() {
        let failure = world().say("other", Answer::Use).unwrap_err();
        assert_eq!(
            failure.said.message,
            "policy `sample` has no source `other`"
        );
        assert_eq!(
            failure.said.hint.as_deref(),
            Some("it asks about `key`, `bad`, `unset`")
        );
    }

    #[test]
    fn a_book_that_cannot_be_written_is_named_with_its_cause() {
        let mut world = world();
        world.ambient.home = None;
        let failure = world.say("key", Answer::Use).unwrap_err();
        assert_eq!((failure.said.code, failure.exit), ("consent-no-place", 1));
    }

    #[test]
    fn the_table_has_a_line_for_each_answer() {
        let line = |source: &str, approved, origin: Option<&str>, seconds| {
            Line::from(Remembered {
                policy: "claude-code".to_owned(),
                source: source.to_owned(),
                origin: origin.map(str::to_owned),
                approved,
                when: UNIX_EPOCH + Duration::from_secs(seconds),
            })
        };
        let lines = [
            line("api-key", true, Some("https://gw.test"), 1_795_215_600),
            line("a\u{1b}[2J", false, None, 0),
        ];
        let expected = [
            "claude-code  api-key     approved  https://gw.test  2026-11-20T23:00:00Z\n",
            "claude-code  a\\u{1b}[2J  declined  -                1970-01-01T00:00:00Z\n",
        ];
        assert_eq!(table(&lines), expected.concat());
        assert_eq!(table(&[]), "no consents are remembered\n");
    }

    #[test]
    fn times_are_dates_also_in_leap_years() {
        for (seconds, text) in [
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (4_107_542_399, "2100-02-28T23:59:59Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(UNIX_EPOCH + Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn what_was_forgotten_is_told() {
        let forgotten = Forgotten {
            count: 2,
            set_aside: vec!["a/consent.key.set-aside-1".into()],
        };
        assert_eq!(
            told(&forgotten),
            "forgot 2 consents\nset aside what could not be read: `a/consent.key.set-aside-1`\n"
        );
    }
}
