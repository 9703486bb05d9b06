//! To be written.

/// Asks the user whether a source may be used.
pub trait Prompter: Send + Sync + std::fmt::Debug {
    /// Asks. The question carries no secret.
    fn ask(&self, question: &Question) -> Answer;
}

/// What the user is asked.
#[derive(Debug, Clone)]
pub struct Question {
    /// The source's id.
    pub source: String,
    /// What it is, for people.
    pub description: String,
    /// Where it was found.
    pub found_in: Option<String>,
    /// Where it would be sent: scheme, host and port.
    pub origin: Option<String>,
    /// Whether keeping it in our own store is offered.
    pub keep: bool,
}

/// What the user answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Use it, and remember that.
    Use,
    /// Use it, remember that, and keep it in our own store.
    UseAndKeep,
    /// Do not use it, and remember that.
    Decline,
    /// No answer: nothing is remembered, nothing handed out.
    Cancel,
}
