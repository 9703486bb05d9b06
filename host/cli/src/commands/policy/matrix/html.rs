//! The table as one page that needs nothing else: no script from elsewhere, no
//! font, no network. What goes in is the merged table; what comes out is the
//! page, whose content stands in it as HTML, so that it can be read, searched
//! and printed without its script, which only filters.

use std::fmt::Write as _;
use std::path::Path;

use super::Decided;
use super::data::step;
use crate::document::word;
use crate::explained::short;
use keyrule_analysis::merged::{Cell, Column, Line};
use keyrule_analysis::outcome::{among, refusal, surface};
use keyrule_contract as wit;
use keyrule_system::text::{mask, printable};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Writes the page.
pub(super) fn page(decided: &Decided, home: Option<&Path>) -> String {
    let info = &decided.loaded.info;
    let name = escape(&info.name);
    let documents: Vec<String> = info
        .documents
        .iter()
        .map(|path| format!("<code>{}</code>", escape(&short(path, home))))
        .collect();
    let mut page = String::from("<!doctype html>\n<html lang=\"en\">\n<head>\n");
    // Whatever stands in a policy, the page loads nothing and sends nothing.
    page.push_str(
        "<meta charset=\"utf-8\">\n<meta http-equiv=\"Content-Security-Policy\" \
         content=\"default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n",
    );
    let _ = write!(
        page,
        "<title>Policy {name}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>Policy <code>{name}</code></h1>\n<p>{}</p>\n\
         <p class=\"from\">{}. Sources are gone through from the top; the first line that \
         applies decides. These {} lines are all {} cases.</p>\n</header>\n",
        escape(&mask(&info.description)),
        documents.join(", restricted by "),
        decided
            .merged
            .lines
            .iter()
            .filter(|line| line.says_something())
            .count()
            + 1,
        super::text::thousands(decided.merged.cases),
    );
    page.push_str(&filters(decided));
    page.push_str(&table(decided, home));
    let _ = write!(
        page,
        "<p id=\"none\" hidden>No line is left: choose other sessions or sources.</p>\n\
         <footer><p>{}</p></footer>\n<script>\n{SCRIPT}</script>\n</body>\n</html>\n",
        legend()
    );
    page
}

/// What can be chosen.
fn filters(decided: &Decided) -> String {
    let mut text = String::from(
        "<form id=\"filters\" aria-label=\"Filters\">\n<fieldset><legend>Sessions</legend>\n",
    );
    for kind in ["terminal", "desktop", "remote", "web"] {
        let _ = writeln!(
            text,
            "<label><input type=\"checkbox\" name=\"surface\" value=\"{kind}\" checked> {kind}</label>"
        );
    }
    text.push_str(
        "</fieldset>\n<fieldset><legend>Source</legend>\n\
         <select name=\"source\" aria-label=\"Source\"><option value=\"\">every source</option>\n",
    );
    for source in &decided.loaded.sources {
        let id = escape(&source.id);
        let _ = writeln!(text, "<option value=\"{id}\">{id}</option>");
    }
    text.push_str(
        "</select></fieldset>\n<fieldset><legend>Lines</legend>\n\
         <label><input type=\"checkbox\" name=\"passed\"> also what is not there</label>\n\
         </fieldset>\n</form>\n",
    );
    text
}

fn table(decided: &Decided, home: Option<&Path>) -> String {
    let mut text = String::from(
        "<div class=\"wide\">\n<table>\n<thead><tr><th scope=\"col\">Source</th>\
         <th scope=\"col\">What is the case</th>",
    );
    for column in &decided.merged.columns {
        let _ = write!(
            text,
            "<th scope=\"col\" data-surfaces=\"{}\">{}</th>",
            surfaces(column),
            escape(&among(&column.sessions))
        );
    }
    text.push_str("</tr></thead>\n<tbody>\n");
    let mut before = None;
    for line in &decided.merged.lines {
        text.push_str(&row(decided, line, before != Some(line.source), home));
        before = Some(line.source);
    }
    text.push_str("<tr class=\"end\"><th scope=\"row\"></th><td>none of these</td>");
    for column in &decided.merged.columns {
        let why = refusal(column.ending.reason);
        let rule = column
            .ending
            .rule
            .as_ref()
            .map(|at| (at.path.clone(), at.line));
        let rules = rules(rule.as_slice(), home);
        text.push_str(&td("refuse", &surfaces(column), "refuse", why, &rules));
    }
    text.push_str("</tr>\n</tbody>\n</table>\n</div>\n");
    text
}

