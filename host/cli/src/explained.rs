//! What commands ask of a decision: who wins, where it would be sent, which
//! exit code follows. What goes in is a decision with its reasons; what comes
//! out are parts of it. Nothing here decides.

use keyrule::resolver::Explained;
use keyrule_contract as wit;

pub(crate) mod accounts;

pub(crate) use keyrule::resolver::command as command_of;

/// A command of ours for this policy, to be typed. `claude-code` is the policy
/// that is meant where none is named.
pub(crate) fn command(explained: &Explained, words: &str) -> String {
    command_of(&explained.info.name, words)
}

/// A rule's place as `file:line`, with the home folder as `~`.
pub(crate) fn place(at: &wit::Location, home: Option<&std::path::Path>) -> String {
    format!("{}:{}", short(&at.path, home), at.line)
}

/// A path with the home folder as `~`.
pub(crate) fn short(path: &str, home: Option<&std::path::Path>) -> String {
    home.and_then(|home| std::path::Path::new(path).strip_prefix(home).ok())
        .map_or_else(
            || path.to_owned(),
            |rest| format!("~{}{}", std::path::MAIN_SEPARATOR, rest.display()),
        )
}

/// Words with the home folder as `~` in every path that begins a word or a
/// quotation in backticks: where a shell expands it too. What stands in a
/// shell's quotes stays as it is.
pub(crate) fn at_home(words: &str, home: Option<&std::path::Path>) -> String {
    let separator = std::path::MAIN_SEPARATOR;
    match home.and_then(std::path::Path::to_str) {
        Some(home) if home.len() > 1 => {
            let mut words = words.to_owned();
            for before in ['`', ' '] {
                words = words.replace(
                    &format!("{before}{home}{separator}"),
                    &format!("{before}~{separator}"),
                );
            }
            match words.strip_prefix(&format!("{home}{separator}")) {
                Some(rest) => format!("~{separator}{rest}"),
                None => words,
            }
        }
        _ => words.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_path_below_home_is_short() {
        let home = Some(Path::new("/home/ada"));
        assert_eq!(short("/home/ada/x/y.toml", home), "~/x/y.toml");
        assert_eq!(short("/home/adam/y.toml", home), "/home/adam/y.toml");
        assert_eq!(short("claude-code.toml", home), "claude-code.toml");
        assert_eq!(short("/home/ada/y.toml", None), "/home/ada/y.toml");
    }

    #[test]
    fn quoted_paths_below_home_are_short() {
        let home = Some(Path::new("/home/ada"));
        assert_eq!(
            at_home("`x` in `/home/ada/y`, not `/home/adam/y`", home),
            "`x` in `~/y`, not `/home/adam/y`"
        );
    }

    #[test]
    fn a_command_has_a_tilde_only_where_a_shell_expands_it() {
        let home = Some(Path::new("/home/ada"));
        for (words, short) in [
            ("chmod +x /home/ada/t", "chmod +x ~/t"),
            ("chmod +x '/home/ada/a b'", "chmod +x '/home/ada/a b'"),
            (
                "/home/ada/x.toml: a valid policy",
                "~/x.toml: a valid policy",
            ),
        ] {
            assert_eq!(at_home(words, home), short);
        }
    }
}
