//! Signatures by AWS (SigV4). What goes in is a request; what comes out are
//! the headers to send with it. The key itself does not leave: it signs, and a
//! request that would go anywhere but to the credential's own endpoint is
//! refused, because secret, header and destination belong together.

use std::time::SystemTime;

use crate::credential::Credential;
use crate::endpoint;

/// A request, as far as a signature is about it.
#[derive(Clone, Copy)]
pub struct Request<'r> {
    /// The method, such as `POST`.
    pub method: &'r str,
    /// The whole URL that it will be sent to, encoded as it will be sent.
    pub url: &'r str,
    /// Headers that are signed too, beside `host` and those that are added.
    pub headers: &'r [(&'r str, &'r str)],
    /// The whole body.
    pub body: &'r [u8],
}

/// Why there is no signature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The credential is sent, and does not sign: take its headers.
    #[error("the credential of `{source_id}` is sent with a request, and does not sign it")]
    NotAKey {
        /// The credential's source.
        source_id: String,
    },
    /// The URL is not one, or is not that of a web server.
    #[error("the URL is no `http` or `https` URL of a server without a user in it")]
    Url,
    /// The request would go elsewhere than the credential may.
    #[error(
        "the credential of `{source_id}` is for `{endpoint}`, and the URL is one of `{origin}`"
    )]
    Elsewhere {
        /// The credential's source.
        source_id: String,
        /// Where it may go: scheme, host and port.
        endpoint: String,
        /// Where the request would go: scheme, host and port.
        origin: String,
    },
    /// Nobody has said the region or the service that a signature names.
    #[error("the credential of `{source_id}` names no {what}, which a signature needs")]
    Unplaced {
        /// The credential's source.
        source_id: String,
        /// What is missing.
        what: &'static str,
    },
    /// The method or a header is not one.
    #[error("the request cannot be signed: its method or one of its headers is not valid")]
    Request,
    /// This build has no provider that signs.
    #[error("this build signs nothing: it was made without the feature `bedrock`")]
    Unsupported,
}

impl SignError {
    /// A stable name for this kind of error.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAKey { .. } => "sign-not-a-key",
            Self::Url => "sign-url",
            Self::Elsewhere { .. } => "sign-elsewhere",
            Self::Unplaced { .. } => "sign-unplaced",
            Self::Request => "sign-request",
            Self::Unsupported => "sign-unsupported",
        }
    }
}

impl Credential {
    /// Signs the request, now: the headers to add to it, `authorization` and
    /// those that it names.
    ///
    /// # Errors
    ///
    /// Where the credential is no key that signs, or the request would go
    /// elsewhere than the credential may.
    pub fn sign(&self, request: &Request<'_>) -> Result<Vec<(String, String)>, SignError> {
        self.sign_at(request, SystemTime::now())
    }

    /// The same, at a time: what a signature says is good for minutes.
    ///
    /// # Errors
    ///
    /// As [`Credential::sign`].
    pub fn sign_at(
        &self,
        request: &Request<'_>,
        time: SystemTime,
    ) -> Result<Vec<(String, String)>, SignError> {
        if !self.signs() {
            return Err(SignError::NotAKey {
                source_id: self.source.clone(),
            });
        }
        self.check_destination(request.url)?;
        // RFC 9110, section 9.1: a method is a token.
        let is_method =
            |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if request.method.is_empty() || !request.method.bytes().all(is_method) {
            return Err(SignError::Request);
        }
        self.signature(request, time)
    }

    /// Whether a request to this URL may carry this credential: it has the
    /// origin of the credential's endpoint. A credential without an endpoint
    /// may go nowhere by itself.
    ///
    /// # Errors
    ///
    /// Where it may not.
    pub fn check_destination(&self, url: &str) -> Result<(), SignError> {
        // Whoever sends the request reads the URL with a parser of his own: one
        // that two parsers can read in two ways is none.
        let origin = endpoint::origin(url).map_err(|_| SignError::Url)?;
        let permitted = self.endpoint.as_deref();
        let permitted = permitted.and_then(|endpoint| endpoint::origin(endpoint).ok());
        if permitted.as_ref() == Some(&origin) {
            return Ok(());
        }
        Err(SignError::Elsewhere {
            source_id: self.source.clone(),
            endpoint: permitted.unwrap_or_else(|| "nowhere".to_owned()),
            origin,
        })
    }

    #[cfg(not(feature = "bedrock"))]
    fn signature(
        &self,
        _: &Request<'_>,
        _: SystemTime,
    ) -> Result<Vec<(String, String)>, SignError> {
        Err(SignError::Unsupported)
    }

    #[cfg(feature = "bedrock")]
    fn signature(
        &self,
        request: &Request<'_>,
        time: SystemTime,
    ) -> Result<Vec<(String, String)>, SignError> {
        use crate::material::Material;
        let Some(Material::Keys(keys)) = &self.material else {
            return Err(SignError::NotAKey {
                source_id: self.source.clone(),
            });
        };
        let unplaced = |what| SignError::Unplaced {
            source_id: self.source.clone(),
            what,
        };
        let region = keys.region.as_deref().ok_or_else(|| unplaced("region"))?;
        if keys.service.is_empty() {
            return Err(unplaced("service"));
        }
        v4::headers(keys, region, request, time).ok_or(SignError::Request)
    }
}

#[cfg(feature = "bedrock")]
mod v4 {
    use std::time::SystemTime;

    use aws_credential_types::Credentials;
    use aws_sigv4::http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    };
    use aws_sigv4::sign::v4;

    use super::Request;
    use crate::material::Keys;
    use crate::secret::Secret;

    /// The service that wants its own rules.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
    const STORAGE: &str = "s3";

    pub(super) fn headers(
        keys: &Keys,
        region: &str,
        request: &Request<'_>,
        time: SystemTime,
    ) -> Option<Vec<(String, String)>> {
        let identity = Credentials::new(
            keys.id.as_str(),
            keys.secret.expose(),
            keys.session.as_ref().map(Secret::expose).map(str::to_owned),
            None,
            "keyrule",
        )
        .into();
        let mut settings = SigningSettings::default();
        if keys.service == STORAGE {
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        }
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(region)
            .name(&keys.service)
            .time(time)
            .settings(settings)
            .build()
            .ok()?
            .into();
        let request = SignableRequest::new(
            request.method,
            request.url,
            request.headers.iter().copied(),
            SignableBody::Bytes(request.body),
        );
        let (instructions, _) = sign(request.ok()?, &parameters).ok()?.into_parts();
        let headers = instructions.headers();
        Some(
            headers
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        )
    }
}

/// Prints neither headers nor body, which can hold a secret, nor a query.
impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Request")
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

#[cfg(all(test, feature = "bedrock"))]
mod tests;
