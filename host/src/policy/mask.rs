//! Masks.

/// Replaces what would move a terminal's cursor or change its colours.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if character.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            }
        })
        .collect()
}

pub(crate) fn mask(text: &str) -> String {
    text.to_owned()
}
