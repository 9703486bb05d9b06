//! What kind of end an error is, for whoever has to make something of it that
//! has no room for words, such as an exit code.

/// The kind of an error, by what its caller can do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something failed. Try again, or mend what the words name.
    Failed,
    /// It was asked for in a wrong way. Ask otherwise.
    Usage,
    /// A rule says no, or a consent is missing. Change the rule, or ask the
    /// user.
    Refused,
    /// Nothing that would serve is there. Bring something.
    NothingUsable,
    /// A policy, or what it names, cannot be taken. Mend the file.
    Policy,
}
