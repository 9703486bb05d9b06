//! What programs are asked, and what they answer: one file per format. What
//! goes in is the endpoint that a credential is for, then everything that a
//! program printed; what comes out is a credential and its end, or why it is
//! none. Nothing of an answer is ever quoted.

mod token;

use zeroize::Zeroizing;

use super::{Failure, Kept};
use crate::ambient::Ambient;
use crate::engine::bindings as wit;

/// The longest answer in a format that holds more than one token.
const LONGEST: usize = 64 * 1024;

/// The longest answer.
pub(super) const fn longest(format: wit::Format) -> usize {
    match format {
        wit::Format::Token => token::LONGEST,
        _ => LONGEST,
    }
}

/// What the program is told, where it is told something.
pub(super) fn question(
    format: wit::Format,
    endpoint: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let _ = (format, endpoint);
    Ok(None)
}

/// Reads the answer.
pub(super) fn read(
    format: wit::Format,
    signing: Option<&wit::Signing>,
    output: &[u8],
    ambient: &Ambient,
) -> Result<Kept, Failure> {
    let _ = (signing, ambient);
    match format {
        wit::Format::Token => token::token(output).map(Kept::of),
        _ => Err(Failure::bare(wit::Trouble::Unsupported)),
    }
}

/// The format's name in a policy.
pub(super) const fn name(format: wit::Format) -> &'static str {
    match format {
        wit::Format::Token => "token",
        wit::Format::Headers => "headers",
        wit::Format::Bazel => "bazel",
        wit::Format::Git => "git",
        wit::Format::AwsProcess => "aws-process",
    }
}
