//! Which engine: `-H`, `--context`, `CORTEN_HOST`, `DOCKER_HOST`, `DOCKER_CONTEXT`, the chosen context,
//! Corten's socket, Docker's socket, in this order.

use std::env;
use std::path::Path;

use corten_client::{Endpoint, Host, ParseHostError};

use super::file::directory;
use super::globals::Globals;
use crate::context::{self, ContextError, Store};

/// Corten's own socket.
const CORTEN_SOCKET: &str = "/run/corten/corten.sock";
/// Docker's socket, used when Corten's is not there.
const DOCKER_SOCKET: &str = "/run/docker.sock";

/// No engine's address could be found. The texts are Docker's.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EndpointError {
    #[error("conflicting options: cannot specify both --host and --context")]
    Conflict,
    #[error("Failed to initialize: protocol not available")]
    Protocol,
    #[error("Failed to initialize: {0}")]
    Address(ParseHostError),
    #[error("Failed to initialize: unable to resolve docker endpoint: {0}")]
    Parse(ParseHostError),
    #[error("Failed to initialize: unable to resolve docker endpoint: {0}")]
    Context(#[from] ContextError),
    #[error("Failed to initialize: unable to resolve docker endpoint: {0}")]
    Material(String),
}

impl From<ParseHostError> for EndpointError {
    /// Docker's client finds some faults before it resolves anything.
    fn from(error: ParseHostError) -> Self {
        match error {
            ParseHostError::NoScheme(_) | ParseHostError::Ssh(_) => Self::Address(error),
            ParseHostError::Scheme(_) | ParseHostError::Unknown(_) | ParseHostError::Port(..) => Self::Parse(error),
        }
    }
}

/// The engine's address and material. Where TLS is asked for, plain text is not sent instead.
pub(crate) fn choose(globals: &Globals) -> Result<Endpoint, EndpointError> {
    if globals.host.is_some() && globals.context.is_some() {
        return Err(EndpointError::Conflict);
    }
    match context_name(globals).as_str() {
        context::DEFAULT => from_default(globals),
        name => {
            let store = Store::new(&directory(globals.config.as_deref()));
            let engine = store.engine(name)?;
            let address = match engine.host.as_str() {
                "" => default_address(),
                given => given.to_owned(),
            };
            Ok(Endpoint {
                host: Host::parse_for(&address, engine.tls.is_some())?,
                tls: engine.tls,
            })
        }
    }
}

/// The name of the context in use.
pub(crate) fn context_name(globals: &Globals) -> String {
    if let Some(name) = &globals.context {
        return name.clone();
    }
    if globals.host.is_some() || host_variable().is_some() {
        return context::DEFAULT.to_owned();
    }
    let chosen = set("DOCKER_CONTEXT").unwrap_or_else(|| globals.file().current_context.clone());
    match chosen.is_empty() {
        true => context::DEFAULT.to_owned(),
        false => chosen,
    }
}

/// The address of the context `default`: what flags and variables say, or the socket that is there.
pub(crate) fn default_context_address(globals: &Globals) -> String {
    let given = globals.host.clone().or_else(|| host_variable().map(|(_, host)| host));
    match given.as_deref().map(str::trim) {
        None | Some("") if globals.wants_tls() => "tcp://localhost:2376".to_owned(),
        None | Some("") => default_address(),
        Some(host) => lenient(host),
    }
}

fn from_default(globals: &Globals) -> Result<Endpoint, EndpointError> {
    let address = default_context_address(globals);
    if address.starts_with("npipe://") {
        return Err(EndpointError::Protocol);
    }
    let tls = globals.tls().map_err(EndpointError::Material)?;
    Ok(Endpoint {
        host: Host::parse_for(&address, tls.is_some())?,
        tls,
    })
}

/// The variable that names an engine, and what it says.
pub(crate) fn host_variable() -> Option<(&'static str, String)> {
    ["CORTEN_HOST", "DOCKER_HOST"]
        .into_iter()
        .find_map(|variable| Some((variable, set(variable)?)))
}

fn default_address() -> String {
    let path = if Path::new(CORTEN_SOCKET).exists() || !Path::new(DOCKER_SOCKET).exists() {
        CORTEN_SOCKET
    } else {
        DOCKER_SOCKET
    };
    Host::Unix(path.into()).to_string()
}

fn set(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

/// The scheme may be left out: a path is a unix socket, anything else TCP. No path is Docker's default.
fn lenient(text: &str) -> String {
    match text {
        "unix://" => default_address(),
        _ if text.contains("://") => text.to_owned(),
        _ if text.starts_with('/') => format!("unix://{text}"),
        _ => format!("tcp://{text}"),
    }
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
    fn a_host_and_a_context_exclude_each_other() {
        let globals = Globals {
            host: Some("unix:///x".to_owned()),
            context: Some("far".to_owned()),
            ..Globals::default()
        };
        assert!(matches!(choose(&globals), Err(EndpointError::Conflict)));
        let globals = Globals {
            host: Some("unix:///x".to_owned()),
            ..Globals::default()
        };
        assert_eq!(choose(&globals).unwrap().host, Host::Unix("/x".into()));
        assert_eq!(context_name(&globals), "default");
    }
}
