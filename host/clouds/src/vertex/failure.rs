//! Why the crate brings no token. What goes in is its error; what comes out
//! is a failure with the origin that was asked. The error's own text is never
//! taken: it has the whole answer in it.

use std::error::Error;

use google_cloud_auth::errors::CredentialsError;

use super::super::network;
use super::file::Found;
use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_oauth::http::origin;

/// Whether the crate's own client can be made. Where it cannot, because the
/// system has no certificate authorities, the crate would panic.
pub(super) fn ready() -> Result<(), Failure> {
    reqwest::Client::builder().build().map(drop).map_err(|_| {
        let words = "there are no certificate authorities of the system: install the package \
                     `ca-certificates`, or set `SSL_CERT_FILE` to a PEM file of authorities";
        Failure::new(wit::FailureKind::Unreachable, words)
    })
}

/// The error, as the failure of a search.
pub(super) fn told(error: &CredentialsError, found: &Found) -> Failure {
    let Some(request) = find::<reqwest::Error>(error) else {
        let words = "Google answers with what is no token";
        return Failure::new(wit::FailureKind::MalformedAnswer, words);
    };
    let asked = request
        .url()
        .map_or_else(|| "Google".to_owned(), |url| format!("`{}`", origin(url)));
    if let Some(status) = request.status() {
        return refused(error, &asked, status.as_u16(), found);
    }
    if request.is_decode() || request.is_body() {
        let words = format!("{asked} answers with what is no token");
        return Failure::new(wit::FailureKind::MalformedAnswer, words);
    }
    let words = match find::<rustls::Error>(request) {
        Some(_) => format!(
            "{asked} cannot be trusted by the certificate authorities of the system, or of \
             `SSL_CERT_FILE`"
        ),
        None => format!("{asked} cannot be reached"),
    };
    Failure::new(wit::FailureKind::Unreachable, words)
}

fn refused(error: &CredentialsError, asked: &str, status: u16, found: &Found) -> Failure {
    let is_invalid = says(error, "invalid_grant");
    match network::trouble(status) {
        wit::FailureKind::Rejected if is_invalid => {
            // A user's login has ended; of others it is the token that the
            // file leads to.
            let trouble = match found.is("authorized_user") {
                true => wit::FailureKind::Expired,
                false => wit::FailureKind::Rejected,
            };
            let words = format!("{asked} refuses it (`invalid_grant`)");
            Failure::new(trouble, words).in_place(found.path.display().to_string())
        }
        trouble => Failure::new(trouble, format!("{asked} answers with the status {status}")),
    }
}

/// Whether an error or one of its causes has this word in it.
fn says(error: &CredentialsError, word: &str) -> bool {
    causes(error).any(|cause| cause.to_string().contains(word))
}

fn find<'e, E: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e E> {
    causes(error).find_map(<dyn Error>::downcast_ref)
}

fn causes<'e>(error: &'e (dyn Error + 'static)) -> Causes<'e> {
    Causes(Some(error))
}

/// An error, and what caused it, and so on.
struct Causes<'e>(Option<&'e (dyn Error + 'static)>);

impl<'e> Iterator for Causes<'e> {
    type Item = &'e (dyn Error + 'static);

    fn next(&mut self) -> Option<Self::Item> {
        let error = self.0?;
        self.0 = error.source();
        Some(error)
    }
}
