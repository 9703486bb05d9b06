//! One text for everything that a policy decides, and its digest, so that
//! hosts can be compared: the core compiled natively, the component in
//! wasmtime, in Node, in a browser. What goes in is a policy that can answer;
//! what comes out is the text. `guest/web/digest.js` writes the same text.
//!
//! The form is described here and nowhere else. Lines end in a line feed,
//! words are parted by one blank, in this order:
//!
//! ```text
//! keyrule decisions 1
//! policy NAME
//! source SOURCE ID READS asks|never-asks       each source
//! condition SOURCE CONDITION STATE REASON AT TEXT
//! seen SOURCE CONDITION looked|fetched OUTCOME DETAIL LOCATION TIER DESTINATION
//!      EXPIRES-IN lasts|refreshable ACCOUNT ORGANIZATION STORED-IN LIFETIME
//!                                              both for each condition (one line each)
//! row SESSION SOURCE CONDITION CONSENT EFFECT REASON AT
//! ending SESSION REASON AT
//! every SESSION VERDICT VERDICT …              each session, see below
//! step SESSION SOURCE STATE CONSENT VERDICT    each session, see below
//! ```
//!
//! - Names, paths, words for people and other free text are JSON strings. A
//!   case of an enum is its name in `wit/policy.wit`. What is not there is
//!   `-`. SOURCE and CONDITION are places, from 0.
//! - SESSION is two words: the surface, then `interactive` or `alone`.
//!   Sessions go through the surfaces in the contract's order, each
//!   `interactive` first. CONSENT, STATE, REASON are enums.
//! - AT is `PATH:LINE:COLUMN:OFFSET:LENGTH`.
//! - A variant with a value is its name, a colon and the value:
//!   `failed:locked`, `origin:"https://…"`, `refuse:nothing-usable`. A
//!   verdict about a source is `look:3`, a refusal because of one
//!   `refuse:source-failed:3`.
//! - `every` lines are the verdicts on every combination of what can be known
//!   once all sources were looked at: each source is `unavailable`,
//!   `forbidden`, `ready` or `failed`, each of these undecided, approved and declined where the
//!   source asks, the last source's changing fastest. So that the product
//!   stays within 65,536 a session, a source that would carry it beyond that
//!   is `unavailable` alone, and so are all sources after it.
//! - `step` lines are the verdicts on the way there: for each source, where
//!   every source before it is `unavailable` and none after it was looked at, each of
//!   the six states, with each consent where the source asks.

mod words;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use keyrule_contract as wit;
use keyrule_engine::{Engine, Judge, Policy};
use sha2::{Digest, Sha256};

use self::words::{at, case, effect, json, none, seen, session_words, verdict};
use crate::native;

/// The most combinations for one session.
const BOUND: usize = 65_536;
/// The most that are asked for in one call, which has limits.
const AT_ONCE: usize = 8_192;

const LOOKED_AT: [wit::State; 4] = [
    wit::State::Unavailable,
    wit::State::Forbidden,
    wit::State::Ready,
    wit::State::Failed,
];
const STATES: [wit::State; 6] = [
    wit::State::Unknown,
    wit::State::Unavailable,
    wit::State::Forbidden,
    wit::State::Ready,
    wit::State::Fetched,
    wit::State::Failed,
];
const CONSENTS: [wit::Consent; 3] = [
    wit::Consent::Undecided,
    wit::Consent::Approved,
    wit::Consent::Declined,
];
const SURFACES: [wit::Surface; 4] = [
    wit::Surface::Terminal,
    wit::Surface::Desktop,
    wit::Surface::Remote,
    wit::Surface::Web,
];

/// A policy that can be asked for all that it decides.
pub trait Decides {
    /// The sources, in their order.
    fn sources(&mut self) -> Vec<wit::Source>;
    /// The complete table.
    fn table(&mut self) -> wit::Table;
    /// The verdict on every combination.
    fn every(&mut self, session: wit::Session, facts: &[Vec<wit::Fact>]) -> Vec<wit::Verdict>;
}

/// Through the component, in wasmtime.
impl Decides for Policy {
    fn sources(&mut self) -> Vec<wit::Source> {
        Judge::sources(self).expect("sources")
    }

    fn table(&mut self) -> wit::Table {
        Self::table(self).expect("a table")
    }

    fn every(&mut self, session: wit::Session, facts: &[Vec<wit::Fact>]) -> Vec<wit::Verdict> {
        self.decide_every(session, facts).expect("verdicts")
    }
}

/// Without the component.
impl Decides for native::Policy {
    fn sources(&mut self) -> Vec<wit::Source> {
        Judge::sources(self).expect("sources")
    }

    fn table(&mut self) -> wit::Table {
        Self::table(self).expect("a table")
    }

    fn every(&mut self, session: wit::Session, facts: &[Vec<wit::Fact>]) -> Vec<wit::Verdict> {
        self.decide_every(session, facts).expect("verdicts")
    }
}

/// A shipped policy's digests, by the core and by the component.
#[derive(Debug)]
pub struct Shipped {
    /// The file's name.
    pub file: String,
    /// The whole text, by the core.
    pub text: String,
    /// Its digest by the core.
    pub native: String,
    /// Its digest by the component in wasmtime.
    pub component: String,
}

/// Every policy that ships, in the order of their names.
///
/// # Panics
///
/// Where one cannot be read or loaded.
pub fn shipped() -> Vec<Shipped> {
    crate::case::list(&folder())
        .iter()
        .filter(|path| {
            let name = path.to_string_lossy();
            name.ends_with(".toml") && !name.ends_with(".test.toml")
        })
        .map(|path| one(&path.file_stem().expect("a name").to_string_lossy()))
        .collect()
}

