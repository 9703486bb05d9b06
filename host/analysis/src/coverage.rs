//! Which rules of a policy its cases have seen decide. What goes in are the
//! policy's complete table and what happened in each case; what comes out is
//! every rule that decides anything, with its place, what it does in words,
//! and whether a case has seen it.
//!
//! That something is absent is no rule. That a source does not count is seen
//! only by a case in which the source is there: else nothing is decided by it.

use std::collections::BTreeMap;

use super::case::{Case, Ran};
use super::walk::End;
use keyrule_contract as wit;
use keyrule_engine::{Error, Judge};

/// A rule that decides something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Its place.
    pub at: wit::Location,
    /// What it does: lower case, one line.
    pub does: String,
    /// Whether a case has seen it decide.
    pub seen: bool,
}

/// What makes rows of the table one rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    /// One source, what follows from it, why, and the rule's place.
    Source(usize, Does, Why, Place),
    /// Sessions that are not served.
    NotServed(Place),
}

/// Path, offset, line and column.
type Place = (String, u32, u32, u32);

/// What follows, in an order for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Does {
    Use,
    Ask,
    Refuse(u8),
    Pass,
}

/// A reason, by its number.
type Why = u8;

/// What the cases have seen.
#[derive(Debug)]
pub struct Coverage<'t> {
    table: &'t wit::Table,
    rules: BTreeMap<Key, (Rule, Vec<wit::Surface>)>,
}

impl<'t> Coverage<'t> {
    /// Every rule, none of them seen.
    pub fn of(table: &'t wit::Table, sources: &[wit::Source]) -> Self {
        let mut rules: BTreeMap<Key, (Rule, Vec<wit::Surface>)> = BTreeMap::new();
        let mut add = |key: Key, at: &wit::Location, surface, does: &dyn Fn() -> String| {
            let (_, surfaces) = rules.entry(key).or_insert_with(|| {
                let rule = Rule {
                    at: at.clone(),
                    does: does(),
                    seen: false,
                };
                (rule, Vec::new())
            });
            if !surfaces.contains(&surface) {
                surfaces.push(surface);
            }
        };
        for row in table.rows.iter().filter(|row| decides(row)) {
            let place = usize::try_from(row.source).unwrap_or(usize::MAX);
            if sources
                .get(place)
                .is_some_and(|source| is_untold(row, source))
            {
                continue;
            }
            let id = sources.get(place).map_or("", |source| source.id.as_str());
            let surface = row.session.surface;
            add(Key::of(row), &row.rule, surface, &|| says(row, id));
        }
        for ending in &table.endings {
            if let Some(at) = &ending.rule {
                let does = || "does not serve".to_owned();
                add(Key::NotServed(place(at)), at, ending.session.surface, &does);
            }
        }
        Self { table, rules }
    }

    /// Takes note of what happened in a case.
    pub fn see(
        &mut self,
        judge: &mut dyn Judge,
        case: &Case,
        ran: &Ran,
        sources: &[wit::Source],
    ) -> Result<(), Error> {
        let walked = &ran.walked;
        let last = match walked.end {
            End::Used(source) => Some(source),
            End::Refused(refused) => match (refused.reason, refused.source) {
                (wit::Refusal::SurfaceNotServed, _) => {
                    return {
                        self.see_ending(case.session);
                        Ok(())
                    };
                }
                (_, source) => source.and_then(|source| usize::try_from(source).ok()),
            },
            End::Unknown(_) => walked.asks.last().copied(),
        };
        for (place, source) in sources.iter().enumerate() {
            if last.is_some_and(|last| place > last) {
                break;
            }
            let Some(evidence) = walked.evidence.get(place) else {
                continue;
            };
            let number = u32::try_from(place).unwrap_or(u32::MAX);
            let Some(seen) = &evidence.observation else {
                if case.has(&source.id) {
                    self.see_row(case.session, number, None, wit::Consent::Undecided);
                }
                continue;
            };
            let finding = judge.observe(number, seen)?;
            let condition = self.condition(place, &finding);
            self.see_row(case.session, number, condition, evidence.consent);
            if walked.asks.contains(&place) {
                self.see_row(case.session, number, condition, wit::Consent::Undecided);
            }
        }
        Ok(())
    }

    /// Every rule, in the order of documents and lines.
    pub fn rules(&self) -> Vec<Rule> {
        let mut rules: Vec<Rule> = self
            .rules
            .iter()
            .map(|(key, (rule, surfaces))| {
                let mut rule = rule.clone();
                if let Key::NotServed(_) | Key::Source(_, Does::Pass, ..) = key
                    && needs_surfaces(&rule.does)
                {
                    rule.does = format!("{} {}", rule.does, sessions(surfaces));
                }
                rule
            })
            .collect();
        rules.sort_by(|one, other| {
            (&one.at.path, one.at.line, one.at.column).cmp(&(
                &other.at.path,
                other.at.line,
                other.at.column,
            ))
        });
        rules
    }

