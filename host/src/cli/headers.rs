//! `keyrule headers`: the headers that carry the credential, one `Name:
//! value` a line, or one JSON object of names and values.

use std::collections::BTreeMap;

use crate::credential::Credential;

use super::Context;
use super::args::Recorded;
use super::errors::Failure;
use super::token::held_by_the_tool;

pub(super) fn run(context: &mut Context<'_, '_>, recorded: &Recorded) -> Result<i32, Failure> {
    context.record(recorded, "headers")?;
    let mut resolver = context.resolver()?;
    let resolution = super::login::resolve(context, &mut resolver)?;
    context.output.warn_of(&resolution.explained);
    if resolution.credential.is_tool_login() {
        return Err(held_by_the_tool(
            &resolution.explained,
            &resolution.credential.source,
        ));
    }
    if context.output.json {
        context.output.document(&object(&resolution.credential))?;
    } else {
        let headers = resolution.credential.headers();
        let lines: String = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        context.output.data(&lines)?;
    }
    Ok(0)
}

/// Names and values; a header that is sent several times as the list that it
/// is then (RFC 9110, section 5.3).
pub(super) fn object(credential: &Credential) -> BTreeMap<String, String> {
    let mut object = BTreeMap::<String, String>::new();
    for (name, value) in credential.headers() {
        object
            .entry(name)
            .and_modify(|values| {
                values.push_str(", ");
                values.push_str(&value);
            })
            .or_insert(value);
    }
    object
}
