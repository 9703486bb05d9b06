//! What the searches ask over the network themselves, by the one client. What
//! goes in is an error of that client, or an answer that is no success; what
//! comes out is a failure in words, with the origin and nothing of a body.

use keyrule_contract as wit;
use keyrule_credential::Failure;
use keyrule_credential::material::Material;
use keyrule_credential::secret::Secret;
use keyrule_oauth::http::Error;

/// Why there is no answer, as the failure of a search.
pub(super) fn failure(error: &Error) -> Failure {
    let trouble = match error {
        Error::Setup(_) | Error::Insecure { .. } => wit::FailureKind::Invalid,
        Error::Unreachable { .. } | Error::Untrusted { .. } => wit::FailureKind::Unreachable,
        Error::NotTaken { .. } => wit::FailureKind::MalformedAnswer,
    };
    let words = match error.hint() {
        Some(hint) => format!("{error}; {hint}"),
        None => error.to_string(),
    };
    Failure::new(trouble, words)
}

/// What a status that is no success means: the other side is in trouble, or
/// it refuses.
pub(super) const fn trouble(status: u16) -> wit::FailureKind {
    match status {
        408 | 429 | 500.. => wit::FailureKind::Unreachable,
        _ => wit::FailureKind::Rejected,
    }
}

/// A token as a header carries it, with the headers that go along, or why no
/// header can.
pub(super) fn bearer(
    token: Secret,
    from: &str,
    mut along: Vec<wit::Pair>,
) -> Result<Material, Failure> {
    let malformed = |words: &str| Err(Failure::new(wit::FailureKind::MalformedAnswer, words));
    if token.is_blank() {
        return malformed(&format!("{from} answers without a token"));
    }
    let printable = keyrule_credential::handout::to_keep(&token);
    if !printable.iter().all(u8::is_ascii_graphic) {
        return malformed(&format!("{from} answers with what is no token"));
    }
    let mut headers = vec![wit::Pair {
        name: "Authorization".to_owned(),
        text: "Bearer {secret}".to_owned(),
    }];
    headers.append(&mut along);
    Ok(Material::Carried(token, headers))
}
