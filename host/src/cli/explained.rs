//! What commands ask of a decision: who wins, where it would be sent, which
//! exit code follows. What goes in is a decision with its reasons; what comes
//! out are parts of it. Nothing here decides.

use crate::error::{refusal, refusal_exit_code};
use crate::resolver::Explained;
use crate::sources::Facts;
use keyrule_contract as wit;

pub(crate) mod accounts;

pub(crate) use crate::resolver::command as command_of;

impl Explained {
    /// Every source with its explanation, in the order of the policy.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (&wit::Source, &wit::Line)> {
        let lines = &self.explanation.sources;
        lines
            .iter()
            .filter_map(|line| Some((self.source(line.source)?, line)))
    }

    /// A source's explanation, by its place.
    pub(crate) fn line(&self, source: u32) -> Option<&wit::Line> {
        let lines = &self.explanation.sources;
        lines.iter().find(|line| line.source == source)
    }

    /// A source, by its place.
    pub(crate) fn source(&self, source: u32) -> Option<&wit::Source> {
        self.sources.get(usize::try_from(source).ok()?)
    }

    /// A source's name, by its place.
    pub(crate) fn id(&self, source: u32) -> Option<&str> {
        self.source(source).map(|source| source.id.as_str())
    }

    /// What was seen of a source, by its place.
    pub(crate) fn seen(&self, source: u32) -> Option<&wit::Observation> {
        self.evidence_of(source)?.seen.as_ref()
    }

    /// What else is known of a source: where a cloud provider is asked.
    pub(crate) fn known(&self, source: u32) -> Option<&Facts> {
        self.known.get(usize::try_from(source).ok()?)
    }

    /// What is known of a source, by its place.
    pub(crate) fn evidence_of(&self, source: u32) -> Option<&wit::Evidence> {
        self.evidence.get(usize::try_from(source).ok()?)
    }

    /// Where a source's credential would be sent, and the variable that says
    /// so, if one does. None where the policy names no endpoint or the
    /// variable holds what is not one.
    pub(crate) fn destination(&self, source: u32) -> Option<(&str, Option<&str>)> {
        let endpoint = self.source(source)?.endpoint.as_ref()?;
        let seen = self.seen(source);
        match seen.map(|seen| &seen.destination) {
            None | Some(wit::Destination::Default) => {
                let mut moved = seen.into_iter().flat_map(|seen| &seen.redirections);
                if let Some(moved) = moved.find(|one| one.carries) {
                    return Some((moved.origin.as_deref()?, Some(&moved.name)));
                }
                let filled = self
                    .known(source)
                    .and_then(|known| known.endpoint.as_deref());
                Some((filled.unwrap_or(&endpoint.default), None))
            }
            Some(wit::Destination::Origin(origin)) => Some((origin, endpoint.variable.as_deref())),
            Some(wit::Destination::Malformed) => None,
        }
    }

    /// The source that the next step is about, or that is used.
    pub(crate) fn winner(&self) -> Option<u32> {
        match self.explanation.verdict {
            wit::Verdict::Look(source)
            | wit::Verdict::Ask(source)
            | wit::Verdict::Get(source)
            | wit::Verdict::Use(source) => Some(source),
            wit::Verdict::Refuse(_) | wit::Verdict::Consult => None,
        }
    }

    /// The source that status is about: the winner, or the one that a refusal
    /// names.
    pub(crate) fn subject(&self) -> Option<u32> {
        match &self.explanation.verdict {
            wit::Verdict::Refuse(refused) => refused.source,
            _ => self.winner(),
        }
    }

    /// The usable sources that another goes before, in their order.
    pub(crate) fn outranked(&self) -> impl Iterator<Item = &wit::Source> {
        self.lines()
            .filter(|(_, line)| line.standing == wit::Standing::Outranked)
            .map(|(source, _)| source)
    }

    /// The exit code of a command that only shows the decision: 0 where a
    /// credential is in use or the next step towards one is known, else the
    /// code of the refusal.
    pub(crate) fn exit_code(&self) -> i32 {
        refusal(self).map_or(0, |reason| i32::from(refusal_exit_code(reason)))
    }
}

/// A command of ours for this policy, to be typed. `claude-code` is the policy
/// that is meant where none is named.
pub(crate) fn command(explained: &Explained, words: &str) -> String {
    command_of(&explained.about.name, words)
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
