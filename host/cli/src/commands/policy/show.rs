//! `keyrule policy show`: which file is the policy, which files restrict it,
//! and what is at every place where a file can be.

use std::path::Path;

use serde::Serialize;

use super::{Load, Printed};
use crate::diagnostics::{Style, render};
use crate::document::word;
use crate::errors::Failure;
use crate::explained::{at_home, short};
use crate::output::{Look, clean, columns, pad, wrap};
use keyrule::Error;
use keyrule::policy::find::Survey;
use keyrule::policy::{self, FileReport, FileState, Texts, ignored};
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Show<'s> {
    /// The policy's name.
    pub policy: &'s str,
    /// The policy's own text instead, and nothing else.
    pub text: bool,
    /// JSON instead of text.
    pub json: bool,
    /// How diagnostics look.
    pub style: Style,
}

/// Shows where a policy comes from.
pub(crate) fn show(asked: Show<'_>, ambient: &Ambient, load: Load<'_>) -> Result<Printed, Failure> {
    let name = asked.policy.parse().map_err(Error::Policy)?;
    let Survey { mut found, errors } = Survey::of(&name, ambient);
    found.reports.extend(ignored::beside(&name, ambient));
    let loaded = if errors.is_empty() {
        Some(load(asked.policy, &found.documents).map_err(Error::Engine)?)
    } else {
        None
    };
    let texts = Texts::of(&found.documents);
    let (info, diagnostics) = match loaded {
        Some(Ok(info)) => (Some(info), Vec::new()),
        Some(Err(diagnostics)) => (None, diagnostics),
        None => (None, Vec::new()),
    };
    if asked.text {
        return whole_text(info.as_ref(), &texts, diagnostics, errors);
    }
    let home = ambient.home.as_deref();
    let document = Document::of(asked.policy, info.as_ref(), &found.reports, &diagnostics);
    let failures: Vec<Failure> = errors
        .into_iter()
        .map(|error| Failure::from(Error::Policy(error)))
        .collect();
    let exit = match failures.first() {
        Some(failure) => failure.exit,
        None if diagnostics.is_empty() => 0,
        None => 5,
    };
    let warnings = info.as_ref().map_or(&[][..], |info| &info.warnings);
    let mut words = render(warnings, &texts, asked.style);
    words.push_str(&render(&diagnostics, &texts, asked.style));
    for failure in &failures {
        words.push_str(&said(failure, asked.style, home));
    }
    Ok(Printed {
        data: if asked.json {
            document.json()?
        } else {
            document.text(home)
        },
        words,
        exit,
    })
}

/// The text of the document that is the policy.
fn whole_text(
    info: Option<&wit::PolicyInfo>,
    texts: &Texts,
    diagnostics: Vec<wit::Diagnostic>,
    errors: Vec<policy::Error>,
) -> Result<Printed, Failure> {
    if let Some(error) = errors.into_iter().next() {
        return Err(Error::Policy(error).into());
    }
    let text = info
        .and_then(|info| info.documents.first())
        .and_then(|path| texts.text(path));
    match text {
        Some(text) => Ok(Printed {
            data: text.to_owned(),
            ..Printed::default()
        }),
        None => Err(Error::Policy(policy::Error::Invalid {
            diagnostics,
            texts: texts.clone(),
        })
        .into()),
    }
}

/// A failure in words: several can stand below each other.
pub(super) fn said(failure: &Failure, style: Style, home: Option<&Path>) -> String {
    let look = match style {
        Style::Plain => Look {
            terminal: false,
            colour: false,
            unicode: false,
            width: 80,
        },
        Style::Drawn {
            colour,
            unicode,
            width,
        } => Look {
            terminal: true,
            colour,
            unicode,
            width,
        },
    };
    failure.text(look, home)
}

/// What is shown.
#[derive(Debug, Serialize)]
struct Document<'d> {
    version: u32,
    policy: &'d str,
    description: Option<&'d str>,
    files: Vec<File>,
}

/// One place and what it is to the policy.
#[derive(Debug, Serialize)]
struct File {
    origin: String,
    path: String,
    state: &'static str,
    detail: Option<String>,
    role: Option<&'static str>,
}

