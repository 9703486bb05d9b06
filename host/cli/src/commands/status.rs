//! `keyrule status`: the short answer. Which credential is in use, where it
//! goes, which rule says so, what it goes before; or why there is none, and
//! what to do. Carries nothing out.

use std::path::Path;

use keyrule::resolver::Explained;
use keyrule_contract as wit;

use crate::Context;
use crate::args::Recorded;
use crate::document::{Document, word};
use crate::errors::Failure;
use crate::explained::accounts::Kept;
use crate::explained::{at_home, command, place};
use crate::output::{Look, clean, columns, pad, wrap};

pub(crate) fn run(context: &mut Context<'_, '_>, recorded: &Recorded) -> Result<i32, Failure> {
    context.record(recorded, "status")?;
    tell(context, text)
}

/// Explains, and prints the one document or the given text of it: all that
/// `status` and `explain` have in common.
pub(super) fn tell(
    context: &mut Context<'_, '_>,
    text: fn(&Explained, &Kept, Look, Option<&Path>) -> String,
) -> Result<i32, Failure> {
    let explained = context.resolver()?.explain()?;
    context.decided(&explained)?;
    let kept = Kept::of(&explained, &context.ambient);
    if context.output.json {
        context.output.document(&Document::new(&explained, &kept))?;
    } else {
        let home = context.ambient.home.as_deref();
        let text = text(&explained, &kept, context.output.look, home);
        context.output.data(&text)?;
    }
    Ok(crate::exit::of(&explained))
}

fn text(explained: &Explained, kept: &Kept, look: Look, home: Option<&Path>) -> String {
    let explanation = &explained.explanation;
    let standing = explained
        .winner()
        .and_then(|winner| explained.line(winner))
        .map_or(wit::SourceStatus::Blocking, |line| line.status);
    let mut text = String::new();
    let summary = clean(&at_home(&explanation.summary, home));
    let summary = wrap(&summary, look.width.saturating_sub(2));
    for (index, line) in summary.iter().enumerate() {
        let mark = if index == 0 {
            look.mark(standing)
        } else {
            " ".to_owned()
        };
        text.push_str(&format!("{mark} {}\n", look.bold(line)));
    }
    for (label, value) in rows(explained, kept, home) {
        row(&mut text, look, label, &value);
    }
    text.push_str(&remarks(explained, look, home));
    text
}

/// What stands under the summary, as far as there is something to say.
fn rows(explained: &Explained, kept: &Kept, home: Option<&Path>) -> Vec<(&'static str, String)> {
    let explanation = &explained.explanation;
    let mut rows = Vec::new();
    if let Some(subject) = explained.subject() {
        rows.extend(whose(explained, kept, subject, home));
    }
    if let Some(winner) = explained.winner() {
        if let Some(sent) = sent(explained, winner) {
            rows.push(("sent to", sent));
        }
        let outranked: Vec<_> = explained
            .outranked()
            .map(|source| source.id.as_str())
            .collect();
        if !outranked.is_empty() {
            rows.push(("goes before", outranked.join(", ")));
        }
    }
    rows.extend(others(explained, kept));
    if let Some(at) = &explanation.rule {
        rows.push(("rule", place(at, home)));
    }
    rows.push(("policy", session(explained)));
    rows
}

/// Whose the credential is, when it ends and where it is kept.
fn whose(
    explained: &Explained,
    kept: &Kept,
    source: u32,
    home: Option<&Path>,
) -> Vec<(&'static str, String)> {
    let (Some(of), Some(seen)) = (explained.source(source), explained.seen(source)) else {
        return Vec::new();
    };
    let mut rows = provider(explained, source);
    let organization = seen.organization.as_ref();
    match (&seen.account, organization) {
        (Some(account), Some(of)) => {
            rows.push(("account", format!("{account}, organisation {of}")))
        }
        (Some(account), None) => rows.push(("account", account.clone())),
        (None, Some(of)) => rows.push(("account", format!("organisation {of}"))),
        (None, None) => {}
    }
    let selected = kept.of_source(of).find(|account| account.selected);
    if let Some(end) = selected.and_then(|account| account.end(explained, &of.id)) {
        rows.push(("ends", end));
    } else if let Some(seconds) = seen.expires_in {
        rows.push(("ends", ends_in(seconds)));
    }
    if let Some(kind) = seen.stored_in {
        rows.push(("kept", at_home(&kept.place(kind), home)));
    }
    rows
}

/// Which cloud provider it is, and where it is asked.
fn provider(explained: &Explained, source: u32) -> Vec<(&'static str, String)> {
    let (Some(of), Some(known)) = (explained.source(source), explained.known(source)) else {
        return Vec::new();
    };
    let wit::Kind::Cloud(_) = &of.kind else {
        return Vec::new();
    };
    let named = [
        ("region", &known.region),
        ("project", &known.project),
        ("resource", &known.resource),
    ];
    let named = named
        .into_iter()
        .filter_map(|(what, name)| Some(format!("{what} {}", name.as_ref()?)));
    let words: Vec<_> = std::iter::once(of.description.clone())
        .chain(named)
        .chain(known.detail.clone())
        .collect();
    vec![("provider", words.join(", "))]
}

