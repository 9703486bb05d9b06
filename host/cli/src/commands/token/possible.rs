//! What a credential can be printed as. What goes in is a credential and a
//! form; what comes out is the credential again, or an error that says what it
//! is and which forms fit it.

use keyrule::resolver::Resolution;
use keyrule_credential::credential::Credential;

use super::held_by_the_tool;
use crate::args::Format;
use crate::errors::Failure;

/// What a credential is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One text.
    Token,
    /// Headers that a helper says itself.
    Headers,
    /// An AWS access key.
    Key,
    /// Nothing is sent.
    Nothing,
}

impl Kind {
    fn of(credential: &Credential) -> Self {
        if credential.is_nothing() {
            Self::Nothing
        } else if credential.signs() {
            Self::Key
        } else if credential.token().is_some() {
            Self::Token
        } else {
            Self::Headers
        }
    }

    const fn fits(self, format: Format) -> bool {
        match format {
            Format::Headers | Format::Bazel => !matches!(self, Self::Key),
            Format::AwsProcess => matches!(self, Self::Key),
            Format::Bare | Format::Json | Format::Kubernetes => matches!(self, Self::Token),
            // Headers can be a credential with its scheme.
            Format::Git => matches!(self, Self::Token | Self::Headers),
        }
    }
}

/// The credential, if it can be printed so.
pub(super) fn check(resolution: &Resolution, format: Format) -> Result<&Credential, Failure> {
    let credential = &resolution.credential;
    if credential.is_tool_login() {
        return Err(held_by_the_tool(&resolution.explained, &credential.source));
    }
    let kind = Kind::of(credential);
    if kind.fits(format) {
        return Ok(credential);
    }
    Err(not_possible(&credential.source, kind, format))
}

/// The error where headers are there, and not the one that is wanted.
pub(super) fn no_scheme(source: &str) -> Failure {
    not_possible(source, Kind::Headers, Format::Git)
}

fn not_possible(source: &str, kind: Kind, format: Format) -> Failure {
    let (is, hint) = match kind {
        Kind::Token => (
            "is a token, and no AWS access key",
            "`--format bare` prints it; for an AWS access key the policy needs a source that brings one",
        ),
        Kind::Headers => (
            "is headers that its helper says, and no token",
            "`--format headers` and `--format bazel` print them",
        ),
        Kind::Key => (
            "is an AWS access key, which signs requests and is never sent",
            "`--format aws-process` prints it; `keyrule headers --url URL` signs a request with it",
        ),
        Kind::Nothing => {
            let message = format!("`{source}` sends nothing: somebody on the way authenticates");
            return Failure::new("nothing-is-sent", 4, message).hint(
                "send the request as it is; `keyrule explain` says which variable makes it so",
            );
        }
    };
    let word = format.word();
    let message = format!("`{source}` {is}: it cannot be printed as `{word}`");
    Failure::new("format-not-possible", 4, message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::token::samples;
    use keyrule_credential::material::Material;

    const ALL: [Format; 7] = [
        Format::Bare,
        Format::Json,
        Format::Headers,
        Format::AwsProcess,
        Format::Bazel,
        Format::Kubernetes,
        Format::Git,
    ];

    fn fitting(material: Option<Material>) -> Vec<String> {
        let resolution = samples::resolution(material);
        ALL.into_iter()
            .filter(|format| match check(&resolution, *format) {
                Ok(_) => true,
                Err(failure) => {
                    assert_eq!(failure.exit, 4);
                    let said = format!("{:?}", failure.said);
                    assert!(!said.contains("s3cr3t"), "{said}");
                    false
                }
            })
            .map(Format::word)
            .collect()
    }

    #[test]
    fn each_kind_of_credential_has_forms_that_fit() {
        assert_eq!(
            fitting(Some(samples::token())),
            ["bare", "json", "headers", "bazel", "kubernetes", "git"]
        );
        assert_eq!(fitting(Some(samples::key())), ["aws-process"]);
        assert_eq!(
            fitting(Some(samples::headers())),
            ["headers", "bazel", "git"]
        );
        assert_eq!(fitting(Some(Material::Nothing)), ["headers", "bazel"]);
        assert!(fitting(None).is_empty());
    }

    #[test]
    fn the_error_says_what_it_is_and_what_fits() {
        let said = |material, format| {
            let failure = check(&samples::resolution(Some(material)), format).unwrap_err();
            let said = failure.said;
            format!("{}: {}; {}", said.code, said.message, said.hint.unwrap())
        };
        assert_eq!(
            said(samples::key(), Format::Bare),
            "format-not-possible: `sample` is an AWS access key, which signs requests and is never sent: it cannot be printed as `bare`; `--format aws-process` prints it; `keyrule headers --url URL` signs a request with it"
        );
        assert_eq!(
            said(samples::token(), Format::AwsProcess),
            "format-not-possible: `sample` is a token, and no AWS access key: it cannot be printed as `aws-process`; `--format bare` prints it; for an AWS access key the policy needs a source that brings one"
        );
        assert_eq!(
            said(Material::Nothing, Format::Git),
            "nothing-is-sent: `sample` sends nothing: somebody on the way authenticates; send the request as it is; `keyrule explain` says which variable makes it so"
        );
    }
}