/// The policy of this name. Its path in the text is `policies/` and the file's
/// name.
///
/// # Panics
///
/// Where it cannot be read or loaded.
pub fn one(name: &str) -> Shipped {
    let file = format!("{name}.toml");
    let documents = vec![wit::Document {
        origin: wit::DocumentOrigin::User,
        path: format!("policies/{file}"),
        text: fs::read_to_string(folder().join(&file)).expect("a policy"),
    }];
    let engine = Engine::builtin().expect("the engine");
    let mut component = Policy::load(&engine, name, &documents).expect("a policy");
    let mut core = native::Policy::load(&native::Engine, name, &documents).expect("a policy");
    let native = text(name, &mut core);
    Shipped {
        file,
        native: digest(&native),
        component: digest(&text(name, &mut component)),
        text: native,
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies")
}

/// The SHA-256 of a text, in lower-case hexadecimal digits.
pub fn digest(text: &str) -> String {
    Sha256::digest(text)
        .iter()
        .fold(String::new(), |mut digits, byte| {
            let _ = write!(digits, "{byte:02x}");
            digits
        })
}

/// Everything that the policy decides.
pub fn text(name: &str, policy: &mut dyn Decides) -> String {
    let mut text = format!("keyrule decisions 1\npolicy {}\n", json(name));
    let sources = policy.sources();
    for (place, source) in sources.iter().enumerate() {
        let asks = if source.needs_consent {
            "asks"
        } else {
            "never-asks"
        };
        let (id, reads) = (json(&source.id), json(&source.reads));
        let _ = writeln!(text, "source {place} {id} {reads} {asks}");
    }
    table(&mut text, &policy.table());
    for session in sessions() {
        every(&mut text, session, &sources, policy);
    }
    for session in sessions() {
        steps(&mut text, session, &sources, policy);
    }
    text
}

fn table(text: &mut String, table: &wit::Table) {
    for (source, conditions) in table.conditions.iter().enumerate() {
        for (place, condition) in conditions.iter().enumerate() {
            let (state, reason) = (case(&condition.state), case(&condition.reason));
            let (at, words) = (at(&condition.rule), json(&condition.text));
            let _ = writeln!(
                text,
                "condition {source} {place} {state} {reason} {at} {words}"
            );
            let seen = seen(&condition.observation);
            let _ = writeln!(text, "seen {source} {place} {seen}");
        }
    }
    for row in &table.rows {
        let _ = writeln!(
            text,
            "row {} {} {} {} {} {} {}",
            session_words(row.session),
            row.source,
            row.condition,
            case(&row.consent),
            effect(row.effect),
            case(&row.reason),
            at(&row.rule)
        );
    }
    for ending in &table.endings {
        let _ = writeln!(
            text,
            "ending {} {} {}",
            session_words(ending.session),
            case(&ending.reason),
            ending.rule.as_ref().map_or_else(none, at)
        );
    }
}

fn every(
    text: &mut String,
    session: wit::Session,
    sources: &[wit::Source],
    policy: &mut dyn Decides,
) {
    let lists = alphabets(sources);
    // The leading sources are gone through here, the others in one call.
    let mut split = lists.len();
    let mut at_once = 1;
    while split > 0 && at_once * lists[split - 1].len() <= AT_ONCE {
        split -= 1;
        at_once *= lists[split].len();
    }
    let calls: usize = lists[..split].iter().map(Vec::len).product();
    let _ = write!(text, "every {}", session_words(session));
    for call in 0..calls {
        let mut facts = lists.clone();
        let mut rest = call;
        for list in facts[..split].iter_mut().rev() {
            let fact = list[rest % list.len()];
            rest /= list.len();
            *list = vec![fact];
        }
        for of in policy.every(session, &facts) {
            let _ = write!(text, " {}", verdict(of));
        }
    }
    text.push('\n');
}

/// What can be known of each source, once all were looked at.
fn alphabets(sources: &[wit::Source]) -> Vec<Vec<wit::Fact>> {
    let mut product = 1;
    let mut within = true;
    sources
        .iter()
        .map(|source| {
            let list = facts(&LOOKED_AT, source.needs_consent);
            within = within && product * list.len() <= BOUND;
            if within {
                product *= list.len();
                list
            } else {
                facts(&[wit::State::Unavailable], false)
            }
        })
        .collect()
}

fn steps(
    text: &mut String,
    session: wit::Session,
    sources: &[wit::Source],
    policy: &mut dyn Decides,
) {
    for (place, source) in sources.iter().enumerate() {
        let here = facts(&STATES, source.needs_consent);
        let lists: Vec<_> = (0..sources.len())
            .map(|other| match other.cmp(&place) {
                std::cmp::Ordering::Less => facts(&[wit::State::Unavailable], false),
                std::cmp::Ordering::Equal => here.clone(),
                std::cmp::Ordering::Greater => facts(&[wit::State::Unknown], false),
            })
            .collect();
        for (fact, of) in here.iter().zip(policy.every(session, &lists)) {
            let _ = writeln!(
                text,
                "step {} {place} {} {} {}",
                session_words(session),
                case(&fact.state),
                case(&fact.consent),
                verdict(of)
            );
        }
    }
}

fn facts(states: &[wit::State], asks: bool) -> Vec<wit::Fact> {
    let consents = &CONSENTS[..if asks { 3 } else { 1 }];
    let of = |state: wit::State| {
        consents
            .iter()
            .map(move |&consent| wit::Fact { state, consent })
    };
    states.iter().copied().flat_map(of).collect()
}

fn sessions() -> impl Iterator<Item = wit::Session> {
    SURFACES.into_iter().flat_map(|surface| {
        [true, false].map(|interactive| wit::Session {
            surface,
            interactive,
        })
    })
}