    /// The condition that was judged so. What was got or can be renewed is
    /// there; the table has no more than that.
    fn condition(&self, place: usize, finding: &wit::Finding) -> Option<u32> {
        let reason = match finding.reason {
            wit::Reason::Fetched | wit::Reason::Refreshable => wit::Reason::Present,
            other => other,
        };
        let conditions = self.table.conditions.get(place)?;
        let found = conditions
            .iter()
            .position(|condition| condition.reason == reason && condition.rule == finding.rule)?;
        u32::try_from(found).ok()
    }

    fn see_row(
        &mut self,
        session: wit::Session,
        source: u32,
        condition: Option<u32>,
        consent: wit::Consent,
    ) {
        let row = self.table.rows.iter().find(|row| {
            row.session == session
                && row.source == source
                && condition.is_none_or(|condition| row.condition == condition)
                && row.consent == consent
        });
        if let Some((rule, _)) = row.and_then(|row| self.rules.get_mut(&Key::of(row))) {
            rule.seen = true;
        }
    }

    fn see_ending(&mut self, session: wit::Session) {
        let ending = self.table.endings.iter().find(|end| end.session == session);
        if let Some(at) = ending.and_then(|ending| ending.rule.as_ref())
            && let Some((rule, _)) = self.rules.get_mut(&Key::NotServed(place(at)))
        {
            rule.seen = true;
        }
    }
}

impl Key {
    fn of(row: &wit::Row) -> Self {
        Self::Source(
            usize::try_from(row.source).unwrap_or(usize::MAX),
            match row.effect {
                wit::Effect::Use => Does::Use,
                wit::Effect::Ask => Does::Ask,
                wit::Effect::Refuse(refusal) => Does::Refuse(refusal as u8),
                wit::Effect::Skip => Does::Pass,
            },
            row.reason as u8,
            place(&row.rule),
        )
    }
}

fn place(at: &wit::Location) -> Place {
    (at.path.clone(), at.offset, at.line, at.column)
}

/// Whether a row is a rule's doing.
fn decides(row: &wit::Row) -> bool {
    let absent = matches!(
        row.reason,
        wit::Reason::Absent | wit::Reason::Blank | wit::Reason::Off | wit::Reason::Recursion
    );
    // S21: that a nested run stops is no policy's to say.
    row.reason != wit::Reason::Nested && !(row.effect == wit::Effect::Skip && absent)
}

/// Whether no case can say it: where a cloud's own variables would send it,
/// and the source's contract follows none.
fn is_untold(row: &wit::Row, source: &wit::Source) -> bool {
    let follows = source.endpoint.as_ref();
    let follows = follows.is_some_and(|endpoint| endpoint.variable.is_some());
    let is_cloud = matches!(source.kind, wit::Kind::Cloud(_));
    let sent = matches!(
        row.reason,
        wit::Reason::EndpointNotAllowed | wit::Reason::EndpointMalformed
    );
    is_cloud && !follows && sent
}

/// What a row does.
fn says(row: &wit::Row, id: &str) -> String {
    use wit::Reason as Why;
    match (row.effect, row.reason) {
        (wit::Effect::Use, _) => format!("uses `{id}`"),
        (wit::Effect::Ask, _) => format!("asks before `{id}` is used"),
        (wit::Effect::Refuse(_), Why::EndpointNotAllowed) => {
            format!("stops where `{id}` would go where it must not")
        }
        (wit::Effect::Refuse(_), Why::EndpointMalformed) => {
            format!("stops where `{id}` would go to what is not a URL")
        }
        (wit::Effect::Refuse(_), Why::ConsentRequired) => {
            format!("stops where nobody can approve `{id}`")
        }
        (wit::Effect::Refuse(_), _) => format!("stops where `{id}` cannot be got"),
        (wit::Effect::Skip, Why::Failed) => format!("passes over `{id}` where it cannot be got"),
        (wit::Effect::Skip, Why::Declined) => format!("leaves out `{id}` where it was declined"),
        (wit::Effect::Skip, Why::WrongOrganization) => {
            format!("leaves out `{id}` of another organisation")
        }
        (wit::Effect::Skip, Why::NoOrganization) => {
            format!("leaves out `{id}` of no known organisation")
        }
        (wit::Effect::Skip, Why::StoreNotAllowed) => {
            format!("leaves out `{id}` where it is kept in another store")
        }
        (wit::Effect::Skip, Why::Dropped) => format!("drops `{id}`"),
        (wit::Effect::Skip, Why::ForcedLogin) => {
            format!("leaves out `{id}`, because other logins are forced")
        }
        (wit::Effect::Skip, _) => format!("does not count `{id}` in"),
    }
}

fn needs_surfaces(does: &str) -> bool {
    does == "does not serve" || does.ends_with("` in")
}

