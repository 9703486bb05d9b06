//! What a helper printed. What goes in is its whole output; what comes out is
//! one token, or why it is none. Nothing of the output is ever quoted.

use crate::obtained::Failure;
use crate::secret::Secret;
use keyrule_contract as wit;

/// The longest token.
pub(super) const LONGEST: usize = Secret::LONGEST;

/// Takes off one final newline and checks that the rest is one token of
/// printable ASCII.
pub(super) fn token(output: &[u8]) -> Result<Secret, Failure> {
    let token = match output {
        [token @ .., b'\r', b'\n'] | [token @ .., b'\n'] => token,
        token => token,
    };
    let at = |trouble, what: &str, index: usize| {
        Failure::new(trouble, format!("{what} at byte {}", index + 1))
    };
    if token.iter().all(|byte| is_white_space(*byte)) {
        return Err(Failure::bare(wit::FailureKind::NoOutput));
    }
    if token.len() > LONGEST {
        return Err(Failure::too_long(LONGEST));
    }
    if let Some(index) = token
        .iter()
        .position(|byte| !is_printable(*byte) && !is_white_space(*byte))
    {
        let what = "not printable ASCII";
        return Err(at(wit::FailureKind::NotPrintable, what, index));
    }
    if let Some(index) = token.iter().position(|byte| is_white_space(*byte)) {
        let what = "white space";
        return Err(at(wit::FailureKind::MoreThanOneToken, what, index));
    }
    match std::str::from_utf8(token) {
        Ok(token) => Ok(Secret::new(token)),
        Err(_) => Err(Failure::bare(wit::FailureKind::NotPrintable)),
    }
}

fn is_printable(byte: u8) -> bool {
    (0x21..=0x7e).contains(&byte)
}

fn is_white_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handout;

    fn read(output: &[u8]) -> Result<String, Failure> {
        token(output).map(|token| String::from_utf8(handout::to_keep(&token).to_vec()).unwrap())
    }

    fn fails(trouble: wit::FailureKind, detail: &str) -> Result<String, Failure> {
        Err(Failure {
            trouble,
            found_in: None,
            detail: (!detail.is_empty()).then(|| detail.to_owned()),
        })
    }

    #[test]
    fn one_final_newline_is_taken_off() {
        let token = Ok("s3cr3t".to_owned());
        assert_eq!(read(b"s3cr3t"), token);
        assert_eq!(read(b"s3cr3t\n"), token);
        assert_eq!(read(b"s3cr3t\r\n"), token);
        let more = |byte| fails(wit::FailureKind::MoreThanOneToken, byte);
        assert_eq!(read(b"s3cr3t\n\n"), more("white space at byte 7"));
        assert_eq!(read(b"s3cr3t\r"), more("white space at byte 7"));
        assert_eq!(read(b"s3cr3t\r\r\n"), more("white space at byte 7"));
    }

    #[test]
    fn what_is_no_single_token_is_said_by_its_place() {
        let more = |detail| fails(wit::FailureKind::MoreThanOneToken, detail);
        let not = |detail| fails(wit::FailureKind::NotPrintable, detail);
        assert_eq!(read(b"one two\n"), more("white space at byte 4"));
        assert_eq!(read(b" one\n"), more("white space at byte 1"));
        assert_eq!(read(b"one\ntwo\n"), more("white space at byte 4"));
        assert_eq!(read(b"one\0"), not("not printable ASCII at byte 4"));
        assert_eq!(read(b"\x1b[1m one"), not("not printable ASCII at byte 1"));
        assert_eq!(
            read("caf\u{e9}".as_bytes()),
            not("not printable ASCII at byte 4")
        );
        assert_eq!(read(b"one\x7f"), not("not printable ASCII at byte 4"));
    }

    #[test]
    fn white_space_alone_is_no_output() {
        for output in [&b""[..], b"\n", b"\r\n", b"\n\n\n", b" \t\n"] {
            assert_eq!(read(output), fails(wit::FailureKind::NoOutput, ""));
        }
    }

    #[test]
    fn a_token_has_at_most_16384_bytes() {
        let mut output = vec![b'a'; LONGEST];
        output.push(b'\n');
        assert_eq!(read(&output).unwrap().len(), LONGEST);
        output.insert(0, b'a');
        let too_long = fails(wit::FailureKind::TooLong, "more than 16384 bytes");
        assert_eq!(read(&output), too_long);
    }
}
