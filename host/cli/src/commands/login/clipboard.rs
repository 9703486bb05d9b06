//! The clipboard. What goes in is an address to visit; what comes out are the
//! bytes that make a terminal copy it (OSC 52, which works over SSH too), and
//! the display's own clipboard where there is one. Nothing secret is copied.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use keyrule_system::environment::Ambient;

/// What a terminal copies when it reads this. Nobody learns whether it did.
pub(super) fn sequence(text: &str) -> String {
    format!("\x1b]52;c;{}\x07", STANDARD.encode(text))
}

/// The programs that copy what they read, as far as there is a display for
/// them. One that is not installed is no error.
pub(super) fn programs(ambient: &Ambient) -> Vec<&'static [&'static str]> {
    let set = |name: &str| {
        ambient
            .variable(name)
            .is_some_and(|value| !value.is_empty())
    };
    let mut programs: Vec<&'static [&'static str]> = Vec::new();
    if cfg!(target_os = "macos") {
        programs.push(&["pbcopy"]);
    } else if cfg!(windows) {
        programs.push(&["clip.exe"]);
    } else {
        if set("WAYLAND_DISPLAY") {
            programs.push(&["wl-copy"]);
        }
        if set("DISPLAY") {
            programs.push(&["xclip", "-selection", "clipboard"]);
        }
    }
    programs
}

/// Gives the text to the first of them that can be started.
pub(super) fn copy(programs: &[&[&str]], text: &str) {
    for program in programs {
        let Some((name, arguments)) = program.split_first() else {
            continue;
        };
        let child = Command::new(name)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = child else { continue };
        if let Some(mut input) = child.stdin.take() {
            let _ = input.write_all(text.as_bytes());
        }
        std::thread::spawn(move || child.wait());
        return;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_told_in_base64() {
        assert_eq!(
            sequence("https://a.test"),
            "\x1b]52;c;aHR0cHM6Ly9hLnRlc3Q=\x07"
        );
    }

    #[test]
    fn a_display_has_a_clipboard_of_its_own() {
        if cfg!(target_os = "linux") {
            assert!(programs(&Ambient::empty()).is_empty());
            let both = Ambient::empty()
                .with_variable("DISPLAY", ":1")
                .with_variable("WAYLAND_DISPLAY", "wayland-0");
            assert_eq!(
                programs(&both),
                [&["wl-copy"][..], &["xclip", "-selection", "clipboard"]]
            );
        }
    }
}
