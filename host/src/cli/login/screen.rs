//! What a login looks like. What goes in is where to go and what was done
//! about it; what comes out is text. Addresses stand whole on lines of their
//! own, so that they can be copied; what comes from the issuer cannot move
//! the cursor.

use std::time::Duration;

use crate::cli::output::{Look, clean, columns, wrap};
use crate::login::{Visit, Way};

/// What stands there while the user is on the way.
pub(super) fn text(visit: &Visit, opened: bool, look: Look) -> String {
    let source = clean(&visit.source);
    let issuer = clean(&visit.issuer);
    match &visit.way {
        Way::Browser { url } => {
            let first = if opened {
                format!(
                    "Opening your browser to log in to `{source}` with {issuer}. If it does not \
                     open, visit:"
                )
            } else if visit.offers_device {
                format!(
                    "No browser is opened here. To log in to `{source}` with a code on another \
                     device, press d (or use `--device`). To log in with {issuer} by a browser, \
                     visit:"
                )
            } else {
                format!("To log in to `{source}` with {issuer}, visit:")
            };
            format!("{}\n{}\n", paragraph(&first, look), look.bold(&clean(url)))
        }
        Way::Device {
            url,
            complete,
            code,
        } => {
            let first = format!("To log in to `{source}` with {issuer}, visit on any device:");
            let mut text = format!("{}\n{}\n", paragraph(&first, look), clean(url));
            text.push_str(&format!(
                "and enter this code:\n{}\n",
                look.bold(&clean(code))
            ));
            if let Some(complete) = complete {
                let other = "Or visit this, and compare the code with the one above:";
                text.push_str(&format!(
                    "{}\n{}\n",
                    paragraph(other, look),
                    clean(complete)
                ));
            }
            text
        }
    }
}

/// What the keys do.
pub(super) fn keys(visit: &Visit, look: Look) -> String {
    let mut keys = vec!["c copies the address"];
    if let Way::Browser { .. } = visit.way {
        keys.push("p takes the address that the browser ended at");
        if visit.offers_device {
            keys.push("d logs in on another device");
        }
    }
    keys.push("Esc leaves");
    let lines = wrap(&keys.join(", "), look.width.saturating_sub(2));
    let lines: Vec<_> = lines.iter().map(|line| look.dim(line)).collect();
    lines.join("\n") + "\n"
}

/// The one line that moves.
pub(super) fn status(visit: &Visit, left: Duration, turn: usize, look: Look) -> String {
    let seconds = left.as_secs();
    let frames: &[&str] = if look.unicode {
        &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"]
    } else {
        &["|", "/", "-", "\\"]
    };
    let frame = frames
        .get(turn % frames.len().max(1))
        .copied()
        .unwrap_or("-");
    let what = match visit.way {
        Way::Browser { .. } => "the browser",
        Way::Device { .. } => "the other device",
    };
    format!(
        "{frame} waiting for {what}, {}:{:02} left",
        seconds / 60,
        seconds % 60
    )
}

/// The line while something is being pasted; it is never shown.
pub(super) fn pasting(characters: usize) -> String {
    let so_far = match characters {
        0 => String::new(),
        1 => " (1 character)".to_owned(),
        _ => format!(" ({characters} characters)"),
    };
    format!("paste the address, then Enter; it is not shown, Esc goes back{so_far}")
}

/// A line that does not run into the next one.
pub(super) fn fit(line: &str, width: usize) -> String {
    if columns(line) <= width {
        return line.to_owned();
    }
    line.chars().take(width).collect()
}

fn paragraph(words: &str, look: Look) -> String {
    if !look.terminal {
        return words.to_owned();
    }
    wrap(words, look.width.saturating_sub(2)).join("\n")
}