/// `desktop, remote and web sessions`.
fn sessions(surfaces: &[wit::Surface]) -> String {
    let names: Vec<&str> = surfaces
        .iter()
        .map(|surface| super::case::words::word(&super::case::words::SURFACES, surface))
        .collect();
    match names.as_slice() {
        [] => "sessions".to_owned(),
        [one] => format!("{one} sessions"),
        [rest @ .., last] => format!("{} and {last} sessions", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::samples::{POLICY, cases, load};
    use super::*;

    /// What the cases have not seen, by line.
    fn unseen(text: &str) -> Vec<(u32, String)> {
        let (mut policy, sources) = load(POLICY);
        let table = policy.table().unwrap();
        let mut coverage = Coverage::of(&table, &sources);
        for case in cases(text) {
            let ran = case.run(&mut policy, &sources).unwrap();
            coverage.see(&mut policy, &case, &ran, &sources).unwrap();
        }
        let rules = coverage.rules();
        assert_eq!(rules.len(), 13, "{rules:#?}");
        rules
            .into_iter()
            .filter(|rule| !rule.seen)
            .map(|rule| (rule.at.line, rule.does))
            .collect()
    }

    const ALL: &str = "[[case]]\nname = \"1\"\ngiven = { key = \"ready\" }\nexpect = { use = \"key\" }\n\
        [[case]]\nname = \"2\"\ngiven = { key = \"failed\" }\nexpect = { refuse = \"source-failed\" }\n\
        [[case]]\nname = \"3\"\ngiven = { key = { is = \"ready\", endpoint = \"malformed\" } }\nexpect = { refuse = \"endpoint-not-allowed\" }\n\
        [[case]]\nname = \"4\"\ngiven = { key = { is = \"ready\", endpoint = \"https://b.test\" } }\nexpect = { refuse = \"endpoint-not-allowed\" }\n\
        [[case]]\nname = \"5\"\ninteractive = true\ngiven = { key = \"ready\" }\nexpect = { ask = \"key\" }\n\
        [[case]]\nname = \"6\"\ninteractive = true\ngiven = { key = { is = \"ready\", consent = \"declined\" }, helper = { is = \"ready\", get = \"failed\" } }\nexpect = { refuse = \"source-failed\" }\n\
        [[case]]\nname = \"7\"\nsurface = \"desktop\"\ngiven = { key = \"ready\", helper = \"ready\", login = \"ready\" }\nexpect = { use = \"login\" }\n\
        [[case]]\nname = \"8\"\ngiven = { helper = \"ready\" }\nexpect = { use = \"helper\" }\n\
        [[case]]\nname = \"9\"\ngiven = { login = \"failed\" }\nexpect = { refuse = \"source-failed\" }\n\
        [[case]]\nname = \"10\"\nsurface = \"web\"\ngiven = { login = \"ready\" }\nexpect = { refuse = \"nothing-usable\" }\n";

    #[test]
    fn cases_for_every_rule_leave_none_unseen() {
        assert_eq!(unseen(ALL), []);
    }

    #[test]
    fn a_rule_that_no_case_needs_is_unseen_with_its_line_and_in_words() {
        let without = |name: &str| {
            let cases: Vec<&str> = ALL.split_inclusive("[[case]]\n").collect();
            let (head, rest) = cases.split_first().unwrap();
            let needle = format!("name = \"{name}\"\n");
            let kept: String = rest
                .iter()
                .filter(|case| !case.starts_with(&needle))
                .copied()
                .collect();
            unseen(format!("{head}{kept}").trim_end_matches("[[case]]\n"))
        };
        assert_eq!(without("5"), [(7, "asks before `key` is used".to_owned())]);
        assert_eq!(
            without("4"),
            [(8, "stops where `key` would go where it must not".to_owned())]
        );
        assert_eq!(
            without("7"),
            [
                (
                    6,
                    "does not count `key` in desktop, remote and web sessions".to_owned()
                ),
                (
                    16,
                    "does not count `helper` in desktop and web sessions".to_owned()
                ),
                (18, "uses `login`".to_owned()),
            ]
        );
    }

    #[test]
    fn that_a_source_does_not_count_is_not_seen_where_it_is_absent() {
        let text =
            "[[case]]\nname = \"1\"\nsurface = \"web\"\nexpect = { refuse = \"nothing-usable\" }\n";
        assert_eq!(unseen(text).len(), 13);
    }

    #[test]
    fn sessions_that_are_not_served_are_a_rule() {
        let policy = format!("session = {{ surfaces = [\"terminal\"] }}\n{POLICY}");
        let (mut policy, sources) = load(&policy);
        let table = policy.table().unwrap();
        let mut coverage = Coverage::of(&table, &sources);
        let told = |coverage: &Coverage<'_>| {
            let rules = coverage.rules();
            let rule = rules.first().unwrap();
            (rule.at.line, rule.does.clone(), rule.seen)
        };
        let does = "does not serve desktop, remote and web sessions".to_owned();
        assert_eq!(told(&coverage), (1, does.clone(), false));
        let case = &cases(
            "[[case]]\nname = \"1\"\nsurface = \"web\"\nexpect = { refuse = \"surface-not-served\" }\n",
        )[0];
        let ran = case.run(&mut policy, &sources).unwrap();
        coverage.see(&mut policy, case, &ran, &sources).unwrap();
        assert_eq!(told(&coverage), (1, does, true));
    }
}
