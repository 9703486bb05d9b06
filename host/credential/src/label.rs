//! Names that become part of a host. What goes in is a text from a variable;
//! what comes out is whether it can be one.

/// A part of a host name: what regions and resources are made of.
pub fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}
