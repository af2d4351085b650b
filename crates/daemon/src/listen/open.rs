//! Opens the sockets of a daemon, and says what is dangerous about them. Texts are Docker's (observed,
//! dockerd 28.5), and so are the pauses.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;
use tokio::net::TcpListener;

use super::{Address, Listener, Passed, UnixSocketFile, is_answered, listen_unix};
use crate::settings::Transport;

/// The pause behind the first warnings.
const PAUSE: Duration = Duration::from_secs(1);

/// The pause where others than this machine can connect and nobody has said that this is meant.
const LONG_PAUSE: Duration = Duration::from_secs(15);

/// For every TCP socket whose clients are not verified.
const WARNINGS: &[&str] = &[
    "Binding to IP address without --tlsverify is insecure and gives root access on this machine to everyone who has \
     access to your network.",
    "Binding to an IP address, even on localhost, can also give access to scripts run in a browser. Be safe out \
     there!",
    "[DEPRECATION NOTICE] In future versions this will be a hard failure preventing the daemon from starting! Learn \
     more at: https://docs.docker.com/go/api-security/",
];

/// Before the long pause.
const MORE_WARNINGS: &[&str] = &[
    "Binding to an IP address without --tlsverify is deprecated. Startup is intentionally being slowed down to show \
     this message",
    "Please consider generating tls certificates with client validation to prevent exposing unauthenticated root \
     access to your network",
    "You can override this by explicitly specifying '--tls=false' or '--tlsverify=false'",
    "Support for listening on TCP without authentication or explicit intent to run without authentication will be \
     removed in the next release",
];

/// Says what is dangerous about sockets without verified clients, slowly enough to be read.
pub async fn warn_of_open_sockets(transport: &Transport) {
    if transport.tls.as_ref().is_some_and(|tls| tls.authority.is_some()) {
        return;
    }
    for host in &transport.hosts {
        if !matches!(host, Address::Tcp(_)) {
            continue;
        }
        warn(host, WARNINGS);
        tokio::time::sleep(PAUSE).await;
        if needs_long_pause(transport, host) {
            warn(host, MORE_WARNINGS);
            tokio::time::sleep(LONG_PAUSE).await;
        }
    }
}

fn needs_long_pause(transport: &Transport, host: &Address) -> bool {
    transport.tls.is_none() && !transport.is_open_on_purpose && !host.is_loopback()
}

fn warn(host: &Address, texts: &[&str]) {
    for text in texts {
        tracing::warn!(%host, "{text}");
    }
}

/// Opens all sockets; the files are removed when the second value is dropped.
///
/// # Errors
/// One cannot be opened; nothing is left then.
pub async fn open_sockets(
    transport: &Transport,
    secured: Option<&Arc<ServerConfig>>,
) -> Result<(Vec<Listener>, Vec<UnixSocketFile>)> {
    let (mut listeners, mut files) = (Vec::new(), Vec::new());
    let mut unix = |path: &Path| -> Result<Listener> {
        let (listener, file) = listen_unix(path, transport.group.as_deref())?;
        files.push(file);
        tracing::info!("API listen on {}", path.display());
        Ok(Listener::Unix(listener))
    };
    let hosts = transport.hosts.iter();
    let passed = hosts.clone().filter_map(Address::passed).collect::<Vec<_>>();
    let paths = hosts.clone().filter_map(Address::path).collect::<Vec<_>>();
    listeners.extend(Passed::from_environment().take(&passed, &paths, secured)?);
    for host in hosts {
        match host {
            Address::Unix(path) if listeners.iter().any(|passed| passed.is_at(path)) => {}
            Address::Unix(path) => listeners.push(unix(path)?),
            Address::Tcp(address) => listeners.push(tcp(address, secured).await?),
            Address::Passed(_) => {}
        }
    }
    if let Some(path) = transport.spare_host.as_deref().filter(|path| !is_answered(path)) {
        match unix(path) {
            Ok(listener) => listeners.push(listener),
            Err(error) => tracing::warn!("not listening on {} too: {error:#}", path.display()),
        }
    }
    Ok((listeners, files))
}

async fn tcp(address: &str, secured: Option<&Arc<ServerConfig>>) -> Result<Listener> {
    let bound = TcpListener::bind(address).await;
    let listener = bound.with_context(|| format!("listen on tcp://{address}"))?;
    tracing::info!(
        "API listen on {}",
        listener
            .local_addr()
            .map_or_else(|_| address.to_owned(), |at| at.to_string())
    );
    Ok(Listener::Tcp(listener, secured.cloned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_pauses_are_for_sockets_that_nobody_meant_to_open_to_others() {
        let transport = |purpose| Transport {
            hosts: Vec::new(),
            spare_host: None,
            group: None,
            tls: None,
            is_open_on_purpose: purpose,
        };
        let far = Address::Tcp("0.0.0.0:2375".to_owned());
        let near = Address::Tcp("127.0.0.1:2375".to_owned());
        assert!(needs_long_pause(&transport(false), &far));
        assert!(!needs_long_pause(&transport(true), &far));
        assert!(!needs_long_pause(&transport(false), &near));
    }
}
