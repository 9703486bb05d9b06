//! `keyrule explain`: every source in the order of the policy with its mark,
//! status, reason and rule; then the verdict, what restrictions changed,
//! the warnings and the one fix. Carries nothing out.

use std::path::Path;

use keyrule::policy::FileState;
use keyrule::resolver::Explained;
use keyrule_contract as wit;

use crate::Context;
use crate::args::Recorded;
use crate::commands::status::{remarks, row, session, tell};
use crate::document::word;
use crate::errors::Failure;
use crate::explained::accounts::Kept;
use crate::explained::{at_home, place, short};
use crate::output::{Look, clean, columns, pad, wrap};

pub(crate) fn run(context: &mut Context<'_, '_>, recorded: &Recorded) -> Result<i32, Failure> {
    context.record(recorded, "explain")?;
    tell(context, text)
}

fn text(explained: &Explained, kept: &Kept, look: Look, home: Option<&Path>) -> String {
    let mut text = String::new();
    row(&mut text, look, "policy", &session(explained));
    for (label, file) in files(explained, home) {
        row(&mut text, look, label, &file);
    }
    text.push('\n');
    text.push_str(&table(explained, look, home));
    text.push('\n');
    text.push_str(&logins(explained, kept, look, home));
    let summary = clean(&at_home(&explained.explanation.summary, home));
    for line in wrap(&summary, look.width) {
        text.push_str(&look.bold(&line));
        text.push('\n');
    }
    text.push_str(&remarks(explained, look, home));
    text
}

/// The documents that made the policy, and the files that are there and
/// count for nothing. What is absent is `doctor`'s business.
fn files(explained: &Explained, home: Option<&Path>) -> Vec<(&'static str, String)> {
    let documents = explained.info.documents.iter().enumerate();
    let mut files: Vec<_> = documents
        .map(|(index, path)| {
            let label = if index == 0 { "file" } else { "restricted" };
            (label, short(path, home))
        })
        .collect();
    for file in &explained.files {
        let label = match &file.state {
            FileState::Read | FileState::Absent | FileState::NotCounted { expected: true, .. } => {
                continue;
            }
            FileState::Empty => "empty",
            FileState::Unreadable(_) => "unreadable",
            FileState::Untrusted(_) => "untrusted",
            FileState::NotCounted { .. } => "not applied",
        };
        files.push((label, short(&file.path.display().to_string(), home)));
    }
    files
}

