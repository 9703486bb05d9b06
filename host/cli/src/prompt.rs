//! The question at a terminal. What goes in is a question without the value;
//! what comes out is an answer, or that there was none. It is asked on
//! stderr and answered on stdin, so that `$(keyrule token)` can ask; whether
//! somebody is there is the session's matter, not this module's.

use std::fmt;

use inquire::Select;
use inquire::ui::RenderConfig;

use super::output::clean;
use keyrule::consent::{Answer, Prompter, Question};

/// Asks on the terminal of this process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TerminalPrompter {
    /// Whether the question has colour.
    pub colour: bool,
}

impl Prompter for TerminalPrompter {
    fn ask(&self, question: &Question) -> Answer {
        let look = if self.colour {
            RenderConfig::default_colored()
        } else {
            RenderConfig::empty()
        };
        let choices = choices(question);
        // What was typed ahead must not approve: the last choice declines.
        let cursor = choices.len().saturating_sub(1);
        let help = help(question);
        let choice = Select::new(&message(question), choices)
            .with_starting_cursor(cursor)
            .with_help_message(&help)
            .with_render_config(look)
            .without_filtering()
            .prompt();
        // Esc, Ctrl-C and a terminal that is gone have one thing in common:
        // nobody has answered.
        choice.map_or(Answer::Cancel, |choice| choice.0)
    }
}

/// What the keys do, and what becomes of the answer.
fn help(question: &Question) -> String {
    clean(&format!(
        "the answer is remembered; change it with `keyrule consent forget {}`; \
         arrows to move, Enter to choose, Esc to leave it open",
        question.source
    ))
}

/// What may be chosen. Declining comes last, and there the cursor begins.
fn choices(question: &Question) -> Vec<Choice> {
    let mut choices = vec![Choice(Answer::Use)];
    if question.keep {
        choices.push(Choice(Answer::UseAndKeep));
    }
    choices.push(Choice(Answer::Decline));
    choices
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Choice(Answer);

impl fmt::Display for Choice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.0 {
            Answer::Use => "Use it",
            Answer::UseAndKeep => "Use it and keep it",
            Answer::Decline => "Decline",
            Answer::Cancel => "Leave it open",
        })
    }
}

/// The question in words. Descriptions, paths and origins come from elsewhere
/// and must not move the cursor.
fn message(question: &Question) -> String {
    let mut text = format!("Use `{}`", question.source);
    if !question.description.is_empty() {
        text.push_str(&format!(" ({})", question.description));
    }
    // A description often says it already.
    if let Some(found_in) = &question.found_in
        && !question.description.contains(found_in.as_str())
    {
        text.push_str(&format!(" from {found_in}"));
    }
    if let Some(origin) = &question.origin {
        text.push_str(&format!(" for {origin}"));
    }
    clean(&format!("{text}?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question() -> Question {
        Question {
            source: "api-key".to_owned(),
            description: "an API key".to_owned(),
            found_in: Some("`ANTHROPIC_API_KEY`".to_owned()),
            origin: Some("https://gw.test".to_owned()),
            keep: false,
        }
    }

    #[test]
    fn the_question_says_what_from_where_and_whereto() {
        assert_eq!(
            message(&question()),
            "Use `api-key` (an API key) from `ANTHROPIC_API_KEY` for \
             https://gw.test?"
        );
        let said = Question {
            description: "the variable `KEY`".to_owned(),
            found_in: Some("KEY".to_owned()),
            origin: None,
            ..question()
        };
        assert_eq!(message(&said), "Use `api-key` (the variable `KEY`)?");
        let bare = Question {
            description: String::new(),
            found_in: None,
            origin: None,
            ..question()
        };
        assert_eq!(message(&bare), "Use `api-key`?");
    }

    #[test]
    fn what_comes_from_elsewhere_does_not_move_the_cursor() {
        let hostile = Question {
            description: "a\u{1b}[2Jb\r\nc".to_owned(),
            ..question()
        };
        assert!(!message(&hostile).chars().any(char::is_control));
    }

    #[test]
    fn keeping_is_offered_only_where_the_policy_offers_it() {
        let words = |question: &Question| -> Vec<String> {
            choices(question).iter().map(Choice::to_string).collect()
        };
        assert_eq!(words(&question()), ["Use it", "Decline"]);
        let keep = Question {
            keep: true,
            ..question()
        };
        assert_eq!(words(&keep), ["Use it", "Use it and keep it", "Decline"]);
    }

    #[test]
    fn the_help_says_how_to_change_the_answer() {
        assert_eq!(
            help(&question()),
            "the answer is remembered; change it with `keyrule consent forget api-key`; \
             arrows to move, Enter to choose, Esc to leave it open"
        );
    }
}
