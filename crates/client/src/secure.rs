//! TLS to an engine: whom we trust, what we show, and what a refusal is called. Texts are Docker's.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::endpoint::Tls;

/// Where distributions keep the authorities that the host trusts.
const HOST_AUTHORITIES: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// No certificate in the authority's file.
    #[error("ca.pem seems invalid")]
    Authority,
    /// Certificate and key.
    #[error("tls: {0}")]
    Pair(String),
}

/// What a handshake needs.
///
/// # Errors
/// The certificates are damaged or do not belong together.
pub fn client_config(tls: &Tls) -> Result<Arc<ClientConfig>, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| TlsError::Pair(error.to_string()))?;
    let builder = if tls.skip_verify {
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
    } else {
        builder.with_root_certificates(roots(tls)?)
    };
    let config = match (&tls.cert, &tls.key) {
        (Some(cert), Some(key)) => {
            let chain = certificates(cert);
            let key = PrivateKeyDer::from_pem_slice(key);
            let key = key.map_err(|_| TlsError::Pair("failed to find any PEM data in key input".to_owned()))?;
            if chain.is_empty() {
                return Err(TlsError::Pair(
                    "failed to find any PEM data in certificate input".to_owned(),
                ));
            }
            builder.with_client_auth_cert(chain, key).map_err(|error| {
                TlsError::Pair(match error {
                    rustls::Error::InconsistentKeys(_) => "private key does not match public key".to_owned(),
                    other => other.to_string(),
                })
            })?
        }
        _ => builder.with_no_client_auth(),
    };
    Ok(Arc::new(config))
}

fn roots(tls: &Tls) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    if let Some(ca) = &tls.ca {
        let (added, _) = roots.add_parsable_certificates(certificates(ca));
        return if added == 0 {
            Err(TlsError::Authority)
        } else {
            Ok(roots)
        };
    }
    let of_host = HOST_AUTHORITIES.iter().find_map(|path| std::fs::read(path).ok());
    roots.add_parsable_certificates(certificates(&of_host.unwrap_or_default()));
    Ok(roots)
}

fn certificates(pem: &[u8]) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem).map_while(Result::ok).collect()
}

/// A handshake's failure in Docker's words (those of Go's TLS), and what to do about it.
pub(crate) fn refusal(error: &rustls::Error) -> (String, &'static str) {
    match error {
        rustls::Error::InvalidCertificate(why) => wrong_certificate(why),
        rustls::Error::AlertReceived(alert) => alerted(*alert),
        rustls::Error::InvalidMessage(_) => (
            "http: server gave HTTP response to HTTPS client".to_owned(),
            "that port does not speak TLS; leave --tls and --tlsverify out",
        ),
        other => (format!("tls: {other}"), "check that the engine speaks TLS 1.2 or newer"),
    }
}

fn wrong_certificate(why: &CertificateError) -> (String, &'static str) {
    let verify = |why: &str| format!("tls: failed to verify certificate: x509: {why}");
    match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => (
            verify("certificate has expired or is not yet valid"),
            "the engine's certificate has to be renewed, or one of the two clocks is wrong",
        ),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            verify("certificate has expired or is not yet valid"),
            "the engine's certificate is not valid yet, or one of the two clocks is wrong",
        ),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => (
            verify("certificate is not valid for the name in the engine's address"),
            "use a name or address that the certificate lists as subjectAltName",
        ),
        CertificateError::UnknownIssuer => (
            verify("certificate signed by unknown authority"),
            "ca.pem (--tlscacert, DOCKER_CERT_PATH) must hold the authority of the engine's certificate",
        ),
        other => (verify(&other.to_string()), "check the engine's certificate"),
    }
}

fn alerted(alert: AlertDescription) -> (String, &'static str) {
    let (name, hint) = match alert {
        AlertDescription::CertificateRequired => (
            "certificate required",
            "the engine wants a client certificate: --tlscert and --tlskey, or cert.pem and key.pem in DOCKER_CERT_PATH",
        ),
        AlertDescription::UnknownCA => (
            "unknown certificate authority",
            "the engine does not trust the authority of this client certificate",
        ),
        AlertDescription::CertificateExpired => ("expired certificate", "this client certificate has expired"),
        AlertDescription::BadCertificate => ("bad certificate", "the engine refuses this client certificate"),
        AlertDescription::HandshakeFailure => (
            "handshake failure",
            "the engine wants a client certificate, or no common cipher was found",
        ),
        _ => ("", "the engine's log says why it refused"),
    };
    if name.is_empty() {
        return (format!("remote error: tls: {alert:?}"), hint);
    }
    (format!("remote error: tls: {name}"), hint)
}

/// Trusts whoever answers; signatures are still checked, so that the answer comes from the holder of the key.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