/// The logins beside: those of sources that are not used, and the accounts of
/// a login that are not the selected one.
fn others(explained: &Explained, kept: &Kept) -> Vec<(&'static str, String)> {
    let mut rows = Vec::new();
    for (source, line) in explained.lines() {
        if !can_log_in(source)
            || matches!(
                line.status,
                wit::SourceStatus::NotApplicable | wit::SourceStatus::Unknown
            )
        {
            continue;
        }
        let is_subject = explained.subject() == Some(line.source);
        let accounts: Vec<_> = kept.of_source(source).collect();
        if line.reason == wit::Reason::Absent {
            let again = command(explained, &format!("login {}", source.id));
            rows.push(("login", format!("{}: `{again}`", line.text)));
        } else if !is_subject {
            let what = accounts
                .iter()
                .find(|account| account.selected)
                .map(|account| account.line(explained, source));
            rows.push((
                "login",
                match (what, line.status) {
                    // Why it is out is what somebody wants to know first.
                    (Some(what), wit::SourceStatus::Unavailable | wit::SourceStatus::Blocking) => {
                        format!("`{}`, not used: {} ({what})", source.id, line.text)
                    }
                    (Some(what), _) => format!("`{}`, not used: {what}", source.id),
                    (None, _) => format!("`{}`, not used: {}", source.id, line.text),
                },
            ));
        }
        let more: Vec<_> = accounts
            .iter()
            .filter(|account| !account.selected)
            .collect();
        if let Some(first) = more.first() {
            let account = match more.len() {
                1 => first.name.as_deref().unwrap_or("ACCOUNT"),
                _ => "ACCOUNT",
            };
            let names: Vec<_> = more.iter().map(|account| account.called()).collect();
            let choose = command(explained, &format!("login {} --use {account}", source.id));
            rows.push(("also there", format!("{}: `{choose}`", names.join(", "))));
        }
    }
    rows
}

/// Whether `keyrule login` brings what the source takes.
fn can_log_in(source: &wit::Source) -> bool {
    match &source.kind {
        wit::Kind::Login(_) => true,
        wit::Kind::StoredKey(key) => key.issuer.is_some(),
        wit::Kind::Environment(_)
        | wit::Kind::Helper(_)
        | wit::Kind::ToolOwned(_)
        | wit::Kind::Supplied
        | wit::Kind::Cloud(_) => false,
    }
}

/// Where a source's credential is sent, and in which headers.
fn sent(explained: &Explained, source: u32) -> Option<String> {
    let (origin, variable) = explained.destination(source)?;
    let mut sent = origin.to_owned();
    if origin.contains('{') {
        sent.push_str(", as the provider's own files say");
    }
    if let Some(variable) = variable {
        // A setting in a file has backticks in its name.
        match variable.contains('`') {
            true => sent.push_str(&format!(" ({variable})")),
            false => sent.push_str(&format!(" (`{variable}`)")),
        }
    }
    let headers: Vec<_> = explained
        .source(source)?
        .headers
        .iter()
        .map(|pair| pair.name.as_str())
        .collect();
    if !headers.is_empty() {
        sent.push_str(&format!(" as {}", headers.join(" and ")));
    }
    Some(sent)
}

/// The policy's name and the kind of session.
pub(super) fn session(explained: &Explained) -> String {
    format!(
        "{}, {} session, {}",
        explained.info.name,
        word(&explained.session.surface),
        if explained.session.interactive {
            "interactive"
        } else {
            "not interactive"
        }
    )
}

/// What restrictions changed, the one fix, and the warnings.
pub(super) fn remarks(explained: &Explained, look: Look, home: Option<&Path>) -> String {
    let explanation = &explained.explanation;
    let mut text = String::new();
    let mut say = |label: &str, painted: String, words: &str| {
        let indent = columns(label) + 1;
        let words = clean(&at_home(words, home));
        let lines = wrap(&words, look.width.saturating_sub(indent));
        let indent = format!("\n{}", " ".repeat(indent));
        text.push_str(&format!("{painted} {}\n", lines.join(&indent)));
    };
    if let Some(changed) = &explanation.restriction_effect {
        say("restricted:", look.cyan("restricted:"), &changed.text);
    }
    for warning in &explanation.warnings {
        say("warning:", look.yellow("warning:"), &warning.message);
    }
    if let Some(advice) = &explanation.fix {
        say("hint:", look.cyan("hint:"), &advice.text);
    }
    text
}

