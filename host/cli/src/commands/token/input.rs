//! The question of a protocol that asks on stdin. What goes in is the stream;
//! what comes out is everything up to its end, if that is not too much. Who
//! asks has to close it: a tool can take its time.

use std::io::Read;

use crate::errors::{Failure, os_words};

/// The longest question: a URL, and what a tool says besides.
const LONGEST: u64 = 64 * 1024;

/// Reads the question of this protocol.
pub(super) fn read(input: impl Read, protocol: &str) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = input.take(LONGEST + 1).read_to_end(&mut bytes);
    if let Err(error) = read {
        let mut failure = wrong(protocol, "cannot be read");
        failure.said.causes.push(os_words(&error));
        return Err(failure);
    }
    if bytes.len() as u64 > LONGEST {
        return Err(wrong(protocol, &format!("has more than {LONGEST} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| wrong(protocol, "is not UTF-8"))
}

/// The failure to be a question of this protocol.
pub(super) fn wrong(protocol: &str, what: &str) -> Failure {
    let message = format!("the question on stdin {what}");
    Failure::new("protocol-input", 1, message).hint(format!(
        "`--format {protocol}` is for the tool to call; `keyrule token` without it prints the token"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(input: &[u8]) -> String {
        read(input, "bazel").unwrap_err().said.message
    }

    #[test]
    fn a_question_is_read_to_its_end_and_no_further_than_64_kib() {
        assert_eq!(read(&b"a\nb"[..], "git").unwrap(), "a\nb");
        let whole = vec![b'a'; 64 * 1024];
        assert_eq!(read(&whole[..], "git").unwrap().len(), 64 * 1024);
        assert_eq!(
            read(std::io::repeat(b'a'), "git").unwrap_err().said.message,
            "the question on stdin has more than 65536 bytes"
        );
        assert_eq!(message(b"s3cr3t\xff"), "the question on stdin is not UTF-8");
    }
}