impl<'d> Document<'d> {
    fn of(
        policy: &'d str,
        info: Option<&'d wit::PolicyInfo>,
        reports: &[FileReport],
        diagnostics: &[wit::Diagnostic],
    ) -> Self {
        let files = reports.iter().map(|report| {
            let path = report.path.to_string_lossy().into_owned();
            let rejected = diagnostics.iter().any(|found| found.location.path == path);
            let (state, detail) = match report.state.word() {
                ("read", detail) if rejected => ("invalid", detail),
                other => other,
            };
            let role = info.and_then(|info| role(info, &path, &report.state));
            File {
                origin: word(&report.place),
                path,
                state,
                detail: detail.map(str::to_owned),
                role,
            }
        });
        Self {
            version: 2,
            policy,
            description: info.map(|info| info.description.as_str()),
            files: files.collect(),
        }
    }

    fn json(&self) -> Result<String, Failure> {
        serde_json::to_string_pretty(self)
            .map(|text| format!("{text}\n"))
            .map_err(|error| Failure::unwritten(&error.into()))
    }

    /// Three columns: what it is to the policy or its state, the kind of
    /// place, and the path.
    fn text(&self, home: Option<&Path>) -> String {
        let mut text = format!("policy {}\n", clean(self.policy));
        if let Some(description) = self.description.filter(|words| !words.is_empty()) {
            for line in wrap(&clean(description), 78) {
                text.push_str(&format!("  {line}\n"));
            }
        }
        text.push('\n');
        let rows: Vec<[String; 3]> = self
            .files
            .iter()
            .map(|file| {
                let detail = file.detail.as_ref();
                let detail = detail.map(|why| format!(": {}", at_home(why, home)));
                [
                    match file.role.unwrap_or(file.state) {
                        "not-applicable" => "does not apply",
                        other => other,
                    }
                    .to_owned(),
                    file.origin.replace('-', " "),
                    clean(&format!(
                        "{}{}",
                        short(&file.path, home),
                        detail.unwrap_or_default()
                    )),
                ]
            })
            .collect();
        let width = |column: fn(&[String; 3]) -> &String| {
            rows.iter()
                .map(|row| columns(column(row)))
                .max()
                .unwrap_or(0)
        };
        let (first, second) = (width(|[cell, ..]| cell), width(|[_, cell, _]| cell));
        for [role, place, path] in &rows {
            let (role, place) = (pad(role, first), pad(place, second));
            text.push_str(&format!("  {role}  {place}  {path}\n"));
        }
        text
    }
}

