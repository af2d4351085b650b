//! The certificates of `--tls` and `--tlsverify`: PEM files read into what the handshake needs.
//!
//! On disk: read only, once. Texts are Docker's (observed, dockerd 28.5).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};

/// The files of a listener with TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, with those between it and its authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// Clients must show a certificate of this authority; none: anyone may connect.
    pub authority: Option<PathBuf>,
}

/// The files cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate or its key is not there.
    #[error("Could not load X509 key pair (cert: {certificate:?}, key: {key:?}): open {}: {}", path.display(), reason(why))]
    Open {
        /// The certificate's path.
        certificate: PathBuf,
        /// The key's path.
        key: PathBuf,
        /// Which of them.
        path: PathBuf,
        /// Why; said in the text, and so no source.
        why: io::Error,
    },
    /// They are not what they should be, or do not belong together.
    #[error(
        "Error reading X509 key pair (cert: {certificate:?}, key: {key:?}): tls: {reason}. Make sure the key is not encrypted."
    )]
    Pair {
        /// The certificate's path.
        certificate: PathBuf,
        /// The key's path.
        key: PathBuf,
        /// What is wrong with them.
        reason: String,
    },
    /// The authority's certificate is not there.
    #[error("could not read CA certificate {path:?}: open {}: {}", path.display(), reason(why))]
    OpenAuthority {
        /// Where it was looked for.
        path: PathBuf,
        /// Why; said in the text, and so no source.
        why: io::Error,
    },
    /// It holds no certificate.
    #[error("failed to append certificates from PEM file: {0:?}")]
    Authority(PathBuf),
    /// The protocol's own settings contradict each other.
    #[error("tls: {0}")]
    Settings(String),
}

/// An operating system's reason without its number, as Go writes it.
fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file or directory".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// Reads the files.
///
/// # Errors
/// One is missing, damaged, encrypted, or does not belong to the others.
pub fn server_config(files: &TlsFiles) -> Result<Arc<ServerConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let (chain, key) = pair(files)?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Settings(error.to_string()))?;
    let builder = match &files.authority {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(path)?), provider)
                .build()
                .map_err(|_| TlsError::Authority(path.clone()))?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let config = builder.with_single_cert(chain, key).map_err(|error| {
        let reason = match error {
            rustls::Error::InconsistentKeys(_) => "private key does not match public key".to_owned(),
            other => other.to_string(),
        };
        wrong(files, reason)
    })?;
    Ok(Arc::new(config))
}

fn pair(files: &TlsFiles) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
    let read = |path: &Path| {
        std::fs::read(path).map_err(|why| TlsError::Open {
            certificate: files.certificate.clone(),
            key: files.key.clone(),
            path: path.to_owned(),
            why,
        })
    };
    let (certificate, key) = (read(&files.certificate)?, read(&files.key)?);
    let chain = certificates(&certificate);
    if chain.is_empty() {
        let reason = "failed to find any PEM data in certificate input";
        return Err(wrong(files, reason.to_owned()));
    }
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| {
        let reason = "failed to find PEM block with type ending in \"PRIVATE KEY\" in key input";
        wrong(files, reason.to_owned())
    })?;
    Ok((chain, key))
}

fn roots(path: &Path) -> Result<RootCertStore, TlsError> {
    let pem = std::fs::read(path).map_err(|why| TlsError::OpenAuthority {
        path: path.to_owned(),
        why,
    })?;
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(&pem));
    if added == 0 {
        return Err(TlsError::Authority(path.to_owned()));
    }
    Ok(roots)
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).map_while(Result::ok).collect()
}

fn wrong(files: &TlsFiles, reason: String) -> TlsError {
    TlsError::Pair {
        certificate: files.certificate.clone(),
        key: files.key.clone(),
        reason,
    }
}
