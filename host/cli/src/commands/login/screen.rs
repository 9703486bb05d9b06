//! What a login looks like. What goes in is where to go and what was done
//! about it; what comes out is text. Addresses stand whole on lines of their
//! own, so that they can be copied; what comes from the issuer cannot move
//! the cursor.

use std::time::Duration;

use crate::output::{Look, clean, columns, wrap};
use keyrule::{Visit, Way};

/// What stands there while the user is on the way. `device` is what one does
/// for the other way to log in, such as `press d`.
pub(super) fn text(visit: &Visit, opened: bool, device: &str, look: Look) -> String {
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
                     device, {device}. To log in with {issuer} by a browser, visit:"
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

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const PLAIN: Look = Look {
        terminal: true,
        colour: false,
        unicode: false,
        width: 60,
    };

    fn visit(way: Way) -> Visit {
        Visit {
            source: "work".to_owned(),
            issuer: "https://login.test".to_owned(),
            way,
            offers_device: true,
            until: Instant::now(),
        }
    }

    fn browser(url: &str) -> Visit {
        visit(Way::Browser {
            url: url.to_owned(),
        })
    }

    #[test]
    fn an_address_stands_whole_on_a_line_of_its_own() {
        let url = format!("https://login.test/?{}", "x".repeat(200));
        for opened in [true, false] {
            let text = text(&browser(&url), opened, "press d", PLAIN);
            assert!(text.lines().any(|line| line == url), "{text}");
        }
    }

    #[test]
    fn another_device_is_proposed_where_no_browser_opens() {
        let proposed = |opened| text(&browser("https://a.test"), opened, "press d", PLAIN);
        assert!(proposed(false).contains("press d"));
        assert!(!proposed(true).contains("press d"));
    }

    #[test]
    fn the_code_is_shown_also_where_an_address_has_it() {
        let text = text(
            &visit(Way::Device {
                url: "https://a.test/device".to_owned(),
                complete: Some("https://a.test/device?c=AB-CD".to_owned()),
                code: "AB-CD".to_owned(),
            }),
            false,
            "press d",
            PLAIN,
        );
        let lines: Vec<_> = text.lines().collect();
        for line in [
            "https://a.test/device",
            "AB-CD",
            "https://a.test/device?c=AB-CD",
        ] {
            assert!(lines.contains(&line), "{text}");
        }
    }

    #[test]
    fn what_an_issuer_says_does_not_move_the_cursor() {
        let hostile = visit(Way::Device {
            url: "https://a.test/\u{1b}[2J".to_owned(),
            complete: None,
            code: "A\rB".to_owned(),
        });
        let text = text(&hostile, false, "press d", PLAIN);
        assert!(!text.replace('\n', "").chars().any(char::is_control));
    }

    #[test]
    fn a_line_that_moves_never_runs_into_the_next_one() {
        let line = status(&browser("u"), Duration::from_secs(65), 1, PLAIN);
        assert_eq!(line, "/ waiting for the browser, 1:05 left");
        assert_eq!(fit(&line, 9), "/ waiting");
        assert!(pasting(12).contains("(12 characters)"));
    }
}