/// Every login that is kept for one of the sources, whose it is, when it ends
/// and where it is kept.
fn logins(explained: &Explained, kept: &Kept, look: Look, home: Option<&Path>) -> String {
    let mut text = String::new();
    for source in &explained.sources {
        for account in kept.of_source(source) {
            let which = if account.selected {
                "selected"
            } else {
                "not selected"
            };
            let line = account.line(explained, source);
            let place = kept.place(account.kept_in);
            let words = format!("{line}, {which}, kept {place}");
            row(&mut text, look, &source.id, &at_home(&words, home));
        }
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// One row of the table.
struct Row {
    mark: String,
    id: String,
    status: String,
    why: String,
    rule: String,
}

/// A rule's place: in the policy's own file, which stands above the table, by
/// the name of the file alone, and elsewhere by the whole path.
fn brief(at: &wit::Location, documents: &[String], home: Option<&Path>) -> String {
    if documents.first() != Some(&at.path) {
        return place(at, home);
    }
    let start = at.path.rfind(['/', '\\', ':']);
    let name = start.and_then(|start| at.path.get(start + 1..));
    format!("{}:{}", name.unwrap_or(&at.path), at.line)
}

/// The rule stands at the right edge: beside the reason where both fit, else
/// on a line of its own.
fn table(explained: &Explained, look: Look, home: Option<&Path>) -> String {
    let rows: Vec<_> = explained
        .lines()
        .map(|(source, line)| Row {
            mark: look.mark(line.status),
            id: clean(&source.id),
            status: word(&line.status).replace('-', " "),
            why: clean(&at_home(&line.text, home)),
            rule: clean(&brief(&line.rule, &explained.info.documents, home)),
        })
        .collect();
    let widest = |cell: fn(&Row) -> &str| rows.iter().map(|row| columns(cell(row))).max();
    let id = widest(|row| &row.id).unwrap_or(0).max(6);
    let status = widest(|row| &row.status).unwrap_or(0).max(6);
    let why = widest(|row| &row.why).unwrap_or(0);
    let rule = widest(|row| &row.rule).unwrap_or(0);
    // Two spaces between columns where everything then fits, else one.
    let roomy = id + status + why + rule + 8 <= look.width;
    let gap = if roomy { "  " } else { " " };
    let left = 2 + id + gap.len() + status + gap.len();
    let room = look.width.saturating_sub(left);
    let room = room.max(30).min(why + gap.len() + rule);

    let head = format!(
        "  {}{gap}{}{gap}WHY",
        pad("SOURCE", id),
        pad("STATUS", status)
    );
    let fill = (left + room).saturating_sub(columns(&head) + 4);
    let mut text = format!("{}\n", look.dim(&format!("{head}{}RULE", " ".repeat(fill))));
    for row in &rows {
        let bold = row.status == "selected" || row.status == "next";
        let name = pad(&row.id, id);
        let name = if bold { look.bold(&name) } else { name };
        let status = pad(&row.status, status);
        text.push_str(&format!("{} {name}{gap}{status}{gap}", row.mark));
        let mut lines = wrap(&row.why, room);
        let fits = |lines: &[String]| {
            let last = lines.last().map_or(0, |line| columns(line));
            last + 1 + columns(&row.rule) <= room
        };
        if !fits(&lines) {
            // Narrower lines leave room for the rule beside the last one.
            let narrow = wrap(&row.why, room.saturating_sub(1 + columns(&row.rule)));
            if look.width >= 100 && narrow.len() <= lines.len() + 1 && fits(&narrow) {
                lines = narrow;
            } else {
                lines.push(String::new());
            }
        }
        if let Some(line) = lines.last_mut() {
            let fill = room.saturating_sub(columns(line) + columns(&row.rule));
            line.push_str(&format!("{}{}", " ".repeat(fill), look.dim(&row.rule)));
        }
        let indent = format!("\n{}", " ".repeat(left));
        text.push_str(&format!("{}\n", lines.join(&indent)));
    }
    text
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
    fn every_source_has_its_status_reason_and_rule() {
        let home = Some(Path::new("/home/ada"));
        insta::assert_snapshot!(text(&samples::key_before_helper(), &Kept::default(), PLAIN, home), @"
          policy       claude-code, terminal session, not interactive
          file         claude-code.toml
          empty        ~/.config/keyrule/claude-code.toml

          SOURCE     STATUS      WHY                                                RULE
        · auth-token unavailable `ANTHROPIC_AUTH_TOKEN` is not set   claude-code.toml:57
        ✓ api-key    selected    `ANTHROPIC_API_KEY` is set          claude-code.toml:66
        ○ helper     shadowed    `apiKeyHelper` is set in `~/.claude/settings.json`
                                                                     claude-code.toml:76
        · login      unavailable not logged in: no `claudeAiOauth` in
                                 `~/.claude/.credentials.json`       claude-code.toml:88

        `api-key` is used: `ANTHROPIC_API_KEY` is set
        warning: `helper` is there too and not used: `api-key` comes first
        ");
    }

    #[test]
    fn a_rule_of_a_restriction_has_its_whole_path() {
        let at = |path: &str| wit::Location {
            path: path.to_owned(),
            ..samples::at(7)
        };
        let own = "builtin:claude-code.toml".to_owned();
        let project = "/home/ada/work/.keyrule/claude-code.toml".to_owned();
        let both = [own.clone(), project.clone()];
        let home = Some(Path::new("/home/ada"));
        assert_eq!(
            [
                brief(&at(&own), &both, home),
                brief(&at(&project), &both, home)
            ],
            ["claude-code.toml:7", "~/work/.keyrule/claude-code.toml:7"]
        );
    }

    #[test]
    fn a_wide_table_is_no_wider_than_it_needs_to_be() {
        let look = Look {
            unicode: false,
            width: 110,
            ..PLAIN
        };
        insta::assert_snapshot!(text(&samples::nothing(), &Kept::default(), look, None), @"
          policy       claude-code, terminal session, not interactive
          file         claude-code.toml
          empty        /home/ada/.config/keyrule/claude-code.toml

          SOURCE     STATUS      WHY                                                                              RULE
        . auth-token unavailable `ANTHROPIC_AUTH_TOKEN` is not set                                 claude-code.toml:57
        . api-key    unavailable `ANTHROPIC_API_KEY` is not set                                    claude-code.toml:66
        . helper     unavailable `apiKeyHelper` is not set in any of the settings files that count claude-code.toml:76
        . login      unavailable not logged in                                                     claude-code.toml:88

        nothing is usable: none of the 4 sources that count in terminal sessions is there
        hint: set `ANTHROPIC_AUTH_TOKEN`, for example `export ANTHROPIC_AUTH_TOKEN=…`
        ");
    }

    #[test]
    fn in_a_wide_table_the_rule_stands_beside_its_reason() {
        let look = Look {
            width: 100,
            ..PLAIN
        };
        let home = Some(Path::new("/home/ada"));
        let mut explained = samples::key_before_helper();
        for line in &mut explained.explanation.sources {
            line.text.push_str(", and more is said about it");
        }
        insta::assert_snapshot!(table(&explained, look, home), @"
          SOURCE     STATUS      WHY                                                                    RULE
        · auth-token unavailable `ANTHROPIC_AUTH_TOKEN` is not set, and more is said
                                 about it                                                claude-code.toml:57
        ✓ api-key    selected    `ANTHROPIC_API_KEY` is set, and more is said about it   claude-code.toml:66
        ○ helper     shadowed    `apiKeyHelper` is set in `~/.claude/settings.json`, and more is said about
                                 it                                                      claude-code.toml:76
        · login      unavailable not logged in: no `claudeAiOauth` in `~/.claude/.credentials.json`, and
                                 more is said about it                                   claude-code.toml:88
        ");
    }

    #[test]
    fn the_logins_that_are_kept_stand_below_the_table() {
        let (explained, kept) = samples::login();
        insta::assert_snapshot!(logins(&explained, &kept, PLAIN, None), @"
        login        ada@acme.test, organisation acme, ended 12 min ago, and can be
                     renewed, selected, kept in the keyring
        login        bob@other.test, organisation other, ends in 2 h, not selected,
                     kept in the keyring
        ");
    }

    #[test]
    fn nothing_but_a_long_word_is_wider_than_the_terminal() {
        for width in [60, 80, 110] {
            let look = Look { width, ..PLAIN };
            for line in text(&samples::key_before_helper(), &Kept::default(), look, None).lines() {
                assert!(
                    columns(line) <= width || !line.trim().contains(' '),
                    "{line}"
                );
            }
        }
    }
}
