//! The user's browser. What goes in is the world around; what comes out is
//! whether one can be opened, and the browser with an address in it. `BROWSER`
//! is taken as others take it: commands between colons, the address in the
//! place of `%s` or at the end. No shell ever sees the address.

use std::process::{Command, Stdio};

use keyrule_system::environment::Ambient;

/// A browser that can be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Browser {
    /// The commands that `BROWSER` names.
    Named(String),
    /// The one that the system opens.
    System,
}

impl Browser {
    /// The browser of this session. Over SSH the system's would open on the
    /// wrong side, and without a display it could not open; what `BROWSER`
    /// names is the user's own word.
    pub(super) fn of(ambient: &Ambient) -> Option<Self> {
        let set = |name: &str| {
            ambient
                .variable(name)
                .is_some_and(|value| !value.is_empty())
        };
        if set("BROWSER") {
            let named = ambient.variable("BROWSER")?.to_str()?;
            return Some(Self::Named(named.to_owned()));
        }
        if set("SSH_CONNECTION") || set("SSH_TTY") {
            return None;
        }
        let display =
            !cfg!(all(unix, not(target_os = "macos"))) || set("DISPLAY") || set("WAYLAND_DISPLAY");
        display.then_some(Self::System)
    }

    /// Opens the address and returns whether a program could be started.
    pub(super) fn open(&self, url: &str) -> bool {
        match self {
            Self::Named(named) => commands(named, url).any(|command| start(&command)),
            Self::System => {
                let mut options = webbrowser::BrowserOptions::new();
                options.with_suppress_output(true);
                webbrowser::open_browser_with_options(webbrowser::Browser::Default, url, &options)
                    .is_ok()
            }
        }
    }
}

/// The commands that a value of `BROWSER` stands for.
fn commands(named: &str, url: &str) -> impl Iterator<Item = Vec<String>> {
    named.split(':').filter_map(move |command| {
        let mut words: Vec<_> = command
            .split_ascii_whitespace()
            .map(|word| word.replace("%s", url))
            .collect();
        if words.is_empty() {
            return None;
        }
        if !command.contains("%s") {
            words.push(url.to_owned());
        }
        Some(words)
    })
}

/// Starts a program that outlives this one, and hears no Ctrl-C that is meant
/// for this one.
fn start(words: &[String]) -> bool {
    let Some((program, arguments)) = words.split_first() else {
        return false;
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let Ok(mut child) = command.spawn() else {
        return false;
    };
    // What has ended is not left behind as a zombie.
    std::thread::spawn(move || child.wait());
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_opens_only_where_somebody_sees_it() {
        let with = |pairs: &[(&str, &str)]| {
            let ambient = pairs
                .iter()
                .fold(Ambient::empty(), |ambient, (name, value)| {
                    ambient.with_variable(*name, *value)
                });
            Browser::of(&ambient)
        };
        let named = Some(Browser::Named("w3m".to_owned()));
        assert_eq!(with(&[("BROWSER", "w3m")]), named);
        assert_eq!(with(&[("BROWSER", "w3m"), ("SSH_CONNECTION", "a")]), named);
        assert_eq!(with(&[("SSH_CONNECTION", "a"), ("DISPLAY", ":1")]), None);
        if cfg!(target_os = "linux") {
            assert_eq!(with(&[]), None);
            assert_eq!(with(&[("BROWSER", ""), ("DISPLAY", "")]), None);
            for display in ["DISPLAY", "WAYLAND_DISPLAY"] {
                assert_eq!(with(&[(display, ":1")]), Some(Browser::System));
            }
        }
    }

    #[test]
    fn the_address_is_one_word_in_its_place_or_at_the_end() {
        let url = "https://a.test/?x=1&y=$(id) ;";
        let all: Vec<_> = commands("a -u=%s -q::b", url).collect();
        assert_eq!(
            all,
            [
                vec!["a".to_owned(), format!("-u={url}"), "-q".to_owned()],
                vec!["b".to_owned(), url.to_owned()],
            ]
        );
    }

    #[test]
    fn what_cannot_be_started_is_said() {
        assert!(!Browser::Named("/does/not/exist".to_owned()).open("https://a.test"));
        assert!(!Browser::Named(" : ".to_owned()).open("https://a.test"));
    }
}