/// What a document that was read is to the policy, as the engine says.
fn role(info: &wit::PolicyInfo, path: &str, state: &FileState) -> Option<&'static str> {
    if *state != FileState::Read {
        return None;
    }
    match info.documents.iter().position(|used| used == path) {
        Some(0) => Some("the policy"),
        Some(_) => Some("restricts"),
        None => Some("not used"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{Home, load};
    use super::*;

    fn asked() -> Show<'static> {
        Show {
            policy: "claude-code",
            text: false,
            json: false,
            style: Style::Plain,
        }
    }

    #[test]
    fn every_place_is_shown_with_what_it_is() {
        let home = Home::new();
        home.write(
            ".config/keyrule/claude-code.toml",
            "name = \"claude-code\"\n",
        );
        home.write("work/.keyrule/claude-code.toml", "drop = []\n");
        let shown = show(asked(), &home.ambient, &load).unwrap();
        assert_eq!(
            (
                home.short(&shown.data).as_str(),
                shown.words.as_str(),
                shown.exit
            ),
            (
                "policy claude-code\n\
                 \x20 a policy\n\
                 \n\
                 \x20 not used    builtin  builtin:claude-code.toml\n\
                 \x20 the policy  user     ~/.config/keyrule/claude-code.toml\n\
                 \x20 restricts   project  ~/work/.keyrule/claude-code.toml\n",
                "",
                0
            )
        );
    }

    #[test]
    fn json_has_the_same() {
        let home = Home::new();
        let shown = show(
            Show {
                json: true,
                ..asked()
            },
            &home.ambient,
            &load,
        )
        .unwrap();
        let shown: serde_json::Value = serde_json::from_str(&home.short(&shown.data)).unwrap();
        assert_eq!(
            shown,
            serde_json::json!({
                "version": 2,
                "policy": "claude-code",
                "description": "a policy",
                "files": [
                    {
                        "origin": "builtin",
                        "path": "builtin:claude-code.toml",
                        "state": "read",
                        "detail": null,
                        "role": "the policy"
                    },
                    {
                        "origin": "user",
                        "path": "~/.config/keyrule/claude-code.toml",
                        "state": "absent",
                        "detail": null,
                        "role": null
                    },
                    {
                        "origin": "project",
                        "path": "~/work/.keyrule/claude-code.toml",
                        "state": "absent",
                        "detail": null,
                        "role": null
                    },
                ]
            })
        );
    }

    #[test]
    fn a_broken_file_is_shown_with_the_others() {
        let home = Home::new();
        home.write(".config/keyrule/claude-code.toml", "");
        let shown = show(asked(), &home.ambient, &load).unwrap();
        assert_eq!(shown.exit, 5);
        assert!(
            home.short(&shown.data)
                .contains("empty   user     ~/.config/keyrule/claude-code.toml\n")
        );
        assert_eq!(
            home.short(&shown.words),
            "error[policy-empty]: your policy file `~/.config/keyrule/claude-code.toml` is empty\n\
             hint: write the file, or remove it: `rm ~/.config/keyrule/claude-code.toml`\n"
        );
    }

    #[test]
    fn a_file_that_the_engine_rejects_is_invalid() {
        let home = Home::new();
        home.write("work/.keyrule/claude-code.toml", "# x\nwrong = 1\n");
        let shown = show(asked(), &home.ambient, &load).unwrap();
        assert_eq!(shown.exit, 5);
        assert!(
            home.short(&shown.data).contains("invalid  project  ~/work"),
            "{}",
            shown.data
        );
        assert_eq!(
            home.short(&shown.words),
            "~/work/.keyrule/claude-code.toml:2:1: error[unknown-key]: unknown key `wrong`\n  \
               |\n2 | wrong = 1\n  | ^^^^^\n  = help: remove it\n"
        );
    }

    #[test]
    fn the_text_is_that_of_the_policy_alone() {
        let home = Home::new();
        home.write(
            ".config/keyrule/claude-code.toml",
            "name = \"claude-code\"\n",
        );
        let text = Show {
            text: true,
            ..asked()
        };
        let shown = show(text, &home.ambient, &load).unwrap();
        assert_eq!(shown.data, "name = \"claude-code\"\n");
        home.write(".config/keyrule/claude-code.toml", "wrong = 1\n");
        assert_eq!(
            show(text, &home.ambient, &load).unwrap_err().said.code,
            "policy-invalid"
        );
    }

    #[test]
    fn a_name_that_is_none_is_wrong_usage() {
        let home = Home::new();
        let asked = Show {
            policy: "../x",
            ..asked()
        };
        assert_eq!(show(asked, &home.ambient, &load).unwrap_err().exit, 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_does_not_apply_is_shown_with_the_reason() {
        let home = Home::managed();
        home.write("managed/claude-code.yaml", "x");
        home.write("managed/README", "x");
        home.write(".config/keyrule/Claude-Code.toml", "x");
        home.write("work/.keyrule/claude-code.json", "x");
        let shown = show(asked(), &home.ambient, &load).unwrap();
        let rows: Vec<String> = home
            .short(&shown.data)
            .lines()
            .filter(|line| line.contains("does not apply"))
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(
            rows,
            [
                "does not apply managed ~/managed/README: its name does not end in `.toml`",
                "does not apply managed ~/managed/claude-code.yaml: its name does not end in \
                 `.toml`",
                "does not apply user ~/.config/keyrule/Claude-Code.toml: its name must be \
                 `claude-code.toml`",
                "does not apply project ~/work/.keyrule/claude-code.json: its name must be \
                 `claude-code.toml`",
            ]
        );
        assert_eq!((shown.words.as_str(), shown.exit), ("", 0));
    }
}
