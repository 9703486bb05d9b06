//! Names the rule at a place of a policy: the source's id and the key, as
//! `api-key.consent`. A name stays where a line number moves.

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
    fn what_is_not_toml_has_no_rules() {
        assert_eq!(name("name = ", 0), None);
        assert_eq!(name("", 0), None);
    }
}
