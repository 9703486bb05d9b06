//! Who is believed to be who they say, and who we say we are. What goes in
//! are files that variables name, and the certificate authorities of the
//! system; what comes out is how TLS is spoken. It speaks it with nobody.

use std::path::Path;
use std::sync::Arc;

use rustls::client::WantsClientCert;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use rustls_platform_verifier::Verifier;
use zeroize::Zeroizing;

use super::Error;
use keyrule_system::environment::Ambient;

const AUTHORITIES: &str = "KEYRULE_CA_FILE";
const CERTIFICATE: &str = "KEYRULE_CLIENT_CERTIFICATE";
const KEY: &str = "KEYRULE_CLIENT_KEY";

/// How TLS is spoken.
pub(super) struct Tls {
    /// For the client.
    pub config: ClientConfig,
    /// Whether there is no certificate authority at all: then nobody is
    /// believed.
    pub rootless: bool,
}

/// As the variables of this world want it. The cryptography is this client's
/// own: a program that takes the library keeps its choice for the process.
pub(super) fn of(ambient: &Ambient) -> Result<Tls, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::Setup("TLS is not built in".to_owned()))?;
    let (builder, rootless) = match verifier(ambient, provider)? {
        Some(verifier) => {
            let verifier = Arc::new(verifier);
            let builder = builder
                .dangerous()
                .with_custom_certificate_verifier(verifier);
            (builder, false)
        }
        // Small containers have none. Plain HTTP to this machine needs none.
        None => (builder.with_root_certificates(RootCertStore::empty()), true),
    };
    let mut config = identified(ambient, builder)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Tls { config, rootless })
}

/// For a client that never speaks it: nobody is believed, and no certificate
/// of the system is read.
pub(super) fn none() -> Result<Tls, Error> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| Error::Setup("TLS is not built in".to_owned()))?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    Ok(Tls {
        config,
        rootless: true,
    })
}

/// The system's own judgement, and more authorities from the file. Nothing is
/// taken away: who wants that changes the system's.
fn verifier(ambient: &Ambient, provider: Arc<CryptoProvider>) -> Result<Option<Verifier>, Error> {
    let Some(path) = super::set(ambient, AUTHORITIES) else {
        return Ok(Verifier::new(provider).ok());
    };
    let more = certificates(AUTHORITIES, Path::new(path))?;
    Verifier::new_with_extra_roots(more, provider)
        .map(Some)
        .map_err(|_| {
            fault(
                AUTHORITIES,
                path.as_ref(),
                "holds a certificate that cannot be used",
            )
        })
}

/// The certificate to show to who asks for one, with its key, which may be in
/// the same file.
fn identified(
    ambient: &Ambient,
    builder: ConfigBuilder<ClientConfig, WantsClientCert>,
) -> Result<ClientConfig, Error> {
    let key = super::set(ambient, KEY);
    let Some(path) = super::set(ambient, CERTIFICATE) else {
        return match key {
            None => Ok(builder.with_no_client_auth()),
            Some(_) => Err(Error::Setup(format!(
                "`{KEY}` is set without `{CERTIFICATE}`: set both, or neither"
            ))),
        };
    };
    let chain = certificates(CERTIFICATE, Path::new(path))?;
    let (variable, key_path) = match key {
        Some(key) => (KEY, Path::new(key)),
        None => (CERTIFICATE, Path::new(path)),
    };
    let pem = read(variable, key_path)?;
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        let without = "holds no private key in PEM that is not encrypted";
        fault(variable, key_path, without)
    })?;
    builder.with_client_auth_cert(chain, key).map_err(|_| {
        let other =
            format!("holds a key that cannot be used with the certificate of `{CERTIFICATE}`");
        fault(variable, key_path, &other)
    })
}

fn certificates(variable: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let pem = read(variable, path)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(fault(variable, path, "holds no certificate in PEM")),
    }
}

/// Wiped when it is dropped: one of the files holds a private key.
fn read(variable: &str, path: &Path) -> Result<Zeroizing<Vec<u8>>, Error> {
    std::fs::read(path).map(Zeroizing::new).map_err(|error| {
        let why = match error.kind() {
            std::io::ErrorKind::NotFound => "is not there",
            std::io::ErrorKind::PermissionDenied => "may not be read",
            std::io::ErrorKind::IsADirectory => "is a folder",
            _ => "cannot be read",
        };
        fault(variable, path, why)
    })
}

fn fault(variable: &str, path: &Path, why: &str) -> Error {
    Error::Setup(format!(
        "`{}`, which `{variable}` names, {why}",
        path.display()
    ))
}
