//! Names the rule at a place of a policy: the source's id and the key, as
//! `api-key.consent`. A name stays where a line number moves.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The rule that stands at this offset; `None` where the text is not TOML.
pub fn name(text: &str, offset: usize) -> Option<String> {
    let table = DeTable::parse(text).ok()?;
    let mut rules = Vec::new();
    collect(table.get_ref(), "", &mut rules);
    // The innermost that holds the offset, else the last that begins before.
    let innermost = rules
        .iter()
        .filter(|rule| rule.start <= offset && offset < rule.end)
        .min_by_key(|rule| rule.end - rule.start);
    let nearest = || {
        let before = rules.iter().filter(|rule| rule.start <= offset);
        before.max_by_key(|rule| rule.start)
    };
    let rule = innermost.or_else(nearest)?;
    Some(rule.name.clone())
}

/// Every `builtin:FILE:LINE` in a text becomes the name of the rule there:
/// lines of the policies that ship move.
///
/// # Panics
///
/// Where no such policy ships, or no rule is there.
pub fn name_lines(text: &str) -> String {
    let mut parts = text.split("builtin:");
    let mut named = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (file, rest) = part.split_once(".toml").expect("a file");
        let file = format!("{file}.toml");
        let digits = rest.strip_prefix(':').map_or(0, |rest| {
            let digits = rest.chars().take_while(char::is_ascii_digit);
            digits.count()
        });
        if digits == 0 {
            named.push_str(&format!("builtin:{file}{rest}"));
            continue;
        }
        let (line, rest) = rest[1..].split_at(digits);
        let policy = shipped(&file);
        let before = policy
            .lines()
            .take(line.parse::<usize>().expect("a line") - 1);
        let offset = before.map(|line| line.len() + 1).sum();
        named.push_str(&name(&policy, offset).expect("a rule"));
        named.push_str(rest);
    }
    named
}

/// Every `:LINE` at the end of a line becomes the name of the rule there, in
/// a text about one policy that ships.
///
/// # Panics
///
/// Where no such policy ships, or no rule is there.
pub fn name_column(file: &str, text: &str) -> String {
    let policy = shipped(file);
    let mut named = String::new();
    for line in text.lines() {
        let number = line
            .rsplit_once(" :")
            .filter(|(_, number)| number.bytes().all(|byte| byte.is_ascii_digit()));
        match number {
            Some((before, number)) => {
                let _ = writeln!(named, "{before} {}", at_line(&policy, number));
            }
            None => {
                let _ = writeln!(named, "{line}");
            }
        }
    }
    named
}

/// The rule that begins a line.
fn at_line(policy: &str, line: &str) -> String {
    let before = line.parse::<usize>().expect("a line") - 1;
    let before = policy.lines().take(before);
    let offset = before.map(|line| line.len() + 1).sum();
    name(policy, offset).expect("a rule")
}

/// The text of a policy that ships.
///
/// # Panics
///
/// Where there is none of that name.
pub fn shipped(file: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies");
    fs::read_to_string(folder.join(file)).expect("a shipped policy")
}

/// A key with its value.
struct Rule {
    name: String,
    start: usize,
    end: usize,
}

fn collect(table: &DeTable<'_>, above: &str, rules: &mut Vec<Rule>) {
    for (key, value) in table {
        let name = match key.get_ref().as_ref() {
            // What identifies a table stands for all of it.
            "id" if !above.is_empty() => above.to_owned(),
            key if above.is_empty() || above == "source" => key.to_owned(),
            key => format!("{above}.{key}"),
        };
        rules.push(Rule {
            name: name.clone(),
            start: key.span().start,
            end: value.span().end,
        });
        below(value, &name, rules);
    }
}

fn below(value: &Spanned<DeValue<'_>>, name: &str, rules: &mut Vec<Rule>) {
    match value.get_ref() {
        DeValue::Table(table) => collect(table, name, rules),
        DeValue::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                let DeValue::Table(table) = element.get_ref() else {
                    continue;
                };
                let name = match identity(table) {
                    Some(id) if name == "source" => id.to_owned(),
                    Some(id) => format!("{name}.{id}"),
                    None => format!("{name}.{}", index + 1),
                };
                rules.push(Rule {
                    name: name.clone(),
                    start: element.span().start,
                    end: element.span().end,
                });
                collect(table, &name, rules);
            }
        }
        _ => {}
    }
}

/// What a table is known by.
fn identity<'t>(table: &'t DeTable<'_>) -> Option<&'t str> {
    let named = |key: &str| table.iter().find(|(name, _)| name.get_ref() == key);
    match named("id").or_else(|| named("name"))?.1.get_ref() {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"name = "p"

[session]
surfaces = ["web"]

[[source]]
id = "key"
variable = "A_KEY"
endpoint = { default = "https://a.test", allow = [
    "https://b.test",
] }

[[issuer]]
id = "work"
scopes = ["openid"]

[exec]
clear = ["B"]
"#;

    #[test]
    fn a_rule_is_named_by_its_source_and_its_key() {
        for (text, expected) in [
            ("\"p\"", "name"),
            ("[\"web\"]", "session.surfaces"),
            ("\"key\"", "key"),
            ("[[source]]", "key"),
            ("\"A_KEY\"", "key.variable"),
            ("variable", "key.variable"),
            ("https://a", "key.endpoint.default"),
            ("https://b", "key.endpoint.allow"),
            ("\"work\"", "issuer.work"),
            ("\"openid\"", "issuer.work.scopes"),
            ("\"B\"", "exec.clear"),
        ] {
            let offset = TEXT.find(text).expect(text);
            assert_eq!(name(TEXT, offset).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn a_restriction_names_the_source_that_it_restricts() {
        let text = "[source.key]\nsurfaces = [\"web\"]\n";
        let at = |part| name(text, text.find(part).expect(part));
        assert_eq!(at("\"web\"").as_deref(), Some("key.surfaces"));
    }

    #[test]
    fn a_line_of_a_shipped_policy_becomes_its_rule() {
        let text = shipped("claude-code.toml");
        let line = text.lines().position(|line| line == "id = \"api-key\"");
        let line = line.expect("the source") + 1;
        let said = format!("(builtin:claude-code.toml:{line}) of builtin:claude-code.toml, x");
        assert_eq!(
            name_lines(&said),
            "(api-key) of builtin:claude-code.toml, x"
        );
        assert_eq!(name_lines("x.toml:3"), "x.toml:3");
        let row = format!("is there  use  :{line}\nnot :this\n");
        let named = name_column("claude-code.toml", &row);
        assert_eq!(named, "is there  use  api-key\nnot :this\n");
    }

    #[test]
    fn what_is_not_toml_has_no_rules() {
        assert_eq!(name("name = ", 0), None);
        assert_eq!(name("", 0), None);
    }
}