fn row(decided: &Decided, line: &Line, first: bool, home: Option<&Path>) -> String {
    let id = escape(decided.loaded.id(line.source));
    let description = usize::try_from(line.source)
        .ok()
        .and_then(|place| decided.loaded.sources.get(place))
        .map_or("", |source| source.description.as_str());
    let mut classes = Vec::new();
    if first {
        classes.push("first");
    }
    if !line.says_something() {
        classes.push("passed");
    }
    let mut text = format!(
        "<tr data-source=\"{id}\" class=\"{}\"><th scope=\"row\" title=\"{}\">{id}</th><td>{}</td>",
        classes.join(" "),
        escape(&mask(description)),
        escape(&line.text)
    );
    for (cell, column) in line.cells.iter().zip(&decided.merged.columns) {
        text.push_str(&self::cell(cell.as_ref(), column, home));
    }
    text.push_str("</tr>\n");
    text
}

/// A cell, with why, and the rule behind it.
fn cell(cell: Option<&Cell>, column: &Column, home: Option<&Path>) -> String {
    let surfaces = surfaces(column);
    let Some(cell) = cell.filter(|_| column.served) else {
        return format!("<td class=\"none\" data-surfaces=\"{surfaces}\"><b>not served</b></td>");
    };
    let (class, said) = match cell.effect {
        _ if cell.is_not_counted() => ("none", "does not count"),
        wit::Effect::Skip => ("next", "next source"),
        effect => (step(effect), step(effect)),
    };
    let why: Vec<String> = match cell.effect {
        wit::Effect::Refuse(reason) => vec![refusal(reason).to_owned()],
        wit::Effect::Skip => cell.reasons.iter().map(word).collect(),
        wit::Effect::Use | wit::Effect::Ask => Vec::new(),
    };
    td(
        class,
        &surfaces,
        said,
        &why.join(", "),
        &rules(&cell.rules, home),
    )
}

fn td(class: &str, surfaces: &str, said: &str, why: &str, rules: &str) -> String {
    let why = match why {
        "" => String::new(),
        why => format!("<small>{}</small>", escape(why)),
    };
    format!("<td class=\"{class}\" data-surfaces=\"{surfaces}\"><b>{said}</b>{rules}{why}</td>")
}

/// The lines of the rules, each with its file.
fn rules(rules: &[(String, u32)], home: Option<&Path>) -> String {
    rules
        .iter()
        .map(|(path, line)| {
            let name = path.rsplit(['/', '\\', ':']).next().unwrap_or(path);
            format!(
                " <code title=\"{}\">{}:{line}</code>",
                escape(&short(path, home)),
                escape(name)
            )
        })
        .collect()
}

/// The surfaces of a column, for the filter.
fn surfaces(column: &Column) -> String {
    let mut names: Vec<&str> = column
        .sessions
        .iter()
        .map(|session| surface(session.surface))
        .collect();
    names.dedup();
    names.join(" ")
}

fn legend() -> &'static str {
    "<b class=\"use\">use</b> the source is got and used; \
     <b class=\"ask\">ask</b> the user is asked about it; \
     <b class=\"refuse\">refuse</b> nothing is handed out, and nothing after it is tried; \
     <b class=\"next\">next source</b> it is passed. Below each is the reason, and the line of \
     the rule that makes it so."
}

/// Text as HTML. A policy's text is anybody's.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policys_text_stays_text() {
        assert_eq!(
            escape("<script>'&\"</script>"),
            "&lt;script&gt;&#39;&amp;&quot;&lt;/script&gt;"
        );
    }
}
