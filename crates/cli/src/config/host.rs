//! Which engine: `-H`, `CORTEN_HOST`, `DOCKER_HOST`, the context, Corten's socket, Docker's socket.

use std::env;
use std::path::Path;

use corten_client::{Host, ParseHostError};
use serde::Deserialize;

use super::file::{ConfigFile, directory};

/// Corten's own socket.
const CORTEN_SOCKET: &str = "/run/corten/corten.sock";
/// Docker's socket, used when Corten's is not there.
const DOCKER_SOCKET: &str = "/run/docker.sock";

/// What the command line says about the engine.
#[derive(Debug, Default)]
pub(crate) struct Endpoint {
    /// `-H`, the last one.
    pub(crate) host: Option<String>,
    /// `--context`.
    pub(crate) context: Option<String>,
    /// `--config`.
    pub(crate) config: Option<String>,
}

/// No engine's address could be found.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HostError {
    #[error("conflicting options: cannot specify both --host and --context")]
    Conflict,
    #[error("Failed to initialize: unable to resolve docker endpoint: {0}")]
    Parse(#[from] ParseHostError),
    #[error(
        "Failed to initialize: unable to resolve docker endpoint: context {name:?}: context not found: open {path}: no such file or directory"
    )]
    Context { name: String, path: String },
    #[error("Failed to initialize: unable to resolve docker endpoint: context {name:?}: {reason}")]
    BrokenContext { name: String, reason: String },
    #[error("Failed to initialize: {0} asks for TLS, which is not supported yet")]
    TlsVariable(&'static str),
    #[error(
        "Failed to initialize: unable to resolve docker endpoint: context {0:?} uses TLS, which is not supported yet"
    )]
    Tls(String),
}

/// Chooses by the order above. Where TLS is asked for, plain text is not sent instead.
pub(crate) fn choose(endpoint: &Endpoint) -> Result<Host, HostError> {
    let host = find(endpoint)?;
    let secured = ["DOCKER_TLS_VERIFY", "DOCKER_TLS"]
        .into_iter()
        .find(|variable| set(variable).is_some());
    match (&host, secured) {
        (Host::Tcp(..), Some(variable)) => Err(HostError::TlsVariable(variable)),
        (Host::Tcp(..) | Host::Unix(_), _) => Ok(host),
    }
}

fn find(endpoint: &Endpoint) -> Result<Host, HostError> {
    if let Some(host) = &endpoint.host {
        if endpoint.context.is_some() {
            return Err(HostError::Conflict);
        }
        return Ok(lenient(host).parse()?);
    }
    if let Some(context) = &endpoint.context {
        return from_context(context, endpoint.config.as_deref());
    }
    for variable in ["CORTEN_HOST", "DOCKER_HOST"] {
        if let Some(host) = set(variable) {
            return Ok(lenient(&host).parse()?);
        }
    }
    let context = set("DOCKER_CONTEXT").unwrap_or_else(|| ConfigFile::read(endpoint.config.as_deref()).current_context);
    if !context.is_empty() && context != "default" {
        return from_context(&context, endpoint.config.as_deref());
    }
    Ok(default_host())
}

fn default_host() -> Host {
    let path = if Path::new(CORTEN_SOCKET).exists() || !Path::new(DOCKER_SOCKET).exists() {
        CORTEN_SOCKET
    } else {
        DOCKER_SOCKET
    };
    Host::Unix(path.into())
}

fn set(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

/// `-H` may leave out the scheme: a path is a unix socket, anything else TCP.
fn lenient(text: &str) -> String {
    if text.contains("://") {
        text.to_owned()
    } else if text.starts_with('/') {
        format!("unix://{text}")
    } else {
        format!("tcp://{text}")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Meta {
    endpoints: std::collections::BTreeMap<String, MetaEndpoint>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct MetaEndpoint {
    host: String,
}

/// A context's file lies in a directory named by the digest of the context's name.
fn from_context(name: &str, config: Option<&str>) -> Result<Host, HostError> {
    if name == "default" {
        return Ok(default_host());
    }
    let digest = corten_base::Digest::of(name.as_bytes()).hex();
    let contexts = directory(config).join("contexts");
    let path = contexts.join("meta").join(&digest).join("meta.json");
    let bytes = std::fs::read(&path).map_err(|_| HostError::Context {
        name: name.to_owned(),
        path: path.display().to_string(),
    })?;
    let broken = |reason: String| HostError::BrokenContext {
        name: name.to_owned(),
        reason,
    };
    let meta: Meta = serde_json::from_slice(&bytes).map_err(|error| broken(error.to_string()))?;
    let endpoint = meta
        .endpoints
        .get("docker")
        .ok_or_else(|| broken("no docker endpoint".to_owned()))?;
    if contexts.join("tls").join(&digest).join("docker").exists() {
        return Err(HostError::Tls(name.to_owned()));
    }
    Ok(endpoint.host.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemes_may_be_left_out() {
        assert_eq!(lenient("/run/x.sock"), "unix:///run/x.sock");
        assert_eq!(lenient("10.0.0.1:2375"), "tcp://10.0.0.1:2375");
        assert_eq!(lenient("unix:///x"), "unix:///x");
    }

    #[test]
    fn contexts_are_found_by_the_digest_of_their_name() {
        let directory = std::env::temp_dir().join(format!("corten-context-{}", std::process::id()));
        let digest = corten_base::Digest::of(b"far").hex();
        let meta = directory.join("contexts/meta").join(digest);
        std::fs::create_dir_all(&meta).unwrap();
        std::fs::write(
            meta.join("meta.json"),
            r#"{"Name":"far","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://far:1","SkipTLSVerify":false}}}"#,
        )
        .unwrap();
        let config = directory.to_str().unwrap();
        let found = from_context("far", Some(config)).unwrap();
        assert!(from_context("gone", Some(config)).is_err());
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(found, Host::Tcp("far".to_owned(), 1));
    }
}
