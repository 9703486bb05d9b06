//! What programs are asked, and what they answer: one file per format. What
//! goes in is the endpoint that a credential is for, then everything that a
//! program printed; what comes out is a credential and its end, or why it is
//! none. Nothing of an answer is ever quoted: only names that this program
//! knows itself, and places.

mod aws_process;
mod bazel;
mod git;
mod headers;
mod json;
mod moment;
mod token;

use zeroize::Zeroizing;

pub use self::aws_process::masked;
use crate::obtained::{Failure, Kept};
use keyrule_contract as wit;
use keyrule_system::environment::Ambient;

/// The longest answer in a format that holds more than one token.
const LONGEST: usize = 64 * 1024;

/// The longest answer.
pub const fn longest(format: wit::Format) -> usize {
    match format {
        wit::Format::Token => token::LONGEST,
        _ => LONGEST,
    }
}

/// What the program is told, where it is told something.
pub fn question(
    format: wit::Format,
    endpoint: &str,
) -> Result<Option<Zeroizing<Vec<u8>>>, Failure> {
    let told = match format {
        wit::Format::Token | wit::Format::Headers | wit::Format::AwsProcess => return Ok(None),
        wit::Format::Bazel => bazel::question(endpoint),
        wit::Format::Git => git::question(endpoint)?,
    };
    Ok(Some(Zeroizing::new(told.into_bytes())))
}

/// Reads the answer. Where the program was told an endpoint, the answer must
/// not be about another one.
pub fn read(
    format: wit::Format,
    signing: Option<&wit::Signing>,
    endpoint: Option<&str>,
    output: &[u8],
    ambient: &Ambient,
) -> Result<Kept, Failure> {
    match format {
        wit::Format::Token => token::token(output).map(Kept::of),
        wit::Format::Headers => headers::read(output),
        wit::Format::Bazel => bazel::read(output),
        wit::Format::Git => git::read(endpoint, output),
        wit::Format::AwsProcess => aws_process::read(signing, output, ambient),
    }
}

/// The format's name in a policy.
pub const fn name(format: wit::Format) -> &'static str {
    match format {
        wit::Format::Token => "token",
        wit::Format::Headers => "headers",
        wit::Format::Bazel => "bazel",
        wit::Format::Git => "git",
        wit::Format::AwsProcess => "aws-process",
    }
}

/// The failure to be in the format. The words follow the format's name, which
/// itself follows "is not".
fn malformed(form: &str, what: impl std::fmt::Display) -> Failure {
    Failure::new(wit::FailureKind::MalformedAnswer, format!("{form}: {what}"))
}
