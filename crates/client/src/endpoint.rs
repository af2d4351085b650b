//! An engine as a user names it: its address, and what proves both ends to each other.
//!
//! The bytes are PEM texts as they lie in files; who reads the files decides which ones (`--tlscacert`,
//! `DOCKER_CERT_PATH`, a context's material). Nothing is checked before a connection is made.

use crate::host::Host;

/// Where an engine listens, and the material for TLS if it is spoken there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The address.
    pub host: Host,
    /// `None`: plain text.
    pub tls: Option<Tls>,
}

/// What TLS is spoken with; the same three files as Docker's client reads.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tls {
    /// Authorities whose certificates are trusted, PEM; `None`: those of the system.
    pub ca: Option<Vec<u8>>,
    /// The client's own certificate chain, PEM.
    pub cert: Option<Vec<u8>>,
    /// The client's own key, PEM.
    pub key: Option<Vec<u8>>,
    /// Take any certificate of the engine (`--tls` without `--tlsverify`).
    pub skip_verify: bool,
}

impl From<Host> for Endpoint {
    fn from(host: Host) -> Self {
        Self { host, tls: None }
    }
}