/// A label in its column and a value beside it.
pub(super) fn row(text: &mut String, look: Look, label: &str, value: &str) {
    let lines = wrap(&clean(value), look.width.saturating_sub(15));
    let indent = format!("\n{}", " ".repeat(15));
    let label = look.dim(&pad(label, 11));
    text.push_str(&format!("  {label}  {}\n", lines.join(&indent)));
}

/// Seconds from now, in words.
pub(crate) fn ends_in(seconds: i64) -> String {
    let (ago, seconds) = (seconds < 0, seconds.unsigned_abs());
    let amount = match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    };
    if ago {
        format!("{amount} ago")
    } else {
        format!("in {amount}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    const PLAIN: Look = Look {
        terminal: false,
        colour: false,
        unicode: true,
        width: 80,
    };

    #[test]
    fn the_short_answer_names_the_winner_and_why() {
        insta::assert_snapshot!(text(&samples::key_before_helper(), &Kept::default(), PLAIN, None), @"
        ✓ `api-key` is used: `ANTHROPIC_API_KEY` is set
          sent to      https://api.anthropic.com as X-Api-Key
          goes before  helper
          rule         claude-code.toml:66
          policy       claude-code, terminal session, not interactive
        warning: `helper` is there too and not used: `api-key` comes first
        ");
    }

    #[test]
    fn a_login_is_shown_with_its_account_its_end_and_its_store() {
        let (explained, kept) = samples::login();
        insta::assert_snapshot!(text(&explained, &kept, PLAIN, None), @"
        ✓ `login` is used: `work` is logged in as `ada@acme.test`, and can be renewed
          account      ada@acme.test, organisation acme
          ends         12 min ago, and can be renewed
          kept         in the keyring
          also there   bob@other.test: `keyrule login login --use bob@other.test`
          rule         claude-code.toml:88
          policy       claude-code, terminal session, not interactive
        ");
    }

    #[test]
    fn a_login_that_is_not_used_is_shown_all_the_same() {
        let (mut explained, kept) = samples::login();
        explained.explanation.verdict = wit::Verdict::Fetch(1);
        explained.explanation.summary = "`api-key` is used".to_owned();
        explained.explanation.sources[3].status = wit::SourceStatus::Shadowed;
        insta::assert_snapshot!(text(&explained, &kept, PLAIN, None), @"
        · `api-key` is used
          sent to      https://api.anthropic.com as X-Api-Key
          goes before  login
          login        `login`, not used: ada@acme.test, organisation acme, ended 12 min
                       ago, and can be renewed
          also there   bob@other.test: `keyrule login login --use bob@other.test`
          rule         claude-code.toml:88
          policy       claude-code, terminal session, not interactive
        ");
    }

    #[test]
    fn who_is_logged_out_is_told_so_and_how_to_log_in() {
        let (mut explained, _) = samples::login();
        let refused = wit::Refused {
            reason: wit::Refusal::NothingUsable,
            source: None,
        };
        explained.explanation.verdict = wit::Verdict::Refuse(refused);
        explained.explanation.summary = "nothing is usable".to_owned();
        explained.explanation.rule = None;
        let line = &mut explained.explanation.sources[3];
        (line.status, line.reason) = (wit::SourceStatus::Unavailable, wit::Reason::Absent);
        line.text = "`work` is not logged in".to_owned();
        insta::assert_snapshot!(text(&explained, &Kept::default(), PLAIN, None), @"
        ✗ nothing is usable
          login        `work` is not logged in: `keyrule login login`
          policy       claude-code, terminal session, not interactive
        ");
    }

    #[test]
    fn without_unicode_and_credential_the_answer_is_ascii_and_a_hint() {
        let look = Look {
            unicode: false,
            ..PLAIN
        };
        insta::assert_snapshot!(text(&samples::nothing(), &Kept::default(), look, None), @"
        x nothing is usable: none of the 4 sources that count in terminal sessions is
          there
          policy       claude-code, terminal session, not interactive
        hint: set `ANTHROPIC_AUTH_TOKEN`, for example `export ANTHROPIC_AUTH_TOKEN=…`
        ");
    }

    #[test]
    fn colour_adds_nothing_but_colour() {
        let look = Look {
            colour: true,
            ..PLAIN
        };
        let painted = text(&samples::key_before_helper(), &Kept::default(), look, None);
        let mut plain = painted.clone();
        for code in ["1", "2", "1;31", "1;32", "1;33", "1;36", "0"] {
            plain = plain.replace(&format!("\x1b[{code}m"), "");
        }
        assert!(painted.contains('\x1b'));
        assert_eq!(
            plain,
            text(&samples::key_before_helper(), &Kept::default(), PLAIN, None)
        );
    }

    #[test]
    fn time_is_said_in_the_unit_that_fits() {
        assert_eq!(
            [-5, 119, 120, 7200, 172_800].map(ends_in),
            ["5 s ago", "in 119 s", "in 2 min", "in 2 h", "in 2 days"]
        );
    }
}
